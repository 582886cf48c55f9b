"""What is left in a world when a test is over: threads that go on, tasks that are not done, sockets that are open."""

import asyncio
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from amisim.world import World

__all__ = ["Left", "Leftovers", "not_allowed", "tasks_of"]

_INTERNAL = tuple(str(path) for path in (Path(__file__).parent, Path(__file__).parents[1] / "ami"))
_LIBRARY = sysconfig.get_path("stdlib")


class Left(NamedTuple):
    """One thing that is left."""

    name: str
    """What it is and what it is called, such as `thread Thread-1 (work)`."""

    origin: str
    """Where it began."""

    def __str__(self) -> str:
        return f"the test leaves the {self.name}, which began at {self.origin}"


class Leftovers:
    """Remembers what begins in a world of virtual time, and where; others have no threads and sockets of their own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._origins: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        if world.kind == "virtual":
            self._note(world.modules["threading"].Thread, "start")
            self._note(world.modules["socket"].socket, "__init__")

    def _note(self, kind: Any, method: str) -> None:
        """Note where this is called; the class is this world's own."""
        call: Callable[..., object] = getattr(kind, method)

        def noted(each: Any, *args: Any, **options: Any) -> None:
            self._origins[each] = _place(sys._getframe(1))
            call(each, *args, **options)

        setattr(kind, method, noted)

    def found(self) -> Iterator[Left]:
        """The threads and sockets that there still are, when all have done what they can without time."""
        if self._world.kind != "virtual":
            return
        self._world.advance(0)
        for thread in self._world.modules["threading"].enumerate():
            if thread in self._origins:
                yield Left(f"thread {thread.name}", self._origins[thread])
        for socket, origin in self._origins.items():
            if hasattr(socket, "fileno") and socket.fileno() >= 0:
                yield Left(f"socket {_address(socket)}", origin)


def tasks_of(loop: asyncio.AbstractEventLoop) -> Iterator[Left]:
    """The tasks of a loop that are not done."""
    for task in sorted(asyncio.all_tasks(loop), key=asyncio.Task.get_name):
        code = getattr(task.get_coro(), "cr_code", None)
        origin = f"{code.co_filename}:{code.co_firstlineno} in {code.co_qualname}" if code else str(task.get_coro())
        yield Left(f"task {task.get_name()}", origin)


def not_allowed(left: Iterable[Left], patterns: Iterable[str]) -> list[str]:
    """What is said of all that may not be left, with a last line that says what to do."""
    patterns = tuple(patterns)
    names = {each.name: each for each in left if not any(fnmatchcase(each.name, pattern) for pattern in patterns)}
    if not names:
        return []
    hint = f'end what a test begins, or allow it: leaves=["{next(iter(names))}"], with * for anything'
    return [*map(str, names.values()), hint]


def _address(socket: Any) -> str:
    """Where it is connected to, or else where it is."""
    try:
        host, port = socket.getpeername()[:2]
    except OSError:
        host, port = socket.getsockname()[:2]
    return f"{host}:{port}"


def _place(frame: Any) -> str:
    """File, line and function of whoever is outside of amikit and of the standard library."""
    each = frame
    while each is not None and _is_internal(each.f_code.co_filename):
        each = each.f_back
    each = each or frame
    return f"{each.f_code.co_filename}:{each.f_lineno} in {each.f_code.co_name}"


def _is_internal(path: str) -> bool:
    return path.startswith((*_INTERNAL, "<frozen")) or (path.startswith(_LIBRARY) and "site-packages" not in path)
