"""What the tests of the package `amisim` share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from amisim import Server, event, list_complete, response

from .command_links import CANARY
from .commands import Running

settings.register_profile("amikit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("amikit")


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Start `amisim` with some arguments; it is ended with the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Running(*args, **options))


@pytest.fixture
def upstream() -> Iterator[Server]:
    """A server to be recorded, with a queue that has two members."""
    with Server(secret=CANARY) as server:
        server.on("QueueStatus").reply(
            response(EventList="start", Message="Queue status will follow"),
            event("QueueMember", Queue="support", Name="Alice"),
            event("QueueMember", Queue="support", Name="Bob"),
            list_complete(),
        )
        yield server


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a recording is written."""
    return tmp_path / "out.yaml"
