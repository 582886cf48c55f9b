"""What is special about the driver with threads; what every driver does is tested in `tests/behaviour`."""

import gc
import logging
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import pytest

import ami
import amisim
from ami import ManagerError, ManagerSocketError, Request, core
from ami.connection import Connection
from ami.manager import Manager
from ami.runtime import SYSTEM, Link
from amisim import event, response

Start = Callable[..., Future[Any]]


@pytest.fixture
def server() -> Iterator[amisim.Server]:
    with amisim.Server() as server:
        yield server


@pytest.fixture
def start() -> Iterator[Start]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


@pytest.fixture
def manager(server, start) -> Iterator[Manager]:
    with Manager() as manager:
        log_in(manager, server)
        yield manager


def log_in(manager: Manager, server: amisim.Server) -> None:
    manager.connect(server.host, server.port)
    manager.login(server.username, server.secret)


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("ami-")}


def names() -> list[str]:
    return sorted(thread.name for thread in threads())


def connection_of(manager: Manager) -> Connection:
    connection = manager.get_connection()
    assert connection is not None
    return connection


class Spy:
    """The system's runtime, which keeps how long its users are ready to wait."""

    def __init__(self) -> None:
        self.waits: list[tuple[str, float | None]] = []
        self.links: list[SpyLink] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(SYSTEM, name)

    def lock(self) -> Any:
        return SpyLock(self.waits)

    def condition(self) -> Any:
        return SpyCondition(self.waits)

    def connect(self, host: str, port: int, timeout: float, tls: Any = None) -> Link:
        self.links.append(SpyLink(SYSTEM.connect(host, port, timeout, tls), self.waits))
        return self.links[-1]


class SpyLock:
    def __init__(self, waits: list[tuple[str, float | None]]) -> None:
        self._lock = threading.Lock()
        self._waits = waits

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        self._waits.append(("lock", None if blocking and timeout == -1 else timeout))
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        return self._lock.__enter__()

    def __exit__(self, *args: object) -> None:
        self._lock.__exit__()


class SpyCondition(threading.Condition):
    def __init__(self, waits: list[tuple[str, float | None]]) -> None:
        super().__init__()
        self._waits = waits

    def wait(self, timeout: float | None = None) -> bool:
        self._waits.append(("condition", timeout))
        return super().wait(timeout)


class SpyLink:
    """A link that can be made to break when something is sent."""

    def __init__(self, link: Link, waits: list[tuple[str, float | None]]) -> None:
        self._link = link
        self._waits = waits
        self.breaks = False
        self.closed = False
        self.interrupt: Callable[[], object] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)

    def receive(self, timeout: float | None) -> bytes | None:
        self._waits.append(("receive", timeout))
        return self._link.receive(timeout)

    def send(self, data: bytes) -> None:
        if self.interrupt is not None:  # by what a signal handler does then
            self.interrupt()
        if self.breaks:
            raise ManagerSocketError("the connection broke while sending: Broken pipe")
        self._link.send(data)

    def close(self) -> None:
        self.closed = True
        self._link.close()


@pytest.fixture
def spy() -> Spy:
    return Spy()


# Threads


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


def test_closing_from_a_callback_ends_the_threads(server, manager):
    done = threading.Event()

    def callback(event: ami.Event, manager: Manager) -> None:
        manager.close()
        done.set()

    running = threads()
    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    assert done.wait(5)
    for thread in running:
        thread.join(5)
    assert names() == []


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


# A manager that nobody holds


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


def test_a_manager_that_was_never_made_can_be_collected():
    manager = Manager.__new__(Manager)
    reference = weakref.ref(manager)
    del manager
    assert reference() is None


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
