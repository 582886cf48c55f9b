"""Fixtures for projects that speak AMI: a fake Asterisk, a client that is logged in to it, and virtual time for both.

Nothing of amikit is imported before a test uses a fixture.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import ami
    import amisim
    from ami import aio

_LIVING = pytest.StashKey[Any]()
_PASSED = pytest.StashKey[bool]()
_SHOWN = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    from pytest_amisim.options import MARK

    config.addinivalue_line("markers", MARK)
    if config.getoption("--ami-check-determinism") and config.getoption("--ami-record") != "none":
        raise pytest.UsageError("--ami-check-determinism is for what is replayed: it cannot be used with --ami-record")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("amisim", "a fake Asterisk")
    group.addoption("--ami-time", metavar="virtual|scaled=N|real", help="How time passes in tests (virtual).")
    group.addoption("--ami-seed", type=int, metavar="N", help="The seed of worlds and servers (0).")
    group.addoption(
        "--ami-check-determinism", action="store_true", help="Run each test twice, and compare what happened."
    )
    group.addoption(
        "--ami-record", choices=("none", "once", "new", "all", "refresh"), default="none",
        help="Whether ami_recording records: never; what is not recorded yet; also what says something new; all of it "
        "anew; or all of it, to show what differs, and ask (none).",
    )  # fmt: skip
    group.addoption(
        "--ami-upstream", metavar="[USER:SECRET@]HOST:PORT", help="The server that ami_recording records, if it does."
    )


# What tests use


@pytest.fixture
def ami_clock(request: pytest.FixtureRequest) -> Iterator[amisim.World]:
    """The `amisim.World` that the test, `ami_server` and `ami_manager` live in: time passes in it when all wait.

    The module of the test, and those that the mark's `patch` and the settings name, use its threads, locks, clocks and
    sockets; managers of `ami` do so by themselves. At the end of the test every action must have had an answer in the
    recording, every fault a hit and every required rule a use; and no thread, task or socket may be left in the world.
    """
    from pytest_amisim.living import Living

    with Living(request) as living:
        request.node.stash[_LIVING] = living
        yield living.world
        living.check(has_passed=request.node.stash.get(_PASSED, False))


@pytest.fixture
def ami_server_factory(
    request: pytest.FixtureRequest, ami_clock: amisim.World
) -> Iterator[Callable[..., amisim.Server]]:
    """Make servers: `ami_server_factory(version="16")` is one as the mark `ami` says, but for what is given."""
    living = request.node.stash[_LIVING]
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(living.serve(**options))


@pytest.fixture
def ami_server(request: pytest.FixtureRequest, ami_clock: amisim.World) -> Iterator[amisim.Server]:
    """A fake Asterisk in the world of `ami_clock`, as the mark `ami` says.

    A recording answers at once; its events wait until the test calls `ami_server.play()`, when it has registered its
    callbacks.
    """
    with request.node.stash[_LIVING].serve() as server:
        yield server


@pytest.fixture
def ami_recording(request: pytest.FixtureRequest, ami_clock: amisim.World) -> Iterator[Any]:
    """A server that answers as a real one did when this test was recorded; see `--ami-record` and `--ami-upstream`.

    It has `host`, `port`, `username` and `secret`. The recording is a file of the test's name in the project's folder
    of recordings.
    """
    from pytest_amisim.recording import recorded

    stash = request.node.stash
    with recorded(stash[_LIVING], lambda: stash.get(_PASSED, False)) as server:
        yield server


@pytest.fixture
def ami_manager(request: pytest.FixtureRequest, ami_clock: amisim.World) -> Iterator[ami.Manager]:
    """An `ami.Manager` that is connected to `ami_server`, by TLS if it speaks that, and logged in.

    If the test uses `ami_recording`, it is connected to that.
    """
    with request.node.stash[_LIVING].connected(_server_of(request)) as manager:
        yield manager


@pytest.fixture
def ami_async_manager(request: pytest.FixtureRequest, ami_clock: amisim.World) -> Iterator[aio.Manager]:
    """The same with asyncio, for a test that is `async def`: it needs no other plugin, and runs in the same world."""
    from ami import aio
    from amisim.testing import trusting

    server = _server_of(request)
    run = request.node.stash[_LIVING].run

    async def log_in() -> aio.Manager:
        manager = aio.Manager()
        await manager.connect(server.host, server.port, ssl=trusting() if server.tls else None)
        await manager.login(server.username, server.secret)
        return manager

    manager = run(log_in())
    try:
        yield manager
    finally:
        run(manager.__aexit__())


def _server_of(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue("ami_recording" if "ami_recording" in request.fixturenames else "ami_server")


# How tests run


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a test that is a coroutine in its world, whoever else would run it."""
    living = pyfuncitem.stash.get(_LIVING, None)
    function = pyfuncitem.obj
    if type(pyfuncitem).__module__.startswith("pytest_asyncio"):
        function = inspect.unwrap(function)  # it has wrapped it already
    if living is None or not inspect.iscoroutinefunction(function):
        return (yield)
    before, run = pyfuncitem.obj, living.run
    pyfuncitem.obj = lambda **arguments: run(function(**arguments))
    try:
        return (yield)
    finally:
        pyfuncitem.obj = before


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> object:
    """Run a test twice, with `--ami-check-determinism`; and with `--ami-record=new` if it says something new."""
    fixtures, option = getattr(item, "fixturenames", ()), item.config.getoption
    if option("--ami-check-determinism") and "ami_clock" in fixtures:
        from pytest_amisim.determinism import run_twice

        run_twice(item, nextitem, lambda: item.stash.get(_LIVING, None))
        return True
    if option("--ami-record") == "new" and option("--ami-upstream") and "ami_recording" in fixtures:
        from pytest_amisim.recording import has_recording, run_new

        if has_recording(item):
            run_new(item, nextitem, lambda: item.stash.get(_LIVING, None))
            return True
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show in the report of a failing test what the server and its clients said, and how to have it again."""
    report = yield
    living = item.stash.get(_LIVING, None)
    if living is None:
        return report
    item.stash[_PASSED] = report.when == "call" and report.passed
    was_shown = report.when != "setup" and item.stash.get(_SHOWN, False)
    shows = report.failed and not was_shown and any(server.transcript for server in living.servers)
    item.stash[_SHOWN] = was_shown or shows
    if shows:
        from pytest_amisim.report import shown

        # A section of the failure itself is shown with it everywhere, in junit's XML too; not every kind can have one.
        add = getattr(report.longrepr, "addsection", lambda name, text: report.sections.append((name, text)))
        for name, text in shown(living):
            add(name, text)
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show what `--ami-record` has left as it was, and why."""
    if config.getoption("--ami-record") != "none":
        from pytest_amisim.report import kept_recordings

        kept_recordings(terminalreporter)
