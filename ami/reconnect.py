"""When to try again: exponential back-off with jitter, as a rule without a clock, a thread or a die of its own."""

from collections.abc import Callable, Generator
from typing import NamedTuple

from ami.errors import Error, ManagerAuthError

__all__ = ["Reconnect", "Retries"]


class Reconnect(NamedTuple):
    """How a lost link is made again. Times are in seconds.

    The first attempt comes after about `initial`, each further one after `factor` times as long, up to `maximum`;
    `jitter` is the part of each wait that is left to chance, so that many clients do not come back at once. A link that
    was up for `stable` begins anew with `initial`; one that was lost before goes on where it was.
    """

    initial: float = 0.5
    maximum: float = 30
    factor: float = 2
    jitter: float = 0.5
    stable: float = 10

    def delay(self, failures: int, chance: float) -> float:
        """The wait after so many failures in a row; `chance` is a number from 0 to 1."""
        full = min(self.maximum, self.initial * self.factor ** min(failures, 1000 if self.factor <= 1 else 64))
        return full * (1 - self.jitter * chance)


class Retries:
    """The attempts of one manager: how many failed in a row, and what to do next."""

    def __init__(self, rule: Reconnect, chance: Callable[[], float]) -> None:
        if min(rule) < 0 or rule.jitter > 1:
            raise ValueError(f"the times and the factor are 0 or more, and jitter is from 0 to 1: not {rule}")
        self._rule = rule
        self._chance = chance
        self._failures = 0
        self._up_since: float | None = None

    def link_ready(self, now: float) -> None:
        """The link is up, and logged in."""
        self._up_since = now

    def steps(self, now: float) -> Generator[float, Exception | None]:
        """After a loss at `now`: yield each wait, take what came of the attempt after it; end when the link is up.

        Raises what an attempt brought where another one cannot help: a refused login.
        """
        if self._up_since is not None and now - self._up_since >= self._rule.stable:
            self._failures = 0
        self._up_since = None
        while True:
            error = yield self._rule.delay(self._failures, self._chance())
            self._failures += 1
            if error is None:
                return
            if isinstance(error, ManagerAuthError) or not isinstance(error, Error):
                raise error
