"""What is wrong with a world is told to whoever runs a loop, whatever becomes of it in tasks and callbacks."""

import asyncio
import contextlib
import gc
import logging
import time

import pytest

from ami import aio
from amisim import event
from amisim.world import Deadlock, OutsideWorld, World


@pytest.fixture(autouse=True)
def garbage():
    """What asyncio logs of a task that nobody asks any more is not logged in another test."""
    yield
    gc.collect()


@pytest.fixture
def world():
    with World(patience=0.1) as world:
        yield world


def sleeps(*_):
    time.sleep(100)


async def leaves(_=None):
    sleeps()


async def computes(_):
    while True:
        pass


async def waits(world):
    world.modules["threading"].Event().wait()


async def looks(world):
    while not world.modules["threading"].Event().is_set():
        pass


async def makes_a_real_socket(world):
    world.modules["socket"].socket(2, 2)


async def swallows(_):
    with contextlib.suppress(Exception):
        sleeps()


WRONG = {
    leaves: (OutsideWorld, "'main' has left the world"),
    computes: (OutsideWorld, "computes on"),
    waits: (Deadlock, "main waits for a condition"),
    looks: (OutsideWorld, "looks on and on"),
    makes_a_real_socket: (OutsideWorld, "those for TCP alone"),
    swallows: (OutsideWorld, "'main' has left the world"),
}


def check(world, wrong, run):
    kind, text = WRONG[wrong]
    with pytest.raises(kind, match=text):
        world.run(run())
    assert world.run(asyncio.sleep(1, "goes on")) == "goes on"


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_raised_by_run_though_nobody_waits_for_the_task(world, wrong):
    async def main():
        task = asyncio.create_task(wrong(world))
        await asyncio.sleep(3)
        seen.append(task.done())

    seen = []
    check(world, wrong, main)
    assert seen == [True]


@pytest.mark.parametrize("wrong", [leaves, waits, swallows])
def test_it_is_raised_by_run_though_it_is_a_result_among_others(world, wrong):
    async def main():
        await asyncio.gather(wrong(world), asyncio.sleep(1), return_exceptions=True)

    check(world, wrong, main)


def test_it_is_raised_by_run_after_a_callback(world):
    async def main():
        asyncio.get_running_loop().call_later(1, sleeps)
        await asyncio.sleep(3)

    check(world, leaves, main)


def test_it_is_raised_by_run_after_a_callback_of_a_manager(world):
    async def main():
        async with aio.connect(server.host, server.port, username="admin", secret="secret") as manager:
            manager.register_callback("Hangup", sleeps)
            server.emit(event("Hangup", Channel="x", Cause=16))
            await asyncio.sleep(3)

    server = world.server()
    check(world, leaves, main)


def test_who_has_had_it_raised_in_the_coroutine_that_is_run_is_not_told_again(world):
    async def main():
        with pytest.raises(OutsideWorld):
            sleeps()
        with pytest.raises(Deadlock):
            await waits(world)
        with pytest.raises(OutsideWorld):
            await asyncio.create_task(leaves())
        with pytest.raises(OutsideWorld):
            await asyncio.gather(leaves(), asyncio.sleep(1))
        return "goes on"

    assert world.run(main()) == "goes on"


async def expects(task):
    with pytest.raises(OutsideWorld):
        await task


async def catches():
    with contextlib.suppress(OutsideWorld):
        sleeps()


async def in_a_helper():
    await expects(leaves())


async def in_a_task():
    await asyncio.create_task(expects(leaves()))


async def in_the_task_itself():
    await asyncio.create_task(catches())


async def looks_at_a_task():
    async def look():
        task = asyncio.create_task(leaves())
        await asyncio.wait([task])
        assert "has left the world" in str(task.exception())

    await look()


async def looks_into_a_group():
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as group:
            group.create_task(leaves())
    assert caught.group_contains(OutsideWorld)


async def looks_at_results():
    (result,) = await asyncio.gather(leaves(), return_exceptions=True)
    assert isinstance(result, OutsideWorld)


@pytest.mark.parametrize(
    "main", [in_a_helper, in_a_task, in_the_task_itself, looks_at_a_task, looks_into_a_group, looks_at_results]
)
def test_who_knows_it_by_its_name_is_not_told_again(world, main):
    world.run(main())


def test_a_failure_of_the_run_itself_has_a_note_if_it_does_not_say_it(world):
    async def main(error):
        tasks = [asyncio.create_task(leaves())]
        await asyncio.wait(tasks)
        raise error or tasks[0].exception()

    with pytest.raises(KeyError) as caught:
        world.run(main(KeyError("mine")))
    (note,) = caught.value.__notes__
    assert note.startswith("before, in a task or a callback: OutsideWorld: 'main' has left the world")
    with pytest.raises(OutsideWorld) as again:
        world.run(main(None))
    assert not hasattr(again.value, "__notes__")


def test_it_is_told_once(world, caplog):
    """Also if a task that nobody has asked dies later, in a loop that goes on."""

    async def main():
        tasks.append(asyncio.create_task(leaves()))
        await asyncio.sleep(1)

    tasks = []
    with asyncio.Runner(loop_factory=world.runtime.new_event_loop) as runner:
        with pytest.raises(OutsideWorld) as caught:
            runner.run(main())
        with caplog.at_level(logging.ERROR):
            tasks.clear()
            assert "never retrieved" in caplog.text
        assert runner.run(asyncio.sleep(1, "goes on")) == "goes on"
    assert "'main' has left the world" in str(caught.value)
