"""What was seen, as one short phrase; by rules, the same for all clients and faults."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from suite.story import HANGUPS, MEMBERS, TEXT, Story

Values = tuple[str | None, ...]

_PLAIN = {
    "right": "everything as without the fault",
    "hangs": "the caller got nothing back in 6 seconds, three times the client's own time-out",
    "no answer in time": "the client said so, after its time-out: it returned None",
    "no answer in time, tells of an orphan": "",
    "is told of an error": "the client gave the caller the server's refusal",
    "takes a wrong answer": "the caller got an answer to something else for its own",
    "says that the list is not whole": "all items were there, and the client marked the list as incomplete",
}
_DIFFERENCES = {
    "gets the {}s in another order": "",
    "gets the {} more than once": "",
    "lacks a header": "",
    "loses the {}": "one of them (*item*: of the list) did not reach the caller",
    "loses {}s": "several of them did not reach the caller",
    "misses the error": "the caller got the list as if the server had sent no error in the midst of it",
    "gets another value": "a header has not the bytes that were sent",
    "takes two {}s for one": "two of them reached the caller as one, with headers of both",
    "gets what is no {}": "",
}
_SAID = {
    "says nothing": "the caller cannot know by what the client returns, raises or calls back; its log does not count",
    "says so": "the client marked the list as incomplete",
    "tells of an orphan": "the client called back with a response that no action waited for",
    "tells of a gap": "the client called back to say that events are missing",
    "tells of the lost link": "the client called back to say that the link was lost",
}
_AFTER = {
    "reconnects": "the client made the link again by itself, and the second Ping was answered",
    "sends the action again": "the server got the same QueueStatus twice",
    "closing hangs": "the method that closes had not come back after 6 seconds",
    "leaves a thread": "8 seconds after it was closed, a thread of the client still ran",
}
_SILENT = frozenset(_DIFFERENCES) - {"gets the {}s in another order", "gets the {} more than once", "lacks a header"}
"""Differences that a caller does not see by looking at what it got."""


def phrase(found: dict[str, Any], story: Story) -> str:
    """What a client did, as the caller and the server saw it."""
    return "; ".join(_parts(found, story))


def _parts(found: dict[str, Any], story: Story) -> Iterator[str]:
    steps = found["steps"]
    said = {name: _said(name, found, story) for name in steps if name != "close"}
    wrong = [name for name in said if said[name] != "right"]
    first = wrong[0] if wrong else "again"
    again = said.get("again", "right")
    lost_link = found["connections"] > 1 or "link" in found["told"]
    yield said[first] if first != "again" or again == "right" else f"next Ping: {again}"
    if first != "again" and again != "right":
        yield f"next Ping: {again}"
    elif len(wrong) > 1 and not lost_link:
        yield f"then {said[wrong[1]]}"
    if found["connections"] > 1 and again == "right" and "again" in said:
        yield "reconnects"
    if found["asked"] > 1:
        yield "sends the action again"
    if steps["close"]["how"] in ("hangs", "raises"):
        yield f"closing {_outcome(steps['close'])}"
    if found["left"]:
        yield "leaves a thread"


def _said(name: str, found: dict[str, Any], story: Story) -> str:
    """What came of one step."""
    step, told = found["steps"][name], found["told"]
    if name == "events":
        sent = [(*values, TEXT.decode("latin-1")) for values in HANGUPS]
        sent[1] = (*HANGUPS[1], story.text.decode("latin-1"))
        said = "tells of a gap" if "gap" in told else "tells of the lost link" if "link" in told else "says nothing"
        return _with(_difference(_tuples(step["events"]), sent), "event", said)
    if step["how"] == "nothing" and "orphan" in told:
        return "no answer in time, tells of an orphan"
    if step["how"] != "answer":
        return _outcome(step)
    if not step["success"]:
        return "is told of an error"
    if name in ("ping", "again"):
        return "right" if step["pong"] == "Pong" else "takes a wrong answer"
    if name == "list":
        difference = _difference(_tuples(step["items"]), MEMBERS)
        if not difference and step["whole"] and found["errors"]:
            return "misses the error, " + ("tells of an orphan" if "orphan" in told else "says nothing")
        if not step["whole"] and not difference:
            return "says that the list is not whole"
        return _with(difference, "item", "says nothing" if step["whole"] else "says so")
    return "right"


def _outcome(step: dict[str, Any]) -> str:
    if step["how"] == "raises":
        return f"raises {step['type']}" + ("" if step["text"] else " without a text")
    return {"nothing": "no answer in time", "hangs": "hangs"}[step["how"]]


def _tuples(lists: list[list[str | None]]) -> list[Values]:
    return [tuple(each) for each in lists]


def _with(difference: str, noun: str, said: str) -> str:
    if not difference:
        return "right"
    return difference.format(noun) + (f", {said}" if difference in _SILENT else "")


def _difference(seen: Sequence[Values], sent: Sequence[Values]) -> str:
    """How what came differs from what should have come; empty where it does not."""
    lost = list((Counter(sent) - Counter(seen)).elements())
    strange = [each for each in dict.fromkeys(seen) if each not in sent]
    if len(lost) > len(strange):
        return "takes two {}s for one" if strange else "loses the {}" if len(lost) == 1 else "loses {}s"
    if strange:
        if not lost:
            return "gets what is no {}"
        return "lacks a header" if all(map(_lacks, strange, lost)) else "gets another value"
    if len(seen) > len(sent):
        return "gets the {} more than once"
    return "" if list(seen) == list(sent) else "gets the {}s in another order"


def _lacks(seen: Values, sent: Values) -> bool:
    return all(value in (None, wanted) for value, wanted in zip(seen, sent, strict=True))


# The phrases that there are


def can_say(text: str) -> bool:
    """Whether a text is one that `phrase` can make."""
    first, *rest = text.split("; ")
    return _is_outcome(first.removeprefix("next Ping: ")) and all(map(_is_later, rest))


def _is_later(text: str) -> bool:
    before, _, outcome = text.partition(" ")
    if text.startswith("next Ping: "):
        return _is_outcome(text.removeprefix("next Ping: "))
    if before == "then":
        return _is_outcome(outcome)
    return text in _AFTER or (before == "closing" and _is_raising(outcome))


def _is_outcome(text: str) -> bool:
    parts = {
        difference.format(noun) + end
        for difference in _DIFFERENCES
        for noun in ("event", "item")
        for end in ([f", {said}" for said in _SAID] if difference in _SILENT else [""])
    }
    return text in _PLAIN or text in parts or _is_raising(text)


def _is_raising(text: str) -> bool:
    return re.fullmatch(r"raises \w+( without a text)?", text) is not None


def glossary() -> dict[str, str]:
    """Parts of phrases, and what they mean."""
    differences = {key.format("event"): meaning for key, meaning in _DIFFERENCES.items()}
    return {key: meaning for key, meaning in {**_PLAIN, **differences, **_SAID, **_AFTER}.items() if meaning}
