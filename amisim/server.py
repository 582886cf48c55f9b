"""`Server`: the fake Asterisk on a real TCP port, in a thread of its own.

This driver moves bytes between sockets and `ServerSession`s, tells them the time, and keeps the transcript.
"""

import asyncio
import logging
import os
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, cast

from ami.wire import FrameReader
from amisim import library
from amisim.action import ClientAction
from amisim.causes import RecordBuilder
from amisim.faults import Fault, FaultPlan
from amisim.host import AS_ASTERISK, BANNERS, Host, Limits
from amisim.recording import CUT_SHORT, Record, Recording, RecordingReader, consistent
from amisim.replay import Replay
from amisim.scenario import load
from amisim.script import At, Rule, Script, Timeline
from amisim.session import ServerSession
from amisim.steps import Close, Emit, Message, Played, Send, Step, Wait, render
from amisim.timeline import lines
from amisim.users import User

_logger = logging.getLogger(__name__)

__all__ = ["History", "Server", "ServerError", "listen_error", "system_reason"]


T = TypeVar("T")

_LONGEST = 1_000_000
"""Bytes of what belongs together at most in the transcript; longer messages are cut into pieces there."""

_OVERHEAD = 500
"""About how many bytes an item of a history takes besides those that were sent."""


class History(list[T]):
    """What happened, in order; of very much only the last."""

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        super().__init__()
        self._limit = limit
        self._size = size
        self._taken = 0

    def add(self, item: T) -> None:
        """Append an item. When all take more than `limit` bytes, the older ones go."""
        self.append(item)
        self._taken += self._size(item) + _OVERHEAD
        if self._taken > self._limit:
            first = 0
            while self._taken > self._limit // 2 and first < len(self):
                self._taken -= self._size(self[first]) + _OVERHEAD
                first += 1
            del self[:first]


class ServerError(Exception):
    """The server cannot listen where it was asked to."""


class Server:
    """A fake Asterisk that listens on loopback, on a free port unless one is given.

        with amisim.Server() as server:
            server.on("Ping").reply(wait(0.2), response(Ping="Pong"))
            manager.connect(server.host, server.port)

    It knows the user `username` with the secret `secret`, or `users` (secrets, or a `User` each, by name), and is of
    `version` (of Asterisk). `limits` is how much it bears from clients. With
    `recording` (a name, a path, or one that is loaded) it replays that, `speed` times as fast as it was
    recorded; 0 is at once. With `hold`, recorded traffic that answers no action waits for `play`, so that a test can
    register its callbacks first. `faults` are what goes wrong, as made by `amisim.faults` or as text, such as
    `"drop event QueueMember nth=2"`. `seed` makes what is random the same each time.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "admin",
        secret: str = "secret",
        users: Mapping[str, str | User] | None = None,
        version: str = "22",
        recording: str | Path | Recording | None = None,
        speed: float = 1,
        hold: bool = False,
        faults: Iterable[Fault | str] = (),
        seed: int = 0,
        limits: Limits = AS_ASTERISK,
        scenario: str | Path | None = None,
    ) -> None:
        said = load(scenario) if scenario is not None else None
        if said is not None:
            users, version = users or said.users, said.version or version
            recording, seed = recording or said.recording or None, seed or said.seed or 0
        version = str(version)
        if version not in BANNERS:
            raise ValueError(f"version {version!r} is not known; {', '.join(BANNERS)} are")
        if speed < 0:
            raise ValueError(f"speed {speed} is negative; 1 is as recorded, 10 ten times as fast, 0 at once")
        self.host = host
        self.port = port
        self.actions: History[ClientAction] = History(limits.history, lambda action: len(action.frame))
        """Every action that has arrived, in order; of very many the last ones."""
        self.transcript: History[Record] = History(limits.history, lambda record: len(record.data))
        """Every frame and every opening and closing of a connection, in order; of very many the last ones."""
        users = users or {username: secret}
        self.username = next(iter(users))
        first = users[self.username]
        self.secret = first.secret if isinstance(first, User) else first
        self._plan = FaultPlan(faults, seed)
        self._replay = None if recording is None else _replay(recording, speed)
        self._holds_back = hold
        self._script = said.script if said is not None else Script()
        self._builder = RecordBuilder(max_frame=_LONGEST)
        rng = random.Random(seed)
        self._host = Host(
            users=users,
            version=version,
            script=self._script,
            replay=self._replay,
            challenge=lambda: str(rng.randrange(100_000_000, 1_000_000_000)),
            arrived=self._note_action,
            holds_back=lambda: self._holds_back,
            wall_clock=time.time,
            add_faults=lambda number, action, faults: self._connections[number].add_faults(action, faults),
            limits=limits,
        )
        self._changed = threading.Condition()
        self._connections: dict[int, _Connection] = {}
        self._count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started_at = 0.0

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to listen. Raises `ServerError` when that cannot be done."""
        loop = asyncio.new_event_loop()
        try:
            listener = loop.run_until_complete(
                loop.create_server(lambda: _Connection(self, loop), self.host, self.port)
            )
        except OSError as error:
            loop.close()
            raise ServerError(listen_error(self.host, self.port, error)) from None
        self.port = listener.sockets[0].getsockname()[1]
        self._loop = loop
        self._started_at = loop.time()
        self._thread = threading.Thread(target=self._run, args=(loop, listener), name="amisim-server", daemon=True)
        self._thread.start()
        for timeline in self._script.timelines:
            if timeline.at == "start":
                loop.call_soon_threadsafe(self._play, timeline.play(self._script.variables))

    def _play(self, steps: Iterator[Played]) -> None:
        """Do the steps of a timeline of the server until one takes time."""
        for step in steps:
            if isinstance(step, Wait):
                self._running.call_later(step.seconds, self._play, steps)
                return
            if isinstance(step, Emit):
                self._host.publish(render(step.event.headers).data, self._now())
                self._pump_touched()
            for connection in list(self._connections.values()):
                if isinstance(step, Close):
                    connection.close(step.how)
                elif isinstance(step, Send):
                    connection.send(step.data)

    def stop(self) -> None:
        """Close every connection, and listen no more. Calling it again does nothing."""
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()

    def _run(self, loop: asyncio.AbstractEventLoop, listener: asyncio.Server) -> None:
        try:
            loop.run_forever()
            for each in listener.sockets:  # first no more are accepted: asyncio leaks what a closed listener accepted
                loop.remove_reader(each.fileno())
            loop.run_until_complete(self._abort_connections())
            listener.close()
            loop.run_until_complete(asyncio.sleep(0))
        finally:
            loop.close()

    async def _abort_connections(self) -> None:
        """End what there is, and what was accepted but is not there yet."""
        while True:
            for connection in list(self._connections.values()):
                connection.abort()
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if not others and not self._connections:
                return

    # What a test says

    def on(self, action: str, /, **headers: object) -> Rule:
        """Say how an action is answered: `on("QueueStatus", Queue="support").reply(…)`.

        Of several rules that fit, the newest answers.
        """
        return self._script.on(action, **headers)

    def schedule(self, steps: Iterable[Step], at: At = "login", loop: int | Literal["forever"] = 1) -> Timeline:
        """See `Script.timeline`; to be said before the server starts, or a client logs in."""
        return self._script.timeline(steps, at, loop)

    def emit(self, event: Message | Send | bytes) -> None:
        """Send an event to every client that is logged in and wants events."""
        data = (
            event if isinstance(event, bytes) else (render(event.headers) if isinstance(event, Message) else event).data
        )

        def publish() -> None:
            self._host.publish(data, self._now())
            self._pump_touched()

        self._running.call_soon_threadsafe(publish)

    def play(self) -> None:
        """Let the recorded traffic go that `hold` held back, and hold back no more."""
        self._holds_back = False
        self._call(lambda connection: connection.play())

    def disconnect(self, how: str = "eof") -> None:
        """Close every connection: `eof` in order, `reset` with a RST."""
        self._call(lambda connection: connection.close(how))

    def wait_for(self, action: str, timeout: float = 5, **headers: object) -> ClientAction:
        """Wait until an action with these headers has arrived, and return it; one that is there already counts.

        Raises `TimeoutError`, which says what did arrive.
        """
        rule = Rule(action, headers)
        with self._changed:
            if not self._changed.wait_for(lambda: any(rule.takes(each) for each in self.actions), timeout):
                arrived = ", ".join(each.name or "(no action)" for each in self.actions[-10:]) or "nothing"
                raise TimeoutError(f"no {rule} within {timeout} s; what arrived: {arrived}")
            return next(each for each in self.actions if rule.takes(each))

    def check(self) -> None:
        """Raise `AssertionError` if the recording had no answer to an action, or a fault hit nothing."""
        if complaints := [*self.misses, *(f"this fault hit nothing: {fault}" for fault in self.unused_faults)]:
            raise AssertionError("\n".join(complaints))

    @property
    def unused_faults(self) -> list[Fault]:
        """The faults that have hit nothing so far."""
        return self._plan.unused

    @property
    def misses(self) -> list[str]:
        """For each action that the recording has no answer to, what it was, and the nearest that there is."""
        return [miss.report for miss in self._replay.misses] if self._replay is not None else []

    def timeline(self) -> str:
        """The transcript as text."""
        return "\n".join(lines(list(self.transcript)))

    def _call(self, function: Callable[["_Connection"], None]) -> None:
        """Call a function, in the server's thread, with each connection."""

        def call() -> None:
            for connection in list(self._connections.values()):
                function(connection)

        self._running.call_soon_threadsafe(call)

    @property
    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the server is not running: use it in a with statement, or call start()")
        return self._loop

    # What connections say, in the server's thread

    def _now(self) -> float:
        return self._running.time() - self._started_at

    def _pump_touched(self) -> None:
        """Send what was published to others than who caused it."""
        while self._host.touched:
            connection = self._connections.get(self._host.touched.pop())
            if connection is not None:
                connection.wake()

    def _note(self, *records: Record) -> None:
        for record in records:
            self.transcript.add(record)

    def _note_action(self, number: int, action: ClientAction) -> None:
        self._connections[number].note(action)
        with self._changed:
            self.actions.add(action)
            self._changed.notify_all()


class _Connection(asyncio.Protocol):
    """A socket and its session."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self._server = server
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._stalling: asyncio.TimerHandle | None = None
        self._written = 0
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        server = self._server
        self._transport = cast(asyncio.Transport, transport)
        server._count += 1
        self._number = server._count
        server._connections[self._number] = self
        server._note(server._builder.open(self._number, self._now()))
        self._line = server._plan.connect(self._number, self._now())
        self._frames = FrameReader(from_server=True)
        self._transport.set_write_buffer_limits(
            high=0
        )  # so that it is known when the client does not take what is sent
        local, remote = (self._transport.get_extra_info(key) or ("", 0) for key in ("sockname", "peername"))
        self._session = ServerSession(
            server._host, self._number, self._now(), local="{}/{}".format(*local), remote="{}/{}".format(*remote)
        )
        self._pump()

    def data_received(self, data: bytes) -> None:
        now = self._now()
        self._server._note(*self._server._builder.data(self._number, ">", data, now))
        self._session.receive_data(data, now)
        self._pump()

    def eof_received(self) -> bool:
        now = self._now()
        self._server._note(*self._server._builder.end(self._number, ">", now))
        self._session.receive_eof(now)
        self._pump()
        return True  # the session says when to close

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        for timer in (self._timer, self._stalling):
            if timer is not None:
                timer.cancel()
        self._session.closed()
        self._server._connections.pop(self._number, None)
        error = type(exc).__name__ if exc is not None else ""
        self._server._note(*self._server._builder.end(self._number, "<", self._now(), error))

    def pause_writing(self) -> None:
        self._wait_for_client()

    def resume_writing(self) -> None:
        if self._stalling is not None:
            self._stalling.cancel()
            self._stalling = None

    def _wait_for_client(self, taken_before: int = -1) -> None:
        """End the connection of a client that takes nothing for too long."""
        taken = self._written - self._transport.get_write_buffer_size()
        if taken > taken_before:
            patience = self._server._host.limits.write_timeout
            self._stalling = self._loop.call_later(patience, self._wait_for_client, taken)
        else:
            self.abort()

    def play(self) -> None:
        self._session.play(self._now())
        self._pump()

    def note(self, action: ClientAction) -> None:
        """The client sent an action."""
        self._line.receive(action, self._now())

    def add_faults(self, action: ClientAction, faults: Iterable[Fault]) -> None:
        """Let faults work on what answers an action."""
        self._line.add(action, faults)

    def send(self, data: bytes) -> None:
        self._session.send(data)
        self._pump()

    def close(self, how: str) -> None:
        if how == "reset":
            self.abort()
        elif how == "half":
            if self._transport.can_write_eof():
                self._transport.write_eof()
        else:
            self._transport.close()

    def abort(self) -> None:
        raw = cast(Any, self._transport.get_extra_info("socket"))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _now(self) -> float:
        return self._loop.time() - self._server._started_at

    def _pump(self) -> None:
        """Send what there is to send, and come back when there is more."""
        if self._over:
            return
        for chunk in self._take_chunks():
            self._server._note(*self._server._builder.data(self._number, "<", chunk, self._now()))
            self._written += len(chunk)
            self._transport.write(chunk)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        closing = self._line.closing
        if closing is not None:
            self.close(closing.how)
        if closing is None or closing.how == "half":
            deadlines = [self._session.next_deadline(), self._line.next_deadline()]
            if (deadline := min((each for each in deadlines if each is not None), default=None)) is not None:
                self._timer = self._loop.call_at(deadline + self._server._started_at, self.wake)
        self._server._pump_touched()

    def _take_chunks(self) -> list[bytes]:
        """What is to be sent now, after the faults have had their way."""
        now, line = self._now(), self._line
        for chunk in self._session.take_chunks():
            for frame in self._frames.feed(chunk) if line.has_faults else [chunk]:
                line.send(frame, now)
        if self._session.closing is not None:
            if self._frames.pending:
                line.send(self._frames.pending, now)
            line.close(self._session.closing.how, now)
        for hit in self._server._plan.take_hits():
            self._server._note(Record(now, 0, "", "note", str(hit).encode()))
        return line.take_chunks()

    def wake(self) -> None:
        """Do what is due."""
        now = self._now()
        self._session.handle_timer(now)
        self._line.handle_timer(now)
        self._pump()


def listen_error(host: str, port: int, error: OSError) -> str:
    """Why a port could not be listened on, in one line."""
    return f"cannot listen on {host}:{port}: {system_reason(error)}"


def system_reason(error: OSError) -> str:
    """What went wrong, in the system's words, which asyncio puts its own in place of."""
    number = re.search(r"\[errno (\d+)\]", str(error), re.IGNORECASE)
    return os.strerror(int(number[1])) if number else error.strerror or str(error)


def _replay(recording: str | Path | Recording, speed: float) -> Replay:
    if isinstance(recording, Recording):
        return Replay(recording, "the recording", speed)
    path = library.find(recording)
    with RecordingReader(path) as reader:
        records = list(consistent(path, reader))
        if reader.truncated:
            _logger.warning("%s, line %d: %s", path, reader.truncated, CUT_SHORT)
        return Replay(Recording(reader.header, records, reader.truncated), str(recording), speed)
