"""Extended regular expressions of POSIX, which event filters are, looked for in time that grows with the text alone.

Facts (seen with `regcomp` of glibc, which Asterisk uses): `.` and `[^a]` match a line end too; `^` and `$` are the ends
of the whole text, wherever they stand; an operator that has nothing to repeat is a mistake, also after `^`; `a**` and
`a{2}{3}` are none; a `)` too many, and `}`, are ordinary; a choice may be empty; `\\` has no meaning within brackets.
Besides there are `\\w \\W \\s \\S \\b \\B \\< \\> \\``, and `\\'` of GNU.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Allowance", "Expression", "NotServed", "TakesTooLong", "expression"]

_MOST_NODES = 1100  # as many as the longest line that a client may send has characters, and some more
_MOST_GROUPS = 100
_MOST_TIMES = 32767
_MOST_REMEMBERED = 10_000

_TOKEN = re.compile(
    r"(?P<anchor>[\^$]|\\[bB<>`'])"
    r"|(?P<repeat>[*+?]|\{(?P<least>\d*)(?P<to>,(?P<most>\d*))?\})"
    r"|(?P<set>\.|\\[wWsS]|\[(?P<not>\^|(?!\^))"
    r"(?P<in>(?:\]|(?!\]))(?:\[(?P<kind>[:.=])(?:(?!(?P=kind)\]).)*(?P=kind)\]|\[(?![:.=])|[^][])*)\])"
    r"|(?P<group>[(|)])"
    r"|(?P<reference>\\[1-9])"
    r"|(?P<literal>\\?[^\\\[{]|\\[\\\[{])",
    re.DOTALL,
)
_ELEMENT = re.compile(r"\[([:.=])((?:(?!\1\]).)*)\1\]|(.)", re.DOTALL)

_CLASSES: dict[str, Callable[[str], bool]] = {
    "alnum": lambda character: character.isalpha() or character.isdecimal(),
    "alpha": str.isalpha,
    "blank": " \t".__contains__,
    "cntrl": lambda character: character < " " or "\x7f" <= character < "\xa0",
    "digit": "0123456789".__contains__,
    "graph": lambda character: character.isprintable() and not character.isspace(),
    "lower": str.islower,
    "print": str.isprintable,
    "punct": lambda character: character.isprintable() and not character.isalnum() and not character.isspace(),
    "space": lambda character: character in " \t\n\v\f\r" or (character > "\xa0" and character.isspace()),
    "upper": str.isupper,
    "xdigit": "0123456789abcdefABCDEF".__contains__,
}


class NotServed(ValueError):
    """What POSIX has and this has not: says what."""


class TakesTooLong(Exception):
    """An expression keeps so many ways to match open, all through so long a text, that others would have to wait."""


class Allowance:
    """How many steps may be made in looking for expressions; to go where one has been before costs none."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def take(self, steps: int) -> None:
        """Make some. Raises `TakesTooLong`."""
        self.left -= steps
        if self.left < 0:
            raise TakesTooLong


class _Set(NamedTuple):
    """A set of characters."""

    ranges: tuple[tuple[str, str], ...] = ()
    classes: tuple[Callable[[str], bool], ...] = ()
    inverted: bool = False

    def has(self, character: str) -> bool:
        if self.inverted and "\udc80" <= character <= "\udcff":
            return False  # a byte that is no UTF-8 is like itself alone
        inside = any(first <= character <= last for first, last in self.ranges)
        return (inside or any(is_in(character) for is_in in self.classes)) != self.inverted


class _Choice(NamedTuple):
    alternatives: "tuple[tuple[_Part, ...], ...]"


class _Repeated(NamedTuple):
    part: "_Part"
    least: int
    most: int | None


_Part = _Set | _Choice | _Repeated | str
"""A part of an expression; a string is an anchor."""


_WORD = _Set((("_", "_"),), (_CLASSES["alnum"],))
_SPACE = _Set((), (_CLASSES["space"],))
_SETS = {
    ".": _Set(inverted=True),
    "\\w": _WORD,
    "\\W": _WORD._replace(inverted=True),
    "\\s": _SPACE,
    "\\S": _SPACE._replace(inverted=True),
}
_START, _LINE, _WORDS, _ELSEWHERE = range(4)
"""Where one is: at the start of the text, of a line, after a character of a word."""

_ANCHORS: dict[str, Callable[[int, str], bool]] = {
    "^": lambda before, after: before <= _LINE,
    "\\`": lambda before, after: before == _START,
    "$": lambda before, after: after in ("", "\n"),
    "\\'": lambda before, after: not after,
    "\\b": lambda before, after: (before == _WORDS) != _WORD.has(after),
    "\\B": lambda before, after: (before == _WORDS) == _WORD.has(after),
    "\\<": lambda before, after: before != _WORDS and _WORD.has(after),
    "\\>": lambda before, after: before == _WORDS and not _WORD.has(after),
}


def _kind(character: str) -> int:
    """Where one is after a character."""
    return _LINE if character == "\n" else _WORDS if _WORD.has(character) else _ELSEWHERE


# Reading


def _parse(pattern: str) -> _Choice:
    """The parts of an expression. Raises `ValueError` with what is wrong with it."""
    groups: list[list[list[_Part]]] = [[[]]]  # of each that is open the alternatives so far
    closed = 0
    repeatable = False
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            raise ValueError(f"{pattern[position:]!r} cannot be read")
        parts = groups[-1][-1]
        text, kind = token[0], token.lastgroup
        if kind == "repeat":
            if not repeatable:
                raise ValueError(f"{text} has nothing to repeat")
            parts.append(_repeated(parts.pop(), token))
        elif text == "(":
            if len(groups) > _MOST_GROUPS:
                raise NotServed(f"more than {_MOST_GROUPS} groups within each other")
            groups.append([[]])
        elif text == "|":
            groups[-1].append([])
        elif text == ")" and len(groups) > 1:
            alternatives = groups.pop()
            groups[-1][-1].append(_Choice(tuple(map(tuple, alternatives))))
            closed += 1
        elif kind == "reference":
            if int(text[1]) > closed:
                raise ValueError(f"{text} refers to no group")
            raise NotServed("references to what a group matched")
        else:
            parts.append(text if kind == "anchor" else _set(token))
        repeatable = kind != "anchor" and text not in ("(", "|")
        position = token.end()
    if len(groups) > 1:
        raise ValueError("a ( has no )")
    return _Choice(tuple(map(tuple, groups[0])))


def _repeated(part: _Part, token: re.Match[str]) -> _Repeated:
    if token[0] in ("*", "+", "?"):
        return _Repeated(part, int(token[0] == "+"), 1 if token[0] == "?" else None)
    if not token["least"] and not token["to"]:
        raise ValueError("{} does not say how often")
    least = int(token["least"] or 0)
    most = least if not token["to"] else int(token["most"]) if token["most"] else None
    if max(least, most or 0) > _MOST_TIMES or (most is not None and most < least):
        raise ValueError(f"{token[0]} is no number of times up to {_MOST_TIMES}")
    return _Repeated(part, least, most)


def _set(token: re.Match[str]) -> _Set:
    if token["set"] is None:
        literal = token[0][-1]
        return _Set(((literal, literal),))
    if token["in"] is None:
        return _SETS[token[0]]
    ranges: list[tuple[str, str]] = []
    classes: list[Callable[[str], bool]] = []
    elements = [(kind, name or character) for kind, name, character in _ELEMENT.findall(token["in"])]
    at = 0
    while at < len(elements):
        kind, name = elements[at]
        rest = elements[at + 1 :]
        if (kind, name) == ("", "-") and at and rest:
            raise ValueError("a - stands neither first nor last, and between no two characters")
        last = name
        if len(rest) > 1 and rest[0] == ("", "-"):
            if {kind, rest[1][0]} & {":", "="}:
                raise ValueError("a range is between two characters")
            last = rest[1][1]
            at += 2
        if kind == ":":
            if name not in _CLASSES:
                raise ValueError(f"there is no class {name!r}")
            classes.append(_CLASSES[name])
        elif len(name) != 1 or len(last) != 1 or name > last:
            raise ValueError(f"{name}-{last} is no range")
        else:
            ranges.append((name, last))
        at += 1
    return _Set(tuple(ranges), tuple(classes), bool(token["not"]))


# Looking


class _Node(NamedTuple):
    """A place in an expression: what has to hold there, and where to go on."""

    test: _Set | str | None
    then: tuple[int, ...]


_FOUND = 0
"""The number of the node where all has been found."""


class _Program:
    """The nodes of an expression, the last first."""

    def __init__(self, whole: _Choice) -> None:
        self.nodes = [_Node(None, ())]
        self._steps = 0
        self.start = self._add(whole, _FOUND)

    def _add(self, part: _Part, then: int) -> int:
        """Add what stands for a part that something follows; returns where it begins."""
        self._steps += 1
        if self._steps > _MOST_NODES:
            raise NotServed(f"more than {_MOST_NODES} parts, repeated ones counted as often as they are")
        if isinstance(part, _Choice):
            return self._node(None, *(self._add_all(parts, then) for parts in part.alternatives))
        if isinstance(part, _Repeated):
            return self._add_repeated(part, then)
        return self._node(part, then)

    def _add_all(self, parts: Sequence[_Part], then: int) -> int:
        for part in reversed(parts):
            then = self._add(part, then)
        return then

    def _add_repeated(self, repeated: _Repeated, then: int) -> int:
        end = then
        if repeated.most is None:
            then = self._node(None)
            self.nodes[then] = _Node(None, (self._add(repeated.part, then), end))
        else:
            for _ in range(repeated.most - repeated.least):
                then = self._node(None, self._add(repeated.part, then), end)
        for _ in range(repeated.least):
            then = self._add(repeated.part, then)
        return then

    def _node(self, test: _Set | str | None, *then: int) -> int:
        self.nodes.append(_Node(test, then))
        return len(self.nodes) - 1


class _State(dict[str, "_State"]):
    """Where one may be in an expression; by the next character, where one is after it, as far as it was asked for."""

    def __init__(self, expression: "Expression", nodes: frozenset[int], before: int) -> None:
        self._expression = expression
        self.nodes = nodes
        self.before = before

    def __repr__(self) -> str:
        return f"<state {sorted(self.nodes)}>"  # and not all states that can be reached from it

    def __missing__(self, character: str) -> "_State":
        return self._expression.remember(self, character)


class Expression:
    """An expression to look for. Made by `expression`.

    It goes through the text once, with all places in the expression where one may be by then, instead of trying one
    after the other. The sets of places are remembered, up to a limit.
    """

    def __init__(self, pattern: str) -> None:
        program = _Program(_parse(pattern))
        self._nodes = program.nodes
        self._start = program.start
        self._states: dict[tuple[frozenset[int], int], _State] = {}
        self._remembered = 0
        self._allowance = Allowance(0)
        self._found = _State(self, frozenset(), _START)

    @property
    def size(self) -> int:
        """How many parts it has, those that are repeated counted as often as they are."""
        return len(self._nodes)

    def search(self, text: str, allowance: Allowance) -> bool:
        """Whether it is anywhere in a text. Raises `TakesTooLong`."""
        self._allowance = allowance
        state = self._state(frozenset(), _START)
        found = self._found
        for character in text:
            state = state[character]
            if state is found:
                return True
        return state[""] is found

    def remember(self, state: _State, character: str) -> _State:
        """The state that follows one after a character; after the end of the text, which is "", `found` or any."""
        if self._remembered > _MOST_REMEMBERED:
            for each in self._states.values():
                each.clear()
            self._states.clear()
            self._remembered = 0
        self._remembered += 1
        state[character] = after = self._after(state, character)
        return after

    def _after(self, state: _State, character: str) -> _State:
        reached = self._reached(state, character)
        ending = self._reached(state, character, within_line=True) if character == "\n" else reached
        self._allowance.take(len(reached))
        if _FOUND in ending:
            return self._found
        after: set[int] = set()
        fits: dict[int, bool] = {}  # whether the character is in a set; many nodes may have the same one
        for number in reached:
            test, then = self._nodes[number]
            if isinstance(test, _Set) and character:
                if id(test) not in fits:
                    fits[id(test)] = test.has(character)
                if fits[id(test)]:
                    after.update(then)
        return self._state(frozenset(after), _kind(character))

    def _reached(self, state: _State, character: str, *, within_line: bool = False) -> set[int]:
        """The nodes where one may be before a character; with `within_line` if that is no end of a line."""
        at_start = {self._start}
        self._spread(at_start, _ELSEWHERE if state.before == _LINE else state.before, character, within_line)
        reached = set(state.nodes)
        self._spread(reached, state.before, character, within_line)
        return reached | at_start

    def _spread(self, reached: set[int], before: int, character: str, within_line: bool) -> None:
        """Add the nodes that some nodes lead to without a character."""
        todo = list(reached)
        for number in todo:  # which grows
            test, then = self._nodes[number]
            if isinstance(test, _Set):
                continue
            if test is None or (_ANCHORS[test](before, character) and not (within_line and test == "$")):
                new = [each for each in then if each not in reached]
                todo += new
                reached.update(new)

    def _state(self, nodes: frozenset[int], before: int) -> _State:
        state = self._states.get((nodes, before))
        if state is None:
            self._remembered += 1 + len(nodes)
            state = self._states[nodes, before] = _State(self, nodes, before)
        return state


@lru_cache(64)  # many clients have the same filters
def expression(pattern: str) -> Expression:
    """Read an expression. Raises `ValueError` for one that is none, `NotServed` for one that is not served."""
    return Expression(pattern)
