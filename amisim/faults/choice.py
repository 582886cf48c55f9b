"""Which frames a fault is for, and which of those it hits."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from amisim.faults.frame import Frame

__all__ = ["NAMED", "SELECTORS", "Schedule", "Selector", "number", "quoted", "why_never"]

SELECTORS = {
    "any": "every frame, the greeting included",
    "event": "an event, of that name; items of lists and their ends are events, too",
    "response": "the response to an action, of that name",
    "answer": "all that answers an action, of that name: its response, list and later events; counted as one",
    "item": "an item of the list that answers an action, of that name",
    "complete": "the end of a list: of an action, or an event, of that name",
    "greeting": "the line with which a server greets",
    "connection": "the opening of a connection",
}
"""What a fault can be for, and what that means."""

NAMED = frozenset({"event", "response", "answer", "item", "complete"})
"""Those that can have a name."""


@dataclass(frozen=True)
class Selector:
    """Frames of one kind, of one name, with these headers, on one connection."""

    what: str = "any"
    name: str = ""
    """May have wildcards, as may the values of headers; case does not count. Empty for every name."""

    headers: tuple[tuple[str, str], ...] = ()
    """Headers that the frame must have, or the action that it answers."""

    connection: int | None = None
    """The number of the connection, from 1."""

    def takes(self, frame: Frame, connection: int) -> bool:
        """Whether a frame is one of them."""
        return (
            (self.connection is None or connection == self.connection)
            and self._is_of_kind(frame)
            and all(_like(frame.get(key), pattern) for key, pattern in self.headers)
        )

    def _is_of_kind(self, frame: Frame) -> bool:
        action = frame.action.name if frame.action is not None else ""
        match self.what:
            case "any":
                return frame.kind != "connection"
            case "event":
                return frame.kind in ("event", "item", "complete") and self._names(frame.name)
            case "answer":
                return frame.action is not None and self._names(action)
            case "item":
                return frame.kind == "item" and self._names(action)
            case "complete":
                return frame.kind == "complete" and (self._names(action) or self._names(frame.name))
            case _:
                return frame.kind == self.what and self._names(frame.name)

    def _names(self, name: str) -> bool:
        return not self.name or _like(name, self.name)

    def __str__(self) -> str:
        words = [self.what, *([quoted(self.name)] if self.name else [])]
        words += [quoted(f"{key}={value}") for key, value in self.headers]
        return " ".join([*words, *([f"connection={self.connection}"] if self.connection else [])])


@dataclass(frozen=True)
class Schedule:
    """Which of the frames that a selector takes are hit: all, unless something is said.

    Frames are counted over all connections, and only those that come while `after_bytes`, `after_seconds` and
    `until_seconds` let them count.
    """

    nth: int | None = None
    """Only the nth, from 1."""

    every: int | None = None
    """Every so many: the 3rd, the 6th …"""

    times: int | None = None
    """At most so many."""

    after_bytes: int | None = None
    """Only when the server has sent so many bytes on this connection."""

    after_seconds: float | None = None
    """Only so many seconds after the first connection."""

    until_seconds: float | None = None
    """Only until so many seconds after the first connection."""

    p: float | None = None
    """Each with this probability, from 0 to 1."""

    def is_open(self, sent: int, seconds: float) -> bool:
        """Whether a frame counts that comes after so many bytes and seconds."""
        return (
            (self.after_bytes is None or sent >= self.after_bytes)
            and (self.after_seconds is None or seconds >= self.after_seconds)
            and (self.until_seconds is None or seconds < self.until_seconds)
        )

    def hits(self, count: int, hits: int, chance: float) -> bool:
        """Whether the frame is hit that is the `count`th, after so many hits."""
        return (
            (self.nth is None or count == self.nth)
            and (self.every is None or count % self.every == 0)
            and (self.times is None or hits < self.times)
            and (self.p is None or chance < self.p)
        )

    def _said(self) -> Iterator[tuple[str, Any]]:
        return ((each.name, value) for each in fields(self) if (value := getattr(self, each.name)) is not None)

    def __str__(self) -> str:
        return " ".join(f"{name}={number(value)}" for name, value in self._said())


def why_never(selector: Selector, schedule: Schedule) -> str:
    """Why what is selected and scheduled so can never be; empty where it can."""
    what, after, until = selector.what, schedule.after_seconds, schedule.until_seconds
    if until is not None and until <= (after or 0):
        return f"nothing comes after {number(after or 0)} s and before {number(until)} s"
    if what in ("connection", "greeting") and schedule.after_bytes:
        return f"nothing is sent before the {what}; 'any' is each frame after so many bytes"
    if what == "connection" and selector.connection == 1 and after:
        return "the first connection opens after 0 s; 'any' is each frame after so many seconds"
    return ""


def number(value: float) -> str:
    """A number as one writes it: `6`, `0.5`."""
    return str(int(value)) if value == int(value) else repr(value)


def quoted(word: str) -> str:
    """A word, in quotes where it needs them."""
    return word if word and all(each.isalnum() or each in "_-./:=*?,@+%" for each in word) else shlex.quote(word)


def _like(text: str | None, pattern: str) -> bool:
    return text is not None and fnmatchcase(text.lower(), pattern.lower())
