"""Every mistake in a scenario is one `ScenarioError` that names the file, the line, and what would have been right."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

import amisim
from amisim.host import BANNERS
from amisim.scenario import ScenarioError, load
from amisim.users import CLASSES

HEAD = "amisim: 1\n"
RULE = HEAD + "rules:\n  - on: Ping\n    reply:\n"
TIMELINE = HEAD + "timelines:\n  - at: start\n    steps:\n"
LAUGHS = "parts:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"  {name}: &{name} [{', '.join([f'*{chr(ord(name) - 1)}'] * 10)}]\n" for name in "bcdefgh"
)

NO_RECORDING = "{!r} belongs to 'recording', which there is none of"

MISTAKES = [
    pytest.param("", 1, "empty: a scenario begins with 'amisim: 1'", id="empty"),
    pytest.param("# nothing\n", 1, "empty: a scenario begins with 'amisim: 1'", id="comment only"),
    pytest.param("- amisim: 1\n", 1, "a list where the keys of a scenario were expected", id="a list"),
    pytest.param("hello\n", 1, "'hello' where the keys of a scenario were expected", id="a text"),
    pytest.param(
        "rules: []\n", 1, "no 'amisim: 1', which says that this is a scenario, and of which format", id="no format"
    ),
    pytest.param(
        "amisim: 2\n", 1, "a format that this amisim does not know: it reads 'amisim: 1'", id="another format"
    ),
    pytest.param(
        "format: amisim/1\n---\n0.1 c1 open:\n---\n",
        1,
        "a recording, and no scenario: 'amisim replay' or recording= takes it",
        id="a recording",
    ),
    pytest.param(
        "amisim: 1\n---\namisim: 1\n",
        3,
        "a second document: a scenario is one, without a '---' in it",
        id="two documents",
    ),
    pytest.param(HEAD + "rule: []\n", 2, "'rule' is no key of a scenario; did you mean 'rules'?", id="unknown key"),
    pytest.param(
        HEAD + "something: []\n",
        2,
        "'something' is no key of a scenario; known are amisim, description, version, users, seed, faults, recording, "
        "match, unexpected, variables, parts, rules, timelines, test, file, switches",
        id="unknown key, nothing near",
    ),
    pytest.param(
        HEAD + "match: [ignore * Timeout]\n",
        2,
        NO_RECORDING.format("match"),
        id="match alone",
    ),
    pytest.param(
        HEAD + "unexpected: close\n",
        2,
        NO_RECORDING.format("unexpected"),
        id="unexpected alone",
    ),
    pytest.param(
        HEAD + "recording: a\nmatch:\n  - ignore * Timeout\n  - ingore * Data\n",
        5,
        "'ingore * Data' is no rule of matching; did you mean ignore?",
        id="no rule of matching",
    ),
    pytest.param(
        HEAD + "recording: a\nunexpected: eror\n", 3, "'eror' is not known here; did you mean 'error'?", id="unexpected"
    ),
    pytest.param(HEAD + "seed: 1\nseed: 2\n", 3, "the key 'seed' again: it is in line 2, too", id="duplicate"),
    pytest.param(HEAD + "users:\n\tadmin: x\n", 3, "a tab where YAML wants blanks", id="tab"),
    pytest.param(HEAD + 'description: "x\n', 2, "a quote that is not closed", id="syntax"),
    pytest.param(
        RULE + "      - response: Error\n        Message: No such: queue\n",
        6,
        "a second ': ' in a line; a text that has one needs quotes",
        id="colon",
    ),
    pytest.param(RULE + "      - response: @x\n", 5, "a text that begins with '@' needs quotes", id="at sign"),
    pytest.param(
        RULE + "      - response: Success\n        Exten: *97\n",
        6,
        "'*97' without '&97' before it; a text that begins with '*' needs quotes",
        id="alias",
    ),
    pytest.param(
        "amisim: !!int 1\n",
        1,
        "the tag '!!int': there are none here; a text that begins with '!' needs quotes",
        id="tag",
    ),
    pytest.param(
        HEAD + "rules: !!python/object/apply:os.system [x]\n",
        2,
        "the tag '!!python/object/apply:os.system': there are none here; a text that begins with '!' needs quotes",
        id="tag of Python",
    ),
    pytest.param(
        HEAD + "[a]: 1\n", 2, "a key that is no text; a text that begins with a sign of YAML has quotes", id="key"
    ),
    pytest.param(
        RULE + "      - event: A\n        <<: x\n",
        6,
        "'<<' takes over the keys of what an alias stands for: '<<: *name'",
        id="merge",
    ),
    pytest.param(
        RULE + "      - event: A\n        <<: {B: 1}\n        <<: {C: 1}\n",
        7,
        "a second '<<': there is one to a mapping",
        id="two merges",
    ),
    pytest.param(
        HEAD + "description: \x07\n",
        2,
        "a character that YAML does not allow, '\\x07': it is written so in double quotes",
        id="control",
    ),
    pytest.param(b"amisim: 1\ndescription: K\xe4se\n", 2, "not UTF-8: the byte 0xe4", id="latin-1"),
    pytest.param(HEAD + "version: 23\n", 2, "'23' is not known here; known are 11, 13, 16, 18, 20, 22", id="version"),
    pytest.param(HEAD + "seed: 0x10\n", 2, "'0x10' where a whole number from 0 was expected", id="seed"),
    pytest.param(HEAD + "description: [a]\n", 2, "a list where a text was expected", id="description"),
    pytest.param(
        HEAD + "users: {ann: x, bob: y,\n  Ann: z}\n",
        3,
        "the user 'Ann' again: case does not count in names of users",
        id="user twice",
    ),
    pytest.param(HEAD + "users: [admin]\n", 2, "a list where the keys of the users were expected", id="users"),
    pytest.param(
        HEAD + "users:\n  admin: {secert: x}\n", 3, "'secert' is no key of a user; did you mean 'secret'?", id="user"
    ),
    pytest.param(HEAD + "users:\n  admin: {read: all}\n", 3, "a user needs 'secret'", id="user no secret"),
    pytest.param(
        HEAD + "users:\n  admin: {secret: x, read: 'call,agents'}\n",
        3,
        "'agents' is not known here; did you mean 'agent'?",
        id="class",
    ),
    pytest.param(
        HEAD + "faults: drop event\n", 2, "'drop event' where a list was expected, each line with '- '", id="faults"
    ),
    pytest.param(
        HEAD + "faults:\n  - drp event QueueMember\n",
        3,
        "'drp event QueueMember': 'drp' is no fault; did you mean 'drop'?",
        id="no fault",
    ),
    pytest.param(HEAD + "faults:\n  - drop: event\n", 3, "keys where a text was expected", id="fault"),
    pytest.param(HEAD + "parts: []\n", 2, "a list where the keys of the parts were expected", id="parts"),
    pytest.param(HEAD + "variables: {a: [1]}\n", 2, "a list where a text was expected", id="variables"),
    pytest.param(
        HEAD + "variables: {'a b': 1}\n",
        2,
        "'a b' is no name of a variable: that has letters, digits, '_', '.' and '-'",
        id="variable name",
    ),
    pytest.param(HEAD + "rules:\n  on: Ping\n", 3, "keys where a list was expected, each line with '- '", id="rules"),
    pytest.param(HEAD + "rules:\n  - Ping\n", 3, "'Ping' where the keys of a rule were expected", id="rule"),
    pytest.param(HEAD + "rules:\n  - reply: []\n", 3, "a rule needs 'on'", id="no on"),
    pytest.param(HEAD + "rules:\n  - on:\n    reply: []\n", 3, "a name is missing here", id="no name"),
    pytest.param(HEAD + "rules:\n  - on: Ping\n", 3, "a rule needs 'reply'", id="no reply"),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    repply: []\n",
        4,
        "'repply' is no key of a rule; did you mean 'reply'?",
        id="rule key",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    times: 0\n    reply: []\n",
        4,
        "'0' where a whole number from 1 was expected",
        id="times",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    reply: []\n  - on: ping\n    times: 1\n    reply: []\n",
        5,
        "this rule never answers: that of line 3 takes every ping; put that last",
        id="never",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    headers: Queue\n    reply: []\n",
        4,
        "'Queue' where the keys of the headers were expected",
        id="headers",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    headers: {'Que:ue': a}\n    reply: []\n",
        4,
        "'Que:ue' is no name of a header; raw sends anything",
        id="header",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    headers: {Queue: {lik: a}}\n    reply: []\n",
        4,
        "'lik' is no key of a condition; did you mean 'like'?",
        id="condition",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    headers: {Queue: {like: a, regex: b}}\n    reply: []\n",
        4,
        "a condition is a text, or one of 'like' and 'regex'",
        id="conditions",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    headers: {Queue: [a]}\n    reply: []\n",
        4,
        "a list where the keys of a condition were expected",
        id="condition list",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    headers: {Queue: {regex: '('}}\n    reply: []\n",
        4,
        "no regular expression: missing ), unterminated subpattern at position 0",
        id="regex",
    ),
    pytest.param(
        HEAD + "variables: {call: up}\nrules:\n  - on: Ping\n    when: {cal: up}\n    reply: []\n",
        5,
        "'cal' is no key of the scenario's 'variables'; did you mean 'call'?",
        id="when",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    when: {cal: up}\n    reply: []\n",
        4,
        "'cal' is no key of the scenario's 'variables'; known are none",
        id="when none",
    ),
    pytest.param(
        HEAD + "rules:\n  - on: Ping\n    reply: {response: Success}\n",
        4,
        "keys where a list was expected, each line with '- '",
        id="reply",
    ),
    pytest.param(RULE + "      - response\n", 5, "'response' where the keys of a step were expected", id="step"),
    pytest.param(
        RULE + "      - respnse: Success\n", 5, "'respnse' is no step; did you mean 'response'?", id="unknown step"
    ),
    pytest.param(RULE + "      - Event: Hangup\n", 5, "'Event' is no step; did you mean 'event'?", id="case step"),
    pytest.param(RULE + "      - {}\n", 5, "a step without anything", id="no step"),
    pytest.param(
        RULE + "      - response: Success\n        event: Hangup\n",
        6,
        "'response' and 'event' in one step: each begins with '- '",
        id="two steps",
    ),
    pytest.param(RULE + "      - response:\n", 5, "a name is missing here", id="no status"),
    pytest.param(RULE + "      - response: {EventList: start}\n", 5, "keys where a text was expected", id="status"),
    pytest.param(RULE + "      - event: A\n        Queue: {a: b}\n", 6, "keys where a text was expected", id="value"),
    pytest.param(
        RULE + "      - event: A\n        Queue: |\n          a\n",
        6,
        "a line break in a value; where one is meant, it is \\n in double quotes",
        id="line break",
    ),
    pytest.param(
        RULE + "      - event: A\n        Queue: ${Queue\n",
        6,
        "'${' without a name and '}'; for the characters themselves write '$${'",
        id="place",
    ),
    pytest.param(
        RULE + "      - event: A\n        ' Queue': a\n",
        6,
        "' Queue' is no name of a header; raw sends anything",
        id="header name",
    ),
    pytest.param(RULE + "      - event: A\n        to: all\n", 6, "'to' belongs to 'emit', not to 'event'", id="to"),
    pytest.param(
        RULE + "      - emit: A\n        to: other\n",
        6,
        "'other' is not known here; did you mean 'others'?",
        id="emit to",
    ),
    pytest.param(RULE + "      - wait: 500ms\n", 5, "'500ms' where seconds were expected, such as 0.5", id="wait"),
    pytest.param(RULE + "      - wait: -1\n", 5, "'-1' where seconds were expected, such as 0.5", id="wait neg"),
    pytest.param(
        RULE + "      - wait: 1\n        Queue: a\n", 6, "'Queue' does not belong to 'wait'", id="wait header"
    ),
    pytest.param(RULE + "      - close: rst\n", 5, "'rst' is not known here; did you mean 'reset'?", id="close"),
    pytest.param(
        RULE + "      - set: {a: 1}\n", 5, "'a' is no key of the scenario's 'variables'; known are none", id="set"
    ),
    pytest.param(RULE + "      - repeat: 3\n", 5, "'repeat' has no 'steps'", id="repeat"),
    pytest.param(
        RULE + "      - repeat: often\n        steps: []\n",
        5,
        "'often' where a whole number from 0 was expected",
        id="repeat n",
    ),
    pytest.param(
        RULE + "      - repeat: forever\n        steps:\n          - event: A\n",
        5,
        "what is repeated for ever needs a wait in it, or nothing else would ever be done",
        id="repeat forever",
    ),
    pytest.param(HEAD + "timelines:\n  - at: login\n", 3, "a timeline needs 'steps'", id="timeline no steps"),
    pytest.param(
        HEAD + "timelines:\n  - at: logon\n    steps: []\n",
        3,
        "'logon' is not known here; did you mean 'login'?",
        id="timeline at",
    ),
    pytest.param(
        TIMELINE + "      - wait: 1\n      - response: Success\n",
        6,
        "a response answers an action, and a timeline has none: raw sends anything",
        id="timeline resp",
    ),
    pytest.param(
        TIMELINE + "      - emit: A\n        to: this\n",
        5,
        "at the start there is no connection for 'this': emit to 'all'",
        id="timeline to",
    ),
    pytest.param(
        HEAD + "timelines:\n  - steps: []\n    loop: forever\n",
        4,
        "what is repeated for ever needs a wait in it, or nothing else would ever be done",
        id="timeline loop",
    ),
    pytest.param(HEAD + "parts: " + "[" * 100 + "]" * 100, 2, "nested more than 40 deep", id="deep"),
    pytest.param(HEAD + LAUGHS, 7, "more than 100000 texts, aliases written out", id="laughs"),
]

# What a schema cannot say, or what is no mistake any more where an editor has read the YAML.
NOT_OF_THE_SCHEMA = {
    "duplicate", "laughs", "line break", "never", "no fault", "no rule of matching", "place", "regex",
    "repeat forever", "seed", "set", "tag", "timeline loop", "timeline to", "two merges", "user twice", "when",
    "when none",
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "problem"), MISTAKES)
def test_a_mistake_names_its_line_and_what_would_be_right(tmp_path, text, line, problem):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScenarioError) as raised:
        load(path)
    assert str(raised.value) == f"{path}, line {line}: {problem}"


def test_a_file_that_cannot_be_read_is_said_to_be_that(tmp_path):
    with pytest.raises(ScenarioError, match=r"none\.yaml: cannot be read: No such file or directory"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ScenarioError, match="cannot be read: Is a directory"):
        load(tmp_path)


# The schema for editors says the same

SCHEMA = json.loads((Path(amisim.__file__).parent / "scenario.schema.json").read_text())
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


class Editor(yaml.SafeLoader):
    """Reads YAML as an editor does, by the core schema of YAML 1.2."""

    yaml_implicit_resolvers = {}  # noqa: RUF012


for tag, pattern, first in (
    ("null", "~|null|", ["~", "n", ""]),
    ("bool", "true|false", ["t", "f"]),
    ("int", "[-+]?[0-9]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?[0-9]+\.[0-9]*", list("-+0123456789")),
    ("merge", "<<", ["<"]),
):
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), first)
Editor.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value, 16 if "x" in node.value else 10))


def accepts(text: str) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.load(text, Editor))


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_knows_what_the_code_knows():
    assert [each for each in SCHEMA["properties"]["version"]["enum"] if isinstance(each, str)] == list(BANNERS)
    user = SCHEMA["properties"]["users"]["additionalProperties"]["anyOf"][1]
    assert all(re.fullmatch(user["properties"][key]["pattern"], ", ".join(CLASSES)) for key in ("read", "write"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_schema_accepts_the_examples(path):
    jsonschema.Draft202012Validator(SCHEMA).validate(yaml.load(path.read_text(), Editor))


def test_the_schema_refuses_the_mistakes_that_it_can_see():
    accepted = set()
    for mistake in MISTAKES:
        try:
            if accepts(mistake.values[0]):
                accepted.add(mistake.id)
        except (yaml.YAMLError, UnicodeDecodeError):
            pass  # it is no YAML
    assert accepted == NOT_OF_THE_SCHEMA
