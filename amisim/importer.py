"""Other people's captures as recordings. Every byte is kept, and so are chunk borders and times.

There are captures of packets (`amisim.pcap`), and two kinds of text. `amicap/1` is the format of the captures that this
project was made from: JSON objects, one a line, with the connection, the time, the direction, and the bytes as
characters of the same numbers. A trace is messages as text, of either side, one after the other, as those that
panoramisk tests itself with: lines end as they like, and there are no times.
"""

import gzip
import json
import math
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from ami.wire import EMPTY_LINE, FrameReader
from amisim.causes import RecordBuilder
from amisim.pcap import MAGIC, read_pcap
from amisim.recording import Direction, Record, RecordingError

__all__ = ["read_amicap", "read_capture", "read_trace"]

_DIRECTIONS: dict[str, Direction] = {"c2s": ">", "s2c": "<"}

_Row = dict[str, Any]
_NUMBER = (int, float)


_GREETING = b"Asterisk Call Manager\r\n"
_OF_A_RECORDING = re.compile(rb"(?:\xef\xbb\xbf)?(?:#.*\n|---\s*\n)*format: *['\"]?amisim/")
_OF_A_TRACE = re.compile(rb"\s*(?:Asterisk Call Manager/|(?:Action|Response|Event) *:)", re.IGNORECASE)


def read_capture(path: str | Path) -> tuple[dict[str, Any], list[Record]]:
    """Header and records of a capture of any kind, which may be gzipped. Raises `RecordingError`."""
    with _open(path) as file:
        try:
            start = file.read(1024)
            file.seek(0)
        except (EOFError, OSError, zlib.error) as error:
            raise RecordingError(path, 1, f"cannot be read: {error}") from None
        if start.startswith(MAGIC):
            return read_pcap(path, file)
    if _OF_A_RECORDING.match(start):
        right = "amisim show, replay and scan read it as it is, and amisim trim and merge write it anew"
        raise RecordingError(path, 1, f"is a recording already, and not a capture: {right}")
    return read_trace(path) if _OF_A_TRACE.match(start) else read_amicap(path)


def read_trace(path: str | Path) -> tuple[dict[str, Any], list[Record]]:
    """Header and records of a trace, which may be gzipped. A millisecond is between messages.

    One that begins without a greeting is given one. Raises `RecordingError`.
    """
    with _open(path) as file:
        try:
            data = file.read()
        except (EOFError, OSError, zlib.error) as error:
            raise RecordingError(path, 0, f"cannot be read: {error}") from None
    data = data.strip().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + EMPTY_LINE.encode()
    greeting = b"" if data.startswith(b"Asterisk") else _GREETING
    builder = RecordBuilder()
    records = [builder.open(1, 0.0)]
    frames = FrameReader(from_server=True).feed(greeting + data)
    for number, frame in enumerate((each for each in frames if each.strip()), 1):
        direction: Direction = ">" if frame[:7].lower() == b"action:" else "<"
        records += builder.data(1, direction, frame, number / 1000)
    return {}, records


def _open(path: str | Path) -> IO[bytes]:
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        return cast(IO[bytes], gzip.open(path) if zipped else open(path, "rb"))
    except OSError as error:
        raise RecordingError(path, 0, f"cannot be read: {error.strerror}") from None


def read_amicap(path: str | Path) -> tuple[dict[str, Any], list[Record]]:
    """Header and records of an `amicap/1` file, which may be gzipped. Raises `RecordingError`."""
    with _open(path) as capture:
        rows = _rows(path, capture)
        _, first = next(rows, (1, {}))
        if first.get("format") != "amicap/1":
            raise RecordingError(path, 1, 'not a capture: its first line has no "format": "amicap/1"')
        header: dict[str, Any] = {key: str(first[key]) for key in ("server", "description") if first.get(key)}
        return header, list(_records(path, rows))


def _rows(path: str | Path, file: IO[bytes]) -> Iterator[tuple[int, _Row]]:
    number = 0
    try:
        for number, line in enumerate(file, 1):
            row = json.loads(line)
            if not isinstance(row, dict):
                raise RecordingError(path, number, "expected a JSON object")
            yield number, row
    except (ValueError, RecursionError) as error:
        raise RecordingError(path, number, f"not JSON: {error}") from None
    except (EOFError, OSError, zlib.error) as error:
        raise RecordingError(path, number + 1, f"cannot be read: {error}") from None


def _records(path: str | Path, rows: Iterator[tuple[int, _Row]]) -> Iterator[Record]:
    builder = RecordBuilder()
    opened: set[int] = set()
    for number, row in rows:
        try:
            yield from _of_row(builder, opened, row)
        except ValueError as error:
            raise RecordingError(path, number, f"not a row of amicap/1: {error}") from None
    yield from builder.flush()


def _of_row(builder: RecordBuilder, opened: set[int], row: _Row) -> list[Record]:
    """The records of a row. Raises `ValueError`, which says what is wrong with it."""
    at, what = round(_value(row, "t", _NUMBER), 6), _value(row, "d", str)
    if not 0 <= at < math.inf:
        raise ValueError(f"'t' is {at}")
    if what == "note":
        return [Record(at, 0, "", "note", _value(row, "m", str).encode())]
    connection = _value(row, "c", int)
    if what == "open" and connection > 0:
        opened.add(connection)
        return [builder.open(connection, at)]
    if connection not in opened:
        raise ValueError(f"connection {connection} was not opened before")
    way, _, end = what.partition("-")
    if way not in _DIRECTIONS or end not in ("", "eof", "err"):
        raise ValueError(f"'d' is {what!r}")
    if end:
        return builder.end(connection, _DIRECTIONS[way], at, _value(row, "m", str) if end == "err" else "")
    return builder.data(connection, _DIRECTIONS[way], _value(row, "b", str).encode("latin-1"), at)


_KINDS = {str: "text", int: "whole number", _NUMBER: "number"}


def _value(row: _Row, key: str, kind: type | tuple[type, ...]) -> Any:
    if key not in row:
        raise ValueError(f"it has no {key!r}")
    if not isinstance(row[key], kind):
        raise ValueError(f"{key!r} is no {_KINDS[kind]}")
    return row[key]
