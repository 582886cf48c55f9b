"""The client's state machine: aggregates, and lists whose events do not carry the ActionID."""

import pytest

from ami import core, core_events
from ami.catalogue import Aggregate
from ami.outcomes import Notice
from ami.request import Action

from .talk import Talk, aggregating, events_of, names, result, synchronous

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
