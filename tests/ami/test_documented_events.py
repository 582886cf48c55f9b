"""The documented events, as `tests/data/documented_events.txt` has them, and the documented aggregates."""

import ast
import copy
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import ami.ami
from ami import catalogue
from ami.catalogue import Aggregate, Event, event_class, parse

TABLE = Path(__file__).parents[1] / "data" / "documented_events.txt"
COUNTS = {"core_events": 43, "dahdi_events": 2, "app_confbridge_events": 9, "app_meetme_events": 6}
OTHER = "what is no value of this header"


class Entry(NamedTuple):
    """An event: its module, its name, and the lines below."""

    module: str
    name: str
    lines: list[str]


def read() -> Iterator[Entry]:
    for block in TABLE.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if lines:
            module, _, name = lines[0].partition(".")
            yield Entry(module, name, [line.strip() for line in lines[1:]])


ENTRIES = list(read())
KINDS = ("int ", "float ", "yes ", "time ", "pair ")


def is_kind(line: str) -> bool:
    return line.startswith(KINDS) and " of " in line


class Row(NamedTuple):
    """A header of an event, its text or None, and what process() gives; OTHER where that has no such key."""

    event: str
    key: str
    text: str | None
    value: Any


def values(kind: str) -> dict[str | None, Any]:
    """Texts of a kind of header, None for a missing one, and what process() makes of them."""
    name, _, rest = kind.partition(" ")
    word, _, condition = rest.partition(" ")
    found: dict[str | None, Any]
    if name == "yes":
        other = word.swapcase() if word.isalpha() else "2"
        return {word: True, "No": False, other: False, f" {word}": False, "": False, None: False}
    if name == "pair":
        wrong = dict.fromkeys(("192.0.2.1", "192.0.2.1:", "192.0.2.1:x", "", None), None)
        return {"192.0.2.1:5061": ("192.0.2.1", 5061), "host:0": ("host", 0), **wrong}
    default = ast.literal_eval(word)
    wrong = dict.fromkeys(("", "x", "7x", "--1", "9" * 5000, None), default)
    if name == "int":
        found = {"7": 7, "-3": -3, "0": 0, "007": 7, "7.5": default, **wrong}
    elif name == "float":
        found = {"7": 7.0, "0.25": 0.25, "-1.5": -1.5, **{text: wrong[text] for text in ("", "x", "--1", None)}}
    else:
        found = {"00:00:00": 0, "100:00:01": 360_001, "02:03": default, "1:2:3:4": default, "a:b:c": default, **wrong}
    if condition == "if there":
        found[None] = OTHER
    return found


def rows(entry: Entry) -> list[Row]:
    found = []
    for line in filter(is_kind, entry.lines):
        kind, _, keys = line.partition(" of ")
        for key in keys.split(", "):
            found += [Row(entry.name, key, text, value) for text, value in values(kind).items()]
    return found


def declared(entry: Entry) -> type[Event]:
    kind = getattr(import_module(f"ami.{entry.module}"), entry.name)
    assert isinstance(kind, type)
    assert issubclass(kind, Event)
    return kind


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def event(*lines: str) -> Event:
    parsed = parse(frame(*lines))
    assert isinstance(parsed, Event)
    return parsed


def example(entry: Entry) -> tuple[Event, dict[str, Any]]:
    """The event of an entry, and what process() gives for it."""
    lines, processed = [f"Event: {entry.name}"], {"Event": entry.name}
    for line in entry.lines:
        if is_kind(line):
            continue
        header, _, value = line.partition(" -> ")
        key, colon, text = header.partition(": ")
        if colon:
            lines.append(header)
        processed[key] = ast.literal_eval(value) if value else text
    return event(*lines), processed


# The table


@pytest.mark.parametrize("module", COUNTS)
def test_the_table_has_every_event(module):
    names = [entry.name for entry in ENTRIES if entry.module == module]
    assert len(names) == len(set(names)) == COUNTS[module]


# The events


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_event_arrives_as_its_documented_class(entry):
    assert type(event(f"Event: {entry.name}")) is declared(entry)
    assert event_class(entry.name) is declared(entry)
    assert declared(entry).wire_name == entry.name


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_the_documented_registry_has_every_event(entry):
    assert ami.ami._EVENT_REGISTRY[entry.name] is declared(entry)
    assert ami.ami._EVENT_REGISTRY_REV[declared(entry)] == entry.name


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_process_gives_what_is_documented(entry):
    each, expected = example(entry)
    before = dict(each)
    headers, data = each.process()
    assert headers == expected
    assert {key: type(value) for key, value in headers.items()} == {key: type(value) for key, value in expected.items()}
    assert data == []
    assert type(headers) is dict
    assert dict(each) == before
    assert all(isinstance(value, str) for value in before.values())


def is_as_documented(row: Row) -> bool:
    each = event(f"Event: {row.event}", *([] if row.text is None else [f"{row.key}: {row.text}"]))
    value = each.process()[0].get(row.key, OTHER)
    return value == row.value and type(value) is type(row.value) and each.get(row.key) == row.text


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if rows(entry)], ids=lambda entry: entry.name)
def test_process_gives_what_is_documented_for_text_that_is_wrong_or_missing(entry):
    assert [row for row in rows(entry) if not is_as_documented(row)] == []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_process_leaves_all_other_headers_as_they_are(entry):
    each = event(f"Event: {entry.name}", "Unknown: 1", "Unknown: 2", "no header")
    headers, data = each.process()
    assert headers["Unknown"] == "1"
    assert headers["Event"] == entry.name
    assert data == ["no header"]
    data.clear()
    assert each.data == ["no header"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_process_adds_only_what_is_documented(entry):
    _, expected = example(entry)
    optional = {key for line in entry.lines if " if there of " in line for key in line.partition(" of ")[2].split(", ")}
    converted = {line.partition(" -> ")[0].partition(":")[0] for line in entry.lines if " -> " in line} - optional
    alone = event(f"Event: {entry.name}").process()[0]
    allowed = {"Event", *converted}
    assert set(alone) <= allowed
    if entry.name not in ("AGIExec", "OriginateResponse"):
        assert set(alone) == allowed
    assert set(alone) <= set(expected)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_event_is_a_dict(entry):
    each, _ = example(entry)
    headers = dict(each.items())
    assert headers == json.loads(json.dumps(each)) == copy.copy(each) == each
    assert repr(each).startswith(f"<{declared(entry).__name__} ")
    assert each == entry.name


# Events with a rule of their own


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [("Result: Success", "Result", True), ("Result: Failure", "Result", False), ("Result: ", "Result", False),
     ("ResultCode: -1", "ResultCode", -1), ("ResultCode: x", "ResultCode", -1), ("ResultCode: ", "ResultCode", -1)],
)  # fmt: skip
def test_the_end_of_an_agi_command_has_a_result(line, key, value):
    processed = event("Event: AGIExec", "SubEvent: End", line).process()[0][key]
    assert processed == value
    assert type(processed) is type(value)


@pytest.mark.parametrize(
    ("lines", "received"), [(["Direction: Received"], True), (["Direction: Sent"], False), ([""], False), ([], False)]
)
def test_a_digit_was_received_or_sent(lines, received):
    assert event("Event: DTMF", *filter(None, lines)).process()[0]["Received"] is received


REASONS = {
    0: "BAD_NUMBER", 1: "REJECTED", 2: "RINGING", 3: "RINGING", 4: "ANSWERED", 5: "BUSY", 8: "CONGESTION",
    30: "INCOMPLETE",
}  # fmt: skip


@pytest.mark.parametrize(("reason", "result"), REASONS.items())
def test_a_known_reason_of_an_originate_adds_a_result(reason, result):
    headers, _ = event("Event: OriginateResponse", f"Reason: {reason}").process()
    assert (headers["Reason"], headers["Result"]) == (reason, result)


@pytest.mark.parametrize("lines", [["Reason: 99"], ["Reason: -1"], ["Reason: x"], ["Reason: "], []])
def test_an_unknown_reason_of_an_originate_adds_no_result(lines):
    assert "Result" not in event("Event: OriginateResponse", *lines).process()[0]


@pytest.mark.parametrize(
    ("lines", "value"),
    [(["Status: Unmonitored"], -2), (["Status: OK (1 ms)"], 1), (["Status: OK (x ms)"], -1),
     (["Status: UNKNOWN"], -1), (["Status: UNREACHABLE"], -1), (["Status: LAGGED (2500 ms)"], -1),
     (["Status: "], -1), (["Status: OK"], -1), ([], -1)],
)  # fmt: skip
def test_the_status_of_a_peer_is_its_delay(lines, value):
    processed = event("Event: PeerEntry", *lines).process()[0]["Status"]
    assert processed == value
    assert type(processed) is int


@pytest.mark.parametrize(
    ("lines", "value"),
    [(["Talking: Yes"], True), (["Talking: No"], False), (["Talking: Not monitored"], None), (["Talking: "], None),
     ([], None)],
)  # fmt: skip
def test_it_may_be_unknown_whether_somebody_talks(lines, value):
    assert event("Event: MeetmeList", *lines).process()[0]["Talking"] is value


# Any declared event


def test_every_declared_event_works_as_a_dict():
    event_class("no such event")  # has all families loaded
    kinds = {name: kind for name, kind in catalogue._EVENTS.items() if kind.__module__.startswith("ami.")}
    assert len(kinds) >= 60
    for name, kind in kinds.items():
        headers = {"Event": name, **{header.name: "1" for header in kind._headers}}
        each = kind(frame(*(f"{key}: {value}" for key, value in headers.items())))
        assert dict(each.items()) == json.loads(json.dumps(each)) == copy.copy(each) == headers, name
        assert repr(each).startswith(f"<{kind.__name__} ")


@pytest.mark.parametrize("text", ["", "x", "-", "9" * 5000, "1e999", "nan", ":", "::", "(", "OK (", "\udcff", "\u0663"])
def test_no_text_of_any_header_is_an_error(text):
    event_class("no such event")
    for name, kind in catalogue._EVENTS.items():
        if kind.__module__.startswith("ami."):
            lines = [f"{header.name}: {text}" for header in kind._headers if header.name != "Event"]
            each = kind(frame_of_any_text(f"Event: {name}", *lines))
            headers, _ = each.process()
            assert headers["Event"] == name
            for attribute in dir(kind):
                getattr(each, attribute)


def frame_of_any_text(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogateescape")


# Aggregates: members, the event that ends them, the header that counts

AGGREGATES = {
    "core_events.CoreShowChannels_Aggregate": ("CoreShowChannel", "CoreShowChannelsComplete", "ListItems"),
    "core_events.ParkedCalls_Aggregate": ("ParkedCall", "ParkedCallsComplete", "Total"),
    "core_events.QueueStatus_Aggregate": ("QueueParams QueueMember QueueEntry", "QueueStatusComplete", ""),
    "core_events.QueueSummary_Aggregate": ("QueueSummary", "QueueSummaryComplete", ""),
    "core_events.SIPpeers_Aggregate": ("PeerEntry", "PeerlistComplete", "ListItems"),
    "core_events.SIPshowregistry_Aggregate": ("RegistryEntry", "RegistrationsComplete", "ListItems"),
    "core_events.Status_Aggregate": ("Status", "StatusComplete", "Items"),
    "core_events.VoicemailUsersList_Aggregate": ("VoicemailUserEntry", "VoicemailUserEntryComplete", ""),
    "dahdi_events.DAHDIShowChannels_Aggregate": ("DAHDIShowChannels", "DAHDIShowChannelsComplete", "Items"),
    "app_confbridge_events.ConfbridgeList_Aggregate": ("ConfbridgeList", "ConfbridgeListComplete", "ListItems"),
    "app_confbridge_events.ConfbridgeListRooms_Aggregate": (
        "ConfbridgeListRooms", "ConfbridgeListRoomsComplete", "ListItems"
    ),
    "app_meetme_events.MeetmeList_Aggregate": ("MeetmeList", "MeetmeListComplete", "ListItems"),
    "app_meetme_events.MeetmeListRooms_Aggregate": ("MeetmeListRooms", "MeetmeListRoomsComplete", "ListItems"),
}  # fmt: skip
COUNTED = [pytest.param(name, *parts, id=name) for name, parts in AGGREGATES.items() if parts[2]]
ALL = [pytest.param(name, *parts, id=name) for name, parts in AGGREGATES.items()]


def aggregate(name: str) -> type[Aggregate]:
    module, _, own = name.partition(".")
    kind = getattr(import_module(f"ami.{module}"), own)
    assert isinstance(kind, type)
    assert issubclass(kind, Aggregate)
    return kind


@pytest.mark.parametrize(("name", "members", "last", "count"), ALL)
def test_an_aggregate_is_made_up_as_documented(name, members, last, count):
    module, _, own = name.partition(".")
    events = import_module(f"ami.{module}")
    kind = aggregate(name)
    assert kind._name == own
    assert kind._aggregation_members == tuple(getattr(events, each) for each in members.split())
    assert kind._aggregation_finalisers == (getattr(events, last),)


@pytest.mark.parametrize(("name", "members", "last", "count"), ALL)
def test_an_aggregate_collects_its_events_under_classes_and_names(name, members, last, count):
    whole = aggregate(name)("1")
    assert (whole.name, whole.action_id, whole.valid, whole.error_message) == (name.partition(".")[2], "1", True, None)
    kinds = [event_class(each) for each in members.split()]
    for kind in kinds:
        assert whole[kind] is whole[kind.wire_name]
        assert whole[kind] == []
    assert whole[last] is whole[event_class(last)] is None
    for kind in kinds:
        for _ in range(2):
            assert whole.evaluate_event(event(f"Event: {kind.wire_name}", "ActionID: 1")) is False
    assert whole.evaluate_event(event("Event: Hangup", "ActionID: 1")) is None
    assert whole.evaluate_event(event(f"Event: {last}", "ActionID: 2")) is None
    end = event(f"Event: {last}", "ActionID: 1", f"{count or 'ListItems'}: {2 * len(kinds)}")
    assert whole.evaluate_event(end) is True
    assert [len(whole[kind]) for kind in kinds] == [2] * len(kinds)
    assert whole[last] is whole[event_class(last)] is end
    assert (whole.valid, whole.error_message) == (True, None)
    assert whole == name.partition(".")[2]


@pytest.mark.parametrize("counted", [0, 1, 3])
@pytest.mark.parametrize(("name", "members", "last", "count"), COUNTED)
def test_an_aggregate_that_does_not_hold_as_many_items_as_counted_is_not_valid(name, members, last, count, counted):
    short = aggregate(name)("1")
    for _ in range(2):
        short.evaluate_event(event(f"Event: {members}", "ActionID: 1"))
    assert short.evaluate_event(event(f"Event: {last}", "ActionID: 1", f"{count}: {counted}")) is True
    assert short.valid is False
    assert short.error_message == f"Expected {counted} list-items; received 2"


@pytest.mark.parametrize(("name", "members", "last", "count"), [each for each in ALL if not each.values[3]])
def test_an_aggregate_without_a_count_is_not_counted(name, members, last, count):
    each = aggregate(name)("1")
    assert each.evaluate_event(event(f"Event: {last}", "ActionID: 1", "ListItems: 7", "Items: 7")) is True
    assert each.valid is True
