"""What sockets of a world do by `recv` and `send` alone, and what they refuse."""

import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from amisim.world.network import refused

__all__ = ["Forms"]


class Forms(ABC):
    """The other forms of `recv` and `send`."""

    @abstractmethod
    def recv(self, size: int, flags: int = 0) -> bytes:
        """See `socket.socket.recv`."""

    @abstractmethod
    def send(self, data: Any, flags: int = 0) -> int:
        """See `socket.socket.send`."""

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """See `socket.socket.recv_into`."""
        view = memoryview(buffer).cast("B")
        if size < 0:
            raise ValueError("negative buffersize in recv_into")
        if size > len(view):
            raise ValueError("buffer too small for requested bytes")
        data = self.recv(size or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, None]:
        """See `socket.socket.recvfrom`: over TCP, it does not say from whom."""
        return self.recv(size, flags), None

    def recvfrom_into(self, buffer: Any, size: int = 0, flags: int = 0) -> tuple[int, None]:
        """See `socket.socket.recvfrom_into`."""
        return self.recv_into(buffer, size, flags), None

    def recvmsg(self, size: int, ancillary_size: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, None]:
        """See `socket.socket.recvmsg`; without ancillary data."""
        return self.recv(size, flags), [], 0, None

    def recvmsg_into(
        self, buffers: Iterable[Any], ancillary_size: int = 0, flags: int = 0
    ) -> tuple[int, list[Any], int, None]:
        """See `socket.socket.recvmsg_into`; without ancillary data."""
        views = [memoryview(each).cast("B") for each in buffers]
        data = self.recv(sum(map(len, views)), flags)
        left = data
        for view in views:
            part, left = left[: len(view)], left[len(view) :]
            view[: len(part)] = part
        return len(data), [], 0, None

    def sendmsg(self, buffers: Any, *_: Any) -> int:
        """See `socket.socket.sendmsg`; without ancillary data."""
        return self.send(b"".join(buffers))

    def sendto(self, data: Any, *flags_and_address: Any) -> int:
        """See `socket.socket.sendto`: over TCP, the address does not count."""
        return self.send(data, *flags_and_address[:-1])

    # As real sockets do it where the operating system cannot.
    sendfile = socket.socket._sendfile_use_send  # type: ignore[attr-defined]
    _check_sendfile_params = socket.socket._check_sendfile_params  # type: ignore[attr-defined]

    def detach(self) -> int:
        """Not in a world: who would close it?"""
        raise refused("a socket cannot leave its world", "Use the socket itself")

    def dup(self) -> Any:
        """Not in a world: a connection has one number there."""
        raise refused("a socket of a world cannot be had twice", "Use the socket itself, or files of its makefile()")
