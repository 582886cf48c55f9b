"""What a server sees in a frame that a client sent.

Facts of Asterisk 11 to 23, seen on 16.28 and 22.10: header names are compared without case and stand right
before their colon; blanks before a value are skipped, those after it count; the first of repeated headers
is taken, except that an empty `Action` is passed over; NUL ends the content of a line; lines that are no header
mean nothing.
"""

import re
from typing import NamedTuple

from ami import wire

__all__ = ["ClientAction", "read_action"]

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
    """The bytes it came in."""

    def get(self, name: str, default: str = "") -> str:
        """The value of the first header of that name, whatever the case; `default` where there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), default)


def read_action(frame: bytes) -> ClientAction:
    """Read a client's frame; whatever it holds, there is something to say about it."""
    name, action_id = "", None
    headers = []
    for line in wire.decode(frame).split("\n"):
        match = _HEADER.fullmatch(line.removesuffix("\r").partition("\0")[0])
        if match is None:
            continue
        key, value = match.groups()
        if key.lower() == "action":
            name = name or value
        elif key.lower() == "actionid":
            action_id = value if action_id is None else action_id
        else:
            headers.append((key, value))
    return ClientAction(name, action_id or "", tuple(headers), frame)
