"""A client of the Asterisk Manager Interface (AMI).

    manager = ami.Manager()
    manager.connect("pbx.example.org")
    manager.login("admin", "s3cret")
    manager.register_callback("Hangup", lambda event, manager: print(event["Channel"]))
    response = manager.send_action(ami.core.Ping())

The actions are in `ami.core`, the events in `ami.core_events`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ami.catalogue import Action, Aggregate, Bool, Duration, Event, Float, Header, Int, Request, Text, param
from ami.errors import Error, ManagerAuthError, ManagerError, ManagerSocketError, ProtocolError
from ami.manager import Manager
from ami.message import (
    EVENT_GENERIC,
    KEY_ACTION,
    KEY_ACTIONID,
    KEY_EVENT,
    KEY_RESPONSE,
    RESPONSE_GENERIC,
    Message,
)
from ami.session import Response

if TYPE_CHECKING:
    from ami import app_confbridge as app_confbridge
    from ami import app_confbridge_events as app_confbridge_events
    from ami import app_meetme as app_meetme
    from ami import app_meetme_events as app_meetme_events
    from ami import core as core
    from ami import core_events as core_events
    from ami import dahdi as dahdi
    from ami import dahdi_events as dahdi_events

__version__ = "0.1.0"

__all__ = [
    "EVENT_GENERIC", "KEY_ACTION", "KEY_ACTIONID", "KEY_EVENT", "KEY_RESPONSE", "RESPONSE_GENERIC", "Action",
    "Aggregate", "Bool", "Duration", "Error", "Event", "Float", "Header", "Int", "Manager", "ManagerAuthError",
    "ManagerError", "ManagerSocketError", "Message", "ProtocolError", "Request", "Response", "Text", "app_confbridge",
    "app_confbridge_events", "app_meetme", "app_meetme_events", "core", "core_events", "dahdi", "dahdi_events", "param",
]  # fmt: skip

_SUBMODULES = frozenset({
    "ami", "app_confbridge", "app_confbridge_events", "app_meetme", "app_meetme_events", "core", "core_events", "dahdi",
    "dahdi_events",
})  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"ami.{name}")
    raise AttributeError(f"module 'ami' has no attribute {name!r}")
