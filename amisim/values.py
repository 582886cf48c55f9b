"""What `${…}` in a step stands for: a counter, a captured value, a variable, or a header of the action."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from amisim.action import ClientAction

__all__ = ["Values", "header", "is_name", "misplaced"]

_NAME = r"[\w.-]+"
_PLACE = re.compile(rf"\$\$\{{|\$\{{({_NAME})\}}")


class Values(NamedTuple):
    """Where the values come from: what was captured before the variables, and those before the action's headers."""

    variables: dict[str, str]
    """The variables of the script, as they are at that moment."""

    captured: Mapping[str, str] = {}
    """Counters (`n`), and what named groups of a rule's conditions have matched."""

    action: ClientAction | None = None
    """The action that is answered, for its headers."""

    def fill(self, text: str) -> str:
        """The text with a value for each `${name}`, and `${` for each `$${`.

        A name is one of letters, digits, `_`, `.` and `-`. What has no value is empty, as Asterisk has it.
        """
        return _PLACE.sub(lambda place: self._get(place[1]) if place[1] else "${", text) if "${" in text else text

    def _get(self, name: str) -> str:
        for source in (self.captured, self.variables):
            if name in source:
                return source[name]
        return header(self.action, name) if self.action is not None else ""


def header(action: ClientAction, name: str) -> str:
    """The value of a header, `Action` and `ActionID` included, whatever the case; empty where there is none."""
    own = {"action": action.name, "actionid": action.action_id}
    return own[name.lower()] if name.lower() in own else action.get(name)


def is_name(text: str) -> bool:
    """Whether a text can stand in the braces of `${…}`."""
    return re.fullmatch(_NAME, text) is not None


def misplaced(text: str) -> bool:
    """Whether there is a `${` in a text that begins no name in braces."""
    return "${" in _PLACE.sub("", text)
