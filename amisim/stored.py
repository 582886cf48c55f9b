"""The records of a long recording, which stay in their file until they are played.

What is kept of nearly all of them is where they stand, when they came, and what they follow from. Only what is written
in another way than messages usually are is kept whole.
"""

import logging
import re
import weakref
from array import array
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from amisim.causes import is_unasked
from amisim.consistency import Consistency
from amisim.recording import Direction, Kind, Record, RecordingError, RecordingReader

__all__ = ["LoadedRecords", "StoredRecords"]

_logger = logging.getLogger("amisim.server")

_AT_ONCE = 200
"""How many records are found at once: that takes about a millisecond."""

_WINDOW = 65_536
"""How many bytes of the file are in memory at a time."""

_MESSAGE = re.compile(
    rb"(\d{1,12}(?:\.\d+)?) (c[1-9]\d* <(?: [1-9]\d*)?): \|\n"
    rb"  (?![\s#])((?:Event: )?)[\t\x20-\x7e]++(?<!:)(?:\n  (?![\s#])[\t\x20-\x7e]++(?<!:))*+\n"
)
"""A message of a server as it is written, in ASCII and in one chunk."""


class Head(NamedTuple):
    """What many records have in common; see `Record`."""

    connection: int
    direction: Direction
    kind: Kind
    cause: int | None


class LoadedRecords(list[Record]):
    """The records of a recording in memory, in order of time; what is known of each is as in `StoredRecords`."""

    problem: RecordingError | None = None

    def __init__(self, records: Iterable[Record]) -> None:
        super().__init__(sorted(records, key=lambda record: record.at))
        self.heads: Sequence[Head | Record] = self
        self.times = [each.at for each in self]
        self.chunked = {place for place, each in enumerate(self) if each.chunks}

    @cached_property
    def unasked(self) -> list[bool]:
        """Of each whether it is an event without an ActionID."""
        return [is_unasked(each.data) for each in self]

    def find_more(self) -> bool:
        """There are no more."""
        return False


class StoredRecords:
    """The records of a file, each read when it is looked at; in order of time when all are found.

    What comes after a mistake is not found. When the file changes, whatever is looked at is an end of its connection.
    Raises `RecordingError` for a file that is no recording.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.heads: list[Head] = []
        """What is known of each without a look at its data."""
        self.times = array("d")
        """When each came."""
        self.unasked = array("B")
        """Of each whether it is an event without an ActionID."""
        self.chunked: set[int] = set()
        """The places of those that came in several chunks."""
        self.problem: RecordingError | None = None
        """Why there are no more: the file has a mistake, or has changed."""
        self._file = Path(path).absolute()
        self._version = _version(self._file) if self._file.exists() else None  # before a byte of it is read
        self._reader = RecordingReader(path)
        weakref.finalize(self, self._reader.close)
        self._texts = self._reader.texts()
        self._consistency = Consistency(path)
        self._known: dict[bytes, Head] = {}
        self._whole: dict[int, Record] = {}
        self._lines, self._starts, self._ends = array("Q"), array("Q"), array("Q")
        self._is_lost = False
        self._window, self._window_at = b"", 0
        self._last = -1, Record(0.0, 0, "", "note")

    def __len__(self) -> int:
        return len(self.heads)

    def __getitem__(self, place: int) -> Record:
        if place != self._last[0]:
            self._last = place, self._whole.get(place) or self._read(place)
        return self._last[1]

    @property
    def truncated(self) -> int:
        """The line of a last record that was cut short; 0 if there is none, or it has not been reached."""
        return self._reader.truncated

    def find_more(self) -> bool:
        """Find some of the records that come next; return whether there may be others after them."""
        found = False
        try:
            for line, start, text in islice(self._texts, _AT_ONCE):
                self._find(line, start, text)
                found = True
        except RecordingError as error:
            self.problem = error
        if self.problem is not None or not found:
            self._reader.close()
            self._sort()
            return False
        return True

    def _find(self, line: int, start: int, text: bytes) -> None:
        """Keep what is to be known of the records in a text, of which nearly always there is one."""
        end = start + len(text) - 1
        match = _MESSAGE.fullmatch(text) if start >= 0 else None
        if match is not None and (head := self._known.get(match[2])) is not None:
            if head.cause is not None:
                self._consistency.check_time(float(match[1]), head.cause, line)
            is_event = match[3] != b"" and b"actionid" not in text.lower()
            self._add(head, float(match[1]), line, start + match.start(3), end, is_event)
            return
        for record in self._reader.records_in(line, text):
            self._consistency.check(record)  # what follows from the same as one before, above, does not need it
            head = Head(record.connection, record.direction, record.kind, record.cause)
            key, _, message = text.partition(b": |\n  ")
            is_message = start >= 0 and record.kind == "data" and record.data == _data(message[:-1])
            if is_message and not record.chunks:
                head = self._known.setdefault(key.partition(b" ")[2], head)
                begin = end + 1 - len(message)
            else:
                begin = end = 0
                self._whole[len(self)] = record
            if record.chunks:
                self.chunked.add(len(self))
            self._add(head, record.at, record.line, begin, end, is_unasked(record.data))

    def _add(self, head: Head, at: float, line: int, start: int, end: int, is_unasked: bool) -> None:
        self.heads.append(head)
        self.times.append(at)
        self._lines.append(line)
        self._starts.append(start)
        self._ends.append(end)
        self.unasked.append(is_unasked)

    def _sort(self) -> None:
        if all(before <= after for before, after in pairwise(self.times)):
            return
        order = sorted(range(len(self)), key=self.times.__getitem__)
        self._last = -1, self._last[1]
        self.heads = [self.heads[each] for each in order]
        self._whole = {place: self._whole[each] for place, each in enumerate(order) if each in self._whole}
        self.chunked = {place for place, each in enumerate(order) if each in self.chunked}
        self.times = array("d", map(self.times.__getitem__, order))
        for column in (self._lines, self._starts, self._ends, self.unasked):
            column[:] = array(column.typecode, [column[each] for each in order])

    def _read(self, place: int) -> Record:
        start, end = self._starts[place], self._ends[place]
        if not self._window_at <= start <= end <= self._window_at + len(self._window):
            self._load(start, max(end - start, _WINDOW))
        at, (connection, direction, kind, cause), line = self.times[place], self.heads[place], self._lines[place]
        if self._is_lost:
            return Record(at, connection, direction, "error", b"", cause, (), line)
        data = _data(self._window[start - self._window_at : end - self._window_at])
        return Record(at, connection, direction, kind, data, cause, (), line)

    def _load(self, start: int, size: int) -> None:
        """Take a part of the file into memory, if it is still what it was."""
        try:
            with open(self._file, "rb", buffering=0) as file:
                file.seek(start)
                self._window, self._window_at = file.read(size), start
            problem = "has changed while it was served" if _version(self._file) != self._version else ""
        except OSError as error:
            problem = f"cannot be read any more: {error.strerror}"
        if problem and not self._is_lost:
            self._is_lost = True
            self.problem = RecordingError(self.path, 0, f"{problem}; it is served no further")
            _logger.error("%s", self.problem)


def _version(file: Path) -> tuple[int, int, int]:
    """What is another when a file has changed, or another one has taken its place."""
    status = file.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _data(text: bytes) -> bytes:
    """The message that a block is."""
    return text.replace(b"\n  ", b"\r\n") + b"\r\n\r\n"
