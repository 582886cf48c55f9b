"""`Manager`: AMI for programs with threads.

This driver moves bytes between a link and a `ClientSession`, tells it the time, and calls callbacks. Two
threads do that for each manager that is connected: one reads the link, one runs callbacks, so a slow callback
delays neither replies nor reading, and a callback may itself send actions.
"""

import logging
import math
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from ami import core, wire
from ami.callbacks import Callback, CallbackRegistry, Identifier
from ami.catalogue import Aggregate, Event, Request
from ami.errors import Error, ManagerError, ManagerSocketError
from ami.runtime import SYSTEM, Link, Runtime
from ami.session import ClientSession, Notice, Orphan, Output, Response

__all__ = ["Connection", "Manager"]

_logger = logging.getLogger(__name__)
_LONGEST_WAIT = 86_400.0  # seconds: operating systems refuse to wait for months

Logger = logging.Logger | logging.LoggerAdapter[Any]


class Connection:
    """One link with its session, and the thread that reads it. It does not know the manager that owns it."""

    def __init__(
        self,
        link: Link,
        host: str,
        runtime: Runtime,
        deliver: Callable[[list[Output]], None],
        aggregate_timeout: float,
        greeting_timeout: float,
    ) -> None:
        self.host = host
        self._link = link
        self._runtime = runtime
        self._deliver = deliver
        self._greeted = runtime.lock()
        self._greeted.acquire()
        self._session = ClientSession(
            id_prefix=runtime.id_prefix(),
            greeting_deadline=runtime.monotonic() + greeting_timeout,
            greeted=self._greeted.release,
            aggregate_timeout=aggregate_timeout,
        )
        self._lock = runtime.lock()
        self._over = runtime.condition()
        self._waiting_until = -math.inf
        self._abandoned = False
        self._thread = runtime.thread(self._read, "ami-message-reader")
        self._thread.start()

    def wait_for_greeting(self) -> None:
        """Return when the server has said who it is. Raises `ManagerSocketError`, also when it does not in time."""
        self._greeted.acquire()
        if self._session.closed is not None:
            raise self._session.closed.again()

    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self._session.closed is None

    def get_asterisk_info(self) -> tuple[str, str]:
        """Name and version from the greeting."""
        return self._session.asterisk_info()

    def send_action(self, request: Request, action_id: str | None = None, /, **headers: Any) -> Response | None:
        """Send, and wait for the end of the action."""
        ended = self._runtime.lock()
        ended.acquire()
        with self._lock:
            now = self._runtime.monotonic()
            pending, data = self._session.send_action(request, now, ended.release, action_id, **headers)
            try:
                self._link.send(data)
            except ManagerSocketError as error:
                self._session.close(error, now)
                self._link.shutdown()
            self._note_deadline()
        ended.acquire()
        return pending.result()

    def wait_closed(self, timeout: float) -> bool:
        """Wait for the end of the connection, at most `timeout` seconds; return whether it has come."""
        with self._over:
            if self._session.closed is None:
                self._over.wait(timeout)
        return self._session.closed is not None

    def close(self) -> None:
        """End the connection, and every action under way with it."""
        with self._lock:
            self._session.close(ManagerSocketError("the connection was closed"), self._runtime.monotonic())
        self._link.shutdown()
        if self._runtime.current_thread() is not self._thread:
            self._thread.join()

    def abandon(self) -> None:
        """Have the reading thread close the connection soon. Takes no lock: the garbage collector may call this."""
        self._abandoned = True
        self._link.wake()

    def _note_deadline(self) -> None:
        """Have the reading thread look up in time for the first deadline."""
        deadline = self._session.next_deadline()
        if deadline is not None and deadline < self._waiting_until:
            self._link.wake()

    def _time_to_wait(self) -> float | None:
        """How long the reading thread may wait for data.

        A deadline that has gone meanwhile is kept: to wake once for nothing costs less than to be woken by every
        action that is sent.
        """
        now = self._runtime.monotonic()
        deadline = self._session.next_deadline()
        if deadline is None:
            deadline = math.inf
        self._waiting_until = min(deadline, self._waiting_until) if self._waiting_until > now else deadline
        return None if math.isinf(self._waiting_until) else min(max(0.0, self._waiting_until - now), _LONGEST_WAIT)

    def _read(self) -> None:
        session = self._session
        try:
            while session.closed is None and not self._abandoned:
                with self._lock:
                    timeout = self._time_to_wait()
                data = self._link.receive(timeout)
                with self._lock:
                    self._take(data)
                    outputs = session.take_outputs()
                if outputs:
                    self._deliver(outputs)
            self._end(ManagerSocketError("the connection was closed"))
        except ManagerSocketError as error:
            self._end(error)
        except BaseException as error:
            self._end(ManagerSocketError(f"the reading thread failed: {error!r}"))
            raise
        finally:
            self._link.close()
            with self._over:
                self._over.notify_all()

    def _take(self, data: bytes | None) -> None:
        now = self._runtime.monotonic()
        if data:
            self._session.receive_data(data, now)
        elif data is not None:
            self._session.receive_eof(now)
        self._session.handle_timer(now)

    def _end(self, error: Error) -> None:
        with self._lock:
            self._session.close(error, self._runtime.monotonic())


class Dispatcher:
    """The thread that runs callbacks, one after the other, in the order of the wire."""

    def __init__(self, manager: "Manager", runtime: Runtime) -> None:
        # Weak, so that a manager nobody holds any more can go, and its threads with it; so are its callbacks, which
        # may hold it themselves.
        self._manager = weakref.ref(manager)
        self._logger = manager._logger
        self._debug = manager._debug
        self._runtime = runtime
        self._queue = runtime.queue()
        self._stopped = False
        self._busy = False
        self._thread = runtime.thread(self._run, "ami-dispatcher")
        self._thread.start()

    def put(self, outputs: list[Output]) -> None:
        """Queue outputs for their callbacks."""
        self._queue.put(outputs)

    def stop(self) -> None:
        """Run no more callbacks. One that is running goes on to its end, which is not waited for."""
        self.abandon()
        if not self._busy and self._runtime.current_thread() is not self._thread:
            self._thread.join()

    def abandon(self) -> None:
        """Begin to stop, without waiting. Takes no lock: the garbage collector may call this."""
        self._stopped = True
        self._queue.put([])

    def _run(self) -> None:
        while not self._stopped:
            outputs = self._queue.get()
            self._busy = bool(outputs)  # before looking whether to stop, as `stop` looks at it after having said so
            for output in outputs:
                if self._stopped:
                    return
                try:
                    self._dispatch(output)
                except Exception:  # of a logger, say: whatever it is, the next output has its turn
                    _logger.exception("an event could not be delivered")
            self._busy = False

    def _dispatch(self, output: Output) -> None:
        if isinstance(output, Notice):
            self._logger.warning(output.text)
            return
        message = output.response if isinstance(output, Orphan) else output
        if self._debug:
            self._logger.debug("%s, ActionID %s", self._describe(message), message.action_id)
        manager = self._manager()
        if manager is None:
            return
        described = self._describe(message)  # now, as a callback may change the message
        for function in manager._callbacks.matching(message):
            try:
                function(message, manager)
            except BaseException:
                self._logger.error("the callback %r failed on %s", function, described, exc_info=True)

    @staticmethod
    def _describe(message: Any) -> str:
        if isinstance(message, Aggregate):
            return f"aggregate {message.name}"
        if isinstance(message, Event):
            return f"{'event' if type(message) is not Event else 'event of no declared class'} {message.name}"
        return f"orphaned response {message.name}"


class Manager:
    """A client of one Asterisk server, for any number of threads.

    `debug` logs every event; `logger` is used instead of the logger `ami.manager`; an aggregate that has not
    come together after `aggregate_timeout` seconds is given up, with a warning. `orphaned_response_timeout` is
    accepted for programs that give it: an orphaned response is delivered at once.
    """

    def __init__(
        self,
        debug: bool = False,
        logger: Logger | None = None,
        aggregate_timeout: float = 5,
        orphaned_response_timeout: float = 5,
        *,
        runtime: Runtime = SYSTEM,
    ) -> None:
        self._debug = debug
        self._logger: Logger = logger or logging.getLogger(__name__)
        self._aggregate_timeout = aggregate_timeout
        self._runtime = runtime
        self._callbacks: CallbackRegistry[Callback] = CallbackRegistry()
        self._lock = runtime.lock()
        self._connection: Connection | None = None
        self._dispatcher: Dispatcher | None = None
        self._closings = 0  # how often it was closed, for attempts to connect to notice it

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with suppress(Exception):  # half-made, or the interpreter is on its way out
            if self._connection is not None:
                self._connection.abandon()
            if self._dispatcher is not None:
                self._dispatcher.abandon()

    def __repr__(self) -> str:
        connection = self._connection
        if connection is None or not connection.is_connected():
            return "<Manager, not connected>"
        return f"<Manager, connected to {connection.host}>"

    # The link

    def connect(self, host: str, port: int = wire.DEFAULT_PORT, timeout: float = 5) -> None:
        """Connect, and read the greeting, within `timeout` seconds each; a link that is up is closed first.

        Raises `ManagerSocketError` when no connection can be made, `ProtocolError` when what answers there
        does not speak AMI.
        """
        self.disconnect()
        with self._lock:
            attempt = self._closings
        link = self._runtime.connect(host, port, timeout)
        with self._lock:
            if attempt != self._closings:
                link.close()
                raise ManagerSocketError("the manager was closed while it connected")
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(self, self._runtime)
            connection = Connection(
                link, f"{host}:{port}", self._runtime, self._dispatcher.put, self._aggregate_timeout, timeout
            )
            other, self._connection = self._connection, connection
        if other is not None:  # two threads connected at once: the last one has it
            other.close()
        try:
            connection.wait_for_greeting()
        except ManagerSocketError as error:
            connection.close()
            raise type(error)(f"{host}:{port}: {error}") from None

    def login(self, username: str, secret: str, *, events: bool = True) -> Response:
        """Log in by MD5 challenge, so that the secret does not cross the wire; `events=False` asks for no events.

        Raises `ManagerAuthError` when the server refuses, `ManagerError` when it does not answer in time.
        """
        steps = core.login_steps(username, secret, events=events)
        request = next(steps)
        try:
            while True:
                request = steps.send(self.send_action(request))
        except StopIteration as done:
            response: Response = done.value
            return response

    def disconnect(self) -> None:
        """Close the link, if there is one. Actions under way end with `ManagerSocketError`."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Close the link, and deliver no more events. Callable from anywhere, and more than once."""
        with self._lock:
            self._closings += 1
        self.disconnect()
        with self._lock:
            dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None:
            dispatcher.stop()

    def is_connected(self) -> bool:
        """Whether the link is up."""
        connection = self._connection
        return connection is not None and connection.is_connected()

    def get_asterisk_info(self) -> tuple[str, str] | None:
        """Name and version of the server as its greeting gives them, or None while there is no link."""
        connection = self._connection
        return connection.get_asterisk_info() if connection is not None and connection.is_connected() else None

    def get_connection(self) -> Connection | None:
        """The connection, or None."""
        return self._connection

    def monitor_connection(self, interval: float = 2.5) -> Any:
        """Ping the server every `interval` seconds, in a thread of its own, for as long as this link is up.

        Returns the thread. Raises `ManagerError` while there is no link.
        """
        connection = self._require_connection()

        def monitor() -> None:
            with suppress(Error):
                while not connection.wait_closed(interval):
                    connection.send_action(core.Ping())

        thread = self._runtime.thread(monitor, "ami-monitor")
        thread.start()
        return thread

    # Actions and events

    def send_action(self, request: Request, action_id: str | None = None, **kwargs: Any) -> Response | None:
        """Send an action, with `kwargs` as further headers, and wait for its end.

        Returns None when no response came within `request.timeout` seconds. Raises `ManagerError` while there
        is no link, `ManagerSocketError` when it is lost before the action has ended (whether it was carried out is
        then unknown), `ValueError` for a request that must not be sent, and whatever the
        request's `process_response` raises.
        """
        return self._require_connection().send_action(request, None if action_id is None else str(action_id), **kwargs)

    def register_callback(self, event: Identifier, function: Callback) -> None:
        """Have `function(event, manager)` called for events of a name or declared class.

        `''` stands for every event, None for orphaned responses. Callbacks run in the order in which they were
        registered; registering one again moves it to the end. Raises `ValueError` for anything else.
        """
        with self._lock:
            self._callbacks.register(event, function)

    def unregister_callback(self, event: Identifier, function: Callback) -> bool:
        """Undo `register_callback`; return whether there was something to undo."""
        with self._lock:
            return self._callbacks.unregister(event, function)

    def _require_connection(self) -> Connection:
        connection = self._connection
        if connection is None or not connection.is_connected():
            raise ManagerError("Not connected to an Asterisk manager")
        return connection
