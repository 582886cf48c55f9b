"""Recordings for other programs."""

import json
import re

from amisim import Record, json_lines, library, load, mermaid


def test_json_lines_hold_every_byte():
    recording = load(library.find("22/malformed-bytes"))
    header, *rows = map(json.loads, json_lines(recording.header, recording.records))
    assert header == recording.header
    for row, record in zip(rows, recording.records, strict=True):
        text = row.get("text", "")
        if "headers" in row:
            text = "".join(f"{name}: {value}\r\n" for name, value in row["headers"]) + "\r\n"
        assert text.encode("utf-8", "surrogateescape") == record.data
        assert (row["at"], row["connection"], row["cause"]) == (record.at, record.connection, record.cause)
        assert row.get("chunks", []) == [list(each) for each in record.chunks]


def test_a_sequence_diagram_has_a_line_for_each_record():
    recording = load(library.find("22/login-failure"))
    lines = list(mermaid(recording.records))
    assert lines[:3] == ["sequenceDiagram", "    participant server", "    participant c1 as client 1"]
    assert len(lines) == 2 + len(recording.records)
    assert all(
        re.fullmatch(r"    (participant .+|(c\d+|server)(->>|--x)(c\d+|server): .+)", line) for line in lines[2:]
    )


def test_what_means_something_in_a_diagram_is_written_as_a_number():
    record = Record(0.0, 1, ">", "data", b"Action: A;B#\r\n\r\n")
    note = Record(0.0, 0, "", "note", b"a; note")
    *_, line, last = mermaid([record, note])
    assert line == "    c1->>server: A#59;B#35;"
    assert last == "    note over server: a#59; note"
