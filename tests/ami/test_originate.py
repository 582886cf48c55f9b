"""A call from its beginning to its end: events in, what is known of the call out."""

from itertools import permutations
from typing import Any

import pytest

from ami import ManagerError, ManagerSocketError, Outcome, Request, Response
from ami.catalogue import Event, parse
from ami.message import Message
from ami.originate import CALL_EVENTS, CallProgress, originate_request
from ami.outcomes import Notice, link_gap, queue_gap

ID = "host-1"
CHANNEL = "PJSIP/100-0000002a"


def event(name: str, **headers: object) -> Event:
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    parsed = parse(f"Event: {name}\r\n{lines}\r\n".encode())
    assert isinstance(parsed, Event)
    return parsed


def of_channel(name: str, **headers: object) -> Event:
    return event(name, Channel=CHANNEL, Uniqueid=ID, **headers)


NEWCHANNEL = of_channel("Newchannel", ChannelState=0)
RINGING = of_channel("Newstate", ChannelState=5)
UP = of_channel("Newstate", ChannelState=6)


def hangup(cause: object) -> Event:
    return of_channel("Hangup", Cause=cause)


def originated(reason: object, status: str = "Failure", **headers: object) -> Event:
    return event("OriginateResponse", ActionID=ID, Response=status, Reason=reason, **headers)


def call(*events: Event) -> CallProgress:
    progress = CallProgress(ID)
    for each in events:
        progress.put([each])
    return progress


def known(progress: CallProgress) -> tuple[Outcome | None, bool, int | None]:
    return progress.outcome, progress.ended, progress.cause


def test_at_first_nothing_is_known():
    progress = call()
    assert known(progress) == (None, False, None)
    assert (progress.channel, progress.uniqueid, progress.message, progress.error) == (None, ID, None, None)
    assert str(progress) == "host-1, open, cause None"


def test_a_call_that_rings_is_open_and_has_a_channel():
    progress = call(NEWCHANNEL, RINGING)
    assert known(progress) == (None, False, None)
    assert progress.channel == CHANNEL
    assert str(progress) == f"{CHANNEL}, open, cause None"


@pytest.mark.parametrize(
    "events",
    [[UP], [NEWCHANNEL, RINGING, UP], [NEWCHANNEL, originated(4, "Success", Channel=CHANNEL, Uniqueid=ID)]],
)
def test_a_call_is_answered_when_its_channel_is_up_or_its_response_says_so(events):
    progress = call(*events)
    assert known(progress) == (Outcome.ANSWERED, False, None)
    assert progress.channel == CHANNEL


def test_an_answered_call_ends_with_its_hangup_and_stays_answered():
    assert known(call(NEWCHANNEL, UP, originated(4, "Success"), hangup(16))) == (Outcome.ANSWERED, True, 16)


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        (17, Outcome.BUSY), (18, Outcome.NO_ANSWER), (19, Outcome.NO_ANSWER), (34, Outcome.CONGESTION),
        (42, Outcome.CONGESTION), (21, Outcome.FAILED), (16, Outcome.FAILED), (3, Outcome.FAILED),
    ],
)  # fmt: skip
def test_a_call_that_ends_before_its_response_is_told_by_its_cause(cause, outcome):
    progress = call(NEWCHANNEL, RINGING, hangup(cause))
    assert known(progress) == (outcome, True, cause)
    progress.put([originated(4, "Success")])
    assert progress.outcome is outcome


@pytest.mark.parametrize(("header", "cause"), [("0", 0), ("", None), ("none", None)])
@pytest.mark.parametrize(("reason", "outcome"), [(5, Outcome.BUSY), (3, Outcome.NO_ANSWER), (0, Outcome.FAILED)])
def test_a_call_that_ends_without_a_cause_is_told_by_its_response(header, cause, reason, outcome):
    """As the channel of a Local does: Asterisk 16 and 22 say `Cause: 0`, and then `OriginateResponse`."""
    progress = call(NEWCHANNEL, hangup(header))
    assert known(progress) == (None, True, cause)
    progress.put([originated(reason, Uniqueid="<null>")])
    assert known(progress) == (outcome, True, cause)


def test_a_response_without_a_channel_takes_none_away():
    progress = call(NEWCHANNEL, UP, originated(0, Uniqueid="<null>"))
    assert (progress.uniqueid, progress.channel, progress.ended) == (ID, CHANNEL, False)
    progress.put([hangup(16)])
    assert known(progress) == (Outcome.ANSWERED, True, 16)


def test_a_call_that_ended_without_an_outcome_is_unknown_when_the_link_is_lost():
    progress = call(NEWCHANNEL, hangup(0))
    progress.lose(None)
    assert isinstance(progress.error, ManagerSocketError)


@pytest.mark.parametrize(
    "events",
    [
        *permutations(
            [NEWCHANNEL, UP, originated(4, "Success", Channel=CHANNEL, Uniqueid=ID), hangup(0), originated(5)], 4
        )
    ],
)
def test_a_call_that_hung_up_has_ended_and_stays_so(events):
    progress, ended = CallProgress(ID), False
    for each in events:
        progress.put([each])
        ended = ended or each.name == "Hangup" or progress.ended
        assert progress.ended == ended


def test_an_answered_call_ends_without_a_cause_too():
    assert known(call(NEWCHANNEL, UP, hangup(0))) == (Outcome.ANSWERED, True, 0)


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (0, Outcome.FAILED), (1, Outcome.FAILED), (2, Outcome.NO_ANSWER), (3, Outcome.NO_ANSWER), (5, Outcome.BUSY),
        (8, Outcome.CONGESTION), (99, Outcome.FAILED), ("", Outcome.FAILED), ("what", Outcome.FAILED),
        (4, Outcome.FAILED),
    ],
)  # fmt: skip
def test_a_response_tells_of_a_call_that_never_had_a_channel(reason, outcome):
    assert known(call(originated(reason, Uniqueid="<null>"))) == (outcome, True, None)


def test_a_call_whose_response_comes_first_ends_with_its_hangup():
    progress = call(NEWCHANNEL, originated(5))
    assert known(progress) == (Outcome.BUSY, False, None)
    progress.put([hangup(17)])
    assert known(progress) == (Outcome.BUSY, True, 17)


def test_servers_that_choose_the_uniqueid_tell_it_in_the_response():
    """Asterisk 11 knows no `ChannelId`."""
    its_own = {"Channel": "SIP/100-1", "Uniqueid": "1700000000.7"}
    progress = CallProgress(ID)
    progress.put([event("Newchannel", ChannelState=0, **its_own)])
    assert progress.channel is None
    answered = originated(4, "Success", **its_own)
    # All in one piece, as nobody may have looked in between.
    progress.put([answered, event("Hangup", Cause=16, **its_own)])
    assert known(progress) == (Outcome.ANSWERED, True, 16)
    assert (progress.channel, progress.uniqueid) == ("SIP/100-1", "1700000000.7")


@pytest.mark.parametrize(
    "other",
    [
        event("Hangup", Channel=CHANNEL, Uniqueid="other", Cause=16), event("Hangup", Cause=16),
        event("OriginateResponse", ActionID="other", Response="Failure", Reason=0),
        event("OriginateResponse", Uniqueid=ID, Response="Failure", Reason=0),
        event("VarSet", Uniqueid=ID, Channel="none"), queue_gap(7),
    ],
)  # fmt: skip
def test_what_is_not_about_the_call_changes_nothing(other):
    progress = CallProgress(ID)
    assert not progress.put([other, Notice("x")])
    assert known(progress) == (None, False, None)
    assert (progress.channel, progress.error) == (None, None)


def test_putting_says_whether_it_was_about_the_call():
    assert CallProgress(ID).put([event("Hangup"), UP])


def test_the_events_of_a_call_are_asked_for():
    assert {"Newchannel", "Newstate", "OriginateResponse", "Hangup"} == CALL_EVENTS


# The action


def response(*lines: str) -> Response:
    request = Request("Originate")
    message = Message("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    result = request.process_response(message)
    return Response(result, message, request, ID, result.success, 0.1, None, False)


def test_a_refused_action_is_a_failed_call_and_says_why():
    progress = call()
    progress.receive_response(response("Response: Error", "Message: Extension does not exist."))
    assert known(progress) == (Outcome.FAILED, True, None)
    assert progress.message == "Extension does not exist."


@pytest.mark.parametrize("answer", [response("Response: Success", "Message: Originate successfully queued"), None])
def test_a_success_says_nothing_yet(answer):
    progress = call()
    progress.receive_response(answer)
    assert known(progress) == (None, False, None)


def request(**options: Any) -> Request:
    given = {
        "context": None, "exten": None, "priority": 1, "application": None, "data": None, "timeout": 30,
        "caller_id": None, "variables": None, "account": None, **options,
    }  # fmt: skip
    return originate_request("PJSIP/100", ID, **given)


def lines(request: Request) -> list[str]:
    return request.build_request(ID, lambda: ID)[0].split("\r\n")[:-2]


def test_the_action_of_a_call_to_an_extension():
    assert lines(
        request(
            context="default", exten="200", timeout=2.5, caller_id="Ada <100>", variables={"A": 1, "B": "x,y"},
            account="sales",
        )
    ) == [
        "Action: Originate", "Channel: PJSIP/100", "Context: default", "Exten: 200", "Priority: 1", "Timeout: 2500",
        "CallerID: Ada <100>", "Variable: A=1", "Variable: B=x,y", "Account: sales", "Async: true", "ChannelId: host-1",
        "ActionID: host-1",
    ]  # fmt: skip


def test_the_action_of_a_call_to_an_application():
    assert lines(request(application="Wait", data="5")) == [
        "Action: Originate", "Channel: PJSIP/100", "Application: Wait", "Data: 5", "Timeout: 30000", "Async: true",
        "ChannelId: host-1", "ActionID: host-1",
    ]  # fmt: skip


def test_an_extension_that_is_not_given_is_s():
    assert "Exten: s" in lines(request(context="default"))


@pytest.mark.parametrize("options", [{}, {"context": "default", "application": "Wait"}, {"exten": "200"}])
def test_a_call_that_leads_nowhere_or_to_two_places_is_refused(options):
    with pytest.raises(ValueError, match="either to a context and exten, or to an application"):
        request(**options)


# Hanging up


def test_the_action_that_hangs_up_names_the_channel():
    assert call(NEWCHANNEL).hangup_request(None) == {"Action": "Hangup", "Channel": CHANNEL, "Cause": None}
    assert call(NEWCHANNEL).hangup_request(21)["Cause"] == 21


@pytest.mark.parametrize(("events", "words"), [([], "no channel"), ([NEWCHANNEL, hangup(16)], "has ended")])
def test_a_call_without_a_channel_cannot_be_hung_up(events, words):
    with pytest.raises(ManagerError, match=words):
        call(*events).hangup_request(None)


# The link


def test_a_call_whose_link_was_lost_is_unknown():
    progress = call(NEWCHANNEL, link_gap(3))
    assert isinstance(progress.error, ManagerSocketError)
    assert "what came of it is unknown" in str(progress.error)


def test_the_first_error_counts():
    progress = call(NEWCHANNEL)
    lost = ManagerSocketError("the server closed the connection")
    progress.lose(lost)
    progress.lose(None)
    assert progress.error is lost


def test_a_link_that_was_closed_is_an_error_too():
    progress = call(NEWCHANNEL)
    progress.lose(None)
    assert isinstance(progress.error, ManagerSocketError)
    assert "closed" in str(progress.error)


def test_a_call_that_has_ended_has_nothing_to_lose():
    progress = call(NEWCHANNEL, hangup(17), link_gap(3))
    progress.lose(ManagerSocketError("lost"))
    assert progress.error is None
