"""A fake Asterisk: scripted, or replaying recorded sessions.

with amisim.Server(recording="queue-call") as server:
    manager.connect(server.host, server.port)
"""

from typing import TYPE_CHECKING, Any

from amisim.host import Limits
from amisim.recorder import record
from amisim.recording import Record, Recording, RecordingError, RecordingReader, RecordingWriter, load
from amisim.relay import UpstreamError
from amisim.scenario import ScenarioError
from amisim.script import like
from amisim.server import Server, ServerError
from amisim.steps import close, emit, event, list_complete, raw, repeat, response, wait
from amisim.tls import CERTIFICATE
from amisim.users import User

if TYPE_CHECKING:
    from amisim.world import Deadlock, OutsideWorld, World, WorldError, again, explore

__all__ = [
    "CERTIFICATE", "Deadlock", "Limits", "OutsideWorld", "Record", "Recording", "RecordingError", "RecordingReader",
    "RecordingWriter", "ScenarioError", "Server", "ServerError", "UpstreamError", "User", "World", "WorldError",
    "again", "close", "emit", "event", "explore", "like", "list_complete", "load", "raw", "record", "repeat",
    "response", "wait",
]  # fmt: skip

_OF_WORLD = frozenset({"Deadlock", "OutsideWorld", "World", "WorldError", "again", "explore"})


def __getattr__(name: str) -> Any:
    # Only who uses a world pays for it.
    if name in _OF_WORLD:
        from amisim import world

        return getattr(world, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
