"""What a fault is, how one is declared, and its text: `FAULT SELECTOR [Header=value ...] [argument=value ...]`."""

import difflib
import inspect
import math
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, Unpack

from amisim.faults.choice import NAMED, SELECTORS, Schedule, Selector, number, quoted
from amisim.faults.frame import Fate, Frame

__all__ = ["KINDS", "Fault", "FaultError", "FaultKind", "Options", "fault", "parse"]


class FaultError(ValueError):
    """A fault that does not exist, or not so; the text says what is wrong, and what would be right."""


class Options(TypedDict, total=False):
    """What may be said by name of a fault: its argument, a connection, when it hits."""

    seconds: float
    rate: float
    size: int
    count: int
    by: int
    step: float
    header: str
    text: str
    connection: int
    nth: int
    every: int
    times: int
    after_bytes: int
    after_seconds: float
    until_seconds: float
    p: float


_SCHEDULE = tuple(each.name for each in fields(Schedule))
_LEAST = {
    "rate": 1,
    "size": 1,
    "count": 1,
    "connection": 1,
    "nth": 1,
    "every": 1,
    "times": 1,
    "by": -math.inf,
    "step": -math.inf,
}
"""The smallest value of each number; 0 where it is not named."""
_FRACTIONS = frozenset({"seconds", "rate", "step", "after_seconds", "until_seconds", "p"})

KINDS: "dict[str, FaultKind]" = {}
"""All faults there are, by name."""


@dataclass(frozen=True, eq=False)
class FaultKind:
    """A fault by its name: called with its argument, a selector and a schedule, it gives a `Fault`.

    A number is its argument, a text selects, and all can be said by name: `delay(6, "response Ping", nth=2)`.
    Raises `FaultError`.
    """

    name: str
    layer: str
    argument: str
    """The name of its argument; empty where it has none."""

    default: float | str
    """Its argument, where nothing is said."""

    selector: Selector
    """What it is for, where nothing is said."""

    schedule: Schedule
    """When it hits, where nothing is said."""

    transform: Callable[..., Iterable[Fate] | None]
    """From a frame and the argument to what becomes of it.

    Of a fault that gathers: from the frames that came so far; None while it waits for more.
    """

    gathers: bool
    example: str
    before: str
    """A picture of what a server sends: what is between two bars is one write, ⏎ is CR LF."""

    after: str
    """A picture of what comes of it by the example."""

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return inspect.getdoc(self.transform) or ""

    def __call__(self, *what: str | float, **options: Unpack[Options]) -> "Fault":
        """The fault, with this argument, selector and schedule."""
        numbers = [number(each) for each in what if not isinstance(each, str)]
        words = [word for each in what if isinstance(each, str) for word in _words(each)]
        return _make(self, numbers + words, [(name, _text(value)) for name, value in options.items()])

    def __repr__(self) -> str:
        return f"faults.{self.name}"


@dataclass(frozen=True)
class Fault:
    """A fault, what it is for, and when it hits. Its text parses to an equal one."""

    kind: FaultKind
    value: float | str
    """Its argument."""

    selector: Selector
    schedule: Schedule

    def takes(self, frame: Frame, connection: int) -> bool:
        """Whether a frame is one that it is for."""
        has_header = self.kind.argument != "header" or not self.value or (
            frame.message is not None and frame.message.get(str(self.value)) is not None
        )  # fmt: skip
        return has_header and self.selector.takes(frame, connection)

    def apply(self, frame: Frame) -> Iterable[Fate]:
        """What becomes of a frame."""
        return self._transform(frame) or ()

    def gather(self, frames: Sequence[Frame]) -> Iterable[Fate] | None:
        """What becomes of several frames; None while it waits for more."""
        return self._transform(frames)

    def _transform(self, what: Frame | Sequence[Frame]) -> Iterable[Fate] | None:
        return self.kind.transform(what, self.value) if self.kind.argument else self.kind.transform(what)

    def __str__(self) -> str:
        words = [self.kind.name, str(self.selector)]
        if self.value != self.kind.default:
            words.append(quoted(f"{self.kind.argument}={_text(self.value)}"))
        return " ".join([*words, *([str(self.schedule)] if self.schedule != Schedule() else [])])

    def __repr__(self) -> str:
        return f"<fault {self}>"


def fault(
    default: str = "any", *, example: str, before: str, after: str, gathers: bool = False
) -> Callable[[Callable[..., Iterable[Fate] | None]], FaultKind]:
    """Make a fault of a transform. Its second parameter, if it has one, is the fault's argument.

    `default` is selector and schedule where nothing is said; `before` and `after` show what `example` does.
    """

    def declare(transform: Callable[..., Iterable[Fate] | None]) -> FaultKind:
        _, *arguments = inspect.signature(transform).parameters.values()
        argument, value = (arguments[0].name, arguments[0].default) if arguments else ("", "")
        name, layer = transform.__name__, transform.__module__.rpartition(".")[2]
        words = _words(default)
        pairs = [(key, text) for word in words for key, equals, text in [word.partition("=")] if equals]
        selector = _selector([word for word in words if "=" not in word], [], None)
        kind = FaultKind(
            name, layer, argument, value, selector, _schedule(pairs), transform, gathers, example, before, after
        )
        return KINDS.setdefault(name, kind)

    return declare


def parse(text: str) -> Fault:
    """Read a fault, such as `drop event QueueMember nth=2` or `delay 6 response Ping`.

    Raises `FaultError`, which says which word is wrong, and what would be right.
    """
    try:
        name, *words = _words(text) or [""]
        kind = KINDS.get(name)
        if kind is None:
            raise FaultError(_unknown("fault", name, KINDS))
        plain = [word for word in words if not _is_pair(word)]
        pairs = [(key, value) for word in words if _is_pair(word) for key, _, value in [word.partition("=")]]
        return _make(kind, plain, pairs)
    except FaultError as error:
        raise FaultError(f"{text!r}: {error}") from None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise FaultError(f"{error} in {text!r}") from None


def _is_pair(word: str) -> bool:
    key, equals, _ = word.partition("=")
    return bool(equals) and key.replace("-", "_").isidentifier()


def _make(kind: FaultKind, words: list[str], pairs: list[tuple[str, str]]) -> Fault:
    if words and kind.argument and _is_number(words[0]):
        pairs = [(kind.argument, words[0]), *pairs]
        words = words[1:]
    plain = [word for word in words if not _is_pair(word)]
    pairs = [*((key, text) for word in words if _is_pair(word) for key, _, text in [word.partition("=")]), *pairs]
    headers = [(key, text) for key, text in pairs if key[0].isupper()]
    said = [(key, text) for key, text in pairs if not key[0].isupper()]
    known = [*([kind.argument] if kind.argument else []), "connection", *_SCHEDULE]
    for position, (key, _) in enumerate(said):
        if key not in known:
            raise FaultError(f"{_unknown(f'argument of {kind.name}', key, known)} (Headers begin with a capital.)")
        if key in dict(said[:position]):
            raise FaultError(f"{key!r} is said twice")
    values = dict(said)
    connection = _read("connection", values["connection"]) if "connection" in values else None
    unselected = not plain and not headers and connection is None
    selector = kind.selector if unselected else _selector(plain or [kind.selector.what], headers, connection)
    if not plain and not unselected:
        selector = Selector(kind.selector.what, kind.selector.name, selector.headers, selector.connection)
    schedule = _schedule([(key, text) for key, text in said if key in _SCHEDULE])
    value = kind.default
    if kind.argument in values:
        value = values[kind.argument] if isinstance(kind.default, str) else _read(kind.argument, values[kind.argument])
    return Fault(kind, value, selector, kind.schedule if schedule == Schedule() else schedule)


def _selector(words: Sequence[str], headers: Iterable[tuple[str, str]], connection: float | None) -> Selector:
    what, *names = words
    if what not in SELECTORS:
        raise FaultError(_unknown("selector", what, SELECTORS))
    if len(names) > (what in NAMED):
        many = f"one name may follow {what!r}" if what in NAMED else f"no name follows {what!r}"
        raise FaultError(f"{names[-1]!r} is too much: {many}")
    return Selector(what, "".join(names), tuple(headers), None if connection is None else int(connection))


def _schedule(pairs: Iterable[tuple[str, str]]) -> Schedule:
    values: dict[str, Any] = {key: _read(key, text) for key, text in pairs}
    return Schedule(**values)


def _read(name: str, text: str) -> float:
    """The number that a text is; raises `FaultError` for one that this argument cannot be."""
    least, whole = _LEAST.get(name, 0), name not in _FRACTIONS
    if not _is_number(text) or float(text) < least or (whole and float(text) != int(float(text))) or (
        name == "p" and float(text) > 1
    ):  # fmt: skip
        kind = "a whole number" if whole else "a number"
        limits = "from 0 to 1" if name == "p" else f"from {least} on" if least > -math.inf else "such as -1"
        raise FaultError(f"{name}={text} cannot be: {name} is {kind} {limits}")
    return int(float(text)) if whole else float(text)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _text(value: object) -> str:
    return number(value) if isinstance(value, (int, float)) and math.isfinite(value) else str(value)


def _unknown(what: str, word: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(word, names, 1)
    right = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
    return f"{word!r} is no {what}; {right}"
