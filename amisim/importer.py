"""Other people's captures as recordings. Every byte is kept, and so are chunk borders and times.

`amicap/1` is the format of the captures that this project was made from: JSON objects, one a line, with the
connection, the time, the direction, and the bytes as characters of the same numbers.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from amisim.causes import RecordBuilder
from amisim.recording import Direction, Record, RecordingError

__all__ = ["read_amicap"]

_DIRECTIONS: dict[str, Direction] = {"c2s": ">", "s2c": "<"}


def read_amicap(path: str | Path) -> tuple[dict[str, Any], Iterator[Record]]:
    """Header and records of an `amicap/1` file, which may be gzipped. Raises `RecordingError`."""
    try:
        with open(path, "rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        capture = cast(IO[bytes], gzip.open(path) if zipped else open(path, "rb"))  # noqa: SIM115
    except OSError as error:
        raise RecordingError(path, 0, f"cannot be read: {error.strerror}") from None
    rows = _rows(path, capture)
    _, first = next(rows, (1, {}))
    if first.get("format") != "amicap/1":
        raise RecordingError(path, 1, 'not a capture: its first line has no "format": "amicap/1"')
    header: dict[str, Any] = {key: first[key] for key in ("server", "description") if key in first}
    return header, _records(path, rows)


def _rows(path: str | Path, file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    with file:
        try:
            for number, line in enumerate(file, 1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise RecordingError(path, number, f"expected a JSON object, not {line[:40]!r}")
                yield number, row
        except ValueError as error:
            raise RecordingError(path, number, f"not JSON: {error}") from None
        except (EOFError, OSError) as error:
            raise RecordingError(path, number + 1, f"cannot be read: {error}") from None


def _records(path: str | Path, rows: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[Record]:
    builder = RecordBuilder()
    for number, row in rows:
        try:
            yield from _of_row(builder, row)
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(path, number, f"not a row of amicap/1: {type(error).__name__}: {error}") from None
    yield from builder.flush()


def _of_row(builder: RecordBuilder, row: dict[str, Any]) -> list[Record]:
    at, what = float(row["t"]), str(row["d"])
    if what == "note":
        return [Record(at, 0, "", "note", str(row["m"]).encode())]
    connection = int(row["c"])
    if what == "open":
        return [builder.open(connection, at)]
    way, _, end = what.partition("-")
    direction = _DIRECTIONS[way]
    if end:
        return builder.end(connection, direction, at, str(row["m"]) if end == "err" else "")
    return builder.data(connection, direction, row["b"].encode("latin-1"), at)
