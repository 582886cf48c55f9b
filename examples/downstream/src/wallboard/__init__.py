"""A wallboard for a call centre: who waits in each queue and for how long, and which agents are free.

    wallboard pbx.example.org admin s3cret support sales

The picture is made of the answer to `QueueStatus`, and kept by the events that follow. It is made anew when a `Gap`
says that some of them are missing. While it cannot be made, or there is no link, the last one is shown, as an old one.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ami
from ami import core, core_events, enums

__all__ = ["Row", "Wallboard", "main", "table"]

CHANGES = (
    "QueueCallerJoin", "QueueCallerLeave", "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause",
    "QueueMemberStatus",
)  # fmt: skip
REFRESH = 1.0
"""Seconds after which the picture is shown again."""
PATIENCE = 5.0
"""Seconds that the PBX may take for a picture."""


class Row(NamedTuple):
    """What the wallboard shows of a queue."""

    queue: str
    waiting: int
    longest: int
    """For how many seconds the first caller has waited."""
    free: tuple[str, ...]
    """The agents that are free, by name."""
    agents: int
    """How many agents there are."""
    fresh: bool
    """Whether it is so now; otherwise it was, when that could last be known."""


@dataclass
class _Queue:
    """What is known of a queue."""

    since: dict[str, float] = field(default_factory=dict)
    """When each caller came, by channel; on this machine's clock."""
    agents: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """The name of each agent, and whether that agent is free, by interface."""


class Wallboard:
    """Follows some queues, and shows them each second, however many changes there are."""

    def __init__(self, manager: ami.Manager, names: Sequence[str], show: Callable[[list[Row]], object]) -> None:
        self._manager = manager
        self._show = show
        self._queues = {name: _Queue() for name in names}
        self._known = False

    def run(self) -> None:
        """Follow the queues until the manager is closed, or its link is lost for good."""
        due = 0.0
        with self._manager.events(*CHANGES, where=self._is_shown) as changes:
            while True:
                if time.monotonic() >= due:
                    self._known = self._known or self._ask()
                    self._show(self._rows())
                    due = time.monotonic() + REFRESH
                try:
                    self._apply(changes.get(timeout=due - time.monotonic()))
                except TimeoutError:
                    continue
                except ami.ManagerSocketError:
                    return

    def _is_shown(self, event: ami.Event) -> bool:
        return event.get("Queue") in self._queues

    def _ask(self) -> bool:
        """Make the picture anew; return whether that could be done."""
        fresh = {name: self._ask_for(name) for name in self._queues}
        for name, queue in fresh.items():
            self._queues[name] = queue or self._queues[name]
        return all(fresh.values())

    def _ask_for(self, name: str) -> _Queue | None:
        """A queue as it is now; None if that cannot be known."""
        request = core.QueueStatus(name)
        request.synchronous = True
        request.timeout = PATIENCE
        try:
            answer = self._manager.send_action(request)
        except ami.Error:
            return None
        if answer is None or not answer.success or answer.events is None or answer.events_timeout:
            return None  # half a list would look like a quiet evening
        now = time.monotonic()
        callers, members = answer.events[core_events.QueueEntry], answer.events[core_events.QueueMember]
        return _Queue(
            {caller.channel: now - (caller.wait or 0) for caller in callers},
            {member.location: (member.member_name, _is_free(member)) for member in members},
        )

    def _apply(self, event: Any) -> None:
        """What has changed; saying it twice does no harm."""
        if isinstance(event, ami.Gap):
            self._known = False
            return
        queue = self._queues[event["Queue"]]
        channel, interface = event.get("Channel", ""), event.get("Interface", "")
        match event.name:
            case "QueueCallerJoin":
                queue.since.setdefault(channel, time.monotonic())
            case "QueueCallerLeave":
                queue.since.pop(channel, None)
            case "QueueMemberRemoved":
                queue.agents.pop(interface, None)
            case _:
                queue.agents[interface] = (event.member_name, _is_free(event))

    def _rows(self) -> list[Row]:
        now = time.monotonic()
        fresh = self._known and self._manager.state is ami.State.READY
        return [
            Row(
                name,
                len(queue.since),
                round(now - min(queue.since.values(), default=now)),
                tuple(sorted(agent for agent, free in queue.agents.values() if free)),
                len(queue.agents),
                fresh,
            )
            for name, queue in self._queues.items()
        ]


def _is_free(member: Any) -> bool:
    return member.status is enums.MemberStatus.NOT_IN_USE and not member.paused


def table(rows: list[Row]) -> str:
    """The rows as lines of text."""
    lines = [f"{'queue':12} {'waiting':>7} {'longest':>7}  free agents"]
    for row in rows:
        free = f"{len(row.free)} of {row.agents}: {', '.join(row.free) or 'nobody'}"
        lines.append(f"{row.queue:12} {row.waiting:7} {row.longest:5} s  {free}{'' if row.fresh else '  (old)'}")
    return "\n".join(lines)


def main() -> None:
    """Show a wallboard until Ctrl-C is pressed."""
    host, username, secret, *names = sys.argv[1:]
    try:
        with ami.connect(host, username=username, secret=secret) as manager:
            Wallboard(manager, names, lambda rows: print(f"\x1b[H\x1b[J{table(rows)}", flush=True)).run()
        sys.exit("the link is lost, and does not come again")
    except KeyboardInterrupt:
        pass
    except ami.Error as error:
        sys.exit(f"{type(error).__name__}: {error}")
