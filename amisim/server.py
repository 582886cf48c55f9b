"""`Server`: the fake Asterisk on a real TCP port, in a thread of its own.

This driver moves bytes between sockets and `ServerSession`s, tells them the time, and keeps the transcript.
"""

import asyncio
import itertools
import logging
import random
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from ami.runtime import Thread
from ami.secrets import without_secrets
from amisim.action import ClientAction
from amisim.arguments import settle
from amisim.causes import RecordBuilder
from amisim.connection import Connection
from amisim.faults import Fault, FaultPlan
from amisim.faults.plan import parsed
from amisim.history import History
from amisim.host import AS_ASTERISK, Host, Limits
from amisim.listening import ServerError, addresses, listen
from amisim.recording import Record, Recording
from amisim.replay import Replay, Unexpected
from amisim.runtime import SYSTEM, Runtime
from amisim.scenario import load
from amisim.script import At, Rule, Timeline
from amisim.steps import Close, Emit, How, Message, Played, Send, Step, Wait, close, render
from amisim.timeline import lines
from amisim.tls import context
from amisim.users import User, users_from

if TYPE_CHECKING:
    import ssl

_logger = logging.getLogger(__name__)

__all__ = ["Server", "ServerError"]


_LONGEST = 1_000_000
"""Bytes of what belongs together at most in the transcript; longer messages are cut into pieces there."""


_BACKLOG = 1000
"""How many clients may connect at once; a system may let fewer."""

_KEPT = ("version", "seed", "recording", "match", "unexpected")
"""What a scenario says to a server that begins, and no more after that."""


class Server:
    """A fake Asterisk that listens on loopback, on a free port unless one is given.

        with amisim.Server() as server:
            server.on("Ping").reply(wait(0.2), response(Ping="Pong"))
            manager.connect(server.host, server.port)

    Where `host` is a name it listens at all its addresses. It knows the user `username` with the secret `secret`, or
    `users` (secrets, or a `User` each, by name), and is of `version` (of Asterisk; 22 unless it is given). `tls` is a
    context, or True for TLS with the certificate `amisim.CERTIFICATE`. `limits` is how much it bears from clients.
    `scenario` is the file of one; what is given here besides comes before what it says. `watch` is called with each
    record of the transcript as it comes. With `recording` (a name, a path, or one that is loaded) it replays that,
    `speed` times as fast as it was recorded; 0 is at once. With `hold`, recorded traffic that answers no action waits
    for `play`, so that a test can register its callbacks first. `match` are rules of what counts when an action is
    compared with recorded ones, such as `"ignore * Timeout"` (see `amisim.significant`). To one that was not recorded
    an error says so, unless `unexpected` is `"asterisk"`, for what Asterisk would answer, `"ignore"`, for nothing, or
    `"close"`, for the end of the connection. `faults` are what goes wrong, as made by
    `amisim.faults` or as text, such as `"drop event QueueMember nth=2"`. `seed` makes what is random the same each
    time. `runtime` is that of an `amisim.World`, if it is to live in one.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = "admin",
        secret: str = "secret",
        users: Mapping[str, str | User] | None = None,
        version: str | None = None,
        recording: str | Path | Recording | None = None,
        speed: float = 1,
        hold: bool = False,
        match: Iterable[str] = (),
        unexpected: Unexpected | None = None,
        scenario: str | Path | None = None,
        faults: Iterable[Fault | str] = (),
        seed: int | None = None,
        tls: "ssl.SSLContext | bool" = False,
        limits: Limits = AS_ASTERISK,
        watch: Callable[[Record], object] | None = None,
        runtime: Runtime = SYSTEM,
    ) -> None:
        self._runtime = runtime
        self._given = users, parsed(faults)
        settled = settle(
            users=users or {}, version=version, seed=seed, faults=self._given[1], scenario=scenario,
            recording=recording, speed=speed, match=match, unexpected=unexpected, tls=tls, limits=limits,
        )  # fmt: skip
        users = settled.users or {username: secret}
        self._began_with = settled.scenario
        self._seed = settled.seed
        self.host = host
        self.port = port
        self.addresses: list[str] = []
        """Where it listens; more than one address where `host` is a name that has them."""
        self.actions: History[ClientAction] = History(limits.history, lambda action: len(action.frame))
        """Every action that has arrived, in order; of very many the last ones."""
        self.transcript: History[Record] = History(limits.history, lambda record: len(record.data))
        """Every frame and every opening and closing of a connection, in order; of very many the last ones."""
        self.username = next(iter(users))
        first = users[self.username]
        self.secret = first.secret if isinstance(first, User) else first
        self._plan = FaultPlan(settled.faults, settled.seed)
        self._failures: History[str] = History(limits.history, len)
        self.tls = bool(tls)
        """Whether it speaks TLS."""
        self._context = context() if tls is True else tls or None
        self._watch = watch
        self._replay = settled.replay
        self._holds_back = hold
        self._script = settled.script
        self._of_scenario = list(self._script.rules)
        self._builder = RecordBuilder(max_frame=_LONGEST)
        self._host = self._make_host(users, settled.version, limits)
        self._changed = runtime.condition()
        self._emitting = runtime.lock()
        self._batch: list[bytes] | None = None  # what was emitted, until the server's thread takes it
        self._connections: dict[int, Connection] = {}
        self._count = 0
        self._is_pumping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._started_at = 0.0

    def _make_host(self, users: Mapping[str, str | User], version: str, limits: Limits) -> Host:
        rng = random.Random(self._seed)
        return Host(
            users=users,
            version=version,
            script=self._script,
            replay=self._replay,
            challenge=lambda: str(rng.randrange(100_000_000, 1_000_000_000)),
            arrived=self._note_action,
            holds_back=lambda: self._holds_back,
            wall_clock=self._runtime.wall_clock,
            add_faults=lambda number, action, faults: self._connections[number].add_faults(action, faults),
            failed=self._note_failure,
            limits=limits,
        )

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to listen. Raises `ServerError` when that cannot be done, and `RuntimeError` if it has begun."""
        if self._loop is not None:
            raise RuntimeError("the server is running already")
        loop = self._runtime.new_event_loop()

        def create(host: str, port: int) -> Coroutine[Any, Any, asyncio.Server]:
            return loop.create_server(lambda: Connection(self, loop), host, port, ssl=self._context, backlog=_BACKLOG)

        try:
            listener = loop.run_until_complete(listen(create, self.host, self.port))
        except ServerError:
            loop.close()
            raise
        self.port = listener.sockets[0].getsockname()[1]
        self.addresses = addresses(listener)
        self._loop = loop
        self._started_at = loop.time()
        self._thread = self._runtime.thread(lambda: self._run(loop, listener), "amisim-server")
        self._thread.start()
        if self._replay is not None:
            loop.call_soon_threadsafe(self._read_on, self._replay)
        for timeline in self._script.timelines:
            if timeline.at == "start":
                loop.call_soon_threadsafe(self._play, timeline.play(self._script.variables))

    def _read_on(self, replay: Replay) -> None:
        """Read a long recording to its end, in between what clients want."""
        if replay.find_more(self._now()):
            asyncio.get_running_loop().call_soon(self._read_on, replay)
        elif replay.unserved:
            told = f"{replay.unserved}; what comes before it is served"
            self._note(Record(self._now(), 0, "", "note", told.encode()))
            _logger.warning("%s", told)
        self._pump_touched()

    def _play(self, steps: Iterator[Played]) -> None:
        """Do the steps of a timeline of the server until one takes time."""
        for step in steps:
            if isinstance(step, Wait):
                asyncio.get_running_loop().call_later(step.seconds, self._play, steps)
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
            if not self._connections:
                for task in others:
                    task.cancel()  # a handshake of TLS that is not over
                if not others:
                    return

    # What a test says

    def on(self, action: str, /, **headers: object) -> Rule:
        """Say how an action is answered: `on("QueueStatus", Queue="support").reply(…)`.

        Of several rules that fit, the newest answers.
        """
        return self._script.on(action, **headers)

    def reload(self) -> None:
        """Read the scenario again: its rules and variables hold at once, the rest for who connects from now on.

        Its version, seed and recording stay, and how that is matched; the transcript says so if there are others in
        it. Raises `ScenarioError` when something is wrong with it, and goes on as before.
        """
        began_with = self._began_with
        if began_with is None:
            return
        said = load(began_with.path)
        users, faults = self._given
        faults = [*said.faults, *faults]
        rules = [rule for rule in self._script.rules if rule not in self._of_scenario]
        self._of_scenario = list(said.script.rules)
        said.script.rules[:0] = rules

        kept = [key for key in _KEPT if getattr(said, key) != getattr(began_with, key)]

        def take_over() -> None:
            notes = [
                f"the scenario's {key} is another now: it stays what it was until the server starts again"
                for key in kept
            ]
            notes += [
                f"taken out, and has hit nothing so far: {fault}" for fault in self._plan.unused if fault not in faults
            ]
            for note in notes:
                self._note(Record(self._now(), 0, "", "note", note.encode()))
            self._script.become(said.script)
            self._plan = FaultPlan(faults, self._seed, self._plan)
            if not users and said.users:
                self._host.users = users_from(said.users)

        self._running.call_soon_threadsafe(take_over)

    def schedule(self, steps: Iterable[Step], at: At = "login", loop: int | Literal["forever"] = 1) -> Timeline:
        """See `Script.timeline`; to be said before the server starts, or a client logs in."""
        return self._script.timeline(steps, at, loop)

    def emit(self, event: Message | Send | bytes) -> None:
        """Send an event to every client that is logged in and wants events."""
        if isinstance(event, Message):
            if event.role != "event":
                raise ValueError(f"{event.headers[0][1]!r} is no event: a response answers an action, see on()")
            event = render(event.headers)
        data = event.data if isinstance(event, Send) else event
        if not isinstance(data, bytes):
            raise TypeError(f"{event!r} is no event: event(…), raw(…) and bytes are")
        loop = self._running
        with self._emitting:
            if self._batch is None:
                self._batch = []
                loop.call_soon_threadsafe(self._publish, self._batch)
            self._batch.append(data)

    def _publish(self, batch: list[bytes]) -> None:
        """Send events that were emitted while the server's thread had other things to do."""
        with self._emitting:
            if self._batch is batch:
                self._batch = None
        now = self._now()
        for data in batch:
            self._host.publish(data, now)
        self._pump_touched()

    def play(self) -> None:
        """Let the recorded traffic go that `hold` held back, and hold back no more."""
        self._holds_back = False
        self._call(lambda connection: connection.play())

    def disconnect(self, how: How = "eof") -> None:
        """Close every connection: `eof` in order, `reset` with a RST, `half` in the server's direction alone."""
        step = close(how)
        self._call(lambda connection: connection.close(step.how))

    def wait_for(self, action: str, timeout: float = 5, **headers: object) -> ClientAction:
        """Wait until an action with these headers has arrived, and return it; one that is there already counts.

        Raises `TimeoutError` after `timeout` seconds, which says what did arrive.
        """
        rule = Rule(action, headers)
        found: list[ClientAction] = []
        looked_at = 0

        def has_arrived() -> bool:
            nonlocal looked_at
            new, looked_at = self.actions.since(looked_at), self.actions.added
            found.extend(itertools.islice(filter(rule.takes, new), 1))
            return bool(found)

        with self._changed:
            if not self._changed.wait_for(has_arrived, timeout):
                arrived = ", ".join(_told(each, action) for each in self.actions[-10:]) or "nothing"
                raise TimeoutError(f"no {rule.what} within {timeout} s; what arrived: {arrived}")
            return found[0]

    def check(self) -> None:
        """Raise `AssertionError` if a recording had no answer or a mistake, a script failed, a fault hit nothing, or a
        required rule was not used.
        """
        if complaints := self.complaints:
            raise AssertionError("\n".join(complaints))

    @property
    def complaints(self) -> list[str]:
        """What `check` complains of so far, each in a line."""
        never = [fault for rule in self._script.rules if not rule.used for fault in rule.faults]
        unused = (f"this fault hit nothing: {fault}" for fault in (*self._plan.unused, *never))
        arrived = ", ".join(dict.fromkeys(each.name or "(no action)" for each in self.actions)) or "nothing"
        missing = (each.complaint for each in self._script.rules)
        required = (f"{each}; what arrived: {arrived}" for each in missing if each)
        mistakes = [self._replay.mistake] if self._replay is not None and self._replay.mistake else []
        return [*mistakes, *self.misses, *self._failures, *unused, *required]

    @property
    def misses(self) -> list[str]:
        """For each action that the recording has no answer to, what it was, and the nearest that there is."""
        return [miss.report for miss in self._replay.misses] if self._replay is not None else []

    def timeline(self) -> str:
        """The transcript as text."""
        return "\n".join(lines(list(self.transcript)))

    @property
    def unserved(self) -> str:
        """Why a part of the recording is not served: a mistake in it, or its end is cut short; empty if all is.

        Of a recording of more than 10 MB, that may be known only some time after the start.
        """
        return self._replay.unserved if self._replay is not None else ""

    def _call(self, function: Callable[["Connection"], None]) -> None:
        """Call a function, in the server's thread, with each connection."""

        def call() -> None:
            for connection in list(self._connections.values()):
                function(connection)

        with self._emitting:
            self._batch = None  # what is emitted from now on comes after it
            self._running.call_soon_threadsafe(call)

    @property
    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the server is not running: use it in a with statement, or call start()")
        return self._loop

    # What connections say, in the server's thread

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._started_at

    def _pump_touched(self) -> None:
        """Send what was published to others than who caused it."""
        if self._is_pumping:
            return  # whoever began goes on until all have it
        self._is_pumping = True
        try:
            while self._host.touched:
                connection = self._connections.get(self._host.touched.pop())
                if connection is not None:
                    connection.wake()
        finally:
            self._is_pumping = False

    def _note(self, *records: Record) -> None:
        for record in records:
            self.transcript.add(record)
            if self._watch is None:
                continue
            try:
                self._watch(record)
            except Exception as error:  # it is no reason to serve clients otherwise
                self._note_failure(f"watch failed: {error!r}", error)

    def _note_failure(self, what: str, error: Exception) -> None:
        self._failures.add(what)
        _logger.error("%s", what, exc_info=error)

    def _note_action(self, number: int, action: ClientAction) -> None:
        self._connections[number].note(action)
        with self._changed:
            self.actions.add(action)
            self._changed.notify_all()


def _told(arrived: ClientAction, wanted: str) -> str:
    """The name of an action, and the headers of one that may be the one that is wanted."""
    if arrived.name.lower() != wanted.lower():
        return arrived.name or "(no action)"
    headers = without_secrets([("Action", arrived.name), *arrived.headers])[1:]
    return " ".join([arrived.name, *(f"{key}={value!r}" for key, value in headers)])
