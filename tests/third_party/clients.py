"""Client libraries of others, each behind the same few methods.

Nothing is added to what a library offers: an adapter calls its functions, and gives messages as mappings of their
headers.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, Self

import astami
import panoramisk
import pystrix.ami
from asterisk.ami import AMIClient, SimpleAction
from pystrix.ami import core, core_events

Headers = Mapping[str, str]

PATIENCE = 10
"""Seconds to wait for what must come; waiting that long is a failure."""


class Client:
    """A connection to a server, to be used in a `with` statement."""

    has_events: ClassVar[bool] = True
    """Whether the library gives events to its user."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def login(self, username: str, secret: str) -> None:
        """Connect and log in."""
        raise NotImplementedError

    def ping(self) -> Headers:
        """The answer to a Ping."""
        raise NotImplementedError

    def queue_status(self, name: str) -> list[Headers]:
        """What the library gives of the answer to QueueStatus: the response, and the items of the list."""
        raise NotImplementedError

    def follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        """The events that nobody asked for, since the login, up to one that is the last."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave, and end whatever the library has begun."""
        raise NotImplementedError


def _read_until(events: "queue.Queue[Headers]", is_last: Callable[[Headers], bool]) -> list[Headers]:
    seen = [events.get(timeout=PATIENCE)]
    while not is_last(seen[-1]):
        seen.append(events.get(timeout=PATIENCE))
    return seen


class Pystrix(Client):
    """pystrix: threads, login by MD5 challenge, lists as synchronous actions."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._events: queue.Queue[Headers] = queue.Queue()
        self._manager = pystrix.ami.Manager()
        self._reader: threading.Thread | None = None
        self._manager.register_callback("", lambda event, manager: self._events.put(event))

    def login(self, username: str, secret: str) -> None:
        self._manager.connect(self.host, self.port)
        self._reader = self._manager._message_reader
        challenge = self._manager.send_action(core.Challenge()).result["Challenge"]
        self._manager.send_action(core.Login(username, secret, challenge=challenge))

    def ping(self) -> Headers:
        return self._manager.send_action(core.Ping()).response

    def queue_status(self, name: str) -> list[Headers]:
        action = core.QueueStatus(name)
        action.synchronous = True
        answer = self._manager.send_action(action)
        items = [core_events.QueueParams, core_events.QueueMember, core_events.QueueEntry]
        listed = [event for kind in items for event in answer.events[kind]]
        return [answer.response, *listed, answer.events[core_events.QueueStatusComplete]]

    def follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        return _read_until(self._events, is_last)

    def close(self) -> None:
        # Without a Logoff, close() waits for the reading thread, which notices after 5 s. With one, that thread meets
        # the end of the stream, which it takes for an endless message; close() then has it fail.
        with suppress(pystrix.ami.ManagerError, pystrix.ami.ManagerSocketError):
            self._manager.send_action(core.Logoff())
        self._manager.close()
        if self._reader is not None:
            self._reader.join(PATIENCE)


class Panoramisk(Client):
    """panoramisk: asyncio, plain login, lists as lists of messages."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._events: asyncio.Queue[Headers] = asyncio.Queue()
        self._runner = asyncio.Runner()
        self._manager: Any = None

    def login(self, username: str, secret: str) -> None:
        self._manager = panoramisk.Manager(
            loop=self._runner.get_loop(), host=self.host, port=self.port, username=username, secret=secret
        )
        self._manager.register_event("*", lambda manager, event: self._events.put_nowait(event))
        self._runner.run(self._log_in())
        assert self._manager.authenticated

    async def _log_in(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._manager.connect()
            await self._manager.authenticated_future

    def ping(self) -> Headers:
        return self._runner.run(self._send({"Action": "Ping"}))

    def queue_status(self, name: str) -> list[Headers]:
        return self._runner.run(self._send({"Action": "QueueStatus", "Queue": name}))

    async def _send(self, action: dict[str, str]) -> Any:
        async with asyncio.timeout(PATIENCE):
            return await self._manager.send_action(action)

    def follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        return self._runner.run(self._follow(is_last))

    async def _follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        async with asyncio.timeout(PATIENCE):
            seen = [await self._events.get()]
            while not is_last(seen[-1]):
                seen.append(await self._events.get())
            return seen

    def close(self) -> None:
        if self._manager is not None:
            self._manager.close()
        self._runner.close()


class AsteriskAmi(Client):
    """asterisk-ami: threads, plain login, one stream of events with the items of lists among them."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._events: queue.Queue[Headers] = queue.Queue()
        self._items: queue.Queue[Headers] = queue.Queue()
        self._client = AMIClient(host, port, timeout=PATIENCE)
        self._client.add_event_listener(lambda event, source: self._take({"Event": event.name, **event.keys}))

    def _take(self, event: Headers) -> None:
        of_a_list = event.get("ActionID") == "list"
        (self._items if of_a_list else self._events).put(event)

    def login(self, username: str, secret: str) -> None:
        response = self._client.login(username, secret).response
        assert response is not None
        assert not response.is_error()

    def ping(self) -> Headers:
        return self._send(SimpleAction("Ping"))

    def queue_status(self, name: str) -> list[Headers]:
        response = self._send(SimpleAction("QueueStatus", Queue=name, ActionID="list"))
        return [response, *_read_until(self._items, lambda event: event["Event"] == "QueueStatusComplete")]

    def _send(self, action: SimpleAction) -> Headers:
        response = self._client.send_action(action).response
        return {"Response": response.status, **response.keys}

    def follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        return _read_until(self._events, is_last)

    def close(self) -> None:
        # Without a Logoff, disconnect() waits for the reading thread, which notices when its time-out has passed.
        if self._client.finished is not None:
            self._client.logoff().get_response()
            self._client.disconnect()


class Astami(Client):
    """astami: requests and responses only; what comes between them, events and the items of lists, it drops."""

    has_events = False

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._client = astami.AMIClient(host, port)

    def login(self, username: str, secret: str) -> None:
        self._client.username, self._client.secret = username, secret
        self._client.__enter__()
        assert self._client.authenticated

    def ping(self) -> Headers:
        return self._client.ping().data

    def queue_status(self, name: str) -> list[Headers]:
        return [self._client.send_action({"Action": "QueueStatus", "Queue": name}).data]

    def close(self) -> None:
        self._client.__exit__(None, None, None)


CLIENTS: list[type[Client]] = [Pystrix, Panoramisk, AsteriskAmi, Astami]
