"""Virtual time in the fixtures, in test suites of other projects."""

import pytest

pytest_plugins = ["pytester"]

IN_EACH_TIME = pytest.mark.parametrize("time", ["virtual", "scaled=10"])


@IN_EACH_TIME
def test_a_late_answer(suite, time):
    result = suite(
        """
        from ami import core
        from amisim import response, wait

        def test_late_answer(ami_server, ami_manager, ami_clock):
            late = []
            ami_manager.register_callback(None, lambda response, manager: late.append(response))
            ami_server.on("Ping").reply(wait(7), response(Ping="Pong"))
            before = ami_clock.now
            assert ami_manager.send_action(core.Ping()) is None
            assert ami_clock.now - before >= 5
            ami_clock.advance(3)
            assert len(late) == 1
    """,
        f"--ami-time={time}",
    )
    result.assert_outcomes(passed=1)


def test_a_test_fails_once_if_a_task_or_a_callback_of_its_loop_leaves_the_world(suite):
    result = suite("""
        import asyncio
        import threading

        import pytest
        from amisim import event

        async def wait_for_ever():
            threading.Event().wait()

        async def test_task(ami_server):
            task = asyncio.create_task(wait_for_ever())
            await asyncio.sleep(5)

        @pytest.mark.ami(patience=0.1)
        async def test_callback(ami_server, ami_async_manager):
            ami_async_manager.register_callback("Hangup", lambda event, manager: all(True for _ in iter(int, 1)))
            ami_server.emit(event("Hangup", Channel="x", Cause=16))
            await asyncio.sleep(1)
    """)
    result.assert_outcomes(failed=2)


def test_long_waits_take_no_time(suite):
    result = suite("""
        import ami
        from ami import core

        def test_a_back_off(ami_server, ami_clock):
            gaps = []
            slowly = ami.Reconnect(initial=30, jitter=0)
            host, port = ami_server.host, ami_server.port
            with ami.connect(host, port, username="admin", secret="secret", reconnect=slowly) as manager:
                manager.register_callback(ami.Gap, lambda gap, manager: gaps.append(gap))
                ami_server.disconnect("reset")
                ami_clock.advance(29.999)
                assert gaps == [] and not manager.is_connected()
                ami_clock.advance(0.001)
                assert len(gaps) == 1 and manager.is_connected()

        def test_a_quiet_hour(ami_server, ami_manager, ami_clock):
            ami_manager.monitor_connection(3600)
            ami_clock.advance(3599.999)
            assert "Ping" not in [action.name for action in ami_server.actions]
            ami_clock.advance(0.001)
            assert "Ping" in [action.name for action in ami_server.actions]
    """)
    result.assert_outcomes(passed=2)


def test_the_mark_says_what_the_world_is(suite):
    result = suite("""
        import datetime
        import threading
        import time

        import amisim
        import pytest

        @pytest.mark.ami(start=datetime.datetime(2024, 2, 29, 23, tzinfo=datetime.UTC), utc_offset=2)
        def test_the_time_of_day(ami_clock):
            assert time.localtime()[:4] == (2024, 3, 1, 1)

        @pytest.mark.ami(limit=60)
        def test_how_long(ami_clock):
            with pytest.raises(amisim.Deadlock, match=r"this takes longer than 60 s"):
                time.sleep(61)

        @pytest.mark.ami(patience=0.1)
        def test_who_leaves(ami_clock):
            with pytest.raises(amisim.OutsideWorld, match="computes on"):
                while True:
                    pass
    """)
    result.assert_outcomes(passed=3)


def test_the_module_of_the_test_and_those_that_are_named_live_in_the_world(suite, pytester):
    pytester.makepyfile(
        their_monitor="""
        import threading
        import time

        class Monitor(threading.Thread):
            def __init__(self, manager):
                super().__init__(daemon=True)
                self.manager, self.pongs = manager, 0

            def run(self):
                from ami import core
                while self.pongs < 3:
                    time.sleep(60)
                    self.pongs += self.manager.send_action(core.Ping()).success
        """
    )
    result = suite("""
        import threading
        import time
        import pytest
        from their_monitor import Monitor

        @pytest.mark.ami(patch=["their_monitor"])
        def test_three_minutes(ami_manager, ami_clock):
            monitor = Monitor(ami_manager)
            monitor.start()
            monitor.join()
            assert ami_clock.now == 180 == time.monotonic()

        def test_an_event(ami_manager, ami_clock):
            ready = threading.Event()
            threading.Timer(10, ready.set).start()
            assert ready.wait()
            assert ami_clock.now == 10

        def test_afterwards_time_is_as_before():
            assert threading.Thread in Monitor.__bases__ and time.monotonic() != 10
    """)
    result.assert_outcomes(passed=3)


def test_modules_can_be_named_for_the_whole_suite(suite, pytester):
    pytester.makepyfile(their_clock="from time import monotonic, sleep")
    pytester.makepyprojecttoml('[tool.amikit]\npatch = ["their_clock"]\n')
    result = suite("""
        import their_clock

        def test_it(ami_clock):
            their_clock.sleep(5)
            assert their_clock.monotonic() == 5
    """)
    result.assert_outcomes(passed=1)


def test_asyncio_runs_in_the_same_world(suite):
    result = suite("""
        import asyncio
        from ami import aio, core
        from amisim import response, wait

        def test_a_time_out(ami_server, ami_clock):
            ami_server.on("Ping").reply(wait(7), response(Ping="Pong"))

            async def main():
                async with aio.connect(ami_server.host, ami_server.port, username="admin", secret="secret") as manager:
                    assert await manager.send_action(core.Ping()) is None
                    assert ami_clock.now == asyncio.get_running_loop().time() == 5

            ami_clock.run(main())
    """)
    result.assert_outcomes(passed=1)


def test_time_can_be_real(suite):
    result = suite(
        """
        import socket
        import pytest

        @pytest.mark.ami(time="real")
        def test_a_real_socket(ami_server):
            with socket.create_connection((ami_server.host, ami_server.port)) as connection:
                assert type(connection).__module__ != "amisim"
                assert connection.recv(100).startswith(b"Asterisk Call Manager/")

        def test_a_real_manager(ami_server, ami_manager, ami_clock):
            assert ami_manager.is_connected()
            assert ami_clock.digest == ""
    """,
        "--ami-time=real",
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("how", ["option", "mark", "setting"])
def test_a_time_that_is_none_is_said_in_one_line(suite, pytester, how):
    mark = '@pytest.mark.ami(time="slow")' if how == "mark" else ""
    options = ["--ami-time=slow"] if how == "option" else []
    if how == "setting":
        pytester.makepyprojecttoml('[tool.amikit]\ntime = "slow"\n')
    result = suite(
        f"""
        import pytest

        {mark}
        def test_it(ami_clock):
            pass
    """,
        *options,
    )
    result.stdout.fnmatch_lines(["*time 'slow' is none of 'virtual', 'real', and 'scaled=50'*"])


def test_the_seed_decides_who_comes_first(suite):
    source = """
        import threading

        def test_order(ami_clock):
            order = []
            lock = threading.Lock()
            def enter(name):
                with lock:
                    order.append(name)
            with lock:
                threads = [threading.Thread(target=enter, args=(name,)) for name in "abcdef"]
                for thread in threads:
                    thread.start()
                ami_clock.advance(0)
            for thread in threads:
                thread.join()
            with open("orders.txt", "a") as orders:
                orders.write("".join(order) + "\\n")
    """
    for seed in (1, 1, 2, 3, 4):
        suite(source, f"--ami-seed={seed}").assert_outcomes(passed=1)
    with open("orders.txt") as orders:
        first, again, *others = orders.read().split()
    assert first == again
    assert set(others) - {first}


def test_who_waits_for_ever_is_named(suite):
    result = suite("""
        import threading

        def test_that_hangs(ami_manager):
            threading.Event().wait()
    """)
    result.assert_outcomes(failed=1)
    said = ["*Deadlock: at * everybody waits*", "*main waits for a condition, *.py:4 in test_that_hangs: *"]
    result.stdout.fnmatch_lines(said)
