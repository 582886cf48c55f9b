"""One world of a bad night: clients of both drivers, at work while a server misbehaves at random.

All that happens follows from the seed. When it is over, `live_through` says what was not as it should have been.
"""

import asyncio
import logging
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import ami
import ami.aio
import amisim
from ami import core
from amisim import event, faults, list_complete, response, wait
from amisim.action import ClientAction
from amisim.steps import Step
from suite.worlds.peers import at_once

SHORTEST, LONGEST = 120, 900  # virtual seconds
MANAGERS = 2  # of each driver
CALLERS = 2  # threads or tasks, of each manager
FAULTS = 12  # in a world
_LIMIT = 20 * LONGEST  # virtual seconds, after which a world hangs
_IN_TIME = 1e-6  # virtual seconds that additions may be wrong by
KINDS = list(faults.KINDS.values())

_SELDOM = frozenset({"silent", "refuse", "reset", "half_close", "cut", "wrong_banner", "goodbye_in_list", "restart",
                    "login_refused", "stall", "truncate", "flood", "long_line"})  # fmt: skip
"""Faults that end a connection, or cost much: they come more seldom."""

_SELECTORS = ("any", "event", "response", "answer", "item", "complete")
_ARGUMENTS: dict[str, tuple[float, float]] = {
    "seconds": (0.1, 8), "rate": (200, 5000), "size": (1, 60), "count": (2, 5), "by": (-2, 3), "step": (-4000, 4000),
}  # fmt: skip


@dataclass
class Night:
    """What happened in a world."""

    seed: int
    seconds: float = 0
    hits: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault hit."""
    ends: Counter[str] = field(default_factory=Counter)
    """How the actions ended."""
    begun: int = 0
    """How many actions there were."""
    events: int = 0
    reconnects: int = 0
    problems: list[str] = field(default_factory=list)
    digest: str = ""


def plan(seed: int) -> list[str]:
    """The faults of a world, as text."""
    chance = random.Random(f"faults {seed}")
    return [_fault(kind, chance) for kind in chance.sample(KINDS, FAULTS)]


def _fault(kind: faults.FaultKind, chance: random.Random) -> str:
    selector = str(kind.selector)
    if selector == "any" or (selector == "event" and not kind.gathers):
        selector = chance.choice(_SELECTORS)
    elif selector == "connection":
        selector = chance.choice((selector, *_SELECTORS))
    is_rare = selector in ("greeting", "connection", "response Login", "complete")
    return " ".join([kind.name, selector, *_argument(kind, chance), *_schedule(kind, is_rare, chance)])


def _argument(kind: faults.FaultKind, chance: random.Random) -> Iterator[str]:
    if kind.name in ("many_headers", "flood"):
        yield f"count={chance.randint(2, 60)}"
    elif kind.argument in _ARGUMENTS and kind.name != "long_line":
        value = chance.uniform(*_ARGUMENTS[kind.argument])
        digits = 2 if kind.argument in ("seconds", "step") else 0
        yield f"{kind.argument}={value:.{digits}f}"


def _schedule(kind: faults.FaultKind, is_rare: bool, chance: random.Random) -> Iterator[str]:
    if is_rare or kind.name not in _SELDOM:
        yield chance.choice((f"p={chance.uniform(0.05, 0.5):.2f}", f"every={chance.randint(2, 8)}"))
    else:
        yield chance.choice((f"p={chance.uniform(0.002, 0.02):.4f}", f"every={chance.randint(50, 500)}"))
    if chance.random() < 0.3:
        yield f"after_seconds={chance.randint(5, 60)}"


def live_through(seed: int) -> Night:
    """Live through one world."""
    night = Night(seed)
    chance = random.Random(f"night {seed}")
    with _listening(night.problems), amisim.World(seed, limit=_LIMIT) as world:
        _listen_for_dropped(world, night)
        with amisim.Server(runtime=world.runtime, faults=plan(seed), seed=seed, watch=partial(_count, night)) as server:
            _script(server)
            _play(world, server, night, chance)
        _look_for_leaks(world, night)
        night.seconds = world.now
    night.digest = world.digest
    if night.begun != night.ends.total():
        night.problems.append(f"{night.begun} actions began, {night.ends.total()} ended")
    night.problems = [f"seed {seed}: {each}" for each in night.problems]
    return night


def _count(night: Night, record: Any) -> None:
    if record.kind == "note" and record.data.startswith(b"fault: "):
        night.hits[record.data.split()[1].decode()] += 1


@contextmanager
def _listening(problems: list[str]) -> Iterator[None]:
    """Note what is logged as an error, and what a thread or a finalizer raises."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            why = f": {record.exc_info[1]!r}" if record.exc_info else ""
            problems.append(f"{record.name} logs: {record.getMessage()}{why}")

    handler = Handler(logging.ERROR)
    logs = [logging.getLogger(name) for name in ("ami", "asyncio", "amisim")]
    thread_hook, raised_hook = threading.excepthook, sys.unraisablehook
    threading.excepthook = lambda args: problems.append(f"a thread ends with {args.exc_value!r}")
    sys.unraisablehook = lambda args: problems.append(f"{args.object!r} raises {args.exc_value!r}")
    for log in logs:
        log.addHandler(handler)
        log.propagate = False
    try:
        yield
    finally:
        for log in logs:
            log.removeHandler(handler)
            log.propagate = True
        threading.excepthook, sys.unraisablehook = thread_hook, raised_hook


def _script(server: amisim.Server) -> None:
    members = [event("QueueMember", Queue="support", Name=f"Agent {each}", Paused=0) for each in range(6)]
    server.on("QueueStatus").reply(response(EventList="start"), *members, wait(0.1), list_complete())
    server.on("Getvar").reply(wait(0.2), response(Variable="EXTEN", Value="200"))
    server.on("Ping", Slow="yes").reply(wait(3), response(Ping="Pong"))
    server.on("Originate").reply(_call)


def _call(action: ClientAction) -> tuple[Step, ...]:
    about = {"Channel": f"{action.get('Channel')}-00000001", "Uniqueid": action.get("ChannelId") or "1.1"}
    return (
        response(Message="Originate successfully queued"), event("Newchannel", ChannelState=0, **about), wait(1),
        event("OriginateResponse", Response="Success", Reason=4, ActionID=action.action_id, **about), wait(2),
        event("Hangup", Cause=16, **about),
    )  # fmt: skip


# The clients


class _Threads:
    """The threaded driver; what has to be waited for returns at once when awaited."""

    def __init__(self, world: amisim.World) -> None:
        self._world = world

    def new_manager(self, **options: Any) -> Any:
        return ami.Manager(runtime=self._world.runtime, **options)

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    async def sleep(self, seconds: float) -> None:
        self._world.sleep(seconds)


class _Tasks:
    """The asyncio driver."""

    def new_manager(self, **options: Any) -> Any:
        return ami.aio.Manager(**options)

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        return await function(*args)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Program:
    """What uses a manager, until the world's time is over."""

    def __init__(
        self, world: amisim.World, server: amisim.Server, night: Night, driver: Any, seed: str, until: float
    ) -> None:
        self._world, self._server, self._night, self._driver = world, server, night, driver
        self._chance = chance = random.Random(seed)
        self._until = until
        self.manager = driver.new_manager(
            reconnect=ami.Reconnect(initial=chance.uniform(0.1, 2), maximum=chance.uniform(5, 30)),
            keepalive=chance.choice((None, 5, 20)),
            aggregate_timeout=chance.uniform(0.5, 5),
        )
        self.manager.register_callback("", self._take)
        self.manager.register_callback(None, lambda response, manager: None)
        self.manager.register_callback(ami.StateChange, self._hear)

    def _take(self, event: Any, manager: Any) -> None:
        self._night.events += 1

    def _hear(self, change: Any, manager: Any) -> None:
        self._night.reconnects += change.state is ami.State.WAITING

    async def use(self) -> None:
        """Send actions; connect again where the manager has given up, and hang up now and then."""
        chance, manager, world = self._chance, self.manager, self._world
        while world.now < self._until:
            try:
                if manager.state is ami.State.CLOSED:
                    await self._driver.call(manager.connect, self._server.host, self._server.port)
                    await self._driver.call(manager.login, "admin", "secret")
                elif chance.random() < 0.01:
                    await self._driver.call(manager.disconnect)
                elif chance.random() < 0.05:
                    await self._make_a_call()
                elif chance.random() < 0.05:
                    await self._read()
                else:
                    await self._act()
            except ami.Error:
                pass
            await self._driver.sleep(chance.expovariate(1 / chance.choice((0.1, 1, 5))))

    async def _make_a_call(self) -> None:
        call = await self._driver.call(partial(self.manager.originate, "PJSIP/100", context="default", exten="200"))
        await self._driver.call(call.wait, 3)
        await self._driver.call(call.wait_ended, 3)

    async def _read(self) -> None:
        """Read from a stream, for a while."""
        stream = self.manager.events("Hangup", ami.Gap)
        try:
            for _ in range(3):
                await self._driver.call(stream.get, 2)
        except TimeoutError:
            pass  # there was none
        finally:
            stream.close()

    async def _act(self) -> None:
        chance = self._chance
        request = chance.choice((core.Ping, partial(core.QueueStatus, "support"), partial(core.Getvar, "EXTEN")))()
        request.timeout = chance.choice((0.5, 2, 5))
        request.synchronous = isinstance(request, core.QueueStatus)
        await self._send(request, Slow="yes" if chance.random() < 0.1 else "no")

    async def _send(self, request: Any, **headers: str) -> None:
        night, began = self._night, self._world.now
        night.begun += 1
        action_id = f"night-{night.begun}"
        try:
            answer = await self._driver.call(partial(self.manager.send_action, request, action_id, **headers))
        except ami.Error as error:
            night.ends[type(error).__name__] += 1
        else:
            night.ends["None" if answer is None else "an answer"] += 1
            if answer is not None and answer.action_id != action_id:
                night.problems.append(f"{answer} answers another action than {action_id}")
        if (took := self._world.now - began) > request.timeout + _IN_TIME:
            night.problems.append(f"{request} took {took:.6f} s")


def _play(world: amisim.World, server: amisim.Server, night: Night, chance: random.Random) -> None:
    until = chance.uniform(SHORTEST, LONGEST)
    threading = world.modules["threading"]
    workers, programs = [], []
    for number in range(MANAGERS):
        program = _Program(world, server, night, _Threads(world), f"threads {night.seed} {number}", until)
        programs.append(program)
        workers += [threading.Thread(target=lambda p=program: at_once(p.use())) for _ in range(CALLERS)]
    workers.append(threading.Thread(target=lambda: world.run(_tasks(world, server, night, until)), name="asyncio"))
    for each in workers:
        each.start()
    while world.now < until:
        _happen(server, chance)
        world.sleep(chance.expovariate(1 / chance.choice((0.2, 1, 5))))
    for each in programs:  # in the middle of their actions
        each.manager.close()
    for each in workers:
        each.join()
    for each in programs:
        each.manager.close()


async def _tasks(world: amisim.World, server: amisim.Server, night: Night, until: float) -> None:
    programs = [
        _Program(world, server, night, _Tasks(), f"tasks {night.seed} {number}", until) for number in range(MANAGERS)
    ]
    await asyncio.gather(*(each.use() for each in programs for _ in range(CALLERS)))
    for each in programs:
        await each.manager.close()
    await asyncio.sleep(0)
    if left := [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
        night.problems.append(f"tasks are left: {', '.join(left)}")


def _happen(server: amisim.Server, chance: random.Random) -> None:
    """Something happens at the server."""
    for _ in range(chance.choice((1, 1, 3, 20))):
        channel = f"PJSIP/{chance.randrange(100, 200)}-{chance.randrange(1 << 32):08x}"
        server.emit(event(
            chance.choice(("Newchannel", "Newstate", "Hangup")), Privilege="call,all", Channel=channel, ChannelState=6,
            Uniqueid=f"{chance.randrange(1 << 30)}.1",
        ))  # fmt: skip
    if chance.random() < 0.005:
        server.disconnect(chance.choice(("eof", "reset", "half")))


def _listen_for_dropped(world: amisim.World, night: Night) -> None:
    """Sockets that nobody has any more are closed by the world, but should have been before."""
    kind = world.modules["socket"].socket

    def tell(dropped: Any) -> None:
        if not dropped._is_closed:
            night.problems.append(f"a socket was dropped: {dropped}")
        kind.__base__.__del__(dropped)

    kind.__del__ = tell


def _look_for_leaks(world: amisim.World, night: Night) -> None:
    mine = world.modules["threading"].Thread
    if threads := [each.name for each in threading.enumerate() if isinstance(each, mine) and each.is_alive()]:
        night.problems.append(f"threads are left: {', '.join(threads)}")
    if sockets := list(world.modules["socket"].socket._network._by_number.values()):
        night.problems.append(f"sockets are left: {sockets}")
