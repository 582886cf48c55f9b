"""`ami.Manager`."""

import ami
from ami import core
from suite import server
from suite.events import WANTED
from suite.subjects import Hit


class Driver:
    """See `suite.subjects`."""

    def connect(self, port: int) -> None:
        self._manager = ami.Manager()
        self._manager.connect(server.HOST, port)
        self._manager.login(server.USERNAME, server.SECRET)

    def listen(self, reading: str, hit: Hit) -> None:
        def read_two(event, manager):
            hit(event["Channel"], event["Uniqueid"])

        def read_every(event, manager):
            for _, value in event.items():
                last = value
            hit(None, last)

        register = self._manager.register_callback
        register(WANTED if reading == "kind" else "", read_every if reading == "every" else read_two)

    def trigger(self, count: int) -> None:
        self._manager.send_action(ami.Request("UserEvent"), **server.BLAST, Count=count)

    def ping(self, action_id: str) -> str:
        return self._manager.send_action(core.Ping(), action_id).response["ActionID"]
