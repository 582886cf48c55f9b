"""Signal handlers, finalizers, debuggers and other things that come in between, in a world."""

import gc
import signal
import subprocess
import sys
import threading
import time

import pytest

from amisim import Deadlock, OutsideWorld, World, WorldError, again, explore


class Alarm(Exception):
    """What a signal handler raises."""


@pytest.fixture
def interrupted():
    """Have a handler called in the main thread, soon, by a real timer."""
    before = signal.getsignal(signal.SIGALRM)

    def arm(handler):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.05)

    yield arm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def endless(world, until):
    """A thread that changes turns with whoever else is there."""
    while not until:
        world.sleep(0.001)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_signal_handler_raises_is_raised_and_the_world_goes_on(interrupted, seed):
    def handler(*_):
        raise Alarm

    with World(seed, limit=10**9) as world:
        stop = []
        other = world.modules["threading"].Thread(target=endless, args=(world, stop))
        other.start()
        interrupted(handler)
        with pytest.raises(Alarm):
            world.sleep(10**8)
        stop.append(True)
        other.join()
        world.advance(1)
    assert other not in threading.enumerate()


@pytest.mark.parametrize("seed", range(10))
def test_a_signal_handler_may_wake_others_while_another_has_the_turn(interrupted, seed):
    with World(seed, limit=10**9) as world:
        done = world.modules["threading"].Event()
        interrupted(lambda *_: done.set())

        def wait():
            while not done.is_set():
                world.sleep(0.001)

        threads = [world.modules["threading"].Thread(target=wait) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_a_finalizer_that_a_collection_runs_wakes_who_is_about_to_wait():
    with World() as world:
        queue = world.modules["queue"].SimpleQueue()

        class Last:
            def __init__(self):
                self.itself = self

            def __del__(self):
                queue.put("the last word")

        world._engine._scheduler._next_collection = 0
        Last()
        assert queue.get() == "the last word"


def test_a_waiter_whose_time_is_out_while_others_are_notified_is_no_trouble():
    for seed in range(100):
        with World(seed) as world:
            threads = world.modules["threading"]
            condition = threads.Condition()

            def wait(condition=condition):
                with condition:
                    condition.wait(1)

            waiters = [threads.Thread(target=wait) for _ in range(4)]
            for each in waiters:
                each.start()
            world.sleep(1)
            with condition:
                condition.notify_all()
            for each in waiters:
                each.join()


def test_a_loop_for_five_seconds_ends_though_it_waits_for_others_all_the_time():
    with World() as world:
        threads, queue = world.modules["threading"], world.modules["queue"]
        asked, answered = queue.Queue(), queue.Queue()

        def answer():
            while asked.get() is not None:
                answered.put(1)

        threads.Thread(target=answer, daemon=True).start()
        monotonic = world.modules["time"].monotonic
        until = monotonic() + 0.03
        while monotonic() < until:
            asked.put(1)
            answered.get()


def test_threads_that_wait_with_a_lock_end_without_a_word(recwarn):
    with World() as world:
        threads = world.modules["threading"]
        condition = threads.Condition()

        def wait():
            with condition:
                condition.wait()

        threads.Thread(target=wait).start()
        world.advance(0)
        condition.acquire()
    assert [str(each.message) for each in recwarn] == []


def test_a_world_is_entered_once():
    with World() as world:
        pass
    with pytest.raises(WorldError, match="a world is entered once"):
        world.__enter__()
    assert gc.isenabled()


def test_ports_do_not_run_out():
    with World() as world:
        socket = world.modules["socket"]
        for _ in range(9000):
            for end in socket.socketpair():
                end.close()
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            assert 0 < listener.getsockname()[1] < 65_536


def test_explore_takes_failures_of_pytest_for_failures(tmp_path):
    def fails(world):
        if world.seed == 3:
            pytest.fail("in the third world")

    with pytest.raises(pytest.fail.Exception, match="in the third world") as caught:
        explore(fails, 5, save=tmp_path / "found.yaml")
    assert caught.value.__notes__[0].startswith("in World(3")


def test_again_takes_the_options_of_the_world(tmp_path):
    def stands_still(world):
        world.sleep(1)

    path = tmp_path / "found.yaml"
    with pytest.raises(Deadlock):
        explore(stands_still, 1, automatic=False, save=path)
    again(path, stands_still)
    with pytest.raises(Deadlock):
        again(path, stands_still, automatic=False)


def test_a_thread_that_takes_no_part_is_refused_at_once():
    refused = []
    with World() as world:
        threads = world.modules["threading"]

        def use():
            for each in (threads.Lock().acquire, threads.Event().set, world.modules["queue"].Queue().qsize):
                try:
                    each()
                except OutsideWorld as error:
                    refused.append(str(error))

        thread = threading.Thread(target=use, name="foreigner")
        with world.outside():
            thread.start()
            thread.join()
    assert len(refused) == 3
    assert "the thread 'foreigner' uses something of a world in which it takes no part" in refused[0]


# Who leaves, and who only seems to


def real_wait(seconds):
    threading.Event().wait(seconds)


def test_a_wait_after_some_work_is_noticed_too():
    def work_and_wait():
        sum(range(3_000_000))
        real_wait(20)

    with pytest.raises(OutsideWorld, match="it waits for something real"), World(patience=0.2):
        work_and_wait()


def test_waits_in_several_places_are_noticed_too():
    def deeper():
        time.sleep(0.06)

    def poll():
        for _ in range(40):
            time.sleep(0.06)
            deeper()
            (lambda: (lambda: deeper())())()

    with pytest.raises(OutsideWorld, match="it waits for something real"), World(patience=0.2):
        poll()


def test_a_wait_is_noticed_under_coverage():
    before = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        with pytest.raises(OutsideWorld, match="it waits for something real"), World(patience=0.1):
            real_wait(20)
    finally:
        sys.settrace(before)


TRACED = """
import sys, threading
from amisim import World

held = threading.Lock()
held.acquire()
sys.settrace(lambda *_: None)
with World(patience=0.1) as world:
    thread = world.modules["threading"].Thread(target=held.acquire, name="stuck")
    thread.start()
    try:
        thread.join()
    except BaseException as error:
        said = str(error)
print(said)
"""


def test_a_wait_of_another_thread_is_noticed_under_coverage():
    # In another process, as CPython 3.11 would run in circles for ever if there were something wrong.
    done = subprocess.run([sys.executable, "-c", TRACED], capture_output=True, text=True, timeout=30, check=True)
    assert "'stuck' has left the world: it waits for something real" in done.stdout


def test_who_thinks_in_a_debugger_has_not_left():
    names = {"__name__": "pdb", "wait": real_wait}
    with World(patience=0.05):
        exec("def prompt(): wait(0.3)", names)
        names["prompt"]()
