"""Suites of other projects, run with the plugin as users have it."""

from collections.abc import Callable

import pytest

import ami.aio  # noqa: F401 - so that suites in this process do not import it one after the other
import amisim.world
from amisim import event, list_complete, response

from .recorded import SOURCE

INI = """
[pytest]
addopts = --strict-markers -p no:randomly -p no:hypothesispytest -p no:cacheprovider
filterwarnings = error
asyncio_default_fixture_loop_scope = function
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run a suite of one file with the plugin as users have it, where warnings are errors."""
    pytester.makeini(INI)

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess(*options)

    return run


@pytest.fixture
def own_process(suite, pytester) -> Callable[..., pytest.RunResult]:
    """Run a suite as `suite` does, in a process that has nothing else in it."""

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(*options)

    return run


@pytest.fixture
def upstream():
    with amisim.Server(username="boss", secret="hidden") as server:
        server.on("QueueStatus").reply(
            response(EventList="start"), event("QueueMember", Queue="support", Name="Alice"), list_complete()
        )
        server.on("Getvar").reply(response(Value="7"))
        yield server


@pytest.fixture
def run(suite, pytester, upstream):
    """Run a suite, whose file has this name, perhaps with the server to record."""
    pytester.makepyprojecttoml("[tool.amikit]\n")

    def run(*options, source=SOURCE, recording=True):
        where = [f"--ami-upstream=boss:hidden@{upstream.host}:{upstream.port}"] if recording else []
        path = pytester.makepyfile(test_suite=source)
        return pytester.runpytest_inprocess(*options, *where, path)

    return run
