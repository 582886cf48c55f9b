"""The world of one test, and what lives in it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import pytest

import amisim
from pytest_amisim.options import OF_SERVER, OF_WORLD, mistake, options_of
from pytest_amisim.recording import upstream_of

__all__ = ["Living"]

_Result = TypeVar("_Result")


class Living:
    """A world with the servers of a test, and a loop for its coroutines."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.item = request.node
        self.options = options_of(request.node)
        self.servers: list[amisim.Server] = []
        if "ami_recording" in request.fixturenames and upstream_of(request.node) is not None:
            self.options["time"] = "real"  # a real server is recorded
        self._stack = ExitStack()
        self._runner: asyncio.Runner | None = None
        self._modules = ("ami.manager", "ami.aio.manager", request.module.__name__, *self.options["patch"])
        options = {name: self.options[name] for name in OF_WORLD if name in self.options}
        try:
            self.world = amisim.World(self.options["seed"] or 0, **options)
        except ValueError as error:
            raise mistake(str(error)) from None

    def __enter__(self) -> Living:
        self._stack.enter_context(self.world)
        self._stack.enter_context(self.world.patch(*self._modules))
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self._stack.__exit__(*error)

    def run(self, main: Coroutine[Any, Any, _Result]) -> _Result:
        """Run a coroutine; all of a test run in one loop."""
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=self.world.runtime.new_event_loop)
            self._stack.enter_context(self._runner)
        return self._runner.run(main)

    @contextmanager
    def serve(self, options: dict[str, Any]) -> Iterator[amisim.Server]:
        """A server as the mark says, but for some options; what is wrong with them makes the test fail."""
        options = {name: self.options[name] for name in OF_SERVER if name in self.options} | options
        try:
            server = amisim.Server(runtime=self.world.runtime, **options)
        except (amisim.RecordingError, amisim.ScenarioError, ValueError) as error:
            raise mistake(str(error)) from None
        self.servers.append(server)
        with server:
            yield server

    def check(self) -> None:
        """Fail, if a recording had no answer, a script failed, or a fault hit nothing."""
        if complaints := [each for server in self.servers for each in server.complaints]:
            raise mistake("\n".join(complaints))
