"""Recordings: AMI sessions as files that a person can read and edit, and that keep every byte and its time.

A recording is a stream of YAML documents. The first describes the session; each of the others holds one
record, and a line `---` ends it:

    format: amisim/1
    server: Asterisk 22.10.1
    ---
    0.002160 c1 <: "Asterisk Call Manager/11.0.0\\r\\n"
    ---
    0.152413 c1 > 1: |
      Action: Ping
      ActionID: a-1
    ---
    0.152735 c1 < 1: |
      Response: Success
      ActionID: a-1
      Ping: Pong
    chunks: 19@0.152701
    ---

The key of a record says when its last byte came, in seconds from the start of the session; on which
connection; in which direction (`>` to the server, `<` from it); and its cause. What a client sends is numbered
(`> 1`), and what the server sends names the number it follows from (`< 1`), or none if it follows from the
connection alone. `open`, `> eof`, `< eof`, `< error` and `note` are records without bytes.

The bytes stand in one of three forms: a block (`|`) is a whole message, whose line ends and final empty line
are implied, and so is a blank after a colon that ends a line, because editors take it away; a quoted text is exactly
these characters, in UTF-8; `!!binary` is exactly these bytes.

What one direction did at one instant came in one chunk. A frame that came in several has `chunks`, the
length and the time of each but the last.

A record without a `---` after it was cut short, and is left out: everything before it is whole.

A file whose name ends with `.gz` is gzipped.

A header has `format`, `server`, `description`, `recorded` (when), and `redacted` (a list). One of a newer format says
in `needs` from which version of amikit on it is read; whatever is newer is refused, and so never written over.
"""

import base64
import difflib
import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, NamedTuple, Self, cast

try:
    import fcntl
except ModuleNotFoundError:  # Windows replaces no file that is open
    fcntl = None  # type: ignore[assignment]

from ami import wire
from amisim.documents import BINARY, KEY_HELP, PLAIN, Documents, Entries, Entry, dump_mapping, read_document
from amisim.header import FORMAT, newer, no_header, wrong_entry, wrong_key
from amisim.tree import Mistake

__all__ = ["FORMAT", "Direction", "Record", "Recording", "RecordingError", "RecordingReader", "RecordingWriter", "load"]

Direction = Literal["<", ">", ""]
"""`>` is from the client to the server, `<` back; a record of neither has the empty text."""

Kind = Literal["data", "open", "eof", "error", "note"]


class RecordingError(Exception):
    """A recording cannot be read or written; the text names the file and, where there is one, the line."""

    def __init__(self, path: object, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}" if line else f"{path}: {problem}")


class Record(NamedTuple):
    """One frame of one connection, or something that happened to it."""

    at: float
    """Seconds from the start of the session, when its last byte came."""

    connection: int
    """The number of the connection, from 1; 0 for a note, which belongs to the session."""

    direction: Direction
    kind: Kind
    data: bytes = b""
    """The exact bytes of a frame, or of what there is of one; the text of an error or note."""

    cause: int | None = None
    """The number of a client's frame; of anything else, that of the frame it follows from, if there is one."""

    chunks: tuple[tuple[int, float], ...] = ()
    """Length and time of each chunk of the frame but the last, which ends at `at`."""

    line: int = 0
    """Where the record stands in its file; 0 for one that is in none."""


class Recording(NamedTuple):
    """A recording in memory."""

    header: dict[str, Any]
    """The first document: `format`, `server`, `description` …"""

    records: list[Record]

    truncated: int = 0
    """The line of a record that was cut short, and so is not among them; 0 if there is none."""


def load(path: str | Path) -> Recording:
    """Read a whole recording. Raises `RecordingError`."""
    with RecordingReader(path) as reader:
        records = list(reader)
        return Recording(reader.header, records, reader.truncated)


# Reading

_SECONDS = r"\d{1,12}(?:\.\d+)?"
_NUMBER = r"[1-9]\d{0,17}"
_KEY = re.compile(
    rf"(?P<at>{_SECONDS}) (?:(?P<note>note)|c(?P<connection>{_NUMBER}) (?:(?P<open>open)|"
    rf"(?P<direction>[<>])(?: (?P<kind>eof|error))?(?: (?P<cause>{_NUMBER}))?))"
)
_COMMENT = re.compile(r"^#.*\n", re.MULTILINE)
_EACH_CHUNK = rf"\d{{1,18}}@{_SECONDS}"
_CHUNK = re.compile(rf"(\d{{1,18}})@({_SECONDS})")
_CHUNKS = rf"{_EACH_CHUNK}(?: {_EACH_CHUNK})*"
_ESCAPE = re.compile(r"\\[rn]")
# A message as it is written. Nearly all records are messages, and YAML takes more than four times as long.
_BLOCK = re.compile(
    rf"({_SECONDS}) c({_NUMBER}) ([<>])(?: ({_NUMBER}))?: \|\n"
    rf"  ((?![\s#])[{PLAIN}]++(?<!:)(?:\n  (?![\s#])[{PLAIN}]++(?<!:))*+)\n(?:chunks: ({_CHUNKS})\n)?"
)


class RecordingReader:
    """Reads a recording record by record, however long it is; gzipped where its name ends with `.gz`.

    `header` is there from the start. Raises `RecordingError` for a file that is no recording, or a record that makes
    no sense. `truncated` is, when all was read, the line of a last record that was cut short, or 0.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.comments = ""
        """The comments that stand on lines of their own in the last record that was read."""
        self._file = open_recording(path)
        try:
            self._documents = Documents(self._read)
            self._texts = iter(self._documents)
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def truncated(self) -> int:
        """The line of a record that was cut short; 0 if there is none, or it has not been reached."""
        return self._documents.truncated

    def _read(self, size: int) -> bytes:
        try:
            return self._file.read1(size)  # type: ignore[attr-defined,no-any-return]
        except EOFError:  # of a writer that was killed: what it wrote has been read
            return b""
        except (OSError, zlib.error) as error:
            raise RecordingError(self.path, 0, f"cannot be read: {error}") from None

    def __iter__(self) -> Iterator[Record]:
        yield from (self._record(*each) for each in self._left)
        for line, text in self._texts:
            yield from self.records_in(line, text)

    def texts(self) -> Iterator[tuple[int, int, bytes]]:
        """What there is in place of records: the line of each, where in the file it begins, and its text.

        It begins at -1 where the file has another text, zipped or with CR LF.
        """
        is_plain = not is_zipped(self.path)
        for line, text in self._texts:
            yield line, self._documents.start if is_plain else -1, text

    def records_in(self, line: int, text: bytes) -> Iterator[Record]:
        """Those that a text is: one, unless there are marks of YAML in it."""
        match = _BLOCK.fullmatch(wire.decode(text))
        if match is None:
            yield from (self._record(*each) for each in self._entries(line, text))
            return
        self.comments = ""
        at, connection, direction, cause, message, chunks = match.groups()
        data = message.replace("\n  ", "\r\n").encode() + b"\r\n\r\n"
        yield Record(
            float(at),
            int(connection),
            cast(Direction, direction),
            "data",
            data,
            int(cause) if cause else None,
            self._chunks(chunks, line + message.count("\n") + 2, len(data)) if chunks else (),
            line,
        )

    def _entries(self, line: int, text: bytes) -> Iterator[tuple[int, Entries]]:
        self.comments = "".join(_COMMENT.findall(wire.decode(text)))
        try:
            yield from read_document(text, line)
        except Mistake as mistake:
            raise RecordingError(self.path, mistake.line, mistake.problem) from None

    def _read_header(self) -> dict[str, Any]:
        for line, text in self._texts:
            if problem := newer(text):
                raise RecordingError(self.path, 1, problem)
            self._left = self._entries(line, text)
            for where, entries in self._left:
                return self._checked(where, entries)
        text = self._documents.rest
        raise RecordingError(self.path, 1, newer(text) or no_header(text))

    def _checked(self, line: int, entries: Entries) -> dict[str, Any]:
        """What the entries of a header say, if they are those of one."""
        header = {key: entry.value for key, entry in entries.items()}
        if header.get("format") != FORMAT:
            raise RecordingError(self.path, line, no_header(b"amisim:" if "amisim" in header else b""))
        if wrong := wrong_entry(entries):
            raise RecordingError(self.path, *wrong)
        return header

    def _record(self, line: int, entries: Entries) -> Record:
        key, *others = entries or [""]
        match = _KEY.fullmatch(key)
        if match is None:
            raise RecordingError(self.path, line, f"{key!r} is no record; {KEY_HELP}")
        if others not in ([], ["chunks"]):
            near = "; did you mean 'chunks'?" if difflib.get_close_matches(others[0], ["chunks"]) else ""
            raise RecordingError(self.path, entries[others[0]].line, f"{others[0]!r} is not known{near or _KEYS}")
        at, note, connection, opened, direction, ending, cause = match.groups()
        kind = cast(Kind, note or opened or ending or "data")
        data = self._data(entries[key], literal_is_message=kind == "data")
        chunks = entries.get("chunks")
        return Record(
            float(at),
            int(connection or 0),
            cast(Direction, direction or ""),
            kind,
            data,
            int(cause) if cause else None,
            self._chunks(str(chunks.value), chunks.line, len(data)) if chunks else (),
            line,
        )

    def _data(self, entry: Entry, *, literal_is_message: bool) -> bytes:
        if not isinstance(entry.value, str):
            raise RecordingError(self.path, entry.line, "a list where a text was expected")
        if entry.tag == BINARY:
            try:
                return base64.b64decode("".join(entry.value.split()), validate=True)
            except ValueError as error:
                raise RecordingError(self.path, entry.line, f"!!binary that is not base64: {error}") from None
        text: str = entry.value
        if entry.style == "|" and literal_is_message:
            lines = "\n" + text.rstrip("\n")
            if odd := _ODD_LINE.search(lines):
                line = entry.line + 1 + lines.count("\n", 0, odd.start())
                raise RecordingError(self.path, line, _ODD.get(odd[1], _INDENTED))
            return (lines[1:] + "\n\n").replace(":\n", ": \n").replace("\n", "\r\n").encode()
        if entry.is_folded or (entry.style in ("", "'") and _ESCAPE.search(text)):
            raise RecordingError(self.path, entry.line, _NO_LINE_ENDS)
        return text.encode()

    def _chunks(self, text: str, line: int, size: int) -> tuple[tuple[int, float], ...]:
        chunks = []
        for word in text.split():
            match = _CHUNK.fullmatch(word)
            if match is None:
                raise RecordingError(self.path, line, f"{word!r} is no chunk, which looks like '19@0.152701'")
            chunks.append((int(match[1]), float(match[2])))
        if sum(length for length, _ in chunks) > size:
            raise RecordingError(self.path, line, f"the chunks are longer than the frame, which has {size} bytes")
        return tuple(chunks)


_ODD_LINE = re.compile(r"\n(\n|#|\s|\Z)")
_EMPTY = "an empty line in a block, where a message ends; two messages are two records, each with '---' after it"
_ODD = {
    "\n": _EMPTY,
    "": _EMPTY,
    "#": "a comment in a block, where it would be sent; above the record it is one",
}
_INDENTED = "further to the right than the block begins; bytes that begin with blanks are written in double quotes"
_KEYS = ": a record has its key and 'chunks', and a line '---' after it"
_NO_LINE_ENDS = "the ends of lines would be lost: a message begins with '|'; in double quotes an end is \\r\\n"


def open_recording(path: str | Path) -> IO[bytes]:
    """The text of a recording, unzipped. Raises `RecordingError`."""
    try:
        return cast(IO[bytes], gzip.open(path) if is_zipped(path) else open(path, "rb"))
    except OSError as error:
        raise RecordingError(path, 0, f"cannot be read: {error.strerror}") from None


def is_zipped(path: str | Path) -> bool:
    """Whether the name of a recording says so."""
    return Path(path).suffix == ".gz"


# Writing

_GZIP = 31  # what zlib calls its format with gzip's header


class RecordingWriter:
    """Writes a recording record by record, each with one write, so that a killed process leaves all but the last.

    It is gzipped where its name ends with `.gz`. `redact` is applied to each record. Raises `RecordingError` when the
    file exists or cannot be written.
    """

    def __init__(
        self, path: str | Path, header: dict[str, Any], redact: Callable[[Record], Record] = lambda record: record
    ) -> None:
        self.path = path
        self._redact = redact
        self._failed: RecordingError | None = None
        self._zip = zlib.compressobj(wbits=_GZIP) if is_zipped(path) else None
        if problem := next(filter(None, map(wrong_key, header)), ""):
            raise RecordingError(path, 0, problem)
        # A device such as /dev/full exists, and may be written to all the same.
        self._is_new = Path(path).is_file() or not Path(path).exists()
        try:
            self._file = open(path, "xb" if self._is_new else "wb", buffering=0)  # noqa: SIM115
        except FileExistsError:
            raise RecordingError(path, 0, "exists already; a recording is never overwritten") from None
        except OSError as error:
            raise RecordingError(path, 0, f"cannot be written: {error.strerror}") from None
        try:
            claim(self._file, path)
            self._write(dump_header(header))
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; whatever was written is complete without it."""
        if self._zip is not None and not self._failed and not self._file.closed:
            self._write_bytes(self._zip.flush())
        self._file.close()

    def discard(self) -> None:
        """Close the file, and remove it, unless it is a device that was there before."""
        self._file.close()
        if self._is_new:
            Path(self.path).unlink(missing_ok=True)

    def write(self, record: Record) -> None:
        """Append a record."""
        self._write(dump_record(self._redact(record)))

    def _write(self, text: str) -> None:
        if self._failed:
            raise self._failed
        data = text.encode()
        if self._zip is not None:
            data = self._zip.compress(data) + self._zip.flush(zlib.Z_SYNC_FLUSH)
        self._write_bytes(data)

    def _write_bytes(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            # Part of the record may have been written: nothing can come after it.
            self._failed = RecordingError(self.path, 0, f"cannot be written: {error.strerror}")
            raise self._failed from None


def claim(file: IO[bytes], path: str | Path) -> None:
    """Keep others from replacing a file as long as it is open, where the system can say so.

    Raises `RecordingError` if somebody writes to it.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RecordingError(path, 0, "is being written: what is still to come would be lost") from None
    except OSError:  # of a file system, or a device, without locks
        pass


def dump_header(header: dict[str, Any]) -> str:
    """A header as text, with the `---` that ends it."""
    return dump_mapping({"format": FORMAT, **header}) + "---\n"


def dump_record(record: Record) -> str:
    """A record as text, with the `---` that ends it."""
    key = [_seconds(record.at)]
    if record.kind == "note":
        key.append("note")
    else:
        key.append(f"c{record.connection}")
        key += [word for word in (record.direction, "" if record.kind == "data" else record.kind) if word]
        if record.cause is not None:
            key.append(str(record.cause))
    value = _dump_data(record.data, message=record.kind == "data") if record.data or record.kind == "data" else ""
    chunks = " ".join(f"{length}@{_seconds(at)}" for length, at in record.chunks)
    return f"{' '.join(key)}:{value}\n" + (f"chunks: {chunks}\n" if chunks else "") + "---\n"


def _seconds(at: float) -> str:
    return f"{at:.6f}".rstrip("0").rstrip(".")


# An editor that takes away blanks at the ends of lines changes none of these.
_LINE = rf"(?![\s#])[{PLAIN}]++(?:(?<![\s:])|(?<=: ))"
_MESSAGE = re.compile(rf"{_LINE}(?:\r\n{_LINE})*+\r\n\r\n")
_NOT_PLAIN = re.compile(rf"[^{PLAIN}]|[\"\\\t]")
_ESCAPES = {"\r": "\\r", "\n": "\\n", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def _dump_data(data: bytes, *, message: bool) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f" !!binary {base64.b64encode(data).decode()}"
    if message and _MESSAGE.fullmatch(text):
        return " |\n  " + text[:-4].replace("\r\n", "\n  ")
    return f' "{_NOT_PLAIN.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _ESCAPES.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


CUT_SHORT = "the last record is cut short: no '---' ends it; if it is whole, add that line"
"""What there is to say of `truncated`."""


# Frames and chunks


def chunks(records: Iterable[Record]) -> list[tuple[int, Direction, float, bytes]]:
    """The chunks that a session's frames came in: connection, direction, time and bytes of each, in order of time."""
    found: dict[tuple[int, Direction, float], bytes] = {}
    for record in records:
        if record.kind == "data":
            for at, data in pieces(record):
                key = record.connection, record.direction, at
                found[key] = found.get(key, b"") + data
    return sorted(((c, d, at, data) for (c, d, at), data in found.items()), key=lambda chunk: chunk[2])


def pieces(record: Record) -> list[tuple[float, bytes]]:
    """A frame, cut where it was cut when it came: the time and the bytes of each piece."""
    found = []
    start = 0
    for length, at in record.chunks:
        found.append((at, record.data[start : start + length]))
        start += length
    if start < len(record.data):
        found.append((record.at, record.data[start:]))
    return found


def splice(record: Record, start: int, end: int, replacement: bytes) -> Record:
    """The record with other bytes from `start` to `end`; its chunks keep their borders as far as they still exist."""
    size = len(replacement)
    chunks = []
    position = last = 0
    for length, at in record.chunks:
        position += length
        if position <= start:
            cut = position
        elif position < end:
            cut = start + min(position - start, size)
        else:
            cut = position + size - (end - start)
        chunks.append((cut - last, at))
        last = cut
    return record._replace(data=record.data[:start] + replacement + record.data[end:], chunks=tuple(chunks))
