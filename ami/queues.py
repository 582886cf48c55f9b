"""Queues: callers who wait, the members who serve them, and how well that goes.

A member is an interface (`PJSIP/100`) in one queue; whether it is free is told by the state of a device, which may be
that of another interface (`state_interface`). Where nothing else is said, times are in seconds.
"""

from typing import Any

from ami.catalogue import Aggregate, Event
from ami.enums import MemberStatus
from ami.headers import Bool, Code, Float, Int, Text, Timestamp
from ami.request import Action, param, yes_no
from ami.snapshots import ChannelEvent, ChannelSnapshot

__all__ = [
    "AgentCalled",
    "AgentComplete",
    "AgentConnect",
    "AgentDump",
    "AgentRingNoAnswer",
    "QueueAdd",
    "QueueCallerAbandon",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "QueueChangePriorityCaller",
    "QueueEntry",
    "QueueLog",
    "QueueMember",
    "QueueMemberAdded",
    "QueueMemberPause",
    "QueueMemberPaused",
    "QueueMemberPenalty",
    "QueueMemberRemoved",
    "QueueMemberRingInUse",
    "QueueMemberRinginuse",
    "QueueMemberStatus",
    "QueueParams",
    "QueuePause",
    "QueuePenalty",
    "QueueReload",
    "QueueRemove",
    "QueueReset",
    "QueueRule",
    "QueueStatus",
    "QueueStatusComplete",
    "QueueStatus_Aggregate",
    "QueueSummary",
    "QueueSummaryComplete",
    "QueueSummaryEvent",
    "QueueSummary_Aggregate",
    "QueueWithdrawCaller",
]

# Callers


class QueueCallerJoin(ChannelEvent):
    """A caller entered a queue; `count` is how many wait now."""

    queue = Text()
    position = Int()
    count = Int()


class QueueCallerLeave(ChannelEvent):
    """A caller left a queue, for a member or otherwise; `count` is how many wait now."""

    queue = Text()
    position = Int()
    count = Int()


class QueueCallerAbandon(ChannelEvent):
    """A caller gave up waiting, after `hold_time`."""

    queue = Text()
    position = Int()
    original_position = Int()
    hold_time = Int()


# Calls to members


class _CallToMember(ChannelEvent, abstract=True):
    """The base of events about a caller and the member, `dest`, who is called."""

    queue = Text()
    interface = Text()
    member_name = Text()
    dest = ChannelSnapshot.at("Dest")


class AgentCalled(_CallToMember):
    """A member's telephone is being called."""


class AgentRingNoAnswer(_CallToMember):
    """A member did not answer; `ring_time` is in milliseconds here."""

    ring_time = Int()


class AgentConnect(_CallToMember):
    """A member answered a caller."""

    hold_time = Int()
    ring_time = Int()


class AgentDump(_CallToMember):
    """A member hung up while an announcement played, before the caller was connected."""


class AgentComplete(_CallToMember):
    """The call of a member and a caller ended; `reason` says whose end it was: `caller`, `agent` or `transfer`."""

    hold_time = Int()
    talk_time = Int()
    reason = Text()


# Members


class _Moment(Timestamp):
    """A moment, which `process()` gives as a number of seconds since 1970."""

    def process_into(self, headers: dict[str, Any]) -> None:
        """The number, or the documented value."""
        Int(self.name, process=self.process).process_into(headers)


class _Member(Event, abstract=True):
    """The base of events about a member of a queue.

    `last_call`, `last_pause` and `login_time` are moments.
    """

    queue = Text()
    member_name = Text()
    interface = Text()
    state_interface = Text()
    membership = Text()
    penalty = Int()
    calls_taken = Int()
    last_call = Timestamp()
    last_pause = Timestamp()
    login_time = Timestamp()
    in_call = Bool("1")
    status = Code(MemberStatus)
    paused = Bool("1")
    paused_reason = Text()
    ringinuse = Bool("1")
    wrapuptime = Int()


class QueueMemberAdded(_Member):
    """A member joined a queue; before Asterisk 12 the interface is `location`."""

    location = Text()
    penalty = Int(process=-1)
    calls_taken = Int(process=-1)
    last_call = _Moment(process=-1)
    status = Code(MemberStatus, process=-1)
    paused = Bool("1", process=False)


class QueueMemberRemoved(_Member):
    """A member left a queue; before Asterisk 12 the interface is `location`."""

    location = Text()


class QueueMemberPause(_Member):
    """A member paused, or came back; `reason` is what 16 says, too, besides `paused_reason`."""

    reason = Text()


class QueueMemberPaused(Event):
    """A member paused, or came back; that is `QueueMemberPause` from Asterisk 12 on."""

    queue = Text()
    location = Text()
    member_name = Text()
    paused = Bool("1", process=False)
    reason = Text()


class QueueMemberPenalty(_Member):
    """A member got another penalty."""


class QueueMemberRinginuse(_Member):
    """Whether a member is called who has a call already was changed."""


class QueueMemberStatus(_Member):
    """A member's device changed its state."""


# The lists


class QueueParams(Event):
    """An item of the answer to `QueueStatus`: a queue, with its figures since Asterisk started or they were reset.

    `servicelevel_perf` is the percentage of answered calls that were answered within `service_level`,
    `servicelevel_perf2` counts the abandoned ones, too.
    """

    queue = Text()
    max = Int(process=-1)
    strategy = Text()
    calls = Int(process=-1)
    holdtime = Int(process=-1)
    talk_time = Int()
    completed = Int(process=-1)
    abandoned = Int(process=-1)
    service_level = Float(process=-1)
    servicelevel_perf = Float(process=-1)
    servicelevel_perf2 = Float()
    weight = Float(process=-1)


class QueueMember(Event):
    """An item of the answer to `QueueStatus`: a member of a queue, with `location` for the interface."""

    queue = Text()
    member_name = Text("Name")
    location = Text()
    state_interface = Text()
    membership = Text()
    penalty = Int(process=-1)
    calls_taken = Int(process=-1)
    last_call = _Moment(process=-1)
    last_pause = Timestamp()
    login_time = Timestamp()
    in_call = Bool("1")
    status = Code(MemberStatus, process=-1)
    paused = Bool("1", process=False)
    paused_reason = Text()
    wrapuptime = Int()


class QueueEntry(Event):
    """An item of the answer to `QueueStatus`: a caller who waits."""

    queue = Text()
    position = Int(process=-1)
    channel = Text()
    uniqueid = Text()
    caller_id_num = Text("CallerIDNum")
    caller_id_name = Text("CallerIDName")
    connected_line_num = Text()
    connected_line_name = Text()
    wait = Int(process=-1)
    priority = Int()


class QueueStatusComplete(Event):
    """The end of the answer to `QueueStatus`."""

    list_items = Int()


class QueueStatus_Aggregate(Aggregate):
    """The answer to `QueueStatus`."""

    _aggregation_members = (QueueParams, QueueMember, QueueEntry)
    _aggregation_finalisers = (QueueStatusComplete,)


class QueueStatus(Action):
    """List the queues with their members and callers; only `queue`, or only the member with the interface `member`."""

    queue: str | None = None
    member: str | None = None

    _aggregates = (QueueStatus_Aggregate,)


class QueueSummaryEvent(Event, name="QueueSummary"):
    """An item of the answer to `QueueSummary`: a queue; `longest_hold_time` is that of the caller who waits longest."""

    queue = Text()
    logged_in = Int(process=-1)
    available = Int(process=-1)
    callers = Int(process=-1)
    hold_time = Int(process=-1)
    talk_time = Int(process=-1)
    longest_hold_time = Int(process=-1)


class QueueSummaryComplete(Event):
    """The end of the answer to `QueueSummary`."""

    list_items = Int()


class QueueSummary_Aggregate(Aggregate):
    """The answer to `QueueSummary`."""

    _aggregation_members = (QueueSummaryEvent,)
    _aggregation_finalisers = (QueueSummaryComplete,)


class QueueSummary(Action):
    """List the queues with how many members and callers they have, or only `queue`."""

    queue: str | None = None

    _aggregates = (QueueSummary_Aggregate,)


class QueueRule(Action):
    """Ask for the rules that change penalties while a caller waits: `RuleList` and `Rule` of the result, repeated."""

    rule: str | None = None


# Actions on members


class _Membership(Action):
    """The base of the two actions whose end is an event about the member, which has no ActionID."""

    interface: str
    queue: str

    _shared_headers = ("Queue", "Interface")

    def is_ended_by(self, event: Event) -> bool:
        """Whether it is about this interface in this queue; Asterisk compares them without case."""
        interface = event.get("Interface") or event.get("Location", "")
        return (
            isinstance(event, self._finalisers)
            and event.get("Queue", "").lower() == str(self.queue).lower()
            and interface.lower() == str(self.interface).lower()
        )


class QueueAdd(_Membership):
    """Make an interface a member of a queue. A synchronous request waits until it is one.

    `paused` members are not called; Asterisk 22 takes a `reason` for that.
    """

    membername: str | None = param("MemberName", default=None)
    penalty: int = 0
    paused: bool = param("Paused", default=False, encode=yes_no)
    state_interface: str | None = None
    reason: str | None = None

    _finalisers = (QueueMemberAdded,)


class QueueRemove(_Membership):
    """Take a member out of a queue that `QueueAdd` or the dialplan put there. A synchronous request waits for that."""

    _finalisers = (QueueMemberRemoved,)


class QueuePause(Action):
    """Have a member not be called, or called again: in one queue, or in all."""

    interface: str
    paused: bool
    queue: str | None = None
    reason: str | None = None


class QueuePenalty(Action):
    """Set the penalty of a member in one queue, or in all; those with the lowest are called first."""

    interface: str
    penalty: int
    queue: str | None = None


class QueueMemberRingInUse(Action):
    """Set whether a member is called who has a call already: in one queue, or in all."""

    interface: str
    ring_in_use: bool = param("RingInUse", encode=yes_no)
    queue: str | None = None


# Actions on callers


class QueueChangePriorityCaller(Action):
    """Set the priority of a caller, a channel, in a queue; `immediate`, of Asterisk 22, moves them up at once."""

    queue: str
    caller: str
    priority: int
    immediate: bool | None = param("Immediate", default=None, encode=yes_no)


class QueueWithdrawCaller(Action):
    """Send a caller, a channel, out of a queue and on in the dialplan, with `QUEUE_WITHDRAW_INFO` as given."""

    queue: str
    caller: str
    withdraw_info: str | None = None


# Actions on queues


class QueueLog(Action):
    """Write an event of the caller's own to the log of the queues."""

    queue: str
    event: str
    interface: str | None = None
    uniqueid: str | None = None
    message: str | None = None


class QueueReload(Action):
    """Read the configuration of the queues again, or of one of them: members, rules and parameters, or some of it."""

    queue: str | None = None
    members: bool | str = param("Members", default="yes", encode=yes_no)
    rules: bool | str = param("Rules", default="yes", encode=yes_no)
    parameters: bool | str = param("Parameters", default="yes", encode=yes_no)


class QueueReset(Action):
    """Set the figures of the queues, or of one, back to zero."""

    queue: str | None = None
