"""Actions in any order, on several connections: what follows from each keeps its own time beside the others."""

from hypothesis import given
from hypothesis import strategies as st

from amisim.recording import Record, Recording
from amisim.replay import Replay

from .sessions import ACCEPTED, LOGIN, Client, frame

AFTER = (0.5, 2.0, 4.5)
"""When events follow, in seconds after an action."""


def recorded(actions: int, connections: int = 1) -> Recording:
    """After a login, actions A0, A1 … on each connection, one a second; each has an answer and events."""
    records = []
    for number in range(1, connections + 1):
        login = 100 * number
        records += [
            Record(0.0, number, "", "open"),
            Record(0.0, number, "<", "data", b"Asterisk Call Manager/9.9\r\n"),
            Record(1.0, number, ">", "data", frame(LOGIN), login),
            Record(1.0, number, "<", "data", frame(ACCEPTED), login),
        ]
        for place in range(actions):
            cause, at, name = login + 1 + place, 10.0 + place, f"{number}{place}"
            records.append(Record(at, number, ">", "data", frame(f"Action: A{place} / Of: {number}"), cause))
            records.append(Record(at, number, "<", "data", frame(f"Response: Success / Of: {name}"), cause))
            for which, after in enumerate(AFTER):
                event = frame(f"Event: E{name}{which}")
                records.append(Record(at + after, number, "<", "data", event, cause))
    return Recording({}, sorted(records, key=lambda record: record.at))


PAUSES = st.integers(0, 12).map(lambda quarters: quarters / 4 + 0.01)  # no two things at once


@given(st.permutations(range(4)), st.lists(PAUSES, min_size=4, max_size=4))
def test_actions_come_in_any_order_and_their_events_keep_the_times_of_their_own(order, pauses):
    client = Client(replay=Replay(recorded(4), "r.yaml", speed=1))
    client.say(LOGIN)
    now, heard, due = 0.0, [], []
    for place, pause in zip(order, pauses, strict=True):
        now += pause
        heard += [client.wait_until(now), client.say(f"Action: A{place} / Of: 1", at=now)]
        due += [(now, f"Response: Success / Of: 1{place}")]
        due += [(now + after, f"Event: E1{place}{which}") for which, after in enumerate(AFTER)]
    heard.append(client.wait_until(99.0))
    assert b"".join(heard) == b"".join(frame(text) for _, text in sorted(due, key=lambda each: round(each[0], 6)))


@given(st.permutations([(number, place) for number in (1, 2) for place in range(3)]), st.booleans())
def test_each_connection_has_an_order_of_its_own(order, swapped):
    replay = Replay(recorded(3, connections=2), "r.yaml")
    clients = {number: Client(replay=replay, log_in=True) for number in ((2, 1) if swapped else (1, 2))}
    for number, place in order:
        events = "".join(f"Event: E{number}{place}{which} /  / " for which in range(len(AFTER)))
        said = clients[number].say(f"Action: A{place} / Of: {number}")
        assert said == frame(f"Response: Success / Of: {number}{place} /  / {events.removesuffix(' /  / ')}")
    assert replay.misses == []


@given(st.permutations(range(4)))
def test_at_once_all_that_follows_from_an_action_comes_before_what_follows_from_the_next(order):
    client = Client(replay=Replay(recorded(4), "r.yaml"))
    client.say(LOGIN)
    said = client.say(*(f"Action: A{place} / Of: 1" for place in order)).decode()
    assert [
        line[-2] if line.startswith("Event") else line[-1] for line in said.split("\r\n") if line[:2] in ("Ev", "Of")
    ] == [str(place) for place in order for _ in range(1 + len(AFTER))]
