"""The server's session: what Asterisk does, with bytes and times only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim import strategies
from amisim.host import BANNERS, Limits
from amisim.script import Script
from amisim.server_session import ServerSession
from amisim.steps import Close, close, event, list_complete, raw, repeat, response, wait
from amisim.users import User

from .sessions import ACCEPTED, BOOTED, CALL_EVENT, LOGIN, READER, Client, frame, key, names_in


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


@given(strategies.garbage(strategies.action_frames() | st.just(frame(LOGIN))).flatmap(strategies.chunkings))
def test_garbage_neither_raises_nor_stops_the_session(garbage):
    client = Client()
    for chunk in garbage:
        client.send(chunk)
    client.wait_until(10.0)
    if client.session.closing is None:
        client.send(b"\r\n\r\n", at=10.0)
        client.wait_until(20.0)  # a login that is refused takes its time, and is the end
    if client.session.closing is None:
        assert client.say("Action: Ping / ActionID: last", at=20.0).endswith(b"\r\n\r\n")


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


# Who may do and see what, and what Asterisk reports of it


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


@pytest.mark.parametrize(("length", "line_end"), [(243, b"\r\n"), (244, b"\r"), (245, b""), (1000, b"")])
def test_what_ends_a_line_goes_first_where_an_action_id_is_too_long(length, line_end):
    # Seen on 16.28 and 22.10.
    whole = b"ActionID: " + b"x" * length
    cut = whole[:255] + line_end
    client = Client(log_in=True)
    said = client.say(f"Action: Events / ActionID: {'x' * length} / EventMask: call")
    assert said == b"Response: Success\r\n" + cut + b"Events: On\r\n\r\n"
    said = client.say(f"Action: WaitEvent / ActionID: {'x' * length} / Timeout: 0")
    done = b"Response: Success\r\n" + whole + b"\r\nMessage: Waiting for Event completed.\r\n\r\n"
    assert said == done + b"Event: WaitEventComplete\r\n" + cut + b"\r\n"


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
    client.session.receive_data(frame("Action: List") * 3, 0.0)
    heard = client.take()
    assert 60_000 < len(heard) < 70_000
    turns = 1
    while client.session.next_deadline() == 0.0:
        client.session.handle_timer(0.0)
        heard += client.take()
        turns += 1
    assert turns > 5
    assert heard.count(b"Event: Item") == 3000
    assert heard.endswith(b"ListItems: 1000\r\n\r\n")


def test_a_frame_without_an_action_is_answered_before_it_is_reported():
    client = Client(users={"admin": User("s3cret", "all")}, log_in=True)
    assert names_in(client.say("Key: value")) == ["Response: Error", "Event: RequestBadFormat"]
    assert names_in(client.send(b"\r\n\r\n")) == ["Response: Error", "Event: RequestBadFormat"] * 2


def test_nothing_is_kept_for_a_client_whose_connection_is_to_be_closed():
    client = Client(log_in=True)
    client.script.on("Ping").reply(response(EventList="start"), close("half"))
    client.say("Action: Ping")
    assert not client.session.emit(CALL_EVENT, 1.0)
    assert client.session._pending == []


def test_a_condition_that_fails_when_it_is_asked_again_is_told_too():
    asked = []
    client = Client(log_in=True)
    client.script.on("Getvar", Variable=lambda value: asked.append(value) or 1 / (2 - len(asked))).reply(response())
    client.say("Action: Getvar / Variable: x")
    assert client.failures == ["a condition on Getvar failed: ZeroDivisionError('division by zero')"]
    assert client.session.closing == Close("reset")


def test_what_a_client_does_not_want_to_see_is_not_kept_for_it_while_it_waits():
    client = Client(log_in=True)
    client.script.on("Slow").reply(wait(60), response())
    client.say("Action: Events / EventMask: off", "Action: Slow")
    assert not client.session.emit(CALL_EVENT, 1.0)
    assert client.session._pending == []
