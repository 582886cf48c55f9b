"""Locks and what is made of them, on virtual time: what `threading` has, for the participants of a world."""

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from amisim.world.errors import Deadlock, WorldError
from amisim.world.participants import Waiters
from amisim.world.scheduler import Scheduler

__all__ = ["KINDS", "Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore", "made"]

_Kind = TypeVar("_Kind", bound="Lock | Condition | Event")


def made(kind: type[_Kind], scheduler: Scheduler) -> _Kind:
    """One of these for a scheduler."""
    new = kind.__new__(kind)
    new._scheduler = scheduler
    new.__init__()  # type: ignore[misc]
    return new


class Lock:
    """See `threading.Lock`."""

    _scheduler: Scheduler
    _what = "a lock"

    def __init__(self) -> None:
        self._is_held = False
        self._waiters: Waiters = {}

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, waiting for it."""
        if timeout != -1 and not blocking:
            raise ValueError("can't specify a timeout for a non-blocking call")
        if timeout < 0 and timeout != -1:
            raise ValueError("timeout value must be a non-negative number")
        scheduler = self._scheduler
        scheduler.touch()
        if self._is_held:
            if not blocking:
                scheduler.poll()
                return False
            until = None if timeout == -1 else scheduler.now + timeout
            while self._is_held:
                left = None if until is None else until - scheduler.now
                if not scheduler.wait([self._waiters], left, self._what) and self._is_held:
                    return False
        self._is_held = True
        return True

    def release(self) -> None:
        """Give the lock back; any thread may."""
        if not self._is_held:
            if self._scheduler.is_ending:
                return
            raise RuntimeError("release unlocked lock")
        self._is_held = False
        self._scheduler.wake(self._waiters)

    def locked(self) -> bool:
        """Whether somebody has it."""
        self._scheduler.look()
        return self._is_held

    def _is_owned(self) -> bool:
        return self._is_held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class RLock(Lock):
    """See `threading.RLock`."""

    def __init__(self) -> None:
        super().__init__()
        self._owner: int | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, waiting for it; whoever has it may take it again."""
        me = threading.get_ident()
        if self._owner != me:
            if not super().acquire(blocking, timeout):
                return False
            self._owner = me
        self._depth += 1
        return True

    def release(self) -> None:
        """Give the lock back as often as it was taken."""
        if self._owner != threading.get_ident():
            if self._scheduler.is_ending:
                return
            raise RuntimeError("cannot release un-acquired lock")
        self._depth -= 1
        if not self._depth:
            self._owner = None
            super().release()

    def _is_owned(self) -> bool:
        return self._owner == threading.get_ident()

    def _release_save(self) -> int:
        depth, self._depth = self._depth, 1
        self.release()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        self.acquire()
        self._depth = depth


class Condition:
    """See `threading.Condition`."""

    _scheduler: Scheduler

    def __init__(self, lock: Any = None) -> None:
        self._lock = lock = made(RLock, self._scheduler) if lock is None else lock
        self.acquire = lock.acquire
        self.release = lock.release
        # It may be a lock of any kind, as the real one's.
        self._release_save = getattr(lock, "_release_save", lock.release)
        self._acquire_restore = getattr(lock, "_acquire_restore", lambda _: lock.acquire())
        self._is_owned = getattr(lock, "_is_owned", partial(_is_held, lock))
        self._waiting: deque[Waiters] = deque()

    def __enter__(self) -> Any:
        return self.acquire()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if isinstance(error, WorldError) and isinstance(self._lock, RLock) and not self._is_owned():
            return  # it could not be taken again after a wait
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Give the lock back, wait to be notified, and take the lock again."""
        if not self._is_owned():
            raise RuntimeError("cannot wait on un-acquired lock")
        ticket: Waiters = {self._scheduler.me(): None}
        self._waiting.append(ticket)
        saved = self._release_save()
        is_wrong = False
        try:
            # It may have been notified while the lock was given back.
            return not ticket or self._scheduler.wait([ticket], timeout, "a condition")
        except WorldError:
            is_wrong = True
            raise
        finally:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
            try:
                self._acquire_restore(saved)
            except Deadlock:
                if not is_wrong:  # or else whoever has the lock is wrong, and that is told
                    raise

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """Wait until something is so, at most `timeout` seconds; return what `predicate` says last."""
        until = None if timeout is None else self._scheduler.now + timeout
        while not (result := predicate()):
            left = None if until is None else until - self._scheduler.now
            if left is not None and left <= 0:
                break
            self.wait(left)
        return result

    def notify(self, n: int = 1) -> None:
        """Wake `n` of those who wait."""
        if not self._is_owned():
            raise RuntimeError("cannot notify on un-acquired lock")
        while n > 0 and self._waiting:  # while these are woken, the time of others may run out
            self._scheduler.wake(self._waiting.popleft())
            n -= 1

    def notify_all(self) -> None:
        """Wake all who wait."""
        self.notify(len(self._waiting))

    notifyAll = notify_all  # noqa: N815 - its old name, which clients still use


def _is_held(lock: Any) -> bool:
    if lock.acquire(False):
        lock.release()
        return False
    return True


class Event(threading.Event):
    """See `threading.Event`."""

    _scheduler: Scheduler
    _cond: Any

    def __init__(self) -> None:
        self._cond = made(Condition, self._scheduler)
        self._flag = False

    def is_set(self) -> bool:
        """Whether it has happened."""
        self._scheduler.look()
        return self._flag

    isSet = is_set  # noqa: N815 - its old name, which clients still use


class Semaphore:
    """See `threading.Semaphore`."""

    _scheduler: Scheduler

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._value = value
        self._waiters: Waiters = {}

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take one, waiting for it."""
        if timeout is not None and not blocking:
            raise ValueError("can't specify timeout for non-blocking acquire")
        scheduler = self._scheduler
        scheduler.touch()
        until = None if timeout is None else scheduler.now + timeout
        while not self._value:
            left = None if until is None else until - scheduler.now
            if not blocking:
                scheduler.poll()
                return False
            if not scheduler.wait([self._waiters], left, "a semaphore") and not self._value:
                return False
        self._value -= 1
        return True

    def release(self, n: int = 1) -> None:
        """Give `n` back."""
        if n < 1:
            raise ValueError("n must be one or more")
        self._value += n
        self._scheduler.wake(self._waiters)

    def _is_owned(self) -> bool:
        return not self._value  # whoever has it: a condition asks this

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class BoundedSemaphore(Semaphore):
    """See `threading.BoundedSemaphore`."""

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._initial_value = value

    def release(self, n: int = 1) -> None:
        """Give `n` back, but no more than were taken."""
        if self._value + n > self._initial_value:
            raise ValueError("Semaphore released too many times")
        super().release(n)


class Barrier(threading.Barrier):
    """See `threading.Barrier`."""

    _scheduler: Scheduler
    _cond: Any

    def __init__(self, parties: int, action: Callable[[], None] | None = None, timeout: float | None = None) -> None:
        super().__init__(parties, action, timeout)
        self._cond = made(Condition, self._scheduler)


KINDS = (Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore)
"""Those that `threading` has."""
