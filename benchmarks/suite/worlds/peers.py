"""Four clients behind the same few methods, in a world, so that one scenario is for all of them.

Those of threads return at once when they are awaited: `at_once` runs what awaits nothing else.
"""

import asyncio
import gc
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import ami
import ami.aio
import amisim
from ami import core
from suite.story import SECRET, USERNAME

Answer = dict[str, str] | None
"""The headers of a response; None where none came in time."""


class Peer(Protocol):
    """A client. Methods may raise whatever it raises."""

    events: list[dict[str, str]]
    """What came to a callback for all events."""

    async def log_in(self) -> Answer: ...
    async def ask(self, name: str, **headers: str) -> Answer: ...
    async def members(self) -> list[str] | None:
        """The names that a QueueStatus lists; None where it is not known whether that is all."""
        ...

    async def close(self) -> None: ...
    async def disconnect(self) -> None: ...
    async def sleep(self, seconds: float) -> None: ...
    def spawn(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run something beside what goes on, as this client's programs do: in another thread, or task."""
        ...

    def on_event(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something done when an event named `Go` comes, in its callback."""
        ...

    def kept(self) -> int:
        """How many actions it remembers."""
        ...


class _Threaded:
    """What clients with threads have in common."""

    def __init__(self, world: amisim.World, server: amisim.Server) -> None:
        self.world, self.server = world, server
        self.events: list[dict[str, str]] = []
        self._on_event: list[Callable[[], Coroutine[Any, Any, None]]] = []

    async def sleep(self, seconds: float) -> None:
        self.world.sleep(seconds)

    def spawn(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.world.modules["threading"].Thread(target=lambda: at_once(function()), daemon=True).start()

    def on_event(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._on_event.append(function)

    def _take(self, event: dict[str, str]) -> None:
        self.events.append(event)
        if event["Event"] == "Go":
            for function in self._on_event:
                at_once(function())


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that waits for nothing that has to be awaited."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("it waits")


class Ami(_Threaded):
    """`ami.Manager`, as it is."""

    def __init__(self, world: amisim.World, server: amisim.Server) -> None:
        super().__init__(world, server)
        self.manager = ami.Manager(runtime=world.runtime)
        self.manager.register_callback("", lambda event, manager: self._take(event))

    async def log_in(self) -> Answer:
        self.manager.connect(self.server.host, self.server.port)
        return self.manager.login(USERNAME, SECRET).response

    async def ask(self, name: str, **headers: str) -> Answer:
        answer = self.manager.send_action(ami.Request(name), **headers)
        return None if answer is None else answer.response

    async def members(self) -> list[str] | None:
        request = core.QueueStatus()
        request.synchronous = True
        answer = self.manager.send_action(request)
        if answer is None or answer.events_timeout:
            return None
        return [each["Name"] for each in answer.events["QueueMember"]]

    async def close(self) -> None:
        self.manager.close()

    async def disconnect(self) -> None:
        self.manager.disconnect()

    def kept(self) -> int:
        gc.collect()
        return sum(isinstance(each, ami.Request) and each["Action"] == "Ping" for each in gc.get_objects())


class Pystrix(_Threaded):
    """`pystrix.ami.Manager`, as it is."""

    def __init__(self, world: amisim.World, server: amisim.Server) -> None:
        from pystrix import ami

        super().__init__(world, server)
        self._core, self._request = ami.core, ami.ami._Request
        self.manager = ami.Manager()
        self.manager.register_callback("", lambda event, manager: self._take(event))

    async def log_in(self) -> Answer:
        self.manager.connect(self.server.host, self.server.port)
        return self._send(self._core.Login(USERNAME, SECRET))

    async def ask(self, name: str, **headers: str) -> Answer:
        return self._send(self._request(name), **headers)

    def _send(self, request: Any, **headers: str) -> Answer:
        answer = self.manager.send_action(request, **headers)
        return None if answer is None else answer.response

    async def members(self) -> list[str] | None:
        request = self._core.QueueStatus()
        request.synchronous = True
        answer = self.manager.send_action(request)
        if answer is None or answer.events_timeout:
            return None
        return [each["Name"] for each in answer.events["QueueMember"]]

    async def close(self) -> None:
        self.manager.close()

    async def disconnect(self) -> None:
        self.manager.disconnect()

    def kept(self) -> int:
        return len(self.manager._outstanding_requests)


class AsteriskAmi(_Threaded):
    """`asterisk.ami.AMIClient`, with a time-out of 5 s; events of a list come as all others do."""

    def __init__(self, world: amisim.World, server: amisim.Server) -> None:
        from asterisk import ami

        super().__init__(world, server)
        self._action = ami.SimpleAction
        self.client = ami.AMIClient(server.host, server.port, timeout=5)
        self.client.add_event_listener(lambda event, source: self._take({"Event": event.name, **event.keys}))

    async def log_in(self) -> Answer:
        return self._answer(self.client.login(USERNAME, SECRET))

    async def ask(self, name: str, **headers: str) -> Answer:
        return self._answer(self.client.send_action(self._action(name, **headers)))

    def _answer(self, future: Any) -> Answer:
        response = future.response
        return None if response is None else {"Response": response.status, **response.keys}

    async def members(self) -> list[str] | None:
        before = len(self.events)
        if await self.ask("QueueStatus") is None:
            return None
        self.world.sleep(1)
        new = self.events[before:]
        whole = any(each["Event"] == "QueueStatusComplete" for each in new)
        return [each["Name"] for each in new if each["Event"] == "QueueMember"] if whole else None

    async def close(self) -> None:
        self.client.disconnect()

    disconnect = close

    def kept(self) -> int:
        return len(self.client._futures)


class Panoramisk:
    """`panoramisk.Manager`, without Pings of its own; 5 s are given to each action from outside."""

    def __init__(self, world: amisim.World, server: amisim.Server) -> None:
        import panoramisk
        from panoramisk.utils import IdGenerator

        IdGenerator.reset("id")  # it counts on from world to world
        self.events: list[dict[str, str]] = []
        self._on_event: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._tasks: list[Any] = []
        self.manager = panoramisk.Manager(
            loop=asyncio.get_running_loop(), host=server.host, port=server.port, username=USERNAME, secret=SECRET,
            ping_delay=1_000_000,
        )  # fmt: skip
        self.manager.register_event("*", self._take)

    def _take(self, manager: Any, message: Any) -> Any:
        self.events.append({"Event": message.event, **{_title(key): value for key, value in message.items()}})
        if message.event == "Go":
            return asyncio.gather(*(function() for function in self._on_event))
        return None

    async def log_in(self) -> Answer:
        await self.manager.connect()
        return await self._in_time(self.manager.authenticated_future)

    async def ask(self, name: str, **headers: str) -> Answer:
        return await self._in_time(self.manager.send_action({"Action": name, **headers}))

    async def _in_time(self, future: Any) -> Answer:
        try:
            answer = await asyncio.wait_for(future, 5)
        except TimeoutError:
            return None
        first = answer[0] if isinstance(answer, list) else answer
        return {_title(key): value for key, value in first.items()}

    async def members(self) -> list[str] | None:
        try:
            answer = await asyncio.wait_for(self.manager.send_action({"Action": "QueueStatus"}), 5)
        except TimeoutError:
            return None
        found = answer if isinstance(answer, list) else [answer]
        return [each["Name"] for each in found if each.event == "QueueMember"]

    async def close(self) -> None:
        self.manager.close()

    disconnect = close

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def spawn(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks.append(asyncio.ensure_future(function()))

    def on_event(self, function: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._on_event.append(function)

    def kept(self) -> int:
        return len(self.manager.protocol.responses)


def _title(key: str) -> str:
    return {"actionid": "ActionID"}.get(key.lower(), key[:1].upper() + key[1:])


PEERS: dict[str, Any] = {"ami": Ami, "pystrix": Pystrix, "panoramisk": Panoramisk, "asterisk-ami": AsteriskAmi}
"""By the name of the distribution."""

_MODULES = {"pystrix": ["pystrix"], "asterisk-ami": ["asterisk.ami"]}

Scenario = Callable[[Peer, amisim.Server], Coroutine[Any, Any, str]]
"""What a program does; it returns what came of it, in words."""


def live(name: str, world: amisim.World, server: amisim.Server, scenario: Scenario) -> str:
    """What comes of a scenario with a client."""
    if name == "panoramisk":

        async def main() -> str:
            return await _told(Panoramisk(world, server), server, scenario)

        return world.run(main())
    with _patched(world, _MODULES.get(name, [])), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = PEERS[name](world, server)
        try:
            said: str = at_once(_told(peer, server, scenario))
        finally:
            at_once(_closed(peer))
        return said


@contextmanager
def _patched(world: amisim.World, modules: Sequence[str]) -> Iterator[None]:
    with world.patch(*modules):
        yield


async def _told(peer: Peer, server: amisim.Server, scenario: Scenario) -> str:
    try:
        return await scenario(peer, server)
    except Exception as error:
        return raises(error)


async def _closed(peer: Peer) -> None:
    try:
        await peer.close()
    except Exception:
        return


def raises(error: Exception) -> str:
    """An error in words."""
    return f"raises {type(error).__name__}"
