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
from amisim.world.places import frames_of

__all__ = ["Left", "Leftovers", "not_allowed"]

_INTERNAL = tuple(str(path) for path in (Path(__file__).parent, Path(__file__).parents[1] / "ami"))
_LIBRARY = sysconfig.get_path("stdlib")


class Left(NamedTuple):
    """One thing that is left."""

    name: str
    """What it is and what it is called, such as `thread Thread-1 (work)`."""

    place: str
    """Where it began, or waits: `began at test_it.py:7 in test_it`."""

    def __str__(self) -> str:
        return f"the test leaves the {self.name}, which {self.place}"


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
                yield Left(f"thread {thread.name}", f"began at {self._origins[thread]}")
        yield from self._sockets()

    def noting(self, loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
        """The loop, of whose tasks it is known where they began."""
        make: Callable[..., Any] = loop.get_task_factory() or _new_task

        def noted(*args: Any, **options: Any) -> Any:
            task = make(*args, **options)
            self._origins[task] = _place(sys._getframe(1))
            return task

        loop.set_task_factory(noted)
        return loop

    def of(self, loop: asyncio.AbstractEventLoop) -> Iterator[Left]:
        """The tasks and connections of a loop, as they are: those whose other side has gone end when it runs again."""
        for task in sorted(asyncio.all_tasks(loop), key=asyncio.Task.get_name):
            waits = _waits_at(task)
            yield Left(f"task {task.get_name()}", f"waits at {waits}" if waits else f"began at {self._origins[task]}")
        transports: Any = loop._transports  # type: ignore[attr-defined] # by the numbers of their sockets
        yield from self._sockets(lambda socket: socket.fileno() in transports)

    def _sockets(self, counts: Callable[[Any], bool] = lambda _: True) -> Iterator[Left]:
        for socket, origin in self._origins.items():
            if hasattr(socket, "fileno") and socket.fileno() >= 0 and counts(socket):
                yield Left(f"socket {_address(socket)}", f"began at {origin}")


def not_allowed(left: Iterable[Left], patterns: Iterable[str]) -> list[str]:
    """What is said of all that may not be left, with a last line that says what to do."""
    patterns = tuple(patterns)
    names = {each.name: each for each in left if not any(fnmatchcase(each.name, pattern) for pattern in patterns)}
    if not names:
        return []
    hint = f'end what a test begins, or allow it: leaves=["{next(iter(names))}"], with * for anything'
    return [*map(str, names.values()), hint]


def _new_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coroutine, loop=loop, **options)


def _waits_at(task: asyncio.Task[Any]) -> str:
    """The innermost place outside of amikit and of the standard library; empty if there is none."""
    frames = [each for each in frames_of(task) if not _is_internal(each.f_code.co_filename)]
    return _said(frames[-1]) if frames else ""


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
    return _said(each or frame)


def _said(frame: Any) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _is_internal(path: str) -> bool:
    return path.startswith((*_INTERNAL, "<frozen")) or (path.startswith(_LIBRARY) and "site-packages" not in path)
