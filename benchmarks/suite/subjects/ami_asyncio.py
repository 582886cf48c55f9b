"""`ami.aio.Manager`."""

from contextlib import AsyncExitStack

import ami.aio
from ami import core
from suite import server
from suite.events import WANTED
from suite.subjects import Hit


class Driver:
    """See `suite.subjects`."""

    async def connect(self, port: int) -> None:
        self._open = AsyncExitStack()
        connecting = ami.aio.connect(server.HOST, port=port, username=server.USERNAME, secret=server.SECRET)
        self._manager = await self._open.enter_async_context(connecting)

    def listen(self, reading: str, hit: Hit) -> None:
        def read_two(event, manager):
            hit(event["Channel"], event["Uniqueid"])

        def read_every(event, manager):
            for _, value in event.items():
                last = value
            hit(None, last)

        register = self._manager.register_callback
        register(WANTED if reading == "kind" else "", read_every if reading == "every" else read_two)

    async def trigger(self, count: int) -> None:
        request = ami.Request("UserEvent")
        request.update(server.BLAST, Count=count)
        await self._manager.send_action(request)

    async def ping(self, action_id: str) -> str:
        request = core.Ping()
        request["ActionID"] = action_id
        return (await self._manager.send_action(request)).response["ActionID"]
