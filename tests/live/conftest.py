"""These tests need a real Asterisk, and are collected only where AMI_LIVE=host:port names one.

AMI_LIVE_USERNAME (admin) and AMI_LIVE_SECRET (s3cret) are those of a user who may read and write every class.
There is a user `monitor` with the secret `m0nitor`, who reads call and system, and writes reporting and system.
The server has a queue `support` with the members Alice, who answers, and Bob Ünlü, and this dialplan:

    [lab]
    exten => 1000,1,Answer()
     same => n,Wait(60)
    exten => 3000,1,Answer()
     same => n,Queue(support)

Other extensions are made and taken away by the tests themselves (`dialplan.py`). With AMI_LIVE_RESTART=1 the last test
restarts the server: `core restart now`.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import ami
from ami import aio, core

from ..behaviour.drivers import AsyncManager, Loop
from .calls import Ears, originate
from .dialplan import make_dialplan, remove_dialplan

LIVE = os.environ.get("AMI_LIVE", "")

collect_ignore_glob = [] if LIVE else ["*"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What restarts the server comes last, in whatever order the others are run."""
    items.sort(key=lambda item: item.path.name == "test_restart.py")


@pytest.fixture(scope="session")
def address() -> tuple[str, int]:
    host, _, port = LIVE.rpartition(":")
    return host.strip("[]"), int(port)


@pytest.fixture(scope="session")
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


@pytest.fixture
def dialplan(manager) -> Iterator[None]:
    """The extensions of `dialplan.py` are there."""
    make_dialplan(manager.send_action)
    yield
    remove_dialplan(manager.send_action)


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The event loop of the asyncio managers."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(params=["threads", "asyncio"])
def driver(request) -> Callable[..., Any]:
    """What makes managers of each of the two drivers, both with the methods of `ami.Manager`."""
    if request.param == "threads":
        return ami.Manager
    loop = request.getfixturevalue("loop")
    return lambda **options: AsyncManager(loop, loop.call(aio.Manager, **options))
