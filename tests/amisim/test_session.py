"""The server's session: what Asterisk does, with bytes and times only."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim.host import BANNERS, Host, Limits
from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.script import Script
from amisim.session import ServerSession
from amisim.steps import Close, event, list_complete, raw, repeat, response, wait
from amisim.users import User

LOGIN = "Action: Login / ActionID: 1 / Username: admin / Secret: s3cret"
ACCEPTED = "Response: Success / ActionID: 1 / Message: Authentication accepted"
BOOTED = "Event: FullyBooted / Privilege: system,all / Uptime: 100 / LastReload: 100 / Status: Fully Booted"


def frame(text: str) -> bytes:
    return f"{text} /  / ".replace(" / ", "\r\n").encode()


class Client:
    """The client of a session, and its clock."""

    def __init__(self, version="22", replay: Replay | None = None, log_in=False, **options) -> None:
        self.script = Script()
        self.arrived: list[str] = []
        self.holds_back = False
        host = Host(
            users=options.pop("users", {"admin": "s3cret"}),
            version=version,
            script=self.script,
            replay=replay,
            challenge=lambda: "123456789",
            arrived=lambda number, action: self.arrived.append(action.name),
            holds_back=lambda: self.holds_back,
            wall_clock=lambda: 1_700_000_000.5,
            **options,
        )
        self.session = ServerSession(host, 1, 0.0)
        self.greeting = self.take()
        if log_in:
            self.say(LOGIN)

    def take(self) -> bytes:
        return b"".join(self.session.take_chunks())

    def say(self, *texts: str, at: float = 0.0) -> bytes:
        return self.send(b"".join(map(frame, texts)), at)

    def send(self, data: bytes, at: float = 0.0) -> bytes:
        self.session.receive_data(data, at)
        return self.take()

    def emit(self, event: bytes, at: float = 0.0) -> bytes:
        self.session.handle_timer(at)
        self.session.emit(event, at)
        return self.wait_until(at)

    def wait_until(self, at: float) -> bytes:
        self.session.handle_timer(at)
        return self.take()


@pytest.mark.parametrize(("version", "ami"), BANNERS.items())
def test_the_greeting_is_one_line_with_the_version_of_ami(version, ami):
    assert Client(version).greeting == f"Asterisk Call Manager/{ami}\r\n".encode()


def test_a_plain_login_is_answered_and_then_the_server_says_it_has_booted():
    assert Client().say(LOGIN) == frame(ACCEPTED) + frame(BOOTED)


def test_old_versions_do_not_say_for_how_long_they_have_been_up():
    assert Client("13").say(LOGIN).endswith(frame("Event: FullyBooted / Privilege: system,all / Status: Fully Booted"))


def test_a_user_is_known_whatever_the_case_but_a_secret_is_not():
    assert Client().say(LOGIN.replace("admin", "ADMIN")).startswith(frame(ACCEPTED))
    assert Client().say(LOGIN.replace("s3cret", "S3CRET")) == b""


def test_a_client_that_wants_no_events_is_not_told_of_the_boot():
    client = Client()
    assert client.say(f"{LOGIN} / Events: off") == frame(ACCEPTED)
    client.session.emit(b"Event: X\r\n\r\n", 0.0)
    assert client.take() == b""


def key(challenge: str, secret="s3cret") -> str:
    return hashlib.md5(f"{challenge}{secret}".encode()).hexdigest()


def test_a_login_by_challenge():
    client = Client()
    challenged = frame("Response: Success / ActionID: 7 / Challenge: 123456789")
    assert client.say("Action: Challenge / ActionID: 7 / AuthType: md5") == challenged
    assert client.say("Action: Challenge / ActionID: 7 / AuthType: MD5") == challenged
    login = f"Action: Login / ActionID: 1 / AuthType: MD5 / Username: admin / Key: {key('123456789')}"
    assert client.say(login).startswith(frame(ACCEPTED))


def test_a_challenge_is_by_md5():
    refusal = frame("Response: Error / Message: Must specify AuthType")
    assert Client().say("Action: Challenge") == Client().say("Action: Challenge / AuthType: SHA") == refusal


@pytest.mark.parametrize(
    "login",
    [
        "Action: Login / ActionID: 1 / Username: admin / Secret: wrong",
        "Action: Login / ActionID: 1 / Username: nobody / Secret: s3cret",
        "Action: Login / ActionID: 1 / Username: admin / Secret: s3cret ",
        "Action: Login / ActionID: 1",
        f"Action: Login / ActionID: 1 / AuthType: MD5 / Username: admin / Key: {key('')}",
    ],
)
def test_a_refused_login_is_answered_after_a_second_and_then_the_connection_is_closed(login):
    client = Client()
    assert client.say(login, at=5.0) == b""
    assert client.session.next_deadline() == 6.0
    assert client.say("Action: Login / Username: admin / Secret: s3cret", at=5.5) == b"", "there is one attempt"
    assert client.wait_until(5.999) == b""
    assert client.session.closing is None
    assert client.wait_until(6.0) == frame("Response: Error / ActionID: 1 / Message: Authentication failed")
    assert client.session.closing == Close("eof")


def test_before_the_login_nothing_else_is_served():
    client = Client()
    denied = frame("Response: Error / ActionID: 2 / Message: Permission denied")
    for action in ("Ping", "Events", "QueueStatus", "NoSuchAction"):
        assert client.say(f"Action: {action} / ActionID: 2") == denied
    assert client.say("Action: Logoff") == frame("Response: Goodbye / Message: Thanks for all the fish.")
    assert client.session.closing == Close("eof")


def test_a_second_login_is_not_looked_at():
    again = Client(log_in=True).say("Action: Login / ActionID: 2 / Secret: wrong")
    assert again == frame("Response: Success / ActionID: 2 / Message: Already authenticated")


def test_a_ping_tells_the_time_of_day():
    pong = Client(log_in=True).say("Action: Ping / ActionID: 2")
    assert pong == frame("Response: Success / ActionID: 2 / Ping: Pong / Timestamp: 1700000000.500000")


def test_events_can_be_switched_off_and_on():
    client = Client(log_in=True)
    assert client.say("Action: Events / EventMask: off") == frame("Response: Success / Events: Off")
    client.session.emit(b"Event: X\r\n\r\n", 0.0)
    assert client.take() == b""
    assert client.say("Action: Events / EventMask: on") == frame("Response: Success / Events: On")
    client.session.emit(b"Event: X\r\n\r\n", 0.0)
    assert client.take() == b"Event: X\r\n\r\n"
    assert client.say("Action: Events") == frame("Response: Error / Message: Invalid event mask")


@pytest.mark.parametrize(
    ("mask", "state"),
    [
        ("on", "On"), ("YES", "On"), ("call", "On"), ("system,user", "On"), ("bogus,call", "On"), ("1", "On"),
        ("off", "Off"), ("No", "Off"), ("0", "Off"), ("none", "Off"), ("bogus", "Off"), ("Call", "Off"), ("-1", "Off"),
        ("²", "Off"), ("9" * 10, "On"),
    ],
)  # fmt: skip
def test_an_event_mask_is_a_word_a_number_or_a_list_of_classes(mask, state):
    assert Client(log_in=True).say(f"Action: Events / EventMask: {mask}") == frame(
        f"Response: Success / Events: {state}"
    )


def test_an_unknown_action_is_called_so():
    text = "Invalid/unknown command: Nonsense. Use Action: ListCommands to show available commands."
    assert Client(log_in=True).say("Action: Nonsense / ActionID: 2") == frame(
        f"Response: Error / ActionID: 2 / Message: {text}"
    )


def test_every_empty_line_is_an_action_without_a_name():
    missing = frame("Response: Error / Message: Missing action in request")
    assert Client(log_in=True).send(b"\r\n\n\r\n") == missing * 3


def test_actions_in_one_chunk_are_answered_in_order():
    answers = Client().say(LOGIN, "Action: Ping / ActionID: 2", "Action: Ping / ActionID: 3")
    assert answers.index(b"ActionID: 1\r\n") < answers.index(b"ActionID: 2\r\n") < answers.index(b"ActionID: 3\r\n")


def test_a_half_closed_client_still_gets_its_answer():
    client = Client(log_in=True)
    client.script.on("Slow").reply(wait(2), response())
    client.say("Action: Slow / ActionID: 2", at=1.0)
    client.session.receive_eof(1.0)
    assert client.session.closing is None
    assert client.wait_until(3.0) == frame("Response: Success / ActionID: 2")
    assert client.session.closing is not None


@given(
    st.lists(st.binary(max_size=60) | st.sampled_from([b"\r\n", b"Action: Ping\r\n\r\n", frame(LOGIN)]), max_size=20)
)
def test_garbage_neither_raises_nor_stops_the_session(garbage):
    client = Client()
    for chunk in garbage:
        client.send(chunk)
    client.wait_until(10.0)
    if client.session.closing is None:
        client.send(b"\r\n\r\n")
        assert client.say("Action: Ping / ActionID: last").endswith(b"\r\n\r\n")


# Scripts


def test_a_rule_answers_with_the_action_id_in_the_response_and_in_the_items_of_its_list():
    client = Client(log_in=True)
    client.script.on("QueueStatus", Queue="support").reply(
        response(EventList="start", Message="Queue status will follow"),
        event("QueueParams", Queue="support"),
        event("QueueMember", Name="Alice"),
        wait(0.5),
        list_complete(),
        event("Hangup", Cause_txt="Normal Clearing"),
    )
    item = "Response: Success / ActionID: 2 / EventList: start / Message: Queue status will follow"
    assert client.say("Action: QueueStatus / ActionID: 2 / Queue: support", at=1.0) == (
        frame(item)
        + frame("Event: QueueParams / ActionID: 2 / Queue: support")
        + frame("Event: QueueMember / ActionID: 2 / Name: Alice")
    )
    assert client.wait_until(1.5) == (
        frame("Event: QueueStatusComplete / ActionID: 2 / EventList: Complete / ListItems: 2")
        + frame("Event: Hangup / Cause-txt: Normal Clearing")
    )


def test_what_takes_its_time_holds_up_what_comes_after_until_it_is_answered():
    client = Client(log_in=True)
    client.script.on("Slow").reply(wait(7), response(), wait(2), event("Later"))
    client.say("Action: Slow / ActionID: 2", at=1.0)
    assert client.say("Action: Ping / ActionID: 3", at=2.0) == b""
    client.emit(b"Event: Meanwhile\r\n\r\n", at=3.0)
    assert client.wait_until(7.9) == b""
    answers = client.wait_until(8.0)
    assert answers.startswith(frame("Response: Success / ActionID: 2") + frame("Event: Meanwhile"))
    assert b"ActionID: 3\r\n" in answers
    assert b"ActionID: 4\r\n" in client.say("Action: Ping / ActionID: 4", at=9.0), "nobody waits for what follows"
    assert client.wait_until(10.0) == frame("Event: Later")


def test_nothing_stands_between_a_response_and_the_end_of_its_list():
    client = Client(log_in=True)
    client.script.on("Status").reply(response(EventList="start"), wait(1), event("Status"), list_complete())
    client.script.on("Originate").reply(response(), wait(0.5), event("OriginateResponse"))
    client.say("Action: Originate", "Action: Status", "Action: Logoff")
    client.emit(b"Event: Meanwhile\r\n\r\n", at=0.7)
    names = [text.split("\r\n")[0] for text in client.wait_until(1.0).decode().split("\r\n\r\n")]
    events = ["Event: Status", "Event: StatusComplete", "Event: OriginateResponse", "Event: Meanwhile"]
    assert names == [*events, "Response: Goodbye", ""]


def test_an_answer_that_never_completes_its_list_holds_up_nothing():
    client = Client(log_in=True)
    client.script.on("Status").reply(response(EventList="start"), event("Status"))
    client.script.on("Nothing").reply()
    client.say("Action: Status", "Action: Nothing")
    assert b"Pong" in client.say("Action: Ping")


def test_the_newest_rule_that_fits_wins_until_it_is_used_up():
    client = Client(log_in=True)
    client.script.on("Ping").reply(response(Rule=1))
    client.script.on("Ping").times(1).reply(response(Rule=2))
    client.script.on("Ping", Queue="none").reply(response(Rule=3))
    answers = [client.say("Action: Ping") for _ in range(3)]
    assert answers == [frame(f"Response: Success / Rule: {rule}") for rule in (2, 1, 1)]


def test_a_rule_may_answer_nothing_or_anything_or_close():
    client = Client(log_in=True)
    client.script.on("Silent").reply()
    client.script.on("Odd").reply(raw("Response: \xe4"), raw(b"\xff\r\n"), Close("reset"))
    assert client.say("Action: Silent / ActionID: 2") == b""
    assert client.say("Action: Odd / ActionID: 3") == "Response: ä".encode() + b"\xff\r\n"
    assert client.session.closing == Close("reset")


def test_a_rule_may_answer_what_asterisk_would():
    client = Client()
    client.script.on("Login").reply(response("Error", Message="Asterisk is shutting down"))
    assert client.say(LOGIN) == frame("Response: Error / ActionID: 1 / Message: Asterisk is shutting down")


def test_a_reply_is_made_of_steps():
    with pytest.raises(TypeError, match="'Pong' is no step"):
        Script().on("Ping").reply("Pong")  # type: ignore[arg-type]


def test_a_list_is_counted_unless_a_count_is_given():
    client = Client(log_in=True)
    client.script.on("Agents").reply(response(EventList="start"), list_complete("AgentsEnd", ListItems=9, X="y"))
    assert client.say("Action: Agents").endswith(frame("Event: AgentsEnd / EventList: Complete / ListItems: 9 / X: y"))


# Replay


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
    assert (
        "the same, but it was used already, at 3.250 s" in client.say("Action: QueueStatus / Queue: support").decode()
    )


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


# Who may do and see what, and what Asterisk reports of it


CALL_EVENT = b"Event: Hangup\r\nPrivilege: call,all\r\n\r\n"
READER = User("s3cret", read="call,system", write="reporting")


def names_in(data: bytes) -> list[str]:
    return [text.partition("\r\n")[0] for text in data.decode().split("\r\n\r\n")[:-1]]


def test_an_action_needs_one_of_its_classes_though_a_script_answers_it():
    client = Client(users={"admin": READER}, log_in=True)
    client.script.on("Originate").reply(response())
    client.script.on("CoreShowChannels").reply(response(Message="For reporting"))
    client.script.on("MyOwn").reply(response(Message="Of no class"))
    assert client.say("Action: Originate") == frame("Response: Error / Message: Permission denied")
    assert client.say("Action: CoreShowChannels") == frame("Response: Success / Message: For reporting")
    assert client.say("Action: MyOwn") == frame("Response: Success / Message: Of no class")


def test_an_event_needs_all_of_its_classes_to_be_read_and_wanted():
    client = Client(users={"admin": READER}, log_in=True)
    assert client.emit(CALL_EVENT) == CALL_EVENT
    assert client.emit(CALL_EVENT.replace(b"call,", b"call,system,")) != b""
    assert client.emit(CALL_EVENT.replace(b"call,", b"call,agent,")) == b""
    client.say("Action: Events / EventMask: system")
    assert client.emit(CALL_EVENT) == b""
    assert client.emit(CALL_EVENT.replace(b"call", b"system")) != b""


def test_who_does_not_read_system_is_not_told_of_the_boot():
    client = Client(users={"admin": User("s3cret", read="call")})
    assert client.say(LOGIN) == frame(ACCEPTED)


def test_a_filter_of_the_user_is_in_force_from_the_login_on():
    client = Client(users={"admin": User("s3cret", filters=("!Event: Hangup",))}, log_in=True)
    assert client.emit(CALL_EVENT) == b""
    client.say("Action: Filter / Operation: Add / Filter: Event: New.*")
    assert client.emit(CALL_EVENT.replace(b"Hangup", b"Rename")) == b""
    assert client.emit(CALL_EVENT.replace(b"Hangup", b"Newstate")) != b""


def test_what_is_wrong_is_reported_to_who_reads_security():
    watcher = Client(users={"admin": User("s3cret", "all", "call"), "ann": User("x", admitted=False)}, log_in=True)
    watcher.say("Action: Challenge / AuthType: MD5")
    for login in (
        "Action: Login / Username: bob / Secret: x",
        "Action: Login / Username: ann / Secret: x",
        "Action: Login / Username: admin / Secret: x",
        "Action: Challenge / AuthType: MD5",
        "Action: Ping",
    ):
        other = ServerSession(watcher.session.host, 2, 0.0)
        other.receive_data(frame(login), 0.0)
        if "Challenge" in login:
            other.receive_data(frame("Action: Login / Username: admin / AuthType: MD5 / Key: 0"), 0.0)
        other.closed()
    assert names_in(watcher.take()) == [
        "Event: InvalidAccountID",
        "Event: FailedACL",
        "Event: InvalidPassword",
        "Event: ChallengeResponseFailed",
        "Event: RequestNotAllowed",
    ]
    assert names_in(watcher.say("Action: Command")) == ["Response: Error", "Event: RequestNotAllowed"]
    assert b"RequestType: Action: " + b"x" * 55 + b"\r\n" in watcher.say("Action: " + "x" * 70)


def test_a_user_may_be_limited_to_one_login():
    first = Client(users={"admin": User("s3cret", multiple_logins=False)}, log_in=True)
    for number, action in enumerate((LOGIN, LOGIN.replace("Login", "Challenge")), 2):
        other = ServerSession(first.session.host, number, 0.0)
        other.take_chunks()
        other.receive_data(frame(action), 0.0)
        other.handle_timer(1.0)
        assert b"".join(other.take_chunks()) == frame("Response: Error / ActionID: 1 / Message: Login Already In Use")
        assert other.closing is not None
        other.closed()
    first.session.closed()
    again = ServerSession(first.session.host, 9, 0.0)
    again.receive_data(frame(LOGIN), 0.0)
    assert again.logged_in


def test_who_does_not_log_in_is_closed_in_the_end_without_a_word():
    client = Client()
    assert client.session.next_deadline() == 30
    client.say("Action: Ping", at=29.0)
    assert client.wait_until(30.0) == b""
    assert client.session.closing == Close()
    logged_in = Client(log_in=True)
    assert logged_in.session.next_deadline() is None


@pytest.mark.parametrize(("pause", "logs_in"), [(0.1, True), (1.0, False)])
def test_who_sends_a_byte_at_a_time_has_no_more_time_to_log_in_than_others(pause, logs_in):
    client = Client()
    for number, byte in enumerate(frame(LOGIN) * 20):
        client.send(bytes([byte]), at=number * pause)
    assert client.arrived == (["Login"] * 20 if logs_in else [])
    assert client.session.logged_in == logs_in
    assert client.session.closing == (None if logs_in else Close())


def test_only_so_many_may_be_connected_without_a_login():
    first = Client(limits=Limits(auth_limit=2))
    host = first.session.host
    others = [ServerSession(host, number, 0.0) for number in (2, 3)]
    assert [each.closing for each in others] == [None, Close()]
    assert others[1].take_chunks() == []
    others[1].closed()
    first.say(LOGIN)
    assert ServerSession(host, 4, 0.0).closing is None


def test_of_10_000_connections_without_a_login_50_are_kept_and_who_has_logged_in_is_served():
    good = Client(log_in=True)
    host = good.session.host
    for number in range(2, 10_002):
        session = ServerSession(host, number, 0.0)
        if session.closing is not None:
            session.closed()
    assert len(host.sessions) == 51
    assert len(host.unauthenticated) == 50
    assert b"Pong" in good.say("Action: Ping", at=1.0)


def test_a_scripted_login_that_succeeds_is_one():
    client = Client()
    client.script.on("Login").reply(response(Message="Welcome"))
    client.say("Action: Login / Username: admin / Secret: wrong / Events: off")
    assert b"Pong" in client.say("Action: Ping")
    assert client.emit(CALL_EVENT) == b""


@pytest.mark.parametrize(("timeout", "end"), [("3", 3.0), ("", None), ("-1", None), ("x", None)])
def test_wait_event_ends_in_time_with_an_event_or_with_the_next_action(timeout, end):
    waiting = f"Action: WaitEvent / ActionID: 2 / Timeout: {timeout}"
    done = frame("Response: Success / ActionID: 2 / Message: Waiting for Event completed.")
    complete = frame("Event: WaitEventComplete / ActionID: 2")
    client = Client(log_in=True)
    assert client.say(waiting) == b""
    assert client.session.next_deadline() == end
    assert client.emit(CALL_EVENT, at=1.0) == done + CALL_EVENT + complete
    client.say(waiting, at=2.0)
    assert client.say("Action: Logoff", at=2.5).startswith(done + complete + b"Response: Goodbye")
    if end is not None:
        client = Client(log_in=True)
        client.say(waiting)
        assert client.wait_until(end) == done + complete


def test_a_user_event_is_for_all_with_its_headers_as_they_came():
    client = Client(log_in=True)
    said = b"Action: UserEvent\r\nActionID: 2\r\nKey:v\r\nUSEREVENT: Mine\r\nno header\r\nEmpty:\r\nNul: a\0b\r\n\r\n"
    assert client.send(said) == frame("Response: Success / ActionID: 2 / Message: Event Sent") + (
        b"Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Mine\r\n"
        b"ActionID: 2\r\nKey:v\r\nno header\r\nEmpty:\r\nNul: a\r\n\r\n"
    )


def test_a_command_is_answered_in_the_form_of_the_version():
    say = "Action: Command / ActionID: 2 / Command: nonsense"
    text = "No such command 'nonsense' (type 'core show help nonsense' for other possible commands)"
    assert Client("16", log_in=True).say(say) == frame(
        f"Response: Error / ActionID: 2 / Message: Command output follows / Output: {text}"
    )
    assert Client("13", log_in=True).say(say) == (
        f"Response: Follows\r\nPrivilege: Command\r\nActionID: 2\r\n{text}\n--END COMMAND--\r\n\r\n".encode()
    )
    for command, message in (("", "No command provided"), ("module  load x", "Command blacklisted")):
        answer = Client(log_in=True).say(f"Action: Command / Command: {command}")
        assert answer == frame(f"Response: Error / Message: {message}")


def test_the_actions_that_a_user_may_send_are_listed_with_their_classes():
    client = Client(users={"admin": READER}, log_in=True)
    answer = client.say("Action: ListCommands")
    assert b"\r\nPing: (Priv: <none>)\r\n" in answer
    assert b"\r\nCoreShowChannels: (Priv: system,reporting,all)\r\n" in answer
    assert b"Originate" not in answer


def test_an_action_id_that_is_too_long_is_cut_with_its_line_end():
    client = Client(log_in=True)
    assert client.say(f"Action: CoreStatus / ActionID: {'x' * 137}").startswith(
        b"Response: Success\r\nActionID: " + b"x" * 137 + b"\r\nCoreStartupDate: 2023-11-14\r\n"
    )
    assert client.say(f"Action: CoreSettings / ActionID: {'x' * 138}").startswith(
        b"Response: Success\r\nActionID: " + b"x" * 138 + b"\rAMIversion: 11.0.0\r\n"
    )


def test_who_asks_very_much_at_once_is_answered_in_turns():
    client = Client(log_in=True)
    client.script.on("List").reply(
        response(EventList="start"), repeat(1000, event("Item", Text="x" * 100)), list_complete()
    )
    heard = client.say(*["Action: List"] * 3)
    assert 60_000 < len(heard) < 70_000
    turns = 1
    while client.session.next_deadline() == 0.0:
        heard += client.wait_until(0.0)
        turns += 1
    assert turns > 5
    assert heard.count(b"Event: Item") == 3000
    assert heard.endswith(b"ListItems: 1000\r\n\r\n")


def test_a_frame_without_an_action_is_answered_before_it_is_reported():
    client = Client(users={"admin": User("s3cret", "all")}, log_in=True)
    assert names_in(client.say("Key: value")) == ["Response: Error", "Event: RequestBadFormat"]
    assert names_in(client.send(b"\r\n\r\n")) == ["Response: Error", "Event: RequestBadFormat"] * 2


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
