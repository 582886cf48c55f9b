"""What the tests of the driver with threads share: a server, a manager that is logged in to it, and threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import amisim
from ami.manager import Manager

from .threaded import Spy, Start, log_in


@pytest.fixture
def server() -> Iterator[amisim.Server]:
    with amisim.Server() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Start]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


@pytest.fixture
def manager(server, start) -> Iterator[Manager]:
    with Manager() as manager:
        log_in(manager, server)
        yield manager


@pytest.fixture
def spy() -> Spy:
    return Spy()
