"""Event filters: which events a connection sees, as `eventfilter` of `manager.conf` and the action `Filter` say.

Facts (seen on 16.28 and 22.10): a filter is an extended regular expression that is looked for in the text of the whole
event, and `!` before it makes it one that excludes. 20.11, 21.6 and 22.1 have criteria besides, such as
`action(exclude),name(Newexten)` or `header(Channel),method(starts_with)`; without a method of their own they look for
nothing, and must come with an empty pattern then. Of a header that is repeated each line is looked at, but for those
without a value; its name is compared with its case.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from amisim.posix import Expression, NotServed, expression

__all__ = ["CANNOT_BE_COMPILED", "MISFORMED", "EventFilter", "event_filter", "passes"]

MISFORMED = "Filter was formatted incorrectly.  Check the syntax of the filter given."
CANNOT_BE_COMPILED = "Filter did not compile.  Check the syntax of the filter given."
_CRITERION = re.compile(r"[ ,)]*(action|name|header|method)[^(), ]*\(([^), ]*)")
_BLANKS = "".join(map(chr, range(33)))
_METHODS: dict[str, Callable[[Any, str], bool]] = {
    "regex": lambda pattern, text: pattern.search(text),
    "exact": lambda pattern, text: pattern == text,
    "starts_with": lambda pattern, text: text.startswith(pattern),
    "ends_with": lambda pattern, text: text.endswith(pattern),
    "contains": lambda pattern, text: pattern in text,
    "none": lambda pattern, text: True,
}


class EventFilter(NamedTuple):
    """One filter."""

    excludes: bool
    name: str
    """Of the only event it is about; empty for any."""

    header: str
    """The beginning of the only lines it looks at, with the colon; empty for the whole text."""

    method: str
    pattern: str | Expression

    @property
    def size(self) -> int:
        """How long it is, in characters and other parts of its pattern, and one for itself."""
        return 1 + (len(self.pattern) if isinstance(self.pattern, str) else self.pattern.size)

    def matches(self, text: str) -> bool:
        """Whether it is about an event."""
        if self.name and text.partition("\r\n")[0] != f"Event: {self.name}":
            return False
        matches = _METHODS[self.method]
        if not self.header:
            return matches(self.pattern, text)
        return any(matches(self.pattern, value) for value in _values(text, self.header) if value)


def _values(text: str, beginning: str) -> Iterator[str]:
    """What stands in the lines that begin so, without the blanks before it."""
    for line in text.split("\n"):
        if line.startswith(beginning):
            yield line.removesuffix("\r").removeprefix(beginning).lstrip(_BLANKS)


def event_filter(pattern: str, criteria: str, *, modern: bool = True) -> EventFilter:
    """Read a filter. Raises `ValueError` for one that Asterisk refuses, with its words, and for one not served here.

    `modern` is whether the version has criteria, and takes no empty pattern without them.
    """
    excludes, pattern = pattern.startswith("!"), pattern.removeprefix("!")
    if not criteria or not modern:
        if modern and not pattern:
            raise ValueError(MISFORMED)
        return EventFilter(excludes, "", "", "regex", _compiled(pattern))
    given = dict(_CRITERION.findall(criteria))
    method, action = given.get("method", "none"), given.get("action", "include")
    wrong = _CRITERION.sub("", criteria).strip(" ,)") or method not in _METHODS or action not in ("include", "exclude")
    says_nothing = not pattern and "name" not in given and "header" not in given
    if wrong or says_nothing or "" in given.values() or (method == "none") != (not pattern):
        raise ValueError(MISFORMED)
    looked_for = _compiled(pattern) if method == "regex" else pattern
    header = given["header"].removesuffix(":") + ":" if "header" in given else ""
    return EventFilter(excludes or action == "exclude", given.get("name", ""), header, method, looked_for)


def _compiled(pattern: str) -> Expression:
    try:
        return expression(pattern)
    except NotServed as error:
        raise ValueError(f"amisim: filters with {error} are not served") from None
    except ValueError:
        raise ValueError(CANNOT_BE_COMPILED) from None


def passes(filters: Iterable[EventFilter], text: str) -> bool:
    """Whether an event passes: it matches none that excludes, and one that includes if there are any."""
    included: bool | None = None
    for each in filters:
        matched = each.matches(text)
        if each.excludes:
            if matched:
                return False
        else:
            included = included or matched
    return included is not False
