"""What is left of managers: of those that nobody holds any more, and of very many."""

import gc
import os
import threading
import tracemalloc
import weakref
from pathlib import Path

import pytest

from ami import Reconnect, State, StateChange, core

from .rogue import GUARD, Rogue, Turnstile

pytestmark = pytest.mark.usefixtures("new_garbage")

CYCLES = int(os.environ.get("AMI_CYCLES", "200"))


# Managers that nobody holds any more


def new(manager, rogue: Rogue) -> None:
    pass


def connected(manager, rogue: Rogue) -> None:
    rogue.greet(manager.connect)


def logged_in(manager, rogue: Rogue) -> None:
    rogue.meet(manager)


def watched(manager, rogue: Rogue) -> None:
    rogue.meet(manager)
    manager.monitor_connection(60)


def waiting(manager, rogue: Rogue) -> None:
    lost = threading.Event()
    manager.register_callback(StateChange, lambda change, _: change.state is State.WAITING and lost.set())
    rogue.meet(manager).close()
    assert lost.wait(GUARD)


def closed(manager, rogue: Rogue) -> None:
    rogue.meet(manager)
    manager.close()


@pytest.mark.parametrize("reach", [new, connected, logged_in, watched, waiting, closed])
@pytest.mark.parametrize("held", ["by nobody", "by its own callbacks"])
def test_a_manager_that_nobody_holds_is_gone_whatever_its_state(driver, rogue, reach, held):
    manager = driver(reconnect=Reconnect(initial=60))
    reach(manager, rogue)
    manager.events()
    if held == "by its own callbacks":
        manager.register_callback("Hangup", lambda event, _, manager=manager: manager.close())
    reference = weakref.ref(getattr(manager, "manager", manager))
    del manager
    for _ in range(1000):
        gc.collect()  # in this thread, which is not that of an event loop
        if reference() is None:
            break
        threading.Event().wait(0.005)  # a callback that runs still holds it
    assert reference() is None
    for peer in rogue.peers:
        if peer.socket.fileno() >= 0:
            assert peer.rest().count(b"Action") <= 2  # of the login


# Very many managers


def held() -> tuple[int, int, int]:
    """How many threads, files and objects there are."""
    gc.collect()
    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    return threading.active_count(), files, len(gc.get_objects())


def test_very_many_managers_leave_nothing_behind(driver):
    with Turnstile() as server:

        def cycle(count: int) -> None:
            for number in range(count):
                with driver() as manager:
                    manager.register_callback("", lambda event, manager: None)
                    manager.connect(*server.address)
                    if number % 3:
                        manager.events("Hangup")
                    assert manager.send_action(core.Login("admin", "secret")).success
                assert server.gone.acquire(timeout=GUARD)

        cycle(30)
        threads, files, objects = held()
        tracemalloc.start()
        try:
            cycle(CYCLES // 3)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            cycle(CYCLES - CYCLES // 3)
            gc.collect()
            size = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        after = held()
        print(f"{CYCLES} cycles: threads {threads} → {after[0]}, files {files} → {after[1]}, "
              f"objects {objects} → {after[2]}, bytes in the last two thirds {size:+,}")  # fmt: skip
        assert after[:2] == (threads, files)
        assert after[2] - objects < 100
        assert size < 20_000
