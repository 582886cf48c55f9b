"""Declarations: events and what is made of their headers, lists, and actions and what they put on the wire."""

import copy
import inspect
import itertools
import json
import pydoc
from typing import Any, ClassVar

import pytest

import ami
import ami.ami
from ami import catalogue, core_events
from ami.catalogue import (
    Action,
    Aggregate,
    Bool,
    Duration,
    Event,
    EventCollection,
    Float,
    Int,
    Request,
    Text,
    event_class,
    event_name,
    param,
    parse,
)
from ami.message import Message


@pytest.fixture(autouse=True)
def declarations(monkeypatch) -> None:
    """What a test declares is forgotten after it."""
    monkeypatch.setattr(catalogue, "_EVENTS", dict(catalogue._EVENTS))
    monkeypatch.setattr(catalogue, "_AGGREGATES", dict(catalogue._AGGREGATES))


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def event(*lines: str) -> Event:
    parsed = parse(frame(*lines))
    assert isinstance(parsed, Event)
    return parsed


def built(request: Request, action_id: str | None = None, **kwargs: Any) -> tuple[str, str]:
    return request.build_request(action_id, lambda: "host-00000001", **kwargs)


DECLARED = sorted(name for name, kind in catalogue._EVENTS.items() if kind.__module__ == core_events.__name__)


# Which class an event gets


def test_an_event_arrives_as_its_declared_class():
    hangup = parse(frame("Event: Hangup", "Cause: 16"))
    assert type(hangup) is core_events.Hangup
    assert hangup["Cause"] == "16"


def test_an_event_that_nobody_declared_is_a_plain_event():
    assert type(parse(frame("Event: Undeclared", "A: b"))) is Event


def test_a_name_in_another_case_is_another_event():
    assert type(parse(frame("Event: hangup"))) is Event


def test_a_response_is_a_plain_message():
    assert type(parse(frame("Response: Success", "Event: Hangup"))) is Message


def test_an_event_with_a_response_header_is_an_event():
    assert type(parse(frame("Event: OriginateResponse", "Response: Failure"))) is core_events.OriginateResponse


def test_a_user_declares_an_event_in_three_lines():
    class DoorOpened(ami.Event):
        door = ami.Int()
        opened_by = ami.Text()

    opened = event("Event: DoorOpened", "Door: 7", "OpenedBy: Ada")
    assert type(opened) is DoorOpened
    assert (opened.door, opened.opened_by) == (7, "Ada")


def test_an_event_may_have_a_name_that_is_no_identifier():
    class Odd(Event, name="Odd-Event"):
        pass

    assert type(event("Event: Odd-Event")) is Odd
    assert type(event("Event: Odd")) is Event


def test_an_abstract_class_is_no_event():
    class Base(Event, abstract=True):
        queue = Text()

    class Derived(Base):
        pass

    assert type(event("Event: Base")) is Event
    assert event("Event: Derived", "Queue: a").queue == "a"
    assert Derived.wire_name == "Derived"


def test_a_later_declaration_replaces_an_earlier_one():
    class Hangup(Event):
        pass

    assert type(event("Event: Hangup")) is Hangup


def test_the_documented_registry_knows_the_declared_events():
    assert ami.ami._EVENT_REGISTRY["Hangup"] is core_events.Hangup
    assert all(name == kind.wire_name for name, kind in ami.ami._EVENT_REGISTRY.items())


def test_a_family_is_loaded_when_a_name_is_looked_for_that_is_not_known_yet(monkeypatch, tmp_path):
    for name in ("first", "second", "third"):
        source = f"from ami import Event\n\nclass Of_{name}(Event):\n    pass\n"
        (tmp_path / f"family_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    families, loaded = ("family_first", "family_second", "family_third"), set()
    monkeypatch.setattr(catalogue, "_FAMILIES", families)
    monkeypatch.setattr(catalogue, "_loaded", loaded)
    assert event_class("Hangup") is core_events.Hangup
    assert loaded == set()
    assert event_class("Of_second").__module__ == "family_second"
    assert loaded == {"family_first", "family_second"}
    assert event_class("Of_first").__module__ == "family_first"
    assert loaded == {"family_first", "family_second"}
    assert event_class("Of_nothing") is Event
    assert loaded == set(families)


def test_event_name_is_that_of_the_wire():
    class Odd(Event, name="Odd-Event"):
        pass

    assert event_name(Odd) == "Odd-Event"
    assert event_name(core_events.Hangup) == "Hangup"
    assert event_name(core_events.QueueStatus_Aggregate) == "QueueStatus_Aggregate"


@pytest.mark.parametrize("wrong", [Event, Aggregate, core_events.ChannelEvent, Message, int, 7, object(), ("Hangup",)])
def test_event_name_refuses_what_is_no_declared_event(wrong):
    with pytest.raises(ValueError, match="is not an event"):
        event_name(wrong)


# Typed attributes


class Sample(Event, name="Sample of the tests"):
    text = Text()
    number = Int()
    ratio = Float()
    flag = Bool("yes")
    length_of_call = Duration()
    other = Text("Other-Name")


def sample(*lines: str) -> Sample:
    return Sample(frame("Event: Sample of the tests", *lines))


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("Text: a b ", "text", "a b "),
        ("Text: ", "text", ""),
        ("Number: 16", "number", 16),
        ("Number: -1", "number", -1),
        ("Number: sixteen", "number", None),
        ("Number: 1.5", "number", None),
        ("Number: ", "number", None),
        ("Ratio: 0.5", "ratio", 0.5),
        ("Ratio: 1", "ratio", 1.0),
        ("Ratio: half", "ratio", None),
        ("Flag: yes", "flag", True),
        ("Flag: no", "flag", False),
        ("Flag: Yes", "flag", False),
        ("Flag: ", "flag", False),
        ("LengthOfCall: 01:02:03", "length_of_call", 3723),
        ("LengthOfCall: 100:00:00", "length_of_call", 360_000),
        ("LengthOfCall: 02:03", "length_of_call", None),
        ("LengthOfCall: now", "length_of_call", None),
        ("Other-Name: x", "other", "x"),
        ("TEXT: any case", "text", "any case"),
    ],
)
def test_an_attribute_is_the_header_converted(line, attribute, value):
    assert getattr(sample(line), attribute) == value


@pytest.mark.parametrize("attribute", ["text", "number", "ratio", "flag", "length_of_call", "other"])
def test_an_attribute_is_none_where_the_header_is_missing(attribute):
    assert getattr(sample(), attribute) is None


def test_the_item_stays_the_text_of_the_wire():
    each = sample("Number: 16", "LengthOfCall: 00:00:01")
    assert each.number == 16
    assert (each["Number"], each["LengthOfCall"]) == ("16", "00:00:01")


def test_an_attribute_of_the_class_is_the_declaration():
    assert isinstance(Sample.number, Int)
    assert Sample.length_of_call.name == "LengthOfCall"


@pytest.mark.parametrize("attribute", ["items", "data", "name", "get", "process"])
def test_a_header_may_not_take_the_place_of_what_every_event_has(attribute):
    with pytest.raises(TypeError, match=f"{attribute!r} is an attribute of every event"):
        type("Clash", (Event,), {attribute: Int()})
    assert "Clash" not in catalogue._EVENTS


@pytest.mark.parametrize("kind", [event_class(name) for name in DECLARED])
def test_every_declared_event_works_as_a_dict(kind):
    headers = {"Event": kind.wire_name, **{header.name: "1" for header in kind._headers}}
    each = kind(frame(*(f"{key}: {value}" for key, value in headers.items())))
    assert dict(each.items()) == json.loads(json.dumps(each)) == copy.copy(each) == headers
    assert repr(each).startswith(f"<{kind.__name__} ")


# process()

INT = {"7": 7, "": -1, "x": -1, None: -1}
INT_OR_NONE = {"7": 7, "": None, "x": None, None: None}
FLOAT = {"7": 7.0, "0.5": 0.5, "": -1, "x": -1, None: -1}
CONVERSIONS: dict[str, dict[str, dict[str | None, Any]]] = {
    "CoreShowChannel": {
        "Duration": {"00:01:05": 65, "x": -1, "": -1, None: -1},
        "ChannelState": INT_OR_NONE,
    },
    "CoreShowChannelsComplete": {"ListItems": INT},
    "Hangup": {"Cause": INT_OR_NONE},
    "Newchannel": {"ChannelState": INT_OR_NONE},
    "Newstate": {"ChannelState": INT_OR_NONE},
    "OriginateResponse": {"Reason": {"7": 7, "x": -1, None: -1}},
    "QueueEntry": {"Position": INT, "Wait": INT},
    "QueueMember": {
        "Paused": {"1": True, "0": False, "": False, None: False},
        "CallsTaken": INT,
        "LastCall": INT,
        "Penalty": INT,
        "Status": INT,
    },
    "QueueParams": {
        "Abandoned": INT,
        "Calls": INT,
        "Completed": INT,
        "Holdtime": INT,
        "Max": INT,
        "ServiceLevel": FLOAT,
        "ServicelevelPerf": FLOAT,
        "Weight": FLOAT,
    },
    "QueueSummary": {
        "LoggedIn": INT,
        "Available": INT,
        "Callers": INT,
        "HoldTime": INT,
        "TalkTime": INT,
        "LongestHoldTime": INT,
    },
    "Shutdown": {"Restart": {"True": True, "False": False, "true": False, None: False}},
    "Status": {"Seconds": INT},
    "StatusComplete": {"Items": INT},
}
CASES = [
    pytest.param(name, header, text, value, id=f"{name}.{header}={text}")
    for name, headers in CONVERSIONS.items()
    for header, values in headers.items()
    for text, value in values.items()
]


@pytest.mark.parametrize(("name", "header", "text", "value"), CASES)
def test_process_converts_as_documented(name, header, text, value):
    each = event(f"Event: {name}", *([] if text is None else [f"{header}: {text}"]))
    processed = each.process()[0][header]
    assert processed == value
    assert type(processed) is type(value)
    assert each.get(header) == text


@pytest.mark.parametrize("name", DECLARED)
def test_process_leaves_all_other_headers_as_they_are(name):
    kind = event_class(name)
    lines = [f"{header.name}: x" for header in kind._headers]
    each = event(f"Event: {name}", *lines, "Unknown: 1", "Unknown: 2", "no header")
    headers, data = each.process()
    converted = CONVERSIONS.get(name, {})
    assert set(headers) == set(each)
    assert {key: value for key, value in headers.items() if key not in converted} == {
        key: value for key, value in each.items() if key not in converted
    }
    assert data == ["no header"]


@pytest.mark.parametrize("name", [*DECLARED, "Undeclared"])
def test_process_adds_only_the_headers_it_converts(name):
    assert set(event(f"Event: {name}").process()[0]) == {"Event", *CONVERSIONS.get(name, {})}


def test_process_gives_copies():
    each = event("Event: Hangup", "Cause: 16", "no header")
    headers, data = each.process()
    headers["Cause"] = 0
    data.clear()
    assert each["Cause"] == "16"
    assert each.data == ["no header"]
    assert type(headers) is dict


@pytest.mark.parametrize(
    ("reason", "result"),
    [("0", "BAD_NUMBER"), ("1", "REJECTED"), ("2", "RINGING"), ("3", "RINGING"), ("4", "ANSWERED"), ("5", "BUSY"),
     ("8", "CONGESTION"), ("30", "INCOMPLETE")],
)  # fmt: skip
def test_process_says_what_the_reason_of_an_originate_response_stands_for(reason, result):
    headers, _ = event("Event: OriginateResponse", f"Reason: {reason}").process()
    assert headers["Result"] == result


@pytest.mark.parametrize("line", ["Reason: 99", "Reason: x", "A: b"])
def test_process_adds_no_result_to_an_unknown_reason(line):
    assert "Result" not in event("Event: OriginateResponse", line).process()[0]


def test_a_missing_optional_header_is_left_out():
    class WithOptional(Event):
        port = Int(process=None, optional=True)

    assert event("Event: WithOptional").process()[0] == {"Event": "WithOptional"}
    assert event("Event: WithOptional", "Port: x").process()[0]["Port"] is None
    assert event("Event: WithOptional", "Port: 7").process()[0]["Port"] == 7


def test_a_subclass_converts_what_its_base_does_unless_it_says_otherwise():
    class Base(Event, abstract=True):
        first = Int(process=-1)
        second = Int(process=-1)

    class Derived(Base):
        second = Int(process=-2)
        third = Int()

    assert event("Event: Derived", "Third: 3").process()[0] == {
        "Event": "Derived", "First": -1, "Second": -2, "Third": "3",
    }  # fmt: skip


# Collections and aggregates


class Item(Event, name="Item of the tests"):
    pass


class Other(Event, name="Other item of the tests"):
    pass


class Last(Event, name="Last of the tests"):
    list_items = Int(process=-1)


class Things_Aggregate(Aggregate):
    _aggregation_members = (Item, Other)
    _aggregation_finalisers = (Last,)
    _count_header = "ListItems"


def of(kind: type[Event], *lines: str, action_id: str = "1") -> Event:
    return kind(frame(f"Event: {kind.wire_name}", f"ActionID: {action_id}", *lines))


def test_a_collection_has_its_events_under_classes_and_names():
    collection = EventCollection((Item, Other), (Last,))
    assert collection[Item] is collection["Item of the tests"]
    assert collection[Item] == collection[Other] == []
    assert collection[Item] is not collection[Other]
    assert collection[Last] is collection["Last of the tests"] is None
    item, last = of(Item), of(Last)
    assert collection.add(item) is False
    assert collection.add(last) is True
    assert collection[Item] is collection["Item of the tests"]
    assert [id(each) for each in collection[Item]] == [id(item)]
    assert collection[Last] is collection["Last of the tests"] is last


def test_a_collection_is_complete_when_every_last_event_has_come():
    collection = EventCollection((), (Item, Last))
    assert not collection.complete
    collection.add(of(Item))
    assert not collection.complete
    collection.add(of(Last))
    assert collection.complete


def test_events_of_another_kind_get_lists_of_their_own():
    collection = EventCollection()
    hangup, unknown = event("Event: Hangup"), event("Event: Undeclared")
    assert collection.add(hangup) is False
    assert collection.add(unknown) is False
    assert collection[core_events.Hangup] is collection["Hangup"] == [hangup]
    assert collection["Undeclared"] == [unknown]
    assert Event not in collection


def test_an_aggregate_begins_empty_and_valid():
    things = Things_Aggregate("1")
    assert things.name == Things_Aggregate.wire_name == "Things_Aggregate"
    assert things.action_id == "1"
    assert things.valid is True
    assert things.error_message is None
    assert things[Item] == things["Other item of the tests"] == []
    assert things[Last] is None


def test_an_aggregate_takes_its_events_until_the_last():
    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Item)) is False
    assert things.evaluate_event(of(Other)) is False
    assert things.evaluate_event(of(Item)) is False
    assert things.evaluate_event(of(Last, "ListItems: 3")) is True
    assert (len(things[Item]), len(things[Other])) == (2, 1)
    assert things[Last].list_items == 3
    assert things.valid
    assert things.error_message is None


def test_an_aggregate_leaves_what_is_not_its_own():
    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Item, action_id="2")) is None
    assert things.evaluate_event(of(Last, action_id="2")) is None
    assert things.evaluate_event(of(core_events.Hangup)) is None
    assert things.evaluate_event(Item(frame("Event: Item of the tests"))) is None
    assert things[Item] == []
    assert things[Last] is None


def test_an_aggregate_that_does_not_hold_as_many_items_as_counted_is_not_valid():
    things = Things_Aggregate("1")
    things.evaluate_event(of(Item))
    things.evaluate_event(of(Last, "ListItems: 2"))
    assert things.valid is False
    assert things.error_message == "Expected 2 list-items; received 1"


@pytest.mark.parametrize("count", ["ListItems: -1", "ListItems: many", "ListItems: ", "Other: 1"])
def test_a_count_that_says_nothing_leaves_an_aggregate_valid(count):
    things = Things_Aggregate("1")
    things.evaluate_event(of(Item))
    assert things.evaluate_event(of(Last, count)) is True
    assert things.valid


def test_an_aggregate_without_a_count_header_is_not_counted():
    class Uncounted_Aggregate(Aggregate):
        _aggregation_members = (Item,)
        _aggregation_finalisers = (Last,)

    things = Uncounted_Aggregate("1")
    assert things.evaluate_event(of(Last, "ListItems: 5")) is True
    assert things.valid


@pytest.mark.parametrize("word", ["cancelled", "Cancelled"])
def test_an_aggregate_that_the_server_cancelled_is_not_valid(word):
    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Last, f"EventList: {word}", "ListItems: 0")) is True
    assert things.valid is False
    assert "cancelled" in str(things.error_message)


def test_an_aggregate_is_compared_with_a_text_by_its_name():
    things = Things_Aggregate("1")
    assert things == "Things_Aggregate"
    assert things != "Another_Aggregate"
    assert (things != "Things_Aggregate") is False
    assert things == Things_Aggregate("2")
    assert things != {}


def test_an_aggregate_may_have_another_name_than_its_class():
    class Renamed(Aggregate):
        _name = "Renamed_Aggregate"

    class Derived(Renamed):
        pass

    assert Renamed("1").name == event_name(Renamed) == "Renamed_Aggregate"
    assert Derived("1").name == event_name(Derived) == "Derived"


AGGREGATES: dict[type[Aggregate], tuple[tuple[type[Event], ...], type[Event], str]] = {
    core_events.CoreShowChannels_Aggregate: (
        (core_events.CoreShowChannel,), core_events.CoreShowChannelsComplete, "ListItems"
    ),
    core_events.Status_Aggregate: ((core_events.Status,), core_events.StatusComplete, "Items"),
    core_events.QueueStatus_Aggregate: (
        (core_events.QueueParams, core_events.QueueMember, core_events.QueueEntry), core_events.QueueStatusComplete, ""
    ),
    core_events.QueueSummary_Aggregate: ((core_events.QueueSummary,), core_events.QueueSummaryComplete, ""),
}  # fmt: skip


def test_every_aggregate_of_the_core_is_known_here():
    assert set(AGGREGATES) == {each for each in vars(core_events).values() if _is_aggregate(each)}


def _is_aggregate(each: object) -> bool:
    return isinstance(each, type) and issubclass(each, Aggregate) and each is not Aggregate


@pytest.mark.parametrize(("kind", "parts"), AGGREGATES.items())
def test_the_aggregates_of_the_core_are_made_up_as_documented(kind, parts):
    members, last, count_header = parts
    whole, short = kind("1"), kind("1")
    for member in members:
        assert whole.evaluate_event(of(member)) is False
    counted = f"{count_header or 'ListItems'}: {len(members)}"
    assert whole.evaluate_event(of(last, counted)) is True
    assert short.evaluate_event(of(last, counted)) is True
    assert whole.valid
    assert short.valid is not bool(count_header)
    assert whole.name == kind.__name__


# Requests


def test_a_request_is_a_dict_with_its_action():
    request = Request("Ping")
    assert dict(request) == {"Action": "Ping"}
    assert (request.aggregate, request.synchronous, request.timeout) == (False, False, 5)


def test_a_request_is_built_in_order_with_the_action_id_last():
    request = Request("UserEvent")
    request["B"] = "2"
    request["A"] = "1"
    text, action_id = built(request, None, Z="3", C="4")
    assert text == "Action: UserEvent\r\nB: 2\r\nA: 1\r\nZ: 3\r\nC: 4\r\nActionID: host-00000001\r\n\r\n"
    assert action_id == "host-00000001"


def test_an_action_id_is_the_argument_else_the_item_else_a_new_one():
    request = Request("Ping")
    request["ActionID"] = "item"
    request["A"] = "b"
    assert built(request, "argument") == ("Action: Ping\r\nA: b\r\nActionID: argument\r\n\r\n", "argument")
    assert built(request) == ("Action: Ping\r\nA: b\r\nActionID: item\r\n\r\n", "item")
    assert built(request, ActionID="keyword")[1] == "keyword"
    del request["ActionID"]
    assert built(request)[1] == "host-00000001"


def test_only_none_means_that_there_is_no_action_id():
    request = Request("Ping")
    request["ActionID"] = 0
    assert built(request)[1] == "0"
    assert built(request, "") == ("Action: Ping\r\nActionID: \r\n\r\n", "")
    request["ActionID"] = None
    assert built(request)[1] == "host-00000001"


def test_an_action_id_is_text_whatever_was_given():
    number: Any = 7
    assert built(Request("Ping"), number) == ("Action: Ping\r\nActionID: 7\r\n\r\n", "7")


def test_a_new_action_id_is_made_only_where_it_is_needed():
    def no_id() -> str:
        raise AssertionError("an ActionID was asked for")

    assert Request("Ping").build_request("own", no_id)[1] == "own"


def test_a_keyword_replaces_an_item_and_changes_nothing_in_the_request():
    request = Request("X")
    request["A"] = "item"
    assert built(request, A="keyword")[0].startswith("Action: X\r\nA: keyword\r\nActionID")
    assert dict(request) == {"Action": "X", "A": "item"}


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("text", ["A: text"]),
        ("", ["A: "]),
        (None, []),
        (True, ["A: true"]),
        (False, ["A: false"]),
        (7, ["A: 7"]),
        (0, ["A: 0"]),
        (1.5, ["A: 1.5"]),
        (["x=1", "y=2"], ["A: x=1", "A: y=2"]),
        (("x", 2, True, None), ["A: x", "A: 2", "A: true"]),
        ({"x"}, ["A: x"]),
        (frozenset({"x"}), ["A: x"]),
        ([], []),
        ([["x"], "y"], ["A: x", "A: y"]),
    ],
)
def test_every_kind_of_value_is_put_on_the_wire_as_documented(value, lines):
    request = Request("X")
    request["A"] = value
    assert built(request)[0].split("\r\n")[1:-3] == lines
    assert built(Request("X"), A=value)[0].split("\r\n")[1:-3] == lines


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("place", ["item", "key", "keyword", "of a list", "ActionID", "Action"])
def test_a_request_with_a_line_end_in_it_is_refused(place, line_end):
    bad = f"x{line_end}Action: Logoff"
    request = Request(bad if place == "Action" else "X")
    if place == "item":
        request["A"] = bad
    elif place == "key":
        request[bad] = "b"
    elif place == "of a list":
        request["A"] = ("fine", bad)
    keywords = {"A": bad} if place == "keyword" else {}
    with pytest.raises(ValueError, match="must not contain CR or LF"):
        built(request, bad if place == "ActionID" else None, **keywords)


def test_a_request_larger_than_asterisk_takes_is_refused():
    request = Request("X")
    request["Variable"] = [f"v{n}=1" for n in range(127)]
    with pytest.raises(ValueError, match="129 headers"):
        built(request)
    request["Variable"] = "x" * 1013
    with pytest.raises(ValueError, match="'Variable' makes a line of 1,023 bytes"):
        built(request)


def test_requests_may_be_sent_any_number_of_times():
    request = Request("Ping")
    numbers = itertools.count(1)
    sent = [request.build_request(None, lambda: str(next(numbers)))[1] for _ in range(3)]
    assert sent == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("response", "success"),
    [("Success", True), ("Follows", True), ("Error", False), ("Goodbye", False), ("success", False)],
)
def test_process_response_says_whether_the_action_was_taken(response, success):
    answer = Message(frame(f"Response: {response}"))
    assert Request("X").process_response(answer) is answer
    assert answer.success is success


def test_a_plain_request_has_no_lists():
    request = Request("X")
    assert request.get_aggregate_classes() == ()
    assert request.get_synchronous_classes() == ((), (), ())


def test_repr_of_a_request_hides_what_must_stay_secret():
    request = Request("Login")
    request["Username"] = "admin"
    request["Secret"] = request["KEY"] = "s3cret"
    assert repr(request) == "<Request {'Action': 'Login', 'Username': 'admin', 'Secret': '…', 'KEY': '…'}>"


# Declared actions


class QueueRing(Action):
    """Ring a queue."""

    queue: str
    caller_id_num: str | None = None
    ring_time: int = 30
    urgent: bool | None = None
    variables: dict[str, str] | None = param(
        "Variable", default=None, encode=lambda pairs: [f"{key}={value}" for key, value in pairs.items()]
    )


def test_fields_are_headers_in_order():
    assert list(QueueRing("a", "100", 5, True).items()) == [
        ("Action", "QueueRing"), ("Queue", "a"), ("CallerIdNum", "100"), ("RingTime", 5), ("Urgent", True),
    ]  # fmt: skip


def test_arguments_may_be_keywords():
    assert QueueRing(ring_time=5, queue="a") == QueueRing("a", None, 5)


def test_a_field_that_is_none_is_left_out_and_a_default_is_sent():
    assert dict(QueueRing("a")) == {"Action": "QueueRing", "Queue": "a", "RingTime": 30}


def test_a_field_may_have_a_name_and_a_form_of_its_own():
    assert QueueRing("a", variables={"x": "1", "y": "2"})["Variable"] == ["x=1", "y=2"]


def test_a_declared_action_puts_bools_and_lists_on_the_wire():
    request = QueueRing("a", urgent=False, variables={"x": "1", "y": "2"})
    assert built(request)[0] == (
        "Action: QueueRing\r\nQueue: a\r\nRingTime: 30\r\nUrgent: false\r\n"
        "Variable: x=1\r\nVariable: y=2\r\nActionID: host-00000001\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ((), {}, r"QueueRing\(\) is missing the argument 'queue'"),
        (("a",), {"queue": "b"}, r"multiple values for argument 'queue'"),
        (("a",), {"colour": "red"}, r"unexpected keyword argument 'colour'; it takes queue, caller_id_num"),
        (("a", None, 1, True, None, 6), {}, r"QueueRing\(\) takes 5 arguments but 6 were given"),
    ],
)
def test_a_wrong_argument_is_named(args, kwargs, words):
    with pytest.raises(TypeError, match=words):
        QueueRing(*args, **kwargs)


def test_an_action_without_fields_takes_no_arguments():
    class Shake(Action):
        pass

    assert dict(Shake()) == {"Action": "Shake"}
    with pytest.raises(TypeError, match="it takes none"):
        Shake(hand="left")


def test_an_action_may_have_a_name_that_is_not_that_of_its_class():
    class Shake(Action, action="Shake-Hands"):
        pass

    assert Shake()["Action"] == "Shake-Hands"


def test_a_subclass_adds_its_fields_to_those_of_its_base():
    class QueueRingAll(QueueRing):
        strategy: str = "ringall"

    assert QueueRingAll("a")["Strategy"] == "ringall"
    assert QueueRingAll("a")["Action"] == "QueueRingAll"
    with pytest.raises(TypeError):
        QueueRing("a", strategy="ringall")


def test_what_a_request_has_and_class_variables_are_no_fields():
    class Odd(Action):
        timeout: float = 60
        synchronous: bool = True
        limit: ClassVar[int] = 3
        _private: int = 4
        queue: str

    odd = Odd("a")
    assert dict(odd) == {"Action": "Odd", "Queue": "a"}
    assert (odd.timeout, odd.synchronous, odd.limit, odd._private) == (60, True, 3, 4)


def test_a_user_declares_a_list_action():
    class Things(Action):
        _aggregates = (Things_Aggregate,)
        _list = (Item, Other)
        _finalisers = (Last,)

    assert Things().get_aggregate_classes() == (Things_Aggregate,)
    assert Things().get_synchronous_classes() == ((), (Item, Other), (Last,))


def test_the_signature_shows_the_fields():
    signature = inspect.signature(QueueRing)
    assert str(signature) == "(queue, caller_id_num=None, ring_time=30, urgent=None, variables=None)"


def test_the_signature_of_an_action_with_a_constructor_is_that_of_the_constructor():
    class Own(Action):
        def __init__(self, first: str, second: int = 2) -> None:
            super().__init__()

    assert str(inspect.signature(Own)) == "(first: str, second: int = 2)"


def test_help_shows_the_signature_and_what_the_action_does():
    help_text = pydoc.plain(pydoc.render_doc(QueueRing))
    assert "QueueRing(queue, caller_id_num=None, ring_time=30, urgent=None, variables=None)" in help_text
    assert "Ring a queue." in help_text
