"""The sockets of a world, in memory: they behave as those for TCP on one machine do, without its time."""

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from amisim.world.files import makefile
from amisim.world.forms import Forms
from amisim.world.network import Address, Network, only_tcp, real_context
from amisim.world.participants import Waiters
from amisim.world.pipes import Pipe

__all__ = ["Socket"]

_RESETS = struct.pack("ii", 1, 0)
"""What SO_LINGER is set to for a close that resets."""

_DONT_WAIT, _WAIT_ALL = getattr(socket, "MSG_DONTWAIT", 0), getattr(socket, "MSG_WAITALL", 0)

_NONBLOCK, _CLOEXEC = getattr(socket, "SOCK_NONBLOCK", 0), getattr(socket, "SOCK_CLOEXEC", 0)
"""What some systems have in the type of a socket, besides that."""


class Socket(Forms):
    """A socket for TCP in a world; see `socket.socket`."""

    _network: Network
    default_timeout: list[float | None]  # what `socket.setdefaulttimeout` has set
    _is_closed = True  # until there is something to be closed

    def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        self.family = socket.AF_INET if family == -1 else family
        self.type = socket.SOCK_STREAM
        self.proto = max(proto, 0)
        if fileno is not None:
            raise only_tcp(f"file {fileno}")
        if type != -1 and type & ~(_NONBLOCK | _CLOEXEC) != socket.SOCK_STREAM:
            raise only_tcp(getattr(type, "name", type))
        if self.family not in (socket.AF_INET, socket.AF_INET6):
            raise only_tcp(getattr(self.family, "name", self.family))
        self._scheduler = self._network.scheduler
        self._number = self._network.number(self)
        self._timeout = 0.0 if type != -1 and type & _NONBLOCK else self.default_timeout[0]
        self._incoming = self._outgoing = Pipe()
        self._is_connected = False
        self._accepted: list[Socket] | None = None  # those that connected to one that listens
        self._backlog = Pipe()  # whose readers wait for them
        self._own: Address = ("0.0.0.0", 0)
        self._peer: Address | None = None
        self._options: dict[tuple[int, int], Any] = {}
        self._io_refs = 0  # files that `makefile` made
        self._users = 0  # calls that wait: a socket that is closed meanwhile stays open until they return
        self._is_closed = False

    def __del__(self) -> None:
        # What nobody has any more is closed; who takes no part cannot tell the other side.
        if not self._is_closed and not self._scheduler.is_ending and self._scheduler.is_inside():
            self.close()

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
        self._check()
        if (level, name) == (socket.SOL_SOCKET, socket.SO_TYPE):
            if sys._getframe(1).f_globals.get("__name__") == "ssl":  # which asks this first, and then for a real file
                raise real_context()
            return self.type
        return self._options.get((level, name), 0)

    def get_inheritable(self) -> bool:
        """No other program has part in a world."""
        return False

    def set_inheritable(self, inheritable: bool) -> None:
        """See `get_inheritable`."""

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
        if self._peer is None or self._incoming.is_gone:
            raise _error(errno.ENOTCONN)
        return self._peer

    # Connections

    def join(self, other: "Socket", own: Address, peer: Address) -> None:
        """Become one end of a link whose other end is `other`."""
        self._incoming = other._outgoing = Pipe()
        self._outgoing = other._incoming = Pipe()
        self._own, self._peer, other._own, other._peer = own, peer, peer, own
        self._is_connected = other._is_connected = True

    def bind(self, address: Address) -> None:
        """See `socket.socket.bind`."""
        self._check()
        if self._own[1]:
            raise _error(errno.EINVAL)
        self._own = self._network.bind(address, self)

    def listen(self, backlog: int = 128) -> None:
        """See `socket.socket.listen`."""
        self._check()
        if self._is_connected:
            raise _error(errno.EINVAL)
        if self._accepted is None:
            if not self._own[1]:
                self.bind(self._own)
            self._accepted = []

    @property
    def is_connected(self) -> bool:
        """Whether it is one end of a link."""
        return self._is_connected

    @property
    def is_listening(self) -> bool:
        """Whether others can connect to it."""
        return self._accepted is not None

    def accept(self) -> "tuple[Socket, Address]":
        """See `socket.socket.accept`."""
        self._check()
        if self._accepted is None:
            raise _error(errno.EINVAL)
        waiting = self._accepted
        self._wait(
            lambda: bool(waiting) or self._accepted is None, self._backlog.readers, "a connection", self._timeout
        )
        if not waiting:
            raise _error(errno.EINVAL)
        accepted = waiting.pop(0)
        self._scheduler.found()
        return accepted, accepted.getpeername()

    def connect(self, address: Address) -> None:
        """Connect at once to who listens. Raises what a real socket does."""
        self._check()
        if self._peer is not None:
            raise _error(errno.EISCONN)
        host, port = address[:2]
        listener: Socket | None = self._network.listener(host, port)
        if listener is None or listener._accepted is None:
            self._scheduler.poll()  # some try again and again at once
            raise _error(errno.ECONNREFUSED)
        other = type(self)()
        own = ("127.0.0.1", self._own[1] or self._network.free_port())
        self.join(other, own, (self._network.resolve(host), port))
        listener._accepted.append(other)
        self._scheduler.found()
        self._scheduler.wake(listener._backlog.readers)

    def connect_ex(self, address: Address) -> int:
        """The same, with the number of what went wrong."""
        try:
            self.connect(address)
        except socket.gaierror:
            raise
        except OSError as error:
            return error.errno or errno.EINVAL
        return 0

    # Data

    def recv(self, size: int, flags: int = 0) -> bytes:
        """See `socket.socket.recv`."""
        if size < 0:
            raise ValueError("negative buffersize in recv")
        pipe = self._incoming
        self._check_connected()
        if flags & _WAIT_ALL and self._timeout is None:
            self._wait(lambda: pipe.is_ended or len(pipe.data) >= size, pipe.readers, "data", None, flags)
        else:
            self._wait(lambda: pipe.is_readable or not size, pipe.readers, "data", self._timeout, flags)
        data = bytes(memoryview(pipe.data)[:size])
        if flags & socket.MSG_PEEK:
            return data
        if data:
            del pipe.data[:size]
            self._scheduler.found()
            self._scheduler.wake(pipe.writers)
        elif size:
            self._raise_reset()
            self._scheduler.poll()  # some read on and on at the end of a stream
        return data

    def send(self, data: Any, flags: int = 0) -> int:
        """See `socket.socket.send`."""
        if self._timeout is None and not flags & _DONT_WAIT:
            return self._send_all(data)
        return self._send_some(memoryview(data).cast("B"), self._timeout, flags)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """See `socket.socket.sendall`."""
        self._send_all(data, flags)

    def _send_all(self, data: Any, flags: int = 0) -> int:
        view = memoryview(data).cast("B")
        length, until = len(view), self._until(self._timeout)
        while True:
            left = until if not until else max(until - self._scheduler.now, 0.0)
            view = view[self._send_some(view, left, flags) :]
            if not view:
                return length

    def _send_some(self, view: memoryview, timeout: float | None, flags: int) -> int:
        pipe = self._outgoing
        self._check()
        if not self._is_connected:
            raise _error(errno.EPIPE)
        self._wait(lambda: pipe.is_writable or not view, pipe.writers, "room to send", timeout, flags)
        self._scheduler.found()
        return self.put(bytes(view[: pipe.room]))

    def wait_for_room(self) -> None:
        """Wait until `send` would send something."""
        self._check()
        pipe = self._outgoing
        self._wait(lambda: pipe.is_writable, pipe.writers, "room to send", self._timeout)

    def put(self, taken: bytes) -> int:
        """Send now, even if there is no room."""
        self._check()
        pipe = self._outgoing
        self._raise_reset()
        if pipe.has_ended or not self._is_connected:
            raise _error(errno.EPIPE)
        if pipe.is_deaf and taken:  # the other side answers this with a reset
            pipe.has_ended = True
            self._incoming.is_gone = True
            self._incoming.is_reset = not self._incoming.has_ended
            self._scheduler.wake(self._incoming.readers)
        elif taken:
            self._scheduler.note(taken)
            pipe.data += taken
            self._scheduler.wake(pipe.readers)
        return len(taken)

    def _raise_reset(self) -> None:
        pipe = self._incoming
        if pipe.is_reset:  # which is told once
            pipe.is_reset, pipe.has_ended = False, True
            raise _error(errno.ECONNRESET)

    makefile = makefile

    # The end

    def shutdown(self, how: int) -> None:
        """See `socket.socket.shutdown`."""
        self._check()
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise _error(errno.EINVAL)
        if self._accepted is not None:
            if how != socket.SHUT_WR:
                self._stop_listening()
            return
        if not self._is_connected or self._incoming.is_gone:
            raise _error(errno.ENOTCONN)
        if how != socket.SHUT_RD:
            self._end_sending()
        if how != socket.SHUT_WR:
            self._incoming.is_shut = True
            self._incoming.is_deaf = self._outgoing.has_ended
            self._scheduler.wake(self._incoming.readers)
            self._scheduler.wake(self._incoming.writers)

    def close(self) -> None:
        """See `socket.socket.close`."""
        if not self._is_closed:
            self._is_closed = True
            if self._io_refs <= 0:
                self._real_close()

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
        self._network.unbind(self)
        if self._accepted is not None:
            self._stop_listening()
        elif self._is_connected:
            self._is_connected = False
            if self._incoming.data or self._options.get((socket.SOL_SOCKET, socket.SO_LINGER)) == _RESETS:
                self._reset()
            else:
                self._incoming.is_deaf = True
                self._end_sending()
                self._scheduler.wake(self._incoming.writers)

    def _stop_listening(self) -> None:
        waiting, self._accepted = self._accepted or [], None
        for each in waiting:
            each._reset()
        self._scheduler.wake(self._backlog.readers)

    def _end_sending(self) -> None:
        self._outgoing.has_ended = True
        self._scheduler.wake(self._outgoing.readers)

    def _reset(self) -> None:
        self._outgoing.is_reset = self._outgoing.is_gone = self._incoming.has_ended = True
        self._scheduler.wake(self._outgoing.readers)
        self._scheduler.wake(self._incoming.writers)

    # Waiting

    def _check(self) -> None:
        if self._number < 0:
            raise _error(errno.EBADF)

    def _check_connected(self) -> None:
        self._check()
        if not self._is_connected:
            raise _error(errno.ENOTCONN)

    def _until(self, timeout: float | None) -> float | None:
        return timeout if not timeout else self._scheduler.now + timeout

    def _wait(
        self,
        is_ready: Callable[[], bool],
        waiters: Waiters,
        what: str,
        timeout: float | None,
        flags: int = 0,
    ) -> None:
        scheduler = self._scheduler
        scheduler.touch()
        if is_ready():
            return
        if self._timeout == 0 or flags & _DONT_WAIT:
            scheduler.poll()
            raise _error(errno.EAGAIN)
        until = None if timeout is None else scheduler.now + timeout
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
        if self._accepted is not None:
            return bool(self._accepted)
        return self._incoming.is_readable or not self._is_connected

    @property
    def is_writable(self) -> bool:
        """Whether `send` would return at once."""
        return self._accepted is None and (not self._is_connected or self._outgoing.is_writable)

    @property
    def readers(self) -> Waiters:
        """Who waits until it is readable."""
        return self._backlog.readers if self._accepted is not None else self._incoming.readers

    @property
    def writers(self) -> Waiters:
        """Who waits until it is writable."""
        return self._outgoing.writers


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))  # which makes one of its subclasses
