"""A program on pystrix, as it is, at any speed of time: `patch` has the modules of pystrix take part."""

import pytest

from amisim import event, list_complete, response, wait
from missed_calls import MissedCalls

pytestmark = pytest.mark.ami(patch=["pystrix"])

MEMBERS = (
    response(EventList="start"),
    event("QueueMember", Queue="support", Name="Alice", Paused=0),
    event("QueueMember", Queue="support", Name="Bob", Paused=1),
    list_complete(),
)


@pytest.fixture
def missed(ami_server):
    missed = MissedCalls(ami_server.host, ami_server.username, ami_server.secret, ami_server.port)
    yield missed
    missed.close()


def abandon(number):
    return event("QueueCallerAbandon", Queue="support", CallerIDNum=number)


def becomes_true(clock, condition, within=60):
    """Whether something is so before long."""
    end = clock.now + within
    while not (found := condition()) and clock.now < end:
        clock.sleep(0.1)
    return found


def test_who_gives_up_is_remembered_once(ami_server, ami_clock, missed):
    for number in ("0170123", "0170123", "0170456"):
        ami_server.emit(abandon(number))
    assert becomes_true(ami_clock, lambda: missed.numbers == ["0170123", "0170456"])


def test_agents_who_are_paused_cannot_call_back(ami_server, missed):
    ami_server.on("QueueStatus", Queue="support").reply(*MEMBERS)
    assert missed.free_agents("support") == ["Alice"]


def test_an_answer_that_comes_too_late(ami_server, ami_clock, missed):
    ami_server.on("QueueStatus").reply(wait(30), *MEMBERS)
    assert missed.free_agents("support") is None
    assert 5 <= ami_clock.now < 30  # pystrix has a time-out of 5 s


@pytest.mark.ami(faults=["missing_complete complete QueueStatus"])
def test_a_list_that_does_not_end(ami_server, missed):
    ami_server.on("QueueStatus").reply(*MEMBERS)
    assert missed.free_agents("support") is None


@pytest.mark.ami(faults=["flood 500 event QueueCallerAbandon"])
def test_a_flood(ami_server, ami_clock, missed):
    for number in ("0170123", "0170456"):
        ami_server.emit(abandon(number))
    assert becomes_true(ami_clock, lambda: missed.numbers == ["0170123", "0170456"])


@pytest.mark.ami(recording="queue-call")
def test_the_members_of_a_real_queue(missed):
    assert missed.free_agents("support") == ["Bob Ünlü", "Alice"]
