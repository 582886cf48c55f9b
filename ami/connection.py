"""The threads of a manager: one reads a link, one runs callbacks."""

import math
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ami.backlog import Backlog
from ami.errors import Error, ManagerError, ManagerSocketError
from ami.outcomes import Notice, Orphan, Output, Response
from ami.request import Request
from ami.runtime import Link, Lock, Runtime
from ami.session import ClientSession

if TYPE_CHECKING:
    from ami.manager import Manager

__all__ = ["LONGEST_WAIT", "Connection", "Dispatcher"]

LONGEST_WAIT = 86_400.0
"""Seconds: operating systems refuse to wait for months."""

_BATCH = 256  # how many outputs are taken out of the queue at a time

_PATIENCE = 2.0
"""Seconds that closing waits for another thread. That ends at once, unless it waits for something which the closing
thread holds, whose work a signal handler has interrupted that closes: then it ends when that thread goes on."""

_INTERRUPTED = "a signal handler cannot use a connection that it interrupted in its use; it may close it"


class Connection:
    """One link with its session, and the thread that reads it. It does not know the manager that owns it."""

    def __init__(
        self,
        link: Link,
        host: str,
        runtime: Runtime,
        new_session: Callable[[str, float, Callable[[], object]], ClientSession],
        greeting_timeout: float,
        deliver: Callable[[list[Output]], None],
        ended: Callable[["Connection"], None],
    ) -> None:
        self.host = host
        self._link = link
        self._runtime = runtime
        self._deliver = deliver
        self._ended = ended
        self._greeted = runtime.lock()
        self._greeted.acquire()
        deadline = runtime.monotonic() + greeting_timeout
        self.session = new_session(runtime.id_prefix(), deadline, self._greeted.release)
        self._lock = runtime.mutex()
        # Whether the thread that holds the lock uses the session: a signal handler that interrupted it must not, then.
        # Set without a call in between, where the handler could come first.
        self._inside = False
        self._over = runtime.condition()
        self._waiting_until = self.session.due
        self._answered: list[Lock] = []  # of those whose action has ended; let go when everything else is done
        self._abandoned = self._closing = False
        self._thread = runtime.thread(self._read, "ami-message-reader")
        self._thread.start()

    def wait_for_greeting(self) -> None:
        """Return when the server has said who it is. Raises `ManagerSocketError`, also when it does not in time."""
        self._greeted.acquire()
        if self.session.closed is not None:
            raise self.session.closed.again()

    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self.session.closed is None

    def get_asterisk_info(self) -> tuple[str, str]:
        """Name and version from the greeting."""
        return self.session.asterisk_info()

    def send_action(self, request: Request, action_id: str | None = None, /, **headers: Any) -> Response | None:
        """Send, and wait for the end of the action."""
        ended = self._runtime.lock()
        ended.acquire()
        with self._lock:
            if self._inside:
                raise ManagerError(_INTERRUPTED)
            self._inside = True
            try:
                now = self._runtime.monotonic()
                pending = self.session.send_action(
                    request, now, lambda: self._answered.append(ended), action_id, **headers
                )
                self._flush(now)
                self._note_deadline()
            finally:
                self._inside = False
        if self.session.closed is not None:
            self._wake()
        ended.acquire()
        return pending.result()

    def keep_alive(self, quiet: float, patience: float) -> None:
        """See `ClientSession.keep_alive`."""
        with self._lock:
            if self._inside:
                raise ManagerError(_INTERRUPTED)
            self._inside = True
            try:
                self.session.keep_alive(quiet, patience, self._runtime.monotonic())
                self._note_deadline()
            finally:
                self._inside = False

    def wait_until_closed(self) -> None:
        """Wait for the end of the connection."""
        while not self.wait_closed(LONGEST_WAIT):
            pass

    def wait_closed(self, timeout: float) -> bool:
        """Wait for the end of the connection, at most `timeout` seconds; return whether it has come."""
        with self._over:
            if self.session.closed is None:
                self._over.wait(timeout)
        return self.session.closed is not None

    def close(self) -> None:
        """End the connection, and every action under way with it.

        In a signal handler that interrupted this very thread while it was using the connection: have it ended soon.
        """
        if not self._lock.acquire(True, _PATIENCE):
            self._close_soon()
            return
        try:
            if self._inside:
                self._close_soon()
                return
            self._inside = True
            try:
                self.session.close(ManagerSocketError("the connection was closed"), self._runtime.monotonic())
            finally:
                self._inside = False
        finally:
            self._lock.release()
        self._wake()
        self._link.shutdown()
        if self._runtime.current_thread() is not self._thread:
            self._thread.join(_PATIENCE)

    def _close_soon(self) -> None:
        """Have the reading thread close the connection."""
        self._closing = True
        self._link.wake()

    def abandon(self) -> None:
        """Have the reading thread close the connection soon. Takes no lock: the garbage collector may call this."""
        self._abandoned = True
        self._link.wake()

    def forget(self, error: Error) -> None:
        """In a child process: give back what was inherited; the connection is the parent's."""
        self.session.closed = error
        self._link.forget()

    def _flush(self, now: float) -> None:
        data = self.session.data_to_send()
        if not data:
            return
        try:
            self._link.send(data)
        except ManagerSocketError as error:
            self.session.close(error, now)
            self._link.shutdown()

    def _note_deadline(self) -> None:
        """Have the reading thread look up in time for the first deadline."""
        if self.session.due < self._waiting_until:
            self._link.wake()

    def _time_to_wait(self) -> float | None:
        """How long the reading thread may wait for data."""
        until = self._waiting_until
        if until == math.inf:
            return None
        left = until - self._runtime.monotonic()
        return 0.0 if left < 0 else left if left < LONGEST_WAIT else LONGEST_WAIT

    def _wake(self) -> None:
        """Let those go whose action has ended."""
        while self._answered:
            try:
                self._answered.pop().release()
            except IndexError:  # another thread was faster
                return

    def _read(self) -> None:
        session, receive = self.session, self._link.receive
        try:
            while session.closed is None and not (self._abandoned or self._closing):
                data = receive(self._time_to_wait())
                with self._lock:
                    self._take(data)
                    outputs = session.take_outputs()
                if outputs:
                    self._deliver(outputs)
                self._wake()  # last: whoever is woken has to wait until this thread waits again
            self._close_session(ManagerSocketError("the connection was closed"))
        except ManagerSocketError as error:
            self._close_session(error)
        except BaseException as error:
            self._close_session(ManagerSocketError(f"the reading thread failed: {error!r}"))
            raise
        finally:
            self._link.close()
            with self._over:
                self._over.notify_all()
            if not self._abandoned:
                self._ended(self)

    def _take(self, data: bytes | None) -> None:
        session = self.session
        now = self._runtime.monotonic()
        if data:
            session.receive_data(data, now)
        elif data is not None:
            session.receive_eof(now)
        if now >= session.due:
            session.handle_timer(now)
        self._flush(now)
        self._waiting_until = session.due

    def _close_session(self, error: Error) -> None:
        with self._lock:
            self.session.close(error, self._runtime.monotonic())
        self._wake()


class Dispatcher:
    """The thread that runs callbacks, one after the other, in the order of the wire."""

    def __init__(self, manager: "Manager", runtime: Runtime, backlog: Backlog) -> None:
        # Weak, so that a manager nobody holds any more can go, and its threads with it; so are its callbacks, which
        # may hold it themselves.
        self._manager = weakref.ref(manager)
        self._runtime = runtime
        self._backlog = backlog
        self._lock = runtime.mutex()
        self._tokens = runtime.queue()  # one when the backlog is empty no more
        self._stopped = False
        self._busy = False
        self._thread = runtime.thread(self._run, "ami-dispatcher")
        self._thread.start()

    def __len__(self) -> int:
        return len(self._backlog)

    @property
    def lost(self) -> int:
        """How many events were dropped because the queue was full."""
        return self._backlog.lost

    def put(self, outputs: list[Output]) -> None:
        """Queue outputs for their callbacks."""
        with self._lock:
            idle = not self._backlog
            self._backlog.put(outputs)
        if idle:
            self._tokens.put(None)

    def stop(self) -> None:
        """Run no more callbacks. One that is running goes on to its end, which is not waited for."""
        self.abandon()
        if not self._busy and self._runtime.current_thread() is not self._thread:
            self._thread.join(_PATIENCE)

    def abandon(self) -> None:
        """Begin to stop, without waiting. Takes no lock: the garbage collector may call this."""
        self._stopped = True
        self._tokens.put(None)

    def _run(self) -> None:
        while not self._stopped:
            self._tokens.get()
            while self._dispatch_some():
                pass
            self._busy = False

    def _dispatch_some(self) -> bool:
        """Run the callbacks for what waits longest; return whether there was anything."""
        with self._lock:
            outputs = self._backlog.take(_BATCH)
        self._busy = bool(outputs)  # before looking whether to stop, as `stop` looks at it after saying so
        manager = self._manager()
        if not outputs or manager is None or self._stopped:
            return False
        self._dispatch(outputs, manager)
        return True

    def _dispatch(self, outputs: list[Output], manager: "Manager") -> None:
        clock, matching, noted = self._runtime.monotonic, manager._callbacks.matching, manager._debug
        limit = manager._slow_callback
        started = clock()
        for output in outputs:
            if self._stopped:
                return
            if noted or type(output) is Notice:
                with suppress(Exception):  # of a logger: the next output has its turn
                    manager._note(output)
            given = output.response if type(output) is Orphan else output
            for function in matching(output):
                try:
                    function(given, manager)
                except BaseException:
                    with suppress(Exception):
                        manager._note_failure(function, output)
                ended = clock()
                if ended - started > limit:
                    with suppress(Exception):
                        manager._note_slowness(function, output, ended - started, len(self._backlog))
                    ended = clock()
                started = ended
