"""Bad days of a process: it ends with a live manager, or it forks."""

import os
import subprocess
import sys
import textwrap

import pytest

from amisim import close, event, response


def run(server, driver: str, *lines: str, times: int = 1) -> None:
    """Run a program that has a manager, logged in; it must end well, and say nothing but `end`."""
    body = "\n".join(textwrap.dedent(each) for each in lines)
    program = textwrap.dedent(PROGRAMS[driver]).replace("    BODY\n", textwrap.indent(body, "    ") + "\n")
    program = program.replace("TIMES", str(times))
    arguments = [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", program]
    address = [server.host, str(server.port), server.username, server.secret]
    done = subprocess.run([*arguments, *address], check=False, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)


PROGRAMS = {
    "threads": """
        import multiprocessing, os, sys, threading, traceback
        import ami
        from ami import core

        host, port, *user = sys.argv[1:]
        manager = ami.Manager(reconnect=ami.Reconnect(initial=600))
        manager.connect(host, int(port))
        manager.login(*user)

        def check(work):
            try:
                work()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)

        def wait_for_child(pid):
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

        def main():
            BODY

        main()
        print("end", flush=True)
        """,
    "asyncio": """
        import asyncio, multiprocessing, os, sys, threading, traceback
        import ami
        from ami import aio, core

        host, port, *user = sys.argv[1:]

        def check(work):
            try:
                asyncio.run(work())
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)

        def wait_for_child(pid):
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

        async def main():
            global manager
            manager = globals().get("manager") or aio.Manager(reconnect=ami.Reconnect(initial=600))
            assert manager.state == "closed"
            await manager.connect(host, int(port))
            await manager.login(*user)
            BODY

        for _ in range(TIMES):
            asyncio.run(main())
        print("end", flush=True)
        """,
}

THREADS_ENDS = {
    "idle": "manager.monitor_connection()",
    "in a callback": """
        entered = threading.Event()
        manager.register_callback("Hangup", lambda event, manager: (entered.set(), threading.Event().wait()))
        manager.send_action(ami.Request("Go"))
        assert entered.wait(20)
        """,
    "in an action": """
        sent = threading.Thread(target=manager.send_action, args=(ami.Request("Wait"),), daemon=True)
        sent.start()
        manager.send_action(core.Ping())
        """,
    "in a stream": """
        threading.Thread(target=next, args=(manager.events("Hangup"),), daemon=True).start()
        """,
    "between two attempts": """
        waiting = threading.Event()
        manager.register_callback(ami.StateChange, lambda change, manager: change.state == "waiting" and waiting.set())
        manager.send_action(ami.Request("Die"))
        assert waiting.wait(20)
        """,
    "closed": "manager.close()",
}

ASYNCIO_ENDS = {
    "idle": "monitor = manager.monitor_connection()",
    "in a callback": """
        entered = asyncio.Event()
        async def callback(event, manager):
            entered.set()
            await asyncio.Event().wait()
        manager.register_callback("Hangup", callback)
        await manager.send_action(ami.Request("Go"))
        await entered.wait()
        """,
    "in an action": """
        global task
        task = asyncio.create_task(manager.send_action(ami.Request("Wait")))
        await manager.send_action(core.Ping())
        """,
    "in a stream": """
        global task
        task = asyncio.create_task(anext(manager.events("Hangup")))
        await asyncio.sleep(0)
        """,
    "between two attempts": """
        waiting = asyncio.Event()
        manager.register_callback(ami.StateChange, lambda change, manager: change.state == "waiting" and waiting.set())
        await manager.send_action(ami.Request("Die"))
        await waiting.wait()
        """,
    "at once": "await manager.connect(host, int(port))",
    "while it connects": """
        global task
        task = asyncio.create_task(manager.connect(host, int(port)))
        await asyncio.sleep(0)
        """,
    "closed": "await manager.close()",
}


@pytest.fixture
def scripted(server):
    server.on("Go").reply(response(), event("Hangup"))
    server.on("Wait").reply()
    server.on("Die").reply(response(), close())
    return server


@pytest.mark.parametrize("moment", THREADS_ENDS)
def test_a_program_with_threads_may_end_at_any_moment(scripted, moment):
    run(scripted, "threads", THREADS_ENDS[moment])


@pytest.mark.parametrize("moment", ASYNCIO_ENDS)
def test_a_program_with_asyncio_may_end_at_any_moment(scripted, moment):
    run(scripted, "asyncio", ASYNCIO_ENDS[moment])


def test_a_manager_outlives_its_event_loop(scripted):
    run(scripted, "asyncio", "assert (await manager.send_action(core.Ping())).success", times=3)


# Forks

THREADS_CHILD = """
    stream = manager.events("Hangup")
    def child():
        assert not manager.is_connected()
        assert manager.state == "closed"
        assert manager.get_connection() is None
        try:
            manager.send_action(core.Ping())
        except ami.ManagerError as error:
            assert "Not connected" in str(error)
        else:
            raise AssertionError
        try:
            next(stream)
        except ami.ManagerSocketError as error:
            assert "belongs to the process" in str(error)
        else:
            raise AssertionError
        stream.close()
        manager.close()
        manager.connect(host, int(port))
        manager.login(*user)
        hangup = manager.events("Hangup")
        assert manager.send_action(ami.Request("Go")).success
        assert next(hangup).name == "Hangup"
        manager.close()
    """

ASYNCIO_CHILD = """
    stream = manager.events("Hangup")
    async def child():
        assert not manager.is_connected()
        assert manager.state == "closed"
        assert manager.get_connection() is None
        try:
            await manager.send_action(core.Ping())
        except ami.ManagerError as error:
            assert "Not connected" in str(error)
        else:
            raise AssertionError
        try:
            await anext(stream)
        except ami.ManagerSocketError as error:
            assert "belongs to the process" in str(error)
        else:
            raise AssertionError
        stream.close()
        await manager.close()
        await manager.connect(host, int(port))
        await manager.login(*user)
        hangup = manager.events("Hangup")
        assert (await manager.send_action(ami.Request("Go"))).success
        assert (await anext(hangup)).name == "Hangup"
        await manager.close()
    """

FORK = """
    pid = os.fork()
    if pid == 0:
        check(child)
    wait_for_child(pid)
    """

PROCESS = """
    process = multiprocessing.get_context("fork").Process(target=check, args=(child,))
    process.start()
    process.join()
    assert process.exitcode == 0
    """

STILL_THERE = {
    "threads": """
        assert manager.send_action(ami.Request("Go")).success
        assert next(stream).name == "Hangup"
        manager.close()
        """,
    "asyncio": """
        assert (await manager.send_action(ami.Request("Go"))).success
        assert (await anext(stream)).name == "Hangup"
        await manager.close()
        """,
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("how", [FORK, PROCESS], ids=["os.fork", "multiprocessing"])
@pytest.mark.parametrize(("driver_name", "child"), [("threads", THREADS_CHILD), ("asyncio", ASYNCIO_CHILD)])
def test_a_fork_leaves_the_link_to_the_parent(scripted, driver_name, child, how):
    run(scripted, driver_name, child, how, STILL_THERE[driver_name])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_may_happen_while_much_goes_on(scripted):
    scripted.on("Flood").reply(response(), *[event("Hangup")] * 2000)
    run(
        scripted,
        "threads",
        """
        streams = [manager.events() for _ in range(20)]
        manager.register_callback("", lambda event, manager: None)
        for _ in range(10):
            manager.send_action(ami.Request("Flood"))
            pid = os.fork()
            if pid == 0:
                check(lambda: (manager.close(), [stream.close() for stream in streams], manager.close()))
            wait_for_child(pid)
        assert manager.send_action(core.Ping()).success
        """,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_may_happen_in_a_callback_and_between_two_attempts(scripted):
    run(
        scripted,
        "threads",
        """
        seen = threading.Event()
        def fork(change, manager):
            if change.state == "waiting":
                assert manager.state == "waiting"
                pid = os.fork()
                if pid == 0:
                    check(lambda: (manager.close(), manager.connect(host, int(port)), manager.close()))
                wait_for_child(pid)
                seen.set()
        manager.register_callback(ami.StateChange, fork)
        manager.send_action(ami.Request("Die"))
        assert seen.wait(20)
        assert manager.state == "waiting"
        """,
    )
