"""The actions of conferences by ConfBridge."""

import re

from ami import app_confbridge_events, core_events
from ami.catalogue import Event
from ami.request import Action, param

__all__ = [
    "ConfbridgeKick", "ConfbridgeList", "ConfbridgeListRooms", "ConfbridgeLock", "ConfbridgeMoHOff", "ConfbridgeMoHOn",
    "ConfbridgeMute", "ConfbridgePlayFile", "ConfbridgeSetSingleVideoSrc", "ConfbridgeStartRecord",
    "ConfbridgeStopRecord", "ConfbridgeUnlock", "ConfbridgeUnmute",
]  # fmt: skip

# Conferences and who is in them


class ConfbridgeList(Action):
    """List who is in a conference."""

    conference: str

    _aggregates = (app_confbridge_events.ConfbridgeList_Aggregate,)


class ConfbridgeListRooms(Action):
    """List the conferences; without any, Asterisk answers with an error."""

    _aggregates = (app_confbridge_events.ConfbridgeListRooms_Aggregate,)


class ConfbridgeLock(Action):
    """Let nobody else into a conference."""

    conference: str


class ConfbridgeUnlock(Action):
    """Undo `ConfbridgeLock`."""

    conference: str


class ConfbridgeKick(Action):
    """Remove somebody from a conference; the channel `all` is everybody, `participants` all but its administrators."""

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


class ConfbridgeSetSingleVideoSrc(Action):
    """Make somebody the only source of video of a conference."""

    conference: str
    channel: str


# Recordings


class ConfbridgeStartRecord(Action):
    """Record a conference; to a file of that name, if one is given.

    A synchronous request waits for the variable that tells of the recording: before Asterisk 12 the file's name,
    `MIXMONITOR_FILENAME`, from then on the `BRIDGEPEER` of somebody in the conference, which has the recorder among
    its channels. To a user who may not read the class `dialplan`, `ConfbridgeRecord` says so.
    """

    conference: str
    filename: str | None = param("RecordFile", default=None)

    _finalisers = (core_events.VarSet,)
    _shared_headers = ("Conference",)

    def is_ended_by(self, event: Event) -> bool:
        """Whether this conference's recorder is there."""
        conference = str(self.conference)
        if event.name == "ConfbridgeRecord":
            return event.get("Conference") == conference
        if event.name != "VarSet":
            return False
        channels = {"MIXMONITOR_FILENAME": event.get("Channel", ""), "BRIDGEPEER": event.get("Value", "")}
        names = channels.get(event.get("Variable", ""), "").split(",")
        return any(_records(name, conference) for name in names)


class ConfbridgeStopRecord(Action):
    """Stop recording a conference.

    A synchronous request waits until the recorder hangs up, or, as Asterisk from 12 on does not tell of that, for
    `ConfbridgeStopRecord`.
    """

    conference: str

    _finalisers = (core_events.Hangup,)
    _shared_headers = ("Conference",)

    def is_ended_by(self, event: Event) -> bool:
        """Whether this conference's recorder is gone."""
        conference = str(self.conference)
        if event.name == "ConfbridgeStopRecord":
            return event.get("Conference") == conference
        return event.name == "Hangup" and _records(event.get("Channel", ""), conference)


def _records(channel: str, conference: str) -> bool:
    """Whether a channel is the recorder of a conference: `CBRec/room-00000000`, or, before Asterisk 12,
    `ConfBridgeRecorder/conf-room-uid-1653801660`."""
    name = re.escape(conference)
    return re.fullmatch(f"CBRec/{name}-[0-9a-f]+|ConfBridgeRecorder/conf-{name}-uid-.+", channel) is not None


# Of others than Asterisk's own releases


class ConfbridgeMoHOn(Action):
    """Play music on hold to somebody in a conference; not in Asterisk's own releases."""

    conference: str
    channel: str


class ConfbridgeMoHOff(Action):
    """Undo `ConfbridgeMoHOn`; not in Asterisk's own releases."""

    conference: str
    channel: str


class ConfbridgePlayFile(Action):
    """Play a sound file to a conference, or to somebody in it; not in Asterisk's own releases."""

    file: str
    conference: str
    channel: str | None = None
