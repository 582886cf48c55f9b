"""The server: just enough of AMI to log in, to answer Ping, and to send events faster than any client takes them.

Run as a program it prints the port that it listens on. Its answers never differ from one run to the next.

* `Login`: with the secret, or by MD5 challenge;
* `Ping`: as Asterisk 22 answers;
* `UserEvent` with `UserEvent: Blast` and `Count: n`: a response, then n events;
* `Logoff`: a response, and the end of the connection;
* anything else: a success.
"""

import hashlib
import re
import socket
import threading

from suite.events import STOCK_SIZE, Stock

HOST = "127.0.0.1"
USERNAME = "benchmark"
SECRET = "no secret at all"

BLAST = {"UserEvent": "Blast"}
"""What to put into a UserEvent, besides `Count`, to be sent events."""

END = b"\r\n\r\n"
_CHALLENGE = "159753486"
_KEY = hashlib.md5((_CHALLENGE + SECRET).encode()).hexdigest()
_HEADER = re.compile(rb"(?m)^([^:\r\n]+): ?([^\r\n]*)")
_ACTION_ID = re.compile(rb"(?i)\nActionID: ?([^\r\n]*)")
_PONG = b"Ping: Pong\r\nTimestamp: 1795405869.123456\r\n"
_FULLY_BOOTED = (
    b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 60\r\nLastReload: 60\r\nStatus: Fully Booted\r\n\r\n"
)


class Session:
    """One client."""

    def __init__(self, connection: socket.socket, stock: Stock) -> None:
        self._connection = connection
        self._stock = stock

    def serve(self) -> None:
        """Answer until the client goes."""
        with self._connection as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
            rest = b""
            try:
                while data := connection.recv(65536):
                    *frames, rest = (rest + data).split(END)
                    connection.sendall(b"".join(map(self._answer, frames)))
            except (ConnectionError, EOFError):
                pass

    def _answer(self, frame: bytes) -> bytes:
        found = _ACTION_ID.search(frame)
        action_id = b"ActionID: %s\r\n" % found[1] if found else b""
        if frame.startswith(b"Action: Ping\r\n"):
            return b"Response: Success\r\n%s%s\r\n" % (action_id, _PONG)
        headers = {key.strip().lower(): value.decode() for key, value in _HEADER.findall(frame)}
        result, text, after = self._carry_out(headers.get(b"action", "").lower(), headers)
        answer = f"Response: {result}\r\n".encode() + action_id + text.encode() + b"\r\n\r\n" + after
        if headers.get(b"userevent") == BLAST["UserEvent"]:
            return self._blast(answer, int(headers[b"count"]))
        if result == "Goodbye":
            self._connection.sendall(answer)
            raise EOFError
        return answer

    @staticmethod
    def _carry_out(action: str, headers: dict[bytes, str]) -> tuple[str, str, bytes]:
        """The word and the last line of the response, and what comes after it."""
        if action == "ping":
            return "Success", _PONG.decode().rstrip(), b""
        if action == "challenge":
            return "Success", f"Challenge: {_CHALLENGE}", b""
        if action == "logoff":
            return "Goodbye", "Message: Thanks for all the fish.", b""
        if action == "login":
            if headers.get(b"secret") == SECRET or headers.get(b"key") == _KEY:
                return "Success", "Message: Authentication accepted", _FULLY_BOOTED
            return "Error", "Message: Authentication failed", b""
        return "Success", "Message: Event Sent", b""

    def _blast(self, answer: bytes, count: int) -> bytes:
        self._connection.sendall(answer)
        for chunk in self._stock.chunks(count):
            self._connection.sendall(chunk)
        return b""


def main() -> None:
    """Serve until somebody ends the process."""
    stock = Stock(STOCK_SIZE)
    with socket.create_server((HOST, 0), backlog=16) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=Session(connection, stock).serve, daemon=True).start()


if __name__ == "__main__":
    main()
