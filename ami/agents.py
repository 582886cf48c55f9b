"""Agents, who log in from their telephones with AgentLogin and wait there for calls."""

from typing import TYPE_CHECKING, Self, overload

from ami.catalogue import Event
from ami.enums import AgentStatus
from ami.headers import Int, Source, Text, Timestamp, Word
from ami.request import Action
from ami.snapshots import ChannelEvent

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["AgentLogin", "AgentLogoff", "AgentLogoffEvent", "Agents", "AgentsComplete", "AgentsEvent"]

# Events


class AgentLogin(ChannelEvent):
    """An agent logged in."""

    agent = Text()


class AgentLogoffEvent(ChannelEvent, name="AgentLogoff"):
    """An agent logged out, after `logintime` seconds."""

    agent = Text()
    logintime = Int()


class _CallStarted(Timestamp):
    """A moment; Asterisk ends its line so that the next header still belongs to it."""

    def convert(self, text: str) -> "datetime | None":
        """The moment, or None."""
        return super().convert(text.partition("\n")[0])


class _LoggedInTime(Timestamp):
    """A moment; for an agent on a call, it is the rest of the header before."""

    @overload
    def __get__(self, source: None, owner: type) -> Self: ...
    @overload
    def __get__(self, source: Source, owner: type) -> "datetime | None": ...
    def __get__(self, source: Source | None, owner: type) -> "Self | datetime | None":
        if source is None:
            return self
        text = source.get(self.name)
        if text is None:
            text = (source.get("CallStarted") or "").partition(f"\n{self.name}:")[2]
        return self.convert(text.strip())


class AgentsEvent(ChannelEvent, name="Agents"):
    """An item of the answer to `Agents`; of an agent who is logged in, it tells the channel, too."""

    agent = Text()
    agent_name = Text("Name")
    status = Word(AgentStatus)
    talking_to_chan = Text()
    call_started = _CallStarted()
    logged_in_time = _LoggedInTime()


class AgentsComplete(Event):
    """The end of the answer to `Agents`."""

    list_items = Int()


# Actions


class Agents(Action):
    """List the agents, with what they do."""

    _list = (AgentsEvent,)
    _finalisers = (AgentsComplete,)


class AgentLogoff(Action):
    """Log an agent out; `soft` leaves the call that is under way alone."""

    agent: str
    soft: bool | None = None
