"""A fake Asterisk: scripted, or replaying recorded sessions.

with amisim.Server(recording="queue-call") as server:
    manager.connect(server.host, server.port)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from amisim.host import Limits
from amisim.library import find
from amisim.recorder import record
from amisim.recording import Record, Recording, RecordingError, RecordingReader, RecordingWriter, load
from amisim.relay import UpstreamError
from amisim.scenario import ScenarioError
from amisim.script import like
from amisim.server import Server, ServerError
from amisim.steps import Step, close, emit, event, list_complete, raw, repeat, response, wait
from amisim.tls import CERTIFICATE
from amisim.users import User

if TYPE_CHECKING:
    from amisim.against import play
    from amisim.allowed import Allowed, load_allowed, without_allowed
    from amisim.counting import Statistics, statistics
    from amisim.differ import Difference, differences
    from amisim.editing import formatted, merge, trim
    from amisim.export import json_lines, mermaid
    from amisim.importer import read_capture
    from amisim.player import Player
    from amisim.testing import Session, session
    from amisim.world import Deadlock, OutsideWorld, World, WorldError, again, explore

__all__ = [
    "CERTIFICATE", "Allowed", "Deadlock", "Difference", "Limits", "OutsideWorld", "Player", "Record", "Recording",
    "RecordingError", "RecordingReader", "RecordingWriter", "ScenarioError", "Server", "ServerError", "Session",
    "Statistics", "Step", "UpstreamError", "User", "World", "WorldError", "again", "close", "differences", "emit",
    "event", "explore",
    "find", "formatted", "json_lines", "like", "list_complete", "load", "load_allowed", "merge", "mermaid", "play",
    "raw", "read_capture", "record", "repeat", "response", "session", "statistics", "trim", "wait", "without_allowed",
]  # fmt: skip

_LATER = {
    "Deadlock": "world", "OutsideWorld": "world", "World": "world", "WorldError": "world", "again": "world",
    "explore": "world", "Allowed": "allowed", "load_allowed": "allowed", "without_allowed": "allowed",
    "Difference": "differ", "differences": "differ", "Player": "player", "play": "against",
    "Statistics": "counting", "statistics": "counting", "formatted": "editing", "merge": "editing",
    "trim": "editing", "json_lines": "export", "mermaid": "export", "read_capture": "importer",
    "Session": "testing", "session": "testing",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    # Only who uses these pays for them.
    if name in _LATER:
        return getattr(import_module(f"amisim.{_LATER[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
