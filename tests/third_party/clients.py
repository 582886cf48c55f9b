"""Client libraries of others, each behind the same few methods.

Nothing is added to what a library offers: an adapter calls its functions, and gives messages as mappings of their
headers.
"""

import asyncio
import json
import queue
import subprocess
import sysconfig
import threading
from collections import UserDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import astami
import loguru
import panoramisk
import pyami_asterisk
import pystrix.ami
import pytest
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


async def _gather(events: "asyncio.Queue[Headers]", is_last: Callable[[Headers], bool]) -> list[Headers]:
    async with asyncio.timeout(PATIENCE):
        seen = [await events.get()]
        while not is_last(seen[-1]):
            seen.append(await events.get())
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
        return self._runner.run(_gather(self._events, is_last))

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


class PyamiAsterisk(Client):
    """pyami-asterisk: asyncio, plain login, callbacks that get the response of an action and the items of its list."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        loguru.logger.remove()
        self._events: asyncio.Queue[Headers] = asyncio.Queue()
        self._answers: asyncio.Queue[Headers] = asyncio.Queue()
        self._runner = asyncio.Runner()
        self._client: Any = None
        self._task: Any = None

    def login(self, username: str, secret: str) -> None:
        self._runner.run(self._log_in(username, secret))

    async def _log_in(self, username: str, secret: str) -> None:
        greeted = asyncio.get_running_loop().create_future()
        self._client = pyami_asterisk.AMIClient(
            host=self.host, port=self.port, username=username, secret=secret, ping_delay=0, reconnect_timeout=0,
            ami_version=greeted.set_result,
        )  # fmt: skip
        self._client.register_event(["*"], self._events.put_nowait)
        self._task = asyncio.create_task(self._client.connect_ami())
        async with asyncio.timeout(PATIENCE):
            await greeted  # which it says when it has logged in

    def ping(self) -> Headers:
        return self._runner.run(self._send("Response", {"Action": "Ping"}))[0]

    def queue_status(self, name: str) -> list[Headers]:
        return self._runner.run(self._send("Event", {"Action": "QueueStatus", "Queue": name}))

    async def _send(self, last: str, action: dict[str, str]) -> list[Headers]:
        """Send an action; what answers it, up to a response or to the event that ends a list."""
        self._client.create_action(action, self._answers.put_nowait)
        await self._client._handler_tasks(action_in_callback=True)  # it sends when it connects, and after callbacks
        complete = {"Response": "Success", "Event": action["Action"] + "Complete"}[last]
        return await _gather(self._answers, lambda answer: answer.get(last) == complete)

    def follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        return self._runner.run(_gather(self._events, is_last))

    def close(self) -> None:
        if self._client is not None:
            self._runner.run(self._client.connection_close())
            self._runner.run(asyncio.wait([self._task], timeout=PATIENCE))
        self._runner.close()


class AsteriskManager(Client):
    """asterisk-manager, of npm: plain login, one stream of events with the items of lists among them."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._answers: queue.Queue[Headers] = queue.Queue()
        self._items: queue.Queue[Headers] = queue.Queue()
        self._events: queue.Queue[Headers] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read)

    def login(self, username: str, secret: str) -> None:
        node = Path(sysconfig.get_path("scripts"), "node")
        program = Path(__file__).with_name("asterisk_manager.js")
        command = [str(each) for each in (node, program, self.host, self.port, username, secret)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=1
        )
        self._reader.start()
        assert self._answers.get(timeout=PATIENCE) == {}  # no error

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            message = _AnyCase(said["message"])
            of_a_list = message.get("ActionID") == "list"
            listed = self._items if of_a_list else self._events
            (listed if said["what"] == "event" else self._answers).put(message)

    def ping(self) -> Headers:
        return self._send(Action="Ping")

    def queue_status(self, name: str) -> list[Headers]:
        response = self._send(Action="QueueStatus", Queue=name, ActionID="list")
        return [response, *_read_until(self._items, lambda event: event["Event"] == "QueueStatusComplete")]

    def _send(self, **action: str) -> Headers:
        assert self._process is not None
        assert self._process.stdin is not None
        print(json.dumps({key.lower(): value for key, value in action.items()}), file=self._process.stdin)
        return self._answers.get(timeout=PATIENCE)

    def follow(self, is_last: Callable[[Headers], bool]) -> list[Headers]:
        return _read_until(self._events, is_last)

    def close(self) -> None:
        if self._process is not None:
            with self._process as process:
                assert process.stdin is not None
                process.stdin.close()
                self._reader.join(PATIENCE)


class _AnyCase(UserDict[str, str]):
    """Headers whose keys asterisk-manager has put in lower case."""

    def __getitem__(self, key: str) -> str:
        return self.data[key.lower()]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self.data


CLIENTS: list[type[Client]] = [Pystrix, Panoramisk, AsteriskAmi, Astami, PyamiAsterisk, AsteriskManager]

WARNINGS = [
    # asterisk-ami calls Condition.notifyAll().
    pytest.mark.filterwarnings(r"ignore:notifyAll\(\) is deprecated:DeprecationWarning"),
    # pystrix ends its reading thread by closing the file that this thread reads.
    pytest.mark.filterwarnings(
        "ignore:Exception in thread pystrix-ami-message-reader:pytest.PytestUnhandledThreadExceptionWarning"
    ),
]
"""What the libraries are warned of."""
