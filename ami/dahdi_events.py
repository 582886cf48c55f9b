"""The events and aggregates of DAHDI telephony hardware."""

from ami.catalogue import Aggregate, Bool, Event, Int, Text


class DAHDIShowChannels(Event):
    """An item of the answer to `DAHDIShowChannels`: a channel."""

    dahdi_channel = Int("DAHDIChannel", process=-1)
    channel = Text()
    uniqueid = Text()
    account_code = Text()
    signalling = Text()
    signalling_code = Int(process=-1)
    context = Text()
    dnd = Bool("Enabled", "DND", process=False)
    alarm = Text()
    description = Text()


class DAHDIShowChannelsComplete(Event):
    """The end of the answer to `DAHDIShowChannels`."""

    item_count = Int("Items", process=-1)


class DAHDIShowChannels_Aggregate(Aggregate):
    """The answer to `DAHDIShowChannels`."""

    _aggregation_members = (DAHDIShowChannels,)
    _aggregation_finalisers = (DAHDIShowChannelsComplete,)
    _count_header = "Items"
