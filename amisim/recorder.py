"""The recording proxy: between any client and any server, and into a recording.

Every chunk is recorded as it comes, and passed on at once: whatever the other side has seen is in the file, even if the
recorder is killed. Closing and breaking of either side is passed on, too.
"""

import asyncio
import datetime
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from amisim.causes import RecordBuilder
from amisim.listening import system_reason
from amisim.recording import Direction, Record, RecordingError, RecordingWriter
from amisim.redact import Redactor
from amisim.relay import CHUNK, Clients, closing_writer, greeting_of

__all__ = ["Recorder", "record"]


class Recorder:
    """Records what passes between clients of `host:port` and the server at `upstream_host:upstream_port`.

    Secrets are replaced by pseudonyms, and what `rules` say (see `amisim.personal`), unless `redact` is false.
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
        rules: Iterable[str] = (),
        progress: Callable[["Recorder"], object] = lambda recorder: None,
    ) -> None:
        self.path = path
        self.host = host
        self.port = port
        self.frames = 0
        self._upstream = upstream_host, upstream_port
        self._redact = Redactor(rules) if redact else None
        self._progress = progress
        self._builder = RecordBuilder()
        self._clients = Clients(self._record_connection)

    @property
    def addresses(self) -> list[str]:
        """Where it listens; more than one address where `host` is a name that has them."""
        return self._clients.addresses

    @property
    def connections(self) -> int:
        """How many clients have connected."""
        return self._clients.count

    async def run(self, ready: Callable[["Recorder"], object], stop: asyncio.Event) -> None:
        """Record until `stop` is set; `ready` is called when clients can connect.

        Raises `UpstreamError`, `ServerError` when it cannot listen, `RecordingError` when it cannot write. Whatever
        was recorded until then is in the file.
        """
        greeting = await greeting_of(*self._upstream)
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self.port = await self._clients.listen(self.host, self.port)
        with (
            closing(self._clients),
            RecordingWriter(self.path, self._header(greeting), self._redact or _unchanged) as writer,
        ):
            self._writer = writer
            self._started = self._loop.time()
            ready(self)
            self._failed.add_done_callback(lambda _: stop.set())
            await stop.wait()
            await self._clients.end()
            self._record(self._builder.flush())
            if self._failed.done():
                self._failed.result()

    def _header(self, greeting: str) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        header: dict[str, Any] = {"server": greeting, "recorded": now}
        return header | {"redacted": self._redact.about} if self._redact else header

    # Connections

    async def _record_connection(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._record([self._builder.open(number, self._now())])
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream, limit=CHUNK)
        except OSError as error:
            why = f"c{number}: cannot connect to the server: {system_reason(error)}"
            self._record([Record(self._now(), 0, "", "note", why.encode())])
            self._record(self._builder.end(number, "<", self._now()))
            return
        with closing_writer(upstream_writer):
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
                data = await reader.read(CHUNK)
            except OSError as broken:
                error = type(broken).__name__
                break
            if not data:
                break
            self._record(self._builder.data(number, direction, data, self._now()))
            writer.write(data)
            self._progress(self)
            try:
                await writer.drain()
            except OSError:
                return  # the receiver is gone, as is recorded of its own direction
        self._record(self._builder.end(number, direction, self._now(), error))
        with suppress(OSError):
            writer.write_eof()

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
def record(
    path: str | Path, upstream_host: str, upstream_port: int, *, redact: bool = True, rules: Iterable[str] = ()
) -> Iterator[Recorder]:
    """Record while a block runs; clients connect to `host` and `port` of what it gives. `redact` and `rules` are those
    of `Recorder`.

    Raises what `Recorder.run` raises.
    """
    recorder = Recorder(str(path), upstream_host, upstream_port, redact=redact, rules=rules)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        await recorder.run(lambda _: started.set_result((loop, stop)), stop)

    with ThreadPoolExecutor(1, "amisim-recorder") as pool:
        running = pool.submit(asyncio.run, run())
        running.add_done_callback(lambda _: started.done() or started.cancel())
        try:
            loop, stop = started.result()
        except CancelledError:
            running.result()
            raise
        try:
            yield recorder
        finally:
            with suppress(RuntimeError):  # it has ended, because it could not write any more
                loop.call_soon_threadsafe(stop.set)
            running.result()


def _unchanged(record: Record) -> Record:
    return record
