"""`World`: one clock, one scheduler and links in memory, for a server, its clients and the test."""

import asyncio
import datetime
import math
import random
import ssl
import threading
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from ami import runtime as of_managers
from amisim.faults import Fault
from amisim.faults.plan import parsed
from amisim.runtime import Runtime
from amisim.server import Server
from amisim.world.engines import Engine, Real, Virtual
from amisim.world.errors import WorldError
from amisim.world.loop import ScaledLoop
from amisim.world.modules import Modules
from amisim.world.patching import patched
from amisim.world.places import here

__all__ = ["World"]

_Result = TypeVar("_Result")

_START = datetime.datetime(2026, 1, 5, 9, tzinfo=datetime.UTC)


class World:
    """A world of virtual time: who waits in it takes no time, and what happens depends on `seed` alone.

        with amisim.World(seed=7) as world:
            server = world.server()
            manager = ami.Manager(runtime=world.runtime)
            manager.connect(server.host, server.port)

    The thread that enters it takes part, and so does each that something of the world starts. One runs at a time; when
    all wait, time jumps to the first deadline. If there is none, `Deadlock` says who waits where. With
    `automatic=False` it moves by `advance` alone. `limit` is how many virtual seconds it may last; `start` its wall
    clock's first time. A thread that for `patience` real seconds uses nothing of the world, or only looks again and
    again for something that never comes, is named by an `OutsideWorld`. With `switches`, where several threads could go
    on, it is not by chance which one does, but as given there (`explore` finds such).

    With `time="real"` or `time="scaled=50"` the same program runs with real threads over real TCP, in real time or
    fifty times as fast; then nothing of the above is so, but for the clocks.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        time: str = "virtual",
        automatic: bool = True,
        limit: float = 86_400,
        start: datetime.datetime = _START,
        utc_offset: float = 0,
        patience: float = 0.7,
        faults: Iterable[Fault | str] = (),
        switches: Mapping[int, int] | None = None,
    ) -> None:
        self.seed = seed
        self.faults = tuple(parsed(faults))
        self._utc_offset = utc_offset
        if start.tzinfo is None:
            raise ValueError(f"start {start} has no time zone: give it one, such as tzinfo=datetime.UTC")
        for name, value, most in (("limit", limit, math.inf), ("patience", patience, threading.TIMEOUT_MAX)):
            if not 0 < value <= most:
                raise ValueError(f"{name} {value}: how many seconds, more than 0, is to be said")
        if not -24 < utc_offset < 24:
            raise ValueError(f"utc_offset {utc_offset}: by how many hours, less than 24, local time is ahead of UTC")
        self._wall_start = start.timestamp()
        self.kind = time
        """How time passes: `virtual`, `scaled=50` or `real`."""
        speed = _speed(time)
        self._engine: Engine = (
            Real(speed, seed, self.wall_time, utc_offset)
            if speed
            else Virtual(seed, self.wall_time, utc_offset, switches, automatic, limit, patience)
        )
        self.modules: Modules = self._engine.modules
        """What `time`, `threading`, `queue`, `socket`, `ssl`, `select`, `selectors`, `random` and `uuid` are in it."""
        self.runtime = _Runtime(self)
        """For `ami.Manager(runtime=...)` and `amisim.Server(runtime=...)`."""
        self._stack = ExitStack()
        self._was_entered = False

    def __enter__(self) -> Self:
        if self._was_entered:
            raise WorldError("a world is entered once: make another one")
        self._was_entered = True
        self._engine.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            with suppress(*((WorldError,) if error is not None else ())):
                self._stack.close()
        finally:
            left = self._engine.exit()
        if left:
            text = f"these threads do not end, because they do not wait in the world: {', '.join(left)}"
            if error is None:
                raise WorldError(text)
            error.add_note(text)

    # Time

    @property
    def now(self) -> float:
        """Virtual seconds since the world began."""
        return self._engine.now

    def wall_time(self) -> float:
        """What time of day it is: seconds since 1970."""
        return self._wall_start + self.now

    def step_clock(self, seconds: float) -> None:
        """Set the wall clock forward, or back. Other clocks, and who waits, do not notice."""
        if not math.isfinite(seconds):
            raise ValueError(f"{seconds} s: the wall clock cannot be set there")
        self._wall_start += seconds

    def advance(self, seconds: float) -> None:
        """Let time pass; return when all that happens by then, and at that time, has happened.

        `advance(0)` lets others do what they can without time. Raises `WorldError` in a coroutine or a callback of a
        loop: that could not do anything meanwhile.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{seconds} s: time does not go back, nor to its end; step_clock sets the wall clock")
        if isinstance(asyncio._get_running_loop(), ScaledLoop):
            raise WorldError(
                f"advance({seconds:g}) would stop the loop that it is called in, at {here()}. Have `await "
                f"asyncio.sleep({seconds:g})` in its place; or, if all is to have happened then, `await "
                f"asyncio.to_thread(world.advance, {seconds:g})`"
            )
        self._engine.advance(seconds)

    def sleep(self, seconds: float) -> None:
        """As `time.sleep` of this world."""
        self.modules["time"].sleep(seconds)

    def outside(self) -> AbstractContextManager[None]:
        """While the calling thread does something real, such as running another program. All others wait for it."""
        return self._engine.outside()

    def frozen(self) -> AbstractContextManager[None]:
        """Let `datetime.now()`, and all else that freezegun knows of, tell the world's time of day, in all modules.

        Needs freezegun, which `pip install amikit[pytest]` brings. The time zone of the process, where that can be set,
        is the world's meanwhile. The clocks that measure, and who waits, are not touched by it.
        """
        from amisim.world.frozen import frozen

        return frozen(self.wall_time, self._utc_offset)

    # What lives in it

    def server(self, **options: Any) -> Server:
        """An `amisim.Server` of this world, with its options; it runs, and is stopped at the end."""
        options.setdefault("seed", self.seed)
        options["faults"] = [*self.faults, *options.get("faults", ())]
        return self._stack.enter_context(Server(runtime=self.runtime, **options))

    def patch(self, *names: str) -> AbstractContextManager[None]:
        """Let other people's modules live in this world: `world.patch("pystrix.ami.ami")`.

        In these modules alone, `time`, `socket`, `ssl`, `threading`, `queue`, `select`, `selectors`, `random` and
        `uuid` are those of the world; also what was imported from them, and in defaults of arguments and attributes of
        classes. The name of a package stands for all its modules that are imported by then. With `world.patch("ami")`,
        managers that are given no `runtime` have the world's.
        """
        return patched(names, self.modules, [(of_managers.SYSTEM, self.runtime)])

    def run(self, main: Coroutine[Any, Any, _Result]) -> _Result:
        """As `asyncio.run`, in this world."""
        with asyncio.Runner(loop_factory=self.runtime.new_event_loop) as runner:
            try:
                return runner.run(main)
            except BaseException:
                with suppress(WorldError):  # what is wrong first is told
                    runner.close()
                raise

    # What happened

    def waiting(self) -> list[str]:
        """Who waits where, and for what, in a line each; nothing where threads are not the world's."""
        return self._engine.waiting()

    @property
    def digest(self) -> str:
        """A hash of who had a turn when, and of all that was sent: the same in each run that went the same way."""
        return self._engine.digest

    @property
    def switches(self) -> dict[int, int]:
        """Where a thread had its turn out of order; `World(switches=...)` has it so again."""
        return self._engine.switches


def _speed(time: str) -> float:
    """How much faster than really time passes; 0 where it is virtual."""
    kind, _, number = time.partition("=")
    if kind == "scaled":
        with suppress(ValueError):
            if 0 < (speed := float(number)) < math.inf:
                return speed
    elif time in ("virtual", "real"):
        return float(time == "real")
    raise ValueError(f"time {time!r} is none of 'virtual', 'real', and 'scaled=50', which is fifty times as fast")


class _Runtime(Runtime):
    """For managers and servers of a world."""

    def __init__(self, world: World) -> None:
        super().__init__(
            **{name: world.modules[name] for name in ("time", "threading", "queue", "socket", "selectors")}
        )
        self.wall_clock = world.wall_time
        self.new_event_loop = partial(_new_event_loop, world._engine, self)
        self._sockets_of_tls = world.modules["ssl"].SSLSocket
        self._random = random.Random(f"runtime {world.seed}")

    def encrypt(self, connected: Any, tls: ssl.SSLContext, host: str) -> Any:
        # As `SSLContext.wrap_socket` does it; the context may be one of the real `ssl`.
        return self._sockets_of_tls._create(connected, context=tls, server_hostname=host)

    def _random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


def _new_event_loop(engine: Engine, runtime: Runtime) -> asyncio.AbstractEventLoop:
    """A loop of a world, to be run by this thread; not in another one."""
    running = asyncio._get_running_loop()
    if running is None:
        return engine.new_event_loop(runtime)
    if isinstance(running, ScaledLoop):
        advice = "await the coroutine; make a server before, or as in `await asyncio.to_thread(world.server)`"
    else:
        advice = (
            "use the world in a test that is no coroutine, as of unittest.TestCase and not IsolatedAsyncioTestCase, "
            "and run coroutines with world.run, or with run of the session"
        )
    raise WorldError(f"an event loop runs in this thread already, in which a world can run none: {advice}")
