"""Steps: what a server does next. Everything that makes a server speak yields them.

Messages are made with `response`, `event` and `list_complete`; the server puts the ActionID of the action
that is being answered where Asterisk puts it.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeVar

from ami.wire import encode

__all__ = [
    "Close", "How", "Send", "Step", "Timed", "Wait", "close", "event", "list_complete", "raw", "response", "wait",
]  # fmt: skip

T = TypeVar("T")
Role = Literal["response", "event", "complete"]
How = Literal["eof", "reset", "half"]


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


Step = Send | Message | Wait | Close


class Timed(NamedTuple):
    """A step, and when it is due."""

    due: float
    """When: in seconds, on the clock of the session."""

    order: int
    """What is due at the same time goes in this order."""

    step: Send | Close

    chunk: float | None = None
    """What is due at the same time, and of the same chunk, is sent in one write."""

    asked_for: bool = True
    """Whether it is of the answer to an action; what is not can be held back."""


def response(status: str = "Success", **headers: object) -> Message:
    """A response: `response("Error", Message="No such queue")`. `_` in a name stands for `-`."""
    return Message("response", (("Response", status), *_pairs(headers)))


def event(name: str, **headers: object) -> Message:
    """An event; between a response with `EventList="start"` and `list_complete()`, an item of that list."""
    return Message("event", (("Event", name), *_pairs(headers)))


def list_complete(name: str = "", **headers: object) -> Message:
    """The end of a list. The name is that of the action with `Complete` unless given; the items are counted."""
    return Message("complete", (("Event", name), ("EventList", "Complete"), *_pairs(headers)))


def raw(data: bytes | str) -> Send:
    """Exactly these bytes, or this text; nothing is added."""
    return Send(encode(data) if isinstance(data, str) else data)


def wait(seconds: float) -> Wait:
    """Let so many seconds pass before the next step."""
    return Wait(seconds)


def close(how: How = "eof") -> Close:
    """Close the connection: `eof` in order, `reset` with a RST, `half` in the server's direction alone."""
    return Close(how)


def render(headers: Iterable[tuple[str, str]], action_id: str = "") -> Send:
    """A message as bytes; an ActionID becomes its second header."""
    lines = [f"{key}: {value}\r\n" for key, value in headers]
    if action_id:
        lines.insert(1, f"ActionID: {action_id}\r\n")
    return raw("".join(lines) + "\r\n")


def answer(steps: Iterable[Step | T], action: str, action_id: str) -> Iterator[Send | Wait | Close | T]:
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


def _pairs(headers: dict[str, object]) -> list[tuple[str, str]]:
    pairs = []
    for key, value in headers.items():
        for each in value if isinstance(value, (list, tuple)) else [value]:
            pairs.append((key.replace("_", "-"), str(each)))
    return pairs
