"""The page about clients and faults has every fault, and nothing in it is written by hand."""

import importlib
import re
from pathlib import Path

import pytest

from amisim import faults

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "clients-and-faults.md"
ROWS = re.findall(r"^\| `(\w+) (.*)` \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
CALL = {"how": "answer", "success": True, "whole": True, "pong": None, "items": []}
PONG = {**CALL, "pong": "Pong"}
NOTHING = {"how": "nothing"}


@pytest.fixture
def story(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("suite.story")


@pytest.fixture
def phrases(story):
    return importlib.import_module("suite.story.phrases")


@pytest.fixture
def told(story, phrases):
    """Gives the phrase for what was seen: right, but for what is said."""
    members = [list(each) for each in story.MEMBERS]
    hangups = [[*each, story.TEXT.decode()] for each in story.HANGUPS]

    def told(items=members, events=hangups, found=None, **steps):
        seen = {"login": CALL, "ping": PONG, "list": {**CALL, "items": items}}
        seen |= {"events": {"how": "events", "events": events}, "again": PONG, "close": NOTHING, **steps}
        usual = {"told": [], "left": False, "connections": 1, "asked": 1, "errors": 0}
        said = phrases.phrase({**usual, **(found or {}), "steps": seen}, story.Story(""))
        assert phrases.can_say(said)
        return said

    return told


def test_there_is_a_story_for_every_fault_and_the_page_tells_it(story):
    assert set(story.STORIES) == set(faults.KINDS)
    assert {name: f"{name} {rest}" for name, rest, _ in ROWS} == {
        name: each.fault for name, each in story.STORIES.items()
    }


def test_the_fault_of_a_story_is_one(story):
    assert [each.fault for each in story.STORIES.values() if faults.parse(each.fault).kind.name not in each.fault] == []


def test_the_page_says_what_the_program_can_say_and_explains_it(phrases):
    cells = [cell for _, _, row in ROWS for cell in row.split(" | ")]
    assert len(cells) == 4 * len(faults.KINDS)
    assert [cell for cell in cells if not phrases.can_say(cell)] == []
    for text, meaning in phrases.glossary().items():
        assert f"| {text} | {meaning} |" in PAGE.read_text()


@pytest.mark.parametrize(
    "text", ["", "rigth", "right; ", "loses the event", "right; loses", "raises", "hangs, says so"]
)
def test_another_phrase_cannot_be_said(phrases, text):
    assert not phrases.can_say(text)


def test_what_is_right_is_said_to_be(told):
    assert told() == "right"
    assert told(found={"connections": 2, "asked": 2}) == "right; reconnects; sends the action again"


def test_the_first_step_that_is_not_right_begins_the_phrase(told):
    hangs, raises = {"how": "hangs"}, {"how": "raises", "type": "OSError", "text": False}
    assert told(ping=hangs, found={"left": True}) == "hangs; leaves a thread"
    assert told(ping=NOTHING, again=raises, close=raises) == (
        "no answer in time; next Ping: raises OSError without a text; closing raises OSError without a text"
    )
    assert told(ping=NOTHING, found={"told": ["orphan"]}) == "no answer in time, tells of an orphan"
    assert told(ping=NOTHING, items=[]) == "no answer in time; then loses items, says nothing"
    assert told(ping=NOTHING, items=[], found={"connections": 2}) == "no answer in time; reconnects"
    assert told(again=CALL) == "next Ping: takes a wrong answer"
    assert told(list={**CALL, "success": False}) == "is told of an error"


def test_what_differs_is_told_by_what_came(told, story):
    first, second, third = ([*each, story.TEXT.decode()] for each in story.HANGUPS)
    assert told(events=[first, third]) == "loses the event, says nothing"
    assert told(events=[first], found={"told": ["link"]}) == "loses events, tells of the lost link"
    assert told(events=[], found={"told": ["gap", "link"]}) == "loses events, tells of a gap"
    assert told(events=[first, third, second]) == "gets the events in another order"
    assert told(events=[first, second, second, third]) == "gets the event more than once"
    assert told(events=[first, [*second[:3], None], third]) == "lacks a header"
    assert told(events=[first, [*second[:3], "?"], third]) == "gets another value, says nothing"
    assert told(events=[first, [*second[:3], "?"]]) == "takes two events for one, says nothing"
    assert told(events=[first, second, third, [None] * 4]) == "gets what is no event, says nothing"


def test_a_list_is_whole_or_said_not_to_be(told, story):
    members = [list(each) for each in story.MEMBERS]
    assert told(items=members[1:]) == "loses the item, says nothing"
    assert told(list={**CALL, "items": members[1:], "whole": False}) == "loses the item, says so"
    assert told(list={**CALL, "items": members, "whole": False}) == "says that the list is not whole"
    assert told(found={"errors": 1}) == "misses the error, says nothing"
    assert told(found={"errors": 1, "told": ["orphan"]}) == "misses the error, tells of an orphan"


def test_a_client_lives_through_the_story(story, phrases):
    run = importlib.import_module("suite.story.run")
    for fault, wanted in {"": "right", "permission_denied answer QueueStatus": "is told of an error"}.items():
        told = story.Story(fault)
        assert phrases.phrase(run.live_through("ami", told), told) == wanted
