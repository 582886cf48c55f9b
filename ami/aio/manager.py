"""`Manager`: AMI for programs with asyncio."""

import asyncio
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self, Unpack

from ami import login, wire
from ami.aio.connection import Connection, Dispatcher
from ami.aio.streams import Call, EventStream
from ami.backlog import Backlog, Overflow
from ami.catalogue import Aggregate, Event
from ami.client import Client, ConnectOptions, Options, weakly
from ami.connecting import Target, address, connect_error, default_port, positive, target
from ami.errors import Error, ManagerSocketError
from ami.originate import originate_request
from ami.outcomes import Response, State
from ami.request import Request
from ami.runtime import SYSTEM, Runtime
from ami.subscription import Subscription

if TYPE_CHECKING:
    import ssl

    from ami.client import Logger

__all__ = ["Connecting", "Manager", "connect"]


def _runtime() -> Runtime:
    """That of the running loop, if it has one, as the loops of `amisim.World` do; otherwise the system's."""
    with suppress(RuntimeError):
        runtime: Runtime = getattr(asyncio.get_running_loop(), "runtime", SYSTEM)
        return runtime
    return SYSTEM


def _chance() -> float:
    return _runtime().chance()


class Manager(Client[Connection, Dispatcher]):
    """A client of one Asterisk server, for the tasks of one event loop. The arguments are those of `ami.Manager`."""

    _awaits = True

    def __init__(
        self,
        debug: bool = False,
        logger: "Logger | None" = None,
        aggregate_timeout: float = 5,
        orphaned_response_timeout: float = 5,
        **options: Unpack[Options],
    ) -> None:
        self._retrying: asyncio.Task[None] | None = None
        super().__init__(
            debug, logger, aggregate_timeout, chance=lambda: _runtime().chance(), changing=nullcontext(), **options
        )
        SYSTEM.after_fork(self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._log_off()
        finally:
            await self.close()

    def __del__(self) -> None:
        try:
            if self._dispatcher is not None:  # without it there is no link
                soon = self._dispatcher.loop.call_soon_threadsafe  # the garbage collector may run in any thread
                if self._connection is not None:
                    soon(self._connection.close)
                if self._retrying is not None:
                    soon(self._retrying.cancel)
                soon(self._dispatcher.abandon)
        except Exception:  # half-made, or the loop is gone, or, at the end of the interpreter, even `suppress`
            pass

    # The link

    async def connect(
        self,
        host: str,
        port: int = wire.DEFAULT_PORT,
        timeout: float = 5,
        *,
        ssl: "ssl.SSLContext | bool | None" = None,
    ) -> None:
        """Connect, and read the greeting, within `timeout` seconds each. See `ami.Manager.connect`."""
        where = target(host, port, timeout, ssl)
        if await self._hang_up() is not State.CLOSED:
            self._end_streams(None)
        self._login_steps = self._down_since = None
        self._target = where
        closings = self._closings
        self._start_dispatcher()
        self._deliver(self._change_state(State.CONNECTING))
        try:
            await self._connect(where, lambda: self._closings == closings)
        except BaseException as error:
            reason = error if isinstance(error, Error) else None  # None: it was cancelled
            self._deliver(self._change_state(State.CLOSED, reason, ended=self._connection))
            raise

    def _start_dispatcher(self) -> None:
        if self._dispatcher is None:
            backlog = Backlog(self._queue_size, self._overflow)
            self._dispatcher = Dispatcher(self, asyncio.get_running_loop(), backlog)

    async def _connect(self, target: Target, wanted: Callable[[], bool]) -> None:
        """Make the link, unless it is no longer wanted by then."""
        host, port, timeout, context = target
        loop = asyncio.get_running_loop()
        myself = weakref.ref(self)

        def new_connection() -> Connection:
            return Connection(
                address(host, port),
                loop,
                lambda deadline, greeted: self._new_session(_runtime().id_prefix(), deadline, greeted),
                timeout,
                weakly(myself, "_deliver"),
                weakly(myself, "_link_ended"),
            )

        try:
            async with asyncio.timeout(timeout):
                transport, connection = await loop.create_connection(new_connection, host, port, ssl=context)
        except (OSError, UnicodeError) as error:
            raise connect_error(host, port, error, tls=context is not None) from error
        if not wanted():
            transport.abort()
            raise ManagerSocketError("the manager was closed while it connected")
        other, self._connection = self._connection, connection
        if other is not None:  # two tasks connected at once: the last one has it
            other.close()
        self._update_wanted()
        try:
            await connection.wait_for_greeting()
        except BaseException as error:
            connection.close()
            if isinstance(error, ManagerSocketError):
                raise type(error)(f"{address(host, port)}: {error}") from None
            raise
        self._link_is_up()

    async def login(
        self, username: str, secret: str, *, events: bool = True, plain: bool = False, filters: Iterable[str] = ()
    ) -> Response:
        """Log in by MD5 challenge; see `ami.Manager.login`."""
        before = self._login_steps
        steps = self._remember_login(username, secret, events, plain, filters)
        try:
            return await self._log_in(steps)
        except BaseException:
            self._login_steps = before
            raise

    async def _log_in(self, steps: Generator[Request, Response | None, Response]) -> Response:
        connection = self._require_connection()
        request = next(steps)
        try:
            while True:
                request = steps.send(await connection.send_action(request))
        except StopIteration as done:
            self._retries.link_ready(asyncio.get_running_loop().time())
            response: Response = done.value
            return response

    async def _log_off(self) -> None:
        if self._logs_off and self.state is State.READY:
            with suppress(Error):
                await self.send_action(login.logoff())

    async def disconnect(self) -> None:
        """Close the link, if there is one. Actions under way end with `ManagerSocketError`, event streams end."""
        try:
            await self._hang_up()
        finally:  # also when it is cancelled
            self._end_streams(None)

    async def _hang_up(self) -> State:
        """Close the link, or stop making it again; return the state that there was."""
        before = self.state
        connection, self._connection = self._connection, None
        retrying, self._retrying = self._retrying, None
        if connection is not None:
            connection.close()  # before anything that may be cancelled
        if retrying is not None and retrying is not asyncio.current_task():
            retrying.cancel()
            await asyncio.wait([retrying])
        if connection is not None:
            await connection.wait_until_closed()
        self._deliver(self._change_state(State.CLOSED, ended=connection))
        return before

    async def close(self) -> None:
        """Close the link, and deliver no more events. Callable from anywhere, and more than once."""
        self._closings += 1
        try:
            await self.disconnect()
        finally:  # also when it is cancelled
            dispatcher, self._dispatcher = self._dispatcher, None
            if dispatcher is not None:
                dispatcher.abandon()
        if dispatcher is not None:
            await dispatcher.stop()

    def _loop_ended(self) -> None:
        """Called when the loop is about to end, while the link can still be given back."""
        connection, self._connection = self._connection, None
        self._dispatcher = self._retrying = None
        if connection is not None:
            connection.close()
        self._deliver(self._change_state(State.CLOSED, ended=connection))
        self._end_streams(ManagerSocketError("the event loop ended"))

    def after_fork(self) -> None:
        """Called in a child process: the link and the loop are the parent's; this manager may connect anew."""
        self._retrying = None
        super().after_fork()

    def monitor_connection(self, interval: float = 2.5) -> "asyncio.Task[None]":
        """Ping the server whenever it was silent for `interval` seconds; see `ami.Manager.monitor_connection`.

        Returns a task that ends with the link.
        """
        positive("interval", interval)
        connection = self._require_connection()
        connection.keep_alive(interval, self._keepalive_timeout)
        return asyncio.get_running_loop().create_task(connection.wait_until_closed(), name="ami-monitor")

    # A lost link

    def _link_ended(self, connection: Connection) -> None:
        """A connection has ended."""
        if connection is not self._connection or self._retrying is not None:
            return  # closed on purpose, or an attempt that failed
        error = connection.session.closed
        if self._is_made_again(connection.session):
            retrying = _retry(weakref.ref(self), error)
            self._retrying = asyncio.get_running_loop().create_task(retrying, name="ami-reconnect")
        else:
            self._deliver(self._change_state(State.CLOSED, error, ended=connection))
            if connection.session.greeting is not None:
                self._end_streams(error)

    async def _try_again(self) -> Error | None:
        """One attempt to make the link again, and to log in; return why it failed."""
        self._deliver(self._change_state(State.CONNECTING, ended=self._connection))
        target, steps = self._target, self._login_steps
        if target is None or steps is None:
            return ManagerSocketError("the manager was closed")
        try:
            await self._connect(target, lambda: True)
            await self._log_in(steps())
        except Error as error:
            if self._connection is not None:
                self._connection.close()  # where the server took no login, it may still be up
                self._is_made_again(self._connection.session)
            return error
        return None

    def _end_retrying(self, error: Error | None) -> None:
        """The link is up again; or, with an error, it is given up."""
        self._retrying = self._down_since = None
        connection = self._connection
        if error is not None:
            self._login_steps = None
            self._deliver(self._change_state(State.CLOSED, error, ended=connection))
            self._end_streams(error)
        elif connection is not None and connection.session.closed is not None:
            self._link_ended(connection)  # lost in the same moment

    # Actions, callbacks and events

    async def send_action(self, request: Request, action_id: str | None = None, **kwargs: Any) -> Response | None:
        """Send an action, with `kwargs` as further headers, and wait for its end; see `ami.Manager.send_action`.

        When the waiting task is cancelled, what still comes for the action goes to the callbacks.
        """
        action_id = None if action_id is None else str(action_id)
        return await self._require_connection().send_action(request, action_id, **kwargs)

    def events(
        self,
        *events: str | type[Event] | type[Aggregate],
        where: Callable[[Any], object] | None = None,
        queue_size: int = 10_000,
        overflow: Overflow = "drop-oldest",
        **headers: Any,
    ) -> EventStream:
        """The events that come from now on, to be iterated over with `async for`; see `ami.Manager.events`."""
        stream = EventStream(self, Subscription(events, headers, where, queue_size, overflow))
        self._add_stream(stream)
        return stream

    async def originate(
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

        See `ami.Manager.originate`.
        """
        connection = self._require_connection()
        action_id = connection.session.new_action_id()
        request = originate_request(
            channel, action_id, context=context, exten=exten, priority=priority, application=application, data=data,
            timeout=timeout, caller_id=caller_id, variables=variables, account=account,
        )  # fmt: skip
        call = Call(self, action_id, timeout)
        self._add_stream(call)
        call._receive_response(await connection.send_action(request, action_id))
        return call


async def _retry(owner: "weakref.ref[Manager]", error: Error | None) -> None:
    """Make a lost link again. Between the attempts it does not hold the manager."""
    manager = owner()
    if manager is None:
        return
    steps = manager._retries.steps(asyncio.get_running_loop().time())
    delay = next(steps)
    while True:
        manager._deliver(manager._change_state(State.WAITING, error, delay, ended=manager._connection))
        del manager
        await asyncio.sleep(delay)
        manager = owner()
        if manager is None:
            return
        error = await manager._try_again()
        try:
            delay = steps.send(error)
        except StopIteration:
            manager._end_retrying(None)
            return
        except Error as final:
            manager._end_retrying(final)
            return


class Connecting:
    """A manager on its way: `await` it, or use it in an `async with` statement, which logs off and closes it."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._manager: Manager | None = None

    def __await__(self) -> Generator[Any, None, Manager]:
        manager: Manager = yield from self._begin().__await__()
        return manager

    async def __aenter__(self) -> Manager:
        self._manager = await self
        return self._manager

    async def __aexit__(self, *error: object) -> None:
        if self._manager is not None:
            await self._manager.__aexit__(*error)


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
) -> Connecting:
    """A manager that is connected and logged in, and stays so; `await` it, or use it in `async with`.

    The arguments, and what is raised, are those of `ami.connect`.
    """
    options.setdefault("reconnect", True)
    options.setdefault("keepalive", 30)

    async def begin() -> Manager:
        manager = Manager(**options)
        manager._logs_off = True
        try:
            await manager.connect(host, default_port(ssl) if port is None else port, timeout, ssl=ssl)
            await manager.login(username, secret, events=events, plain=plain, filters=filters)
        except BaseException:
            await manager.close()
            raise
        return manager

    return Connecting(begin)
