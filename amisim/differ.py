"""In what two recordings of the same thing differ, apart from what a server makes up anew each time.

Connections are compared in the order in which they were opened, and on each the actions in their order; with each
action its answer, the events that follow from it, and how the connection ends. What follows from different actions has
no order. Ids, ports and addresses in memory count as the same where one always stands for the other; times, challenges
and how a login proves itself are not compared, and neither is the order of headers.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from operator import attrgetter
from typing import NamedTuple, TypeVar

from amisim.action import read_action
from amisim.names import Names, read
from amisim.recorded import Following, RecordedAction, RecordedConnection, recorded_connections
from amisim.recording import Record, Recording
from amisim.redact import without_secrets

__all__ = ["Difference", "Message", "differences", "read_message"]

T = TypeVar("T")

_MISSING = ("(missing)",)


class Difference(NamedTuple):
    """One thing in which two recordings, A and B, differ. As text it is a block of some lines."""

    connection: int
    """Its place among the connections, from 1."""

    action: str
    """The name of the action that it follows from; empty where it follows from the connection alone."""

    number: int
    """The place of that action among those of its connection in A, or in B where A has none; 0 without an action."""

    what: str
    """The message: `action`, `response`, `event QueueMember`, `end` or `text`; or `connection`."""

    header: str
    """The header that differs, or `order`; empty where the whole message is in one of them only."""

    a: tuple[str, ...]
    """What is in A: the values of the header, or the lines of the message; none where it is not there."""

    b: tuple[str, ...]
    """The same of B."""

    lines: tuple[int, int] = (0, 0)
    """Where the message stands in each file; 0 where it does not."""

    def __str__(self) -> str:
        places = " and ".join(f"line {line} of {side}" for side, line in zip("AB", self.lines, strict=True) if line)
        where = f"connection {self.connection}" + (f", action {self.number} {self.action}" if self.number else "")
        head = f"{where}: {self.what}" + (f", {places}" if places else "")
        if not self.header:
            side, lines = ("A", self.a) if self.a else ("B", self.b)
            return "\n".join([head, f"  only in {side}", *(f"    {line}" for line in lines)])
        values = [("A", value) for value in self.a or _MISSING] + [("B", value) for value in self.b or _MISSING]
        return "\n".join([head, f"  {self.header}", *(f"    {side}: {value}" for side, value in values)])


def differences(a: Recording, b: Recording, *, events: bool = True) -> list[Difference]:
    """All in which two recordings differ; none if the same happened in both.

    Without `events`, only actions, their answers, and ends of connections are compared.
    """
    comparison = _Comparison(events=events)
    mine, others = (recorded_connections(each.records).values() for each in (a, b))
    for number, (one, other) in enumerate(zip_longest(mine, others), 1):
        comparison.connections(_Where(number, "", 0), one, other)
    return comparison.found


class _Where(NamedTuple):
    """The first fields of a difference."""

    connection: int
    action: str
    number: int


class Message(NamedTuple):
    """A message as it is compared."""

    what: str
    name: str
    """Messages of one name may be the same, changed."""

    headers: dict[str, list[str]]
    form: tuple[str, ...]
    """What it says, but for the server's names and order."""

    lines: tuple[str, ...]
    line: int
    place: int
    """Its number among those that are compared with it."""


def _messages(records: Sequence[Record]) -> list[Message]:
    return [read_message(record, place) for place, record in enumerate(records, 1)]


def read_message(record: Record, place: int = 0) -> Message:
    """A message of either side, with its secrets hidden, or the end of a connection."""
    if record.kind != "data":
        return Message("end", record.kind, {}, (record.kind,), (record.kind,), record.line, place)
    lines = tuple(line for line in without_secrets(record).replace("\r\n", "\n").split("\n") if line)
    headers: dict[str, list[str]] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        headers.setdefault(key if colon else "text", []).append(value.lstrip(" ") if colon else line)
    form = tuple(sorted(f"{key}:{read(key, value).form}" for key, values in headers.items() for value in values))
    first = next(iter(headers), "").lower()
    if record.direction == ">":
        return Message("action", read_action(record.data).name.lower(), headers, form, lines, record.line, place)
    what = f"event {lines[0][6:].strip()}" if first == "event" else first if first == "response" else "text"
    return Message(what, what, headers, form, lines, record.line, place)


class _Comparison:
    """What was found so far in which two recordings differ."""

    def __init__(self, *, events: bool) -> None:
        self.found: list[Difference] = []
        self._events = events
        self._names = Names()
        self._told: set[tuple[str, str]] = set()

    def connections(self, where: _Where, a: RecordedConnection | None, b: RecordedConnection | None) -> None:
        if a is None or b is None:
            opened = ("open",)
            self.found.append(Difference(*where, "connection", "", opened if a else (), opened if b else ()))
            return
        self._following(where, a.greeting, b.greeting)
        if self._events:
            self._following(where, a.events, b.events)
        asked = _messages([each.record for each in a.actions]), _messages([each.record for each in b.actions])
        for one, other in _aligned(*asked, _form, _name):
            if one is not None and other is not None:
                self._actions(where, one, other, a.actions[one.place - 1], b.actions[other.place - 1])
            elif one is not None:
                self._only(where._replace(action=a.actions[one.place - 1].action.name, number=one.place), one, None)
            elif other is not None:
                self._only(
                    where._replace(action=b.actions[other.place - 1].action.name, number=other.place), None, other
                )

    def _actions(self, where: _Where, one: Message, other: Message, a: RecordedAction, b: RecordedAction) -> None:
        where = where._replace(action=a.action.name, number=one.place)
        self._headers(where, one, other)
        self._following(where, a.answer, b.answer)
        if self._events:
            self._following(where, a.events, b.events)
        if self._events or a.ends.records:  # a client may have closed before the server did
            self._following(where, a.ends, b.ends)

    def _following(self, where: _Where, a: Following, b: Following) -> None:
        mine, others = (_messages([record for _, record in each.records]) for each in (a, b))
        pairs = list(_aligned(mine, others, _form, _name))
        moved = _moved(pairs)
        came = {each.place for each in moved.values()}
        for one, other in pairs:
            if one is not None and one.place in moved:
                other = moved[one.place]
                places = (f"message {one.place}",), (f"message {other.place}",)
                self.found.append(Difference(*where, one.what, "order", *places, (one.line, other.line)))
            if one is not None and other is not None:
                self._headers(where, one, other)
            elif other is None or other.place not in came:
                self._only(where, one, other)

    def _only(self, where: _Where, a: Message | None, b: Message | None) -> None:
        """A message is in one of them only."""
        what = a.what if a else b.what if b else ""
        lines = (a.line if a else 0, b.line if b else 0)
        self.found.append(Difference(*where, what, "", a.lines if a else (), b.lines if b else (), lines))

    def _headers(self, where: _Where, a: Message, b: Message) -> None:
        for key in dict.fromkeys([*a.headers, *b.headers]):
            mine, others = self._values(key, a.headers.get(key, []), b.headers.get(key, []))
            if mine or others:
                self.found.append(Difference(*where, a.what, key, mine, others, (a.line, b.line)))

    def _values(self, key: str, a: list[str], b: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The values of a header that differ. Of two names that do not stand for each other, that is told once."""
        mine, others = [], []
        for one, other in _aligned([read(key, value) for value in a], [read(key, value) for value in b], _form):
            if one is not None and other is not None:
                if self._names.match(one, other) or (one.value, other.value) in self._told:
                    continue
                self._told.add((one.value, other.value))
            mine += [one.value] if one is not None else []
            others += [other.value] if other is not None else []
        return tuple(mine), tuple(others)


_form = attrgetter("form")
_name = attrgetter("name")


def _moved(pairs: list[tuple[Message | None, Message | None]]) -> dict[int, Message]:
    """What is in both, but not at the same place: by its place in A, the message of B."""
    elsewhere: dict[tuple[str, ...], list[Message]] = defaultdict(list)
    for one, other in pairs:
        if one is None and other is not None:
            elsewhere[other.form].append(other)
    gone = [one for one, other in pairs if one is not None and other is None]
    return {one.place: elsewhere[one.form].pop(0) for one in gone if elsewhere[one.form]}


def _aligned(a: Sequence[T], b: Sequence[T], *keys: Callable[[T], Hashable]) -> Iterator[tuple[T | None, T | None]]:
    """What in two sequences is the same by the first key, in order, or, between that, by the next; the rest alone."""
    if not keys:
        yield from ((each, None) for each in a)
        yield from ((None, each) for each in b)
        return
    key, *others = keys
    for same, i, i_end, j, j_end in _runs([key(each) for each in a], [key(each) for each in b]):
        if same:
            yield from zip(a[i:i_end], b[j:j_end], strict=True)
        else:
            yield from _aligned(a[i:i_end], b[j:j_end], *others)


def _runs(a: list[Hashable], b: list[Hashable]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Which parts of two lists are the same, and which are not."""
    start = next((i for i, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
    if start:
        yield True, 0, start, 0, start
    if start == len(a) or start == len(b):  # the matcher takes its time
        yield False, start, len(a), start, len(b)
        return
    for what, i, i_end, j, j_end in SequenceMatcher(None, a[start:], b[start:], autojunk=False).get_opcodes():
        yield what == "equal", start + i, start + i_end, start + j, start + j_end
