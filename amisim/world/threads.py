"""Threads that take part in a world."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from amisim.world.errors import Ended
from amisim.world.locks import Event, made
from amisim.world.participants import Participant
from amisim.world.scheduler import Scheduler

__all__ = ["Thread", "Timer"]


def _is_wrong(record: logging.LogRecord) -> bool:
    return record.exc_info is None or not isinstance(record.exc_info[1], Ended)


logging.getLogger("concurrent.futures").addFilter(_is_wrong)  # its pools log whatever ends one of their threads


class Thread(threading.Thread):
    """A real thread that runs only when it is its turn; see `threading.Thread`."""

    _scheduler: Scheduler
    _participant: Participant | None = None
    _said_daemon: bool | None = None

    @property
    def daemon(self) -> bool:
        """What was said; in truth it is one, so that, if it waits for something real, it does not keep the process."""
        return self._daemonic if self._said_daemon is None else self._said_daemon

    @daemon.setter
    def daemon(self, is_daemon: bool) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        threading.Thread.daemon.fset(self, is_daemon)  # type: ignore[attr-defined]

    def start(self) -> None:
        """Take part in the world."""
        if self._participant is not None or not self._initialized:  # type: ignore[attr-defined]
            super().start()  # which says what is wrong
        self._scheduler.me()
        self._participant = self._scheduler.new_participant(self, self.name)
        run = self.run
        self.run = lambda: self._take_part(run)  # type: ignore[method-assign]
        said, self._daemonic = self.daemon, True
        try:
            super().start()
        except BaseException:  # the system has no more threads
            self._daemonic = said
            self._scheduler.forget(self._participant)
            raise
        self._said_daemon = said
        self._scheduler.add(self._participant)

    def _take_part(self, run: Callable[[], object]) -> None:
        participant = self._participant
        assert participant is not None
        del self.run
        with suppress(Ended):  # which may come just when it ends, if it has been given up
            try:
                self._scheduler.begin(participant)
                run()
            except Ended:
                pass
            except BaseException:
                self._invoke_excepthook(self)  # type: ignore[attr-defined] # while it still takes part
            finally:
                self._scheduler.finish(participant)

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end, in virtual time."""
        participant = self._participant
        if participant is not None and self is not threading.current_thread() and self._scheduler.is_inside():
            if not participant.is_done:
                self._scheduler.wait([participant.joiners], timeout, f"the end of the thread {self.name!r}")
            if not participant.is_done or participant.is_lost:
                return
        super().join(timeout)

    def is_alive(self) -> bool:
        """Whether it has begun, and not ended."""
        if not super().is_alive() or (self._participant is not None and self._participant.is_done):
            return False
        self._scheduler.look()
        return True


class Timer(Thread):
    """See `threading.Timer`."""

    def __init__(
        self,
        interval: float,
        function: Callable[..., object],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.interval = interval
        self.function = function
        self.args = args if args is not None else []
        self.kwargs = kwargs if kwargs is not None else {}
        self.finished = made(Event, self._scheduler)

    def cancel(self) -> None:
        """Do not call the function, if it is not too late."""
        self.finished.set()

    def run(self) -> None:
        """Wait, and call the function."""
        self.finished.wait(self.interval)
        if not self.finished.is_set():
            self.function(*self.args, **self.kwargs)
        self.finished.set()
