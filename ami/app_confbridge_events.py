"""The events and aggregates of conferences by ConfBridge."""

from ami.catalogue import Aggregate, Bool, Event, Int, Text
from ami.core_events import BridgeEvent, ChannelEvent


class ConfbridgeStart(Event):
    """A conference began."""

    conference = Text()
    bridge_uniqueid = Text()


class ConfbridgeEnd(Event):
    """A conference ended."""

    conference = Text()
    bridge_uniqueid = Text()


class ConfbridgeJoin(BridgeEvent):
    """Somebody joined a conference."""

    conference = Text()
    admin = Bool("Yes")
    muted = Bool("Yes")


class ConfbridgeLeave(BridgeEvent):
    """Somebody left a conference."""

    conference = Text()
    admin = Bool("Yes")


class ConfbridgeTalking(BridgeEvent):
    """Somebody in a conference began or stopped to talk."""

    conference = Text()
    talking_status = Bool("on", process=False)
    admin = Bool("Yes")


class ConfbridgeList(ChannelEvent):
    """An item of the answer to `ConfbridgeList`: somebody in a conference."""

    conference = Text()
    admin = Bool("Yes", process=False)
    marked_user = Bool("Yes", process=False)
    wait_marked = Bool("Yes")
    end_marked = Bool("Yes")
    waiting = Bool("Yes")
    muted = Bool("Yes")
    talking = Bool("Yes")
    answered_time = Int()


class ConfbridgeListComplete(Event):
    """The end of the answer to `ConfbridgeList`."""

    list_items = Int(process=-1)


class ConfbridgeList_Aggregate(Aggregate):
    """The answer to `ConfbridgeList`."""

    _aggregation_members = (ConfbridgeList,)
    _aggregation_finalisers = (ConfbridgeListComplete,)
    _count_header = "ListItems"


class ConfbridgeListRooms(Event):
    """An item of the answer to `ConfbridgeListRooms`: a conference."""

    conference = Text()
    parties = Int(process=-1)
    marked = Int(process=-1)
    locked = Bool("Yes", process=False)
    muted = Bool("Yes")


class ConfbridgeListRoomsComplete(Event):
    """The end of the answer to `ConfbridgeListRooms`."""

    list_items = Int(process=-1)


class ConfbridgeListRooms_Aggregate(Aggregate):
    """The answer to `ConfbridgeListRooms`."""

    _aggregation_members = (ConfbridgeListRooms,)
    _aggregation_finalisers = (ConfbridgeListRoomsComplete,)
    _count_header = "ListItems"
