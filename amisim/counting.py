"""What there is in a recording, in numbers."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from amisim.action import read_action
from amisim.recording import Record

__all__ = ["Statistics", "statistics"]


@dataclass
class Statistics:
    """Numbers of a recording. As text, a table."""

    connections: int = 0
    frames: int = 0

    duration: float = 0.0
    """Seconds from the start to the last record."""

    sent: int = 0
    """Bytes to the server."""

    received: int = 0
    """Bytes from the server."""

    actions: Counter[str] = field(default_factory=Counter)
    """How many there are of each name, as the clients wrote it; what has no Action counts as the empty name."""

    events: Counter[str] = field(default_factory=Counter)
    """How many there are of each name."""

    responses: int = 0

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.connections} connections, {self.duration:.3f} s, {self.frames} frames"
        yield f"{self.sent:,} bytes to the server, {self.received:,} bytes from it"
        yield f"{self.responses} responses"
        for what, counts in (("actions", self.actions), ("events", self.events)):
            yield f"{counts.total()} {what}"
            for name, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
                yield f"{count:8}  {name or '(none)'}"


def statistics(records: Iterable[Record]) -> Statistics:
    """Count what is in records, one by one."""
    found = Statistics()
    for record in records:
        found.duration = max(found.duration, record.at)
        found.connections += record.kind == "open"
        if record.kind != "data":
            continue
        found.frames += 1
        if record.direction == ">":
            found.sent += len(record.data)
            found.actions[read_action(record.data).name] += record.cause is not None
        else:
            found.received += len(record.data)
            found.responses += record.data.startswith(b"Response:")
            if record.data.startswith(b"Event:"):
                found.events[record.data[6:].partition(b"\r")[0].decode(errors="replace").strip()] += 1
    return found
