"""Clients that misbehave neither stop the server nor make it grow."""

import gc
import socket
import ssl
import struct
import tracemalloc
from contextlib import suppress

import pytest

import amisim
from amisim import Server, event, raw, response, wait
from amisim.host import Limits

from .clients import LOGIN, Client, ping_until

BIG = event("UserEvent", UserEvent="Big", Privilege="user,all", Body="x" * 100_000)


def test_a_client_that_does_not_read_is_cut_off_and_holds_up_nobody():
    with Server(limits=Limits(write_timeout=0.05)) as server, Client(server) as slow, Client(server).log_in() as other:
        slow.socket.sendall(LOGIN)
        other.send("Action: Events / EventMask: off")
        other.read()
        for _ in range(200):
            server.emit(BIG)
        ping_until(other, lambda: any(each.kind == "error" or each.kind == "eof" for each in server.transcript))
        with pytest.raises(ConnectionResetError):
            slow.file.read()


def test_a_client_that_reads_slowly_is_waited_for():
    with Server(limits=Limits(write_timeout=5)) as server, Client(server).log_in() as slow:
        for _ in range(100):
            server.emit(BIG)
        server.emit(event("UserEvent", UserEvent="Last"))
        while slow.read()[1] != "UserEvent: Last":
            pass


def test_a_client_over_tls_is_not_taken_for_one_that_does_not_read():
    context = ssl.create_default_context(cafile=amisim.CERTIFICATE)
    with (
        Server(tls=True, limits=Limits(write_timeout=0.01)) as server,
        socket.create_connection((server.host, server.port), 0.1) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        assert client.recv(100) == b"Asterisk Call Manager/11.0.0\r\n"
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        client.sendall(b"Action: Logoff\r\n\r\n")
        assert client.recv(100).startswith(b"Response: Goodbye")


SMALL = Limits(history=500_000)
"""So that the transcript is no reason to grow."""


def test_a_line_of_100_mb_without_end_takes_no_memory():
    with Server(limits=SMALL) as server, Client(server) as endless, Client(server).log_in() as other:
        chunk = b"x" * 1_000_000
        endless.socket.sendall(chunk)
        tracemalloc.start()
        for _ in range(100):
            endless.socket.sendall(chunk)
        other.send("Action: Ping")
        assert other.read()[1] == "Ping: Pong"
        endless.send("\r\n")
        assert "Message: Failed to parse message: line too long" in endless.read()
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert now < 3_000_000
    assert peak < 8_000_000


def test_of_thousands_of_connections_that_never_log_in_50_at_a_time_are_kept_and_nothing_is_left_of_them():
    """Of 2,000, and 100 at a time.

    The benchmark of the server has 10,000 at a time, which take seconds, and more descriptors than many systems give a
    process. What is special about so many is in the session, whose own test has 10,000, too.
    """

    def connect() -> list[socket.socket]:
        return [socket.create_connection((server.host, server.port), 10) for _ in range(100)]

    objects = 0
    with Server(limits=SMALL) as server, Client(server).log_in() as good:
        for number in range(20):
            clients = connect()
            good.send("Action: Ping")
            assert good.read()[1] == "Ping: Pong"
            for client in clients:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # keeps no port
                client.close()
            if number == 5:  # the transcript is full
                gc.collect()
                objects = len(gc.get_objects())
        clients = connect()
        greetings = [client.makefile("rb").readline() for client in clients]
        assert greetings == [b"Asterisk Call Manager/11.0.0\r\n"] * 50 + [b""] * 50
        for client in clients:
            client.close()
        gc.collect()
        assert len(gc.get_objects()) < objects + 5000


def test_a_client_that_takes_no_answer_is_heard_no_further_until_it_does():
    ping = b"Action: Ping\r\n" + b"".join(b"Filler-%d: %s\r\n" % (n, b"x" * 1000) for n in range(100)) + b"\r\n"
    with Server(limits=SMALL._replace(write_timeout=60)) as server, Client(server).log_in() as client:
        server.on("Much").reply(raw(b"x" * 20_000_000))
        client.send("Action: Much")
        client.socket.settimeout(0.2)
        sent = 0
        with suppress(TimeoutError):
            while sent < 100 * len(ping):
                sent += client.socket.send(ping[sent % len(ping) :])
        assert sent < 100 * len(ping)
        client.socket.settimeout(10)
        assert client.file.read(20_000_000) == b"x" * 20_000_000
        for _ in range(sent // len(ping)):
            assert client.read()[1] == "Ping: Pong"


def test_thousands_of_actions_at_once_are_answered_one_by_one_when_their_answers_are_read():
    count = 5000
    with Server(limits=SMALL) as server, Client(server).log_in() as client:
        asked = b"".join(b"Action: Ping\r\nActionID: %d\r\n\r\n" % number for number in range(count))
        client.socket.sendall(asked)
        assert [client.read()[1] for _ in range(count)] == [f"ActionID: {number}" for number in range(count)]


def test_a_client_that_asks_very_much_at_once_does_not_hold_up_the_others():
    with (
        Server(limits=Limits(write_timeout=10)) as server,
        Client(server).log_in() as greedy,
        Client(server).log_in() as other,
    ):
        greedy.socket.sendall(b"Action: ListCommands\r\n\r\n" * 2000)
        server.wait_for("ListCommands")
        other.send("Action: Ping / ActionID: other")
        other.read()
        answered = sum(each.data.startswith(b"Response") and each.connection == 1 for each in server.transcript)
        assert answered < 1000


def test_a_script_that_fails_for_very_many_clients_does_not_make_the_server_grow():
    with Server(limits=Limits(history=5_000)) as server:
        server.on("Challenge").reply(lambda action: 1 / 0)
        for _ in range(20):
            with Client(server) as client, suppress(ConnectionResetError):
                client.send("Action: Challenge")
                client.file.read()
        assert 0 < len(server.complaints) < 20


def test_what_is_asked_while_an_answer_takes_its_time_is_not_all_kept():
    with Server(limits=SMALL) as server, Client(server).log_in() as client:
        server.on("Slow").reply(wait(60), response())
        client.send("Action: Slow")
        client.socket.settimeout(0.2)
        flood = b"Action: Ping\r\n\r\n" * 60_000
        with suppress(TimeoutError):
            for _ in range(30):
                client.socket.sendall(flood)
            pytest.fail("the server has taken 30 MB")
        assert server.actions.added < 5000
