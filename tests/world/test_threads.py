"""Threads do in a world what they really do, but for the time."""

import concurrent.futures
import threading

import pytest

from amisim.world import World
from amisim.world.errors import Ended


def test_join_waits_for_the_end(alike):
    def program(m):
        thread = m.start(m.time.sleep, 3 * m.unit)
        seen = [thread.is_alive(), thread.join(m.unit), thread.is_alive(), thread.join(0), thread.join(-1)]
        return [*seen, thread.join(), thread.is_alive(), thread.join(), thread.join(5)]

    assert alike(program, takes=3) == [True, None, True, None, None, None, False, None, None]


def test_what_cannot_be_joined_or_started(alike):
    def program(m):
        seen = []
        new = m.threading.Thread(target=print)
        mine = m.start(lambda: seen.append(m.error(m.threading.current_thread().join)))
        mine.join()

        class Without(m.threading.Thread):
            def __init__(self):
                pass

        return [new.is_alive(), m.error(new.join), seen, m.error(mine.start), m.error(Without().start)[0]]

    alike(program)


def test_several_join_one(alike):
    def program(m):
        thread = m.start(m.time.sleep, 2 * m.unit)
        seen = []
        others = [m.start(lambda: seen.append(thread.join())) for _ in range(3)]
        for each in others:
            each.join()
        return seen

    assert alike(program, takes=2) == [None] * 3


def test_names_and_daemons(alike):
    def program(m):
        seen = []

        def look():
            me = m.threading.current_thread()
            seen.append((me.name, me.daemon, me is thread, me.ident == m.threading.get_ident(), me.is_alive()))
            child = m.threading.Thread(target=lambda: None)
            seen.append(child.daemon)

        thread = m.threading.Thread(target=look, name="looks", daemon=True)
        seen.append((thread.ident, thread.daemon, isinstance(thread, m.threading.Thread)))
        thread.start()
        thread.join()
        thread.name = "looked"
        return seen, thread.name, m.error(setattr, thread, "daemon", False), m.threading.main_thread().is_alive()

    alike(program)


def test_subclasses_and_arguments(alike):
    def program(m):
        seen = []

        class Mine(m.threading.Thread):
            def __init__(self, number):
                super().__init__(name=f"mine-{number}")
                self.number = number

            def run(self):
                m.time.sleep(self.number * m.unit)
                seen.append(self.number)

            def join(self, timeout=None):
                super().join(timeout)
                return "joined"

        threads = [Mine(3), Mine(1), Mine(2)]
        for each in threads:
            each.start()
        ends = [each.join() for each in threads]
        plain = m.threading.Thread(
            target=lambda *args, **options: seen.append((args, options)), args=(1,), kwargs={"a": 2}
        )
        plain.run()
        return seen, ends

    assert alike(program, takes=3) == ([1, 2, 3, ((1,), {"a": 2})], ["joined"] * 3)


def test_threads_that_start_threads(alike):
    def program(m):
        seen = m.queue.SimpleQueue()

        def start(depth):
            m.time.sleep(m.unit)
            if depth:
                threads = [m.start(start, depth - 1) for _ in range(2)]
                for each in threads:
                    each.join()
            seen.put(depth)

        start(3)
        return [seen.get() for _ in range(15)].count(0)

    assert alike(program, takes=4) == 8


def test_what_a_thread_raises_goes_to_the_hook_and_ends_it(alike, monkeypatch):
    import threading

    def program(m):
        seen = []
        monkeypatch.setattr(
            threading, "excepthook", lambda args: seen.append((args.exc_type, str(args.exc_value), args.thread.name))
        )

        def fail(error):
            m.time.sleep(m.unit)
            raise error

        for error in (ValueError("x"), SystemExit(1), KeyboardInterrupt()):
            thread = m.threading.Thread(target=fail, args=(error,), name="fails", daemon=True)
            thread.start()
            thread.join()
            seen.append(thread.is_alive())
        return seen

    alike(program, takes=3)


def test_a_hook_for_what_threads_raise_may_use_the_world(alike, monkeypatch):
    import threading

    def program(m):
        failed = m.queue.Queue()

        def hook(args):
            m.time.sleep(m.unit)
            failed.put(args.exc_type)

        monkeypatch.setattr(threading, "excepthook", hook)
        thread = m.start(lambda: 1 / 0)
        thread.join()
        return failed.get(timeout=m.unit), failed.empty()

    assert alike(program, takes=1) == (ZeroDivisionError, True)


def test_only_those_of_the_world_are_there(world):
    threading, time = world.modules["threading"], world.modules["time"]
    started = [threading.Thread(target=time.sleep, args=(each,), name=f"sleeps-{each}") for each in (1, 2)]
    for each in started:
        each.start()
    assert threading.enumerate() == [threading.main_thread(), *started]
    while threading.active_count() > 1:  # as scripts do that wait for all
        time.sleep(0.3)
    assert world.now == pytest.approx(2.1)
    assert threading.enumerate() == [threading.main_thread()]


@pytest.mark.parametrize(("kind", "options"), [("Thread", {}), ("Timer", {"interval": 1, "function": print})])
def test_a_thread_that_takes_no_part_starts_none(world, kind, options):
    import threading

    from amisim.world import OutsideWorld

    errors = []

    def start():
        try:
            getattr(world.modules["threading"], kind)(**options).start()
        except OutsideWorld as error:
            errors.append(str(error))

    with world.outside():
        thread = threading.Thread(target=start, name="stranger")
        thread.start()
        thread.join()
    assert len(errors) == 1
    assert "'stranger'" in errors[0]


def test_a_thread_is_the_daemon_that_it_is_said_to_be(alike):
    def program(m):
        plain, daemon = m.threading.Thread(target=lambda: None), m.threading.Thread(target=lambda: None, daemon=True)
        found = [plain.daemon, daemon.daemon]
        plain.start()
        found.append(plain.daemon)
        plain.join()
        plain = m.threading.Thread(target=lambda: found.append(m.threading.Thread().daemon))
        plain.start()
        plain.join()
        plain = m.threading.Thread()
        plain.daemon = True
        return [*found, plain.daemon]

    alike(program)


# The end of a world


def test_a_pool_that_is_left_says_nothing_when_its_world_ends(caplog):
    """Its threads log what ends them."""
    with World() as world, world.patch("concurrent.futures"):
        pool = concurrent.futures.ThreadPoolExecutor(2)
        assert pool.submit(world.sleep, 3).result() is None
        assert world.now == 3
    threading.Thread.join(next(iter(pool._threads)))
    assert caplog.records == []


def test_other_troubles_of_pools_are_logged(caplog):
    def fail():
        raise KeyError("broken")

    with concurrent.futures.ThreadPoolExecutor(1, initializer=fail) as pool:
        assert isinstance(pool.submit(len, "").exception(), concurrent.futures.BrokenExecutor)
    assert [record.exc_info[0] for record in caplog.records] == [KeyError]


def test_who_is_told_to_end_just_when_it_does_says_nothing(world, monkeypatch):
    scheduler = world._engine._scheduler
    finish, said = scheduler.finish, []

    def finish_and_be_told(participant):
        finish(participant)
        raise Ended

    monkeypatch.setattr(threading, "excepthook", said.append)
    monkeypatch.setattr(scheduler, "finish", finish_and_be_told)
    thread = world.modules["threading"].Thread(target=len, args=("",))
    thread.start()
    thread.join()
    threading.Thread.join(thread)
    assert said == []
