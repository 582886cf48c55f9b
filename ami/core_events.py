"""The events and aggregates that go with the actions of `ami.core`, and those of a call.

Attributes are typed; items are the wire's text; `process()` gives the conversions of pystrix. Events of other families
that pystrix has here are here, too.
"""

from typing import Any

from ami.agi import AGIExec, AsyncAGI
from ami.catalogue import Aggregate, Event
from ami.database import DBGetComplete, DBGetResponse
from ami.enums import ChannelState, DialStatus, Direction, HangupCause, OriginateReason, SoftHangup
from ami.headers import Bool, Code, Duration, Int, Text, Variables, Word
from ami.monitors import MonitorStart, MonitorStop
from ami.parking import ParkedCall, ParkedCalls_Aggregate, ParkedCallsComplete
from ami.queues import (
    QueueEntry,
    QueueMember,
    QueueMemberAdded,
    QueueMemberPaused,
    QueueMemberRemoved,
    QueueParams,
    QueueStatus_Aggregate,
    QueueStatusComplete,
    QueueSummary_Aggregate,
    QueueSummaryComplete,
)
from ami.queues import QueueSummaryEvent as QueueSummary
from ami.rtp import RTCPReceived, RTCPSent
from ami.sip import (
    PeerEntry,
    PeerlistComplete,
    RegistrationsComplete,
    RegistryEntry,
    SIPpeers_Aggregate,
    SIPshowregistry_Aggregate,
)
from ami.snapshots import ChannelEvent, ChannelSnapshot
from ami.system import FullyBooted, Shutdown
from ami.system import ReloadEvent as Reload
from ami.voicemail import VoicemailUserEntry, VoicemailUserEntryComplete, VoicemailUsersList_Aggregate

__all__ = [
    "DTMF", "ORIGINATE_RESULT_MAP", "AGIExec", "AsyncAGI", "CCAvailable", "CCCallerRecalling",
    "CCCallerStartMonitoring", "CCCallerStopMonitoring", "CCFailure", "CCMonitorFailed", "CCOfferTimerStart",
    "CCRecallComplete", "CCRequestAcknowledged", "CCRequested", "ChannelEvent", "ChannelHungup", "ChannelTalkingStart",
    "ChannelTalkingStop", "ChannelUpdate", "ChannelsHungupListComplete", "CoreShowChannel", "CoreShowChannelMap",
    "CoreShowChannelMapComplete", "CoreShowChannelsComplete", "CoreShowChannels_Aggregate", "DBGetComplete",
    "DBGetResponse", "DTMFBegin", "DTMFEnd", "DialBegin", "DialEnd", "DialState", "Flash", "FullyBooted", "Hangup",
    "HangupHandlerPop", "HangupHandlerPush", "HangupHandlerRun", "HangupRequest", "Hangup_Aggregate", "JabberStatus",
    "ListDialplan", "MobileStatus", "MonitorStart", "MonitorStop", "NewAccountCode", "NewCallerid", "NewConnectedLine",
    "Newchannel", "Newexten", "Newstate", "OriginateResponse", "ParkedCall", "ParkedCallsComplete",
    "ParkedCalls_Aggregate", "PeerEntry", "PeerlistComplete", "Pickup", "QueueEntry", "QueueMember", "QueueMemberAdded",
    "QueueMemberPaused", "QueueMemberRemoved", "QueueParams", "QueueStatusComplete", "QueueStatus_Aggregate",
    "QueueSummary", "QueueSummaryComplete", "QueueSummary_Aggregate", "RTCPReceived", "RTCPSent",
    "RegistrationsComplete", "RegistryEntry", "Reload", "Rename", "SIPpeers_Aggregate", "SIPshowregistry_Aggregate",
    "ShowDialPlanComplete", "Shutdown", "SoftHangupRequest", "Status", "StatusComplete", "Status_Aggregate",
    "UserEvent", "VarSet", "VoicemailUserEntry", "VoicemailUserEntryComplete", "VoicemailUsersList_Aggregate",
    "WaitEventComplete", "Wink",
]  # fmt: skip

# A channel from its beginning to its end


class Newchannel(ChannelEvent):
    """A channel was made."""

    channel_state = Code(ChannelState, process=None)


class Newstate(ChannelEvent):
    """A channel changed its state."""

    channel_state = Code(ChannelState, process=None)


class Newexten(ChannelEvent):
    """A channel entered another step of the dialplan."""

    extension = Text()
    application = Text()
    app_data = Text()


class NewCallerid(ChannelEvent):
    """A channel got another caller id; the number and words of `cid_calling_pres` say whether it may be shown."""

    cid_calling_pres = Text("CID-CallingPres")


class NewConnectedLine(ChannelEvent):
    """The party that a channel is connected with has another number or name."""


class NewAccountCode(ChannelEvent):
    """A channel got another account code."""

    old_account_code = Text()


class Rename(Event):
    """A channel got another name."""

    channel = Text()
    newname = Text()
    uniqueid = Text()
    variables = Variables()


class ChannelUpdate(Event):
    """A channel of SIP, or of another technology, told what it is there; gone since Asterisk 12."""

    channel = Text()
    channel_type = Text("Channeltype")
    uniqueid = Text()
    sip_callid = Text("SIPcallid")
    sip_fullcontact = Text("SIPfullcontact")


class HangupRequest(ChannelEvent):
    """A channel was asked to hang up."""

    cause = Code(HangupCause)


class SoftHangupRequest(ChannelEvent):
    """A channel was asked to hang up at its next opportunity; `cause` is who asked, not why."""

    cause = Code(SoftHangup)


class Hangup(ChannelEvent):
    """A channel hung up; `tech_cause`, of Asterisk 22, is what its technology calls the cause."""

    cause = Code(HangupCause, process=None)
    cause_txt = Text("Cause-txt")
    tech_cause = Text()


class HangupHandlerPush(ChannelEvent):
    """A channel got a subroutine, `handler`, to run when it has hung up."""

    handler = Text()


class HangupHandlerPop(ChannelEvent):
    """A channel lost such a subroutine."""

    handler = Text()


class HangupHandlerRun(ChannelEvent):
    """A channel that hung up runs such a subroutine."""

    handler = Text()


# What a channel does


class DialBegin(ChannelEvent):
    """A channel began to dial another; an originated one has no dialling channel, and only `Dest…` headers."""

    dest = ChannelSnapshot.at("Dest")
    dial_string = Text()


class DialState(ChannelEvent):
    """Dialling made progress; `forward` is where the call was sent on."""

    dest = ChannelSnapshot.at("Dest")
    dial_status = Word(DialStatus)
    forward = Text()


class DialEnd(ChannelEvent):
    """Dialling came to a result; `forward` is where the call was sent on."""

    dest = ChannelSnapshot.at("Dest")
    dial_status = Word(DialStatus)
    forward = Text()


class Pickup(ChannelEvent):
    """A channel took over the call that rang at another, the target."""

    target = ChannelSnapshot.at("Target")


class DTMFBegin(ChannelEvent):
    """A digit began."""

    digit = Text()
    direction = Word(Direction)


class DTMFEnd(ChannelEvent):
    """A digit ended; it took `duration_ms` milliseconds."""

    digit = Text()
    direction = Word(Direction)
    duration_ms = Int()


class DTMF(Event):
    """A digit began, or ended; that is `DTMFBegin` and `DTMFEnd` from Asterisk 12 on."""

    channel = Text()
    uniqueid = Text()
    digit = Text()
    direction = Word(Direction)
    begin = Bool("Yes", process=False)
    end = Bool("Yes", process=False)

    def process(self) -> tuple[dict[str, Any], list[str]]:
        """As for every event; `Received` is added, which is whether the digit came from the channel."""
        headers, data = super().process()
        headers["Received"] = self.direction == Direction.RECEIVED
        return headers, data


class Flash(ChannelEvent):
    """The telephone of a channel sent a hook flash."""


class Wink(ChannelEvent):
    """A channel received a wink, a short change of the line's state."""


class ChannelTalkingStart(ChannelEvent):
    """Somebody began to talk, on a channel that TALK_DETECT watches."""


class ChannelTalkingStop(ChannelEvent):
    """Somebody stopped talking, after `duration` milliseconds."""

    duration = Int()


class VarSet(ChannelEvent):
    """A variable was set; where it is a global one, `channel` and `uniqueid` are `none`, and there is nothing else."""

    variable = Text()
    value = Text()


class UserEvent(ChannelEvent):
    """An event that a user or the dialplan made up; the name they gave it is its header `UserEvent`."""

    user_event = Text()


# Call completion: a caller found the callee busy, or not answering, and is called back when that has changed


class _Completion(Event, abstract=True):
    """The base of events about one offer to be called back, from its beginning on."""

    core_id = Int("CoreID")


class CCAvailable(_Completion):
    """A callee offers to complete a call later; `service` is `CCBS` (busy), `CCNR` (no reply) or `CCNL`."""

    callee = Text()
    service = Text()


class CCOfferTimerStart(_Completion):
    """A caller has `expires` seconds to accept the offer."""

    caller = Text()
    expires = Int()


class CCRequested(_Completion):
    """A caller accepted the offer."""

    caller = Text()
    callee = Text()


class CCRequestAcknowledged(_Completion):
    """The request of a caller was accepted."""

    caller = Text()


class CCCallerStopMonitoring(_Completion):
    """The caller cannot be called back now: the callee is no longer watched."""

    caller = Text()


class CCCallerStartMonitoring(_Completion):
    """The caller can be called back again."""

    caller = Text()


class CCCallerRecalling(_Completion):
    """The caller is called back."""

    caller = Text()


class CCRecallComplete(_Completion):
    """The caller was called back, and reached the callee."""

    caller = Text()


class CCMonitorFailed(_Completion):
    """A callee can no longer be watched."""

    callee = Text()


class CCFailure(_Completion):
    """Nothing came of the offer."""

    caller = Text()
    reason = Text()


# Originated calls

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
    """How an asynchronous `Originate` ended; `response` is `Success` or `Failure`.

    Where no channel came up, `channel` is the one asked for, and `uniqueid` `<unknown>` unless it was given.
    """

    response = Text()
    channel = Text()
    context = Text()
    exten = Text()
    application = Text()
    application_data = Text("Data")
    reason = Code(OriginateReason, process=-1)
    uniqueid = Text()
    caller_id_num = Text("CallerIDNum")
    caller_id_name = Text("CallerIDName")
    variables = Variables()

    def process(self) -> tuple[dict[str, Any], list[str]]:
        """As for every event; a `Reason` that is known adds what it stands for, as `Result`."""
        headers, data = super().process()
        reason = self.reason
        if reason in ORIGINATE_RESULT_MAP:
            headers["Result"] = ORIGINATE_RESULT_MAP[reason]
        return headers, data


# Lists of channels


class CoreShowChannel(ChannelEvent):
    """An item of the answer to `CoreShowChannels`; `duration` is in seconds."""

    channel_state = Code(ChannelState, process=None)
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


class CoreShowChannelMap(Event):
    """An item of the answer to `CoreShowChannelMap`: a channel that the one asked for is connected with, by any way."""

    channel = Text()
    connected_channel = Text()


class CoreShowChannelMapComplete(Event):
    """The end of the answer to `CoreShowChannelMap`."""

    list_items = Int()


class Status(ChannelEvent):
    """An item of the answer to `Status`; `seconds` is the age of the channel, `asked_variables` what was asked for."""

    type = Text()
    dnid = Text("DNID")
    effective_connected_line_num = Text()
    effective_connected_line_name = Text()
    time_to_hangup = Int()
    bridge_id = Text("BridgeID")
    application = Text()
    application_data = Text("Data")
    nativeformats = Text()
    readformat = Text()
    readtrans = Text()
    writeformat = Text()
    writetrans = Text()
    callgroup = Int()
    pickupgroup = Int()
    seconds = Int(process=-1)
    asked_variables = Variables("Variable")


class StatusComplete(Event):
    """The end of the answer to `Status`."""

    list_items = Int()
    item_count = Int("Items", process=-1)


class Status_Aggregate(Aggregate):
    """The answer to `Status`."""

    _aggregation_members = (Status,)
    _aggregation_finalisers = (StatusComplete,)
    _count_header = "Items"


class ChannelHungup(Event):
    """An item of the answer to `Hangup` with a pattern: a channel that was asked to hang up."""

    channel = Text()


class ChannelsHungupListComplete(Event):
    """The end of the answer to `Hangup` with a pattern."""

    list_items = Int()


class Hangup_Aggregate(Aggregate):
    """The answer to `Hangup` with a pattern."""

    _aggregation_members = (ChannelHungup,)
    _aggregation_finalisers = (ChannelsHungupListComplete,)
    _count_header = "ListItems"


# The dialplan, the session


class ListDialplan(Event):
    """An item of the answer to `ShowDialPlan`: a step of an extension, or something else that stands in a context.

    `priority` is a number, or `hint`.
    """

    context = Text()
    extension = Text()
    extension_label = Text()
    priority = Text()
    application = Text()
    app_data = Text()
    registrar = Text()
    include_context = Text()
    switch = Text()
    ignore_pattern = Text()


class ShowDialPlanComplete(Event):
    """The end of the answer to `ShowDialPlan`."""

    list_items = Int()
    list_extensions = Int()
    list_priorities = Int()
    list_contexts = Int()


class WaitEventComplete(Event):
    """The end of what `WaitEvent` waited for."""


# Other technologies


class JabberStatus(Event):
    """Somebody in the roster of an account of XMPP changed their state."""

    account = Text()
    jid = Text("JID")
    resource = Text()
    status = Text()
    priority = Int()
    description = Text()


class MobileStatus(Event):
    """A telephone that chan_mobile reaches by Bluetooth was connected, or lost, or something else befell it."""

    status = Text()
    device = Text()
