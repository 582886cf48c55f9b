"""The events and aggregates of conferences by ConfBridge."""

from ami.catalogue import Aggregate, Event
from ami.headers import Bool, Int, Text
from ami.snapshots import BridgeEvent, ChannelEvent

__all__ = [
    "ConfbridgeEnd", "ConfbridgeJoin", "ConfbridgeLeave", "ConfbridgeList", "ConfbridgeListComplete",
    "ConfbridgeListRooms", "ConfbridgeListRoomsComplete", "ConfbridgeListRooms_Aggregate", "ConfbridgeList_Aggregate",
    "ConfbridgeMute", "ConfbridgeRecord", "ConfbridgeStart", "ConfbridgeStopRecord", "ConfbridgeTalking",
    "ConfbridgeUnmute",
]  # fmt: skip

# Conferences


class _Conference(BridgeEvent, abstract=True):
    """The base of events about a conference."""

    conference = Text()


class ConfbridgeStart(_Conference):
    """A conference began."""


class ConfbridgeEnd(_Conference):
    """A conference ended."""


class ConfbridgeRecord(_Conference):
    """The recording of a conference began."""


class ConfbridgeStopRecord(_Conference):
    """The recording of a conference ended."""


# Who is in them


class _Participant(_Conference, ChannelEvent, abstract=True):
    """The base of events about somebody in a conference."""

    admin = Bool("Yes")


class ConfbridgeJoin(_Participant):
    """Somebody joined a conference."""

    muted = Bool("Yes")


class ConfbridgeLeave(_Participant):
    """Somebody left a conference."""


class ConfbridgeMute(_Participant):
    """Somebody in a conference was muted."""


class ConfbridgeUnmute(_Participant):
    """Somebody in a conference is no longer muted."""


class ConfbridgeTalking(_Participant):
    """Somebody in a conference began or stopped to talk."""

    talking_status = Bool("on", process=False)


# Lists


class ConfbridgeList(ChannelEvent):
    """An item of the answer to `ConfbridgeList`: somebody in a conference, for `answered_time` seconds.

    Asterisk 22 has `end_marked_any`, 16 has not.
    """

    conference = Text()
    admin = Bool("Yes", process=False)
    marked_user = Bool("Yes", process=False)
    wait_marked = Bool("Yes")
    end_marked = Bool("Yes")
    end_marked_any = Bool("Yes")
    waiting = Bool("Yes")
    muted = Bool("Yes")
    talking = Bool("Yes")
    answered_time = Int()


class ConfbridgeListComplete(Event):
    """The end of the answer to `ConfbridgeList`."""

    list_items = Int(process=-1)


class ConfbridgeList_Aggregate(Aggregate):
    """The answer to `ConfbridgeList`."""

    _aggregation_members = (ConfbridgeList,)
    _aggregation_finalisers = (ConfbridgeListComplete,)
    _count_header = "ListItems"


class ConfbridgeListRooms(Event):
    """An item of the answer to `ConfbridgeListRooms`: a conference."""

    conference = Text()
    parties = Int(process=-1)
    marked = Int(process=-1)
    locked = Bool("Yes", process=False)
    muted = Bool("Yes")


class ConfbridgeListRoomsComplete(Event):
    """The end of the answer to `ConfbridgeListRooms`."""

    list_items = Int(process=-1)


class ConfbridgeListRooms_Aggregate(Aggregate):
    """The answer to `ConfbridgeListRooms`."""

    _aggregation_members = (ConfbridgeListRooms,)
    _aggregation_finalisers = (ConfbridgeListRoomsComplete,)
    _count_header = "ListItems"
