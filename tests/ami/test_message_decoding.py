"""Messages: their decoding is late, in one go, the same for all, and nobody notices it."""

import copy
import json
import pickle
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ami import EVENT_GENERIC, RESPONSE_GENERIC, core, wire
from ami import message as module
from ami.catalogue import Event
from ami.message import Message

from .messages import frame, message, outcome


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
