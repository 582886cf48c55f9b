"""What a session gives to those who use it: responses, and all that callbacks and event streams receive."""

import enum
from typing import NamedTuple

from ami.catalogue import Aggregate, Event, EventCollection
from ami.headers import Float, Int, Text
from ami.message import Message
from ami.request import Request

__all__ = ["Gap", "Notice", "Orphan", "Output", "Response", "State", "StateChange"]


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


class State(enum.StrEnum):
    """What a manager's link is doing."""

    CLOSED = "closed"
    """There is no link, and none is being made."""

    CONNECTING = "connecting"
    """A link is being made."""

    CONNECTED = "connected"
    """The server has greeted; nobody is logged in."""

    READY = "ready"
    """Logged in."""

    WAITING = "waiting"
    """The link was lost, or could not be made; the next attempt comes by itself."""


class StateChange(NamedTuple):
    """A manager's link came to another state; `register_callback(ami.StateChange, f)` has these delivered."""

    state: State
    previous: State
    error: Exception | None = None
    """Why, where it was not asked for."""

    retry_in: float | None = None
    """Of `State.WAITING`: the seconds to the next attempt."""


class Gap(Event, abstract=True):
    """Events are missing here. It comes in their place, to the callbacks for every event and to every event stream.

    Never sent by a server: an event of that name on the wire is of another class.
    """

    reason = Text()
    """`queue`: the queue was full. `link`: the link was down."""

    lost = Int()
    """How many events were dropped; None where nobody knows."""

    seconds = Float()
    """How long the link was down."""


Gap.wire_name = "Gap"


def queue_gap(lost: int) -> Gap:
    """The mark of events that a full queue dropped."""
    return Gap(f"Event: Gap\r\nReason: queue\r\nLost: {lost}\r\n\r\n".encode())


def link_gap(seconds: float) -> Gap:
    """The mark of events that were missed while the link was down."""
    return Gap(f"Event: Gap\r\nReason: link\r\nSeconds: {seconds:.3f}\r\n\r\n".encode())


class Orphan(NamedTuple):
    """A response that no action is waiting for: late, repeated, or without a known ActionID."""

    response: Message


class Notice(NamedTuple):
    """Something that the log should say."""

    text: str


Output = Event | Aggregate | Orphan | Notice | StateChange
"""What a session has for the callbacks and the log, in the order of the wire."""
