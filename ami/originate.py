"""A call that was originated, followed to its end: a state machine that is fed the events of the call.

An originated call is known by its ActionID, in `OriginateResponse`, which may come late, or never; and, from Asterisk
12 on, by the ChannelId that the request gave to its channel, which is the Uniqueid in that channel's events. Whichever
speaks first counts, so a call that ends before its response is told, too.
"""

import enum
from collections.abc import Iterable, Mapping

from ami.catalogue import Event
from ami.enums import ChannelState, HangupCause, OriginateReason
from ami.errors import Error, ManagerError, ManagerSocketError
from ami.headers import Code
from ami.outcomes import Gap, Output, Response
from ami.request import Request

__all__ = ["CALL_EVENTS", "CallProgress", "Outcome", "originate_request"]

CALL_EVENTS = frozenset({"Newchannel", "Newstate", "OriginateResponse", "Hangup"})
"""The events that tell how a call goes."""


class Outcome(enum.StrEnum):
    """What came of a call."""

    ANSWERED = "answered"
    BUSY = "busy"
    CONGESTION = "congestion"
    NO_ANSWER = "no answer"
    FAILED = "failed"
    """Anything else: no such channel, rejected, hung up, the action refused …; the cause says more."""


_REASONS: dict[int, Outcome] = {
    OriginateReason.ANSWERED: Outcome.ANSWERED,
    OriginateReason.BUSY: Outcome.BUSY,
    OriginateReason.CONGESTION: Outcome.CONGESTION,
    OriginateReason.RING: Outcome.NO_ANSWER,
    OriginateReason.RINGING: Outcome.NO_ANSWER,
}
_CAUSES: dict[int, Outcome] = {
    HangupCause.USER_BUSY: Outcome.BUSY,
    HangupCause.NO_USER_RESPONSE: Outcome.NO_ANSWER,
    HangupCause.NO_ANSWER: Outcome.NO_ANSWER,
    HangupCause.NORMAL_CIRCUIT_CONGESTION: Outcome.CONGESTION,
    HangupCause.SWITCH_CONGESTION: Outcome.CONGESTION,
}
_REASON, _CAUSE = Code(OriginateReason, "Reason"), Code(HangupCause, "Cause")
_UP = str(int(ChannelState.UP))


class CallProgress:
    """What is known of a call. Its ActionID is the ChannelId that the request gives to its channel, too."""

    def __init__(self, action_id: str) -> None:
        self.action_id = action_id
        self.uniqueid = action_id
        """The Uniqueid of its channel."""
        self.channel: str | None = None
        """The channel's name, once there is one."""
        self.outcome: Outcome | None = None
        """What came of the call; None while it is open."""
        self.ended = False
        """Whether the channel is gone, or never was."""
        self.cause: int | None = None
        """Why it hung up: a `HangupCause`, or another number."""
        self.message: str | None = None
        """What the server said where it refused the action."""
        self.error: Error | None = None
        """Why nothing more can be known of an open call: the link was lost, or closed."""

    def __str__(self) -> str:
        return f"{self.channel or self.uniqueid}, {self.outcome or 'open'}, cause {self.cause}"

    def put(self, outputs: Iterable[Output]) -> bool:
        """Receive those of the outputs that are about this call; return whether there were any."""
        found = False
        for output in outputs:  # one after the other: what one says decides which others are about this call
            if isinstance(output, Event) and self._concerns(output):
                self.receive(output)
                found = True
        return found

    def lose(self, error: Error | None) -> None:
        """Nothing more will be heard of the call."""
        if self.error is None and not (self.ended and self.outcome):
            self.error = error or ManagerSocketError("the link was closed while the call was open")

    def receive_response(self, response: Response | None) -> None:
        """The response to the action: it is asynchronous, so a success says nothing yet."""
        if response is not None and not response.success:
            self.message = response.response.get("Message")
            self._fail()

    def receive(self, event: Event) -> None:
        """An event about the call, or a gap."""
        if isinstance(event, Gap):
            self.lose(ManagerSocketError("the link was lost while the call was open: what came of it is unknown"))
        elif event.name == "OriginateResponse":
            self._receive_originate_response(event)
        elif event.get("Uniqueid") == self.uniqueid:
            self.channel = event.get("Channel") or self.channel
            if event.name == "Hangup":
                self._receive_hangup(event)
            elif event.get("ChannelState") == _UP:
                self.outcome = self.outcome or Outcome.ANSWERED

    def hangup_request(self, cause: int | None) -> Request:
        """The action that hangs the call up. Raises `ManagerError` while it has no channel."""
        if self.channel is None or self.ended:
            raise ManagerError("the call has no channel to hang up" if self.channel is None else "the call has ended")
        request = Request("Hangup")
        request.update({"Channel": self.channel, "Cause": cause})
        return request

    def _concerns(self, event: Event) -> bool:
        if isinstance(event, Gap):
            return event.reason == "link"
        if event.name == "OriginateResponse":
            return event.action_id == self.action_id
        # By its name first: the events of all channels come by here.
        return event.name in CALL_EVENTS and event.get("Uniqueid") == self.uniqueid

    def _receive_originate_response(self, event: Event) -> None:
        reason = _REASON.convert(event.get("Reason", ""))
        outcome = Outcome.FAILED if reason is None else _REASONS.get(reason, Outcome.FAILED)
        if event.get("Response") != "Success" and outcome is Outcome.ANSWERED:
            outcome = Outcome.FAILED
        self.outcome = self.outcome or outcome
        if event.get("Response") == "Success":
            self.channel = event.get("Channel") or self.channel
            if not self.ended:
                self.uniqueid = event.get("Uniqueid") or self.uniqueid  # servers before 12 choose it themselves
        elif self.channel is None:
            self.ended = True  # there never was a channel that could hang up

    def _receive_hangup(self, event: Event) -> None:
        self.cause = _CAUSE.convert(event.get("Cause", ""))
        self.ended = True
        if self.cause:  # without one (a Local channel has none), the response will tell what came of the call
            self.outcome = self.outcome or _CAUSES.get(self.cause, Outcome.FAILED)

    def _fail(self) -> None:
        self.outcome = self.outcome or Outcome.FAILED
        self.ended = True


def originate_request(
    channel: str,
    channel_id: str,
    *,
    context: str | None,
    exten: str | None,
    priority: int | str,
    application: str | None,
    data: str | None,
    timeout: float,
    caller_id: str | None,
    variables: Mapping[str, object] | None,
    account: str | None,
) -> Request:
    """The action of a call that is tracked. Raises `ValueError` for a call that leads nowhere, or to two places."""
    if (context is None) == (application is None):
        raise ValueError("a call leads either to a context and exten, or to an application")
    request = Request("Originate")
    request["Channel"] = channel
    if context is not None:
        request.update({"Context": context, "Exten": exten or "s", "Priority": priority})
    else:
        request.update({"Application": application, "Data": data})
    request.update({
        "Timeout": round(timeout * 1000),
        "CallerID": caller_id,
        "Variable": tuple(f"{name}={value}" for name, value in (variables or {}).items()),
        "Account": account,
        "Async": "true",
        "ChannelId": channel_id,
    })  # fmt: skip
    return request
