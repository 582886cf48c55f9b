"""Scenarios: what a server is and does, in a YAML file; the vocabulary is that of scripts in Python.

    amisim: 1
    rules:
      - on: QueueStatus
        headers: {Queue: support}
        reply:
          - response: Success
            EventList: start
          - event: QueueMember
            Name: Alice
          - list_complete:
    timelines:
      - at: login
        loop: forever
        steps:
          - wait: 5
          - event: QueueCallerJoin
            Queue: support

`docs/scenarios.md` tells all of it, `scenario.schema.json` tells it to editors. Texts are taken as they are written,
nothing is evaluated, and whatever is wrong is a `ScenarioError` that names the line.
"""

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args

from amisim.faults import Fault, parse
from amisim.host import BANNERS
from amisim.replay import UNEXPECTED, Unexpected
from amisim.script import At, Rule, Script, check_unasked, like
from amisim.significant import Rules
from amisim.steps import How, Message, Set, Step, To, close, emit, raw, repeat, wait
from amisim.tree import Entry, Mistake, Node, documents
from amisim.users import CLASSES, User
from amisim.values import is_name, misplaced

__all__ = ["FORMAT", "Scenario", "ScenarioError", "is_scenario", "load"]

FORMAT = "1"


class ScenarioError(Exception):
    """A scenario cannot be read; the text names the file, the line, and what would have been right."""

    def __init__(self, path: object, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}" if line else f"{path}: {problem}")


class Scenario(NamedTuple):
    """A scenario, for one server: what its rules have done so far, and its variables, are in it."""

    path: str

    script: Script
    """Its rules, of which the first that takes an action answers it, its timelines and its variables."""

    description: str
    version: str
    """The version of Asterisk to be; empty if it says none."""

    users: dict[str, User]
    """By name; none if it says none."""

    seed: int | None
    faults: tuple[Fault, ...]

    recording: str
    """What answers where no rule does; empty if it says none."""

    match: tuple[str, ...]
    """What counts when an action is compared with those of the recording; see `amisim.significant`."""

    unexpected: Unexpected | None
    """What becomes of an action that is not in the recording; None if it says nothing."""

    test: str
    """`module:function`, if it says how a test fails in an `amisim.World` (see `amisim.explore`)."""

    file: str
    """The file that the test is in, relative to the scenario's folder; empty if it says none."""

    switches: dict[int, int] | None
    """Those of that world; None if it says none."""


def load(path: str | Path) -> Scenario:
    """Read a scenario. Raises `ScenarioError`."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ScenarioError(path, 0, f"cannot be read: {error.strerror}") from None
    try:
        return _scenario(str(path), data)
    except Mistake as mistake:
        raise ScenarioError(path, mistake.line, mistake.problem) from None


def is_scenario(path: str | Path) -> bool:
    """Whether a file says of itself that it is a scenario, right or wrong."""
    try:
        with open(path, "rb") as file:
            return re.search(rb"^amisim\s*:", file.read(65_536), re.MULTILINE) is not None
    except OSError:
        return False


def _scenario(path: str, data: bytes) -> Scenario:
    roots = documents(data)
    root = next(roots, None)
    if root is None:
        raise Mistake(1, f"empty: a scenario begins with 'amisim: {FORMAT}'")
    if isinstance(root.value, dict) and "format" in root.value:
        raise Mistake(root.line, "a recording, and no scenario: 'amisim replay' or recording= takes it")
    keys = _keys(root, "a scenario", _SCENARIO)
    if "amisim" not in keys:
        raise Mistake(root.line, f"no 'amisim: {FORMAT}', which says that this is a scenario, and of which format")
    if keys["amisim"].node.value != FORMAT:
        raise Mistake(keys["amisim"].line, f"a format that this amisim does not know: it reads 'amisim: {FORMAT}'")
    if (another := next(roots, None)) is not None:
        raise Mistake(another.line, "a second document: a scenario is one, without a '---' in it")
    if "parts" in keys:
        _keys(keys["parts"].node, "the parts")  # what is in them counts where an alias says it
    for key in ("match", "unexpected"):
        if key in keys and "recording" not in keys:
            raise Mistake(keys[key].line, f"{key!r} belongs to 'recording', which there is none of")
    script = Script(variables=_variables(keys["variables"].node) if "variables" in keys else {})
    if "rules" in keys:
        _read_rules(script, keys["rules"].node, path)
    if "timelines" in keys:
        for node in _list(keys["timelines"].node):
            _read_timeline(script, node)
    return Scenario(
        path,
        script,
        _text(keys["description"].node) if "description" in keys else "",
        _one_of(keys["version"].node, BANNERS) if "version" in keys else "",
        _users(keys["users"].node) if "users" in keys else {},
        _whole(keys["seed"].node) if "seed" in keys else None,
        tuple(_fault(node) for node in _list(keys["faults"].node)) if "faults" in keys else (),
        _text(keys["recording"].node) if "recording" in keys else "",
        tuple(_matching(node) for node in _list(keys["match"].node)) if "match" in keys else (),
        cast(Unexpected, _one_of(keys["unexpected"].node, UNEXPECTED)) if "unexpected" in keys else None,
        _text(keys["test"].node) if "test" in keys else "",
        _text(keys["file"].node) if "file" in keys else "",
        _switches(keys["switches"].node) if "switches" in keys else None,
    )


# Keys

_SCENARIO = (
    "amisim", "description", "version", "users", "seed", "faults", "recording", "match", "unexpected", "variables",
    "parts", "rules", "timelines", "test", "file", "switches",
)  # fmt: skip
_USER = ("secret", "read", "write")
_RULE = ("on", "headers", "when", "times", "required", "reply")
_CONDITION = ("like", "regex")
_TIMELINE = ("at", "loop", "steps")


def _users(node: Node) -> dict[str, User]:
    users: dict[str, User] = {}
    for name, entry in _keys(node, "the users").items():
        if name.lower() in (each.lower() for each in users):
            raise Mistake(entry.line, f"the user {name!r} again: case does not count in names of users")
        users[name] = _user(entry)
    return users


def _user(entry: Entry) -> User:
    if isinstance(entry.node.value, str):
        return User(entry.node.value)
    keys = _keys(entry.node, "a user", _USER, required=("secret",))
    user = User(_text(keys["secret"].node))
    if "read" in keys:
        user = user._replace(read=_classes(keys["read"].node))
    return user._replace(write=_classes(keys["write"].node)) if "write" in keys else user


def _classes(node: Node) -> str:
    names = _text(node).split(",")
    for name in names:
        _one_of(node._replace(value=name.strip()), CLASSES)
    return ",".join(name.strip() for name in names)


def _fault(node: Node) -> Fault:
    with _in_line(node.line):
        return parse(_text(node))


def _matching(node: Node) -> str:
    """A rule of matching."""
    with _in_line(node.line):
        Rules([_text(node)])
    return _text(node)


def _switches(node: Node) -> dict[int, int]:
    keys = _keys(node, "the switches")
    return {_whole(entry.node._replace(value=key)): _whole(entry.node, least=1) for key, entry in keys.items()}


def _variables(node: Node) -> dict[str, str]:
    keys = _keys(node, "the variables")
    for name, entry in keys.items():
        if not is_name(name):
            raise Mistake(entry.line, f"{name!r} is no name of a variable: that has letters, digits, '_', '.' and '-'")
    return {name: _text(entry.node) for name, entry in keys.items()}


def _known_variables(node: Node, variables: Collection[str]) -> dict[str, str]:
    """Values for variables, each of which is among those that the scenario begins with."""
    keys = _keys(node, "the scenario's 'variables'", tuple(variables))
    return {name: _value(entry.node) for name, entry in keys.items()}


def _read_rules(script: Script, node: Node, path: str) -> None:
    """Add the rules of a list; one that could never answer, because another always does before it, is a mistake."""
    always: dict[str, int] = {}
    for each in _list(node):
        keys = _keys(each, "a rule", _RULE, required=("on", "reply"))
        name = _name(keys["on"])
        if name.lower() in always:
            problem = f"this rule never answers: that of line {always[name.lower()]} takes every {name}; put that last"
            raise Mistake(keys["on"].line, problem)
        if set(keys) <= {"on", "required", "reply"}:
            always[name.lower()] = each.line
        rule = _rule(name, keys, script.variables)
        if "required" in keys and _one_of(keys["required"].node, ("yes", "no")) == "yes":
            rule.required(f"{path}, line {keys['on'].line}")
        script.rules.append(rule)


def _rule(name: str, keys: dict[str, Entry], variables: dict[str, str]) -> Rule:
    rule = Rule(name, _conditions(keys["headers"].node) if "headers" in keys else {}, variables)
    if "when" in keys:
        rule.when(**_known_variables(keys["when"].node, variables))
    if "times" in keys:
        rule.times(_whole(keys["times"].node, least=1))
    return rule.reply(*_steps(keys["reply"].node, variables))


def _conditions(node: Node) -> dict[str, object]:
    return {_header_name(key, entry): _condition(entry.node) for key, entry in _keys(node, "the headers").items()}


def _condition(node: Node) -> object:
    if isinstance(node.value, str):
        return node.value
    keys = _keys(node, "a condition", _CONDITION)
    if len(keys) != 1:
        raise Mistake(node.line, "a condition is a text, or one of 'like' and 'regex'")
    ((kind, entry),) = keys.items()
    if kind == "like":
        return like(_text(entry.node))
    try:
        return re.compile(_text(entry.node))
    except re.error as error:
        raise Mistake(entry.node.line, f"no regular expression: {error}") from None


def _read_timeline(script: Script, node: Node) -> None:
    keys = _keys(node, "a timeline", _TIMELINE, required=("steps",))
    at = cast(At, _one_of(keys["at"].node, get_args(At)) if "at" in keys else "login")
    steps = []
    for each in _list(keys["steps"].node):
        with _in_line(each.line):
            steps.append(check_unasked(_step(each, script.variables), at))
    with _in_line(keys["loop"].line if "loop" in keys else node.line):
        script.timeline(steps, at, _count(keys["loop"].node) if "loop" in keys else 1)


# Steps


def _steps(node: Node, variables: Collection[str]) -> list[Step]:
    return [_step(each, variables) for each in _list(node)]


def _step(node: Node, variables: Collection[str]) -> Step:
    """A step: a key that says which, and what belongs to it."""
    keys = _keys(node, "a step")
    words = [key for key in keys if key in _STEPS]
    if not words:
        first = next(iter(keys), "")
        raise Mistake(node.line, f"{first!r} is no step{_hint(first, _STEPS)}" if keys else "a step without anything")
    if len(words) > 1:
        raise Mistake(keys[words[1]].line, f"{words[0]!r} and {words[1]!r} in one step: each begins with '- '")
    word = words[0]
    entry = keys.pop(word)
    if word in ("response", "event", "list_complete", "emit"):
        return _message_step(word, entry, keys)
    belongs = ("steps",) if word == "repeat" else ()
    for key, other in keys.items():
        if key not in belongs:
            raise Mistake(other.line, f"{key!r} does not belong to {word!r}")
    if word == "repeat":
        if "steps" not in keys:
            raise Mistake(node.line, "'repeat' has no 'steps'")
        with _in_line(entry.line):
            return repeat(_count(entry.node), *_steps(keys["steps"].node, variables))
    return _PLAIN_STEPS[word](entry.node, variables)


_PLAIN_STEPS: dict[str, Callable[[Node, Collection[str]], Step]] = {
    "raw": lambda node, _: raw(_text(node)),
    "wait": lambda node, _: wait(_seconds(node)),
    "close": lambda node, _: close(cast(How, _one_of(node, get_args(How)))),
    "set": lambda node, variables: Set(_known_variables(node, variables)),
}
_STEPS = ("response", "event", "list_complete", "emit", "repeat", *_PLAIN_STEPS)


def _message_step(word: str, entry: Entry, keys: dict[str, Entry]) -> Step:
    to = _one_of(keys.pop("to").node, get_args(To)) if word == "emit" and "to" in keys else "all"
    for key, other in keys.items():
        if key in ("to", "steps"):
            raise Mistake(other.line, f"{key!r} belongs to {'emit' if key == 'to' else 'repeat'!r}, not to {word!r}")
    headers = [
        (_header_name(key, other), _value(node))
        for key, other in keys.items()
        for node in (other.node.value if isinstance(other.node.value, list) else [other.node])
    ]
    name = _value(entry.node) if word == "list_complete" else _name(entry)
    if word == "response":
        return Message("response", (("Response", name), *headers))
    if word == "list_complete":
        return Message("complete", (("Event", name), ("EventList", "Complete"), *headers))
    event = Message("event", (("Event", name), *headers))
    return emit(event, cast(To, to)) if word == "emit" else event


# What stands in a node


def _keys(
    node: Node, what: str, known: Collection[str] | None = None, required: Collection[str] = ()
) -> dict[str, Entry]:
    """The keys of a mapping; only `known` ones, unless that is None."""
    if not isinstance(node.value, dict):
        raise Mistake(node.line, f"{_said(node)} where the keys of {what} were expected")
    for key, entry in node.value.items():
        if known is not None and key not in known:
            raise Mistake(entry.line, f"{key!r} is no key of {what}{_hint(key, known)}")
    for key in required:
        if key not in node.value:
            raise Mistake(node.line, f"{what} needs {key!r}")
    return dict(node.value)


def _list(node: Node) -> list[Node]:
    if not isinstance(node.value, list):
        raise Mistake(node.line, f"{_said(node)} where a list was expected, each line with '- '")
    return node.value


def _text(node: Node) -> str:
    if not isinstance(node.value, str):
        raise Mistake(node.line, f"{_said(node)} where a text was expected")
    return node.value


def _value(node: Node) -> str:
    """A text that goes on the wire in one line, unless a line break in it is quite clearly meant."""
    text = _text(node)
    if "\n" in text and node.style != '"':
        raise Mistake(node.line, "a line break in a value; where one is meant, it is \\n in double quotes")
    if misplaced(text):
        raise Mistake(node.line, "'${' without a name and '}'; for the characters themselves write '$${'")
    return text


def _name(entry: Entry) -> str:
    name = _value(entry.node)
    if not name:
        raise Mistake(entry.line, "a name is missing here")
    return name


def _header_name(key: str, entry: Entry) -> str:
    if not re.fullmatch(r"[^\s:][^:\r\n]*", key):
        raise Mistake(entry.line, f"{key!r} is no name of a header; raw sends anything")
    return key


def _one_of(node: Node, words: Collection[str]) -> str:
    word = _text(node)
    if word not in words:
        raise Mistake(node.line, f"{word!r} is not known here{_hint(word, words)}")
    return word


def _whole(node: Node, least: int = 0) -> int:
    text = _text(node)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise Mistake(node.line, f"{text!r} where a whole number from {least} was expected")
    return int(text)


def _count(node: Node) -> int | Literal["forever"]:
    return "forever" if node.value == "forever" else _whole(node)


def _seconds(node: Node) -> float:
    text = _text(node)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text):
        raise Mistake(node.line, f"{text!r} where seconds were expected, such as 0.5")
    return float(text)


def _said(node: Node) -> str:
    if isinstance(node.value, str):
        return repr(node.value) if node.value else "nothing"
    return "a list" if isinstance(node.value, list) else "keys"


def _hint(word: str, known: Collection[str]) -> str:
    by_lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower(), by_lower, 1)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else f"; known are {', '.join(known) or 'none'}"


@contextmanager
def _in_line(line: int) -> Iterator[None]:
    """What is wrong with a value is wrong in this line."""
    try:
        yield
    except ValueError as error:
        raise Mistake(line, str(error)) from None
