"""What tests of commands connect to, and what they connect."""

import gzip
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

import ami
from ami import core
from amisim import Server
from amisim.recording import Record, RecordingWriter

from .commands import Running

CANARY = "canary-5ecret"


HEADER = "format: amisim/1\nserver: Asterisk 22.10.1\n---\n"
GOOD = HEADER + "0.1 c1 open:\n---\n0.2 c1 > 1: |\n  Action: Ping\n---\n0.3 c1 < 1: |\n  Response: Success\n---\n"


needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
needs_terminals = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs Unix' terminals")


def address(server: Server) -> str:
    return f"{server.host}:{server.port}"


def recording(running: Callable[..., Running], server: Server, out: Path, *options: object) -> Running:
    return running("record", "--upstream", address(server), *options, out)


@contextmanager
def listening() -> Iterator[tuple[str, socket.socket]]:
    """A socket that takes connections, of which nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield "{}:{}".format(*listener.getsockname()), listener


@contextmanager
def speaking(greeting: bytes) -> Iterator[str]:
    """The address of a server that says this to one client, and closes the connection."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

    with listening() as (where, listener):
        listener.settimeout(30)
        thread = threading.Thread(target=serve)
        thread.start()
        yield where
        thread.join()


@contextmanager
def connected(server: Server | Running) -> Iterator[ami.Manager]:
    with ami.Manager() as manager:
        manager.connect(server.host, server.port)
        yield manager


class RawClient:
    """A client that sends what it is told to."""

    def __init__(self, server: Server | Running) -> None:
        self._socket = socket.create_connection((server.host, server.port), timeout=30)
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._socket.close()

    def send(self, data: bytes, *, last: bool = False) -> None:
        self._socket.sendall(data)
        if last:
            self._socket.shutdown(socket.SHUT_WR)

    def receive_until(self, wanted: bytes) -> bytes:
        """Everything that has come so far, up to what is wanted."""
        while wanted not in self.received:
            data = self._socket.recv(65_536)
            assert data, f"{wanted!r} did not come, but {self.received!r}"
            self.received += data
        return self.received

    def receive_all(self) -> bytes:
        """Everything up to the end, in whichever way it comes."""
        with suppress(ConnectionError):
            while data := self._socket.recv(65_536):
                self.received += data
        return self.received


def queue_members(manager: ami.Manager) -> list[str]:
    request = core.QueueStatus("support")
    request.synchronous = True
    answer = manager.send_action(request)
    assert answer is not None
    return [member["Name"] for member in answer.events["QueueMember"]]


def ping_for_ever(manager: ami.Manager) -> None:
    while True:
        manager.send_action(core.Ping())


def recording_with(path: Path, *data: bytes) -> Path:
    """A recording of one connection on which a server sent these frames."""
    with RecordingWriter(path, {"server": "Asterisk"}) as writer:
        writer.write(Record(0.0, 1, "", "open"))
        for number, each in enumerate(data, 1):
            writer.write(Record(float(number), 1, "<", "data", each))
    return path


def pass_secrets(process: Running) -> dict[str, str]:
    """Log in through a recorder, plainly and by MD5, and end it; return the secrets that passed."""
    with RawClient(process) as client:
        client.send(f"Action: Login\r\nUsername: admin\r\nsecret:{CANARY}\r\n\r\n".encode())
        client.receive_until(b"Authentication accepted\r\n\r\n")
    with RawClient(process) as client:
        client.send(b"Action: Challenge\r\nAuthType: MD5\r\n\r\n")
        client.receive_until(b"\r\n\r\n")
        (challenge,) = re.findall(rb"Challenge: (\d+)", client.received)
        key = hashlib.md5(challenge + CANARY.encode()).hexdigest()
        login = f"Action: Login\r\nUsername: admin\r\nAuthType: MD5\r\nKey: {key}\r\n\r\n"
        client.send(login[:-10].encode())
        client.send(login[-10:].encode())
        client.receive_until(b"Authentication accepted\r\n\r\n")
    code, _, errors = process.end()
    assert (code, errors) == (0, "")
    return {"secret": CANARY, "challenge": challenge.decode(), "key": key}


def capture_file(path: Path, *rows: object) -> Path:
    """A capture with these rows; a text stands as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


ROWS = [
    {"format": "amicap/1", "session": "x", "server": "Asterisk 22.10.1", "description": "a login"},
    {"c": 1, "t": 0.1, "d": "open"},
    {"c": 1, "t": 0.2, "d": "s2c", "b": "Asterisk Call Manager/11.0.0\r\n"},
    {"c": 1, "t": 0.3, "d": "c2s", "b": f"Action: Login\r\nUsername: admin\r\nSecret: {CANARY}\r\n"},
    {"c": 1, "t": 0.4, "d": "c2s", "b": "\r\nAction: P\xff\0"},
    {"c": 1, "t": 0.5, "d": "s2c", "b": "Response: Success\r\n\r\n"},
    {"t": 0.6, "d": "note", "m": "the client stops"},
    {"c": 1, "t": 0.7, "d": "c2s-eof"},
    {"c": 1, "t": 0.8, "d": "s2c-err", "m": "ConnectionResetError"},
]
