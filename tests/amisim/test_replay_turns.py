"""Clients that turn out to play another recorded connection: they lose nothing, and hear nothing twice."""

import itertools

import pytest

from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.server_session import ServerSession
from amisim.steps import response, wait

from .sessions import ACCEPTED, BOOTED, LOGIN, Client, frame, names_in

GREETING = b"Asterisk Call Manager/9.9\r\n"


def alike(speed: float, early: float = 1.5, late: float = 9.0, login: str = LOGIN) -> Replay:
    """Two connections that begin alike, hear of `Early`, and go on with A1 or A2 and `Of`."""
    records = []
    for number in (1, 2):
        records += [Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", GREETING)]
        for place, (action, answer) in enumerate([(login, ACCEPTED), (f"Action: A{number}", "Response: Success")]):
            cause = 2 * number + place
            records.append(Record(1.0 + place, number, ">", "data", frame(action), cause))
            records.append(Record(1.0 + place, number, "<", "data", frame(answer), cause))
        records += [
            Record(early, number, "<", "data", frame("Event: Early"), 2 * number),
            Record(late, number, "<", "data", frame(f"Event: Of / Number: {number}"), 2 * number),
        ]
    return Replay(Recording({}, records), "test.yaml", speed)


def another(client: Client) -> ServerSession:
    return ServerSession(client.session.host, 2, 0.0)


def heard(data: bytes) -> list[str]:
    return [name.removeprefix("Event: ") for name in names_in(data) if name.startswith("Event: ")]


@pytest.mark.parametrize("early", [1.0, 1.5])
@pytest.mark.parametrize("speed", [0, 1])
def test_who_sends_all_at_once(speed, early):
    client = Client(replay=alike(speed, early=early))
    said = client.say(LOGIN, "Action: A2", at=1.0) + client.wait_until(200.0)
    assert heard(said) == ["Early", "Of"]
    assert b"Number: 2" in said


@pytest.mark.parametrize(("at", "more"), [(1.2, []), (2.0, []), (12.0, ["Of"])])
def test_who_has_heard_some_of_it(at, more):
    client = Client(replay=alike(1))
    said = client.say(LOGIN, at=1.0) + client.wait_until(at) + client.say("Action: A2", at=at)
    said += client.wait_until(200.0)
    assert heard(said) == ["Early", "Of", *more]
    assert said.count(b"Number: 1") == len(more)
    assert said.count(b"Number: 2") == 1


@pytest.mark.parametrize("speed", [0, 1])
def test_who_turns_twice(speed):
    records, cause = [], itertools.count(1)
    for number, actions in enumerate(("A", "B", "BC"), 1):
        records += [Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", GREETING)]
        login = next(cause)
        records += [
            Record(1.0, number, ">", "data", frame(LOGIN), login),
            Record(1.0, number, "<", "data", frame(ACCEPTED), login),
            Record(1.0, number, "<", "data", frame(f"{BOOTED} / Number: {number}"), login),
            Record(1.1, number, "<", "data", frame("Event: E"), login),
        ]
        for at, action in enumerate(actions, 2):
            asked = next(cause)
            records.append(Record(at, number, ">", "data", frame(f"Action: {action}"), asked))
            records.append(Record(at, number, "<", "data", frame("Response: Success"), asked))
    client = Client(replay=Replay(Recording({}, records), "test.yaml", speed))
    said = client.say(LOGIN, at=1.0) + client.wait_until(1.5)
    said += client.say("Action: B", at=2.0) + client.say("Action: C", at=3.0)
    assert heard(said + client.wait_until(99.0)) == ["FullyBooted", "E"]


def test_who_was_played_what_was_held_back():
    client = Client(replay=alike(1))
    client.holds_back = True
    client.say(LOGIN, at=1.0)
    client.holds_back = False
    client.session.play(60.0)
    assert heard(client.say("Action: A2", at=60.1) + client.wait_until(200.0)) == ["Early", "Of"]


def test_who_waits_for_an_answer_of_the_script():
    client = Client(replay=alike(1))
    client.script.on("Ping").reply(wait(1), response())
    said = client.say(LOGIN, at=1.0) + client.say("Action: Ping", "Action: A2", at=1.2)
    assert heard(said + client.wait_until(200.0)) == ["Early", "Of"]


@pytest.mark.parametrize("looks", [[], [1.6]])
def test_who_is_turned_because_of_another_who_comes_before_its_timer(looks):
    client = Client(replay=alike(1))
    other = another(client)
    said = client.say(LOGIN, at=1.0)
    other.receive_data(frame(LOGIN), 1.0)
    for at in looks:
        said += client.wait_until(at)
    other.receive_data(frame("Action: A1"), 1.51)
    other.handle_timer(200.0)
    assert heard(said + client.wait_until(200.0)) == ["Early", "Of"]
    assert heard(b"".join(other.take_chunks())) == ["Early", "Of"]


def test_who_logged_in_as_was_not_recorded():
    client = Client(replay=alike(1, login="Action: Login / Username: recorded / Secret: x"))
    said = client.say(LOGIN, at=1.0) + client.say("Action: A2", at=1.2)
    assert heard(said + client.wait_until(200.0)) == ["Early", "Of"]


def test_who_logs_in_with_another_header():
    client = Client(replay=alike(1))
    said = client.say(f"{LOGIN} / Events: on", at=1.0) + client.say("Action: A2", at=1.2)
    assert heard(said + client.wait_until(200.0)) == ["Early", "Of"]


def test_whose_answer_is_under_way():
    records = []
    for number, delay in ((1, 5.0), (2, 0.0)):
        records += [
            Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", GREETING),
            Record(1.0, number, ">", "data", frame("Action: X"), 10 * number),
            Record(1.0 + delay, number, "<", "data", frame("Response: Success"), 10 * number),
            Record(1.1 + delay, number, "<", "data", frame("Event: After / Privilege: x"), 10 * number),
            Record(3.5 + delay, number, "<", "data", frame("Event: Later / Privilege: x"), 10 * number),
            Record(20.0, number, ">", "data", frame(f"Action: A{number}"), 10 * number + 1),
        ]  # fmt: skip
    client = Client(replay=Replay(Recording({}, records), "test.yaml", 1))
    other = another(client)
    said = client.say("Action: X", at=1.0)
    other.receive_data(frame("Action: A1"), 2.0)
    assert names_in(said + client.wait_until(99.0)) == ["Response: Success", "Event: After", "Event: Later"]


def test_a_frame_that_is_begun_is_completed():
    def records(number):
        return [
            Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", GREETING),
            Record(1.0, number, ">", "data", frame(LOGIN), 2 * number),
            Record(1.0, number, "<", "data", frame(ACCEPTED), 2 * number),
            Record(5.0, number, "<", "data", frame("Event: Of / Number: any"), 2 * number, ((10, 3.0),)),
            Record(6.0, number, "<", "data", frame("Event: Late"), 2 * number),
            Record(9.0, number, ">", "data", frame(f"Action: A{number}"), 2 * number + 1),
            Record(9.0, number, "<", "data", frame(f"Response: Success / Number: {number}"), 2 * number + 1),
        ]  # fmt: skip

    client = Client(replay=Replay(Recording({}, records(1) + records(2)), "test.yaml", 1))
    said = client.say(LOGIN, at=1.0) + client.wait_until(3.5) + client.say("Action: A2", at=4.0)
    said += client.wait_until(99.0)
    assert said.endswith(b"".join(
        map(frame, ["Event: Of / Number: any", "Response: Success / Number: 2", "Event: Late"])
    ))  # fmt: skip


def test_several_make_room_for_one():
    records = []
    for number, actions in ((1, "ac"), (2, "ab"), (3, "d")):
        records += [Record(0.0, number, "", "open")]
        records += [
            record
            for action in actions
            for record in (
                Record(1.0, number, ">", "data", frame(f"Action: {action}"), 10 * number + ord(action) - ord("a")),
                Record(
                    1.0, number, "<", "data", frame(f"Response: {action}{number}"), 10 * number + ord(action) - ord("a")
                ),
            )
        ]
    client = Client(replay=Replay(Recording({}, records), "test.yaml", 0))
    second, third = (ServerSession(client.session.host, number, 0.0) for number in (2, 3))
    client.say("Action: a")
    third.receive_data(frame("Action: c"), 0.0)
    third.handle_timer(0.0)
    assert b"".join(third.take_chunks()) == frame("Response: c1")
    assert client.say("Action: b") == frame("Response: b2")
    second.receive_data(frame("Action: d"), 0.0)
    assert b"".join(second.take_chunks()) == frame("Response: d3")


@pytest.mark.parametrize("count", [3, 4])
def test_more_clients_than_connections(count):
    client = Client(replay=alike(0))
    sessions = [client.session, *(ServerSession(client.session.host, number, 0.0) for number in range(2, count + 1))]
    for session in sessions:
        session.receive_data(frame(LOGIN), 1.0)
        session.take_chunks()
    for number, session in enumerate(sessions):
        session.receive_data(frame(f"Action: A{2 - number % 2}"), 2.0)
        assert b"Response: Success" in b"".join(session.take_chunks())
    assert list(client.session.host.replay.misses) == []
