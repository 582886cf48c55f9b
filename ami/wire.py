"""Bytes to frames and back: the framing of AMI, for both directions, without I/O.

A *frame* is the exact bytes of one message with the empty line that ends it. Frames put end to end are the
stream that was read: nothing is dropped, added or normalised here. Three things besides messages are frames
of their own, because they stand in real streams: the greeting (one line, no empty line after it), an empty
line between messages, and the raw output that Asterisk up to 13 sends for `Command`.

Facts (Asterisk 11 to 23, seen on 16.28 and 22.10):

* a server ends lines with CRLF and a message with an empty line; a lone LF inside a message is data, but
  some modules write the empty line as a lone LF;
* a client may end lines with CRLF or LF, mixed; a line that begins with NUL counts as the empty line;
* `Response: Follows` is followed by raw text, which may hold empty lines, up to `--END COMMAND--`;
* a server takes lines of at most 1,022 bytes before their CRLF, and at most 128 of them in one message.
"""

import re
from collections.abc import Sequence

from ami.errors import ProtocolError

__all__ = [
    "DEFAULT_PORT", "EMPTY_LINE", "MAX_FRAME", "MAX_HEADERS", "MAX_LINE", "FrameReader", "decode", "encode",
    "encode_message",
]  # fmt: skip

DEFAULT_PORT = 5038
"""The port that Asterisk listens on unless `manager.conf` says otherwise."""

MAX_FRAME = 16 * 1024 * 1024
"""How many bytes a frame may have before its reader gives up, unless the reader is told otherwise."""

MAX_LINE = 1022
"""The longest line, in bytes without its line end, that Asterisk takes from a client."""

EMPTY_LINE = "\r\n\r\n"
"""How a message ends."""

MAX_HEADERS = 128
"""The largest number of lines in one message that Asterisk takes from a client."""

_FOLLOWS = b"Response: Follows\r\n"
_END_COMMAND = b"--END COMMAND--\r\n\r\n"

_END = EMPTY_LINE.encode()
_IRREGULAR = "\r\n\n", "\r\n\r\n\r", _FOLLOWS.decode()


class FrameReader:
    """Cuts one direction of a connection into frames, however the bytes arrive.

    `from_server` says whose bytes these are; a server's stream begins with the greeting.
    A frame that grows beyond `max_frame` bytes sets `error`, and no more frames come.
    """

    def __init__(self, *, from_server: bool, max_frame: int = MAX_FRAME) -> None:
        self.error: ProtocolError | None = None
        self._max_frame = max_frame
        self._from_server = self._greeting_due = from_server
        self._blank, self._end = _SERVER_ENDS if from_server else _CLIENT_ENDS
        self._buffer = bytearray()
        self._searched = 0  # how far the buffer is known to hold no end

    @property
    def pending(self) -> bytes:
        """What arrived of a frame whose end has not."""
        return bytes(self._buffer)

    @property
    def pending_size(self) -> int:
        """How many bytes that is."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the frames they complete, in order."""
        texts = self.feed_regular(data)
        return self._cut(data) if texts is None else [encode(text) + _END for text in texts]

    def feed_regular(self, data: bytes) -> list[str] | None:
        """What `feed` does, for bytes that are nothing but messages as servers end them: much faster.

        The messages are text here, without their empty lines. None for any other bytes: they were not taken.
        """
        pending = self._buffer
        if not self._from_server or self._greeting_due or self.error is not None or len(pending) > len(data):
            return None  # the last, because a long frame in short pieces must not be copied with each of them
        if pending:
            data = bytes(pending) + data
        if len(data) > self._max_frame or data[:1] in b"\r\n":
            return None
        text = decode(data)
        for irregular in _IRREGULAR:
            if text.rfind(irregular) >= 0:  # from the right, because CPython's search takes half the time then
                return None
        *messages, rest = text.split(EMPTY_LINE)
        if rest or pending:
            self._buffer = bytearray(encode(rest))
            self._searched = 0
        return messages

    def _cut(self, data: bytes) -> list[bytes]:
        """What `feed` does, for any bytes."""
        if self.error is not None:
            return []
        buffer = self._buffer
        buffer += data
        if b"\n" not in data and len(buffer) <= self._max_frame:
            return []  # every end ends with LF
        frames: list[bytes] = []
        start = 0
        search = self._searched
        while 0 < (end := self._find_end(start, search)) <= start + self._max_frame:
            frames.append(bytes(buffer[start:end]))
            start = search = end
        del buffer[:start]
        self._searched = self._safe_start(max(0, search - start))
        if len(buffer) > self._max_frame:
            begin = _beginning(buffer)
            self.error = ProtocolError(f"a frame of more than {self._max_frame:,} bytes; it begins {begin!r}")
        return frames

    def _safe_start(self, searched: int) -> int:
        """Where to search on when more has come: before anything that can be the beginning of an end."""
        longest = max(0, len(self._buffer) - len(_END_COMMAND))
        nul_line = -1 if self._from_server else self._buffer.rfind(b"\n\0", searched)
        return longest if nul_line < 0 else min(longest, nul_line)

    def _find_end(self, start: int, search: int) -> int:
        """Where the frame that begins at `start` ends; 0 while its end has not arrived."""
        buffer = self._buffer
        if self._greeting_due:
            end = buffer.find(b"\n", start) + 1
            self._greeting_due = not end
            return end
        if blank := self._blank.match(buffer, start):
            return blank.end()
        if self._from_server and buffer.startswith(_FOLLOWS, start):
            found = buffer.find(_END_COMMAND, search)
            return found + len(_END_COMMAND) if found >= 0 else 0
        match = self._end.search(buffer, max(start, search))
        return match.end() if match else 0


def _beginning(buffer: bytearray) -> bytes:
    """What to show of a frame: its first line, without a value that may be secret."""
    line = bytes(buffer[:60]).partition(b"\n")[0].rstrip(b"\r")
    key, colon, _ = line.partition(b":")
    return line if key.lower() in (b"event", b"response", b"action") else key + colon


_SERVER_ENDS = re.compile(rb"\r?\n"), re.compile(rb"\r\n\r?\n")
_CLIENT_ENDS = re.compile(rb"\r?\n|\0[^\n]*\n"), re.compile(rb"\n(?:\r?\n|\0[^\n]*\n)")


def decode(data: bytes) -> str:
    """Bytes of the wire as text: UTF-8, with bytes that are not kept as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Text as the bytes it was decoded from."""
    return text.encode("utf-8", "surrogateescape")


def encode_message(headers: Sequence[tuple[str, str]]) -> str:
    """A client's message with these headers, as text, with its empty line.

    Raises `ValueError` for a CR or LF in a header, which would begin a message of its own; and for a message that
    Asterisk would refuse or cut: NUL in a header, a line, or their number, too large.
    """
    text = "".join([f"{key}: {value}\r\n" for key, value in headers])
    count = len(headers)
    if text.count("\r") != count or text.count("\n") != count:
        key = next(key for key, value in headers if any(end in key or end in value for end in "\r\n"))
        raise ValueError(f"AMI header keys/values must not contain CR or LF: header {key!r}")
    if "\0" in text:
        key = next(key for key, value in headers if "\0" in key or "\0" in value)
        raise ValueError(f"AMI header keys/values must not contain NUL, which ends them: header {key!r}")
    if count > MAX_HEADERS:
        raise ValueError(f"a message of {count} headers; Asterisk takes {MAX_HEADERS} at most")
    if len(text) > MAX_LINE or not text.isascii():
        _check_lines(headers)
    return text + "\r\n"


def _check_lines(headers: Sequence[tuple[str, str]]) -> None:
    """Raise `ValueError` for a line that is too long."""
    for key, value in headers:
        size = len(encode(f"{key}: {value}"))
        if size > MAX_LINE:
            raise ValueError(f"header {key!r} makes a line of {size:,} bytes; Asterisk takes {MAX_LINE:,} at most")
