"""What a fault is, how one is declared, and its text: `FAULT SELECTOR [Header=value ...] [argument=value ...]`."""

import difflib
import inspect
import math
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict, Unpack

from amisim.faults.choice import NAMED, SELECTORS, Schedule, Selector, number, quoted, why_never
from amisim.faults.frame import Fate, Frame

__all__ = ["KINDS", "PICTURED", "Fault", "FaultError", "FaultKind", "Options", "fault", "parse"]


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
_LEAST = {"rate": 1, "size": 1, "count": 1, "connection": 1, "nth": 1, "every": 1, "times": 1} | dict.fromkeys(
    ("by", "step"), -math.inf
)
"""The smallest value of each number; 0 where it is not named."""
_FRACTIONS = frozenset({"seconds", "rate", "step", "after_seconds", "until_seconds", "p"})

PICTURED = {letter: f"Event: {letter}\r\n\r\n".encode() for letter in "ABCD"} | {
    "hello": b"Asterisk Call Manager/11.0.0\r\n",
    "ok": b"Response: Success\r\nActionID: 1\r\n\r\n",
    "start": b"Response: Success\r\nActionID: 1\r\nEventList: start\r\n\r\n",
    "item": b"Event: A\r\nActionID: 1\r\n\r\n",
    "end": b"Event: End\r\nActionID: 1\r\nEventList: Complete\r\nListItems: 1\r\n\r\n",
}
"""What stands in pictures of faults for which bytes."""

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
    """A picture of what a server sends, in the words of `PICTURED`: between two bars is one write, ⏎ is CR LF."""

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
        return _make(self, [*numbers, *words, *(f"{name}={_text(value)}" for name, value in options.items())])

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
        plain, pairs = _sorted(_words(default))
        selector, schedule = _selector(plain), _schedule(dict(pairs))
        kind = FaultKind(
            name, layer, argument, value, selector, schedule, transform, gathers, example, before, after
        )  # fmt: skip
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
        return _make(kind, words)
    except FaultError as error:
        raise FaultError(f"{text!r}: {error}") from None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise FaultError(f"{error} in {text!r}") from None


def _sorted(words: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The words without `=`, and the names and values of those with one."""
    plain, pairs = [], []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and key.replace("-", "_").isidentifier():
            pairs.append((key, value))
        else:
            plain.append(word)
    return plain, pairs


def _make(kind: FaultKind, words: list[str]) -> Fault:
    """The fault of that kind that is said so."""
    if words and kind.argument and _is_number(words[0]):
        words = [f"{kind.argument}={words[0]}", *words[1:]]
    plain, pairs = _sorted(words)
    headers = tuple((key, text) for key, text in pairs if key[0].isupper())
    said = _options(kind, [(key, text) for key, text in pairs if not key[0].isupper()])
    connection = int(_read("connection", said["connection"])) if "connection" in said else None
    selector = replace(_selector(plain) if plain else kind.selector, headers=headers, connection=connection)
    schedule = _schedule({key: text for key, text in said.items() if key in _SCHEDULE})
    if never := why_never(selector, schedule):
        raise FaultError(f"it could never hit: {never}")
    value = kind.default
    if kind.argument in said:
        text = said[kind.argument]
        value = text if isinstance(value, str) else _read(kind.argument, text)
    return Fault(kind, value, selector, kind.schedule if schedule == Schedule() else schedule)


def _options(kind: FaultKind, pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What is said by name, each once, and only what this kind of fault knows."""
    known = [*([kind.argument] if kind.argument else []), "connection", *_SCHEDULE]
    said: dict[str, str] = {}
    for key, text in pairs:
        if key not in known:
            raise FaultError(f"{_unknown(f'argument of {kind.name}', key, known)} (Headers begin with a capital.)")
        if key in said:
            raise FaultError(f"{key!r} is said twice")
        said[key] = text
    return said


def _selector(words: Sequence[str]) -> Selector:
    what, *names = words
    if what not in SELECTORS:
        raise FaultError(_unknown("selector", what, SELECTORS))
    if len(names) > (what in NAMED):
        many = f"one name may follow {what!r}" if what in NAMED else f"no name follows {what!r}"
        raise FaultError(f"{names[-1]!r} is too much: {many}")
    return Selector(what, "".join(names))


def _schedule(said: dict[str, str]) -> Schedule:
    values: dict[str, Any] = {key: _read(key, text) for key, text in said.items()}
    return Schedule(**values)


def _read(name: str, text: str) -> float:
    """The number that a text is; raises `FaultError` for one that this argument cannot be."""
    least, most, whole = _LEAST.get(name, 0), 1 if name == "p" else math.inf, name not in _FRACTIONS
    if _is_number(text) and least <= float(text) <= most and not (whole and float(text) % 1):
        return int(float(text)) if whole else float(text)
    limits = f"from 0 to {most}" if most == 1 else f"from {least} on" if least > -math.inf else "such as -1"
    raise FaultError(f"{name}={text} cannot be: {name} is a {'whole ' if whole else ''}number {limits}")


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
