"""The events and aggregates that go with the actions of `ami.core`, and those of a call.

Attributes are typed; items are the wire's text; `process()` gives the documented conversions.
"""

from typing import Any

from ami.catalogue import Aggregate, Bool, Duration, Event, Float, Int, Text

# Channels


class ChannelEvent(Event, abstract=True):
    """The base of events about one channel, which carry a snapshot of it."""

    channel = Text()
    channel_state = Int()
    channel_state_desc = Text()
    caller_id_num = Text("CallerIDNum")
    caller_id_name = Text("CallerIDName")
    connected_line_num = Text()
    connected_line_name = Text()
    language = Text()
    account_code = Text()
    context = Text()
    exten = Text()
    priority = Int()
    uniqueid = Text()
    linkedid = Text()


class Newchannel(ChannelEvent):
    """A channel was made."""

    channel_state = Int(process=None)


class Newstate(ChannelEvent):
    """A channel changed its state."""

    channel_state = Int(process=None)


class Newexten(ChannelEvent):
    """A channel entered another step of the dialplan."""

    extension = Text()
    application = Text()
    app_data = Text()


class VarSet(ChannelEvent):
    """A variable was set, on a channel or globally."""

    variable = Text()
    value = Text()


class HangupRequest(ChannelEvent):
    """A channel was asked to hang up."""

    cause = Int()


class SoftHangupRequest(ChannelEvent):
    """A channel was asked to hang up at its next opportunity."""

    cause = Int()


class Hangup(ChannelEvent):
    """A channel hung up."""

    cause = Int(process=None)
    cause_txt = Text("Cause-txt")


class ChannelHungup(Event):
    """An item of the answer to `Hangup` with a pattern: a channel that was asked to hang up."""

    channel = Text()


class ChannelsHungupListComplete(Event):
    """The end of the answer to `Hangup` with a pattern."""

    list_items = Int()


class CoreShowChannel(ChannelEvent):
    """An item of the answer to `CoreShowChannels`."""

    channel_state = Int(process=None)
    bridge_id = Text("BridgeId")
    application = Text()
    application_data = Text()
    duration = Duration(process=-1)


class CoreShowChannelsComplete(Event):
    """The end of the answer to `CoreShowChannels`."""

    list_items = Int(process=-1)


class CoreShowChannels_Aggregate(Aggregate):
    """The answer to `CoreShowChannels`."""

    _aggregation_members = (CoreShowChannel,)
    _aggregation_finalisers = (CoreShowChannelsComplete,)
    _count_header = "ListItems"


class Status(ChannelEvent):
    """An item of the answer to `Status`."""

    type = Text()
    seconds = Int(process=-1)


class StatusComplete(Event):
    """The end of the answer to `Status`."""

    item_count = Int("Items", process=-1)


class Status_Aggregate(Aggregate):
    """The answer to `Status`."""

    _aggregation_members = (Status,)
    _aggregation_finalisers = (StatusComplete,)
    _count_header = "Items"


ORIGINATE_RESULT_MAP = {
    0: "BAD_NUMBER",
    1: "REJECTED",
    2: "RINGING",
    3: "RINGING",
    4: "ANSWERED",
    5: "BUSY",
    8: "CONGESTION",
    30: "INCOMPLETE",
}
"""What the `Reason` of an `OriginateResponse` stands for."""


class OriginateResponse(Event):
    """How an asynchronous `Originate` ended. Its `Response` header is `Success` or `Failure`."""

    response = Text()
    channel = Text()
    context = Text()
    exten = Text()
    application = Text()
    reason = Int(process=-1)
    uniqueid = Text()
    caller_id_num = Text("CallerIDNum")
    caller_id_name = Text("CallerIDName")

    def process(self) -> tuple[dict[str, Any], list[str]]:
        """As for every event; a `Reason` that is known adds what it stands for, as `Result`."""
        headers, data = super().process()
        if headers["Reason"] in ORIGINATE_RESULT_MAP:
            headers["Result"] = ORIGINATE_RESULT_MAP[headers["Reason"]]
        return headers, data


# Queues


class QueueParams(Event):
    """An item of the answer to `QueueStatus`: a queue."""

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
    """An item of the answer to `QueueStatus`: a member of a queue."""

    queue = Text()
    member_name = Text("Name")
    location = Text()
    state_interface = Text()
    membership = Text()
    penalty = Int(process=-1)
    calls_taken = Int(process=-1)
    last_call = Int(process=-1)
    last_pause = Int()
    in_call = Bool("1")
    status = Int(process=-1)
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
    wait = Int(process=-1)
    priority = Int()


class QueueStatusComplete(Event):
    """The end of the answer to `QueueStatus`."""

    list_items = Int()


class QueueStatus_Aggregate(Aggregate):
    """The answer to `QueueStatus`."""

    _aggregation_members = (QueueParams, QueueMember, QueueEntry)
    _aggregation_finalisers = (QueueStatusComplete,)


class QueueSummary(Event):
    """An item of the answer to `QueueSummary`."""

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

    _aggregation_members = (QueueSummary,)
    _aggregation_finalisers = (QueueSummaryComplete,)


class QueueCallerJoin(ChannelEvent):
    """A caller entered a queue."""

    queue = Text()
    position = Int()
    count = Int()


class QueueCallerLeave(ChannelEvent):
    """A caller left a queue, for a member or otherwise."""

    queue = Text()
    position = Int()
    count = Int()


class AgentEvent(ChannelEvent, abstract=True):
    """The base of events about a caller and the member of a queue who takes the call."""

    queue = Text()
    interface = Text()
    member_name = Text()
    dest_channel = Text()


class AgentCalled(AgentEvent):
    """A member's telephone is being called."""


class AgentConnect(AgentEvent):
    """A member answered a caller."""

    ring_time = Int()
    hold_time = Int()


class AgentComplete(AgentEvent):
    """The call of a member and a caller ended."""

    hold_time = Int()
    talk_time = Int()
    reason = Text()


# Calls


class DialBegin(ChannelEvent):
    """A channel began to dial another; an originated one has no dialling channel, and only `Dest…` headers."""

    dest_channel = Text()
    dial_string = Text()


class DialEnd(ChannelEvent):
    """Dialling came to a result."""

    dest_channel = Text()
    dial_status = Text()


class BridgeEvent(ChannelEvent, abstract=True):
    """The base of events about a channel and a bridge."""

    bridge_uniqueid = Text()
    bridge_type = Text()
    bridge_technology = Text()
    bridge_num_channels = Int()


class BridgeEnter(BridgeEvent):
    """A channel entered a bridge."""


class BridgeLeave(BridgeEvent):
    """A channel left a bridge."""


# The database, the system, users


class DBGetResponse(Event):
    """The value that `DBGet` asked for."""

    family = Text()
    key = Text()
    val = Text()


class DBGetComplete(Event):
    """The end of the answer to `DBGet`."""

    list_items = Int()


class FullyBooted(Event):
    """Asterisk has started; sent after a login, too, to users who may read the class `system`."""

    status = Text()
    uptime = Int()
    last_reload = Int()


class Reload(Event):
    """A module was reloaded."""

    module = Text()
    status = Text()


class Shutdown(Event):
    """Asterisk is going down."""

    shutdown = Text()
    restart = Bool("True", process=False)


class UserEvent(ChannelEvent):
    """An event that a user or the dialplan made up; the name they gave it is its header `UserEvent`."""

    user_event = Text()
