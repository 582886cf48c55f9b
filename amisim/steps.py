"""Steps: what a server does next. Everything that makes a server speak yields them.

Messages are made with `response`, `event` and `list_complete`; the server puts the ActionID of the action
that is being answered where Asterisk puts it. `${Channel}` in a value stands for that header of the action, `${n}`
for the number of the round in a `repeat`, and `$${` for the characters `${`.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, TypeVar, get_args

from ami.wire import encode
from amisim.values import Values

__all__ = [
    "Close", "Emit", "How", "Message", "Played", "Repeat", "Send", "Set", "Step", "To", "Wait", "answer",
    "checked", "close", "emit", "event", "flat", "list_complete", "play", "raw", "render", "repeat", "response", "said",
    "wait",
]  # fmt: skip

T = TypeVar("T")
Role = Literal["response", "event", "complete"]
How = Literal["eof", "reset", "half"]

To = Literal["all", "others", "this"]
"""Which connections get an event: every one, every other one, or that of the action or timeline alone."""


class Send(NamedTuple):
    """Send exactly these bytes."""

    data: bytes


class Message(NamedTuple):
    """Send a message, with the ActionID of the action that is being answered where that belongs."""

    role: Role
    headers: tuple[tuple[str, str], ...]


class Wait(NamedTuple):
    """Let time pass."""

    seconds: float


class Close(NamedTuple):
    """Close the connection: `eof` in order, `reset` with a RST, `half` in the server's direction alone."""

    how: How = "eof"


class Emit(NamedTuple):
    """Send an event to connections; each gets it if it is logged in and wants such events."""

    event: Message
    to: To = "all"


class Set(NamedTuple):
    """Give variables of the script new values."""

    variables: Mapping[str, str]


class Repeat(NamedTuple):
    """Do steps again and again; `${n}` in them counts from 1."""

    times: int | None
    """How often; None is for ever."""

    steps: "tuple[Step, ...]"


Step = Send | Message | Wait | Close | Emit | Set | Repeat
"""What a script is made of."""

Played = Send | Wait | Close | Emit
"""What a session plays: nothing in it is left to fill in."""


def response(status: str = "Success", **headers: object) -> Message:
    """A response: `response("Error", Message="No such queue")`. `_` in a name stands for `-`.

    Raises `ValueError` for a line break in it, and `TypeError` for what is no text; so do `event` and `list_complete`.
    """
    return Message("response", (("Response", _named("Response", status)), *_pairs(headers)))


def event(name: str, **headers: object) -> Message:
    """An event; between a response with `EventList="start"` and `list_complete()`, an item of that list."""
    return Message("event", (("Event", _named("Event", name)), *_pairs(headers)))


def list_complete(name: str = "", **headers: object) -> Message:
    """The end of a list. The name is that of the action with `Complete` unless given; the items are counted."""
    named = name if name == "" else _named("Event", name)
    return Message("complete", (("Event", named), ("EventList", "Complete"), *_pairs(headers)))


def raw(data: bytes | str) -> Send:
    """Exactly these bytes, or this text; nothing is added."""
    if not isinstance(data, (bytes, str)):
        raise TypeError(f"raw() sends bytes, or a text, and not {data!r}")
    return Send(encode(data) if isinstance(data, str) else data)


def wait(seconds: float) -> Wait:
    """Let so many seconds pass before the next step."""
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < float("inf"):
        raise ValueError(f"{seconds!r} is no time to wait: a number of seconds from 0 on is")
    return Wait(seconds)


def close(how: How = "eof") -> Close:
    """Close the connection: `eof` in order, `reset` with a RST, `half` in the server's direction alone."""
    if how not in get_args(How):
        raise ValueError(f"{how!r} is no way to close: 'eof', 'reset' and 'half' are")
    return Close(how)


def emit(event: Message, to: To = "all") -> Emit:
    """Send an event to `all` connections, to all `others` than this one, or to `this`, as far as they want it."""
    if not isinstance(event, Message) or event.role != "event":
        raise TypeError(f"{event!r} is no event: emit(event(…)) sends one")
    if to not in ("all", "others", "this"):
        raise ValueError(f"{to!r} is nobody: an event goes to 'all', to the 'others', or to 'this' connection")
    return Emit(event, to)


def repeat(count: int | Literal["forever"], /, *steps: Step) -> Repeat:
    """Do steps so many times, or for ever: `repeat(500, event("QueueMember", Name="Agent ${n}"))`."""
    steps = tuple(checked(steps))
    if count == "forever":
        if not any(isinstance(step, Wait) and step.seconds > 0 for step in flat(steps)):
            raise ValueError("what is repeated for ever needs a wait in it, or nothing else would ever be done")
        return Repeat(None, steps)
    if not isinstance(count, int) or count < 0:
        raise ValueError(f"{count!r} is no number of times; 0 is never, and 'forever' has no end")
    return Repeat(count, steps)


def flat(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, with those that are repeated in place of their repetition."""
    for step in steps:
        if not isinstance(step, Repeat):
            yield step
        elif step.times != 0:
            yield from flat(step.steps)


def checked(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, one by one; raises `TypeError` at what is none."""
    for step in steps:
        if not isinstance(step, Step):
            raise TypeError(
                f"{step!r} is no step: response(), event(), list_complete(), wait(), raw(), emit(), repeat() and "
                "close() are"
            )
        yield step


def play(steps: Iterable[Step], values: Values) -> Iterator[Played | Message]:
    """The steps as they are when their turn comes: repeated, and with `${…}` filled in. Sets variables on the way."""
    for step in steps:
        if isinstance(step, Repeat):
            for n in itertools.count(1) if step.times is None else range(1, step.times + 1):
                yield from play(step.steps, values._replace(captured={**values.captured, "n": str(n)}))
        elif isinstance(step, Set):
            values.variables.update({name: values.fill(value) for name, value in step.variables.items()})
        elif isinstance(step, Message):
            yield _filled(step, values)
        elif isinstance(step, Emit):
            yield step._replace(event=_filled(step.event, values))
        else:
            yield step


def _filled(message: Message, values: Values) -> Message:
    return message._replace(headers=tuple((key, values.fill(value)) for key, value in message.headers))


def render(headers: Iterable[tuple[str, str]], action_id: str = "") -> Send:
    """A message as bytes; an ActionID becomes its second header, unless the message has that header itself.

    A header `ActionID` without a value is left out, as Asterisk does.
    """
    headers = list(headers)
    lines = [f"{key}: {value}\r\n" for key, value in headers if value or key.lower() != "actionid"]
    if action_id and all(key.lower() != "actionid" for key, _ in headers):
        lines.insert(1, f"ActionID: {action_id}\r\n")
    return raw("".join(lines) + "\r\n")


def answer(steps: Iterable[Played | Message | T], action: str, action_id: str) -> Iterator[Played | T]:
    """The steps that answer an action, with its ActionID in the response and in the items of a list."""
    items: int | None = None
    for step in steps:
        if not isinstance(step, Message):
            yield step
            continue
        headers = dict(step.headers)
        if step.role == "response":
            items = 0 if headers.get("EventList", "").lower() == "start" else None
            yield render(step.headers, action_id)
        elif step.role == "event":
            yield render(step.headers, action_id if items is not None else "")
            items = items + 1 if items is not None else None
        else:
            (_, name), *rest = step.headers
            if "ListItems" not in headers:
                rest.insert(1, ("ListItems", str(items or 0)))
            yield render([("Event", name or f"{action}Complete"), *rest], action_id)
            items = None


def said(value: object, what: str) -> str:
    """The text of a value that somebody gave. Raises `TypeError` for one that is none."""
    if value is None or isinstance(value, (bytes, bytearray, dict, list, tuple, set)):
        raise TypeError(f"{what} cannot be {value!r}: it is a text or a number")
    return str(value)


def _named(header: str, name: object) -> str:
    if not isinstance(name, str) or not name:
        raise TypeError(f"{header} cannot be {name!r}: it is a name, as a text")
    return _line(header, name)


def _pairs(headers: dict[str, object]) -> list[tuple[str, str]]:
    pairs = []
    for name, value in headers.items():
        key = _key(name)
        for each in value if isinstance(value, (list, tuple)) else [value]:
            pairs.append((key, _line(key, said(each, key))))
    return pairs


@lru_cache(1024)
def _key(name: str) -> str:
    """The header that an argument of this name stands for."""
    key = name.replace("_", "-")
    if not re.fullmatch(r"[^\s:][^:\r\n]*", key):
        raise ValueError(f"{key!r} is no name of a header; raw(…) sends anything")
    return key


def _line(header: str, text: str) -> str:
    """The text, if it can stand in one line."""
    if "\r" in text or "\n" in text:
        raise ValueError(f"a line break in {header}, {text!r}: raw(…) sends one")
    return text
