"""Every action that a real Asterisk has is sent, and all that comes back is understood."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import ami
from ami import system
from ami.catalogue import Aggregate

from .. import understood
from . import everything
from .everything import Answer, Run

DATA = Path(__file__).parents[1] / "data"
VERSIONS = ("16", "22")

# Modules that the catalogues do not name as Asterisk does, and actions that no module has.
MODULES = {"parking_manager": "res_parking"}
ONLY_DOCUMENTED = {"FilterList"}

# What the calls of the run bring about on every version, and a server that is at work tells to everybody.
HEARD = {
    "AgentCalled", "AgentComplete", "AgentConnect", "AgentRingNoAnswer", "AsyncAGIEnd", "AsyncAGIExec", "AsyncAGIStart",
    "AttendedTransfer", "BlindTransfer", "BridgeCreate", "BridgeDestroy", "BridgeEnter", "BridgeLeave", "BridgeMerge",
    "ChanSpyStart", "ChannelTalkingStart", "ConfbridgeEnd", "ConfbridgeJoin", "ConfbridgeMute", "ConfbridgeRecord",
    "ConfbridgeTalking", "DTMFEnd", "DeviceStateChange", "DialBegin", "DialEnd", "ExtensionStatus", "Hangup",
    "HangupHandlerRun", "HangupRequest", "InvalidPassword", "LocalBridge", "LocalOptimizationEnd", "MixMonitorStart",
    "MixMonitorStop", "NewAccountCode", "NewCallerid", "NewConnectedLine", "Newchannel", "Newexten", "Newstate",
    "OriginateResponse", "ParkedCall", "ParkedCallGiveUp", "ParkedCallTimeOut", "Pickup", "PresenceStateChange",
    "QueueCallerAbandon", "QueueCallerJoin", "QueueCallerLeave", "QueueMemberAdded", "QueueMemberPause",
    "QueueMemberRemoved", "SoftHangupRequest", "SuccessfulAuth", "UnParkedCall", "UserEvent", "VarSet",
}  # fmt: skip


@pytest.fixture(scope="module")
def run(address, user) -> Run:
    return everything.run(address, user)


@pytest.fixture(scope="module")
def answers(run) -> list[Answer]:
    """What came of each action that the server has, as often as it was sent."""
    return [answer for name, all_of_them in run.answers.items() if name in run.served for answer in all_of_them]


def told(gaps: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {what}" for name, what in sorted(gaps.items()))


# Actions


def test_every_action_that_the_server_has_was_sent(run):
    assert len(run.served) > 100
    assert run.served - set(run.answers) - set(everything.NOT_SENT) == set()


def test_the_server_has_the_actions_of_its_version(run, manager):
    """What it lacks is of a module that is not loaded."""
    version = run.version.partition(".")[0]
    if version not in VERSIONS:
        pytest.skip(f"there is no catalogue of Asterisk {version}")
    catalogue = yaml.safe_load((DATA / f"catalogue-{version}.yaml").read_text())["actions"]
    assert run.served - set(catalogue) == set()
    loaded = {}
    for name in set(catalogue) - run.served - ONLY_DOCUMENTED:
        modules = catalogue[name]["module"]
        for module in [modules] if isinstance(modules, str) else modules:
            if manager.send_action(system.ModuleCheck(MODULES.get(module, module))).success:
                loaded[name] = module
    assert loaded == {}


def test_an_action_that_the_server_does_not_have_is_refused(run):
    others = {name: answers for name, answers in run.answers.items() if name not in run.served}
    assert all("Invalid/unknown command" in str(answer) for answers in others.values() for answer in answers)


def test_every_action_is_answered(answers):
    for answer in answers:
        name = answer.request["Action"]
        if name in everything.WITHOUT_RESPONSE:
            assert answer.response is None
        elif not answer.error:
            assert answer.response is not None, name
            assert answer.response.response["Response"] in ("Success", "Error", "Goodbye"), name


def test_an_action_is_refused_by_an_exception_only_at_a_login(answers):
    assert {answer.request["Action"]: answer.error for answer in answers if answer.error} == {
        "Login": "Authentication failed"
    }


def test_what_follows_an_action_comes_in_time(answers):
    late = [answer for answer in answers if answer.response is not None and answer.response.events_timeout]
    assert late == []


def test_no_response_is_orphaned(run):
    second = {
        answer.response.action_id
        for name in everything.WITH_SECOND_RESPONSE
        for answer in run.answers[name]
        if answer.response is not None
    }
    assert [orphan for orphan in run.orphans if orphan.action_id not in second] == []


# Lists


def lists(answers: list[Answer]) -> list[tuple[ami.Request, ami.Response]]:
    """The lists that came, each with its request."""
    return [
        (answer.request, answer.response)
        for answer in answers
        if answer.request["Action"] not in everything.RUN_TOGETHER
        and answer.response is not None
        and answer.response.response.get("EventList", "").lower() == "start"
    ]


def test_every_list_has_the_declared_events_and_ends_with_the_declared_one(answers):
    gaps = {}
    for request, response in lists(answers):
        _, members, finalisers = request.get_synchronous_classes()
        events = response.events
        came = {name for name, found in (events or {}).items() if isinstance(name, str) and found}
        declared = {each.wire_name for each in (*members, *finalisers)}
        if events is None or came - declared or not any(events[each] for each in finalisers):
            gaps[request["Action"]] = f"{sorted(came)} came, {sorted(declared)} are declared"
    assert len(lists(answers)) > 30
    assert not gaps, told(gaps)


def test_every_list_is_as_long_as_the_server_counted(answers):
    gaps = {}
    for request, response in lists(answers):
        for aggregate in request.get_aggregate_classes():
            end = response.events[aggregate._aggregation_finalisers[0]]
            items = sum(len(response.events[member]) for member in aggregate._aggregation_members)
            count = aggregate._count_header and end.get(aggregate._count_header)
            if count and int(count) != items:
                gaps[request["Action"]] = f"{items} items, {aggregate._count_header}: {count}"
    assert not gaps, told(gaps)


def test_every_list_comes_as_an_aggregate_too(answers, manager, ears):
    gaps = {}
    for request in {request["Action"]: request for request, _ in lists(answers)}.values():
        request.synchronous, request.aggregate = False, True
        response = manager.send_action(request)
        if not response.success:
            continue  # there is nothing left to list
        aggregate = ears.wait_until(
            lambda event, wanted=response.action_id: isinstance(event, Aggregate) and event.action_id == wanted
        )
        if not aggregate.valid:
            gaps[request["Action"]] = aggregate.error_message
    assert not gaps, told(gaps)


# Events


def test_what_the_calls_bring_about_was_heard(run):
    assert HEARD - {event.name for event in run.heard} == set()


def test_every_event_and_every_header_is_declared(run):
    gaps: dict[str, set[str]] = {}
    for event in run.events:
        if missing := understood.undeclared(event):
            gaps.setdefault(event.name, set()).update(missing)
    assert not gaps, told(gaps)


def test_every_header_is_of_its_declared_type(run):
    gaps: dict[str, set[str]] = {}
    for event in run.events:
        for attribute, text in understood.of_another_type(event):
            gaps.setdefault(f"{type(event).__name__}.{attribute}", set()).add(text)
    assert not gaps, told(gaps)


def test_the_secret_is_shown_nowhere(run, user):
    shown = [each for each in (*run.events, *run.answers.items(), *run.orphans) if user[1] in repr(each)]
    assert shown == []
