"""Who uses a world on and on, and never waits, comes to the next time, or is named."""

import asyncio
import contextlib
import itertools
import queue
import re

import pytest

from amisim.world import Deadlock, OutsideWorld, World


def sleeps_for_nothing(world):
    while True:
        world.modules["time"].sleep(0)


def gets_nothing(world):
    items = world.modules["queue"].Queue()
    while True:
        with contextlib.suppress(queue.Empty):
            items.get_nowait()


def is_never_set(world):
    event = world.modules["threading"].Event()
    while not event.is_set():
        pass


def advances_by_nothing(world):
    while True:
        world.advance(0)


async def spins():
    for _ in itertools.count():
        await asyncio.sleep(0)


def runs_on(world):
    world.run(spins())


ENDLESS = {
    sleeps_for_nothing: 'world.modules["time"].sleep(0)',
    gets_nothing: "items.get_nowait()",
    is_never_set: "while not event.is_set():",
    advances_by_nothing: "world.advance(0)",
    runs_on: "world.run(spins())",
}


@pytest.mark.parametrize("function", ENDLESS)
@pytest.mark.parametrize("name", ["main", "looks"])
def test_who_looks_on_and_on_is_named(function, name):
    with World(patience=0.1) as world:
        if name == "main":
            with pytest.raises(OutsideWorld) as caught:
                function(world)
        else:
            world.modules["threading"].Thread(target=function, args=(world,), name=name).start()
            with pytest.raises(OutsideWorld) as caught:
                world.modules["threading"].Event().wait()
        world.modules["time"].monotonic()  # it can go on
    text = str(caught.value)
    assert text.startswith(f"{name!r} looks on and on for something that never comes, and waits for nothing, at ")
    assert re.search(rf"{re.escape(__file__)}:\d+ in {function.__name__}: {re.escape(ENDLESS[function])}", text)
    assert "Have it wait for that in the world" in text
    assert "give the world more patience" in text
    if function is runs_on:
        assert re.search(
            rf"; task Task-\d+ at {re.escape(__file__)}:\d+ in spins: await asyncio\.sleep\(0\)\. Have", text
        )


def test_who_looks_until_a_time_or_for_what_comes_late_is_not_named():
    with World(patience=0.01) as world:
        modules, done = world.modules, []
        modules["threading"].Timer(1000, lambda: done.append(world.now)).start()
        while modules["time"].monotonic() < 500:
            modules["time"].sleep(0)
        assert 500 <= world.now < 530
        while not done:
            modules["time"].sleep(0)
        assert 1000 <= world.now < 1060
    assert done == [1000]


@pytest.mark.parametrize("look", [lambda world: world.now, World.wall_time, World.waiting])
def test_who_looks_at_the_world_itself_lets_time_pass(look):
    with World(patience=0.1) as world:
        done = []
        world.modules["threading"].Timer(5, done.append, [True]).start()
        while not done:
            look(world)
        assert 5 <= world.now < 6


def test_long_work_that_needs_no_wait_is_not_named_and_takes_no_time():
    with World(patience=0.01) as world:
        items, lock = world.modules["queue"].Queue(), world.modules["threading"].Lock()
        with contextlib.suppress(queue.Empty):
            items.get_nowait()
        for each in range(50_000):
            items.put(each)
            assert items.get_nowait() == each
            with lock:
                world.modules["time"].monotonic()
        for _ in range(300_000):
            with lock:
                pass
        assert world.now < 1


def takes_a_free_lock(modules):
    lock = modules["threading"].Lock()

    def use():
        with lock:
            pass

    return use


def asks_a_queue(modules):
    return modules["queue"].Queue().empty


def selects_what_has_room(modules):
    one, _other = ends = modules["socket"].socketpair()
    return lambda: modules["select"].select([one], [ends[1]], [])


def looks_at_the_same_data(modules):
    one, other = modules["socket"].socketpair()
    other.send(b"x")
    return lambda: one.recv(1, modules["socket"].MSG_PEEK) or other


def call_often(use):
    for _ in range(1_000_000):
        use()


@pytest.mark.parametrize("function", [takes_a_free_lock, asks_a_queue, selects_what_has_room, looks_at_the_same_data])
def test_who_uses_on_and_on_what_is_free_comes_to_the_next_time_and_to_the_limit(function):
    """Also when that takes longer than the world has patience."""
    with World(patience=0.1, limit=0.05) as world:
        done = []
        world.modules["threading"].Timer(0.02, done.append, [True]).start()
        use = function(world.modules)
        with pytest.raises(Deadlock, match=r"than 0\.05 s \(limit\):\n  main waits for .* looking again and again"):
            call_often(use)
        assert done == [True]
