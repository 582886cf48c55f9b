"""The Asterisk Gateway Interface (AGI): commands to a channel that the application AGI holds.

With `AGI(agi:async)` in the dialplan the commands come by this connection. `AsyncAGI` and `AGIExec` are of Asterisk
before 12; each was replaced by one event for each of what was its `SubEvent`.
"""

from typing import Any

from ami.catalogue import Event
from ami.headers import Header, Int, Text
from ami.request import Action, param
from ami.snapshots import ChannelEvent

__all__ = [
    "AGI",
    "AGIExec",
    "AGIExecEnd",
    "AGIExecStart",
    "AsyncAGI",
    "AsyncAGIEnd",
    "AsyncAGIExec",
    "AsyncAGIStart",
]

# Headers


class _Quoted(Header[str]):
    """Text that is quoted as in a URL."""

    def convert(self, text: str) -> str | None:
        """The text as it was, without the end of its line."""
        from urllib.parse import unquote

        return unquote(text, errors="surrogateescape").rstrip("\n")


class _Environment(Header[dict[str, str]]):
    """Quoted lines, with `name: value` in each."""

    def convert(self, text: str) -> dict[str, str] | None:
        """The mapping of names to values."""
        lines = (_Quoted().convert(text) or "").split("\n")
        return {
            name: value.removeprefix(" ") for name, colon, value in (line.partition(":") for line in lines) if colon
        }


# Channels that wait for commands


class AsyncAGIStart(ChannelEvent):
    """A channel began to wait for commands; `env` is what a program of AGI would read first."""

    env = _Environment()


class AsyncAGIExec(ChannelEvent):
    """A command was carried out; `result` is what a program would read, such as `200 result=0`.

    `command_id` is the one that `AGI` was given.
    """

    command_id = Text()
    result = _Quoted()


class AsyncAGIEnd(ChannelEvent):
    """A channel no longer waits for commands."""


class AsyncAGI(Event):
    """Before Asterisk 12, all three in one: `sub_event` is `Start`, `Exec` or `End`."""

    sub_event = Text()
    channel = Text()
    env = _Environment()
    command_id = Text()
    result = _Quoted()


# Commands


class AGIExecStart(ChannelEvent):
    """A command began; `command_id` is a number that its end will have, too."""

    command = Text()
    command_id = Text()


class AGIExecEnd(ChannelEvent):
    """A command ended; `result` says in words what `result_code` says (200 for a success)."""

    command = Text()
    command_id = Text()
    result_code = Int()
    result = Text()


class AGIExec(Event):
    """Before Asterisk 12, both in one: `sub_event` is `Start` or `End`."""

    sub_event = Text()
    channel = Text()
    command = Text()
    command_id = Text()
    result_code = Int()
    result = Text()

    def process(self) -> tuple[dict[str, Any], list[str]]:
        """As for every event; of a command that ended, `Result` is whether it is `Success`, `ResultCode` a number."""
        headers, data = super().process()
        if self.sub_event != "Start":
            headers["Result"] = self.result == "Success"
            headers["ResultCode"] = -1 if self.result_code is None else self.result_code
        return headers, data


# Actions


class AGI(Action):
    """Have a channel that waits for commands carry out one; `command_id` comes back in the event that has the result.

    A synchronous request waits for that event, which is `AsyncAGIExec`, before Asterisk 12 `AsyncAGI`.
    """

    channel: str
    command: str
    command_id: str | None = param("CommandID", default=None)

    _finalisers = (AsyncAGI, AsyncAGIExec)
    _shared_headers = ("Channel", "CommandID")

    def is_ended_by(self, event: Event) -> bool:
        """Whether an event has the result: it is of the same channel, and has the same CommandID or none.

        A channel can be asked for by its name, in any case, and by its Uniqueid.
        """
        return (
            (isinstance(event, AsyncAGIExec) or (isinstance(event, AsyncAGI) and event.sub_event == "Exec"))
            and str(self.channel).lower() in (event.get("Channel", "").lower(), event.get("Uniqueid", ""))
            and event.get("CommandID") == (None if self.command_id is None else str(self.command_id))
        )
