"""A doorbell that is a telephone: who rings is shown, and the door can be opened; a program on panoramisk."""

import asyncio

from panoramisk import Manager

PATIENCE = 5
"""Seconds that the PBX may take to answer."""


class Doorbell:
    """Watches a channel, `PJSIP/door`, and opens the door by dialling 5 on it."""

    def __init__(self, channel, **config):
        self.rings = asyncio.Queue()
        self._channel = channel
        self._current = None
        self._manager = Manager(loop=asyncio.get_running_loop(), **config)
        self._manager.register_event("Newchannel", self._on_channel)
        self._manager.register_event("Hangup", self._on_hangup)

    async def __aenter__(self):
        await self._manager.connect()
        await self._manager.authenticated_future
        return self

    async def __aexit__(self, *error):
        self._manager.close()

    def _on_channel(self, manager, event):
        if event.channel.startswith(f"{self._channel}-"):
            self._current = event.channel
            self.rings.put_nowait(event.channel)

    def _on_hangup(self, manager, event):
        if event.channel == self._current:
            self._current = None

    async def open_door(self):
        """Whether the door was opened; not if nobody rings, and None if the PBX does not say."""
        if self._current is None:
            return False
        # Asterisk says "DTMF successfully queued", which panoramisk cannot read if the action has no header Async.
        action = {"Action": "PlayDTMF", "Channel": self._current, "Digit": "5", "Async": "false"}
        try:
            answer = await asyncio.wait_for(self._manager.send_action(action), PATIENCE)
        except TimeoutError:
            return None
        return answer.success
