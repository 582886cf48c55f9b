"""The events and aggregates of DAHDI telephony hardware, ISDN included."""

from ami.catalogue import Aggregate, Event
from ami.headers import Bool, Int, Text, View
from ami.snapshots import ChannelEvent

__all__ = [
    "MCID", "Alarm", "AlarmClear", "DAHDIChannel", "DAHDIShowChannels", "DAHDIShowChannelsComplete",
    "DAHDIShowChannels_Aggregate", "DAHDIShowStatus", "DAHDIShowStatusComplete", "DNDState", "PRIShowSpans",
    "PRIShowSpansComplete", "Party", "SpanAlarm", "SpanAlarmClear",
]  # fmt: skip

# What happens


class Alarm(Event):
    """A channel has an alarm."""

    dahdi_channel = Int("DAHDIChannel")
    alarm = Text()


class AlarmClear(Event):
    """A channel has no alarm any more."""

    dahdi_channel = Int("DAHDIChannel")


class SpanAlarm(Event):
    """A span has an alarm."""

    span = Int()
    alarm = Text()


class SpanAlarmClear(Event):
    """A span has no alarm any more."""

    span = Int()


class DNDState(Event):
    """Do-not-disturb was switched on or off; the channel is a number, or `DAHDI/1`."""

    dahdi_channel = Text("DAHDIChannel")
    status = Bool("enabled")


class DAHDIChannel(ChannelEvent):
    """A call has got its place on the hardware; the group is a mask of bits, the channel a number or `pseudo`."""

    dahdi_group = Int("DAHDIGroup")
    dahdi_span = Int("DAHDISpan")
    dahdi_channel = Text("DAHDIChannel")


class Party(View):
    """What `MCID` says about a party of the call; a presentation is a number and what it means."""

    num_valid = Bool("1")
    num = Text()
    ton = Text("ton")
    num_plan = Text()
    num_pres = Text()
    name_valid = Bool("1")
    name = Text()
    name_char_set = Text()
    name_pres = Text()
    subaddr = Text()
    subaddr_type = Text()
    subaddr_odd = Bool("1")
    pres = Text()


class MCID(ChannelEvent):
    """Somebody on an ISDN line asked for a malicious call to be traced."""

    caller = Party.at("MCallerID")
    connected = Party.at("MConnectedID")


# Lists


class DAHDIShowChannels(Event):
    """An item of the answer to `DAHDIShowChannels`: a channel; the last three are of one that has a call."""

    dahdi_channel = Int("DAHDIChannel", process=-1)
    signalling = Text()
    signalling_code = Int(process=-1)
    context = Text()
    dnd = Bool("Enabled", "DND", process=False)
    alarm = Text()
    description = Text()
    channel = Text()
    uniqueid = Text()
    account_code = Text()


class DAHDIShowChannelsComplete(Event):
    """The end of the answer to `DAHDIShowChannels`."""

    list_items = Int()
    item_count = Int("Items", process=-1)


class DAHDIShowChannels_Aggregate(Aggregate):
    """The answer to `DAHDIShowChannels`."""

    _aggregation_members = (DAHDIShowChannels,)
    _aggregation_finalisers = (DAHDIShowChannelsComplete,)
    _count_header = "Items"


class DAHDIShowStatus(Event):
    """An item of the answer to `DAHDIShowStatus`: a span, with its counts of missed interrupts and of line errors."""

    span = Int()
    description = Text()
    alarms = Text()
    irq = Int("IRQ")
    bpviol = Int("bpviol")
    crc = Int("CRC")
    framing = Text()
    coding = Text()
    options = Text()
    lbo = Text("LBO")


class DAHDIShowStatusComplete(Event):
    """The end of the answer to `DAHDIShowStatus`."""

    list_items = Int()
    item_count = Int("Items")


class PRIShowSpans(Event):
    """An item of the answer to `PRIShowSpans`: a D channel of a span."""

    span = Int()
    d_channel = Int("DChannel")
    order = Text()
    active = Bool("Yes")
    alarm = Bool("Yes")
    up = Bool("Yes")


class PRIShowSpansComplete(Event):
    """The end of the answer to `PRIShowSpans`."""

    list_items = Int()
    item_count = Int("Items")
