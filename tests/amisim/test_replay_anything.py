"""Any recording of a connection, played to any client: nothing is lost, doubled, torn apart or in the wrong place."""

import itertools
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.steps import response, wait

from .sessions import LOGIN, Client, frame

PAUSES = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1.0, 3.0])
GREETING = b"Hello\r\n"


class Recorded:
    """A recording that is made, and what followed from each action: the first is a login."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw
        self._now = draw(PAUSES)
        self._tags = itertools.count(1)
        self.records = [Record(0.0, 1, "", "open"), Record(self._now, 1, "<", "data", GREETING)]
        self.answers: dict[int, list[str]] = {}
        self.events: dict[int, list[str]] = {0: []}
        self.within: dict[int, set[str]] = {}
        self.ends = 0
        answered: list[int] = []
        for number in range(1, draw(st.integers(1, 5)) + 1):
            self._ask(number, answered)
            for _ in range(draw(st.integers(0, 3))):
                self._say("Event", draw(st.sampled_from([0, *answered])))
        if draw(st.booleans()):
            self.ends = number
            kind = draw(st.sampled_from(["eof", "error"]))
            self.records.append(Record(self._now + draw(PAUSES), 1, "<", kind, b"", number))

    def _ask(self, number: int, answered: list[int]) -> None:
        self._now += self._draw(PAUSES)
        self.records.append(Record(self._now, 1, ">", "data", frame(asked(number, "")), number))
        self.answers[number], self.events[number], self.within[number] = [], [], set()
        kind = "one" if number == 1 else self._draw(st.sampled_from(["one", "list", "none"]))
        if kind == "none":
            return
        self._say("Response", number, " / EventList: start" if kind == "list" else "")
        if kind == "list":
            for _ in range(self._draw(st.integers(0, 3))):
                if answered and self._draw(st.integers(0, 3)) == 0:
                    self.within[number].add(self._say("Event", self._draw(st.sampled_from(answered))))
                self._say("Item", number)
            self._say("Item", number, " / EventList: Complete")
        answered.append(number)

    def _say(self, kind: str, cause: int, more: str = "") -> str:
        before, tag = self._now, f"t{next(self._tags)}"
        self._now += self._draw(PAUSES)
        begins = "Response: Success" if kind == "Response" else f"Event: {kind}"
        own = " / Privilege: call,all" if kind == "Event" else f" / ActionID: {cause}"
        data = frame(f"{begins} / Tag: {tag}{own}{more}")
        chunks = ((self._draw(st.integers(1, len(data) - 1)), before),) if self._draw(st.integers(0, 5)) == 0 else ()
        self.records.append(Record(self._now, 1, "<", "data", data, cause or None, chunks))
        (self.events if kind == "Event" else self.answers)[cause].append(tag)
        return tag


def asked(number: int, prefix: str) -> str:
    if number == 1:
        return LOGIN.replace("ActionID: 1", f"ActionID: {prefix}1")
    return f"Action: A{number} / ActionID: {prefix}{number}"


@st.composite
def happenings(draw: st.DrawFn, recorded: Recorded) -> list[tuple[float, str, Any]]:
    """What the client, the server's user and their clocks do; 0 is an action that the script answers."""
    found: list[tuple[float, str, Any]] = []
    now = 0.0
    for number in [1, *draw(st.permutations(sorted(recorded.answers)[1:]))]:
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            now += draw(PAUSES)
            found.append((now, "say", 0))
        now += draw(PAUSES)
        found.append((now, "say", number))
    found += [(at, "emit", f"e{place}") for place, at in enumerate(draw(st.lists(PAUSES, max_size=3)))]
    found += [(at, "look", None) for at in draw(st.lists(st.floats(0, 30), max_size=10))]
    return sorted(found, key=lambda each: each[0])


def play(client: Client, todo: list[tuple[float, str, Any]], keeps_time: bool) -> tuple[bytes, list[int], list[str]]:
    """Do it; what was heard, the actions that were asked, and what was emitted to a client that may hear it."""
    said, said_by, emitted = client.greeting, [], []
    session = client.session
    for at, what, which in [*todo, (1e6, "look", None)]:
        for _ in range(1000 if keeps_time or at == 1e6 else 0):
            due = session.next_deadline()
            if due is None or due > at:
                break
            said += client.wait_until(due)
        else:
            assert not keeps_time, "it is never done"
        if what == "say" and session.closing is None:
            said_by.append(which)
            said += client.say(asked(which, "m") if which else "Action: Challenge", at=at)
        elif what == "emit":
            said += client.wait_until(at)
            if session.logged_in and session.closing is None:
                emitted.append(which)
            said += client.emit(frame(f"Event: Emitted / Privilege: call,all / Tag: {which}"), at)
        elif what == "play":
            client.holds_back = False
            session.play(at)
        said += client.wait_until(at)
    return said, said_by, emitted


@settings(deadline=None)
@given(data=st.data(), speed=st.sampled_from([0, 0.5, 1, 3]), held=st.none() | st.sampled_from([0.0, 3.0, 20.0]))
def test_nothing_is_lost_or_doubled_or_in_the_wrong_place(data, speed, held):
    recorded = data.draw(st.composite(Recorded)())
    client = Client(replay=Replay(Recording({}, recorded.records), "test.yaml", speed))
    client.script.on("Challenge").reply(wait(data.draw(PAUSES)), response(Tag="scripted"))
    client.holds_back = held is not None
    todo = data.draw(happenings(recorded))
    if held is not None:
        todo = sorted([*todo, (held, "play", None)], key=lambda each: each[0])
    said, actions, emitted = play(client, todo, data.draw(st.booleans()))

    assert said.startswith(GREETING)
    frames = said.removeprefix(GREETING).decode().split("\r\n\r\n")
    assert frames.pop() == ""
    whole = re.compile(r"(Response|Event): \w+(\r\n\w+: [^\r\n]+)*")
    assert [each for each in frames if not whole.fullmatch(each)] == []
    tags = [re.search(r"^Tag: (\w+)", each, re.MULTILINE)[1] for each in frames]  # type: ignore[index]
    places = {tag: place for place, tag in enumerate(tags) if tag != "scripted"}
    assert len(places) == len(tags) - tags.count("scripted"), "doubled"
    numbers = [number for number in actions if number]
    if client.session.closing is None:
        due = [tag for number in (0, *numbers) for tag in (*recorded.answers.get(number, ()), *recorded.events[number])]
        assert set(places) == {*due, *emitted}, "lost, or invented"
        assert tags.count("scripted") == actions.count(0)
        assert recorded.ends not in numbers
    begins = iter([place for place, tag in enumerate(tags) if tag == "scripted"])
    order = []
    for number in actions:
        answer = [places[tag] for tag in recorded.answers.get(number, ()) if tag in places]
        order += [next(begins, len(tags))] if number == 0 else answer[:1]
        assert answer == sorted(answer)
        if answer:
            inside = set(tags[answer[0] : answer[-1]])
            assert inside <= {*recorded.answers[number], *recorded.within[number]}, "something stands in an answer"
    assert order == sorted(order), "answers are not in the order of their actions"
    for number in (0, *numbers):
        events = [places[tag] for tag in recorded.events[number] if tag in places]
        assert events == sorted(events)
        if events and recorded.answers.get(number):
            assert places[recorded.answers[number][-1]] < events[0], "an event comes before what it follows from"
