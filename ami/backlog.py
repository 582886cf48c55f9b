"""Queues of outputs that are bounded, and say where they lost something. Free of threads: their owner locks."""

from collections import deque
from collections.abc import Iterable
from typing import Literal

from ami.outcomes import Gap, Output, StateChange, queue_gap

__all__ = ["Backlog", "Overflow"]

Overflow = Literal["drop-oldest", "drop-newest"]
"""What a full queue does: lose the events that have waited longest, or those that come now."""


_KEPT = StateChange, Gap


class Backlog:
    """What waits to be delivered: at most `limit` outputs, but for changes of state and gaps, which are never lost.

    A `Gap` stands where events were dropped, and says how many.
    """

    def __init__(self, limit: int, overflow: Overflow) -> None:
        if limit < 1:
            raise ValueError(f"a queue of {limit} events can hold none; give 1 or more")
        if overflow not in ("drop-oldest", "drop-newest"):
            raise ValueError(f"overflow is 'drop-oldest' or 'drop-newest', not {overflow!r}")
        self._limit = limit
        self._oldest = overflow == "drop-oldest"
        self._items: deque[Output] = deque()
        self._dropped = 0  # where the next gap stands: before all that wait, or after them
        self.lost = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, outputs: Iterable[Output]) -> None:
        """Add outputs."""
        if self._oldest:
            self._items.extend(outputs)
            if len(self._items) > self._limit:
                self._drop_oldest()
            return
        for output in outputs:
            if len(self._items) >= self._limit and not isinstance(output, _KEPT):
                self._dropped += 1
                self.lost += 1
            else:
                self._mark_gap()
                self._items.append(output)

    def take(self, count: int) -> list[Output]:
        """The first that wait, at most so many."""
        taken: list[Output] = []
        while self._dropped and len(taken) < count and (output := self.pop()) is not None:
            taken.append(output)
        next_item = self._items.popleft
        taken += [next_item() for _ in range(min(count - len(taken), len(self._items)))]
        return taken

    def pop(self) -> Output | None:
        """The first that waits, or None."""
        if self._dropped and (self._oldest or not self._items):
            gap, self._dropped = queue_gap(self._dropped), 0
            return gap
        return self._items.popleft() if self._items else None

    def _mark_gap(self) -> None:
        if self._dropped and not self._oldest:
            self._items.append(queue_gap(self._dropped))
            self._dropped = 0

    def _drop_oldest(self) -> None:
        kept = []
        while len(self._items) > self._limit:
            output = self._items.popleft()
            if isinstance(output, _KEPT):
                kept.append(output)
            else:
                self._dropped += 1
                self.lost += 1
        self._items.extendleft(reversed(kept))
