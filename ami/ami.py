"""The internals that have documented names; use the names of the package `ami` where it has them."""

from abc import ABC

from ami.catalogue import _EVENTS as _EVENT_REGISTRY
from ami.catalogue import Aggregate as _Aggregate
from ami.catalogue import Event as _Event
from ami.catalogue import Request as _Request
from ami.errors import Error, ManagerError, ManagerSocketError
from ami.manager import Connection as _SynchronisedSocket
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
from ami.session import Response as _Response


class _MessageTemplate(ABC):  # noqa: B024
    """The base of messages and aggregates: each has a `name`, by which it equals a text, and an `action_id`."""


_MessageTemplate.register(_Message)
_MessageTemplate.register(_Aggregate)

__all__ = [
    "EVENT_GENERIC",
    "KEY_ACTION",
    "KEY_ACTIONID",
    "KEY_EVENT",
    "KEY_RESPONSE",
    "RESPONSE_GENERIC",
    "_EVENT_REGISTRY",
    "Error",
    "Manager",
    "ManagerError",
    "ManagerSocketError",
    "_Aggregate",
    "_Event",
    "_Message",
    "_MessageTemplate",
    "_Request",
    "_Response",
    "_SynchronisedSocket",
]  # fmt: skip
