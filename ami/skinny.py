"""Cisco telephones by chan_skinny, which Asterisk 21 removed.

It leaves out the empty lines between the items of a list, and that before its end: all of them come as one event, of
which the attributes are those of the first item; `pairs` has the others. What is asked of one telephone, or line, it
answers with lines that are no response: the action ends at its time-out, and they come as an event without a name.
"""

from ami.catalogue import Event
from ami.headers import Int, Text
from ami.request import Action

__all__ = [
    "DeviceEntry", "DevicelistComplete", "LineEntry", "LinelistComplete", "SKINNYdevices", "SKINNYlines",
    "SKINNYshowdevice", "SKINNYshowline",
]  # fmt: skip

# Devices


class DeviceEntry(Event):
    """An item of the answer to `SKINNYdevices`: a telephone."""

    channel_type = Text("Channeltype")
    object_name = Text()
    channel_object_type = Text()
    device_id = Text()
    ip_address = Text("IPaddress")
    type = Text()
    device_status = Text("Devicestatus")
    number_of_lines = Int()
    list_items = Int()  # of the end of the list, which is in the same event


class DevicelistComplete(Event):
    """The end of the answer to `SKINNYdevices`."""

    list_items = Int()


class SKINNYdevices(Action):
    """List the telephones."""

    _list = (DeviceEntry,)
    _finalisers = (DevicelistComplete,)


class SKINNYshowdevice(Action):
    """Ask for what is known of a telephone."""

    device: str


# Lines


class LineEntry(Event):
    """An item of the answer to `SKINNYlines`: a line of a telephone."""

    channel_type = Text("Channeltype")
    object_name = Text()
    channel_object_type = Text()
    device = Text()
    instance = Int()
    label = Text()
    list_items = Int()  # of the end of the list, which is in the same event


class LinelistComplete(Event):
    """The end of the answer to `SKINNYlines`."""

    list_items = Int()


class SKINNYlines(Action):
    """List the lines."""

    _list = (LineEntry,)
    _finalisers = (LinelistComplete,)


class SKINNYshowline(Action):
    """Ask for what is known of a line."""

    line: str
