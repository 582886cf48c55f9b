"""Messages: whatever is done to one before anybody has looked, it does what a dict does."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ami import EVENT_GENERIC, RESPONSE_GENERIC, wire
from ami.catalogue import Event
from ami.message import Message, is_event
from amisim import strategies

from .messages import frame, message, outcome


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


@given(data=strategies.garbage())
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
