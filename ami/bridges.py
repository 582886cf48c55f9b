"""Bridges: what channels are joined in, transfers, Local channels, and hold.

A bridge mixes the media of its channels; every call of two parties is one. `BridgeEnter` and `BridgeLeave` say who
talks with whom.
"""

from ami.catalogue import Event
from ami.enums import TransferResult
from ami.headers import Bool, Int, Text, Word
from ami.request import Action, param, yes_no
from ami.snapshots import BridgeEvent, BridgeSnapshot, ChannelEvent, ChannelSnapshot

__all__ = [
    "AttendedTransfer", "Atxfer", "BlindTransfer", "BlindTransferEvent", "Bridge", "BridgeCreate", "BridgeDestroy",
    "BridgeDestroyEvent", "BridgeEnter", "BridgeInfo", "BridgeInfoChannel", "BridgeInfoComplete", "BridgeKick",
    "BridgeLeave", "BridgeList", "BridgeListComplete", "BridgeListItem", "BridgeMerge", "BridgeTechnologyList",
    "BridgeTechnologyListComplete", "BridgeTechnologyListItem", "BridgeTechnologySuspend",
    "BridgeTechnologyUnsuspend", "BridgeVideoSourceUpdate", "CancelAtxfer", "Hold", "LocalBridge",
    "LocalOptimizationBegin", "LocalOptimizationEnd", "LocalOptimizeAway", "MusicOnHoldStart", "MusicOnHoldStop",
    "Unhold",
]  # fmt: skip

# What happens to bridges


class BridgeCreate(BridgeEvent):
    """A bridge was made; it is empty."""


class BridgeDestroyEvent(BridgeEvent, name="BridgeDestroy"):
    """A bridge is gone."""


class BridgeEnter(BridgeEvent, ChannelEvent):
    """A channel entered a bridge; in the place of another where `swap_uniqueid` names one."""

    swap_uniqueid = Text()


class BridgeLeave(BridgeEvent, ChannelEvent):
    """A channel left a bridge."""


class BridgeMerge(Event):
    """The channels of one bridge moved into another."""

    to_bridge = BridgeSnapshot.at("To")
    from_bridge = BridgeSnapshot.at("From")


class BridgeVideoSourceUpdate(BridgeEvent):
    """Another channel became the source of a bridge's video; the former one's Uniqueid is here, the new one's above."""

    bridge_previous_video_source = Text()


# Bridges on request


class BridgeListItem(BridgeEvent):
    """An item of the answer to `BridgeList`: a bridge."""


class BridgeListComplete(Event):
    """The end of the answer to `BridgeList`."""

    list_items = Int()


class BridgeList(Action):
    """List the bridges, or only those of a type such as `basic` or `holding`."""

    bridge_type: str | None = None

    _list = (BridgeListItem,)
    _finalisers = (BridgeListComplete,)


class BridgeInfoChannel(ChannelEvent):
    """An item of the answer to `BridgeInfo`: a channel in the bridge."""


class BridgeInfoComplete(BridgeEvent):
    """The end of the answer to `BridgeInfo`, with the bridge itself."""

    list_items = Int()


class BridgeInfo(Action):
    """List the channels in a bridge."""

    bridge_uniqueid: str

    _list = (BridgeInfoChannel,)
    _finalisers = (BridgeInfoComplete,)


class Bridge(Action):
    """Join two channels in a bridge, whatever they are doing.

    `tone` plays a beep to one or both: `Channel1`, `Channel2` (which true means, too) or `Both`.
    """

    channel_1: str
    channel_2: str
    tone: bool | str = param("Tone", default=False, encode=yes_no)


class BridgeDestroy(Action):
    """End a bridge: its channels leave it, and go on in the dialplan or hang up."""

    bridge_uniqueid: str


class BridgeKick(Action):
    """Take a channel out of its bridge; `bridge_uniqueid` refuses that if it is in another."""

    channel: str
    bridge_uniqueid: str | None = None


# Ways to mix


class BridgeTechnologyListItem(Event):
    """An item of the answer to `BridgeTechnologyList`: a way to mix channels; the highest priority is taken first."""

    bridge_technology = Text()
    bridge_type = Text()
    bridge_priority = Int()
    bridge_suspended = Bool("Yes")


class BridgeTechnologyListComplete(Event):
    """The end of the answer to `BridgeTechnologyList`."""

    list_items = Int()


class BridgeTechnologyList(Action):
    """List the ways to mix channels that Asterisk has loaded."""

    _list = (BridgeTechnologyListItem,)
    _finalisers = (BridgeTechnologyListComplete,)


class BridgeTechnologySuspend(Action):
    """Have new bridges not use a way to mix."""

    bridge_technology: str


class BridgeTechnologyUnsuspend(Action):
    """Undo `BridgeTechnologySuspend`."""

    bridge_technology: str


# Transfers


class BlindTransferEvent(BridgeEvent, name="BlindTransfer"):
    """A party of a call sent the other elsewhere without asking there."""

    result = Word(TransferResult)
    transferer = ChannelSnapshot.at("Transferer")
    transferee = ChannelSnapshot.at("Transferee")
    is_external = Bool("Yes")
    context = Text()
    extension = Text()


class AttendedTransfer(Event):
    """A party joined its two calls and left them.

    `dest_type` says how: `Bridge` (one bridge is left, `dest_bridge_uniqueid`), `App` (a bridge met the application
    `dest_app`), `Link` (two bridges, linked by the Local channels `local_one` and `local_two`), `Threeway` (the
    transferer stayed, as `dest_transferer_channel`) or `Fail`.
    """

    result = Word(TransferResult)
    orig_transferer = ChannelSnapshot.at("OrigTransferer")
    orig_bridge = BridgeSnapshot.at("Orig")
    second_transferer = ChannelSnapshot.at("SecondTransferer")
    second_bridge = BridgeSnapshot.at("Second")
    dest_type = Text()
    dest_bridge_uniqueid = Text()
    dest_app = Text()
    local_one = ChannelSnapshot.at("LocalOne")
    local_two = ChannelSnapshot.at("LocalTwo")
    dest_transferer_channel = Text()
    transferee = ChannelSnapshot.at("Transferee")
    transfer_target = ChannelSnapshot.at("TransferTarget")
    is_external = Bool("Yes")


class BlindTransfer(Action):
    """Send whoever talks with `channel` to an extension."""

    channel: str
    context: str | None = None
    extension: str | None = param("Exten", default=None)


class Atxfer(Action):
    """Have `channel` call an extension, to transfer its call there when it hangs up."""

    channel: str
    extension: str = param("Exten")
    context: str | None = None


class CancelAtxfer(Action):
    """Give up the transfer that a channel began with `Atxfer` or by its feature code."""

    channel: str


# Local channels


class LocalBridge(Event):
    """The two halves of a Local channel were joined, to run an extension."""

    local_one = ChannelSnapshot.at("LocalOne")
    local_two = ChannelSnapshot.at("LocalTwo")
    context = Text()
    exten = Text()
    local_optimization = Bool("Yes")


class LocalOptimizationBegin(Event):
    """Asterisk begins to take a Local channel out of the path: `source` will meet `dest_unique_id` directly."""

    local_one = ChannelSnapshot.at("LocalOne")
    local_two = ChannelSnapshot.at("LocalTwo")
    source = ChannelSnapshot.at("Source")
    dest_unique_id = Text()
    id = Int()


class LocalOptimizationEnd(Event):
    """Asterisk took a Local channel out of the path, or failed to; `id` is that of the beginning."""

    local_one = ChannelSnapshot.at("LocalOne")
    local_two = ChannelSnapshot.at("LocalTwo")
    succeeded = Bool("Yes", "Success")
    id = Int()


class LocalOptimizeAway(Action):
    """Let Asterisk take a Local channel out of the path, although it was made with `/n`."""

    channel: str


# Hold


class Hold(ChannelEvent):
    """A channel put the other side on hold; `music_class` is the music it asks for, if any."""

    music_class = Text()


class Unhold(ChannelEvent):
    """A channel took the other side off hold."""


class MusicOnHoldStart(ChannelEvent):
    """Music on hold began to play to a channel."""

    music_class = Text("Class")


class MusicOnHoldStop(ChannelEvent):
    """Music on hold no longer plays to a channel."""
