"""`Manager`: AMI for programs with threads.

This driver moves bytes between a link and a `ClientSession`, tells it the time, and calls callbacks. Two
threads do that for each manager that is connected: one reads the link, one runs callbacks, so a slow callback
delays neither replies nor reading, and a callback may itself send actions. A third one lives while a lost link is being
made again.
"""

import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, Unpack

from ami import login, wire
from ami.backlog import Backlog, Overflow
from ami.catalogue import Aggregate, Event
from ami.client import Client, ConnectOptions, Options, weakly
from ami.connecting import Target, address, default_port, positive, target
from ami.connection import LONGEST_WAIT, Connection, Dispatcher
from ami.errors import Error, ManagerSocketError
from ami.originate import originate_request
from ami.outcomes import Response, State
from ami.request import Request
from ami.runtime import SYSTEM, Lock, Runtime
from ami.streams import Call, EventStream
from ami.subscription import Subscription

if TYPE_CHECKING:
    import ssl

    from ami.client import Logger

__all__ = ["Connection", "Manager", "connect"]


class Manager(Client[Connection, Dispatcher]):
    """A client of one Asterisk server, for any number of threads.

    `debug` logs every event; `logger` is used instead of the logger `ami.manager`; an aggregate that has not
    come together `aggregate_timeout` seconds after its response is given up, with a warning.
    `orphaned_response_timeout` is accepted for programs that give it: an orphaned response is delivered at once.

    The options:

    - `reconnect`, False: whether a lost link is made, and logged in, again by itself; a `Reconnect` says how.
    - `keepalive`, None: after so many seconds without a word from the server it is pinged, once logged in; when then
      nothing comes for `keepalive_timeout` (5) seconds, the link is given up as lost.
    - `queue_size`, 100,000, and `overflow`, `"drop-oldest"` or `"drop-newest"`: how many events may wait for the
      callbacks, and which are dropped then; a `Gap` says so.
    - `slow_callback`, 1: a callback that takes more seconds is logged.
    - `max_frame`, 16 MiB, and `max_list`, 1,000,000: how large a message may be, and how many items a list that is
      collected may have.
    """

    def __init__(
        self,
        debug: bool = False,
        logger: "Logger | None" = None,
        aggregate_timeout: float = 5,
        orphaned_response_timeout: float = 5,
        *,
        runtime: Runtime | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._runtime = runtime = runtime or SYSTEM
        self._lock = runtime.mutex()
        self._stop_retrying: Callable[[], None] | None = None
        changing = runtime.mutex()
        super().__init__(debug, logger, aggregate_timeout, chance=runtime.chance, changing=changing, **options)
        runtime.after_fork(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._log_off()
        finally:
            self.close()

    def __del__(self) -> None:
        try:
            if self._connection is not None:
                self._connection.abandon()
            if self._dispatcher is not None:
                self._dispatcher.abandon()
            if self._stop_retrying is not None:
                self._stop_retrying()
        except Exception:  # half-made, or the interpreter is on its way out, where `suppress` itself may be gone
            pass

    # The link

    def connect(
        self,
        host: str,
        port: int = wire.DEFAULT_PORT,
        timeout: float = 5,
        *,
        ssl: "ssl.SSLContext | bool | None" = None,
    ) -> None:
        """Connect, and read the greeting, within `timeout` seconds each; a link that is up is closed first.

        `ssl` is a context for TLS, or True for the system's default one. Raises `RefusedError`, `UnreachableError` or
        `TLSError` when no connection can be made, `ProtocolError` when what answers there does not speak AMI; each
        is a `ManagerSocketError`. `TypeError` or `ValueError` say what is wrong with an argument.
        """
        where = target(host, port, timeout, ssl)
        closings = self._closings
        if self._hang_up() is not State.CLOSED:
            self._end_streams(None)
        self._login_steps = self._down_since = None
        self._target = where
        with self._lock:
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(self, self._runtime, Backlog(self._queue_size, self._overflow))
        self._deliver(self._change_state(State.CONNECTING))
        try:
            self._connect(where, lambda: self._closings == closings)
        except BaseException as error:
            reason = error if isinstance(error, Error) else None  # None: it was interrupted
            self._deliver(self._change_state(State.CLOSED, reason, ended=self._connection))
            if self._closings != closings:
                self._stop_dispatcher()  # a signal handler's `close` may have come before there was one
            raise

    def _connect(self, target: Target, wanted: Callable[[], bool]) -> None:
        """Make the link, unless it is no longer wanted by then."""
        host, port, timeout, context = target
        link = self._runtime.connect(host, port, timeout, context)
        myself = weakref.ref(self)
        with self._lock:
            if not wanted():
                link.close()
                raise ManagerSocketError("the manager was closed while it connected")
            connection = Connection(
                link, address(host, port), self._runtime, self._new_session, timeout,
                weakly(myself, "_deliver"), weakly(myself, "_link_ended"),
            )  # fmt: skip
            other, self._connection = self._connection, connection
            closed_meanwhile = not wanted()  # by a signal handler, which this lock does not hold up
        if closed_meanwhile:
            connection.close()
        if other is not None:  # two threads connected at once: the last one has it
            other.close()
        with self._changing:
            self._update_wanted()
        try:
            connection.wait_for_greeting()
        except BaseException as error:
            connection.close()
            if isinstance(error, ManagerSocketError):
                raise type(error)(f"{address(host, port)}: {error}") from None
            raise
        self._link_is_up()

    def login(
        self, username: str, secret: str, *, events: bool = True, plain: bool = False, filters: Iterable[str] = ()
    ) -> Response:
        """Log in by MD5 challenge, so that the secret does not cross the wire; `plain` sends it.

        `events=False` asks for no events; `filters` are added to the session, in the form of `eventfilter` in
        `manager.conf`, where the server has that. Raises `ManagerAuthError` when the server refuses, `ManagerError`
        when it does not answer in time.
        """
        before = self._login_steps
        steps = self._remember_login(username, secret, events, plain, filters)
        try:
            return self._log_in(steps)
        except BaseException:
            self._login_steps = before
            raise

    def _log_in(self, steps: Generator[Request, Response | None, Response]) -> Response:
        connection = self._require_connection()
        request = next(steps)
        try:
            while True:
                request = steps.send(connection.send_action(request))
        except StopIteration as done:
            self._retries.link_ready(self._runtime.monotonic())
            response: Response = done.value
            return response

    def _log_off(self) -> None:
        if self._logs_off and self.state is State.READY:
            with suppress(Error):
                self.send_action(login.logoff())

    def disconnect(self) -> None:
        """Close the link, if there is one. Actions under way end with `ManagerSocketError`, event streams end."""
        self._hang_up()
        self._end_streams(None)

    def _hang_up(self) -> State:
        """Close the link, or stop making it again; return the state that there was."""
        before = self.state
        with self._lock:
            connection, self._connection = self._connection, None
            stop, self._stop_retrying = self._stop_retrying, None
        if stop is not None:
            stop()
        if connection is not None:
            connection.close()
        self._deliver(self._change_state(State.CLOSED, ended=connection))
        return before

    def close(self) -> None:
        """Close the link, and deliver no more events. Callable from anywhere, and more than once.

        An attempt to make a lost link again that is under way comes to nothing; its thread ends with it, at the latest
        when the time that `connect` was given is over.
        """
        with self._lock:
            self._closings += 1
        self.disconnect()
        self._stop_dispatcher()

    def _stop_dispatcher(self) -> None:
        with self._lock:
            dispatcher, self._dispatcher = self._dispatcher, None
        if dispatcher is not None:
            dispatcher.stop()

    def after_fork(self) -> None:
        """Called in a child process: the link and the threads are the parent's; this manager may connect anew."""
        self._lock, self._changing = self._runtime.mutex(), self._runtime.mutex()
        self._stop_retrying = None
        super().after_fork()

    def monitor_connection(self, interval: float = 2.5) -> Any:
        """Ping the server whenever it was silent for `interval` seconds, for as long as this link is up.

        A server that then stays silent for `keepalive_timeout` seconds has lost the link. Returns a thread that ends
        with the link. Raises `ManagerError` while there is no link.
        """
        positive("interval", interval)
        connection = self._require_connection()
        connection.keep_alive(interval, self._keepalive_timeout)
        thread = self._runtime.thread(connection.wait_until_closed, "ami-monitor")
        thread.start()
        return thread

    # A lost link

    def _link_ended(self, connection: Connection) -> None:
        """The reading thread of a connection ends."""
        error, stopped = connection.session.closed, None
        with self._lock:
            if connection is not self._connection or self._stop_retrying is not None:
                return  # closed on purpose, or an attempt that failed
            if self._is_made_again(connection.session):
                stopped = self._runtime.lock()
                stopped.acquire()
                self._stop_retrying = stopped.release
        if stopped is not None:
            self._runtime.thread(_Retrying(self, stopped, error).run, "ami-reconnect").start()
        else:
            self._deliver(self._change_state(State.CLOSED, error, ended=connection))
            if connection.session.greeting is not None:
                self._end_streams(error)

    def _go_on_retrying(
        self, stop: Callable[[], None], state: State, error: Error | None = None, delay: float | None = None
    ) -> bool:
        """Tell of a state, unless the manager was closed meanwhile; return whether it was not."""
        with self._lock:
            if self._stop_retrying != stop:
                return False
            self._deliver(self._change_state(state, error, delay, ended=self._connection))
            return True

    def _try_again(self, stop: Callable[[], None]) -> Error | None:
        """One attempt to make the link again, and to log in; return why it failed."""
        target, steps = self._target, self._login_steps
        try:
            if target is None or steps is None or not self._go_on_retrying(stop, State.CONNECTING):
                raise ManagerSocketError("the manager was closed")
            self._connect(target, lambda: self._stop_retrying == stop)
            self._log_in(steps())
        except Error as error:
            with self._lock:
                connection = self._connection if self._stop_retrying == stop else None
            if connection is not None:
                connection.close()  # where the server took no login, it may still be up
                self._is_made_again(connection.session)
            return error
        return None

    def _end_retrying(self, stop: Callable[[], None], error: Error | None) -> None:
        """The link is up again; or, with an error, it is given up."""
        with self._lock:
            if self._stop_retrying != stop:
                return
            self._stop_retrying = self._down_since = None
            connection = self._connection
            if error is not None:
                self._login_steps = None
                self._deliver(self._change_state(State.CLOSED, error, ended=connection))
        if error is not None:
            self._end_streams(error)
        elif connection is not None and connection.session.closed is not None:
            self._link_ended(connection)  # lost in the same moment

    # Actions, callbacks and events

    def send_action(self, request: Request, action_id: str | None = None, **kwargs: Any) -> Response | None:
        """Send an action, with `kwargs` as further headers, and wait for its end.

        Returns None when no response came within `request.timeout` seconds. Raises `ManagerError` while there
        is no link, `ManagerSocketError` when it is lost before the action has ended (whether it was carried out is
        then unknown; it is never sent again), `ValueError` for a request that must not be sent, and whatever the
        request's `process_response` raises.
        """
        return self._require_connection().send_action(request, None if action_id is None else str(action_id), **kwargs)

    def events(
        self,
        *events: str | type[Event] | type[Aggregate],
        where: Callable[[Any], object] | None = None,
        queue_size: int = 10_000,
        overflow: Overflow = "drop-oldest",
        **headers: Any,
    ) -> EventStream:
        """The events that come from now on, to be iterated over: of these names or classes, or all.

        `headers` are values that they must have, with `*` and `?` as wildcards; `where` is a condition on the event.
        At most `queue_size` events wait to be taken out; `overflow` says which are dropped then, and a `Gap` stands for
        them.
        """
        stream = EventStream(self, Subscription(events, headers, where, queue_size, overflow), self._runtime)
        self._add_stream(stream)
        return stream

    def originate(
        self,
        channel: str,
        *,
        context: str | None = None,
        exten: str | None = None,
        priority: int | str = 1,
        application: str | None = None,
        data: str | None = None,
        timeout: float = 30,
        caller_id: str | None = None,
        variables: Mapping[str, object] | None = None,
        account: str | None = None,
    ) -> Call:
        """Call `channel`, and connect it to an extension of the dialplan or to an application; return the call.

        `timeout` is how many seconds it may ring. Returns when the server has taken the action; `Call.wait` tells what
        becomes of it. The user needs the privileges `originate` and, to read, `call`. Raises as `send_action` does, and
        `ValueError` for a call that leads nowhere, or to two places.
        """

        connection = self._require_connection()
        action_id = connection.session.new_action_id()
        request = originate_request(
            channel, action_id, context=context, exten=exten, priority=priority, application=application, data=data,
            timeout=timeout, caller_id=caller_id, variables=variables, account=account,
        )  # fmt: skip
        call = Call(self, action_id, timeout)
        self._add_stream(call)
        call._receive_response(connection.send_action(request, action_id))
        return call


class _Retrying:
    """The thread that makes a lost link again. Between its attempts it does not hold the manager."""

    def __init__(self, manager: Manager, stopped: Lock, error: Error | None) -> None:
        self._manager = weakref.ref(manager)
        self._stopped = stopped
        self._stop = stopped.release
        self._steps = manager._retries.steps(manager._runtime.monotonic())
        self._error = error

    def run(self) -> None:
        """Try until it succeeds, the manager is closed, or there is no hope."""
        delay = next(self._steps)
        while (manager := self._manager()) is not None:
            if not manager._go_on_retrying(self._stop, State.WAITING, self._error, delay):
                return
            del manager
            if self._stopped.acquire(True, min(delay, LONGEST_WAIT)) or (manager := self._manager()) is None:
                return
            self._error = manager._try_again(self._stop)
            try:
                delay = self._steps.send(self._error)
            except StopIteration:
                manager._end_retrying(self._stop, None)
                return
            except Error as error:
                manager._end_retrying(self._stop, error)
                return
            del manager


def connect(
    host: str,
    port: int | None = None,
    *,
    username: str,
    secret: str,
    ssl: "ssl.SSLContext | bool | None" = None,
    timeout: float = 5,
    events: bool = True,
    plain: bool = False,
    filters: Iterable[str] = (),
    **options: Unpack[ConnectOptions],
) -> Manager:
    """A manager that is connected and logged in, and stays so: a lost link is made again.

    Use it in a `with` statement, which logs off and closes it. The port is 5038, or 5039 with TLS, unless it is
    given. `options` are those of `Manager`; here `reconnect` is on, and `keepalive` is 30 s, unless they say otherwise.
    Raises what `Manager.connect` and `Manager.login` raise.
    """
    options.setdefault("reconnect", True)
    options.setdefault("keepalive", 30)
    manager = Manager(**options)
    manager._logs_off = True
    try:
        manager.connect(host, default_port(ssl) if port is None else port, timeout, ssl=ssl)
        manager.login(username, secret, events=events, plain=plain, filters=filters)
    except BaseException:
        manager.close()
        raise
    return manager
