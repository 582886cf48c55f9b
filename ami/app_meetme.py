"""The actions of conferences by MeetMe."""

from ami import app_meetme_events
from ami.catalogue import Action

__all__ = ["MeetmeList", "MeetmeListRooms", "MeetmeMute", "MeetmeUnmute"]


class MeetmeList(Action):
    """List who is in the conferences, or in one of them."""

    conference: str | None = None

    _aggregates = (app_meetme_events.MeetmeList_Aggregate,)
    _list = (app_meetme_events.MeetmeList,)
    _finalisers = (app_meetme_events.MeetmeListComplete,)


class MeetmeListRooms(Action):
    """List the conferences."""

    _aggregates = (app_meetme_events.MeetmeListRooms_Aggregate,)
    _list = (app_meetme_events.MeetmeListRooms,)
    _finalisers = (app_meetme_events.MeetmeListRoomsComplete,)


class MeetmeMute(Action):
    """Mute somebody in a conference."""

    meetme: str
    usernum: int | str


class MeetmeUnmute(Action):
    """Undo `MeetmeMute`."""

    meetme: str
    usernum: int | str
