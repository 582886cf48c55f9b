"""The client's state machine: whatever happens, in whatever order."""

import gc
import math
import weakref
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ami import ManagerSocketError, core, iax
from ami.catalogue import Aggregate
from ami.outcomes import Output
from ami.request import Request
from ami.session import PendingAction

from .talk import LOST, Talk, aggregating, names


class Anything(RuleBasedStateMachine):
    """A session that is sent, told, and made to wait whatever may be, with what must hold after each step."""

    REQUESTS = (
        core.Ping,
        core.QueueStatus,
        lambda: core.Hangup("PJSIP/1"),
        lambda: core.UserEvent(UserEvent="Alarm"),
        lambda: Request("Undeclared"),
    )

    @initialize(
        version=st.sampled_from(["1.3", "2.7.0", "11.0.0"]),
        greet=st.booleans(),
        aggregate_timeout=st.sampled_from([0.5, 2, 20]),
    )
    def connect(self, version: str, greet: bool, aggregate_timeout: float) -> None:
        self.version = version
        self.talk = Talk(version if greet else None, greeting_deadline=1010, aggregate_timeout=aggregate_timeout)
        self.sent: list[PendingAction] = []
        self.outputs: list[Output] = []
        self.responses = 0

    @precondition(lambda self: self.talk.session.closed is None)
    @rule(
        made=st.sampled_from(REQUESTS),
        synchronous=st.booleans(),
        aggregate=st.booleans(),
        timeout=st.sampled_from([0, 0.5, 1, 5, math.inf]),
    )
    def send(self, made: Any, synchronous: bool, aggregate: bool, timeout: float) -> None:
        request = made()
        request.synchronous, request.aggregate, request.timeout = synchronous, aggregate, timeout
        self.sent.append(self.talk.send(request))

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), word=st.sampled_from(["Success", "Error"]), start=st.booleans())
    def respond(self, data: st.DataObject, word: str, start: bool) -> None:
        pending = data.draw(st.sampled_from(self.sent))
        if self.talk.session.greeting is not None and self.talk.session.closed is None:
            self.responses += 1
            self.outputs += self.talk.answer(pending, word, "EventList: start" if start else "A: b")

    @precondition(lambda self: self.sent and self.talk.session.greeting is not None)
    @rule(
        data=st.data(),
        name=st.sampled_from(["QueueParams", "QueueStatusComplete", "Hangup", "UserEvent", "Undeclared"]),
        word=st.sampled_from(["", "Complete", "cancelled"]),
        action_id=st.booleans(),
    )
    def happen(self, data: st.DataObject, name: str, word: str, action_id: bool) -> None:
        pending = data.draw(st.sampled_from(self.sent))
        lines = [f"ActionID: {pending.action_id}"] if action_id else ["Channel: PJSIP/1"]
        self.outputs += self.talk.say(f"Event: {name}", f"EventList: {word}", *lines)

    @precondition(lambda self: self.talk.session.greeting is None)
    @rule()
    def greet(self) -> None:
        self.outputs += self.talk.say_bytes(f"Asterisk Call Manager/{self.version}\r\n".encode())

    @rule(seconds=st.sampled_from([0, 0.25, 0.5, 1, 3]))
    def wait(self, seconds: float) -> None:
        self.outputs += self.talk.wait(seconds)

    @rule()
    def wait_until_the_next_deadline(self) -> None:
        deadline = self.talk.session.next_deadline()
        if deadline is not None:
            self.outputs += self.talk.wait(max(0, deadline - self.talk.now))

    @precondition(lambda self: len(self.sent) > 3)
    @rule(how=st.sampled_from(["close", "eof"]))
    def end(self, how: str) -> None:
        if how == "close":
            self.talk.session.close(LOST, self.talk.now)
        else:
            self.talk.session.receive_eof(self.talk.now)

    @invariant()
    def every_action_that_has_ended_was_woken_once_and_no_other(self) -> None:
        assert self.talk.woken == {each.action_id: 1 for each in self.sent if each.done}

    @invariant()
    def every_action_under_way_has_a_deadline_that_the_driver_is_told(self) -> None:
        deadline = self.talk.session.next_deadline()
        for each in self.sent:
            if not each.done and not math.isinf(each.deadline):
                assert deadline is not None
                assert deadline <= each.deadline

    @invariant()
    def the_session_is_due_no_later_than_its_next_deadline(self) -> None:
        deadline = self.talk.session.next_deadline()
        assert self.talk.session.due <= (math.inf if deadline is None else deadline)
        assert self.talk.session.closed is None or self.talk.session.due == math.inf

    @invariant()
    def the_timer_leaves_nothing_that_is_due(self) -> None:
        self.outputs += self.talk.wait(0)
        deadline = self.talk.session.next_deadline()
        assert deadline is None or deadline > self.talk.now
        assert all(each.done or each.deadline > self.talk.now for each in self.sent)

    @invariant()
    def a_session_that_is_closed_has_nothing_under_way(self) -> None:
        if self.talk.session.closed is not None:
            assert all(each.done for each in self.sent)
            assert self.talk.session.next_deadline() is None
        assert self.talk.greeted == (self.talk.session.greeting is not None or self.talk.session.closed is not None)

    @invariant()
    def every_response_went_to_its_action_or_is_an_orphan(self) -> None:
        answered = sum(each.response is not None for each in self.sent)
        assert answered + names(self.outputs).count("Orphan") == self.responses

    @invariant()
    def an_aggregate_is_delivered_at_most_once(self) -> None:
        made = Counter(each.action_id for each in self.outputs if isinstance(each, Aggregate))
        assert all(count == 1 for count in made.values())

    @invariant()
    def every_result_can_be_had(self) -> None:
        for each in self.sent:
            if each.done:
                try:
                    response = each.result()
                except ManagerSocketError:
                    assert self.talk.session.closed is not None
                else:
                    assert response is None or response.action_id == each.action_id

    def teardown(self) -> None:
        if not hasattr(self, "talk"):
            return
        session = self.talk.session
        if session.closed is None:
            if session.greeting is None:
                self.greet()
            self.wait(10_000)
            for each in self.sent:
                if not each.done:
                    self.talk.answer(each, "Error")
            assert session.next_deadline() is None
            for each in self.sent:
                self.talk.send(core.Ping(), each.action_id)
                self.talk.say("Response: Success", f"ActionID: {each.action_id}")
            assert self.talk.woken == {each.action_id: 2 for each in self.sent}
        assert all(each.done for each in self.sent)


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


def test_an_action_that_has_ended_is_let_go_at_once():
    talk = Talk()
    slow = Request("Slow")
    slow.timeout = 3600
    pending = talk.send(slow)
    talk.answer(pending, "Success", "Much: " + "x" * 1000)
    kept = weakref.ref(pending)
    del pending
    gc.collect()
    assert kept() is None


def test_an_aggregate_that_is_not_whole_is_let_go_when_the_link_is_lost():
    talk = Talk()
    pending = talk.send(aggregating(iax.IAXpeers()))
    talk.start(pending)
    talk.session.close(LOST, talk.now)
    kept = weakref.ref(pending)
    del pending
    gc.collect()
    assert kept() is None


ODD_STREAMS = [
    b"Event: A\r\n\r\n\r\r\n\r\n", b"Event: A\r\n\r\n\r\nEvent: B\r\n\r\n", b"Event: A\r\nX: 1\r\n\nEvent: B\r\n\r\n",
    b"Event: A\r\n\r\n\r\n\r\n\r\nEvent: B\r\n\r\n", b"\r\nEvent: A\r\n\r\n", b"Event: A\r\n\r\n\n\r\nEvent: B\r\n\r\n",
    b"Response: Follows\r\nEvent: no\r\n\r\nEvent: no\r\n\r\n--END COMMAND--\r\n\r\nEvent: A\r\n\r\n",
]  # fmt: skip


@pytest.mark.parametrize("stream", ODD_STREAMS)
def test_what_comes_of_odd_bytes_does_not_depend_on_where_reads_end(stream):
    def outputs(*chunks: bytes) -> list[str]:
        talk = Talk()
        return [repr(each) for chunk in chunks for each in talk.say_bytes(chunk)]

    whole = outputs(stream)
    assert outputs(*(stream[place : place + 1] for place in range(len(stream)))) == whole
    for place in range(len(stream)):
        assert outputs(stream[:place], stream[place:]) == whole


def test_a_timeout_that_is_no_number_is_told_before_anything_is_sent():
    talk = Talk()
    request = core.Ping()
    request.timeout = None  # type: ignore[assignment]
    with pytest.raises(TypeError, match="a request's timeout is a number of seconds"):
        talk.send(request)
    assert talk.session.data_to_send() == b""
