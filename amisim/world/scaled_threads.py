"""Threads and locks of a world whose time passes faster than the real one: real ones, whose time-outs are shorter."""

import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from amisim.world.modules import like

__all__ = ["threading_of"]

_monotonic = time.monotonic


class _Scaled:
    """What waits, in real seconds, for time-outs of a world whose time passes `_speed` times as fast."""

    _speed: float

    def _short(self, seconds: float | None) -> float | None:
        return None if seconds is None else seconds / self._speed


class Lock(_Scaled):
    """A lock whose time-outs are shorter."""

    _make: Callable[[], Any] = staticmethod(threading.Lock)

    def __init__(self) -> None:
        self._lock = self._make()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        taken: bool = self._lock.acquire(blocking, timeout if timeout == -1 else self._short(timeout))
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


class Condition(_Scaled, threading.Condition):
    """A condition whose time-outs are shorter."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(self._short(timeout))

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        until = None if timeout is None else _monotonic() + timeout / self._speed
        while not (result := predicate()):
            left = None if until is None else (until - _monotonic()) * self._speed
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result


class Event(_Scaled, threading.Event):
    """An event whose time-outs are shorter."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(self._short(timeout))


class Semaphore(_Scaled, threading.Semaphore):
    """A semaphore whose time-outs are shorter."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        return super().acquire(blocking, self._short(timeout))

    __enter__ = acquire


class BoundedSemaphore(_Scaled, threading.BoundedSemaphore):
    """A semaphore with a bound, whose time-outs are shorter."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        return super().acquire(blocking, self._short(timeout))

    __enter__ = acquire


class Barrier(_Scaled, threading.Barrier):
    """A barrier whose time-outs are shorter."""

    def wait(self, timeout: float | None = None) -> int:
        return super().wait(self._short(self._timeout if timeout is None else timeout))  # type: ignore[attr-defined]


class Thread(_Scaled, threading.Thread):
    """A thread that is joined in a shorter time."""

    def join(self, timeout: float | None = None) -> None:
        super().join(self._short(timeout))


class Timer(Thread, threading.Timer):
    """A timer that comes sooner."""

    def __init__(self, interval: float, *args: Any, **options: Any) -> None:
        super().__init__(self._short(interval) or 0, *args, **options)


_KINDS = (Lock, RLock, Condition, Event, Semaphore, BoundedSemaphore, Barrier, Thread, Timer)


def threading_of(speed: float) -> ModuleType:
    """What `threading` is where time passes `speed` times as fast."""
    return like(threading, **{kind.__name__: type(kind.__name__, (kind,), {"_speed": speed}) for kind in _KINDS})
