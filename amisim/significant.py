"""Which headers of an action count when it is compared with recorded ones, by rules that a project chooses.

| rule | what it says |
|---|---|
| `ignore ACTION HEADER…` | these headers do not count |
| `only ACTION HEADER…` | no others count; without a header, the action's name alone does |
| `regex ACTION HEADER PATTERN` | values that a regular expression matches as a whole are the same, if its groups are |
| `rebind ACTION HEADER…` | the values are ids of the client's own: what follows is sent with them |

ACTION and HEADER are names, whatever the case, with the wildcards `*`, `?` and `[…]`. The name of a channel variable
stands for its value in a header such as `Variable: NAME=VALUE`. A header counts if no `ignore` names it and, where
`only` is said of its action, one of these does; of several `regex` the first holds that matches.
"""

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ami.secrets import without_secrets
from amisim.action import ClientAction

__all__ = ["AS_WRITTEN", "Rules", "Significant"]

_FORMS = {
    "ignore": "ignore ACTION HEADER…, such as 'ignore * Timeout'",
    "only": "only ACTION HEADER…, such as 'only Getvar Variable Channel'",
    "regex": "regex ACTION HEADER PATTERN, such as 'regex Originate Channel Local/.*'",
    "rebind": "rebind ACTION HEADER…, such as 'rebind UserEvent OrderId'",
}
_LEAST = {"ignore": 2, "only": 1, "regex": 3, "rebind": 2}
_OF_A_LOGIN = frozenset({"secret", "key", "authtype"})
_CHOSEN_BY_CLIENTS = "rebind * ChannelId OtherChannelId"
_NAME = re.compile(r"[^\s:]+")


class Significant(NamedTuple):
    """A header that counts."""

    key: str
    """Its name, in lower case."""

    value: str
    form: str
    """What is compared: the value, as far as it counts."""

    own: str = ""
    """Of an id that the client has made up, the end of the value that is one; else empty."""


class _Rule(NamedTuple):
    kind: str
    actions: re.Pattern[str]
    headers: tuple[re.Pattern[str], ...]
    pattern: re.Pattern[str] | None = None

    def names(self, header: str, variable: str) -> bool:
        """Whether it is for a header, or for the channel variable that one sets."""
        return any(each.fullmatch(header) or (variable and each.fullmatch(variable)) for each in self.headers)


class Rules:
    """Rules of matching. Raises `ValueError`, which says what would be right."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        texts = texts if isinstance(texts, str) else list(texts)
        if isinstance(texts, str):
            raise ValueError(f"rules of matching are a list, such as [{texts!r}], and not one text")
        for text in texts:
            if not isinstance(text, str):
                raise ValueError(f"{text!r} is no rule of matching: it is a text, such as 'ignore * Timeout'")
        self._rules = [_parse(text) for text in (*texts, _CHOSEN_BY_CLIENTS)]

    def significant(self, action: ClientAction) -> list[Significant]:
        """The headers of an action that count, in its order. Secrets are hidden; what proves a login does not."""
        name = action.name.lower()
        left_out = _OF_A_LOGIN if name == "login" else frozenset()
        headers = without_secrets([("Action", action.name), *action.headers])[1:]
        rules = [rule for rule in self._rules if rule.actions.fullmatch(name)]
        found = (_significant(key.lower(), value, rules) for key, value in headers if key.lower() not in left_out)
        return [each for each in found if each is not None]


def _significant(key: str, value: str, rules: list[_Rule]) -> Significant | None:
    """A header, as far as it counts."""
    variable, prefix, tail = "", "", value
    if key == "variable" and "=" in value:
        name, _, tail = value.partition("=")
        variable, prefix = name.strip().lstrip("_").lower(), f"{name}="
    limits = [rule for rule in rules if rule.kind == "only"]
    named = [rule for rule in rules if rule.names(key, variable)]
    if any(rule.kind == "ignore" for rule in named) or (limits and not any(rule in limits for rule in named)):
        return None
    for rule in named:
        whole = any(each.fullmatch(key) for each in rule.headers)
        text = value if whole else tail
        if rule.kind == "rebind":
            return Significant(key, value, value, text)
        if rule.pattern is not None and (match := rule.pattern.fullmatch(text)):
            return Significant(key, value, f"{'' if whole else prefix}{rule.pattern.pattern}{match.groups()}")
    return Significant(key, value, value)


def _parse(text: str) -> _Rule:
    kind, *words = text.split() or [""]
    if kind not in _FORMS:
        near = difflib.get_close_matches(kind, _FORMS, 1)
        right = f"did you mean {near[0]}?" if near else f"one begins with {', '.join(_FORMS)}"
        raise ValueError(f"{text!r} is no rule of matching; {right}")
    if len(words) < _LEAST[kind]:
        raise ValueError(f"{text!r} lacks a word: it is {_FORMS[kind]}")
    pattern = None
    if kind == "regex":
        *words, written = text.split(None, 3)[1:]
        try:
            pattern = re.compile(written, re.DOTALL)
        except re.error as error:
            raise ValueError(f"{text!r}: {written!r} is no regular expression: {error}") from None
    for word in words:
        _check_name(text, word)
    actions, *headers = map(_like, words)
    return _Rule(kind, actions, tuple(headers), pattern)


def _check_name(text: str, word: str) -> None:
    if not _NAME.fullmatch(word):
        right = next(_words(word), "Timeout")
        raise ValueError(f"{text!r}: {word!r} is no name of an action or a header; did you mean {right}?")
    if word.lower() in ("action", "actionid"):
        raise ValueError(f"{text!r}: no rule is for {word}: an action's name always counts, and its ActionID never")


def _words(word: str) -> Iterator[str]:
    return (match[0] for match in _NAME.finditer(word))


def _like(name: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(name.lower()))


AS_WRITTEN = Rules()
"""No rules but those that hold without any."""
