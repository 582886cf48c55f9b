"""Fixtures for projects that speak AMI: a fake Asterisk, a client that is logged in to it, and virtual time for both.

Nothing of amikit is imported before a test uses a fixture.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import ssl

    import ami
    import amisim

_SERVER = pytest.StashKey["amisim.Server"]()
_OF_SERVER = (
    "recording", "speed", "hold", "scenario", "faults", "version", "username", "secret", "users", "limits", "seed",
    "tls",
)  # fmt: skip
_OF_WORLD = ("time", "seed", "patch")
_OPTIONS = tuple(dict.fromkeys((*_OF_SERVER, *_OF_WORLD)))
_TRANSCRIPT_LINES = 40


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line(
        "markers",
        "ami(recording=, speed=0, hold=True, scenario=, faults=(), version='22', username='admin', secret='secret', "
        "users=, limits=, seed=0, tls=False, time='virtual', patch=()): what the server of the fixture ami_server is, "
        "as amisim.Server has it, and the world that it lives in, as amisim.World; marks of module, class and test are "
        "merged",
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("amisim", "a fake Asterisk")
    group.addoption("--ami-time", metavar="virtual|scaled=N|real", help="How time passes for ami_clock (virtual).")
    group.addoption("--ami-seed", type=int, metavar="N", help="The seed of worlds and servers (0).")
    parser.addini("ami_time", "How time passes for ami_clock: virtual, scaled=N or real.", default="virtual")
    parser.addini("ami_patch", "Modules that live in the world of a test that uses ami_clock.", type="linelist")


@pytest.fixture
def ami_clock(request: pytest.FixtureRequest) -> Iterator[amisim.World]:
    """The `amisim.World` that the test, `ami_server` and `ami_manager` live in: time passes in it when all wait.

    The module of the test, and those that the mark's `patch` and the setting `ami_patch` name, use its threads, locks,
    clocks and sockets; managers of `ami` do so by themselves.
    """
    import amisim

    config = request.config
    options = _options(request.node)
    modules = ["ami.manager", "ami.aio.manager", request.module.__name__, *config.getini("ami_patch")]
    try:
        world = amisim.World(
            _seed(config, options) or 0,
            time=options.get("time") or config.getoption("--ami-time") or config.getini("ami_time"),
            patience=math.inf if config.getoption("usepdb", False) else 0.7,
        )
    except ValueError as error:
        raise _mistake(str(error)) from None
    with world, world.patch(*modules, *options.get("patch", ())):
        yield world


@pytest.fixture
def ami_server(request: pytest.FixtureRequest, ami_clock: amisim.World) -> Iterator[amisim.Server]:
    """A fake Asterisk in the world of `ami_clock`, as the mark `ami` says.

    A recording answers at once; its events wait until the test calls `ami_server.play()`, when it has registered its
    callbacks. At the end of the test every action must have had an answer in the recording, and every fault a hit.
    """
    import amisim

    given = _options(request.node)
    options = {name: given[name] for name in _OF_SERVER if name in given}
    options["seed"] = _seed(request.config, given)
    try:
        server = amisim.Server(runtime=ami_clock.runtime, **options)
    except (amisim.RecordingError, amisim.ScenarioError, ValueError) as error:
        raise _mistake(str(error)) from None
    with server:
        request.node.stash[_SERVER] = server
        yield server
    if server.complaints:
        pytest.fail("\n".join(server.complaints), pytrace=False)


@pytest.fixture
def ami_manager(ami_clock: amisim.World, ami_server: amisim.Server) -> Iterator[ami.Manager]:
    """An `ami.Manager` that is connected to `ami_server`, by TLS if it speaks that, and logged in."""
    import ami

    with ami.Manager(runtime=ami_clock.runtime) as manager:
        try:
            manager.connect(ami_server.host, ami_server.port, ssl=_trusting() if ami_server.tls else None)
        except NotImplementedError:  # of OpenSSL, which wants a socket of the system
            raise _mistake("with tls ami_manager needs real sockets: add time='real' to the mark ami") from None
        manager.login(ami_server.username, ami_server.secret)
        yield manager


def _trusting() -> ssl.SSLContext:
    """A context for a server that a test has made itself: whatever its certificate, it is the right one."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show in the report of a failing test what the server and its clients said."""
    report = yield
    server = item.stash.get(_SERVER, None)
    if report.failed and server is not None and (lines := server.timeline().splitlines()):
        hidden = len(lines) - _TRANSCRIPT_LINES
        if hidden > 0:
            lines = [f"({hidden} lines before)", *lines[hidden:]]
        # A section of the failure itself is shown with it everywhere, in junit's XML too; not every kind can have one.
        add = getattr(report.longrepr, "addsection", lambda name, text: report.sections.append((name, text)))
        add("amisim transcript", "\n".join(lines))
    return report


def _mistake(text: str) -> BaseException:
    """A failure that is said in one line."""
    return pytest.fail.Exception(text, pytrace=False)


def _seed(config: pytest.Config, options: dict[str, Any]) -> int | None:
    """The mark's seed, or that of the command line."""
    seed: int | None = options.get("seed", config.getoption("--ami-seed"))
    return seed


def _options(node: Any) -> dict[str, Any]:
    """The arguments of the marks, where the closest mark wins; recordings are replayed at once unless one says not to.

    An argument that is none makes the test fail.
    """
    options: dict[str, Any] = {"speed": 0, "hold": True}
    for mark in reversed(list(node.iter_markers("ami"))):
        if mark.args:
            raise _mistake("the mark ami takes its arguments by name, such as recording='queue-call'")
        for name in mark.kwargs:
            if name not in _OPTIONS:
                near = difflib.get_close_matches(name, _OPTIONS, 1) or [" or ".join(_OPTIONS)]
                raise _mistake(f"the mark ami has no argument {name!r}; did you mean {near[0]}?")
        options |= mark.kwargs
    return options
