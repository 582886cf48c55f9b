"""Queues of outputs: how much they hold, what they drop, and how they say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami.backlog import Backlog, Overflow
from ami.catalogue import Event
from ami.outcomes import Gap, Notice, Output, State, StateChange, link_gap

POLICIES: list[Overflow] = ["drop-oldest", "drop-newest"]
CHANGE = StateChange(State.CLOSED, State.READY)


def events(*numbers: int) -> list[Output]:
    return [Event(f"Event: Hangup\r\nNumber: {number}\r\n\r\n".encode()) for number in numbers]


def shown(outputs: list[Output]) -> list[object]:
    """Outputs as words: events by their numbers, gaps by what was lost, changes of state by the state."""
    return [
        f"{each.lost} lost" if isinstance(each, Gap) and each.reason == "queue"
        else f"down for {each.seconds} s" if isinstance(each, Gap)
        else int(each["Number"]) if isinstance(each, Event)
        else each.state.value if isinstance(each, StateChange)
        else "notice"
        for each in outputs
    ]  # fmt: skip


def everything(backlog: Backlog) -> list[object]:
    return shown(backlog.take(1000))


@pytest.mark.parametrize("policy", POLICIES)
def test_what_fits_comes_out_as_it_went_in(policy):
    backlog = Backlog(3, policy)
    backlog.put(events(1, 2))
    backlog.put(events(3))
    assert len(backlog) == 3
    assert everything(backlog) == [1, 2, 3]
    assert len(backlog) == backlog.lost == 0
    assert backlog.pop() is None
    assert backlog.take(5) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_taking_some_leaves_the_others(policy):
    backlog = Backlog(5, policy)
    backlog.put(events(1, 2, 3))
    assert shown(backlog.take(2)) == [1, 2]
    assert len(backlog) == 1
    assert everything(backlog) == [3]


def test_taking_looks_no_further_than_what_waits():
    backlog = Backlog(10, "drop-oldest")
    backlog.put(events(1, 2))
    assert shown(backlog.take(10**12)) == [1, 2]  # a look for each would never end


def test_the_oldest_are_dropped_and_the_gap_stands_before_the_others():
    backlog = Backlog(3, "drop-oldest")
    backlog.put(events(1, 2))
    backlog.put(events(3, 4, 5))
    assert len(backlog) == 3
    assert backlog.lost == 2
    assert everything(backlog) == ["2 lost", 3, 4, 5]


def test_the_newest_are_dropped_and_the_gap_stands_where_they_would():
    backlog = Backlog(3, "drop-newest")
    backlog.put(events(1, 2, 3, 4, 5))
    assert len(backlog) == 3
    assert backlog.lost == 2
    assert shown(backlog.take(1)) == [1]
    backlog.put(events(6))
    assert everything(backlog) == [2, 3, "2 lost", 6]


def test_a_gap_at_the_end_comes_out_when_nothing_else_waits():
    backlog = Backlog(1, "drop-newest")
    backlog.put(events(1, 2))
    assert everything(backlog) == [1, "1 lost"]
    assert everything(backlog) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_one_gap_tells_all_that_was_lost_in_one_place(policy):
    backlog = Backlog(1, policy)
    for number in range(1000):
        backlog.put(events(number))
    gaps = [each for each in backlog.take(1000) if isinstance(each, Gap)]
    assert [gap.lost for gap in gaps] == [999]
    assert backlog.lost == 999


def test_what_was_told_is_not_told_again():
    backlog = Backlog(1, "drop-oldest")
    backlog.put(events(1, 2))
    assert everything(backlog) == ["1 lost", 2]
    backlog.put(events(3, 4, 5))
    assert everything(backlog) == ["2 lost", 5]
    assert backlog.lost == 3


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("drop-oldest", ["2 lost", "closed", "down for 1.5 s", 3]),
        ("drop-newest", [1, "closed", "down for 1.5 s", "2 lost"]),
    ],
)
def test_changes_of_state_and_gaps_are_never_lost(policy, expected):
    backlog = Backlog(1, policy)
    backlog.put([*events(1), CHANGE, link_gap(1.5), *events(2), *events(3)])
    assert everything(backlog) == expected
    assert backlog.lost == 2


@pytest.mark.parametrize("policy", POLICIES)
def test_changes_of_state_may_be_more_than_the_limit(policy):
    backlog = Backlog(2, policy)
    backlog.put([CHANGE] * 5)
    assert everything(backlog) == ["closed"] * 5
    assert backlog.lost == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_notices_count_like_events(policy):
    backlog = Backlog(1, policy)
    backlog.put([Notice("a"), Notice("b")])
    assert sorted(map(str, everything(backlog))) == ["1 lost", "notice"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_queue_that_holds_nothing_is_refused(limit):
    with pytest.raises(ValueError, match=f"a queue of {limit} events can hold none"):
        Backlog(limit, "drop-oldest")


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="'drop-oldest' or 'drop-newest', not 'block'"):
        Backlog(1, "block")  # type: ignore[arg-type]


@given(
    st.sampled_from(POLICIES),
    st.integers(1, 5),
    st.lists(st.one_of(st.integers(1, 8), st.integers(-8, -1)), max_size=20),
)
def test_every_event_is_delivered_in_order_or_counted(policy, limit, steps):
    """A positive number puts so many events, a negative one takes."""
    backlog, count, taken = Backlog(limit, policy), 0, list[object]()
    for step in steps:
        if step > 0:
            backlog.put(events(*range(count, count + step)))
            count += step
            assert len(backlog) <= limit + 1  # the gap's own place
        else:
            taken += shown(backlog.take(-step))
    taken += everything(backlog)
    at = 0
    for each in taken:
        if isinstance(each, str):
            at += int(each.partition(" ")[0])
        else:
            assert each == at
            at += 1
    assert at == count
