"""AMI in captures of packets: pcap and pcapng, as tcpdump and Wireshark write them.

TCP is put together again: segments that were repeated, overlap, or came out of order. A connection is taken if its
server greets as Asterisk does or listens on AMI's port; a new SYN begins a new one. Where bytes are missing, a note
says so, and nothing is put together across that.
"""

import importlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from ami.wire import DEFAULT_PORT
from amisim.causes import RecordBuilder
from amisim.recording import Direction, Record, RecordingError

__all__ = ["CUT_PCAP", "MAGIC", "read_pcap"]

MAGIC = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")
"""How such files begin."""

CUT_PCAP = "the capture is cut short: its last packet is not whole"
"""The last record of one that is."""

_ETHERNET, _COOKED, _COOKED_2 = 1, 113, 276
_BEFORE_IP = {0: 4, 108: 4, 12: 0, 14: 0, 101: 0, 228: 0, 229: 0}
"""How many bytes stand before the IP packet, by the type of link."""

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_GREETING = b"Asterisk Call Manager"

_End = tuple[bytes, int]
"""Address and port."""


class _Segment(NamedTuple):
    at: float
    source: _End
    target: _End
    sequence: int
    acknowledged: int
    flags: int
    data: bytes


class _Step(NamedTuple):
    """What came from one end of a connection: data, or, without any, its end, with the error if it was one."""

    at: float
    source: _End
    data: bytes
    error: str = ""
    lost: int | None = 0
    """How many bytes before these are not in the capture; None if nobody knows."""


class _File:
    """A file that notices that it ends too early."""

    def __init__(self, file: IO[bytes]) -> None:
        self.is_cut = self.is_at_end = False
        self._file = file

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self.is_at_end = len(data) < size
        self.is_cut |= self.is_at_end and len(data) > 0
        return data

    def seek(self, position: int) -> int:
        return self._file.seek(position)


def read_pcap(path: str | Path, file: IO[bytes]) -> tuple[dict[str, Any], list[Record]]:
    """Header and records of the AMI connections in a capture. Raises `RecordingError`."""
    try:
        dpkt = importlib.import_module("dpkt")
    except ModuleNotFoundError:
        raise RecordingError(path, 0, "reading packets needs dpkt: pip install 'amikit[pcap]'") from None
    try:
        source = _File(file)
        segments = list(_segments(dpkt, dpkt.pcap.UniversalReader(source), source))
    except (ValueError, OSError, EOFError, zlib.error, struct.error, dpkt.dpkt.Error) as error:
        raise RecordingError(path, 0, f"cannot be read: {error or type(error).__name__}") from None
    connections = [each for each in _connections(segments) if each.server is not None]
    if not connections:
        problem = f"no AMI in it: no server that begins with {_GREETING.decode()!r} or listens on port {DEFAULT_PORT}"
        raise RecordingError(path, 0, problem)
    return {}, list(_records(connections, is_cut=source.is_cut))


def _segments(dpkt: Any, reader: Any, file: _File) -> Iterator[_Segment]:
    """The TCP segments of a capture, in its order."""
    link = reader.datalink()
    if link not in (_ETHERNET, _COOKED, _COOKED_2, *_BEFORE_IP):
        raise ValueError(f"its packets are of the link type {link}, and not of Ethernet, Linux, loopback or IP")
    for at, data in _packets(dpkt, reader, file):
        try:
            packet = _ip(dpkt, link, data)
        except dpkt.dpkt.UnpackError:
            continue  # none that anybody can read
        if packet is not None and isinstance(packet.data, dpkt.tcp.TCP):
            tcp = packet.data
            yield _Segment(
                float(at), (packet.src, tcp.sport), (packet.dst, tcp.dport), tcp.seq, tcp.ack, tcp.flags, tcp.data
            )


def _packets(dpkt: Any, reader: Any, file: _File) -> Iterator[tuple[Any, bytes]]:
    """The packets of a capture, as far as it goes."""
    try:
        for at, data in reader:
            file.is_cut |= not data
            yield at, data
    except (dpkt.dpkt.UnpackError, struct.error):
        if not file.is_at_end:
            raise
        file.is_cut = True


def _ip(dpkt: Any, link: int, data: bytes) -> Any:
    """The IP packet in a packet of a link, or None."""
    kinds = {_ETHERNET: dpkt.ethernet.Ethernet, _COOKED: dpkt.sll.SLL, _COOKED_2: dpkt.sll2.SLL2}
    if link in kinds:
        packet = kinds[link](data).data
        return packet if isinstance(packet, (dpkt.ip.IP, dpkt.ip6.IP6)) else None
    data = data[_BEFORE_IP[link] :]
    return dpkt.ip6.IP6(data) if data[:1] >= b"\x60" else dpkt.ip.IP(data)


class _Flow:
    """One direction of a connection, put together again."""

    def __init__(self, source: _End, first: int, *, is_new: bool) -> None:
        self._lost: int | None = 0 if is_new else None
        self._source = source
        self._first = first
        self._position = 0  # how many bytes came
        self._early: dict[int, bytes] = {}
        self._end: int | None = None
        self._ended = False

    def add(self, segment: _Segment) -> Iterator[_Step]:
        """What a segment completes."""
        place = self._place(segment.sequence)
        if len(segment.data) > len(self._early.get(place, b"")):
            self._early[place] = segment.data
        if segment.flags & _FIN:
            self._end = place + len(segment.data)
        yield from self._complete(segment.at)
        if segment.flags & _RST and not self._ended:
            self._ended = True
            yield _Step(segment.at, self._source, b"", "ConnectionResetError")

    def acknowledge(self, sequence: int, at: float) -> Iterator[_Step]:
        """The other side has all before this: what is not in the capture will not come any more."""
        yield from self._give_up(self._place(sequence), at)

    def finish(self, at: float) -> Iterator[_Step]:
        """The capture ends: what is not in it will not come any more."""
        yield from self._give_up(max([*self._early, self._end or 0]), at)

    def _give_up(self, acknowledged: int, at: float) -> Iterator[_Step]:
        while self._position < (there := min(self._early, default=self._end or 0)) <= acknowledged:
            if self._lost is not None:
                self._lost += there - self._position
            self._position = there
            yield from self._complete(at)

    def _place(self, sequence: int) -> int:
        """How many bytes stand before one; sequence numbers begin again after 2**32."""
        distance = sequence - self._first - self._position
        return self._position + (distance + 2**31) % 2**32 - 2**31

    def _complete(self, at: float) -> Iterator[_Step]:
        for place in sorted(self._early):
            if place > self._position:
                break
            data = self._early.pop(place)[self._position - place :]
            if data and not self._ended:
                self._position += len(data)
                lost, self._lost = self._lost, 0
                yield _Step(at, self._source, data, lost=lost)
        if self._position == self._end and not self._ended:
            self._ended = True
            yield _Step(at, self._source, b"", lost=self._lost)


class _Connection:
    """A connection: who opened it, if that was seen, and what came."""

    def __init__(self, opening: _Segment) -> None:
        self.at = self._last = opening.at
        self.sequence = opening.sequence
        self.steps: list[_Step] = []
        self._ends = opening.source, opening.target
        self._flows: dict[_End, _Flow] = {}

    def add(self, segment: _Segment) -> None:
        self._last = segment.at
        first = segment.sequence + bool(segment.flags & _SYN)
        flow = self._flows.setdefault(segment.source, _Flow(segment.source, first, is_new=bool(segment.flags & _SYN)))
        if segment.flags & _ACK and segment.target in self._flows:
            self.steps += self._flows[segment.target].acknowledge(segment.acknowledged, segment.at)
        if not segment.flags & _SYN:
            self.steps += flow.add(segment)

    def finish(self) -> None:
        """The capture has ended."""
        for flow in self._flows.values():
            self.steps += flow.finish(self._last)

    @property
    def server(self) -> _End | None:
        """The end that speaks as Asterisk does, or listens on its port; None if neither does."""
        first: dict[_End, bytes] = {}
        for step in self.steps:
            begun = first.get(step.source, b"")
            if len(begun) < len(_GREETING):
                first[step.source] = begun + step.data
        greets = next((end for end, data in first.items() if data.startswith(_GREETING)), None)
        return greets or next((end for end in self._ends if end[1] == DEFAULT_PORT), None)


def _connections(segments: Iterable[_Segment]) -> list[_Connection]:
    """The connections, in the order in which they begin."""
    found: list[_Connection] = []
    last: dict[frozenset[_End], _Connection] = {}
    for segment in segments:
        ends = frozenset((segment.source, segment.target))
        opens = segment.flags & (_SYN | _ACK) == _SYN
        if ends not in last or (opens and last[ends].sequence != segment.sequence):
            last[ends] = _Connection(segment)
            found.append(last[ends])
        last[ends].add(segment)
    for each in found:
        each.finish()
    return found


def _records(connections: list[_Connection], *, is_cut: bool) -> Iterator[Record]:
    builder = RecordBuilder()
    start = connections[0].at
    at = 0.0
    begins = [(each.at, number, None) for number, each in enumerate(connections, 1)]
    steps = [(step.at, number, step) for number, each in enumerate(connections, 1) for step in each.steps]
    for when, number, step in sorted([*begins, *steps], key=lambda each: each[:2]):
        at = round(when - start, 6)
        if step is None:
            yield builder.open(number, at)
            continue
        direction: Direction = "<" if step.source == connections[number - 1].server else ">"
        if step.lost != 0 and not (step.lost is None and step.data.startswith(_GREETING)):
            yield from builder.gap(number, direction, at, step.lost)
        yield from (
            builder.data(number, direction, step.data, at)
            if step.data
            else builder.end(number, direction, at, step.error)
        )
    yield from builder.flush()
    if is_cut:
        yield Record(at, 0, "", "note", CUT_PCAP.encode())
