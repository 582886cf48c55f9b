"""The links of a world: sockets in memory, which behave as TCP on one machine does, without its time."""

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from amisim.world.errors import OutsideWorld
from amisim.world.files import makefile
from amisim.world.scheduler import Scheduler, Waiters

__all__ = ["Network", "Socket", "select"]

_CAPACITY = 262_144
"""Bytes that a direction of a link holds before who sends has to wait."""

_RESETS = struct.pack("ii", 1, 0)
"""What SO_LINGER is set to for a close that resets."""

Address = tuple[Any, ...]


class Network:
    """The sockets of a world, and who listens."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self._listeners: dict[tuple[str, int], Socket] = {}
        self._by_number: dict[int, Socket] = {}
        self._next_number = 1_000_000  # far from those of real files
        self._next_port = 49_152

    def number(self, socket: "Socket") -> int:
        """A file number for a socket."""
        self._next_number += 1
        self._by_number[self._next_number] = socket
        return self._next_number

    def forget(self, number: int) -> None:
        """A socket is closed."""
        self._by_number.pop(number, None)

    def find(self, file: Any) -> "Socket":
        """The socket of a number, or of what has one. Raises `OutsideWorld` for a file of the real world."""
        number = file if isinstance(file, int) else file.fileno()
        try:
            return self._by_number[number]
        except KeyError:
            if number < 0:
                raise ValueError(f"file descriptor cannot be a negative integer ({number})") from None
            raise OutsideWorld(
                f"{file!r} is a file or socket of the real world, for which nobody can wait in a world: make it with "
                "world.socket, or patch the module that makes it, with world.patch"
            ) from None

    def free_port(self) -> int:
        """A port that nobody uses."""
        self._next_port += 1
        return self._next_port

    def listen(self, address: Address, listener: "Socket") -> None:
        """Let clients find somebody who listens."""
        key = (self.resolve(address[0], binding=True), address[1])
        if self._listeners.setdefault(key, listener) is not listener:
            raise OSError(errno.EADDRINUSE, f"Address already in use: {address!r}")

    def unlisten(self, listener: "Socket") -> None:
        """Nobody finds it any more."""
        self._listeners = {key: each for key, each in self._listeners.items() if each is not listener}

    def listener(self, host: str, port: int) -> "Socket | None":
        """Who listens there."""
        name = self.resolve(host)
        return self._listeners.get((name, port)) or self._listeners.get(("0.0.0.0", port))

    def resolve(self, host: str, *, binding: bool = False) -> str:
        """The address that a name stands for: this machine has all, and each name that somebody listens at is one.

        Raises `socket.gaierror` for others.
        """
        if host in ("", "::", "0.0.0.0"):
            return "0.0.0.0"
        if host in ("localhost", "::1"):
            return "127.0.0.1"
        if (
            binding
            or host.replace(".", "").isdigit()
            or ":" in host
            or any(host == name for name, _ in self._listeners)
        ):
            return host
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def pair(self, kind: "type[Socket]") -> "tuple[Socket, Socket]":
        """Two sockets that are connected."""
        one, other = kind(), kind()
        one.join(other, ("127.0.0.1", self.free_port()), ("127.0.0.1", self.free_port()))
        return one, other


class _Pipe:
    """One direction of a link."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.readers: Waiters = {}
        self.writers: Waiters = {}
        self.has_ended = False
        """Nothing more will be sent."""
        self.is_reset = False
        """The other side has thrown the connection away."""
        self.is_deaf = False
        """Nobody reads what is sent."""

    @property
    def is_readable(self) -> bool:
        return bool(self.data) or self.has_ended or self.is_reset

    @property
    def room(self) -> int:
        return _CAPACITY - len(self.data)


class Socket:
    """A socket for TCP in a world; see `socket.socket`."""

    _network: Network

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        self.family = socket.AF_INET if family == -1 else family
        self.type = socket.SOCK_STREAM if type == -1 else type
        self.proto = max(proto, 0)
        if fileno is not None or self.type != socket.SOCK_STREAM:
            raise OutsideWorld("there are sockets for TCP alone in a world")
        self._scheduler = self._network.scheduler
        self._number = self._network.number(self)
        self._timeout: float | None = None
        self._incoming = self._outgoing = _Pipe()
        self._is_connected = False
        self._accepted: list[Socket] | None = None  # those that connected to one that listens
        self._backlog = _Pipe()  # whose readers wait for them
        self._own: Address = ("0.0.0.0", 0)
        self._peer: Address | None = None
        self._options: dict[tuple[int, int], Any] = {}
        self._io_refs = 0  # files that `makefile` made
        self._users = 0  # calls that wait: a socket that is closed meanwhile stays open until they return
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<socket of a world {self._own} {self._peer or ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Settings

    def settimeout(self, value: float | None) -> None:
        """See `socket.socket.settimeout`."""
        if value is not None and value < 0:
            raise ValueError("Timeout value out of range")
        self._timeout = value

    def gettimeout(self) -> float | None:
        """See `socket.socket.gettimeout`."""
        return self._timeout

    timeout = property(gettimeout)

    def setblocking(self, flag: bool) -> None:
        """See `socket.socket.setblocking`."""
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        """See `socket.socket.getblocking`."""
        return self._timeout != 0

    def setsockopt(self, level: int, name: int, value: Any, *_: Any) -> None:
        """Remember an option; only SO_LINGER has an effect."""
        self._check()
        self._options[level, name] = value

    def getsockopt(self, level: int, name: int, *_: Any) -> Any:
        """An option that was set, or 0."""
        return self._options.get((level, name), 0)

    def fileno(self) -> int:
        """A number by which `select` knows it; -1 when it is closed."""
        return self._number

    def getsockname(self) -> Address:
        """Its own address."""
        self._check()
        return self._own

    def getpeername(self) -> Address:
        """The address of the other side."""
        self._check()
        if self._peer is None:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return self._peer

    # Connections

    def join(self, other: "Socket", own: Address, peer: Address) -> None:
        """Become one end of a link whose other end is `other`."""
        self._incoming = other._outgoing = _Pipe()
        self._outgoing = other._incoming = _Pipe()
        self._own, self._peer, other._own, other._peer = own, peer, peer, own
        self._is_connected = other._is_connected = True

    def bind(self, address: Address) -> None:
        """See `socket.socket.bind`."""
        self._own = (address[0], address[1] or self._network.free_port(), *address[2:])

    def listen(self, backlog: int = 128) -> None:
        """See `socket.socket.listen`."""
        if self._accepted is None:
            self._accepted = []
            self._network.listen(self._own, self)

    def accept(self) -> "tuple[Socket, Address]":
        """See `socket.socket.accept`."""
        waiting = self._accepted
        if waiting is None:
            raise OSError(errno.EINVAL, "Invalid argument")
        self._wait(lambda: bool(waiting), self._backlog.readers, "a connection")
        accepted = waiting.pop(0)
        return accepted, accepted.getpeername()

    def connect(self, address: Address) -> None:
        """Connect at once to who listens. Raises what a real socket does."""
        self._check()
        if self._is_connected:
            raise OSError(errno.EISCONN, "Transport endpoint is already connected")
        host, port = address[:2]
        listener = self._network.listener(host, port)
        if listener is None or listener._accepted is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        other = type(self)()
        own = self._own if self._own[1] else ("127.0.0.1", self._network.free_port())
        self.join(other, own, (self._network.resolve(host), port))
        listener._accepted.append(other)
        self._scheduler.wake(listener._backlog.readers)

    def connect_ex(self, address: Address) -> int:
        """The same, with the number of what went wrong."""
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EINVAL
        return 0

    # Data

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See `socket.socket.recv`."""
        pipe = self._incoming
        self._check_connected()
        self._wait(lambda: pipe.is_readable, pipe.readers, "data")
        data = bytes(memoryview(pipe.data)[:size])
        if flags & socket.MSG_PEEK:
            return data
        if data:
            del pipe.data[:size]
            self._scheduler.wake(pipe.writers)
        elif pipe.is_reset:
            pipe.is_reset, pipe.has_ended = False, True
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        return data

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """See `socket.socket.recv_into`."""
        view = memoryview(buffer).cast("B")
        data = self.recv(size or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def send(self, data: Any, flags: int = 0) -> int:
        """See `socket.socket.send`."""
        pipe = self._outgoing
        self._check_connected()
        self._wait(lambda: pipe.room > 0 or pipe.has_ended or pipe.is_deaf, pipe.writers, "room to send")
        if pipe.has_ended:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        taken = bytes(memoryview(data).cast("B")[: pipe.room])
        if pipe.is_deaf:  # the other side answers this with a reset
            pipe.has_ended = self._incoming.is_reset = True
            self._scheduler.wake(self._incoming.readers)
        elif taken:
            self._scheduler.note(taken)
            pipe.data += taken
            self._scheduler.wake(pipe.readers)
        return len(taken)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """See `socket.socket.sendall`."""
        view = memoryview(data).cast("B")
        while view:
            view = view[self.send(view) :]

    def sendmsg(self, buffers: Any, *_: Any) -> int:
        """See `socket.socket.sendmsg`; without ancillary data."""
        return self.send(b"".join(buffers))

    makefile = makefile

    # The end

    def shutdown(self, how: int) -> None:
        """See `socket.socket.shutdown`."""
        self._check_connected()
        if how in (socket.SHUT_WR, socket.SHUT_RDWR):
            self._end_sending()
        if how in (socket.SHUT_RD, socket.SHUT_RDWR):
            self._incoming.has_ended = True
            self._scheduler.wake(self._incoming.readers)

    def close(self) -> None:
        """See `socket.socket.close`."""
        if not self._is_closed:
            self._is_closed = True
            if self._io_refs <= 0:
                self._real_close()

    def detach(self) -> int:
        """Not in a world: who would close it?"""
        raise OutsideWorld("a socket of a world cannot leave it")

    def _decref_socketios(self) -> None:
        # Files of `makefile` call this.
        self._io_refs -= 1
        if self._is_closed and self._io_refs <= 0:
            self._real_close()

    def _real_close(self) -> None:
        number, self._number = self._number, -1
        self._network.forget(number)
        if not self._users:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._accepted is not None:
            self._network.unlisten(self)
            for each in self._accepted:
                each._reset()
        elif self._is_connected:
            self._is_connected = False
            if self._incoming.data or self._options.get((socket.SOL_SOCKET, socket.SO_LINGER)) == _RESETS:
                self._reset()
            else:
                self._incoming.is_deaf = True
                self._end_sending()
                self._scheduler.wake(self._incoming.writers)

    def _end_sending(self) -> None:
        self._outgoing.has_ended = True
        self._scheduler.wake(self._outgoing.readers)

    def _reset(self) -> None:
        self._outgoing.is_reset = self._incoming.has_ended = True
        self._scheduler.wake(self._outgoing.readers)
        self._scheduler.wake(self._incoming.writers)

    # Waiting

    def _check(self) -> None:
        if self._number < 0:
            raise OSError(errno.EBADF, "Bad file descriptor")

    def _check_connected(self) -> None:
        self._check()
        if not self._is_connected:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    def _wait(self, is_ready: Callable[[], bool], waiters: Waiters, what: str) -> None:
        scheduler = self._scheduler
        if is_ready():
            scheduler.touch()
            return
        if self._timeout == 0:
            scheduler.poll()
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        until = None if self._timeout is None else scheduler.now + self._timeout
        with self._in_use():
            while not is_ready():
                left = None if until is None else until - scheduler.now
                if not scheduler.wait([waiters], left, what) and not is_ready():
                    raise TimeoutError("timed out")

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._number < 0 and not self._users:
                self._hang_up()

    # What `select` asks

    @property
    def is_readable(self) -> bool:
        """Whether `recv` or `accept` would return at once."""
        return bool(self._accepted) if self._accepted is not None else self._incoming.is_readable

    @property
    def is_writable(self) -> bool:
        """Whether `send` would return at once."""
        return self._is_connected and (self._outgoing.room > 0 or self._outgoing.has_ended or self._outgoing.is_deaf)

    @property
    def readers(self) -> Waiters:
        """Who waits until it is readable."""
        return self._backlog.readers if self._accepted is not None else self._incoming.readers

    @property
    def writers(self) -> Waiters:
        """Who waits until it is writable."""
        return self._outgoing.writers


def select(
    network: Network, reading: Any, writing: Any, exceptional: Any = (), timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """See `select.select`."""
    scheduler = network.scheduler
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
            if timeout == 0:
                scheduler.look()  # an event loop does this at each of its turns
            return [], [], []
        if not scheduler.wait(waiters, left, "sockets"):
            until = scheduler.now
