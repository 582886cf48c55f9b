"""The log: the wire, for who asks for it, and no secret in any line, `repr` or error."""

import logging
import traceback
from queue import SimpleQueue

import pytest

import ami
from ami import ManagerAuthError, ManagerError, ProtocolError, Reconnect, Request, State, StateChange, core
from amisim import event, response

from .rogue import GREETING

SECRET, CHALLENGE = "hunter2hunter2", "987654321"


class Lines(logging.Handler):
    """Everything that is logged under `ami`, at any level, with tracebacks."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.queue: SimpleQueue[str] = SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.queue.put(self.format(record))

    @property
    def text(self) -> str:
        return "\n".join(map(self.format, self.records))

    def of(self, name: str) -> list[str]:
        return [record.getMessage() for record in self.records if record.name == name]


@pytest.fixture
def wire():
    """The log of a program that asks for everything."""
    logger, lines = logging.getLogger("ami"), Lines()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(lines)
    yield lines
    logger.removeHandler(lines)
    logger.setLevel(level)


# The wire


def test_debug_shows_the_wire(wire, server, make_manager, log_in):
    server.on("Getvar").reply(response(Value="a"), event("Hangup", Cause=16))
    manager = make_manager()
    log_in(manager)
    hangup = manager.events("Hangup")
    manager.send_action(core.Getvar("X"), "own")
    assert hangup.get(20) == "Hangup"
    shown = wire.of("ami.session")
    assert shown[0] == "< Asterisk Call Manager/11.0.0"
    assert "> Action: Getvar | Variable: X | ActionID: own" in shown
    assert "< Response: Success | ActionID: own | Value: a" in shown
    assert shown[-1] == "< Event: Hangup | Cause: 16"
    assert {record.levelname for record in wire.records if record.name == "ami.session"} == {"DEBUG"}


def test_without_debug_the_wire_is_not_shown(server, make_manager, log_in, caplog):
    caplog.set_level(logging.INFO, "ami")
    manager = make_manager()
    log_in(manager)
    assert manager.send_action(core.Ping()).success
    assert [record for record in caplog.records if record.name.startswith("ami")] == []


def test_each_module_has_a_logger_of_its_name(wire, server, make_manager, log_in, request):
    manager = make_manager(debug=True)
    log_in(manager)
    server.on("Ping").reply()
    ping = core.Ping()
    ping.timeout = 0.01
    manager.send_action(ping)
    line = wire.queue.get(timeout=20)
    while "timed out" not in line:
        line = wire.queue.get(timeout=20)
    driver = "ami.manager" if "threads" in request.node.name else "ami.aio.manager"
    assert {record.name for record in wire.records} == {"ami.session", driver}


def test_pings_of_the_library_are_shown_too(wire, rogue, make_manager):
    manager = make_manager(keepalive=0.01, keepalive_timeout=60)
    peer = rogue.meet(manager)
    peer.answer(peer.action("Ping"), Ping="Pong")
    assert any(line.startswith("> Action: Ping | ActionID: ") for line in wire.of("ami.session"))


# Secrets


def everything_seen(wire: Lines, *errors: BaseException, objects: object = ()) -> str:
    """All that could be seen of a secret."""
    told = [line for error in errors for line in traceback.format_exception(error)]
    return "\n".join([wire.text, *told, repr(objects), str(objects), *(f"{error!r} {error.args}" for error in errors)])


@pytest.mark.parametrize("plain", [False, True])
def test_a_login_shows_no_secret(wire, rogue, make_manager, start, listen, plain):
    manager = make_manager(debug=True)
    states = listen(StateChange, manager)
    peer = rogue.greet(manager.connect)
    login = start(manager.login, "admin", SECRET, plain=plain)
    if not plain:
        peer.answer(peer.action("Challenge"), Challenge=CHALLENGE)
    action = peer.action("Login")
    peer.answer(action, Message="Authentication accepted")
    answered = login.result(20)
    assert "Username: admin" in wire.text
    seen = everything_seen(wire, objects=[answered, manager, manager.get_connection(), states.get()])
    for secret in (SECRET, CHALLENGE, action.get("Key") or SECRET):
        assert secret not in seen


def test_a_refused_login_shows_no_secret(wire, rogue, make_manager, start):
    manager = make_manager(debug=True)
    peer = rogue.greet(manager.connect)
    login = start(manager.login, "admin", SECRET)
    peer.answer(peer.action("Challenge"), Challenge=CHALLENGE)
    peer.answer(peer.action("Login"), "Error", Message="Authentication failed")
    error = login.exception(20)
    assert isinstance(error, ManagerAuthError)
    seen = everything_seen(wire, error)
    assert SECRET not in seen
    assert CHALLENGE not in seen


def test_a_lost_login_and_a_reconnection_show_no_secret(wire, rogue, make_manager, listen):
    manager = make_manager(debug=True, reconnect=Reconnect(initial=0.001))
    states = listen(StateChange, manager)
    peer = rogue.greet(manager.connect)
    import threading

    serving = threading.Thread(target=peer.log_in)
    serving.start()
    manager.login("admin", SECRET)
    serving.join(20)
    peer.close()
    peer = rogue.accept()
    peer.send(GREETING)
    peer.answer(peer.action("Challenge"), Challenge=CHALLENGE)
    key = peer.action("Login").get("Key")
    peer.close()
    changes = [states.get()]
    while changes[-1].state is not State.WAITING or len([each for each in changes if each.state is State.WAITING]) < 2:
        changes.append(states.get())
    seen = everything_seen(wire, *(change.error for change in changes if change.error), objects=[changes, manager])
    for secret in (SECRET, CHALLENGE, key):
        assert secret not in seen


def test_a_callback_that_fails_on_a_secret_does_not_show_it(wire, server, make_manager, log_in, listen):
    manager = make_manager(debug=True, slow_callback=-1)
    log_in(manager)
    manager.register_callback("ChallengeSent", lambda event, manager: event["Nothing"])
    done = listen("Marker", manager)
    server.emit(event("ChallengeSent", Challenge=SECRET, Secret=SECRET))
    server.emit(b"Response: Success\r\nActionID: foreign\r\nChallenge: " + SECRET.encode() + b"\r\n\r\n")
    server.emit(event("Marker"))
    done.get()
    assert "failed on event ChallengeSent" in wire.text
    assert SECRET not in wire.text


def test_an_action_with_a_secret_that_times_out_or_is_refused_does_not_show_it(wire, server, make_manager, log_in):
    manager = make_manager(debug=True)
    log_in(manager)
    request = Request("Change")
    request.update(Secret=SECRET, MD5Secret=SECRET)
    request.timeout = 0.01
    server.on("Change").reply()
    assert manager.send_action(request) is None
    errors = []
    for bad in (f"{SECRET}\r\n", SECRET * 100):
        with pytest.raises(ValueError, match="'Password'") as caught:
            manager.send_action(request, Password=bad)
        errors.append(caught.value)
    told = [str(error) for error in errors] + [repr(error) for error in errors]
    assert SECRET not in everything_seen(wire, objects=[request])
    assert not any(SECRET in each for each in told)


def test_a_message_that_is_too_large_does_not_show_its_secret(wire, rogue, make_manager, start):
    manager = make_manager(max_frame=80)
    peer = rogue.greet(manager.connect)
    challenge = start(manager.send_action, core.Challenge())
    peer.action("Challenge")
    peer.send(b"Challenge: " + SECRET.encode() + b"\r\nFiller: " + b"x" * 100)
    error = challenge.exception(20)
    assert isinstance(error, ProtocolError)
    assert "more than 80 bytes" in str(error)
    assert SECRET not in everything_seen(wire, error)


@pytest.mark.parametrize("kind", [ami.Manager, ami.aio.Manager])
def test_a_manager_shows_no_secret(kind):
    import asyncio

    async def shown() -> str:
        manager = kind()
        with pytest.raises(ManagerError):
            manager._remember_login("admin", SECRET, True, False, ())
        return repr(manager)

    assert SECRET not in asyncio.run(shown())
