"""The threads of a manager: which there are, and when they end."""

import sys
import threading
from queue import SimpleQueue
from typing import Any

import pytest

import ami
from ami import ManagerSocketError
from ami.manager import Manager
from ami.runtime import Link
from amisim import event

from .threaded import Spy, names, threads


def test_a_manager_without_a_link_has_no_threads():
    with Manager():
        assert names() == []


def test_a_connected_manager_has_a_thread_that_reads_and_one_that_runs_callbacks(server):
    with Manager() as manager:
        manager.connect(server.host, server.port)
        assert names() == ["ami-dispatcher", "ami-message-reader"]
        assert all(thread.daemon for thread in threads())


def test_closing_the_link_ends_the_thread_that_reads(manager):
    manager.disconnect()
    assert names() == ["ami-dispatcher"]


def test_closing_a_manager_that_runs_no_callback_ends_its_threads_before_it_returns(server):
    with Manager() as manager:
        manager.connect(server.host, server.port)
        manager.close()
        assert names() == []


def test_closing_twice_and_from_many_threads_ends_everything(server, start):
    manager = Manager()
    manager.connect(server.host, server.port)
    for future in [start(manager.close) for _ in range(8)]:
        assert future.result(timeout=5) is None
    assert names() == []


def test_losing_the_link_ends_the_thread_that_reads(server, manager):
    [reader] = [thread for thread in threads() if thread.name == "ami-message-reader"]
    server.disconnect()
    reader.join(5)
    assert not reader.is_alive()


def test_a_failed_attempt_to_connect_leaves_no_thread_that_reads(server):
    server.stop()
    with Manager() as manager:
        with pytest.raises(ManagerSocketError):
            manager.connect(server.host, server.port)
        assert "ami-message-reader" not in names()


def test_closing_does_not_wait_for_a_callback_that_runs(server, manager):
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(event: ami.Event, manager: Manager) -> None:
        begun.set()
        go_on.wait(5)
        ended.set()

    manager.register_callback("Hangup", slow)
    server.emit(event("Hangup"))
    assert begun.wait(5)
    manager.close()
    assert not ended.is_set()
    go_on.set()
    assert ended.wait(5)


def test_when_two_threads_connect_at_once_one_link_is_left(server, spy):
    class Interrupted(Spy):
        interrupted = False

        def connect(self, host: str, port: int, timeout: float, tls: Any = None) -> Link:
            link = super().connect(host, port, timeout, tls)
            if not self.interrupted:
                self.interrupted = True
                manager.connect(host, port)
            return link

    runtime = Interrupted()
    with Manager(runtime=runtime) as manager:
        manager.connect(server.host, server.port)
        assert manager.is_connected()
        assert names() == ["ami-dispatcher", "ami-message-reader"]
        assert [link.closed for link in runtime.links] == [False, True]
    assert [link.closed for link in runtime.links] == [True, True]


def test_callbacks_registered_by_many_threads_are_all_there(manager, start):
    together = threading.Barrier(8)

    def register() -> None:
        together.wait(20)
        for number in range(60):
            inbox: SimpleQueue[ami.Event] = SimpleQueue()
            manager.register_callback("Hangup", inbox.put)
            if number % 2:
                assert manager.unregister_callback("Hangup", inbox.put)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for future in [start(register) for _ in range(8)]:
            future.result(timeout=20)
    finally:
        sys.setswitchinterval(interval)
    hangup = ami.Event(b"Event: Hangup\r\n\r\n")
    assert len(manager._callbacks.matching(hangup)) == 8 * 30
