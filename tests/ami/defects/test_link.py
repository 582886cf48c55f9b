"""The link, its threads, and polling.

Where time is part of it, the clock is the test's: an hour goes by when the test says so.
"""

import gc
import logging
import socket
import threading
import time
import weakref
from queue import SimpleQueue
from typing import Any

import pytest

import ami
from ami import Manager, ManagerSocketError, Request, core
from ami.runtime import SYSTEM
from amisim import event, list_complete, response


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("ami-")}


def has_ended(thread: threading.Thread) -> bool:
    thread.join(5)
    return not thread.is_alive()


def works(manager: Manager) -> bool:
    answer = manager.send_action(core.Ping())
    return answer is not None and answer.success


def synchronous(request: Request) -> Request:
    request.synchronous = True
    return request


# The link and its threads


def test_defect_01_idle_link_stays_up(server, clock):
    with Manager(runtime=clock) as manager:
        manager.connect(server.host, server.port, timeout=1)
        manager.login(server.username, server.secret)
        for _ in range(3):
            clock.advance(3600)
            assert works(manager)
        assert manager.is_connected()
        assert len(clock.links) == 1


def test_defect_01_half_a_message_waits_for_its_other_half(server, connected, clock, heard):
    manager = connected(runtime=clock)
    hangups = heard(manager, "Hangup")
    server.emit(b"Event: Hangup\r\nChannel: PJSIP/")
    clock.links[0].until(b"Channel: PJSIP/")
    clock.advance(3600)
    server.emit(b"1\r\n\r\n")
    assert hangups.get()["Channel"] == "PJSIP/1"


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_defect_02_a_link_that_the_server_closed_is_down(server, connected, clock, how, heard):
    manager = connected(runtime=clock)
    [reader] = [thread for thread in threads() if thread.name == "ami-message-reader"]
    changes = heard(manager, ami.StateChange)
    server.disconnect(how)
    change = changes.get()
    assert change.state == "closed"
    assert isinstance(change.error, ManagerSocketError)
    assert has_ended(reader)
    assert not manager.is_connected()
    reads = len(clock.links[0].waits)
    clock.advance(3600)
    assert len(clock.links[0].waits) == reads


@pytest.mark.parametrize("text", [b"K\xe4se", b"\xff\xfe", b"\x80", b"\xed\xa0\x80", b"\0"])
def test_defect_03_a_byte_that_is_no_utf_8_ends_nothing(server, manager, text, heard):
    alarms = heard(manager, "UserEvent")
    server.emit(b"Event: UserEvent\r\nText: " + text + b"\r\n\r\n")
    assert alarms.get()["Text"].encode("utf-8", "surrogateescape") == text
    assert works(manager)


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_defect_04_ending_a_link_does_not_wait_for_its_reader(server, connected, clock, start, end):
    manager = connected(runtime=clock)
    assert start(getattr(manager, end)).result(timeout=5) is None  # no time goes by on the reader's clock
    assert not manager.is_connected()


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_defect_04_ending_a_link_wakes_everybody_who_waits(server, connected, clock, start, end):
    manager = connected(runtime=clock)
    server.on("Originate").reply()
    server.on("QueueStatus").reply(response(EventList="start"))
    requests = [core.Originate_Context("PJSIP/1", "default", "100", 1), synchronous(core.QueueStatus())]
    waiting = [start(manager.send_action, request) for request in requests]
    for request in requests:
        server.wait_for(request["Action"])
    getattr(manager, end)()
    assert [type(each.exception(timeout=5)) for each in waiting] == [ManagerSocketError] * 2


def test_defect_05_a_callback_may_close_the_manager(server, manager, caplog):
    done = threading.Event()

    def callback(event: ami.Event, manager: Manager) -> None:
        manager.close()
        done.set()

    running = threads()
    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    assert done.wait(5)
    assert all(has_ended(thread) for thread in running)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_defect_05_a_manager_that_nobody_holds_is_collected(server, clock):
    steps: SimpleQueue[str] = SimpleQueue()

    class Tokens:
        def __init__(self) -> None:
            self._queue = SYSTEM.queue()
            self.put = self._queue.put

        def get(self) -> Any:
            steps.put("idle")
            return self._queue.get()

    clock.queue = Tokens
    manager = Manager(runtime=clock)
    manager.connect(server.host, server.port)
    manager.login(server.username, server.secret)
    manager.register_callback("Hangup", lambda event, manager: steps.put("heard"))
    server.emit(event("Hangup"))
    until(steps, "heard")
    until(steps, "idle")
    running, collected = threads(), threading.Event()
    reference = weakref.ref(manager, lambda reference: collected.set())
    assert running
    del manager
    gc.collect()
    assert collected.wait(5)
    assert reference() is None
    assert all(has_ended(thread) for thread in running)


def until(steps: "SimpleQueue[str]", step: str) -> None:
    while steps.get(timeout=5) != step:
        pass


def test_defect_06_without_a_link_there_is_no_server_to_tell_of(server, manager):
    assert Manager().get_asterisk_info() is None
    assert manager.get_asterisk_info() == ("Asterisk Call Manager", "11.0.0")
    manager.disconnect()
    assert manager.get_asterisk_info() is None


def test_defect_07_tls(server):
    with Manager() as manager, pytest.raises(ManagerSocketError):
        manager.connect(server.host, server.port, ssl=True)  # this server has none
    assert not manager.is_connected()


def test_defect_07_ipv6(start):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with listener, Manager() as manager:
        connecting = start(manager.connect, "::1", listener.getsockname()[1])
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"Asterisk Call Manager/5.0.4\r\n")
            assert connecting.result(timeout=5) is None
            assert manager.get_asterisk_info() == ("Asterisk Call Manager", "5.0.4")


def test_defect_07_a_lost_link_is_made_again_and_logged_in(server, connected, heard):
    manager = connected(reconnect=ami.Reconnect(initial=0.001))
    changes = heard(manager, ami.StateChange)
    server.disconnect()
    states = [changes.get().state]
    while states[-1] != "ready":
        states.append(changes.get().state)
    assert states[0] == "waiting"
    assert works(manager)
    assert [action.name for action in server.actions].count("Login") == 2


def test_defect_07_leaving_a_with_statement_logs_off(server):
    with ami.connect(server.host, server.port, username=server.username, secret=server.secret) as manager:
        assert works(manager)
    assert server.wait_for("Logoff")
    assert not manager.is_connected()


def test_defect_07_asyncio():
    assert issubclass(ami.aio.Manager, object)
    assert ami.aio.Manager is not Manager


def test_defect_07_connecting_holds_nothing_up(listener, start):
    """A server that accepts and stays silent: the manager can be asked, and closed."""
    with Manager() as manager:
        connecting = start(manager.connect, *listener.getsockname(), timeout=3600)
        accepted, _ = listener.accept()
        with accepted:
            for call in (manager.is_connected, manager.get_asterisk_info, lambda: manager.register_callback("", print)):
                assert not start(call).result(timeout=5)
            while not connecting.done():  # once the link is the manager's, closing it ends the attempt
                start(manager.close).result(timeout=5)
            assert isinstance(connecting.exception(), ManagerSocketError)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail.example.org\r\n", b"\r\n"])
def test_defect_07_a_server_that_is_no_asterisk_is_told(listener, start, greeting):
    with Manager() as manager:
        connecting = start(manager.connect, *listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(greeting)
            assert isinstance(connecting.exception(timeout=5), ami.ProtocolError)
        assert not manager.is_connected()


def test_defect_08_the_queue_of_events_is_bounded(server, connected, heard):
    manager = connected(queue_size=10)
    begun, go_on = threading.Event(), threading.Event()

    def slow(event: ami.Event, manager: Manager) -> None:
        begun.set()
        go_on.wait(5)

    manager.register_callback("Slow", slow)
    every = heard(manager, "")
    server.emit(event("Slow"))
    assert begun.wait(5)
    server.on("Go").reply(*[event("Hangup", Number=number) for number in range(100)], response())
    manager.send_action(Request("Go"))
    assert manager.queue_depth <= 10
    go_on.set()
    assert every.get() == "Slow"
    gap = every.get()
    assert gap == "Gap"
    assert gap.lost == 90
    assert [every.get()["Number"] for _ in range(10)] == [str(number) for number in range(90, 100)]


def test_defect_08_a_slow_callback_is_told(server, connected, clock):
    told: SimpleQueue[str] = SimpleQueue()

    class Log(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.put(record.getMessage())

    logger = logging.Logger("test")
    logger.addHandler(Log())
    manager = connected(runtime=clock, logger=logger, slow_callback=2)

    def slow(event: ami.Event, manager: Manager) -> None:
        clock.now += 60

    manager.register_callback("Hangup", slow)
    server.emit(event("Hangup"))
    text = told.get(timeout=5)
    assert "slow" in text
    assert "60" in text


def test_defect_08_a_slow_callback_does_not_hold_up_who_reads_events_himself(server, manager):
    begun, go_on = threading.Event(), threading.Event()

    def slow(event: ami.Event, manager: Manager) -> None:
        begun.set()
        go_on.wait(5)

    manager.register_callback("Hangup", slow)
    with manager.events("Newchannel") as newchannels:
        server.emit(event("Hangup"))
        assert begun.wait(5)
        server.emit(event("Newchannel", Channel="PJSIP/1"))
        assert next(iter(newchannels))["Channel"] == "PJSIP/1"
    go_on.set()


# Polling


def test_defect_09_nothing_polls(server, monkeypatch, heard):
    waits: list[tuple[str, float | None]] = []

    class Spy:
        def __getattr__(self, name: str) -> Any:
            return getattr(SYSTEM, name)

        def lock(self) -> Any:
            return SpyLock()

        def condition(self) -> Any:
            return SpyCondition()

        def connect(self, *args: Any, **kwargs: Any) -> Any:
            return SpyLink(SYSTEM.connect(*args, **kwargs))

    class SpyLock:
        def __init__(self) -> None:
            self._lock = threading.Lock()
            self.release, self.locked = self._lock.release, self._lock.locked

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            waits.append(("lock", None if timeout == -1 else timeout))
            return self._lock.acquire(blocking, timeout)

        def __enter__(self) -> bool:
            return self._lock.__enter__()

        def __exit__(self, *args: object) -> None:
            self._lock.release()

    class SpyCondition(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(("condition", timeout))
            return super().wait(timeout)

    class SpyLink:
        def __init__(self, link: Any) -> None:
            self._link = link

        def __getattr__(self, name: str) -> Any:
            return getattr(self._link, name)

        def receive(self, timeout: float | None) -> bytes | None:
            waits.append(("link", timeout))
            data: bytes | None = self._link.receive(timeout)
            return data

    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    queue_status = [response(EventList="start"), event("QueueParams", Queue="a"), list_complete()]
    server.on("QueueStatus").reply(*queue_status)
    with Manager(runtime=Spy()) as manager:
        hangups = heard(manager, "Hangup")
        manager.connect(server.host, server.port, timeout=3600)
        for request in [core.Login(server.username, server.secret), *(core.Ping() for _ in range(20))]:
            request.timeout = 3600
            assert manager.send_action(request).success
            server.emit(event("Hangup"))
            hangups.get()
        listing = synchronous(core.QueueStatus())
        listing.timeout = 3600
        assert len(manager.send_action(listing).events["QueueParams"]) == 1
        until_now = list(waits)  # a logoff is not waited for as long
    assert until_now
    assert [each for each in until_now if each[1] is not None and each[1] < 60] == []
