"""Recorded frames and ends of odd kinds: in pieces, cut, without ActionIDs, out of order."""

import pytest

from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.steps import Close, response

from .sessions import ACCEPTED, CALL_EVENT, LOGIN, Client, frame, names_in


def one_connection(*records: Record, speed: float = 1) -> Replay:
    return Replay(Recording({}, [Record(0.0, 1, "", "open"), *records]), "test.yaml", speed)


@pytest.mark.parametrize("how", ["recorded", "scripted", "emitted"])
def test_a_frame_that_was_recorded_in_chunks_is_not_torn_apart(how):
    client = Client(replay=one_connection(
        Record(1.0, 1, ">", "data", frame(LOGIN), 1), Record(1.0, 1, "<", "data", frame(ACCEPTED), 1),
        Record(5.0, 1, "<", "data", frame("Event: Cut / A: b"), 1, ((10, 3.0),)),
        Record(6.0, 1, ">", "data", frame("Action: A"), 2), Record(6.0, 1, "<", "data", frame("Response: Success"), 2),
    ))  # fmt: skip
    client.script.on("Ping").reply(response())
    said = client.say(LOGIN, at=1.0) + client.wait_until(3.5)
    if how == "emitted":
        said += client.emit(CALL_EVENT, 4.0)
    else:
        said += client.say("Action: A" if how == "recorded" else "Action: Ping", at=4.0)
    last = CALL_EVENT if how == "emitted" else frame("Response: Success")
    assert (said + client.wait_until(9.0)).endswith(frame("Event: Cut / A: b") + last)


@pytest.mark.parametrize("speed", [0, 1])
def test_the_end_of_a_connection_is_held_back_with_the_events_before_it(speed):
    client = Client(replay=one_connection(
        Record(1.0, 1, ">", "data", frame(LOGIN), 1), Record(1.0, 1, "<", "data", frame(ACCEPTED), 1),
        Record(2.0, 1, "<", "data", frame("Event: Shutdown"), 1), Record(2.0, 1, "<", "eof", b"", 1), speed=speed,
    ))  # fmt: skip
    client.holds_back = True
    client.say(LOGIN)
    assert client.wait_until(9.0) == b""
    assert client.session.closing is None
    client.session.play(9.0)
    assert client.wait_until(11.0) == frame("Event: Shutdown")
    assert client.session.closing == Close("eof")


@pytest.mark.parametrize("speed", [0, 1])
def test_an_end_that_nothing_caused_comes_after_the_last_action_before_it(speed):
    client = Client(replay=one_connection(
        Record(1.0, 1, ">", "data", frame("Action: A"), 1), Record(1.0, 1, "<", "data", frame("Response: Success"), 1),
        Record(9.0, 1, "<", "eof"), speed=speed,
    ))  # fmt: skip
    assert client.session.closing is None
    assert client.say("Action: A", at=20.0) == frame("Response: Success")
    client.wait_until(28.0)
    assert client.session.closing == Close("eof")


def test_a_list_that_was_recorded_without_action_ids_is_one_with_them():
    recorded = ["Response: Success / EventList: start", "Event: Item", "Event: Done / EventList: Complete"]
    asked = Record(1.0, 1, ">", "data", frame("Action: Agents"), 1)
    client = Client(replay=one_connection(asked, *(Record(1.0, 1, "<", "data", frame(each), 1) for each in recorded)))
    assert client.say("Action: Agents / ActionID: 7") == b"".join(
        frame(text.replace(" / ", " / ActionID: 7 / ", 1) if " / " in text else f"{text} / ActionID: 7")
        for text in recorded
    )


@pytest.mark.parametrize("cut", [b"Resp", b"Response: Succ", b"Response: Success\n\n"])
def test_a_response_that_was_cut_off_is_played_as_it_was(cut):
    asked = Record(1.0, 1, ">", "data", frame("Action: A"), 1)
    client = Client(replay=one_connection(asked, Record(1.0, 1, "<", "data", cut, 1)))
    assert client.say("Action: A / ActionID: 7").replace(b"ActionID: 7\r\n", b"") == cut


def test_what_stands_before_what_it_follows_from_is_played_in_the_order_of_time():
    client = Client(replay=one_connection(
        Record(1.0, 1, ">", "data", frame(LOGIN), 1), Record(3.0, 1, "<", "data", frame("Event: Late"), 1),
        Record(2.0, 1, "<", "data", frame(ACCEPTED), 1), speed=0,
    ))  # fmt: skip
    assert names_in(client.say(LOGIN)) == ["Response: Success", "Event: Late"]
