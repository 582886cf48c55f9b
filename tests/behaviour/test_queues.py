"""The queue of events that wait for their callbacks, and callbacks that are slow."""

import logging
import threading
from queue import SimpleQueue

import pytest

import ami
from ami import Gap, Reconnect, Request, State, StateChange, core
from amisim import event, response

from .rogue import GREETING

GUARD = 20


class Gate:
    """A callback that waits until it is let through."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def __call__(self, event: ami.Event, manager: ami.Manager) -> None:
        self.begun.set()
        assert self.go_on.wait(GUARD)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.go_on.set()


@pytest.fixture
def held_up(server, make_manager, log_in, listen, gate):
    """A manager whose callbacks wait for the gate, and an inbox for all of its events."""

    def make(**options):
        manager = make_manager(**options)
        log_in(manager)
        manager.register_callback("Slow", gate)
        every = listen("", manager)
        server.emit(event("Slow"))
        assert gate.begun.wait(GUARD)
        return manager, every

    return make


def send(server, manager, numbers) -> None:
    """Have events sent; when this returns, they have come."""
    server.on("Go").reply(*[event("Hangup", Number=number) for number in numbers], response())
    assert manager.send_action(Request("Go")).success


def shown(each) -> str:
    return f"{each.lost} lost" if isinstance(each, Gap) else each["Number"]


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [("drop-oldest", ["95 lost", "95", "96", "97", "98", "99"]), ("drop-newest", ["0", "1", "2", "3", "4", "95 lost"])],
)
def test_a_queue_that_is_full_drops_and_says_where(server, held_up, gate, overflow, expected):
    manager, every = held_up(queue_size=5, overflow=overflow)
    send(server, manager, range(100))
    assert manager.queue_depth == 5
    gate.go_on.set()
    got = [every.get() for _ in range(7)]
    assert got[0] == "Slow"
    assert [shown(each) for each in got[1:]] == expected
    gap = next(each for each in got if isinstance(each, Gap))
    assert gap.reason == "queue"


def test_the_depth_can_be_read_and_is_nothing_at_first(server, held_up, gate, make_manager, listen):
    assert make_manager().queue_depth == 0
    manager, _ = held_up()
    marker = listen("Marker", manager)
    hangups = listen("Hangup", manager)
    send(server, manager, range(3))
    assert manager.queue_depth == 3
    gate.go_on.set()
    assert [hangups.get()["Number"] for _ in range(3)] == ["0", "1", "2"]
    server.emit(event("Marker"))
    marker.get()
    assert manager.queue_depth == 0


def test_after_a_gap_events_come_again(server, held_up, gate):
    manager, every = held_up(queue_size=2)
    send(server, manager, range(5))
    gate.go_on.set()
    assert every.get() == "Slow"
    assert [shown(every.get()) for _ in range(3)] == ["3 lost", "3", "4"]
    send(server, manager, range(10, 12))
    assert [shown(every.get()) for _ in range(2)] == ["10", "11"]


def test_a_gap_is_for_callbacks_of_every_event_and_for_those_that_ask_for_it(server, held_up, listen, gate):
    manager, every = held_up(queue_size=1)
    gaps, hangups = listen(ami.Gap, manager), listen("Hangup", manager)
    send(server, manager, range(3))
    gate.go_on.set()
    assert gaps.get().lost == 2
    assert hangups.get()["Number"] == "2"
    assert every.until("Gap") == ["Slow"]


def test_changes_of_state_are_told_however_full_the_queue(rogue, make_manager, listen, gate):
    manager = make_manager(queue_size=1, reconnect=Reconnect(initial=0.001, jitter=0))
    peer = rogue.meet(manager)
    manager.register_callback("Slow", gate)
    peer.send(b"Event: Slow\r\n\r\n")
    assert gate.begun.wait(GUARD)
    states, gaps, slow = listen(StateChange, manager), listen(ami.Gap, manager), listen("Slow", manager)
    with manager.events("Slow") as stream:
        peer.close()
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in(b"Event: Slow\r\n\r\n" * 50)
        for _ in range(51):  # the gap, and what came after it
            stream.get(GUARD)
        gate.go_on.set()
        told = [states.get().state]
        while told[-1] is not State.READY or len(told) == 1:
            told.append(states.get().state)
        assert told[-4:] == [State.WAITING, State.CONNECTING, State.CONNECTED, State.READY]
        assert {gaps.get().reason, gaps.get().reason} == {"link", "queue"}
        assert slow.get() == "Slow"


@pytest.mark.parametrize("options", [{"queue_size": 0}, {"overflow": "block"}])
def test_a_queue_that_cannot_be_is_refused(server, make_manager, options):
    with pytest.raises(ValueError, match=r"queue of 0 events|overflow is"):
        make_manager(**options).connect(server.host, server.port)


def test_a_queue_that_is_full_delays_neither_replies_nor_lists(server, held_up):
    manager, _ = held_up(queue_size=1)
    send(server, manager, range(1000))
    assert manager.send_action(core.Ping()).success
    assert manager.queue_depth == 1


# Slow callbacks


class Log(logging.Handler):
    """A logger whose lines can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.logger = logging.Logger("test", logging.DEBUG)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put(f"{record.levelname} {record.getMessage()}")

    def get(self) -> str:
        return self._lines.get(timeout=GUARD)


def test_a_slow_callback_is_logged_with_what_it_held_up(server, make_manager, log_in):
    log = Log()
    manager = make_manager(logger=log.logger, slow_callback=-1)  # however fast, it is too slow
    log_in(manager)

    def slow(event: ami.Event, manager: ami.Manager) -> None:
        pass

    manager.register_callback("Hangup", slow)
    server.emit(event("Hangup", Secret="hunter2"))
    line = log.get()
    while "Hangup" not in line:  # those of the login were as slow
        line = log.get()
    assert line.startswith("WARNING the callback ")
    assert " took 0.0 s on event Hangup; 0 events wait for their callbacks" in line
    assert "hunter2" not in line


def test_a_slow_callback_that_raises_is_logged_twice(server, make_manager, log_in):
    log = Log()
    manager = make_manager(logger=log.logger, slow_callback=-1)
    log_in(manager)
    manager.register_callback("Hangup", lambda event, manager: 1 / 0)
    server.emit(event("Hangup"))
    while "failed on event Hangup" not in (line := log.get()):
        pass
    assert line.startswith("ERROR")
    assert "on event Hangup" in log.get()


def test_a_fast_callback_is_not_logged(server, make_manager, log_in, listen):
    log = Log()
    manager = make_manager(logger=log.logger, slow_callback=3600)
    log_in(manager)
    hangups = listen("Hangup", manager)
    server.emit(event("Hangup"))
    hangups.get()
    server.on("Ping").reply()
    ping = core.Ping()
    ping.timeout = 0.01
    manager.send_action(ping, "own")
    assert log.get() == "WARNING timed out waiting for the response to Ping, ActionID own"


# Who changes callbacks while others run


def test_callbacks_registered_while_another_thread_dispatches_are_called(server, manager, start, listen):
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            callback = lambda event, manager: None  # noqa: E731
            manager.register_callback("Hangup", callback)
            assert manager.unregister_callback("Hangup", callback)

    changing = [start(change) for _ in range(3)]
    every, hangups = listen(""), listen("Hangup")
    try:
        for _ in range(5):
            send(server, manager, range(100))
        assert [every.get()["Number"] for _ in range(500)] == [str(number) for _ in range(5) for number in range(100)]
        assert [hangups.get()["Number"] for _ in range(500)][-1] == "99"
    finally:
        stop.set()
    for each in changing:
        each.result(GUARD)


def test_many_who_decode_one_event_see_all_of_it(server, manager, start):
    """An event is decoded when somebody looks: here, several threads at once."""
    count = 8
    barrier = threading.Barrier(count)

    def read(stream) -> dict[str, str]:
        seen = {}
        for _ in range(50):
            each = stream.get(GUARD)
            barrier.wait(GUARD)
            seen = {f"Key{number}": each[f"Key{number}"] for number in range(20)}
            assert len(each) == 21
            assert dict(each)["Event"] == "Many"
            barrier.wait(GUARD)
        return seen

    headers = {f"Key{number}": f"value {number}" for number in range(20)}
    streams = [manager.events("Many") for _ in range(count)]
    reading = [start(read, stream) for stream in streams]
    for _ in range(50):
        server.emit(event("Many", **headers))
    assert [each.result(GUARD) for each in reading] == [headers] * count
