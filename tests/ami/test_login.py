"""The actions of a login, and those that keep a connection alive."""

import hashlib

import pytest

from ami import ManagerAuthError, ManagerError, core
from ami.login import login_steps
from ami.message import Message
from ami.outcomes import Response
from ami.request import Request


def response(*lines: str) -> Message:
    return Message("".join(f"{line}\r\n" for line in (*lines, "")).encode())


def processed(request: Request, *lines: str) -> Message:
    return request.process_response(response(*lines))


def answered(request: Request, *lines: str) -> Response:
    """What a driver returns when the server answers with these lines."""
    answer = response(*lines)
    result = request.process_response(answer)
    return Response(result, answer, request, "1", result.success, 0.0, None, False)


def test_a_login_by_anything_but_md5_is_refused_at_once():
    with pytest.raises(ManagerAuthError, match="'SHA'"):
        core.Login("admin", "s3cret", challenge="1", authtype="SHA")


def test_the_error_about_a_login_does_not_show_the_secret():
    with pytest.raises(ManagerAuthError) as caught:
        core.Login("admin", "s3cret", challenge="1", authtype="SHA")
    assert "s3cret" not in str(caught.value)


def test_a_login_does_not_show_its_secret():
    assert "s3cret" not in repr(core.Login("admin", "s3cret"))
    assert hashlib.md5(b"1s3cret").hexdigest() not in repr(core.Login("admin", "s3cret", challenge="1"))


def test_a_refused_login_raises_what_the_server_said():
    with pytest.raises(ManagerAuthError, match=r"^Authentication failed$"):
        processed(core.Login("a", "b"), "Response: Error", "Message: Authentication failed")
    with pytest.raises(ManagerAuthError, match="the server refused the login"):
        processed(core.Login("a", "b"), "Response: Error")


def test_a_login_whose_secret_holds_any_bytes_is_proved_by_those_bytes():
    secret = b"k\xe4se".decode("utf-8", "surrogateescape")
    assert core.Login("a", secret, challenge="1")["Key"] == hashlib.md5(b"1k\xe4se").hexdigest()


def test_a_login_is_a_challenge_and_then_the_proof():
    steps = login_steps("admin", "s3cret", events=False)
    challenge = next(steps)
    assert challenge == core.Challenge()
    login = steps.send(answered(challenge, "Response: Success", "Challenge: 123"))
    assert login == core.Login("admin", "s3cret", events=False, challenge="123")
    accepted = answered(login, "Response: Success", "Message: Authentication accepted")
    with pytest.raises(StopIteration) as done:
        steps.send(accepted)
    assert done.value.value is accepted


def test_a_login_asks_for_events_unless_told_otherwise():
    steps = login_steps("admin", "s3cret")
    assert "Events" not in steps.send(answered(next(steps), "Response: Success", "Challenge: 1"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Response: Error", "Message: Must specify AuthType"], "^Must specify AuthType$"),
        (["Response: Error"], "the server refused Challenge"),
        (["Response: Success"], "the server refused Challenge"),
    ],
)
def test_a_login_without_a_challenge_is_refused(lines, words):
    steps = login_steps("admin", "s3cret")
    with pytest.raises(ManagerAuthError, match=words):
        steps.send(answered(next(steps), *lines))


def test_a_login_that_is_not_answered_is_an_error_but_no_refusal():
    steps = login_steps("admin", "s3cret")
    next(steps)
    with pytest.raises(ManagerError, match="did not answer Challenge in time") as caught:
        steps.send(None)
    assert not isinstance(caught.value, ManagerAuthError)
    steps = login_steps("admin", "s3cret")
    steps.send(answered(next(steps), "Response: Success", "Challenge: 1"))
    with pytest.raises(ManagerError, match="did not answer Login in time"):
        steps.send(None)


def test_goodbye_is_the_success_of_a_logoff():
    assert processed(core.Logoff(), "Response: Goodbye", "Message: Thanks for all the fish.").success
    assert not processed(core.Logoff(), "Response: Error").success


@pytest.mark.parametrize("lines", [["Response: Success", "Ping: Pong"], ["Response: Pong"]])
def test_a_ping_tells_the_seconds_it_took(lines):
    answer = response(*lines)
    answer.elapsed = 0.25
    result = core.Ping().process_response(answer)
    assert result.success
    assert result["RTT"] == result["rtt"] == 0.25


@pytest.mark.parametrize("lines", [["Response: Error", "Message: Permission denied"], ["Response: Success"]])
def test_a_ping_answered_with_something_else_took_no_time_that_means_anything(lines):
    answer = response(*lines)
    answer.elapsed = 0.25
    assert core.Ping().process_response(answer)["RTT"] == -1


@pytest.mark.parametrize(
    ("lines", "success"),
    [
        (["Response: Success", "Events: On"], True),
        (["Response: Events On"], True),
        (["Response: Events Off"], True),
        (["Response: Error", "Message: Invalid event mask"], False),
    ],
)
def test_a_mask_is_taken_in_the_words_of_every_version(lines, success):
    assert processed(core.Events("on"), *lines).success is success
