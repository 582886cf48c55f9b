"""Defects of the library whose names `ami` keeps: aggregates, parsing, conversions, and Asterisk today."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

import ami
import ami.ami
from ami import catalogue, core, core_events
from ami.catalogue import Event, event_class, parse
from ami.headers import declared
from ami.message import Message
from ami.outcomes import Notice, Output
from ami.request import Action, Request
from ami.session import ClientSession, PendingAction
from amisim import Server
from amisim import event as sent


class Talk:
    """A session, its clock, and the server that it talks to."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.session = ClientSession(id_prefix="host", aggregate_timeout=5)
        self.say_bytes(b"Asterisk Call Manager/5.0.4\r\n")

    def send(self, request: Request, action_id: str) -> PendingAction:
        return self.session.send_action(request, self.now, lambda: None, action_id)

    def aggregate(self, action_id: str) -> PendingAction:
        request = core.CoreShowChannels()
        request.aggregate = True
        return self.send(request, action_id)

    def say_bytes(self, data: bytes) -> list[Output]:
        self.session.receive_data(data, self.now)
        return self.session.take_outputs()

    def say(self, *lines: str) -> list[Output]:
        return self.say_bytes("".join(f"{line}\r\n" for line in (*lines, "")).encode())

    def start(self, action_id: str) -> list[Output]:
        return self.say("Response: Success", f"ActionID: {action_id}", "EventList: start")

    def item(self, action_id: str) -> list[Output]:
        return self.say("Event: CoreShowChannel", f"ActionID: {action_id}", f"Channel: of {action_id}")

    def complete(self, action_id: str, count: int) -> list[Output]:
        name = "Event: CoreShowChannelsComplete"
        return self.say(name, f"ActionID: {action_id}", "EventList: Complete", f"ListItems: {count}")

    def wait(self, seconds: float) -> list[Output]:
        self.now += seconds
        self.session.handle_timer(self.now)
        return self.session.take_outputs()


@pytest.fixture
def talk() -> Talk:
    return Talk()


def event(*lines: str) -> Event:
    parsed = parse("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    assert isinstance(parsed, Event)
    return parsed


def message(data: bytes) -> Message:
    return parse(data)


# Aggregates


def test_defect_17_lists_of_one_kind_at_the_same_time_do_not_disturb_each_other(talk):
    for action_id in ("a", "b"):
        talk.aggregate(action_id)
        talk.start(action_id)
    for action_id in ("b", "a", "b", "b", "a"):
        talk.item(action_id)
    [_, second] = talk.complete("b", 3)
    [_, first] = talk.complete("a", 2)
    assert isinstance(first, core_events.CoreShowChannels_Aggregate)
    assert [(each.action_id, each.valid, len(each["CoreShowChannel"])) for each in (first, second)] == [
        ("a", True, 2), ("b", True, 3),
    ]  # fmt: skip
    assert {channel["Channel"] for channel in first["CoreShowChannel"]} == {"of a"}


def test_defect_17_an_answer_that_comes_at_once_is_not_missed(talk):
    """All of it is there before anybody could have done anything after sending."""
    talk.aggregate("a")
    outputs = talk.say_bytes(
        b"Response: Success\r\nActionID: a\r\nEventList: start\r\n\r\n"
        b"Event: CoreShowChannel\r\nActionID: a\r\n\r\n"
        b"Event: CoreShowChannelsComplete\r\nActionID: a\r\nEventList: Complete\r\nListItems: 1\r\n\r\n"
    )
    assert isinstance(outputs[-1], core_events.CoreShowChannels_Aggregate)
    assert outputs[-1].valid


def test_defect_18_every_aggregate_that_takes_too_long_is_given_up(talk):
    for action_id in "abcd":
        talk.aggregate(action_id)
        talk.start(action_id)
    talk.item("a")  # the link is not idle
    notices = talk.wait(5.1)
    assert [type(each) for each in notices] == [Notice] * 4
    for action_id, notice in zip("abcd", notices, strict=True):
        assert isinstance(notice, Notice)
        assert f"CoreShowChannels_Aggregate, ActionID {action_id}" in notice.text


def test_defect_18_an_aggregate_is_given_up_on_a_busy_link_too(talk):
    talk.aggregate("a")
    talk.start("a")
    given_up = []
    for _ in range(60):
        talk.now += 0.1
        outputs = talk.say("Event: Hangup")
        talk.session.handle_timer(talk.now)
        given_up += [each for each in [*outputs, *talk.session.take_outputs()] if isinstance(each, Notice)]
    assert len(given_up) == 1


# Parsing


def test_defect_19_a_header_that_repeats_loses_nothing():
    variables = event("Event: X", "ChanVariable: a=1", "ChanVariable: b=2", "Variable: c", "Variable: d")
    assert variables.get_all("Variable") == ["c", "d"]
    assert [key for key, _ in variables.pairs].count("ChanVariable") == 2


def test_defect_19_the_output_of_a_command_is_whole():
    answer = message(
        b"Response: Success\r\nMessage: Command output follows\r\nOutput: one\r\nOutput: \r\nOutput: a: b\r\n\r\n"
    )
    assert core.Command("x").process_response(answer).data == ["one", "", "a: b"]


def test_defect_19_the_variables_of_a_channel_are_a_mapping():
    newchannel = event("Event: Newchannel", "ChanVariable: a=1", "ChanVariable: b=x=y")
    assert isinstance(newchannel, core_events.Newchannel)
    assert newchannel.variables == {"a": "1", "b": "x=y"}


@pytest.mark.parametrize("last", [b"two: 2", b"two: 2\n", b""])
def test_defect_20_the_end_of_an_output_may_stand_on_its_last_line(talk, last):
    pending = talk.send(core.Command("x"), "a")
    start = b"Response: Follows\r\nPrivilege: Command\r\nActionID: a\r\n"
    talk.say_bytes(start + b"one\n" + last + b"--END COMMAND--\r\n\r\n")
    assert pending.done
    answer = pending.result()
    assert answer is not None
    assert answer.success
    assert answer.result.data == (["one", "two: 2"] if last else ["one"])


def test_defect_21_a_message_keeps_its_lines_its_blanks_and_finds_keys_in_any_case():
    lines = ["Event: X\r\n", "Text:  a b \r\n", "no header\r\n", "\r\n"]
    each = ami.ami._Message(list(lines))
    assert each.raw == lines
    assert each["Text"] == " a b "
    assert each["text"] == each.get("TEXT") == " a b "
    assert "tExT" in each


@pytest.mark.parametrize("name", ["re", "generic_transforms", "Event", "Aggregate", "Message", "__name__", "catalogue"])
def test_defect_22_an_event_may_have_any_name(name):
    assert type(event(f"Event: {name}")) is Event


def test_defect_22_the_registry_holds_events_alone():
    event_class("no such event")
    assert all(isinstance(kind, type) and issubclass(kind, Event) for kind in ami.ami._EVENT_REGISTRY.values())
    assert all(isinstance(name, str) and name for name in ami.ami._EVENT_REGISTRY)


# Conversions


@pytest.mark.parametrize(("name", "header"), [("RTCPReceived", "From"), ("RTCPSent", "To")])
def test_defect_23_reports_of_rtcp_are_converted(name, header):
    headers, _ = event(f"Event: {name}", f"{header}: 192.0.2.1:5061", "DLSR: 1.5(sec)").process()
    assert headers["DLSR"] == 1.5
    assert headers[header] == ("192.0.2.1", 5061)
    assert "Result" not in headers


@pytest.mark.parametrize("key", ["ServicelevelPerf", "ServiceLevelPerf"])
def test_defect_24_the_service_level_of_a_queue_is_a_number(key):
    headers, _ = event("Event: QueueParams", f"{key}: 87.5").process()
    assert headers[key] == 87.5
    assert "ServiceLevelPref" not in headers
    assert [each for each in headers if each.lower() == "servicelevelperf"] == [key]


def test_defect_25_the_port_of_a_peer_is_a_number():
    headers, _ = event("Event: PeerEntry", "IPport: 5060").process()
    assert headers["IPport"] == 5060
    assert "IPPort" not in headers


def test_defect_25_a_peer_that_lags_is_told_from_one_that_is_gone():
    lagged, gone = (
        event("Event: PeerEntry", "Status: LAGGED (2500 ms)"),
        event("Event: PeerEntry", "Status: UNREACHABLE"),
    )
    assert lagged.process()[0]["Status"] == gone.process()[0]["Status"] == -1
    values = [{getattr(each, name) for name in declared(type(each)) if name not in ("status", "variables")}
              for each in (lagged, gone)]  # fmt: skip
    assert 2500 in values[0]
    assert 2500 not in values[1]


def test_defect_26_the_start_of_an_agi_command_has_no_result():
    headers, _ = event("Event: AGIExec", "SubEvent: Start", "Command: EXEC Wait 1").process()
    assert headers == {"Event": "AGIExec", "SubEvent": "Start", "Command": "EXEC Wait 1"}


def test_defect_26_the_attributes_of_absent_headers_are_none():
    hangup = event("Event: Hangup")
    params = event("Event: QueueParams")
    assert isinstance(hangup, core_events.Hangup)
    assert isinstance(params, core_events.QueueParams)
    assert (hangup.cause, hangup.channel, params.max, params.weight) == (None, None, None, None)


def test_defect_27_times_states_and_causes_mean_something():
    hangup = event("Event: Hangup", "Cause: 17", "ChannelState: 6", "Timestamp: 1722850000.5")
    assert isinstance(hangup, core_events.Hangup)
    assert hangup.cause is not None
    assert hangup.channel_state is not None
    assert (hangup.cause.name, hangup.channel_state.name) == ("USER_BUSY", "UP")  # type: ignore[union-attr]
    assert hangup.timestamp == datetime(2024, 8, 5, 9, 26, 40, 500_000, tzinfo=UTC)
    assert hangup.process()[0]["Cause"] == 17


# Asterisk today


def test_defect_28_a_ping_has_a_time_and_a_mask_and_a_logoff_succeed():
    with Server() as server, ami.Manager() as manager:
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        ping = manager.send_action(core.Ping())
        assert ping is not None
        assert ping.success
        assert float(ping.result["RTT"]) > 0
        for mask in ("on", "off", ["call", "system"]):
            events = manager.send_action(core.Events(mask))
            assert events is not None
            assert events.success
        logoff = manager.send_action(core.Logoff())
        assert logoff is not None
        assert logoff.success


def families() -> Iterator[Any]:
    for path in sorted(Path(ami.__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            yield import_module(f"ami.{path.stem}")


def actions() -> dict[str, type[Action]]:
    """Every declared action, by its name on the wire."""
    return {
        each._action: each
        for family in families()
        for each in vars(family).values()
        if isinstance(each, type)
        and issubclass(each, Action)
        and each is not Action
        and not each.__name__.startswith("_")
    }


GONE = [
    "Monitor", "ChangeMonitor", "PauseMonitor", "UnpauseMonitor", "StopMonitor", "SetCDRUserField", "SIPpeers",
    "SIPshowpeer", "SIPqualify", "SIPnotify", "SIPshowregistry",
]  # fmt: skip


@pytest.mark.parametrize("name", GONE)
def test_defect_29_actions_that_later_versions_do_not_have_are_still_there(name):
    assert getattr(core, name).__doc__


CURRENT = [
    "AgentLogoff", "Agents", "Atxfer", "BlindTransfer", "BridgeDestroy", "BridgeInfo", "BridgeKick", "BridgeList",
    "CancelAtxfer", "ConfbridgeSetSingleVideoSrc", "CoreSettings", "CoreStatus", "DBGetTree", "DeviceStateList",
    "DialplanExtensionAdd", "ExtensionStateList", "Filter", "LoggerRotate", "MessageSend", "MixMonitor", "ModuleLoad",
    "Parkinglots", "PJSIPShowContacts", "PJSIPShowEndpoint", "PJSIPShowEndpoints", "PresenceState",
    "PresenceStateList", "QueueMemberRingInUse", "QueueRule", "SendFlash", "ShowDialPlan", "SorceryMemoryCacheStale",
    "StopMixMonitor", "WaitEvent",
]  # fmt: skip


@pytest.mark.parametrize("name", CURRENT)
def test_defect_29_actions_of_current_versions_are_there(name):
    assert name in actions()


def test_defect_29_there_are_as_many_actions_as_asterisk_documents():
    assert len(actions()) >= 150


NEW = [
    "DTMFBegin", "DTMFEnd", "QueueMemberPause", "AsyncAGIStart", "AsyncAGIExec", "AsyncAGIEnd",
    "AGIExecStart", "AGIExecEnd",
    "BridgeCreate", "BridgeEnter", "BridgeLeave", "BridgeDestroy", "BridgeMerge", "DialBegin", "DialEnd", "DialState",
    "DeviceStateChange", "PresenceStateChange", "ExtensionStatus", "EndpointList", "ContactStatus", "PeerStatus",
    "FailedACL", "InvalidPassword", "InvalidAccountID", "ChallengeSent", "SuccessfulAuth",
    "NewCallerid", "NewConnectedLine",
    "Hold", "Unhold", "Pickup", "Rename", "BlindTransfer", "AttendedTransfer", "CEL", "Cdr",
    "LocalBridge", "MusicOnHoldStart",
    "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "AgentCalled", "AgentConnect", "AgentComplete",
    "AgentRingNoAnswer", "OriginateResponse", "MessageWaiting", "Registry", "ChanSpyStart", "ConfbridgeMute",
]  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_defect_30_events_of_current_versions_are_declared(name):
    assert event_class(name) is not Event
    assert type(event(f"Event: {name}")) is event_class(name)


def test_defect_30_there_are_as_many_events_as_asterisk_documents():
    event_class("no such event")
    assert len([kind for kind in catalogue._EVENTS.values() if kind.__module__.startswith("ami.")]) >= 178


def test_defect_31_a_warning_that_repeats_is_logged_each_time(caplog):
    """And by a method that is not deprecated, or this would be an error here."""
    caplog.set_level(logging.WARNING)
    with Server() as server, ami.Manager() as manager:
        server.on("Ping").reply()
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        marked: SimpleQueue[Event] = SimpleQueue()
        manager.register_callback("Marker", lambda event, manager: marked.put(event))
        for _ in range(3):
            ping = core.Ping()
            ping.timeout = 0.01
            assert manager.send_action(ping, "same") is None
        server.emit(sent("Marker"))
        marked.get(timeout=5)
    texts = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert texts == ["timed out waiting for the response to Ping, ActionID same"] * 3
