"""What tests of the driver with threads share: its threads, and a runtime that keeps what is asked of it."""

import threading
from collections.abc import Callable
from typing import Any

import amisim
from ami import ManagerSocketError
from ami.connection import Connection
from ami.manager import Manager
from ami.runtime import SYSTEM, Link

__all__ = ["Spy", "connection_of", "log_in", "names", "threads"]


def log_in(manager: Manager, server: amisim.Server) -> None:
    manager.connect(server.host, server.port)
    manager.login(server.username, server.secret)


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("ami-")}


def names() -> list[str]:
    return sorted(thread.name for thread in threads())


def connection_of(manager: Manager) -> Connection:
    connection = manager.get_connection()
    assert connection is not None
    return connection


class Spy:
    """The system's runtime, which keeps how long its users are ready to wait."""

    def __init__(self) -> None:
        self.waits: list[tuple[str, float | None]] = []
        self.links: list[SpyLink] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(SYSTEM, name)

    def lock(self) -> Any:
        return SpyLock(self.waits)

    def condition(self) -> Any:
        return SpyCondition(self.waits)

    def connect(self, host: str, port: int, timeout: float, tls: Any = None) -> Link:
        self.links.append(SpyLink(SYSTEM.connect(host, port, timeout, tls), self.waits))
        return self.links[-1]


class SpyLock:
    def __init__(self, waits: list[tuple[str, float | None]]) -> None:
        self._lock = threading.Lock()
        self._waits = waits

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self._waits.append(("lock", None if blocking and timeout == -1 else timeout))
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *args: object) -> None:
        self._lock.__exit__()


class SpyCondition(threading.Condition):
    def __init__(self, waits: list[tuple[str, float | None]]) -> None:
        super().__init__()
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self._waits.append(("condition", timeout))
        return super().wait(timeout)


class SpyLink:
    """A link that can be made to break when something is sent."""

    def __init__(self, link: Link, waits: list[tuple[str, float | None]]) -> None:
        self._link = link
        self._waits = waits
        self.breaks = False
        self.closed = False
        self.interrupt: Callable[[], object] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def receive(self, timeout: float | None) -> bytes | None:
        self._waits.append(("receive", timeout))
        return self._link.receive(timeout)

    def send(self, data: bytes) -> None:
        if self.interrupt is not None:  # by what a signal handler does then
            self.interrupt()
        if self.breaks:
            raise ManagerSocketError("the connection broke while sending: Broken pipe")
        self._link.send(data)

    def close(self) -> None:
        self.closed = True
        self._link.close()
