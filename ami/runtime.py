"""What the threaded driver needs of the world: a clock, threads, locks, and links to servers.

`Manager` takes these from its `runtime` argument and from nowhere else, so another runtime can put it on
other clocks and other links. `SYSTEM` is the operating system's.
"""

import os
import queue
import selectors
import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from ami.connecting import connect_error, reason
from ami.errors import ManagerSocketError

if TYPE_CHECKING:
    import ssl

__all__ = ["SYSTEM", "Condition", "Link", "Lock", "Queue", "Runtime", "System", "Thread"]


class Lock(Protocol):
    """The part of `threading.Lock` that is used."""

    def acquire(self, blocking: bool = True, timeout: float = -1, /) -> bool:
        """Take the lock, waiting for it."""
        ...

    def release(self) -> None:
        """Give the lock back; any thread may."""
        ...

    def __enter__(self) -> bool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...


class Condition(Protocol):
    """The part of `threading.Condition` that is used."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until notified, at most `timeout` seconds."""
        ...

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until something is so, at most `timeout` seconds; return whether it is."""
        ...

    def notify_all(self) -> None:
        """Wake who waits."""
        ...

    def __enter__(self) -> bool: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...


class Queue(Protocol):
    """The part of `queue.SimpleQueue` that is used."""

    def put(self, item: Any, /) -> None:
        """Add an item. A garbage collector may do this in any thread, at any time."""
        ...

    def get(self) -> Any:
        """Take the first item, waiting for it."""
        ...


class Thread(Protocol):
    """The part of `threading.Thread` that is used."""

    def start(self) -> None:
        """Begin to run."""
        ...

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end."""
        ...


class Link(Protocol):
    """A connection to a server: one thread receives, and closes in the end; any thread may do the rest."""

    def receive(self, timeout: float | None) -> bytes | None:
        """The next bytes; `b""` at the end of the stream; None when time ran out or `wake` was called.

        Raises `ManagerSocketError` when the link broke.
        """
        ...

    def send(self, data: bytes) -> None:
        """Send, without waiting for the other side to read. Raises `ManagerSocketError`."""
        ...

    def wake(self) -> None:
        """Have `receive` return at once."""
        ...

    def shutdown(self) -> None:
        """End the connection; `receive` returns the end of the stream."""
        ...

    def close(self) -> None:
        """End the connection, and give back what the link holds."""
        ...

    def forget(self) -> None:
        """Give back what the link holds, and leave the connection alone: another process has it, too."""
        ...


class Forgets(Protocol):
    """Something that belongs to the process that made it."""

    def after_fork(self) -> None:
        """This is another process: give back what was inherited, without touching what the parent uses."""
        ...


class Runtime(Protocol):
    """The world that a `Manager` lives in."""

    def monotonic(self) -> float:
        """Seconds on a clock that does not go back."""
        ...

    def id_prefix(self) -> str:
        """What begins the ActionIDs of one manager: `<host>-<5 random characters>`."""
        ...

    def lock(self) -> Lock:
        """A new lock."""
        ...

    def mutex(self) -> Lock:
        """A new lock that its holder may take again: a signal handler may have interrupted it."""
        ...

    def condition(self) -> Condition:
        """A new condition, with a lock of its own, which its holder may take again."""
        ...

    def queue(self) -> Queue:
        """A new queue."""
        ...

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        """A new daemon thread, not started."""
        ...

    def current_thread(self) -> object:
        """The calling thread, as `thread` returned it."""
        ...

    def connect(self, host: str, port: int, timeout: float, tls: "ssl.SSLContext | None" = None) -> Link:
        """Connect, with TLS where a context is given. Raises `ManagerSocketError`, which says what went wrong."""
        ...

    def chance(self) -> float:
        """A number from 0 to 1, by chance."""
        ...

    def after_fork(self, forgets: "Forgets") -> None:
        """Have `forgets.after_fork()` called in the child when the process forks, for as long as the object lives."""
        ...


_AT_ONCE = 65_536
"""How many bytes are read at a time. A buffer of 128 KiB or more malloc gets from the kernel each time, which takes
longer than all else that is done for a short answer."""


class SocketLink:
    """A TCP connection. What the kernel does not take at once is sent by the receiving thread."""

    def __init__(
        self,
        connected: socket.socket,
        wake_ends: tuple[socket.socket, socket.socket],
        lock: Lock,
        selector: selectors.BaseSelector,
    ) -> None:
        self._socket = connected
        self._socket.setblocking(False)
        self._wake_end, self._wake_source = wake_ends
        self._wake_source.setblocking(False)
        self._selector = selector
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._wake_end, selectors.EVENT_READ)
        self._lock = lock
        self._unsent = b""
        self._ended = False

    def receive(self, timeout: float | None) -> bytes | None:
        """See `Link`."""
        try:
            for key, events in self._selector.select(timeout):
                if key.fileobj is self._wake_end:
                    self._wake_end.recv(4096)
                elif events & selectors.EVENT_WRITE:
                    self._send_rest()
                elif not self._ended:
                    return self._receive_some()
        except BlockingIOError:
            return None
        except OSError as error:
            if not self._ended:
                raise ManagerSocketError(f"the connection broke: {reason(error)}") from error
        return b"" if self._ended else None

    def send(self, data: bytes) -> None:
        """See `Link`."""
        with self._lock:
            if self._ended:
                raise ManagerSocketError("the connection is closed")
            if self._unsent:
                self._unsent += data
                return
            self._unsent = data[self._send_some(data) :]
            if not self._unsent:
                return
            self._selector.modify(self._socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
        self.wake()

    def _receive_some(self) -> bytes | None:
        return self._socket.recv(_AT_ONCE)

    def _send_some(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise ManagerSocketError(f"the connection broke while sending: {reason(error)}") from error

    def _send_rest(self) -> None:
        with self._lock:
            self._unsent = self._unsent[self._send_some(self._unsent) :]
            if not self._unsent and not self._ended:
                self._selector.modify(self._socket, selectors.EVENT_READ)

    def wake(self) -> None:
        """See `Link`."""
        with suppress(OSError):  # full: the thread is being woken; closed: there is nobody to wake
            self._wake_source.send(b"\0")

    def shutdown(self) -> None:
        """See `Link`."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            with suppress(OSError):  # the other side was faster
                self._end()
        self.wake()

    def _end(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See `Link`."""
        self.shutdown()
        with self._lock:
            self.forget()

    def forget(self) -> None:
        """See `Link`."""
        self._selector.close()
        for each in (self._socket, self._wake_end, self._wake_source):
            each.close()


class TLSLink(SocketLink):
    """The same, encrypted. OpenSSL serves one thread at a time, so reading takes the lock, too."""

    _socket: "ssl.SSLSocket"

    def _end(self) -> None:
        kind = socket.socket if isinstance(self._socket, socket.socket) else type(self._socket)
        kind.shutdown(self._socket, socket.SHUT_RDWR)  # an SSLSocket's own drops its state

    def _receive_some(self) -> bytes | None:
        from ssl import SSLEOFError, SSLWantReadError, SSLWantWriteError

        pieces: list[bytes] = []
        with self._lock, suppress(SSLWantReadError, SSLWantWriteError):
            # Until it wants more: what OpenSSL has read already, the selector does not see.
            while True:
                try:
                    piece = self._socket.recv(_AT_ONCE)
                except SSLEOFError:
                    piece = b""
                pieces.append(piece)
                if not piece or (len(pieces) >= 16 and not self._socket.pending()):
                    break
        return b"".join(pieces) if pieces else None

    def _send_some(self, data: bytes) -> int:
        from ssl import SSLWantReadError, SSLWantWriteError

        try:
            return super()._send_some(data)
        except ManagerSocketError as error:
            if isinstance(error.__cause__, (SSLWantReadError, SSLWantWriteError)):
                return 0
            raise


_LONGEST = threading.TIMEOUT_MAX

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class System:
    """The operating system's clock, threads and sockets; or those of other modules with the same names."""

    def __init__(
        self,
        time: Any = time,
        threading: Any = threading,
        queue: Any = queue,
        socket: Any = socket,
        selectors: Any = selectors,
    ) -> None:
        self.monotonic: Callable[[], float] = time.monotonic
        self.lock: Callable[[], Lock] = threading.Lock
        self.mutex: Callable[[], Lock] = threading.RLock
        self.condition: Callable[[], Condition] = threading.Condition
        self.queue: Callable[[], Queue] = queue.SimpleQueue
        self.current_thread: Callable[[], object] = threading.current_thread
        self._threading, self._socket, self._selectors = threading, socket, selectors

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        """See `Runtime`."""
        thread: Thread = self._threading.Thread(target=target, name=name, daemon=True)
        return thread

    def id_prefix(self) -> str:
        """See `Runtime`."""
        # ASCII, without blanks, and short: see `ami.request.MAX_ACTION_ID`. 40 + 1 + 5 + 1 + 8 leaves room.
        name = self._socket.gethostname()
        host = "".join(c for c in name if c.isascii() and (c.isalnum() or c in ".-"))[:40] or "host"
        return f"{host}-{''.join(_ALPHABET[each % len(_ALPHABET)] for each in self._random_bytes(5))}"

    def connect(self, host: str, port: int, timeout: float, tls: "ssl.SSLContext | None" = None) -> SocketLink:
        """See `Runtime`."""
        with ExitStack() as stack:
            try:
                connected = stack.enter_context(self._socket.create_connection((host, port), min(timeout, _LONGEST)))
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if tls is not None:
                    connected = stack.enter_context(self.encrypt(connected, tls, host))
                kind = SocketLink if tls is None else TLSLink
                link = kind(connected, self._socket.socketpair(), self.mutex(), self._selectors.DefaultSelector())
            except (OSError, UnicodeError) as error:  # a name that cannot be a host's is a UnicodeError
                raise connect_error(host, port, error, tls=tls is not None) from error
            stack.pop_all()
            return link

    def encrypt(self, connected: Any, tls: "ssl.SSLContext", host: str) -> Any:
        """A connected socket, with TLS."""
        return tls.wrap_socket(connected, server_hostname=host)

    def chance(self) -> float:
        """See `Runtime`."""
        return int.from_bytes(self._random_bytes(4), "big") / 2**32

    def after_fork(self, forgets: Forgets) -> None:
        """See `Runtime`."""
        _forgetting.add(forgets)

    def _random_bytes(self, count: int) -> bytes:
        return os.urandom(count)


_forgetting: "weakref.WeakSet[Forgets]" = weakref.WeakSet()


def _run_after_fork() -> None:
    for each in list(_forgetting):
        each.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_run_after_fork)

SYSTEM: Runtime = System()
"""The operating system's clock, threads and sockets."""
