"""A program on pystrix, as it is, in virtual time: `patch` has the modules of pystrix take part."""

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


def test_who_gives_up_is_remembered_once(ami_server, ami_clock, missed):
    for number in ("0170123", "0170456", "0170123"):
        ami_server.emit(event("QueueCallerAbandon", Queue="support", CallerIDNum=number))
    ami_clock.advance(1)
    assert missed.numbers == ["0170123", "0170456"]


def test_agents_who_are_paused_cannot_call_back(ami_server, missed):
    ami_server.on("QueueStatus", Queue="support").reply(*MEMBERS)
    assert missed.free_agents("support") == ["Alice"]


def test_an_answer_that_comes_too_late(ami_server, ami_clock, missed):
    ami_server.on("QueueStatus").reply(wait(7), *MEMBERS)
    assert missed.free_agents("support") is None
    assert ami_clock.now == pytest.approx(5, abs=0.5)  # of virtual time: pystrix has a time-out of 5 s


@pytest.mark.ami(faults=["missing_complete complete QueueStatus"])
def test_a_list_that_does_not_end(ami_server, missed):
    ami_server.on("QueueStatus").reply(*MEMBERS)
    assert missed.free_agents("support") is None


@pytest.mark.ami(faults=["flood 500 event QueueCallerAbandon"])
def test_a_flood(ami_server, ami_clock, missed):
    ami_server.emit(event("QueueCallerAbandon", Queue="support", CallerIDNum="0170123"))
    ami_clock.advance(30)
    assert missed.numbers == ["0170123"]


@pytest.mark.ami(recording="queue-call")
def test_the_members_of_a_real_queue(missed):
    assert missed.free_agents("support") == ["Bob Ünlü", "Alice"]
