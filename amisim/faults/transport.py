"""Faults of the transport: when and in which pieces the bytes come, and whether the connection lives."""

from collections.abc import Iterator, Sequence

from ami.wire import encode
from amisim.faults.fault import fault
from amisim.faults.frame import FOR_EVER, Fate, Frame
from amisim.steps import Close, Wait


@fault(example="delay 5 event B", before="A | B | C", after="A | +5s | B | C")
def delay(frame: Frame, seconds: float = 5) -> Iterator[Fate]:
    """The frame comes `seconds` later, and what is behind it not before it."""
    yield Wait(seconds)
    yield frame


@fault(example="jitter 2 event B", before="A | B | C", after="A | +1s | B | C")
def jitter(frame: Frame, seconds: float = 0.5) -> Iterator[Fate]:
    """The frame comes later, by a random time of up to `seconds`; the order stays."""
    yield Wait(frame.chance * seconds)
    yield frame


@fault(example="throttle 60 event B", before="A | B | C", after="A | Event: | +0.1s |  B⏎⏎ | +0.1s | C")
def throttle(frame: Frame, rate: float = 1000) -> Iterator[Fate]:
    """The bytes come in pieces, `rate` bytes in a second."""
    size = max(1, int(rate / 10))
    for piece in _pieces(frame.data, size):
        yield frame.but(piece)
        yield Wait(len(piece) / rate)


@fault(example="split event B size=6", before="A | B | C", after="A | Event: |  B⏎⏎ | C")
def split(frame: Frame, size: int = 1) -> Iterator[Fate]:
    """The frame comes in pieces of `size` bytes, each a write of its own."""
    for piece in _pieces(frame.data, size):
        yield frame.but(piece)


@fault(gathers=True, example="coalesce 2 event", before="A | B | C | D", after="AB | CD")
def coalesce(frames: Sequence[Frame], count: int = 2) -> Iterator[Fate] | None:
    """The frame and those behind it, `count` together, come in one write."""
    if len(frames) < count:
        return None
    return iter([frames[0].but(b"".join(each.data for each in frames))])


@fault("connection", example="stall 5 event A", before="A | B | +1s | C", after="A | +5s | B | C")
def stall(frame: Frame, seconds: float = 5) -> Iterator[Fate]:
    """After the frame nothing comes for `seconds`; then all of it at once."""
    yield frame
    yield Wait(seconds)


@fault("connection", example="silent event B", before="A | B | C", after="A")
def silent(frame: Frame) -> Iterator[Fate]:
    """In place of the frame, and from then on, nothing comes; the connection stays open."""
    yield Wait(FOR_EVER)


@fault("connection", example="refuse connection", before="hello | A", after="FIN")
def refuse(frame: Frame) -> Iterator[Fate]:
    """The connection is closed in order, in place of the frame."""
    yield Close()


@fault("connection", example="reset event B", before="A | B | C", after="A | RST")
def reset(frame: Frame) -> Iterator[Fate]:
    """The connection is reset, in place of the frame."""
    yield Close("reset")


@fault("connection", example="half_close event B", before="A | B | C", after="A | half FIN")
def half_close(frame: Frame) -> Iterator[Fate]:
    """The server closes its sending side, in place of the frame, and still takes what the client sends."""
    yield Close("half")


@fault(example="cut 8 event B", before="A | B | C", after="A | Event: B | FIN")
def cut(frame: Frame, size: int = 10) -> Iterator[Fate]:
    """Of the frame come the first `size` bytes; then the connection is closed."""
    yield frame.but(frame.data[:size])
    yield Close()


@fault("greeting", example="wrong_banner", before="hello | A", after="SSH-2.0-OpenSSH_9.2⏎ | A")
def wrong_banner(frame: Frame, text: str = "SSH-2.0-OpenSSH_9.2") -> Iterator[Fate]:
    """Another line comes in place of the greeting."""
    yield frame.but(encode(text) + b"\r\n")


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))
