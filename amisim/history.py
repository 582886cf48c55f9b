"""What happened, as far as there is room for it."""

from collections.abc import Callable
from typing import TypeVar

__all__ = ["ROOM", "History"]

T = TypeVar("T")

ROOM = 32_000_000
"""How many bytes a history may take, unless somebody says otherwise."""

_OVERHEAD = 500
"""About how many bytes an item takes besides those that were sent."""


class History(list[T]):
    """What happened, in order; of very much only the last."""

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        super().__init__()
        self._limit = limit
        self._size = size
        self._taken = 0
        self.added = 0
        """How many items there have been."""

    def add(self, item: T) -> None:
        """Append an item. When all take more than `limit` bytes, the older ones go; the newest is kept."""
        self.append(item)
        self.added += 1
        self._taken += self._size(item) + _OVERHEAD
        if self._taken > self._limit:
            first = 0
            while self._taken > self._limit // 2 and first < len(self) - 1:
                self._taken -= self._size(self[first]) + _OVERHEAD
                first += 1
            del self[:first]

    def since(self, added: int) -> list[T]:
        """The items, as far as they are there, that came after so many."""
        return self[max(0, len(self) - (self.added - added)) :]
