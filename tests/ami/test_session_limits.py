"""The client's state machine: limits, and what nobody waits for or wants to see."""

import pytest

from ami import ManagerError, core
from ami.catalogue import Aggregate
from ami.outcomes import Notice

from .talk import LOST, Talk, aggregating, events_of, names, result, synchronous

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
