"""What a manager is without its driver: callbacks, event streams, the state of the link, and what is said about them.

`ami.Manager` and `ami.aio.Manager` are this, with threads and with asyncio.
"""

import weakref
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypedDict, TypeVar

from ami import login, wire
from ami.backlog import Backlog, Overflow
from ami.callbacks import Callback, CallbackRegistry, Identifier
from ami.catalogue import Aggregate, Event
from ami.connecting import Target, positive
from ami.errors import Error, ManagerError, ManagerSocketError
from ami.outcomes import Notice, Orphan, Output, Response, State, StateChange
from ami.reconnect import Reconnect, Retries
from ami.request import Request
from ami.session import MAX_LIST, ClientSession

__all__ = ["Client", "ConnectOptions", "Options", "Stream", "weakly"]

if TYPE_CHECKING:
    import logging

    Logger = logging.Logger | logging.LoggerAdapter[Any]
LoginSteps = Generator[Request, Response | None, Response]


class Options(TypedDict, total=False):
    """The options of both managers; what they mean and their defaults stand there."""

    reconnect: Reconnect | bool
    keepalive: float | None
    keepalive_timeout: float
    queue_size: int
    overflow: Overflow
    slow_callback: float
    max_frame: int
    max_list: int


class ConnectOptions(Options, total=False):
    """The options of a manager that `connect` makes."""

    debug: bool
    logger: "Logger | None"
    aggregate_timeout: float


class Link(Protocol):
    """What a client needs to know of its driver's connection."""

    host: str
    session: ClientSession

    def forget(self, error: Error) -> None:
        """This is another process: leave the link alone; the session has ended with this error."""
        ...


class Stream(Protocol):
    """What a client needs to know of its driver's event streams."""

    @property
    def _names(self) -> frozenset[str] | None:
        """The names of the events that it is for; None for all."""
        ...

    def _put(self, outputs: list[Output]) -> None:
        """Offer outputs."""
        ...

    def _end(self, error: Error | None) -> None:
        """No more events come."""
        ...

    def _forget(self, error: Error) -> None:
        """This is another process, in which no more events come."""
        ...


class Dispatcher(Protocol):
    """What a client needs to know of what runs its driver's callbacks."""

    def put(self, outputs: list[Output]) -> None:
        """Queue outputs for their callbacks."""
        ...

    def abandon(self) -> None:
        """Begin to stop, without waiting."""
        ...

    def __len__(self) -> int: ...


_COROUTINE = 0x80  # `inspect.CO_COROUTINE`, which is slow to load

L = TypeVar("L", bound=Link)
D = TypeVar("D", bound=Dispatcher)


class Client(Generic[L, D]):
    """A client of one Asterisk server. See `ami.Manager`."""

    _awaits = False  # what callbacks return

    def __init__(
        self,
        debug: bool,
        logger: "Logger | None",
        aggregate_timeout: float,
        *,
        chance: Callable[[], float],
        changing: AbstractContextManager[Any],
        reconnect: Reconnect | bool = False,
        keepalive: float | None = None,
        keepalive_timeout: float = 5,
        queue_size: int = 100_000,
        overflow: Overflow = "drop-oldest",
        slow_callback: float = 1,
        max_frame: int = wire.MAX_FRAME,
        max_list: int = MAX_LIST,
    ) -> None:
        if not isinstance(reconnect, (bool, Reconnect)):
            raise TypeError(f"reconnect is True, False or an ami.Reconnect, not {reconnect!r}")
        if keepalive is not None:  # None is without
            positive("keepalive", keepalive)
        positive("keepalive_timeout", keepalive_timeout)
        Backlog(queue_size, overflow)  # says what is wrong with them
        self._debug = debug
        import logging  # here, as it is slow to load

        self._logger: Logger = logger or logging.getLogger(type(self).__module__)
        self._reconnect = Reconnect() if reconnect is True else reconnect or None
        self._retries = Retries(self._reconnect or Reconnect(), chance)
        self._keepalive = keepalive
        self._keepalive_timeout = keepalive_timeout
        self._queue_size = queue_size
        self._overflow: Overflow = overflow
        self._slow_callback = slow_callback
        self._aggregate_timeout, self._max_frame, self._max_list = aggregate_timeout, max_frame, max_list
        self._changing = changing
        self._callbacks: CallbackRegistry[Callback] = CallbackRegistry()
        self._streams: tuple[weakref.ref[Stream], ...] = ()
        self._connection: L | None = None
        self._dispatcher: D | None = None
        self._target: Target | None = None
        self._closings = 0  # how often it was closed, for attempts to connect to notice it
        self._pending_state = State.CLOSED  # while there is no link
        self._told: ClientSession | None = None  # the session whose end was told last
        self._down_since: float | None = None  # while a lost link is made again
        self._login_steps: Callable[[], LoginSteps] | None = None
        self._logs_off = False  # at the end of a `with` statement

    def __repr__(self) -> str:
        connection = self._connection
        where = f" {connection.host}" if connection is not None else ""
        package = type(self).__module__.removesuffix(".manager")
        return f"<{package}.{type(self).__name__}{where}, {self.state}>"

    # The link

    @property
    def state(self) -> State:
        """What the link is doing."""
        connection = self._connection
        if connection is None or connection.session.closed is not None:
            return self._pending_state
        return _state_of(connection.session)

    def is_connected(self) -> bool:
        """Whether the link is up."""
        connection = self._connection
        return connection is not None and connection.session.closed is None and connection.session.greeting is not None

    def get_asterisk_info(self) -> tuple[str, str] | None:
        """Name and version of the server as its greeting gives them, or None while there is no link."""
        connection = self._connection
        return connection.session.asterisk_info() if connection is not None and self.is_connected() else None

    def get_connection(self) -> L | None:
        """The connection, or None."""
        return self._connection

    def _require_connection(self) -> L:
        connection = self._connection
        if connection is None or connection.session.closed is not None:
            raise ManagerError("Not connected to an Asterisk manager")
        return connection

    def _new_session(self, id_prefix: str, greeting_deadline: float, greeted: Callable[[], object]) -> ClientSession:
        keepalive = None if self._keepalive is None else (self._keepalive, self._keepalive_timeout)
        session = ClientSession(
            id_prefix=id_prefix,
            greeting_deadline=greeting_deadline,
            greeted=greeted,
            keepalive=keepalive,
            aggregate_timeout=self._aggregate_timeout,
            max_frame=self._max_frame,
            max_list=self._max_list,
            down_since=self._down_since,
        )
        session.wanted = self._wanted()
        return session

    def _remember_login(
        self, username: str, secret: str, events: bool, plain: bool, filters: Iterable[str]
    ) -> LoginSteps:
        """The steps of a login, which each reconnection takes again. Raises `ManagerError` while there is no link."""
        self._require_connection()
        for what, given in (("username", username), ("secret", secret)):
            if not isinstance(given, str):
                raise TypeError(f"the {what} is text, not of type {type(given).__name__}")
        if isinstance(filters, str):
            raise TypeError(f"filters is a list of them, such as [{filters!r}], not one text")
        filters = tuple(filters)
        self._login_steps = lambda: login.login_steps(username, secret, events=events, plain=plain, filters=filters)
        return self._login_steps()

    def _change_state(
        self, state: State, error: Exception | None = None, retry_in: float | None = None, *, ended: L | None = None
    ) -> list[Output]:
        """Note a state that no session is in, and what to tell of it; `ended` is the connection that there was."""
        previous, self._pending_state = self._pending_state, state
        if ended is not None and ended.session is not self._told:
            self._told = ended.session
            previous = _state_of(ended.session)
        if previous is State.CLOSED and state is State.CLOSED:
            return []
        return [StateChange(state, previous, error, retry_in)]

    def _is_made_again(self, session: ClientSession) -> bool:
        """Whether a link that has ended is to be made again; if so, it is down from now on."""
        if self._reconnect is None or self._login_steps is None or not session.logged_in or session.left:
            return False
        self._down_since = session.closed_at
        return True

    def after_fork(self) -> None:
        """Called in a child process: the link is the parent's; this manager may connect anew."""
        error = ManagerSocketError("the connection belongs to the process that made it")
        streams = [reference() for reference in self._streams]
        connection, dispatcher = self._connection, self._dispatcher
        self._connection = self._dispatcher = self._login_steps = None
        self._streams, self._pending_state = (), State.CLOSED
        if connection is not None:
            connection.forget(error)
        if dispatcher is not None:
            dispatcher.abandon()
        for stream in streams:
            if stream is not None:
                stream._forget(error)

    def _link_is_up(self) -> None:
        """The server has greeted: from now on the session knows the state."""
        self._pending_state = State.CLOSED

    # Callbacks and streams

    def register_callback(self, event: Identifier, function: Callback) -> None:
        """Have `function(event, manager)` called for events of a name or declared class.

        `''` stands for every event, None for orphaned responses, `ami.StateChange` for what becomes of the link.
        Callbacks run in the order in which they were registered; registering one again moves it to the end. Raises
        `ValueError` for anything else, and `TypeError` for a function that cannot be called so.
        """
        if not callable(function):
            raise TypeError(f"{function!r} is no function to call with an event and the manager")
        code = getattr(function, "__code__", None)
        if not self._awaits and code is not None and code.co_flags & _COROUTINE:
            raise TypeError(f"{function!r} is a coroutine function: register it with an ami.aio.Manager")
        with self._changing:
            self._callbacks.register(event, function)
            self._update_wanted()

    def unregister_callback(self, event: Identifier, function: Callback) -> bool:
        """Undo `register_callback`; return whether there was something to undo."""
        with self._changing:
            found = self._callbacks.unregister(event, function)
            self._update_wanted()
        return found

    def _add_stream(self, stream: Stream) -> None:
        with self._changing:
            self._streams = (*(each for each in self._streams if each() is not None), weakref.ref(stream))
            self._update_wanted()

    def _remove_stream(self, stream: Stream) -> None:
        with self._changing:
            self._streams = tuple(each for each in self._streams if each() not in (None, stream))
            self._update_wanted()

    @property
    def queue_depth(self) -> int:
        """How many events wait for their callbacks."""
        dispatcher = self._dispatcher
        return 0 if dispatcher is None else len(dispatcher)

    def _deliver(self, outputs: list[Output]) -> None:
        """Give outputs to the event streams and to the callbacks."""
        if not outputs:
            return
        for reference in self._streams:
            stream = reference()
            if stream is not None:
                stream._put(outputs)
        dispatcher = self._dispatcher
        if dispatcher is not None:
            dispatcher.put(outputs)

    def _end_streams(self, error: Error | None) -> None:
        """End the event streams that there are."""
        for reference in self._streams:
            stream = reference()
            if stream is not None:
                stream._end(error)

    def _wanted(self) -> frozenset[str] | None:
        """The names of the events that anybody wants; None for all."""
        names = self._callbacks.names
        for reference in self._streams:
            stream = reference()
            if stream is not None and names is not None:
                names = None if stream._names is None else names | stream._names
        return None if self._debug else names

    def _update_wanted(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.session.wanted = self._wanted()

    # What is said about callbacks

    def _note(self, output: Output) -> None:
        """Log an output before its callbacks run."""
        if isinstance(output, Notice):
            self._logger.warning(output.text)
        elif self._debug and not isinstance(output, StateChange):
            message = output.response if isinstance(output, Orphan) else output
            self._logger.debug("%s, ActionID %s", _describe(output), message.action_id)

    def _note_failure(self, function: Callback, output: Output) -> None:
        """Log the exception of a callback."""
        self._logger.error("the callback %r failed on %s", function, _describe(output), exc_info=True)

    def _note_slowness(self, function: Callback, output: Output, seconds: float, waiting: int) -> None:
        """Log that a callback held up the others."""
        self._logger.warning(
            "the callback %r took %.1f s on %s; %d events wait for their callbacks",
            function, seconds, _describe(output), waiting,
        )  # fmt: skip


def _state_of(session: ClientSession) -> State:
    """The state that a session is in, or was in when it ended."""
    if session.greeting is None:
        return State.CONNECTING
    return State.READY if session.logged_in else State.CONNECTED


def _describe(output: Output) -> str:
    if isinstance(output, Aggregate):
        return f"aggregate {output.name}"
    if isinstance(output, Event):
        # By its bytes: a callback may have changed the message.
        name = Event(output.frame).name
        return f"{'event' if type(output) is not Event else 'event of no declared class'} {name}"
    if isinstance(output, Orphan):
        return f"orphaned response {output.response.name}"
    return f"change of state to {output.state}" if isinstance(output, StateChange) else "a notice"


def weakly(owner: "weakref.ref[Any]", method: str) -> Callable[[Any], None]:
    """A method of an object that it does not keep alive; it does nothing once the object is gone."""

    def call(argument: Any) -> None:
        alive = owner()
        if alive is not None:
            getattr(alive, method)(argument)

    return call
