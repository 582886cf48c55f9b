"""`connect`: a manager that is connected and logged in; TLS, IPv6, and what goes wrong, told apart."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import ami
from ami import (
    ManagerAuthError,
    ManagerSocketError,
    ProtocolError,
    RefusedError,
    State,
    StateChange,
    TLSError,
    UnreachableError,
    aio,
    core,
)
from amisim import close, event, response

from .drivers import AsyncManager
from .rogue import CERTIFICATES, GREETING, Rogue

GUARD = 20
WHO = {"username": "admin", "secret": "secret"}
KINDS = {RefusedError, UnreachableError, TLSError, ProtocolError}


@pytest.fixture(params=["threads", "asyncio"])
def connect(request) -> Callable[..., Any]:
    """`ami.connect`, or `ami.aio.connect` behind the same methods; to be used in a `with` statement."""
    if request.param == "threads":
        return ami.connect
    loop = request.getfixturevalue("loop")

    async def wait_for(*args: Any, **options: Any) -> aio.Manager:
        return await aio.connect(*args, **options)

    return lambda *args, **options: AsyncManager(loop, loop.run(wait_for(*args, **options)))


def ping_until_it_fails(manager: Any) -> None:
    while True:
        manager.send_action(core.Ping())


@pytest.fixture
def nothing_is_left(request) -> Iterator[None]:
    """No task of the library is left in the loop."""
    loop = request.getfixturevalue("loop")
    yield
    assert loop.tasks() == []


pytestmark = pytest.mark.usefixtures("nothing_is_left")


# Connected and logged in


def test_it_is_connected_and_logged_in_and_logs_off_in_the_end(server, connect):
    with connect(server.host, server.port, username=server.username, secret=server.secret) as manager:
        assert manager.state is State.READY
        assert manager.send_action(core.Ping()).success
        states = []
        manager.register_callback(StateChange, lambda change, manager: states.append(change.state))
    assert manager.state is State.CLOSED
    assert [action.name for action in server.actions] == ["Challenge", "Login", "Ping", "Logoff"]
    assert State.WAITING not in states
    assert State.CONNECTING not in states


def test_a_plain_login_sends_the_secret(server, connect):
    with connect(server.host, server.port, username=server.username, secret=server.secret, plain=True):
        pass
    login = server.wait_for("Login")
    assert login.get("Secret") == server.secret
    assert [action.name for action in server.actions] == ["Login", "Logoff"]


def test_a_login_proves_the_secret_without_sending_it(server, connect):
    with connect(server.host, server.port, username=server.username, secret=server.secret):
        pass
    assert server.secret.encode() not in b"".join(action.frame for action in server.actions)


def test_filters_are_added_and_one_that_is_refused_does_no_harm(server, connect):
    server.on("Filter", Filter="!Event: RTCP.*").reply(response("Error", Message="Filter not accepted"))
    server.on("Filter", Filter="Event: Hangup").reply(response())
    filters = ["!Event: RTCP.*", "Event: Hangup"]
    with connect(server.host, server.port, **WHO, filters=iter(filters)) as manager:
        assert manager.state is State.READY
    sent = [action for action in server.actions if action.name == "Filter"]
    assert [(action.get("Operation"), action.get("Filter")) for action in sent] == [("Add", each) for each in filters]


def test_events_may_be_left_out(server, connect):
    with connect(server.host, server.port, **WHO, events=False):
        assert server.wait_for("Login").get("Events") == "off"


def test_a_lost_link_is_made_again_unless_told_otherwise(server, connect):
    with connect(server.host, server.port, **WHO, reconnect=ami.Reconnect(initial=0.001)) as manager:
        with manager.events("Marker") as stream:
            server.disconnect()
            assert stream.get(GUARD).reason == "link"
            server.emit(event("Marker"))
            assert stream.get(GUARD) == "Marker"
        assert [action.name for action in server.actions].count("Login") == 2
    with connect(server.host, server.port, **WHO, reconnect=False) as manager:
        server.disconnect()
        with pytest.raises(ami.Error):
            ping_until_it_fails(manager)
        assert manager.state is State.CLOSED


def test_reconnect_and_keepalive_are_on_by_default(server, connect):
    with connect(server.host, server.port, **WHO) as manager:
        inner = getattr(manager, "manager", manager)
        assert inner._reconnect == ami.Reconnect()
        assert inner._keepalive == 30
    with connect(server.host, server.port, **WHO, keepalive=None, reconnect=False) as manager:
        inner = getattr(manager, "manager", manager)
        assert inner._reconnect is None
        assert inner._keepalive is None


def test_options_are_those_of_the_manager(server, connect):
    logger = logging.getLogger("of a test")
    with connect(server.host, server.port, **WHO, debug=True, logger=logger, queue_size=7) as manager:
        inner = getattr(manager, "manager", manager)
        assert (inner._debug, inner._logger, inner._queue_size) == (True, logger, 7)
    with pytest.raises(TypeError):
        connect(server.host, server.port, **WHO, nonsense=1)


def test_a_server_that_does_not_answer_the_logoff_is_waited_for_a_moment(server, connect, monkeypatch):
    hurried = core.Logoff()
    hurried.timeout = 0.01
    monkeypatch.setattr("ami.login.logoff", lambda: hurried)
    server.on("Logoff").reply()
    with connect(server.host, server.port, **WHO) as manager:
        pass
    assert manager.state is State.CLOSED


def test_the_logoff_is_left_out_when_the_link_is_down(rogue, connect, start):
    def log_in() -> None:
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in()
        peer.close()

    serving = start(log_in)
    with connect(*rogue.address, **WHO, reconnect=False) as manager:
        serving.result(GUARD)
        with pytest.raises(ami.Error):
            ping_until_it_fails(manager)
    assert manager.state is State.CLOSED


def test_an_error_in_the_body_passes(server, connect):
    with pytest.raises(LookupError), connect(server.host, server.port, **WHO):
        raise LookupError
    assert server.wait_for("Logoff")


def test_a_manager_that_was_made_by_hand_does_not_log_off(server, make_manager, log_in):
    with make_manager() as manager:
        log_in(manager)
    assert "Logoff" not in [action.name for action in server.actions]


def test_in_a_coroutine_it_may_be_awaited_or_entered(server):
    async def main() -> None:
        async with aio.connect(server.host, server.port, **WHO) as manager:
            assert manager.state is State.READY
        assert manager.state is State.CLOSED
        manager = await aio.connect(server.host, server.port, **WHO)
        async with manager:
            assert (await manager.send_action(core.Ping())).success
        with pytest.raises(ManagerAuthError):
            async with aio.connect(server.host, server.port, username="x", secret="y"):
                pass

    server.on("Login", Username="x").reply(response("Error", Message="Authentication failed"), close())
    asyncio.run(main())
    assert [action.name for action in server.actions].count("Logoff") == 2


# What goes wrong


def test_a_refused_login_is_told_and_leaves_nothing(server, connect):
    server.on("Login").reply(response("Error", Message="Authentication failed"), close())
    with pytest.raises(ManagerAuthError, match="Authentication failed"):
        connect(server.host, server.port, **WHO)
    assert [action.name for action in server.actions] == ["Challenge", "Login"]


def test_a_port_on_which_nobody_listens_is_refused(rogue, connect):
    rogue.refuse()
    with pytest.raises(RefusedError, match=rf"cannot connect to 127\.0\.0\.1:{rogue.address[1]}: Connection refused"):
        connect(*rogue.address, **WHO)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".invalid"])
def test_a_host_that_does_not_exist_is_unreachable(connect, host):
    with pytest.raises(UnreachableError, match=f"cannot connect to {host}:5038: "):
        connect(host, 5038, **WHO)


@pytest.fixture
def full(rogue) -> Iterator[tuple[str, int]]:
    """An address that answers no attempt to connect: its queue of those is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        try:
            for _ in range(8):
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(listener.getsockname())
            yield listener.getsockname()
        finally:
            for each in waiting:
                each.close()


def test_a_host_that_does_not_answer_is_unreachable(full, connect):
    with pytest.raises(UnreachableError, match="no answer in time"):
        connect(*full, **WHO, timeout=0.05)


def test_what_is_no_asterisk_is_told(connect, impostor):
    with pytest.raises(ProtocolError, match="does not speak AMI"):
        connect(*impostor(b"220 mail.example.org\r\n"), **WHO)


def test_a_server_that_stays_silent_is_told(connect, impostor):
    with pytest.raises(ProtocolError, match="no greeting in time"):
        connect(*impostor(), **WHO, timeout=0.05)


def test_a_server_that_closes_during_the_login_is_told(server, connect):
    server.on("Login").reply(close())
    with pytest.raises(ManagerSocketError) as caught:
        connect(server.host, server.port, **WHO)
    assert type(caught.value) is ManagerSocketError


@pytest.mark.parametrize("timeout", [100 * 86_400, 10**9, float("inf")])
def test_the_time_for_connecting_may_be_very_long(server, connect, timeout):
    with connect(server.host, server.port, **WHO, timeout=timeout) as manager:
        ping = core.Ping()
        ping.timeout = timeout
        assert manager.send_action(ping).success


def test_the_kinds_of_errors_exclude_each_other():
    for kind in KINDS:
        assert issubclass(kind, ManagerSocketError)
        assert not any(issubclass(kind, other) for other in KINDS - {kind})


# TLS


@pytest.fixture
def trusting() -> ssl.SSLContext:
    """A context that trusts the tests' own authority."""
    return ssl.create_default_context(cafile=CERTIFICATES / "ca.pem")


@pytest.fixture
def encrypted(start) -> Iterator[Callable[[str], Rogue]]:
    made = []

    def make(certificate: str) -> Rogue:
        made.append(Rogue(certificate))
        return made[-1]

    yield make
    for each in made:
        each.__exit__()


def test_tls(encrypted, connect, trusting, start):
    rogue = encrypted("server.pem")

    def serve() -> bytes:
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in()
        for number in range(3):
            peer.answer(peer.action("Ping"), Number=number)
        peer.send(b"Event: Hangup\r\nCause: 16\r\n\r\n" * 1000)
        peer.answer(peer.action("Logoff"), "Goodbye")
        peer.close()
        return b""

    serving = start(serve)
    with connect(*rogue.address, **WHO, ssl=trusting) as manager, manager.events("Hangup") as hangups:
        assert [manager.send_action(core.Ping()).result["Number"] for _ in range(3)] == ["0", "1", "2"]
        assert {hangups.get(GUARD).cause for _ in range(1000)} == {16}
    serving.result(GUARD)


def test_a_large_action_goes_over_tls_whole(encrypted, connect, trusting, start):
    rogue = encrypted("server.pem")
    size = 100

    def serve() -> int:
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in()
        action = peer.action("Big")
        peer.answer(action)
        peer.answer(peer.action("Logoff"), "Goodbye")
        return len(action.headers)

    serving = start(serve)
    with connect(*rogue.address, **WHO, ssl=trusting) as manager:
        request = ami.Request("Big")
        request.update({f"Key{number}": "x" * 1000 for number in range(size)})
        assert manager.send_action(request).success
    assert serving.result(GUARD) == size


@pytest.mark.parametrize(
    ("certificate", "words"),
    [("elsewhere.pem", r"mismatch|not valid"), ("expired.pem", "expired"), ("untrusted.pem", "verify failed")],
)
def test_a_certificate_that_is_not_accepted_is_told(encrypted, connect, trusting, start, certificate, words):
    rogue = encrypted(certificate)
    serving = start(rogue.accept)
    with pytest.raises(TLSError, match=words):
        connect(*rogue.address, **WHO, ssl=trusting)
    assert isinstance(serving.exception(GUARD), OSError)


def test_the_authorities_of_the_system_are_asked_where_ssl_is_true(encrypted, connect, start):
    rogue = encrypted("server.pem")
    serving = start(rogue.accept)
    with pytest.raises(TLSError, match="certificate verify failed"):
        connect(*rogue.address, **WHO, ssl=True)
    assert isinstance(serving.exception(GUARD), OSError)


def test_a_server_without_tls_is_told(server, connect, trusting):
    with pytest.raises(TLSError):
        connect(server.host, server.port, **WHO, ssl=trusting)


def test_a_server_that_says_nothing_to_a_tls_client_is_told(connect, impostor, trusting):
    with pytest.raises((TLSError, UnreachableError), match="no answer in time"):
        connect(*impostor(), **WHO, ssl=trusting, timeout=0.05)


def test_a_link_over_tls_is_made_again(encrypted, connect, trusting, start):
    rogue = encrypted("server.pem")

    def serve() -> None:
        for last in (False, True):
            peer = rogue.accept()
            peer.send(GREETING)
            peer.log_in()
            if last:
                peer.answer(peer.action("Logoff"), "Goodbye")
            peer.close()

    serving = start(serve)
    soon = ami.Reconnect(initial=0.001)
    with connect(*rogue.address, **WHO, ssl=trusting, reconnect=soon) as manager, manager.events() as events:
        assert events.get(GUARD).reason == "link"
    serving.result(GUARD)


@pytest.mark.parametrize(("given", "port"), [(None, 5038), (False, 5038), (True, 5039)])
def test_the_default_port_is_that_of_asterisk(connect, monkeypatch, given, port):
    tried = []

    def refuse(*args: object, **options: object) -> None:
        tried.append(next(each for each in args if isinstance(each, int)))
        raise ConnectionRefusedError

    async def refuse_too(self: object, factory: object, host: str, port: int, **options: object) -> None:
        tried.append(port)
        raise ConnectionRefusedError

    monkeypatch.setattr("socket.create_connection", lambda address, *args: refuse(*address))
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.create_connection", refuse_too)
    with pytest.raises(RefusedError, match=f"localhost:{port}"):
        connect("localhost", **WHO, ssl=given)
    assert tried == [port]


# IPv6


def test_ipv6(connect):
    import amisim

    try:
        server = amisim.Server(host="::1")
        server.start()
    except amisim.ServerError:
        pytest.skip("no IPv6 on this machine")
    try:
        with connect("::1", server.port, username=server.username, secret=server.secret) as manager:
            assert manager.send_action(core.Ping()).success
            assert f"[::1]:{server.port}" in repr(manager)
    finally:
        server.stop()


def test_an_ipv6_address_is_told_in_brackets(connect, impostor):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    port = listener.getsockname()[1]
    listener.close()
    with pytest.raises(ManagerSocketError, match=rf"cannot connect to \[::1\]:{port}: "):
        connect("::1", port, **WHO)
