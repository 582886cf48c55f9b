"""What is special about the driver with threads; what every driver does is tested in `tests/behaviour`."""

import logging
import threading
import time
from queue import SimpleQueue

import pytest

import ami
from ami import ManagerError, ManagerSocketError, Request, core
from ami.manager import Manager
from amisim import event, response

from .threaded import connection_of, log_in, threads

# The runtime


def test_the_driver_takes_clock_threads_and_links_from_its_runtime_alone():
    assert not {"threading", "time", "socket", "select", "selectors", "asyncio"} & set(vars(ami.manager))


def test_no_wait_ends_before_there_is_something_to_do(server, spy, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    arrived: SimpleQueue[ami.Event] = SimpleQueue()
    with Manager(runtime=spy) as manager:
        manager.connect(server.host, server.port, timeout=600)
        manager.register_callback("Hangup", lambda event, manager: arrived.put(event))
        login = core.Login(server.username, server.secret)
        login.timeout = 600
        manager.send_action(login)
        for _ in range(50):
            ping = core.Ping()
            ping.timeout = 600
            assert manager.send_action(ping) is not None
            server.emit(event("Hangup"))
        for _ in range(50):
            arrived.get(timeout=5)
    assert {timeout for what, timeout in spy.waits if what != "receive"} == {None}
    assert all(timeout is None or timeout > 1 for what, timeout in spy.waits if what == "receive")


def test_an_earlier_deadline_wakes_the_thread_that_reads(server, start):
    server.on("Wait").reply()
    late, early = Request("Wait"), Request("Wait")
    late.timeout, early.timeout = 3600, 0.05
    with Manager() as manager:
        manager.connect(server.host, server.port, timeout=3600)
        manager.login(server.username, server.secret)
        waiting = start(manager.send_action, late, Number=1)
        server.wait_for("Wait", Number=1)
        assert start(manager.send_action, early).result(timeout=5) is None
        assert start(manager.send_action, early).result(timeout=5) is None
        assert not waiting.done()


def test_an_action_that_cannot_be_sent_ends_the_link(server, spy, start):
    with Manager(runtime=spy) as manager:
        log_in(manager, server)
        server.on("Wait").reply()
        waiting = start(manager.send_action, Request("Wait"))
        server.wait_for("Wait")
        spy.links[0].breaks = True
        with pytest.raises(ManagerSocketError, match="the connection broke while sending: Broken pipe"):
            manager.send_action(core.Ping())
        assert isinstance(waiting.exception(timeout=5), ManagerSocketError)
        assert not manager.is_connected()


def test_a_mistake_in_the_reading_thread_ends_the_link_and_is_reported(server, manager, start, monkeypatch):
    def fail(data: bytes, now: float) -> None:
        raise RuntimeError("a mistake")

    reported: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(f"{args.thread.name}: {args.exc_value}"))
    [reader] = [thread for thread in threads() if thread.name == "ami-message-reader"]
    server.on("Wait").reply()
    waiting = start(manager.send_action, Request("Wait"))
    server.wait_for("Wait")
    monkeypatch.setattr(connection_of(manager).session, "receive_data", fail)
    server.emit(event("Hangup"))
    with pytest.raises(ManagerSocketError, match=r"the reading thread failed: RuntimeError\('a mistake'\)"):
        waiting.result(timeout=5)
    reader.join(5)
    assert reported == ["ami-message-reader: a mistake"]
    assert not manager.is_connected()


def test_a_logger_that_fails_does_not_end_the_callbacks(server):
    class Broken(logging.Logger):
        def debug(self, *args, **kwargs):
            if args[1] == "event of no declared class Early":
                raise RuntimeError("no log today")

    heard: SimpleQueue[str] = SimpleQueue()
    with Manager(debug=True, logger=Broken("broken")) as manager:
        manager.register_callback("", lambda event, manager: heard.put(event.name))
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        server.emit(event("Early"))
        server.emit(event("Late"))
        assert [heard.get(timeout=5) for _ in range(3)] == ["FullyBooted", "Early", "Late"]


# The connection


def test_the_connection_knows_its_server(server, manager):
    connection = connection_of(manager)
    assert connection.host == f"{server.host}:{server.port}"
    assert connection.is_connected()
    assert connection.get_asterisk_info() == manager.get_asterisk_info()
    manager.close()
    assert not connection.is_connected()


def test_waiting_for_the_end_of_a_connection(server, manager, start):
    connection = connection_of(manager)
    assert connection.wait_closed(0) is False
    waiting = start(connection.wait_closed, 60)
    server.disconnect()
    assert waiting.result(timeout=5) is True
    assert connection.wait_closed(60) is True


# Monitoring


@pytest.fixture
def third_ping(server, manager) -> "SimpleQueue[ami.Event]":
    """Has the third ping answered with an event, too."""
    arrived: SimpleQueue[ami.Event] = SimpleQueue()
    manager.register_callback("Third", lambda event, manager: arrived.put(event))
    server.on("Ping").reply(response(Ping="Pong"), event("Third"))
    server.on("Ping").times(2).reply(response(Ping="Pong"))
    return arrived


@pytest.mark.parametrize("end", ["the server closes", "the manager disconnects", "the manager closes"])
def test_monitoring_pings_until_the_link_ends(server, manager, third_ping, end):
    monitor = manager.monitor_connection(0.01)
    assert isinstance(monitor, threading.Thread)
    assert monitor.daemon
    third_ping.get(timeout=5)
    assert monitor.is_alive()
    if end == "the server closes":
        server.disconnect()
    elif end == "the manager disconnects":
        manager.disconnect()
    else:
        manager.close()
    monitor.join(5)
    assert not monitor.is_alive()


def test_monitoring_ends_with_the_link_even_between_two_pings(manager):
    monitor = manager.monitor_connection(3600)
    manager.disconnect()
    monitor.join(5)
    assert not monitor.is_alive()


def test_monitoring_ends_with_the_link_even_while_a_ping_is_under_way(server, manager):
    server.on("Ping").reply()
    monitor = manager.monitor_connection(0.001)
    server.wait_for("Ping")
    manager.disconnect()
    monitor.join(5)
    assert not monitor.is_alive()


def test_monitoring_watches_one_link_and_not_the_next(server, manager):
    monitor = manager.monitor_connection(3600)
    log_in(manager, server)
    monitor.join(5)
    assert not monitor.is_alive()
    assert manager.is_connected()


def test_there_is_nothing_to_monitor_without_a_link():
    with Manager() as manager, pytest.raises(ManagerError, match="Not connected"):
        manager.monitor_connection()
