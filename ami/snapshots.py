"""The snapshots that events carry: of a channel, and of a bridge.

Asterisk 12 and later write a snapshot's headers into an event as a block; where an event has several, each block has
a prefix (`DestChannel`, `OrigBridgeUniqueid` …). The headers are those of both real servers, 16.28 and 22.10;
`Tenantid` is of 22, and `ChanVariable` is there where `channelvars` in `manager.conf` asks for it.
"""

from ami.catalogue import Event
from ami.enums import ChannelState
from ami.headers import Code, Int, Text, Variables, View

__all__ = ["BridgeEvent", "BridgeSnapshot", "ChannelEvent", "ChannelSnapshot"]


class _Channel:
    """The headers of a channel's snapshot."""

    channel = Text()
    channel_state = Code(ChannelState)
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
    tenantid = Text()
    variables = Variables("ChanVariable")


class _Bridge:
    """The headers of a bridge's snapshot."""

    bridge_uniqueid = Text()
    bridge_type = Text()
    bridge_technology = Text()
    bridge_creator = Text()
    bridge_name = Text()
    bridge_num_channels = Int()
    bridge_video_source_mode = Text()
    bridge_video_source = Text()


class ChannelSnapshot(_Channel, View):
    """What an event says about one of its channels."""


class BridgeSnapshot(_Bridge, View):
    """What an event says about one of its bridges."""


class ChannelEvent(_Channel, Event, abstract=True):
    """The base of events about one channel, which carry a snapshot of it."""


class BridgeEvent(_Bridge, Event, abstract=True):
    """The base of events about one bridge, which carry a snapshot of it."""
