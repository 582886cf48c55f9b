"""A link on which nothing comes: it is asked for a sign of life, and given up without one."""

from concurrent.futures import wait as wait_for

import pytest

from ami import ManagerSocketError, Reconnect, Request, State, StateChange, core
from amisim import event, response

from .rogue import GREETING

GUARD = 20


def patient() -> Request:
    request = Request("Wait")
    request.timeout = 3600
    return request


def test_a_quiet_link_is_pinged_and_stays_up(rogue, make_manager):
    manager = make_manager(keepalive=0.01, keepalive_timeout=60)
    peer = rogue.meet(manager)
    for _ in range(3):
        peer.answer(peer.action("Ping"), Ping="Pong")
    assert manager.is_connected()


def test_a_server_that_falls_silent_is_noticed(rogue, make_manager, listen, start):
    manager = make_manager(keepalive=0.01, keepalive_timeout=0.01)
    states, orphans = listen(StateChange, manager), listen(None, manager)
    peer = rogue.greet(manager.connect)
    waiting = start(manager.send_action, patient())
    peer.action("Wait")
    login = start(manager.login, "admin", "secret")
    peer.log_in()
    login.result(GUARD)
    with pytest.raises(ManagerSocketError, match="the server is silent: no answer to a ping"):
        waiting.result(GUARD)
    while (change := states.get()).state is not State.CLOSED:
        pass
    assert "silent" in str(change.error)
    assert not manager.is_connected()
    assert b"Action: Ping\r\n" in peer.rest()
    assert orphans._arrived.empty()


def test_a_silent_server_is_connected_to_anew(rogue, make_manager, listen):
    manager = make_manager(keepalive=0.01, keepalive_timeout=0.01, reconnect=Reconnect(initial=0.001, jitter=0))
    states = listen(StateChange, manager)
    rogue.meet(manager)
    while states.get().state is not State.WAITING:
        pass
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in()
    while states.get().state is not State.READY:
        pass


def test_there_is_no_ping_before_the_login(rogue, make_manager, start):
    manager = make_manager(keepalive=0.001, keepalive_timeout=0.01)
    peer = rogue.greet(manager.connect)
    waiting = start(manager.send_action, patient())
    action = peer.action("Wait")
    assert not wait_for([waiting], timeout=0.05).done
    peer.answer(action)
    assert waiting.result(GUARD).success
    login = start(manager.login, "admin", "secret")
    peer.log_in()
    login.result(GUARD)
    peer.action("Ping")


def test_monitoring_pings_from_the_login_on(rogue, make_manager, start):
    manager = make_manager()
    peer = rogue.greet(manager.connect)
    manager.monitor_connection(0.001)
    login = start(manager.login, "admin", "secret")
    peer.log_in()  # its two actions come first
    login.result(GUARD)
    peer.action("Ping")


def test_monitoring_notices_a_silent_server(rogue, make_manager, start):
    manager = make_manager(keepalive_timeout=0.01)
    peer = rogue.meet(manager)
    waiting = start(manager.send_action, patient())
    peer.action("Wait")
    manager.monitor_connection(0.01)
    with pytest.raises(ManagerSocketError, match="silent"):
        waiting.result(GUARD)


def test_without_keepalive_a_silent_server_is_waited_for(rogue, make_manager, start):
    manager = make_manager()
    peer = rogue.meet(manager)
    waiting = start(manager.send_action, patient())
    action = peer.action("Wait")
    assert not wait_for([waiting], timeout=0.05).done
    peer.answer(action)
    assert waiting.result(GUARD).success


def test_the_answer_to_a_ping_of_its_own_is_no_orphan(server, make_manager, log_in, listen):
    manager = make_manager(keepalive=0.001)
    orphans, every = listen(None, manager), listen("", manager)
    server.on("Ping").times(3).reply(response(Ping="Pong"))
    server.on("Ping").times(3).reply(response(Ping="Pong"), event("Pinged"))
    log_in(manager)
    while every.get() != "Pinged":
        pass
    server.emit(b"Response: Success\r\nActionID: foreign\r\n\r\n")
    assert orphans.get().action_id == "foreign"


def test_a_server_that_refuses_pings_is_alive(rogue, make_manager):
    manager = make_manager(keepalive=0.01, keepalive_timeout=60)
    peer = rogue.meet(manager)
    for _ in range(2):
        peer.answer(peer.action("Ping"), "Error", Message="Permission denied")
    assert manager.is_connected()


def test_the_ping_of_a_program_is_its_own(server, make_manager, log_in):
    manager = make_manager(keepalive=0.001)
    log_in(manager)
    assert manager.send_action(core.Ping(), "own").action_id == "own"
