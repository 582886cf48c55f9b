"""A 5 s time-out of each client, in a world: what came of a Ping whose answer comes too late, and how long it took."""

import asyncio
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import ami
import ami.aio
import amisim
from ami import core
from amisim import response, wait
from suite.story import SECRET, USERNAME

TIMEOUT = 5.0
"""Virtual seconds."""


class Outcome(NamedTuple):
    """How one run went; each further one with the same seed has to be equal."""

    answer: str | None
    seconds: float
    """Virtual ones, from the Ping to its end."""

    digest: str


def _server(world: amisim.World, seconds: float) -> amisim.Server:
    """A server that answers Pings so late."""
    server = world.server(username=USERNAME, secret=SECRET)
    server.on("Ping").reply(wait(seconds), response(Ping="Pong"))
    return server


_LATE = TIMEOUT + 2


def ami_threads(world: amisim.World) -> tuple[Any, float]:
    server = _server(world, _LATE)
    with ami.Manager(runtime=world.runtime) as manager:
        manager.connect(server.host, server.port)
        manager.login(USERNAME, SECRET)
        began = world.now
        return manager.send_action(core.Ping()), world.now - began


def ami_asyncio(world: amisim.World) -> tuple[Any, float]:
    server = _server(world, _LATE)

    async def main() -> tuple[Any, float]:
        async with ami.aio.Manager() as manager:
            await manager.connect(server.host, server.port)
            await manager.login(USERNAME, SECRET)
            began = world.now
            return await manager.send_action(core.Ping()), world.now - began

    return world.run(main())


def pystrix(world: amisim.World) -> tuple[Any, float]:
    from pystrix import ami

    with world.patch("pystrix.ami.ami"):
        server = _server(world, _LATE)
        manager = ami.Manager()
        manager.connect(server.host, server.port)
        manager.send_action(ami.core.Login(USERNAME, SECRET))
        began = world.now
        answer = manager.send_action(ami.core.Ping())
        seconds = world.now - began
        manager.close()
        return answer, seconds


def asterisk_ami(world: amisim.World) -> tuple[Any, float]:
    from asterisk.ami import AMIClient, SimpleAction

    with world.patch("asterisk.ami.client", "asterisk.ami.response"):
        server = _server(world, _LATE)
        client = AMIClient(server.host, server.port, timeout=int(TIMEOUT))
        assert client.login(USERNAME, SECRET).response
        began = world.now
        answer = client.send_action(SimpleAction("Ping")).response
        seconds = world.now - began
        client.logoff()
        client.disconnect()
        return answer, seconds


def panoramisk(world: amisim.World) -> tuple[Any, float]:
    import panoramisk
    from panoramisk.utils import IdGenerator

    IdGenerator.reset("id")  # it counts on from run to run
    server = _server(world, _LATE)

    async def main() -> tuple[Any, float]:
        manager = panoramisk.Manager(
            loop=asyncio.get_running_loop(), host=server.host, port=server.port, username=USERNAME, secret=SECRET,
            ping_delay=0,
        )  # fmt: skip
        await manager.connect()
        await manager.authenticated_future
        began, answer = world.now, None
        with suppress(TimeoutError):
            answer = await asyncio.wait_for(manager.send_action({"Action": "Ping"}), TIMEOUT)
        seconds = world.now - began
        manager.close()
        return answer, seconds

    return world.run(main())


def pyst2(world: amisim.World) -> tuple[Any, float]:
    import asterisk.manager

    with world.patch("asterisk.manager"):
        server = _server(world, TIMEOUT)
        manager = asterisk.manager.Manager()
        manager.connect(server.host, server.port)
        manager.login(USERNAME, SECRET)
        began = world.now
        answer = manager.ping()
        seconds = world.now - began
        manager.close()
        return answer.headers["Ping"], seconds


class Client(NamedTuple):
    """A client of the benchmark."""

    title: str
    run: Callable[[amisim.World], tuple[Any, float]]
    runs: int
    answer: str | None = None
    """What its Ping is to bring: nothing in time, but for who has no time-out."""
    note: str = ""


CLIENTS = {
    "ami-threads": Client("**`ami.Manager`**", ami_threads, 10_000),
    "ami-asyncio": Client("**`ami.aio.Manager`**", ami_asyncio, 10_000),
    "pystrix": Client("pystrix", pystrix, 1_000, note="polls; the sum of its polls is a little less than 5"),
    "asterisk-ami": Client("asterisk-ami", asterisk_ami, 1_000),
    "pyst2": Client("pyst2", pyst2, 1_000, "Pong", "has no time-out of its own: the answer comes after 5 s"),
    "panoramisk": Client("panoramisk", panoramisk, 1_000, note="has no time-out of its own: `asyncio.wait_for` is it"),
}  # fmt: skip


@dataclass
class Timed:
    """What the runs of a client found."""

    runs: int
    median: float
    """Real milliseconds."""
    most: float
    """Of the slowest one."""
    seconds: float
    deviations: int
    others: int
    """How many different digests as many other seeds as there are give."""


SEEDS = 20
"""How many other seeds there are."""


def live(client: Client, seed: int) -> Outcome:
    """One run."""
    with amisim.World(seed) as world:
        answer, seconds = client.run(world)
    return Outcome(None if answer is None else str(answer), seconds, world.digest)


def measure(client: Client, runs: int) -> Timed:
    """Run a client again and again with one seed, and then with others. Raises `RuntimeError` for a wrong result."""
    first = live(client, 1)
    taken, deviations = [], 0
    for _ in range(runs):
        began = time.perf_counter()
        deviations += live(client, 1) != first
        taken.append(time.perf_counter() - began)
    others = [live(client, seed) for seed in range(2, SEEDS + 2)]
    for each in [first, *others]:
        _check(client, each)
    return Timed(
        runs, statistics.median(taken) * 1000, max(taken) * 1000, first.seconds, deviations,
        len({each.digest for each in others}),
    )  # fmt: skip


def _check(client: Client, outcome: Outcome) -> None:
    if outcome.answer != client.answer or abs(outcome.seconds - TIMEOUT) > 0.001:
        raise RuntimeError(f"{client.title}: {outcome}, and not {client.answer} after {TIMEOUT:g} s")
