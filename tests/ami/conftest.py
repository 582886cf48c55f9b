"""What the tests of the package `ami` share."""

import pytest
from hypothesis import HealthCheck, settings

from .talk import Talk

settings.register_profile("amikit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("amikit")


@pytest.fixture
def talk() -> Talk:
    return Talk()
