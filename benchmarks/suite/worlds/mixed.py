"""One long mixed story: `python -m suite.worlds.mixed SEED` prints a hash of all that happened.

Threads, asyncio, faults, lost links that are made again, callbacks that act, and time that is advanced by hand.
"""

import asyncio
import hashlib
import logging
import sys
from typing import Any

import ami
import ami.aio
import amisim
from ami import core
from amisim import event, list_complete, response, wait

FAULTS = (
    "split event size=7 p=0.2", "delay 0.3 response p=0.2", "drop item every=9", "unknown_action_id response every=17",
    "reset event every=60", "cut 30 event every=90", "jitter 0.5 event p=0.3", "late 3 response Ping p=0.1",
    "duplicate event p=0.1", "bad_utf8 event p=0.05", "clock -60 event every=50",
)  # fmt: skip
"""What goes wrong."""

LENGTH = 300.0
"""Virtual seconds."""

_RECONNECT = ami.Reconnect(initial=0.2, maximum=2)


class _Told:
    """What was seen, in the order in which it was."""

    def __init__(self, world: amisim.World) -> None:
        self._world = world
        self.lines: list[str] = []

    def __call__(self, who: str, what: object) -> None:
        self.lines.append(f"{self._world.now!r} {who}: {what}")

    def callbacks(self, who: str, manager: Any) -> None:
        """Have a manager's callbacks tell."""
        manager.register_callback("", lambda event, manager: self(who, f"{event.name} {list(event.items())}"))
        manager.register_callback(None, lambda response, manager: self(who, f"orphan {list(response.items())}"))
        manager.register_callback(ami.StateChange, lambda change, manager: self(who, change))


def _ask(world: amisim.World, manager: ami.Manager, told: _Told, who: str) -> None:
    """A thread that uses the threaded manager."""
    for number in range(10_000):
        if world.now >= LENGTH:
            return
        request = core.QueueStatus("support") if number % 3 == 0 else core.Ping()
        request.synchronous, request.timeout = number % 3 == 0, 2
        try:
            answer = manager.send_action(request)
            told(who, None if answer is None else (answer.action_id, answer.success, answer.events))
        except ami.Error as error:
            told(who, repr(error))
        world.sleep(0.7 + number % 5)


async def _live(world: amisim.World, server: amisim.Server, told: _Told) -> None:
    """The asyncio manager: two tasks that ask, and one that reads a stream."""
    async with ami.aio.connect(
        server.host, server.port, username="admin", secret="secret", reconnect=_RECONNECT, keepalive=5
    ) as manager:
        told.callbacks("tasks", manager)

        async def ask(name: str, pause: float) -> None:
            while world.now < LENGTH:
                try:
                    answer = await asyncio.wait_for(manager.send_action(core.Getvar("EXTEN")), 1.5)
                    told(name, None if answer is None else dict(answer.result))
                except (ami.Error, TimeoutError) as error:
                    told(name, repr(error))
                await asyncio.sleep(pause)

        async def read() -> None:
            async for each in manager.events("Hangup", ami.Gap):
                told("stream", each)

        reading = asyncio.ensure_future(read())
        await asyncio.gather(ask("task 1", 1.1), ask("task 2", 0.9), asyncio.to_thread(world.sleep, 1))
        reading.cancel()


def tell(seed: int) -> str:
    """Live through the story; return its hash."""
    with amisim.World(seed, faults=FAULTS) as world:
        told = _Told(world)
        server = world.server()
        server.on("QueueStatus").reply(
            response(EventList="start"), *(event("QueueMember", Name=f"Agent {each}") for each in range(5)),
            wait(0.2), list_complete(),
        )  # fmt: skip
        server.on("Getvar").reply(wait(0.5), response(Variable="EXTEN", Value="Ünlü"))
        loop = world.modules["threading"].Thread(target=lambda: world.run(_live(world, server, told)), name="loop")
        with ami.Manager(runtime=world.runtime, reconnect=_RECONNECT, keepalive=5) as manager:
            told.callbacks("threads", manager)
            manager.connect(server.host, server.port)
            manager.login("admin", "secret")
            asking = [
                world.modules["threading"].Thread(target=_ask, args=(world, manager, told, f"thread {each}"))
                for each in range(3)
            ]
            for each in (loop, *asking):
                each.start()
            number = 0
            while world.now < LENGTH:
                for _ in range(number % 4 + 1):
                    number += 1
                    server.emit(event("Hangup", Privilege="call,all", Channel=f"PJSIP/{number}", Cause=number % 20))
                world.advance(0.3 + number % 3)
            for each in (loop, *asking):
                each.join()
        hashed = hashlib.sha256(repr(list(server.transcript)).encode())
    hashed.update("\n".join([*told.lines, world.digest]).encode(errors="surrogateescape"))
    return hashed.hexdigest()


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    print(tell(int(sys.argv[1])))
