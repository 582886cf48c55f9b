"""Bad days at the door: what answers is no AMI, or greets oddly, or does not do TLS as it should."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress

import pytest

from ami import (
    Manager,
    ManagerError,
    ManagerSocketError,
    ProtocolError,
    Request,
    State,
    TLSError,
    UnreachableError,
    aio,
    core,
)

from .rogue import CERTIFICATES, GREETING, GUARD, Peer, Rogue

STRANGERS = {
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "HTTP": b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
    "SMTP": b"220 mail.example ESMTP\r\n",
    "TLS": b"\x15\x03\x03\x00\x02\x02\x0a\r\n",
    "an empty line": b"\r\n",
    "NUL bytes": bytes(1000) + b"\n",
}


def connecting(rogue: Rogue, start, manager, **options) -> tuple[Peer, Future]:
    """A manager that connects, with its server."""
    attempt = start(manager.connect, *rogue.address, **options)
    return rogue.accept(), attempt


# What is no AMI


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_server_that_speaks_something_else_is_told(make_manager, rogue, start, stranger):
    manager = make_manager(reconnect=True)
    peer, attempt = connecting(rogue, start, manager)
    peer.send(STRANGERS[stranger])
    with pytest.raises(ProtocolError, match=f"127.0.0.1:{rogue.address[1]}: the server does not speak AMI"):
        attempt.result(GUARD)
    assert peer.rest() == b""  # nothing was sent there, and the link is closed
    assert manager.state is State.CLOSED
    assert rogue.nobody_waits()
    rogue.meet(manager)


@pytest.mark.parametrize("data", [b"", b"Asterisk Call Man"])
def test_a_server_that_waits_for_a_request_is_told(make_manager, rogue, start, data):
    manager = make_manager(reconnect=True)
    attempt = start(manager.connect, *rogue.address, timeout=0.2)
    peer = rogue.accept()
    peer.send(data)
    with pytest.raises(ProtocolError, match="sent no greeting in time"):
        attempt.result(GUARD)
    assert peer.rest() == b""
    assert manager.state is State.CLOSED


@pytest.mark.parametrize("data", [b"", b"Asterisk Call Man"])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_server_that_closes_the_door_is_told(make_manager, rogue, start, how, data):
    manager = make_manager()
    peer, attempt = connecting(rogue, start, manager)
    peer.send(data)
    getattr(peer, how)()
    assert isinstance(attempt.exception(GUARD), ManagerSocketError)
    assert manager.state is State.CLOSED


# Greetings


@pytest.mark.parametrize(
    "pieces",
    [
        [b"Asterisk Call Mana", b"ger/11.0.0\r\n"],
        [b"Asterisk Call Manager/11.0.0\r", b"\n"],
        [bytes([byte]) for byte in GREETING],
        [b"Asterisk Call Manager/11.0.0\n"],
    ],
    ids=["in two pieces", "between CR and LF", "byte by byte", "without CR"],
)
def test_a_greeting_may_come_oddly(make_manager, rogue, start, pieces):
    manager = make_manager()
    peer, attempt = connecting(rogue, start, manager)
    peer.send_pieces(pieces)
    attempt.result(GUARD)
    assert manager.get_asterisk_info() == ("Asterisk Call Manager", "11.0.0")
    login = start(manager.login, "admin", "secret")
    peer.log_in()
    assert login.result(GUARD).success


def test_a_greeting_without_end_is_given_up_long_before_it_fills_the_memory(make_manager, rogue, start):
    manager = make_manager()
    peer, attempt = connecting(rogue, start, manager, timeout=GUARD)
    with suppress(ConnectionError):
        for _ in range(160):
            peer.send(b"Asterisk Call Manager" * 3121)  # 10 MB in all
        peer.rest()
    with pytest.raises(ProtocolError, match="'Asterisk Call Manager"):
        attempt.result(GUARD)
    assert manager.state is State.CLOSED


def test_an_attempt_that_is_cancelled_leaves_no_link(loop, rogue):
    async def work() -> State:
        manager = aio.Manager()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(manager.connect(*rogue.address), 0.05)
        state = manager.state
        await manager.close()
        return state

    assert loop.run(work()) is State.CLOSED
    assert rogue.accept().rest() == b""


def test_an_attempt_that_is_interrupted_leaves_no_link(rogue, monkeypatch):
    def interrupt(connection: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ami.connection.Connection.wait_for_greeting", interrupt)
    with Manager() as manager:
        with pytest.raises(KeyboardInterrupt):
            manager.connect(*rogue.address)
        assert manager.state is State.CLOSED
        assert rogue.accept().rest() == b""


# TLS


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """The context of a client that trusts the tests' own authority."""
    return ssl.create_default_context(cafile=CERTIFICATES / "ca.pem")


@pytest.fixture
def tls_server(request, start) -> Iterator[Rogue]:
    with Rogue(getattr(request, "param", "server.pem")) as rogue:
        yield rogue


@pytest.mark.parametrize(
    ("tls_server", "words"),
    [
        ("untrusted.pem", "self.signed certificate"),
        ("expired.pem", "certificate has expired"),
        ("elsewhere.pem", "not valid for '127.0.0.1'"),
    ],
    indirect=["tls_server"],
)
def test_a_certificate_that_is_not_accepted_is_told(make_manager, tls_server, start, trusting, words):
    manager = make_manager(reconnect=True)
    attempt = start(manager.connect, *tls_server.address, ssl=trusting)
    with suppress(ssl.SSLError, ConnectionError):
        tls_server.accept()
    with pytest.raises(TLSError, match=f"cannot connect to 127.0.0.1:{tls_server.address[1]}: .*{words}"):
        attempt.result(GUARD)
    assert manager.state is State.CLOSED
    assert tls_server.nobody_waits()


@pytest.mark.parametrize("data", [GREETING, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_without_tls_is_told(make_manager, rogue, start, trusting, data):
    manager = make_manager()
    peer, attempt = connecting(rogue, start, manager, ssl=trusting)
    peer.send(data)
    assert isinstance(attempt.exception(GUARD), TLSError)
    assert manager.state is State.CLOSED


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_server_that_closes_instead_of_tls_is_told(make_manager, rogue, start, trusting, how):
    manager = make_manager()
    peer, attempt = connecting(rogue, start, manager, ssl=trusting)
    peer.socket.recv(1)
    getattr(peer, how)()
    assert isinstance(attempt.exception(GUARD), TLSError)


def test_a_server_that_never_begins_tls_is_told(make_manager, rogue, start, trusting):
    manager = make_manager()
    attempt = start(manager.connect, *rogue.address, 0.2, ssl=trusting)
    peer = rogue.accept()
    assert isinstance(attempt.exception(GUARD), UnreachableError | TLSError)
    assert manager.state is State.CLOSED
    peer.rest()


def test_a_client_without_tls_learns_that_the_server_does_not_greet(make_manager, rogue, start):
    manager = make_manager()
    attempt = start(manager.connect, *rogue.address, timeout=0.2)
    peer = rogue.accept()  # as a server with TLS does, it waits for the client to begin
    with pytest.raises(ProtocolError, match="no greeting in time"):
        attempt.result(GUARD)
    assert peer.rest() == b""


def meet(manager, server: Rogue, start, trusting) -> Peer:
    attempt = start(manager.connect, *server.address, ssl=trusting)
    peer = server.accept()
    peer.send(GREETING)
    attempt.result(GUARD)
    login = start(manager.login, "admin", "secret")
    peer.log_in()
    login.result(GUARD)
    return peer


def waiting() -> Request:
    request = Request("Wait")
    request.timeout = 60
    return request


@pytest.mark.parametrize("how", ["close", "reset", "unwrap"])
def test_a_link_with_tls_may_be_lost_in_any_way(make_manager, tls_server, start, trusting, how):
    manager = make_manager()
    peer = meet(manager, tls_server, start, trusting)
    sent = [start(manager.send_action, waiting()) for _ in range(10)]
    for _ in sent:
        peer.action("Wait")
    if how == "unwrap":
        assert isinstance(peer.socket, ssl.SSLSocket)
        with suppress(OSError):
            peer.socket.unwrap()
    else:
        getattr(peer, how)()
    assert {type(each.exception(GUARD)) for each in sent} == {ManagerSocketError}
    assert manager.state is State.CLOSED


def test_much_may_come_over_tls_and_garbage_ends_it(make_manager, tls_server, start, trusting, listen):
    manager = make_manager()
    peer = meet(manager, tls_server, start, trusting)
    hangups = listen("Hangup", manager)
    peer.send(b"Event: Hangup\r\nChannel: x\r\nLong: " + b"x" * 1_000_000 + b"\r\n\r\n")
    assert len(hangups.get()["Long"]) == 1_000_000
    sent = start(manager.send_action, waiting())
    peer.action("Wait")
    with socket.socket(fileno=peer.socket.detach()) as plain:
        plain.sendall(b"Event: Hangup\r\n\r\n")
        assert isinstance(sent.exception(GUARD), ManagerSocketError)


@pytest.mark.parametrize("end", ["close", "disconnect"])
def test_a_server_with_tls_that_never_reads_holds_nothing_up(make_manager, tls_server, start, trusting, end):
    manager = make_manager()
    peer = meet(manager, tls_server, start, trusting)
    hurried = Request("Wait")
    hurried.timeout = 0.001
    hurried.update({f"Key{number}": "x" * 1000 for number in range(120)})
    assert [manager.send_action(hurried) for _ in range(50)] == [None] * 50
    sent = start(manager.send_action, waiting())
    peer.send(b"Event: Hangup\r\n\r\n")
    getattr(manager, end)()
    assert isinstance(sent.exception(GUARD), ManagerSocketError | ManagerError)  # it may not have been sent yet
    with pytest.raises(ManagerError, match="Not connected"):
        manager.send_action(core.Ping())
