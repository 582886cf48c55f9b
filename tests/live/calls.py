"""Calls on a real Asterisk, and what is heard of them."""

import threading
from collections.abc import Callable
from typing import Any

import ami
from ami import core, core_events

PATIENCE = 20
"""Seconds to wait for what must come; waiting that long is a failure."""


class Ears:
    """Every event and aggregate that a manager heard, once `hear` is registered there."""

    def __init__(self) -> None:
        self._heard: list[Any] = []
        self._changed = threading.Condition()

    def hear(self, event: Any, manager: ami.Manager) -> None:
        with self._changed:
            self._heard.append(event)
            self._changed.notify_all()

    def all(self, name: str, **headers: str) -> list[Any]:
        """What was heard so far of this name with these headers."""
        with self._changed:
            return [
                event
                for event in self._heard
                if event.name == name and all(event.get(key) == value for key, value in headers.items())
            ]

    def wait_for(self, name: str, **headers: str) -> Any:
        """The first event of this name with these headers, which may have come already."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.all(name, **headers), PATIENCE), f"no {name} with {headers}"
            return self.all(name, **headers)[0]

    def wait_until(self, found: Callable[[Any], bool]) -> Any:
        """The first of which that can be said."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(map(found, self._heard)), PATIENCE), "it did not come"
            return next(filter(found, self._heard))


def originate(manager: ami.Manager, ears: Ears, to: str) -> core_events.OriginateResponse:
    """Have `to` called and connected to an application that waits; return how that went."""
    answer = manager.send_action(core.Originate_Application(to, "Wait", "40"))
    assert answer.success
    return ears.wait_for("OriginateResponse", ActionID=answer.action_id)


def hang_up(manager: ami.Manager, channel: str) -> ami.Response:
    """Hang up, and wait until the channel is gone."""
    action = core.Hangup(channel)
    action.synchronous = True
    return manager.send_action(action)


def listed(manager: ami.Manager, action: ami.Request) -> ami.Response:
    """Ask for a list, and wait for all of it."""
    action.synchronous = True
    return manager.send_action(action)


def other_half(channel: str) -> str:
    """The half of a Local channel that runs the dialplan: `Local/1@lab-00000001;2` for `…;1`."""
    assert channel.endswith(";1")
    return channel.removesuffix("1") + "2"
