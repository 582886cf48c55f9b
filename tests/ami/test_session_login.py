"""The client's state machine: logging in and off, and signs of life."""

import math

import pytest

from ami import ManagerSocketError, core
from ami.message import Message
from ami.outcomes import Gap, State, StateChange
from ami.request import Request

from .talk import LOST, Talk, all_of, log_in, names, synchronous

# Logging in and off, as the session sees it


@pytest.mark.parametrize("action", ["Login", "login"])
def test_a_login_that_is_taken_is_noticed_whoever_sent_it(talk, action):
    assert not talk.session.logged_in
    assert log_in(talk, action) == [StateChange(State.READY, State.CONNECTED)]
    assert talk.session.logged_in
    assert log_in(talk) == []


@pytest.mark.parametrize(("action", "word"), [("Login", "Error"), ("Ping", "Success"), ("Challenge", "Success")])
def test_a_login_that_is_refused_and_another_action_are_none(talk, action, word):
    pending = talk.send(Request(action))
    assert all_of(talk, f"Response: {word}", f"ActionID: {pending.action_id}") == []
    assert not talk.session.logged_in


def test_the_greeting_is_a_change_of_state():
    talk = Talk(None)
    talk.session.receive_data(b"Asterisk Call Manager/11.0.0\r\n", talk.now)
    assert talk.session.take_outputs() == [StateChange(State.CONNECTED, State.CONNECTING)]


def test_a_link_that_comes_again_begins_with_a_gap():
    talk = Talk(down_since=990.0)
    login = talk.send(Request("Login"))
    talk.now += 2
    talk.session.receive_data(
        f"Response: Success\r\nActionID: {login.action_id}\r\n\r\nEvent: FullyBooted\r\n\r\n".encode(), talk.now
    )
    change, gap, booted = talk.session.take_outputs()
    assert isinstance(change, StateChange)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.seconds) == ("link", 12)
    assert names([booted]) == ["FullyBooted"]


@pytest.mark.parametrize(("word", "left"), [("Goodbye", True), ("Error", False)])
def test_a_logoff_that_is_taken_is_noticed(talk, word, left):
    log_in(talk)
    logoff = talk.send(Request("Logoff"))
    talk.answer(logoff, word)
    assert logoff.done
    assert talk.session.left is left


def test_the_time_of_the_end_is_known(talk):
    assert talk.session.closed_at == math.inf
    talk.now += 5
    talk.session.close(LOST, talk.now)
    talk.session.close(LOST, talk.now + 1)
    assert talk.session.closed_at == talk.now


# Signs of life


def pings(talk: Talk) -> int:
    return talk.session.data_to_send().count(b"Action: Ping\r\n")


@pytest.fixture
def alive() -> Talk:
    """Logged in, pinged after 30 s of silence, given up after 5 more."""
    talk = Talk(keepalive=(30, 5))
    log_in(talk)
    return talk


def test_a_quiet_server_is_pinged(alive):
    alive.wait(29.9)
    assert pings(alive) == 0
    assert alive.session.next_deadline() == 1030
    alive.wait(0.1)
    assert pings(alive) == 1
    assert alive.session.next_deadline() == 1035
    alive.wait(1)
    assert pings(alive) == 0


def test_an_answer_to_a_ping_is_no_output_and_the_next_one_is_due_after_as_long_a_silence(alive):
    alive.wait(30)
    ping = read_ping(alive)
    alive.now += 2
    assert alive.say("Response: Success", f"ActionID: {ping}", "Ping: Pong") == []
    assert alive.session.next_deadline() == 1062
    alive.wait(29.9)
    assert pings(alive) == 0
    alive.wait(0.1)
    assert pings(alive) == 1


def read_ping(talk: Talk) -> str:
    """The ActionID of the ping that was sent."""
    message = Message(talk.session.data_to_send())
    assert message["Action"] == "Ping"
    return message["ActionID"]


@pytest.mark.parametrize("line", ["Event: Hangup", "Response: Success"])
def test_a_server_that_speaks_is_not_pinged(alive, line):
    for _ in range(10):
        alive.wait(29)
        alive.say(line)
    assert pings(alive) == 0


def test_half_a_message_is_a_sign_of_life(alive):
    alive.wait(29)
    alive.say_bytes(b"Event: Hang")
    alive.wait(29)
    assert pings(alive) == 0
    assert alive.session.closed is None


def test_a_server_that_stays_silent_is_lost(alive):
    pending = alive.send(synchronous(core.QueueStatus(), timeout=3600))
    alive.wait(30)
    alive.wait(4.9)
    assert alive.session.closed is None
    alive.wait(0.1)
    assert isinstance(alive.session.closed, ManagerSocketError)
    assert "the server is silent: no answer to a ping for 5 s" in str(alive.session.closed)
    assert isinstance(pending.error, ManagerSocketError)
    assert alive.session.next_deadline() is None


def test_a_server_that_speaks_but_not_of_the_ping_lives(alive):
    alive.wait(30)
    assert pings(alive) == 1
    for _ in range(5):
        alive.wait(4)
        alive.say("Event: Hangup")
    assert alive.session.closed is None
    assert pings(alive) == 0
    alive.wait(5)
    assert alive.session.closed is not None


def test_a_ping_that_is_refused_is_a_sign_of_life(alive):
    alive.wait(30)
    alive.say("Response: Error", f"ActionID: {read_ping(alive)}", "Message: Permission denied")
    alive.wait(5)
    assert alive.session.closed is None


def test_a_late_answer_to_a_ping_is_no_orphan(alive):
    alive.wait(30)
    ping = read_ping(alive)
    for _ in range(10):
        alive.wait(4)
        alive.say("Event: Hangup")
    assert alive.say("Response: Success", f"ActionID: {ping}", "Ping: Pong") == []


@pytest.mark.parametrize("later", [False, True])
def test_there_is_no_ping_before_the_login(later):
    talk = Talk() if later else Talk(keepalive=(30, 5))
    if later:
        talk.session.keep_alive(30, 5, talk.now)
    for _ in range(10):
        assert talk.wait(1000) == []
    assert pings(talk) == 0
    assert talk.session.next_deadline() is None
    log_in(talk)
    talk.session.data_to_send()
    talk.wait(30)
    assert pings(talk) == 1


def test_there_is_no_ping_after_the_logoff(alive):
    logoff = alive.send(Request("Logoff"))
    alive.answer(logoff, "Goodbye")
    alive.wait(1000)
    assert pings(alive) == 0
    assert alive.session.closed is None


def test_keepalive_may_begin_late_and_counts_from_then_on(talk):
    log_in(talk)
    talk.wait(1000)
    talk.session.keep_alive(30, 5, talk.now)
    talk.wait(29.9)
    assert pings(talk) == 0
    talk.wait(0.1)
    assert pings(talk) == 1


def test_without_keepalive_there_is_none(talk):
    log_in(talk)
    assert talk.session.next_deadline() is None
    talk.session.data_to_send()
    talk.wait(10**9)
    assert talk.session.data_to_send() == b""
    assert talk.session.closed is None
