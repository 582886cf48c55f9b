"""Framing: every byte belongs to one frame, and how the bytes arrive makes no difference."""

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ami import wire
from ami.errors import ProtocolError
from ami.wire import MAX_HEADERS, MAX_LINE, FrameReader
from amisim import strategies

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
PONG = b"Response: Success\r\nPing: Pong\r\n\r\n"
HANGUP = b"Event: Hangup\r\nCause: 16\r\n\r\n"
PING = b"Action: Ping\r\nActionID: 1\r\n\r\n"
FOLLOWS = b"Response: Follows\r\nPrivilege: Command\r\nActionID: 1\r\n"

SERVER_STREAMS = {
    "a greeting": [GREETING],
    "a greeting that ends in LF": [b"Asterisk Call Manager/1.0\n", PONG],
    "an empty greeting": [b"\r\n", PONG],
    "messages": [GREETING, PONG, HANGUP, PONG],
    "empty lines between messages": [GREETING, b"\r\n", PONG, b"\r\n", b"\n", b"\r\n", HANGUP],
    "an empty line that is a lone LF": [GREETING, b"Event: A\r\n\n", b"Event: B\r\nC: d\r\n\n", PONG],
    "a lone LF, which is data": [GREETING, b"Event: A\r\nB: c\nEvent: D\r\n\r\n", PONG],
    "two lone LFs, which are data": [GREETING, b"Event: A\r\nB: c\n\nD: e\r\n\r\n", PONG],
    "a lone LF before CRLF": [GREETING, b"Response: Error\r\nMessage: No AORs found\n\r\n\r\n", PONG],
    "a lone CR, which is data": [GREETING, b"Event: A\r\nB: c\r\r\n\r\n", PONG],
    "a NUL, which is data": [GREETING, b"Event: A\r\n\0\r\n\r\n", PONG],
    "a command's raw output": [GREETING, FOLLOWS + b"one\ntwo\n--END COMMAND--\r\n\r\n", PONG],
    "empty lines in raw output": [GREETING, FOLLOWS + b"one\r\n\r\ntwo\n\n--END COMMAND--\r\n\r\n", PONG],
    "an end marker glued to raw output": [GREETING, FOLLOWS + b"no line end--END COMMAND--\r\n\r\n", PONG],
    "raw output that quotes the end marker": [GREETING, FOLLOWS + b"--END COMMAND--\nx--END COMMAND--\r\n\r\n", PONG],
    "no raw output": [GREETING, FOLLOWS + b"--END COMMAND--\r\n\r\n", PONG],
    "raw output twice": [GREETING, *[FOLLOWS + b"a\r\n\r\nb\n--END COMMAND--\r\n\r\n"] * 2, PONG],
    "Follows that is no first header": [GREETING, b"Event: A\r\nResponse: Follows\r\n\r\n", PONG],
    "a message without headers": [GREETING, b"nonsense\r\n\r\n", PONG],
    "bytes that are no UTF-8": [GREETING, b"Event: \xff\xfe\x80\r\n\r\n", PONG],
}
CLIENT_STREAMS = {
    "actions": [PING, PING],
    "lines that end in LF": [b"Action: Ping\n\n", b"Action: Ping\nA: b\n\n", PING],
    "line ends that are mixed": [b"Action: Ping\nA: b\r\n\n", b"Action: Ping\r\nA: b\n\r\n", PING],
    "empty lines between actions": [b"\r\n", b"\n", PING, b"\r\n", b"\r\n", b"\n", PING],
    "a line that begins with NUL": [b"Action: Ping\r\n\0more\r\n", PING, b"Action: Ping\n\0\n", PING],
    "a NUL line outside a message": [b"\0\r\n", b"\0nothing\n", PING],
    "a NUL within a line": [b"Action: Ping\0hidden\r\n\r\n", PING],
    "a lone CR, which is data": [b"Action: Ping\r\nA: 5\r\r\n\r\n", PING],
    "a greeting, which is no greeting here": [GREETING + b"\r\n", PING],
    "Follows, which is nothing special here": [b"Response: Follows\r\n\r\n", b"x--END COMMAND--\r\n\r\n"],
}
STREAMS = [
    *(pytest.param(True, frames, id=f"server: {name}") for name, frames in SERVER_STREAMS.items()),
    *(pytest.param(False, frames, id=f"client: {name}") for name, frames in CLIENT_STREAMS.items()),
]

CUT_STREAMS = strategies.garbage().flatmap(lambda stream: st.tuples(st.just(stream), strategies.chunkings(stream)))
"""A stream, and the same in chunks."""


def read(reader: FrameReader, chunks: list[bytes]) -> list[bytes]:
    return [frame for chunk in chunks for frame in reader.feed(chunk)]


def in_bytes(stream: bytes) -> list[bytes]:
    return [stream[place : place + 1] for place in range(len(stream))]


def frames_of_a_client(stream: bytes) -> list[bytes]:
    frames, frame = [], b""
    for line in stream.split(b"\n")[:-1]:
        frame += line + b"\n"
        if line in (b"", b"\r") or line.startswith(b"\0"):
            frames.append(frame)
            frame = b""
    return frames


def frames_of_a_server(stream: bytes) -> list[bytes]:
    greeting, end, rest = stream.partition(b"\n")
    frames = [greeting + end] if end else []
    while end and rest:
        if rest.startswith((b"\n", b"\r\n")):
            ends = [b"\n"]
        elif rest.startswith(b"Response: Follows\r\n"):
            ends = [b"--END COMMAND--\r\n\r\n"]
        else:
            ends = [b"\r\n\r\n", b"\r\n\n"]
        found = [rest.index(each) + len(each) for each in ends if each in rest]
        if not found:
            break
        frames.append(rest[: min(found)])
        rest = rest[min(found) :]
    return frames


@pytest.mark.parametrize(("from_server", "frames"), STREAMS)
def test_a_stream_that_arrives_whole_is_cut_into_its_frames(from_server, frames):
    reader = FrameReader(from_server=from_server)
    assert reader.feed(b"".join(frames)) == frames
    assert reader.pending == b""


@pytest.mark.parametrize(("from_server", "frames"), STREAMS)
def test_a_stream_that_arrives_byte_by_byte_is_cut_into_the_same_frames(from_server, frames):
    reader = FrameReader(from_server=from_server)
    assert read(reader, in_bytes(b"".join(frames))) == frames
    assert reader.pending == b""


@pytest.mark.parametrize(("from_server", "frames"), STREAMS)
def test_a_frame_comes_with_its_last_byte_and_not_before(from_server, frames):
    reader = FrameReader(from_server=from_server)
    for frame in frames:
        assert read(reader, in_bytes(frame[:-1])) == []
        assert reader.pending == frame[:-1]
        assert reader.feed(frame[-1:]) == [frame]
        assert reader.pending == b""


@given(cut=CUT_STREAMS, from_server=st.booleans())
@example(cut=(b"\0" + b"x" * 40 + b"\n\0" + b"y" * 40 + b"\n", [b"\0" + b"x" * 40, b"\n\0" + b"y" * 40, b"\n"]),
         from_server=False)  # fmt: skip
def test_no_byte_is_lost_however_the_stream_is_cut(cut, from_server):
    stream, chunks = cut
    reader = FrameReader(from_server=from_server)
    assert b"".join(read(reader, chunks)) + reader.pending == stream
    assert reader.error is None


@given(cut=CUT_STREAMS, from_server=st.booleans())
@example(cut=(b"A: b\n\0" + b"y" * 90 + b"\n", [b"A: b\n\0" + b"y" * 45, b"y" * 45 + b"\n"]), from_server=False)
def test_the_frames_are_those_of_the_whole_stream_however_it_is_cut(cut, from_server):
    stream, chunks = cut
    expected = (frames_of_a_server if from_server else frames_of_a_client)(stream)
    assert read(FrameReader(from_server=from_server), chunks) == expected


REGULAR = st.sampled_from([PONG, HANGUP, b"Event: A\r\n\r\n", b"x\r\n\r\n"])
ODD = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"Event: A\r\n\n", b"Event: A\nB: c\n\n", b"B: c\r\n", FOLLOWS, FOLLOWS + b"a\r\n\r\nb",
     b"--END COMMAND--\r\n\r\n", b"Event: A\r\nResponse: Follows\r\n\r\n", b"A\n\0b\r\n", PONG[:-1], HANGUP[:-3]]
)  # fmt: skip


@given(
    parts=st.lists(REGULAR | ODD, max_size=12),
    places=st.sets(st.integers(0, 300), max_size=3),
    max_frame=st.sampled_from([40, 10_000]),
)
@example(parts=[b"\r\n", PONG], places=set(), max_frame=10_000)
@example(parts=[PONG, b"\r\n", b"\r\n", PONG], places=set(), max_frame=10_000)
@example(parts=[b"Event: A\r\n\n", PONG, b"\n", PONG], places=set(), max_frame=10_000)
@example(parts=[PONG, FOLLOWS, b"a\r\n\r\n--END COMMAND--\r\n\r\n", PONG], places=set(), max_frame=10_000)
@example(parts=[HANGUP, b"Event: A\r\nBCD: efghijklmnopqrstuvwxyz\r\nEFG: h\r\n\r\n"], places=set(), max_frame=40)
def test_messages_in_large_pieces_are_cut_as_all_else(parts, places, max_frame):
    stream = b"".join(parts)
    bounds = sorted({0, *(place for place in places if place < len(stream)), len(stream)})
    expected = frames_of_a_server(GREETING + stream)[1:]
    too_long = [number for number, frame in enumerate(expected) if len(frame) > max_frame]
    expected = expected[: too_long[0]] if too_long else expected
    reader = FrameReader(from_server=True, max_frame=max_frame)
    assert reader.feed(GREETING) == [GREETING]
    assert read(reader, [stream[start:end] for start, end in pairwise(bounds)]) == expected
    if reader.error is None:
        assert b"".join(expected) + reader.pending == stream
    else:
        assert len(stream) - len(b"".join(expected)) > max_frame


def test_an_end_is_found_at_once_after_a_long_beginning_and_a_large_piece():
    reader = FrameReader(from_server=True)
    assert reader.feed(GREETING) == [GREETING]
    long = b"Event: A\r\n" + b"B: c\r\n" * 9 + b"C: d"
    assert reader.feed(long[:40]) == []
    assert reader.feed(long[40:]) == []
    assert reader.feed(b"\r\n\r\n" + PONG * 3 + PONG[:-1]) == [long + b"\r\n\r\n", *[PONG] * 3]
    assert reader.feed(PONG[-1:]) == [PONG]


@pytest.mark.parametrize(
    ("from_server", "begin", "piece"),
    [
        (True, GREETING + b"Event: A\r\n", b"B: " + b"x" * 1019 + b"\r\n"),
        (True, GREETING + b"Event: A\r\n", b"x" * 1024),
        (True, GREETING + b"Event: A\nB: \n\0\r\n", b"B: " + b"x" * 1019 + b"\r\n"),
        (True, GREETING + FOLLOWS, b"x" * 1020 + b"\r\n\r\n"),
        (False, b"Action: A\r\n", b"B: " + b"x" * 1019 + b"\r\n"),
        (False, b"Action: A\r\n\0", b"x" * 1024),
    ],
)
def test_a_long_frame_in_short_pieces_is_read_in_proportion_to_its_length(from_server, begin, piece):
    reader = FrameReader(from_server=from_server)
    reader.feed(begin)
    start = time.process_time()
    for _ in range(8 * 1024):
        assert reader.feed(piece) == []
    assert time.process_time() - start < 2  # seconds; a copy of all that has come, or a search of it, takes ten
    (frame,) = reader.feed(b"\r\n--END COMMAND--\r\n\r\n" if begin.endswith(FOLLOWS) else b"\r\n\r\n")[:1]
    assert len(frame) > 8 * 1024 * 1024


@given(cut=CUT_STREAMS, from_server=st.booleans(), max_frame=st.integers(1, 60))
def test_a_limit_cuts_the_stream_off_at_the_same_frame_however_it_arrives(cut, from_server, max_frame):
    stream, chunks = cut
    expected = []
    for frame in (frames_of_a_server if from_server else frames_of_a_client)(stream):
        if len(frame) > max_frame:
            break
        expected.append(frame)
    reader = FrameReader(from_server=from_server, max_frame=max_frame)
    assert read(reader, chunks) == expected
    assert (reader.error is not None) == (len(stream) - len(b"".join(expected)) > max_frame)


def test_a_frame_of_exactly_the_limit_passes():
    reader = FrameReader(from_server=False, max_frame=len(PING))
    assert reader.feed(PING + PING) == [PING, PING]
    assert reader.error is None


def test_a_frame_beyond_the_limit_is_an_error_that_says_how_it_begins():
    reader = FrameReader(from_server=False, max_frame=1000)
    assert reader.feed(PING + b"Action: Long" + b"x" * 1000) == [PING]
    assert isinstance(reader.error, ProtocolError)
    assert "1,000 bytes" in str(reader.error)
    assert "b'Action: Longxxx" in str(reader.error)


def test_after_an_error_no_more_frames_come():
    reader = FrameReader(from_server=False, max_frame=10)
    reader.feed(b"x" * 11)
    assert reader.feed(b"\r\n\r\n" + PING) == []


@given(data=st.binary())
def test_any_bytes_survive_decoding_and_encoding(data):
    assert wire.encode(wire.decode(data)) == data


def test_text_is_utf_8():
    assert wire.decode("Käufer".encode()) == "Käufer"
    assert wire.encode("Käufer") == "Käufer".encode()


def test_headers_are_encoded_as_lines_with_an_empty_one_at_the_end():
    assert wire.encode_message([("Channel", "PJSIP/100"), ("Data", "")]) == "Channel: PJSIP/100\r\nData: \r\n\r\n"
    assert wire.encode_message([]) == "\r\n"


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("place", ["key", "value"])
def test_a_line_end_in_a_header_is_refused_and_named(place, line_end):
    key = f"Va{line_end}lue" if place == "key" else "Value"
    value = f"x{line_end}Action: Logoff" if place == "value" else "x"
    with pytest.raises(ValueError, match="AMI header keys/values must not contain CR or LF") as caught:
        wire.encode_message([("Action", "X"), (key, value), ("ActionID", "1")])
    assert str(caught.value).endswith(f"header {key!r}")


@given(st.lists(st.tuples(st.text(alphabet="ab \r\n"), st.text(alphabet="ab \r\n"))))
def test_no_header_becomes_more_than_one_line(headers):
    try:
        text = wire.encode_message(headers)
    except ValueError:
        assert any(end in key + value for key, value in headers for end in "\r\n")
    else:
        assert len(text.splitlines()) == len(headers) + 1


def test_the_error_about_a_line_end_does_not_show_the_value():
    with pytest.raises(ValueError, match="header 'Secret'") as caught:
        wire.encode_message([("Secret", "s3cret\n")])
    assert "s3cret" not in str(caught.value)


def test_the_longest_line_that_asterisk_takes_passes():
    wire.encode_message([("Key", "x" * (MAX_LINE - len("Key: ")))] * 3)
    assert MAX_LINE == 1022


def test_a_longer_line_is_refused_and_named():
    with pytest.raises(ValueError, match=r"'Key' makes a line of 1,023 bytes; Asterisk takes 1,022"):
        wire.encode_message([("Action", "X"), ("Key", "x" * (MAX_LINE - len("Key: ") + 1))])


def test_a_line_is_measured_in_bytes_not_in_characters():
    with pytest.raises(ValueError, match="1,200 bytes"):
        wire.encode_message([("Text", "ä" * 597)])


def test_the_largest_number_of_headers_that_asterisk_takes_passes():
    wire.encode_message([("A", "b")] * MAX_HEADERS)
    assert MAX_HEADERS == 128


def test_a_larger_number_of_headers_is_refused():
    with pytest.raises(ValueError, match="a message of 129 headers; Asterisk takes 128"):
        wire.encode_message([("A", "b")] * (MAX_HEADERS + 1))
