"""Bytes as they may come: in any chunks, of frames that are not as they should be, and of nothing at all."""

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from amisim.faults import KINDS
from amisim.faults.frame import Frame
from amisim.strategies.content import messages

__all__ = ["chunkings", "garbage", "malformed_frames"]

_FRAMING = [kind for kind in KINDS.values() if kind.layer == "framing"]
_HOW_MUCH = {
    "truncate": st.integers(1, 60),
    "blank_lines": st.integers(1, 3),
    "long_line": st.sampled_from([1100, 70_000]),
    "many_headers": st.sampled_from([130, 1000]),
}
_PIECES = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\0", b"\r\n\r\n", b"\n\0", b"\r\n\n", b":", b": ", b"A: b\r\n", b"nonsense\r\n\r\n",
     b"Event: ", b"Event: X\r\n", b"Response: Success\r\n", b"Response: Follows\r\n", b"Response: Follows",
     b"--END COMMAND--", b"--END COMMAND--\r\n\r\n", b"\r\n--END COM", b"Action: Ping\r\n", b"ActionID: 1\r\n",
     b"EventList: Complete\r\n", b"Asterisk Call Manager/11.0.0\r\n",
     b"some text of some length, longer than an end marker", b"\xc3\xa4", b"\xff", b"\x16\x03\x01\x02"]
)  # fmt: skip


def chunkings(data: bytes) -> SearchStrategy[list[bytes]]:
    """All ways to cut bytes, of which some are more likely: near the ends of lines, and into single bytes.

    No chunk is empty. It shrinks to all in one.
    """
    ends = [place for place, byte in enumerate(data) if byte in b"\r\n" and place]
    places = st.integers(1, max(1, len(data) - 1))
    near = places if not ends else st.sampled_from(ends) | st.sampled_from(ends).map(lambda place: place + 1)
    every = st.just(set(range(1, len(data) if len(data) <= 1000 else 1)))
    return (st.sets(places, max_size=5) | st.sets(near, max_size=12) | every).map(lambda cuts: _cut(data, cuts))


def _cut(data: bytes, cuts: set[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(place for place in cuts if place < len(data))})
    return [data[start:end] for start, end in pairwise(bounds)]


def malformed_frames(frames: SearchStrategy[bytes] | None = None) -> SearchStrategy[bytes]:
    """Frames that have something wrong with them, of the messages of a server unless it is told of which.

    What is wrong is one of the faults of the framing (`amisim.faults`): no empty line at the end, lone LF, empty lines,
    cut short, two interleaved, bytes that are no UTF-8, NUL, a long line, many headers, no colon, a header that is
    repeated, renamed or out of its order, junk before it. `malformed_frames(action_frames())` is for a server.
    """
    return _malformed(_FRAMES if frames is None else frames)


@st.composite
def _malformed(draw: DrawFn, frames: SearchStrategy[bytes]) -> bytes:
    kind = draw(st.sampled_from(_FRAMING))
    much = [float(draw(_HOW_MUCH[kind.name]))] if kind.name in _HOW_MUCH else []
    fault, frame = kind(*much), Frame(draw(frames))
    fates = (fault.gather([frame, Frame(draw(frames))]) or ()) if kind.gathers else fault.apply(frame)
    return b"".join(each.data for each in fates if isinstance(each, Frame))


def garbage(frames: SearchStrategy[bytes] | None = None) -> SearchStrategy[bytes]:
    """Bytes that no peer should send: whole frames, malformed ones, parts of the protocol and other bytes, mixed.

    The frames are those of a server's messages unless others are given. There is no greeting at the beginning.
    """
    whole = _FRAMES if frames is None else frames
    return st.lists(_PIECES | st.binary(max_size=6) | whole | malformed_frames(frames), max_size=8).map(b"".join)


_FRAMES = messages().map(lambda message: message.frame)
