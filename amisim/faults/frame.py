"""What a fault is told of a frame, and what may come of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

from ami.message import Message
from ami.wire import decode, encode
from amisim.action import ClientAction
from amisim.steps import Close, Wait, render

__all__ = ["FOR_EVER", "Fate", "Frame", "Kind", "Later"]

Kind = Literal["connection", "greeting", "response", "item", "complete", "event", "other"]

FOR_EVER = math.inf
"""Seconds that a `Wait` takes which does not end."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that a server wants to send, or, without bytes, the opening of a connection."""

    data: bytes
    kind: Kind = "other"
    name: str = ""
    """Of an event its own; of a response that of the action."""

    message: Message | None = None
    """What was read in the bytes that the server wanted to send."""

    number: int | None = None
    """Which action of the connection it answers."""

    action: ClientAction | None = None
    """That action."""

    chance: float = 0.0
    """A random number from 0 to 1, another for each fault that hits."""

    foreign_id: str = ""
    """The ActionID of another action: of one in flight where there is one."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()

    @property
    def action_id(self) -> str:
        """The ActionID of the action that it answers, else the one that it has."""
        if self.action is not None:
            return self.action.action_id
        return (self.message.action_id or "") if self.message is not None else ""

    def get(self, header: str) -> str | None:
        """A header of the frame, else of the action that it answers."""
        value = self.message.get(header) if self.message is not None else None
        if value is None and self.action is not None:
            return next((text for key, text in self.action.headers if key.lower() == header.lower()), None)
        return value

    def but(self, data: bytes) -> Self:
        """The same frame with other bytes."""
        return replace(self, data=data)

    def another(self, headers: Sequence[tuple[str, str]], action_id: str = "") -> Self:
        """A message that the server did not want to send."""
        return replace(self, data=render(headers, action_id).data, kind="other", name="")

    @property
    def lines(self) -> list[bytes]:
        """Its lines, without what ends them and it."""
        return self.data.rstrip(b"\r\n").split(b"\r\n")

    def with_lines(self, lines: Sequence[bytes]) -> Self:
        """The same frame with other lines, which ends as it did."""
        return self.but(b"\r\n".join(lines) + self.data[len(self.data.rstrip(b"\r\n")) :])

    def find(self, header: str) -> int:
        """Where among its lines the first header of that name is; the last line where there is none or no name."""
        wanted = header.lower()
        keys = [decode(line).partition(":")[0].lower() for line in self.lines]
        return keys.index(wanted) if wanted in keys else len(keys) - 1

    def with_action_id(self, action_id: str) -> Self:
        """The same frame with another ActionID, or without one."""
        lines = [line for line in self.lines if not line.lower().startswith(b"actionid:")]
        return self.with_lines([*lines[:1], *([encode(f"ActionID: {action_id}")] if action_id else []), *lines[1:]])


class Later(NamedTuple):
    """The frame goes aside, and comes so many seconds later; what is behind it does not wait."""

    seconds: float
    frame: Frame


Fate = Frame | Wait | Close | Later
"""What may come of a frame: each that comes is one write.

A `Wait` before a frame counts from when the server wanted to send it, so those of several frames pass together; a
`Wait` after a frame holds up the connection.
"""
