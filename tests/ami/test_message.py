"""Messages: a dict of text whose laziness nobody notices, and beside it what a dict cannot say."""

import copy
import json
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ami import EVENT_GENERIC, RESPONSE_GENERIC, catalogue, core, wire
from ami import message as module
from ami.catalogue import Event
from ami.message import SUCCESSES, Message, is_event


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogateescape")


def message(*lines: str) -> Message:
    return Message(frame(*lines))


# Headers


def test_headers_are_items():
    pong = message("Response: Success", "ActionID: 1", "Ping: Pong")
    assert pong["Response"] == "Success"
    assert pong["Ping"] == "Pong"
    assert dict(pong) == {"Response": "Success", "ActionID": "1", "Ping": "Pong"}


def test_headers_is_the_message_itself():
    pong = message("Response: Success")
    assert pong.headers is pong


def test_a_value_may_hold_colons():
    assert message("Event: X", "Time: 12:30:59")["Time"] == "12:30:59"


def test_a_key_may_hold_odd_characters():
    key = "ChanVariable(Local/1001@lab-00000001;1)"
    assert message("Event: X", f"{key}: FOO=x")[key] == "FOO=x"


@pytest.mark.parametrize(
    ("line", "value"),
    [("A: b", "b"), ("A:b", "b"), ("A:  b", " b"), ("A: b ", "b "), ("A: ", ""), ("A:", ""), ("A: \tb\t", "\tb\t"),
     ("A :b", "b"), (" A: b", "b"), ("A: b\n", "b"), ("A: b\r", "b"), ("A: b\nc", "b\nc"), ("A: b\0c", "b\0c")],
)  # fmt: skip
def test_one_blank_after_the_colon_belongs_to_the_syntax_and_all_others_to_the_value(line, value):
    assert message("Event: X", line)["A"] == value
    assert message(line, "Event: X")["A"] == value


def test_bytes_that_are_no_utf_8_are_kept():
    odd = Message(b"Event: X\r\nName: J\xfcrgen\r\n\r\n")
    assert odd["Name"].encode("utf-8", "surrogateescape") == b"J\xfcrgen"


def test_a_look_up_falls_back_to_ignoring_case():
    each = message("Event: X", "CallerIDNum: 100")
    assert each["calleridnum"] == each.get("CALLERIDNUM") == "100"
    assert "callerIdNum" in each
    assert list(each) == ["Event", "CallerIDNum"]


def test_a_key_of_exactly_that_case_comes_before_others():
    each = message("Event: X", "key: lower", "Key: upper")
    assert (each["key"], each["Key"], each["KEY"]) == ("lower", "upper", "lower")


def test_a_look_up_that_finds_nothing_behaves_as_in_a_dict():
    each = message("Event: X")
    with pytest.raises(KeyError, match="Nothing"):
        each["Nothing"]
    with pytest.raises(KeyError):
        each[1]
    assert each.get("Nothing") is None
    assert each.get("Nothing", "else") == "else"
    assert "Nothing" not in each
    assert 1 not in each


def test_a_header_set_later_is_found_whatever_its_case():
    each = message("Event: X")
    assert "rtt" not in each
    each.put("RTT", 0.5)
    assert each["rtt"] == 0.5
    del each["RTT"]
    each["Other"] = "1"
    assert each["other"] == "1"
    assert "rtt" not in each


# Repeated headers


def test_the_first_of_repeated_headers_is_taken():
    assert message("Event: X", "A: 1", "A: 2")["A"] == "1"
    assert message("Event: X", "Event: Y").name == "X"


def test_every_value_of_a_repeated_header_can_be_had():
    status = message("Event: Status", "Variable: a=1", "Channel: x", "VARIABLE: b=2", "Variable: a=1")
    assert status.get_all("variable") == ["a=1", "b=2", "a=1"]
    assert status.get_all("Event") == ["Status"]
    assert status.get_all("Nothing") == []


def test_pairs_are_the_headers_in_order_with_repeats():
    assert message("Event: X", "B: 1", "A: 2", "B: 3").pairs == [("Event", "X"), ("B", "1"), ("A", "2"), ("B", "3")]


def test_changing_the_list_of_pairs_does_not_change_the_message():
    each = message("Event: X")
    each.pairs.clear()
    assert each.pairs == [("Event", "X")]


# Name and ActionID


def test_the_name_of_an_event_is_its_event_header():
    assert Event(frame("Event: Hangup", "Cause: 16")).name == "Hangup"


def test_the_name_of_a_response_is_its_response_header():
    assert message("Response: Success", "Ping: Pong").name == "Success"


def test_the_first_of_event_and_response_gives_the_name():
    assert message("Event: OriginateResponse", "Response: Failure").name == "OriginateResponse"
    assert message("Response: Success", "Event: x").name == "Success"


def test_without_either_as_the_first_header_event_gives_the_name():
    assert message("Privilege: x", "Response: Success", "Event: Hangup").name == "Hangup"
    assert message("Privilege: x", "Response: Success").name == "Success"


def test_the_name_is_found_whatever_the_case_of_its_header():
    assert message("event: Hangup").name == "Hangup"
    assert message("RESPONSE: Success").name == "Success"


def test_the_name_stays_when_a_later_header_forges_one():
    assert message("Event: UserEvent", "Event: Hangup").name == "UserEvent"


def test_a_message_with_an_action_id_alone_is_a_generic_response():
    each = message("ActionID: 1", "A: b")
    assert each.name == each["Response"] == RESPONSE_GENERIC == "Generic Response"
    assert dict(each) == {"ActionID": "1", "A": "b", "Response": RESPONSE_GENERIC}


def test_a_message_with_neither_is_a_generic_event():
    each = message("A: b")
    assert each.name == each["Event"] == EVENT_GENERIC == "Generic Event"
    assert dict(each) == {"A": "b", "Event": EVENT_GENERIC}


def test_a_generic_name_is_found_whatever_the_case_asked_for():
    assert message("A: b")["event"] == EVENT_GENERIC
    assert message("ActionID: 1")["response"] == RESPONSE_GENERIC


def test_a_message_without_any_header_is_a_generic_event():
    each = message("no header")
    assert each.name == EVENT_GENERIC
    assert each.data == ["no header"]


def test_a_name_of_any_case_keeps_a_message_from_being_generic():
    assert dict(message("A: b", "event: X")) == {"A": "b", "event": "X"}
    assert dict(message("A: b", "RESPONSE: X")) == {"A": "b", "RESPONSE": "X"}


def test_the_action_id_is_found_whatever_its_case_and_is_none_without_one():
    assert message("Response: Success", "ActionID: 7").action_id == "7"
    assert message("Response: Success", "actionid: 7").action_id == "7"
    assert message("Response: Success").action_id is None


def test_a_message_that_was_emptied_has_no_name():
    each = message("Event: X")
    each.clear()
    with pytest.raises(KeyError):
        assert each.name


# Comparison


def test_a_text_is_compared_with_the_name():
    hangup = message("Event: Hangup", "Channel: x")
    assert hangup == "Hangup"
    assert hangup != "Newchannel"
    assert (hangup != "Hangup") is False
    assert "Hangup" == hangup  # noqa: SIM300


def test_anything_else_is_compared_with_the_headers():
    hangup = message("Event: Hangup", "Cause: 16")
    assert hangup == {"Event": "Hangup", "Cause": "16"}
    assert {"Event": "Hangup", "Cause": "16"} == message("Event: Hangup", "Cause: 16")  # noqa: SIM300
    assert hangup == message("Cause: 16", "Event: Hangup")
    assert hangup != message("Event: Hangup", "Cause: 17")
    assert hangup != {}
    assert hangup != 16


def test_a_message_cannot_be_hashed():
    with pytest.raises(TypeError, match="unhashable"):
        hash(message("Event: Hangup"))


# Bytes, lines and payload


def test_the_frame_is_kept_exactly():
    data = b"Event: X\r\nA:  1 \r\nA: 2\xff\r\nno header\r\n\n"
    assert Message(data).frame == data


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"Event: X\r\nA:  1 \r\n\r\n", ["Event: X\r\n", "A:  1 \r\n", "\r\n"]),
        (b"Event: X\r\nA: 1\nB: 2\r\n\r\n", ["Event: X\r\n", "A: 1\nB: 2\r\n", "\r\n"]),
        (b"Event: X\r\n\n", ["Event: X\r\n", "\n"]),
        (b"Event: X\r\n", ["Event: X\r\n"]),
    ],
)
def test_raw_is_the_lines_as_they_came(data, lines):
    each = Message(data)
    assert each.raw == lines
    assert each["Event"] == "X"
    assert each.raw == lines


def test_a_message_is_made_of_lines_too():
    lines = ["Event: X\r\n", "Name: Käufer\r\n", "\r\n"]
    assert Message(lines) == Message(line.encode() for line in lines) == message("Event: X", "Name: Käufer")
    assert Message(lines).raw == lines


def test_lines_that_are_no_header_are_data():
    each = message("Response: Success", "No categories found", "A: b", ": no key", "  ", "end")
    assert dict(each) == {"Response": "Success", "A": "b"}
    assert each.data == ["No categories found", ": no key", "  ", "end"]


def test_a_message_without_such_lines_has_no_data():
    assert message("Response: Success", "A: b").data == []
    assert Message(b"Event: X\r\n\n").data == []


def test_the_output_of_a_command_is_data_line_by_line():
    each = message("Response: Success", "ActionID: 1", "Message: Command output follows", "Output: one",
                   "Output: ", "Output:   two: 2 ", "Output: ")  # fmt: skip
    assert each.data == ["one", "", "  two: 2 ", ""]
    assert each["Output"] == "one"
    assert each.get_all("Output") == each.data


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\ntwo", ["one", "two"]),
        ("one\n\ntwo\n\n", ["one", "", "two", ""]),
        ("\n", [""]),
        ("", []),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\r\n\r\ntwo\r\n", ["one", "", "two"]),
        ("Name: value\nEvent: Hangup\n", ["Name: value", "Event: Hangup"]),
        ("ActionID: other\nmore\n", ["ActionID: other", "more"]),
        ("Name: value", ["Name: value"]),
        ("ActionID: other", ["ActionID: other"]),
        ("  indented \n", ["  indented "]),
    ],
)
@pytest.mark.parametrize("action_id", ["ActionID: 1\r\n", ""])
def test_the_raw_output_of_a_command_up_to_asterisk_13_is_data_too(output, lines, action_id):
    text = f"Response: Follows\r\nPrivilege: Command\r\n{action_id}{output}--END COMMAND--\r\n\r\n"
    each = Message(text.encode())
    assert each.data == lines
    headers = {"Response": "Follows", "Privilege": "Command"}
    assert dict(each) == (headers | {"ActionID": "1"} if action_id else headers)


# Use as a dict, before anybody has looked


@pytest.mark.parametrize("kind", [Message, Event])
@pytest.mark.parametrize(
    "made",
    [
        dict,
        lambda each: {**each},
        lambda each: dict(**each),
        lambda each: {} | each,
        lambda each: each | {},
        lambda each: each.copy(),
        lambda each: json.loads(json.dumps(each)),
        lambda each: json.loads(json.dumps(each, indent=1)),
        lambda each: json.loads(json.dumps([each]))[0],
        lambda each: dict(copy.copy(each)),
        lambda each: dict(copy.deepcopy(each)),
        lambda each: dict(pickle.loads(pickle.dumps(each))),
        lambda each: dict(zip(each, each.values(), strict=True)),
        lambda each: dict(each.items()),
        lambda each: dict(reversed(list(reversed(each.items())))),
    ],
)
def test_an_undecoded_message_is_complete_whatever_reads_it(kind, made):
    assert made(kind(frame("Event: X", "ActionID: 1", "A: b", "A: c", "no header"))) == {
        "Event": "X",
        "ActionID": "1",
        "A": "b",
    }


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_is_a_message_of_its_own(clone):
    event = Event(frame("Event: X", "A: 1", "A: 2", "no header"))
    other = clone(event)
    assert type(other) is Event
    assert other == event
    assert (other.pairs, other.data, other.raw) == (event.pairs, event.data, event.raw)
    other["A"] = "changed"
    assert event["A"] == "1"


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_has_what_was_changed(clone):
    response = message("Response: Success", "Ping: Pong")
    response.put("RTT", 0.25)
    del response["Ping"]
    response.success, response.elapsed = True, 0.25
    other = clone(response)
    assert dict(other) == {"Response": "Success", "RTT": 0.25}
    assert (other.success, other.elapsed) == (True, 0.25)
    assert (other["rtt"], "ping" in other) == (0.25, False)


KEYS = ["Event", "Response", "ActionID", "A", "a", "B", "b", "Output", "x-Y"]
EVERY_CASE = st.sampled_from([*KEYS, "EVENT", "response", "OUTPUT", "X-y", "NEW", "missing"])
VALUES = st.sampled_from(["", "1", "two words", " edge ", "ä"])


def found(model: dict[str, Any], key: str) -> Any:
    """A look-up as messages do it."""
    folded = [own for own in model if own.lower() == key.lower()]
    return model[key if key in model else folded[0]] if folded else KeyError


def outcome(function: Callable[[], object]) -> object:
    """What a call brings, so that two can be compared; objects that are not equal by themselves are unfolded."""
    try:
        result = function()
    except Exception as error:
        return type(error)
    return result if isinstance(result, (str, int, bool, dict, type(None))) else list(result)


def looks(key: str, value: str) -> dict[str, Callable[[dict[str, Any]], object]]:
    """Operations that do to a message what they do to a dict."""
    other = {key: value, "New": value}
    return {
        "iter": iter,
        "reversed": reversed,
        "len": len,
        "bool": bool,
        "keys": lambda each: each.keys(),
        "values": lambda each: each.values(),
        "items": lambda each: each.items(),
        "keys &": lambda each: sorted(each.keys() & {key, "A"}),
        "copy": lambda each: each.copy(),
        "dict": dict,
        "**": lambda each: {**each},
        "json": json.dumps,
        "== dict": lambda each: each == {key: value},
        "!= dict": lambda each: each != {key: value},
        "|": lambda each: each | other,
        "reflected |": lambda each: other | each,
        "|=": lambda each: each.__ior__(other),
        "[] =": lambda each: each.__setitem__(key, value),
        "del []": lambda each: each.__delitem__(key),
        "pop": lambda each: each.pop(key),
        "pop with default": lambda each: each.pop(key, value),
        "popitem": lambda each: each.popitem(),
        "setdefault": lambda each: each.setdefault(key, value),
        "update": lambda each: each.update(other),
        "update with keywords": lambda each: each.update(New=value),
        "clear": lambda each: each.clear(),
        "items of another": lambda each: {}.update(each),
    }


@pytest.mark.parametrize("operation", looks("", ""))
@pytest.mark.parametrize("key", ["Event", "B", "missing"])
def test_an_operation_does_to_an_undecoded_message_what_it_does_to_a_dict(operation, key):
    each, model = message("Event: X", "A: 1", "B: 2"), {"Event": "X", "A": "1", "B": "2"}
    function = looks(key, "new")[operation]
    assert outcome(lambda: function(each)) == outcome(lambda: function(model))
    assert list(each.items()) == list(model.items())


OPERATIONS = st.tuples(st.sampled_from([*looks("", ""), "[]", "get", "in"]), EVERY_CASE, VALUES)


@given(
    headers=st.lists(st.tuples(st.sampled_from(KEYS), VALUES), min_size=1, max_size=6),
    operations=st.lists(OPERATIONS, min_size=1, max_size=5),
)
@example(headers=[("Event", "X")], operations=[("in", "missing", ""), ("[] =", "New", "1"), ("[]", "NEW", "")])
@example(headers=[("Event", "X"), ("A", "1")], operations=[("in", "b", ""), ("popitem", "", ""), ("[]", "a", "")])
@example(headers=[("A", "1")], operations=[("[]", "EVENT", "")])
@example(headers=[("A", "1"), ("Response", "X")], operations=[("[] =", "New", "1"), ("[]", "NEW", "")])
def test_every_operation_does_to_a_fresh_message_what_it_does_to_a_dict(headers, operations):
    each = message(*(f"{key}: {value}" for key, value in headers))
    model: dict[str, Any] = {}
    for key, value in headers:
        model.setdefault(key, value)
    kinds = {key.lower() for key in model}
    if not kinds & {"event", "response"}:
        model.update({"Response": RESPONSE_GENERIC} if "actionid" in kinds else {"Event": EVENT_GENERIC})
    for name, key, value in operations:
        expected = found(model, key)
        if name == "[]":
            assert outcome(lambda: each[key]) == expected  # noqa: B023
        elif name == "get":
            assert each.get(key, "default") == ("default" if expected is KeyError else expected)
        elif name == "in":
            assert (key in each) == (expected is not KeyError)
        else:
            operation = looks(key, value)[name]
            assert outcome(lambda: operation(each)) == outcome(lambda: operation(model)), name  # noqa: B023
    assert dict(each) == model
    assert list(each) == list(model)


@given(data=st.binary(max_size=60))
@example(data=b"")
@example(data=b"\r\n")
@example(data=b":\r\n\r\n")
@example(data=b"Response: Follows\r\n\r\n")
def test_any_bytes_make_a_message_that_keeps_them(data):
    each = Message(data)
    assert each.frame == data
    assert "".join(each.raw).encode("utf-8", "surrogateescape") == data
    assert isinstance(each.name, str)
    assert len(each) == len(dict(each)) > 0
    assert repr(each)
    assert is_event(wire.decode(data)) in (True, False)


# Decoding: late, in one go, and the same for all


def is_decoded(each: Message) -> bool:
    return dict.__len__(each) > 1


@st.composite
def frames(draw) -> bytes:
    """Frames of lines that are headers, nearly headers, and none."""
    keys = st.sampled_from(
        ["Event", "Response", "ActionID", "A", "a", "B", "Output", "Ä", "A b", " A", "A ", "\x1cA", ""]
    )
    values = st.sampled_from(["", "b", "Follows", "b: c", " b ", ":", "b\n", "b\r", "b\nA: c", "--END COMMAND--", "ä"])
    headers = st.tuples(keys, st.sampled_from([": ", ": ", ": ", ":", " : "]), values).map("".join)
    others = st.sampled_from(["nonsense", "", "\n", "\nA: 1", "\xff", "Privilege: Command"])
    lines = [*draw(st.lists(headers | others, max_size=6)), *draw(st.sampled_from([["", ""], ["", ""], ["\n"], []]))]
    begin = draw(st.sampled_from(["Event: X\r\n", "Response: Follows\r\n", ""]))
    return begin.encode() + "\r\n".join(lines).encode("latin-1" if draw(st.booleans()) else "utf-8")


@given(data=frames())
@example(data=b"Event: X\r\n: no key\r\n\r\n")
@example(data=b"Response: Follows\r\nEvent: X\r\nA: b\r\n\r\n")
@example(data=b"Event: X\r\nA: 1\r\nA: 2\r\n\r\n")
@example(data=b"Event: X\r\nA:b: c\r\n\r\n")
@example(data=b"Event: X\r\nA:b\r\nB:c")
@example(data=b"Event: X\r\nA: b\r\r\n\r\n")
@example(data=b"Event: X\r\nA: b\n\r\n\r\n")
@example(data=b"Event: X\r\nA : b\r\n\r\n")
@example(data=b"Event: X\r\nOutput: b\r\n\r\n")
@example(data=b"A: b\r\nB: c\r\n\r\n")
def test_the_headers_are_the_first_of_the_pairs_and_a_name_and_the_payload_is_what_is_left(data):
    each = Message(data)
    expected: dict[str, str] = {}
    for key, value in each.pairs:
        expected.setdefault(key, value)
    kinds = {key.lower() for key in expected}
    if not kinds & {"event", "response"}:
        expected |= {"Response": RESPONSE_GENERIC} if "actionid" in kinds else {"Event": EVENT_GENERIC}
    assert list(each.items()) == list(expected.items())
    assert each.data == module._split(wire.decode(data).removesuffix(wire.EMPTY_LINE))[1]


LOOKED_UP = st.sampled_from(
    ["Event", "Response", "ActionID", "A", "a", "B", "OUTPUT", "Ä", "\udcc3\udca4", "\ud800", "A b", " A", "A ", "",
     ":", "A:", "A: b", "B\r\nA", "\nA", "nonsense", "Privilege", "missing", 1, None]
)  # fmt: skip


@given(data=frames(), keys=st.lists(LOOKED_UP, min_size=1, max_size=7))
@example(data=b"Response: Follows\r\nPrivilege: Command\r\nA: raw\r\n--END COMMAND--\r\n\r\n", keys=["A"])
@example(data=b"Event: X\r\nA:b: c\r\n\r\n", keys=["A:b", "A"])
@example(data=b"Event: X\r\n A: b\r\n\r\n", keys=[" A"])
@example(data=b"Event: X\r\n: b\r\n\r\n", keys=[""])
@example(data=b"Event: X\r\nno header\r\nA: b\r\n\r\n", keys=["no header\r\nA"])
@example(data=b"Event: X\r\n\xc3\xa4: b\r\n\r\n", keys=["\udcc3\udca4", "ä"])
@example(data=b"Event: X\r\nA: b", keys=["A"])
@example(data=b"Event: X\r\nA: 1\r\nA: 2\r\n\r\n", keys=["A"])
def test_a_look_up_finds_the_same_before_the_decoding_and_after(data, keys):
    decoded = Message(data)
    names = [key for key, _ in decoded.pairs]
    written = {key: f"{key}: " for key in names if names.count(key) > 1}
    # Whether a line that is written otherwise counts as a repeat depends on the decoding.
    unclear = {
        key for line in decoded.raw for key in [line.partition(":")[0].strip()]
        if key in written and not line.startswith(written[key])
    }  # fmt: skip
    list(decoded)
    clear = [key for key in keys if key not in unclear]
    for key in clear:
        for look in (lambda each: each[key], lambda each: each.get(key, "none"), lambda each: key in each):  # noqa: B023
            assert outcome(lambda: look(Message(data))) == outcome(lambda: look(decoded))  # noqa: B023
    undecoded = Message(data)
    assert [undecoded.get(key) for key in clear] == [decoded.get(key) for key in clear]


def test_look_ups_of_headers_that_are_there_decode_nothing_else():
    each = message("Event: X", "A: 1", "B: 2", "C: 3", "ActionID: 4")
    assert (each["A"], each.get("B"), "C" in each, each.action_id, each["Event"]) == ("1", "2", True, "4", "X")
    assert (each["A"], each["C"]) == ("1", "3")
    assert not is_decoded(each)


def test_a_look_up_that_finds_nothing_so_decodes():
    each = message("Event: X", "A: 1")
    assert each.get("a") == "1"
    assert is_decoded(each)


def test_a_key_that_is_more_than_text_is_looked_up_as_in_a_dict():
    class Odd(str):
        def __format__(self, spec: str) -> str:
            return "B"

    module._LINE_STARTS.clear()
    assert message("Event: X", "A: 1", "B: 2")[Odd("A")] == "1"
    assert message("Event: X", "A: 1", "B: 2")["A"] == "1"


def test_a_message_that_begins_with_no_header_is_never_empty():
    assert json.loads(json.dumps(message("no header", "Event: X"))) == {"Event": "X"}


def test_only_so_many_lines_are_remembered_and_no_long_ones():
    for number in range(5000):
        headers = {"Event": "X", f"Key{number}": "1", "Long": "x" * 1000}
        assert dict(message(*(f"{key}: {value}" for key, value in headers.items()))) == headers
    assert 0 < len(module._PAIRS) <= 4096
    assert max(map(len, module._PAIRS)) < 200


@pytest.mark.parametrize("key", [b"Key", 1, None, ("A", "B")])
def test_a_key_that_is_no_text_is_not_there(key):
    each = message("Event: X", "A: 1")
    with pytest.raises(KeyError):
        each[key]
    assert key not in each
    assert each.get(key) is None


def test_an_event_without_action_id_is_not_decoded_to_say_so():
    each = message("Event: X", "A: 1")
    assert (each.action_id, each.name) == (None, "X")
    assert not is_decoded(each)


def test_what_was_set_or_deleted_wins_over_the_bytes():
    each = message("Event: X", "A: 1", "B: 2", "C: 3")
    assert each["A"] == "1"
    each["A"] = "new"
    del each["B"]
    assert each.pop("C") == "3"
    assert (each["A"], each.get("B"), "C" in each) == ("new", None, False)
    each.clear()
    assert ("A" in each, "Event" in each, dict(each)) == (False, False, {})


def test_an_event_made_from_its_name_is_the_event_made_from_its_frame():
    data = frame("Event: Hangup", "Cause: 16", "Cause: 17", "no header")
    text = wire.decode(data).removesuffix(wire.EMPTY_LINE)
    each = Event.from_text(text, "Event", "Hangup")
    assert not is_decoded(each)
    assert (type(each), each.frame, each.name, each["Event"]) == (Event, data, "Hangup", "Hangup")
    assert json.loads(json.dumps(Event.from_text(text, "Event", "Hangup"))) == {"Event": "Hangup", "Cause": "16"}
    again = pickle.loads(pickle.dumps(Event.from_text(text, "Event", "Hangup")))
    assert each == Event(data) == copy.copy(each) == again
    assert (each.data, each.pairs, each.raw) == (Event(data).data, Event(data).pairs, Event(data).raw)
    assert repr(each) == "<Event {'Event': 'Hangup', 'Cause': '16'}>"


def test_pairs_and_data_are_those_of_the_bytes_whatever_was_changed():
    each = message("Event: X", "Output: 1", "B: 2")
    each.clear()
    assert (each.pairs, each.data) == ([("Event", "X"), ("Output", "1"), ("B", "2")], ["1"])


def test_a_decoding_that_comes_late_does_not_undo_what_was_changed_meanwhile(monkeypatch):
    each = message("Event: X", "A: 1", "B: 2")
    parse = module._parse

    def overtaken(text: str) -> Any:
        monkeypatch.setattr(module, "_parse", parse)
        parts = parse(text)
        del each["A"]  # what another thread, or a signal handler, does while this one decodes
        each["B"] = "new"
        return parts

    monkeypatch.setattr(module, "_parse", overtaken)
    assert dict(each) == {"Event": "X", "B": "new"}


def test_no_look_up_sees_another_value_of_a_repeated_header_while_the_message_is_decoded(monkeypatch):
    each = message("Event: X", "A: first", "A: last", "B: 2")
    seen = []
    pairs = module._PAIRS

    class Looking(dict[str, tuple[str, str]]):
        def __missing__(self, line: str) -> tuple[str, str]:
            seen.append((each["A"], each.name))  # what another thread does while this one decodes
            return pairs[line]

    monkeypatch.setattr(module, "_PAIRS", Looking())
    assert len(each) == 3
    assert set(seen) == {("first", "X")}
    assert each["A"] == "first"


def test_what_was_put_hides_no_repeat():
    each = message("Response: Success", "Ping: Pong", "Note: first", "Note: last")
    core.Ping().process_response(each)
    assert (each["Note"], len(each), each["Note"]) == ("first", 4, "first")
    assert "RTT" in each


@pytest.fixture
def threads_that_take_short_turns() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("threads_that_take_short_turns")
def test_threads_that_decode_one_message_see_all_of_it_and_keep_each_others_changes():
    expected = {"Event": "X", **{f"Key{number}": str(number) for number in range(30)}}
    data = frame(*(f"{key}: {value}" for key, value in expected.items()))
    messages = [Message(data) for _ in range(2000)]
    barrier = threading.Barrier(3)
    wrong: list[dict[str, str]] = []

    def run(own: str) -> None:
        barrier.wait()
        for each in messages:
            seen = dict(each.items())
            del each[own]
            if seen[own] != expected[own] or len(seen) < len(expected) - 2 or own in each:
                wrong.append(seen)

    threads = [threading.Thread(target=run, args=(f"Key{number}",)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert {len(each) for each in messages} == {len(expected) - 3}


# Text for people


@pytest.mark.parametrize("header", ["Secret", "Key", "Challenge", "secret", "KEY"])
def test_repr_hides_what_must_stay_secret(header):
    each = message("Response: Success", f"{header}: s3cret", "Username: admin")
    assert "s3cret" not in repr(each)
    assert repr(each) == f"<Message {{'Response': 'Success', '{header}': '…', 'Username': 'admin'}}>"
    assert each[header] == "s3cret"


def test_repr_of_an_event_says_its_class():
    assert repr(Event(frame("Event: X"))) == "<Event {'Event': 'X'}>"


# Events and responses


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["Event: Hangup"], True),
        (["Response: Success"], False),
        (["Event: OriginateResponse", "Response: Failure", "ActionID: 1"], True),
        (["Response: Success", "Event: Injected"], False),
        (["event: Hangup", "ActionID: 1"], True),
        (["RESPONSE: Success"], False),
        (["Privilege: x", "Response: Success", "Event: Hangup"], True),
        (["Privilege: x", "response: Success"], False),
        (["ActionID: 1", "event: Hangup"], True),
        (["ActionID: 1", "A: b"], False),
        (["A: b", "actionid: 1"], False),
        (["A: b"], True),
        (["no header"], True),
        (["no header", "Response: Success"], False),
    ],
)
def test_the_first_header_says_whether_a_frame_is_an_event(lines, answer):
    assert is_event(wire.decode(frame(*lines))) is answer


def test_asterisk_has_two_words_for_success():
    assert set(SUCCESSES) == {"Success", "Follows"}


def test_messages_and_aggregates_have_their_documented_base():
    from ami.ami import _Aggregate, _Event, _Message, _MessageTemplate

    assert issubclass(_Message, _MessageTemplate)
    assert issubclass(_Event, _MessageTemplate)
    assert issubclass(_Aggregate, _MessageTemplate)
    assert not issubclass(dict, _MessageTemplate)


def test_a_message_may_be_looked_at_while_another_is_decoded(monkeypatch):
    """By a finaliser, or a signal handler; also in a child that was forked then."""
    other = message("Event: Y", "A: 1")
    parse = module._parse

    def interrupted(text: str) -> Any:
        monkeypatch.setattr(module, "_parse", parse)
        assert dict(other) == {"Event": "Y", "A": "1"}
        return parse(text)

    monkeypatch.setattr(module, "_parse", interrupted)
    assert dict(message("Event: X", "B: 2")) == {"Event": "X", "B": "2"}


class _Looking(str):
    """A key that looks at a message when it is hashed, as another thread might in the middle of a change."""

    message: Message | None = None

    def __hash__(self) -> int:
        if self.message is not None:
            self.message.get("another")
        return super().__hash__()


def test_a_look_in_the_middle_of_a_change_leaves_nothing_stale():
    message = catalogue.parse(b"Event: Odd\r\nFoo: 1\r\n\r\n")
    assert message.get("FOO") == "1"
    key = _Looking("New")
    key.message = message
    message[key] = "n"
    key.message = None
    assert message["new"] == "n"
    del message["Foo"]
    assert message.get("foo") is None


def test_a_header_that_goes_in_the_middle_of_a_look_is_missing(monkeypatch):
    message = catalogue.parse(b"Event: Odd\r\nFoo: 1\r\n\r\n")
    monkeypatch.setattr(type(message), "_find", lambda self, key: "Gone")
    with pytest.raises(KeyError, match="gone"):
        message["gone"]
    assert message.get("gone", "default") == "default"
