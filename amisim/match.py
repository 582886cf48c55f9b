"""Whether an action that arrived is one that was expected, and, if not, how far from it."""

import re
from collections import Counter
from collections.abc import Iterable

from ami.secrets import without_secrets
from amisim.action import ClientAction

__all__ = ["differences", "matches", "nearness"]

_ACTION_ID = re.compile(rb"^ActionID:[^\n]*\n", re.MULTILINE | re.IGNORECASE)
_OF_A_LOGIN = frozenset({"secret", "key", "authtype"})


def matches(expected: ClientAction, arrived: ClientAction) -> bool:
    """Whether they say the same: the same action with the same headers.

    Case of names, order, ActionIDs, secrets, and how a login proves itself do not count. Frames without an action
    must be the same bytes otherwise.
    """
    if not expected.name:
        return _ACTION_ID.sub(b"", expected.frame) == _ACTION_ID.sub(b"", arrived.frame)
    return expected.name.lower() == arrived.name.lower() and _significant(expected) == _significant(arrived)


def differences(expected: ClientAction, arrived: ClientAction) -> list[str]:
    """What tells an action that arrived from the expected one, header by header, in words."""
    if expected.name.lower() != arrived.name.lower():
        return [f"it is {expected.name or 'no action'}"]
    there, here = _significant(expected), _significant(arrived)
    found = []
    for key in dict.fromkeys(key for key, _ in (*there, *here)):
        wanted = [value for (name, value), count in there.items() for _ in range(count) if name == key]
        given = [value for (name, value), count in here.items() for _ in range(count) if name == key]
        if sorted(wanted) != sorted(given):
            found.append(f"{_spelling(key, (expected, arrived))} is {_shown(wanted)} there, {_shown(given)} here")
    return found


def nearness(expected: ClientAction, arrived: ClientAction) -> float:
    """How like the expected action the other is, from 0 to 1."""
    there, here = _significant(expected), _significant(arrived)
    headers = (there & here).total() / max(1, (there | here).total())
    keys = {key for key, _ in there} & {key for key, _ in here}
    same_name = bool(expected.name) and expected.name.lower() == arrived.name.lower()
    return 0.7 * same_name + 0.25 * headers + 0.05 * bool(keys)


def _significant(action: ClientAction) -> Counter[tuple[str, str]]:
    left_out = _OF_A_LOGIN if action.name.lower() == "login" else frozenset()
    headers = without_secrets([("Action", action.name), *action.headers])[1:]
    return Counter((key.lower(), value) for key, value in headers if key.lower() not in left_out)


def _spelling(key: str, actions: Iterable[ClientAction]) -> str:
    return next(name for action in actions for name, _ in action.headers if name.lower() == key)


def _shown(values: list[str]) -> str:
    return " and ".join(map(repr, values)) or "missing"
