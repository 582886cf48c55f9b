"""What the tests of the driver with threads share: a manager that is logged in to the server."""

from collections.abc import Iterator

import pytest

from ami.manager import Manager

from .threaded import Spy, log_in


@pytest.fixture
def manager(server, start) -> Iterator[Manager]:
    with Manager() as manager:
        log_in(manager, server)
        yield manager


@pytest.fixture
def spy() -> Spy:
    return Spy()
