"""The recording proxy: between any client and any server, and into a recording.

Every chunk is passed on as it comes, and only then recorded; closing and breaking of either side is passed on, too.
"""

import asyncio
import datetime
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

from amisim.causes import RecordBuilder
from amisim.recording import Direction, Record, RecordingError, RecordingWriter
from amisim.redact import Redactor
from amisim.server import ServerError, listen_error, system_reason

__all__ = ["Recorder", "UpstreamError"]

_CHUNK = 262_144
_PATIENCE = 5  # seconds, for the server's greeting


class UpstreamError(Exception):
    """The server to record cannot be reached, or does not speak AMI."""


class Recorder:
    """Records what passes between clients of `host:port` and the server at `upstream_host:upstream_port`.

    `progress` is called with this object after every chunk.
    """

    def __init__(
        self,
        path: str,
        upstream_host: str,
        upstream_port: int,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        redact: bool = True,
        progress: Callable[["Recorder"], object] = lambda recorder: None,
    ) -> None:
        self.path = path
        self.host = host
        self.port = port
        self.connections = 0
        self.frames = 0
        self._upstream = upstream_host, upstream_port
        self._redact = redact
        self._progress = progress
        self._builder = RecordBuilder()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self, ready: Callable[["Recorder"], object], stop: asyncio.Event) -> None:
        """Record until `stop` is set; `ready` is called when clients can connect.

        Raises `UpstreamError`, `ServerError` when it cannot listen, `RecordingError` when it cannot write. Whatever
        was recorded until then is in the file.
        """
        greeting = await self._greeting()
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        try:
            listener = await asyncio.start_server(self._serve, self.host, self.port, limit=_CHUNK)
        except OSError as error:
            raise ServerError(listen_error(self.host, self.port, error)) from None
        with closing(listener):
            self.port = listener.sockets[0].getsockname()[1]
            with RecordingWriter(
                self.path, self._header(greeting), Redactor() if self._redact else _unchanged
            ) as writer:
                self._writer = writer
                self._started = self._loop.time()
                ready(self)
                self._failed.add_done_callback(lambda _: stop.set())
                await stop.wait()
                self._stopping = True
                listener.close()
                await self._end_connections()
                self._record(self._builder.flush())
                if self._failed.done():
                    self._failed.result()

    async def _greeting(self) -> str:
        """What the server says first: a look before recording begins, so that a wrong address is noticed at once."""
        host, port = self._upstream
        where = f"{host}:{port}"
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await asyncio.open_connection(host, port)
                with closing(writer):
                    line = await reader.readline()
        except TimeoutError:
            raise UpstreamError(f"{where}: no AMI greeting within {_PATIENCE} s") from None
        except OSError as error:
            raise UpstreamError(f"cannot connect to {where}: {system_reason(error)}") from None
        except ValueError:
            raise UpstreamError(f"{where} does not speak AMI: its first line is too long") from None
        if b"call manager" not in line.lower():
            raise UpstreamError(f"{where} does not speak AMI: it begins with {line[:60]!r}")
        return line.decode("utf-8", "replace").strip()

    def _header(self, greeting: str) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        header: dict[str, Any] = {"server": greeting, "recorded": now}
        return header | {"redacted": ["Secret", "Key", "Challenge"]} if self._redact else header

    # Connections

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with _closing(writer):
                await self._record_connection(self.connections, reader, writer)
        except asyncio.CancelledError:
            pass  # recording ends; asyncio's servers would complain of a task that was cancelled
        finally:
            self._tasks.discard(task)

    async def _record_connection(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._record([self._builder.open(number, self._now())])
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream, limit=_CHUNK)
        except OSError as error:
            why = f"c{number}: cannot connect to the server: {system_reason(error)}"
            self._record([Record(self._now(), 0, "", "note", why.encode())])
            self._record(self._builder.end(number, "<", self._now()))
            return
        with _closing(upstream_writer):
            await asyncio.gather(
                self._pass_on(number, ">", reader, upstream_writer),
                self._pass_on(number, "<", upstream_reader, writer),
            )

    async def _pass_on(
        self, number: int, direction: Direction, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        error = ""
        while True:
            try:
                data = await reader.read(_CHUNK)
            except OSError as broken:
                error = type(broken).__name__
                break
            if not data:
                break
            writer.write(data)
            self._record(self._builder.data(number, direction, data, self._now()))
            self._progress(self)
            try:
                await writer.drain()
            except OSError:
                return  # the receiver is gone, as is recorded of its own direction
        self._record(self._builder.end(number, direction, self._now(), error))
        with suppress(OSError):
            writer.write_eof()

    async def _end_connections(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _now(self) -> float:
        return round(self._loop.time() - self._started, 6)

    def _record(self, records: list[Record]) -> None:
        try:
            for record in records:
                self._writer.write(record)
                self.frames += record.kind == "data"
        except RecordingError as error:
            if not self._failed.done():
                self._failed.set_exception(error)


@contextmanager
def _closing(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Close in the end: when all is sent, or at once when recording ends."""
    try:
        yield
    except asyncio.CancelledError:
        writer.transport.abort()
        raise
    finally:
        writer.close()


def _unchanged(record: Record) -> Record:
    return record
