"""What a server sees in a client's frame, as Asterisk sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim.action import read_action


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


@given(st.binary(max_size=200))
def test_no_frame_is_too_odd_to_be_read(frame):
    assert read_action(frame).frame == frame
