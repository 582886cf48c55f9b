"""AMI for programs with asyncio: `Manager` and `connect`, with the names and rules of those in `ami`.

    async with ami.aio.connect("pbx", username="admin", secret="s3cret") as manager:
        response = await manager.send_action(core.QueueStatus("support"))
        async for event in manager.events(core_events.Hangup):
            ...

Callbacks are plain functions or coroutine functions; they run one after the other, in a task of their own. What waits
for others (`connect`, `login`, `send_action` …) is awaited, what does not (`register_callback` …) is called.
"""

from ami.aio.connection import Connection
from ami.aio.manager import Connecting, Manager, connect
from ami.aio.streams import Call, EventStream

__all__ = ["Call", "Connecting", "Connection", "EventStream", "Manager", "connect"]
