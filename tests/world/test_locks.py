"""Locks and what is made of them do in a world what they really do, but for the time."""

import threading

import pytest

from amisim import Deadlock, World


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "BoundedSemaphore"])
def test_what_somebody_has_is_waited_for_as_long_as_said(alike, kind):
    def program(m):
        lock = getattr(m.threading, kind)()
        seen = []

        def other():
            seen.append(lock.acquire(False))
            seen.append(lock.acquire(blocking=False))
            seen.append(lock.acquire(timeout=0))
            seen.append(lock.acquire(timeout=2 * m.unit))
            seen.append(lock.acquire(True, timeout=3 * m.unit))

        assert lock.acquire()
        m.start(other).join()
        return seen

    assert alike(program, takes=5) == [False] * 5


@pytest.mark.parametrize("kind", ["Lock", "RLock", "Semaphore", "BoundedSemaphore"])
def test_what_is_given_back_is_had_at_once(alike, kind):
    def program(m):
        lock = getattr(m.threading, kind)()
        seen = []

        def other():
            with lock as taken:
                seen.append(taken)
                seen.append(m.time.monotonic())

        with lock:
            thread = m.start(other)
            m.time.sleep(2 * m.unit)
            released = m.time.monotonic()
        thread.join()
        return seen[0], seen[1] >= released, lock.acquire(timeout=m.unit)

    assert alike(program, takes=2) == (True, True, True)


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
@pytest.mark.parametrize("arguments", [(False, 1), (True, -2), (True, None), (False, -1), (True, -1)])
def test_arguments_of_acquire(alike, kind, arguments):
    def program(m):
        seen = m.error(getattr(m.threading, kind)().acquire, *arguments)
        return seen if seen is True else seen[0]  # the words are not the same in all versions

    alike(program)


@pytest.mark.parametrize("kind", ["Semaphore", "BoundedSemaphore"])
def test_arguments_of_semaphores(alike, kind):
    def program(m):
        kinds = getattr(m.threading, kind)
        two = kinds(2)
        return [
            m.error(kinds, -1),
            m.error(two.acquire, False, 1),
            m.error(two.release, 0),
            [two.acquire(False), two.acquire(timeout=-1), two.acquire(False), two.acquire(timeout=-1)],
            two.release(2),
            [two.acquire(False), two.acquire(False), two.acquire(False)],
        ]

    alike(program)


def test_a_lock_that_nobody_has_is_not_given_back(alike):
    def program(m):
        bounded = m.threading.BoundedSemaphore(2)
        again = m.threading.RLock()
        again.acquire()
        seen = []
        m.start(lambda: seen.append(m.error(again.release))).join()
        return [
            m.error(m.threading.Lock().release),
            m.error(m.threading.RLock().release),
            m.error(bounded.release),
            bounded.acquire() and m.error(bounded.release, 2),
            seen,
        ]

    alike(program)


def test_a_lock_says_whether_somebody_has_it_and_any_thread_gives_it_back(alike):
    def program(m):
        lock = m.threading.Lock()
        seen = [lock.locked()]
        lock.acquire()
        seen.append(lock.locked())
        m.start(lock.release).join()
        return [*seen, lock.locked()]

    assert alike(program) == [False, True, False]


def test_a_lock_is_given_back_when_an_error_passes(alike):
    def program(m):
        lock = m.threading.RLock()
        with lock, lock:
            m.error(lock.__exit__, None, None, None)
            lock.acquire()
            raise KeyError("x")

    alike(program)


def test_an_rlock_is_given_back_as_often_as_it_was_taken(alike):
    def program(m):
        lock = m.threading.RLock()
        seen = []
        with lock:
            with lock:
                pass
            m.start(lambda: seen.append(lock.acquire(False))).join()
        m.start(lambda: seen.append(lock.acquire(False))).join()
        return seen

    assert alike(program) == [False, True]


def test_a_condition_without_its_lock(alike):
    def program(m):
        mine, plain = m.threading.Condition(), m.threading.Condition(m.threading.Lock())
        return [m.error(each) for one in (mine, plain) for each in (one.wait, one.notify, one.notify_all, one.release)]

    alike(program)


@pytest.mark.parametrize("lock", ["Lock", "RLock"])
def test_a_condition_wakes_as_many_as_said(alike, lock):
    def program(m):
        condition = m.threading.Condition(getattr(m.threading, lock)())
        waiting = m.threading.Semaphore(0)
        woken = m.queue.Queue()

        def wait():
            with condition:
                waiting.release()
                woken.put(condition.wait(20 * m.unit))

        threads = [m.start(wait) for _ in range(5)]
        for _ in threads:
            waiting.acquire()
        seen = []
        for wake in (condition.notify, lambda: condition.notify(n=2), condition.notify_all):
            with condition:
                wake()
            seen.append([woken.get() for _ in range(min(len(seen) + 1, 2))])
            m.time.sleep(m.unit)
            seen[-1].append(woken.qsize())
        with condition:
            condition.notify(3)  # nobody is there
        return seen

    assert alike(program, takes=3) == [[True, 0], [True, True, 0], [True, True, 0]]


@pytest.mark.parametrize("kind", ["semaphore", "of its own", "real"])
def test_a_condition_may_have_a_lock_of_any_kind(alike, kind):
    """As `threading` allows: one that can be acquired and released will do."""

    class Plain:
        def __init__(self, lock):
            self.acquire, self.release = lock.acquire, lock.release

        def __enter__(self):
            return self.acquire()

        def __exit__(self, *_):
            self.release()

    def program(m):
        made = {
            "semaphore": m.threading.Semaphore,
            "of its own": lambda: Plain(m.threading.Lock()),
            "real": threading.Lock,
        }
        condition = m.threading.Condition(made[kind]())
        seen = [m.error(condition.wait), m.error(condition.notify)]

        def notify():
            m.time.sleep(m.unit)
            with condition:
                seen.append(m.error(condition.notify))

        thread = m.start(notify)
        with condition:
            seen.append(condition.wait(5 * m.unit))
        thread.join()
        with condition:
            return [*seen, condition.wait(m.unit), m.error(m.threading.Condition, 3)]

    assert alike(program, takes=2)[0] == (RuntimeError, None, "cannot wait on un-acquired lock")


def test_a_condition_that_nobody_notifies(alike):
    def program(m):
        condition = m.threading.Condition()
        with condition, condition:
            seen = [condition.wait(2 * m.unit), condition.wait(0), condition.wait(-1)]
            # Its lock was given back meanwhile, and is held again as often as before.
            m.start(lambda: seen.append(condition.acquire(False))).join()
        m.start(lambda: seen.append(condition.acquire(False))).join()
        return seen

    assert alike(program, takes=2) == [False, False, False, False, True]


def test_a_condition_waits_for_what_is_asked(alike):
    def program(m):
        condition = m.threading.Condition()
        items = []

        def add():
            for each in range(3):
                m.time.sleep(m.unit)
                with condition:
                    items.append(each)
                    condition.notify()

        m.start(add)
        with condition:
            three = condition.wait_for(lambda: len(items) == 3 and "three")
            four = condition.wait_for(lambda: items[3:], timeout=2 * m.unit)
            now = condition.wait_for(lambda: 0, timeout=0), condition.wait_for(lambda: 7, timeout=-1)
        return three, four, now

    assert alike(program, takes=5) == ("three", [], (0, 7))


def test_events(alike):
    def program(m):
        event = m.threading.Event()
        seen = [event.is_set(), event.wait(0), event.wait(-1), event.wait(2 * m.unit)]
        timer = m.threading.Timer(m.unit, event.set)
        timer.start()
        seen += [event.wait(), event.wait(5 * m.unit), event.is_set(), timer.join()]
        event.clear()
        return [*seen, event.wait(timeout=m.unit)]

    assert alike(program, takes=4) == [False, False, False, False, True, True, True, None, False]


def test_a_timer_that_is_cancelled(alike):
    def program(m):
        called = []
        timer = m.threading.Timer(30 * m.unit, called.append, args=[1])
        timer.start()
        timer.cancel()
        timer.join()
        other = m.threading.Timer(m.unit, called.append, kwargs={})
        other.args = (2,)
        other.start()
        other.join()
        return called, timer.is_alive()

    assert alike(program, takes=1) == ([2], False)


def test_a_barrier(alike):
    def program(m):
        done = []
        barrier = m.threading.Barrier(3, action=lambda: done.append("action"))

        def wait():
            m.time.sleep(m.unit)
            done.append(barrier.wait() >= 0)

        threads = [m.start(wait), m.start(wait)]
        done.append(barrier.n_waiting)
        barrier.wait()
        for each in threads:
            each.join()
        return done, barrier.parties, barrier.broken, barrier.n_waiting

    assert alike(program, takes=1) == ([0, "action", True, True], 3, False, 0)


@pytest.mark.parametrize("end", ["abort", "reset", "timeout", "of the barrier", "action"])
def test_a_broken_barrier(alike, end):
    def program(m):
        barrier = m.threading.Barrier(
            2,
            timeout=2 * m.unit if end == "of the barrier" else None,
            action=(lambda: 1 / 0) if end == "action" else None,
        )
        seen = []
        thread = m.start(lambda: seen.append(m.error(barrier.wait)))
        m.time.sleep(m.unit)
        if end in ("abort", "reset"):
            getattr(barrier, end)()
        elif end == "timeout":
            seen.append(m.error(m.threading.Barrier(2).wait, m.unit))
            barrier.abort()
        elif end == "action":
            seen.append(m.error(barrier.wait))
        thread.join()
        return seen, barrier.broken, m.error(barrier.wait, 0)

    alike(program)


def test_thread_local_data(alike):
    def program(m):
        local = m.threading.local()
        local.name = "main"
        seen = []

        def other():
            seen.append(hasattr(local, "name"))
            local.name = "other"
            m.time.sleep(m.unit)
            seen.append(local.name)

        threads = [m.start(other), m.start(other)]
        for each in threads:
            each.join()
        return seen, local.name

    assert alike(program, takes=1) == ([False, False, "other", "other"], "main")


def test_the_classes_are_classes(alike):
    """So they can be named as types, and be the base of others."""

    def program(m):
        class Mine(m.threading.Event):
            def set(self):
                super().set()
                return "mine"

        class Counting(m.threading.Semaphore):
            pass

        names = ("Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier", "Timer", "Thread")
        return [isinstance(getattr(m.threading, each), type) for each in names], Mine().set(), Counting(2).acquire()

    alike(program)


def test_a_deadlock_in_a_condition_whose_lock_another_has_is_one():
    def hold(condition, event):
        with condition:
            event.wait()

    def wait(threading):
        condition = threading.Condition()
        threading.Timer(1, hold, (condition, threading.Event())).start()
        with condition:
            condition.wait()

    with pytest.raises(Deadlock), World() as world:
        wait(world.modules["threading"])
