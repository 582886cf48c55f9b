"""What devices, extensions and people are doing: device states, hints and presence.

A device's state is its own (`Device: PJSIP/phone1`); an extension's is made of the devices that its hint in the
dialplan names. The changes come as events by themselves; the lists answer with the same events, as items.
"""

from ami import enums
from ami.catalogue import Event
from ami.headers import Code, Int, Text, Word
from ami.request import Action, param

__all__ = [
    "DeviceStateChange", "DeviceStateList", "DeviceStateListComplete", "ExtensionState", "ExtensionStateList",
    "ExtensionStateListComplete", "ExtensionStatus", "PresenceState", "PresenceStateChange", "PresenceStateList",
    "PresenceStateListComplete", "PresenceStatus",
]  # fmt: skip

# Devices


class DeviceStateChange(Event):
    """A device changed its state; or, as an item of the answer to `DeviceStateList`, its state."""

    device = Text()
    state = Word(enums.DeviceState)


class DeviceStateListComplete(Event):
    """The end of the answer to `DeviceStateList`."""

    list_items = Int()


class DeviceStateList(Action):
    """List the devices with their states."""

    _list = (DeviceStateChange,)
    _finalisers = (DeviceStateListComplete,)


# Extensions


class ExtensionStatus(Event):
    """The hint of an extension changed its state; or, as an item of the answer to `ExtensionStateList`, its state.

    `status_text` says in words what `status` is.
    """

    exten = Text()
    context = Text()
    hint = Text()
    status = Code(enums.ExtensionState)
    status_text = Text()


class ExtensionStateListComplete(Event):
    """The end of the answer to `ExtensionStateList`."""

    list_items = Int()


class ExtensionStateList(Action):
    """List the extensions that have hints, with their states."""

    _list = (ExtensionStatus,)
    _finalisers = (ExtensionStateListComplete,)


class ExtensionState(Action):
    """Ask for the state of an extension's hint; the result has `Hint`, `Status` and `StatusText`.

    An extension without a hint is no error: its `Status` is -1.
    """

    extension: str = param("Exten")
    context: str


# Presence


class PresenceStateChange(Event):
    """The presence of somebody changed; or, as an item of the answer to `PresenceStateList`, what it is."""

    presentity = Text()
    status = Word(enums.PresenceState)
    subtype = Text()
    message = Text()


class PresenceStatus(Event):
    """The presence that an extension's hint names changed."""

    exten = Text()
    context = Text()
    hint = Text()
    status = Word(enums.PresenceState)
    subtype = Text()
    message = Text()


class PresenceStateListComplete(Event):
    """The end of the answer to `PresenceStateList`."""

    list_items = Int()


class PresenceStateList(Action):
    """List the presence of everybody who has a provider of it."""

    _list = (PresenceStateChange,)
    _finalisers = (PresenceStateListComplete,)


class PresenceState(Action):
    """Ask for the presence of a provider such as `CustomPresence:bob`; the result has `State`, `Subtype`, `Message`."""

    provider: str
