"""A fake Asterisk: scripted, or replaying recorded sessions.

with amisim.Server(recording="queue-call") as server:
    manager.connect(server.host, server.port)
"""

from amisim.host import Limits
from amisim.recording import Record, Recording, RecordingError, RecordingReader, RecordingWriter, load
from amisim.scenario import ScenarioError
from amisim.script import like
from amisim.server import Server, ServerError
from amisim.steps import close, emit, event, list_complete, raw, repeat, response, wait
from amisim.tls import CERTIFICATE
from amisim.users import User

__all__ = [
    "CERTIFICATE", "Limits", "Record", "Recording", "RecordingError", "RecordingReader", "RecordingWriter",
    "ScenarioError", "Server", "ServerError", "User", "close", "emit", "event", "like", "list_complete", "load", "raw",
    "repeat", "response", "wait",
]  # fmt: skip
