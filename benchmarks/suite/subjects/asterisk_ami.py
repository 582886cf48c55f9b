"""`asterisk.ami.AMIClient`, of the distribution asterisk-ami."""

from asterisk.ami import AMIClient, EventListener, SimpleAction

from suite import server
from suite.events import WANTED
from suite.subjects import Hit


class Driver:
    """See `suite.subjects`."""

    def connect(self, port: int) -> None:
        self._client = AMIClient(server.HOST, port, timeout=20)  # its thread ends when nothing comes for so long
        response = self._client.login(server.USERNAME, server.SECRET).response
        if response is None or response.is_error():
            raise ConnectionError(str(response))

    def listen(self, reading: str, hit: Hit) -> None:
        def read_two(event, source):
            hit(event["Channel"], event["Uniqueid"])

        def read_every(event, source):
            for _, value in event.keys.items():
                last = value
            hit(None, last)

        if reading == "kind":
            self._client.add_event_listener(EventListener(read_two, white_list=[WANTED]))
        else:
            self._client.add_event_listener(read_every if reading == "every" else read_two)

    def trigger(self, count: int) -> None:
        _ = self._client.send_action(SimpleAction("UserEvent", **server.BLAST, Count=count)).response

    def ping(self, action_id: str) -> str:
        return self._client.send_action(SimpleAction("Ping", ActionID=action_id)).response.keys["ActionID"]
