"""The links of a world: who listens where, what names stand for, and who waits for several sockets at once."""

import errno
import os
import socket
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from amisim.world.errors import OutsideWorld
from amisim.world.places import here
from amisim.world.scheduler import Scheduler

if TYPE_CHECKING:
    from amisim.world.sockets import Socket

__all__ = ["Address", "Network", "only_tcp", "real", "real_context", "refused", "select"]

_FIRST_NUMBER, _FIRST_PORT = 1_000_000, 49_152
"""Of sockets, far from the numbers of real files; and where free ports begin."""

Address = tuple[Any, ...]


def real(file: object) -> OutsideWorld:
    """The error for a file or socket that is not of this world."""
    return OutsideWorld(
        f"{file!r} is a file or socket of the real world, for which nobody can wait in a world, at {here()}. Make it "
        'with world.modules["socket"], or patch the module that makes it, with world.patch'
    )


def refused(what: str, advice: str) -> OutsideWorld:
    """The error for what a world does not have, and how to do without it."""
    return OutsideWorld(f"{what}, at {here()}. {advice}")


def real_context() -> OutsideWorld:
    """The error for a socket of a world that the real `ssl` is to encrypt."""
    return refused(
        f"the thread {threading.current_thread().name!r} encrypts a socket of a world with a context of the real ssl",
        'Make that with world.modules["ssl"], or patch the module that makes it, with world.patch, before it does',
    )


def only_tcp(what: object) -> OutsideWorld:
    """The error for a socket that a world does not have."""
    return refused(
        f"the thread {threading.current_thread().name!r} makes a socket of {what}: there are those for TCP alone in a "
        "world",
        "Use TCP, or make it in a module that is not patched, and use it in `with world.outside():`",
    )


class Network:
    """The sockets of a world, and who listens."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        # Who drops a socket closes it.
        self._bound: WeakValueDictionary[tuple[str, int], Socket] = WeakValueDictionary()
        self._by_number: WeakValueDictionary[int, Socket] = WeakValueDictionary()
        self._last_number = _FIRST_NUMBER
        self._last_port = _FIRST_PORT

    def number(self, socket: "Socket") -> int:
        """A file number for a socket."""
        self._last_number += 1
        self._by_number[self._last_number] = socket
        return self._last_number

    def forget(self, number: int) -> None:
        """A socket is closed."""
        self._by_number.pop(number, None)

    def find(self, file: Any) -> "Socket":
        """The socket of a number, or of what has one. Raises `OutsideWorld` for a file of the real world."""
        number = file if isinstance(file, int) else getattr(file, "fileno", lambda: None)()
        if not isinstance(number, int):
            raise TypeError("argument must be an int, or have a fileno() method")
        try:
            return self._by_number[number]
        except KeyError:
            if number < 0:
                raise ValueError(f"file descriptor cannot be a negative integer ({number})") from None
            if _FIRST_NUMBER < number <= self._last_number:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
            raise real(file) from None

    def free_port(self) -> int:
        """A port that nobody uses."""
        used = {port for _, port in self._bound}
        self._last_port += 1
        while self._last_port in used or self._last_port > 65_535:
            self._last_port = self._last_port + 1 if self._last_port < 65_535 else _FIRST_PORT
        return self._last_port

    def bind(self, address: Address, bound: "Socket") -> Address:
        """Give a socket an address, with a free port for 0; return which."""
        host, port = self.resolve(address[0], binding=True), address[1] or self.free_port()
        if not 0 <= port < 65_536:
            raise OverflowError("bind(): port must be 0-65535.")
        for each, other in self._bound:
            if other == port and (each == host or "0.0.0.0" in (each, host)):
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._bound[host, port] = bound
        return host, port, *address[2:]

    def unbind(self, bound: "Socket") -> None:
        """Its address is free again."""
        for address in [address for address, each in self._bound.items() if each is bound]:
            del self._bound[address]

    def listener(self, host: str, port: int) -> "Socket | None":
        """Who listens there."""
        name = self.resolve(host)
        found = self._bound.get((name, port)) or self._bound.get(("0.0.0.0", port))
        return found if found is not None and found.is_listening else None

    def resolve(self, host: str, *, binding: bool = False) -> str:
        """The address that a name stands for: this machine has all, and each name that somebody listens at is one.

        Raises `socket.gaierror` for others.
        """
        if host in ("", "::", "0.0.0.0"):
            return "0.0.0.0" if binding else "127.0.0.1"
        if host in ("localhost", "::1"):
            return "127.0.0.1"
        if binding or host.replace(".", "").isdigit() or ":" in host or any(host == name for name, _ in self._bound):
            return host
        self.scheduler.poll()  # somebody may have it later
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def pair(
        self, kind: "type[Socket]", family: int | None = None, type: int = socket.SOCK_STREAM, proto: int = 0
    ) -> "tuple[Socket, Socket]":
        """See `socket.socketpair`; the two are as for TCP, whatever their family."""
        one, other = kind(type=type), kind(type=type)
        one.join(other, ("127.0.0.1", self.free_port()), ("127.0.0.1", self.free_port()))
        return one, other


def select(
    network: Network, reading: Any, writing: Any, exceptional: Any = (), timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """See `select.select`."""
    if timeout is not None and timeout < 0:
        raise ValueError("timeout must be non-negative")
    scheduler = network.scheduler
    scheduler.touch()
    for file in exceptional:
        network.find(file)
    to_read = [(file, network.find(file)) for file in reading]
    to_write = [(file, network.find(file)) for file in writing]
    waiters = [each.readers for _, each in to_read] + [each.writers for _, each in to_write]
    until = None if timeout is None else scheduler.now + timeout
    while True:
        readable = [file for file, each in to_read if each.is_readable]
        writable = [file for file, each in to_write if each.is_writable]
        left = None if until is None else until - scheduler.now
        if readable or writable:
            return readable, writable, []
        if left is not None and left <= 0:
            scheduler.look()
            return [], [], []
        if not scheduler.wait(waiters, left, "sockets"):
            until = scheduler.now
