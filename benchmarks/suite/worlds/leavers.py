"""Who leaves a world, in every way and place: how soon that is told to whoever entered it."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from amisim import Deadlock, OutsideWorld, World

__all__ = ["PLACES", "TIMES", "WAYS", "Named", "name"]

TIMES = 5
"""How often each is measured."""


def _sleep(_: World) -> None:
    time.sleep(60)


def _receive(_: World) -> None:
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(60)
        one.recv(1)


def _lock(_: World) -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=60)


def _wait_for_a_program(_: World) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as program:
        try:
            program.wait()
        finally:
            program.kill()


def _loop(_: World) -> None:
    while True:
        pass


def _look(world: World) -> None:
    event = world.modules["threading"].Event()
    while not event.is_set():
        pass


def _deadlock(world: World) -> None:
    world.modules["threading"].Event().wait()


WAYS: dict[str, Callable[[World], None]] = {
    "a real `time.sleep`": _sleep,
    "a real socket": _receive,
    "a lock of a module that is not patched": _lock,
    "another program": _wait_for_a_program,
    "an endless loop": _loop,
    "an endless loop that looks at the world": _look,
    "a deadlock": _deadlock,
}


def _in_main(world: World, leave: Callable[[World], None]) -> None:
    leave(world)


def _in_thread(world: World, leave: Callable[[World], None]) -> None:
    thread = world.modules["threading"].Thread(target=leave, args=(world,), daemon=True)
    thread.start()
    thread.join()
    world.sleep(5)


def _in_coroutine(world: World, leave: Callable[[World], None]) -> None:
    async def main() -> None:
        leave(world)

    world.run(main())


PLACES = {"the main thread": _in_main, "another thread": _in_thread, "a coroutine": _in_coroutine}


class Named(NamedTuple):
    """How long it took, in real seconds."""

    way: str
    place: str
    told: float
    """Until the error was raised where the world had been entered, at most."""


def name(way: str, place: str) -> Named:
    """Leave a world so, some times."""
    return Named(way, place, max(_leave(WAYS[way], PLACES[place]) for _ in range(TIMES)))


def _leave(way: Callable[[World], None], place: Callable[[World, Callable[[World], None]], None]) -> float:
    left = 0.0

    def leave(world: World) -> None:
        nonlocal left
        left = time.monotonic()
        way(world)

    with World() as world:
        try:
            place(world, leave)
        except (OutsideWorld, Deadlock):
            return time.monotonic() - left
    raise RuntimeError("nobody noticed it")
