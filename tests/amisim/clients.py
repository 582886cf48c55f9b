"""A client that is nothing but a socket."""

import socket
from collections.abc import Callable

from amisim import Server

LOGIN = b"Action: Login\r\nUsername: admin\r\nSecret: secret\r\n\r\n"


class Client:
    """A socket that reads whole messages."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection((server.host, server.port), 10)
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, text: str) -> None:
        self.socket.sendall(text.replace(" / ", "\r\n").encode() + b"\r\n\r\n")

    def read(self) -> list[str]:
        lines = []
        while (line := self.file.readline()) not in (b"\r\n", b""):
            lines.append(line.decode().strip())
        return lines

    def log_in(self) -> "Client":
        self.socket.sendall(LOGIN)
        assert self.read() == ["Response: Success", "Message: Authentication accepted"]
        assert self.read()[0] == "Event: FullyBooted"
        return self


def ping_until(client: Client, reached: Callable[[], bool]) -> None:
    """Have a client ask and be answered until something is so."""
    while not reached():
        client.send("Action: Ping")
        client.read()
