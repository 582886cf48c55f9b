"""The client's state machine, with bytes and a time that the tests make up."""

import gc
import math
import weakref
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ami import ManagerAuthError, ManagerError, ManagerSocketError, ProtocolError, core, core_events
from ami.catalogue import Aggregate, Event
from ami.errors import Error
from ami.message import Message
from ami.outcomes import Gap, Notice, Orphan, Output, Response, State, StateChange
from ami.request import Action, Request
from ami.session import ClientSession, PendingAction

LOST = ManagerSocketError("the link was lost")


class Talk:
    """A session, its clock, and the server that it talks to."""

    def __init__(self, version: str | None = "11.0.0", **options: Any) -> None:
        self.now = 1000.0
        self.greeted = 0
        self.woken: Counter[str] = Counter()
        self.session = ClientSession(id_prefix="host-abcde", greeted=self._greet, **options)
        if version is not None:
            self.say_bytes(f"Asterisk Call Manager/{version}\r\n".encode())

    def _greet(self) -> None:
        self.greeted += 1

    def send(self, request: Request, action_id: str | None = None, /, **headers: Any) -> PendingAction:
        def wake() -> None:
            self.woken[pending.action_id] += 1

        pending = self.session.send_action(request, self.now, wake, action_id, **headers)
        self.sent = self.session.data_to_send()
        return pending

    def say_bytes(self, data: bytes) -> list[Output]:
        self.session.receive_data(data, self.now)
        return [each for each in self.session.take_outputs() if not isinstance(each, StateChange)]

    def say(self, *lines: str) -> list[Output]:
        """A message; `ActionID` goes where the lines say."""
        return self.say_bytes("".join(f"{line}\r\n" for line in (*lines, "")).encode())

    def answer(self, pending: PendingAction, word: str = "Success", *lines: str) -> list[Output]:
        return self.say(f"Response: {word}", f"ActionID: {pending.action_id}", *lines)

    def start(self, pending: PendingAction) -> list[Output]:
        return self.answer(pending, "Success", "EventList: start")

    def item(self, pending: PendingAction, name: str, *lines: str) -> list[Output]:
        return self.say(f"Event: {name}", f"ActionID: {pending.action_id}", *lines)

    def complete(self, pending: PendingAction, name: str, count: int, word: str = "Complete") -> list[Output]:
        return self.item(pending, name, f"EventList: {word}", f"ListItems: {count}")

    def wait(self, seconds: float) -> list[Output]:
        self.now += seconds
        self.session.handle_timer(self.now)
        return self.session.take_outputs()


@pytest.fixture
def talk() -> Talk:
    return Talk()


def synchronous(request: Request, timeout: float = 5) -> Request:
    request.synchronous = True
    request.timeout = timeout
    return request


def aggregating(request: Request, timeout: float = 5) -> Request:
    request.aggregate = True
    request.timeout = timeout
    return request


def names(outputs: list[Output]) -> list[str]:
    """Outputs as words: events and aggregates by their names, the rest by their kinds."""
    return [each.name if isinstance(each, (Event, Aggregate)) else type(each).__name__ for each in outputs]


def result(pending: PendingAction) -> Response:
    assert pending.done
    response = pending.result()
    assert response is not None
    return response


# The greeting


def test_the_greeting_says_who_the_server_is():
    talk = Talk(None)
    assert talk.session.greeting is None
    assert talk.greeted == 0
    assert talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\n") == []
    assert talk.session.greeting == "Asterisk Call Manager/11.0.0"
    assert talk.session.asterisk_info() == ("Asterisk Call Manager", "11.0.0")
    assert talk.greeted == 1


def test_the_greeting_may_come_in_pieces():
    talk = Talk(None)
    talk.say_bytes(b"Asterisk Call ")
    assert talk.session.greeting is None
    talk.say_bytes(b"Manager/5.0.4\r")
    talk.say_bytes(b"\n")
    assert talk.session.asterisk_info() == ("Asterisk Call Manager", "5.0.4")


def test_a_greeting_without_a_version_is_taken():
    talk = Talk(None)
    talk.say_bytes(b"Our own call manager\n")
    assert talk.session.asterisk_info() == ("<unknown>", "<unknown>")
    assert talk.session.closed is None


def test_before_the_greeting_the_server_is_unknown():
    assert Talk(None).session.asterisk_info() == ("<unknown>", "<unknown>")


def test_messages_may_come_together_with_the_greeting():
    talk = Talk(None)
    outputs = talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\nEvent: FullyBooted\r\n\r\n")
    assert names(outputs) == ["FullyBooted"]


def test_an_action_may_be_sent_before_the_greeting():
    talk = Talk(None)
    ping = talk.send(core.Ping())
    talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\n")
    talk.answer(ping)
    assert result(ping).success


@pytest.mark.parametrize(
    "line", [b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail.example.org ESMTP\r\n", b"\r\n", b"\xff\xfe\n"]
)
def test_a_server_that_does_not_speak_ami_is_told_by_its_greeting(line):
    talk = Talk(None)
    ping = talk.send(core.Ping())
    assert talk.say_bytes(line + b"Event: Hangup\r\n\r\n") == []
    assert isinstance(talk.session.closed, ProtocolError)
    assert "does not speak AMI" in str(talk.session.closed)
    assert talk.session.greeting is None
    assert talk.greeted == 1
    with pytest.raises(ProtocolError):
        ping.result()


def test_a_greeting_that_does_not_come_in_time_is_an_error():
    talk = Talk(None, greeting_deadline=1005)
    assert talk.session.next_deadline() == 1005
    talk.wait(4.9)
    assert talk.session.closed is None
    talk.wait(0.1)
    assert isinstance(talk.session.closed, ProtocolError)
    assert "no greeting in time" in str(talk.session.closed)
    assert talk.session.next_deadline() is None
    assert talk.greeted == 1


def test_a_greeting_that_has_come_has_no_deadline():
    talk = Talk(greeting_deadline=1005)
    assert talk.session.next_deadline() is None
    talk.wait(10)
    assert talk.session.closed is None
    assert talk.greeted == 1


def test_a_server_that_closes_before_its_greeting_is_told_what_it_said():
    talk = Talk(None)
    talk.say_bytes(b"Aster")
    talk.session.receive_eof(talk.now)
    assert isinstance(talk.session.closed, ProtocolError)
    assert str(talk.session.closed) == "the server closed the connection before its greeting; it said b'Aster'"
    assert talk.greeted == 1


def test_a_server_that_closes_without_a_word_is_told_apart():
    talk = Talk(None)
    talk.session.receive_eof(talk.now)
    assert str(talk.session.closed) == "the server closed the connection before its greeting"


# Sending


def test_an_action_is_given_as_bytes_to_send(talk):
    pending = talk.send(core.Getvar("Käse"), None, Extra="1")
    assert (
        talk.sent == f"Action: Getvar\r\nVariable: Käse\r\nExtra: 1\r\nActionID: {pending.action_id}\r\n\r\n".encode()
    )


def test_bytes_that_are_no_utf_8_are_sent_as_they_were_read(talk):
    talk.send(core.Getvar(b"K\xe4se".decode("utf-8", "surrogateescape")))
    assert b"Variable: K\xe4se\r\n" in talk.sent


def test_action_ids_count_up_after_the_prefix(talk):
    assert [talk.send(core.Ping()).action_id for _ in range(3)] == [
        "host-abcde-00000001", "host-abcde-00000002", "host-abcde-00000003",
    ]  # fmt: skip


def test_an_action_id_may_be_given(talk):
    assert talk.send(core.Ping(), "own").action_id == "own"
    assert b"ActionID: own\r\n" in talk.sent


def test_an_action_id_that_is_under_way_is_refused_until_its_action_has_ended(talk):
    ping = talk.send(core.Ping(), "own")
    with pytest.raises(ValueError, match="'own' is already under way"):
        talk.send(core.Ping(), "own")
    talk.answer(ping)
    again = talk.send(core.Ping(), "own")
    talk.answer(again)
    assert result(again).success
    assert talk.woken == {"own": 2}


def test_a_request_that_must_not_be_sent_leaves_nothing_behind(talk):
    with pytest.raises(ValueError, match="must not contain CR or LF"):
        talk.send(core.Getvar("a\r\nAction: Logoff"), "own")
    assert talk.session.next_deadline() is None
    assert talk.send(core.Ping(), "own").action_id == "own"


# Responses


def test_a_response_ends_its_action(talk):
    request = core.Getvar("X")
    pending = talk.send(request)
    talk.now += 0.25
    assert not pending.done
    assert talk.answer(pending, "Success", "Value: 7") == []
    response = result(pending)
    assert response.response == {"Response": "Success", "ActionID": pending.action_id, "Value": "7"}
    assert response.result is response.response
    assert response.request is request
    assert response.action_id == pending.action_id
    assert response.success is True
    assert response.time == response.response.elapsed == 0.25
    assert response.events is None
    assert response.events_timeout is False
    assert talk.woken == {pending.action_id: 1}


def test_an_error_is_a_response_without_success(talk):
    pending = talk.send(core.Getvar("X"))
    talk.answer(pending, "Error", "Message: No such channel")
    assert result(pending).success is False
    assert result(pending).result["Message"] == "No such channel"


def test_a_response_goes_to_the_action_with_its_action_id(talk):
    first, second, third = (talk.send(core.Ping()) for _ in range(3))
    talk.answer(third)
    assert (first.done, second.done, third.done) == (False, False, True)
    talk.answer(first)
    assert (first.done, second.done, third.done) == (True, False, True)
    talk.answer(second)
    assert [result(each).response.action_id for each in (first, second, third)] == [
        first.action_id, second.action_id, third.action_id,
    ]  # fmt: skip


def test_a_response_in_pieces_ends_its_action_with_the_last(talk):
    ping = talk.send(core.Ping(), "own")
    data = b"Response: Success\r\nActionID: own\r\nPing: Pong\r\n\r\n"
    for place in range(len(data)):
        assert not ping.done
        talk.say_bytes(data[place : place + 1])
    assert result(ping).success


def test_the_result_is_what_the_request_makes_of_the_response(talk):
    class Odd(Request):
        def process_response(self, response: Message) -> Message:
            made = super().process_response(Message(b"Response: Made\r\n\r\n"))
            made.success = True
            return made

    pending = talk.send(Odd("X"))
    talk.answer(pending, "Error")
    response = result(pending)
    assert response.result["Response"] == "Made"
    assert response.response["Response"] == "Error"
    assert response.success is True


def test_what_the_request_raises_about_the_response_is_raised(talk):
    login = talk.send(core.Login("admin", "wrong"))
    talk.answer(login, "Error", "Message: Authentication failed")
    with pytest.raises(ManagerAuthError, match="Authentication failed"):
        login.result()
    assert talk.woken[login.action_id] == 1


def test_the_request_sees_how_long_the_response_took(talk):
    ping = talk.send(core.Ping())
    talk.now += 0.125
    talk.answer(ping, "Success", "Ping: Pong")
    assert result(ping).result["RTT"] == 0.125


@pytest.mark.parametrize("line", ["ActionID: foreign", "ActionID: ", "Message: without an ActionID"])
def test_a_foreign_response_is_an_orphan_at_once(talk, line):
    ping = talk.send(core.Ping())
    [orphan] = talk.say("Response: Success", line)
    assert isinstance(orphan, Orphan)
    assert orphan.response["Response"] == "Success"
    assert not ping.done


def test_a_repeated_response_is_an_orphan_at_once(talk):
    ping = talk.send(core.Ping())
    assert talk.answer(ping) == []
    assert names(talk.answer(ping)) == ["Orphan"]
    assert talk.woken[ping.action_id] == 1


def test_a_late_response_is_an_orphan_at_once(talk):
    ping = talk.send(core.Ping())
    talk.wait(5)
    [orphan] = talk.answer(ping, "Success", "Ping: Pong")
    assert isinstance(orphan, Orphan)
    assert orphan.response.action_id == ping.action_id
    assert ping.result() is None


def test_empty_lines_mean_nothing(talk):
    ping = talk.send(core.Ping())
    assert talk.say_bytes(b"\r\n\n\r\n") == []
    talk.answer(ping)
    assert result(ping).success


def test_a_message_without_a_name_is_an_event_or_with_an_action_id_a_response(talk):
    ping = talk.send(core.Ping())
    assert names(talk.say("nonsense")) == ["Generic Event"]
    talk.say(f"ActionID: {ping.action_id}")
    assert result(ping).success is False


# Time


def test_an_action_that_is_not_answered_ends_with_none_at_its_deadline(talk):
    request = core.Ping()
    request.timeout = 0.5
    ping = talk.send(request, "own")
    assert talk.wait(0.4) == []
    assert not ping.done
    [notice] = talk.wait(0.1)
    assert ping.done
    assert ping.result() is None
    assert notice == Notice("timed out waiting for the response to Ping, ActionID own")
    assert talk.woken == {"own": 1}
    assert talk.wait(1000) == []
    assert talk.woken == {"own": 1}


def test_every_action_has_its_own_deadline(talk):
    slow, fast = core.Ping(), core.Ping()
    slow.timeout, fast.timeout = 3, 1
    first, second = talk.send(slow), talk.send(fast)
    assert talk.session.next_deadline() == 1001
    talk.wait(1)
    assert (first.done, second.done) == (False, True)
    assert talk.session.next_deadline() == 1003
    talk.wait(2)
    assert (first.done, second.done) == (True, True)
    assert talk.session.next_deadline() is None


def test_an_action_that_has_ended_has_no_deadline(talk):
    ping, other = talk.send(core.Ping()), talk.send(core.Ping())
    assert talk.session.next_deadline() == 1005
    talk.now += 1
    talk.send(core.Ping())
    talk.answer(ping)
    talk.answer(other)
    assert talk.session.next_deadline() == 1006


def test_an_action_may_wait_for_ever(talk):
    request = core.Ping()
    request.timeout = math.inf
    ping = talk.send(request)
    assert talk.session.next_deadline() is None
    talk.wait(10**9)
    talk.answer(ping)
    assert result(ping).time == 10**9


def test_an_action_without_time_ends_at_the_next_look_at_the_clock(talk):
    request = core.Ping()
    request.timeout = 0
    ping = talk.send(request)
    assert not ping.done
    talk.wait(0)
    assert ping.result() is None


def test_changing_the_timeout_of_a_request_under_way_changes_nothing(talk):
    request = core.Ping()
    ping = talk.send(request)
    request.timeout = 100
    talk.wait(5)
    assert ping.done


# Events


def test_events_are_outputs_in_the_order_of_the_wire(talk):
    outputs = talk.say_bytes(b"Event: Newchannel\r\n\r\nResponse: Success\r\n\r\nEvent: Undeclared\r\n\r\n")
    assert names(outputs) == ["Newchannel", "Orphan", "Undeclared"]
    assert type(outputs[0]) is core_events.Newchannel
    assert talk.session.take_outputs() == []


def test_the_events_of_an_action_that_waits_for_none_are_outputs(talk):
    status = talk.send(core.QueueStatus())
    assert talk.start(status) == []
    assert result(status).events is None
    assert names(talk.item(status, "QueueParams")) == ["QueueParams"]
    assert names(talk.complete(status, "QueueStatusComplete", 1)) == ["QueueStatusComplete"]


def test_an_event_with_a_response_header_is_no_response(talk):
    ping = talk.send(core.Ping())
    outputs = talk.say("Event: OriginateResponse", f"ActionID: {ping.action_id}", "Response: Failure")
    assert names(outputs) == ["OriginateResponse"]
    assert not ping.done


# Aggregates


def test_an_aggregate_is_delivered_after_its_events(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    assert talk.start(status) == []
    assert result(status).events is None
    assert names(talk.item(status, "QueueParams")) == ["QueueParams"]
    assert names(talk.item(status, "QueueMember")) == ["QueueMember"]
    last, aggregate = talk.complete(status, "QueueStatusComplete", 2)
    assert type(last) is core_events.QueueStatusComplete
    assert isinstance(aggregate, core_events.QueueStatus_Aggregate)
    assert aggregate.action_id == status.action_id
    assert aggregate.valid
    assert len(aggregate[core_events.QueueMember]) == len(aggregate["QueueParams"]) == 1
    assert aggregate[core_events.QueueStatusComplete] is last


def test_an_action_without_the_flag_makes_no_aggregate(talk):
    status = talk.send(core.QueueStatus())
    talk.start(status)
    assert names(talk.complete(status, "QueueStatusComplete", 0)) == ["QueueStatusComplete"]


def test_two_aggregates_of_one_kind_may_come_together_at_the_same_time(talk):
    first, second = talk.send(aggregating(core.QueueStatus("a"))), talk.send(aggregating(core.QueueStatus("b")))
    talk.start(first)
    talk.start(second)
    talk.item(second, "QueueMember", "Name: of b")
    talk.item(first, "QueueMember", "Name: of a")
    talk.item(second, "QueueMember", "Name: of b")
    _, made_second = talk.complete(second, "QueueStatusComplete", 2)
    talk.item(first, "QueueParams", "Queue: a")
    _, made_first = talk.complete(first, "QueueStatusComplete", 2)
    for made, pending, members in ((made_first, first, ["of a"]), (made_second, second, ["of b", "of b"])):
        assert isinstance(made, core_events.QueueStatus_Aggregate)
        assert made.action_id == pending.action_id
        assert [each["Name"] for each in made["QueueMember"]] == members


def test_the_events_of_others_are_no_part_of_an_aggregate(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    talk.start(status)
    talk.say("Event: QueueMember", "Name: of nobody")
    talk.say("Event: QueueMember", "ActionID: foreign")
    talk.say("Event: QueueStatusComplete", "ActionID: foreign")
    _, made = talk.complete(status, "QueueStatusComplete", 0)
    assert isinstance(made, Aggregate)
    assert made["QueueMember"] == []


def test_an_aggregate_may_be_whole_before_its_response_has_come(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    assert names(talk.complete(status, "QueueStatusComplete", 0)) == ["QueueStatusComplete", "QueueStatus_Aggregate"]
    assert not status.done
    assert talk.start(status) == []
    assert result(status).success


def test_an_aggregate_with_a_wrong_count_is_delivered_and_says_so(talk):
    channels = talk.send(aggregating(core.CoreShowChannels()))
    talk.start(channels)
    talk.item(channels, "CoreShowChannel")
    _, made = talk.complete(channels, "CoreShowChannelsComplete", 3)
    assert isinstance(made, Aggregate)
    assert not made.valid
    assert made.error_message == "Expected 3 list-items; received 1"


def test_an_aggregate_that_the_server_cancelled_is_delivered_and_says_so(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    talk.start(status)
    _, made = talk.complete(status, "QueueStatusComplete", 0, "cancelled")
    assert isinstance(made, Aggregate)
    assert not made.valid


def test_an_aggregate_ends_with_whatever_event_says_that_the_list_is_complete(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    talk.start(status)
    event, made = talk.complete(status, "NameOfAnotherVersion", 0)
    assert isinstance(made, Aggregate)
    assert made.valid
    assert made["NameOfAnotherVersion"] == [event]


def test_a_success_without_a_list_is_an_empty_aggregate(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    [made] = talk.answer(status, "Success", "Message: There is nothing to list")
    assert isinstance(made, core_events.QueueStatus_Aggregate)
    assert made.valid
    assert made["QueueParams"] == []
    assert made["QueueStatusComplete"] is None
    assert result(status).success


def test_an_error_means_that_no_aggregate_comes(talk):
    status = talk.send(aggregating(core.QueueStatus()), "own")
    assert talk.answer(status, "Error", "Message: No such queue") == []
    assert result(status).success is False
    assert names(talk.complete(status, "QueueStatusComplete", 0)) == ["QueueStatusComplete"]
    assert talk.session.next_deadline() is None
    talk.send(core.Ping(), "own")


def test_an_error_inside_a_list_means_that_no_aggregate_comes(talk):
    status = talk.send(aggregating(core.QueueStatus()), "own")
    talk.start(status)
    talk.item(status, "QueueParams")
    assert names(talk.answer(status, "Error", "Message: Out of memory")) == ["Orphan"]
    assert names(talk.complete(status, "QueueStatusComplete", 1)) == ["QueueStatusComplete"]
    talk.send(core.Ping(), "own")


def test_an_aggregate_that_takes_too_long_is_given_up_with_a_notice():
    talk = Talk(aggregate_timeout=3)
    status = talk.send(aggregating(core.QueueStatus()), "own")
    talk.start(status)
    assert talk.session.next_deadline() == 1003
    assert talk.wait(2.9) == []
    assert talk.wait(0.1) == [Notice("gave up the aggregate QueueStatus_Aggregate, ActionID own: it took too long")]
    assert names(talk.complete(status, "QueueStatusComplete", 0)) == ["QueueStatusComplete"]
    assert talk.session.next_deadline() is None
    assert talk.woken == {"own": 1}
    talk.send(core.Ping(), "own")


def test_aggregates_that_take_too_long_are_given_up_all_together():
    talk = Talk(aggregate_timeout=3)
    for each in range(3):
        talk.start(talk.send(aggregating(core.QueueStatus()), str(each)))
    assert names(talk.wait(3)) == ["Notice"] * 3


def test_an_aggregate_that_is_given_up_does_not_end_its_action():
    talk = Talk(aggregate_timeout=3)
    status = talk.send(aggregating(core.QueueStatus()))
    assert names(talk.wait(4)) == []  # its time begins with the response
    talk.start(status)
    assert names(talk.wait(2)) == []
    assert names(talk.wait(1)) == ["Notice"]
    assert result(status).success


def test_the_deadline_of_an_action_is_not_that_of_another_with_its_action_id():
    talk = Talk(aggregate_timeout=5)
    talk.answer(talk.send(aggregating(core.QueueStatus(), timeout=10), "own"), "Error")
    talk.now += 2
    status = talk.send(aggregating(core.QueueStatus(), timeout=60), "own")
    assert names(talk.wait(10)) == []
    talk.start(status)
    assert names(talk.complete(status, "QueueStatusComplete", 0)) == ["QueueStatusComplete", "QueueStatus_Aggregate"]


def test_the_action_id_of_an_aggregate_is_under_way_until_it_has_come(talk):
    status = talk.send(aggregating(core.QueueStatus()), "own")
    talk.start(status)
    assert status.done
    with pytest.raises(ValueError, match="already under way"):
        talk.send(core.Ping(), "own")
    talk.complete(status, "QueueStatusComplete", 0)
    talk.send(core.Ping(), "own")


def test_an_action_that_times_out_makes_no_aggregate():
    talk = Talk(aggregate_timeout=10)
    status = talk.send(aggregating(core.QueueStatus(), timeout=1))
    assert names(talk.wait(1)) == ["Notice"]
    assert status.result() is None
    assert names(talk.complete(status, "QueueStatusComplete", 0)) == ["QueueStatusComplete"]
    assert talk.wait(10) == []


def test_several_aggregates_of_one_action_come_one_by_one(talk):
    class Both(Action):
        _aggregates = (core_events.QueueStatus_Aggregate, core_events.QueueSummary_Aggregate)
        _list = (core_events.QueueParams, core_events.QueueSummary)

    both = talk.send(aggregating(Both()))
    talk.start(both)
    assert names(talk.item(both, "QueueSummaryComplete")) == ["QueueSummaryComplete", "QueueSummary_Aggregate"]
    assert names(talk.item(both, "QueueStatusComplete")) == ["QueueStatusComplete", "QueueStatus_Aggregate"]
    assert names(talk.item(both, "QueueStatusComplete")) == ["QueueStatusComplete"]


def test_an_old_server_starts_an_aggregate_without_saying_so():
    talk = Talk("1.3")
    status = talk.send(aggregating(core.QueueStatus()))
    assert talk.answer(status, "Success", "Message: Queue status will follow") == []
    assert result(status).success
    talk.item(status, "QueueParams")
    assert names(talk.item(status, "QueueStatusComplete")) == ["QueueStatusComplete", "QueueStatus_Aggregate"]


# Synchronous lists


def test_a_synchronous_action_ends_with_its_list(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    assert talk.start(status) == []
    assert talk.item(status, "QueueParams", "Queue: a") == []
    assert talk.item(status, "QueueMember", "Name: Ada") == []
    assert not status.done
    talk.now += 0.5
    assert talk.complete(status, "QueueStatusComplete", 2) == []
    response = result(status)
    assert response.success
    assert response.events_timeout is False
    assert (response.time, response.response.elapsed) == (0.5, 0.0)
    assert response.events is not None
    assert [each["Name"] for each in response.events[core_events.QueueMember]] == ["Ada"]
    assert response.events["QueueMember"] is response.events[core_events.QueueMember]
    assert response.events[core_events.QueueEntry] == []
    assert response.events["QueueStatusComplete"]["ListItems"] == "2"
    assert talk.woken == {status.action_id: 1}


def test_a_synchronous_action_without_lists_ends_with_its_response(talk):
    ping = talk.send(synchronous(core.Ping()))
    talk.answer(ping)
    response = result(ping)
    assert response.success
    assert response.events == {}


def test_a_synchronous_action_makes_no_aggregate(talk):
    status = talk.send(aggregating(synchronous(core.QueueStatus())))
    talk.start(status)
    assert talk.complete(status, "QueueStatusComplete", 0) == []
    assert status.done


def test_a_list_that_does_not_end_in_time_is_returned_as_far_as_it_came(talk):
    status = talk.send(synchronous(core.QueueStatus(), timeout=2), "own")
    talk.start(status)
    talk.item(status, "QueueParams")
    assert talk.wait(2) == [Notice("timed out waiting for the events of QueueStatus, ActionID own")]
    response = result(status)
    assert response.success
    assert response.events_timeout is True
    assert response.events is not None
    assert len(response.events["QueueParams"]) == 1
    assert response.events["QueueStatusComplete"] is None
    assert names(talk.complete(status, "QueueStatusComplete", 1)) == ["QueueStatusComplete"]


def test_a_list_whose_response_does_not_come_in_time_is_none(talk):
    status = talk.send(synchronous(core.QueueStatus(), timeout=2))
    assert names(talk.wait(2)) == ["Notice"]
    assert status.result() is None


def test_an_error_instead_of_a_list_ends_the_action(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.answer(status, "Error", "Message: No such queue")
    response = result(status)
    assert response.success is False
    assert response.events_timeout is False
    assert response.events is not None
    assert response.events["QueueParams"] == []


def test_an_error_inside_a_list_ends_the_action_with_what_has_come(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.start(status)
    talk.item(status, "QueueParams")
    assert names(talk.answer(status, "Error", "Message: Could not get snapshot")) == ["Orphan"]
    response = result(status)
    assert response.response["Response"] == "Success"
    assert response.events is not None
    assert len(response.events["QueueParams"]) == 1
    assert response.events["QueueStatusComplete"] is None


def test_a_repeated_success_does_not_end_a_list(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.start(status)
    assert names(talk.start(status)) == ["Orphan"]
    assert not status.done


def test_a_success_without_a_list_ends_the_action(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.answer(status, "Success", "Message: There is nothing to list")
    response = result(status)
    assert response.success
    assert response.events is not None
    assert response.events["QueueStatusComplete"] is None


@pytest.mark.parametrize("word", ["cancelled", "Cancelled", "complete", "COMPLETE"])
def test_a_list_ends_with_any_event_that_says_so(talk, word):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.start(status)
    talk.complete(status, "SomethingElse", 0, word)
    response = result(status)
    assert response.events is not None
    assert response.events["SomethingElse"][0]["EventList"] == word


def test_the_word_start_is_read_whatever_its_case(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.answer(status, "Success", "EventList: Start")
    assert not status.done


def test_a_list_of_an_action_that_declares_none_is_collected(talk):
    plain = talk.send(synchronous(Request("FAXSessions")))
    talk.start(plain)
    assert talk.item(plain, "FAXSessionsEntry", "Channel: a") == []
    assert talk.item(plain, "Hangup", "Channel: b") == []
    assert talk.complete(plain, "FAXSessionsComplete", 2) == []
    response = result(plain)
    assert response.events is not None
    assert [each["Channel"] for each in response.events["FAXSessionsEntry"]] == ["a"]
    assert [each["Channel"] for each in response.events[core_events.Hangup]] == ["b"]
    assert len(response.events["FAXSessionsComplete"]) == 1


def test_an_event_that_is_no_part_of_an_unmarked_list_is_an_output(talk):
    user_event = talk.send(synchronous(core.UserEvent(UserEvent="Alarm")))
    talk.answer(user_event)
    assert names(talk.item(user_event, "Hangup")) == ["Hangup"]
    assert not user_event.done


def test_two_synchronous_lists_of_one_kind_do_not_disturb_each_other(talk):
    first, second = talk.send(synchronous(core.QueueStatus())), talk.send(synchronous(core.QueueStatus()))
    talk.start(first)
    talk.start(second)
    talk.item(second, "QueueMember", "Name: of second")
    talk.item(first, "QueueMember", "Name: of first")
    talk.complete(second, "QueueStatusComplete", 1)
    assert (first.done, second.done) == (False, True)
    talk.complete(first, "QueueStatusComplete", 1)
    for pending, name in ((first, "of first"), (second, "of second")):
        events = result(pending).events
        assert events is not None
        assert [each["Name"] for each in events["QueueMember"]] == [name]


def test_the_events_of_others_are_no_part_of_a_synchronous_list(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.start(status)
    assert names(talk.say("Event: QueueMember")) == ["QueueMember"]
    assert names(talk.say("Event: QueueStatusComplete", "ActionID: x")) == ["QueueStatusComplete"]
    assert not status.done


@pytest.mark.parametrize("version", ["1.3", "2.5.0", "2.6.0", "odd", "2"])
def test_an_old_server_starts_a_list_without_saying_so(version):
    talk = Talk(version)
    status = talk.send(synchronous(core.QueueStatus()))
    talk.answer(status, "Success", "Message: Queue status will follow")
    assert not status.done
    talk.item(status, "QueueParams")
    talk.item(status, "QueueStatusComplete")
    events = result(status).events
    assert events is not None
    assert len(events["QueueParams"]) == 1


@pytest.mark.parametrize("version", ["2.7.0", "2.10.6", "5.0.4", "11.0.0", "12", "2.8-rc1", "9beta"])
def test_a_newer_server_says_when_a_list_starts(version):
    talk = Talk(version)
    status = talk.send(synchronous(core.QueueStatus()))
    talk.answer(status, "Success", "Message: There is nothing to list")
    assert status.done


def test_a_single_event_that_answers_ends_the_action(talk):
    user_event = talk.send(synchronous(core.UserEvent(UserEvent="Alarm")))
    talk.answer(user_event, "Success", "Message: Event Sent")
    assert not user_event.done
    talk.item(user_event, "UserEvent", "UserEvent: Alarm")
    events = result(user_event).events
    assert events is not None
    assert events[core_events.UserEvent]["UserEvent"] == "Alarm"


def test_events_that_come_before_the_response_are_collected_too(talk):
    user_event = talk.send(synchronous(core.UserEvent(UserEvent="Alarm")))
    assert talk.item(user_event, "UserEvent") == []
    assert not user_event.done
    talk.answer(user_event)
    assert result(user_event).success


def test_a_list_that_comes_before_its_response_ends_with_it(talk):
    status = talk.send(synchronous(core.QueueStatus()))
    talk.item(status, "QueueParams")
    talk.complete(status, "QueueStatusComplete", 1)
    assert not status.done
    talk.start(status)
    response = result(status)
    assert response.events_timeout is False
    assert response.events is not None
    assert len(response.events["QueueParams"]) == 1


def test_several_last_events_are_all_waited_for(talk):
    class Twofold(Action):
        _finalisers = (core_events.QueueStatusComplete, core_events.QueueSummaryComplete)

    twofold = talk.send(synchronous(Twofold()))
    talk.answer(twofold)
    talk.item(twofold, "QueueSummaryComplete")
    assert not twofold.done
    talk.item(twofold, "QueueStatusComplete")
    assert twofold.done


def test_an_event_that_comes_once_is_no_list(talk):
    class Single(Action):
        _unique = (core_events.QueueParams,)
        _list = (core_events.QueueMember,)
        _finalisers = (core_events.QueueStatusComplete,)

    single, other = talk.send(synchronous(Single())), talk.send(synchronous(Single()))
    talk.start(single)
    talk.start(other)
    assert talk.item(single, "QueueParams", "Queue: a") == []
    talk.complete(single, "QueueStatusComplete", 1)
    talk.complete(other, "QueueStatusComplete", 0)
    events, none = result(single).events, result(other).events
    assert events is not None
    assert none is not None
    assert events[core_events.QueueParams]["Queue"] == events["QueueParams"]["Queue"] == "a"
    assert none[core_events.QueueParams] is none["QueueParams"] is None


# Hangup, which answers without an ActionID


def test_a_synchronous_hangup_ends_when_its_channel_is_gone(talk):
    hangup = talk.send(synchronous(core.Hangup("PJSIP/1")))
    talk.answer(hangup, "Success", "Message: Channel Hungup")
    assert names(talk.say("Event: Hangup", "Channel: PJSIP/2")) == ["Hangup"]
    assert names(talk.say("Event: HangupRequest", "Channel: PJSIP/1")) == ["HangupRequest"]
    assert not hangup.done
    assert talk.say("Event: Hangup", "Channel: PJSIP/1", "Cause: 16") == []
    events = result(hangup).events
    assert events is not None
    assert events[core_events.Hangup].cause == 16


def test_a_synchronous_hangup_may_hear_of_the_channel_before_its_response(talk):
    hangup = talk.send(synchronous(core.Hangup("PJSIP/1")))
    talk.say("Event: Hangup", "Channel: PJSIP/1")
    assert not hangup.done
    talk.answer(hangup)
    assert result(hangup).success


def test_every_synchronous_hangup_waits_for_its_own_channel(talk):
    first, second = talk.send(synchronous(core.Hangup("a"))), talk.send(synchronous(core.Hangup("b")))
    talk.answer(first)
    talk.answer(second)
    talk.say("Event: Hangup", "Channel: b")
    assert (first.done, second.done) == (False, True)
    talk.say("Event: Hangup", "Channel: a")
    assert first.done


def test_a_hangup_that_waits_for_nothing_takes_no_event(talk):
    hangup = talk.send(core.Hangup("PJSIP/1"))
    assert names(talk.say("Event: Hangup", "Channel: PJSIP/1")) == ["Hangup"]
    talk.answer(hangup)
    assert names(talk.say("Event: Hangup", "Channel: PJSIP/1")) == ["Hangup"]


@pytest.mark.parametrize("end", ["time-out", "error"])
def test_a_hangup_that_has_ended_takes_no_event(talk, end):
    hangup = talk.send(synchronous(core.Hangup("PJSIP/1")))
    if end == "error":
        talk.answer(hangup, "Error", "Message: No such channel")
    else:
        talk.answer(hangup)
        talk.wait(5)
    assert hangup.done
    assert names(talk.say("Event: Hangup", "Channel: PJSIP/1")) == ["Hangup"]


def test_a_hangup_by_a_pattern_is_a_list(talk):
    hangup = talk.send(synchronous(core.Hangup("/^PJSIP/")))
    talk.start(hangup)
    talk.item(hangup, "ChannelHungup", "Channel: PJSIP/1")
    assert names(talk.say("Event: Hangup", "Channel: PJSIP/1")) == ["Hangup"]
    talk.complete(hangup, "ChannelsHungupListComplete", 1)
    events = result(hangup).events
    assert events is not None
    assert [each.channel for each in events[core_events.ChannelHungup]] == ["PJSIP/1"]


# The end


def everything_under_way(talk: Talk) -> list[PendingAction]:
    """One action in every state before its end."""
    waiting = [
        talk.send(each)
        for each in (core.Ping(), synchronous(core.QueueStatus()), aggregating(core.QueueStatus()),
                     synchronous(core.Hangup("PJSIP/1")))
    ]  # fmt: skip
    begun = [talk.send(synchronous(each)) for each in (core.QueueStatus(), core.Hangup("PJSIP/2"))]
    for each in begun:
        talk.start(each)
    return waiting + begun


def test_a_lost_link_ends_every_action_exactly_once(talk):
    pending = everything_under_way(talk)
    talk.session.close(LOST, talk.now)
    assert all(each.done for each in pending)
    assert talk.woken == {each.action_id: 1 for each in pending}
    for each in pending:
        with pytest.raises(ManagerSocketError, match="the link was lost"):
            each.result()
    assert talk.wait(1000) == []
    assert talk.woken == {each.action_id: 1 for each in pending}


def test_each_caller_gets_an_error_of_its_own(talk):
    pending = everything_under_way(talk)
    talk.session.close(ManagerSocketError("the link was lost"), talk.now)
    errors: list[Error] = []
    for _ in range(2):
        for each in pending:
            with pytest.raises(ManagerSocketError, match="the link was lost") as caught:
                each.result()
            errors.append(caught.value)
    with pytest.raises(ManagerSocketError, match="the link was lost") as caught:
        talk.send(core.Ping())
    errors.append(caught.value)
    assert len({id(each) for each in (*errors, talk.session.closed)}) == 2 * len(pending) + 2
    assert talk.session.closed is not None
    assert talk.session.closed.__traceback__ is None


def test_the_cause_of_the_end_is_told_to_every_caller(talk):
    ping = talk.send(core.Ping())
    lost, reason = ProtocolError("broken"), OSError("reset by peer")
    lost.__cause__ = reason
    talk.session.close(lost, talk.now)
    with pytest.raises(ProtocolError, match="broken") as caught:
        ping.result()
    assert caught.value.__cause__ is reason


def test_an_action_that_has_ended_before_keeps_its_result(talk):
    ping = talk.send(core.Ping())
    talk.answer(ping)
    late = talk.send(core.Ping())
    talk.wait(5)
    talk.session.close(LOST, talk.now)
    assert result(ping).success
    assert late.result() is None


def test_an_aggregate_does_not_survive_the_link(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    talk.start(status)
    talk.session.close(LOST, talk.now)
    assert talk.complete(status, "QueueStatusComplete", 0) == []
    assert talk.wait(1000) == []
    assert result(status).success


def test_closing_twice_keeps_the_first_reason(talk):
    ping = talk.send(core.Ping())
    talk.session.close(LOST, talk.now)
    talk.session.close(ProtocolError("something else"), talk.now)
    talk.session.receive_eof(talk.now)
    assert talk.session.closed is LOST
    assert talk.woken == {ping.action_id: 1}
    assert talk.greeted == 1


def test_nothing_is_sent_after_the_end(talk):
    talk.session.close(LOST, talk.now)
    with pytest.raises(ManagerSocketError, match="the link was lost"):
        talk.send(core.Ping())
    assert talk.session.next_deadline() is None


def test_data_after_the_end_means_nothing(talk):
    ping = talk.send(core.Ping())
    talk.session.close(LOST, talk.now)
    assert talk.say("Event: Hangup") == []
    assert talk.answer(ping) == []
    assert talk.say_bytes(b"\0\xff" * 100) == []
    with pytest.raises(ManagerSocketError):
        ping.result()


def test_the_end_may_come_before_the_greeting():
    talk = Talk(None)
    talk.session.close(LOST, talk.now)
    talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\n")
    assert talk.greeted == 1
    assert talk.session.closed is LOST


def test_the_server_may_close_the_connection(talk):
    ping = talk.send(core.Ping())
    talk.session.receive_eof(talk.now)
    with pytest.raises(ManagerSocketError, match="the server closed the connection"):
        ping.result()


def test_what_came_before_the_end_is_still_delivered(talk):
    talk.session.receive_data(b"Event: Shutdown\r\n\r\n", talk.now)
    talk.session.receive_eof(talk.now)
    assert names(talk.session.take_outputs()) == ["Shutdown"]


def test_a_frame_that_is_too_large_is_the_end():
    talk = Talk(max_frame=200)
    ping = talk.send(core.Ping())
    outputs = talk.say_bytes(b"Event: Hangup\r\n\r\nEvent: VarSet\r\nValue: " + b"x" * 200)
    assert names(outputs) == ["Hangup"]
    with pytest.raises(ProtocolError, match="a frame of more than 200 bytes"):
        ping.result()


# Logging in and off, as the session sees it


def all_of(talk: Talk, *lines: str) -> list[Output]:
    """What comes of a message, changes of state included."""
    talk.session.receive_data("".join(f"{line}\r\n" for line in (*lines, "")).encode(), talk.now)
    return talk.session.take_outputs()


def log_in(talk: Talk, action: str = "Login") -> list[Output]:
    login = talk.send(Request(action))
    return all_of(talk, "Response: Success", f"ActionID: {login.action_id}")


@pytest.mark.parametrize("action", ["Login", "login"])
def test_a_login_that_is_taken_is_noticed_whoever_sent_it(talk, action):
    assert not talk.session.logged_in
    assert log_in(talk, action) == [StateChange(State.READY, State.CONNECTED)]
    assert talk.session.logged_in
    assert log_in(talk) == []


@pytest.mark.parametrize(("action", "word"), [("Login", "Error"), ("Ping", "Success"), ("Challenge", "Success")])
def test_a_login_that_is_refused_and_another_action_are_none(talk, action, word):
    pending = talk.send(Request(action))
    assert all_of(talk, f"Response: {word}", f"ActionID: {pending.action_id}") == []
    assert not talk.session.logged_in


def test_the_greeting_is_a_change_of_state():
    talk = Talk(None)
    talk.session.receive_data(b"Asterisk Call Manager/11.0.0\r\n", talk.now)
    assert talk.session.take_outputs() == [StateChange(State.CONNECTED, State.CONNECTING)]


def test_a_link_that_comes_again_begins_with_a_gap():
    talk = Talk(down_since=990.0)
    login = talk.send(Request("Login"))
    talk.now += 2
    talk.session.receive_data(
        f"Response: Success\r\nActionID: {login.action_id}\r\n\r\nEvent: FullyBooted\r\n\r\n".encode(), talk.now
    )
    change, gap, booted = talk.session.take_outputs()
    assert isinstance(change, StateChange)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.seconds) == ("link", 12)
    assert names([booted]) == ["FullyBooted"]


@pytest.mark.parametrize(("word", "left"), [("Goodbye", True), ("Error", False)])
def test_a_logoff_that_is_taken_is_noticed(talk, word, left):
    log_in(talk)
    logoff = talk.send(Request("Logoff"))
    talk.answer(logoff, word)
    assert logoff.done
    assert talk.session.left is left


def test_the_time_of_the_end_is_known(talk):
    assert talk.session.closed_at == math.inf
    talk.now += 5
    talk.session.close(LOST, talk.now)
    talk.session.close(LOST, talk.now + 1)
    assert talk.session.closed_at == talk.now


# Signs of life


def pings(talk: Talk) -> int:
    return talk.session.data_to_send().count(b"Action: Ping\r\n")


@pytest.fixture
def alive() -> Talk:
    """Logged in, pinged after 30 s of silence, given up after 5 more."""
    talk = Talk(keepalive=(30, 5))
    log_in(talk)
    return talk


def test_a_quiet_server_is_pinged(alive):
    alive.wait(29.9)
    assert pings(alive) == 0
    assert alive.session.next_deadline() == 1030
    alive.wait(0.1)
    assert pings(alive) == 1
    assert alive.session.next_deadline() == 1035
    alive.wait(1)
    assert pings(alive) == 0


def test_an_answer_to_a_ping_is_no_output_and_the_next_one_is_due_after_as_long_a_silence(alive):
    alive.wait(30)
    ping = read_ping(alive)
    alive.now += 2
    assert alive.say("Response: Success", f"ActionID: {ping}", "Ping: Pong") == []
    assert alive.session.next_deadline() == 1062
    alive.wait(29.9)
    assert pings(alive) == 0
    alive.wait(0.1)
    assert pings(alive) == 1


def read_ping(talk: Talk) -> str:
    """The ActionID of the ping that was sent."""
    message = Message(talk.session.data_to_send())
    assert message["Action"] == "Ping"
    return message["ActionID"]


@pytest.mark.parametrize("line", ["Event: Hangup", "Response: Success"])
def test_a_server_that_speaks_is_not_pinged(alive, line):
    for _ in range(10):
        alive.wait(29)
        alive.say(line)
    assert pings(alive) == 0


def test_half_a_message_is_a_sign_of_life(alive):
    alive.wait(29)
    alive.say_bytes(b"Event: Hang")
    alive.wait(29)
    assert pings(alive) == 0
    assert alive.session.closed is None


def test_a_server_that_stays_silent_is_lost(alive):
    pending = alive.send(synchronous(core.QueueStatus(), timeout=3600))
    alive.wait(30)
    alive.wait(4.9)
    assert alive.session.closed is None
    alive.wait(0.1)
    assert isinstance(alive.session.closed, ManagerSocketError)
    assert "the server is silent: no answer to a ping for 5 s" in str(alive.session.closed)
    assert isinstance(pending.error, ManagerSocketError)
    assert alive.session.next_deadline() is None


def test_a_server_that_speaks_but_not_of_the_ping_lives(alive):
    alive.wait(30)
    assert pings(alive) == 1
    for _ in range(5):
        alive.wait(4)
        alive.say("Event: Hangup")
    assert alive.session.closed is None
    assert pings(alive) == 0
    alive.wait(5)
    assert alive.session.closed is not None


def test_a_ping_that_is_refused_is_a_sign_of_life(alive):
    alive.wait(30)
    alive.say("Response: Error", f"ActionID: {read_ping(alive)}", "Message: Permission denied")
    alive.wait(5)
    assert alive.session.closed is None


def test_a_late_answer_to_a_ping_is_no_orphan(alive):
    alive.wait(30)
    ping = read_ping(alive)
    for _ in range(10):
        alive.wait(4)
        alive.say("Event: Hangup")
    assert alive.say("Response: Success", f"ActionID: {ping}", "Ping: Pong") == []


@pytest.mark.parametrize("later", [False, True])
def test_there_is_no_ping_before_the_login(later):
    talk = Talk() if later else Talk(keepalive=(30, 5))
    if later:
        talk.session.keep_alive(30, 5, talk.now)
    for _ in range(10):
        assert talk.wait(1000) == []
    assert pings(talk) == 0
    assert talk.session.next_deadline() is None
    log_in(talk)
    talk.session.data_to_send()
    talk.wait(30)
    assert pings(talk) == 1


def test_there_is_no_ping_after_the_logoff(alive):
    logoff = alive.send(Request("Logoff"))
    alive.answer(logoff, "Goodbye")
    alive.wait(1000)
    assert pings(alive) == 0
    assert alive.session.closed is None


def test_keepalive_may_begin_late_and_counts_from_then_on(talk):
    log_in(talk)
    talk.wait(1000)
    talk.session.keep_alive(30, 5, talk.now)
    talk.wait(29.9)
    assert pings(talk) == 0
    talk.wait(0.1)
    assert pings(talk) == 1


def test_without_keepalive_there_is_none(talk):
    log_in(talk)
    assert talk.session.next_deadline() is None
    talk.session.data_to_send()
    talk.wait(10**9)
    assert talk.session.data_to_send() == b""
    assert talk.session.closed is None


# Limits


@pytest.mark.parametrize("answered", [False, True])
def test_a_list_that_is_too_long_ends_its_action_with_an_error(answered):
    talk = Talk(max_list=3)
    pending = talk.send(synchronous(core.QueueStatus()))
    if answered:
        talk.start(pending)
    for _ in range(3):
        assert talk.item(pending, "QueueMember") == []
    assert not pending.done
    talk.item(pending, "QueueMember")
    with pytest.raises(ManagerError, match="more than 3 items"):
        pending.result()
    assert talk.woken == {pending.action_id: 1}
    assert talk.session.closed is None
    assert names(talk.item(pending, "QueueMember")) == ["QueueMember"]
    assert talk.session.next_deadline() is None


def test_a_list_that_just_fits_is_taken():
    talk = Talk(max_list=3)
    pending = talk.send(synchronous(core.QueueStatus()))
    talk.start(pending)
    talk.item(pending, "QueueMember")
    talk.item(pending, "QueueMember")
    talk.complete(pending, "QueueStatusComplete", 2)
    assert len(events_of(pending)["QueueMember"]) == 2


def events_of(pending: PendingAction) -> Any:
    return result(pending).events


def test_an_aggregate_that_is_too_long_is_given_up_with_a_notice():
    talk = Talk(max_list=3)
    pending = talk.send(aggregating(core.QueueStatus()), "own")
    talk.start(pending)
    for _ in range(3):
        talk.item(pending, "QueueMember")
    assert talk.item(pending, "QueueMember")[1:] == [
        Notice("gave up the aggregate QueueStatus_Aggregate, ActionID own: it has more than 3 items")
    ]
    assert names(talk.complete(pending, "QueueStatusComplete", 4)) == ["QueueStatusComplete"]
    talk.send(core.Ping(), "own")


# Actions that nobody waits for any more


def test_an_action_that_is_abandoned_ends_and_what_comes_for_it_is_for_others(talk):
    pending = talk.send(synchronous(core.QueueStatus()))
    talk.session.abandon_action(pending, talk.now)
    with pytest.raises(ManagerError, match="nobody waits"):
        pending.result()
    assert talk.woken == {pending.action_id: 1}
    assert names(talk.start(pending)) == ["Orphan"]
    assert names(talk.item(pending, "QueueMember")) == ["QueueMember"]
    assert talk.session.next_deadline() is None


def test_an_answered_action_that_is_abandoned_leaves_nothing_behind(talk):
    pending = talk.send(aggregating(core.QueueStatus()), "own")
    talk.start(pending)
    assert pending.done
    talk.session.abandon_action(pending, talk.now)
    assert result(pending).success
    assert talk.session.next_deadline() is None
    assert names(talk.complete(pending, "QueueStatusComplete", 0)) == ["QueueStatusComplete"]
    talk.send(core.Ping(), "own")
    talk.session.close(LOST, talk.now)
    assert talk.woken == {"own": 2}


# What nobody wants to see


def test_events_that_nobody_wants_are_no_outputs(talk):
    talk.session.wanted = frozenset({"Hangup"})
    assert names(talk.say_bytes(b"Event: Newchannel\r\n\r\nEvent: Hangup\r\n\r\nEvent: Newexten\r\n\r\n")) == ["Hangup"]
    talk.send(core.Ping())
    assert names(talk.say_bytes(b"Event: Newchannel\r\n\r\nEvent: Hangup\r\n\r\nEvent: Newexten\r\n\r\n")) == ["Hangup"]


def test_what_is_wanted_may_change(talk):
    talk.session.wanted = frozenset()
    assert talk.say("Event: Hangup") == []
    talk.session.wanted = None
    assert names(talk.say("Event: Hangup")) == ["Hangup"]


def test_lists_are_collected_and_orphans_told_whatever_is_wanted(talk):
    talk.session.wanted = frozenset()
    pending = talk.send(synchronous(core.QueueStatus()))
    talk.start(pending)
    talk.item(pending, "QueueMember")
    talk.complete(pending, "QueueStatusComplete", 1)
    assert len(events_of(pending)["QueueMember"]) == 1
    assert names(talk.say("Response: Success", "ActionID: foreign")) == ["Orphan"]


def test_an_aggregate_is_made_of_events_that_nobody_wants(talk):
    talk.session.wanted = frozenset({"QueueStatus_Aggregate"})
    pending = talk.send(aggregating(core.QueueStatus()))
    talk.start(pending)
    talk.item(pending, "QueueMember")
    [aggregate] = talk.complete(pending, "QueueStatusComplete", 1)
    assert isinstance(aggregate, Aggregate)
    assert len(aggregate["QueueMember"]) == 1


# Items that do not carry the ActionID


class Peers(Action):
    """A list whose items come without the ActionID; its end has it."""

    _list = (core_events.PeerEntry,)
    _finalisers = (core_events.PeerlistComplete,)
    _items_without_id = True


def test_items_without_action_id_belong_to_the_list_that_is_open(talk):
    pending = talk.send(synchronous(Peers()))
    assert names(talk.say("Event: PeerEntry")) == ["PeerEntry"]  # before the list begins
    talk.start(pending)
    assert talk.say("Event: PeerEntry", "ObjectName: a") == []
    assert names(talk.say("Event: Hangup")) == ["Hangup"]
    assert names(talk.say("Event: PeerEntry", "ActionID: other")) == ["PeerEntry"]
    assert talk.say("Event: PeerEntry", "ObjectName: b") == []
    talk.complete(pending, "PeerlistComplete", 2)
    assert [each["ObjectName"] for each in events_of(pending)["PeerEntry"]] == ["a", "b"]
    assert names(talk.say("Event: PeerEntry")) == ["PeerEntry"]


def test_items_without_action_id_make_an_aggregate_too(talk):
    pending = talk.send(aggregating(Peers()))
    talk.start(pending)
    assert names(talk.say("Event: PeerEntry")) == ["PeerEntry"]
    *_, aggregate = talk.complete(pending, "PeerlistComplete", 1)
    assert isinstance(aggregate, Aggregate)
    assert len(aggregate["PeerEntry"]) == 1


def test_of_actions_that_declare_none_items_without_action_id_are_events(talk):
    pending = talk.send(synchronous(core.QueueStatus()))
    talk.start(pending)
    assert names(talk.say("Event: QueueMember")) == ["QueueMember"]
    talk.complete(pending, "QueueStatusComplete", 0)
    assert events_of(pending)["QueueMember"] == []


# Whatever happens, in whatever order


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
