"""What a server sees in a client's frame, as Asterisk sees it."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami.wire import FrameReader
from amisim import strategies
from amisim.action import ActionReader, read_action


@pytest.mark.parametrize(
    ("frame", "name", "action_id", "headers"),
    [
        (b"Action: Ping\r\nActionID: 1\r\n\r\n", "Ping", "1", ()),
        (b"action:Ping\nactionid:\t 1\n\n", "Ping", "1", ()),
        (b"Action: Ping \r\nActionID: x  \r\n\r\n", "Ping ", "x  ", ()),
        (b"Action : Ping\r\n Action: Ping\r\nActionID: 1\r\n\r\n", "", "1", (("Action ", "Ping"),)),
        (b"Action:\r\nAction: Ping\r\nActionID:\r\nActionID: 2\r\n\r\n", "Ping", "", ()),
        (b"Action: Ping\r\nX: a\0b\r\nno header\r\nX: c:d\r\n\r\n", "Ping", "", (("X", "a"), ("X", "c:d"))),
        (b"Action: A\r\nCR: 5\r\r\n\r\n", "A", "", (("CR", "5\r"),)),
        (b"Action: A\r\nBad: \xff\r\n\r\n", "A", "", (("Bad", "\udcff"),)),
        (b"\r\n", "", "", ()),
        (b"", "", "", ()),
    ],
)
def test_frames_are_read_as_asterisk_reads_them(frame, name, action_id, headers):
    action = read_action(frame)
    assert (action.name, action.action_id, action.headers) == (name, action_id, headers)
    assert action.frame == frame


def test_the_first_of_repeated_headers_is_taken_whatever_its_case():
    assert read_action(b"Action: A\r\nQueue: one\r\nqueue: two\r\n\r\n").get("QUEUE") == "one"
    assert read_action(b"Action: A\r\n\r\n").get("Queue", "none") == "none"


@given(strategies.garbage())
def test_no_frame_is_too_odd_to_be_read(frame):
    assert read_action(frame).frame == frame


def read(data: bytes, **limits: int) -> list[tuple[str, str, str]]:
    return [(each.name, each.action_id, each.problem) for each in ActionReader(**limits).feed(data)]


LINE_TOO_LONG = "Failed to parse message: line too long"
TOO_MANY_LINES = "Too many lines in message or allocation failure"


@pytest.mark.parametrize(
    ("data", "actions"),
    [
        (b"Action: Ping\r\nActionID: 1\r\n\r\nAction: Ping\n\n", [("Ping", "1", ""), ("Ping", "", "")]),
        (b"\r\n\n\0any\n", [("", "", "")] * 3),
        (b"Action: Ping\r\nX: " + b"x" * 1019 + b"\r\n\r\n", [("Ping", "", "")]),
        (b"Action: Ping\r\nX: " + b"x" * 1020 + b"\n\n", [("Ping", "", "")]),
        # The rest of the line is CR LF here, which is what an empty line looks like.
        (
            b"Action: Ping\r\nActionID: 1\r\nX: " + b"x" * 1020 + b"\r\n\r\n",
            [("Ping", "1", LINE_TOO_LONG), ("", "", "")],
        ),
        (b"Action: Ping\r\nX: " + b"x" * 1021 + b"\r\n\r\n", [("Ping", "", LINE_TOO_LONG)]),
        (b"Action: Ping\r\nX: " + b"x" * 2042 + b"\r\n\r\n", [("Ping", "", LINE_TOO_LONG)]),
        (b"Action: Ping\r\nX: " + b"x" * 2043 + b"\r\n\r\n", [("Ping", "", LINE_TOO_LONG), ("", "", "")]),
        (b"Action: Ping\r\nX: " + b"x" * 2043 + b"\n\n", [("Ping", "", LINE_TOO_LONG)]),
        (b"Action: Ping\r\nX: " + b"x" * 2000 + b"\r\nActionID: 1\r\n\r\n", [("Ping", "1", LINE_TOO_LONG)]),
        (b"X: " + b"x" * 1020 + b"Action: Ping\r\n\r\n", [("Ping", "", LINE_TOO_LONG)]),  # a header of its own
        (b"Action: Ping\r\n" + b"A: b\r\n" * 127 + b"\r\n", [("Ping", "", "")]),
        (b"Action: Ping\r\n" + b"no header\r\n" * 128 + b"\r\n", [("Ping", "", TOO_MANY_LINES)]),
        (b"A: b\r\n" * 128 + b"Action: Ping\r\n\r\nAction: Ping\r\n\r\n", [("", "", TOO_MANY_LINES), ("Ping", "", "")]),
    ],
)
def test_a_stream_is_cut_as_asterisk_cuts_it(data, actions):
    assert read(data) == actions


def test_the_limits_can_be_set():
    assert read(b"Action: Ping\r\nA: b\r\n\r\n", max_line=14) == [("Ping", "", "")]
    assert read(b"Action: Ping\r\nA: b\r\n\r\n", max_line=13)[0][2] == LINE_TOO_LONG
    assert read(b"Action: Ping\r\nA: b\r\n\r\n", max_headers=1) == [("Ping", "", TOO_MANY_LINES)]


LINES = st.lists(
    st.sampled_from([b"", b"\r", b"\0", b"Action: Ping", b"A: b\r", b"x" * 9, b"x" * 30, b"\xff"]), max_size=30
)


@given(st.data(), LINES, st.integers(8, 40), st.integers(1, 5))
def test_chunks_do_not_matter(draws, lines, max_line, max_headers):
    data = b"\n".join(lines)
    reader = ActionReader(max_line=max_line, max_headers=max_headers)
    actions = [each for chunk in draws.draw(strategies.chunkings(data)) for each in reader.feed(chunk)]
    assert actions == ActionReader(max_line=max_line, max_headers=max_headers).feed(data)


@given(LINES)
def test_what_is_within_the_limits_is_cut_as_everywhere(lines):
    data = b"\n".join(lines)
    frames = FrameReader(from_server=False).feed(data)
    assert ActionReader().feed(data) == [read_action(frame) for frame in frames]


def test_a_client_that_ends_no_line_takes_no_memory():
    reader = ActionReader()
    tracemalloc.start()
    for _ in range(1000):
        assert reader.feed(b"x" * 65536) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000
