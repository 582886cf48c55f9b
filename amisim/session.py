"""The server's side of one AMI connection as a state machine: no socket, thread, clock or randomness in it.

A driver gives it bytes and the time, and takes from it chunks to send, the wish to close, and the time of
its next deadline. An action is answered by the script, else by the recording that is replayed, else as
Asterisk would: login, plain and by MD5 challenge, `Ping`, `Events`, `Logoff`; anything else is unknown.

Facts (seen on 16.28 and 22.10): a refused login is answered after one second, and then the connection is
closed; before the login only `Login`, `Challenge` and `Logoff` are served; every empty line outside a message is
an action without `Action`; the ActionID is the second header of a response.
"""

import hashlib
import heapq
import itertools
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ami import wire
from ami.catalogue import parse
from amisim.action import ClientAction, read_action
from amisim.replay import Replay, ReplayConnection
from amisim.script import Script
from amisim.steps import Close, Message, Send, Timed, Wait, answer, event, render, response

__all__ = ["BANNERS", "Host", "ServerSession"]

BANNERS = {
    "11": "1.3",
    "13": "2.10.6",
    "16": "5.0.4",
    "18": "7.0.3",
    "20": "9.0.0",
    "22": "11.0.0",
}
"""The version of AMI in the greeting of a version of Asterisk: of the last release of each, as far as is known."""

_LAST = 2**31  # the order of what is no recorded step

_REFUSAL_DELAY = 1.0
"""Seconds that Asterisk waits before it answers a login that it refuses."""


class Host(NamedTuple):
    """What all connections of one server share."""

    users: dict[str, str]
    """Secrets by user name."""

    version: str
    """The version of Asterisk to be."""

    script: Script
    replay: Replay | None
    challenge: Callable[[], str]
    """Makes the challenge of a connection: up to nine digits."""

    arrived: Callable[[int, ClientAction], None]
    """Called with the number of the connection and each action that arrives."""

    holds_back: Callable[[], bool]
    """Whether recorded traffic that nobody asked for waits for `ServerSession.play`."""

    wall_clock: Callable[[], float]
    """The time of day, in seconds since 1970, as messages tell it."""


class ServerSession:
    """One connection of a client. Every `now` is in seconds, on any clock that does not go back."""

    def __init__(self, host: Host, number: int, now: float) -> None:
        self.number = number
        self.logged_in = False
        self.events_on = True
        self.closing: Close | None = None
        """Set when the connection is to be closed, after the chunks that are there by then."""
        self._host = host
        self._reader = wire.FrameReader(from_server=False)
        self._challenge = ""
        self._refused = False
        self._scheduled: list[tuple[float, int, int, Timed]] = []
        self._order = itertools.count()
        self._held_back: list[tuple[float, Timed]] = []
        self._chunks: list[bytes] = []
        self._received = 0
        self._keeps_time = host.replay is not None and host.replay.speed > 0
        self._replayed = host.replay.connect(now) if host.replay is not None else None
        if self._replayed is not None:
            opening = self._replayed.opened()
        else:
            opening = [Timed(now, 0, Send(f"Asterisk Call Manager/{BANNERS[host.version]}\r\n".encode()))]
        self._schedule(opening)
        self._greets_at = max([now, *(each.due for each in opening if each.order == opening[0].order)])
        self._early: list[ClientAction] = []  # what came before the greeting was due, which is not looked at before
        self._early_eof = False
        self._answered_at = self._greets_at
        self.handle_timer(now)

    # What a driver calls

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes that the client sent."""
        self.handle_timer(now)
        for frame in self._reader.feed(data):
            if now < self._greets_at:
                self._early.append(read_action(frame))
            else:
                self._receive(read_action(frame), now)
        if self._reader.error is not None:
            self.closing = Close("reset")
        self.handle_timer(now)

    def receive_eof(self, now: float) -> None:
        """The client closed its sending side: what it asked before is answered, then the connection is closed."""
        if self._early:
            self._early_eof = True
        else:
            self._schedule_one(max(now, self._answered_at), Close())
        self.handle_timer(now)

    def emit(self, data: bytes, now: float) -> None:
        """Send an event, if the client is logged in and wants events."""
        if self.logged_in and self.events_on:
            self._schedule_one(now, Send(data))
            self.handle_timer(now)

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
            self._send_due(self._greets_at)
            early, self._early = self._early, []
            for action in early:
                self._receive(action, self._greets_at)
            if self._early_eof:
                self._schedule_one(self._answered_at, Close())
        self._send_due(now)

    def _send_due(self, now: float) -> None:
        before = None
        while self._scheduled and self._scheduled[0][0] <= now and self.closing is None:
            timed = heapq.heappop(self._scheduled)[-1]
            if isinstance(timed.step, Close):
                self.closing = timed.step
            elif before is not None and timed.chunk is not None and (timed.due, timed.chunk) == before:
                self._chunks[-1] += timed.step.data
            else:
                self._chunks.append(timed.step.data)
            before = timed.due, timed.chunk

    def next_deadline(self) -> float | None:
        """The time at which `handle_timer` has something to do, or None."""
        return self._scheduled[0][0] if self._scheduled and self.closing is None else None

    def take_chunks(self) -> list[bytes]:
        """What is to be sent now; each is one write."""
        chunks, self._chunks = self._chunks, []
        return chunks

    # Answers

    def _receive(self, action: ClientAction, now: float) -> None:
        if self._refused or self.closing is not None:
            return
        self._received += 1
        self._host.arrived(self.number, action)
        rule = self._host.script.find(action)
        if rule is not None:
            self._play(rule.steps(action), now)
        elif self._replayed is None or not self._answer_as_recorded(self._replayed, action, now):
            self._answer_as_asterisk(action, now)

    def _play(self, steps: Iterable[Send | Wait | Close], now: float) -> None:
        for step in steps:
            if isinstance(step, Wait):
                now += step.seconds
            else:
                self._schedule_one(now, step)
                self._answered_at = max(self._answered_at, now)

    def _schedule_one(self, due: float, step: Send | Close) -> None:
        self._schedule([Timed(due, _LAST, step)])

    def _schedule(self, steps: Iterable[Timed]) -> None:
        for timed in steps:
            # At once, answers go in the order of the actions; at the recorded times, in the recorded order.
            order = timed.order if self._keeps_time else self._received << 32 | min(timed.order, _LAST)
            heapq.heappush(self._scheduled, (timed.due, order, next(self._order), timed))

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

    def _drop_unasked(self) -> None:
        """Forget what was to come unasked, as the client plays another connection now."""
        self._scheduled = [each for each in self._scheduled if each[-1].asked_for]
        heapq.heapify(self._scheduled)
        self._held_back.clear()

    def _schedule_recorded(self, steps: list[Timed], now: float) -> None:
        hold_back = self._host.holds_back()
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
            self._challenge = next((answer["Challenge"] for answer in answers if "Challenge" in answer), "")
        if name == "login" and accepted:
            self.logged_in = True
            self.events_on = _switches_on(action.get("Events", "on"))
        elif name == "events" and accepted:
            self.events_on = _switches_on(action.get("EventMask"))

    def _answer_as_asterisk(self, action: ClientAction, now: float) -> None:
        name = action.name.lower()
        if not name and not (self.logged_in and self._replayed is not None):
            self._reply(action, now, response("Error", Message="Missing action in request"))
        elif name in _SERVED:
            _SERVED[name](self, action, now)
        elif not self.logged_in:
            self._reply(action, now, response("Error", Message="Permission denied"))
        elif self._replayed is not None:
            self._reply(action, now, response("Error", Message=f"amisim: {self._replayed.miss(action).report}"))
        else:
            text = f"Invalid/unknown command: {action.name}. Use Action: ListCommands to show available commands."
            self._reply(action, now, response("Error", Message=text[:511]))

    def _reply(self, action: ClientAction, now: float, *steps: Message | Wait | Close) -> None:
        self._play(answer(steps, action.name, action.action_id), now)

    def _challenge_client(self, action: ClientAction, now: float) -> None:
        if action.get("AuthType").lower() != "md5":
            self._reply(action, now, response("Error", Message="Must specify AuthType"))
            return
        self._challenge = self._challenge or self._host.challenge()
        self._reply(action, now, response(Challenge=self._challenge))

    def _log_in(self, action: ClientAction, now: float) -> None:
        if self.logged_in:
            self._reply(action, now, response(Message="Already authenticated"))
        elif self._proves_itself(action):
            self.logged_in = True
            self.events_on = _switches_on(action.get("Events", "on"))
            self._reply(action, now, response(Message="Authentication accepted"))
            if self._replayed is not None:
                self._schedule_recorded(self._replayed.stand_in(action, now), now)
            elif self.events_on:
                self._schedule_one(now, self._fully_booted())
        else:
            self._refused = True
            refusal = response("Error", Message="Authentication failed")
            self._reply(action, now, Wait(_REFUSAL_DELAY), refusal, Close())

    def _proves_itself(self, action: ClientAction) -> bool:
        user = action.get("Username").lower()
        secret = next((secret for name, secret in self._host.users.items() if name.lower() == user), None)
        if secret is None:
            return False
        if action.get("AuthType").lower() == "md5":
            digest = hashlib.md5(wire.encode(self._challenge + secret), usedforsecurity=False).hexdigest()
            return bool(self._challenge) and action.get("Key") == digest
        return action.get("Secret") == secret

    def _fully_booted(self) -> Send:
        uptime = {} if self._host.version in ("11", "13") else {"Uptime": 100, "LastReload": 100}
        booted = event("FullyBooted", Privilege="system,all", **uptime, Status="Fully Booted")
        return render(booted.headers)

    def _log_off(self, action: ClientAction, now: float) -> None:
        self._reply(action, now, response("Goodbye", Message="Thanks for all the fish."), Close())

    def _pong(self, action: ClientAction, now: float) -> None:
        if self.logged_in:
            self._reply(action, now, response(Ping="Pong", Timestamp=f"{self._host.wall_clock():.6f}"))
        else:
            self._reply(action, now, response("Error", Message="Permission denied"))

    def _choose_events(self, action: ClientAction, now: float) -> None:
        mask = action.get("EventMask")
        if not self.logged_in:
            self._reply(action, now, response("Error", Message="Permission denied"))
        elif not mask:
            self._reply(action, now, response("Error", Message="Invalid event mask"))
        else:
            self.events_on = _switches_on(mask)
            self._reply(action, now, response(Events="On" if self.events_on else "Off"))


_TRUE = frozenset({"yes", "true", "y", "t", "on"})
_CLASSES = frozenset({
    "system", "call", "log", "verbose", "command", "agent", "user", "config", "dtmf", "reporting", "cdr", "dialplan",
    "originate", "agi", "cc", "aoc", "test", "security", "message", "all",
})  # fmt: skip


def _switches_on(mask: str) -> bool:
    """Whether an event mask lets any event through: a word for true, a number, or the names of classes.

    Names are told by their case; one that is unknown counts for nothing. An empty mask is that of a login without one.
    """
    if mask.isascii() and mask.isdecimal():
        return bool(mask.strip("0"))
    return not mask or mask.lower() in _TRUE or any(name in _CLASSES for name in mask.split(","))


_SERVED: dict[str, Callable[[ServerSession, ClientAction, float], None]] = {
    "challenge": ServerSession._challenge_client,
    "login": ServerSession._log_in,
    "logoff": ServerSession._log_off,
    "ping": ServerSession._pong,
    "events": ServerSession._choose_events,
}
