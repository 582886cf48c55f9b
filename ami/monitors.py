"""Recording and listening: Monitor, MixMonitor and ChanSpy.

Asterisk 21 removed Monitor; MixMonitor, which records both directions into one file, stayed.
"""

from ami.catalogue import Event
from ami.headers import Bool, Text
from ami.request import Action, param
from ami.snapshots import ChannelEvent, ChannelSnapshot

__all__ = [
    "ChanSpyStart", "ChanSpyStop", "ChangeMonitor", "MixMonitor", "MixMonitorMute", "MixMonitorMuteEvent",
    "MixMonitorStart", "MixMonitorStop", "Monitor", "MonitorStart", "MonitorStop", "PauseMonitor", "StopMixMonitor",
    "StopMonitor", "UnpauseMonitor",
]  # fmt: skip

# Monitor


class MonitorStart(ChannelEvent):
    """The recording of a channel by Monitor began."""


class MonitorStop(ChannelEvent):
    """The recording of a channel by Monitor ended."""


class Monitor(Action):
    """Record a channel: each direction to a file of its own, which `mix` has joined at the end."""

    channel: str
    filename: str = param("File")
    format: str = "wav"
    mix: bool = True


class ChangeMonitor(Action):
    """Have a running recording go on in another file."""

    channel: str
    filename: str = param("File")


class PauseMonitor(Action):
    """Leave out of a recording what is said from now on."""

    channel: str


class UnpauseMonitor(Action):
    """Undo `PauseMonitor`."""

    channel: str


class StopMonitor(Action):
    """End a recording that `Monitor` began."""

    channel: str


# MixMonitor


class MixMonitorStart(ChannelEvent):
    """The recording of a channel by MixMonitor began."""


class MixMonitorStop(ChannelEvent):
    """The recording of a channel by MixMonitor ended."""


class MixMonitorMuteEvent(ChannelEvent, name="MixMonitorMute"):
    """A recording was muted, or no longer is, in a direction: `read`, `write` or `both`."""

    direction = Text()
    state = Bool("1")


class MixMonitor(Action):
    """Record a channel; the result names the recording in `MixMonitorID`.

    `options` are those of the application MixMonitor; `command` is run by the system's shell when the recording ends.
    """

    channel: str
    file: str | None = None
    options: str | None = None
    command: str | None = None


def _one_zero(value: object) -> str:
    return "1" if value else "0"


class MixMonitorMute(Action):
    """Mute a recording, or end that, in a direction: `read`, `write` or `both`."""

    channel: str
    direction: str
    mute: bool = param("State", encode=_one_zero)


class StopMixMonitor(Action):
    """End the recordings of a channel that `MixMonitor` began, or only one of them."""

    channel: str
    mixmonitor_id: str | None = param("MixMonitorID", default=None)


# ChanSpy


class _Spying(Event, abstract=True):
    """The base of events about one channel that listens to another."""

    spyer = ChannelSnapshot.at("Spyer")
    spyee = ChannelSnapshot.at("Spyee")


class ChanSpyStart(_Spying):
    """A channel began to listen to another."""


class ChanSpyStop(_Spying):
    """A channel no longer listens to another."""
