"""`ami.Manager` with a real Asterisk."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import ami
from ami import core, core_events

from .calls import hang_up, listed, originate

LISTS = [
    (core.CoreShowChannels, (), "CoreShowChannels", "ListItems"),
    (core.Status, (), "Status", "Items"),
    (core.QueueStatus, (), "QueueStatus", "ListItems"),
    (core.QueueStatus, ("support",), "QueueStatus", "ListItems"),
    (core.QueueSummary, (), "QueueSummary", "ListItems"),
]
every_list = pytest.mark.parametrize(
    ("action", "arguments", "name", "count"),
    LISTS,
    ids=[f"{action.__name__}({', '.join(arguments)})" for action, arguments, *_ in LISTS],
)


def split(events: dict[Any, Any], request: ami.Request) -> tuple[list[ami.Event], ami.Event]:
    """The items of a list, and the event that ends it."""
    _, members, (finaliser,) = request.get_synchronous_classes()
    return [item for member in members for item in events[member]], events[finaliser]


# Login


def test_the_greeting_names_the_server(stranger):
    name, version = stranger.get_asterisk_info()
    assert name == "Asterisk Call Manager"
    assert version.replace(".", "").isdigit()


def test_a_plain_login_is_accepted(stranger, user):
    response = stranger.send_action(core.Login(*user))
    assert response.success
    assert response.result["Message"] == "Authentication accepted"


def test_a_login_by_challenge_is_accepted(stranger, user):
    response = stranger.login(*user)
    assert response.success
    assert "Secret" not in response.request
    assert response.request["AuthType"] == "MD5"


def test_the_server_tells_after_a_login_that_it_has_booted(manager, ears):
    assert ears.wait_for("FullyBooted").status == "Fully Booted"


def test_a_plain_login_with_another_secret_is_refused(stranger, user):
    with pytest.raises(ami.ManagerAuthError, match="Authentication failed"):
        stranger.send_action(core.Login(user[0], "not the secret"))


def test_a_login_by_challenge_with_another_secret_is_refused(stranger, user):
    with pytest.raises(ami.ManagerAuthError, match="Authentication failed"):
        stranger.login(user[0], "not the secret")


def test_a_login_of_an_unknown_user_is_refused(stranger, tag):
    with pytest.raises(ami.ManagerAuthError, match="Authentication failed"):
        stranger.login(tag, "secret")


def test_an_action_before_the_login_is_refused(stranger):
    response = stranger.send_action(core.Ping())
    assert not response.success
    assert response.result["RTT"] == -1


def test_the_server_says_goodbye_at_a_logoff_and_closes_the_link(manager):
    response = manager.send_action(core.Logoff())
    assert response.success
    assert response.result["Response"] == "Goodbye"
    assert manager.get_connection().wait_closed(5)
    assert not manager.is_connected()


# Questions


def test_a_ping_is_answered(manager):
    response = manager.send_action(core.Ping())
    assert response.success
    assert response.result["Ping"] == "Pong"
    assert response.result["RTT"] >= 0


@every_list
def test_a_synchronous_list_holds_what_the_server_counted(manager, channel, action, arguments, name, count):
    response = listed(manager, action(*arguments))
    assert response.success
    assert not response.events_timeout
    items, last = split(response.events, response.request)
    assert items
    assert int(last[count]) == len(items)


@every_list
def test_an_aggregate_holds_the_list_that_answers(manager, ears, channel, action, arguments, name, count):
    request = action(*arguments)
    request.aggregate = True
    response = manager.send_action(request)
    assert response.success
    aggregate = ears.wait_for(f"{name}_Aggregate")
    assert aggregate.action_id == response.action_id
    assert aggregate.valid, aggregate.error_message
    items, last = split(aggregate, request)
    assert items
    assert int(last[count]) == len(items)


def test_lists_that_are_asked_for_at_once_do_not_mix(manager, channel):
    actions = [kind(*arguments) for kind, arguments, *_ in LISTS for _ in range(5)]
    with ThreadPoolExecutor(len(actions)) as threads:
        responses = list(threads.map(lambda action: listed(manager, action), actions))
    for response in responses:
        assert not response.events_timeout
        items, last = split(response.events, response.request)
        assert {event.action_id for event in (*items, last)} == {response.action_id}
        assert int(last["ListItems"]) == len(items)


def test_the_members_of_a_queue_are_told(manager):
    response = listed(manager, core.QueueStatus("support"))
    assert [queue["Queue"] for queue in response.events["QueueParams"]] == ["support"]
    assert {member["Name"] for member in response.events["QueueMember"]} == {"Alice", "Bob Ünlü"}
    assert all(isinstance(member.penalty, int) for member in response.events[core_events.QueueMember])


def test_a_summary_of_a_queue_is_told(manager):
    response = listed(manager, core.QueueSummary("support"))
    [summary] = response.events[core_events.QueueSummary]
    assert summary["Queue"] == "support"
    assert summary.logged_in == 2


def test_a_channel_that_is_not_there_has_no_status(manager):
    response = listed(manager, core.Status("Local/nobody@nowhere-00000000;1"))
    assert not response.success
    assert response.result["Message"] == "No such channel"
    assert response.events["Status"] == []


def test_the_lines_of_a_command_are_told(manager):
    response = manager.send_action(core.Command("core show version"))
    assert response.success
    assert response.result.data[0].startswith("Asterisk ")


def test_a_command_that_is_not_there_is_refused(manager):
    response = manager.send_action(core.Command("no such command"))
    assert not response.success
    assert response.result.data[0].startswith("No such command 'no such command'")


# Changes


def test_what_is_put_into_the_database_is_read_from_it(manager, tag):
    assert manager.send_action(core.DBPut("amikit-live", tag, "Wört: =€")).success
    response = listed(manager, core.DBGet("amikit-live", tag))
    [item] = response.events["DBGetResponse"]
    assert (item["Family"], item["Key"], item["Val"]) == ("amikit-live", tag, "Wört: =€")

    assert manager.send_action(ami.Request("DBDel"), Family="amikit-live", Key=tag).success
    response = listed(manager, core.DBGet("amikit-live", tag))
    assert not response.success
    assert response.result["Message"] == "Database entry not found"
    assert response.events["DBGetResponse"] == []


def test_what_is_set_on_a_channel_is_read_from_it(manager, ears, channel):
    assert manager.send_action(core.Setvar("AMIKIT", "grün & gelb", channel)).success
    assert manager.send_action(core.Getvar("AMIKIT", channel)).result["Value"] == "grün & gelb"
    event = ears.wait_for("VarSet", Channel=channel, Variable="AMIKIT")
    assert event.value == "grün & gelb"


def test_a_function_of_a_channel_is_read(manager, channel):
    assert manager.send_action(core.Getvar("CHANNEL(state)", channel)).result["Value"] == "Up"


def test_a_user_event_answers_its_own_action(manager, tag):
    response = listed(manager, core.UserEvent(UserEvent=tag, Text="größer"))
    event = response.events[core_events.UserEvent]
    assert (event.user_event, event["Text"], event.action_id) == (tag, "größer", response.action_id)


def test_a_user_event_reaches_its_sender(manager, ears, tag):
    response = manager.send_action(core.UserEvent(UserEvent=tag, Text="größer"))
    assert response.success
    assert ears.wait_for("UserEvent", UserEvent=tag)["Text"] == "größer"


@pytest.mark.parametrize("mask", ["off", [core.EVENTMASK_NONE], ["call", "system"]], ids=str)
def test_events_that_are_masked_do_not_come(manager, ears, stranger, user, tag, mask):
    stranger.login(*user)
    heard = []
    stranger.register_callback("UserEvent", lambda event, manager: heard.append(event.user_event))
    assert stranger.send_action(core.Events(mask)).success
    manager.send_action(core.UserEvent(UserEvent=tag))
    ears.wait_for("UserEvent", UserEvent=tag)
    assert stranger.send_action(core.Ping()).success
    assert stranger.send_action(core.Ping()).success
    assert tag not in heard


def test_events_come_again_when_they_are_asked_for(manager, ears, tag):
    assert manager.send_action(core.Events("off")).result["Events"] == "Off"
    assert manager.send_action(core.Events(["user", "call"])).result["Events"] == "On"
    manager.send_action(core.UserEvent(UserEvent=tag))
    assert ears.wait_for("UserEvent", UserEvent=tag).user_event == tag


# Calls


def test_an_originated_call_is_answered(manager, ears):
    event = originate(manager, ears, "Local/1000@lab")
    assert event.response == "Success"
    assert event.process()[0]["Result"] == "ANSWERED"
    response = listed(manager, core.Status(event.channel))
    [status] = response.events["Status"]
    assert (status.channel, status.uniqueid, status.channel_state_desc) == (event.channel, event.uniqueid, "Up")
    hang_up(manager, event.channel)


def test_a_call_to_nobody_fails(manager, ears):
    event = originate(manager, ears, "Local/nobody@lab")
    assert event.response == "Failure"
    assert event.reason in core.ORIGINATE_RESULT_MAP
    assert event.reason != core.ORIGINATE_RESULT_ANSWERED


def test_a_call_that_is_not_asynchronous_is_answered_when_the_called_one_answers(manager, ears, tag):
    action = core.Originate_Application("Local/1000@lab", "Wait", "40", callerid=f"{tag} <100>", async_=False)
    response = manager.send_action(action)
    assert response.success
    assert response.result["Message"] == "Originate successfully queued"
    channel = ears.wait_for("Newstate", CallerIDName=tag, ChannelStateDesc="Up").channel
    hang_up(manager, channel)


def test_a_synchronous_hangup_ends_when_the_channel_is_gone(manager, channel):
    response = hang_up(manager, channel)
    assert response.success
    assert not response.events_timeout
    assert response.events["Hangup"]["Channel"] == channel
    assert listed(manager, core.Status(channel)).result["Message"] == "No such channel"
    channels = listed(manager, core.CoreShowChannels()).events["CoreShowChannel"]
    assert channel not in [event["Channel"] for event in channels]


def test_a_hangup_of_a_channel_that_is_not_there_is_refused(manager):
    response = hang_up(manager, "Local/nobody@nowhere-00000000;1")
    assert not response.success
    assert response.result["Message"] == "No such channel"
    assert not response.events_timeout


def test_a_caller_is_followed_through_a_queue(manager, ears):
    call = originate(manager, ears, "Local/3000@lab/n")
    joined = ears.wait_for("QueueCallerJoin", Linkedid=call.uniqueid)
    assert joined.queue == "support"
    connected = ears.wait_for("AgentConnect", Linkedid=call.uniqueid)
    assert connected.member_name == "Alice"
    hang_up(manager, call.channel)
    gone = ears.wait_for("Hangup", Channel=joined.channel)
    assert (gone.uniqueid, gone.linkedid) == (joined.uniqueid, call.uniqueid)
