"""The modules of a world whose time passes as the real one does, but faster: real threads and links, shorter waits."""

import select
import selectors
import socket
import threading
import time
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

from amisim.world.modules import Modules, like, queue_over, seeded, time_of
from amisim.world.names import rebound

__all__ = ["scaled"]

_sleep, _monotonic = time.sleep, time.monotonic


def scaled(speed: float, wall_clock: Callable[[], float], utc_offset: float, seed: int) -> Modules:
    """The modules of a world in which `speed` seconds pass in each real one."""

    def short(seconds: float | None) -> float | None:
        return None if seconds is None else seconds / speed

    def now() -> float:
        return _monotonic() * speed

    times = time_of(now, wall_clock, lambda seconds: _sleep(seconds / speed), utc_offset)
    threads = _threading(short, now)
    return {
        "time": times,
        "threading": threads,
        "queue": queue_over(times, threads),
        "socket": _socket(speed),
        "select": like(select, select=lambda r, w, x=(), timeout=None: select.select(r, w, x, short(timeout))),
        "selectors": _selectors(short),
        **seeded(seed),
    }


def _threading(short: Callable[[float | None], float | None], now: Callable[[], float]) -> Any:
    class Lock:
        """A lock whose time-outs are shorter."""

        _make: Callable[[], Any] = staticmethod(threading.Lock)

        def __init__(self) -> None:
            self._lock = self._make()

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            taken: bool = self._lock.acquire(blocking, timeout if timeout == -1 else short(timeout))
            return taken

        def __enter__(self) -> bool:
            return self.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._lock, name)

    class RLock(Lock):
        """One that its holder may take again."""

        _make = staticmethod(threading.RLock)

    class Condition(threading.Condition):
        """A condition whose time-outs are shorter."""

        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(short(timeout))

        def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
            until = None if timeout is None else now() + timeout
            while not (result := predicate()):
                left = None if until is None else until - now()
                if left is not None and left <= 0:
                    break
                self.wait(left)
            return result

    class Event(threading.Event):
        """An event whose time-outs are shorter."""

        def wait(self, timeout: float | None = None) -> bool:
            return super().wait(short(timeout))

    class Semaphore(threading.Semaphore):
        """A semaphore whose time-outs are shorter."""

        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            return super().acquire(blocking, short(timeout))

        __enter__ = acquire

    class BoundedSemaphore(threading.BoundedSemaphore):
        """A semaphore with a bound, whose time-outs are shorter."""

        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            return super().acquire(blocking, short(timeout))

        __enter__ = acquire

    class Barrier(threading.Barrier):
        """A barrier whose time-outs are shorter."""

        def wait(self, timeout: float | None = None) -> int:
            return super().wait(short(self._timeout if timeout is None else timeout))  # type: ignore[attr-defined]

    class Thread(threading.Thread):
        """A thread that is joined in a shorter time."""

        def join(self, timeout: float | None = None) -> None:
            super().join(short(timeout))

    class Timer(threading.Timer):
        """A timer that comes sooner."""

        def __init__(self, interval: float, *args: Any, **options: Any) -> None:
            super().__init__(short(interval) or 0, *args, **options)

    kinds = (Lock, RLock, Condition, Event, Semaphore, BoundedSemaphore, Barrier, Thread, Timer)
    return like(threading, **{kind.__name__: kind for kind in kinds})


def _socket(speed: float) -> Any:
    default: list[float | None] = [None]

    class Socket(socket.socket):
        """A socket whose time-outs are shorter."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            if default[0] is not None:
                self.settimeout(default[0])

        def settimeout(self, value: float | None) -> None:
            super().settimeout(value and value / speed)

        def gettimeout(self) -> float | None:
            timeout = super().gettimeout()
            return timeout and timeout * speed

        timeout = property(gettimeout)  # pyright: ignore[reportIncompatibleMethodOverride]

    def set_default(timeout: float | None) -> None:
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout value out of range")
        default[0] = timeout

    names = {"socket": Socket, "SocketType": Socket, "getdefaulttimeout": lambda: default[0]}
    made = like(socket, setdefaulttimeout=set_default, **names)
    for name in ("create_connection", "create_server", "socketpair"):
        setattr(made, name, rebound(getattr(socket, name), vars(made)))
    Socket.accept = rebound(cast(FunctionType, socket.socket.accept), vars(made))  # type: ignore[method-assign]
    return made


def _selectors(short: Callable[[float | None], float | None]) -> Any:
    def faster(kind: Any) -> Any:
        return type(kind.__name__, (kind,), {"select": lambda self, timeout=None: kind.select(self, short(timeout))})

    kinds = {name: kind for name, kind in vars(selectors).items() if name.endswith("Selector") and name[0] != "_"}
    return like(selectors, **{name: faster(kind) for name, kind in kinds.items() if name != "BaseSelector"})
