"""What the numbers and words of Asterisk stand for.

Sources: `channelstate.h`, `causes.h`, `devicestate.h`, `pbx.h`, `presencestate.h` and `control frames` as documented by
the Asterisk project, checked against real servers 16.28 and 22.10. Members of numbers are ints, members of words text.
"""

from enum import IntEnum, StrEnum

__all__ = [
    "AgentStatus",
    "CallDisposition",
    "ChannelState",
    "DeviceState",
    "DialStatus",
    "Direction",
    "ExtensionState",
    "HangupCause",
    "MemberStatus",
    "OriginateReason",
    "PresenceState",
    "ReloadResult",
    "SoftHangup",
    "TransferResult",
]


class ChannelState(IntEnum):
    """`ChannelState`: what a channel is doing; `ChannelStateDesc` says the same in words."""

    DOWN = 0
    RESERVED = 1
    OFF_HOOK = 2
    DIALING = 3
    RING = 4
    """The other side is ringing."""
    RINGING = 5
    """This channel's telephone is ringing."""
    UP = 6
    BUSY = 7
    DIALING_OFF_HOOK = 8
    PRE_RING = 9
    UNKNOWN = 10


class HangupCause(IntEnum):
    """`Cause`: why a call ended (ITU-T Q.850)."""

    NOT_DEFINED = 0
    UNALLOCATED = 1
    NO_ROUTE_TRANSIT_NETWORK = 2
    NO_ROUTE_DESTINATION = 3
    MISDIALLED_TRUNK_PREFIX = 5
    CHANNEL_UNACCEPTABLE = 6
    CALL_AWARDED_DELIVERED = 7
    PREEMPTION = 8
    NUMBER_PORTED_NOT_HERE = 14
    NORMAL_CLEARING = 16
    USER_BUSY = 17
    NO_USER_RESPONSE = 18
    NO_ANSWER = 19
    SUBSCRIBER_ABSENT = 20
    CALL_REJECTED = 21
    NUMBER_CHANGED = 22
    REDIRECTED_TO_NEW_DESTINATION = 23
    ANSWERED_ELSEWHERE = 26
    DESTINATION_OUT_OF_ORDER = 27
    INVALID_NUMBER_FORMAT = 28
    FACILITY_REJECTED = 29
    RESPONSE_TO_STATUS_ENQUIRY = 30
    NORMAL_UNSPECIFIED = 31
    NORMAL_CIRCUIT_CONGESTION = 34
    NETWORK_OUT_OF_ORDER = 38
    NORMAL_TEMPORARY_FAILURE = 41
    SWITCH_CONGESTION = 42
    ACCESS_INFO_DISCARDED = 43
    REQUESTED_CHANNEL_UNAVAILABLE = 44
    FACILITY_NOT_SUBSCRIBED = 50
    OUTGOING_CALL_BARRED = 52
    INCOMING_CALL_BARRED = 54
    BEARER_CAPABILITY_NOT_AUTHORISED = 57
    BEARER_CAPABILITY_NOT_AVAILABLE = 58
    BEARER_CAPABILITY_NOT_IMPLEMENTED = 65
    CHANNEL_NOT_IMPLEMENTED = 66
    FACILITY_NOT_IMPLEMENTED = 69
    INVALID_CALL_REFERENCE = 81
    INCOMPATIBLE_DESTINATION = 88
    INVALID_MESSAGE_UNSPECIFIED = 95
    MANDATORY_ELEMENT_MISSING = 96
    MESSAGE_TYPE_NOT_EXISTING = 97
    WRONG_MESSAGE = 98
    ELEMENT_NOT_EXISTING = 99
    INVALID_ELEMENT_CONTENTS = 100
    WRONG_CALL_STATE = 101
    RECOVERY_ON_TIMER_EXPIRY = 102
    MANDATORY_ELEMENT_LENGTH = 103
    PROTOCOL_ERROR = 111
    INTERWORKING = 127


class OriginateReason(IntEnum):
    """`Reason` of an `OriginateResponse`: the last that was heard of the call (a control frame of Asterisk)."""

    FAILURE = 0
    HANGUP = 1
    RING = 2
    RINGING = 3
    ANSWERED = 4
    BUSY = 5
    CONGESTION = 8
    INCOMPLETE = 30


class MemberStatus(IntEnum):
    """`Status` of a queue's member: the state of its device."""

    UNKNOWN = 0
    NOT_IN_USE = 1
    IN_USE = 2
    BUSY = 3
    INVALID = 4
    UNAVAILABLE = 5
    RINGING = 6
    RING_IN_USE = 7
    ON_HOLD = 8


class DeviceState(StrEnum):
    """`State` of a `DeviceStateChange`."""

    UNKNOWN = "UNKNOWN"
    NOT_IN_USE = "NOT_INUSE"
    IN_USE = "INUSE"
    BUSY = "BUSY"
    INVALID = "INVALID"
    UNAVAILABLE = "UNAVAILABLE"
    RINGING = "RINGING"
    RING_IN_USE = "RINGINUSE"
    ON_HOLD = "ONHOLD"


class ExtensionState(IntEnum):
    """`Status` of an extension's hint; busy, on hold and ringing can be added to in use."""

    REMOVED = -2
    DEACTIVATED = -1
    IDLE = 0
    IN_USE = 1
    BUSY = 2
    UNAVAILABLE = 4
    RINGING = 8
    RINGING_IN_USE = 9
    ON_HOLD = 16
    ON_HOLD_IN_USE = 17


class PresenceState(StrEnum):
    """`State` of a `PresenceStateChange`."""

    NOT_SET = "not_set"
    UNAVAILABLE = "unavailable"
    AVAILABLE = "available"
    AWAY = "away"
    EXTENDED_AWAY = "xa"
    CHATTY = "chat"
    DO_NOT_DISTURB = "dnd"


class TransferResult(StrEnum):
    """`Result` of a `BlindTransfer` or `AttendedTransfer` event."""

    SUCCESS = "Success"
    FAIL = "Fail"
    """Asterisk could not carry it out."""
    INVALID = "Invalid"
    """The channel was in no state for it, such as not in a bridge."""
    NOT_PERMITTED = "Not Permitted"


class CallDisposition(StrEnum):
    """`Disposition` of a `Cdr`: what became of the call."""

    NO_ANSWER = "NO ANSWER"
    FAILED = "FAILED"
    BUSY = "BUSY"
    ANSWERED = "ANSWERED"
    CONGESTION = "CONGESTION"


class ReloadResult(IntEnum):
    """`Status` of a `Reload` event: what became of the request."""

    SUCCESS = 0
    QUEUED = 1
    """Asterisk is starting, and will do it then."""
    NOT_FOUND = 2
    ERROR = 3
    IN_PROGRESS = 4
    UNINITIALIZED = 5
    NOT_IMPLEMENTED = 6
    """The module cannot be reloaded."""


class AgentStatus(StrEnum):
    """`Status` of an agent in the answer to `Agents`."""

    LOGGED_OFF = "AGENT_LOGGEDOFF"
    IDLE = "AGENT_IDLE"
    ON_CALL = "AGENT_ONCALL"
    UNKNOWN = "AGENT_UNKNOWN"


class DialStatus(StrEnum):
    """`DialStatus`: how dialling goes (the last three) or ended (the others)."""

    ABORT = "ABORT"
    ANSWER = "ANSWER"
    BUSY = "BUSY"
    CANCEL = "CANCEL"
    CHANNEL_UNAVAILABLE = "CHANUNAVAIL"
    CONGESTION = "CONGESTION"
    CONTINUE = "CONTINUE"
    GOTO = "GOTO"
    NO_ANSWER = "NOANSWER"
    PROCEEDING = "PROCEEDING"
    PROGRESS = "PROGRESS"
    RINGING = "RINGING"


class Direction(StrEnum):
    """`Direction` of a DTMF digit, as seen from the channel."""

    RECEIVED = "Received"
    SENT = "Sent"


class SoftHangup(IntEnum):
    """`Cause` of a `SoftHangupRequest`: who asked for it. Several can be added up, to a number that is no member."""

    DEVICE = 1
    ASYNC_GOTO = 2
    SHUTDOWN = 4
    TIMEOUT = 8
    DIALPLAN_ENDED = 16
    EXPLICIT = 32
    UNBRIDGE = 64
    HANGUP_EXEC = 128
