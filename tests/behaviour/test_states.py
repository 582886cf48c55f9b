"""What a link is doing, and what callbacks are told of it."""

import pytest

import ami
from ami import (
    ManagerAuthError,
    ManagerSocketError,
    ProtocolError,
    Reconnect,
    RefusedError,
    State,
    StateChange,
    core,
)  # fmt: skip
from amisim import event, response

from .rogue import GREETING

SOON = Reconnect(initial=0.001, factor=1, jitter=0)


class Changes:
    """The changes of a manager's state, each of which must follow from the one before."""

    def __init__(self, inbox) -> None:
        self._inbox = inbox
        self._last = State.CLOSED

    def get(self) -> StateChange:
        change: StateChange = self._inbox.get()
        assert change.previous is self._last
        self._last = change.state
        return change

    def until(self, state: State) -> StateChange:
        while (change := self.get()).state is not state:
            pass
        return change

    def next(self, count: int) -> list[State]:
        return [self.get().state for _ in range(count)]


@pytest.fixture
def changes(listen):
    """Keep the changes of a manager."""
    return lambda manager: Changes(listen(StateChange, manager))


def test_a_manager_tells_what_its_link_is_doing(server, make_manager, changes):
    manager = make_manager()
    assert manager.state is State.CLOSED
    told = changes(manager)
    manager.connect(server.host, server.port)
    assert manager.state is State.CONNECTED
    manager.login(server.username, server.secret)
    assert manager.state is State.READY
    manager.disconnect()
    assert manager.state is State.CLOSED
    manager.connect(server.host, server.port)
    assert told.next(5) == [
        State.CONNECTING, State.CONNECTED, State.READY, State.CLOSED, State.CONNECTING,
    ]  # fmt: skip


def test_the_state_is_known_before_the_call_that_brought_it_returns(server, make_manager):
    manager = make_manager()
    for _ in range(5):
        manager.connect(server.host, server.port)
        assert manager.is_connected()
        manager.login(server.username, server.secret)
        assert manager.state is State.READY
        manager.disconnect()
        assert manager.state is State.CLOSED


def test_what_was_asked_for_has_no_error(server, make_manager, changes):
    manager = make_manager()
    told = changes(manager)
    manager.connect(server.host, server.port)
    manager.disconnect()
    manager.connect(server.host, server.port)
    assert [told.get()[2:] for _ in range(5)] == [(None, None)] * 5


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_a_lost_link_says_why(server, manager, changes, listen, how):
    told = listen(StateChange)
    server.disconnect(how)
    lost = told.get()
    assert lost[:2] == (State.CLOSED, State.READY)
    assert isinstance(lost.error, ManagerSocketError)
    assert lost.retry_in is None
    assert manager.state is State.CLOSED


def test_the_end_is_told_once(server, make_manager, changes):
    manager = make_manager()
    told = changes(manager)
    for _ in range(2):
        manager.connect(server.host, server.port)
        server.disconnect()
        assert told.until(State.CLOSED).error is not None
        manager.disconnect()
        manager.disconnect()
    manager.connect(server.host, server.port)
    assert told.get().state is State.CONNECTING


def test_a_refused_attempt_is_told(rogue, make_manager, changes):
    manager = make_manager()
    told = changes(manager)
    rogue.refuse()
    for _ in range(2):
        with pytest.raises(RefusedError):
            manager.connect(*rogue.address)
        assert told.next(1) == [State.CONNECTING]
        closed = told.get()
        assert closed.state is State.CLOSED
        assert isinstance(closed.error, RefusedError)
    assert manager.state is State.CLOSED


def test_an_attempt_that_finds_no_asterisk_is_told_once(make_manager, changes, impostor):
    manager = make_manager()
    told = changes(manager)
    for _ in range(2):
        with pytest.raises(ProtocolError):
            manager.connect(*impostor(b"SSH-2.0-OpenSSH_9.6\r\n"))
        assert told.next(1) == [State.CONNECTING]
        assert isinstance(told.until(State.CLOSED).error, ProtocolError)


def test_while_a_server_says_nothing_the_manager_is_connecting(rogue, make_manager, start):
    manager = make_manager()
    attempt = start(manager.connect, *rogue.address)
    peer = rogue.accept()
    assert manager.state is State.CONNECTING
    assert not manager.is_connected()
    peer.send(GREETING)
    attempt.result(timeout=5)
    assert manager.state is State.CONNECTED


def test_a_login_sent_as_an_action_counts(server, make_manager, changes):
    manager = make_manager()
    told = changes(manager)
    manager.connect(server.host, server.port)
    manager.send_action(core.Login(server.username, server.secret))
    assert manager.state is State.READY
    assert told.next(3)[-1] is State.READY


def test_a_lost_link_that_is_made_again_goes_through_every_state(rogue, make_manager, changes):
    manager = make_manager(reconnect=SOON)
    told = changes(manager)
    rogue.meet(manager).close()
    assert told.next(3) == [State.CONNECTING, State.CONNECTED, State.READY]
    waiting = told.get()
    assert waiting.state is State.WAITING
    assert isinstance(waiting.error, ManagerSocketError)
    assert waiting.retry_in == 0.001
    peer = rogue.accept()
    assert told.next(1) == [State.CONNECTING]
    peer.send(GREETING)
    peer.log_in()
    assert told.next(2) == [State.CONNECTED, State.READY]
    assert manager.state is State.READY


def test_attempts_that_fail_in_every_way_are_a_chain_of_changes(rogue, make_manager, changes):
    manager = make_manager(reconnect=SOON)
    told = changes(manager)
    rogue.meet(manager).close()
    told.until(State.WAITING)
    for greeting in (b"", b"SSH-2.0\r\n", GREETING):
        peer = rogue.accept()
        peer.send(greeting)
        peer.close()
        assert isinstance(told.until(State.WAITING).error, ManagerSocketError)
    peer = rogue.accept()
    peer.send(GREETING)
    peer.answer(peer.action("Challenge"), "Error", Message="Authentication failed")
    assert isinstance(told.until(State.CLOSED).error, ManagerAuthError)
    assert manager.state is State.CLOSED


def test_disconnecting_while_waiting_is_told(rogue, make_manager, changes):
    manager = make_manager(reconnect=Reconnect(initial=3600))
    told = changes(manager)
    rogue.meet(manager).close()
    told.until(State.WAITING)
    assert manager.state is State.WAITING
    assert not manager.is_connected()
    manager.disconnect()
    assert told.next(1) == [State.CLOSED]
    assert manager.state is State.CLOSED


def test_a_callback_for_states_is_called_for_nothing_else(server, make_manager, log_in, listen):
    manager = make_manager(aggregate_timeout=0.01)
    log_in(manager)
    told, every, orphans = listen(StateChange, manager), listen("", manager), listen(None, manager)
    server.on("Ping").reply()
    ping = core.Ping()
    ping.timeout = 0.01
    assert manager.send_action(ping) is None  # there is a notice of that
    server.emit(b"Response: Success\r\nActionID: foreign\r\n\r\n")
    server.emit(event("Hangup"))
    assert every.get() == "Hangup"
    orphans.get()
    manager.disconnect()
    manager.connect(server.host, server.port)
    assert told.get().state is State.CLOSED


def test_changes_come_in_the_order_of_the_wire(server, manager, listen):
    both = listen("Hangup")
    manager.register_callback(StateChange, both)
    server.on("Go").reply(response(), event("Hangup"))
    manager.send_action(ami.Request("Go"))
    server.disconnect()
    assert [both.get() == "Hangup", both.get().state] == [True, State.CLOSED]


def test_a_callback_for_states_may_be_taken_out(server, manager, listen):
    first, second = listen(StateChange), listen(StateChange)
    assert manager.unregister_callback(StateChange, first)
    server.disconnect()
    assert second.get().state is State.CLOSED
    manager.connect(server.host, server.port)
    second.get()
    assert first._arrived.empty()
