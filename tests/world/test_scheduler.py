"""Who runs when, what time it is, and how a world ends."""

import os
import signal
import threading

import pytest

import amisim
from amisim.world import Deadlock, WorldError


def start(world, function, *args, name=None):
    thread = world.modules["threading"].Thread(target=function, args=args, name=name, daemon=True)
    thread.start()
    return thread


def left() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("guest")]


def test_at_one_time_those_go_on_first_that_waited_first():
    seen = []
    with amisim.World(switches={}) as world:
        times, threads = world.modules["time"], []

        def wait(number, first):
            times.sleep(first)
            times.sleep(5 - first)
            seen.append(number)

        for number, first in enumerate((3, 1, 2, 1)):
            threads.append(start(world, wait, number, first))
        world.sleep(5)
        for each in threads:
            each.join()
    assert seen == [1, 3, 2, 0]


def test_all_that_is_due_has_happened_when_time_was_advanced(world):
    seen = []
    lock = world.modules["threading"].Condition()

    def follow():
        with lock:
            while True:
                lock.wait()
                seen.append(("follows", world.now))

    def lead():
        for _ in range(3):
            world.sleep(2)
            seen.append(("leads", world.now))
            with lock:
                lock.notify_all()

    start(world, follow)
    start(world, lead)
    world.advance(0)
    assert seen == []
    world.advance(2)
    assert (world.now, seen) == (2, [("leads", 2), ("follows", 2)])
    world.advance(3.5)
    assert (world.now, len(seen)) == (5.5, 4)
    world.advance(0.5)
    assert (world.now, seen[4:]) == (6, [("leads", 6), ("follows", 6)])


def test_advancing_by_nothing_lets_others_do_what_they_can(world):
    seen = []
    queue = world.modules["queue"].SimpleQueue()
    start(world, lambda: [seen.append(queue.get()) for _ in range(3)])
    for each in range(3):
        queue.put(each)
    world.advance(0)
    assert (world.now, seen) == (0, [0, 1, 2])


def test_several_advance_the_time(world):
    seen = []

    def advance(seconds):
        world.advance(seconds)
        seen.append((seconds, world.now))

    threads = [start(world, advance, each) for each in (3, 1, 2)]
    for each in threads:
        each.join()
    assert seen == [(1, 1), (2, 2), (3, 3)]


def test_time_does_not_go_back(world):
    with pytest.raises(ValueError, match="-1 s: time does not go back"):
        world.advance(-1)
    with pytest.raises(ValueError, match="sleep length must be non-negative"):
        world.sleep(-1)


def test_without_automatic_time_only_advance_moves_it():
    seen = []
    with amisim.World(automatic=False) as world:
        thread = start(world, lambda: [seen.append(world.sleep(5)), seen.append(world.now)], name="sleeper")
        world.advance(4.9)
        assert (seen, world.now) == ([], 4.9)
        with pytest.raises(Deadlock, match=r"time moves by advance\(\) alone:\n.*\n? *sleeper waits for 5 s \(sleep\)"):
            thread.join()
        world.advance(1)
        thread.join()
        assert (seen, world.now) == ([None, 5], 5.9)


def test_the_limit():
    with amisim.World(limit=10) as world:
        world.sleep(10)
        with pytest.raises(Deadlock, match=r"at 10 s this takes longer than 10 s \(limit\):\n  main waits for 0\.5 s"):
            world.sleep(0.5)
        assert world.now == 10


def hold(lock):
    lock.acquire()
    lock.acquire()


def test_a_deadlock_says_who_waits_for_what_and_where(world):
    modules = world.modules
    lock, event = modules["threading"].Lock(), modules["threading"].Event()
    listening = modules["socket"].create_server(("127.0.0.1", 0))
    client = modules["socket"].create_connection(listening.getsockname())
    start(world, hold, lock, name="holds")
    start(world, modules["queue"].Queue().get, name="takes")
    kept = []
    start(world, lambda: kept.append(listening.accept()), name="accepts").join(0)
    start(world, lambda: client.recv(1), name="receives")
    start(world, lambda: modules["select"].select([client], [], []), name="selects")
    joins = start(world, lambda: start(world, event.wait, name="event").join(), name="joins")
    with pytest.raises(Deadlock) as caught:
        joins.join()
    said = {line.split()[0]: line for line in str(caught.value).splitlines()[1:]}
    assert str(caught.value).splitlines()[0] == "at 0 s everybody waits, and nobody until a time:"
    for name, what in {
        "main": "the end of the thread 'joins'",
        "holds": "a lock",
        "takes": "a condition",
        "receives": "data",
        "selects": "sockets",
        "joins": "the end of the thread 'event'",
        "event": "a condition",
    }.items():
        assert said[name].startswith(f"  {name} waits for {what}")
    line = hold.__code__.co_firstlineno + 2
    assert said["holds"].endswith(f"a lock, {__file__}:{line} in hold: lock.acquire()")
    assert said["event"].endswith("a condition, its target Event.wait")
    assert f"{__file__}:" in said["main"]
    assert said["main"].endswith("joins.join()")


def test_the_test_goes_on_after_a_deadlock(world):
    event = world.modules["threading"].Event()
    seen = []
    start(world, lambda: [event.wait(), seen.append(world.now)])
    for _ in range(2):
        with pytest.raises(Deadlock):
            event.wait()
    world.sleep(3)
    event.set()
    world.advance(0)
    assert seen == [3]


def test_a_deadlock_is_told_where_the_world_was_entered(world):
    """Not in the thread that happens to wait last."""
    queue = world.modules["queue"].Queue()
    seen = []

    def wait():
        world.sleep(1)
        try:
            queue.get()
        except Exception as error:
            seen.append(error)

    start(world, wait)
    with pytest.raises(Deadlock):
        world.modules["threading"].Event().wait()
    assert seen == []


def test_the_end_of_a_world_ends_who_waits():
    seen = []
    with amisim.World() as world:
        event, queue = world.modules["threading"].Event(), world.modules["queue"].Queue()
        lock = world.modules["threading"].Lock()

        def clean_up():
            try:
                event.wait()
            finally:
                try:
                    queue.get()
                finally:
                    seen.append("cleaned up")

        def swallow():
            while True:
                try:
                    queue.get(timeout=1)
                except Exception:
                    continue

        def locked():
            with lock:
                event.wait()

        def beget():
            try:
                event.wait()
            finally:
                start(world, event.wait, name="guest-late")

        for each in (clean_up, swallow, locked, locked, beget, world.modules["time"].sleep):
            args = (1e9,) if each is world.modules["time"].sleep else ()
            start(world, each, *args, name=f"guest-{each.__name__}")
        start(world, start, world, event.wait, name="guest-not-begun")
        world.sleep(10.5)
        begun = world.modules["threading"].Thread(target=event.wait, name="guest-new")
        begun.start()
    assert seen == ["cleaned up"]
    assert left() == []


def test_the_end_of_a_world_after_an_error_ends_who_waits():
    def fail():
        with amisim.World() as world:
            start(world, world.modules["threading"].Event().wait, name="guest")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    assert left() == []


def test_who_does_not_end_is_named(monkeypatch):
    monkeypatch.setattr("amisim.world.scheduler._PATIENCE", 0.05)
    go_on = threading.Event()

    def stay(event):
        while not go_on.is_set():
            try:
                event.wait()
            except BaseException:
                go_on.wait(0.01)

    def live():
        with amisim.World() as world:
            threads.append(start(world, stay, world.modules["threading"].Event(), name="stays"))
            world.advance(0)

    threads = []
    with pytest.raises(WorldError, match=r"these threads do not end, .*: stays"):
        live()
    go_on.set()
    threading.Thread.join(threads[0])


def test_a_world_that_is_over_says_so():
    with amisim.World() as world:
        event = world.modules["threading"].Event()
    for use in (lambda: event.wait(1), lambda: world.sleep(1), lambda: world.advance(1)):
        with pytest.raises(WorldError, match="the world is over"):
            use()


def polls(m):
    """Loops that never wait, until somebody else has done something."""
    lock, held, done = m["threading"].Lock(), m["threading"].Lock(), []
    event, items, semaphore = m["threading"].Event(), m["queue"].Queue(), m["threading"].Semaphore(0)
    simple, condition = m["queue"].SimpleQueue(), m["threading"].Condition()
    one, other = m["socket"].socketpair()
    one.setblocking(False)
    held.acquire()

    def finish():
        m["time"].sleep(0.02)
        held.release()
        event.set()
        semaphore.release()
        for each in (items, simple):
            each.put(1)
        other.send(b"x")
        done.append(1)

    thread = m["threading"].Thread(target=finish)
    thread.start()

    def seen(function, *args):
        try:
            return function(*args)
        except Exception:
            return False

    def with_lock():
        with lock:
            return done

    def with_condition():
        with condition:
            condition.wait(0)
            return done

    def logs_in_vain():
        simple.put("nothing yet")  # somebody is woken by this each time
        return seen(one.recv, 1)

    def log():
        while simple.get() != 1:
            pass

    logger = m["threading"].Thread(target=log, daemon=True)
    return {
        "acquire": lambda: held.acquire(False),
        "acquire without time": lambda: held.acquire(timeout=0),
        "get_nowait": lambda: seen(items.get_nowait),
        "simple get_nowait": lambda: seen(simple.get_nowait),
        "recv": lambda: seen(one.recv, 1),
        "select": lambda: m["select"].select([one], [], [], 0)[0],
        "time": lambda: m["time"].perf_counter() >= 0.02,
        "time and a lock": lambda: with_lock() and m["time"].monotonic() >= 0.02,
        "sleep": lambda: m["time"].sleep(0) or done,
        "is_set": event.is_set,
        "is_alive": lambda: not thread.is_alive(),
        "join": lambda: thread.join(0) or not thread.is_alive(),
        "semaphore": lambda: semaphore.acquire(False),
        "empty": lambda: not items.empty(),
        "a lock": with_lock,
        "wait": lambda: event.wait(0),
        "wait of a condition": with_condition,
        "locked": lambda: not held.locked(),
        "while somebody is woken": lambda: (logger.ident or logger.start()) and logs_in_vain(),
    }


LOOKS = [
    "acquire", "acquire without time", "get_nowait", "simple get_nowait", "recv", "select", "time", "time and a lock",
    "sleep", "is_set", "is_alive", "join", "semaphore", "empty", "a lock", "wait", "wait of a condition", "locked",
    "while somebody is woken",
]  # fmt: skip


@pytest.mark.parametrize("what", LOOKS)
def test_who_looks_again_and_again_lets_others_go_on(world, what):
    look = polls(world.modules)[what]
    while not look():
        pass
    assert 0.02 <= world.now < 0.1


def test_much_work_takes_no_time(world):
    items = world.modules["queue"].Queue()
    for each in range(10_000):
        items.put(each)
    assert [items.get() for _ in range(10_000)] == list(range(10_000))
    assert world.now == 0


@pytest.mark.usefixtures("interruptible")
def test_a_signal_in_the_main_thread():
    def live():
        with amisim.World() as world:
            event = world.modules["threading"].Event()

            def interrupt():
                os.kill(os.getpid(), signal.SIGINT)
                event.wait(5)

            start(world, interrupt, name="guest-interrupts")
            start(world, event.wait, name="guest-waits")
            event.wait(10)

    with pytest.raises(KeyboardInterrupt):
        live()
    assert left() == []


def test_a_thread_that_takes_no_part_is_told_so(world):
    errors = []
    event = world.modules["threading"].Event()

    def use():
        for each in (lambda: event.wait(1), lambda: world.sleep(1), lambda: world.modules["queue"].Queue().get()):
            try:
                each()
            except WorldError as error:
                errors.append(str(error))

    with world.outside():
        thread = threading.Thread(target=use, name="stranger")
        thread.start()
        thread.join()
    assert len(errors) == 3
    assert all("the thread 'stranger' uses something of a world in which it takes no part" in each for each in errors)


def test_garbage_that_uses_the_world_is_collected_where_it_belongs(world):
    """In the thread that has its turn; collection by chance is off in a world, and on again after it."""
    import gc

    seen = []

    class Closes:
        def __init__(self):
            self.me = self
            self.lock = world.modules["threading"].Lock()

        def __del__(self):
            with self.lock:
                seen.append(threading.current_thread().name)

    Closes()
    assert not gc.isenabled()
    collector = start(world, gc.collect, name="collects")
    collector.join()
    assert seen == ["collects"]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_what_is_no_time_is_refused(world, seconds):
    with pytest.raises(ValueError, match=f"{seconds} s: time does not go back, nor to its end"):
        world.advance(seconds)
    with pytest.raises(ValueError, match=f"{seconds} s: the wall clock cannot be set there"):
        world.step_clock(seconds)
    with pytest.raises(ValueError, match=f"patience {seconds}: how many seconds, more than 0, is to be said"):
        amisim.World(patience=seconds)


def test_who_only_sleeps_has_garbage_collected(world):
    class Cycle:
        def __init__(self):
            self.own = self

        def __del__(self):
            collected.append(world.now)

    def sleep():
        for _ in range(40_000):
            Cycle()
            world.sleep(0.001)

    collected = []
    threads = [start(world, sleep) for _ in range(3)]
    for each in threads:
        each.join()
    assert collected
