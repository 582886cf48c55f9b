"""The driver of `amisim.player`: plays the clients of a recording to a real server."""

import asyncio
from contextlib import suppress

from amisim.listening import system_reason
from amisim.player import Player
from amisim.recording import Record, Recording
from amisim.relay import CHUNK, UpstreamError

__all__ = ["play"]


async def play(player: Player, host: str, port: int) -> Recording:
    """Play to a server until all is done; what was recorded meanwhile. Raises `UpstreamError`."""
    return await _Playing(player, host, port).run()


class _Playing:
    def __init__(self, player: Player, host: str, port: int) -> None:
        self._player = player
        self._address = host, port
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._changed = asyncio.Event()
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._readers: list[asyncio.Task[None]] = []

    async def run(self) -> Recording:
        try:
            while True:
                self._changed.clear()
                for record in self._player.advance(self._now()):
                    await self._do(record)
                if self._player.refused:
                    host, port = self._address
                    raise UpstreamError(f"{host}:{port} refuses a login: {self._player.refused}; is the secret right?")
                if self._player.is_done:
                    return self._player.played
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), max(0, self._player.next_due - self._now()))
        finally:
            for task in self._readers:
                task.cancel()
            for writer in self._writers.values():
                writer.close()

    def _now(self) -> float:
        return round(self._loop.time() - self._started, 6)

    async def _do(self, record: Record) -> None:
        number = record.connection
        if record.kind == "open":
            try:
                reader, self._writers[number] = await asyncio.open_connection(*self._address, limit=CHUNK)
            except OSError as error:
                host, port = self._address
                raise UpstreamError(f"cannot connect to {host}:{port}: {system_reason(error)}") from None
            self._readers.append(asyncio.create_task(self._read(number, reader)))
            return
        writer = self._writers[number]
        if record.kind == "data":
            if not writer.is_closing():  # the server was faster
                writer.write(record.data)
        elif record.kind == "error":
            writer.transport.abort()
        else:
            with suppress(OSError):
                writer.write_eof()

    async def _read(self, number: int, reader: asyncio.StreamReader) -> None:
        error = ""
        try:
            while data := await reader.read(CHUNK):
                self._player.receive(number, data, self._now())
                self._changed.set()
        except OSError as broken:
            error = type(broken).__name__
        self._player.end(number, self._now(), error)
        self._changed.set()
