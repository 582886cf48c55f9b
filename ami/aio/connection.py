"""The link and the callbacks of an asyncio manager."""

import asyncio
import inspect
import math
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ami.backlog import Backlog
from ami.errors import Error, ManagerSocketError
from ami.outcomes import Notice, Orphan, Output, Response
from ami.request import Request
from ami.session import ClientSession

if TYPE_CHECKING:
    from ami.aio.manager import Manager

__all__ = ["Connection", "Dispatcher"]

_AT_ONCE = 65_536
"""How many bytes are read at a time."""

_BATCH = 5000
"""How many outputs are delivered before other tasks have their turn: as many as one turn of the loop can bring."""


class Connection(asyncio.BufferedProtocol):
    """One link with its session. It does not know the manager that owns it."""

    def __init__(
        self,
        host: str,
        loop: asyncio.AbstractEventLoop,
        new_session: Callable[[float, Callable[[], object]], ClientSession],
        greeting_timeout: float,
        deliver: Callable[[list[Output]], None],
        ended: Callable[["Connection"], None],
    ) -> None:
        self.host = host
        self._loop = loop
        self._deliver = deliver
        self._ended = ended
        self._greeted = asyncio.Event()
        self._over = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._buffer = memoryview(bytearray(_AT_ONCE))
        self._corked = False  # something was sent since the server was last heard: what comes now goes together
        self._sends_rest = False  # at the end of this turn of the loop
        self.session = new_session(loop.time() + greeting_timeout, self._greeted.set)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The link is up."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._update()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where bytes are to go. (The buffer that a plain protocol's transport makes for each read is slow to get.)"""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        self._corked = False
        self.session.receive_data(bytes(self._buffer[:nbytes]), self._loop.time())
        self._update()

    def eof_received(self) -> None:
        """The server sends no more. The transport would first wait for it to read what is unsent; this does not."""
        self.session.receive_eof(self._loop.time())
        self._update()

    def connection_lost(self, exc: Exception | None) -> None:
        """The link is down."""
        reason = ManagerSocketError("the connection was closed" if exc is None else f"the connection broke: {exc}")
        self.session.close(reason, self._loop.time())
        self._update()
        self._over.set()
        self._ended(self)

    # What the manager calls

    async def wait_for_greeting(self) -> None:
        """Return when the server has said who it is. Raises `ManagerSocketError`, also when it does not in time."""
        await self._greeted.wait()
        if self.session.closed is not None:
            raise self.session.closed.again()

    def is_connected(self) -> bool:
        """Whether the link is up."""
        return self.session.closed is None

    def get_asterisk_info(self) -> tuple[str, str]:
        """Name and version from the greeting."""
        return self.session.asterisk_info()

    async def send_action(self, request: Request, action_id: str | None = None, /, **headers: Any) -> Response | None:
        """Send, and wait for the end of the action."""
        ended: asyncio.Future[None] = self._loop.create_future()
        pending = self.session.send_action(request, self._loop.time(), lambda: _finish(ended), action_id, **headers)
        self._update()
        try:
            await ended
        except asyncio.CancelledError:
            self.session.abandon_action(pending, self._loop.time())
            raise
        return pending.result()

    def keep_alive(self, quiet: float, patience: float) -> None:
        """See `ClientSession.keep_alive`."""
        self.session.keep_alive(quiet, patience, self._loop.time())
        self._update()

    async def wait_until_closed(self) -> None:
        """Wait for the end of the connection."""
        await self._over.wait()

    def close(self) -> None:
        """End the connection, and every action under way with it."""
        self.session.close(ManagerSocketError("the connection was closed"), self._loop.time())
        self._update()

    def forget(self, error: Error) -> None:
        """In a child process: the transport is the parent's, and so is the selector that watches it."""
        self.session.closed, self._transport = error, None

    def _update(self) -> None:
        """Pass on what the session has for others, and look up again at its next deadline."""
        session = self.session
        transport = self._transport
        if not self._corked or session.closed is not None:
            self._send()
        elif not self._sends_rest:
            self._sends_rest = True
            self._loop.call_soon(self._send_rest)
        outputs = session.take_outputs()
        if outputs:
            self._deliver(outputs)
        if session.closed is not None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if transport is not None and not transport.is_closing():
                _hang_up(transport)
            return
        if session.due < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = session.due
            self._timer = self._loop.call_at(session.due, self._on_timer)

    def _send(self) -> None:
        """Send what the session has to send."""
        if self._transport is not None and (data := self.session.data_to_send()):
            self._transport.write(data)
            self._corked = True

    def _send_rest(self) -> None:
        self._sends_rest = False
        self._send()

    def _on_timer(self) -> None:
        self._timer, self._timer_at = None, math.inf
        self.session.handle_timer(self._loop.time())
        self._update()


def _finish(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)


def _hang_up(transport: asyncio.Transport) -> None:
    """Close, without waiting for a server that does not read, or, with TLS, does not say goodbye."""
    if transport.get_write_buffer_size() or transport.get_extra_info("sslcontext") is not None:
        transport.abort()
    else:
        transport.close()


class Dispatcher:
    """The task that runs callbacks, one after the other, in the order of the wire."""

    def __init__(self, manager: "Manager", loop: asyncio.AbstractEventLoop, backlog: Backlog) -> None:
        # Weak, so that a manager nobody holds any more can go, and its task with it.
        self._manager = weakref.ref(manager)
        self.loop = loop
        self._backlog = backlog
        self._filled = asyncio.Event()
        self._stopped = False
        self._busy = False
        self._task = loop.create_task(self._run(), name="ami-dispatcher")
        self._task.add_done_callback(self._task_ended)

    def __len__(self) -> int:
        return len(self._backlog)

    def put(self, outputs: list[Output]) -> None:
        """Queue outputs for their callbacks."""
        self._backlog.put(outputs)
        self._filled.set()

    async def stop(self) -> None:
        """Run no more callbacks. One that is running, and waits, goes on to its end, which is not waited for."""
        self.abandon()
        if not self._task.done() and not self._busy and asyncio.current_task() is not self._task:
            await asyncio.wait([self._task])

    def abandon(self) -> None:
        """Begin to stop, without waiting."""
        self._stopped = True
        self._filled.set()

    async def _run(self) -> None:
        while not self._stopped:
            await self._filled.wait()
            self._filled.clear()
            while await self._dispatch_some():
                pass

    async def _dispatch_some(self) -> bool:
        """Run the callbacks for what waits longest; return whether there was anything."""
        outputs = self._backlog.take(_BATCH)
        manager = self._manager()
        if not outputs or manager is None or self._stopped:
            return False
        self._busy = True
        await self._dispatch(outputs, manager)
        self._busy = False
        await asyncio.sleep(0)  # other tasks have their turn
        return True

    async def _dispatch(self, outputs: list[Output], manager: "Manager") -> None:
        clock, matching, noted = self.loop.time, manager._callbacks.matching, manager._debug
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
                    result = function(given, manager)
                    if result is not None and inspect.isawaitable(result):
                        await result
                except BaseException as error:
                    if isinstance(error, KeyboardInterrupt) or self._is_cancelled():
                        raise
                    with suppress(Exception):
                        manager._note_failure(function, output)
                ended = clock()
                if ended - started > limit:
                    with suppress(Exception):
                        manager._note_slowness(function, output, ended - started, len(self._backlog))
                    ended = clock()
                started = ended

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        """Somebody else ended the task, as `asyncio.run` does in the end."""
        manager = self._manager()
        if not self._stopped and manager is not None and (task.cancelled() or task.exception()):
            manager._loop_ended()

    def _is_cancelled(self) -> bool:
        """Whether this task is; a callback may also wait for another one that is."""
        return self._task.cancelling() > 0
