"""Fax sessions."""

from ami.catalogue import Event
from ami.headers import Bool, Int, Text
from ami.request import Action
from ami.snapshots import ChannelEvent

__all__ = [
    "FAXSession", "FAXSessionEvent", "FAXSessions", "FAXSessionsComplete", "FAXSessionsEntry", "FAXStats",
    "FAXStatsEvent", "FAXStatus", "ReceiveFAX", "SendFAX",
]  # fmt: skip

# What happens


class FAXStatus(ChannelEvent):
    """A fax has come a step further; `operation` is `send`, `receive` or `gateway`, `status` is in words."""

    operation = Text()
    status = Text()
    local_station_id = Text("LocalStationID")
    file_name = Text()


class _Transfer(ChannelEvent, abstract=True):
    """What a fax was; the rate is in bits per second. Several files are several headers: `get_all("FileName")`."""

    local_station_id = Text("LocalStationID")
    remote_station_id = Text("RemoteStationID")
    pages_transferred = Int()
    resolution = Text()
    transfer_rate = Int()
    file_name = Text()


class ReceiveFAX(_Transfer):
    """A fax was received."""


class SendFAX(_Transfer):
    """A fax was sent."""


# Sessions


class FAXSessionsEntry(Event):
    """An item of the answer to `FAXSessions`: a session."""

    channel = Text()
    technology = Text()
    session_number = Int()
    session_type = Text()
    operation = Text()
    state = Text()
    files = Text()


class FAXSessionsComplete(Event):
    """The end of the answer to `FAXSessions`."""

    list_items = Int()
    total = Int()


class FAXSessions(Action):
    """List the sessions."""

    _list = (FAXSessionsEntry,)
    _finalisers = (FAXSessionsComplete,)


class FAXSessionEvent(Event, name="FAXSession"):
    """The answer to the action `FAXSession`; how far a session is decides which headers there are."""

    session_number = Int()
    operation = Text()
    state = Text()
    error_correction_mode = Bool("yes")
    data_rate = Int()
    image_resolution = Text()
    page_number = Int()
    file_name = Text()
    pages_transmitted = Int()
    pages_received = Int()
    total_bad_lines = Int()


class FAXSession(Action):
    """Ask for one session; the answer is an event, for which a synchronous request waits."""

    session_number: int | str

    _finalisers = (FAXSessionEvent,)


class FAXStatsEvent(Event, name="FAXStats"):
    """The answer to the action `FAXStats`."""

    current_sessions = Int()
    reserved_sessions = Int()
    transmit_attempts = Int()
    receive_attempts = Int()
    completed_faxes = Int("CompletedFAXes")
    failed_faxes = Int("FailedFAXes")


class FAXStats(Action):
    """Ask for counts since Asterisk started; the answer is an event, for which a synchronous request waits."""

    _finalisers = (FAXStatsEvent,)
