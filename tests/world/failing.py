"""Tests that fail in some worlds, for the tests of `explore`."""

import asyncio

import ami
from ami import core


def lost_update(world):
    """Two threads add to a number, and let go of its lock in between: they lose one, if they come at the wrong time."""
    threading = world.modules["threading"]
    count, lock = [0], threading.Lock()

    def add():
        with lock:
            before = count[0]
        with lock:
            count[0] = before + 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count[0] == 2


def unanswered(world):
    """A program that does not think of orphans."""
    server = world.server()
    with ami.Manager(runtime=world.runtime) as manager:
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        assert manager.send_action(core.Ping()).success


async def coroutine(world):
    """Fails in a coroutine, after an hour."""
    await asyncio.sleep(3600)
    raise ZeroDivisionError(world.now)


def sound(world):
    """Nothing is wrong with this."""
    world.advance(5)


class Suite:
    """A namespace."""

    @staticmethod
    def broken(world):
        """Fails in each world."""
        raise KeyError("always")

    @classmethod
    def of_class(cls, world):
        """Fails in each world."""
        raise RuntimeError("always")

    def of_object(self, world):
        """Fails in each world."""
        raise RuntimeError("always")
