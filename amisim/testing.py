"""What a test lives in: a world, with servers, a client and a loop; and what is looked at when it is over.

with amisim.session(recording="queue-call") as ami:
    ami.manager.send_action(core.QueueStatus("support"))
"""

import asyncio
import datetime
import difflib
import ssl
import sys
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self, TypedDict, TypeVar, Unpack

import ami
from amisim import settings
from amisim.failure import sections
from amisim.faults import Fault
from amisim.host import Limits
from amisim.leftovers import Leftovers, not_allowed
from amisim.recording import Recording
from amisim.replay import Unexpected
from amisim.scenario import load
from amisim.server import Server
from amisim.settings import Settings
from amisim.users import User
from amisim.world import World

__all__ = ["Options", "Session", "merged", "session", "trusting"]

_Result = TypeVar("_Result")

_ITSELF = ("ami.manager", "ami.aio.manager")
"""Modules of `ami` that live in the world of each test."""


class Options(TypedDict, total=False):
    """What may be said of a session: as for `amisim.Server`, and about the world; `docs/testing.md` tells of each."""

    recording: str | Path | Recording | None
    speed: float
    hold: bool
    scenario: str | Path | None
    faults: Sequence[Fault | str]
    version: str | None
    username: str
    secret: str
    users: Mapping[str, str | User] | None
    limits: Limits
    seed: int | None
    tls: ssl.SSLContext | bool
    match: Sequence[str]
    unexpected: Unexpected | None
    time: str
    limit: float
    start: datetime.datetime
    utc_offset: float
    patience: float
    patch: Sequence[str]
    leaves: Sequence[str]


_OF_WORLD = ("time", "limit", "start", "utc_offset", "patience")
_OF_SESSION = (*_OF_WORLD, "patch", "leaves", "usual_match")


class Address(Protocol):
    """A server, and how to log in to it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def username(self) -> str: ...
    @property
    def secret(self) -> str: ...
    @property
    def tls(self) -> bool: ...


def merged(found: Settings, *said: Mapping[str, object]) -> dict[str, Any]:
    """All options, of what was said, where the last counts, and the settings of the project.

    Recordings are replayed at once, and their events wait, unless it is said. Raises `TypeError` for an option that is
    none.
    """
    options: dict[str, Any] = {
        "speed": 0, "hold": True, "seed": None, "time": found.time, "patch": (), "leaves": (), "match": (),
        "unexpected": found.unexpected, "usual_match": found.match,
    }  # fmt: skip
    known = list(Options.__annotations__)
    for each in said:
        for name in each:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1) or [" or ".join(known)]
                raise TypeError(f"no argument {name!r}; did you mean {near[0]}?")
        options |= each
    for name in ("patch", "leaves"):
        if isinstance(options[name], str):
            raise TypeError(f"a text for {name}, which is a list, such as [{options[name]!r}]")
    options["patch"] = (*found.patch, *options["patch"])
    return options


class Session:
    """A world with the servers of a test, and a loop for its coroutines; made by `session`, and by the fixtures.

    `options` are as `merged` gives them; `modules` live in the world besides those that they name. Raises
    `ValueError` for a time that is none, and what else a world cannot have.
    """

    def __init__(self, options: Mapping[str, Any], modules: Iterable[str] = ()) -> None:
        self.options = options
        self.servers: list[Server] = []
        """All that there have been."""
        self.world = World(options["seed"] or 0, **{name: options[name] for name in _OF_WORLD if name in options})
        self._modules = (*_ITSELF, *modules, *options["patch"])
        self._in_world, self._clients = ExitStack(), ExitStack()
        self._runner: asyncio.Runner | None = None

    def __enter__(self) -> Self:
        self._in_world.enter_context(self.world)
        self._leftovers = Leftovers(self.world)
        self._in_world.enter_context(self.world.patch(*self._modules))
        self._in_world.callback(self._close_runner)
        self._in_world.enter_context(self._clients)
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self._in_world.__exit__(*error)

    @property
    def clock(self) -> World:
        """The world: `clock.now`, `clock.advance(3)`."""
        return self.world

    @cached_property
    def server(self) -> Server:
        """The server that the options describe; it runs until the end."""
        return self._clients.enter_context(self.serve())

    @cached_property
    def manager(self) -> ami.Manager:
        """A client that is connected to `server`, and logged in, from when it is first asked for."""
        return self._clients.enter_context(self.connected(self.server))

    def run(self, main: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine in the world; all of a session run in one loop."""
        if self._runner is None:
            self._runner = asyncio.Runner(
                loop_factory=lambda: self._leftovers.noting(self.world.runtime.new_event_loop())
            )
        return self._runner.run(main)

    def new_server(self, **options: Any) -> Server:
        """A server as the options say, but for some; it does not run yet. Raises what `amisim.Server` raises."""
        own = {name: value for name, value in self.options.items() if name not in _OF_SESSION} | options
        usual = self.options["usual_match"]
        if usual and not isinstance(own["match"], str) and _replays(own):  # the server says that a text is no list
            own["match"] = (*usual, *own["match"])
        server = Server(runtime=self.world.runtime, **own)
        self.servers.append(server)
        return server

    @contextmanager
    def serve(self, **options: Any) -> Iterator[Server]:
        """A server that runs while a block does; see `new_server`."""
        with self.new_server(**options) as server:
            yield server
            self._let_loop_run()

    @contextmanager
    def connected(self, server: Address) -> Iterator[ami.Manager]:
        """A manager that is logged in to a server while a block runs, by TLS if that speaks it."""
        with ami.Manager(runtime=self.world.runtime) as manager:
            manager.connect(server.host, server.port, ssl=trusting() if server.tls else None)
            manager.login(server.username, server.secret)
            yield manager

    def complaints(self, *, leftovers: bool = True) -> list[str]:
        """What is wrong in the end, each in a line: what the servers complain of, and what is left in the world.

        The session's own client and servers are closed for that.
        """
        self._clients.close()
        found = [each for server in self.servers for each in server.complaints]
        left = list(self._leftovers.of(self._runner.get_loop())) if self._runner is not None else []
        self._close_runner()
        if leftovers:
            found += not_allowed([*left, *self._leftovers.found()], self.options["leaves"])
        return found

    def _let_loop_run(self) -> None:
        """Let coroutines do what they can without time: what they have closed is closed before a server is."""
        if self._runner is not None and self.world.kind == "virtual":
            self._runner.run(asyncio.to_thread(self.world.advance, 0))

    def _close_runner(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


def _replays(options: Mapping[str, Any]) -> bool:
    """Whether a server with these options has a recording, its own or that of its scenario."""
    if options.get("recording") is not None:
        return True
    return options.get("scenario") is not None and load(options["scenario"]).recording != ""


def session(**options: Unpack[Options]) -> AbstractContextManager[Session]:
    """What the fixtures give to a test of pytest, for any other: `with amisim.session(recording="queue-call") as ami:`.

    The options are the arguments of the mark `ami`; those that are not given are as the project's settings say. The
    module that calls this lives in the world, as that of a test does. When the block ends without an error, it raises
    `AssertionError` if an action had no answer in the recording, a fault no hit, a required rule no use, or if a
    thread, a task or a socket is left. An error in the block has a note with what was said.

    Raises `SettingsError`, `RecordingError` and `ScenarioError` for files that are wrong, `TypeError` for an option
    that is none, and `ValueError` for a value that cannot be.
    """
    try:
        chosen = merged(settings.load(), options)
    except TypeError as error:
        raise TypeError(f"amisim.session has {error}") from None
    return _session(chosen, sys._getframe(1).f_globals["__name__"])


@contextmanager
def _session(options: Mapping[str, Any], module: str) -> Iterator[Session]:
    with Session(options, [module]) as found:
        _ = found.server  # what is wrong with the options is said at the beginning
        try:
            yield found
        except Exception as error:
            for name, text in sections(found.world, found.servers):
                error.add_note(f"- {name} -\n{text}")
            raise
        if complaints := found.complaints():
            raise AssertionError("\n".join(complaints))


def trusting() -> ssl.SSLContext:
    """A context for a server that a test has made itself: whatever its certificate, it is the right one."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
