"""Scripts: which rule answers, with which steps, and what happens by itself."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami.enums import HangupCause
from amisim import Server, close, emit, event, faults, like, list_complete, raw, repeat, response, wait
from amisim.action import ClientAction, read_action
from amisim.script import Script
from amisim.steps import Close, Emit, Message, Played, Send, Set, Wait, render

from .clients import Client


def action(text: str) -> ClientAction:
    return read_action(f"Action: {text} /  / ".replace(" / ", "\r\n").encode())


def shown(step: Played) -> str:
    """A step as a line: messages as their headers, with ` / ` between them."""
    if isinstance(step, Emit):
        return f"{step.to}: {shown(render(step.event.headers))}"
    return step.data.decode().strip().replace("\r\n", " / ") if isinstance(step, Send) else repr(step)


def answers(script: Script, text: str) -> list[str]:
    """What answers an action; nothing if no rule takes it."""
    asked = action(text)
    rule = script.find(asked)
    return [] if rule is None else [shown(step) for step in rule.steps(asked)]


# Which rule


def test_a_rule_without_a_reply_is_not_in_force():
    script = Script()
    script.on("Ping").reply(response(Ping="Pong"))
    begun = script.on("Ping")
    assert answers(script, "Ping") == ["Response: Success / Ping: Pong"]
    begun.reply()
    assert script.find(action("Ping")) is begun
    assert answers(script, "Ping") == []


@pytest.mark.parametrize(
    ("condition", "fits", "not_these"),
    [
        ("PJSIP/*", ["PJSIP/*"], ["PJSIP/100", "pjsip/*"]),
        (like("PJSIP/1??"), ["PJSIP/100"], ["PJSIP/1000", "SIP/100", "pjsip/100", "PJSIP/100 "]),
        (re.compile("PJSIP/\\d+"), ["PJSIP/1"], ["PJSIP/1x", "xPJSIP/1", ""]),
        (lambda value: value.endswith("0"), ["100"], ["101", ""]),
        ("", [""], ["x"]),
        (100, ["100"], ["0100"]),
    ],
    ids=["text", "like", "regex", "function", "empty", "number"],
)
def test_a_condition_is_for_the_whole_value(condition, fits, not_these):
    script = Script()
    rule = script.on("Hangup", Channel=condition).reply(response())
    assert [value for value in fits + not_these if rule.takes(action(f"Hangup / channel: {value}"))] == fits


def test_the_action_id_can_be_a_condition_too():
    script = Script()
    script.on("Ping", ActionID=like("late-*")).reply(wait(1))
    assert answers(script, "Ping / ActionID: late-1") == ["Wait(seconds=1)"]
    assert answers(script, "Ping / ActionID: 1") == []


def test_replies_come_one_after_the_other_and_the_last_stays():
    script = Script()
    script.on("Ping").reply(response("Error")).then(wait(1), response()).then(response(Ping="Pong"))
    assert [answers(script, "Ping")[-1] for _ in range(4)] == [
        "Response: Error", "Response: Success", "Response: Success / Ping: Pong", "Response: Success / Ping: Pong",
    ]  # fmt: skip
    with pytest.raises(ValueError, match=re.escape("then() says what comes after a reply(): begin with that")):
        script.on("Ping").then(response())


def test_a_rule_may_depend_on_variables_that_replies_set():
    script = Script(variables={"call": "none"})
    script.on("CoreShowChannels").reply(response(EventList="start"), list_complete())
    script.on("CoreShowChannels").when(call="up").reply(response(Channel="${channel}"))
    script.on("Originate").reply(response(), Set({"call": "up", "channel": "${Channel}-1"}))
    assert answers(script, "CoreShowChannels")[-1].endswith("ListItems: 0")
    assert answers(script, "Originate / Channel: PJSIP/100") == ["Response: Success"]
    assert answers(script, "CoreShowChannels") == ["Response: Success / Channel: PJSIP/100-1"]


async def later(action):
    return response()


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: event("Hangup", Cause_txt="a\r\nb"), r"a line break in Cause-txt, 'a\r\nb': raw(…) sends one"),
        (lambda: response(Message="a\rb"), "a line break in Message"),
        (lambda: response("Success\n"), "a line break in Response"),
        (lambda: event("Hang\nup"), "a line break in Event"),
        (lambda: list_complete(ListItems="1\n"), "a line break in ListItems"),
        (lambda: event("Hangup", Variable=["a", "b\n"]), "a line break in Variable"),
        (lambda: event("Hangup", **{"Cause: 16\r\nX": 1}), "'Cause: 16\\r\\nX' is no name of a header; raw(…) sends"),
        (lambda: event("Hangup", Cause=None), "Cause cannot be None: it is a text or a number"),
        (lambda: event("Hangup", Channel=b"PJSIP/1"), "Channel cannot be b'PJSIP/1'"),
        (lambda: event("Hangup", Channel=[["a"]]), "Channel cannot be ['a']"),
        (lambda: event(7), "Event cannot be 7: it is a name, as a text"),
        (lambda: response(None), "Response cannot be None: it is a name, as a text"),
        (lambda: list_complete(None), "Event cannot be None: it is a name, as a text"),
        (lambda: raw(7), "raw() sends bytes, or a text, and not 7"),
        (lambda: close("rst"), "'rst' is no way to close: 'eof', 'reset' and 'half' are"),
        (lambda: repeat("two", wait(1)), "'two' is no number of times; 0 is never, and 'forever' has no end"),
        (lambda: Script().on(7), "7 is no name of an action, such as 'Ping'"),
        (lambda: Script().on("Ping", X=None), "the condition on X cannot be None: it is a text"),
        (lambda: Script().on("Ping", X=["1", "2"]), "the condition on X cannot be ['1', '2']"),
        (lambda: Script().on("Ping", X=re.compile(b"x")), "the condition on X is a pattern of bytes; values are texts"),
        (lambda: Script().on("Ping").times(0), "0 is no number of times; a whole number from 1 on is"),
        (lambda: Script().on("Ping").reply("Pong"), "'Pong' is no step: response(), event(), list_complete(), wait()"),
        (lambda: Script().on("Ping").reply([wait(1)]), "[Wait(seconds=1)] is no step"),
        (
            lambda: Script().on("Ping").reply(later),
            "is asynchronous; a generator that yields wait(…) takes its",
        ),
        (lambda: Script().on("Ping").reply(wait(1)).then(), "then() without steps: then(wait(0)) leaves an action"),
        (lambda: Script().on("Ping").fault(faults.drop), "faults.drop is no fault: faults.drop('event X') is one, and"),
        (lambda: answers(_answering(lambda action: None), "Ping"), "None is no answer; a step is, or several"),
        (lambda: answers(_answering(lambda action: "Pong"), "Ping"), "'P' is no step: response(), event()"),
    ],
)
def test_what_cannot_be_meant_is_refused(mistake, words):
    with pytest.raises((TypeError, ValueError), match=re.escape(words)):
        mistake()


def _answering(function) -> Script:
    script = Script()
    script.on("Ping").reply(function)
    return script


def test_a_number_or_a_member_of_an_enumeration_is_a_value():
    script = Script()
    script.on("Ping", Cause=HangupCause.NORMAL_CLEARING).reply(response(Cause=HangupCause.USER_BUSY, Load=0.5))
    assert answers(script, "Ping / Cause: 16") == ["Response: Success / Cause: 17 / Load: 0.5"]


def test_what_a_client_sends_may_come_back_with_a_lone_cr_in_it():
    with Server() as server, Client(server).log_in() as client:
        client.send("Action: No\rsuch / ActionID: 1")
        assert client.read()[2].startswith("Message: Invalid/unknown command: No\rsuch. Use")


# Captured values


def test_a_value_takes_headers_of_the_action_whatever_the_case():
    script = Script()
    script.on("Hangup").reply(response(Message="${Action} ${channel}${Cause} of ${ActionID}, $${Channel} costs $1"))
    assert answers(script, "Hangup / ActionID: 7 / Channel: PJSIP/1 / Channel: PJSIP/2") == [
        "Response: Success / ActionID: 7 / Message: Hangup PJSIP/1 of 7, ${Channel} costs $1"
    ]


def test_named_groups_are_captured_and_go_before_headers():
    script = Script()
    script.on("Hangup", Channel=re.compile(r"PJSIP/(?P<ext>\d+)(?:-(?P<Cause>\d+))?")).reply(
        emit(event("Hangup", Channel="Local/${ext}", Cause="${Cause}"), to="others")
    )
    assert answers(script, "Hangup / Channel: PJSIP/100 / Cause: 5") == [
        "others: Event: Hangup / Channel: Local/100 / Cause:"
    ]


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), st.text("${}n", max_size=12))
def test_any_text_is_said_by_escaping_and_none_is_filled_in_twice(value, template):
    script = Script()
    script.on("Echo").reply(response(Escaped=template.replace("${", "$${"), Value="${Text}"))
    text = value.lstrip("".join(map(chr, range(33))))
    asked = read_action(f"Action: Echo\r\nText: {text}\r\n\r\n".encode())
    rule = script.find(asked)
    assert rule is not None
    assert list(rule.steps(asked)) == [
        Send(f"Response: Success\r\nEscaped: {template}\r\nValue: {text}\r\n\r\n".encode())
    ]


def test_what_begins_no_name_stays_as_it_is():
    script = Script()
    script.on("Ping").reply(response(Value="${ ${} ${a b} ${CDR(x)}"), raw("${Channel}"))
    assert answers(script, "Ping") == ["Response: Success / Value: ${ ${} ${a b} ${CDR(x)}", "${Channel}"]


# Steps


def test_a_list_of_many_members_is_one_step_and_is_counted():
    script = Script()
    member = event("QueueMember", Name="Agent ${n}", Queue="${Queue}")
    script.on("QueueStatus").reply(response(EventList="start"), repeat(500, member), list_complete())
    said = answers(script, "QueueStatus / ActionID: 1 / Queue: big")
    assert said[1] == "Event: QueueMember / ActionID: 1 / Name: Agent 1 / Queue: big"
    assert said[500] == "Event: QueueMember / ActionID: 1 / Name: Agent 500 / Queue: big"
    assert said[501] == "Event: QueueStatusComplete / ActionID: 1 / EventList: Complete / ListItems: 500"
    assert len(said) == 502


def test_repetitions_are_nested_and_may_have_no_end():
    script = Script()
    script.on("Flood").reply(repeat("forever", event("A", N="${n}"), repeat(2, event("B", N="${n}")), wait(1)))
    asked = action("Flood")
    rule = script.find(asked)
    assert rule is not None
    assert [shown(step) for step in itertools.islice(rule.steps(asked), 6)] == [
        "Event: A / N: 1", "Event: B / N: 1", "Event: B / N: 2", "Wait(seconds=1)",
        "Event: A / N: 2", "Event: B / N: 1",
    ]  # fmt: skip


@pytest.mark.parametrize("steps", [[], [event("A")], [wait(0)], [repeat(0, wait(1))]])
def test_what_never_ends_has_to_take_time(steps):
    with pytest.raises(ValueError, match="what is repeated for ever needs a wait in it"):
        repeat("forever", *steps)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: emit(response()), "is no event: emit"),  # type: ignore[arg-type]
        (lambda: emit(event("A"), to="everybody"), "'everybody' is nobody"),  # type: ignore[arg-type]
        (lambda: repeat(-1, event("A")), "-1 is no number of times"),
        (lambda: repeat(1, "A"), "'A' is no step"),  # type: ignore[arg-type]
        (lambda: Script().timeline([response()]), "a response answers an action, and a timeline has none"),
        (lambda: Script().timeline([repeat(2, list_complete())]), "the end of a list answers an action"),
        (lambda: Script().timeline([emit(event("A"), to="this")], at="start"), "there is no connection for 'this'"),
        (lambda: Script().timeline([], at="noon"), "'noon' is no beginning"),  # type: ignore[arg-type]
        (lambda: Script().timeline([event("A")], loop="forever"), "needs a wait in it"),
    ],
)
def test_a_mistake_is_said_where_it_is_made(make, problem):
    with pytest.raises((TypeError, ValueError), match=re.escape(problem)):
        make()


@pytest.mark.parametrize(
    ("given", "said"),
    [("1", "2 / ActionID: 1"), ("", "2")],
)
def test_an_action_id_that_is_written_stands_where_it_is_written(given, said):
    script = Script()
    script.on("Ping").reply(response(A="2", ActionID="${ActionID}"))
    assert answers(script, f"Ping / ActionID: {given}") == [f"Response: Success / A: {said}"]


# Functions


def test_a_function_answers_and_goes_on_when_its_turn_comes():
    script = Script()
    members = ["Alice"]

    def status(asked: ClientAction):
        yield response(EventList="start")
        for name in members:
            yield event("QueueMember", Queue=asked.get("Queue"), Name=name)
        yield wait(1)
        yield list_complete()

    script.on("QueueStatus").reply(status)
    asked = action("QueueStatus / Queue: q")
    rule = script.find(asked)
    assert rule is not None
    steps = rule.steps(asked)
    next(steps)
    members.append("Bob")
    assert [shown(step) for step in steps] == [
        "Event: QueueMember / Queue: q / Name: Alice", "Event: QueueMember / Queue: q / Name: Bob", "Wait(seconds=1)",
        "Event: QueueStatusComplete / EventList: Complete / ListItems: 2",
    ]  # fmt: skip


def test_a_function_may_return_one_step_or_several():
    script = Script()
    script.on("Ping").reply(lambda asked: response(Ping="Pong")).then(lambda asked: [wait(1), close("reset")])
    assert answers(script, "Ping") == ["Response: Success / Ping: Pong"]
    assert answers(script, "Ping") == ["Wait(seconds=1)", "Close(how='reset')"]
    script.on("Ping").reply(lambda asked: "Pong")  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="'P' is no step"):
        answers(script, "Ping")


# Timelines


def test_a_timeline_emits_its_events_to_whom_it_is_for():
    script = Script(variables={"queue": "support"})
    steps = [wait(1), event("QueueCallerJoin", Queue="${queue}", Position="${n}"), Set({"queue": "sales"})]
    for at, to in (("login", "this"), ("connect", "this"), ("start", "all")):
        script.variables["queue"] = "support"
        timeline = script.timeline(steps, at=at, loop=2)
        assert timeline is script.timelines[-1]
        assert [shown(step) for step in timeline.play(script.variables)] == [
            "Wait(seconds=1)", f"{to}: Event: QueueCallerJoin / Queue: support / Position: 1",
            "Wait(seconds=1)", f"{to}: Event: QueueCallerJoin / Queue: sales / Position: 2",
        ]  # fmt: skip


def test_a_timeline_may_go_on_for_ever_and_may_send_anything():
    timeline = Script().timeline([wait(0.5), raw(b"\r\n"), close()], loop="forever")
    assert list(itertools.islice(timeline.play({}), 4)) == [Wait(0.5), Send(b"\r\n"), Close(), Wait(0.5)]
    assert list(Script().timeline([], loop=0).play({})) == []


def test_a_message_is_a_plain_value():
    assert event("Hangup", Cause_txt="x", ChanVariable=["a=1", "b=2"]) == Message(
        "event", (("Event", "Hangup"), ("Cause-txt", "x"), ("ChanVariable", "a=1"), ("ChanVariable", "b=2"))
    )
