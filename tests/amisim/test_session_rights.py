"""Who may do and see what at the server's session: classes, masks, filters, security events."""

from amisim.server_session import ServerSession
from amisim.steps import Close, response
from amisim.users import User

from .sessions import ACCEPTED, CALL_EVENT, LOGIN, READER, Client, frame, names_in


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


def test_an_event_without_classes_is_for_everybody_who_is_logged_in_and_wants_events():
    client = Client(users={"admin": User("s3cret", read="")})
    assert client.emit(b"Event: Odd\r\n\r\n") == b""
    client.say(LOGIN)
    assert client.emit(b"Event: Odd\r\n\r\n") == b"Event: Odd\r\n\r\n"
    assert client.emit(CALL_EVENT) == b""
    client.say("Action: Events / EventMask: off")
    assert client.emit(b"Event: Odd\r\n\r\n") == b""


def test_filters_are_not_served_without_end():
    client = Client(log_in=True)
    add = "Action: Filter / Operation: Add / Filter: " + "x" * 900
    assert client.say(add) == client.say(add) == frame("Response: Success / Message: Success")
    message = "amisim: the filters of a connection have no more than 2000 characters in all"
    assert client.say(add) == frame(f"Response: Error / Message: {message}")
    assert client.say("Action: Filter / Operation: Add / Filter: !x") == frame("Response: Success / Message: Success")


def test_a_client_whose_filter_takes_too_long_is_cut_off():
    client = Client(log_in=True)
    client.say(r"Action: Filter / Operation: Add / Filter: (\w*\W*){100}x0")
    assert client.emit(CALL_EVENT) == b""
    text = "".join(chr(0x4E00 + n) for n in range(20_000))
    assert client.emit(CALL_EVENT.replace(b"Hangup", text.encode())) == b""
    assert client.session.closing == Close("reset")
    assert client.failures == ["connection 1 is closed: one of its filters takes too long"]


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
    assert names_in(watcher.send(b"Action: \xff\r\n\r\n")) == ["Response: Error"]


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
