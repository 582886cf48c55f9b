"""The strategies: what they promise of what they make, and what it shrinks to."""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import find as find_any
from hypothesis import strategies as st

import amisim
from ami import core, core_events
from ami.catalogue import Event, event_classes, event_name, parse
from ami.headers import Header, Numbered, Part, Variables, declared
from ami.message import Message
from ami.request import Request
from amisim import faults, strategies
from amisim.action import read_action
from amisim.faults import FaultError, FaultPlan
from amisim.script import Script
from amisim.steps import Step, render
from amisim.strategies.catalogued import _events_of

DATA = Path(__file__).parents[1] / "data"
KINDS = [kind for kind in event_classes() if kind.__module__.startswith("ami.")]


SEARCH = settings(
    max_examples=2000, database=None, derandomize=True, phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def find(strategy: st.SearchStrategy[Any], condition: Any = lambda each: True) -> Any:
    """The simplest that there is of what meets a condition."""
    return find_any(strategy, condition, settings=SEARCH)


def test_without_hypothesis_the_error_says_how_to_get_it(monkeypatch):
    for name in list(sys.modules):
        if name.startswith("amisim.strategies"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'amikit\[pytest\]'"):
        import amisim.strategies  # noqa: F401


# Messages


@given(strategies.headers())
def test_headers_are_read_by_both_sides_as_they_were_written(headers):
    said = render([("Event", "X"), *headers]).data
    assert parse(said).pairs == [("Event", "X"), *headers]
    assert read_action(said).headers == (("Event", "X"), *headers)


@given(strategies.header_names())
def test_a_name_says_nothing_of_the_message(name):
    assert name.lower() not in ("event", "response", "action", "actionid")


def test_the_simplest_header_value_is_empty():
    assert find(strategies.header_values()) == ""


@given(strategies.responses(), strategies.events())
def test_a_response_is_a_message_and_an_event_is_an_event(response, event):
    assert type(response) is Message
    assert response.frame.startswith(b"Response: ")
    assert isinstance(event, Event)
    assert parse(event.frame) == event


def test_messages_are_responses_and_events():
    assert isinstance(find(strategies.messages(), lambda each: isinstance(each, Event)), Event)
    assert find(strategies.messages()).frame == b"Response: Success\r\n\r\n"


@given(strategies.actions())
def test_an_action_can_be_sent(action):
    assert isinstance(action, Request)
    assert 0 <= action.timeout <= 10
    text, action_id = action.build_request(None, lambda: "7")
    assert read_action(text.encode()).name == action["Action"]
    assert action_id == "7"


def test_actions_are_asked_for_in_every_way():
    assert find(strategies.actions(), lambda each: each.synchronous) == core.Ping()
    assert find(strategies.actions(), lambda each: each.aggregate).aggregate
    assert find(strategies.actions(), lambda each: each.timeout == 0)
    assert find(strategies.actions(), lambda each: each["Action"] == "QueueStatus") == core.QueueStatus("support")


@given(strategies.action_frames())
def test_a_frame_of_an_action_is_one(frame):
    action = read_action(frame)
    assert action.name
    assert action.action_id
    assert not action.problem


# Events of the catalogue


def missing_values(source: Any, kind: type) -> list[str]:
    """The typed headers of an event, and of its parts, that have no value."""
    missing = []
    for attribute, header in declared(kind).items():
        value = getattr(source, attribute)
        if isinstance(header, Part):
            missing += [f"{attribute}.{each}" for each in missing_values(value, header.view)]
        elif isinstance(header, Header) and value is None:
            missing.append(attribute)
        elif isinstance(header, Numbered | Variables):
            missing += [attribute] if None in value else []
    return missing


@pytest.mark.parametrize("kind", KINDS, ids=event_name)
def test_every_typed_header_of_a_declared_event_has_a_value(kind):
    @settings(max_examples=2, phases=[Phase.generate], database=None)
    @given(strategies.catalogue_events(kind))
    def check(event: Event) -> None:
        assert type(event) is kind
        assert {each.partition(".")[0] for each in missing_values(event, kind)} <= set(declared(Event))

    check()


@pytest.mark.parametrize("version", ["16", "22"])
def test_the_events_of_a_version_are_those_of_the_real_one(version):
    real = set(yaml.safe_load((DATA / f"catalogue-{version}.yaml").read_text())["events"])
    assert {event_name(kind) for kind in _events_of(version)} == real


def test_a_version_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="no events of Asterisk '13' are known; 16, 18, 20, 22 are"):
        strategies.catalogue_events(version="13")


def test_what_is_no_declared_event_is_refused():
    with pytest.raises(ValueError, match="is not an event: give"):
        strategies.catalogue_events(core.Hangup)


def test_an_event_of_a_program_can_be_asked_for():
    class DoorOpened(Event):
        """A door was opened."""

        level = core_events.Hangup.cause

    assert isinstance(find(strategies.catalogue_events(DoorOpened)), DoorOpened)


# Calls


@given(strategies.event_streams())
def test_a_stream_is_calls_from_their_beginning_to_their_end(events):
    channels = defaultdict[str, list[Event]](list)
    for event in events:
        channels[event["Uniqueid"]].append(event)
    for of_one in channels.values():
        names = [each.name for each in of_one]
        assert names[0] == "Newchannel"
        assert names[-1] == "Hangup"
        assert names.count("Newchannel") == names.count("Hangup") == 1
        assert {each["Channel"] for each in of_one} == {of_one[0]["Channel"]}
    for bridge in {event["BridgeUniqueid"] for event in events if event.name == "BridgeEnter"}:
        counts = [event["BridgeNumChannels"] for event in events if event.get("BridgeUniqueid") == bridge]
        assert counts == ["1", "2", "1", "0"]


def test_the_simplest_stream_is_empty_and_calls_can_be_mixed():
    assert find(strategies.event_streams()) == []
    mixed = find(
        strategies.event_streams(),
        lambda events: [each["Linkedid"] for each in events] != sorted(each["Linkedid"] for each in events),
    )
    assert len({each["Linkedid"] for each in mixed}) == 2


# Bytes


@given(st.data(), st.binary(max_size=60) | strategies.garbage())
def test_chunks_make_up_the_bytes_and_none_is_empty(data, whole):
    chunks = data.draw(strategies.chunkings(whole))
    assert b"".join(chunks) == whole
    assert b"" not in chunks


def test_bytes_can_be_cut_anywhere_and_shrink_to_one_chunk():
    frame = b"Event: A\r\n\r\n"
    assert find(strategies.chunkings(frame)) == [frame]
    assert find(strategies.chunkings(b"")) == []
    assert find(strategies.chunkings(b"x")) == [b"x"]
    assert find(strategies.chunkings(frame), lambda chunks: chunks[0].endswith(b"\r")) == [b"Event: A\r", b"\n\r\n"]
    assert len(find(strategies.chunkings(frame), lambda chunks: len(chunks) == len(frame))) == len(frame)


@pytest.mark.parametrize(
    ("what", "is_seen"),
    {
        "no end": lambda frame: not frame.endswith(b"\n\r\n"),
        "lone LF": lambda frame: b"\n" in frame and b"\r" not in frame,
        "empty lines": lambda frame: frame.endswith(b"\r\n\r\n\r\n"),
        "cut short": lambda frame: b"\n" not in frame,
        "interleaved": lambda frame: frame.count(b"Response: ") == 2,
        "no UTF-8": lambda frame: b"\xff\xfe" in frame,
        "NUL": lambda frame: b"\0" in frame,
        "a long line": lambda frame: max(map(len, frame.split(b"\r\n"))) > 1022,
        "many headers": lambda frame: frame.count(b"\r\n") > 129,
        "no colon": lambda frame: any(line and b":" not in line for line in frame.split(b"\r\n")),
        "renamed": lambda frame: b"X-Response" in frame,
        "junk": lambda frame: frame.startswith(b"\x16\x03"),
    }.items(),
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_malformed_frame_can_be_each_kind(what, is_seen):
    assert is_seen(find(strategies.malformed_frames(), is_seen))


def test_the_frames_that_are_spoilt_can_be_given():
    assert (
        find(strategies.malformed_frames(st.just(b"A: b\r\n\r\n")), lambda frame: b"b\0" in frame) == b"A: b\0\r\n\r\n"
    )
    action = find(strategies.garbage(strategies.action_frames()), lambda data: data.startswith(b"Action: QueueStatus"))
    assert read_action(action).name == "QueueStatus"


def test_the_simplest_garbage_is_nothing():
    assert find(strategies.garbage()) == b""


# Faults


@given(strategies.fault_plans())
def test_a_plan_is_texts_of_faults(plan):
    assert [str(faults.parse(each)) for each in plan] == plan
    FaultPlan(plan)


def test_every_fault_is_made():
    made = set()

    @settings(max_examples=1000, phases=[Phase.generate], database=None, derandomize=True)
    @given(strategies.faults())
    def collect(fault: str) -> None:
        made.add(faults.parse(fault).kind.name)

    collect()
    assert made == set(faults.KINDS)


@given(strategies.faults("clocks", "drop"))
def test_faults_can_be_chosen_by_name_and_layer(fault):
    assert faults.parse(fault).kind.name in ("clock", "drop")


@given(strategies.fault_plans("transport", max_size=1))
def test_the_faults_of_plans_can_be_chosen_too(plan):
    assert len(plan) <= 1
    assert {faults.parse(each).kind.layer for each in plan} <= {"transport"}


@pytest.mark.parametrize(
    ("name", "right"),
    [("dorp", "did you mean 'drop'?"), ("nonsense", "the layers are transport, framing, meaning, clocks")],
)
def test_a_fault_that_does_not_exist_is_refused(name, right):
    with pytest.raises(FaultError) as caught:
        strategies.fault_plans("delay", name)
    assert str(caught.value) == f"{name!r} is no fault and no layer of faults; {right}"


def test_a_plan_shrinks_to_the_one_fault_that_matters_without_all_that_does_not():
    assert find(strategies.fault_plans()) == []
    assert find(strategies.fault_plans(), lambda plan: any("reorder " in each for each in plan)) == ["reorder event"]


# Sessions


@given(strategies.sessions())
def test_a_session_can_be_played(session):
    for asked in session.clients:
        assert [each.at for each in asked] == sorted(each.at for each in asked)
    assert [told.at for told in session.events] == sorted(told.at for told in session.events)
    assert all(isinstance(told.event, Event) for told in session.events)
    script = Script()
    for name, steps in session.answers.items():
        script.on(name).reply(*steps)
    amisim.Server(version=session.version, faults=session.faults, seed=session.seed)


@given(strategies.replies())
def test_a_reply_is_steps(steps):
    assert all(isinstance(each, Step) for each in steps)


def test_a_session_shrinks_to_nothing():
    assert find(strategies.sessions()) == strategies.Session("22", {}, (), (), (), 0)


def test_a_session_shrinks_to_what_matters():
    session = find(strategies.sessions(), lambda each: any(map(len, each.clients)))
    assert session == strategies.Session("22", {}, (((0.0, core.Ping()),),), (), (), 0)
    session = find(strategies.sessions(), lambda each: each.events and any("reorder " in text for text in each.faults))
    assert (session.answers, session.clients, session.faults) == ({}, (), ("reorder event",))
    assert [told.at for told in session.events] == [0.0]
