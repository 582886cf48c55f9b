"""What is to come of a recording on one connection, and when."""

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from amisim.recorded import Placed
from amisim.recording import Record
from amisim.steps import Close

__all__ = ["NEVER", "Playback"]

NEVER = float("inf")
"""The time of what is not to come."""

_Key = tuple[float, int]
"""When something is due, and its place among what is due then."""

_Instant = tuple[float, float]
"""When something is due, and when it was recorded."""

_LAST = 2**62
_NEVER = NEVER, _LAST


@dataclass(slots=True, eq=False)
class _Track:
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

    sent: int = 0
    """How many of them are."""

    closing: Close | None = None
    """The end of the connection, when its turn has come."""

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
        key = self.next
        until = max(until, key)
        while key <= until:
            _, record = self.records[self.sent]
            self.sent += 1
            if record.kind != "data":
                self.closing = Close("eof" if record.kind == "eof" else "reset")
                return
            yield (key[0], record.at), record.data
            key = self.next

    def is_around(self, other: "_Track") -> bool:
        """Whether the next of another track was recorded in the midst of this one."""
        return self.records[0][0] < other.records[other.sent][0] < self.records[-1][0]


class Playback:
    """What is to come of a recording on one connection, `speed` times as fast as it was recorded; 0 is at once.

    From the first byte of an answer to its last, nothing is sent but what was recorded in its midst. While `holds_back`
    says so, events wait for `play`.
    """

    def __init__(self, speed: float = 0, holds_back: Callable[[], bool] = bool) -> None:
        self.answered_at = 0.0
        """When the last answer was complete."""
        self._speed = speed
        self._holds_back = holds_back
        self._answer: _Track | None = None
        self._others: list[tuple[_Key, int, _Track]] = []  # a heap
        self._held_back: list[_Track] = []
        self._count = itertools.count()
        self._last: _Instant | None = None  # of the last chunk

    @property
    def is_answering(self) -> bool:
        """Whether there is an answer that is not complete."""
        return self._answer is not None

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
    ) -> None:
        """Send what follows from something that was at `since`, and happened at `start`; nothing of it before `now`.

        There may be one answer at a time. `ends` is the end of the connection, which is not held back.
        """
        track = partial(_Track, since=since, start=start, speed=self._speed, group=next(self._count), earliest=now)
        if answer:
            self._answer = track(answer)
        if self._holds_back():
            self._held_back.append(track(events))
        else:
            self._push(track(events))
        self._push(track(ends))

    def play(self, now: float) -> None:
        """Let events go that were held back, as if what they follow from had happened now."""
        for track in self._held_back:
            track.start = now
            self._push(track)
        self._held_back.clear()

    def drop(self) -> None:
        """Forget all but the answer."""
        self._others.clear()
        self._held_back.clear()

    def skip(self, now: float) -> None:
        """Forget what was due by now, but for the answer and what is held back."""
        others, self._others = self._others, []
        for _, _, track in others:
            while track.next[0] <= now:
                track.sent += 1
            self._push(track)

    def take(self, now: float, chunks: list[bytes]) -> Close | None:
        """Add to `chunks` what is due by now, at most to the end of the answer; return the end of the connection."""
        if not chunks:
            self._last = None
        while (track := self._next()) is not None and track.next[0] <= now:
            if track is self._answer:
                self._send(track, min((now, _LAST), self._first_other), chunks)
            else:
                heapq.heappop(self._others)
                answer = _NEVER if self._answer is None else self._answer.next
                self._send(track, min((now, _LAST), self._first_other, answer), chunks)
                self._push(track)
            if track.closing is not None:
                return track.closing
            if track is self._answer and track.sent == len(track.records):
                self._answer = None
                self.answered_at, _ = track.key(*track.records[-1])
                break
        return None

    def _next(self) -> _Track | None:
        """The track whose turn it is."""
        answer = self._answer
        other = self._others[0][-1] if self._others else None
        if answer is None or other is None:
            return answer or other
        keeps_waiting = answer.sent > 0 and not answer.is_around(other)
        return answer if keeps_waiting or answer.next < other.next else other

    @property
    def _first_other(self) -> _Key:
        return self._others[0][0] if self._others else _NEVER

    def _send(self, track: _Track, until: _Key, chunks: list[bytes]) -> None:
        """Send of a track what is due up to a key; what was one chunk is one again."""
        for instant, pieces in itertools.groupby(track.send(until), itemgetter(0)):
            data = b"".join([piece for _, piece in pieces])
            if instant == self._last:
                chunks[-1] += data
            else:
                chunks.append(data)
            self._last = instant

    def _push(self, track: _Track) -> None:
        if track.sent < len(track.records):
            heapq.heappush(self._others, (track.next, next(self._count), track))
