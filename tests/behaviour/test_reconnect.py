"""A lost link that is made again by itself."""

import threading

import pytest

import ami
from ami import (
    Gap,
    ManagerAuthError,
    ManagerError,
    ManagerSocketError,
    ProtocolError,
    Reconnect,
    RefusedError,
    Request,
    State,
    StateChange,
    core,
)  # fmt: skip

from .rogue import BOOTED, GREETING, message

GUARD = 20
SOON = Reconnect(initial=0.001, factor=1, jitter=0)
NEVER = Reconnect(initial=100 * 86_400, maximum=200 * 86_400, jitter=0)


def until(states, state: State) -> StateChange:
    change: StateChange = states.get()
    while change.state is not state:
        change = states.get()
    return change


def lose(manager, rogue, states) -> None:
    """Make a link, log in, and lose it."""
    peer = rogue.meet(manager)
    until(states, State.READY)
    peer.close()


def come_back(rogue, then: bytes = b""):
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in(then)
    return peer


# The link comes back


def test_the_link_is_made_and_logged_in_again(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    for _ in range(3):
        lose(manager, rogue, states)
        peer = come_back(rogue)
        until(states, State.READY)
        assert manager.is_connected()
        manager.disconnect()
        assert b"Action" not in peer.rest()


def test_the_login_is_made_again_as_it_was_made(rogue, make_manager, listen, start):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    peer = rogue.greet(manager.connect)
    login = start(manager.login, "admin", "secret", events=False, plain=True, filters=iter(["Event: Hangup"]))
    for link in range(2):
        action = peer.action("Login")
        assert (action.get("Secret"), action.get("Events")) == ("secret", "off")
        peer.answer(action)
        added = peer.action("Filter")
        assert (added.get("Operation"), added.get("Filter")) == ("Add", "Event: Hangup")
        peer.answer(added)
        if not link:
            assert login.result(GUARD).success
            peer.close()
            peer = rogue.accept()
            peer.send(GREETING)
    until(states, State.WAITING)
    until(states, State.READY)


def test_a_second_login_that_is_refused_changes_nothing(rogue, make_manager, listen, start):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    peer = rogue.meet(manager)
    again = start(manager.login, "other", "wrong", plain=True)
    peer.answer(peer.action("Login"), "Error", Message="Authentication failed")
    assert isinstance(again.exception(GUARD), ManagerAuthError)
    peer.close()
    until(states, State.WAITING)
    peer = rogue.accept()
    peer.send(GREETING)
    peer.answer(peer.action("Challenge"), Challenge="123456")
    login = peer.action("Login")
    assert login.get("Username") == "admin"
    peer.answer(login)
    until(states, State.READY)


def test_callbacks_and_streams_stay(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    hangups, stream, states = listen("Hangup", manager), manager.events("Hangup"), listen(StateChange, manager)
    lose(manager, rogue, states)
    come_back(rogue, b"Event: Hangup\r\n\r\n")
    assert hangups.get() == "Hangup"
    assert [next(stream).name, next(stream).name] == ["Gap", "Hangup"]


def test_a_gap_with_the_seconds_stands_before_the_first_event_of_the_new_link(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    every, states = listen("", manager), listen(StateChange, manager)
    lose(manager, rogue, states)
    for _ in range(3):
        peer = rogue.accept()
        peer.close()  # the link is still down: it is one gap
    for _ in range(2):
        peer = come_back(rogue, BOOTED)
        gap = every.get()
        assert isinstance(gap, Gap)
        assert (gap.reason, gap.lost) == ("link", None)
        assert gap.seconds is not None
        assert 0 <= gap.seconds < GUARD
        assert every.get() == "FullyBooted"
        peer.close()


def test_without_reconnect_a_lost_link_stays_lost(rogue, make_manager, listen):
    manager = make_manager()
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    assert until(states, State.CLOSED).error is not None
    assert rogue.nobody_waits()
    with pytest.raises(ManagerError, match="Not connected"):
        manager.send_action(core.Ping())


def test_reconnect_may_be_true_or_false(make_manager, rogue, listen):
    manager = make_manager(reconnect=False)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    assert states.get().state is State.CLOSED
    manager = make_manager(reconnect=True)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    waiting = states.get()
    assert waiting.state is State.WAITING
    assert 0.25 <= waiting.retry_in <= 0.5


# Actions


def test_what_was_under_way_ends_once_and_is_never_sent_again(rogue, make_manager, listen, start):
    manager = make_manager(reconnect=SOON)
    orphans = listen(None, manager)
    peer = rogue.meet(manager)
    request = Request("Originate")
    request.timeout = 3600
    sent = [start(manager.send_action, request, f"own-{number}") for number in range(5)]
    for _ in sent:
        peer.action("Originate")
    peer.close()
    assert {type(each.exception(GUARD)) for each in sent} == {ManagerSocketError}
    peer = come_back(rogue)
    peer.send(message("Response: Success\r\nActionID: own-0"))
    assert orphans.get().action_id == "own-0"
    ping = start(manager.send_action, core.Ping())
    peer.answer(peer.action("Ping"), Ping="Pong")  # nothing came before it
    assert ping.result(GUARD).success


def test_while_there_is_no_link_actions_are_refused_at_once(rogue, make_manager, listen):
    manager = make_manager(reconnect=NEVER)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    until(states, State.WAITING)
    for call in (lambda: manager.send_action(core.Ping()), lambda: manager.login("a", "b"), manager.monitor_connection):
        with pytest.raises(ManagerError, match="Not connected"):
            call()


# Attempts that fail


def test_attempts_go_on_while_nothing_listens(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    peer = rogue.meet(manager)
    rogue.refuse()
    peer.close()
    assert type(until(states, State.WAITING).error) is ManagerSocketError
    for _ in range(3):
        assert isinstance(until(states, State.WAITING).error, RefusedError)
    rogue.listen()
    come_back(rogue)
    until(states, State.READY)


def test_the_waits_grow(rogue, make_manager, listen):
    manager = make_manager(reconnect=Reconnect(initial=0.001, factor=2, maximum=0.006, jitter=0, stable=3600))
    states = listen(StateChange, manager)
    peer = rogue.meet(manager)
    rogue.refuse()
    peer.close()
    assert [until(states, State.WAITING).retry_in for _ in range(5)] == [0.001, 0.002, 0.004, 0.006, 0.006]
    rogue.listen()
    come_back(rogue).close()
    assert until(states, State.READY)
    assert until(states, State.WAITING).retry_in == 0.006  # it was not up for long


def test_a_link_that_was_stable_is_tried_again_soon(rogue, make_manager, listen):
    manager = make_manager(reconnect=Reconnect(initial=0.001, factor=2, jitter=0, stable=0))
    states = listen(StateChange, manager)
    for _ in range(2):
        lose(manager, rogue, states)
        assert until(states, State.WAITING).retry_in == 0.001
        rogue.accept().close()
        assert until(states, State.WAITING).retry_in == 0.002
        come_back(rogue)
        until(states, State.READY)


def test_a_wrong_password_ends_the_attempts(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    states, stream = listen(StateChange, manager), manager.events()
    lose(manager, rogue, states)
    peer = rogue.accept()
    peer.send(GREETING)
    peer.answer(peer.action("Challenge"), Challenge="123456")
    peer.answer(peer.action("Login"), "Error", Message="Authentication failed")
    closed = until(states, State.CLOSED)
    assert isinstance(closed.error, ManagerAuthError)
    assert "Authentication failed" in str(closed.error)
    with pytest.raises(ManagerAuthError):
        next(stream)
    assert peer.rest() == b""
    assert rogue.nobody_waits()
    assert manager.state is State.CLOSED


@pytest.mark.parametrize("action", ["Challenge", "Login"])
def test_a_server_that_is_shutting_down_is_tried_again(rogue, make_manager, listen, action):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    peer = rogue.accept()
    peer.send(GREETING)
    if action == "Login":
        peer.answer(peer.action("Challenge"), Challenge="123456")
    peer.answer(peer.action(action), "Error", Message="Asterisk is shutting down")
    until(states, State.WAITING)
    refused = until(states, State.WAITING).error
    assert isinstance(refused, ManagerError)
    assert not isinstance(refused, ManagerAuthError)
    assert peer.rest() == b""  # a link on which nobody is logged in is of no use
    come_back(rogue)
    until(states, State.READY)


@pytest.mark.parametrize("action", ["Challenge", "Login"])
def test_a_link_on_which_an_attempt_failed_is_closed_at_once(rogue, make_manager, listen, action):
    """The next attempt is far away."""
    manager = make_manager(reconnect=Reconnect(initial=0.001, factor=10**8, maximum=10**5, jitter=0))
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    peer = rogue.accept()
    peer.send(GREETING)
    if action == "Login":
        peer.answer(peer.action("Challenge"), Challenge="123456")
    peer.answer(peer.action(action), "Error", Message="Asterisk is shutting down")
    assert peer.rest() == b""
    assert until(states, State.WAITING).retry_in == 0.001
    assert until(states, State.WAITING).retry_in == 10**5
    assert manager.state is State.WAITING
    assert not manager.is_connected()
    with pytest.raises(ManagerError, match="Not connected"):
        manager.send_action(core.Ping())


def test_an_attempt_that_finds_no_asterisk_is_made_again(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    until(states, State.WAITING)
    rogue.accept().send(b"SSH-2.0-OpenSSH_9.6\r\n")
    assert isinstance(until(states, State.WAITING).error, ProtocolError)
    come_back(rogue)
    until(states, State.READY)


def test_a_link_that_is_lost_in_the_moment_it_came_back_is_made_again(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    for _ in range(20):
        come_back(rogue).close()
    come_back(rogue)
    for _ in range(21):
        until(states, State.READY)
    assert manager.is_connected()


# What is not made again


def test_a_first_attempt_that_fails_is_not_made_again(rogue, make_manager):
    manager = make_manager(reconnect=SOON)
    rogue.refuse()
    with pytest.raises(RefusedError):
        manager.connect(*rogue.address)
    rogue.listen()
    assert manager.state is State.CLOSED
    assert rogue.nobody_waits()


def test_a_link_on_which_nobody_logged_in_is_not_made_again(rogue, make_manager, listen):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    rogue.greet(manager.connect).close()
    assert [states.get().state for _ in range(3)] == [State.CONNECTING, State.CONNECTED, State.CLOSED]
    assert rogue.nobody_waits()


@pytest.mark.parametrize("refused", [True, False])
def test_a_link_that_was_lost_during_its_first_login_is_not_made_again(rogue, make_manager, listen, start, refused):
    manager = make_manager(reconnect=SOON)
    states, stream = listen(StateChange, manager), manager.events()
    peer = rogue.greet(manager.connect)
    login = start(manager.login, "admin", "secret")
    challenge = peer.action("Challenge")
    if refused:
        peer.answer(challenge, Challenge="123456")
        peer.answer(peer.action("Login"), "Error", Message="Authentication failed")
    peer.close()
    assert isinstance(login.exception(GUARD), ManagerAuthError if refused else ManagerSocketError)
    assert [states.get().state for _ in range(3)] == [State.CONNECTING, State.CONNECTED, State.CLOSED]
    with pytest.raises(ManagerSocketError):
        next(stream)
    assert rogue.nobody_waits()


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_a_link_that_was_closed_on_purpose_is_not_made_again(rogue, make_manager, end):
    manager = make_manager(reconnect=SOON)
    peer = rogue.meet(manager)
    getattr(manager, end)()
    assert peer.rest() == b""
    assert manager.state is State.CLOSED
    assert rogue.nobody_waits()


def test_a_link_that_ended_with_a_logoff_is_not_made_again(server, make_manager, log_in, listen):
    manager = make_manager(reconnect=SOON)
    log_in(manager)
    states = listen(StateChange, manager)
    assert manager.send_action(core.Logoff()).success
    change = states.get()
    assert change[:2] == (State.CLOSED, State.READY)


# Closing


def gone(name: str = "ami-reconnect") -> bool:
    """Whether the thread that makes a lost link again has ended."""
    threads = [thread for thread in threading.enumerate() if thread.name == name]
    for thread in threads:
        thread.join(GUARD)
    return not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_closing_ends_a_wait_at_once(rogue, make_manager, listen, end):
    manager = make_manager(reconnect=NEVER)
    states, stream = listen(StateChange, manager), manager.events()
    lose(manager, rogue, states)
    assert until(states, State.WAITING).retry_in == 100 * 86_400
    getattr(manager, end)()
    assert gone()
    assert manager.state is State.CLOSED
    assert list(stream) == []


@pytest.mark.parametrize("stage", ["greeting", "login"])
@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_closing_ends_an_attempt_at_once(rogue, make_manager, listen, end, stage):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    peer = rogue.accept()
    if stage == "login":
        peer.send(GREETING)
        peer.action("Challenge")
    until(states, State.CONNECTED if stage == "login" else State.CONNECTING)
    getattr(manager, end)()
    assert gone()
    assert manager.state is State.CLOSED
    peer.rest()
    assert rogue.nobody_waits()
    if end == "disconnect":
        assert states.get()[:2] == (State.CLOSED, State.CONNECTED if stage == "login" else State.CONNECTING)


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_a_callback_may_close_while_the_link_is_made_again(rogue, make_manager, listen, end):
    manager = make_manager(reconnect=NEVER)
    states = listen(StateChange, manager)
    done = threading.Event()

    def callback(change: StateChange, manager: ami.Manager) -> None:
        if change.state is State.WAITING:
            getattr(manager, end)()
            done.set()

    manager.register_callback(StateChange, callback)
    lose(manager, rogue, states)
    assert done.wait(GUARD)
    assert gone()
    assert manager.state is State.CLOSED


def test_connecting_takes_the_place_of_the_attempts(rogue, make_manager, listen):
    manager = make_manager(reconnect=NEVER)
    states = listen(StateChange, manager)
    lose(manager, rogue, states)
    until(states, State.WAITING)
    rogue.meet(manager)
    until(states, State.READY)
    assert gone()
    assert manager.state is State.READY


@pytest.mark.parametrize("moment", [State.WAITING, State.CONNECTING, State.CONNECTED, State.READY])
def test_closing_in_any_moment_of_an_attempt_ends_everything(server, make_manager, log_in, moment):
    for _ in range(5):
        manager = make_manager(reconnect=SOON)
        log_in(manager)
        closed = threading.Event()

        def callback(change: StateChange, manager: ami.Manager, closed: threading.Event = closed) -> None:
            if change.state is moment and change.previous is not State.CLOSED and not closed.is_set():
                manager.close()
                closed.set()

        manager.register_callback(StateChange, callback)
        server.disconnect()
        assert closed.wait(GUARD)
        assert gone()
        assert manager.state is State.CLOSED
        assert not manager.is_connected()


def test_a_login_that_cannot_be_sent_is_not_made_again(rogue, make_manager, listen, start):
    manager = make_manager(reconnect=SOON)
    states = listen(StateChange, manager)
    stream = manager.events("Hangup")
    peer = rogue.greet(manager.connect)
    logging_in = start(peer.log_in)
    with pytest.raises(ValueError, match="CR or LF"):
        manager.login("admin", "secret", filters=["Event: A\nB"])
    logging_in.result(timeout=GUARD)
    until(states, State.READY)
    peer.close()
    assert until(states, State.CLOSED).error is not None
    with pytest.raises(ManagerSocketError):
        stream.get(timeout=GUARD)
