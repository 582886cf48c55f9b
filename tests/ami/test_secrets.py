"""What must not be seen, and where it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami import Message, Request, Response, core
from ami.catalogue import parse
from ami.login import Login, login_steps
from ami.outcomes import Orphan
from ami.secrets import HIDDEN, redacted, secret_keys

SECRET = "hunter2"
KEYS = [
    "Challenge", "ExpectedResponse", "MD5Cred", "MD5Secret", "NewPassword", "OAuthSecret", "OldPassword", "Password",
    "PasswordDigest", "ReceivedChallenge", "ReceivedHash", "RefreshToken", "Secret", "Key",
]  # fmt: skip


@pytest.mark.parametrize("key", [*KEYS, "SECRET", "secret", "kEy"])
def test_secret_headers_are_known_whatever_their_case(key):
    assert secret_keys(["Action", key]) - {"response"} == {key.lower()}


@pytest.mark.parametrize("key", ["Keys", "Secrets", "Passwordless", "Channel", "", "MOHSecretary"])
def test_other_headers_are_not(key):
    assert secret_keys(["Action", key]) == set()


def test_the_key_of_the_database_is_none():
    assert secret_keys(["Family", "Key", "Val"]) == set()
    assert secret_keys(["FAMILY", "key", "Secret"]) == {"secret"}


@pytest.mark.parametrize("form", ["{}: {}", "{}:{}", "{} : {}", "  {}: {}", "{}:\t{}", "{}: {}\0"])
@pytest.mark.parametrize("key", KEYS)
def test_a_frame_is_shown_without_its_secrets(key, form):
    frame = f"Action: Login\r\nUsername: admin\r\n{form.format(key, SECRET)}\r\n\r\n".encode()
    shown = redacted(frame)
    assert SECRET not in shown
    assert HIDDEN in shown
    assert shown.startswith("Action: Login | Username: admin | ")


def test_a_frame_without_secrets_is_shown_whole():
    assert redacted(b"Event: Hangup\r\nCause: 16\r\nno header\r\n\r\n") == "Event: Hangup | Cause: 16 | no header"
    assert redacted(b"Action: DBPut\r\nFamily: f\r\nKey: k\r\nVal: v\r\n\r\n") == (
        "Action: DBPut | Family: f | Key: k | Val: v"
    )


def test_a_secret_that_repeats_is_hidden_each_time():
    assert redacted(b"Secret: a\r\nSecret: b\r\n\r\n") == f"Secret: {HIDDEN} | Secret: {HIDDEN}"


@given(st.lists(st.tuples(st.sampled_from([*KEYS, "Action", "X"]), st.sampled_from([" ", "", "  "])), max_size=6))
def test_no_frame_shows_a_secret(headers):
    lines = [f"{key}:{blank}{SECRET if key not in ('Action', 'X') else 'seen'}\r\n" for key, blank in headers]
    assert SECRET not in redacted("".join([*lines, "\r\n"]).encode())


@pytest.mark.parametrize("key", KEYS)
def test_neither_requests_nor_messages_show_them(key):
    request = Request("Login")
    request[key] = SECRET
    message = Message(f"Response: Success\r\n{key}: {SECRET}\r\n\r\n".encode())
    event = parse(f"Event: ChallengeSent\r\n{key}: {SECRET}\r\n\r\n".encode())
    answer = Response(message, message, request, "1", True, 0.1, None, False)
    for each in (request, message, event, answer, Orphan(message), [message], {"a": request}):
        assert SECRET not in f"{each!r} {each}"
    assert message[key] == SECRET


@pytest.mark.parametrize("plain", [False, True])
def test_a_login_shows_none(plain):
    login = Login("admin", SECRET, challenge=None if plain else "123456")
    assert SECRET not in f"{login!r} {login}"
    if not plain:
        assert login["Key"] not in repr(login)
        assert "123456" not in repr(login)


def test_the_steps_of_a_login_show_none():
    assert SECRET not in repr(login_steps("admin", SECRET))


@pytest.mark.parametrize("bad", [f"{SECRET}\r\n", f"{SECRET}\nAction: Logoff", SECRET + "x" * 1100])
def test_an_error_about_a_secret_does_not_show_it(bad):
    for request in (Login("admin", bad), core.Login("admin", bad, challenge=None)):
        with pytest.raises(ValueError, match="'Secret'") as caught:
            request.build_request(None, lambda: "1")
        assert SECRET not in str(caught.value)


CONFIGURATION = [
    "Line-000000-000001: secret={}", "Line-000000-000001: Secret => {}", "Line-000001-000002: md5_cred = {}",
    'JSON: {{"general": {{"secret":"{}","port":"5038"}}}}', 'JSON: {{"password" : "a\\"{}"}}',
    "Var-000001: secret\r\nMatch-000001: {}", "Var-000001: secret\r\nValue-000001: {}",
    "Value-000002: {}\r\nVar-000002: Password",
]  # fmt: skip


@pytest.mark.parametrize("lines", CONFIGURATION)
def test_what_is_secret_in_a_configuration_is_hidden(lines):
    frame = f"Response: Success\r\n{lines.format(SECRET)}\r\nLast: seen\r\n\r\n".encode()
    message = Message(frame)
    request = Request("UpdateConfig")
    request.update(message)
    for shown in (redacted(frame), repr(message), repr(request)):
        assert SECRET not in shown
        assert HIDDEN in shown
        assert "seen" in shown


@pytest.mark.parametrize(
    "line", ["Line-000000-000001: port=5038", "Var-000000: port", "Value-000000: secretary", "Note: my secret=no"]
)
def test_what_is_none_is_shown(line):
    frame = f"Response: Success\r\n{line}\r\n\r\n".encode()
    assert redacted(frame) == f"Response: Success | {line}"
    assert HIDDEN not in repr(Message(frame))


@pytest.mark.parametrize("kind", [list, tuple, set, frozenset])
def test_a_setting_among_several_values_is_hidden(kind):
    request = Request("UserEvent")
    request["Variable"] = kind([f"secret={SECRET}"])
    assert SECRET not in repr(request)


def test_what_somebody_tried_to_log_in_with_is_hidden():
    frame = f"Event: ChallengeResponseFailed\r\nResponse: {SECRET}\r\nExpectedResponse: {SECRET}\r\n\r\n".encode()
    assert SECRET not in redacted(frame) + repr(parse(frame))
    assert "Success" in redacted(b"Response: Success\r\nKey: k\r\n\r\n")
