"""Fixtures for projects that speak AMI: a fake Asterisk, and a client that is logged in to it.

Nothing of amikit is imported before a test uses a fixture.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import ami
    import amisim

_SERVER = pytest.StashKey["amisim.Server"]()
_OPTIONS = (
    "recording", "speed", "hold", "scenario", "faults", "version", "username", "secret", "users", "limits", "seed",
)  # fmt: skip
_TRANSCRIPT_LINES = 40


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line(
        "markers",
        "ami(recording=, speed=0, hold=True, scenario=, faults=(), version='22', username='admin', secret='secret', "
        "users=, limits=, seed=0): what the server of the fixture ami_server is, as amisim.Server has it; "
        "marks of module, class and test are merged",
    )


@pytest.fixture
def ami_server(request: pytest.FixtureRequest) -> Iterator[amisim.Server]:
    """A fake Asterisk on a free port of loopback, as the mark `ami` says.

    A recording answers at once; its events wait until the test calls `ami_server.play()`, when it has registered its
    callbacks. At the end of the test every action must have had an answer in the recording, and every fault a hit.
    """
    import amisim

    try:
        server = amisim.Server(**_options(request.node))
    except (amisim.RecordingError, amisim.ScenarioError, ValueError) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    with server:
        request.node.stash[_SERVER] = server
        yield server
    if server.complaints:
        pytest.fail("\n".join(server.complaints), pytrace=False)


@pytest.fixture
def ami_manager(ami_server: amisim.Server) -> Iterator[ami.Manager]:
    """An `ami.Manager` that is connected to `ami_server`, and logged in."""
    import ami

    with ami.Manager() as manager:
        manager.connect(ami_server.host, ami_server.port)
        manager.login(ami_server.username, ami_server.secret)
        yield manager


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


def _options(node: Any) -> dict[str, Any]:
    """The arguments of the marks, where the closest mark wins; recordings are replayed at once unless one says not to.

    Raises `ValueError` for an argument that is none.
    """
    options: dict[str, Any] = {"speed": 0, "hold": True}
    for mark in reversed(list(node.iter_markers("ami"))):
        if mark.args:
            raise ValueError("the mark ami takes its arguments by name, such as recording='queue-call'")
        for name in mark.kwargs:
            if name not in _OPTIONS:
                near = difflib.get_close_matches(name, _OPTIONS, 1) or [" or ".join(_OPTIONS)]
                raise ValueError(f"the mark ami has no argument {name!r}; did you mean {near[0]}?")
        options |= mark.kwargs
    return options
