"""What the tests of the package `amisim` share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from .commands import Running

settings.register_profile("amikit", deadline=None)
settings.load_profile("amikit")


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    """Start `amisim` with some arguments; it is ended with the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Running(*args, **options))
