"""The client's side of one AMI connection as a state machine: no socket, thread, clock or randomness in it.

A driver gives it bytes and the time, and takes from it bytes to send, outputs, and the time of its next
deadline. All rules of AMI's client side are here:

* every action ends exactly once: with its response (and, if it is synchronous, its events), at its deadline,
  or with the link;
* a response goes to the action with its ActionID that is waiting for one; any other is an orphan, at once;
* events that answer an action are told from others by its ActionID, never by their names alone; where
  Asterisk leaves the ActionID out, by the headers that the action shares with them;
* a list ends with `EventList: Complete` (or `cancelled`), with its declared last event, with an error that
  carries the ActionID, or, where there is no list after all, with the response. Lists of the same kind do
  not disturb each other.
"""

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ami import catalogue, wire
from ami.catalogue import Aggregate, Event, EventCollection, Request, ends_list
from ami.errors import Error, ManagerSocketError, ProtocolError
from ami.message import KEY_ACTION, KEY_RESPONSE, SUCCESSES, Message

__all__ = ["ClientSession", "Notice", "Orphan", "Output", "PendingAction", "Response"]

_LISTS_ARE_MARKED = (2, 7)
"""From this version of AMI on (Asterisk 13.2), a list's response says `EventList: start`."""


class Response(NamedTuple):
    """What came of an action."""

    result: Message
    """The response after the request's `process_response`."""

    response: Message
    """The response as it came (the same object, unless `process_response` made another)."""

    request: Request
    """The action that was sent."""

    action_id: str
    """The ActionID it was sent with."""

    success: bool
    """Whether the server took the action."""

    time: float
    """Seconds from sending to the end of the action."""

    events: EventCollection | None
    """The events of a synchronous request, under their classes and names; None for other requests."""

    events_timeout: bool
    """Whether time ran out before all events had come; `events` holds those that did."""


class Orphan(NamedTuple):
    """A response that no action is waiting for: late, repeated, or without a known ActionID."""

    response: Message


class Notice(NamedTuple):
    """Something that the log should say."""

    text: str


Output = Event | Aggregate | Orphan | Notice
"""What a session has for the callbacks and the log, in the order of the wire."""


class PendingAction:
    """An action on its way: what the driver waits for and, once it has ended, what came of it."""

    def __init__(self, request: Request, action_id: str, sent: float, wake: Callable[[], object]) -> None:
        self.request = request
        self.action_id = action_id
        self.sent = sent
        self.deadline = sent + request.timeout
        self.wake = wake
        self.done = False
        self.answered = self.ended = sent
        self.timed_out = False
        self.error: Error | None = None
        self.response: Message | None = None
        self.marked = False  # whether the response said `EventList: start`
        self.events: EventCollection | None = None
        self.aggregates: list[Aggregate] = []
        if request.synchronous:
            unique, members, finalisers = request.get_synchronous_classes()
            self.events = EventCollection(members, finalisers, unique)
        elif request.aggregate:
            self.aggregates = [aggregate(action_id) for aggregate in request.get_aggregate_classes()]

    def result(self) -> Response | None:
        """What to return to who sent the action; None at a time-out without a response.

        Raises the error that ended the action, or what the request's `process_response` raises.
        """
        if self.error is not None:
            raise self.error.again()
        if self.response is None:
            return None
        self.response.elapsed = self.answered - self.sent
        result = self.request.process_response(self.response)
        success = bool(getattr(result, "success", False))
        elapsed = self.ended - self.sent
        return Response(
            result, self.response, self.request, self.action_id, success, elapsed, self.events, self.timed_out
        )

    def shares_headers(self, event: Event) -> bool:
        """Whether an event without ActionID ends this request: of its kind, and about the same thing."""
        return isinstance(event, self.request.get_synchronous_classes()[2]) and all(
            event.get(header) == self.request.get(header) for header in self.request._shared_headers
        )


class ClientSession:
    """One connection, from the greeting to its end. Every `now` is in seconds, on any clock that does not go back.

    `id_prefix` begins every ActionID; `aggregate_timeout` is how long an aggregate may take to come together;
    `greeting_deadline` is when the greeting must have come. `greeted` is called once: when it has, or when the
    session was closed before.
    """

    def __init__(
        self,
        *,
        id_prefix: str,
        greeting_deadline: float = math.inf,
        greeted: Callable[[], object] = lambda: None,
        aggregate_timeout: float = 5,
        max_frame: int = wire.MAX_FRAME,
    ) -> None:
        self.greeting: str | None = None
        self.closed: Error | None = None
        self._greeting_deadline = greeting_deadline
        self._greeted = greeted
        self._reader = wire.FrameReader(from_server=True, max_frame=max_frame)
        self._id_prefix = id_prefix
        self._ids = itertools.count(1)
        self._aggregate_timeout = aggregate_timeout
        self._open: dict[str, PendingAction] = {}
        self._sharing: list[PendingAction] = []  # those of them that an event without ActionID may end
        self._deadlines: list[tuple[float, int, PendingAction]] = []
        self._order = itertools.count()
        self._outputs: list[Output] = []

    # What a driver calls

    def send_action(
        self, request: Request, now: float, wake: Callable[[], object], action_id: str | None = None, /, **headers: Any
    ) -> tuple[PendingAction, bytes]:
        """Start an action: the record of it, and the bytes to send. `wake` is called once, when it has ended.

        Raises the error that closed the session, or `ValueError` for a request that must not be sent.
        """
        if self.closed is not None:
            raise self.closed.again()
        text, action_id = request.build_request(action_id, self._new_action_id, **headers)
        if action_id in self._open:
            raise ValueError(f"an action with the ActionID {action_id!r} is already under way")
        pending = self._open[action_id] = PendingAction(request, action_id, now, wake)
        self._schedule(pending.deadline, pending)
        if pending.aggregates:
            self._schedule(now + self._aggregate_timeout, pending)
        if pending.events is not None and request._shared_headers:
            self._sharing.append(pending)
        return pending, wire.encode(text)

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes that the server sent."""
        for frame in self._reader.feed(data):
            if self.closed is not None:
                return
            if self.greeting is None:
                self._greet(frame, now)
            elif frame.strip(b"\r\n"):
                message = catalogue.parse(frame)
                if isinstance(message, Event):
                    self._receive_event(message, now)
                else:
                    self._receive_response(message, now)
        if self._reader.error is not None:
            self.close(self._reader.error, now)

    def receive_eof(self, now: float) -> None:
        """The server closed the connection."""
        if self.greeting is None:
            heard = f"; it said {self._reader.pending[:60]!r}" if self._reader.pending else ""
            self.close(ProtocolError(f"the server closed the connection before its greeting{heard}"), now)
        self.close(ManagerSocketError("the server closed the connection"), now)

    def close(self, error: Error, now: float) -> None:
        """End the session: every action under way ends with this error. Later calls change nothing."""
        if self.closed is not None:
            return
        self.closed = error
        if self.greeting is None:
            self._greeted()
        for pending in list(self._open.values()):
            pending.aggregates.clear()
            if not pending.done:
                pending.error = error
                self._end(pending, now)
        self._open.clear()

    def handle_timer(self, now: float) -> None:
        """End what has reached its deadline."""
        if self.greeting is None and now >= self._greeting_deadline:
            self.close(ProtocolError("the server accepted the connection, but sent no greeting in time"), now)
        while self._deadlines and self._deadlines[0][0] <= now:
            pending = heapq.heappop(self._deadlines)[2]
            if not pending.done and pending.deadline <= now:
                self._time_out(pending, now)
            if pending.aggregates and pending.sent + self._aggregate_timeout <= now:
                self._give_up_aggregates(pending)

    def next_deadline(self) -> float | None:
        """The time at which `handle_timer` has something to do, or None."""
        while self._deadlines and self._open.get(self._deadlines[0][2].action_id) is not self._deadlines[0][2]:
            heapq.heappop(self._deadlines)
        first = self._deadlines[0][0] if self._deadlines else math.inf
        if self.greeting is None:
            first = min(first, self._greeting_deadline)
        return None if math.isinf(first) or self.closed is not None else first

    def take_outputs(self) -> list[Output]:
        """What has come since the last call."""
        outputs, self._outputs = self._outputs, []
        return outputs

    def asterisk_info(self) -> tuple[str, str]:
        """Name and version from the greeting, both `<unknown>` where it has no `/`."""
        name, slash, version = (self.greeting or "").partition("/")
        return (name, version) if slash else ("<unknown>", "<unknown>")

    # Beginning and end

    def _greet(self, line: bytes, now: float) -> None:
        text = wire.decode(line).strip()
        if "call manager" in text.lower():
            self.greeting = text
            self._greeted()
        else:
            self.close(ProtocolError(f"the server does not speak AMI: its greeting is {text[:60]!r}"), now)

    def _new_action_id(self) -> str:
        return f"{self._id_prefix}-{next(self._ids):08x}"

    def _schedule(self, deadline: float, pending: PendingAction) -> None:
        heapq.heappush(self._deadlines, (deadline, next(self._order), pending))

    def _end(self, pending: PendingAction, now: float) -> None:
        pending.done = True
        pending.ended = now
        if pending in self._sharing:
            self._sharing.remove(pending)
        self._forget_if_over(pending)
        pending.wake()

    def _forget_if_over(self, pending: PendingAction) -> None:
        if pending.done and not pending.aggregates:
            self._open.pop(pending.action_id, None)

    def _time_out(self, pending: PendingAction, now: float) -> None:
        pending.timed_out = True
        what = "the response to" if pending.response is None else "the events of"
        action = pending.request[KEY_ACTION]
        self._outputs.append(Notice(f"timed out waiting for {what} {action}, ActionID {pending.action_id}"))
        if pending.response is None:
            pending.aggregates.clear()
        self._end(pending, now)

    def _give_up_aggregates(self, pending: PendingAction) -> None:
        for aggregate in pending.aggregates:
            self._outputs.append(
                Notice(f"gave up the aggregate {aggregate.name}, ActionID {pending.action_id}: it took too long")
            )
        pending.aggregates.clear()
        self._forget_if_over(pending)

    # Responses

    def _receive_response(self, message: Message, now: float) -> None:
        pending = self._open.get(message.action_id) if message.action_id else None
        if pending is None or pending.response is not None:
            self._outputs.append(Orphan(message))
            if pending is not None and message.get(KEY_RESPONSE) not in SUCCESSES:
                self._break_off(pending, now)
            return
        pending.response, pending.answered = message, now
        pending.marked = message.get("EventList", "").lower() == "start"
        if message.get(KEY_RESPONSE) not in SUCCESSES:
            self._break_off(pending, now)
        elif self._is_whole(pending):
            self._finish_aggregates(pending, pending.aggregates)
            self._end(pending, now)
        elif pending.events is None:
            self._end(pending, now)

    def _break_off(self, pending: PendingAction, now: float) -> None:
        """An error ended an action and whatever list it had; a request returns what has come."""
        pending.aggregates.clear()
        if pending.done:
            self._forget_if_over(pending)
        else:
            self._end(pending, now)

    def _is_whole(self, pending: PendingAction) -> bool:
        """Whether nothing more is to come, now that the response has."""
        _, members, finalisers = pending.request.get_synchronous_classes()
        if finalisers and pending.events is not None and pending.events.complete:
            return True
        if members and self._marks_lists() and not pending.marked:
            return True  # a plain success where a list was asked for: there is none
        return not finalisers and not pending.marked

    def _marks_lists(self) -> bool:
        """Whether the server says `EventList: start` before a list."""
        version = self.asterisk_info()[1].split(".")
        numbers = tuple(int(part) for part in version[:2] if part.isascii() and part.isdecimal() and len(part) < 9)
        return len(numbers) < 2 or numbers >= _LISTS_ARE_MARKED

    # Events

    def _receive_event(self, event: Event, now: float) -> None:
        action_id = event.action_id
        if action_id is None:
            pending = next((each for each in self._sharing if each.shares_headers(event)), None)
        else:
            pending = self._open.get(action_id)
        if pending is None or pending.events is None:
            self._outputs.append(event)
        elif event.name in pending.events or pending.marked:
            last = pending.events.add(event) and pending.events.complete
            if (last or ends_list(event)) and pending.response is not None:
                self._end(pending, now)
        else:
            self._outputs.append(event)
        if pending is not None and pending.aggregates:
            finished = [each for each in pending.aggregates if each.evaluate_event(event)]
            self._finish_aggregates(pending, finished)

    def _finish_aggregates(self, pending: PendingAction, finished: list[Aggregate]) -> None:
        self._outputs.extend(finished)
        for aggregate in finished:
            pending.aggregates = [each for each in pending.aggregates if each is not aggregate]
        self._forget_if_over(pending)
