"""Where several participants could go on, which one does."""

import random
from collections.abc import Mapping

__all__ = ["Choices"]


class Choices:
    """Choices by chance, made with a seed; or, with `switches`, those that are given there and otherwise the first.

    The first choice is whoever has the turn or has waited for it longest; another one is called a switch. A world where
    threads change places at every opportunity finds other mistakes than one where they seldom do: how often they do is
    by chance, too.
    """

    def __init__(self, seed: int, switches: Mapping[int, int] | None = None) -> None:
        self.switches: dict[int, int] = {}
        """By the number of the choice, what was chosen where it was not the first."""
        self._given = switches
        self._count = 0
        self._random = random.Random(f"choices {seed}")
        self._restlessness = self._random.choice((0.05, 0.3, 0.9))

    def choose(self, count: int) -> int:
        """One of `count`, which are more than one."""
        number = self._count
        self._count += 1
        if self._given is not None:
            chosen = min(self._given.get(number, 0), count - 1)
        elif self._random.random() < self._restlessness:
            chosen = self._random.randrange(count)
        else:
            chosen = 0
        if chosen:
            self.switches[number] = chosen
        return chosen
