"""Clients that misbehave neither stop the server nor make it grow."""

import tracemalloc

import pytest

from amisim import Server, event
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


def test_a_line_without_end_takes_no_memory():
    with (
        Server(limits=Limits(history=2_000_000)) as server,
        Client(server) as endless,
        Client(server).log_in() as other,
    ):
        chunk = b"x" * 65_536
        endless.socket.sendall(chunk)
        tracemalloc.start()
        for _ in range(200):
            endless.socket.sendall(chunk)
        ping_until(other, lambda: tracemalloc.get_traced_memory()[0] < 3_000_000)
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
        tracemalloc.stop()
        endless.send("\r\n")
        assert "Message: Failed to parse message: line too long" in endless.read()
