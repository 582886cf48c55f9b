"""Every byte that two real servers and their clients exchanged, read by `ami` and imported by `amisim`."""

import gzip
import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ami import wire
from ami.catalogue import Event, parse
from ami.message import Message
from amisim import recording
from amisim.importer import read_amicap
from amisim.recording import RecordingWriter, load


def read(stream: bytes, direction: str, sizes=None) -> list[bytes]:
    reader = wire.FrameReader(from_server=direction == "s2c")
    frames = []
    position = 0
    for size in sizes or [len(stream)]:
        frames += reader.feed(stream[position : position + size])
        position += size
    frames += reader.feed(stream[position:])
    assert reader.error is None
    return [*frames, reader.pending] if reader.pending else frames


def test_every_frame_is_written_back_byte_for_byte(streams):
    assert streams
    for (_, direction), stream in streams.items():
        frames = read(stream, direction)
        messages = [Message(frame) for frame in frames]
        for message in messages:
            assert message.pairs or message.data or not message.frame.strip(b"\r\n\0")
            assert wire.encode(wire.decode(message.frame)) == message.frame
        assert b"".join(message.frame for message in messages) == stream


def test_every_frame_is_an_empty_line_or_ends_with_the_only_one_in_it(streams):
    # An empty line: for what a client sends, after LF, too; one that begins with NUL counts as one.
    ends = {"s2c": re.compile(rb"\r\n\r?\n"), "c2s": re.compile(rb"\n(?:\r?\n|\0[^\n]*\n)")}
    for (_, direction), stream in streams.items():
        frames = read(stream, direction)
        if direction == "s2c":
            assert frames.pop(0).count(b"\n") == 1
        if frames and not ends[direction].search(frames[-1]):
            frames.pop()  # the connection ended in the middle of it
        for frame in frames:
            found = [match.end() for match in ends[direction].finditer(frame)]
            assert found == [len(frame)] or re.fullmatch(rb"\r?\n|\0[^\n]*\n", frame)


def test_every_frame_is_the_same_byte_by_byte(streams):
    for (_, direction), stream in streams.items():
        # Some are long, for a reader that is slow, and say the same over and over.
        begin = stream[:20_000]
        assert read(begin, direction, [1] * len(begin)) == read(begin, direction)


@pytest.fixture
def frames(streams):
    """Each stream of a capture with its direction, and its frames when it is read at once."""
    return [(stream, direction, read(stream, direction)) for (_, direction), stream in streams.items()]


# The simplest chunks are the greatest: all of a long stream byte by byte takes seconds, and the test above has that.
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(sizes=st.lists(st.integers(0, 2999).map(lambda less: 3000 - less), min_size=8, max_size=30))
def test_every_frame_is_the_same_in_random_chunks(frames, sizes):
    for stream, direction, whole in frames:
        assert read(stream, direction, sizes * (len(stream) // sum(sizes) + 1)) == whole


def test_every_message_of_a_server_is_a_response_or_an_event_with_a_name(streams):
    for (_, direction), stream in streams.items():
        if direction == "s2c":
            greeting, *frames = read(stream, direction)
            assert greeting.startswith(b"Asterisk Call Manager/")
            messages = [parse(frame) for frame in frames if frame.strip(b"\r\n")]
            for message in messages:
                assert message.name
                assert isinstance(message, Event) == (message.frame[:6] != b"Respon") or message.name.startswith(
                    "Generic"
                )


def test_an_imported_capture_keeps_every_byte_chunk_and_time(capture, tmp_path):
    header, records = read_amicap(capture)
    with RecordingWriter(tmp_path / "imported.yaml", header) as writer:
        for record in records:
            writer.write(record)
    with gzip.open(capture, "rt") as file:
        rows = list(map(json.loads, file))[1:]
    captured = [
        (row["c"], {"c2s": ">", "s2c": "<"}[row["d"]], row["t"], row["b"].encode("latin-1"))
        for row in rows
        if "b" in row
    ]
    loaded = load(tmp_path / "imported.yaml")
    assert sorted(recording.chunks(loaded.records)) == sorted(captured)
    ends = [row for row in rows if row["d"].endswith(("open", "eof", "err", "note"))]
    assert len([record for record in loaded.records if record.kind != "data"]) == len(ends)
