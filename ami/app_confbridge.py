"""The actions of conferences by ConfBridge."""

from ami import app_confbridge_events, core_events
from ami.catalogue import Action, param

__all__ = [
    "ConfbridgeKick", "ConfbridgeList", "ConfbridgeListRooms", "ConfbridgeLock", "ConfbridgeMoHOff", "ConfbridgeMoHOn",
    "ConfbridgeMute", "ConfbridgePlayFile", "ConfbridgeSetSingleVideoSrc", "ConfbridgeStartRecord",
    "ConfbridgeStopRecord", "ConfbridgeUnlock", "ConfbridgeUnmute",
]  # fmt: skip


class ConfbridgeKick(Action):
    """Remove somebody from a conference."""

    conference: str
    channel: str


class ConfbridgeList(Action):
    """List who is in a conference."""

    conference: str

    _aggregates = (app_confbridge_events.ConfbridgeList_Aggregate,)
    _list = (app_confbridge_events.ConfbridgeList,)
    _finalisers = (app_confbridge_events.ConfbridgeListComplete,)


class ConfbridgeListRooms(Action):
    """List the conferences."""

    _aggregates = (app_confbridge_events.ConfbridgeListRooms_Aggregate,)
    _list = (app_confbridge_events.ConfbridgeListRooms,)
    _finalisers = (app_confbridge_events.ConfbridgeListRoomsComplete,)


class ConfbridgeLock(Action):
    """Let nobody else into a conference."""

    conference: str


class ConfbridgeUnlock(Action):
    """Undo `ConfbridgeLock`."""

    conference: str


class ConfbridgeMoHOn(Action):
    """Play music on hold to somebody in a conference; not in Asterisk's own releases."""

    conference: str
    channel: str


class ConfbridgeMoHOff(Action):
    """Undo `ConfbridgeMoHOn`; not in Asterisk's own releases."""

    conference: str
    channel: str


class ConfbridgeMute(Action):
    """Mute somebody in a conference."""

    conference: str
    channel: str


class ConfbridgeUnmute(Action):
    """Undo `ConfbridgeMute`."""

    conference: str
    channel: str


class ConfbridgePlayFile(Action):
    """Play a sound file to a conference, or to somebody in it; not in Asterisk's own releases."""

    file: str
    conference: str
    channel: str | None = None


class ConfbridgeSetSingleVideoSrc(Action):
    """Make somebody the only source of video of a conference."""

    conference: str
    channel: str


class ConfbridgeStartRecord(Action):
    """Record a conference; to a file of that name, if one is given.

    A synchronous request waits for the variable that names the recording to be set.
    """

    conference: str
    filename: str | None = param("RecordFile", default=None)

    _finalisers = (core_events.VarSet,)


class ConfbridgeStopRecord(Action):
    """Stop recording a conference. A synchronous request waits until the recording channel is gone."""

    conference: str

    _finalisers = (core_events.Hangup,)
