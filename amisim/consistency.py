"""Whether the records of a recording go together: each connection is opened, each cause was sent, times can be."""

from collections.abc import Iterable, Iterator

from amisim.recording import Record, RecordingError

__all__ = ["Consistency", "consistent"]

_SAME_TIME = 0.001
"""Seconds: what comes in one instant is counted in microseconds, in each direction by itself."""


class Consistency:
    """Whether records go with those before them, so that they can be replayed."""

    def __init__(self, path: object) -> None:
        self._path = path
        self._opened: set[int] = set()
        self._sent: dict[int, tuple[int, float]] = {}

    def check(self, record: Record) -> None:
        """Take the next record. Raises `RecordingError` if it does not go with those before it."""
        chunks = [at for _, at in record.chunks]
        if chunks != sorted(chunks) or (chunks and chunks[-1] > record.at):
            raise self._error(record.line, "a chunk that came later than the next, or than the end of its frame")
        if record.kind == "open":
            self._opened.add(record.connection)
        elif record.connection and record.connection not in self._opened:
            raise self._error(record.line, f"connection {record.connection} has no record 'open' before this one")
        cause = record.cause
        if cause is None:
            return
        if record.direction == ">":
            if cause in self._sent:
                raise self._error(record.line, f"{cause} is the number of another frame already")
            self._sent[cause] = record.connection, record.at
            return
        if self._sent.get(cause, (0, 0))[0] != record.connection:
            raise self._error(record.line, f"it follows from frame {cause}, which its connection has not sent before")
        self.check_time(record.at, cause, record.line)

    def check_time(self, at: float, cause: int, line: int) -> None:
        """Refuse what came before the frame that it follows from was sent."""
        sent = self._sent[cause][1]
        if at < sent - _SAME_TIME:
            raise self._error(line, f"it came before frame {cause} was sent, from which it follows, at {sent} s")

    def _error(self, line: int, problem: str) -> RecordingError:
        return RecordingError(self._path, line, problem)


def consistent(path: object, records: Iterable[Record]) -> Iterator[Record]:
    """The records, one by one, of a recording that can be replayed.

    Raises `RecordingError` at the first that does not go with those before it.
    """
    consistency = Consistency(path)
    for record in records:
        consistency.check(record)
        yield record
