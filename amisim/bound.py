"""Ids that a client has made up, in place of those that were made up when it was recorded."""

import re
from collections.abc import Mapping

from ami.wire import decode, encode

__all__ = ["Bound"]

_TOO_SHORT = re.compile(r"\d{1,5}")
"""Such numbers stand for much else: priorities, extensions, counts."""


class Bound:
    """Which id of a client stands for which recorded one; the same for all that it is told.

    An id is replaced where it stands as a word, or as several. Numbers of up to five digits are not.
    """

    def __init__(self) -> None:
        self._here: dict[str, str] = {}
        self.pattern: re.Pattern[str] | None = None
        """What is replaced; None for nothing."""

    def add(self, chosen: Mapping[str, str]) -> None:
        """Let ids stand for recorded ones, whatever stood for these."""
        self._change(self._here | {there: here for there, here in chosen.items() if not _TOO_SHORT.fullmatch(there)})

    def without(self, chosen: Mapping[str, str]) -> "Bound":
        """The others alone."""
        others = Bound()
        others._change({there: here for there, here in self._here.items() if there not in chosen})
        return others

    def remove(self, chosen: Mapping[str, str]) -> None:
        """Let recorded ids stand for themselves again."""
        self._change(self.without(chosen)._here)

    def knows(self, there: str, here: str) -> bool:
        """Whether a recorded id, or one of the client, stands for another already."""
        return there in self._here or self.recorded(here) != ""

    def recorded(self, here: str) -> str:
        """The recorded id that one of the client stands for; empty if there is none."""
        return next((there for there, other in self._here.items() if other == here), "")

    def rename(self, text: str) -> str:
        """A recorded text, with the client's ids."""
        return text if self.pattern is None else self.pattern.sub(lambda match: self._here[match[0]], text)

    def rename_frame(self, frame: bytes) -> bytes:
        """A recorded message, with the client's ids."""
        return encode(self.rename(decode(frame)))

    def _change(self, here: dict[str, str]) -> None:
        self._here = here
        longest_first = sorted(here, key=len, reverse=True)
        words = "|".join(map(re.escape, longest_first))
        self.pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None
