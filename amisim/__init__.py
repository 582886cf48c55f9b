"""A fake Asterisk: scripted, or replaying recorded sessions.

with amisim.Server(recording="queue-call") as server:
    manager.connect(server.host, server.port)
"""

from amisim.recording import Record, Recording, RecordingError, RecordingReader, RecordingWriter, load
from amisim.server import Server, ServerError
from amisim.steps import close, event, list_complete, raw, response, wait

__all__ = [
    "Record", "Recording", "RecordingError", "RecordingReader", "RecordingWriter", "Server", "ServerError", "close",
    "event", "list_complete", "load", "raw", "response", "wait",
]  # fmt: skip
