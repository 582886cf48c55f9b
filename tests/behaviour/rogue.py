"""A server whose every byte is the test's: for what no Asterisk does, and `amisim` therefore cannot."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from ami import wire
from amisim.action import ClientAction, read_action

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n"

GUARD = 20
"""Seconds after which a test that waits is broken."""

CERTIFICATES = Path(__file__).parents[1] / "data" / "tls"


def message(first: str, action: ClientAction | None = None, **headers: object) -> bytes:
    """A message as bytes: `message("Response: Success", action, Ping="Pong")`, with the ActionID of the action."""
    lines = [first, *([f"ActionID: {action.action_id}"] if action is not None else [])]
    return wire.encode("\r\n".join([*lines, *(f"{key}: {value}" for key, value in headers.items()), "", ""]))


class Peer:
    """One client, as the server has it."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._reader = wire.FrameReader(from_server=False)
        self._actions: list[ClientAction] = []

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_pieces(self, pieces: Iterable[bytes]) -> None:
        """Send each in a write of its own."""
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            self.socket.sendall(piece)

    def answer(self, action: ClientAction, status: str = "Success", **headers: object) -> None:
        self.send(message(f"Response: {status}", action, **headers))

    def action(self, name: str = "") -> ClientAction:
        """The next action that comes; it must be of this name."""
        while not self._actions:
            data = self.socket.recv(65_536)
            assert data, "the client closed the connection"
            self._actions += [read_action(frame) for frame in self._reader.feed(data)]
        action = self._actions.pop(0)
        assert name in ("", action.name)
        return action

    def log_in(self, then: bytes = b"") -> None:
        """Take the login that comes."""
        self.answer(self.action("Challenge"), Challenge="123456")
        self.send(message("Response: Success", self.action("Login"), Message="Authentication accepted") + then)

    def rest(self) -> bytes:
        """All that still comes, to the end of the connection."""
        received = bytearray()
        with suppress(ConnectionResetError):
            while data := self.socket.recv(1 << 20):
                received += data
        return bytes(received)

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Close with a RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Rogue:
    """Listens on a free port, which stays its own while it does not listen."""

    def __init__(self, certificate: str = "") -> None:
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATES / certificate)
        self._holder = self._bind(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._holder.getsockname()
        self.peers: list[Peer] = []
        self.listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self._holder.close()
        for peer in self.peers:
            peer.close()

    def _bind(self, address: tuple[str, int]) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # a client that is not read soon notices
        bound.bind(address)
        return bound

    def listen(self) -> None:
        self._listener = self._bind(self.address)
        self._listener.listen()
        self._listener.settimeout(GUARD)

    def refuse(self) -> None:
        """Listen no more: who connects is refused."""
        self._listener.close()

    def accept(self) -> Peer:
        """The next client."""
        connected, _ = self._listener.accept()
        connected.settimeout(GUARD)
        if self._context is not None:
            connected = self._context.wrap_socket(connected, server_side=True)
        self.peers.append(Peer(connected))
        return self.peers[-1]

    def nobody_waits(self) -> bool:
        """Whether no client has connected that was not accepted."""
        self._listener.settimeout(0)
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return True
        finally:
            self._listener.settimeout(GUARD)
        return False

    def greet(self, call: Callable[..., Any]) -> Peer:
        """Call something that connects, in a thread of its own; return when it has, and is done."""
        with _Calling(call, *self.address):
            peer = self.accept()
            peer.send(GREETING)
        return peer

    def meet(self, manager: Any, then: bytes = b"") -> Peer:
        """Have a manager connect, and log in."""
        peer = self.greet(manager.connect)
        with _Calling(manager.login, "admin", "secret"):
            peer.log_in(then)
        return peer


class _Calling:
    """A call in a thread of its own, which is over at the end of the `with` statement."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._error: BaseException | None = None

        def call() -> None:
            try:
                function(*arguments)
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=call)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join(GUARD)
        if self._error is not None:
            raise self._error


class Turnstile:
    """A server, in a thread of its own, that greets each client, takes its login, and waits until it goes."""

    def __enter__(self) -> Self:
        self._rogue = Rogue()
        self.address = self._rogue.address
        self.gone = threading.Semaphore(0)  # released for each client that is gone, when its socket is closed
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        socket.create_connection(self.address).close()
        self._thread.join(GUARD)
        self._rogue.__exit__()

    _stopped = False

    def _run(self) -> None:
        while True:
            peer = self._rogue.accept()
            self._rogue.peers.clear()
            if not self._stopped:
                peer.send(GREETING)
                peer.answer(peer.action("Login"), Message="Authentication accepted")
                peer.rest()
            peer.close()
            self.gone.release()
            if self._stopped:
                return
