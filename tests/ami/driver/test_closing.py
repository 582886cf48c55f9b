"""A manager may be closed at any moment, by a signal handler in the midst of its work, too."""

import threading
from typing import Any

import pytest

import ami
from ami import ManagerError, ManagerSocketError, Request, core
from ami.manager import Manager
from ami.runtime import SYSTEM
from amisim import event

from .threaded import connection_of, log_in, names, threads


def test_a_signal_handler_may_close_the_manager_in_the_middle_of_an_action(server, spy, start):
    server.on("Wait").reply()
    with Manager(runtime=spy) as manager:
        log_in(manager, server)
        spy.links[0].interrupt = manager.close
        with pytest.raises(ManagerSocketError, match="closed"):
            start(manager.send_action, Request("Wait")).result(timeout=5)
        assert manager.state == "closed"


def test_a_signal_handler_cannot_send_in_the_middle_of_an_action(server, spy, start):
    with Manager(runtime=spy) as manager:
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        refused = []

        def interrupt() -> None:
            with pytest.raises(ManagerError, match="signal handler") as caught:
                manager.send_action(core.Ping())
            refused.append(caught.value)

        spy.links[0].interrupt = interrupt
        assert start(manager.send_action, core.Ping()).result(timeout=5).success
        assert len(refused) == 1


@pytest.fixture
def impatient(monkeypatch):
    """Closing waits for another thread no longer than that takes which is free to end."""
    monkeypatch.setattr("ami.connection._PATIENCE", 0.05)


@pytest.mark.usefixtures("impatient")
def test_closing_while_this_thread_holds_a_stream_ends(server, start):
    manager = Manager()
    log_in(manager, server)
    stream = manager.events("Hangup")
    offered = threading.Event()
    put = stream._put
    stream._put = lambda outputs: (offered.set(), put(outputs))

    def interrupt_the_iteration() -> None:
        with stream._changed:
            server.emit(event("Hangup"))
            assert offered.wait(5)
            manager.close()

    start(interrupt_the_iteration).result(timeout=5)
    assert manager.state == "closed"
    assert list(stream) == []


@pytest.mark.usefixtures("impatient")
def test_closing_while_this_thread_holds_the_queue_of_callbacks_ends(server, start):
    manager = Manager()
    log_in(manager, server)
    manager.register_callback(ami.StateChange, lambda change, manager: None)

    def interrupt_the_queueing() -> None:
        with manager._dispatcher._lock:
            manager.close()

    start(interrupt_the_queueing).result(timeout=5)
    assert manager.state == "closed"


@pytest.mark.usefixtures("impatient")
def test_closing_while_the_reading_thread_waits_for_this_one_ends(server, start):
    manager = Manager()
    log_in(manager, server)
    connection = connection_of(manager)
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with connection._lock:
            held.set()
            assert go_on.wait(5)

    holding = start(hold)
    assert held.wait(5)
    start(manager.close).result(timeout=5)
    go_on.set()
    holding.result(timeout=5)
    assert connection.wait_closed(5)


@pytest.mark.parametrize("made", ["Connection", "Dispatcher"])
def test_a_signal_handler_that_closes_while_the_manager_connects_has_it_closed(server, monkeypatch, made):
    manager = Manager()
    make = getattr(ami.manager, made)

    def interrupted(*args: Any) -> Any:
        found = make(*args)
        manager.close()
        return found

    monkeypatch.setattr(f"ami.manager.{made}", interrupted)
    with pytest.raises(ManagerSocketError, match="closed"):
        manager.connect(server.host, server.port)
    assert manager.state == "closed"
    for thread in threads():
        thread.join(5)
    assert names() == []


def test_leaving_a_with_statement_closes_though_the_logoff_is_interrupted(server, monkeypatch):
    def interrupt(*args: Any) -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        ami.connect(server.host, username="admin", secret="secret", port=server.port) as manager,
    ):
        monkeypatch.setattr(manager, "send_action", interrupt)
    assert manager.state == "closed"
    assert names() == []


def test_a_manager_that_is_closed_while_it_connects_stays_closed(server):
    class Slow(type(SYSTEM)):
        def connect(self, host, port, timeout, tls=None):
            link = super().connect(host, port, timeout, tls)
            manager.close()
            return link

    manager = Manager(runtime=Slow())
    with pytest.raises(ManagerSocketError, match="was closed while it connected"):
        manager.connect(server.host, server.port)
    assert not manager.is_connected()
    assert names() == []
