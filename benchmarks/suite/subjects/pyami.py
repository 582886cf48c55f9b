"""`pyami_asterisk.AMIClient`.

It sends the actions it was given when it connects, and after each callback. To send one at another time, this
driver calls the coroutine that the library itself does so with.
"""

import asyncio

from loguru import logger
from pyami_asterisk import AMIClient

from suite import server
from suite.events import WANTED
from suite.subjects import Hit

logger.remove()


class Driver:
    """See `suite.subjects`."""

    async def connect(self, port: int) -> None:
        self._client = AMIClient(
            host=server.HOST, port=port, username=server.USERNAME, secret=server.SECRET, ping_delay=0
        )
        self._task = asyncio.create_task(self._client.connect_ami())
        while not self._client._authenticated:  # noqa: ASYNC110 - it has nothing else to wait for
            await asyncio.sleep(0.01)

    def listen(self, reading: str, hit: Hit) -> None:
        def read_two(event):
            hit(event["Channel"], event["Uniqueid"])

        def read_every(event):
            for _, value in event.items():
                last = value
            hit(None, last)

        register = self._client.register_event
        register([WANTED if reading == "kind" else "*"], read_every if reading == "every" else read_two)

    async def trigger(self, count: int) -> None:
        await self._send({"Action": "UserEvent", **server.BLAST, "Count": str(count)})

    async def ping(self, action_id: str) -> str:
        if not self._client._patterns:  # without any, it closes the connection after the first response
            self._client.register_event(["NoSuchEvent"], print)
        return (await self._send({"Action": "Ping", "ActionID": action_id}))["ActionID"]

    async def _send(self, action: dict[str, str]) -> dict[str, str]:
        answered = asyncio.get_running_loop().create_future()
        self._client.create_action(action, answered.set_result)
        await self._client._handler_tasks(action_in_callback=True)
        return await answered
