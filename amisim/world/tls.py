"""TLS over the sockets of a world: what `ssl` encrypts in memory goes through a link in memory."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from amisim.world.files import makefile
from amisim.world.sockets import Socket

__all__ = ["TLSSocket"]

_CHUNK = 65_536


class TLSSocket:
    """A socket of a world, encrypted; see `ssl.SSLSocket`. What is not said here is as in `Socket`."""

    _io_refs = 0
    makefile = makefile
    _decref_socketios: Any = Socket._decref_socketios

    def __init__(
        self,
        sock: Any,
        context: ssl.SSLContext,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | None = None,
        session: Any = None,
    ) -> None:
        self._raw = sock
        self.context = context
        self._options: dict[str, Any] = {
            "server_side": server_side,
            "do_handshake_on_connect": do_handshake_on_connect,
            "suppress_ragged_eofs": suppress_ragged_eofs,
        }
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_hostname, session)
        self._is_closed = False
        if sock.is_connected:
            self._begin()

    @classmethod
    def _create(cls, sock: Any, context: ssl.SSLContext, **options: Any) -> Self:
        # `SSLContext.wrap_socket` calls this.
        return cls(sock, context, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw if hasattr(self._raw, name) else self._tls, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sendmsg(self, *_: Any) -> int:
        """As the real one: encrypted, there is `send` alone."""
        raise NotImplementedError("sendmsg not allowed on instances of <class 'ssl.SSLSocket'>")

    def recvfrom(self, *_: Any) -> tuple[bytes, None]:
        """The same for `recv`."""
        raise ValueError("recvfrom not allowed on instances of <class 'ssl.SSLSocket'>")

    def recvfrom_into(self, *_: Any) -> tuple[int, None]:
        """The same for `recv_into`."""
        raise ValueError("recvfrom_into not allowed on instances of <class 'ssl.SSLSocket'>")

    def recvmsg(self, *_: Any) -> Any:
        """The same for messages."""
        raise NotImplementedError("recvmsg not allowed on instances of <class 'ssl.SSLSocket'>")

    def recvmsg_into(self, *_: Any) -> Any:
        """The same for messages."""
        raise NotImplementedError("recvmsg_into not allowed on instances of <class 'ssl.SSLSocket'>")

    def sendto(self, *_: Any) -> int:
        """The same for `send`."""
        raise ValueError("sendto not allowed on instances of <class 'ssl.SSLSocket'>")

    def dup(self) -> Any:
        """As the real one: there is one state of the keys."""
        raise NotImplementedError("Can't dup() SSLSocket instances")

    # Connections

    def connect(self, address: Any) -> None:
        """Connect, and agree on keys."""
        self._raw.connect(address)
        self._begin()

    def accept(self) -> "tuple[TLSSocket, Any]":
        """The next connection, encrypted."""
        raw, address = self._raw.accept()
        return TLSSocket(raw, self.context, **self._options), address

    def _begin(self) -> None:
        if not self._options["do_handshake_on_connect"]:
            return
        if self._raw.gettimeout() == 0:
            raise ValueError("do_handshake_on_connect should not be specified for non-blocking sockets")
        try:
            self.do_handshake()
        except BaseException:
            self.close()
            raise

    def do_handshake(self) -> None:
        """See `ssl.SSLSocket.do_handshake`."""
        self._do("_ssl.c: The handshake operation", self._tls.do_handshake)

    def unwrap(self) -> Any:
        """Say that no more comes; return the socket without TLS, when the other side has said so, too."""
        self._do("The shutdown operation", self._tls.unwrap)
        return self._raw

    # Data

    def recv(self, size: int = 1024, flags: int = 0) -> bytes:
        """See `ssl.SSLSocket.recv`."""
        try:
            data: bytes = self._do("The read operation", self._tls.read, size)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLEOFError:
            if not self._options["suppress_ragged_eofs"]:
                raise
            return b""
        return data

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """See `ssl.SSLSocket.recv_into`."""
        view = memoryview(buffer).cast("B")
        data = self.recv(size or len(view))
        view[: len(data)] = data
        return len(data)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send all of it as soon as there is room for some: what is encrypted cannot be taken back."""
        try:
            self._raw.wait_for_room()
        except BlockingIOError:
            raise ssl.SSLWantWriteError(ssl.SSL_ERROR_WANT_WRITE, "The operation did not complete (write)") from None
        except TimeoutError:
            raise TimeoutError("The write operation timed out") from None
        return self._do("The write operation", self._tls.write, data) if len(data) else 0

    def sendall(self, data: Any, flags: int = 0) -> None:
        """See `ssl.SSLSocket.sendall`."""
        self.send(data)

    read, write = recv, send
    sendfile, _check_sendfile_params = Socket.sendfile, Socket._check_sendfile_params

    def _do(self, what: str, operation: Callable[..., Any], *args: Any) -> Any:
        """Do something, sending what it makes, and receiving what it needs."""
        while True:
            try:
                result = operation(*args)
            except ssl.SSLWantReadError as error:
                self._send_made()
                self._receive(what, error)
            except ssl.SSLError:
                with suppress(OSError):  # whoever has gone cannot be told what is wrong
                    self._send_made()
                raise
            else:
                self._send_made()
                return result

    def _send_made(self) -> None:
        if data := self._outgoing.read():
            self._raw.put(data)

    def _receive(self, what: str, error: ssl.SSLWantReadError) -> None:
        try:
            data = self._raw.recv(_CHUNK)
        except BlockingIOError:
            raise error from None
        except TimeoutError:
            raise TimeoutError(f"{what} timed out") from None
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    # The end

    def shutdown(self, how: int) -> None:
        """End the connection under it."""
        self._raw.shutdown(how)

    def close(self) -> None:
        """See `ssl.SSLSocket.close`."""
        if not self._is_closed:
            self._is_closed = True
            if self._io_refs <= 0:
                self._real_close()

    def _real_close(self) -> None:
        self._raw.close()
