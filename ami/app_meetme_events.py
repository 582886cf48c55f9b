"""The events and aggregates of conferences by MeetMe."""

from ami.catalogue import Aggregate, Bool, Event, Header, Int, Text
from ami.core_events import ChannelEvent


class _Talking(Header[bool]):
    """`Yes`, `No`, or a word that says that it is not known."""

    def convert(self, text: str) -> bool | None:
        """True, False, or None for the rest."""
        return {"Yes": True, "No": False}.get(text)


class MeetmeJoin(ChannelEvent):
    """Somebody joined a conference."""

    meetme = Text()
    user = Int()


class MeetmeMute(ChannelEvent):
    """Somebody in a conference was muted, or no longer is."""

    meetme = Text()
    user = Int()
    status = Bool("on", process=False)


class MeetmeList(Event):
    """An item of the answer to `MeetmeList`: somebody in a conference."""

    conference = Text()
    user_number = Int(process=-1)
    caller_id_num = Text("CallerIDNum")
    caller_id_name = Text("CallerIDName")
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
    """An item of the answer to `MeetmeListRooms`: a conference."""

    conference = Text()
    parties = Int(process=-1)
    marked = Text()
    activity = Text()
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
