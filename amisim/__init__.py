"""A fake Asterisk: scripted, or replaying recorded sessions.

with amisim.Server(recording="queue-call") as server:
    manager.connect(server.host, server.port)
"""

from amisim.recording import Record, Recording, RecordingError, RecordingReader, RecordingWriter, load
from amisim.scenario import ScenarioError
from amisim.script import like
from amisim.server import Server, ServerError
from amisim.steps import close, emit, event, list_complete, raw, repeat, response, wait

__all__ = [
    "Record", "Recording", "RecordingError", "RecordingReader", "RecordingWriter", "ScenarioError", "Server",
    "ServerError", "close", "emit", "event", "like", "list_complete", "load", "raw", "repeat", "response", "wait",
]  # fmt: skip
