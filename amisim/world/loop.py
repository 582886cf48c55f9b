"""asyncio in a world: a loop on its clock, over its links, whose executor's threads take part."""

import asyncio
import itertools
import sys
import traceback
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from amisim.runtime import Runtime
from amisim.world.errors import Deadlock, OutsideWorld, WorldError
from amisim.world.modules import Modules
from amisim.world.network import real
from amisim.world.places import here, is_internal
from amisim.world.sockets import Socket

__all__ = ["Loop", "ScaledLoop"]

_Result = TypeVar("_Result")


class _Future(asyncio.Future[Any]):
    """One whose place in a set depends on when it was made, and not on where it lies in memory."""

    _number = 0

    def __hash__(self) -> int:
        return self._number


class _Task(asyncio.Task[Any]):
    """The same for a task."""

    _number = 0

    def __init__(self, *args: Any, number: int, **options: Any) -> None:
        self._number = number  # first, because it goes into sets at once
        super().__init__(*args, **options)

    def __hash__(self) -> int:
        return self._number

    def exception(self) -> BaseException | None:
        """See `asyncio.Task.exception`; a program that asks for what is wrong with a world has seen it."""
        error = super().exception()
        if isinstance(error, WorldError) and not is_internal(sys._getframe(1)):
            self.get_loop().forget(error)  # type: ignore[attr-defined]
        return error


class _Generators(WeakKeyDictionary[Any, None]):
    """A `WeakSet` that has its members in the order in which they came."""

    def add(self, member: Any) -> None:
        self[member] = None

    def discard(self, member: Any) -> None:
        self.pop(member, None)


class ScaledLoop(asyncio.SelectorEventLoop):
    """An event loop on the clock of a world, over real links."""

    def __init__(self, modules: Modules, runtime: Runtime) -> None:
        self._modules = modules
        self.runtime = runtime
        """For what belongs to it: `ami.aio` takes what is random from here."""
        super().__init__(modules["selectors"].DefaultSelector())

    def time(self) -> float:
        """Seconds on the world's clock."""
        now: float = self._modules["time"].monotonic()
        return now


def _checked(name: str) -> Any:
    """A method for a socket that refuses one of the real world, even if it has data now."""
    method = getattr(asyncio.SelectorEventLoop, name)

    async def checked(self: "Loop", sock: Any, *args: Any, **options: Any) -> Any:
        self._check(sock)
        return await method(self, sock, *args, **options)

    return checked


_NAMES = {each.__name__ for each in (WorldError, OutsideWorld, Deadlock)}


def _names_it(frame: FrameType) -> bool:
    """Whether a program's code has a name of what can be wrong with a world: then it knows what it catches."""
    code = frame.f_code
    return not is_internal(frame) and not _NAMES.isdisjoint((*code.co_names, *code.co_varnames, *code.co_freevars))


class Loop(ScaledLoop):
    """An event loop over the links of a world of virtual time."""

    def __init__(self, modules: Modules, runtime: Runtime) -> None:
        super().__init__(modules, runtime)
        self._numbers = itertools.count()
        self._asyncgens = _Generators()
        self._calls: dict[asyncio.Future[None], Any] = {}  # that have not ended, and their threads
        self._main: FrameType | None = None  # of the coroutine that it is run for
        self._remembered: list[WorldError] = []
        self._known: WeakSet[WorldError] = WeakSet()  # all that it has ever remembered
        self.set_task_factory(self._new_task)

    def run_until_complete(self, future: Any) -> Any:
        """See `asyncio.loop.run_until_complete`; raises what is wrong with the world, and was told to others alone."""
        self._main = getattr(getattr(future, "get_coro", lambda: future)(), "cr_frame", None)
        try:
            result = super().run_until_complete(future)
        except BaseException as error:
            said = "".join(traceback.format_exception(error))
            for each in self._unseen():
                if str(each).partition("\n")[0] not in said:
                    error.add_note(f"before, in a task or a callback: {type(each).__name__}: {each}")
            raise
        for each in self._unseen():
            raise each
        return result

    def _unseen(self) -> list[WorldError]:
        """What has neither come to the coroutine that it was run for nor to one that names it; all is forgotten."""
        errors, self._remembered = self._remembered, []
        main, self._main = self._main, None
        if main is not None and _names_it(main):
            return []
        return [
            each
            for each in errors
            if not any(at is main or _names_it(at) for at, _ in traceback.walk_tb(each.__traceback__))
        ]

    def remember(self, error: WorldError) -> None:
        """An error is raised in what it calls now."""
        if not any(at is self._main for at, _ in traceback.walk_stack(sys._getframe())):
            self._remember(error)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """See `asyncio.loop.call_exception_handler`."""
        error = context.get("exception")
        if isinstance(error, WorldError) and error not in self._known:
            self._remember(error)
        super().call_exception_handler(context)

    def forget(self, error: WorldError) -> None:
        """A program has asked for an error."""
        self._remembered = [each for each in self._remembered if each is not error]

    def _remember(self, error: WorldError) -> None:
        self._known.add(error)
        self._remembered.append(error)

    def create_future(self) -> asyncio.Future[Any]:
        """See `asyncio.loop.create_future`."""
        future = _Future(loop=self)
        future._number = next(self._numbers)
        return future

    def _new_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> _Task:
        return _Task(coroutine, loop=loop, number=next(self._numbers), **options)

    def _make_self_pipe(self) -> None:
        # As the base class does it, which asks the real `socket` for the pair.
        self._ssock, self._csock = self._modules["socket"].socketpair()
        self._ssock.setblocking(False)
        self._csock.setblocking(False)
        self._internal_fds += 1  # type: ignore[attr-defined]
        self._add_reader(self._ssock.fileno(), self._read_from_self)  # type: ignore[attr-defined]

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """See `asyncio.loop.create_connection`."""
        if options.get("sock") is not None:
            self._check(options["sock"])
        else:
            sock = self._modules["socket"].socket()
            sock.setblocking(False)
            try:
                sock.connect((host, port))
            except BaseException as error:
                sock.close()
                if isinstance(error, OSError):  # not told at once: others in the loop go on if it is tried again
                    await asyncio.sleep(0)
                raise
            options["sock"] = sock
            if options.get("ssl") and options.get("server_hostname") is None:
                options["server_hostname"] = host
            for each in ("family", "proto", "flags", "local_addr", "happy_eyeballs_delay", "interleave"):
                options.pop(each, None)
        return await super().create_connection(protocol_factory, **options)

    async def create_server(self, protocol_factory: Any, host: Any = None, port: Any = None, **options: Any) -> Any:
        """See `asyncio.loop.create_server`."""
        if options.get("sock") is not None:
            self._check(options["sock"])
            return await super().create_server(protocol_factory, **options)
        for each in ("sock", "family", "flags", "reuse_address", "reuse_port"):
            options.pop(each, None)
        is_started = options.pop("start_serving", True)
        first, *others = self._bound([host] if isinstance(host, str) or host is None else host, port or 0)
        options |= {"sock": first, "start_serving": False}
        server: Any = await super().create_server(protocol_factory, **options)
        server._sockets += others  # it makes several only of real ones
        if is_started:
            await server.start_serving()
        return server

    def _bound(self, hosts: Iterable[str | None], port: int) -> list[Socket]:
        """Sockets at these addresses, some of which may be the same, as localhost is."""
        module, bound = self._modules["socket"], list[Socket]()
        try:
            for host in dict.fromkeys(module.getaddrinfo(each, port, flags=module.AI_PASSIVE)[0][4] for each in hosts):
                bound.append(module.socket())
                bound[-1].setblocking(False)
                bound[-1].bind(host)
        except BaseException:
            for each in bound:
                each.close()
            raise
        return bound

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        """See `asyncio.loop.getaddrinfo`."""
        return self._modules["socket"].getaddrinfo(host, port)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., _Result], *args: Any
    ) -> "asyncio.Future[_Result]":
        """Call a function in a thread that takes part in the world."""
        if executor is not None:
            raise OutsideWorld(f"{executor!r} has threads that take no part in the world: give None in its place")
        future: asyncio.Future[_Result] = self.create_future()
        ended: asyncio.Future[None] = self.create_future()

        def call() -> None:
            try:
                result = func(*args)
            except BaseException as error:
                self._end(ended, future, future.set_exception, error)
            else:
                self._end(ended, future, future.set_result, result)

        self._calls[ended] = thread = self._modules["threading"].Thread(target=call, name="executor", daemon=True)
        thread.start()
        return future

    def _end(
        self, ended: "asyncio.Future[None]", future: "asyncio.Future[Any]", tell: Callable[[Any], object], what: Any
    ) -> None:
        def end() -> None:
            del self._calls[ended]
            ended.set_result(None)
            if not future.done():
                tell(what)

        if not self.is_closed():
            self.call_soon_threadsafe(end)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as in the base
        """Wait for the threads of `run_in_executor`, as `asyncio.run` does in the end."""
        if calls := [ended for ended, thread in self._calls.items() if thread.is_alive()]:  # but for who left the world
            await asyncio.wait(calls, timeout=timeout)

    async def connect_accepted_socket(self, protocol_factory: Any, sock: Any, **options: Any) -> Any:
        """See `asyncio.loop.connect_accepted_socket`."""
        self._check(sock)
        return await super().connect_accepted_socket(protocol_factory, sock, **options)

    def _check(self, sock: Any) -> None:
        if not isinstance(sock, Socket):
            raise real(sock)

    def _have_no_signals(self, *_: Any) -> Any:
        raise NotImplementedError(  # as on systems that have none
            f"a world has no handlers for signals, which come whenever they like, at {here()}. Call what handles it, "
            "as in loop.call_later(5, handler), or set it with signal.signal"
        )

    add_signal_handler: Any = _have_no_signals

    async def _refuse(self, *_: Any, **__: Any) -> Any:
        raise OutsideWorld(
            f"UDP, Unix sockets, pipes and other programs belong to the real world, at {here()}. Use TCP, or do it "
            "without this loop, in `with world.outside():`"
        )

    connect_read_pipe: Any = _refuse
    connect_write_pipe: Any = _refuse
    create_datagram_endpoint: Any = _refuse
    create_unix_connection: Any = _refuse
    create_unix_server: Any = _refuse
    subprocess_exec: Any = _refuse
    subprocess_shell: Any = _refuse

    sock_accept, sock_connect = _checked("sock_accept"), _checked("sock_connect")
    sock_recv, sock_recv_into = _checked("sock_recv"), _checked("sock_recv_into")
    sock_sendall, sock_sendfile = _checked("sock_sendall"), _checked("sock_sendfile")
