"""What all tests share."""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import amisim
from ami import catalogue

Start = Callable[..., Future[Any]]


@pytest.fixture(autouse=True)
def declarations(monkeypatch) -> Iterator[None]:
    """What a test declares is forgotten after it."""
    catalogue.event_class("no such event")  # loads what would otherwise be forgotten with it
    monkeypatch.setattr(catalogue, "_EVENTS", dict(catalogue._EVENTS))
    yield
    catalogue.KINDS.clear()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("ami-")]
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts: what a shell starts in the background ignores it, and so does what that starts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def server() -> Iterator[amisim.Server]:
    with amisim.Server() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Start]:
    """Call a function in a thread of its own; its result comes as a future."""
    with ThreadPoolExecutor(32) as pool:
        yield pool.submit
