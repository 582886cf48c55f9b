"""Recordings for other programs: JSON lines, and Mermaid's pictures of sequences."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ami.wire import decode
from amisim.recording import Record
from amisim.timeline import summary

__all__ = ["json_lines", "mermaid"]


def json_lines(header: dict[str, Any], records: Iterable[Record]) -> Iterator[str]:
    """A JSON object a line: the header, and each record, with the headers of a message as lists of name and value.

    What is no message has its `text` instead, with a lone surrogate for each byte that is none.
    """
    yield json.dumps(header)
    for record in records:
        row: dict[str, Any] = {"at": record.at, "connection": record.connection, "direction": record.direction}
        row |= {"kind": record.kind, "cause": record.cause}
        headers = _headers(record)
        if headers is not None:
            row["headers"] = headers
        elif record.data:
            row["text"] = decode(record.data)
        if record.chunks:
            row["chunks"] = record.chunks
        yield json.dumps(row)


def _headers(record: Record) -> list[list[str]] | None:
    """Names and values of a message, or None for what would not be the same bytes when put together again."""
    if record.kind != "data" or not record.data.endswith(b"\r\n\r\n"):
        return None
    lines = decode(record.data[:-4]).split("\r\n")
    headers = [line.split(": ", 1) for line in lines]
    return headers if all(len(each) == 2 for each in headers) else None


def mermaid(records: Iterable[Record]) -> Iterator[str]:
    """The lines of a sequence diagram: the server, and a client for each connection."""
    yield "sequenceDiagram"
    yield "    participant server"
    for record in records:
        client = f"c{record.connection}"
        what = _SPECIAL.sub(lambda match: f"#{ord(match[0])};", summary(record))
        if record.kind == "note":
            yield f"    note over server: {what}"
        elif record.kind == "open":
            yield f"    participant {client} as client {record.connection}"
        else:
            arrow = "->>" if record.kind == "data" else "--x"
            ends = (client, "server") if record.direction == ">" else ("server", client)
            yield f"    {arrow.join(ends)}: {what or '(nothing)'}"


_SPECIAL = re.compile("[#;<>%]")
