"""The clients, each as a program uses it that wants to live through bad days: what it offers for that is on."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from suite.server import HOST
from suite.story import SECRET, TIMEOUT, USERNAME

Headers = Mapping[str, Any]


@dataclass
class Answer:
    """What an action brought its caller."""

    success: bool
    headers: Headers = field(default_factory=dict)
    items: list[Headers] = field(default_factory=list)
    whole: bool = True
    """False where the client says that the list is not whole."""


class Seen:
    """What reaches callbacks."""

    def __init__(self) -> None:
        self.hangups: list[Headers] = []
        self.told: set[str] = set()
        """`link`, `gap` and `orphan`: whether the client tells of a lost link, of missing events, of a response that no
        action waits for."""


class Client(Protocol):
    """A client; methods that get no answer in time return None. They may take as long as they like."""

    def login(self) -> Answer | None: ...
    def ping(self, headers: Mapping[str, str]) -> Answer | None: ...
    def queue_status(self) -> Answer | None: ...
    def close(self) -> None: ...


class Ami:
    """`ami.Manager`, by `ami.connect`, which reconnects, with a keepalive that is quick to notice."""

    def __init__(self, port: int, seen: Seen) -> None:
        self._port, self._seen = port, seen
        self._manager: Any = None

    def login(self) -> Answer:
        import ami

        self._manager = ami.connect(
            HOST, self._port, username=USERNAME, secret=SECRET, timeout=TIMEOUT, keepalive=1.5, keepalive_timeout=2
        )
        self._manager.register_callback("", self._take)
        self._manager.register_callback(ami.StateChange, self._hear)
        self._manager.register_callback(None, lambda response, manager: self._seen.told.add("orphan"))
        return Answer(True)

    def _take(self, event: Any, manager: Any) -> None:
        if event.name == "Hangup":
            self._seen.hangups.append(event)
        elif event.name == "Gap":
            self._seen.told.add("gap")

    def _hear(self, change: Any, manager: Any) -> None:
        if change.error is not None:
            self._seen.told.add("link")

    def ping(self, headers: Mapping[str, str]) -> Answer | None:
        from ami import core

        return self._send(core.Ping(), **headers)

    def queue_status(self) -> Answer | None:
        from ami import core

        request = core.QueueStatus()
        request.synchronous = True
        return self._send(request)

    def _send(self, request: Any, **headers: str) -> Answer | None:
        request.timeout = TIMEOUT
        return _answer(self._manager.send_action(request, **headers))

    def close(self) -> None:
        if self._manager is not None:
            self._manager.__exit__(None, None, None)


class Pystrix:
    """`pystrix.ami.Manager`, with login by MD5 challenge, its monitor, and lists as synchronous actions."""

    def __init__(self, port: int, seen: Seen) -> None:
        from pystrix import ami

        self._port, self._core = port, ami.core
        self._manager = ami.Manager(orphaned_response_timeout=TIMEOUT)
        self._manager.register_callback("Hangup", lambda event, manager: seen.hangups.append(event))
        self._manager.register_callback(None, lambda response, manager: seen.told.add("orphan"))

    def login(self) -> Answer | None:
        self._manager.connect(HOST, self._port, timeout=TIMEOUT)
        challenge = self._send(self._core.Challenge())
        if challenge is None:
            return None
        answer = self._send(self._core.Login(USERNAME, SECRET, challenge=challenge.headers["Challenge"]))
        self._manager.monitor_connection(interval=1)
        return answer

    def ping(self, headers: Mapping[str, str]) -> Answer | None:
        return self._send(self._core.Ping(), **headers)

    def queue_status(self) -> Answer | None:
        request = self._core.QueueStatus()
        request.synchronous = True
        return self._send(request)

    def _send(self, request: Any, **headers: str) -> Answer | None:
        request.timeout = TIMEOUT
        return _answer(self._manager.send_action(request, **headers))

    def close(self) -> None:
        self._manager.close()


def _answer(response: Any) -> Answer | None:
    """The answer in a response of `ami` or pystrix, which have the same form."""
    if response is None:
        return None
    items = response.events["QueueMember"] if response.events else []
    return Answer(response.success, response.result, items, not response.events_timeout)


class Panoramisk:
    """`panoramisk.Manager`, in a thread of ours with a loop; it reconnects by itself."""

    def __init__(self, port: int, seen: Seen) -> None:
        import panoramisk

        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="story-loop", daemon=True).start()
        self._logged_in = asyncio.Event()
        self._manager = panoramisk.Manager(
            host=HOST, port=port, username=USERNAME, secret=SECRET, loop=self._loop, reconnect_timeout=1,
            ping_delay=1, ping_interval=1,
            on_login=lambda manager: self._logged_in.set(),
            on_disconnect=lambda manager, error: seen.told.add("link"),
        )  # fmt: skip
        self._manager.register_event("Hangup", lambda manager, event: seen.hangups.append(event))

    def _run(self, function: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return await function()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def login(self) -> Answer:
        return self._run(self._login)

    async def _login(self) -> Answer:
        await self._manager.connect()
        first, later = self._manager.authenticated_future, asyncio.ensure_future(self._logged_in.wait())
        await asyncio.wait({later, *([first] if first else [])}, return_when=asyncio.FIRST_COMPLETED)
        return Answer(first.result().success if first and first.done() else True)

    def ping(self, headers: Mapping[str, str]) -> Answer:
        return self._send("Ping", headers)

    def queue_status(self) -> Answer:
        return self._send("QueueStatus", {})

    def _send(self, name: str, headers: Mapping[str, str]) -> Answer:
        answer = self._run(lambda: self._manager.send_action({"Action": name, **headers}))
        response, *rest = answer if isinstance(answer, list) else [answer]
        return Answer(response.success, response, [each for each in rest if each.event == "QueueMember"])

    def close(self) -> None:
        async def close() -> None:
            self._manager.close()

        self._run(close)


class AsteriskAmi:
    """`asterisk.ami.AMIClient` with `AutoReconnect`; it has no lists, so this gathers the events up to the last one."""

    def __init__(self, port: int, seen: Seen) -> None:
        from asterisk import ami

        self._seen, self._action = seen, ami.SimpleAction
        self._client = ami.AMIClient(HOST, port, timeout=TIMEOUT)
        self._client.add_listener(on_disconnect=lambda source, error=None: seen.told.add("link"))
        self._client.add_event_listener(self._take)
        self._items: queue.Queue[Any] = queue.Queue()
        self._logged_in = False
        ami.AutoReconnect(self._client, delay=1, on_disconnect=lambda *_: seen.told.add("link"))

    def _take(self, event: Any, source: Any) -> None:
        if event.name == "Hangup":
            self._seen.hangups.append(event.keys)
        elif event.keys.get("ActionID") == "list":
            self._items.put(event)

    def login(self) -> Answer | None:
        answer = self._answer(self._client.login(USERNAME, SECRET))
        self._logged_in = answer is not None and answer.success
        return answer

    def ping(self, headers: Mapping[str, str]) -> Answer | None:
        return self._answer(self._client.send_action(self._action("Ping", **headers)))

    def queue_status(self) -> Answer | None:
        answer = self._answer(self._client.send_action(self._action("QueueStatus", ActionID="list")))
        if answer is None or not answer.success:
            return answer
        answer.items = [each.keys for each in self._list() if each.name == "QueueMember"]
        return answer

    def _list(self) -> Iterable[Any]:
        while (event := self._items.get()).name != "QueueStatusComplete":
            yield event

    def _answer(self, future: Any) -> Answer | None:
        response = future.response
        return None if response is None else Answer(not response.is_error(), response.keys)

    def close(self) -> None:
        if self._logged_in:
            self._client.logoff()
        self._client.disconnect()


CLIENTS: dict[str, Callable[[int, Seen], Client]] = {
    "ami": Ami,
    "pystrix": Pystrix,
    "panoramisk": Panoramisk,
    "asterisk-ami": AsteriskAmi,
}
"""By the name of the distribution, but for `ami`."""
