"""What a session gives: gaps, and the words for states."""

import pytest

import ami
from ami import Gap, State, StateChange
from ami.catalogue import event_class, parse
from ami.outcomes import link_gap, queue_gap


def test_a_gap_of_a_queue_says_how_much_was_lost():
    gap = queue_gap(7)
    assert (gap.name, gap.reason, gap.lost, gap.seconds) == ("Gap", "queue", 7, None)
    assert gap == "Gap"


@pytest.mark.parametrize(("seconds", "shown"), [(0, 0.0), (0.12345, 0.123), (86_400 * 40, 3_456_000.0)])
def test_a_gap_of_a_link_says_how_long_it_was_down(seconds, shown):
    gap = link_gap(seconds)
    assert (gap.name, gap.reason, gap.lost, gap.seconds) == ("Gap", "link", None, shown)


def test_no_server_can_send_a_gap():
    assert event_class("Gap") is not Gap
    assert not isinstance(parse(b"Event: Gap\r\nReason: link\r\nSeconds: 1\r\n\r\n"), Gap)


def test_a_gap_is_an_event_like_others():
    gap = queue_gap(7)
    assert gap["Lost"] == "7"
    assert "Gap" in repr(gap)


@pytest.mark.parametrize("state", State)
def test_a_state_is_its_word(state):
    assert state == state.value == f"{state}"


def test_the_states_that_there_are():
    assert [state.value for state in State] == ["closed", "connecting", "connected", "ready", "waiting"]


def test_a_change_of_state_says_what_is_known():
    change = StateChange(State.READY, State.CONNECTED)
    assert (change.error, change.retry_in) == (None, None)
    assert ami.StateChange is StateChange
