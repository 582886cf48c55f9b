"""Faults of the framing: frames whose bytes are not those of a message as Asterisk writes it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from amisim.faults.fault import fault
from amisim.faults.frame import Fate, Frame


@fault(example="glue event A", before="A | B", after="Event: A⏎ | B")
def glue(frame: Frame) -> Iterator[Fate]:
    """The empty line at the end of the frame is missing, so that the next one is glued to it."""
    yield frame.but(frame.data.removesuffix(b"\r\n"))


@fault(example="lone_lf event A", before="A | B", after="Event: A␊␊ | B")
def lone_lf(frame: Frame) -> Iterator[Fate]:
    """The lines of the frame end in a lone LF."""
    yield frame.but(frame.data.replace(b"\r\n", b"\n"))


@fault(example="blank_lines 2 event A", before="A | B", after="Event: A⏎⏎⏎⏎ | B")
def blank_lines(frame: Frame, count: int = 2) -> Iterator[Fate]:
    """After the frame come `count` more empty lines."""
    yield frame.but(frame.data + b"\r\n" * count)


@fault(example="truncate 6 event A", before="A | B", after="Event: | B")
def truncate(frame: Frame, size: int = 10) -> Iterator[Fate]:
    """Of the frame come the first `size` bytes; the rest is lost."""
    yield frame.but(frame.data[:size])


@fault(
    gathers=True,
    example="interleave event A",
    before="Event: A⏎X: 1⏎⏎ | Event: B⏎Y: 2⏎⏎",
    after="Event: A⏎Event: B⏎X: 1⏎Y: 2⏎⏎⏎",
)
def interleave(frames: Sequence[Frame]) -> Iterator[Fate] | None:
    """The lines of the frame and of the next one come in turn."""
    if len(frames) < 2:
        return None
    lines = [line for pair in zip_longest(*(each.data.splitlines(True) for each in frames)) for line in pair if line]
    return iter([frames[0].but(b"".join(lines))])


@fault(example="bad_utf8 event A", before="A | B", after="Event: A\\xff\\xfe⏎⏎ | B")
def bad_utf8(frame: Frame, header: str = "") -> Iterator[Fate]:
    """The value of the header, of the last one unless named, ends in bytes that are no UTF-8."""
    yield _edit(frame, header, lambda line: [line + b"\xff\xfe"])


@fault(example="nul event A", before="A | B", after="Event: A\\x00⏎⏎ | B")
def nul(frame: Frame, header: str = "") -> Iterator[Fate]:
    """The value of the header, of the last one unless named, ends in a NUL."""
    yield _edit(frame, header, lambda line: [line + b"\0"])


@fault(example="long_line 8 event A", before="A | B", after="Event: A⏎X-Long: xxxxxxxx⏎⏎ | B")
def long_line(frame: Frame, size: int = 100_000) -> Iterator[Fate]:
    """The frame has one more header, whose value is `size` bytes long."""
    yield frame.with_lines([*frame.lines, b"X-Long: " + b"x" * size])


@fault(example="many_headers 2 event A", before="A | B", after="Event: A⏎X-Header: 1⏎X-Header: 2⏎⏎ | B")
def many_headers(frame: Frame, count: int = 1000) -> Iterator[Fate]:
    """The frame has `count` more headers."""
    yield frame.with_lines([*frame.lines, *(b"X-Header: %d" % each for each in range(1, count + 1))])


@fault(example="no_colon event A", before="Event: A⏎X: 1⏎⏎ | B", after="Event: A⏎X 1⏎⏎ | B")
def no_colon(frame: Frame, header: str = "") -> Iterator[Fate]:
    """The line of the header, of the last one unless named, has no colon."""
    yield _edit(frame, header, lambda line: [line.replace(b":", b"", 1)])


@fault(example="repeat_header event A", before="Event: A⏎X: 1⏎⏎ | B", after="Event: A⏎X: 1⏎X: 1⏎⏎ | B")
def repeat_header(frame: Frame, header: str = "") -> Iterator[Fate]:
    """The header, the last one unless named, comes twice."""
    yield _edit(frame, header, lambda line: [line, line])


@fault(example="rename_header event A header=X", before="Event: A⏎X: 1⏎⏎ | B", after="Event: A⏎X-X: 1⏎⏎ | B")
def rename_header(frame: Frame, header: str = "") -> Iterator[Fate]:
    """The header, the last one unless named, has another name: its own after `X-`."""
    yield _edit(frame, header, lambda line: [b"X-" + line])


@fault(
    example="reorder_headers event A", before="Event: A⏎X: 1⏎Y: 2⏎⏎ | B", after="Event: A⏎Y: 2⏎X: 1⏎⏎ | B"
)  # fmt: skip
def reorder_headers(frame: Frame) -> Iterator[Fate]:
    """The headers after the first come in the opposite order."""
    first, *others = frame.lines
    yield frame.with_lines([first, *reversed(others)])


@fault(example="junk event B", before="A | B", after="A | \\x16\\x03junk⏎⏎ | B")
def junk(frame: Frame) -> Iterator[Fate]:
    """Bytes that mean nothing come before the frame."""
    yield frame.but(b"\x16\x03junk\r\n\r\n")
    yield frame


def _edit(frame: Frame, header: str, change: Callable[[bytes], list[bytes]]) -> Frame:
    """The frame with something else in place of the line of a header."""
    lines, at = frame.lines, frame.find(header)
    return frame.with_lines([*lines[:at], *change(lines[at]), *lines[at + 1 :]])
