"""Which events an event stream is for, and those that wait in it. Free of threads: its owner locks."""

import re
from collections.abc import Callable
from typing import Any

from ami.backlog import Backlog, Overflow
from ami.catalogue import Aggregate, Event, event_name
from ami.errors import Error
from ami.outcomes import Gap, Output

__all__ = ["Subscription"]


class Subscription:
    """Events by name or class, by headers (`*` and `?` are wildcards), and by a condition of the program's own.

    The condition, `where`, is for who takes the events out to ask (`accepts`): who puts them in must not wait for it.
    """

    def __init__(
        self,
        events: tuple[str | type[Event] | type[Aggregate], ...],
        headers: dict[str, Any],
        where: Callable[[Any], object] | None,
        limit: int,
        overflow: Overflow = "drop-oldest",
    ) -> None:
        names = frozenset(each if isinstance(each, str) else event_name(each) for each in events)
        self.names = None if "" in names or not names else names
        """The names that are wanted; None for all."""
        self._patterns = [(name, _pattern(str(value))) for name, value in headers.items()]
        self._where = where
        self._backlog = Backlog(limit, overflow)
        self.error: Error | None = None
        self.ended = False

    @property
    def depth(self) -> int:
        """How many events wait."""
        return len(self._backlog)

    @property
    def lost(self) -> int:
        """How many events were dropped because the queue was full."""
        return self._backlog.lost

    def put(self, outputs: list[Output]) -> bool:
        """Take in those of the outputs that it is for; return whether there were any."""
        wanted = [output for output in outputs if self._is_for(output)]
        if wanted and not self.ended:
            self._backlog.put(wanted)
        return bool(wanted)

    def end(self, error: Error | None) -> None:
        """No more events come; after those that wait, the stream ends, or raises the error."""
        if not self.ended:
            self.ended, self.error = True, error

    def pop(self) -> Any:
        """The next event, or None. Raises what ended the stream, once nothing waits."""
        event = self._backlog.pop()
        if event is None and self.error is not None:
            raise self.error.again()
        return event

    def accepts(self, event: Any) -> bool:
        """Whether an event that was taken out meets the condition."""
        return self._where is None or isinstance(event, Gap) or bool(self._where(event))

    def _is_for(self, output: Output) -> bool:
        if not isinstance(output, (Event, Aggregate)):
            return False
        if isinstance(output, Gap):
            return True
        if self.names is not None and output.name not in self.names:
            return False
        return not self._patterns or (
            isinstance(output, Event)
            and all(
                (text := output.get(name)) is not None and pattern.fullmatch(text) for name, pattern in self._patterns
            )
        )


def _pattern(text: str) -> re.Pattern[str]:
    """`*` stands for any text, `?` for any character, all else for itself (`[` too, which names of channels have)."""
    return re.compile(re.escape(text).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
