"""Recordings of several connections: which of them a client plays."""

import pytest

from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.server_session import ServerSession
from amisim.steps import Close

from .sessions import ACCEPTED, LOGIN, Client, frame, names_in


def two_connections() -> Replay:
    records = []
    for number, name in ((1, "One"), (2, "Two")):
        records += [
            Record(0.0, number, "", "open"),
            Record(0.0, number, "<", "data", b"Asterisk Call Manager/9.9\r\n"),
            Record(1.0, number, ">", "data", frame(f"Action: {name}"), number),
            Record(1.0, number, "<", "data", frame(f"Response: Success / Of: {name}"), number),
        ]
    return Replay(Recording({}, records), "test.yaml")


def test_a_client_plays_the_connection_that_begins_as_it_does():
    replay = two_connections()
    first, second, third = (Client(replay=replay) for _ in range(3))
    assert first.say("Action: Two") == frame("Response: Success / Of: Two")
    assert second.say("Action: One") == frame("Response: Success / Of: One")
    assert third.say("Action: One") == frame("Response: Success / Of: One"), "all are taken: they begin anew"


def test_an_action_of_another_connection_is_said_to_be_one():
    replay = two_connections()
    client = Client(replay=replay)
    client.say("Action: One")
    client.session.logged_in_at = 0.0
    assert "the same, but this client plays connection 1" in client.say("Action: Two").decode()


def slow_greeting(*names: str) -> Replay:
    """Connections that are greeted later and later, and begin each with an action of its own."""
    records = []
    for number, name in enumerate(names, 1):
        records += [
            Record(0.0, number, "", "open"),
            Record(float(number), number, "<", "data", f"Asterisk {number}\r\n".encode()),
            Record(5.0, number, ">", "data", frame(f"Action: {name}"), number),
            Record(5.0, number, "<", "data", frame(f"Response: Success / Of: {name}"), number),
        ]
    return Replay(Recording({}, records), "test.yaml", speed=1)


@pytest.mark.parametrize(
    ("action", "answer"), [("One", "Success / Of: One"), ("Ping", "Error / Message: Permission denied")]
)
def test_a_client_that_does_not_wait_for_the_greeting_is_greeted_before_it_is_answered(action, answer):
    client = Client(replay=slow_greeting("One"))
    assert client.greeting == b""
    assert client.say(f"Action: {action}", at=0.5) == b""
    assert client.wait_until(1.0) == b"Asterisk 1\r\n" + frame(f"Response: {answer}")


@pytest.mark.parametrize("at", [0.5, 1.0, 1.5])
def test_a_client_is_greeted_once_whichever_connection_it_turns_out_to_play(at):
    client = Client(replay=slow_greeting("One", "Two"))
    assert client.say("Action: Two", at=at) + client.wait_until(9.0) == b"Asterisk 1\r\n" + frame(
        "Response: Success / Of: Two"
    )


def test_a_client_that_half_closes_before_it_is_greeted_is_answered():
    client = Client(replay=slow_greeting("One"))
    client.say("Action: One", at=0.5)
    client.session.receive_eof(0.6)
    assert client.wait_until(1.0) == b"Asterisk 1\r\n" + frame("Response: Success / Of: One")
    assert client.session.closing == Close("eof")


def test_clients_that_begin_alike_play_the_connections_on_which_they_go_on_as_they_do():
    records = []
    for number in (1, 2, 3):
        frames = [(LOGIN, ACCEPTED), (f"Action: Getvar / Variable: V{number}", f"Response: Success / Value: {number}")]
        records += [Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", b"Asterisk Call Manager/9\r\n")]
        for place, (action, answer) in enumerate(frames):
            cause = 2 * number + place
            records.append(Record(1.0 + place, number, ">", "data", frame(action), cause))
            records.append(Record(1.0 + place, number, "<", "data", frame(answer), cause))
        records.append(Record(9.0, number, "<", "data", frame(f"Event: Of / Number: {number}"), 2 * number))
    replay = Replay(Recording({}, records), "test.yaml", speed=1)
    clients = [Client(replay=replay) for _ in range(3)]
    for client in clients:
        assert client.say(LOGIN, at=1.0) == frame(ACCEPTED)
    for client, number in zip(clients, (3, 1, 2), strict=True):
        assert client.say(f"Action: Getvar / Variable: V{number}", at=2.0) == frame(
            f"Response: Success / Value: {number}"
        )
        assert client.wait_until(99.0) == frame(f"Event: Of / Number: {number}")
    assert replay.misses == []


def alike_until_the_second_action(speed: float) -> Replay:
    records = []
    for number in (1, 2):
        records += [Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", b"Asterisk Call Manager/9\r\n")]
        for place, (action, answer) in enumerate([(LOGIN, ACCEPTED), (f"Action: A{number}", "Response: Success")]):
            cause = 2 * number + place
            records.append(Record(1.0 + place, number, ">", "data", frame(action), cause))
            records.append(Record(1.0 + place, number, "<", "data", frame(answer), cause))
        early = Record(1.5, number, "<", "data", frame("Event: Early"), 2 * number)
        late = Record(9.0, number, "<", "data", frame(f"Event: Of / Number: {number}"), 2 * number)
        records += [early, late]
    return Replay(Recording({}, records), "test.yaml", speed)


def test_what_was_held_back_is_of_the_connection_that_the_client_turns_out_to_play():
    client = Client(replay=alike_until_the_second_action(speed=0))
    client.holds_back = True
    client.say(LOGIN)
    assert client.say("Action: A2") == frame("Response: Success")
    client.session.play(5.0)
    assert client.take() == frame("Event: Early") + frame("Event: Of / Number: 2")


def test_who_has_to_play_another_connection_is_looked_at():
    replay = alike_until_the_second_action(speed=1)
    first = Client(replay=replay)
    second = ServerSession(first.session.host, 2, 0.0)
    for session in (first.session, second):
        session.receive_data(frame(LOGIN), 1.0)
        session.handle_timer(2.0)
    second.receive_data(frame("Action: A1"), 2.0)
    assert first.session.host.touched == {1}
    assert names_in(first.take()) == ["Response: Success", "Event: Early"]
    assert first.wait_until(9.0) == frame("Event: Of / Number: 2")


def test_a_login_that_was_not_recorded_is_one_on_every_recorded_connection():
    records = []
    for number, name in ((1, "One"), (2, "Two")):
        records += [
            Record(0.0, number, "", "open"),
            Record(0.0, number, "<", "data", b"Asterisk Call Manager/9.9\r\n"),
            Record(1.0, number, ">", "data", frame("Action: Login / Username: recorded / Secret: x"), number),
            Record(1.0, number, "<", "data", frame("Response: Success"), number),
            Record(2.0, number, ">", "data", frame(f"Action: {name}"), number + 10),
            Record(2.0, number, "<", "data", frame(f"Response: Success / Of: {name}"), number + 10),
        ]
    client = Client(replay=Replay(Recording({}, records), "test.yaml"))
    client.say(LOGIN)
    assert client.say("Action: One") == frame("Response: Success / Of: One")
    assert b"used already" in client.say("Action: One")
    other = Client(replay=Replay(Recording({}, records), "test.yaml"))
    other.say(LOGIN)
    assert other.say("Action: Two") == frame("Response: Success / Of: Two")
