"""Recordings, replayed: which action is answered how and when, and what else is said meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.steps import Close, event, list_complete, raw, response, wait

from .sessions import ACCEPTED, BOOTED, CALL_EVENT, LOGIN, Client, frame, key, names_in


def recording(*frames: tuple[float, str, str, int | None]) -> Replay:
    records = [Record(0.0, 1, "", "open"), Record(0.0, 1, "<", "data", b"Asterisk Call Manager/9.9\r\n")]
    for at, direction, text, cause in frames:
        records.append(Record(at, 1, direction, "data", frame(text), cause, (), len(records)))  # type: ignore[arg-type]
    return Replay(Recording({}, records), "test.yaml", speed=2)


QUEUE = [
    (1.0, ">", LOGIN, 1),
    (1.0, "<", ACCEPTED, 1),
    (5.0, "<", "Event: Hangup / Channel: a", 1),
    (6.0, ">", "Action: QueueStatus / ActionID: q / Queue: support", 2),
    (6.5, "<", "Response: Success / ActionID: q", 2),
]


def test_a_recording_is_played_faster_with_the_action_ids_of_the_client():
    client = Client(replay=recording(*QUEUE))
    assert client.greeting == b"Asterisk Call Manager/9.9\r\n"
    assert client.say(LOGIN.replace("ActionID: 1", "ActionID: x"), at=10.0) == frame(ACCEPTED.replace("1", "x"))
    assert client.session.logged_in
    assert client.say("Action: QueueStatus / Queue: support", at=11.0) == b""
    assert client.wait_until(11.25) == frame("Response: Success"), "no ActionID was sent, so none comes back"
    assert client.wait_until(12.0) == frame("Event: Hangup / Channel: a")


def test_an_item_with_a_privilege_is_part_of_its_list():
    client = Client(replay=recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
        (2.0, ">", "Action: Status / ActionID: s", 2),
        (2.0, "<", "Response: Success / ActionID: s / EventList: start", 2),
        (2.0, "<", "Event: Status / Privilege: Call / ActionID: s", 2),
        (2.0, "<", "Event: StatusComplete / ActionID: s / EventList: Complete", 2),
        (2.0, "<", "Event: OriginateResponse / Privilege: call,all / ActionID: s", 2),
    ))  # fmt: skip
    client.holds_back = True
    client.say(LOGIN)
    answer = client.say("Action: Status / ActionID: s").decode()
    assert "Event: Status\r\n" in answer
    assert answer.endswith("EventList: Complete\r\n\r\n")


def test_a_recorded_challenge_can_be_answered_by_a_user_who_was_not_recorded():
    challenge = [
        (0.5, ">", "Action: Challenge / AuthType: MD5", 9),
        (0.5, "<", "Response: Success / Challenge: 987654321", 9),
    ]
    recorded = [(at, way, text.replace("admin", "other"), cause) for at, way, text, cause in QUEUE]
    client = Client(replay=recording(*challenge, *recorded))
    client.say("Action: Challenge / AuthType: MD5")
    login = f"Action: Login / ActionID: 1 / AuthType: MD5 / Username: admin / Key: {key('987654321')}"
    assert client.say(login) == frame(ACCEPTED)


def test_what_was_sent_after_the_login_is_not_answered_before():
    client = Client(replay=recording(*QUEUE))
    denied = frame("Response: Error / ActionID: 2 / Message: Permission denied")
    assert client.say("Action: QueueStatus / ActionID: 2 / Queue: support") == denied
    client.say(LOGIN)
    assert client.say("Action: QueueStatus / ActionID: 2 / Queue: support", at=9.0) != denied


def test_what_nobody_asked_for_can_be_held_back_until_it_is_to_be_played():
    client = Client(replay=recording(*QUEUE))
    client.holds_back = True
    assert client.say(LOGIN, at=10.0) == frame(ACCEPTED)
    assert client.say("Action: QueueStatus / ActionID: 2 / Queue: support", at=11.0) == b""
    assert client.wait_until(50.0) == frame("Response: Success / ActionID: 2")
    client.session.play(60.0)
    assert client.wait_until(61.9) == b""
    assert client.wait_until(62.0) == frame("Event: Hangup / Channel: a"), "as long after as it was after the login"


def test_an_action_id_is_put_where_none_was_recorded():
    client = Client(replay=recording((1.0, ">", "Action: Odd", 1), (1.0, "<", "Response: Success / X: y", 1)))
    assert client.say("Action: Odd / ActionID: mine") == frame("Response: Success / ActionID: mine / X: y")


def test_any_recorded_user_may_log_in_with_any_secret():
    client = Client(replay=recording(*QUEUE))
    login = "Action: Login / ActionID: 1 / Username: Admin / AuthType: MD5 / Key: whatever"
    assert client.say(login) == frame(ACCEPTED)


def test_another_user_gets_what_followed_the_recorded_login_but_answered_for_itself():
    recorded = recording(*[(at, way, text.replace("admin", "other"), cause) for at, way, text, cause in QUEUE])
    client = Client(replay=recorded)
    assert client.say(LOGIN, at=10.0) == frame(ACCEPTED)
    assert client.wait_until(12.0) == frame("Event: Hangup / Channel: a")


def test_what_was_not_recorded_is_answered_with_the_nearest_that_was():
    replay = recording(*QUEUE)
    client = Client(replay=replay)
    client.say(LOGIN)
    answer = client.say("Action: QueueStatus / ActionID: 2 / Queue: sales").decode()
    report = (
        "no recorded answer to QueueStatus (Queue: sales); nearest in test.yaml is action 2 of connection 1, line 5: "
        "Queue is 'support' there, 'sales' here"
    )
    assert answer == f"Response: Error\r\nActionID: 2\r\nMessage: amisim: {report}\r\n\r\n"
    assert [miss.report for miss in replay.misses] == [report]


def test_each_recorded_action_answers_once():
    replay = recording(*QUEUE)
    client = Client(replay=replay)
    client.say(LOGIN)
    client.say("Action: QueueStatus / Queue: support", at=3.25)
    again = client.say("Action: QueueStatus / Queue: support", at=3.75).decode()
    assert "the same, but it was used already, at 3.250 s" in again


def test_asterisks_own_actions_are_served_beside_a_recording():
    client = Client(replay=recording(*QUEUE))
    assert client.say("Action: Ping / ActionID: 2") == frame(
        "Response: Error / ActionID: 2 / Message: Permission denied"
    )
    client.say(LOGIN)
    assert b"Ping: Pong" in client.say("Action: Ping / ActionID: 2")
    assert b"Challenge: 123456789" in client.say("Action: Challenge / AuthType: MD5")
    assert client.say("Action: Logoff").startswith(b"Response: Goodbye")


def test_an_answer_waits_for_the_one_before_it():
    client = Client(replay=recording(
        (1.0, ">", "Action: A", 1), (5.0, "<", "Response: Success / Of: A", 1),
        (6.0, ">", "Action: B", 2), (6.0, "<", "Response: Success / Of: B", 2),
    ))  # fmt: skip
    client.say("Action: A", at=10.0)
    assert client.say("Action: B", at=10.5) == b""
    assert client.wait_until(12.0) == frame("Response: Success / Of: A") + frame("Response: Success / Of: B")


@pytest.mark.parametrize("speed", [0, 1])
def test_what_follows_from_an_action_that_had_to_wait_comes_after_its_answer(speed):
    replay = recording((1.0, ">", LOGIN, 1), (2.0, "<", ACCEPTED, 1), (2.0, "<", BOOTED, 1))
    replay.speed = speed
    client = Client(replay=replay)
    client.script.on("Challenge").reply(wait(5), response())
    client.say("Action: Challenge", LOGIN)
    assert names_in(client.wait_until(9.0)) == ["Response: Success", "Response: Success", "Event: FullyBooted"]


@pytest.mark.parametrize("speed", [0, 1])
def test_a_connection_does_not_end_before_the_action_is_answered_that_ends_it(speed):
    replay = Replay(Recording({}, [
        Record(0.0, 1, "", "open"), Record(3.0, 1, "<", "data", b"Asterisk Call Manager/9.9\r\n"),
        Record(4.0, 1, ">", "data", frame("Action: Logoff"), 1),
        Record(5.0, 1, "<", "data", frame("Response: Goodbye"), 1), Record(5.0, 1, "<", "eof", b"", 1),
    ]), "test.yaml", speed)  # fmt: skip
    client = Client(replay=replay)
    client.script.on("Challenge").reply(wait(5), response())
    client.say("Action: Challenge", "Action: Logoff")
    assert client.wait_until(9.0).endswith(frame("Response: Success") + frame("Response: Goodbye"))
    assert client.session.closing == Close("eof")


def test_at_once_answers_come_in_the_order_of_the_actions_whatever_was_recorded():
    replay = recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
        (2.0, ">", "Action: A", 2), (2.0, "<", "Response: Success / Of: A", 2),
        (3.0, ">", "Action: B", 3), (3.0, "<", "Response: Success / Of: B", 3),
    )  # fmt: skip
    replay.speed = 0
    client = Client(replay=replay)
    client.say(LOGIN)
    answers = client.say("Action: B", "Action: Events / EventMask: on", "Action: A")
    of = [frame(f"Response: Success / {which}") for which in ("Of: B", "Events: On", "Of: A")]
    assert answers == b"".join(of)


def test_at_once_what_follows_from_an_action_comes_before_what_follows_from_the_next():
    replay = recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
        (2.0, ">", "Action: A", 2), (2.0, "<", "Response: Success / Of: A", 2),
        (3.0, ">", "Action: B", 3), (3.0, "<", "Response: Success / Of: B", 3), (4.0, "<", "Event: OfB", 3),
    )  # fmt: skip
    replay.speed = 0
    client = Client(replay=replay)
    client.say(LOGIN)
    answers = client.say("Action: B", "Action: A")
    assert answers == b"".join(map(frame, ("Response: Success / Of: B", "Event: OfB", "Response: Success / Of: A")))


def test_records_that_are_not_in_the_order_of_their_times_are_played_in_it():
    client = Client(replay=recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1), (9.0, "<", "Event: Late", 1), (5.0, "<", "Event: Early", 1)
    ))  # fmt: skip
    client.say(LOGIN)
    assert client.wait_until(2.0) == frame("Event: Early")
    assert client.wait_until(4.0) == frame("Event: Late")


# Recorded answers, and what else is said

SLOW_LIST = (
    (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
    (2.0, ">", "Action: Status / ActionID: s", 2),
    (4.0, "<", "Response: Success / ActionID: s / EventList: start", 2),
    (6.0, "<", "Event: Status / ActionID: s", 2),
    (8.0, "<", "Event: StatusComplete / ActionID: s / EventList: Complete", 2),
    (61.0, "<", "Event: Hangup / Privilege: call,all", 1),
)  # fmt: skip
LIST = ["Response: Success", "Event: Status", "Event: StatusComplete"]


def asks_for_a_slow_list(at: float) -> Client:
    """A client that has a list on its way: from 1 s after it has asked until 3 s after."""
    client = Client(replay=recording(*SLOW_LIST))
    client.say(LOGIN)
    assert client.say("Action: Status / ActionID: s", at=at) == b""
    return client


@pytest.mark.parametrize("at", [10.5, 11.5, 12.9])
def test_asterisks_own_answer_waits_for_the_recorded_one_before_it(at):
    client = asks_for_a_slow_list(10.0)
    heard = client.say("Action: Ping", at=at)
    assert names_in(heard + client.wait_until(12.99)) == LIST[:2]
    heard = client.wait_until(13.0)
    assert names_in(heard) == ["Event: StatusComplete", "Response: Success"]
    assert b"Pong" in heard


def test_a_scripted_answer_begins_when_the_recorded_one_before_it_has_ended():
    client = asks_for_a_slow_list(20.0)
    client.script.on("Getvar").reply(wait(2), response(Value="x"), wait(1), event("Later"))
    client.say("Action: Getvar / Variable: X", at=20.5)
    assert names_in(client.wait_until(24.9)) == LIST
    assert names_in(client.wait_until(25.0)) == ["Response: Success"]
    assert names_in(client.wait_until(26.0)) == ["Event: Later"]


def test_what_comes_after_a_recorded_answer_counts_from_its_end_however_late_one_looks():
    client = asks_for_a_slow_list(20.0)
    client.script.on("Getvar").reply(wait(2), response(Value="x"), wait(1), event("Later"))
    client.say("Action: Getvar / Variable: X", at=20.5)
    assert names_in(client.wait_until(26.0)) == [*LIST, "Response: Success", "Event: Later"]


@pytest.mark.parametrize("at", [10.0, 10.5, 11.0, 12.5, 13.0])
def test_an_event_that_is_emitted_waits_for_the_recorded_answer_that_is_under_way(at):
    client = asks_for_a_slow_list(10.0)
    client.session.emit(CALL_EVENT, at)
    assert names_in(client.wait_until(13.0)) == [*LIST, "Event: Hangup"]
    assert client.emit(CALL_EVENT, at=13.5) == CALL_EVENT, "and the next one does not"


def test_what_a_timeline_sends_waits_for_the_recorded_answer_that_is_under_way():
    client = Client(replay=recording(*SLOW_LIST))
    client.script.timeline([wait(11.5), raw("Junk: 1\r\n\r\n")], at="login")
    client.say(LOGIN)
    client.say("Action: Status / ActionID: s", at=10.0)
    assert names_in(client.wait_until(13.0)) == [*LIST, "Junk: 1"]


def test_what_a_login_begins_counts_from_when_it_is_looked_at():
    challenge = ("Action: Challenge / AuthType: MD5", "Response: Success / Challenge: 1")
    client = Client(replay=recording(
        (1.0, ">", challenge[0], 1), (5.0, "<", challenge[1], 1), (6.0, ">", LOGIN, 2), (6.0, "<", ACCEPTED, 2)
    ))  # fmt: skip
    client.script.timeline([wait(1), raw("Junk: 1\r\n\r\n")], at="login")
    client.say(challenge[0], at=10.0)
    assert client.say(LOGIN, at=11.5) == b""
    assert names_in(client.wait_until(12.9)) == ["Response: Success", "Response: Success"]
    assert client.wait_until(13.0) == b"Junk: 1\r\n\r\n"


@pytest.mark.parametrize(("asked", "is_before"), [(27.5, False), (28.5, False), (29.5, True)])
def test_recorded_traffic_never_stands_in_a_list_that_comes_at_another_time_than_was_recorded(asked, is_before):
    client = asks_for_a_slow_list(asked)
    names = names_in(client.wait_until(99.0))
    assert names == (["Event: Hangup", *LIST] if is_before else [*LIST, "Event: Hangup"])


@given(st.lists(st.floats(0, 15), min_size=3, max_size=3), st.lists(st.floats(0.01, 5), max_size=20))
def test_whenever_a_client_asks_it_hears_all_that_was_recorded_once_and_lists_whole(pauses, looks):
    frames: list[tuple[float, str, str, int | None]] = [(1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1)]
    for number in (2, 3, 4):
        start = number * 10.0
        frames += [(start + at, "<", f"Event: E{number}{at} / Privilege: call,all", 1) for at in range(9)]
        frames += [(start + 9, ">", f"Action: Status / ActionID: s / Number: {number}", number)]
        said = ("Response: Success / EventList: start", "Event: Status", "Event: Complete / EventList: Complete")
        frames += [(start + 9 + at / 4, "<", f"{text} / ActionID: s", number) for at, text in enumerate(said)]
    client = Client(replay=recording(*frames))
    now, heard = 0.0, client.say(LOGIN)
    for number, pause in zip((2, 3, 4), pauses, strict=True):
        now += pause
        heard += client.say(f"Action: Status / ActionID: s / Number: {number}", at=now)
    for pause in looks:
        now += pause
        heard += client.wait_until(now)
    names = names_in(heard + client.wait_until(99.0))
    whole = ["Response: Success", "Event: Status", "Event: Complete"]
    begins = [place for place, name in enumerate(names) if name == whole[0]][1:]
    assert [names[place : place + 3] for place in begins] == [whole] * 3
    events = [name for name in names if name.startswith("Event: E")]
    assert events == [f"Event: E{number}{at}" for number in (2, 3, 4) for at in range(9)]


def test_recorded_traffic_waits_for_a_scripted_answer_that_is_under_way():
    client = Client(replay=recording(*SLOW_LIST))
    client.script.on("Agents").reply(response(EventList="start"), wait(5), list_complete())
    client.say(LOGIN)
    assert names_in(client.say("Action: Agents", at=29.0)) == ["Response: Success"]
    assert client.wait_until(33.9) == b""
    assert names_in(client.wait_until(34.0)) == ["Event: AgentsComplete", "Event: Hangup"]


def test_what_was_recorded_in_the_midst_of_an_answer_comes_there():
    client = Client(replay=recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
        (2.0, ">", "Action: WaitEvent / ActionID: w", 2),
        (4.0, "<", "Response: Success / ActionID: w", 2),
        (4.0, "<", "Event: Hangup / Privilege: call,all", 1),
        (4.0, "<", "Event: WaitEventComplete / ActionID: w", 2),
    ))  # fmt: skip
    client.say(LOGIN)
    client.say("Action: WaitEvent / ActionID: w", at=0.5)
    assert names_in(client.wait_until(1.5)) == ["Response: Success", "Event: Hangup", "Event: WaitEventComplete"]


def test_an_item_of_a_list_is_known_by_what_was_recorded_whatever_the_client_says():
    client = Client(replay=recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
        (2.0, ">", "Action: Status", 2),
        (2.0, "<", "Response: Success / EventList: start", 2),
        (2.0, "<", "Event: Status / Privilege: Call", 2),
        (2.0, "<", "Event: StatusComplete / EventList: Complete", 2),
    ))  # fmt: skip
    client.holds_back = True
    client.say(LOGIN)
    assert names_in(client.say("Action: Status / ActionID: mine")) == LIST


def test_a_client_that_half_closes_is_closed_when_its_recorded_answer_has_been_sent():
    client = asks_for_a_slow_list(10.0)
    client.session.receive_eof(10.5)
    assert names_in(client.wait_until(12.9)) == LIST[:2]
    assert client.session.closing is None
    assert names_in(client.wait_until(13.0)) == LIST[2:]
    assert client.session.closing == Close("eof")


def test_of_very_many_actions_without_an_answer_the_last_ones_are_known():
    replay = Replay(Recording({}, [Record(0.0, 1, "", "open")]), "test.yaml", room=10_000)
    client = Client(replay=replay)
    client.session.logged_in_at = 0.0
    for number in range(100):
        assert b"no recorded answer" in client.say(f"Action: A{number}")
    assert 1 < len(replay.misses) < 20
    assert "A99" in replay.misses[-1].report


def test_recorded_events_come_between_scripted_answers():
    client = Client(replay=recording((1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1), (4.0, "<", "Event: Between", 1)))
    client.script.on("Ping").reply(wait(1), response())
    client.say(LOGIN)
    client.say(*["Action: Ping"] * 4)
    assert names_in(client.wait_until(9.0)) == [
        "Response: Success", "Response: Success", "Event: Between", "Response: Success", "Response: Success",
    ]  # fmt: skip


@pytest.mark.parametrize("looks", [[], [105.0, 112.0]])
def test_however_late_one_looks_nothing_stands_in_an_answer_but_what_was_recorded_there(looks):
    replay = recording(
        (1.0, ">", LOGIN, 1), (1.0, "<", ACCEPTED, 1),
        (100.0, ">", "Action: Agents / ActionID: s", 2),
        (100.0, "<", "Response: Success / ActionID: s / EventList: start", 2),
        (105.0, "<", "Event: Within / Privilege: call,all", 1),
        (110.0, "<", "Event: AgentsComplete / ActionID: s / EventList: Complete", 2),
        (112.0, "<", "Event: After / Privilege: call,all", 1),
    )  # fmt: skip
    replay.speed = 1
    client = Client(replay=replay)
    client.say(LOGIN, at=1.0)
    said = client.say("Action: Agents / ActionID: s", at=103.0)
    for at in [*looks, 120.0]:
        said += client.wait_until(at)
    assert names_in(said) == ["Response: Success", "Event: Within", "Event: AgentsComplete", "Event: After"]


def test_who_asks_very_often_what_was_not_recorded_is_answered_in_turns():
    client = Client(replay=recording(*QUEUE))
    client.say(LOGIN)
    client.session.receive_data(frame("Action: Odd") * 1000, 0.0)
    assert 0 < len(client.session.host.replay.misses) < 100
    assert client.wait_until(0.0).endswith(b"\r\n\r\n")
    assert len(client.session.host.replay.misses) == 1000
