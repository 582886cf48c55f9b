"""These tests need a real Asterisk, and are collected only where AMI_LIVE=host:port names one.

AMI_LIVE_USERNAME (admin) and AMI_LIVE_SECRET (s3cret) are those of a user who may read and write every class.
The server has a queue `support` with the members Alice, who answers, and Bob Ünlü, and this dialplan:

    [lab]
    exten => 1000,1,Answer()
     same => n,Wait(60)
    exten => 3000,1,Answer()
     same => n,Queue(support)
"""

import os
import uuid
from collections.abc import Iterator

import pytest

import ami
from ami import core

from .calls import Ears, originate

LIVE = os.environ.get("AMI_LIVE", "")

collect_ignore_glob = [] if LIVE else ["*"]


@pytest.fixture
def address() -> tuple[str, int]:
    host, _, port = LIVE.rpartition(":")
    return host.strip("[]"), int(port)


@pytest.fixture
def user() -> tuple[str, str]:
    return os.environ.get("AMI_LIVE_USERNAME", "admin"), os.environ.get("AMI_LIVE_SECRET", "s3cret")


@pytest.fixture
def stranger(address) -> Iterator[ami.Manager]:
    """A manager that is connected, but not logged in."""
    with ami.Manager() as manager:
        manager.connect(*address)
        yield manager


@pytest.fixture
def ears() -> Ears:
    """What `manager` hears."""
    return Ears()


@pytest.fixture
def manager(address, user, ears) -> Iterator[ami.Manager]:
    with ami.Manager() as manager:
        manager.register_callback("", ears.hear)
        manager.connect(*address)
        manager.login(*user)
        yield manager


@pytest.fixture
def channel(manager, ears) -> Iterator[str]:
    """The name of a channel that is up."""
    name = originate(manager, ears, "Local/1000@lab").channel
    yield name
    manager.send_action(core.Hangup(name))


@pytest.fixture
def tag() -> str:
    """A word that nobody else uses."""
    return f"amikit-{uuid.uuid4().hex}"
