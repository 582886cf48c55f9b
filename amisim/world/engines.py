"""How time passes in a world: virtually, or as it really does, perhaps faster."""

import asyncio
import gc
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from ami.catalogue import event_classes
from amisim.runtime import Runtime
from amisim.world.choices import Choices
from amisim.world.loop import Loop, ScaledLoop
from amisim.world.modules import Modules, virtual
from amisim.world.network import Network
from amisim.world.scaled import scaled
from amisim.world.scheduler import Scheduler
from amisim.world.watch import Watch

__all__ = ["Engine", "Real", "Virtual"]


class Engine(Protocol):
    """What makes time pass."""

    modules: Modules
    """What `time`, `threading` and others are."""

    @property
    def now(self) -> float:
        """Seconds since the world began."""
        ...

    @property
    def digest(self) -> str:
        """A hash of what happened, where that is always the same."""
        ...

    @property
    def switches(self) -> dict[int, int]:
        """Where a thread had its turn out of order, where that is by choice."""
        ...

    def waiting(self) -> list[str]:
        """Who waits where."""
        ...

    def new_event_loop(self, runtime: Runtime) -> asyncio.AbstractEventLoop:
        """A loop on this time."""
        ...

    def enter(self) -> None:
        """The calling thread begins to live in it."""
        ...

    def exit(self) -> list[str]:
        """It ends; return the names of threads that do not."""
        ...

    def advance(self, seconds: float) -> None:
        """Let time pass, until all that happens by then has happened."""
        ...

    def outside(self) -> AbstractContextManager[None]:
        """While the calling thread does something real."""
        ...


class Virtual:
    """Time that passes when all wait."""

    def __init__(
        self,
        seed: int,
        wall_clock: Callable[[], float],
        utc_offset: float = 0,
        switches: Mapping[int, int] | None = None,
        is_automatic: bool = True,
        limit: float = math.inf,
        patience: float = 0.7,
    ) -> None:
        self._choices = Choices(seed, switches)
        self._scheduler = Scheduler(self._choices, limit, is_automatic)
        self.modules = virtual(self._scheduler, Network(self._scheduler), wall_clock, utc_offset, seed)
        self._watch = Watch(self._scheduler, patience, give_up=self._leave_garbage)
        self._collects = False

    @property
    def now(self) -> float:
        """See `Engine`."""
        self._look()
        return self._scheduler.now

    @property
    def digest(self) -> str:
        """See `Engine`."""
        return self._scheduler.digest

    @property
    def switches(self) -> dict[int, int]:
        """See `Engine`."""
        return dict(self._choices.switches)

    def waiting(self) -> list[str]:
        """See `Engine`."""
        self._look()
        return self._scheduler.waiting()

    def _look(self) -> None:
        # Who looks from outside does not use the world.
        if self._scheduler.is_inside() and threading.get_ident() not in self._watch.outside:
            self._scheduler.look()

    def new_event_loop(self, runtime: Runtime) -> asyncio.AbstractEventLoop:
        """See `Engine`."""
        return Loop(self.modules, runtime)

    def enter(self) -> None:
        """See `Engine`."""
        # When garbage is collected depends on all that was in the process before, and finalizers use the world: the
        # scheduler collects, what is new alone.
        self._collects = gc.isenabled()
        gc.disable()
        gc.freeze()
        thread = threading.current_thread()
        self._scheduler.enter("main" if thread is threading.main_thread() else thread.name)
        self._watch.start()

    def exit(self) -> list[str]:
        """See `Engine`."""
        try:
            self._watch.stop()
            return [each.name for each in (*self._watch.computing(), *self._scheduler.end())]
        finally:
            self._leave_garbage()

    def _leave_garbage(self) -> None:
        gc.unfreeze()
        if self._collects:
            gc.enable()

    def advance(self, seconds: float) -> None:
        """See `Engine`."""
        self._scheduler.advance(seconds)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """See `Engine`."""
        ident = threading.get_ident()
        self._watch.outside.append(ident)
        try:
            yield
        finally:
            self._watch.outside.remove(ident)


_SETTLING = 0.05
"""Real seconds after which all that is due has happened."""


class Real:
    """Time as it really passes, or `speed` times as fast; with real threads and links."""

    digest = ""

    def __init__(self, speed: float, seed: int, wall_clock: Callable[[], float], utc_offset: float) -> None:
        self.modules = scaled(speed, wall_clock, utc_offset, seed)
        self._clock = self.modules["time"].monotonic
        self._started = self._clock()
        self._settling = _SETTLING * speed

    @property
    def now(self) -> float:
        """See `Engine`."""
        now: float = self._clock() - self._started
        return now

    @property
    def switches(self) -> dict[int, int]:
        """See `Engine`."""
        return {}

    def waiting(self) -> list[str]:
        """See `Engine`."""
        return []

    def new_event_loop(self, runtime: Runtime) -> asyncio.AbstractEventLoop:
        """See `Engine`."""
        return ScaledLoop(self.modules, runtime)

    def enter(self) -> None:
        """See `Engine`."""
        event_classes()  # which imports them: in the midst of a test that would take many seconds of a faster time
        self._started = self._clock()

    def exit(self) -> list[str]:
        """See `Engine`."""
        return []

    def advance(self, seconds: float) -> None:
        """See `Engine`."""
        self.modules["time"].sleep(seconds + self._settling)

    def outside(self) -> AbstractContextManager[None]:
        """See `Engine`."""
        return nullcontext()
