"""Event filters: which events a connection sees, as `eventfilter` of `manager.conf` and the action `Filter` say.

Facts (seen on 16.28 and 22.10): a filter is an extended regular expression that is looked for in the text of the whole
event, and `!` before it makes it one that excludes. 20.11, 21.6 and 22.1 have criteria besides, such as
`action(exclude),name(Newexten)` or `header(Channel),method(starts_with)`; without a method of their own they look for
nothing, and must come with an empty pattern then. Of a header that is repeated each line is looked at, but for those
without a value; its name is compared with its case.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from amisim.posix import Allowance, Expression, NotServed, expression

__all__ = ["CANNOT_BE_COMPILED", "MISFORMED", "EventFilter", "Patience", "event_filter"]

MISFORMED = "Filter was formatted incorrectly.  Check the syntax of the filter given."
CANNOT_BE_COMPILED = "Filter did not compile.  Check the syntax of the filter given."
_STEPS = 600_000  # about as many as are made in half a second
_STEPS_OF_ONE = 50_000
_CRITERION = re.compile(r"[ ,)]*(action|name|header|method)[^(), ]*\(([^), ]*)")
_BLANKS = "".join(map(chr, range(33)))
_SPECIAL = re.compile(r"[][.*+?^$|(){}\\]")
_METHODS: dict[str, Callable[[str, str], bool]] = {
    "regex": lambda pattern, text: pattern in text,  # one in which no character is special
    "exact": lambda pattern, text: pattern == text,
    "starts_with": lambda pattern, text: text.startswith(pattern),
    "ends_with": lambda pattern, text: text.endswith(pattern),
    "contains": lambda pattern, text: pattern in text,
    "none": lambda pattern, text: True,
}
_VALUES = {"method": set(_METHODS), "action": {"include", "exclude"}}


class EventFilter(NamedTuple):
    """One filter."""

    excludes: bool
    name: str
    """Of the only event it is about; empty for any."""

    header: str
    """The beginning of the only lines it looks at, with the colon; empty for the whole text."""

    method: str
    """How its pattern is looked for, unless that is an expression."""

    pattern: str | Expression

    @property
    def size(self) -> int:
        """How long it is, in characters and other parts of its pattern, and one for itself."""
        return 1 + (len(self.pattern) if isinstance(self.pattern, str) else self.pattern.size)

    def matches(self, text: str, allowance: Allowance) -> bool:
        """Whether it is about an event. Raises `TakesTooLong`."""
        if self.name and text.partition("\r\n")[0] != f"Event: {self.name}":
            return False
        if not self.header:
            return self._finds(text, allowance)
        return any(self._finds(value, allowance) for value in _values(text, self.header) if value)

    def _finds(self, text: str, allowance: Allowance) -> bool:
        if isinstance(self.pattern, Expression):
            return self.pattern.search(text, allowance)
        return _METHODS[self.method](self.pattern, text)


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
    criterion = _CRITERION.findall(criteria)
    wrong = _CRITERION.sub("", criteria).strip(" ,)") or not all(
        value in _VALUES.get(key, {value}) - {""} for key, value in criterion
    )
    given = dict(criterion)
    method, action = given.get("method", "none"), given.get("action", "exclude" if excludes else "include")
    says_nothing = not pattern and "name" not in given and "header" not in given
    if wrong or says_nothing or (method == "none") != (not pattern):
        raise ValueError(MISFORMED)
    looked_for = _compiled(pattern) if method == "regex" else pattern
    header = given["header"].removesuffix(":") + ":" if "header" in given else ""
    return EventFilter(action == "exclude", given.get("name", ""), header, method, looked_for)


def _compiled(pattern: str) -> Expression | str:
    if not _SPECIAL.search(pattern):
        return pattern  # as most are
    try:
        return expression(pattern)
    except NotServed as error:
        raise ValueError(f"amisim: filters with {error} are not served") from None
    except ValueError:
        raise ValueError(CANNOT_BE_COMPILED) from None


class Patience:
    """How long is looked, by all filters together, whether an event passes; and at the least by those of one client.

    Those of many clients may take long, and nobody else is served meanwhile.
    """

    def __init__(self) -> None:
        self._left = self._least = 0

    def renew(self, *, for_many: bool = False) -> None:
        """Others are to be looked at: an event for many clients, or events for one."""
        self._left = _STEPS
        self._least = _STEPS_OF_ONE if for_many else 0

    def passes(self, filters: Iterable[EventFilter], text: str) -> bool:
        """Whether an event passes: it matches none that excludes, and one that includes if there are any.

        Raises `TakesTooLong`.
        """
        had = max(self._left, self._least)
        allowance = Allowance(had)
        try:
            return _passes(filters, text, allowance)
        finally:
            self._left -= had - allowance.left


def _passes(filters: Iterable[EventFilter], text: str, allowance: Allowance) -> bool:
    included: bool | None = None
    for each in filters:
        matched = each.matches(text, allowance)
        if each.excludes:
            if matched:
                return False
        else:
            included = included or matched
    return included is not False
