"""What is to come of a recording on one connection, and when."""

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter

from amisim.bound import Bound
from amisim.recorded import Placed
from amisim.recording import Record
from amisim.steps import Close

__all__ = ["NEVER", "Playback", "Track"]

NEVER = float("inf")
"""The time of what is not to come."""

_Key = tuple[float, int]
"""When something is due, and its place among what is due then."""

_Instant = tuple[float, float]
"""When something is due, and when it was recorded."""

_LAST = 2**62
_NEVER = NEVER, _LAST

_OF_A_LOGIN = (b"Event: FullyBooted\r\n", b"Event: SuccessfulAuth\r\n")
"""What every connection has of its own: it differs, and is the same."""


@dataclass(slots=True, eq=False)
class Track:
    """Records on their way to a client, one after the other."""

    records: Sequence[Placed]
    since: float
    start: float
    """Each is due as long after this as it was after `since`."""

    speed: float
    group: int
    """At once, what follows from one thing goes before what follows from the next."""

    earliest: float
    """None is due before this: what follows from an action comes no earlier than the action is answered."""

    bound: Bound
    """The ids that are sent in place of recorded ones."""

    sent: int = 0
    """How many of them are."""

    had: list[bytes] = field(default_factory=list)
    """Frames that were sent of the same thing before, as another connection saw it."""

    closing: Close | None = None
    """The end of the connection, when its turn has come."""

    begun: bytes = b""
    """Pieces of a frame that are sent with its last one, as an id may stand in several."""

    def key(self, order: int, record: Record) -> _Key:
        """The key of one of them."""
        if not self.speed:
            return max(self.earliest, self.start), self.group << 32 | order
        # Rounded, so that what was at one time is at one time again.
        return max(self.earliest, round(self.start + (record.at - self.since) / self.speed, 6)), order

    @property
    def next(self) -> _Key:
        """The key of the next one; when all are sent, it is never due."""
        return self.key(*self.records[self.sent]) if self.sent < len(self.records) else _NEVER

    def send(self, until: _Key) -> Iterator[tuple[_Instant, bytes]]:
        """The next one, and those up to a key."""
        until = max(until, self.next)
        as_recorded = self.bound.pattern is None
        while self.sent < len(self.records):
            place, record = self.records[self.sent]
            due, _ = key = self.key(place, record)
            if key > until:
                return
            self.sent += 1
            if record.kind != "data":
                self.closing = Close("eof" if record.kind == "eof" else "reset")
                return
            if as_recorded:
                yield (due, record.at), record.data
            elif frame := self._whole(place, record.data):
                yield (due, record.at), self.bound.rename_frame(frame)

    def _whole(self, place: int, data: bytes) -> bytes:
        """The frame that a piece completes; empty where there are more pieces to come."""
        if self.sent < len(self.records) and self.records[self.sent][0] == place:
            self.begun += data
            return b""
        frame, self.begun = self.begun + data, b""
        return frame

    @property
    def is_in_frame(self) -> bool:
        """Whether of the last frame only the beginning is sent."""
        return 0 < self.sent < len(self.records) and self.records[self.sent - 1][0] == self.records[self.sent][0]

    def end_with_frame(self) -> None:
        """Forget what comes after the frame that is begun."""
        place, _ = self.records[self.sent]
        rest = itertools.takewhile(lambda each: each[0] == place, self.records[self.sent :])
        self.records = [*self.records[: self.sent], *rest]

    def go_on_from(self, other: "Track") -> None:
        """Leave out what was sent of another one, and of those before it: the same as another connection saw it."""
        self.start = other.start
        if not other.sent and not other.had:
            return
        begun = {place for place, _ in other.records[: other.sent]}
        self.had = other.had + [data for place, data, _ in _frames(other.records) if place in begun]
        left = Counter(map(_identity, self.had))
        records = self.records
        self.records = []
        for _, data, pieces in _frames(records):
            if left[_identity(data)]:
                left[_identity(data)] -= 1
            else:
                self.records += pieces

    def is_around(self, other: "Track") -> bool:
        """Whether the next of another track was recorded in the midst of this one."""
        return self.records[0][0] < other.records[other.sent][0] < self.records[-1][0]


def _frames(records: Iterable[Placed]) -> Iterator[tuple[int, bytes, list[Placed]]]:
    """The place of each frame, it, and its pieces."""
    for place, group in itertools.groupby(records, itemgetter(0)):
        pieces = list(group)
        yield place, b"".join([record.data for _, record in pieces]), pieces


def _identity(frame: bytes) -> bytes:
    """What says that an event on one connection is that on another."""
    return next((name for name in _OF_A_LOGIN if frame.startswith(name)), frame)


class Playback:
    """What is to come of a recording on one connection, `speed` times as fast as it was recorded; 0 is at once.

    From the first byte of an answer to its last, nothing is sent but what was recorded in its midst; from the first
    byte of a frame to its last, nothing at all. While `holds_back` says so, events wait for `play`.
    """

    def __init__(self, speed: float = 0, holds_back: Callable[[], bool] = bool) -> None:
        self.free_at = 0.0
        """When it ceased to be busy."""
        self.bound = Bound()
        """The ids that the client has made up."""
        self._speed = speed
        self._holds_back = holds_back
        self._answer: Track | None = None
        self._begun: Track | None = None  # of which a frame is to be completed
        self._others: list[tuple[_Key, int, Track]] = []  # a heap
        self._held_back: list[Track] = []
        self._count = itertools.count()
        self._last: _Instant | None = None  # of the last chunk

    @property
    def is_busy(self) -> bool:
        """Whether there is an answer, or a frame, that is not complete."""
        return self._answer is not None or self._begun is not None

    @property
    def next_due(self) -> float:
        """When `take` has something to do."""
        track = self._next()
        return NEVER if track is None else track.next[0]

    def follow(
        self,
        since: float,
        start: float,
        now: float,
        *,
        answer: Sequence[Placed] = (),
        events: Sequence[Placed] = (),
        ends: Sequence[Placed] = (),
        instead_of: Track | None = None,
    ) -> Track:
        """Send what follows from something that was at `since`, and happened at `start`; nothing of it before `now`.

        There may be one answer at a time. `ends` is the end of the connection; it is held back with events before it.
        `instead_of` is what was returned, the events that are on their way, for the same thing on another connection.
        """
        if self._answer is not None:
            end, _ = self._answer.key(*self._answer.records[-1])
            now = max(now, math.nextafter(end, NEVER))
        track = partial(
            Track, since=since, start=start, speed=self._speed, group=next(self._count), earliest=now, bound=self.bound
        )
        if answer:
            self._answer = track(answer)
        following, ending = track(events), track(ends)
        if instead_of is not None:
            following.go_on_from(instead_of)
            ending.start = following.start
        for each in (following, ending):
            if self._holds_back() and following.records:
                self._held_back.append(each)
            else:
                self._push(each)
        return following

    def play(self, now: float) -> None:
        """Let events go that were held back, as if what they follow from had happened now."""
        for track in self._held_back:
            track.start = now
            self._push(track)
        self._held_back.clear()

    def drop(self) -> None:
        """Forget all but what is to be completed."""
        self._others.clear()
        self._held_back.clear()
        if self._begun is not None and self._begun is not self._answer:
            self._begun.end_with_frame()

    def take(self, now: float, chunks: list[bytes]) -> Close | None:
        """Add to `chunks` what is due by now, at most until it ceases to be busy; return the end of the connection."""
        if not chunks:
            self._last = None
        while (track := self._next()) is not None and track.next[0] <= now:
            was_busy = self.is_busy
            if track is not self._answer and track is not self._begun:
                heapq.heappop(self._others)
            self._send(track, self._until(track, now), chunks)
            if track.closing is not None:
                return track.closing
            self._begun = track if track.is_in_frame else None
            if track is self._answer:
                self._answer = track if track.sent < len(track.records) else None
            elif track is not self._begun:
                self._push(track)
            if was_busy and not self.is_busy:
                self.free_at, _ = track.key(*track.records[track.sent - 1])
                break
        return None

    def _next(self) -> Track | None:
        """The track whose turn it is."""
        if self._begun is not None:
            return self._begun
        answer = self._answer
        other = self._others[0][-1] if self._others else None
        if answer is None or other is None:
            return answer or other
        keeps_waiting = answer.sent > 0 and not answer.is_around(other)
        return answer if keeps_waiting or answer.next < other.next else other

    def _until(self, track: Track, now: float) -> _Key:
        """Up to where a track may send."""
        first_other = self._others[0][0] if self._others else _NEVER
        if track is self._begun:
            return track.next
        if self._answer is None or track is self._answer:
            return min((now, _LAST), first_other)
        # Whether the next one, too, was recorded in the midst of the answer, is another question.
        return track.next if self._answer.sent else min((now, _LAST), first_other, self._answer.next)

    def _send(self, track: Track, until: _Key, chunks: list[bytes]) -> None:
        """Send of a track what is due up to a key; what was one chunk is one again."""
        for instant, pieces in itertools.groupby(track.send(until), itemgetter(0)):
            data = b"".join([piece for _, piece in pieces])
            if instant == self._last:
                chunks[-1] += data
            else:
                chunks.append(data)
            self._last = instant

    def _push(self, track: Track) -> None:
        if track.sent < len(track.records):
            heapq.heappush(self._others, (track.next, next(self._count), track))
