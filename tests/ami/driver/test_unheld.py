"""A manager that nobody holds is collected, and its threads end."""

import gc
import subprocess
import sys
import threading
import weakref

import pytest

import ami
from ami import ManagerSocketError, core
from ami.manager import Manager
from amisim import event

from .threaded import connection_of, log_in, names, threads


@pytest.mark.parametrize("connected", [True, False])
def test_a_manager_that_nobody_holds_is_collected_and_its_threads_end(server, connected):
    manager = Manager()
    log_in(manager, server)
    if not connected:
        manager.disconnect()
    running, reference = threads(), weakref.ref(manager)
    del manager
    assert reference() is None
    for thread in running:
        thread.join(5)
    assert names() == []


def test_a_manager_that_its_own_callbacks_hold_is_collected_too(server):
    class Program:
        def __init__(self) -> None:
            self.manager = Manager()
            self.manager.register_callback("Hangup", self.hear)
            self.manager.register_callback("Hangup", lambda event, manager: self.hear(event, manager))
            self.heard = threading.Event()

        def hear(self, event: ami.Event, manager: Manager) -> None:
            self.heard.set()

    program = Program()
    log_in(program.manager, server)
    server.emit(event("Hangup"))
    assert program.heard.wait(5)
    running, collected = threads(), threading.Event()
    reference = weakref.ref(program.manager, lambda reference: collected.set())
    del program
    for _ in range(100):
        gc.collect()
        if collected.wait(0.01):
            break
    assert reference() is None
    for thread in running:
        thread.join(5)
    assert names() == []


def test_a_monitored_manager_that_nobody_holds_is_collected_too(server):
    manager = Manager()
    log_in(manager, server)
    manager.monitor_connection(60)
    running, reference = threads(), weakref.ref(manager)
    assert len(running) == 3
    del manager
    assert reference() is None
    for thread in running:
        thread.join(5)
    assert names() == []


@pytest.mark.parametrize("place", ["the link", "the session"])
def test_a_manager_may_be_collected_in_the_middle_of_its_own_work(server, start, monkeypatch, place):
    """The garbage collector runs where it likes: in the reading thread, for one, while that holds its lock."""
    manager = Manager()
    manager.connect(server.host, server.port)
    running, reference = threads(), weakref.ref(manager)
    connection = connection_of(manager)
    held = [manager]
    collected = threading.Event()

    def drop() -> None:
        held.clear()
        collected.set()

    if place == "the link":
        send_some = connection._link._send_some  # type: ignore[attr-defined]
        monkeypatch.setattr(connection._link, "_send_some", lambda data: (drop(), send_some(data))[1])
    else:
        receive_data = connection.session.receive_data
        monkeypatch.setattr(connection.session, "receive_data", lambda *args: (drop(), receive_data(*args))[1])
    del manager
    ping = start(connection.send_action, core.Ping())
    assert collected.wait(5)
    assert reference() is None
    assert isinstance(ping.exception(timeout=5), ManagerSocketError | None)
    for thread in running:
        thread.join(5)
    assert names() == []


def test_a_program_may_end_without_closing_its_manager(server):
    program = (
        "import sys, ami\n"
        "manager = ami.Manager()\n"
        "manager.connect(sys.argv[1], int(sys.argv[2]))\n"
        "manager.login(sys.argv[3], sys.argv[4])\n"
        "manager.register_callback('', lambda event, manager: None)\n"
        "manager.monitor_connection()\n"
        "print(manager.send_action(ami.core.Ping()).success)\n"
    )
    arguments = [sys.executable, "-c", program, server.host, str(server.port), server.username, server.secret]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


@pytest.mark.parametrize("module", ["ami", "ami.aio"])
def test_a_manager_that_outlives_its_module_says_nothing(module):
    """At its end the interpreter empties modules, in whatever order; what an older one has goes last."""
    program = (
        f"import asyncio, threading, {module} as library, {module}.manager as its\n"
        "async def main():\n"
        "    threading.kept = library.Manager(), its\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_manager_that_was_never_made_can_be_collected():
    manager = Manager.__new__(Manager)
    reference = weakref.ref(manager)
    del manager
    assert reference() is None
