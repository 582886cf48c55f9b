"""What is looked at when a test is over."""

import pytest

pytest_plugins = ["pytester"]


def test_a_required_rule_that_was_not_used_fails_the_test_with_its_line(suite, pytester):
    pytester.makefile(
        ".yaml",
        pbx="amisim: 1\nrules:\n  - on: Getvar\n    required: yes\n    reply:\n      - response: Success\n"
        "  - on: Ping\n    required: no\n    reply:\n      - response: Success\n",
    )
    result = suite("""
        import pytest
        from ami import core
        from amisim import response

        def test_used(ami_server, ami_manager):
            ami_server.on("Getvar").reply(response(Value=1)).then(response(Value=2)).required()
            ami_server.on("Ping").reply(response()).times(2).required()
            for action in (core.Getvar("X"), core.Getvar("X"), core.Ping(), core.Ping()):
                ami_manager.send_action(action)

        def test_once(ami_server, ami_manager):
            ami_server.on("Ping").reply(response()).times(2).required()
            ami_server.on("Getvar").reply(response(Value=1)).then(response(Value=2)).required()
            ami_manager.send_action(core.Ping())

        @pytest.mark.ami(scenario="pbx.yaml")
        def test_scenario(ami_server):
            pass
    """)
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*test_*.py, line 13: required 2 x, <on Getvar: used 0 times>; what arrived: Challenge, Login, Ping",
            "*test_*.py, line 12: required 2 x, <on Ping: used 1 times>; what arrived: Challenge, Login, Ping",
            "*pbx.yaml, line 3: required 1 x, <on Getvar: used 0 times>; what arrived: nothing",
        ]
    )


LEAVING = """
    import asyncio
    import socket
    import threading
    import pytest

    {mark}
    def test_thread(ami_clock):
        threading.Thread(target=threading.Event().wait, name="worker").start()

    {mark}
    def test_timer(ami_clock):
        threading.Timer(60, print).start()

    {mark}
    def test_socket(ami_server):
        global connection
        connection = socket.create_connection((ami_server.host, ami_server.port))

    {mark}
    async def test_task(ami_async_manager):
        async def poll():
            await asyncio.sleep(60)
        global task
        task = asyncio.create_task(poll(), name="poller")
        await asyncio.sleep(0)
"""


def test_what_is_left_fails_the_test_and_says_where_it_began(suite):
    result = suite(LEAVING.format(mark=""))
    result.assert_outcomes(passed=4, errors=4)
    hint = 'end what a test begins, or allow it: leaves=[[]"{}"], with [*] for anything'
    result.stdout.fnmatch_lines(
        [
            "the test leaves the thread worker, which began at *.py:8 in test_thread",
            hint.format("thread worker"),
            "the test leaves the thread Thread-*, which began at *.py:12 in test_timer",
            "the test leaves the socket 127.0.0.1:*, which began at *.py:17 in test_socket",
            "the test leaves the task poller, which waits at *.py:22 in poll",
            hint.format("task poller"),
        ]
    )


def test_what_may_be_left_is_allowed_by_the_mark(suite):
    mark = '@pytest.mark.ami(leaves=["thread worker", "thread Thread-*", "socket *", "task poll*"])'
    suite(LEAVING.format(mark=mark)).assert_outcomes(passed=4)


def test_a_manager_that_a_test_leaves_open_is_told(suite):
    result = suite("""
        import ami

        def test_it(ami_server):
            global manager
            manager = ami.Manager()
            manager.connect(ami_server.host, ami_server.port)
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["the test leaves the thread *, which began at *.py:6 in test_it"])


def test_coroutines_that_leave_connections_to_the_server_are_told(suite):
    """The server is closed before this is looked at, and coroutines that heard that would close them."""
    result = suite("""
        import asyncio
        from ami import aio

        async def test_streams(ami_server, ami_clock):
            global left
            left = await asyncio.open_connection(ami_server.host, ami_server.port)

        async def test_manager(ami_server):
            global left
            left = aio.Manager()
            await left.connect(ami_server.host, ami_server.port)
    """)
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "the test leaves the socket 127.0.0.1:*, which began at *.py:6 in test_streams",
            "the test leaves the task ami-dispatcher, which began at *.py:11 in test_manager",
            "the test leaves the socket 127.0.0.1:*, which began at *.py:11 in test_manager",
        ]
    )


def test_what_ends_by_itself_is_not_left(suite):
    result = suite("""
        import asyncio
        import socket
        import threading
        import pytest
        from amisim.testing import trusting

        def test_threads(ami_server):
            threading.Thread(target=len, args=("",)).start()
            socket.create_connection((ami_server.host, ami_server.port)).close()

        async def test_tasks(ami_async_manager):
            asyncio.create_task(asyncio.sleep(0))
            await asyncio.sleep(1)

        @pytest.mark.ami(tls=True)
        async def test_closed(ami_server):
            secure = {"ssl": trusting(), "server_hostname": "localhost"}
            reader, writer = await asyncio.open_connection(ami_server.host, ami_server.port, **secure)
            await reader.readline()
            writer.close()  # and its last words are said later
    """)
    result.assert_outcomes(passed=3)


def test_a_test_that_fails_may_leave_something(suite):
    result = suite("""
        import threading

        def test_it(ami_clock):
            threading.Thread(target=threading.Event().wait).start()
            assert False
    """)
    result.assert_outcomes(failed=1)


@pytest.mark.parametrize("time", ["real", "scaled=10"])
def test_in_real_time_tasks_alone_are_known(suite, time):
    result = suite(
        """
        import asyncio
        import threading

        def test_thread(ami_clock):
            threading.Timer(0.01, print).start()

        async def test_task(ami_async_manager):
            global task
            task = asyncio.create_task(asyncio.sleep(60), name="poller")
    """,
        f"--ami-time={time}",
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["the test leaves the task poller, which began at *"])
