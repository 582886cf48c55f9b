"""What the behaviour tests share: managers of each driver, and ways to wait for what happens elsewhere.

A driver is anything that makes managers with the methods of `ami.Manager`, to be called from any thread. Callbacks are
plain functions, which may call these methods too.
"""

import gc
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

import ami
from ami import aio

from .drivers import AsyncManager, Loop
from .rogue import Rogue

DRIVERS = ("threads", "asyncio")

Listen = Callable[..., "Inbox"]


class Inbox:
    """A callback that keeps what it is called with."""

    def __init__(self) -> None:
        self._arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __call__(self, event: Any, manager: ami.Manager) -> None:
        self._arrived.put(event)

    def get(self) -> Any:
        """Wait for the next."""
        return self._arrived.get(timeout=5)

    def until(self, name: str) -> list[str]:
        """The names of all that come, up to and without the one with this name."""
        return [event.name for event in iter(self.get, name)]


@pytest.fixture
def new_garbage() -> Iterator[None]:
    """Garbage is looked for among what the test makes, which is far quicker than among all."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The event loop of the asyncio managers."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(params=DRIVERS)
def driver(request) -> Iterator[Callable[..., Any]]:
    """What makes managers."""
    if request.param == "threads":
        yield ami.Manager
        return
    loop = request.getfixturevalue("loop")
    yield lambda **options: AsyncManager(loop, loop.call(aio.Manager, **options))
    assert loop.tasks() == []


@pytest.fixture
def rogue(start) -> Iterator[Rogue]:
    """A server that the test plays itself."""
    with Rogue() as rogue:
        yield rogue


@pytest.fixture
def make_manager(driver, start) -> Iterator[Callable[..., ami.Manager]]:
    """Make a manager that is closed in the end."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(driver(**options))


@pytest.fixture
def log_in(server) -> Callable[[ami.Manager], None]:
    """Connect a manager to the server and log it in; return when everything that belongs to that has come."""

    def connect(manager: ami.Manager) -> None:
        booted = Inbox()
        manager.register_callback("FullyBooted", booted)
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        booted.get()
        manager.unregister_callback("FullyBooted", booted)

    return connect


@pytest.fixture
def manager(make_manager, log_in) -> ami.Manager:
    """A manager that is connected and logged in."""
    manager: ami.Manager = make_manager()
    log_in(manager)
    return manager


@pytest.fixture
def listen(request) -> Listen:
    """Register an inbox, with `manager` unless another one is given."""

    def listen(identifier: Any, manager: ami.Manager | None = None) -> Inbox:
        inbox = Inbox()
        (manager or request.getfixturevalue("manager")).register_callback(identifier, inbox)
        return inbox

    return listen


@pytest.fixture
def impostor() -> Iterator[Callable[..., tuple[str, int]]]:
    """Start a server that is no Asterisk: it sends these bytes to one client, and then stays silent or closes."""
    with ExitStack() as stack:

        def serve(data: bytes = b"", *, close: bool = False) -> tuple[str, int]:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(5)
            accepted: list[socket.socket] = []

            def accept() -> None:
                connection, _ = listener.accept()
                accepted.append(connection)
                connection.sendall(data)
                if close:
                    connection.close()

            thread = threading.Thread(target=accept)
            thread.start()
            stack.callback(lambda: [connection.close() for connection in accepted])
            stack.callback(thread.join)
            address: tuple[str, int] = listener.getsockname()
            return address

        yield serve
