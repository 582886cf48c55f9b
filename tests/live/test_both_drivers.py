"""What both managers, with threads and with asyncio, make of a real Asterisk."""

import queue
from contextlib import suppress

import pytest

import ami
from ami import Outcome, core, core_events
from ami.enums import HangupCause

from .calls import PATIENCE, listed
from .dialplan import CONTEXT


@pytest.fixture
def client(driver, address, user):
    """A manager of one of the drivers, logged in."""
    with driver() as manager:
        manager.connect(*address)
        manager.login(*user)
        yield manager


def test_a_login_makes_it_ready(driver, address, user):
    with driver() as manager:
        states: queue.SimpleQueue[ami.StateChange] = queue.SimpleQueue()
        manager.register_callback(ami.StateChange, lambda change, manager: states.put(change))
        manager.connect(*address)
        name, version = manager.get_asterisk_info()
        assert (name, manager.state) == ("Asterisk Call Manager", ami.State.CONNECTED)
        assert version.replace(".", "").isdigit()
        assert manager.login(*user).success
        assert manager.state is ami.State.READY
        assert [states.get(timeout=PATIENCE).state for _ in range(3)] == ["connecting", "connected", "ready"]


def test_a_refused_login_is_an_error(driver, address, user):
    with driver() as manager:
        manager.connect(*address)
        with pytest.raises(ami.ManagerAuthError, match="Authentication failed"):
            manager.login(user[0], "not the secret")


def test_a_list_is_whole(client):
    response = listed(client, core.QueueStatus("support"))
    members = response.events[core_events.QueueMember]
    assert {member.member_name for member in members} == {"Alice", "Bob Ünlü"}
    assert response.events[core_events.QueueStatusComplete].list_items == len(members) + 1


def test_a_refused_action_says_why(client):
    response = client.send_action(core.Getvar("X", "Local/nobody@nowhere-00000000;1"))
    assert not response.success
    assert response.result["Message"] == "No such channel"


def test_a_command_prints(client):
    response = client.send_action(core.Command("core show version"))
    assert response.success
    assert response.result.data[0].startswith("Asterisk ")


def test_events_come_in_order(client, tag):
    with client.events(core_events.UserEvent, UserEvent=tag) as events:
        for number in range(50):
            assert client.send_action(core.UserEvent(UserEvent=tag, Number=number)).success
        assert [events.get(PATIENCE)["Number"] for _ in range(50)] == [str(number) for number in range(50)]


@pytest.mark.parametrize(
    ("exten", "outcome", "causes"),
    [
        pytest.param("answer", Outcome.ANSWERED, {HangupCause.NORMAL_CLEARING}, id="answered"),
        pytest.param("ring", Outcome.NO_ANSWER, {HangupCause.NOT_DEFINED, HangupCause.NO_ANSWER}, id="no answer"),
        pytest.param("busy", Outcome.BUSY, {HangupCause.NOT_DEFINED}, id="busy"),
        pytest.param("congestion", Outcome.CONGESTION, {HangupCause.NOT_DEFINED}, id="congestion"),
        pytest.param("reject", Outcome.FAILED, {HangupCause.CALL_REJECTED}, id="rejected"),
        pytest.param("nobody", Outcome.FAILED, {HangupCause.NOT_DEFINED}, id="no extension"),
    ],
)  # fmt: skip
def test_a_call_is_followed_to_its_end(client, dialplan, exten, outcome, causes):
    call = client.originate(f"Local/{exten}@{CONTEXT}/n", application="Wait", data="30", timeout=1)
    assert call.wait() is outcome, call
    if outcome is Outcome.ANSWERED:
        assert call.hang_up(HangupCause.NORMAL_CLEARING).success
    assert call.wait_ended(PATIENCE) in causes, call
    assert call.progress.ended


def test_a_call_to_no_technology_fails(client):
    call = client.originate("Nothing/1", application="Wait", data="1")
    assert call.wait() is Outcome.FAILED
    assert call.wait_ended(PATIENCE) is None


def test_a_call_that_is_hung_up_has_the_cause_that_was_given(client, dialplan):
    call = client.originate(f"Local/echo@{CONTEXT}/n", application="Wait", data="30")
    assert call.wait() is Outcome.ANSWERED
    assert call.hang_up(HangupCause.DESTINATION_OUT_OF_ORDER).success
    assert call.wait_ended(PATIENCE) is HangupCause.DESTINATION_OUT_OF_ORDER


def test_a_call_ends_with_the_cause_of_the_dialplan(client, dialplan):
    call = client.originate(f"Local/handlers@{CONTEXT}/n", application="Wait", data="30", variables={"A": "ä"})
    assert call.wait() is Outcome.ANSWERED
    assert call.wait_ended(PATIENCE) is HangupCause.NORMAL_UNSPECIFIED


def test_a_logoff_ends_the_link(client):
    assert client.send_action(core.Logoff()).success
    with client.events() as events, suppress(ami.ManagerSocketError):
        while client.is_connected():
            events.get(PATIENCE)
    assert not client.is_connected()
