"""One direction of a link in a world: the bytes that are on their way, and what has become of it."""

from amisim.world.participants import Waiters

__all__ = ["Pipe"]

_CAPACITY = 262_144
"""Bytes that a direction of a link holds before who sends has to wait."""


class Pipe:
    """One direction of a link."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.readers: Waiters = {}
        self.writers: Waiters = {}
        self.has_ended = False
        """Nothing more will be sent."""
        self.is_reset = False
        """The other side has thrown the connection away."""
        self.is_gone = False
        """It has been: there is no other side any more."""
        self.is_deaf = False
        """Nobody reads what is sent."""
        self.is_shut = False
        """Who reads wants no more than is there."""

    @property
    def is_readable(self) -> bool:
        """Whether who reads need not wait."""
        return bool(self.data) or self.is_ended

    @property
    def is_ended(self) -> bool:
        """Whether who reads gets no more than is there."""
        return self.has_ended or self.is_reset or self.is_shut

    @property
    def is_writable(self) -> bool:
        """Whether who sends need not wait."""
        return self.room > 0 or self.has_ended or self.is_deaf

    @property
    def room(self) -> int:
        """How many bytes can be sent."""
        return _CAPACITY - len(self.data)
