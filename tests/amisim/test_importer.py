"""Captures: whatever a file holds, it becomes records or one plain error."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim import RecordingError, recording
from amisim.importer import read_amicap
from amisim.recording import dump_record, load

FIRST = json.dumps({"format": "amicap/1", "server": "Asterisk 22", "description": "a test"})
odd_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=5,
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "c": st.integers(0, 3) | odd_json,
        "t": st.floats(0, 100) | odd_json,
        "d": st.sampled_from(["open", "c2s", "s2c", "c2s-eof", "s2c-eof", "c2s-err", "note", "nonsense"]) | odd_json,
        "b": st.text(st.characters(max_codepoint=255), max_size=20) | odd_json,
        "m": st.text(max_size=5) | odd_json,
    },
)


@given(st.lists(rows | odd_json, max_size=6))
def test_any_rows_become_records_that_can_be_read_back_or_one_error(tmp_path_factory, given_rows):
    folder = tmp_path_factory.getbasetemp()
    capture, out = folder / "capture.jsonl", folder / "imported.yaml"
    capture.write_text("\n".join([FIRST, *map(json.dumps, given_rows)]))
    try:
        records = list(read_amicap(capture)[1])
    except RecordingError as error:
        problem = str(error)
    else:
        problem = ""
    assert not problem or (problem.startswith(f"{capture}, line ") and "\n" not in problem)
    if problem:
        return
    out.write_text(f"format: {recording.FORMAT}\n---\n" + "".join(map(dump_record, records)), encoding="utf-8")
    assert [record._replace(line=0) for record in load(out).records] == [
        record._replace(at=round(record.at, 6), chunks=tuple((size, round(at, 6)) for size, at in record.chunks))
        for record in records
    ]


@given(st.binary(max_size=200))
@pytest.mark.parametrize("zipped", [False, True])
def test_any_file_is_a_capture_or_one_error(tmp_path_factory, zipped, content):
    capture = tmp_path_factory.getbasetemp() / "any.jsonl"
    capture.write_bytes(gzip.compress(content)[: len(content)] if zipped else content)
    with pytest.raises(RecordingError):
        read_amicap(capture)
