"""Actions of channels, of the dialplan and of the session; and, by name, those of other families that pystrix has here.

Each class builds the request of one action; `Manager.send_action` sends it. A list that answers comes as
events, with `request.synchronous = True` in `Response.events`, with `request.aggregate = True` as an aggregate.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ami import core_events
from ami.agi import AGI
from ami.bridges import Bridge, LocalOptimizeAway
from ami.catalogue import Aggregate, Event
from ami.cdr import SetCDRUserField
from ami.config import CreateConfig, GetConfig, ListCategories, UpdateConfig
from ami.core_events import ORIGINATE_RESULT_MAP
from ami.database import DBDel, DBDelTree, DBGet, DBPut
from ami.errors import ManagerAuthError
from ami.login import (
    AUTHTYPE_MD5,
    EVENTMASK_ALL,
    EVENTMASK_CALL,
    EVENTMASK_LOG,
    EVENTMASK_NONE,
    EVENTMASK_SYSTEM,
    Challenge,
    Events,
    Login,
    Logoff,
    Ping,
)
from ami.monitors import ChangeMonitor, MixMonitorMute, Monitor, PauseMonitor, StopMonitor, UnpauseMonitor
from ami.parking import Park, ParkedCalls
from ami.queues import (
    QueueAdd,
    QueueLog,
    QueuePause,
    QueuePenalty,
    QueueReload,
    QueueRemove,
    QueueStatus,
    QueueSummary,
)
from ami.request import Action, Request, param
from ami.sip import SIPnotify, SIPpeers, SIPqualify, SIPshowpeer, SIPshowregistry
from ami.states import ExtensionState
from ami.system import ModuleCheck, ModuleLoad, Reload
from ami.voicemail import MailboxCount, MailboxStatus, VoicemailUsersList

__all__ = [
    "AGI", "AUTHTYPE_MD5", "EVENTMASK_ALL", "EVENTMASK_CALL", "EVENTMASK_LOG", "EVENTMASK_NONE", "EVENTMASK_SYSTEM",
    "FORMAT_ALAW", "FORMAT_G723", "FORMAT_G729", "FORMAT_GSM", "FORMAT_SLN", "FORMAT_ULAW", "FORMAT_VOX", "FORMAT_WAV",
    "ORIGINATE_RESULT_ANSWERED", "ORIGINATE_RESULT_BAD_NUMBER", "ORIGINATE_RESULT_BUSY", "ORIGINATE_RESULT_CONGESTION",
    "ORIGINATE_RESULT_INCOMPLETE", "ORIGINATE_RESULT_MAP", "ORIGINATE_RESULT_REJECT", "ORIGINATE_RESULT_RING_LOCAL",
    "ORIGINATE_RESULT_RING_REMOTE", "AbsoluteTimeout", "Bridge", "Challenge", "ChangeMonitor", "Command",
    "ControlPlayback", "CoreShowChannelMap", "CoreShowChannels", "CreateConfig", "DBDel", "DBDelTree", "DBGet", "DBPut",
    "DialplanExtensionAdd", "DialplanExtensionRemove", "Events", "ExtensionState", "GetConfig", "Getvar", "Hangup",
    "JabberSend", "ListCategories", "ListCommands", "LocalOptimizeAway", "Login", "Logoff", "MailboxCount",
    "MailboxStatus", "ManagerAuthError", "MessageSend", "MixMonitorMute", "ModuleCheck", "ModuleLoad", "Monitor",
    "MuteAudio", "Originate", "Originate_Application", "Originate_Context", "Park", "ParkedCalls", "PauseMonitor",
    "Ping", "PlayDTMF", "PlayMF", "QueueAdd", "QueueLog", "QueuePause", "QueuePenalty", "QueueReload", "QueueRemove",
    "QueueStatus", "QueueSummary", "Redirect", "Reload", "SIPnotify", "SIPpeers", "SIPqualify", "SIPshowpeer",
    "SIPshowregistry", "SendFlash", "SendText", "SetCDRUserField", "Setvar", "ShowDialPlan", "Status", "StopMonitor",
    "UnpauseMonitor", "UpdateConfig", "UserEvent", "VoicemailUsersList", "WaitEvent",
]  # fmt: skip

FORMAT_SLN = "sln"
FORMAT_G723 = "g723"
FORMAT_G729 = "g729"
FORMAT_GSM = "gsm"
FORMAT_ALAW = "alaw"
FORMAT_ULAW = "ulaw"
FORMAT_VOX = "vox"
FORMAT_WAV = "wav"

ORIGINATE_RESULT_BAD_NUMBER = 0
ORIGINATE_RESULT_REJECT = 1
ORIGINATE_RESULT_RING_LOCAL = 2
ORIGINATE_RESULT_RING_REMOTE = 3
ORIGINATE_RESULT_ANSWERED = 4
ORIGINATE_RESULT_BUSY = 5
ORIGINATE_RESULT_CONGESTION = 8
ORIGINATE_RESULT_INCOMPLETE = 30


def _assignments(variables: str | Mapping[str, object]) -> str | tuple[str, ...]:
    """Variables as Asterisk reads them: a header `Variable` for each, with `name=value`; text as it is."""
    return variables if isinstance(variables, str) else tuple(f"{name}={value}" for name, value in variables.items())


def _joined(parts: str | Iterable[object]) -> str:
    """Text, or several parts of one, as text with commas."""
    return parts if isinstance(parts, str) else ",".join(map(str, parts))


# Lists of channels


class CoreShowChannels(Action):
    """List the channels."""

    _aggregates = (core_events.CoreShowChannels_Aggregate,)


class CoreShowChannelMap(Action):
    """List the channels that one is connected with, directly or by others; Asterisk 22 has it, 16 has not."""

    channel: str

    _list = (core_events.CoreShowChannelMap,)
    _finalisers = (core_events.CoreShowChannelMapComplete,)


class Status(Action):
    """List the channels with their state, or only `channel`; with some of their variables, or all of them."""

    channel: str | None = param("channel", default=None)  # as it is documented; Asterisk ignores the case
    variables: str | Sequence[str] | None = param("Variables", default=None, encode=_joined)
    all_variables: bool | None = None

    _aggregates = (core_events.Status_Aggregate,)


# What is done to channels


class Hangup(Action):
    """Hang up a channel; or every channel that matches `/a regular expression/`, which a list answers.

    `cause` is the hang-up cause to give. A synchronous request waits until the channel is gone.
    """

    channel: str
    cause: int | None = None

    _finalisers = (core_events.Hangup,)
    _shared_headers = ("Channel",)

    def get_aggregate_classes(self) -> tuple[type[Aggregate], ...]:
        """The list that answers where the channel is a pattern."""
        return (core_events.Hangup_Aggregate,) if str(self.channel).startswith("/") else ()

    def get_synchronous_classes(
        self,
    ) -> tuple[tuple[type[Event], ...], tuple[type[Event], ...], tuple[type[Event], ...]]:
        """The events of that list, or the one that says that the channel is gone."""
        for kind in self.get_aggregate_classes():
            return (), kind._aggregation_members, kind._aggregation_finalisers
        return super().get_synchronous_classes()

    def is_ended_by(self, event: Event) -> bool:
        """Whether this channel is gone, which can be asked for by its name, in any case, and by its Uniqueid."""
        return isinstance(event, core_events.Hangup) and str(self.channel).lower() in (
            event.get("Channel", "").lower(),
            event.get("Uniqueid", "").lower(),
        )


class AbsoluteTimeout(Action):
    """Have a channel hang up in so many seconds. Asterisk refuses 0; `Setvar("TIMEOUT(absolute)", "0", channel)` takes
    the hang-up back.
    """

    channel: str
    seconds: int = param("Timeout", default=0, encode=lambda seconds: str(int(seconds)))


class Redirect(Action):
    """Have a channel go on elsewhere in the dialplan; with `extra_channel`, that one, too, at a place of its own."""

    channel: str
    context: str
    extension: str = param("Exten")
    priority: int | str
    extra_channel: str | None = None
    extra_context: str | None = None
    extra_extension: str | None = param("ExtraExten", default=None)
    extra_priority: int | str | None = None


class MuteAudio(Action):
    """Mute what a channel says (`input`), what it hears (`output`), or both; or end that, with `muted=False`."""

    channel: str
    direction: str
    state: str

    def __init__(self, channel: str, input: bool = False, output: bool = False, muted: bool = False) -> None:
        if not input and not output:
            raise ValueError("neither input nor output is to be muted, or no longer muted")
        Request.__init__(self, "MuteAudio")
        self.channel = channel
        self.direction = "all" if input and output else "in" if input else "out"
        self.state = "on" if muted else "off"


class PlayDTMF(Action):
    """Play a digit to a channel, for `duration` milliseconds; or, with `receive`, as if the channel had sent it."""

    channel: str
    digit: str | int = param("Digit", encode=str)
    duration: int | None = None
    receive: bool | None = None


class PlayMF(Action):
    """Play a digit in the tones of MF to a channel, for `duration` milliseconds."""

    channel: str
    digit: str | int = param("Digit", encode=str)
    duration: int | None = None


class SendFlash(Action):
    """Send a hook flash to a channel; or, with `receive`, as if it had sent one. Asterisk 22 has it, 16 has not."""

    channel: str
    receive: bool | None = None


class SendText(Action):
    """Send a text to a channel; `content_type` is `text/plain` unless another is given."""

    channel: str
    message: str
    content_type: str | None = param("Content-Type", default=None)


class ControlPlayback(Action):
    """Control what the application ControlPlayback plays: `stop`, `forward`, `reverse`, `pause` or `restart`."""

    channel: str
    control: str


# Originate


class _Originate(Action, action="Originate"):
    """What the ways to originate a call have in common.

    `timeout`, in milliseconds, is how long to let it ring, 30 s by default. With `async_` the answer comes at once,
    and `OriginateResponse` tells the result; without, it comes when the call was answered or given up, and nothing
    else comes before.
    """

    channel: str
    async_: bool = param("Async", encode=lambda value: "true" if value else "false")
    ring_timeout: int | None = param("Timeout", encode=str)
    callerid: str | None = param("CallerID")
    variables: Mapping[str, object] | None = param("Variable", encode=_assignments)
    account: str | None

    def __init__(
        self,
        channel: str,
        timeout: int | None = None,
        callerid: str | None = None,
        variables: Mapping[str, object] | None = None,
        account: str | None = None,
        async_: bool = True,
    ) -> None:
        Request.__init__(self, "Originate")
        self.channel = channel
        self.async_ = async_
        self.ring_timeout = timeout or None
        self.callerid = callerid or None
        self.variables = variables or None
        self.account = account or None
        self.timeout = timeout / 1000 + 2 if timeout else 600


class Originate_Application(_Originate, action="Originate"):
    """Call `channel`, and run an application of the dialplan on it when it answers.

    `data` is the application's argument, or a sequence of them; `timeout`, in milliseconds, is how long to let it
    ring. With `async_` the answer comes at once, and `OriginateResponse` tells the result.
    """

    application: str
    application_data: str | None = param("Data")

    def __init__(
        self,
        channel: str,
        application: str,
        data: str | Sequence[object] = (),
        timeout: int | None = None,
        callerid: str | None = None,
        variables: Mapping[str, object] | None = None,
        account: str | None = None,
        async_: bool = True,
    ) -> None:
        super().__init__(channel, timeout, callerid, variables, account, async_)
        self.application = application
        if isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data is text or a sequence of arguments, not {type(data).__name__}")
        self.application_data = _joined(data) or None


class Originate_Context(_Originate, action="Originate"):
    """Call `channel`, and have it go on in the dialplan at `extension`, `priority` of `context` when it answers.

    `timeout` and `async_` are those of `Originate_Application`.
    """

    context: str
    extension: str = param("Exten")
    priority: int | str

    def __init__(
        self,
        channel: str,
        context: str,
        extension: str,
        priority: int | str,
        timeout: int | None = None,
        callerid: str | None = None,
        variables: Mapping[str, object] | None = None,
        account: str | None = None,
        async_: bool = True,
    ) -> None:
        super().__init__(channel, timeout, callerid, variables, account, async_)
        self.context, self.extension, self.priority = context, extension, priority


class Originate(_Originate):
    """Call `channel`, with everything that Asterisk has for that: then an application, or an extension.

    `codecs` are joined by commas; `channel_id` and `other_channel_id`, of the second half of a Local channel, become
    Uniqueids; `pre_dial_gosub`, of Asterisk 22, is a subroutine for the channel before it is called.
    """

    context: str | None
    extension: str | None = param("Exten")
    priority: int | str | None
    application: str | None
    application_data: str | None = param("Data")
    early_media: bool | None
    codecs: str | Sequence[str] | None = param("Codecs", encode=_joined)
    channel_id: str | None
    other_channel_id: str | None
    pre_dial_gosub: str | None = param("PreDialGoSub")

    def __init__(
        self,
        channel: str,
        *,
        context: str | None = None,
        extension: str | None = None,
        priority: int | str | None = None,
        application: str | None = None,
        data: str | Sequence[object] | None = None,
        timeout: int | None = None,
        callerid: str | None = None,
        variables: Mapping[str, object] | None = None,
        account: str | None = None,
        async_: bool = True,
        early_media: bool | None = None,
        codecs: str | Sequence[str] | None = None,
        channel_id: str | None = None,
        other_channel_id: str | None = None,
        pre_dial_gosub: str | None = None,
    ) -> None:
        super().__init__(channel, timeout, callerid, variables, account, async_)
        self.context, self.extension, self.priority = context, extension, priority
        self.application = application
        self.application_data = None if data is None else _joined(data) or None
        self.early_media, self.codecs = early_media, codecs
        self.channel_id, self.other_channel_id = channel_id, other_channel_id
        self.pre_dial_gosub = pre_dial_gosub


# Variables


class Getvar(Action):
    """Read a variable or function, of a channel or global; the result has it as `Value`."""

    variable: str
    channel: str | None = None


class Setvar(Action):
    """Set a variable, of a channel or global."""

    variable: str
    value: str
    channel: str | None = None


# The dialplan


class ShowDialPlan(Action):
    """List the dialplan, or one context of it, or an extension."""

    extension: str | None = None
    context: str | None = None

    _list = (core_events.ListDialplan,)
    _finalisers = (core_events.ShowDialPlanComplete,)


class DialplanExtensionAdd(Action):
    """Add a step to an extension, or a `hint`; with `replace` in the place of another. The next reload undoes it."""

    context: str
    extension: str
    priority: int | str
    application: str
    application_data: str | None = None
    replace: bool | None = None


class DialplanExtensionRemove(Action):
    """Take an extension out of the dialplan, or one step of it."""

    context: str
    extension: str
    priority: int | str | None = None


# Commands, messages, events


class Command(Action):
    """Run a command of Asterisk's command line; the lines it prints are the result's `data`."""

    command: str


class ListCommands(Action):
    """List the actions that this user may send: each is a header of the result, with what it does."""


class MessageSend(Action):
    """Send a message outside of calls, to `destination` (`pjsip:100`); `to` and `from_` are what it says of itself."""

    destination: str | None = None
    to: str | None = None
    from_: str | None = None
    body: str | None = None
    base64_body: str | None = None
    variables: str | Mapping[str, object] | None = param("Variable", default=None, encode=_assignments)


class JabberSend(Action):
    """Send a message by XMPP, from an account of `xmpp.conf`.

    Asterisk says at once that it will try, which is the success here. If it then cannot, it says that in a second
    response, an orphan.
    """

    account: str = param("Jabber")
    jid: str = param("ScreenName")  # it documents `JID`, and does not read it
    message: str


class UserEvent(Action):
    """Raise an event of the caller's own: `UserEvent(UserEvent="Alarm", Level="3")`."""

    def __init__(self, **kwargs: Any) -> None:
        Request.__init__(self, "UserEvent")
        self.update(kwargs)

    _finalisers = (core_events.UserEvent,)


class WaitEvent(Action):
    """Wait so many seconds for an event, -1 without end; the session takes nothing else meanwhile.

    It is meant for HTTP: by this connection events come without being waited for.
    """

    seconds: int = param("Timeout")

    _finalisers = (core_events.WaitEventComplete,)

    def __init__(self, seconds: int) -> None:
        Request.__init__(self, "WaitEvent")
        self.seconds = seconds
        self.timeout = seconds + 5 if seconds >= 0 else math.inf
