"""The chaos proxy: between any client and any server, with faults in what the server sends."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import closing, suppress

from ami import wire
from amisim.action import read_action
from amisim.faults import Fault, FaultPlan, Hit, Line
from amisim.relay import CHUNK, Clients, closing_writer, greeting_of, reset
from amisim.steps import How

__all__ = ["Proxy"]


class Proxy:
    """Passes on what clients of `host:port` and the server at `upstream_host:upstream_port` say, through faults.

    Faults are `amisim.faults`, or their texts (`FaultError` for one that is none); `seed` makes what is random in them
    the same each time. `progress` is called with each hit.
    """

    def __init__(
        self,
        upstream_host: str,
        upstream_port: int,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Iterable[Fault | str] = (),
        seed: int = 0,
        progress: Callable[[Hit], object] = lambda hit: None,
    ) -> None:
        self.host = host
        self.port = port
        self.hits = 0
        self._upstream = upstream_host, upstream_port
        self._plan = FaultPlan(faults, seed)
        self._progress = progress
        self._clients = Clients(self._serve)

    @property
    def addresses(self) -> list[str]:
        """Where it listens; more than one address where `host` is a name that has them."""
        return self._clients.addresses

    @property
    def connections(self) -> int:
        """How many clients have connected."""
        return self._clients.count

    @property
    def unused(self) -> list[Fault]:
        """The faults that have hit nothing so far."""
        return self._plan.unused

    async def run(self, ready: Callable[["Proxy"], object], stop: asyncio.Event) -> None:
        """Pass on until `stop` is set; `ready` is called when clients can connect.

        Raises `UpstreamError`, and `ServerError` when it cannot listen.
        """
        await greeting_of(*self._upstream)
        self._started = asyncio.get_running_loop().time()
        self.port = await self._clients.listen(self.host, self.port)
        with closing(self._clients):
            ready(self)
            await stop.wait()
            await self._clients.end()

    async def _serve(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        began = self._started
        client = _Client(self._plan.connect(number, loop.time() - began), writer, began, self._tell)
        client.pump()
        try:
            if not client.over.done():
                upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream, limit=CHUNK)
                with closing_writer(upstream_writer):
                    await client.pass_on(reader, upstream_reader, upstream_writer)
        except OSError:
            pass  # the server cannot be reached any more: the client's connection is closed, too
        finally:
            client.end()

    def _tell(self) -> None:
        hits = self._plan.take_hits()
        self.hits += len(hits)
        for hit in hits:
            self._progress(hit)


class _Client:
    """A client's connection, and the line that leads to it."""

    def __init__(self, line: Line, writer: asyncio.StreamWriter, began: float, tell: Callable[[], None]) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the connection has been closed, or when nothing is to come any more."""
        self._line = line
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._began = began
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None
        self._ends_when_idle = False

    async def pass_on(
        self, reader: asyncio.StreamReader, upstream_reader: asyncio.StreamReader, upstream: asyncio.StreamWriter
    ) -> None:
        """Pass on what both sides say, until both have ended, or the line is closed."""
        passing = asyncio.create_task(self._pass_both(reader, upstream_reader, upstream))
        try:
            await self.over
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)

    async def _pass_both(
        self, reader: asyncio.StreamReader, upstream_reader: asyncio.StreamReader, upstream: asyncio.StreamWriter
    ) -> None:
        await asyncio.gather(self._pass_actions(reader, upstream), self._pass_frames(upstream_reader))
        self._ends_when_idle = True
        self.pump()

    async def _pass_actions(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> None:
        frames = wire.FrameReader(from_server=False)
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                for frame in frames.feed(data):
                    self._line.receive(read_action(frame), self._now())
                upstream.write(data)
                await upstream.drain()
        with suppress(OSError):
            upstream.write_eof()

    async def _pass_frames(self, upstream: asyncio.StreamReader) -> None:
        frames = wire.FrameReader(from_server=True, max_frame=2**62)
        how: How = "half"
        try:
            while data := await upstream.read(CHUNK):
                for frame in frames.feed(data):
                    self._line.send(frame, self._now())
                self.pump()
                await self._writer.drain()
        except OSError:
            how = "reset"
        if frames.pending:
            self._line.send(frames.pending, self._now())
        self._line.close(how, self._now())
        self.pump()

    def pump(self) -> None:
        """Send what there is to send, and come back when there is more."""
        if self.over.done():
            return
        for chunk in self._line.take_chunks():
            self._writer.write(chunk)
        self._tell()
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._line.next_deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline + self._began, self._wake)
        closing = self._line.closing
        if closing is not None and closing.how == "half":
            with suppress(OSError):
                self._writer.write_eof()
        elif closing is not None:
            if closing.how == "reset":
                reset(self._writer.transport)
            self.over.set_result(None)
        if deadline is None and self._ends_when_idle and not self.over.done():
            self.over.set_result(None)

    def end(self) -> None:
        """Send nothing more."""
        self.over.cancel()
        if self._timer is not None:
            self._timer.cancel()

    def _wake(self) -> None:
        self._line.handle_timer(self._now())
        self.pump()

    def _now(self) -> float:
        return self._loop.time() - self._began
