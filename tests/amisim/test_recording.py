"""The recording format: any bytes survive, mistakes are named with file and line, a file cut short loads."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from amisim import documents, recording
from amisim.recording import (
    FORMAT,
    Record,
    Recording,
    RecordingError,
    RecordingReader,
    RecordingWriter,
    dump_record,
    load,
)

HEADER = {"server": "Asterisk 22.10.1", "description": "a “test”: with #odd: text"}
MESSAGE = b"Action: Ping\r\nActionID: a-1\r\n\r\n"
PING = Record(0.5, 1, ">", "data", MESSAGE, 1)
LOADERS = [yaml.CSafeLoader, yaml.SafeLoader]

awkward = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"---\r\n", b"...\r\n", b"- ", b"# ", b": ", b"|", b"'", b'"', b"\\",
     b"\xff", "Käufer".encode(), "\u2028\u0085\ufeff\x7f\x9f".encode(), "\U0001f600".encode(), b"Event: X\r\n",
     b"A: b\r\n\r\n", b"%YAML\r\n"]
)  # fmt: skip
wire_bytes = st.lists(awkward | st.binary(max_size=5), max_size=12).map(b"".join)


@st.composite
def records(draw) -> Record:
    data = draw(wire_bytes)
    cuts = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=3))) if len(data) > 1 else []
    lengths = [end - start for start, end in zip([0, *cuts], cuts, strict=False)]
    times = st.integers(0, 10**10).map(lambda microseconds: microseconds / 1_000_000)
    chunks = tuple((length, draw(times)) for length in lengths)
    cause = draw(st.none() | st.integers(1, 999))
    return Record(draw(times), draw(st.integers(1, 99)), draw(st.sampled_from("<>")), "data", data, cause, chunks)


def write(path: Path, *records: Record, header=HEADER) -> Path:
    path.unlink(missing_ok=True)
    with RecordingWriter(path, header) as writer:
        for record in records:
            writer.write(record)
    return path


@pytest.mark.parametrize("loader", LOADERS)
@given(written=st.lists(records(), max_size=5))
@example(written=[Record(0.0, 1, "<", "data", b"")])
@example(written=[Record(0.0, 1, ">", "data", b" \r\n\r\n"), Record(0.0, 1, ">", "data", b"\tA: b\r\n\r\n")])
@example(written=[Record(0.0, 1, ">", "data", b"A: b \r\n   \r\nC: \r\n\r\n")])
def test_any_bytes_survive(loader, written, tmp_path_factory):
    path = write(tmp_path_factory.getbasetemp() / f"survive-{loader.__name__}.yaml", *written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_Loader", loader)
        loaded = load(path)
    assert [record._replace(line=0) for record in loaded.records] == written
    assert loaded.header == {"format": FORMAT, **HEADER}
    assert not loaded.truncated


def test_other_records_survive(tmp_path):
    written = [
        Record(0.0, 1, "", "open"),
        Record(0.25, 2, ">", "eof"),
        Record(0.5, 2, "<", "eof", cause=7),
        Record(0.75, 3, "<", "error", b"ConnectionResetError"),
        Record(1.0, 0, "", "note", "the client stopped reading: “slow”".encode()),
    ]
    loaded = load(write(tmp_path / "r.yaml", *written))
    assert [record._replace(line=0) for record in loaded.records] == written


def test_a_message_is_a_readable_block():
    assert dump_record(PING) == "0.5 c1 > 1: |\n  Action: Ping\n  ActionID: a-1\n---\n"


def test_records_know_their_lines(tmp_path):
    loaded = load(write(tmp_path / "r.yaml", PING, PING._replace(at=1.0)))
    assert [record.line for record in loaded.records] == [5, 9]


def test_a_file_cut_anywhere_loads_up_to_the_cut(tmp_path):
    answer = Record(0.75, 1, "<", "data", b"Response: Success\r\nX: \xc3\xa4\r\n\r\n", 1, ((7, 0.625),))
    odd = Record(0.875, 1, "<", "data", b"half\xff", None)
    written = [PING, answer, odd, PING._replace(at=1.0, cause=2)]
    whole = write(tmp_path / "whole.yaml", *written).read_bytes()
    cut = tmp_path / "cut.yaml"
    start = whole.index(b"---\n") + 4
    for end in range(start, len(whole)):
        cut.write_bytes(whole[:end])
        loaded = load(cut)
        ends = whole[:end].endswith((b"---\n", b"---"))
        complete = (whole[start:end] + b"\n").count(b"---\n")
        assert [record._replace(line=0) for record in loaded.records] == written[:complete], whole[:end]
        assert bool(loaded.truncated) == (not ends), whole[:end]


def test_a_gzipped_file_cut_anywhere_loads_up_to_the_cut(tmp_path):
    written = [PING._replace(at=n / 8, cause=n) for n in range(1, 6)]
    whole = write(tmp_path / "whole.yaml.gz", *written).read_bytes()
    cut = tmp_path / "cut.yaml.gz"
    loaded = []
    for end in range(len(whole)):
        cut.write_bytes(whole[:end])
        try:
            loaded.append(len(load(cut).records))
        except RecordingError:  # cut in its header
            loaded.append(-1)
    assert loaded == sorted(loaded)
    assert set(loaded) == {-1, 0, 1, 2, 3, 4, 5}
    assert [record._replace(line=0) for record in load(cut).records] == written


def test_a_gzipped_file_is_one_for_others_too(tmp_path):
    path = write(tmp_path / "r.yaml.gz", PING)
    (tmp_path / "r.yaml").write_bytes(gzip.decompress(path.read_bytes()))
    assert load(path) == load(tmp_path / "r.yaml")


def test_a_gzipped_file_may_have_parts(tmp_path):
    path = write(tmp_path / "r.yaml.gz", PING)
    with gzip.open(path, "ab") as file:
        file.write(dump_record(PING._replace(at=1.0)).encode())
    assert [record.at for record in load(path).records] == [0.5, 1.0]


@pytest.mark.parametrize("change", [lambda data: b"format: amisim/1\n---\n", lambda data: data[:-8] + b"12345678"])
def test_a_damaged_gzip_file_is_told(tmp_path, change):
    path = write(tmp_path / "r.yaml.gz", PING)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(RecordingError, match=r"r\.yaml\.gz: cannot be read: (Not a gzipped file|CRC check failed)"):
        load(path)


def test_what_is_cut_short_is_known_when_all_was_read(tmp_path):
    path = write(tmp_path / "r.yaml", PING)
    path.write_text(path.read_text() + "0.6 c1 > 2: |\n")
    with RecordingReader(path) as reader:
        assert not reader.truncated
        assert list(reader) == [PING._replace(line=5)]
        assert reader.truncated == 9


@pytest.mark.parametrize("suffix", ["yaml", "yaml.gz"])
def test_a_killed_writer_leaves_what_it_wrote(tmp_path, suffix):
    path = tmp_path / f"killed.{suffix}"
    program = (
        "import os, signal, sys; from amisim.recording import *\n"
        "writer = RecordingWriter(sys.argv[1], {})\n"
        "for n in range(50): writer.write(Record(n / 10, 1, '>', 'data', b'Action: Ping\\r\\n\\r\\n', n + 1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == -9
    assert len(load(path).records) == 50


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "not a recording: it does not begin with 'format: amisim/1'"),
        ("Hello, I am a text.\n", 1, "not a recording"),
        ("Hello, I am a text.\n---\n", 1, "not a record"),
        ("- a\n- list\n---\n", 1, "not a record"),
        ("name: something else\n---\n", 1, "not a recording"),
        ("format: amisim/2\n---\n", 1, "newer than this amikit"),
        ("format: [amisim/1]\n---\n", 1, "not a recording"),
        ("format: amisim/1\n---\n0.5 c1 >: |\n  A: b\n---\nhello\n---\n", 6, "not a record"),
        ("format: amisim/1\n---\n0.5 c0 > 1: x\n---\n", 3, "looks like '0.152413 c1 > 1'"),
        (
            "format: amisim/1\n---\n0.5 c1 > 1: x\ncunks: 1@0.1\n---\n",
            4,
            "'cunks' is not known; did you mean 'chunks'?",
        ),
        ("format: amisim/1\n---\n0.5 c1 > 1: x\nchunks: 1@later\n---\n", 4, "'1@later' is no chunk"),
        ("format: amisim/1\n---\n0.5 c1 > 1: x\nchunks: 9@0.1\n---\n", 4, "longer than the frame, which has 1 bytes"),
        ("format: amisim/1\n---\n0.5 c1 > 1: !!binary §\n---\n", 3, "not base64"),
        ("format: amisim/1\n---\n0.5 c1 > 1: [a]\n---\n", 3, "a list where a text was expected"),
        ("format: amisim/1\n---\n0.5 c1 > 1: {a: b}\n---\n", 3, "expected a text"),
        ("format: amisim/1\n---\n{}\n---\n", 3, "'' is no record"),
        ("format: amisim/1\n---\n0.5 c1 > 1: x\n0.5 c1 > 1: y\n---\n", 4, "again, in one record"),
        ("format: amisim/1\n---\n[a]: b\n---\n", 3, "a key that is no text"),
        ('format: amisim/1\n---\n0.5 c1 > 1: "a\n---\n0.5 c1 > 1: x\n---\n', 3, "a quote that is not closed"),
        ("format: amisim/1\n---\n0.5 c1 > 1: \x07\n---\n0.6 c1 > 2: x\n---\n", 3, "'\\x07', which YAML does not take"),
    ],
)
def test_mistakes_are_named_with_file_and_line(tmp_path, text, line, words):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(RecordingError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


edits = st.sampled_from(
    ["\n", " ", "  ", "\t", "\r", "\r\n", "#", " # why", "\n---\n", "--- ", "...\n", "%", "|", "|+", "|-", "'", '"',
     "|2", "!!binary ", "&a ", "*a", "chunks: 1@0.5\n", "chunks: 1@x\n", "\u2028", "\x85", "\xa0", "\ufeff", "0", "c",
     ":", "? "]
)  # fmt: skip


@pytest.mark.parametrize("loader", LOADERS)
@given(written=st.lists(records() | st.just(PING), min_size=1, max_size=3), data=st.data())
def test_a_message_in_its_usual_form_is_what_yaml_takes_it_for(loader, written, data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"edited-{loader.__name__}.yaml"
    text = "".join(map(dump_record, written))
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(edits) + text[place + data.draw(st.integers(0, 2)) :]
    path.write_bytes(f"format: {FORMAT}\n---\n{text}".encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "_Loader", loader)
        usual = loaded_or_refused(path)
        patch.setattr(recording, "_BLOCK", re.compile("never"))
        assert usual == loaded_or_refused(path)


def loaded_or_refused(path: Path) -> Recording | str:
    try:
        return load(path)
    except RecordingError as error:
        return str(error)


@pytest.mark.parametrize("change", [lambda text: text.replace("\n", "\r\n"), lambda text: "\ufeff" + text])
def test_what_editors_do_to_files_changes_nothing(tmp_path, change):
    path = write(tmp_path / "r.yaml", PING, Record(0.75, 1, "<", "data", b"half"))
    before = load(path)
    path.write_bytes(change(path.read_text()).encode())
    assert load(path) == before


def test_a_long_file_is_read_in_blocks(tmp_path):
    written = [Record(n / 8, 1, "<", "data", b"Event: X\r\nN: %d\r\n\r\n" % n) for n in range(20_000)]
    records = load(write(tmp_path / "r.yaml", *written)).records
    assert [record._replace(line=0) for record in records] == written
    assert [record.line for record in records[-2:]] == [5 + 4 * 19_998, 5 + 4 * 19_999]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(RecordingError, match=r"none\.yaml: cannot be read: No such file"):
        load(tmp_path / "none.yaml")


def test_a_recording_is_never_overwritten(tmp_path):
    path = write(tmp_path / "r.yaml", PING)
    with pytest.raises(RecordingError, match="exists already"):
        RecordingWriter(path, HEADER)
    assert len(load(path).records) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_said_plainly():
    with pytest.raises(RecordingError, match="/dev/full: cannot be written: No space left on device"):
        RecordingWriter("/dev/full", HEADER)


def test_chunks_are_put_together_again():
    records = [
        Record(0.1, 1, "<", "data", b"greeting\r\n"),
        Record(0.2, 1, "<", "data", b"abc", None, ((2, 0.1),)),
        Record(0.2, 1, "<", "data", b"def"),
        Record(0.2, 1, ">", "data", b"xyz"),
        Record(0.3, 1, "<", "data", b"ghi", None, ((3, 0.25),)),
    ]
    assert recording.chunks(records) == [
        (1, "<", 0.1, b"greeting\r\nab"),
        (1, "<", 0.2, b"cdef"),
        (1, ">", 0.2, b"xyz"),
        (1, "<", 0.25, b"ghi"),
    ]


def test_a_header_with_half_a_character_can_be_read_back(tmp_path):
    path = write(tmp_path / "r.yaml", PING, header={"description": "half \udcff of one", "server": "\ud83d"})
    assert load(path).header["description"] == "half \ufffd of one"


pieces_of_a_file = st.sampled_from(
    ["---\n", "0.5 c1 > 1: |\n", "  Action: Ping\n", "0.5 c1 <:", ' "x\\r\\n"\n', "chunks: 1@0.5\n", "0.5 note: a\n",
     "0.5 c1 > eof:\n", "- a\n", "[", "{", "&a ", "*a", "!!binary AAAA\n", "? ", ": ", "%YAML 1.1\n", "...\n",
     "\t", "'"]
)  # fmt: skip


@given(st.lists(pieces_of_a_file | st.text(max_size=4), max_size=12).map("".join))
def test_any_file_is_a_recording_or_one_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(f"format: {FORMAT}\n---\n{content}\n---\n".encode("utf-8", "replace"))
    try:
        load(path)
        problem = f"{path}, line 0: none"
    except RecordingError as error:
        problem = str(error)
    assert problem.startswith(f"{path}, line ")
    assert "\n" not in problem


def test_nothing_is_written_after_a_record_that_could_not_be(tmp_path):
    class Full:
        def write(self, data):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    writer = RecordingWriter(tmp_path / "r.yaml", HEADER)
    working, writer._file = writer._file, Full()
    with pytest.raises(RecordingError, match="No space left on device"):
        writer.write(PING)
    writer._file = working
    with pytest.raises(RecordingError, match="No space left on device"):
        writer.write(PING)
    writer.close()
    assert load(tmp_path / "r.yaml").records == []
