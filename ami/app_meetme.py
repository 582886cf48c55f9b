"""The actions of conferences by MeetMe, which needs DAHDI; few packages of Asterisk have it."""

from ami import app_meetme_events
from ami.request import Action

__all__ = ["MeetmeList", "MeetmeListRooms", "MeetmeMute", "MeetmeUnmute"]


class MeetmeList(Action):
    """List who is in the conferences, or in one of them; without any, Asterisk answers with an error."""

    conference: str | None = None

    _aggregates = (app_meetme_events.MeetmeList_Aggregate,)


class MeetmeListRooms(Action):
    """List the conferences; without any, Asterisk answers with an error."""

    _aggregates = (app_meetme_events.MeetmeListRooms_Aggregate,)


class MeetmeMute(Action):
    """Mute somebody in a conference."""

    meetme: str
    usernum: int | str


class MeetmeUnmute(Action):
    """Undo `MeetmeMute`."""

    meetme: str
    usernum: int | str
