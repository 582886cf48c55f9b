"""What the tests of defects share: managers, and a clock that is the test's own."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import pytest

from ami import Manager
from ami.runtime import SYSTEM


class Clock:
    """The system's runtime, but time stands still until the test moves it; waiting for data takes no time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.links: list[PatientLink] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(SYSTEM, name)

    def monotonic(self) -> float:
        return self.now

    def connect(self, *args: Any, **kwargs: Any) -> "PatientLink":
        self.links.append(PatientLink(SYSTEM.connect(*args, **kwargs)))
        return self.links[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for link in self.links:
            link.wake()


class PatientLink:
    """A link that waits for data without end, and keeps how long it was to wait and what came."""

    def __init__(self, link: Any) -> None:
        self._link = link
        self.waits: list[float | None] = []
        self.received: SimpleQueue[bytes | None] = SimpleQueue()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def receive(self, timeout: float | None) -> bytes | None:
        self.waits.append(timeout)
        data: bytes | None = self._link.receive(None)
        self.received.put(data)
        return data

    def until(self, text: bytes) -> None:
        """Wait until this has come."""
        received = b""
        while text not in received:
            received += self.received.get(timeout=5) or b""


class Heard:
    """A callback that keeps what it is called with."""

    def __init__(self) -> None:
        self._arrived: SimpleQueue[Any] = SimpleQueue()

    def __call__(self, event: Any, manager: Manager) -> None:
        self._arrived.put(event)

    def get(self) -> Any:
        return self._arrived.get(timeout=5)

    def until(self, name: str) -> list[Any]:
        return list(iter(self.get, name))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connected(server, start, heard) -> Iterator[Callable[..., Manager]]:
    """Make a manager that is logged in; it is closed in the end."""
    with ExitStack() as stack:

        def make(**options: Any) -> Manager:
            manager = stack.enter_context(Manager(**options))
            booted = heard(manager, "FullyBooted")
            manager.connect(server.host, server.port)
            manager.login(server.username, server.secret)
            booted.get()
            manager.unregister_callback("FullyBooted", booted)
            return manager

        yield make


@pytest.fixture
def manager(connected) -> Manager:
    made: Manager = connected()
    return made


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket on which a test plays the server itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


@pytest.fixture
def heard() -> Callable[[Manager, Any], Heard]:
    """Register a callback that keeps what it is called with."""

    def register(manager: Manager, identifier: Any) -> Heard:
        callback = Heard()
        manager.register_callback(identifier, callback)
        return callback

    return register
