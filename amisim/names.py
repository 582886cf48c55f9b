"""What a server makes up anew each time: ids, challenges, ports and times; and which of them stand for which.

Two sessions in which the same happened differ in these alone. A *token* is such a name in a text; its kind says what
may stand for it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

__all__ = ["Names", "Text", "found", "read"]

_HEX = "[0-9a-f]"
_TOKEN = re.compile(
    rf"(?P<bridge>\b{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}\b)"
    rf"|(?P<channel>\b[A-Za-z]\w*/[^\s,;&|()]*?-{_HEX}{{8}}\b)"
    r"|(?P<time>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d{4}|Z)?)"
    r"|(?P<uniqueid>\b\d{9,10}\.\d+\b)"
    rf"|(?P<call>\bC-{_HEX}{{8}}\b)"
    rf"|(?P<digest>\b{_HEX}{{32}}\b)"
    rf"|(?P<session>\b0x{_HEX}{{6,}}\b)"
    r"|(?:(?<=\.\d[/:])|(?<=\.\d\d[/:])|(?<=\.\d\d\d[/:]))(?P<port>\d{2,5})(?![\d.])"
)
_TIMES = frozenset({
    "answeredtime", "answertime", "billableseconds", "corereloaddate", "corereloadtime", "corestartupdate",
    "corestartuptime", "duration", "durationms", "endtime", "eventtv", "holdtime", "lastcall", "lastpause",
    "lastreload", "loggedintime", "loginchan", "logintime", "parkingduration", "regexpire", "ringtime",
    "roundtripusec", "rtt", "seconds", "sessiontv", "starttime", "talktime", "timestamp", "timetohangup", "uptime",
    "wait",
})  # fmt: skip
_SECRETS = frozenset({"secret", "challenge", "receivedchallenge"})
_WITHOUT_A_NAME = frozenset({"time", "digest"})


class Text(NamedTuple):
    """A text, and the names in it."""

    value: str
    form: str
    """The text with the kind of each name in its place."""

    names: tuple[tuple[str, str], ...] = ()
    """Kind and text of each, but for times and digests, of which any may stand for any other."""


def read(header: str, value: str) -> Text:
    """The names in the value of a header."""
    key = header.lower()
    if key in _SECRETS:
        return Text(value, "<secret>")
    if key in _TIMES and value:
        return Text(value, "<time>")
    if key == "actionid":
        return Text(value, "<ActionID>", (("ActionID", value),))
    return Text(value, _TOKEN.sub(_mask, value), tuple(found(value)))


def _mask(match: re.Match[str]) -> str:
    stem = match[0][:-8] if match.lastgroup == "channel" else ""
    return f"{stem}<{match.lastgroup}>"


def found(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each name in a text."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup not in _WITHOUT_A_NAME:
            yield str(match.lastgroup), match[0]


class Names:
    """Which name of a session stands for which of another: always the same one, in both directions."""

    def __init__(self) -> None:
        self._there: dict[tuple[str, str], str] = {}
        self._here: dict[tuple[str, str], str] = {}

    def match(self, text: Text, other: Text) -> bool:
        """Whether two texts say the same; names that were not seen before stand for each other from now on."""
        if text.form != other.form:
            return False
        pairs = zip(text.names, other.names, strict=True)
        return [value for (kind, name), (_, value) in pairs if not self._stand(kind, name, value)] == []

    def _stand(self, kind: str, name: str, other: str) -> bool:
        there = self._there.setdefault((kind, name), other)
        here = self._here.setdefault((kind, other), name)
        return (there, here) == (other, name)

    def rename(self, text: str) -> str:
        """The text with the other session's names."""
        return _TOKEN.sub(lambda match: self._there.get((str(match.lastgroup), match[0]), match[0]), text)

    def known(self, names: Iterable[tuple[str, str]]) -> bool:
        """Whether something stands for each of some names."""
        return all(each in self._there for each in names)
