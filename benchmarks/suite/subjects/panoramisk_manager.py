"""`panoramisk.Manager`."""

import asyncio

from panoramisk import Manager

from suite import server
from suite.events import WANTED
from suite.subjects import Hit


class Driver:
    """See `suite.subjects`."""

    async def connect(self, port: int) -> None:
        self._manager = Manager(
            host=server.HOST, port=port, username=server.USERNAME, secret=server.SECRET,
            ping_delay=600, loop=asyncio.get_running_loop(),
        )  # fmt: skip
        await self._manager.connect()
        await self._manager.authenticated_future

    def listen(self, reading: str, hit: Hit) -> None:
        def read_two(manager, event):
            hit(event["Channel"], event["Uniqueid"])

        def read_every(manager, event):
            for _, value in event.items():
                last = value
            hit(None, last)

        register = self._manager.register_event
        register(WANTED if reading == "kind" else "*", read_every if reading == "every" else read_two)

    async def trigger(self, count: int) -> None:
        await self._manager.send_action({"Action": "UserEvent", **server.BLAST, "Count": str(count)})

    async def ping(self, action_id: str) -> str:
        return (await self._manager.send_action({"Action": "Ping", "ActionID": action_id})).action_id
