"""The events and aggregates of conferences by MeetMe."""

from ami.catalogue import Aggregate, Event
from ami.headers import Bool, Duration, Header, Int, Text
from ami.snapshots import ChannelEvent

__all__ = [
    "MeetmeEnd", "MeetmeJoin", "MeetmeLeave", "MeetmeList", "MeetmeListComplete", "MeetmeListRooms",
    "MeetmeListRoomsComplete", "MeetmeListRooms_Aggregate", "MeetmeList_Aggregate", "MeetmeMute", "MeetmeTalkRequest",
    "MeetmeTalking",
]  # fmt: skip

# Conferences and who is in them


class MeetmeEnd(Event):
    """A conference ended."""

    meetme = Text()


class _Participant(ChannelEvent, abstract=True):
    """The base of events about somebody in a conference, who is `user` there; `duration` is the seconds since then."""

    meetme = Text()
    user = Int()


class MeetmeJoin(_Participant):
    """Somebody joined a conference."""


class MeetmeLeave(_Participant):
    """Somebody left a conference."""

    duration = Int()


class MeetmeMute(_Participant):
    """Somebody in a conference was muted, or no longer is."""

    duration = Int()
    status = Bool("on", process=False)


class MeetmeTalking(_Participant):
    """Somebody in a conference began or stopped to talk."""

    duration = Int()
    status = Bool("on")


class MeetmeTalkRequest(_Participant):
    """Somebody in a conference asks to be allowed to talk, or no longer does."""

    duration = Int()
    status = Bool("on")


# Lists


class _Talking(Header[bool]):
    """`Yes`, `No`, or a word that says that it is not known."""

    def convert(self, text: str) -> bool | None:
        """True, False, or None for the rest."""
        return {"Yes": True, "No": False}.get(text)


class MeetmeList(Event):
    """An item of the answer to `MeetmeList`: somebody in a conference.

    `muted` says by whom; `talking` is None where the conference does not listen for it.
    """

    conference = Text()
    user_number = Int(process=-1)
    caller_id_num = Text("CallerIDNum")
    caller_id_name = Text("CallerIDName")
    connected_line_num = Text()
    connected_line_name = Text()
    channel = Text()
    admin = Bool("Yes", process=False)
    role = Text()
    marked_user = Bool("Yes", process=False)
    muted = Text()
    talking = _Talking(process=None)


class MeetmeListComplete(Event):
    """The end of the answer to `MeetmeList`."""

    list_items = Int(process=-1)


class MeetmeList_Aggregate(Aggregate):
    """The answer to `MeetmeList`."""

    _aggregation_members = (MeetmeList,)
    _aggregation_finalisers = (MeetmeListComplete,)
    _count_header = "ListItems"


class MeetmeListRooms(Event):
    """An item of the answer to `MeetmeListRooms`: a conference; `activity` is the seconds since it began.

    `marked` is a number, or `N/A`.
    """

    conference = Text()
    parties = Int(process=-1)
    marked = Text()
    activity = Duration()
    creation = Text()
    locked = Bool("Yes", process=False)


class MeetmeListRoomsComplete(Event):
    """The end of the answer to `MeetmeListRooms`."""

    list_items = Int(process=-1)


class MeetmeListRooms_Aggregate(Aggregate):
    """The answer to `MeetmeListRooms`."""

    _aggregation_members = (MeetmeListRooms,)
    _aggregation_finalisers = (MeetmeListRoomsComplete,)
    _count_header = "ListItems"
