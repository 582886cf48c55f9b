"""Whether the records of a recording go together: each connection is opened, each cause was sent, times can be."""

from collections.abc import Iterable, Iterator

from amisim.recording import Record, RecordingError

__all__ = ["consistent"]

_SAME_TIME = 0.001
"""Seconds: what comes in one instant is counted in microseconds, in each direction by itself."""


def consistent(path: object, records: Iterable[Record]) -> Iterator[Record]:
    """The records, one by one, of a recording that can be replayed.

    Raises `RecordingError` at the first that does not go with those before it.
    """
    opened: set[int] = set()
    sent: dict[int, int] = {}
    times: dict[int, float] = {}
    for record in records:
        _check_times(path, record, times)
        if record.kind == "open":
            opened.add(record.connection)
        elif record.connection and record.connection not in opened:
            problem = f"connection {record.connection} has no record 'open' before this one"
            raise RecordingError(path, record.line, problem)
        if record.direction == ">" and record.cause is not None:
            if record.cause in sent:
                raise RecordingError(path, record.line, f"{record.cause} is the number of another frame already")
            sent[record.cause] = record.connection
        elif record.cause is not None and sent.get(record.cause) != record.connection:
            problem = f"it follows from frame {record.cause}, which its connection has not sent before"
            raise RecordingError(path, record.line, problem)
        yield record


def _check_times(path: object, record: Record, times: dict[int, float]) -> None:
    """Refuse times that cannot be; `times` are those of what clients have sent, by number."""
    chunks = [at for _, at in record.chunks]
    if chunks != sorted(chunks) or (chunks and chunks[-1] > record.at):
        raise RecordingError(path, record.line, "a chunk that came later than the next, or than the end of its frame")
    if record.cause is None:
        return
    if record.direction == ">":
        times[record.cause] = record.at
    elif record.at < times.get(record.cause, 0) - _SAME_TIME:
        problem = f"it came before frame {record.cause} was sent, from which it follows, at {times[record.cause]} s"
        raise RecordingError(path, record.line, problem)
