"""The floors: the least that any client in pure CPython has to do, as drivers like those in `suite.subjects`."""

import asyncio
import socket
import threading
from collections.abc import Iterator

from suite import server
from suite.events import STOCK_SIZE, Stock
from suite.server import END
from suite.subjects import Hit

_LOGIN = f"Action: Login\r\nUsername: {server.USERNAME}\r\nSecret: {server.SECRET}\r\n\r\n".encode()
_CHUNK = 262_144


def _log_in(port: int) -> socket.socket:
    connection = socket.create_connection((server.HOST, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(_LOGIN)
    heard = b""
    while b"FullyBooted" not in heard or not heard.endswith(END):
        heard += connection.recv(4096)
    return connection


def _ping(action_id: str) -> bytes:
    return f"Action: Ping\r\nActionID: {action_id}\r\n\r\n".encode()


def _action_id(frame: bytes) -> str:
    begin = frame.find(b"\r\nActionID: ") + 12
    return str(frame[begin : frame.find(b"\r\n", begin)], "utf-8")


class _Events:
    """Asks for events, and takes them from the socket in the calling thread."""

    def connect(self, port: int) -> None:
        self._socket = _log_in(port)

    def listen(self, reading: str, hit: Hit) -> None:
        self._hit = hit

    def trigger(self, count: int) -> None:
        for frames in self._frames(count):
            self._read(frames)

    def _frames(self, count: int) -> Iterator[list[bytes]]:
        """Lists of the frames that have come."""
        self._ask(count)
        rest = b""
        while count:
            frames = (rest + self._socket.recv(_CHUNK)).split(END)
            rest = frames.pop()
            count -= len(frames)
            yield frames

    def _ask(self, count: int) -> None:
        self._socket.sendall(b"Action: UserEvent\r\nUserEvent: Blast\r\nCount: %d\r\n\r\n" % count)
        answer = b""
        while not answer.endswith(END):
            answer += self._socket.recv(1)

    def _read(self, frames: list[bytes]) -> None:
        raise NotImplementedError


class Reading(_Events):
    """Takes the bytes, and does nothing with them."""

    def listen(self, reading: str, hit: Hit) -> None:
        super().listen(reading, hit)
        self._stock = Stock(STOCK_SIZE)

    def trigger(self, count: int) -> None:
        size = self._stock.size(count)
        buffer = memoryview(bytearray(_CHUNK))
        self._ask(count)
        while size:
            size -= self._socket.recv_into(buffer)
        self._hit(None, None, count)


class Name(_Events):
    """Cuts the bytes into events, and gives each with its name to the callback."""

    def _read(self, frames: list[bytes]) -> None:
        hit = self._hit
        for frame in frames:
            hit(str(frame[7 : frame.find(b"\r\n")], "utf-8"), None)


class OneHeader(_Events):
    """The same, and looks one header up."""

    def _read(self, frames: list[bytes]) -> None:
        hit = self._hit
        for frame in frames:
            begin = frame.find(b"\r\nUniqueid: ") + 12
            hit(
                str(frame[7 : frame.find(b"\r\n")], "utf-8"),
                str(frame[begin : frame.find(b"\r\n", begin)], "utf-8"),
            )


class TwoHeaders(_Events):
    """The same with two, behind a callback."""

    def _read(self, frames: list[bytes]) -> None:
        hit = self._hit

        def callback(name: str, frame: bytes) -> None:
            begin = frame.find(b"\r\nChannel: ") + 11
            channel = str(frame[begin : frame.find(b"\r\n", begin)], "utf-8")
            begin = frame.find(b"\r\nUniqueid: ") + 12
            hit(channel, str(frame[begin : frame.find(b"\r\n", begin)], "utf-8"))

        for frame in frames:
            callback(str(frame[7 : frame.find(b"\r\n")], "utf-8"), frame)


class Eager(_Events):
    """Makes a dict of each event, the fastest way that is known, and reads all of it."""

    def _read(self, frames: list[bytes]) -> None:
        hit = self._hit

        def callback(event: dict[str, str]) -> None:
            for _, value in event.items():
                last = value
            hit(None, last)

        for frame in frames:
            event = {}
            for line in str(frame, "utf-8").split("\r\n"):
                key, _, value = line.partition(": ")
                event[key] = value
            callback(event)


class ReaderThread:
    """A thread reads the socket, and wakes who waits for a response by a lock."""

    def connect(self, port: int) -> None:
        self._socket = _log_in(port)
        self._waiting: dict[str, list] = {}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while data := self._socket.recv(_CHUNK):
            *frames, rest = (rest + data).split(END)
            for frame in frames:
                action_id = _action_id(frame)
                waiting = self._waiting.pop(action_id)
                waiting[1] = action_id
                waiting[0].release()

    def ping(self, action_id: str) -> str:
        lock = threading.Lock()
        lock.acquire()
        self._waiting[action_id] = waiting = [lock, None]
        self._socket.sendall(_ping(action_id))
        lock.acquire()
        return waiting[1]


class Protocol(asyncio.Protocol):
    """An `asyncio.Protocol` that sets the result of a future."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._rest = b""

    async def connect(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport, _ = await self._loop.create_connection(lambda: self, server.HOST, port)
        self._transport.write(_LOGIN)

    def data_received(self, data: bytes) -> None:
        *frames, self._rest = (self._rest + data).split(END)
        for frame in frames:
            action_id = _action_id(frame)
            waiting = self._waiting.pop(action_id, None)
            if waiting is not None:
                waiting.set_result(action_id)

    async def ping(self, action_id: str) -> str:
        self._waiting[action_id] = answered = self._loop.create_future()
        self._transport.write(_ping(action_id))
        return await answered
