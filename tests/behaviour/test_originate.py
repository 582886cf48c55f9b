"""Calls that are followed to their end."""

from concurrent.futures import wait as wait_for

import pytest

import ami
from ami import ManagerError, ManagerSocketError, Outcome, Reconnect, State, StateChange
from ami.enums import HangupCause

from .rogue import GREETING, message

GUARD = 20
CHANNEL = "PJSIP/100-0000002a"


class Line:
    """A manager, its server, and a call between them."""

    def __init__(self, rogue, start, make_manager) -> None:
        self.rogue, self._start = rogue, start
        self.manager = make_manager(reconnect=Reconnect(initial=0.001, jitter=0))
        self.peer = rogue.meet(self.manager)

    def originate(
        self, channel: str = "PJSIP/100", *, status: str = "Success", text: str = "", then: bytes = b"", **options
    ):
        """Begin a call; the server takes, or refuses, the action."""
        options = options or {"context": "default", "exten": "200"}
        originating = self._start(self.manager.originate, channel, **options)
        self.action = self.peer.action("Originate")
        self.id = self.action.get("ChannelId")
        text = text or "Originate successfully queued"
        self.peer.send(message(f"Response: {status}", self.action, Message=text) + then)
        return originating.result(GUARD)

    def say(self, name: str, **headers: object) -> None:
        self.peer.send(message(f"Event: {name}", Channel=CHANNEL, Uniqueid=self.id, **headers))

    def answer(self, reason: int, status: str = "Failure", **headers: object) -> None:
        self.peer.send(message("Event: OriginateResponse", self.action, Response=status, Reason=reason, **headers))


@pytest.fixture
def line(rogue, start, make_manager) -> Line:
    return Line(rogue, start, make_manager)


def test_the_action_is_asynchronous_and_names_the_channel(line):
    line.originate(application="Wait", data="5", timeout=2.5, variables={"A": 1}, caller_id="Ada <1>", account="sales")
    arrived = dict(line.action.headers)
    assert arrived == {
        "Channel": "PJSIP/100", "Application": "Wait", "Data": "5", "Timeout": "2500", "CallerID": "Ada <1>",
        "Variable": "A=1", "Account": "sales", "Async": "true", "ChannelId": line.action.action_id,
    }  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"context": "a", "application": "b"}])
def test_a_call_that_leads_nowhere_or_to_two_places_is_refused(line, options):
    with pytest.raises(ValueError, match="either to a context"):
        line.manager.originate("PJSIP/100", **options)


def test_without_a_link_there_is_no_call(make_manager):
    with pytest.raises(ManagerError, match="Not connected"):
        make_manager().originate("PJSIP/100", context="default")


# What becomes of it


def test_a_call_that_is_answered_and_hung_up(line, start):
    call = line.originate()
    waiting = start(call.wait)
    line.say("Newchannel", ChannelState=0)
    line.say("Newstate", ChannelState=5)
    assert not wait_for([waiting], timeout=0.02).done
    line.say("Newstate", ChannelState=6)
    assert waiting.result(GUARD) is Outcome.ANSWERED
    assert call.progress.channel == CHANNEL
    assert call.progress.uniqueid == line.id
    assert not call.progress.ended
    ending = start(call.wait_ended)
    assert not wait_for([ending], timeout=0.02).done
    line.say("Hangup", Cause=16)
    assert ending.result(GUARD) is HangupCause.NORMAL_CLEARING
    assert call.progress.outcome is Outcome.ANSWERED
    assert call.wait(0) is Outcome.ANSWERED
    assert repr(call) == f"<Call {CHANNEL}, answered, cause 16>"


@pytest.mark.parametrize(
    ("reason", "cause", "outcome"),
    [
        (5, 17, Outcome.BUSY), (8, 34, Outcome.CONGESTION), (3, 19, Outcome.NO_ANSWER), (3, 18, Outcome.NO_ANSWER),
        (0, 3, Outcome.FAILED),
    ],
)  # fmt: skip
@pytest.mark.parametrize("first", ["Hangup", "OriginateResponse"])
def test_a_call_that_is_not_answered(line, reason, cause, outcome, first):
    call = line.originate()
    line.say("Newchannel", ChannelState=0)
    if first == "Hangup":
        line.say("Hangup", Cause=cause)
        line.answer(reason)
    else:
        line.answer(reason)
        line.say("Hangup", Cause=cause)
    assert call.wait(GUARD) is outcome
    assert call.wait_ended(GUARD) == cause
    assert call.progress.ended


def test_a_call_that_ends_before_its_response_waits_for_none(line):
    call = line.originate()
    line.say("Newchannel", ChannelState=0)
    line.say("Hangup", Cause=17)
    assert call.wait(GUARD) is Outcome.BUSY


def test_a_call_that_never_had_a_channel(line):
    call = line.originate()
    line.answer(0, Uniqueid="<null>")
    assert call.wait(GUARD) is Outcome.FAILED
    assert call.wait_ended(GUARD) is None
    assert call.progress.ended


def test_a_refused_action_is_a_failed_call(line):
    call = line.originate(status="Error", text="Extension does not exist.")
    assert call.wait() is Outcome.FAILED
    assert call.wait_ended() is None
    assert call.progress.message == "Extension does not exist."


def test_what_comes_with_the_answer_is_not_missed(line):
    call = line.originate(then=b"Event: OriginateResponse\r\nResponse: Failure\r\nReason: 5\r\n\r\n")
    line.answer(5)
    assert call.wait(GUARD) is Outcome.BUSY


def test_a_server_of_11_chooses_the_uniqueid(line):
    """It knows no ChannelId; the call may be over before anybody looks."""
    call = line.originate()
    headers = {"Channel": "SIP/100-1", "Uniqueid": "1700000000.7"}
    line.peer.send(message("Event: Newchannel", ChannelState=0, **headers))
    line.answer(4, "Success", **headers)
    line.peer.send(message("Event: Hangup", Cause=16, **headers))
    assert call.wait_ended(GUARD) == 16
    assert call.wait() is Outcome.ANSWERED
    assert call.progress.channel == "SIP/100-1"


def test_a_server_that_says_success_and_no_more(line):
    call = line.originate()
    assert call.wait(0) is None
    assert call.wait(0.01) is None
    assert call.wait_ended(0.01) is None
    assert repr(call) == f"<Call {line.id}, open, cause None>"


def test_other_calls_are_not_confused(line):
    first = line.originate("PJSIP/1")
    first_id = line.id
    second = line.originate("PJSIP/2")
    assert first_id != line.id
    line.say("Hangup", Cause=17)
    assert second.wait(GUARD) is Outcome.BUSY
    assert first.progress.outcome is None
    line.peer.send(message("Event: Hangup", Uniqueid=first_id, Cause=34))
    assert first.wait(GUARD) is Outcome.CONGESTION


@pytest.mark.parametrize("timeout", [100 * 86_400, float("inf")])
def test_waiting_may_be_very_long(line, start, timeout):
    call = line.originate()
    waiting = start(call.wait, timeout)
    assert not wait_for([waiting], timeout=0.02).done
    line.say("Newstate", ChannelState=6)
    assert waiting.result(GUARD) is Outcome.ANSWERED


def test_who_looks_at_a_call_takes_nothing_from_who_waits(line, start, listen):
    every = listen("Hangup", line.manager)
    call = line.originate()
    ending, waiting = start(call.wait_ended), start(call.wait)
    assert not wait_for([ending, waiting], timeout=0.02).done
    line.say("Newstate", ChannelState=6)
    while call.progress.outcome is None:
        pass
    assert waiting.result(GUARD) is Outcome.ANSWERED
    line.say("Hangup", Cause=16)
    every.get()
    assert call.progress.ended
    assert ending.result(GUARD) == 16


def test_a_call_can_be_followed_in_a_callback(line, listen):
    call = line.originate()
    outcomes = []
    done = listen("Done", line.manager)
    line.manager.register_callback("Go", lambda event, manager: outcomes.append(call.wait(GUARD)))
    line.peer.send(message("Event: Go"))
    line.say("Newstate", ChannelState=6)
    line.peer.send(message("Event: Done"))
    done.get()
    assert outcomes == [Outcome.ANSWERED]


# Hanging up


@pytest.mark.parametrize("cause", [None, 21])
def test_a_call_may_be_hung_up(line, start, cause):
    call = line.originate()
    with pytest.raises(ManagerError, match="no channel"):
        call.hang_up()
    line.say("Newstate", ChannelState=6)
    call.wait(GUARD)
    hanging_up = start(call.hang_up, cause)
    action = line.peer.action("Hangup")
    assert action.get("Channel") == CHANNEL
    assert action.get("Cause") == ("" if cause is None else "21")
    line.peer.answer(action)
    line.say("Hangup", Cause=21)
    assert hanging_up.result(GUARD).success
    assert call.wait_ended(GUARD) == 21
    with pytest.raises(ManagerError, match="has ended"):
        call.hang_up()


# The link


def test_a_lost_link_leaves_an_open_call_unknown(line, start, listen):
    states = listen(StateChange, line.manager)
    call = line.originate()
    line.say("Newchannel", ChannelState=0)
    waiting, ending = start(call.wait), start(call.wait_ended)
    assert not wait_for([waiting, ending], timeout=0.02).done
    line.peer.close()
    peer = line.rogue.accept()
    peer.send(GREETING)
    peer.log_in()
    for each in (waiting, ending):
        with pytest.raises(ManagerSocketError, match="what came of it is unknown"):
            each.result(GUARD)
    with pytest.raises(ManagerSocketError):
        call.wait(0)
    while states.get().state is not State.READY:
        pass
    assert call.progress.outcome is None


def test_a_link_that_is_not_made_again_is_told_too(make_manager, rogue, start):
    manager = make_manager()
    peer = rogue.meet(manager)
    originating = start(manager.originate, "PJSIP/100", context="default")
    peer.answer(peer.action("Originate"))
    call = originating.result(GUARD)
    waiting = start(call.wait)
    peer.close()
    assert isinstance(waiting.exception(GUARD), ManagerSocketError)


@pytest.mark.parametrize("end", ["close", "disconnect"])
def test_closing_the_manager_ends_the_wait(line, start, end):
    call = line.originate()
    waiting = start(call.wait_ended)
    assert not wait_for([waiting], timeout=0.02).done
    getattr(line.manager, end)()
    assert isinstance(waiting.exception(GUARD), ManagerSocketError)


def test_a_call_that_has_ended_outlives_its_link(line):
    call = line.originate()
    line.say("Hangup", Cause=17)
    assert call.wait(GUARD) is Outcome.BUSY
    line.manager.close()
    assert call.wait() is Outcome.BUSY
    assert call.wait_ended() == 17


def test_a_link_that_is_lost_before_the_action_was_answered(line, start):
    originating = start(line.manager.originate, "PJSIP/100", context="default")
    line.peer.action("Originate")
    line.peer.close()
    assert isinstance(originating.exception(GUARD), ManagerSocketError)


def test_an_action_that_is_not_answered_in_time_leaves_the_call_open(line, start, monkeypatch):
    monkeypatch.setattr(ami.Request, "timeout", 0.01)
    originating = start(line.manager.originate, "PJSIP/100", context="default")
    line.action = line.peer.action("Originate")
    line.id = line.action.get("ChannelId")
    call = originating.result(GUARD)
    assert call.progress.outcome is None
    line.say("Newstate", ChannelState=6)
    assert call.wait(GUARD) is Outcome.ANSWERED
