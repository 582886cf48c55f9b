"""What Asterisk itself answers: the actions of its manager, without a PBX behind it.

Each answer is a generator of steps; what it does besides happens when its step is due. Facts (seen on 16.28 and 22.10):
whatever is wrong with a login, it is refused with the same words after one second, and then the connection is closed;
before a login only `Login`, `Challenge` and `Logoff` are served; the first challenge of a connection stays valid;
`Key` is compared with its case, a user's name without.
"""

import datetime
import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from ami import wire
from amisim import filters
from amisim.action import ClientAction
from amisim.script import Rule
from amisim.security import report
from amisim.steps import Close, Message, Played, Send, Wait, event, render, response
from amisim.users import classes, mask, names

if TYPE_CHECKING:
    from amisim.server_session import ServerSession

__all__ = ["BEFORE_LOGIN", "SERVED", "Answer", "Flush", "UntilEvent", "answer_of"]

BEFORE_LOGIN = frozenset({"login", "challenge", "logoff"})
"""What is served without a login."""

_REFUSAL_DELAY = 1.0
"""Seconds that Asterisk waits before it answers a login that it refuses."""

_MOST_FILTERED = 2000
"""How long the filters of a connection may be, all together; in Asterisk any length. Each event is looked at by all."""

_BLACKLIST = (["module", "load"], ["module", "unload"], ["restart", "gracefully"])


class UntilEvent(NamedTuple):
    """Let time pass until there is an event, or something that the client sent."""

    seconds: float
    """How long at most."""


class Flush(NamedTuple):
    """Send the events that have come since the answer began."""


Answer = Iterator[Played | Message | UntilEvent | Flush]


def answer_of(session: "ServerSession", action: ClientAction, rule: Rule | None = None) -> Answer:
    """The steps that answer an action, by a rule if there is one, or say why it is not served."""
    name = action.name.lower()
    refusal = _refusal(session, action)
    if refusal is not None:
        return refusal
    if rule is not None:
        return iter(rule.steps(action))
    served = SERVED.get(name)
    return _unknown(session, action) if served is None else served(session, action)


def _refusal(session: "ServerSession", action: ClientAction) -> Answer | None:
    name = action.name.lower()
    if action.problem:
        return iter([_error(action.problem)])
    if not name:
        return _without_action(session)
    if not session.logged_in:
        if name not in BEFORE_LOGIN:
            return _denied(session, action)
        return _already_in_use(session, action) if name != "logoff" else None
    _, needed = session.host.privileges.get(name, ("", 0))
    return _denied(session, action) if needed and not needed & classes(session.user.write) else None


def _without_action(session: "ServerSession") -> Answer:
    report(session, "RequestBadFormat", RequestType="Action: NONE")
    yield _error("Missing action in request")


def _error(text: str) -> Message:
    return Message("response", (("Response", "Error"), ("Message", text)))


def _denied(session: "ServerSession", action: ClientAction) -> Answer:
    report(session, "RequestNotAllowed", RequestType=_request_type(action))
    yield _error("Permission denied")


def _unknown(session: "ServerSession", action: ClientAction) -> Answer:
    report(session, "RequestBadFormat", RequestType=_request_type(action))
    text = f"Invalid/unknown command: {action.name}. Use Action: ListCommands to show available commands."
    yield _error(_cut(text, 511))


def _request_type(action: ClientAction) -> str:
    return _cut(f"Action: {action.name}", 63)


def _cut(text: str, size: int) -> str:
    """The beginning of a text, of so many bytes."""
    return wire.decode(wire.encode(text)[:size])


# Login


def _already_in_use(session: "ServerSession", action: ClientAction) -> Answer | None:
    name = action.get("Username").lower()
    user = session.host.users.get(name)
    if (
        user is None
        or user.multiple_logins
        or not any(other.logged_in and other.user_name.lower() == name for other in session.host.sessions.values())
    ):
        return None
    steps: list[Played | Message] = [Wait(_REFUSAL_DELAY), _error("Login Already In Use"), Close()]
    return iter(steps)


def _challenge(session: "ServerSession", action: ClientAction) -> Answer:
    if action.get("AuthType").lower() != "md5":
        yield _error("Must specify AuthType")
        return
    session.challenge = session.challenge or session.host.challenge()
    yield response(Challenge=session.challenge)


def _login(session: "ServerSession", action: ClientAction) -> Answer:
    if session.logged_in:
        yield response(Message="Already authenticated")
        return
    if not _is_proved(session, action):
        yield Wait(_REFUSAL_DELAY)
        yield _error("Authentication failed")
        yield Close()
        return
    session.log_in(action)
    yield response(Message="Authentication accepted")
    session.stand_in(action)
    if session.host.replay is None:
        if classes("system") & classes(session.user.read) & session.mask:
            yield _fully_booted(session)
        report(session, "SuccessfulAuth", UsingPassword=0)


def _is_proved(session: "ServerSession", action: ClientAction) -> bool:
    """Whether a login is right; what is wrong with one is reported."""
    name = action.get("Username")
    user = session.host.users.get(name.lower())
    if user is None:
        report(session, "InvalidAccountID", name)
    elif not user.admitted:
        report(session, "FailedACL", name)
    elif action.get("AuthType").lower() == "md5":
        key, expected = action.get("Key"), wire.encode(session.challenge + user.secret)
        digest = hashlib.md5(expected, usedforsecurity=False).hexdigest()
        if session.challenge and key == digest:
            return True
        if session.challenge and key:
            report(
                session,
                "ChallengeResponseFailed",
                name,
                Challenge=session.challenge,
                Response=key,
                ExpectedResponse=digest,
            )
    elif action.get("Secret") == user.secret:
        return True
    else:
        report(session, "InvalidPassword", name)
    return False


def _fully_booted(session: "ServerSession") -> Send:
    uptime = session.uptime
    times = {} if session.host.version in ("11", "13") else {"Uptime": uptime, "LastReload": uptime}
    return render(event("FullyBooted", Privilege="system,all", **times, Status="Fully Booted").headers)


def _logoff(session: "ServerSession", action: ClientAction) -> Answer:
    yield response("Goodbye", Message="Thanks for all the fish.")
    yield Close()


# Events


def _events(session: "ServerSession", action: ClientAction) -> Answer:
    wanted = mask(action.get("EventMask"))
    if wanted is None:
        yield _error("Invalid event mask")
    else:
        session.want(wanted)
        yield _cut_response(action, 256, Events="On" if wanted else "Off")


def _filter(session: "ServerSession", action: ClientAction) -> Answer:
    if action.get("Operation").lower() != "add":
        yield _error("Unknown operation")
        return
    modern = session.host.version in ("20", "22")
    try:
        added = filters.event_filter(action.get("Filter"), action.get("MatchCriteria"), modern=modern)
    except ValueError as error:
        yield _error(str(error))
        return
    if sum(each.size for each in (*session.filters, added)) > _MOST_FILTERED:
        yield _error(f"amisim: the filters of a connection have no more than {_MOST_FILTERED} characters in all")
        return
    session.filters.append(added)
    yield response(Message="Success")


def _user_event(session: "ServerSession", action: ClientAction) -> Answer:
    yield response(Message="Event Sent")
    lines = [line.removesuffix(b"\r").partition(b"\0")[0] for line in action.frame.split(b"\n")]
    others = [line for line in lines if line and not line.lower().startswith((b"action:", b"userevent:"))]
    head = f"Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: {action.get('UserEvent')}\r\n"
    session.publish(wire.encode(head) + b"".join(line + b"\r\n" for line in others) + b"\r\n")


def _wait_event(session: "ServerSession", action: ClientAction) -> Answer:
    text = action.get("Timeout")
    yield UntilEvent(float(text) if text.isascii() and text.isdecimal() else float("inf"))
    yield response(Message="Waiting for Event completed.")
    yield Flush()
    yield Send(b"Event: WaitEventComplete\r\n" + _cut_line(action, 256) + b"\r\n")


# The server


def _ping(session: "ServerSession", action: ClientAction) -> Answer:
    yield response(Ping="Pong", Timestamp=f"{session.host.wall_clock():.6f}")


def _list_commands(session: "ServerSession", action: ClientAction) -> Answer:
    may = classes(session.user.write)
    commands = {name: bits for name, bits in session.host.privileges.values() if not bits or bits & may}
    lines = [(name, f"(Priv: {names(commands[name])})") for name in sorted(commands, key=str.lower)]
    yield Message("response", (("Response", "Success"), *lines))


def _core_status(session: "ServerSession", action: ClientAction) -> Answer:
    started = datetime.datetime.fromtimestamp(session.host.wall_clock() - session.uptime, datetime.UTC)
    calls = {} if int(session.host.version) < 18 else {"CoreProcessedCalls": 0}
    yield _cut_response(
        action,
        150,
        CoreStartupDate=f"{started:%Y-%m-%d}",
        CoreStartupTime=f"{started:%H:%M:%S}",
        CoreReloadDate=f"{started:%Y-%m-%d}",
        CoreReloadTime=f"{started:%H:%M:%S}",
        CoreCurrentCalls=0,
        **calls,
    )


def _core_settings(session: "ServerSession", action: ClientAction) -> Answer:
    modern = {} if int(session.host.version) < 20 else {"SoundsSearchCustomDir": "No"}
    yield _cut_response(
        action,
        150,
        AMIversion=session.host.ami_version,
        AsteriskVersion=f"{session.host.version}.0.0",
        SystemName="",
        CoreMaxCalls=0,
        CoreMaxLoadAvg="0.000000",
        CoreRunUser="",
        CoreRunGroup="",
        CoreMaxFilehandles=0,
        CoreRealTimeEnabled="No",
        CoreCDRenabled="Yes",
        CoreHTTPenabled="No",
        **modern,
    )


def _cut_response(action: ClientAction, size: int, **headers: object) -> Send:
    """A response whose ActionID is cut, if it is too long."""
    rest = render([(key, str(value)) for key, value in headers.items()]).data
    return Send(b"Response: Success\r\n" + _cut_line(action, size) + rest)


def _cut_line(action: ClientAction, size: int) -> bytes:
    """The line with the ActionID, as it fits into a C string of so many bytes: what is cut first is its line end."""
    return wire.encode(f"ActionID: {action.action_id}\r\n")[: size - 1] if action.action_id else b""


def _command(session: "ServerSession", action: ClientAction) -> Answer:
    command = action.get("Command")
    if not command:
        yield _error("No command provided")
    elif command.lower().split()[:2] in _BLACKLIST:
        yield _error("Command blacklisted")
    else:
        help_for = " ".join(command.split()[:2])
        text = f"No such command '{command}' (type 'core show help {help_for}' for other possible commands)"
        yield _output(session, action, text)


def _output(session: "ServerSession", action: ClientAction, text: str) -> Message | Send:
    if session.host.version not in ("11", "13"):
        return Message("response", (("Response", "Error"), ("Message", "Command output follows"), ("Output", text)))
    action_id = f"ActionID: {action.action_id}\r\n" if action.action_id else ""
    return Send(wire.encode(f"Response: Follows\r\nPrivilege: Command\r\n{action_id}{text}\n--END COMMAND--\r\n\r\n"))


SERVED: dict[str, Callable[["ServerSession", ClientAction], Answer]] = {
    "challenge": _challenge,
    "command": _command,
    "coresettings": _core_settings,
    "corestatus": _core_status,
    "events": _events,
    "filter": _filter,
    "listcommands": _list_commands,
    "login": _login,
    "logoff": _logoff,
    "ping": _ping,
    "userevent": _user_event,
    "waitevent": _wait_event,
}
