"""The client's side of one AMI connection as a state machine: no socket, thread, clock or randomness in it.

A driver gives it bytes and the time, and takes from it bytes to send, outputs, and the time of its next
deadline. All rules of AMI's client side are here:

* every action ends exactly once: with its response (and, if it is synchronous, its events), at its deadline,
  or with the link;
* a response goes to the action with its ActionID that is waiting for one; any other is an orphan, at once;
* events that answer an action are told from others by its ActionID, never by their names alone; where
  Asterisk leaves the ActionID out, by what the request knows of them (`Request.is_ended_by`);
* a list ends with `EventList: Complete` (or `cancelled`), with its declared last event, with an error that
  carries the ActionID, or, where there is no list after all, with the response. Lists of the same kind do
  not disturb each other;
* a link on which nothing came for a while is asked for a sign of life; one that then stays silent is lost.
"""

import heapq
import itertools
import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ami import wire
from ami.catalogue import KINDS, Aggregate, Event, EventCollection, ends_list, parse, parse_text
from ami.errors import Error, ManagerError, ManagerSocketError, ProtocolError
from ami.message import KEY_ACTION, KEY_RESPONSE, SUCCESSES, Message, events_in
from ami.outcomes import Notice, Orphan, Output, Response, State, StateChange, link_gap
from ami.request import Request

if TYPE_CHECKING:
    from ami.secrets import Said

__all__ = ["MAX_LIST", "ClientSession", "PendingAction"]

MAX_LIST = 1_000_000
"""How many items the list of one action may have before it is given up, unless the session is told otherwise."""

MAX_GREETING = 4096
"""How long a greeting may be, in bytes: what goes on without a line end is no Asterisk."""

_LISTS_ARE_MARKED = (2, 7)
"""From this version of AMI on (Asterisk 13.2), a list's response says `EventList: start`."""


class PendingAction:
    """An action on its way: what the driver waits for and, once it has ended, what came of it."""

    done = False
    timed_out = False
    error: Error | None = None
    response: Message | None = None
    marked = False  # whether the response said `EventList: start`
    events_ended = False  # all that a synchronous request waits for have come
    collected = 0
    said: "Said | None" = None  # what it tells of the secrets in its answer, which no log may show
    events: EventCollection | None = None

    def __init__(self, request: Request, action_id: str, sent: float, wake: Callable[[], object]) -> None:
        self.request = request
        self.action_id = action_id
        self.sent = sent
        try:
            self.deadline = sent + request.timeout
        except TypeError:
            problem = f"a request's timeout is a number of seconds (math.inf: for ever), not {request.timeout!r}"
            raise TypeError(problem) from None
        self.wake = wake
        self.answered = self.ended = sent
        self.aggregates: list[Aggregate] = []
        if request.synchronous:
            unique, members, finalisers = request.get_synchronous_classes()
            self.events = EventCollection(members, finalisers, unique)
        elif request.aggregate:
            self.aggregates = [aggregate(action_id) for aggregate in request.get_aggregate_classes()]

    def is_for(self, action: str) -> bool:
        """Whether the action has this name, which is given in lower case."""
        return str(self.request.get(KEY_ACTION)).lower() == action

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


class ClientSession:
    """One connection, from the greeting to its end. Every `now` is in seconds, on any clock that does not go back.

    `id_prefix` begins every ActionID; `aggregate_timeout` is how long an aggregate may take to come together once its
    action was answered; `greeting_deadline` is when the greeting must have come. `greeted` is called once: when it
    has, or when the session was closed before. `max_frame` and `max_list` bound what is kept of one message, in bytes,
    and of one list, in items. `keepalive` are the arguments of `keep_alive` from the login on. `down_since` is when the
    link before this one was lost, which a `Gap` tells before the events of this one.

    `wanted` are the names of the events that somebody wants to see, or None for all; others are not even read.
    """

    def __init__(
        self,
        *,
        id_prefix: str,
        greeting_deadline: float = math.inf,
        greeted: Callable[[], object] = lambda: None,
        aggregate_timeout: float = 5,
        max_frame: int = wire.MAX_FRAME,
        max_list: int = MAX_LIST,
        keepalive: tuple[float, float] | None = None,
        down_since: float | None = None,
    ) -> None:
        self.logged_in = self.left = False
        self.greeting: str | None = None
        self.closed: Error | None = None
        self.closed_at = math.inf
        self.wanted: frozenset[str] | None = None
        self.due = greeting_deadline
        """When to call `handle_timer`: not later than the next deadline, but maybe for one that has gone meanwhile."""
        self._greeting_deadline = greeting_deadline
        self._greeted = greeted
        self._reader = wire.FrameReader(from_server=True, max_frame=max_frame)
        self._id_prefix = id_prefix
        self._ids = itertools.count(1)
        self._aggregate_timeout = aggregate_timeout
        self._max_list = max_list
        self._open: dict[str, PendingAction] = {}
        self._sharing: list[PendingAction] = []  # those of them that an event without ActionID may be for
        self._deadlines: list[tuple[float, str]] = []  # with ActionIDs, not to keep what has ended
        self._outputs: list[Output] = []
        self._unsent: list[bytes] = []
        self._heard = 0.0  # when the server last sent something
        self._quiet = self._patience = math.inf
        self._keepalive = keepalive
        self._down_since = down_since
        self._ping: PendingAction | None = None
        import logging  # here, as it is slow to load

        self._log = logging.getLogger(__name__)
        self._trace = self._log.isEnabledFor(logging.DEBUG)

    # What a driver calls

    def send_action(
        self, request: Request, now: float, wake: Callable[[], object], action_id: str | None = None, /, **headers: Any
    ) -> "PendingAction":
        """Start an action; `data_to_send` has its bytes. `wake` is called once, when it has ended.

        Raises the error that closed the session, or `ValueError` for a request that must not be sent.
        """
        if self.closed is not None:
            raise self.closed.again()
        text, action_id = request.build_request(action_id, self.new_action_id, **headers)
        if action_id in self._open:
            raise ValueError(f"an action with the ActionID {action_id!r} is already under way")
        pending = self._open[action_id] = PendingAction(request, action_id, now, wake)
        self._schedule(pending.deadline, action_id)
        if request._items_without_id or (pending.events is not None and request._shared_headers):
            self._sharing.append(pending)
        data = wire.encode(text)
        if self._trace:
            from ami.secrets import said_in  # here, as it is slow to load

            pending.said = said_in(data)
        self._send(data)
        return pending

    def abandon_action(self, pending: "PendingAction", now: float) -> None:
        """Nobody waits for an action any more: what still comes for it goes to the callbacks."""
        pending.aggregates.clear()
        if not pending.done:
            pending.error = ManagerError("nobody waits for this action any more")
            self._end(pending, now)
        self._forget_if_over(pending)

    def keep_alive(self, quiet: float, patience: float, now: float) -> None:
        """From now on, ping the server when nothing came for `quiet` seconds, and close when then nothing comes for
        `patience` more. Before the login, which alone makes a server answer pings: from the login on."""
        self._keepalive = quiet, patience
        if self.logged_in:
            self._quiet, self._patience = quiet, patience
            self._heard = max(self._heard, now)
            self.due = min(self.due, self._next_sign_of_life())

    def data_to_send(self) -> bytes:
        """The bytes for the server since the last call."""
        if not self._unsent:
            return b""
        data = self._unsent[0] if len(self._unsent) == 1 else b"".join(self._unsent)
        self._unsent.clear()
        return data

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes that the server sent."""
        if self.closed is not None:
            return
        self._heard = now
        texts = self._reader.feed_regular(data)
        if texts is None:
            for frame in self._reader.feed(data):
                if self.closed is None:
                    self._receive_frame(frame, now)
        elif self._open or self._trace:
            for text in texts:
                self._receive(parse_text(text), now)
        else:  # no action is under way that an event could answer: the common case, and it has to be fast
            events_in(texts, KINDS, self.wanted, self._outputs, lambda text: self._receive(parse_text(text), now))
        if self._reader.error is not None:
            self.close(self._reader.error, now)
        elif self.greeting is None and self._reader.pending_size > MAX_GREETING:
            self._greet(self._reader.pending, now)

    def _receive_frame(self, frame: bytes, now: float) -> None:
        """Take a frame of any kind."""
        if self.greeting is None:
            self._greet(frame, now)
        elif frame.strip(b"\r\n"):
            self._receive(parse(frame), now)

    def _receive(self, message: Message, now: float) -> None:
        if self.closed is not None:
            return
        if self._trace:
            answered = self._open.get(message.action_id or "")
            self._log_wire("<", message.frame, answered.said if answered else None)
        if isinstance(message, Event):
            self._receive_event(message, now)
        else:
            self._receive_response(message, now)

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
        self.closed, self.closed_at = error, now
        if self.greeting is None:
            self._greeted()
        for pending in list(self._open.values()):
            pending.aggregates.clear()
            if not pending.done:
                pending.error = error
                self._end(pending, now)
        self._open.clear()
        self._sharing.clear()
        self._deadlines.clear()
        self.due = math.inf

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        if self.closed is not None:
            return
        if self.greeting is None and now >= self._greeting_deadline:
            self.close(ProtocolError("the server accepted the connection, but sent no greeting in time"), now)
        while self._deadlines and self._deadlines[0][0] <= now:
            pending = self._open.get(heapq.heappop(self._deadlines)[1])
            if pending is None:
                continue
            if not pending.done and pending.deadline <= now:
                self._time_out(pending, now)
            if (
                pending.aggregates
                and pending.response is not None
                and pending.answered + self._aggregate_timeout <= now
            ):
                self._give_up_aggregates(pending)
        if now >= self._next_sign_of_life():
            self._check_life(now)
        deadline = self.next_deadline()
        self.due = math.inf if deadline is None else deadline

    def next_deadline(self) -> float | None:
        """The time at which `handle_timer` has something to do, or None."""
        if self.closed is not None:
            return None
        while self._deadlines and self._deadlines[0][1] not in self._open:
            heapq.heappop(self._deadlines)
        first = self._deadlines[0][0] if self._deadlines else math.inf
        if self.greeting is None:
            first = min(first, self._greeting_deadline)
        first = min(first, self._next_sign_of_life())
        return None if math.isinf(first) else first

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
        if self._trace:
            self._log_wire("<", line)
        text = wire.decode(line).strip()
        if "call manager" in text.lower() and len(line) <= MAX_GREETING:
            self.greeting = text
            self._outputs.append(StateChange(State.CONNECTED, State.CONNECTING))
            self._greeted()
        else:
            self.close(ProtocolError(f"the server does not speak AMI: its greeting is {text[:60]!r}"), now)

    def _enter(self, now: float) -> None:
        """The server took a login."""
        self.logged_in = True
        self._outputs.append(StateChange(State.READY, State.CONNECTED))
        if self._down_since is not None:
            self._outputs.append(link_gap(now - self._down_since))
        if self._keepalive is not None:
            self.keep_alive(*self._keepalive, now)

    def _leave(self) -> None:
        """The server took a logoff: it closes the connection, which is not lost then."""
        self.left = True
        self._quiet = math.inf

    def new_action_id(self) -> str:
        """An ActionID that no other action has."""
        return f"{self._id_prefix}-{next(self._ids):08x}"

    def _send(self, data: bytes) -> None:
        self._unsent.append(data)
        if self._trace:
            self._log_wire(">", data)

    def _log_wire(self, direction: str, frame: bytes, said: "Said | None" = None) -> None:
        """Log a frame without its secrets, nor those that `said`, of the action that it answers, tells."""
        from ami.secrets import redacted

        self._log.debug("%s %s", direction, redacted(frame, said))

    def _schedule(self, deadline: float, action_id: str) -> None:
        if deadline == math.inf:
            return
        if deadline < self.due:
            self.due = deadline
        if len(self._deadlines) > 1000 + 2 * len(self._open):  # mostly of actions that have ended long before
            self._deadlines = [each for each in self._deadlines if each[1] in self._open]
            heapq.heapify(self._deadlines)
        heapq.heappush(self._deadlines, (deadline, action_id))

    def _end(self, pending: "PendingAction", now: float) -> None:
        pending.done = True
        pending.ended = now
        self._forget_if_over(pending)
        pending.wake()

    def _forget_if_over(self, pending: "PendingAction") -> None:
        if pending.done and not pending.aggregates:
            self._open.pop(pending.action_id, None)
            if self._sharing and pending in self._sharing:
                self._sharing.remove(pending)

    def _time_out(self, pending: "PendingAction", now: float) -> None:
        pending.timed_out = True
        what = "the response to" if pending.response is None else "the events of"
        action = pending.request[KEY_ACTION]
        self._outputs.append(Notice(f"timed out waiting for {what} {action}, ActionID {pending.action_id}"))
        if pending.response is None:
            pending.aggregates.clear()
        self._end(pending, now)

    def _give_up_aggregates(self, pending: "PendingAction", why: str = "it took too long") -> None:
        for aggregate in pending.aggregates:
            self._outputs.append(Notice(f"gave up the aggregate {aggregate.name}, ActionID {pending.action_id}: {why}"))
        pending.aggregates.clear()
        self._forget_if_over(pending)

    # Signs of life

    def _next_sign_of_life(self) -> float:
        """When a ping is due, or its answer."""
        if self._ping is None:
            return self._heard + self._quiet
        return max(self._heard, self._ping.sent) + self._patience

    def _check_life(self, now: float) -> None:
        if self._ping is None:
            request = Request("Ping")
            request.timeout = math.inf  # late, it is no orphan, and no sign of death either
            self._ping = self.send_action(request, now, self._pong)
        else:
            waited = now - max(self._heard, self._ping.sent)
            self.close(ManagerSocketError(f"the server is silent: no answer to a ping for {waited:g} s"), now)

    def _pong(self) -> None:
        self._ping = None
        self.due = min(self.due, self._next_sign_of_life())

    # Responses

    def _receive_response(self, message: Message, now: float) -> None:
        action_id = message.action_id
        pending = self._open.get(action_id) if action_id else None
        if pending is None or pending.response is not None:
            self._outputs.append(Orphan(message))
            if pending is not None and message.get(KEY_RESPONSE) not in SUCCESSES:
                self._break_off(pending, now)
            return
        pending.response, pending.answered = message, now
        word = message.get(KEY_RESPONSE)
        if word not in SUCCESSES:
            if word == "Goodbye" and pending.is_for("logoff"):
                self._leave()
            self._break_off(pending, now)
            return
        if not self.logged_in and pending.is_for("login"):
            self._enter(now)
        if pending.events is None and not pending.aggregates:
            self._end(pending, now)
            return
        pending.marked = message.get("EventList", "").lower() == "start"
        whole = not pending.marked and self._is_whole(pending)
        if pending.aggregates:
            if whole:
                self._finish_aggregates(pending, pending.aggregates)
            else:
                self._schedule(now + self._aggregate_timeout, pending.action_id)
        if whole or pending.events is None or pending.events_ended:
            self._end(pending, now)

    def _break_off(self, pending: "PendingAction", now: float) -> None:
        """An error ended an action and whatever list it had; a request returns what has come."""
        pending.aggregates.clear()
        if pending.done:
            self._forget_if_over(pending)
        else:
            self._end(pending, now)

    def _is_whole(self, pending: "PendingAction") -> bool:
        """Whether nothing more is to come after a response that did not say that a list follows."""
        _, members, finalisers = pending.request.get_synchronous_classes()
        if members or pending.aggregates:
            return self._marks_lists()  # a plain success where a list was asked for: there is none
        return not finalisers

    def _marks_lists(self) -> bool:
        """Whether the server says `EventList: start` before a list."""
        version = re.match(r"(\d{1,9})(?:\.(\d{1,9}))?", self.asterisk_info()[1], re.ASCII)
        return version is not None and (int(version[1]), int(version[2] or 0)) >= _LISTS_ARE_MARKED

    # Events

    def _receive_event(self, event: Event, now: float) -> None:
        action_id = event.action_id
        pending = self._open.get(action_id) if action_id is not None else None
        if action_id is None and self._sharing:
            if self._ends_without_id(event, now):
                return
            pending = self._list_without_ids(event)
        if pending is None or pending.events is None:
            if self.wanted is None or event.name in self.wanted:
                self._outputs.append(event)
        elif event.name in pending.events or pending.marked:
            self._collect(pending, event, now)
        else:
            self._outputs.append(event)
        if pending is not None and pending.aggregates:
            finished = [each for each in pending.aggregates if each.evaluate_event(event, pending.action_id)]
            self._finish_aggregates(pending, finished)

    def _ends_without_id(self, event: Event, now: float) -> bool:
        """Give an event without ActionID to the request that it ends, if there is one."""
        for pending in self._sharing:
            if pending.events is not None and pending.request.is_ended_by(event):
                pending.events.add(event)
                pending.events_ended = True
                if pending.response is not None:
                    self._end(pending, now)
                return True
        return False

    def _list_without_ids(self, event: Event) -> PendingAction | None:
        """The list that an event without ActionID is an item of: nothing else comes between the items of a list."""
        for pending in self._sharing:
            members = pending.request.get_synchronous_classes()[1]
            if pending.request._items_without_id and pending.marked and isinstance(event, members):
                return pending
        return None

    def _collect(self, pending: "PendingAction", event: Event, now: float) -> None:
        """Take in an event that answers a synchronous action."""
        assert pending.events is not None
        pending.collected += 1
        if pending.collected > self._max_list:
            pending.error = ManagerError(f"the list that answers has more than {self._max_list:,} items")
            self._end(pending, now)
            return
        if (pending.events.add(event) and pending.events.complete) or ends_list(event):
            pending.events_ended = True
        if pending.events_ended and pending.response is not None:
            self._end(pending, now)

    def _finish_aggregates(self, pending: "PendingAction", finished: list[Aggregate]) -> None:
        self._outputs.extend(finished)
        over = set(map(id, finished))
        pending.aggregates = [each for each in pending.aggregates if id(each) not in over]
        if any(each.size > self._max_list for each in pending.aggregates):
            self._give_up_aggregates(pending, f"it has more than {self._max_list:,} items")
        self._forget_if_over(pending)
