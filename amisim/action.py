"""What a server sees in the bytes that a client sent.

Facts of Asterisk 11 to 23, seen on 16.28 and 22.10: header names are compared without case and stand right
before their colon; blanks before a value are skipped, those after it count; the first of repeated headers
is taken, except that an empty `Action` is passed over; NUL ends the content of a line; lines that are no header
mean nothing. A line is looked for in a buffer: when that is full and holds no line end, all but its last byte is
dropped, and what follows is read as if it were the next line.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ami import wire

__all__ = ["ActionReader", "ClientAction", "read_action"]

_HEADER = re.compile(r"([^\s:][^:]*):[\x00-\x20]*(.*)", re.DOTALL)


class ClientAction(NamedTuple):
    """An action as it arrived."""

    name: str
    """The action's name as the client wrote it; empty where the frame has none."""

    action_id: str
    """Its ActionID; empty where it has none."""

    headers: tuple[tuple[str, str], ...]
    """The other headers, in order, with repeats."""

    frame: bytes
    """The bytes it came in; of a line that is too long, those that were not dropped."""

    problem: str = ""
    """Why a server does not look at it, in its words; empty where it does."""

    def get(self, name: str, default: str = "") -> str:
        """The value of the first header of that name, whatever the case; `default` where there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), default)


def read_action(frame: bytes) -> ClientAction:
    """Read a client's frame; whatever it holds, there is something to say about it."""
    return _action((_content(line) for line in frame.split(b"\n")), frame)


class ActionReader:
    """Cuts what a client sends into actions as Asterisk does, and holds no more of it than Asterisk.

    `max_line` is the size of the buffer in which a line has to end, in bytes with its line end; `max_headers` how many
    lines an action may have. (Asterisk's are 1,024 and 128.) What exceeds them is dropped, and what is left of the
    action has a `problem`.
    """

    def __init__(self, *, max_line: int = wire.MAX_LINE + 2, max_headers: int = wire.MAX_HEADERS) -> None:
        self._max_line = max_line
        self._max_headers = max_headers
        self._buffer = b""
        self._begin()

    def _begin(self) -> None:
        self._lines: list[bytes] = []  # contents
        self._frame: list[bytes] = []
        self._too_long = self._too_many = False

    def feed(self, data: bytes) -> list[ClientAction]:
        """Take the next bytes; return the actions they complete, in order."""
        actions: list[ClientAction] = []
        data = self._buffer + data
        start = 0
        while True:
            end = data.find(b"\n", start, start + self._max_line) + 1
            if end:
                self._take(data[start:end], actions)
                start = end
            elif len(data) - start >= self._max_line:
                self._too_long = True
                start += self._max_line - 1
            else:
                self._buffer = data[start:]
                return actions

    def _take(self, line: bytes, actions: list[ClientAction]) -> None:
        content = _content(line[:-1])
        if content and len(self._lines) == self._max_headers:
            self._too_many = True
            return
        self._frame.append(line)
        if content:
            self._lines.append(content)
            return
        problem = "Failed to parse message: line too long" if self._too_long else ""
        if self._too_many:
            problem = "Too many lines in message or allocation failure"
        actions.append(_action(self._lines, b"".join(self._frame), problem))
        self._begin()


def _content(line: bytes) -> bytes:
    """What a line says, without its LF: nothing from a NUL on."""
    return line.removesuffix(b"\r").partition(b"\0")[0]


def _action(lines: Iterable[bytes], frame: bytes, problem: str = "") -> ClientAction:
    name, action_id = "", None
    headers = []
    for line in lines:
        match = _HEADER.fullmatch(wire.decode(line))
        if match is None:
            continue
        key, value = match.groups()
        if key.lower() == "action":
            name = name or value
        elif key.lower() == "actionid":
            action_id = value if action_id is None else action_id
        else:
            headers.append((key, value))
    return ClientAction(name, action_id or "", tuple(headers), frame, problem)
