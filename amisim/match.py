"""Whether an action that arrived is one that was expected, and, if not, how far from it."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ami.secrets import hidden
from ami.wire import decode, encode
from amisim.action import ClientAction
from amisim.bound import Bound
from amisim.significant import AS_WRITTEN, Rules, Significant

__all__ = ["Compared", "Comparison", "compare", "cut", "differences", "nearness"]

_ACTION_ID = re.compile(r"^ActionID:[^\n]*\n", re.MULTILINE | re.IGNORECASE)
_SHOWN = 100
"""How many characters of a value are shown."""


class Compared:
    """An action, and what of it counts by the rules.

    Case of names, order, ActionIDs, secrets, and how a login proves itself do not. Of a frame without an action all
    bytes do, but for those of its ActionID.
    """

    def __init__(self, action: ClientAction, rules: Rules = AS_WRITTEN) -> None:
        self.action = action
        self.name = action.name.lower()
        frame = _ACTION_ID.sub("", decode(action.frame))
        self.headers = rules.significant(action) if action.name else [Significant("", hidden(encode(frame)), frame)]
        self.forms = Counter((each.key, each.form) for each in self.headers)
        self.keys = sorted(each.key for each in self.headers)

    def values(self, key: str) -> list[str]:
        """Those of the headers of one name that count."""
        return [each.value for each in self.headers if each.key == key]


class Comparison(NamedTuple):
    """What came of comparing two actions."""

    differing: tuple[str, ...] = ()
    """The names, in lower case, of the headers that differ; empty for the same action."""

    chosen: tuple[tuple[str, str], ...] = ()
    """The ids in which the same action differs: the recorded one, and the client's."""


def compare(expected: Compared, arrived: Compared, bound: Bound) -> Comparison:
    """Compare the headers of two actions of the same name, of which one was recorded.

    Ids that the client makes up are the same where they stand for one another, as `bound` says, or for nothing yet.
    """
    if expected.forms == arrived.forms:
        return Comparison()
    there, here = expected.forms - arrived.forms, arrived.forms - expected.forms
    left = list(_those(arrived, here))
    differing, chosen = [], {}
    for one in _those(expected, there):
        for other in left:
            pair = _pair(one, other, expected, arrived, bound)
            if pair is not None:
                left.remove(other)
                chosen.update(pair)
                break
        else:
            differing.append(one.key)
    differing += [each.key for each in left]
    return Comparison(tuple(dict.fromkeys(differing)), tuple(chosen.items()))


def _those(action: Compared, forms: Counter[tuple[str, str]]) -> Iterator[Significant]:
    """The headers that have certain forms, each as often as it is among them."""
    for each in action.headers:
        if forms[each.key, each.form]:
            forms[each.key, each.form] -= 1
            yield each


def _pair(
    one: Significant, other: Significant, expected: Compared, arrived: Compared, bound: Bound
) -> dict[str, str] | None:
    """The ids in which two headers differ that say the same; None if they do not."""
    if one.key != other.key:
        return None
    if bound.rename(one.value) == other.value:
        return {}
    mine, own = one.own, other.own
    if mine and own and one.value[: -len(mine)] == other.value[: -len(own)] and not bound.knows(mine, own):
        return {mine: own}
    there, here = expected.action.action_id, arrived.action.action_id
    if there and here and there in one.value:
        by_action = Bound()
        by_action.add({there: here})
        if by_action.rename(one.value) == other.value:
            return {there: here}
    return None


def differences(expected: Compared, arrived: Compared, bound: Bound) -> list[str]:
    """What tells an action that arrived from a recorded one, header by header, in words."""
    if expected.name != arrived.name:
        return [f"it is {expected.action.name or 'no action'}"]
    return [_difference(key, expected, arrived, bound) for key in compare(expected, arrived, bound).differing]


def _difference(key: str, expected: Compared, arrived: Compared, bound: Bound) -> str:
    there, here = expected.values(key), arrived.values(key)
    names = (name for each in (expected, arrived) for name, _ in each.action.headers if name.lower() == key)
    text = f"{next(names, 'the frame')} is {_shown(there)} there, {_shown(here)} here"
    known = {bound.rename(value): value for value in there} | {value: bound.recorded(value) for value in here}
    told = [f"{value!r} stands for {recorded!r}" for value, recorded in known.items() if recorded not in ("", value)]
    return ", and ".join([text, *told])


def nearness(expected: Compared, arrived: Compared) -> float:
    """How like the expected action the other is, from 0 to 1."""
    there, here = expected.forms, arrived.forms
    headers = (there & here).total() / max(1, (there | here).total())
    keys = {key for key, _ in there} & {key for key, _ in here}
    return 0.7 * (expected.name == arrived.name) + 0.25 * headers + 0.05 * bool(keys)


def _shown(values: list[str]) -> str:
    return " and ".join(repr(cut(value)) for value in values) or "missing"


def cut(value: str) -> str:
    """The beginning of a long value."""
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
