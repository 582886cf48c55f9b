"""Who leaves a world is named, with the place, and what to do about it."""

import asyncio
import concurrent.futures
import contextlib
import functools
import gc
import http.client
import io
import os
import re
import socket
import subprocess
import sys
import threading
import time

import pytest

import amisim
from amisim.world import OutsideWorld, World, WorldError


def sleeps(_):
    time.sleep(100)


def receives(_):
    one, other = socket.socketpair()
    with one, other:
        one.recv(1)


def locks(_):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def waits(_):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) as process:
        try:
            process.wait()
        finally:
            process.kill()


def loops(_):
    while True:
        pass


def joins(stop):
    thread = threading.Thread(target=stop.wait)
    thread.start()
    thread.join()


def future(_):
    concurrent.futures.Future().result()


def runs(_):
    asyncio.run(asyncio.sleep(100))


def asks(_):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connection = http.client.HTTPConnection(*listening.getsockname())
        connection.request("GET", "/")
        with contextlib.closing(connection):
            connection.getresponse()


ADVICE = {
    future: 'world.patch("concurrent.futures")',
    runs: "in the world, with world.run",
    asks: 'world.patch("http.client")',
}


@pytest.mark.parametrize("function", ADVICE)
def test_the_advice_is_about_who_waits_in_the_end(function):
    """It is of no use to patch who calls a module that waits by itself."""
    with World(patience=0.1) as world, pytest.raises(OutsideWorld) as caught:
        function(world)
    assert ADVICE[function] in str(caught.value)
    assert f"in {function.__name__}: " in str(caught.value)


LEAVING = {
    sleeps: ("waits for something real", "time.sleep(100)"),
    receives: ("waits for something real", "one.recv(1)"),
    locks: ("waits for something real", "lock.acquire()"),
    waits: ("waits for something real", "process.wait()"),
    joins: ("waits for something real", "thread.join()"),
    loops: ("computes on", ""),
}


@pytest.fixture
def stop():
    """What ends real threads that a test has left."""
    event = threading.Event()
    yield event
    event.set()


def check(error, name, function):
    what, line = LEAVING[function]
    text = str(error)
    assert text.startswith(f"{name!r} ")
    assert what in text
    assert re.search(rf"{re.escape(__file__)}:\d+ in {function.__name__}: .*{re.escape(line)}", text)
    assert "with world.outside()" in text
    if what.startswith("waits"):
        assert f'world.patch("{__name__}")' in text


@pytest.mark.parametrize("function", LEAVING)
def test_the_main_thread_leaves(function, stop):
    with World(patience=0.1) as world:
        with pytest.raises(OutsideWorld) as caught:
            function(stop)
        check(caught.value, "main", function)
        world.sleep(5)  # it can go on
        assert world.now == 5


@pytest.mark.parametrize("function", [threading.Event.wait, loops])
def test_another_participant_leaves(function, stop):
    """The thread that entered the world is told."""
    with World(patience=0.1) as world:
        thread = world.modules["threading"].Thread(target=function, args=(stop,), name="leaves", daemon=True)
        thread.start()
        with pytest.raises(OutsideWorld) as caught:
            world.sleep(5)
        assert str(caught.value).startswith("'leaves' ")
        assert "world.patch(" not in str(caught.value)  # there is no module to be patched
        assert ("computes on" if function is loops else "waits for something real") in str(caught.value)
        world.sleep(5)
        assert world.now >= 5


BEGUN = {
    "to_thread": lambda world, real: world.run(asyncio.to_thread(real, 2)),
    "partial": lambda world, real: world.run(asyncio.to_thread(functools.partial(real, 2))),
    "executor": lambda world, real: world.run(executed(functools.partial(real, 2))),
    "thread": lambda world, real: joined(world.modules["threading"].Thread(target=real, args=(2,))),
    "timer": lambda world, real: joined(world.modules["threading"].Timer(1, real, [2])),
}


async def executed(function):
    await asyncio.get_running_loop().run_in_executor(None, function)


def joined(thread):
    thread.start()
    thread.join()


@pytest.mark.parametrize("how", BEGUN)
def test_a_function_in_c_that_a_thread_is_for_is_named(how):
    with World(patience=0.1) as world, pytest.raises(OutsideWorld, match=r"real, at its target time\.sleep\. Use"):
        BEGUN[how](world, time.sleep)


def test_who_joins_a_thread_that_leaves_goes_on(stop):
    """And whoever has left, and comes back, is out."""

    def leave():
        stop.wait()
        with contextlib.suppress(Exception):
            world.sleep(1)
        seen.append("lives")

    seen = []
    with World(patience=0.1) as world:
        threads = world.modules["threading"]
        leaves = threads.Thread(target=leave, name="leaves", daemon=True)
        leaves.start()
        joins = threads.Thread(target=lambda: (leaves.join(), seen.append(leaves.is_alive())))
        joins.start()
        with pytest.raises(OutsideWorld, match="'leaves' has left the world"):
            leaves.join()
        joins.join(5)
        leaves.join()
        assert (seen, world.now) == ([False], 0)
        stop.set()
        threading.Thread.join(leaves)
        assert seen == [False]


def waits_for_a_condition(threads):
    condition = threads.Condition()
    return condition, condition.wait


def waits_for_a_condition_with_a_lock(threads):
    condition = threads.Condition(threads.Lock())
    return condition, condition.wait


@pytest.mark.parametrize("made", [waits_for_a_condition, waits_for_a_condition_with_a_lock])
def test_who_leaves_with_the_lock_that_another_needs_is_named(made, stop):
    """That nobody gives the lock back is not what is wrong first."""

    def leave():
        with condition:
            stop.wait()

    with World(patience=0.1) as world:
        condition, wait = made(world.modules["threading"])
        world.modules["threading"].Timer(1, leave).start()
        with pytest.raises(OutsideWorld, match=r"'Thread-.*' has left the world"), condition:
            wait()


def compute(stop):
    """For ever, whatever is raised."""
    while not stop.is_set():
        with contextlib.suppress(BaseException):
            while not stop.is_set():
                pass


def leave_computing(stop, expected):
    with World(patience=0.1) as world:
        world.modules["threading"].Thread(target=compute, args=(stop,), name="computes").start()
        with expected:
            world.sleep(5)


def test_who_computes_on_after_the_end_is_named(stop):
    uses_nothing = pytest.raises(OutsideWorld, match="'computes' uses nothing of the world and computes on")
    with pytest.raises(WorldError, match=r"these threads do not end, .*: computes$"):
        leave_computing(stop, uses_nothing)


def test_who_computes_on_is_named_on_a_machine_with_much_to_do_too(stop, monkeypatch):
    used = amisim.world.watch._used
    monkeypatch.setattr(amisim.world.watch, "_used", lambda participant: used(participant) / 20)
    with pytest.raises(WorldError, match=r"these threads do not end, .*: computes$"):
        leave_computing(stop, pytest.raises(OutsideWorld))


def test_who_computes_on_after_the_end_is_named_beside_an_error(stop):
    with pytest.raises(OutsideWorld, match="'computes'") as caught:
        leave_computing(stop, contextlib.nullcontext())
    assert caught.value.__notes__ == ["these threads do not end, because they do not wait in the world: computes"]


def test_who_uses_the_world_just_when_it_is_given_up_is_not():
    with World() as world:
        scheduler = world._engine._scheduler
        wrong = []

        def work():
            steps = scheduler.steps
            world.modules["threading"].Lock().acquire()
            wrong.append(scheduler.lose(scheduler.running, steps, OutsideWorld("too late")))
            world.sleep(1)
            wrong.append(world.now)

        thread = world.modules["threading"].Thread(target=work)
        thread.start()
        thread.join()
    assert wrong == [False, 1]


def test_outside_is_allowed():
    with World(patience=0.05) as world:
        event = threading.Event()
        timer = threading.Timer(0.3, event.set)
        timer.start()
        with world.outside(), world.outside():
            event.wait()
            assert subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True).stdout.strip() == b"7"
        timer.join()
        with pytest.raises(OutsideWorld):
            time.sleep(100)


def test_who_is_outside_may_do_real_things_but_nobody_else(stop):
    with World(patience=0.1) as world:
        thread = world.modules["threading"].Thread(target=stop.wait, name="stuck")
        rescue = threading.Timer(3, stop.set)
        with world.outside():
            rescue.start()
            thread.start()
            with pytest.raises(OutsideWorld, match="'stuck' has left the world"):
                thread.join()
            rescue.cancel()
            rescue.join()


def test_a_long_computation_within_patience_is_fine():
    with World(patience=60) as world:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
        world.sleep(1)
        assert world.now == 1


def test_what_cannot_be_interrupted_is_written_down(monkeypatch):
    """A file's lock in C raises nothing before somebody has it."""

    class Written(io.StringIO):
        def write(self, text):
            os.write(writer, b"x")  # the file's reader returns, so the main thread gets the lock
            return super().write(text)

    reader, writer = os.pipe()
    file = os.fdopen(reader, "rb")
    with file, World(patience=0.1) as world:
        thread = threading.Thread(target=file.read, args=(1,))
        with world.outside():
            thread.start()
            thread.join(0.05)  # it reads, and has the lock
        written = Written()
        monkeypatch.setattr(sys, "stderr", written)
        with pytest.raises(OutsideWorld, match="'main' has left the world"):
            file.read(1)
        monkeypatch.undo()
        thread.join()
    os.close(writer)
    assert written.getvalue().startswith("amisim: 'main' has left the world: it waits for something real, at ")
    assert "file.read(1)" in written.getvalue()


def test_a_world_whose_thread_is_stuck_is_named_and_others_have_their_garbage_collected():
    """Outside the main thread nothing interrupts a wait for a lock in C."""

    def live():
        with pytest.raises(OutsideWorld, match="'stuck' has left the world"), World(patience=0.05):
            lock.acquire()
        ended.append(True)

    class Heard(io.StringIO):
        def write(self, text):
            heard.set()
            return super().write(text)

    lock, heard, ended = threading.Lock(), threading.Event(), []
    with lock, pytest.MonkeyPatch.context() as monkeypatch:
        said = Heard()
        monkeypatch.setattr(sys, "stderr", said)
        thread = threading.Thread(target=live, name="stuck", daemon=True)
        thread.start()
        heard.wait(20)
        assert gc.isenabled()
    thread.join()
    assert ended == [True]
    assert said.getvalue().startswith("amisim: 'stuck' has left the world: it waits for something real, at ")
    assert "lock.acquire()" in said.getvalue()


def test_a_world_in_another_thread_is_watched_too(stop):
    errors = []

    def live():
        try:
            with amisim.World(patience=0.1):
                while True:
                    pass
        except OutsideWorld as error:
            errors.append(str(error))

    thread = threading.Thread(target=live)
    thread.start()
    thread.join()
    assert len(errors) == 1
    assert "computes on" in errors[0]


def test_the_signal_is_as_before():
    import signal

    before = signal.getsignal(signal.SIGURG)
    with World():
        assert signal.getsignal(signal.SIGURG) != before
    assert signal.getsignal(signal.SIGURG) == before


def test_who_looks_at_the_world_from_outside_does_not_use_it(stop):
    def look():
        while not stop.wait(0.001):
            assert (world.now, world.waiting()) == (0, [])

    with World(patience=0.1) as world:
        threading.Thread(target=look).start()
        with pytest.raises(OutsideWorld, match="waits for something real"):
            stop.wait(5)
        stop.set()


def test_who_looks_from_outside_at_the_time_pays_nothing_for_it():
    with World() as world:
        timer = world.modules["threading"].Timer(5, print)
        timer.start()
        with world.outside():
            for _ in range(30_000):
                assert world.now == 0
        timer.join()
        assert world.now == 5
