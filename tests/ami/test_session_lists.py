"""The client's state machine: synchronous lists."""

import pytest

from ami import core, core_events
from ami.outcomes import Notice
from ami.request import Action, Request

from .talk import Talk, aggregating, names, result, synchronous


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
