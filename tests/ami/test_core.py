"""The documented actions: what each puts on the wire, and what it makes of its response."""

import hashlib
from typing import Any

import pytest

from ami import ManagerAuthError, ManagerError, core, core_events
from ami.catalogue import Request
from ami.core import ORIGINATE_RESULT_MAP
from ami.message import Message
from ami.session import Response


def response(*lines: str) -> Message:
    return Message("".join(f"{line}\r\n" for line in (*lines, "")).encode())


def processed(request: Request, *lines: str) -> Message:
    return request.process_response(response(*lines))


def answered(request: Request, *lines: str) -> Response:
    """What a driver returns when the server answers with these lines."""
    answer = response(*lines)
    result = request.process_response(answer)
    return Response(result, answer, request, "1", result.success, 0.0, None, False)


def built(request: Request) -> list[str]:
    text, _ = request.build_request("1", lambda: "")
    assert text.endswith("ActionID: 1\r\n\r\n")
    return text.split("\r\n")[:-3]


ORIGINATE = ["Action: Originate", "Channel: PJSIP/100"]
HEADERS: list[tuple[Request, list[str]]] = [
    (core.Challenge(), ["Action: Challenge", "AuthType: MD5"]),
    (core.Challenge("SHA"), ["Action: Challenge", "AuthType: SHA"]),
    (core.Command("core show uptime"), ["Action: Command", "Command: core show uptime"]),
    (core.CoreShowChannels(), ["Action: CoreShowChannels"]),
    (core.DBGet("family", "key"), ["Action: DBGet", "Family: family", "Key: key"]),
    (core.DBPut("family", "key", "value"), ["Action: DBPut", "Family: family", "Key: key", "Val: value"]),
    (core.Getvar("X"), ["Action: Getvar", "Variable: X"]),
    (core.Getvar("X", "PJSIP/1"), ["Action: Getvar", "Variable: X", "Channel: PJSIP/1"]),
    (core.Hangup("PJSIP/1"), ["Action: Hangup", "Channel: PJSIP/1"]),
    (core.Hangup("PJSIP/1", 16), ["Action: Hangup", "Channel: PJSIP/1", "Cause: 16"]),
    (core.Logoff(), ["Action: Logoff"]),
    (core.Ping(), ["Action: Ping"]),
    (core.QueueStatus(), ["Action: QueueStatus"]),
    (core.QueueStatus("support"), ["Action: QueueStatus", "Queue: support"]),
    (core.QueueSummary(), ["Action: QueueSummary"]),
    (core.QueueSummary(queue="support"), ["Action: QueueSummary", "Queue: support"]),
    (core.Setvar("X", "1"), ["Action: Setvar", "Variable: X", "Value: 1"]),
    (core.Setvar("X", "1", "PJSIP/1"), ["Action: Setvar", "Variable: X", "Value: 1", "Channel: PJSIP/1"]),
    (core.Status(), ["Action: Status"]),
    (core.Status("PJSIP/1"), ["Action: Status", "Channel: PJSIP/1"]),
    (core.UserEvent(UserEvent="Alarm", Level=3), ["Action: UserEvent", "UserEvent: Alarm", "Level: 3"]),
    (core.Events("call,system"), ["Action: Events", "EventMask: call,system"]),
    (core.Events(core.EVENTMASK_ALL), ["Action: Events", "EventMask: on"]),
    (core.Events([]), ["Action: Events", "EventMask: off"]),
    (core.Events(()), ["Action: Events", "EventMask: off"]),
    (core.Events(["off"]), ["Action: Events", "EventMask: off"]),
    (core.Events(("call", "system")), ["Action: Events", "EventMask: call,system"]),
    (core.Events(each for each in ("call", "off", "log")), ["Action: Events", "EventMask: call,log"]),
    (core.Events(["call", "on", "off"]), ["Action: Events", "EventMask: on"]),
    (core.Events({"log"}), ["Action: Events", "EventMask: log"]),
    (core.Login("admin", "s3cret"), ["Action: Login", "Username: admin", "Secret: s3cret"]),
    (core.Login("admin", "s3cret", False), ["Action: Login", "Username: admin", "Secret: s3cret", "Events: off"]),
    (
        core.Login("admin", "s3cret", challenge="123"),
        ["Action: Login", "Username: admin", "AuthType: MD5", f"Key: {hashlib.md5(b'123s3cret').hexdigest()}"],
    ),
    (
        core.Login("admin", "s3cret", True, "", "MD5"),
        ["Action: Login", "Username: admin", "AuthType: MD5", f"Key: {hashlib.md5(b's3cret').hexdigest()}"],
    ),
    (core.Login("admin", "s3cret", challenge="1", authtype=None), HEADERS_OF_A_PLAIN_LOGIN := [
        "Action: Login", "Username: admin", "Secret: s3cret",
    ]),
    (core.Login("admin", "s3cret", authtype="SHA"), HEADERS_OF_A_PLAIN_LOGIN),
    (
        core.Originate_Application("PJSIP/100", "Playback"),
        [*ORIGINATE, "Async: true", "Application: Playback"],
    ),
    (
        core.Originate_Application("PJSIP/100", "Playback", "one,argument"),
        [*ORIGINATE, "Async: true", "Application: Playback", "Data: one,argument"],
    ),
    (
        core.Originate_Application("PJSIP/100", "Dial", ("PJSIP/200", 30, "g")),
        [*ORIGINATE, "Async: true", "Application: Dial", "Data: PJSIP/200,30,g"],
    ),
    (
        core.Originate_Application("PJSIP/100", "Dial", ""),
        [*ORIGINATE, "Async: true", "Application: Dial"],
    ),
    (
        core.Originate_Application(
            "PJSIP/100", "Wait", ["5"], 30_000, "Ada <100>", {"A": 1, "B": "x,y"}, "acme", async_=False
        ),
        [*ORIGINATE, "Async: false", "Timeout: 30000", "CallerID: Ada <100>", "Variable: A=1", "Variable: B=x,y",
         "Account: acme", "Application: Wait", "Data: 5"],
    ),
    (
        core.Originate_Context("PJSIP/100", "default", "200", 1),
        [*ORIGINATE, "Async: true", "Context: default", "Exten: 200", "Priority: 1"],
    ),
    (
        core.Originate_Context(
            "PJSIP/100", "default", "200", "start", 5000, "Ada <100>", {"A": "1"}, "acme", False
        ),
        [*ORIGINATE, "Async: false", "Timeout: 5000", "CallerID: Ada <100>", "Variable: A=1", "Account: acme",
         "Context: default", "Exten: 200", "Priority: start"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "lines"), [pytest.param(*case, id=", ".join(case[1])[:100]) for case in HEADERS])
def test_an_action_puts_the_documented_headers_on_the_wire(request_, lines):
    assert built(request_) == lines


def test_every_action_of_the_core_is_tested_here():
    declared = {
        each for each in vars(core).values() if isinstance(each, type) and issubclass(each, Request)
    } - {Request, core.Action, core._Originate}  # fmt: skip
    assert declared == {type(request) for request, _ in HEADERS}


def test_every_documented_name_of_the_core_is_public():
    assert {*core.__all__} >= {type(request).__name__ for request, _ in HEADERS}
    assert all(hasattr(core, name) for name in core.__all__)


LISTS: dict[type[Request], tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]] = {
    core.CoreShowChannels: (
        (core_events.CoreShowChannel,),
        (core_events.CoreShowChannelsComplete,),
        (core_events.CoreShowChannels_Aggregate,),
    ),
    core.Status: ((core_events.Status,), (core_events.StatusComplete,), (core_events.Status_Aggregate,)),
    core.QueueStatus: (
        (core_events.QueueParams, core_events.QueueMember, core_events.QueueEntry),
        (core_events.QueueStatusComplete,),
        (core_events.QueueStatus_Aggregate,),
    ),
    core.QueueSummary: (
        (core_events.QueueSummary,),
        (core_events.QueueSummaryComplete,),
        (core_events.QueueSummary_Aggregate,),
    ),
    core.Hangup: ((), (core_events.Hangup,), ()),
    core.UserEvent: ((), (core_events.UserEvent,), ()),
    core.DBGet: ((core_events.DBGetResponse,), (core_events.DBGetComplete,), ()),
}


@pytest.mark.parametrize("request_", [request for request, _ in HEADERS], ids=lambda request: request["Action"])
def test_an_action_names_the_documented_lists(request_):
    members, finalisers, aggregates = LISTS.get(type(request_), ((), (), ()))
    assert request_.get_synchronous_classes() == ((), members, finalisers)
    assert request_.get_aggregate_classes() == aggregates


@pytest.mark.parametrize(
    ("request_", "word", "success"),
    [
        pytest.param(request, word, success, id=f"{request['Action']} {word}")
        for request, _ in HEADERS
        for word, success in [("Success", True), ("Follows", True), ("Error", False), ("Goodbye", False)]
        if (type(request), word) not in {(core.Logoff, "Goodbye"), (core.Login, "Error")}
    ],
)
def test_a_response_says_whether_the_action_was_taken(request_, word, success):
    answer = response(f"Response: {word}")
    assert request_.process_response(answer) is answer
    assert answer.success is success


# Sessions


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
    steps = core.login_steps("admin", "s3cret", events=False)
    challenge = next(steps)
    assert challenge == core.Challenge()
    login = steps.send(answered(challenge, "Response: Success", "Challenge: 123"))
    assert login == core.Login("admin", "s3cret", events=False, challenge="123")
    accepted = answered(login, "Response: Success", "Message: Authentication accepted")
    with pytest.raises(StopIteration) as done:
        steps.send(accepted)
    assert done.value.value is accepted


def test_a_login_asks_for_events_unless_told_otherwise():
    steps = core.login_steps("admin", "s3cret")
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
    steps = core.login_steps("admin", "s3cret")
    with pytest.raises(ManagerAuthError, match=words):
        steps.send(answered(next(steps), *lines))


def test_a_login_that_is_not_answered_is_an_error_but_no_refusal():
    steps = core.login_steps("admin", "s3cret")
    next(steps)
    with pytest.raises(ManagerError, match="did not answer Challenge in time") as caught:
        steps.send(None)
    assert not isinstance(caught.value, ManagerAuthError)
    steps = core.login_steps("admin", "s3cret")
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


def test_the_output_of_a_command_is_the_data_of_its_result():
    result = processed(
        core.Command("x"), "Response: Success", "Message: Command output follows", "Output: one", "Output: two"
    )
    assert result.data == ["one", "two"]


# Originate


@pytest.mark.parametrize("made", [
    lambda **kwargs: core.Originate_Application("PJSIP/100", "Wait", **kwargs),
    lambda **kwargs: core.Originate_Context("PJSIP/100", "default", "200", 1, **kwargs),
])  # fmt: skip
def test_an_originate_waits_for_its_answer_as_long_as_the_telephone_may_ring(made):
    assert made().timeout == 600
    assert made(timeout=30_000).timeout == 32
    assert made(timeout=500).timeout == 2.5


def test_any_other_originate_counts_its_timeout_in_seconds_too():
    assert Request("Originate").timeout == 5


@pytest.mark.parametrize("data", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_the_argument_of_an_application_is_no_bytes(data):
    with pytest.raises(TypeError, match=f"not {type(data).__name__}"):
        core.Originate_Application("PJSIP/100", "Wait", data)


def test_an_empty_argument_of_an_application_is_left_out():
    assert "Data" not in core.Originate_Application("PJSIP/100", "Wait", [])
    assert core.Originate_Application("PJSIP/100", "Wait", ["", ""])["Data"] == ","


def test_the_results_of_an_originate_have_names():
    assert {
        core.ORIGINATE_RESULT_BAD_NUMBER: "BAD_NUMBER",
        core.ORIGINATE_RESULT_REJECT: "REJECTED",
        core.ORIGINATE_RESULT_RING_LOCAL: "RINGING",
        core.ORIGINATE_RESULT_RING_REMOTE: "RINGING",
        core.ORIGINATE_RESULT_ANSWERED: "ANSWERED",
        core.ORIGINATE_RESULT_BUSY: "BUSY",
        core.ORIGINATE_RESULT_CONGESTION: "CONGESTION",
        core.ORIGINATE_RESULT_INCOMPLETE: "INCOMPLETE",
    } == ORIGINATE_RESULT_MAP


def test_constants_have_their_documented_values():
    assert (core.AUTHTYPE_MD5, core.EVENTMASK_ALL, core.EVENTMASK_NONE) == ("MD5", "on", "off")
    assert (core.EVENTMASK_CALL, core.EVENTMASK_LOG, core.EVENTMASK_SYSTEM) == ("call", "log", "system")
    assert list(ORIGINATE_RESULT_MAP) == [0, 1, 2, 3, 4, 5, 8, 30]
