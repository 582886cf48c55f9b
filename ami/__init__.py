"""A client of the Asterisk Manager Interface (AMI).

    with ami.connect("pbx.example.org", username="admin", secret="s3cret") as manager:
        manager.register_callback("Hangup", lambda event, manager: print(event["Channel"]))
        response = manager.send_action(ami.core.Ping())

`ami.aio` has the same for asyncio. The actions are in `ami.core`, the events in `ami.core_events`; further families,
such as `ami.pjsip` or `ami.bridges`, have both in one module. A family is loaded when it is first named.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ami.catalogue import Aggregate, Event
from ami.errors import (
    Error,
    ManagerAuthError,
    ManagerError,
    ManagerSocketError,
    ProtocolError,
    RefusedError,
    TLSError,
    UnreachableError,
)
from ami.headers import Bool, Code, Duration, Float, Header, Int, Numbered, Text, Timestamp, Variables, View, Word
from ami.manager import Manager, connect
from ami.message import (
    EVENT_GENERIC,
    KEY_ACTION,
    KEY_ACTIONID,
    KEY_EVENT,
    KEY_RESPONSE,
    RESPONSE_GENERIC,
    Message,
)
from ami.outcomes import Gap, Response, State, StateChange
from ami.reconnect import Reconnect
from ami.request import Action, Request, param, yes_no

if TYPE_CHECKING:
    from ami import agents as agents
    from ami import agi as agi
    from ami import aio as aio
    from ami import aoc as aoc
    from ami import app_confbridge as app_confbridge
    from ami import app_confbridge_events as app_confbridge_events
    from ami import app_meetme as app_meetme
    from ami import app_meetme_events as app_meetme_events
    from ami import bridges as bridges
    from ami import cdr as cdr
    from ami import config as config
    from ami import core as core
    from ami import core_events as core_events
    from ami import dahdi as dahdi
    from ami import dahdi_events as dahdi_events
    from ami import database as database
    from ami import enums as enums
    from ami import fax as fax
    from ami import generic_transforms as generic_transforms
    from ami import iax as iax
    from ami import login as login
    from ami import monitors as monitors
    from ami import parking as parking
    from ami import pjsip as pjsip
    from ami import pjsip_events as pjsip_events
    from ami import queues as queues
    from ami import rtp as rtp
    from ami import security as security
    from ami import sip as sip
    from ami import skinny as skinny
    from ami import states as states
    from ami import system as system
    from ami import voicemail as voicemail
    from ami.originate import Outcome as Outcome
    from ami.snapshots import BridgeEvent as BridgeEvent
    from ami.snapshots import BridgeSnapshot as BridgeSnapshot
    from ami.snapshots import ChannelEvent as ChannelEvent
    from ami.snapshots import ChannelSnapshot as ChannelSnapshot

__version__ = "0.1.0"

__all__ = [
    "EVENT_GENERIC", "KEY_ACTION", "KEY_ACTIONID", "KEY_EVENT", "KEY_RESPONSE", "RESPONSE_GENERIC", "Action",
    "Aggregate", "Bool", "BridgeEvent", "BridgeSnapshot", "ChannelEvent", "ChannelSnapshot", "Code", "Duration",
    "Error", "Event", "Float", "Gap", "Header", "Int", "Manager", "ManagerAuthError", "ManagerError",
    "ManagerSocketError", "Message", "Numbered", "Outcome", "ProtocolError", "Reconnect", "RefusedError", "Request",
    "Response", "State", "StateChange", "TLSError", "Text", "Timestamp", "UnreachableError", "Variables", "View",
    "Word", "agents", "agi", "aio", "aoc", "app_confbridge", "app_confbridge_events", "app_meetme", "app_meetme_events",
    "bridges", "cdr", "config", "connect", "core", "core_events", "dahdi", "dahdi_events", "database", "enums", "fax",
    "generic_transforms", "iax", "login", "monitors", "param", "parking", "pjsip", "pjsip_events", "queues", "rtp",
    "security", "sip", "skinny", "states", "system", "voicemail", "yes_no",
]  # fmt: skip

_SUBMODULES = frozenset({
    "ami", "agents", "agi", "aio", "aoc", "app_confbridge", "app_confbridge_events", "app_meetme", "app_meetme_events",
    "bridges", "cdr", "config", "core", "core_events", "dahdi", "dahdi_events", "database", "enums", "fax",
    "generic_transforms", "iax", "login", "monitors", "parking", "pjsip", "pjsip_events", "queues", "rtp", "security",
    "sip", "skinny", "states", "system", "voicemail",
})  # fmt: skip


_LATE = {"Outcome": "originate"} | dict.fromkeys(
    ("BridgeEvent", "BridgeSnapshot", "ChannelEvent", "ChannelSnapshot"), "snapshots"
)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"ami.{name}")
    if name in _LATE:
        return getattr(import_module(f"ami.{_LATE[name]}"), name)
    raise AttributeError(f"module 'ami' has no attribute {name!r}")
