"""The actions of DAHDI telephony hardware."""

from ami import dahdi_events
from ami.catalogue import Action, param

__all__ = ["DAHDIDNDoff", "DAHDIDNDon", "DAHDIDialOffhook", "DAHDIHangup", "DAHDIRestart", "DAHDIShowChannels"]


class DAHDIDNDoff(Action):
    """Switch a channel's do-not-disturb off."""

    dahdi_channel: int | str = param("DAHDIChannel")


class DAHDIDNDon(Action):
    """Switch a channel's do-not-disturb on."""

    dahdi_channel: int | str = param("DAHDIChannel")


class DAHDIDialOffhook(Action):
    """Dial a number on a channel that is off its hook."""

    dahdi_channel: int | str = param("DAHDIChannel")
    number: str


class DAHDIHangup(Action):
    """Hang up a channel."""

    dahdi_channel: int | str = param("DAHDIChannel")


class DAHDIRestart(Action):
    """Restart the driver, which ends every call on it."""


class DAHDIShowChannels(Action):
    """List the channels, or only one."""

    dahdi_channel: int | str | None = param("DAHDIChannel", default=None)

    _aggregates = (dahdi_events.DAHDIShowChannels_Aggregate,)
    _list = (dahdi_events.DAHDIShowChannels,)
    _finalisers = (dahdi_events.DAHDIShowChannelsComplete,)
