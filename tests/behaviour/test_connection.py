"""Connecting, logging in, and the end of a link."""

import hashlib
import socket
from collections.abc import Iterator
from concurrent.futures import wait as wait_for

import pytest

from ami import Error, ManagerAuthError, ManagerError, ManagerSocketError, ProtocolError, Request, core
from amisim import close, event, response


def waiting(timeout: float = 60) -> Request:
    """An action that the server does not answer."""
    request = Request("Wait")
    request.timeout = timeout
    return request


@pytest.fixture
def under_way(server, manager, start):
    """Start a number of actions that the server does not answer; they have all arrived there."""

    def begin(count: int, request: Request | None = None):
        server.on("Wait").reply()
        futures = [start(manager.send_action, request or waiting(), Number=number) for number in range(count)]
        for number in range(count):
            server.wait_for("Wait", Number=number)
        return futures

    return begin


# Connecting


def test_a_manager_is_not_connected_at_first(make_manager):
    manager = make_manager()
    assert not manager.is_connected()
    assert manager.get_connection() is None
    assert manager.get_asterisk_info() is None
    assert repr(manager).endswith(".Manager, closed>")


def test_a_manager_that_is_connected_knows_its_server(server, make_manager):
    manager = make_manager()
    manager.connect(server.host, server.port)
    assert manager.is_connected()
    assert manager.get_connection() is not None
    assert manager.get_asterisk_info() == ("Asterisk Call Manager", "11.0.0")
    assert f" {server.host}:{server.port}, connected>" in repr(manager)


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_a_manager_whose_link_was_closed_is_not_connected(manager, end):
    getattr(manager, end)()
    assert not manager.is_connected()
    assert manager.get_connection() is None
    assert manager.get_asterisk_info() is None
    assert repr(manager).endswith(".Manager, closed>")


def test_a_manager_whose_link_was_lost_is_not_connected(server, manager, under_way):
    [future] = under_way(1)
    server.disconnect()
    assert isinstance(future.exception(timeout=5), ManagerSocketError)
    assert not manager.is_connected()
    assert manager.get_asterisk_info() is None
    assert ", closed>" in repr(manager)
    with pytest.raises(ManagerError, match="Not connected"):
        manager.send_action(core.Ping())


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_closing_twice_or_without_a_link_does_nothing(make_manager, server, end):
    manager = make_manager()
    getattr(manager, end)()
    manager.connect(server.host, server.port)
    getattr(manager, end)()
    getattr(manager, end)()
    assert not manager.is_connected()


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_a_manager_may_connect_again(manager, log_in, server, listen, end):
    hangups = listen("Hangup")
    getattr(manager, end)()
    log_in(manager)
    assert manager.send_action(core.Ping()).success
    server.emit(event("Hangup"))
    assert hangups.get()["Event"] == "Hangup"


def test_connecting_again_closes_the_link_that_is_up(server, manager, under_way):
    [future] = under_way(1)
    before = manager.get_connection()
    manager.connect(server.host, server.port)
    assert isinstance(future.exception(timeout=5), ManagerSocketError)
    assert manager.is_connected()
    assert manager.get_connection() is not before


def test_leaving_a_with_statement_closes_the_manager(driver, server):
    with driver() as manager:
        manager.connect(server.host, server.port)
        assert manager.is_connected()
    assert not manager.is_connected()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_server_that_is_not_there_is_told(make_manager, closed_port):
    manager = make_manager()
    words = rf"cannot connect to 127\.0\.0\.1:{closed_port}: Connection refused"
    with pytest.raises(ManagerSocketError, match=words) as caught:
        manager.connect("127.0.0.1", closed_port)
    assert not isinstance(caught.value, ProtocolError)
    assert not manager.is_connected()
    assert manager.get_asterisk_info() is None


def test_a_server_that_does_not_speak_ami_is_told(make_manager, impostor):
    manager = make_manager()
    host, port = impostor(b"SSH-2.0-OpenSSH_9.6\r\n")
    with pytest.raises(ProtocolError, match=f"{host}:{port}: the server does not speak AMI: .*'SSH-2.0-OpenSSH_9.6'"):
        manager.connect(host, port)
    assert not manager.is_connected()
    assert manager.get_asterisk_info() is None


def test_a_server_that_stays_silent_is_told(make_manager, impostor):
    manager = make_manager()
    host, port = impostor()
    with pytest.raises(ProtocolError, match=f"{host}:{port}: .* no greeting in time"):
        manager.connect(host, port, timeout=0.05)
    assert not manager.is_connected()


def test_a_server_that_greets_with_half_a_line_is_told(make_manager, impostor):
    manager = make_manager()
    host, port = impostor(b"Asterisk Call Manager")
    with pytest.raises(ProtocolError, match="no greeting in time"):
        manager.connect(host, port, timeout=0.05)
    assert not manager.is_connected()


def test_a_server_that_closes_before_its_greeting_is_told(make_manager, impostor):
    manager = make_manager()
    host, port = impostor(close=True)
    with pytest.raises(ProtocolError, match=f"{host}:{port}: the server closed the connection before its greeting"):
        manager.connect(host, port)
    assert not manager.is_connected()


def test_after_a_failed_attempt_a_manager_may_connect(make_manager, impostor, log_in):
    manager = make_manager()
    with pytest.raises(ProtocolError):
        manager.connect(*impostor(close=True))
    log_in(manager)
    assert manager.send_action(core.Ping()).success


def test_a_failed_attempt_has_closed_the_link_that_was_up(manager, impostor):
    with pytest.raises(ProtocolError):
        manager.connect(*impostor(close=True))
    assert not manager.is_connected()


def test_a_refused_attempt_has_closed_the_link_that_was_up(manager, closed_port):
    with pytest.raises(ManagerSocketError, match="Connection refused"):
        manager.connect("127.0.0.1", closed_port)
    assert not manager.is_connected()


def test_an_attempt_to_connect_ends_when_another_thread_closes_the_manager(make_manager, impostor, start):
    manager = make_manager()
    attempt = start(manager.connect, *impostor(), timeout=60)
    while not attempt.done():
        manager.close()
        wait_for([attempt], timeout=0.01)
    assert isinstance(attempt.exception(), ManagerSocketError)


@pytest.mark.parametrize(
    "call",
    [
        lambda manager: manager.send_action(core.Ping()),
        lambda manager: manager.login("admin", "secret"),
        lambda manager: manager.monitor_connection(),
    ],
)
def test_without_a_link_there_is_nothing_to_do(make_manager, call):
    with pytest.raises(ManagerError, match="Not connected to an Asterisk manager") as caught:
        call(make_manager())
    assert not isinstance(caught.value, ManagerSocketError)


# Logging in


def test_a_login_proves_the_secret_without_sending_it(server, make_manager):
    manager = make_manager()
    manager.connect(server.host, server.port)
    response = manager.login(server.username, server.secret)
    assert response.success
    assert response.result["Message"] == "Authentication accepted"
    login = server.wait_for("Login")
    assert login.get("Username") == server.username
    assert login.get("AuthType") == "MD5"
    assert login.get("Secret") == ""
    assert all(server.secret.encode() not in action.frame for action in server.actions)
    assert manager.send_action(core.Ping()).success


def test_a_plain_login_is_an_action(server, make_manager):
    manager = make_manager()
    manager.connect(server.host, server.port)
    assert manager.send_action(core.Login(server.username, server.secret)).success
    assert server.wait_for("Login").get("Secret") == server.secret


def test_a_login_may_be_made_step_by_step(server, make_manager):
    manager = make_manager()
    manager.connect(server.host, server.port)
    challenge = manager.send_action(core.Challenge()).result["Challenge"]
    assert manager.send_action(core.Login(server.username, server.secret, challenge=challenge)).success
    key = hashlib.md5((challenge + server.secret).encode()).hexdigest()
    assert server.wait_for("Login").get("Key") == key


@pytest.mark.parametrize("events", [True, False])
def test_a_login_says_whether_events_are_wanted(server, make_manager, events):
    manager = make_manager()
    manager.connect(server.host, server.port)
    manager.login(server.username, server.secret, events=events)
    assert server.wait_for("Login").get("Events") == ("" if events else "off")


def test_a_refused_login_is_told(server, make_manager):
    server.on("Login").reply(response("Error", Message="Authentication failed"), close())
    manager = make_manager()
    manager.connect(server.host, server.port)
    with pytest.raises(ManagerAuthError, match="Authentication failed") as caught:
        manager.login("admin", "wr0ng")
    assert "wr0ng" not in str(caught.value)


def test_a_refused_challenge_is_told(server, make_manager):
    server.on("Challenge").reply(response("Error", Message="Must specify AuthType"))
    manager = make_manager()
    manager.connect(server.host, server.port)
    with pytest.raises(ManagerAuthError, match="Must specify AuthType"):
        manager.login("admin", "secret")


def test_a_refused_login_leaves_a_link_that_the_server_left_open(server, make_manager):
    server.on("Login").times(1).reply(response("Error", Message="Authentication failed"))
    manager = make_manager()
    manager.connect(server.host, server.port)
    with pytest.raises(ManagerAuthError):
        manager.login(server.username, server.secret)
    assert manager.login(server.username, server.secret).success


def test_a_login_is_over_with_the_link(server, make_manager):
    server.on("Login").reply(close("reset"))
    manager = make_manager()
    manager.connect(server.host, server.port)
    with pytest.raises(ManagerSocketError):
        manager.login("admin", "secret")


def test_a_logoff_succeeds_and_ends_the_link(manager):
    logoff = manager.send_action(core.Logoff())
    assert logoff.success
    assert logoff.result["Response"] == "Goodbye"


# The end of a link


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_every_action_under_way_ends_when_the_link_is_lost(server, under_way, how):
    futures = under_way(20)
    server.disconnect(how)
    errors = [future.exception(timeout=5) for future in futures]
    assert {type(error) for error in errors} == {ManagerSocketError}
    assert len({id(error) for error in errors}) == 20


def test_a_synchronous_action_under_way_ends_when_the_link_is_lost(server, under_way):
    request = waiting()
    request.synchronous = True
    futures = under_way(3, request)
    server.disconnect()
    assert all(isinstance(future.exception(timeout=5), ManagerSocketError) for future in futures)


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_every_action_under_way_ends_when_another_thread_closes_the_link(manager, under_way, end):
    futures = under_way(5)
    getattr(manager, end)()
    assert all(isinstance(future.exception(timeout=5), ManagerSocketError) for future in futures)


def test_what_the_server_said_before_it_closed_is_delivered(server, manager, listen):
    everything = listen("")
    server.on("Restart").reply(response(), event("Shutdown", Restart="True"), close())
    assert manager.send_action(Request("Restart")).success
    assert everything.get().restart is True


def test_errors_have_one_base():
    assert issubclass(ManagerError, Error)
    assert issubclass(ManagerSocketError, Error)
    assert issubclass(ManagerAuthError, ManagerError)
    assert issubclass(ProtocolError, ManagerSocketError)
    assert not issubclass(ManagerSocketError, ManagerError)
