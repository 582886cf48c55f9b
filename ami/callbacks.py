"""Which callbacks an event, an aggregate, an orphan or a change of state goes to, and in which order."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ami.catalogue import Aggregate, Event, event_name
from ami.outcomes import Notice, Orphan, Output, StateChange

__all__ = ["Callback", "CallbackRegistry", "Identifier"]

Callback = Callable[..., object]
"""Called as `function(event, manager)`; with an event, an aggregate, an orphaned response, or a change of state."""

Identifier = str | type[Event] | type[Aggregate] | type[StateChange] | None
"""A name, a declared class, `''` for every event, None for orphaned responses, `StateChange` for those of the link."""

F = TypeVar("F", bound=Callable[..., Any])
_Key = str | type[StateChange] | None
_Tables = tuple[dict[_Key, tuple[F, ...]], tuple[F, ...], dict[type, tuple[F, ...]]]
"""The callbacks for each key, those for every event, and those for each class of outputs that came since."""


class CallbackRegistry(Generic[F]):
    """Callbacks in the order in which they were registered, whatever they were registered for.

    May be changed from a callback, and by one thread at a time while others look up: a change takes effect with
    the next event.
    """

    def __init__(self) -> None:
        self._entries: tuple[tuple[_Key, F], ...] = ()
        self._tables: _Tables[F] = {}, (), {}

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

    @property
    def names(self) -> frozenset[str] | None:
        """The names of the events that are wanted; None for all."""
        by_key, universal, _ = self._tables
        return None if universal else frozenset(key for key in by_key if isinstance(key, str))

    def matching(self, output: Output) -> tuple[F, ...]:
        """The callbacks for what a session gave."""
        by_key, universal, by_type = self._tables
        kind = type(output)
        found = by_type.get(kind)
        if found is None:
            if isinstance(output, (Event, Aggregate)):
                found = by_key.get(output.wire_name or output.name, universal)
            elif kind is Notice:
                found = ()
            else:
                found = by_key.get(None if kind is Orphan else StateChange, ())
            if kind is not Event:  # every other class is one of outputs that go the same way
                by_type[kind] = found
        return found

    def _change(self, entries: tuple[tuple[_Key, F], ...]) -> None:
        self._entries = entries
        by_key = {
            key: tuple(function for each, function in entries if each == key or (each == "" and isinstance(key, str)))
            for key, _ in entries
            if key != ""
        }
        self._tables = by_key, tuple(function for key, function in entries if key == ""), {}


def _normal(event: Identifier) -> _Key:
    if event is None or event is StateChange or isinstance(event, str):
        return event
    return event_name(event)  # type: ignore[arg-type]
