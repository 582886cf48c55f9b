"""What the tests of the package `ami` share."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from .talk import Talk

settings.register_profile("amikit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("amikit")


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    left = [thread for thread in threading.enumerate() if thread.name.startswith("ami-")]
    for thread in left:
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def talk() -> Talk:
    return Talk()
