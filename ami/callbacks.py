"""Which callbacks an event, an aggregate or an orphan goes to, and in which order."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ami.catalogue import Aggregate, Event, event_name
from ami.message import Message

__all__ = ["Callback", "CallbackRegistry", "Identifier"]

Callback = Callable[..., object]
"""Called as `function(event, manager)`; with an event, an aggregate, or an orphaned response."""

Identifier = str | type[Event] | type[Aggregate] | None
"""A name, a declared class, `''` for every event, None for orphaned responses."""

F = TypeVar("F", bound=Callable[..., Any])


class CallbackRegistry(Generic[F]):
    """Callbacks in the order in which they were registered, whatever they were registered for.

    May be changed from a callback, and by one thread at a time while others look up: a change takes effect with
    the next event.
    """

    def __init__(self) -> None:
        self._entries: tuple[tuple[str | None, F], ...] = ()
        self._matches: dict[str | None, tuple[F, ...]] = {}

    def register(self, event: Identifier, function: F) -> None:
        """Add a callback; one that is there already, for the same events, moves to the end."""
        entry = (_normal(event), function)
        self._change((*(each for each in self._entries if each != entry), entry))

    def unregister(self, event: Identifier, function: F) -> bool:
        """Take a callback out; return whether it was there."""
        entry = (_normal(event), function)
        found = entry in self._entries
        self._change(tuple(each for each in self._entries if each != entry))
        return found

    def matching(self, output: Event | Aggregate | Message) -> tuple[F, ...]:
        """The callbacks for an event or an aggregate, by its name, or for a response, which is an orphan."""
        name = output.name if isinstance(output, (Event, Aggregate)) else None
        matches, entries = self._matches, self._entries  # in this order: a change replaces them in the other
        found = matches.get(name)
        if found is None:
            wanted = (None,) if name is None else ("", name)
            found = tuple(function for identifier, function in entries if identifier in wanted)
            if any(identifier == name for identifier, _ in entries):
                matches[name] = found
        return found

    def _change(self, entries: tuple[tuple[str | None, F], ...]) -> None:
        self._entries = entries
        self._matches = {}


def _normal(event: Identifier) -> str | None:
    return event if event is None or isinstance(event, str) else event_name(event)
