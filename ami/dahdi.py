"""The actions of DAHDI telephony hardware, ISDN included."""

from ami import dahdi_events
from ami.request import Action, param

__all__ = [
    "DAHDIDNDoff", "DAHDIDNDon", "DAHDIDialOffhook", "DAHDIHangup", "DAHDIRestart", "DAHDIShowChannels",
    "DAHDIShowStatus", "DAHDITransfer", "PRIDebugFileSet", "PRIDebugFileUnset", "PRIDebugSet", "PRIShowSpans",
]  # fmt: skip

# Channels and spans


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


class DAHDITransfer(Action):
    """Have a channel act as if its telephone's hook had been flashed, which begins a transfer."""

    dahdi_channel: int | str = param("DAHDIChannel")


class DAHDIRestart(Action):
    """Restart the driver, which ends every call on it."""


class DAHDIShowChannels(Action):
    """List the channels, or only one."""

    dahdi_channel: int | str | None = param("DAHDIChannel", default=None)

    _aggregates = (dahdi_events.DAHDIShowChannels_Aggregate,)


class DAHDIShowStatus(Action):
    """List the spans; Asterisk 22 has it, 16 has not."""

    _list = (dahdi_events.DAHDIShowStatus,)
    _finalisers = (dahdi_events.DAHDIShowStatusComplete,)


# ISDN


class PRIDebugFileSet(Action):
    """Write what is debugged of ISDN to a file."""

    file: str


class PRIDebugFileUnset(Action):
    """Undo `PRIDebugFileSet`."""


class PRIDebugSet(Action):
    """Choose how much of a span is debugged: `off`, `on`, `intense`, or a mask of bits."""

    span: int | str
    level: int | str


class PRIShowSpans(Action):
    """List the D channels of the spans, or of one."""

    span: int | str | None = None

    _list = (dahdi_events.PRIShowSpans,)
    _finalisers = (dahdi_events.PRIShowSpansComplete,)
