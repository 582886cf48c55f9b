"""What an event stream is for."""

from collections.abc import Callable
from typing import Any

import pytest

from ami import core_events
from ami.backlog import Overflow
from ami.catalogue import Aggregate, Event, parse
from ami.errors import ManagerSocketError
from ami.message import Message
from ami.outcomes import Gap, Notice, Orphan, Output, State, StateChange, link_gap
from ami.subscription import Subscription


def event(name: str, **headers: object) -> Event:
    lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
    parsed = parse(f"Event: {name}\r\n{lines}\r\n".encode())
    assert isinstance(parsed, Event)
    return parsed


def subscription(
    *events: str | type[Event] | type[Aggregate],
    where: Callable[[Any], object] | None = None,
    limit: int = 100,
    overflow: Overflow = "drop-oldest",
    **headers: Any,
) -> Subscription:
    return Subscription(events, headers, where, limit, overflow)


def taken(subscription: Subscription, *outputs: Output) -> list[Any]:
    subscription.put(list(outputs))
    return list(iter(subscription.pop, None))


HANGUP, NEWCHANNEL = event("Hangup"), event("Newchannel")
AGGREGATE = core_events.QueueStatus_Aggregate("1")


@pytest.mark.parametrize("given", [(), ("",), ("", "Hangup")])
def test_without_names_it_is_for_all_events_and_aggregates(given):
    everything = subscription(*given)
    assert everything.names is None
    assert taken(everything, HANGUP, AGGREGATE, NEWCHANNEL) == [HANGUP, AGGREGATE, NEWCHANNEL]


def test_names_and_classes_may_be_mixed():
    some = subscription("Hangup", core_events.Newstate, core_events.QueueStatus_Aggregate)
    assert some.names == {"Hangup", "Newstate", "QueueStatus_Aggregate"}
    newstate = event("Newstate")
    assert taken(some, HANGUP, NEWCHANNEL, newstate, AGGREGATE) == [HANGUP, newstate, AGGREGATE]


def test_names_are_compared_with_their_case():
    assert taken(subscription("hangup"), HANGUP) == []


@pytest.mark.parametrize("wrong", [None, 7, Event, Message])
def test_what_is_no_event_is_refused(wrong):
    with pytest.raises(ValueError, match="is not an event"):
        subscription(wrong)


def test_orphans_notices_and_changes_of_state_are_no_events():
    orphan = Orphan(Message(b"Response: Success\r\n\r\n"))
    assert taken(subscription(), orphan, Notice("x"), StateChange(State.READY, State.CONNECTED)) == []


def test_putting_says_whether_it_was_for_this_stream():
    hangups = subscription("Hangup")
    assert hangups.put([NEWCHANNEL, HANGUP])
    assert not hangups.put([NEWCHANNEL])
    assert hangups.depth == 1


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("PJSIP/100-*", "PJSIP/100-0000002a", True),
        ("PJSIP/100-*", "PJSIP/100-", True),
        ("PJSIP/100-*", "PJSIP/1000-2a", False),
        ("PJSIP/100", "PJSIP/100-2a", False),
        ("*/100-?", "SIP/100-2", True),
        ("*/100-?", "SIP/100-", False),
        ("Local/1@a[b]-*", "Local/1@a[b]-7", True),
        ("[ab]", "a", False),
        ("a.c", "abc", False),
        ("*", "", True),
        ("*", "two\nlines", True),
        ("", "", True),
        ("", "x", False),
        (16, "16", True),
    ],
)
def test_values_of_headers_may_have_wildcards(pattern, value, fits):
    assert bool(taken(subscription(Channel=pattern), event("Hangup", Channel=value))) is fits


def test_every_header_must_fit():
    both = subscription(Channel="PJSIP/*", Cause="16")
    fits = event("Hangup", Channel="PJSIP/1", Cause="16")
    assert taken(both, fits, event("Hangup", Channel="PJSIP/1", Cause="17"), event("Hangup", Cause="16")) == [fits]


def test_a_header_is_found_whatever_its_case():
    assert taken(subscription(channel="PJSIP/*"), event("Hangup", Channel="PJSIP/1"))


def test_an_aggregate_has_no_headers_to_ask_for():
    assert taken(subscription(Queue="*"), AGGREGATE) == []


def test_a_gap_is_for_every_stream():
    gap = link_gap(2.5)
    assert taken(subscription("Hangup", Channel="PJSIP/*"), gap, HANGUP) == [gap]


def test_the_condition_is_not_asked_by_who_puts_events_in():
    def where(event: Any) -> bool:
        raise LookupError("asked")

    asked = subscription(where=where)
    assert asked.put([HANGUP])
    waiting = asked.pop()
    with pytest.raises(LookupError):
        asked.accepts(waiting)


def test_the_condition_decides_about_events_but_not_about_gaps():
    never = subscription(where=lambda event: "")
    assert not never.accepts(HANGUP)
    assert never.accepts(link_gap(1))
    assert subscription(where=lambda event: event.name == "Hangup").accepts(HANGUP)
    assert subscription().accepts(HANGUP)


def test_too_many_events_leave_a_gap():
    full = subscription(limit=2)
    got = taken(full, *[event("Hangup", Number=number) for number in range(5)])
    assert isinstance(got[0], Gap)
    assert got[0].lost == full.lost == 3
    assert [each["Number"] for each in got[1:]] == ["3", "4"]
    newest = subscription(limit=2, overflow="drop-newest")
    assert [each.get("Number", "gap") for each in taken(newest, *[event("Hangup", Number=n) for n in range(5)])] == [
        "0", "1", "gap",
    ]  # fmt: skip


def test_after_the_end_what_waits_can_be_taken_and_nothing_comes_in():
    hangups = subscription("Hangup")
    hangups.put([HANGUP])
    hangups.end(None)
    hangups.put([HANGUP])
    assert hangups.ended
    assert taken(hangups) == [HANGUP]


def test_an_error_is_raised_after_what_waits_and_each_time():
    hangups = subscription("Hangup")
    hangups.put([HANGUP])
    error = ManagerSocketError("lost")
    hangups.end(error)
    hangups.end(None)
    assert hangups.pop() is HANGUP
    for _ in range(2):
        with pytest.raises(ManagerSocketError, match="lost") as caught:
            hangups.pop()
        assert caught.value is not error
