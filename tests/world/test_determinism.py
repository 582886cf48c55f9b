"""What happens in a world depends on its program and its seed, and on nothing else."""

import asyncio
import copy
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import ami
import ami.aio
import amisim
from ami import core
from amisim import event, response, wait

ROOT = Path(__file__).parents[2]


def live(world):
    """Threads, loops, a server and its clients; return what they have seen, in its order."""
    modules, seen = world.modules, []
    server = world.server()
    server.on("Ping").reply(wait(0.5), response(Ping="Pong"))
    login = {"username": "admin", "secret": "secret"}

    def ask(number):
        for _ in range(3):
            lock = locks[number % 2]
            with lock:
                modules["time"].sleep(modules["random"].random() / 10)
            seen.append((number, manager.send_action(core.Ping()).success, world.now))

    async def ask_too():
        async with ami.aio.connect(server.host, server.port, **login) as other:
            answers = {asyncio.create_task(other.send_action(core.Ping())) for _ in range(5)}
            for each in answers:
                seen.append((await each).action_id)
            return await asyncio.to_thread(lambda: modules["uuid"].uuid4().hex)

    locks = [modules["threading"].Lock() for _ in range(2)]
    with ami.connect(server.host, server.port, runtime=world.runtime, **login) as manager:
        manager.register_callback("", lambda event, manager: seen.append(event.name))
        threads = [modules["threading"].Thread(target=ask, args=(each,)) for each in range(4)]
        for each in threads:
            each.start()
        seen.append(world.run(ask_too()))
        server.emit(event("Hangup", Channel="PJSIP/100-1"))
        for each in threads:
            each.join()
    return seen


def outcome(**options):
    """All that can be seen of a world, and its choices."""
    with amisim.World(**options) as world:
        seen = live(world)
        now = world.now
    return (world.digest, now, seen), world.switches


def report():
    """In a process of its own, among garbage."""
    garbage = []
    for each in range(int(sys.argv[2])):
        garbage.append({str(each): [garbage[-1:]]})
    print(outcome(seed=7)[0])


def test_in_other_processes_with_other_hashes_and_other_garbage():
    path = os.pathsep.join(sys.path)
    program = "import sys, runpy; runpy.run_path(sys.argv[1])['report']()"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, __file__, str(garbage)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed, garbage in (("1", 0), ("2", 5_000), ("random", 20_000))
    ]
    said = [process.communicate()[0] for process in processes]
    assert len(said[0]) > 100
    assert said == [str(outcome(seed=7)[0]) + "\n"] * 3


def test_again_in_one_process():
    first = outcome(seed=3)
    assert [outcome(seed=3) for _ in range(3)] == [first] * 3


def test_other_seeds_are_other_interleavings():
    assert len({outcome(seed=each)[0][0] for each in range(5)}) == 5


def test_choices_that_are_given_make_the_same_run():
    for seed in range(3):
        result, switches = outcome(seed=seed)
        assert switches
        assert outcome(seed=seed, switches=switches) == (result, switches)


def test_without_switches_whoever_has_the_turn_keeps_it():
    seen = []
    with amisim.World(switches={}) as world:
        threading = world.modules["threading"]

        def work(number):
            for _ in range(3):
                with lock:
                    seen.append(number)

        lock = threading.Lock()
        threads = [threading.Thread(target=work, args=(each,)) for each in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert seen == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert world.switches == {}


def test_scaled_worlds_promise_nothing():
    with amisim.World(time="scaled=50") as world:
        world.sleep(0.1)
    assert (world.digest, world.switches) == ("", {})


def test_async_generators_that_are_left_open_end_in_the_order_in_which_they_began(world):
    ended = []

    async def generator(number):
        try:
            yield
        finally:
            ended.append(number)

    async def main():
        for each in range(100):
            opened.append(generator(each))
            await anext(opened[-1])
        for each in (3, 90):
            await opened[each].aclose()

    opened = []
    world.run(main())
    assert ended == [3, 90, *(each for each in range(100) if each not in (3, 90))]


def test_chance_that_is_given_no_seed_has_the_worlds():
    def drawn(seed):
        with amisim.World(seed) as world:
            chance = world.modules["random"]
            made, other = chance.Random(), chance.Random(3)
            seen = [made.random(), made.choice("abcdef"), chance.Random().random()]
            made.seed()
            chance.seed()
            assert isinstance(made, random.Random)
            assert other.random() == random.Random(3).random()
            return [*seen, made.random(), chance.random()]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(map(str, drawn(1)))) == 5


def test_chance_is_pickled_and_copied(monkeypatch):
    with amisim.World() as world:
        kind = world.modules["random"].Random
        own = type("Own", (kind,), {"__module__": __name__})
        monkeypatch.setitem(globals(), "Own", own)  # by which pickle finds it
        for made, pickled in ((kind(), random.Random), (own(), own)):
            made.random()
            copies = [copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))]
            assert [type(each) for each in copies] == [type(made), type(made), pickled]
            assert {each.random() for each in copies} == {made.random()}
