"""Files over the sockets of a world, whose locks are the world's: the ones in C wait where nobody sees it."""

import importlib
import io
import socket
from types import FunctionType, SimpleNamespace
from typing import Any, cast

from amisim.world.locks import Lock, made
from amisim.world.names import rebound

__all__ = ["makefile"]

_pyio: Any = importlib.import_module("_pyio")


class _Reader(_pyio.BufferedReader):  # type: ignore[misc]
    """As `io.BufferedReader`."""

    def __init__(self, raw: Any, size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        super().__init__(raw, size)
        self._read_lock = made(Lock, raw._sock._scheduler)

    def close(self) -> None:
        """Close, when no other thread reads any more."""
        with self._read_lock:
            super().close()


class _Writer(_pyio.BufferedWriter):  # type: ignore[misc]
    """As `io.BufferedWriter`."""

    def __init__(self, raw: Any, size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        super().__init__(raw, size)
        self._write_lock = made(Lock, raw._sock._scheduler)


class _Pair(_pyio.BufferedRWPair):  # type: ignore[misc]
    """As `io.BufferedRWPair`."""

    def __init__(self, reader: Any, writer: Any, size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        self.reader, self.writer = _Reader(reader, size), _Writer(writer, size)


_names = {
    **vars(socket),
    "io": SimpleNamespace(
        BufferedReader=_Reader,
        BufferedWriter=_Writer,
        BufferedRWPair=_Pair,
        DEFAULT_BUFFER_SIZE=io.DEFAULT_BUFFER_SIZE,
        TextIOWrapper=io.TextIOWrapper,
        text_encoding=io.text_encoding,
    ),
}


makefile = rebound(cast(FunctionType, socket.socket.makefile), _names)
"""See `socket.socket.makefile`."""
