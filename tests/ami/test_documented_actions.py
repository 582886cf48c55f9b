"""The documented actions, as `tests/data/documented_actions.txt` has them: one test for each of its lines."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ami.catalogue import Aggregate, Event
from ami.message import Message
from ami.request import Request

TABLE = Path(__file__).parents[1] / "data" / "documented_actions.txt"
COUNTS = {"core": 60, "dahdi": 6, "app_confbridge": 13, "app_meetme": 4}


class Entry(NamedTuple):
    """An action: its module, its name, the text of its parameters, and the lines below."""

    module: str
    name: str
    parameters: str
    lines: list[str]


def read() -> Iterator[Entry]:
    for block in TABLE.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if lines:
            action, _, parameters = lines[0].partition("(")
            module, _, name = action.partition(".")
            yield Entry(module, name, parameters.removesuffix(")"), [line.strip() for line in lines[1:]])


ENTRIES = list(read())


def rows(*starts: str) -> list[Any]:
    """The lines that begin with one of these words, as test parameters: the entry, and the rest of the line."""
    return [
        pytest.param(entry, line.partition(" ")[2], id=f"{entry.name} {line}"[:90])
        for entry in ENTRIES
        for line in entry.lines
        if line.startswith(tuple(f"{start} " for start in starts))
    ]


def calls(separator: str) -> list[Any]:
    found = []
    for entry in ENTRIES:
        for line in entry.lines:
            arguments, separated, what = line.partition(f") {separator}")
            if line.startswith("(") and separated:
                found.append(pytest.param(entry, f"{arguments})", what.strip(), id=f"{entry.name}{arguments})"[:90]))
    return found


class Modules(dict[str, Any]):
    """The modules of `ami`, by name, for the expressions of the table."""

    def __missing__(self, name: str) -> Any:
        if name.startswith(("core", "dahdi", "app_")):
            return import_module(f"ami.{name}")
        raise KeyError(name)


def value(expression: str) -> Any:
    return eval(expression, Modules())


def resolve(name: str) -> Any:
    return value(name if "." in name else f"core_events.{name}")


def action(entry: Entry) -> type[Request]:
    kind = value(f"{entry.module}.{entry.name}")
    assert isinstance(kind, type)
    assert issubclass(kind, Request)
    return kind


def any_of(entry: Entry) -> Request:
    """The action as the first call of its entry makes it."""
    first = next(line for line in entry.lines if line.startswith("(") and ") ->" in line)
    request = value(f"{entry.module}.{entry.name}{first.rpartition(') ->')[0]})")
    assert isinstance(request, Request)
    return request


def headers(text: str) -> list[tuple[str, str]]:
    found = (part.partition(":") for part in text.split(" | ") if part)
    return [(key.strip(), rest.strip()) for key, _, rest in found]


# The table


@pytest.mark.parametrize("module", COUNTS)
def test_the_table_has_every_action(module):
    names = [entry.name for entry in ENTRIES if entry.module == module and not entry.name.startswith("_")]
    assert len(names) == len(set(names)) == COUNTS[module]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_action_of_the_table_is_called(entry):
    assert any_of(entry)


# The actions


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_action_takes_the_documented_arguments(entry):
    documented = ast.parse(f"def f({entry.parameters}): ...").body[0].args  # type: ignore[attr-defined]
    names = [each.arg for each in documented.args]
    defaults = dict(zip(reversed(names), reversed(documented.defaults), strict=False))
    parameters = inspect.signature(action(entry)).parameters
    known, further = list(parameters.values())[: len(names)], list(parameters.values())[len(names) :]
    assert [each.name for each in known] == names
    for each in known:
        assert each.kind == each.POSITIONAL_OR_KEYWORD
        if each.name in defaults:
            default = ast.literal_eval(defaults[each.name])
            assert each.default == default or not (each.default or default), each
    if documented.kwarg:
        assert [each.kind for each in further] == [inspect.Parameter.VAR_KEYWORD]
    else:
        assert all(each.default is not each.empty or each.kind == each.VAR_KEYWORD for each in further)


@pytest.mark.parametrize(("entry", "arguments", "what"), calls("->"))
def test_an_action_puts_the_documented_headers_on_the_wire(entry, arguments, what):
    request = value(f"{entry.module}.{entry.name}{arguments}")
    text, action_id = request.build_request(None, lambda: "host-1")
    assert text.endswith("\r\nActionID: host-1\r\n\r\n")
    assert action_id == "host-1"
    first, *sent = [
        (key, rest.removeprefix(" ")) for key, _, rest in (each.partition(":") for each in text.split("\r\n")[:-3])
    ]
    expected = headers(what)
    if not expected or expected[0][0] != "Action":
        expected.insert(0, ("Action", entry.name))
    assert first == expected[0]
    # Between different headers, the order means nothing to Asterisk.
    assert sorted(sent, key=lambda each: each[0]) == sorted(expected[1:], key=lambda each: each[0])


@pytest.mark.parametrize(("entry", "arguments", "what"), calls("raises "))
def test_an_action_refuses_what_makes_no_sense(entry, arguments, what):
    with pytest.raises(value(what)):
        value(f"{entry.module}.{entry.name}{arguments}")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_action_is_made_anew_each_time(entry):
    first, second = any_of(entry), any_of(entry)
    assert first == second
    first["Extra"] = "1"
    assert "Extra" not in second
    assert (first.aggregate, first.synchronous) == (False, False)
    if first["Action"] != "Originate":
        assert first.timeout == 5


@pytest.mark.parametrize(("entry", "names"), rows("list"))
def test_an_action_names_the_events_of_its_list(entry, names):
    unique, members, _ = any_of(entry).get_synchronous_classes()
    assert unique == ()
    assert members == tuple(resolve(name) for name in names.split())


@pytest.mark.parametrize(("entry", "name"), rows("last"))
def test_an_action_names_the_event_that_ends_it(entry, name):
    _, members, last = any_of(entry).get_synchronous_classes()
    assert resolve(name) in last
    assert len(last) == 1 or not members  # what took its place in later versions of Asterisk may end it, too


@pytest.mark.parametrize(("entry", "name"), rows("aggregate"))
def test_an_action_names_its_aggregate(entry, name):
    assert any_of(entry).get_aggregate_classes() == (resolve(name),)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_action_without_a_documented_list_collects_none_or_one_of_its_own(entry):
    unique, members, last = any_of(entry).get_synchronous_classes()
    words = {line.partition(" ")[0] for line in entry.lines}
    assert unique == ()
    assert bool(members) >= ("list" in words)
    assert bool(last) >= ("last" in words)
    assert all(issubclass(each, Event) and each.wire_name for each in (*members, *last))
    assert all(issubclass(each, Aggregate) for each in any_of(entry).get_aggregate_classes())


# What is made of a response


def response(text: str) -> Message:
    lines = [part.strip() for part in text.split(" | ")]
    answer = Message("".join(f"{line}\r\n" for line in (*lines, "ActionID: 1", "")).encode())
    answer.elapsed = 0.25
    return answer


@pytest.mark.parametrize(("entry", "text"), rows("answer"))
def test_an_action_makes_of_its_response_what_is_documented(entry, text):
    given, _, what = text.partition(" -> ")
    expected = value(what)
    if isinstance(expected, type):
        with pytest.raises(expected, match=dict(headers(given))["Message"]):
            any_of(entry).process_response(response(given))
        return
    answer = response(given)
    result = any_of(entry).process_response(answer)
    assert result is answer
    found = {key: result.success if key == "success" else result[key] for key in expected}
    assert found == expected
    assert {key: type(each) for key, each in found.items()} == {key: type(each) for key, each in expected.items()}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_response_says_whether_the_action_was_taken(entry):
    for word in ("Success", "Follows", "Error", "Goodbye", "success"):
        if (entry.name, word) not in {("Logoff", "Goodbye"), ("Login", "Error")}:
            answer = response(f"Response: {word}")
            assert any_of(entry).process_response(answer) is answer
            assert answer.success is (word in ("Success", "Follows")), word


def test_the_lines_of_a_file_come_in_the_order_of_their_numbers():
    lines = ["Line-000000-000001: second=2", "Line-000001-000000: third=3", "Line-000000-000000: first=1"]
    text = " | ".join(["Response: Success", "Category-000000: a", *lines])
    result: Any = any_of(next(entry for entry in ENTRIES if entry.name == "GetConfig")).process_response(response(text))
    assert isinstance(result.get_lines(), Iterator)
    assert list(result.get_lines()) == ["first=1", "second=2", "third=3"]
    assert list(result.get_lines()) == ["first=1", "second=2", "third=3"]


def test_a_file_without_lines_has_none():
    request = any_of(next(entry for entry in ENTRIES if entry.name == "GetConfig"))
    result: Any = request.process_response(response("Response: Error | Message: Config file not found"))
    assert list(result.get_lines()) == []
    assert result.success is False


@pytest.mark.parametrize("name", ["_Originate", "Originate_Application", "Originate_Context"])
@pytest.mark.parametrize("timeout", [None, 0, 30_000])
def test_an_originate_waits_two_seconds_longer_than_the_telephone_may_ring(name, timeout):
    arguments = {"Originate_Application": ["Wait"], "Originate_Context": ["default", "200", 1]}.get(name, [])
    request = value(f"core.{name}")("PJSIP/1", *arguments, timeout=timeout)
    milliseconds = {"Timeout": str(timeout)} if timeout else {}
    assert {key: each for key, each in request.items() if key == "Timeout"} == milliseconds
    assert request.timeout == (32 if timeout else 600)
