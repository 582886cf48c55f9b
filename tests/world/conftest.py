"""What the tests of `amisim.world` share: small programs, which do in a world what they really do."""

import importlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest

import amisim

UNITS = {"virtual": 1.0, "scaled=30": 1.0, "real": 0.03}
"""How long a program's unit of time is in each kind of time, in its own seconds."""

MODULES = ("time", "threading", "queue", "socket", "ssl", "select", "selectors", "random", "uuid")
"""Those that a world has its own of."""


TRIES = 4
"""How often a program runs as it really is, until it ends as in virtual time: a busy machine may be late."""


class Place(SimpleNamespace):
    """Where a program runs: its modules, its unit of time, and what helps to say how it ended."""

    unit: float

    def error(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What is wrong with a call; or its result, if nothing is."""
        try:
            return function(*args, **options)
        except Exception as error:
            return type(error), getattr(error, "errno", None), str(error)

    def start(self, function: Callable[..., Any], *args: Any) -> Any:
        """A thread that runs a function, until its sockets are closed."""

        def run() -> None:
            with suppress(OSError, ValueError):
                function(*args)

        thread = self.threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def connected(self) -> tuple[Any, Any]:
        """Both ends of a connection over TCP: who connected, and who accepted."""
        with self.socket.create_server(("127.0.0.1", 0)) as listener:
            client = self.socket.create_connection(listener.getsockname())
            return client, listener.accept()[0]


Program = Callable[[Any], Any]


def run(program: Program, time: str) -> tuple[Any, float]:
    """What a program returns, or raises, and how many of its units it took."""
    unit = UNITS[time]

    def ended(modules: Any) -> tuple[Any, float]:
        place = Place(**modules, unit=unit)
        began = place.time.monotonic()
        result = place.error(program, place)
        return result, (place.time.monotonic() - began) / unit

    with closing_all():
        if time == "real":
            return ended({name: importlib.import_module(name) for name in MODULES})
        with amisim.World(time=time, limit=3600) as world:
            return ended(world.modules)


@contextmanager
def closing_all() -> Iterator[None]:
    """Close the real sockets that are made meanwhile; threads that wait for them end, too."""
    made: list[socket.socket] = []
    initialize = socket.socket.__init__

    def remember(self: socket.socket, *args: Any, **options: Any) -> None:
        initialize(self, *args, **options)
        made.append(self)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(socket.socket, "__init__", remember)
        yield
    for each in made:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@pytest.fixture(params=["real", "scaled=30"])
def alike(request) -> Callable[..., Any]:
    """Run a program in virtual time, and as it really is; both must end in the same way, which is returned.

    `takes` is how many units of time it takes: exactly so in virtual time, and at least so otherwise.
    """

    def compare(program: Program, takes: float | None = None) -> Any:
        result, took = run(program, "virtual")
        for _ in range(TRIES):
            really, really_took = run(program, request.param)
            if really == result:
                break
        assert result == really, f"in the world {result}, but really {really}"
        if takes is not None:
            assert took == pytest.approx(takes, abs=1e-6)
            assert really_took >= takes - 0.05
        return result

    return compare


@pytest.fixture
def world() -> Iterator[amisim.World]:
    """A world of virtual time."""
    with amisim.World() as world:
        yield world
