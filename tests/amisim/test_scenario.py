"""Scenarios: what is written in YAML is said on the wire as it stands."""

import itertools
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from amisim import close, emit, event, repeat, response, wait
from amisim.action import ClientAction, read_action
from amisim.faults import parse
from amisim.scenario import Scenario, ScenarioError, User, load
from amisim.script import Script
from amisim.steps import Emit, Played, Send, Set, Wait, render

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


def action(text: str) -> ClientAction:
    return read_action(f"Action: {text} /  / ".replace(" / ", "\r\n").encode())


def steps(script: Script, text: str) -> list[Played]:
    asked = action(text)
    rule = script.find(asked)
    assert rule is not None
    return list(rule.steps(asked))


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Load a text as a scenario."""
    path = tmp_path_factory.mktemp("scenario") / "mine.yaml"

    def write(text: str | bytes) -> Scenario:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path)

    return write


WHOLE = """\
amisim: 1
description: everything at once
version: 16
users:
  admin: 01234
  guest: {secret: no, read: "call, agent", write: none}
seed: 7
recording: queue-call
match: [ignore * Timeout, "regex Originate Channel Local/(.*)"]
unexpected: close
test: tests.mine:test_it
file: ../tests/mine.py
switches: {3: 1, 12: 2}
faults:
  - drop event QueueMember nth=2
variables: {call: none, channel: ""}
rules:
  - on: Originate
    headers:
      Channel: {regex: 'PJSIP/(?P<ext>\\d+)'}
      Async: yes
    times: 2
    reply:
      - response: Success
        Message: Originate successfully queued
      - wait: 0.5
      - set: {call: up, channel: "${Channel}"}
      - emit: Newchannel
        to: others
        Channel: ${channel}
        Exten: ${ext}
  - on: CoreShowChannels
    when: {call: up}
    reply:
      - {response: Success, EventList: start}
      - repeat: 2
        steps:
          - event: CoreShowChannel
            Channel: ${channel}-${n}
            ChanVariable: [a=1, b=2]
      - list_complete:
        X: 1
  - on: CoreShowChannels
    headers: {ActionID: {like: "x*"}}
    reply:
      - raw: "Response: Error\\r\\n\\r\\n"
      - list_complete: End
      - close: reset
timelines:
  - at: start
    loop: 2
    steps:
      - wait: 1
      - event: Tick
        N: ${n}
  - steps: []
"""


def test_everything_that_can_be_said_is_understood(written):
    scenario = written(WHOLE)
    assert scenario[2:] == (
        "everything at once",
        "16",
        {"admin": User("01234"), "guest": User("no", "call,agent", "none")},
        7,
        (parse("drop event QueueMember nth=2"),),
        "queue-call",
        ("ignore * Timeout", "regex Originate Channel Local/(.*)"),
        "close",
        "tests.mine:test_it",
        "../tests/mine.py",
        {3: 1, 12: 2},
    )
    script = scenario.script
    assert script.find(action("CoreShowChannels / ActionID: 1")) is None
    assert steps(script, "CoreShowChannels / ActionID: x1") == [
        Send(b"Response: Error\r\n\r\n"),
        render([("Event", "End"), ("EventList", "Complete"), ("ListItems", "0")], "x1"),
        close("reset"),
    ]
    assert steps(script, "Originate / Channel: PJSIP/100 / Async: yes") == [
        render([("Response", "Success"), ("Message", "Originate successfully queued")]),
        wait(0.5),
        emit(event("Newchannel", Channel="PJSIP/100", Exten="100"), to="others"),
    ]
    assert script.variables == {"call": "up", "channel": "PJSIP/100"}
    variables = [("ChanVariable", "a=1"), ("ChanVariable", "b=2")]
    assert steps(script, "CoreShowChannels") == [
        render([("Response", "Success"), ("EventList", "start")]),
        render([("Event", "CoreShowChannel"), ("Channel", "PJSIP/100-1"), *variables]),
        render([("Event", "CoreShowChannel"), ("Channel", "PJSIP/100-2"), *variables]),
        render([("Event", "CoreShowChannelsComplete"), ("EventList", "Complete"), ("ListItems", "2"), ("X", "1")]),
    ]
    assert [(each.at, list(each.play({}))) for each in script.timelines] == [
        ("start", [Wait(1.0), Emit(event("Tick", N="1")), Wait(1.0), Emit(event("Tick", N="2"))]),
        ("login", []),
    ]


def test_what_is_not_said_is_left_to_the_server(written):
    assert written("amisim: 1\n")[2:] == ("", "", {}, None, (), "", (), None, "", "", None)


def test_python_and_yaml_say_the_same(written):
    said = written(
        "amisim: 1\nvariables: {a: 1}\nrules:\n  - on: A\n    reply:\n      - response: Error\n        Message: No\n"
        "      - repeat: 2\n        steps:\n          - {event: B, N: '${n}'}\n      - set: {a: 2}\n"
    ).script
    script = Script(variables={"a": "1"})
    script.on("A").reply(response("Error", Message="No"), repeat(2, event("B", N="${n}")), Set({"a": "2"}))
    assert steps(said, "A / ActionID: 1") == steps(script, "A / ActionID: 1")
    assert said.variables == script.variables == {"a": "2"}


def test_the_first_rule_of_a_file_that_fits_answers_and_a_test_may_say_otherwise(written):
    script = written(
        "amisim: 1\nrules:\n  - {on: Ping, times: 1, reply: [response: Error]}\n  - {on: Ping, reply: [response: A]}\n"
    ).script
    said = [steps(script, "Ping") for _ in range(3)]
    assert said == [[render([("Response", word)])] for word in ("Error", "A", "A")]
    script.on("Ping").reply(response())
    assert steps(script, "Ping") == [render([("Response", "Success")])]


PLAIN = [
    "01", "on", "no", "1.50", "0x1F", "1_000", "1e3", ".inf", "~", "null", "2026-01-01", "12:30:45", "yes", "TRUE", "=",
    "PJSIP/100", "<unknown>", "Ünlü", "$1", "a  b",
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_text_is_what_is_written(written, text):
    script = written(f"amisim: 1\nrules:\n  - on: A\n    reply:\n      - event: B\n        Value: {text}\n").script
    assert steps(script, "A") == [Send(f"Event: B\r\nValue: {text}\r\n\r\n".encode())]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_goes_from_the_file_to_the_wire(written, text):
    rule = {"on": "A", "reply": [{"event": "B", "Value": text.replace("${", "$${")}]}
    data = yaml.safe_dump({"amisim": "1", "rules": [rule]}, default_style='"')
    assert steps(written(data).script, "A") == [Send(f"Event: B\r\nValue: {text}\r\n\r\n".encode())]


LINES = [line + "\n" for line in WHOLE.splitlines()]


@given(
    st.binary()
    | st.text("amisim: 1\n-[]{}'\"&*a!|>#%@`\t,?~<").map(lambda text: f"amisim: 1\n{text}".encode())
    | st.lists(st.sampled_from(LINES)).map(lambda lines: "".join(["amisim: 1\n", *lines]).encode())
    | st.permutations(LINES).map(lambda lines: "".join(lines).encode())
    | st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 40), st.text(max_size=5)).map(
        lambda cut: (WHOLE[: cut[0]] + cut[2] + WHOLE[cut[0] + cut[1] :]).encode(errors="replace")
    )
)
def test_garbage_is_one_error(written, garbage):
    try:
        assert isinstance(written(garbage), Scenario)
    except ScenarioError as error:
        assert ", line " in str(error)  # noqa: PT017


def test_a_part_is_taken_over_where_an_alias_stands_and_may_be_changed(written):
    script = written(
        "amisim: 1\nparts:\n  caller: &caller {Channel: A, State: 6, Exten: 1}\nrules:\n  - on: A\n    reply:\n"
        "      - {event: B, State: 4, <<: *caller, Exten: 2, Queue: c}\n"
    ).script
    assert steps(script, "A") == [
        render([("Event", "B"), ("State", "4"), ("Channel", "A"), ("Exten", "2"), ("Queue", "c")])
    ]


def test_there_are_examples():
    assert [path.stem for path in EXAMPLES] == ["busy-evening", "endless-list", "pbx-restart"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_plays(path):
    text = path.read_text()
    assert len(text.splitlines()) < 80
    scenario = load(path)
    assert scenario.description
    script = scenario.script
    for timeline in script.timelines:
        assert list(itertools.islice(timeline.play(script.variables), 100))
    for rule in script.rules:
        assert list(itertools.islice(rule.steps(action(f"{rule.action} / ActionID: 1")), 100))


def test_the_list_of_500_is_whole_and_that_without_an_end_has_none():
    script = load(EXAMPLES[1]).script
    assert steps(script, "QueueStatus / ActionID: 1 / Queue: big")[-1] == render(
        [("Event", "QueueStatusComplete"), ("EventList", "Complete"), ("ListItems", "500")], "1"
    )
    asked = action("QueueStatus / ActionID: 1 / Queue: endless")
    rule = script.find(asked)
    assert rule is not None
    many = list(itertools.islice(rule.steps(asked), 20_001))
    assert isinstance(many[-1], Send)
    assert b"Name: Agent 10000\r\n" in many[-1].data
    assert many[-1].data.endswith(b"ActionID: 1\r\n\r\n")
    assert sum(step.seconds for step in many if isinstance(step, Wait)) == pytest.approx(1000)
