"""The operating system's clock, threads and links, as a manager uses them."""

import queue
import re
import selectors
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from ami.errors import ManagerSocketError, ProtocolError
from ami.runtime import SYSTEM, SocketLink

LARGE = 8 * 1024 * 1024


@pytest.fixture(params=[selectors.DefaultSelector, selectors.PollSelector])
def ends(request, monkeypatch) -> Iterator[tuple[SocketLink, socket.socket]]:
    """A link, and the socket at its other end."""
    monkeypatch.setattr(selectors, "DefaultSelector", request.param)
    here, there = socket.socketpair()
    there.settimeout(5)
    link = SocketLink(here, socket.socketpair(), threading.RLock(), selectors.DefaultSelector())
    yield link, there
    link.close()
    there.close()


def read_exactly(other: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        data += other.recv(1 << 20)
    return bytes(data)


def reset(connection: socket.socket) -> None:
    """Close a TCP connection with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def tcp_pair() -> tuple[SocketLink, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = SYSTEM.connect(*listener.getsockname(), 5)
        accepted, _ = listener.accept()
    assert isinstance(link, SocketLink)
    return link, accepted


# Links


def test_what_the_other_side_sends_is_received(ends):
    link, other = ends
    other.sendall(b"hello")
    assert link.receive(5) == b"hello"


def test_what_is_sent_the_other_side_receives(ends):
    link, other = ends
    link.send(b"hello, ")
    link.send(b"world")
    assert read_exactly(other, 12) == b"hello, world"


def test_the_end_of_the_stream_is_received_as_nothing(ends):
    link, other = ends
    other.sendall(b"last words")
    other.close()
    assert link.receive(5) == b"last words"
    assert link.receive(5) == b""
    assert link.receive(5) == b""


def test_when_time_runs_out_nothing_has_come(ends):
    link, _ = ends
    assert link.receive(0) is None
    assert link.receive(0.01) is None


def test_waking_makes_receive_return_once(ends):
    link, other = ends
    link.wake()
    link.wake()
    assert link.receive(None) is None
    assert link.receive(0) is None
    link.wake()
    other.sendall(b"hello")
    assert link.receive(None) == b"hello"


def test_waking_reaches_a_thread_that_waits(ends):
    link, _ = ends
    received: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: received.put(link.receive(None)))
    thread.start()
    link.wake()
    assert received.get(timeout=5) is None
    thread.join(5)


def test_waking_any_number_of_times_never_blocks(ends):
    link, other = ends
    for _ in range(10_000):
        link.wake()
    other.sendall(b"hello")
    received = None
    while received is None:
        received = link.receive(5)
    assert received == b"hello"


def test_sending_does_not_wait_for_the_other_side_to_read(ends):
    link, other = ends
    begun, done = threading.Event(), threading.Event()

    def receive() -> None:
        while not done.is_set():
            begun.set()
            link.receive(None)

    thread = threading.Thread(target=receive)
    thread.start()
    begun.wait(5)
    try:
        link.send(b"a" * LARGE)
        link.send(b"b" * LARGE)
        assert read_exactly(other, 2 * LARGE) == b"a" * LARGE + b"b" * LARGE
    finally:
        done.set()
        link.wake()
        thread.join(5)


def test_reading_goes_on_while_much_is_to_be_sent(ends):
    link, other = ends
    link.send(b"x" * LARGE)
    other.sendall(b"hello")
    received = None
    while received is None:
        received = link.receive(5)
    assert received == b"hello"


def test_after_everything_was_sent_the_link_waits_for_data_alone(ends):
    link, other = ends
    link.send(b"x" * LARGE)
    read = threading.Thread(target=read_exactly, args=(other, LARGE))
    read.start()
    while read.is_alive():
        link.receive(0.01)
    link.receive(0)
    assert link._selector.get_key(link._socket).events == 1
    other.sendall(b"hello")
    assert link.receive(5) == b"hello"


def test_a_link_that_was_shut_down_receives_the_end_of_the_stream(ends):
    link, other = ends
    link.shutdown()
    link.shutdown()
    assert link.receive(None) == b""
    assert other.recv(10) == b""


def test_shutting_down_reaches_a_thread_that_waits(ends):
    link, _ = ends
    received: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: received.put(link.receive(None)))
    thread.start()
    link.shutdown()
    assert received.get(timeout=5) == b""
    thread.join(5)


def test_nothing_can_be_sent_after_shutting_down(ends):
    link, _ = ends
    link.shutdown()
    with pytest.raises(ManagerSocketError, match="the connection is closed"):
        link.send(b"hello")


def test_closing_gives_everything_back(ends):
    link, other = ends
    link.close()
    link.close()
    assert link._socket.fileno() == link._wake_end.fileno() == link._wake_source.fileno() == -1
    assert other.recv(10) == b""
    link.wake()
    link.shutdown()
    with pytest.raises(ManagerSocketError, match="the connection is closed"):
        link.send(b"hello")


def test_a_connection_that_breaks_is_an_error_that_says_so():
    link, other = tcp_pair()
    reset(other)
    with pytest.raises(ManagerSocketError, match="the connection broke: Connection reset by peer") as caught:
        link.receive(5)
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    with pytest.raises(ManagerSocketError, match="the connection broke while sending"):
        link.send(b"hello")
    link.close()


def test_a_connection_that_breaks_after_shutting_down_is_just_the_end():
    link, other = tcp_pair()
    link.shutdown()
    reset(other)
    assert link.receive(5) == b""
    link.close()


# Connecting


def test_a_refused_connection_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(
            ManagerSocketError, match=rf"cannot connect to 127.0.0.1:{port}: Connection refused"
        ) as caught:
            SYSTEM.connect("127.0.0.1", port, 5)
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert not isinstance(caught.value, ProtocolError)


def test_a_connection_that_nobody_answers_is_told(monkeypatch):
    def create_connection(address: object, timeout: float) -> socket.socket:
        assert (address, timeout) == (("192.0.2.1", 5038), 0.25)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(ManagerSocketError, match=r"cannot connect to 192\.0\.2\.1:5038: no answer in time"):
        SYSTEM.connect("192.0.2.1", 5038, 0.25)


def test_a_host_that_does_not_exist_is_told(monkeypatch):
    def create_connection(address: object, timeout: float) -> socket.socket:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    with pytest.raises(ManagerSocketError, match=r"cannot connect to pbx\.invalid:5038: Name or service not known"):
        SYSTEM.connect("pbx.invalid", 5038, 5)


def test_small_messages_are_sent_without_delay():
    link, other = tcp_pair()
    assert link._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    link.close()
    other.close()


# Clock, threads, names


def test_time_does_not_go_back():
    first = SYSTEM.monotonic()
    assert first <= SYSTEM.monotonic()
    assert abs(first - time.monotonic()) < 60


def test_a_thread_is_a_daemon_with_a_name_that_is_started_later():
    started = threading.Event()
    thread = SYSTEM.thread(started.set, "ami-test")
    assert isinstance(thread, threading.Thread)
    assert (thread.daemon, thread.name) == (True, "ami-test")
    assert not started.is_set()
    thread.start()
    thread.join(5)
    assert started.is_set()


def test_the_current_thread_is_the_one_that_was_made():
    found: list[object] = []
    thread = SYSTEM.thread(lambda: found.append(SYSTEM.current_thread()), "ami-test")
    thread.start()
    thread.join(5)
    assert found == [thread]


def test_a_lock_may_be_released_by_another_thread():
    lock = SYSTEM.lock()
    lock.acquire()
    thread = SYSTEM.thread(lock.release, "ami-test")
    thread.start()
    assert lock.acquire(True, 5)
    thread.join(5)


def test_a_condition_wakes_who_waits():
    condition = SYSTEM.condition()

    def notify() -> None:
        with condition:
            condition.notify_all()

    with condition:
        thread = SYSTEM.thread(notify, "ami-test")
        thread.start()
        assert condition.wait(5)
    thread.join(5)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("pbx", "pbx"),
        ("pbx-1.example.org", "pbx-1.example.org"),
        ("my pbx\r\n", "mypbx"),
        ("käfer", "kfer"),
        ("ö", "host"),
        ("", "host"),
        ("x" * 64, "x" * 40),
    ],
)
def test_action_ids_begin_with_the_host_in_plain_ascii_and_stay_short(monkeypatch, host, shown):
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    prefix = SYSTEM.id_prefix()
    assert re.fullmatch(re.escape(shown) + r"-[A-Za-z0-9]{5}", prefix)
    assert len(f"{prefix}-00000001") <= 67


def test_action_ids_of_two_connections_begin_differently():
    assert len({SYSTEM.id_prefix() for _ in range(5)}) > 1


def test_a_name_that_no_host_can_have_is_a_failure_to_connect():
    with pytest.raises(ManagerSocketError, match=r"cannot connect to pbx\.\.example:5038"):
        SYSTEM.connect("pbx..example", 5038, 1)
