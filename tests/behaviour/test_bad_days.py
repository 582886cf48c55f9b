"""Bad days of a link: it is lost, half open, refused, stuck, or made again while everything goes wrong."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

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

from .rogue import BOOTED, GREETING, GUARD, Peer, message

SOON = Reconnect(initial=0.01, factor=1, jitter=0)


def waiting(name: str = "Wait", timeout: float = 60, **options: bool) -> Request:
    request = Request(name)
    request.timeout = timeout
    vars(request).update(options)
    return request


def until(inbox, state: State) -> list[StateChange]:
    """The changes up to the one to this state."""
    changes = [inbox.get()]
    while changes[-1].state is not state:
        changes.append(inbox.get())
    return changes


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(50) as pool:
        yield pool


def send_all(manager, peer: Peer, crowd, count: int) -> list[Future]:
    """Actions that have arrived at the server; every other one waits for a list."""
    sent = [crowd.submit(manager.send_action, waiting(synchronous=bool(number % 2))) for number in range(count)]
    for _ in sent:
        peer.action("Wait")
    return sent


# The link is lost


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("reconnect", [False, SOON])
def test_each_of_fifty_actions_ends_with_the_link_and_none_is_sent_again(
    make_manager, rogue, crowd, listen, how, reconnect
):
    manager = make_manager(reconnect=reconnect)
    changes = listen(StateChange, manager)
    peer = rogue.meet(manager)
    until(changes, State.READY)
    sent = send_all(manager, peer, crowd, 50)
    getattr(peer, how)()
    errors = [each.exception(GUARD) for each in sent]
    assert {type(error) for error in errors} == {ManagerSocketError}
    assert len(set(map(id, errors))) == 50
    if reconnect:
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in()
        until(changes, State.READY)
    else:
        assert [change.state for change in until(changes, State.CLOSED)] == [State.CLOSED]
        peer = rogue.meet(manager)
    ping = crowd.submit(manager.send_action, core.Ping())
    peer.answer(peer.action("Ping"), Ping="Pong")  # nothing else came before it
    assert ping.result(GUARD).success
    manager.close()
    assert peer.rest() == b""


def test_a_link_that_is_half_open_is_noticed(make_manager, rogue, crowd, listen):
    manager = make_manager(keepalive=0.2, keepalive_timeout=0.02)
    changes = listen(StateChange, manager)
    peer = rogue.meet(manager)
    sent = [crowd.submit(manager.send_action, waiting()) for _ in range(10)]
    for each in sent:
        with pytest.raises(ManagerSocketError, match="the server is silent: no answer to a ping"):
            each.result(GUARD)
    lost = until(changes, State.CLOSED)[-1]
    assert lost.previous is State.READY
    assert "silent" in str(lost.error)
    assert b"Action: Ping\r\n" in peer.rest()


def test_a_half_open_link_is_noticed_while_the_server_does_not_read_either(make_manager, rogue, crowd, listen):
    manager = make_manager(keepalive=0.1, keepalive_timeout=0.02)
    changes = listen(StateChange, manager)
    rogue.meet(manager)
    sent = [crowd.submit(manager.send_action, large()) for _ in range(50)]
    assert all(isinstance(each.exception(GUARD), ami.Error) for each in sent)  # some may have come too late
    assert "silent" in str(until(changes, State.CLOSED)[-1].error)


def test_a_refused_port_is_told_and_not_tried_again(make_manager, rogue, listen):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    rogue.refuse()
    with pytest.raises(RefusedError, match=f"127.0.0.1:{rogue.address[1]}: Connection refused"):
        manager.connect(*rogue.address)
    assert manager.state is State.CLOSED
    assert [change.state for change in until(changes, State.CLOSED)] == [State.CONNECTING, State.CLOSED]
    rogue.listen()
    assert rogue.nobody_waits()
    rogue.meet(manager)
    assert manager.state is State.READY


def test_the_end_of_a_link_is_told_once(make_manager, rogue, listen):
    manager = make_manager()
    changes = listen(StateChange, manager)
    rogue.meet(manager).close()
    assert [change.state for change in until(changes, State.CLOSED)][-2:] == [State.READY, State.CLOSED]
    manager.disconnect()
    rogue.meet(manager)
    assert [(change.state, change.previous) for change in until(changes, State.READY)] == [
        (State.CONNECTING, State.CLOSED), (State.CONNECTED, State.CONNECTING), (State.READY, State.CONNECTED),
    ]  # fmt: skip


# A login that is refused


def refuse_login(peer: Peer) -> None:
    peer.answer(peer.action("Challenge"), Challenge="123456")
    refusal = message("Response: Error", peer.action("Login"), Message="Authentication failed")
    peer.send(refusal)
    peer.close()


def test_a_wrong_password_is_not_tried_again(make_manager, rogue, start, listen):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    peer = rogue.greet(manager.connect)
    login = start(manager.login, "admin", "wr0ng")
    refuse_login(peer)
    with pytest.raises(ManagerAuthError, match="Authentication failed"):
        login.result(GUARD)
    assert [change.state for change in until(changes, State.CLOSED)] == [
        State.CONNECTING, State.CONNECTED, State.CLOSED,
    ]  # fmt: skip
    assert rogue.nobody_waits()
    assert manager.state is State.CLOSED


def test_a_link_that_is_lost_before_its_login_is_not_made_again(make_manager, rogue, start, listen):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    peer = rogue.greet(manager.connect)
    login = start(manager.login, "admin", "secret")
    peer.action("Challenge")
    peer.close()
    assert isinstance(login.exception(GUARD), ManagerSocketError)
    assert State.WAITING not in [change.state for change in until(changes, State.CLOSED)]
    assert rogue.nobody_waits()


def test_a_password_that_was_changed_ends_the_attempts(make_manager, rogue, listen):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    stream = manager.events()
    peer = rogue.meet(manager)
    until(changes, State.READY)
    peer.close()
    peer = rogue.accept()
    peer.send(GREETING)
    refuse_login(peer)
    assert isinstance(until(changes, State.CLOSED)[-1].error, ManagerAuthError)
    with pytest.raises(ManagerAuthError, match="Authentication failed"):
        next(stream)
    assert rogue.nobody_waits()
    assert manager.state is State.CLOSED


def test_a_login_while_there_is_no_link_does_not_disturb_the_attempts(make_manager, rogue, listen):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    peer = rogue.meet(manager)
    rogue.refuse()
    peer.close()
    until(changes, State.WAITING)
    with pytest.raises(ManagerError, match="Not connected"):
        manager.login("admin", "other")
    rogue.listen()
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in()
    until(changes, State.READY)


# A server that is restarted


def test_a_server_that_is_restarted_twice_is_found_again_each_time(make_manager, rogue, listen):
    manager = make_manager(reconnect=SOON)
    changes, booted, gaps = listen(StateChange, manager), listen("FullyBooted", manager), listen("", manager)
    peer = rogue.meet(manager, BOOTED)
    assert booted.get().name == "FullyBooted"
    until(changes, State.READY)
    for _ in range(2):
        peer.send(b"Event: Shutdown\r\nShutdown: Cleanly\r\nRestart: True\r\n\r\n")
        peer.close()
        rogue.refuse()
        while not isinstance(until(changes, State.WAITING)[-1].error, RefusedError):
            pass
        rogue.listen()
        peer = rogue.accept()
        peer.send(GREETING)
        peer.answer(peer.action("Challenge"), "Error", Message="Asterisk is shutting down")
        while not isinstance(refused := until(changes, State.WAITING)[-1].error, ManagerError):
            pass  # attempts from before it listened
        assert "shutting down" in str(refused)
        assert peer.rest() == b""  # the server left it open
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in(BOOTED)
        until(changes, State.READY)
        assert booted.get().name == "FullyBooted"
    assert [gaps.get().name for _ in range(7)] == ["FullyBooted", *["Shutdown", "Gap", "FullyBooted"] * 2]


def test_a_gap_stands_in_the_place_of_what_was_missed(make_manager, rogue, listen):
    manager = make_manager(reconnect=SOON)
    everything, stream = listen("", manager), manager.events("Hangup")
    peer = rogue.meet(manager)
    peer.send(b"Event: Hangup\r\nUniqueid: 1\r\n\r\nEvent: Hangup\r\nUniqueid: 2")  # the second one is cut
    peer.close()
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in(BOOTED + b"Event: Hangup\r\nUniqueid: 3\r\n\r\n")  # in one piece with the answer
    first, gap, third = next(stream), next(stream), next(stream)
    assert (first["Uniqueid"], third["Uniqueid"]) == ("1", "3")
    assert isinstance(gap, Gap)
    assert gap.reason == "link"
    assert gap.seconds >= 0
    assert [everything.get().name for _ in range(4)] == ["Hangup", "Gap", "FullyBooted", "Hangup"]


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.6\r\n", b"", b"Asterisk Call Manager/1"])
def test_what_answers_instead_of_a_lost_server_is_no_reason_to_give_up(make_manager, rogue, listen, greeting):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    rogue.meet(manager).close()
    until(changes, State.WAITING)
    peer = rogue.accept()
    peer.send(greeting)
    peer.close()
    assert isinstance(until(changes, State.WAITING)[-1].error, ProtocolError)
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in()
    until(changes, State.READY)


# Closing in a bad moment


@pytest.mark.parametrize("end", ["close", "disconnect"])
@pytest.mark.parametrize("greeting", [b"", GREETING])
def test_closing_ends_an_attempt_that_is_under_way(make_manager, rogue, listen, start, end, greeting):
    manager = make_manager(reconnect=SOON)
    changes = listen(StateChange, manager)
    rogue.meet(manager).close()
    until(changes, State.CONNECTING)  # the first one
    until(changes, State.WAITING)
    peer = rogue.accept()
    peer.send(greeting)
    until(changes, State.CONNECTED if greeting else State.CONNECTING)
    before = set(threading.enumerate())
    getattr(manager, end)()
    assert peer.rest().count(b"Action: Login") == 0
    for thread in before:
        if thread.name == "ami-reconnect":
            thread.join(GUARD)
    assert manager.state is State.CLOSED
    assert rogue.nobody_waits()
    rogue.meet(manager)
    assert manager.state is State.READY


def large() -> Request:
    """An action of more than 100 KiB."""
    request = waiting()
    request.update({f"Key{number}": "x" * 1000 for number in range(120)})
    return request


@pytest.mark.parametrize("end", ["close", "disconnect"])
def test_a_server_that_never_reads_holds_nothing_up(make_manager, rogue, crowd, end):
    manager = make_manager()
    peer = rogue.meet(manager)
    sent = [crowd.submit(manager.send_action, large()) for _ in range(49)]
    hurried = large()
    hurried.timeout = 0.001
    assert [manager.send_action(hurried) for _ in range(50)] == [None] * 50
    peer.send(message("Event: Hangup"))  # what comes is still read
    getattr(manager, end)()
    assert all(isinstance(each.exception(GUARD), ManagerSocketError) for each in sent)
    assert peer.rest().count(b"Action: Wait") < 99


def test_a_server_that_never_reads_and_sends_no_more_has_lost_the_link(make_manager, rogue, crowd, listen):
    manager = make_manager()
    changes = listen(StateChange, manager)
    peer = rogue.meet(manager)
    sent = [crowd.submit(manager.send_action, large()) for _ in range(50)]
    hurried = large()
    hurried.timeout = 0.001
    assert [manager.send_action(hurried) for _ in range(50)] == [None] * 50
    peer.socket.shutdown(1)
    assert all(isinstance(each.exception(GUARD), ManagerSocketError) for each in sent)
    until(changes, State.CLOSED)
    manager.close()
    assert peer.rest().count(b"Action: Wait") < 100


@pytest.mark.parametrize("reconnect", [False, SOON])
def test_a_goodbye_is_the_end_whatever_comes_after_it(make_manager, rogue, start, listen, reconnect):
    manager = make_manager(reconnect=reconnect)
    changes, everything = listen(StateChange, manager), listen("", manager)
    peer = rogue.meet(manager)
    logoff = start(manager.send_action, core.Logoff())
    goodbye = message("Response: Goodbye", peer.action("Logoff"), Message="Thanks for all the fish.")
    peer.send(goodbye + message("Event: Hangup") + b"\0\xff no message \r\n\r\n" + b"Event: Half")
    peer.close()
    assert logoff.result(GUARD).success
    assert everything.get().name == "Hangup"
    states = [change.state for change in until(changes, State.CLOSED)]
    assert states[-2:] == [State.READY, State.CLOSED]
    assert rogue.nobody_waits()
    with pytest.raises(ami.Error):
        manager.send_action(core.Ping())
