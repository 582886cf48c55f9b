"""Known differences between recordings, in a file.

- action: CoreStatus
  message: response
  header: CoreProcessedCalls
  reason: Asterisk 16 has none

Of an entry, `action`, `message` (such as `response` or `event QueueMember`) and `header` are patterns (`*` stands for
anything), each `*` unless it is given; `reason` says why it is so, and is never left out.
"""

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from amisim.differ import Difference
from amisim.recording import RecordingError
from amisim.tree import Mistake, Node, documents

__all__ = ["Allowed", "load_allowed", "without_allowed"]


class Allowed(NamedTuple):
    """Differences that may be."""

    reason: str
    action: str = "*"
    message: str = "*"
    header: str = "*"
    line: int = 0
    """Where it stands in its file."""

    def __str__(self) -> str:
        return f"{self.message} to {self.action}, header {self.header}: {self.reason}"

    def fits(self, difference: Difference) -> bool:
        """Whether this is one of them."""
        pairs = (difference.action, self.action), (difference.what, self.message), (difference.header, self.header)
        return all(fnmatchcase(text, pattern) for text, pattern in pairs)


def without_allowed(
    differences: Iterable[Difference], allowed: Iterable[Allowed]
) -> tuple[list[Difference], list[Allowed]]:
    """The differences that are not allowed, and what is allowed but does not differ any more."""
    stale = list(allowed)
    entries = tuple(stale)
    left = []
    for difference in differences:
        fitting = [each for each in entries if each.fits(difference)]
        stale = [each for each in stale if each not in fitting]
        left += [] if fitting else [difference]
    return left, stale


def load_allowed(path: str | Path) -> list[Allowed]:
    """Read a file of known differences. Raises `RecordingError`."""
    try:
        roots = list(documents(Path(path).read_bytes()))
        if len(roots) > 1:
            raise Mistake(roots[1].line, "a second document: a file of known differences is one list")
        return [_allowed(node) for root in roots for node in _items(root)]
    except OSError as error:
        raise RecordingError(path, 0, f"cannot be read: {error.strerror}") from None
    except Mistake as mistake:
        raise RecordingError(path, mistake.line, mistake.problem) from None


def _items(root: Node) -> list[Node]:
    if not isinstance(root.value, list):
        raise Mistake(root.line, "no list: each known difference begins with '- '")
    return root.value


def _allowed(node: Node) -> Allowed:
    if not isinstance(node.value, dict):
        raise Mistake(node.line, f"no keys: a known difference has {_KEYS}")
    given: dict[str, str] = {}
    for key, entry in node.value.items():
        if key not in Allowed._fields[:-1]:
            near = difflib.get_close_matches(key, Allowed._fields[:-1], 1)
            raise Mistake(
                entry.line, f"{key!r} is not known; " + (f"did you mean {near[0]!r}?" if near else f"there are {_KEYS}")
            )
        if not isinstance(entry.node.value, str):
            raise Mistake(entry.line, f"{key!r} is no text")
        given[key] = entry.node.value
    if not given.get("reason"):
        raise Mistake(node.line, "no 'reason', which says why this may differ")
    return Allowed(**given, line=node.line)


_KEYS = ", ".join(Allowed._fields[:-1])
