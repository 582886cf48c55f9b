"""The server's side of one AMI connection as a state machine: no socket, thread, clock or randomness in it.

A driver gives it bytes and the time, and takes from it chunks to send, the wish to close, and the time of
its next deadline. An action is answered by the script, else by the recording that is replayed, else as
Asterisk would (`amisim.asterisk`).

Facts (seen on 16.28 and 22.10): a connection is served by one thread, which answers one action after the other. What
takes its time holds up all that comes after it, events included: they follow the answer. So a response and the list
that it begins are never interleaved with anything.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from ami import wire
from amisim.action import ActionReader, ClientAction, read_action
from amisim.asterisk import Answer, Flush, UntilEvent, answer_of
from amisim.filters import EventFilter, event_filter
from amisim.host import Host
from amisim.playback import NEVER, Playback
from amisim.posix import TakesTooLong
from amisim.recorded import RecordedAction
from amisim.replay import ReplayConnection
from amisim.script import At, Rule
from amisim.steps import Close, Emit, Played, Send, answer, render
from amisim.users import ALL, SOME, User, classes, mask, needed

__all__ = ["ServerSession"]

_TURN = 65_536
"""About how many bytes a connection sends before others have their turn."""

_A_BEGINNING = 1_000
"""As how many bytes it counts to begin with an answer that is made."""

_WAITING = 1_000
"""About how many actions may wait for their turn; what comes after them is not read yet."""

_SLICE = 4_096
"""How many bytes are read at a time."""

_ALWAYS_SERVED = frozenset({"challenge", "login", "logoff", "ping", "events"})
"""What is answered as Asterisk would, though a recording that is replayed has no answer to it."""


_CUT_OFF = Close("reset")
"""The end of a connection whose filters take too long."""


class _Playing:
    """An answer that is under way; or, after its response and its list, what else its steps have to come."""

    def __init__(self, action: ClientAction | None, steps: Iterable[Played | UntilEvent | Flush], due: float):
        self.action = action
        self.steps = iter(steps)
        self.due = due
        self.is_complete = False
        """Whether the response, and the list that it begins, are sent."""


class _Pending(NamedTuple):
    """What is to be sent when an answer is complete."""

    data: bytes
    is_event: bool
    """Whether the connection has to be one that may see it."""


class ServerSession:
    """One connection of a client. Every `now` is in seconds, on any clock that does not go back.

    `local` and `remote` are the addresses of its two ends, as security events tell them.
    """

    def __init__(
        self, host: Host, number: int, now: float, *, local: str = "127.0.0.1/5038", remote: str = "127.0.0.1/50000"
    ) -> None:
        self.host = host
        self.number = number
        self.user = User("")
        self.user_name = ""
        self.logged_in_at: float | None = None
        """The time of day of the login."""
        self.mask = ALL
        """The bits of the classes of events that the client wants."""
        self.reads = 0
        """Those of the classes that it wants and may see, and `SOME` if it is to see any event."""
        self.filters: list[EventFilter] = []
        self.challenge = ""
        self.local_address = _address(local)
        self.remote_address = _address(remote)
        self.closing: Close | None = None
        """Set when the connection is to be closed, after the chunks that are there by then."""
        self._now = now
        self._began = now
        self._unread = b""
        self._inbox: deque[tuple[ClientAction, float]] = deque()  # actions, and when they were read
        self._answering: _Playing | None = None  # nothing else is sent before it is complete
        self._until_event: _Playing | None = None
        self._pending: list[_Pending] = []
        self._plays: list[tuple[float, int, _Playing]] = []
        self._order = itertools.count()
        self._room = _TURN  # for how many more bytes in this turn
        self._chunks: list[bytes] = []
        self._eof = False
        self._actions = ActionReader(max_line=host.limits.line, max_headers=host.limits.headers)
        self._frames = wire.FrameReader(from_server=False)
        self._recorded = Playback(0 if host.replay is None else host.replay.speed, host.holds_back)
        self._replayed: ReplayConnection | None = None
        if host.replay is not None:
            self._replayed = host.replay.connect(self._recorded, now, lambda: host.touched.add(number))
        elif len(host.unauthenticated) < host.limits.auth_limit:
            self._chunks.append(f"Asterisk Call Manager/{host.ami_version}\r\n".encode())
        else:
            self.closing = Close()
        host.sessions[number] = self
        host.unauthenticated.add(number)
        self._begin_timelines("connect", self._recorded.next_due if self._recorded.is_busy else now)
        self.handle_timer(now)

    # What a driver calls

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes that the client sent."""
        self.handle_timer(now)
        self._unread += data
        self._read(now)
        self._serve(now)
        self.handle_timer(now)

    @property
    def is_full(self) -> bool:
        """Whether so much is to be answered that a driver should not read on."""
        return bool(self._unread)

    def receive_eof(self, now: float) -> None:
        """The client closed its sending side: what it asked before is answered, then the connection is closed."""
        self._eof = True
        if self.closing == Close("half"):
            self.closing = Close()
        self._wake(now)
        self.handle_timer(now)

    def closed(self) -> None:
        """The connection is no more."""
        self.host.sessions.pop(self.number, None)
        self.host.unauthenticated.discard(self.number)

    def emit(self, data: bytes, now: float) -> bool:
        """Send an event, if the client may see it and wants to, as soon as no answer is under way.

        Return whether there is something to do now: then a driver calls `handle_timer`.
        """
        if self.closing is not None:
            return False
        if not self._sees(data):
            return self.closing is not None
        if self._is_answering:
            self._pending.append(_Pending(data, True))
            return self._wake(now)
        self._chunks.append(data)
        return True

    def send(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        self._chunks.append(data)

    def play(self, now: float) -> None:
        """Let recorded traffic go that was held back, as if what it follows from had happened now."""
        self._recorded.play(now)
        self.handle_timer(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._do_until(now)
        if self.closing is None and self._eof and not (self._inbox or self._unread or self._is_answering):
            self.closing = Close()
        if self.closing is None and now >= self._auth_deadline:
            self.closing = Close()
        self._now = now

    def next_deadline(self) -> float | None:
        """The time at which `handle_timer` has something to do, or None."""
        if self.closing is not None:
            return None
        deadline = min(self._next_recorded, self._next_played, self._auth_deadline)
        return None if deadline == NEVER else deadline

    def take_chunks(self) -> list[bytes]:
        """What is to be sent now; each is one write."""
        chunks, self._chunks = self._chunks, []
        return chunks

    # What answers use

    @property
    def logged_in(self) -> bool:
        """Whether the client has logged in."""
        return self.logged_in_at is not None

    @property
    def uptime(self) -> int:
        """For how many seconds this Asterisk has been up."""
        return 100 + int(self._now)

    def log_in(self, action: ClientAction) -> None:
        """Accept a login."""
        name = action.get("Username")
        self.user_name = name
        self.user = self.host.users.get(name.lower(), User(""))
        self.logged_in_at = self.host.wall_clock()
        wanted = mask(action.get("Events"))
        self.want(ALL if wanted is None else wanted)
        self.filters = [event_filter(text, "", modern=False) for text in self.user.filters]
        self.host.unauthenticated.discard(self.number)
        self._begin_timelines("login", self._now)

    def log_out(self) -> None:
        """Take a login back: a fault has made an error of its answer."""
        self.logged_in_at = None
        self.user, self.user_name = User(""), ""
        self.reads = 0
        self.host.unauthenticated.add(self.number)

    def want(self, mask: int) -> None:
        """Set which classes of events the client wants, by their bits; 0 for no events."""
        self.mask = mask
        self.reads = classes(self.user.read) & mask | SOME if mask and self.logged_in else 0

    def publish(self, event: bytes) -> None:
        """Send an event to every connection that may see it, this one included."""
        self.host.publish(event, self._now)

    def stand_in(self, action: ClientAction) -> None:
        """Play what followed from the recorded login, of which this one takes the place."""
        if self._replayed is not None:
            self._replayed.stand_in(action, self._now)

    # One thing after the other

    def _read(self, now: float) -> None:
        """Take the actions that have come, as far as there is room for them."""
        while self._unread and len(self._inbox) < _WAITING and self.closing is None:
            data, self._unread = self._unread[:_SLICE], self._unread[_SLICE:]
            if self._replayed is None:
                actions = self._actions.feed(data)
            else:
                actions = [read_action(frame) for frame in self._frames.feed(data)]
            for action in actions:
                self.host.arrived(self.number, action)
                self._inbox.append((action, now))
            if actions:
                self._wake(now)
            if self._frames.error is not None:
                self.closing = Close("reset")

    @property
    def _is_answering(self) -> bool:
        """Whether an answer is under way, recorded or not, or the greeting: nothing else is said meanwhile."""
        return self._answering is not None or self._recorded.is_busy

    def _serve(self, now: float) -> None:
        """Begin to answer what has come."""
        while self._inbox and not self._is_answering and self.closing is None:
            action, arrived = self._inbox.popleft()
            self._begin(action, arrived, now)
            self._read(now)

    def _begin(self, action: ClientAction, arrived: float, now: float) -> None:
        self._now = now
        try:
            rule = self._rule_for(action)
            if self._replayed is not None and rule is None:
                found = self._replayed.respond(action, arrived, now)
                if found is not None:
                    self._note_recorded_answer(action, found)
                    return
                steps = self._answer_to_unrecorded(self._replayed, action)
            else:
                steps = answer_of(self, action, rule)
        except Exception as error:  # of a condition in a script
            self.closing = self._fail(f"a condition on {action.name}", error)
            return
        self._room -= _A_BEGINNING
        self._answering = _Playing(action, answer(steps, action.name, action.action_id), now)
        self._continue(self._answering)

    def _rule_for(self, action: ClientAction) -> Rule | None:
        """The rule that answers an action; the faults of one have their way with whatever does."""
        rule = self.host.script.find(action)
        while rule is not None:
            if rule.faults:
                self.host.add_faults(self.number, action, rule.faults)
            if rule.has_reply:
                return rule
            rule.used += 1
            rule = self.host.script.find(action, after=rule)
        return None

    def _continue(self, playing: _Playing) -> None:
        heapq.heappush(self._plays, (playing.due, next(self._order), playing))

    def _wake(self, now: float) -> bool:
        """End the waiting for an event; return whether there was any."""
        playing, self._until_event = self._until_event, None
        if playing is None:
            return False
        self._plays = [each for each in self._plays if each[-1] is not playing]
        heapq.heapify(self._plays)
        playing.due = now
        self._continue(playing)
        return True

    @property
    def _next_recorded(self) -> float:
        return self._recorded.next_due if self._answering is None else NEVER

    @property
    def _next_played(self) -> float:
        return self._plays[0][0] if self._plays else NEVER

    @property
    def _auth_deadline(self) -> float:
        is_free = self.logged_in or self._replayed is not None
        return NEVER if is_free else self._began + self.host.limits.auth_timeout

    def _do_until(self, now: float) -> None:
        self._room = _TURN
        while self.closing is None and min(self._next_recorded, self._next_played) <= now and self._room > 0:
            if self._next_recorded <= self._next_played:
                self._send_recorded(min(now, self._next_played))
            else:
                self._play(heapq.heappop(self._plays)[-1])

    def _play(self, playing: _Playing) -> None:
        """Do the steps of an answer until one of them takes time."""
        self._now = playing.due
        while (step := self._next_step(playing)) is not None:
            if isinstance(step, Send):
                self._send(playing, step.data)
                self._room -= len(step.data)
                if self._room <= 0:
                    self._continue(playing)
                    return
            elif isinstance(step, Flush):
                self._flush()
            elif isinstance(step, Emit):
                self._emit(step)
            elif isinstance(step, Close):
                self.closing = step
                return
            else:
                if isinstance(step, UntilEvent):
                    self._until_event = playing
                elif playing.is_complete:
                    self._release(playing)
                playing.due += step.seconds
                self._continue(playing)
                return
        self._release(playing)

    def _next_step(self, playing: _Playing) -> Played | UntilEvent | Flush | None:
        try:
            return next(playing.steps, None)
        except Exception as error:  # of a function in a script
            return self._fail("a timeline" if playing.action is None else f"the answer to {playing.action.name}", error)

    def _fail(self, what: str, error: Exception) -> Close:
        self.host.failed(f"{what} failed: {error!r}", error)
        return Close("reset")

    def _emit(self, step: Emit) -> None:
        data = render(step.event.headers).data
        if step.to == "this":
            self.host.patience.renew()
            self.emit(data, self._now)
        else:
            self.host.publish(data, self._now, but=self if step.to == "others" else None)

    def _begin_timelines(self, at: At, now: float) -> None:
        for timeline in self.host.script.timelines:
            if timeline.at == at:
                self._continue(_Playing(None, timeline.play(self.host.script.variables), now))

    def _send(self, playing: _Playing, data: bytes) -> None:
        if playing is not self._answering:
            if self._is_answering:
                self._pending.append(_Pending(data, False))
            else:
                self._chunks.append(data)
            return
        self._chunks.append(data)
        marks = data.lower()
        if data.startswith(b"Response:"):
            playing.is_complete = b"\r\neventlist: start\r\n" not in marks
            action = playing.action
            if (
                action is not None
                and action.name.lower() == "login"
                and data.startswith(b"Response: Success")
                and not self.logged_in
            ):
                self.log_in(action)
        playing.is_complete = playing.is_complete or b"\r\neventlist: complete\r\n" in marks

    def _release(self, playing: _Playing) -> None:
        """Let go what an answer has held up."""
        if playing is self._answering:
            self._answering = None
            self._flush()
            if self._next_recorded <= playing.due:
                self._send_recorded(playing.due)
            else:
                self._serve(playing.due)

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        self.host.patience.renew()
        self._chunks += [data for data, is_event in pending if not is_event or self._sees(data)]

    def _sees(self, event: bytes) -> bool:
        """Whether an event is for this client: by its rights, its mask and its filters.

        One whose filters take too long is cut off, as Asterisk cuts those that read too slowly.
        """
        if needed(event) & ~self.reads or self.closing is _CUT_OFF:
            return False
        try:
            return not self.filters or self.host.patience.passes(self.filters, wire.decode(event))
        except TakesTooLong as error:
            what = f"connection {self.number} is closed: one of its filters takes too long"
            self.host.failed(what, error.with_traceback(None))
            self.closing = _CUT_OFF
            return False

    # Recorded answers

    def _send_recorded(self, now: float) -> None:
        self.closing = self._recorded.take(now, self._chunks)
        if not self._is_answering:
            self._flush()
            self._serve(max(self._recorded.free_at, self._now))

    def _answer_to_unrecorded(self, replayed: ReplayConnection, action: ClientAction) -> Answer:
        if not self.logged_in or action.name.lower() in _ALWAYS_SERVED:
            return answer_of(self, action)
        steps = replayed.refuse(action)
        return answer_of(self, action) if steps is None else iter(steps)

    def _note_recorded_answer(self, action: ClientAction, found: RecordedAction) -> None:
        """What a recorded answer means for this connection."""
        name = action.name.lower()
        if name == "challenge":
            self.challenge = found.response.get("Challenge", "")
        elif name == "login" and found.is_accepted:
            self.log_in(action)
        elif name == "events" and found.is_accepted:
            self.want(mask(action.get("EventMask")) or 0)


def _address(address: str) -> str:
    return f"IPV{6 if ':' in address else 4}/TCP/{address}"
