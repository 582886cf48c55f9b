"""Parked calls: the actions, and the events that follow a call from its parking to its end."""

from ami.catalogue import Aggregate, Event
from ami.headers import Int, Text
from ami.request import Action, Request
from ami.snapshots import ChannelSnapshot

__all__ = [
    "Park", "ParkedCall", "ParkedCallGiveUp", "ParkedCallSwap", "ParkedCallTimeOut", "ParkedCalls",
    "ParkedCallsComplete", "ParkedCalls_Aggregate", "Parkinglot", "Parkinglots", "ParkinglotsComplete", "UnParkedCall",
]  # fmt: skip

# Events


class _Parked(Event, abstract=True):
    """The base of events about a parked call; times are in seconds."""

    parkee = ChannelSnapshot.at("Parkee")
    parker_dial_string = Text()
    parkinglot = Text()
    parking_space = Int()
    parking_timeout = Int()
    parking_duration = Int()


class ParkedCall(_Parked):
    """A call was parked; also an item of the answer to `ParkedCalls`. `timeout` is of Asterisk before 12."""

    timeout = Int(process=None, optional=True)


class ParkedCallGiveUp(_Parked):
    """A parked caller hung up."""

    parker = ChannelSnapshot.at("Parker")


class ParkedCallSwap(_Parked):
    """Another channel took the place of a parked one."""

    parker = ChannelSnapshot.at("Parker")


class ParkedCallTimeOut(_Parked):
    """Nobody fetched a parked call in time; it goes back to who parked it, or on in the dialplan."""

    parker = ChannelSnapshot.at("Parker")


class UnParkedCall(_Parked):
    """Somebody, the retriever, fetched a parked call."""

    parker = ChannelSnapshot.at("Parker")
    retriever = ChannelSnapshot.at("Retriever")


class ParkedCallsComplete(Event):
    """The end of the answer to `ParkedCalls`."""

    list_items = Int()
    total = Int(process=-1)


class ParkedCalls_Aggregate(Aggregate):
    """The answer to `ParkedCalls`."""

    _aggregation_members = (ParkedCall,)
    _aggregation_finalisers = (ParkedCallsComplete,)
    _count_header = "Total"


class Parkinglot(Event):
    """An item of the answer to `Parkinglots`: a parking lot, and the seconds that a call may stay in it."""

    parkinglot = Text("Name")
    start_space = Int()
    stop_space = Int()
    timeout = Int()


class ParkinglotsComplete(Event):
    """The end of the answer to `Parkinglots`."""

    list_items = Int()


# Actions


class Park(Action):
    """Park the call of `channel`.

    When `timeout`, in milliseconds, has passed, it is given back to `channel_callback`, or, where there is none, to the
    channel it is bridged with. `announce_channel` hears the number of the space. Asterisk from 12 on has
    `announce_channel` and `parkinglot`, Asterisk 22 has `parking_space`.
    """

    def __init__(
        self,
        channel: str,
        channel_callback: str | None = None,
        timeout: int | None = None,
        announce_channel: str | None = None,
        parkinglot: str | None = None,
        parking_space: int | str | None = None,
    ) -> None:
        Request.__init__(self, "Park")
        given = {
            "Channel": channel,
            "Channel2": channel_callback,  # Asterisk from 12 on takes it as its TimeoutChannel, too
            "Timeout": timeout or None,
            "AnnounceChannel": announce_channel,
            "Parkinglot": parkinglot,
            "ParkingSpace": parking_space,
        }
        self.update({name: value for name, value in given.items() if value is not None})


class ParkedCalls(Action):
    """List the parked calls, or only those of one parking lot."""

    parking_lot: str | None = None

    _aggregates = (ParkedCalls_Aggregate,)


class Parkinglots(Action):
    """List the parking lots."""

    _list = (Parkinglot,)
    _finalisers = (ParkinglotsComplete,)
