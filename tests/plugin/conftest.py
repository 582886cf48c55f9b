"""Suites of other projects, run with the plugin as users have it."""

from collections.abc import Callable

import pytest

# What a suite in this process imports is forgotten after it; these would be imported by each of them anew.
import ami.aio
import ami.manager  # noqa: F401
import amisim.settings
import amisim.testing
import amisim.world
import pytest_amisim.determinism
import pytest_amisim.living
import pytest_amisim.recording  # noqa: F401
from amisim import event, list_complete, response

from .recorded import SOURCE

INI = """
[pytest]
addopts = --strict-markers -p no:randomly -p no:hypothesispytest -p no:cacheprovider
filterwarnings = error
"""
WITHOUT_ASYNC = INI.replace("addopts =", "addopts = -p no:asyncio -p no:anyio")
WITH_ASYNC = f"{INI}asyncio_default_fixture_loop_scope = function"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run a suite of one file with the plugin as users have it, where warnings are errors.

    Without the plugins for coroutines: these would be imported anew each time.
    """
    pytester.makeini(WITHOUT_ASYNC)

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_inprocess(*options)

    return run


@pytest.fixture
def own_process(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run a suite as `suite` does, in a process that has nothing else in it, and with every plugin."""
    pytester.makeini(WITH_ASYNC)

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(source)
        return pytester.runpytest_subprocess(*options)

    return run


@pytest.fixture
def upstream():
    with amisim.Server(username="boss", secret="h@dden") as server:
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
        where = [f"--ami-upstream=boss:h@dden@{upstream.host}:{upstream.port}"] if recording else []
        path = pytester.makepyfile(test_suite=source)
        return pytester.runpytest_inprocess(*options, *where, path)

    return run
