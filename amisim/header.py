"""The header of a recording: what it may say, and what a text is that is none."""

import codecs
import difflib
import re

from amisim.documents import Entries, Entry

__all__ = ["FORMAT", "newer", "no_header", "wrong_entry", "wrong_key"]

FORMAT = "amisim/1"

_KEYS = ("format", "server", "description", "recorded", "redacted")
_NUMBER = re.compile(rb"^format:[ \t]*[\"']?amisim/(\d{1,9}(?:\.\d{1,9})*)", re.MULTILINE)
_NEEDS = re.compile(rb"^needs:[ \t]*[\"']?(\d[\d.]*)", re.MULTILINE)


def newer(text: bytes) -> str:
    """What there is to say of a header of a newer format, whatever else is in it; empty for any other."""
    number, needs = _NUMBER.search(text), _NEEDS.search(text)
    if number is None or tuple(map(int, number[1].split(b"."))) <= (1,):
        return ""
    wanted = f"'amikit>={needs[1].decode()}'" if needs else "amikit"
    given = f"amisim/{number[1].decode()}"
    return f"the format {given} is newer than this amikit, which reads {FORMAT}: pip install -U {wanted}"


def no_header(text: bytes) -> str:
    """What is said of a text that is no header, or none with a `---` after it."""
    text = text.strip()
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "a file in UTF-16, where one in UTF-8 is wanted"
    if text.startswith(b"amisim:"):
        return "a scenario, and no recording: 'amisim serve --scenario' or scenario= takes it"
    if _NUMBER.search(text):
        return "cut short in its header: no line '---' ends it"
    return f"not a recording: it does not begin with 'format: {FORMAT}'"


def wrong_entry(entries: Entries) -> tuple[int, str] | None:
    """The line of an entry that cannot be in a header, and what is wrong with it; None if there is none."""
    return next(((entry.line, problem) for key, entry in entries.items() if (problem := _wrong(key, entry))), None)


def wrong_key(key: str) -> str:
    """What is wrong with a key; empty for one that a header has."""
    if key in _KEYS:
        return ""
    near = difflib.get_close_matches(key, _KEYS, 1)
    right = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(_KEYS)}; a comment may say anything else"
    return f"{key!r} is no key of a header; {right}"


def _wrong(key: str, entry: Entry) -> str:
    if problem := wrong_key(key):
        return problem
    if entry.tag:
        return f"{key!r} is a text, without {entry.tag}"
    if isinstance(entry.value, list) == (key == "redacted"):
        return ""
    return f"{key!r} is " + ("a list, with '- ' before each" if key == "redacted" else "one text, and no list")
