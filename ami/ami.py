"""The internals that have documented names; use the names of the package `ami` where it has them.

To import this module is to declare every event that has a documented class.
"""

from abc import ABC
from collections.abc import Iterator, Mapping

from ami import app_confbridge_events, app_meetme_events, core_events, dahdi_events
from ami.catalogue import _EVENTS as _EVENT_REGISTRY
from ami.catalogue import Aggregate as _Aggregate
from ami.catalogue import Event as _Event
from ami.connection import Connection as _SynchronisedSocket
from ami.errors import Error, ManagerError, ManagerSocketError
from ami.manager import Manager
from ami.message import (
    EVENT_GENERIC,
    KEY_ACTION,
    KEY_ACTIONID,
    KEY_EVENT,
    KEY_RESPONSE,
    RESPONSE_GENERIC,
)
from ami.message import Message as _Message
from ami.outcomes import Response as _Response
from ami.request import Request as _Request
from ami.wire import FrameReader as _MessageReader

__all__ = [
    "EVENT_GENERIC", "KEY_ACTION", "KEY_ACTIONID", "KEY_EVENT", "KEY_RESPONSE", "RESPONSE_GENERIC", "_EVENT_REGISTRY",
    "_EVENT_REGISTRY_REV", "Error", "Manager", "ManagerError", "ManagerSocketError", "_Aggregate", "_Event", "_Message",
    "_MessageReader", "_MessageTemplate", "_Request", "_Response", "_SynchronisedSocket", "app_confbridge_events",
    "app_meetme_events", "core_events", "dahdi_events",
]  # fmt: skip


class _MessageTemplate(ABC):  # noqa: B024
    """The base of messages and aggregates: each has a `name`, by which it equals a text, and an `action_id`."""


_MessageTemplate.register(_Message)
_MessageTemplate.register(_Aggregate)


class _NamesOfClasses(Mapping[type[_Event], str]):
    """The registry of events the other way round, as it is at any time: from a class to its name."""

    def __getitem__(self, kind: type[_Event]) -> str:
        name: str = getattr(kind, "wire_name", "")
        if _EVENT_REGISTRY.get(name) is not kind:
            raise KeyError(kind)
        return name

    def __iter__(self) -> Iterator[type[_Event]]:
        return iter(list(_EVENT_REGISTRY.values()))

    def __len__(self) -> int:
        return len(_EVENT_REGISTRY)


_EVENT_REGISTRY_REV = _NamesOfClasses()
