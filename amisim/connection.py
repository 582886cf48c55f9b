"""A client's socket and what belongs to it: the session, the faults, the timers. Part of the driver `amisim.server`."""

import asyncio
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from ami.wire import FrameReader
from amisim.action import ClientAction
from amisim.faults import Fault
from amisim.recording import Record
from amisim.server_session import ServerSession

if TYPE_CHECKING:
    from amisim.server import Server

__all__ = ["Connection"]


_FLOOD = 20
"""Of more chunks than this that are due at once, nobody can tell one from the next: to save time, they go together."""

_TOGETHER = 1000
"""How many of them become one write."""


class Connection(asyncio.Protocol):
    """A socket and its session."""

    def __init__(self, server: "Server", loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._stalling: asyncio.TimerHandle | None = None
        self._written = 0
        self._heard_all = False
        self._hears = True
        self._is_half_closed = False
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        server = self._server
        self._transport = cast(asyncio.Transport, transport)
        self._socket = cast(socket.socket, transport.get_extra_info("socket"))
        server._count += 1
        self._number = server._count
        server._connections[self._number] = self
        server._note(server._builder.open(self._number, self._now()))
        self._plan = server._plan  # whatever the server's is later
        self._line = self._plan.connect(self._number, self._now())
        self._frames = FrameReader(from_server=True, max_frame=2**62)  # for faults, which are of whole frames
        self._greeted = False
        self._transport.set_write_buffer_limits(high=1)  # to know at once when the client does not take what is sent
        local, remote = (self._transport.get_extra_info(key) or ("", 0) for key in ("sockname", "peername"))
        self._session = ServerSession(
            server._host, self._number, self._now(), local="{}/{}".format(*local), remote="{}/{}".format(*remote)
        )
        self._pump()

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        now = self._now()
        self._server._note(*self._server._builder.data(self._number, ">", data, now))
        self._session.receive_data(data, now)
        self._pump()

    def eof_received(self) -> bool:
        """The client sends no more; what it asked is answered first."""
        self._heard_all = True
        now = self._now()
        self._server._note(*self._server._builder.end(self._number, ">", now))
        self._session.receive_eof(now)
        self._pump()
        return not self._server.tls  # the session says when to close, but over TLS, where that is not possible

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self._over = True
        for timer in (self._timer, self._stalling):
            if timer is not None:
                timer.cancel()
        self._session.closed()
        self._server._connections.pop(self._number, None)
        error = type(exc).__name__ if exc is not None else ""
        self._server._note(*self._server._builder.end(self._number, "<", self._now(), error))
        self._server._builder.forget(self._number)

    def pause_writing(self) -> None:
        """The client does not take what is sent: it is heard no further until it does, as one thread serves it."""
        self._wait_for_client()
        self._hear()

    def resume_writing(self) -> None:
        """The client has taken all."""
        if self._stalling is not None:
            self._stalling.cancel()
            self._stalling = None
        self._hear()

    def _hear(self) -> None:
        """Read on, unless the client takes nothing or has asked very much that is not answered yet."""
        hears = self._stalling is None and not self._session.is_full
        if hears != self._hears and not self._heard_all:
            self._hears = hears
            (self._transport.resume_reading if hears else self._transport.pause_reading)()

    def _wait_for_client(self, taken_before: int | None = None) -> None:
        """End the connection of a client that takes nothing for too long."""
        taken = self._written - self._transport.get_write_buffer_size()
        if taken_before is None or taken > taken_before:
            patience = self._server._host.limits.write_timeout
            self._stalling = self._loop.call_later(patience, self._wait_for_client, taken)
        else:
            self.abort()

    def play(self) -> None:
        """Let recorded traffic go that was held back."""
        self._session.play(self._now())
        self._pump()

    def note(self, action: ClientAction) -> None:
        """The client sent an action."""
        self._line.receive(action, self._now())

    def add_faults(self, action: ClientAction, faults: Iterable[Fault]) -> None:
        """Let faults work on what answers an action."""
        self._line.add(action, faults)

    def send(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        self._session.send(data)
        self._pump()

    def close(self, how: str) -> None:
        """Close the connection: `eof` in order, `reset` with a RST, `half` in this direction alone."""
        if how == "reset":
            self.abort()
        elif how == "half":
            if self._transport.can_write_eof() and not self._is_half_closed:
                with suppress(OSError):  # the client may have reset it just now
                    self._transport.write_eof()
            self._is_half_closed = True
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection with a RST."""
        with suppress(OSError):  # it may be closed
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _now(self) -> float:
        return self._loop.time() - self._server._started_at

    def _pump(self) -> None:
        """Send what there is to send, and come back when there is more."""
        if self._over:
            return
        chunks = self._take_chunks()
        if len(chunks) > _FLOOD and not self._line.has_faults:
            chunks = [b"".join(chunks[start : start + _TOGETHER]) for start in range(0, len(chunks), _TOGETHER)]
        for chunk in chunks:
            if self._transport.is_closing():  # the client has gone meanwhile
                break
            if not self._is_half_closed:
                self._server._note(*self._server._builder.data(self._number, "<", chunk, self._now()))
                self._written += len(chunk)
                self._transport.write(chunk)
        self._hear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        closing = self._line.closing
        if closing is not None:
            self.close(closing.how)
        if closing is None or closing.how == "half":
            deadlines = [self._session.next_deadline(), self._line.next_deadline()]
            if (deadline := min((each for each in deadlines if each is not None), default=None)) is not None:
                self._timer = self._loop.call_at(deadline + self._server._started_at, self.wake, deadline)
            elif self._heard_all:  # and there is nothing more to say
                self._transport.close()
        self._server._pump_touched()

    def _take_chunks(self) -> list[bytes]:
        """What is to be sent now, after the faults have had their way."""
        now, line = self._now(), self._line
        for chunk in self._session.take_chunks():
            if line.has_refused_login and chunk.startswith(b"Event:"):
                continue
            frames = self._frames.feed(chunk) if line.has_faults or not self._greeted else [chunk]
            self._greeted = True
            for frame in frames if line.has_faults else [chunk]:
                line.send(frame, now)
        if line.has_refused_login:
            self._session.log_out()
            line.has_refused_login = False
        if self._session.closing is not None:
            if self._frames.pending:
                line.send(self._frames.pending, now)
            line.close(self._session.closing.how, now)
        for hit in self._plan.take_hits():
            self._server._note(Record(now, 0, "", "note", str(hit).encode()))
        return line.take_chunks()

    def wake(self, due: float = 0.0) -> None:
        """Do what is due now; and at `due`, which rounding may have put after now."""
        now = max(self._now(), due)
        self._session.handle_timer(now)
        self._line.handle_timer(now)
        self._pump()
