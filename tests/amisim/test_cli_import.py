"""The command `amisim import`, as its users run it."""

import re

import pytest

from amisim import load
from amisim.recording import chunks

from .command_links import CANARY, ROWS, capture_file, needs_full_device
from .commands import amisim, refusal, said


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_every_byte_of_a_capture_is_imported(tmp_path, out, name):
    assert said("import", capture_file(tmp_path / name, *ROWS), out) == f"{out}: 4 frames\n"
    imported = load(out)
    assert imported.header == {"format": "amisim/1", "server": "Asterisk 22.10.1", "description": "a login"}
    way = {"c2s": ">", "s2c": "<"}
    assert chunks(imported.records) == [
        (row["c"], way[row["d"]], row["t"], row["b"].encode("latin-1")) for row in ROWS if "b" in row
    ]
    others = [(each.at, each.direction + each.kind, each.data) for each in imported.records if each.kind != "data"]
    assert others == [
        (0.1, "open", b""),
        (0.6, "note", b"the client stops"),
        (0.7, ">eof", b""),
        (0.8, "<error", b"ConnectionResetError"),
    ]
    said("check", out)


def test_a_capture_is_imported_without_secrets_and_with_a_description_when_asked_to(tmp_path, out):
    capture = capture_file(tmp_path / "x.jsonl", *ROWS)
    said("import", "--redact", "--description", "what it “shows”", capture, out)
    assert load(out).header["description"] == "what it “shows”"
    assert CANARY not in out.read_text()
    assert "secret-1" in out.read_text()


START = {"format": "amicap/1"}
OPEN = {"c": 1, "t": 0.1, "d": "open"}


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ([], 1, 'not a capture: its first line has no "format": "amicap/1"'),
        (["not JSON"], 1, "not JSON: Expecting value"),
        ([{"format": "amicap/2"}], 1, "not a capture"),
        ([{"format": ["amicap/1"]}], 1, "not a capture"),
        (["[1]"], 1, "expected a JSON object"),
        ([START, OPEN, "5"], 3, "expected a JSON object"),
        ([START, OPEN, ""], 3, "not JSON"),
        ([START, OPEN, "[" * 100_000], 3, "not JSON"),
        ([START, OPEN, '{"c": 1, "t": 0.2, "d": "s2c", "b": "half'], 3, "not JSON"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c"}], 3, "it has no 'b'"),
        ([START, OPEN, {"c": 1, "d": "s2c", "b": "x"}], 3, "it has no 't'"),
        ([START, OPEN, {"c": 1, "t": "0.2", "d": "s2c", "b": "x"}], 3, "'t' is no number"),
        ([START, OPEN, {"c": 1, "t": -1, "d": "s2c", "b": "x"}], 3, "'t' is -1"),
        ([START, OPEN, {"c": 1, "t": float("nan"), "d": "s2c", "b": "x"}], 3, "'t' is nan"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c", "b": 5}], 3, "'b' is no text"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c", "b": "€"}], 3, "'latin-1' codec can't encode"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "sideways", "b": "x"}], 3, "'d' is 'sideways'"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c-odd", "b": "x"}], 3, "'d' is 's2c-odd'"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c-err"}], 3, "it has no 'm'"),
        ([START, OPEN, {"c": 2, "t": 0.2, "d": "s2c", "b": "x"}], 3, "connection 2 was not opened before"),
        ([START, {"c": 0, "t": 0.2, "d": "open"}], 2, "connection 0 was not opened before"),
    ],
)
def test_a_mistake_in_a_capture_is_told_with_its_line_and_leaves_no_recording(tmp_path, out, rows, line, problem):
    capture = capture_file(tmp_path / "x.jsonl", *rows)
    error = refusal(amisim("import", capture, out))
    assert error.startswith(f"{capture}, line {line}: ")
    assert problem in error
    assert not out.exists()


@pytest.mark.parametrize("damage", ["cut", "changed", "no gzip"])
def test_a_damaged_gzip_file_is_told(tmp_path, out, damage):
    capture = capture_file(tmp_path / "x.jsonl.gz", *ROWS)
    data = capture.read_bytes()
    middle = len(data) // 2
    capture.write_bytes(
        {
            "cut": data[:middle],
            "changed": data[:middle] + b"\xff" * 20 + data[middle + 20 :],
            "no gzip": data[:2] + b"x" * 20,
        }[damage]
    )
    assert re.match(rf"{re.escape(str(capture))}, line \d+: cannot be read: ", refusal(amisim("import", capture, out)))
    assert not out.exists()


def test_a_capture_that_is_not_there_is_told(tmp_path, out):
    missing = tmp_path / "none.jsonl"
    assert refusal(amisim("import", missing, out)) == f"{missing}: cannot be read: No such file or directory"


def test_an_import_writes_over_no_recording(tmp_path, out):
    out.write_text("precious")
    result = amisim("import", capture_file(tmp_path / "x.jsonl", *ROWS), out)
    assert refusal(result) == f"{out}: exists already; a recording is never overwritten"
    assert out.read_text() == "precious"


@needs_full_device
def test_an_import_to_a_full_disk_is_told(tmp_path):
    result = amisim("import", capture_file(tmp_path / "x.jsonl", *ROWS), "/dev/full")
    assert refusal(result) == "/dev/full: cannot be written: No space left on device"
