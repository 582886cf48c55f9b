"""A client of the Asterisk Manager Interface (AMI).

    with ami.connect("pbx.example.org", username="admin", secret="s3cret") as manager:
        manager.register_callback("Hangup", lambda event, manager: print(event["Channel"]))
        response = manager.send_action(ami.core.Ping())

`ami.aio` has the same for asyncio. The actions are in `ami.core`, the events in `ami.core_events`; further families,
such as `ami.pjsip` or `ami.bridges`, have both in one module. Everything is loaded when it is first named.
"""

TYPE_CHECKING = False
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
    from ami.catalogue import Aggregate as Aggregate
    from ami.catalogue import Event as Event
    from ami.catalogue import EventCollection as EventCollection
    from ami.errors import Error as Error
    from ami.errors import ManagerAuthError as ManagerAuthError
    from ami.errors import ManagerError as ManagerError
    from ami.errors import ManagerSocketError as ManagerSocketError
    from ami.errors import ProtocolError as ProtocolError
    from ami.errors import RefusedError as RefusedError
    from ami.errors import TLSError as TLSError
    from ami.errors import UnreachableError as UnreachableError
    from ami.headers import Bool as Bool
    from ami.headers import Code as Code
    from ami.headers import Duration as Duration
    from ami.headers import Float as Float
    from ami.headers import Header as Header
    from ami.headers import Int as Int
    from ami.headers import Numbered as Numbered
    from ami.headers import Text as Text
    from ami.headers import Timestamp as Timestamp
    from ami.headers import Variables as Variables
    from ami.headers import View as View
    from ami.headers import Word as Word
    from ami.manager import Manager as Manager
    from ami.manager import connect as connect
    from ami.message import EVENT_GENERIC as EVENT_GENERIC
    from ami.message import KEY_ACTION as KEY_ACTION
    from ami.message import KEY_ACTIONID as KEY_ACTIONID
    from ami.message import KEY_EVENT as KEY_EVENT
    from ami.message import KEY_RESPONSE as KEY_RESPONSE
    from ami.message import RESPONSE_GENERIC as RESPONSE_GENERIC
    from ami.message import Message as Message
    from ami.originate import CallProgress as CallProgress
    from ami.originate import Outcome as Outcome
    from ami.outcomes import Gap as Gap
    from ami.outcomes import Response as Response
    from ami.outcomes import State as State
    from ami.outcomes import StateChange as StateChange
    from ami.reconnect import Reconnect as Reconnect
    from ami.request import Action as Action
    from ami.request import Request as Request
    from ami.request import param as param
    from ami.request import yes_no as yes_no
    from ami.snapshots import BridgeEvent as BridgeEvent
    from ami.snapshots import BridgeSnapshot as BridgeSnapshot
    from ami.snapshots import ChannelEvent as ChannelEvent
    from ami.snapshots import ChannelSnapshot as ChannelSnapshot
    from ami.streams import Call as Call
    from ami.streams import EventStream as EventStream

__version__ = "0.1.0"

__all__ = [
    "EVENT_GENERIC", "KEY_ACTION", "KEY_ACTIONID", "KEY_EVENT", "KEY_RESPONSE", "RESPONSE_GENERIC", "Action",
    "Aggregate", "Bool", "BridgeEvent", "BridgeSnapshot", "Call", "CallProgress", "ChannelEvent", "ChannelSnapshot",
    "Code", "Duration", "Error", "Event", "EventCollection", "EventStream", "Float", "Gap", "Header", "Int",
    "Manager", "ManagerAuthError", "ManagerError", "ManagerSocketError", "Message", "Numbered", "Outcome",
    "ProtocolError", "Reconnect", "RefusedError", "Request", "Response", "State", "StateChange", "TLSError", "Text",
    "Timestamp", "UnreachableError", "Variables", "View", "Word", "agents", "agi", "aio", "aoc", "app_confbridge",
    "app_confbridge_events", "app_meetme", "app_meetme_events", "bridges", "cdr", "config", "connect", "core",
    "core_events", "dahdi", "dahdi_events", "database", "enums", "fax", "generic_transforms", "iax", "login",
    "monitors", "param", "parking", "pjsip", "pjsip_events", "queues", "rtp", "security", "sip", "skinny", "states",
    "system", "voicemail", "yes_no",
]  # fmt: skip

_HOMES = {
    name: module
    for module, names in {
        "catalogue": "Aggregate Event EventCollection",
        "errors": "Error ManagerAuthError ManagerError ManagerSocketError ProtocolError RefusedError TLSError "
        "UnreachableError",
        "headers": "Bool Code Duration Float Header Int Numbered Text Timestamp Variables View Word",
        "manager": "Manager connect",
        "message": "EVENT_GENERIC KEY_ACTION KEY_ACTIONID KEY_EVENT KEY_RESPONSE Message RESPONSE_GENERIC",
        "originate": "CallProgress Outcome",
        "outcomes": "Gap Response State StateChange",
        "reconnect": "Reconnect",
        "request": "Action Request param yes_no",
        "snapshots": "BridgeEvent BridgeSnapshot ChannelEvent ChannelSnapshot",
        "streams": "Call EventStream",
    }.items()
    for name in names.split()
}
"""The module of each public name; any other one is a module itself."""


if not TYPE_CHECKING:  # for a checker, there are only the names above

    def __getattr__(name):
        from importlib import import_module

        if name in _HOMES:
            return getattr(import_module(f"ami.{_HOMES[name]}"), name)
        try:
            if not name.startswith("_"):
                return import_module(f"ami.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"ami.{name}":
                raise
        raise AttributeError(f"module 'ami' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
