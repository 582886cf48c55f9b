"""What stands between clients and a server has in common: it greets the server, serves clients, and passes ends on."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

from amisim.listening import addresses, listen, system_reason

__all__ = ["CHUNK", "Clients", "UpstreamError", "closing_writer", "greeting_of", "reset"]

CHUNK = 262_144
"""How many bytes are read at a time."""

_PATIENCE = 5  # seconds, for the server's greeting


class UpstreamError(Exception):
    """The server cannot be reached, or does not speak AMI."""


async def greeting_of(host: str, port: int) -> str:
    """What a server says first: a look at it, so that a wrong address is noticed at once. Raises `UpstreamError`."""
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


class Clients:
    """Serves each client that connects, in a task of its own."""

    def __init__(self, serve: Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.count = 0
        """How many have connected."""
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def listen(self, host: str, port: int) -> int:
        """Begin to listen; the port, where 0 asked for a free one. Raises `ServerError`."""
        self._listener = await listen(
            lambda host, port: asyncio.start_server(self._accept, host, port, limit=CHUNK), host, port
        )
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def addresses(self) -> list[str]:
        """Where it listens."""
        return addresses(self._listener)

    def close(self) -> None:
        """Listen no more."""
        self._stopping = True
        self._listener.close()

    async def end(self) -> None:
        """Listen no more, and end the connections there are."""
        self.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.count += 1
        try:
            with closing_writer(writer):
                await self._serve(self.count, reader, writer)
        except asyncio.CancelledError:
            pass  # the end has come; asyncio's servers would complain of a task that was cancelled
        finally:
            self._tasks.discard(task)


@contextmanager
def closing_writer(writer: asyncio.StreamWriter) -> Iterator[None]:
    """Close in the end: when all is sent, or at once when the task is cancelled."""
    try:
        yield
    except asyncio.CancelledError:
        writer.transport.abort()
        raise
    finally:
        writer.close()


def reset(transport: asyncio.BaseTransport) -> None:
    """Close a connection with a RST."""
    raw = cast(Any, transport.get_extra_info("socket"))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    cast(asyncio.Transport, transport).abort()
