"""`astami.AsyncAMIClient`: it reads and drops events while it waits for a response, and has no callbacks for them."""

from astami import AsyncAMIClient

from suite import server


class Driver:
    """See `suite.subjects`."""

    async def connect(self, port: int) -> None:
        self._client = AsyncAMIClient(server.HOST, port, server.USERNAME, server.SECRET)
        await self._client.__aenter__()

    async def ping(self, action_id: str) -> str:
        return (await self._client.send_action({"Action": "Ping", "ActionID": action_id})).action_id
