"""The actions of a login, and those that keep a connection alive."""

from collections.abc import Generator, Iterable
from typing import NoReturn

from ami import wire
from ami.errors import ManagerAuthError, ManagerError
from ami.message import KEY_RESPONSE, Message
from ami.outcomes import Response
from ami.request import Action, Request, param

__all__ = [
    "AUTHTYPE_MD5",
    "EVENTMASK_ALL",
    "EVENTMASK_CALL",
    "EVENTMASK_LOG",
    "EVENTMASK_NONE",
    "EVENTMASK_SYSTEM",
    "Challenge",
    "Events",
    "Filter",
    "FilterList",
    "Login",
    "Logoff",
    "Ping",
    "login_steps",
]

AUTHTYPE_MD5 = "MD5"

EVENTMASK_ALL = "on"
EVENTMASK_NONE = "off"
EVENTMASK_CALL = "call"
EVENTMASK_LOG = "log"
EVENTMASK_SYSTEM = "system"


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
            import hashlib  # here, as it is slow to load

            self["Key"] = hashlib.md5(wire.encode(challenge + secret), usedforsecurity=False).hexdigest()
        else:
            self["Secret"] = secret
        if not events:
            self["Events"] = EVENTMASK_NONE

    def process_response(self, response: Message) -> Message:
        """Raise `ManagerAuthError` for a refusal, `ManagerError` for one that will pass (the server restarts)."""
        if response.get(KEY_RESPONSE) == "Error":
            raise _refusal(response.get("Message") or "the server refused the login")
        return super().process_response(response)


def login_steps(
    username: str, secret: str, *, events: bool = True, plain: bool = False, filters: Iterable[str] = ()
) -> Generator[Request, Response | None, Response]:
    """The actions of a login, one after the other, each answered by what it brought.

    By MD5 challenge, or with the secret itself where `plain` asks for that. `filters` are added to the session, in the
    form of `eventfilter` in `manager.conf`; a server that has no such action, or refuses it, sends more than was asked
    for. Raises `ManagerAuthError` for a refusal, `ManagerError` when an answer does not come.
    """
    challenge = None
    if not plain:
        challenged = yield Challenge()
        challenge = None if challenged is None else challenged.result.get("Challenge")
        if challenged is None or challenge is None:
            _no_login("Challenge", challenged)
    logged_in = yield Login(username, secret, events=events, challenge=challenge)
    if logged_in is None:
        _no_login("Login", logged_in)
    for text in filters:
        request = Request("Filter")
        request.update(Operation="Add", Filter=text)
        yield request
    return logged_in


def _no_login(action: str, response: Response | None) -> NoReturn:
    if response is None:
        raise ManagerError(f"the server did not answer {action} in time")
    raise _refusal(response.result.get("Message") or f"the server refused {action}")


def _refusal(message: str) -> ManagerError:
    """The error for a login that was refused: for good, or because of what will pass."""
    return ManagerError(message) if message in _PASSING else ManagerAuthError(message)


_PASSING = ("Asterisk is shutting down", "Login Already In Use")
"""What a server says that may say something else soon: it restarts, or has not yet noticed that a link was lost."""


class Logoff(Action):
    """End the session; the server says `Goodbye` and closes the connection."""

    def process_response(self, response: Message) -> Message:
        """`Goodbye` is this action's success."""
        response = super().process_response(response)
        response.success = response.success or response.get(KEY_RESPONSE) == "Goodbye"
        return response


def logoff() -> Logoff:
    """The last action of a manager that closes: the answer is not worth a long wait."""
    request = Logoff()
    request.timeout = 1
    return request


class Ping(Action):
    """Ask for a sign of life; the result has the seconds it took as `RTT`, or -1 for an answer that is none."""

    def process_response(self, response: Message) -> Message:
        """Add `RTT`. Asterisk from 1.8 on says `Ping: Pong`; before, `Pong` was the response itself."""
        response = super().process_response(response)
        pong = response.get("Ping") == "Pong" or response.get(KEY_RESPONSE) == "Pong"
        response.success = response.success or pong
        response.put("RTT", response.elapsed if pong else -1)
        return response


class Events(Action):
    """Choose the classes of events to be sent: a mask as text, or several classes.

    Several classes are sent as a list; `on` among them means all, none of them means `off`.
    """

    mask: str = param("EventMask")

    def __init__(self, mask: str | Iterable[str]) -> None:
        Request.__init__(self, "Events")
        if not isinstance(mask, str):
            classes = list(mask)
            if EVENTMASK_ALL in classes:
                mask = EVENTMASK_ALL
            else:
                mask = ",".join(each for each in classes if each != EVENTMASK_NONE) or EVENTMASK_NONE
        self.mask = mask

    def process_response(self, response: Message) -> Message:
        """Asterisk before 1.8 answered `Events On` or `Events Off`, not `Success`."""
        response = super().process_response(response)
        response.success = response.success or response.get(KEY_RESPONSE) in ("Events On", "Events Off")
        return response


class Filter(Action):
    """Have the server send fewer events to this session, until its end: `operation` can only be `Add`.

    `filter` is a regular expression that is looked for in the whole text of an event; with `!` before it, events that
    have it are left out. `match_criteria`, of Asterisk from 20.11, 21.6 and 22.1 on, says how and where to look
    instead: `action(exclude),name(VarSet)`.
    """

    operation: str = "Add"
    filter: str | None = None
    match_criteria: str | None = None


class FilterList(Action):
    """List the filters of this session; Asterisk 16 documents it, but no server knows it."""
