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
from functools import lru_cache
from typing import NamedTuple

from ami import wire
from ami.catalogue import parse
from amisim.action import ActionReader, ClientAction, read_action
from amisim.asterisk import Answer, Flush, UntilEvent, answer_of
from amisim.filters import EventFilter, event_filter, passes
from amisim.host import Host
from amisim.replay import ReplayConnection
from amisim.script import At, Rule
from amisim.steps import Close, Emit, Played, Send, Timed, answer, render, response
from amisim.users import ALL, User, classes, mask

__all__ = ["ServerSession"]

_LAST = 2**31  # the order of what is no recorded step

_TURN = 65_536
"""About how many bytes a connection sends before others have their turn."""

_ALWAYS_SERVED = frozenset({"challenge", "login", "logoff", "ping", "events"})
"""What is answered as Asterisk would, though a recording that is replayed has no answer to it."""


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
        self.filters: list[EventFilter] = []
        self.challenge = ""
        self.local_address = _address(local)
        self.remote_address = _address(remote)
        self.closing: Close | None = None
        """Set when the connection is to be closed, after the chunks that are there by then."""
        self._now = now
        self._began = now
        self._inbox: deque[ClientAction] = deque()
        self._answering: _Playing | None = None  # nothing else is sent before it is complete
        self._until_event: _Playing | None = None
        self._pending: list[_Pending] = []
        self._plays: list[tuple[float, int, _Playing]] = []
        self._scheduled: list[tuple[float, int, int, Timed]] = []  # what is replayed, the next one last
        self._order = itertools.count()
        self._room = _TURN  # for how many more bytes in this turn
        self._held_back: list[tuple[float, Timed]] = []
        self._chunks: list[bytes] = []
        self._received = 0
        self._eof = False
        self._actions = ActionReader(max_line=host.limits.line, max_headers=host.limits.headers)
        self._frames = wire.FrameReader(from_server=False)
        self._keeps_time = host.replay is not None and host.replay.speed > 0
        self._replayed = host.replay.connect(now) if host.replay is not None else None
        if self._replayed is None and len(host.unauthenticated) >= host.limits.auth_limit:
            self.closing = Close()
        host.sessions[number] = self
        host.unauthenticated.add(number)
        if self._replayed is not None:
            opening = self._replayed.opened()
        else:
            opening = [Timed(now, 0, Send(f"Asterisk Call Manager/{host.ami_version}\r\n".encode()))]
        self._schedule(opening)
        self._greets_at = max([now, *(each.due for each in opening if each.order == opening[0].order)])
        self._early: list[ClientAction] = []  # what came before the greeting was due, which is not looked at before
        self._answered_at = self._greets_at
        self._begin_timelines("connect", self._greets_at)
        self.handle_timer(now)

    # What a driver calls

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes that the client sent."""
        self.handle_timer(now)
        if self._replayed is None:
            actions = self._actions.feed(data)
        else:
            actions = [read_action(frame) for frame in self._frames.feed(data)]
        for action in actions:
            if now < self._greets_at:
                self._early.append(action)
            else:
                self._receive(action, now)
        if self._frames.error is not None:
            self.closing = Close("reset")
        self.handle_timer(now)

    def receive_eof(self, now: float) -> None:
        """The client closed its sending side: what it asked before is answered, then the connection is closed."""
        self._eof = True
        if self.closing == Close("half"):
            self.closing = Close()
        self._wake(now)
        self._serve(now)
        self.handle_timer(now)

    def closed(self) -> None:
        """The connection is no more."""
        self.host.sessions.pop(self.number, None)
        self.host.unauthenticated.discard(self.number)

    def emit(self, data: bytes, now: float) -> bool:
        """Send an event, if the client may see it and wants to, as soon as no answer is under way.

        Return whether there is something to do now: then a driver calls `handle_timer`.
        """
        if not self.logged_in:
            return False
        if self._answering is not None:
            self._pending.append(_Pending(data, True))
            return self._wake(now)
        if not self._sees(data):
            return False
        self._chunks.append(data)
        return True

    def send(self, data: bytes) -> None:
        """Send these bytes, whatever they are."""
        self._chunks.append(data)

    def play(self, now: float) -> None:
        """Let recorded traffic go that was held back, as if what it follows from had happened now."""
        for since, timed in self._held_back:
            self._schedule([timed._replace(due=timed.due + now - since)])
        self._held_back.clear()
        self.handle_timer(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        turned = None if self._replayed is None else self._replayed.turned(now)
        if turned is not None:
            self._drop_unasked()
            self._schedule_recorded(turned, now)
        if self._early and now >= self._greets_at:
            self._do_until(self._greets_at)
            early, self._early = self._early, []
            for action in early:
                self._receive(action, self._greets_at)
            self._serve(self._greets_at)
        self._do_until(now)
        if self.closing is None and now >= self._auth_deadline:
            self.closing = Close()
        self._now = now

    def next_deadline(self) -> float | None:
        """The time at which `handle_timer` has something to do, or None."""
        if self.closing is not None:
            return None
        deadline = min(self._next_recorded, self._next_played, self._auth_deadline)
        return None if deadline == float("inf") else deadline

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
        self.mask = ALL if wanted is None else wanted
        self.filters = [event_filter(text, "", modern=False) for text in self.user.filters]
        self.host.unauthenticated.discard(self.number)
        self._begin_timelines("login", self._now)

    def publish(self, event: bytes) -> None:
        """Send an event to every connection that may see it, this one included."""
        self.host.publish(event, self._now)

    def stand_in(self, action: ClientAction) -> None:
        """Play what followed from the recorded login, of which this one takes the place."""
        if self._replayed is not None:
            self._schedule_recorded(self._replayed.stand_in(action, self._now), self._now)

    # One thing after the other

    def _receive(self, action: ClientAction, now: float) -> None:
        if self.closing is not None:
            return
        self._received += 1
        self.host.arrived(self.number, action)
        self._inbox.append(action)
        self._wake(now)
        self._serve(now)

    def _serve(self, now: float) -> None:
        """Begin to answer what has come, and close when all is answered that a client sent who has gone."""
        while self._inbox and self._answering is None:
            self._begin(self._inbox.popleft(), now)
        if self._eof and not self._inbox and not self._early and self._answering is None:
            self._schedule([Timed(max(now, self._answered_at), _LAST, Close())])

    def _begin(self, action: ClientAction, now: float) -> None:
        try:
            rule = self._rule_for(action)
        except Exception as error:  # of a condition in a script
            self.closing = self._fail(f"a condition on {action.name}", error)
            return
        if self._replayed is not None and rule is None:
            if self._answer_as_recorded(self._replayed, action, now):
                return
            steps = self._answer_to_unrecorded(self._replayed, action)
        else:
            steps = answer_of(self, action, rule)
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
        return self._scheduled[-1][0] if self._scheduled else float("inf")

    @property
    def _next_played(self) -> float:
        return self._plays[0][0] if self._plays else float("inf")

    @property
    def _auth_deadline(self) -> float:
        is_free = self.logged_in or self._replayed is not None
        return float("inf") if is_free else self._began + self.host.limits.auth_timeout

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
            self.emit(data, self._now)
        else:
            self.host.publish(data, self._now, but=self if step.to == "others" else None)

    def _begin_timelines(self, at: At, now: float) -> None:
        for timeline in self.host.script.timelines:
            if timeline.at == at:
                self._continue(_Playing(None, timeline.play(self.host.script.variables), now))

    def _send(self, playing: _Playing, data: bytes) -> None:
        if playing is not self._answering:
            if self._answering is not None:
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
            self._serve(playing.due)

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        self._chunks += [data for data, is_event in pending if not is_event or self._sees(data)]

    def _sees(self, event: bytes) -> bool:
        """Whether an event is for this client: by its rights, its mask and its filters."""
        needed = _needed(event)
        readable = classes(self.user.read) & self.mask
        if not self.mask or needed & readable != needed:
            return False
        return not self.filters or passes(self.filters, wire.decode(event))

    # Recorded answers

    def _send_recorded(self, now: float) -> None:
        before = None
        while self._scheduled and self._scheduled[-1][0] <= now and self.closing is None:
            timed = self._scheduled.pop()[-1]
            if isinstance(timed.step, Close):
                self.closing = timed.step
            elif before is not None and timed.chunk is not None and (timed.due, timed.chunk) == before:
                self._chunks[-1] += timed.step.data
            else:
                self._chunks.append(timed.step.data)
            before = timed.due, timed.chunk

    def _schedule(self, steps: Iterable[Timed]) -> None:
        # At once, answers go in the order of the actions; at the recorded times, in the recorded order.
        first = 0 if self._keeps_time else self._received << 32
        self._scheduled += [(timed.due, first | timed.order, next(self._order), timed) for timed in steps]
        self._scheduled.sort(reverse=True)  # what was in order takes no time

    def _answer_as_recorded(self, replayed: ReplayConnection, action: ClientAction, now: float) -> bool:
        played = replayed.number
        steps = replayed.respond(action, now)
        if steps is None:
            return False
        if replayed.number != played:
            self._drop_unasked()
        self._note_recorded_answer(action, steps)
        self._schedule_recorded(steps, now)
        self._answered_at = max(self._answered_at, replayed.answered_at())
        return True

    def _answer_to_unrecorded(self, replayed: ReplayConnection, action: ClientAction) -> Answer:
        if not self.logged_in or action.name.lower() in _ALWAYS_SERVED:
            return answer_of(self, action)
        return iter([response("Error", Message=f"amisim: {replayed.miss(action).report}")])

    def _drop_unasked(self) -> None:
        """Forget what was to come unasked, as the client plays another connection now."""
        self._scheduled = [each for each in self._scheduled if each[-1].asked_for]
        self._held_back.clear()

    def _schedule_recorded(self, steps: list[Timed], now: float) -> None:
        hold_back = self.host.holds_back()
        self._schedule(timed for timed in steps if timed.asked_for or not hold_back)
        self._held_back += [(now, timed) for timed in steps if hold_back and not timed.asked_for]

    def _note_recorded_answer(self, action: ClientAction, steps: list[Timed]) -> None:
        """What a recorded answer means for this connection."""
        accepted = any(
            isinstance(each.step, Send) and each.step.data.startswith(b"Response: Success") for each in steps
        )
        name = action.name.lower()
        if name == "challenge":
            answers = [parse(each.step.data) for each in steps if isinstance(each.step, Send)]
            self.challenge = next((answer["Challenge"] for answer in answers if "Challenge" in answer), "")
        if name == "login" and accepted:
            self.log_in(action)
        elif name == "events" and accepted:
            self.mask = mask(action.get("EventMask")) or 0


@lru_cache(4)  # many sessions ask, one after the other
def _needed(event: bytes) -> int:
    """The bits of the classes that who sees an event has."""
    _, found, rest = event.partition(b"\r\nPrivilege: ")
    return classes(wire.decode(rest.partition(b"\r\n")[0]).removesuffix(",all")) if found else 0


def _address(address: str) -> str:
    return f"IPV{6 if ':' in address else 4}/TCP/{address}"
