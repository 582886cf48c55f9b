"""The actions of Asterisk's core and of its queues.

Each class builds the request of one action; `Manager.send_action` sends it. A list that answers comes as
events, with `request.synchronous = True` in `Response.events`, with `request.aggregate = True` as an aggregate.
"""

import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from ami import core_events, wire
from ami.catalogue import Action, Request, param
from ami.core_events import ORIGINATE_RESULT_MAP
from ami.errors import ManagerAuthError, ManagerError
from ami.message import KEY_RESPONSE, Message
from ami.session import Response

__all__ = [
    "AUTHTYPE_MD5", "EVENTMASK_ALL", "EVENTMASK_CALL", "EVENTMASK_LOG", "EVENTMASK_NONE", "EVENTMASK_SYSTEM",
    "ORIGINATE_RESULT_ANSWERED", "ORIGINATE_RESULT_BAD_NUMBER", "ORIGINATE_RESULT_BUSY", "ORIGINATE_RESULT_CONGESTION",
    "ORIGINATE_RESULT_INCOMPLETE", "ORIGINATE_RESULT_MAP", "ORIGINATE_RESULT_REJECT", "ORIGINATE_RESULT_RING_LOCAL",
    "ORIGINATE_RESULT_RING_REMOTE", "Challenge", "Command", "CoreShowChannels", "DBGet", "DBPut", "Events", "Getvar",
    "Hangup", "Login", "Logoff", "ManagerAuthError", "Originate_Application", "Originate_Context", "Ping",
    "QueueStatus", "QueueSummary", "Setvar", "Status", "UserEvent",
]  # fmt: skip

AUTHTYPE_MD5 = "MD5"

EVENTMASK_ALL = "on"
EVENTMASK_NONE = "off"
EVENTMASK_CALL = "call"
EVENTMASK_LOG = "log"
EVENTMASK_SYSTEM = "system"

ORIGINATE_RESULT_BAD_NUMBER = 0
ORIGINATE_RESULT_REJECT = 1
ORIGINATE_RESULT_RING_LOCAL = 2
ORIGINATE_RESULT_RING_REMOTE = 3
ORIGINATE_RESULT_ANSWERED = 4
ORIGINATE_RESULT_BUSY = 5
ORIGINATE_RESULT_CONGESTION = 8
ORIGINATE_RESULT_INCOMPLETE = 30

# Sessions


class Challenge(Action):
    """Ask for the challenge of a login that does not send the secret; the response has it as `Challenge`."""

    authtype: str = param("AuthType", default=AUTHTYPE_MD5)


class Login(Action):
    """Log in: with a `challenge`, by its MD5 digest with the secret; without, with the secret itself.

    `events=False` asks for no events. A refusal raises `ManagerAuthError` from `send_action`, and so does,
    here, a challenge with an `authtype` other than MD5.
    """

    def __init__(
        self,
        username: str,
        secret: str,
        events: bool = True,
        challenge: str | None = None,
        authtype: str | None = AUTHTYPE_MD5,
    ) -> None:
        Request.__init__(self, "Login")
        self["Username"] = username
        if challenge is not None and authtype:
            if authtype != AUTHTYPE_MD5:
                raise ManagerAuthError(f"no login by {authtype!r} can be made; {AUTHTYPE_MD5} can")
            self["AuthType"] = authtype
            self["Key"] = hashlib.md5(wire.encode(challenge + secret), usedforsecurity=False).hexdigest()
        else:
            self["Secret"] = secret
        if not events:
            self["Events"] = EVENTMASK_NONE

    def process_response(self, response: Message) -> Message:
        """Raise `ManagerAuthError` for a refusal."""
        if response.get(KEY_RESPONSE) == "Error":
            raise ManagerAuthError(response.get("Message") or "the server refused the login")
        return super().process_response(response)


def login_steps(username: str, secret: str, *, events: bool = True) -> Generator[Request, Response | None, Response]:
    """The actions of a login by MD5 challenge, one after the other, each answered by what it brought.

    Raises `ManagerAuthError` for a refusal, `ManagerError` when an answer does not come.
    """
    challenged = yield Challenge()
    challenge = None if challenged is None else challenged.result.get("Challenge")
    if challenged is None or challenge is None:
        _no_login("Challenge", challenged)
    logged_in = yield Login(username, secret, events=events, challenge=challenge)
    if logged_in is None:
        _no_login("Login", logged_in)
    return logged_in


def _no_login(action: str, response: Response | None) -> NoReturn:
    if response is None:
        raise ManagerError(f"the server did not answer {action} in time")
    raise ManagerAuthError(response.result.get("Message") or f"the server refused {action}")


class Logoff(Action):
    """End the session; the server says `Goodbye` and closes the connection."""

    def process_response(self, response: Message) -> Message:
        """`Goodbye` is this action's success."""
        response = super().process_response(response)
        response.success = response.success or response.get(KEY_RESPONSE) == "Goodbye"
        return response


class Ping(Action):
    """Ask for a sign of life; the result has the seconds it took as `RTT`, or -1 for an answer that is none."""

    def process_response(self, response: Message) -> Message:
        """Add `RTT`. Asterisk from 1.8 on says `Ping: Pong`; before, `Pong` was the response itself."""
        response = super().process_response(response)
        pong = "Pong" in (response.get("Ping"), response.get(KEY_RESPONSE))
        response.success = response.success or pong
        response.put("RTT", response.elapsed if pong else -1)
        return response


class Events(Action):
    """Choose the classes of events to be sent: a mask as text, or several classes.

    Several classes are sent as a list; `on` among them means all, none of them means `off`.
    """

    def __init__(self, mask: str | Iterable[str]) -> None:
        Request.__init__(self, "Events")
        if not isinstance(mask, str):
            classes = list(mask)
            if EVENTMASK_ALL in classes:
                mask = EVENTMASK_ALL
            else:
                mask = ",".join(each for each in classes if each != EVENTMASK_NONE) or EVENTMASK_NONE
        self["EventMask"] = mask

    def process_response(self, response: Message) -> Message:
        """Asterisk before 1.8 answered `Events On` or `Events Off`, not `Success`."""
        response = super().process_response(response)
        response.success = response.success or response.get(KEY_RESPONSE) in ("Events On", "Events Off")
        return response


class Command(Action):
    """Run a command of Asterisk's command line; the lines it prints are the result's `data`."""

    command: str


# Channels


class CoreShowChannels(Action):
    """List the channels."""

    _aggregates = (core_events.CoreShowChannels_Aggregate,)
    _list = (core_events.CoreShowChannel,)
    _finalisers = (core_events.CoreShowChannelsComplete,)


class Status(Action):
    """List the channels with their state, or only `channel`."""

    channel: str | None = param("Channel", default=None)

    _aggregates = (core_events.Status_Aggregate,)
    _list = (core_events.Status,)
    _finalisers = (core_events.StatusComplete,)


class Hangup(Action):
    """Hang up a channel; or every channel that matches `/a regular expression/`, which a list answers.

    `cause` is the hang-up cause to give. A synchronous request waits until the channel is gone.
    """

    channel: str
    cause: int | None = None

    _finalisers = (core_events.Hangup,)
    _shared_headers = ("Channel",)


class Getvar(Action):
    """Read a variable or function, of a channel or global; the result has it as `Value`."""

    variable: str
    channel: str | None = None


class Setvar(Action):
    """Set a variable, of a channel or global."""

    variable: str
    value: str
    channel: str | None = None


class _Originate(Request):
    """What the two ways to originate a call have in common."""

    def __init__(
        self,
        channel: str,
        timeout: int | None = None,
        callerid: str | None = None,
        variables: Mapping[str, object] | None = None,
        account: str | None = None,
        async_: bool = True,
    ) -> None:
        super().__init__("Originate")
        self["Channel"] = channel
        self["Async"] = "true" if async_ else "false"
        if timeout:
            self["Timeout"] = str(timeout)
        if callerid:
            self["CallerID"] = callerid
        if variables:
            self["Variable"] = tuple(f"{name}={value}" for name, value in variables.items())
        if account:
            self["Account"] = account
        # An answer that is not asynchronous comes when the call was answered or given up: 30 s by default.
        self.timeout = timeout / 1000 + 2 if timeout else 600


class Originate_Application(_Originate):
    """Call `channel`, and run an application of the dialplan on it when it answers.

    `data` is the application's argument, or a sequence of them; `timeout`, in milliseconds, is how long to let it
    ring. With `async_` the answer comes at once, and `OriginateResponse` tells the result.
    """

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
        self["Application"] = application
        if isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"data is text or a sequence of arguments, not {type(data).__name__}")
        text = data if isinstance(data, str) else ",".join(map(str, data))
        if text:
            self["Data"] = text


class Originate_Context(_Originate):
    """Call `channel`, and have it go on in the dialplan at `extension`, `priority` of `context` when it answers.

    `timeout` and `async_` are those of `Originate_Application`.
    """

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
        self["Context"] = context
        self["Exten"] = extension
        self["Priority"] = priority


# Queues


class QueueStatus(Action):
    """List the queues with their members and callers, or only `queue`."""

    queue: str | None = None

    _aggregates = (core_events.QueueStatus_Aggregate,)
    _list = (core_events.QueueParams, core_events.QueueMember, core_events.QueueEntry)
    _finalisers = (core_events.QueueStatusComplete,)


class QueueSummary(Action):
    """List the queues with their figures, or only `queue`."""

    queue: str | None = None

    _aggregates = (core_events.QueueSummary_Aggregate,)
    _list = (core_events.QueueSummary,)
    _finalisers = (core_events.QueueSummaryComplete,)


# The database, users


class DBGet(Action):
    """Read a value of Asterisk's database; it comes as the event `DBGetResponse`."""

    family: str
    key: str

    _list = (core_events.DBGetResponse,)
    _finalisers = (core_events.DBGetComplete,)


class DBPut(Action):
    """Write a value to Asterisk's database."""

    family: str
    key: str
    value: str = param("Val")


class UserEvent(Action):
    """Raise an event of the caller's own: `UserEvent(UserEvent="Alarm", Level="3")`."""

    def __init__(self, **kwargs: Any) -> None:
        Request.__init__(self, "UserEvent")
        self.update(kwargs)

    _finalisers = (core_events.UserEvent,)
