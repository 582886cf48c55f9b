"""What commands show while they work: lines, and how things stand; with rich, of amikit[ui], both at a time."""

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

import click

from amisim.recording import Record
from amisim.timeline import lines

__all__ = ["View", "painted", "view", "working"]

_EACH, _FIRST = 0.1, 0.5
"""Seconds from one look to the next, and before anything is said of work that may be short."""

_COLOURS = {"→": "cyan", "← Error": "red", "# ": "yellow", "A:": "red", "B:": "green"}
_COLOURED = re.compile(r"(?<=c\d.)\s→|(?<=c\d.)\s← Error|^\s+[\d.]+\s+# |^    [AB]:", re.MULTILINE)


def painted(text: str) -> str:
    """Lines of a timeline, or of a difference, in colours; `click.echo` leaves them out where no terminal is."""

    def paint(found: re.Match[str]) -> str:
        return click.style(found[0], fg=next(colour for sign, colour in _COLOURS.items() if sign in found[0]))

    return _COLOURED.sub(paint, text)


class View:
    """Lines, one after the other; and one that is written over, on a terminal, at most ten times a second."""

    is_live = False
    """Whether it shows how things stand, all the time."""

    def __init__(self) -> None:
        self._has_terminal = sys.stderr.isatty()
        self._next = 0.0
        self._connections = self._actions = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_terminal and self._next:
            click.echo(err=True)

    def watch(self, record: Record) -> None:
        """Show a record of a server."""
        with suppress(BrokenPipeError):  # nobody looks any more
            for line in lines([record]):
                self.line(painted(line))

    def line(self, text: str) -> None:
        """Show a line."""
        click.echo(text)

    def status(self, text: str) -> None:
        """Say how things stand."""
        if self._has_terminal and time.monotonic() >= self._next:
            self._next = time.monotonic() + _EACH
            click.echo(f"\r{text}", nl=False, err=True)


class _LiveView(View):
    """The same with rich: lines pass, and below them stands how things are."""

    is_live = True

    def __init__(self) -> None:
        super().__init__()
        self._text: Any = import_module("rich.text").Text
        self._live: Any = import_module("rich.live").Live(self._text(), refresh_per_second=1 / _EACH)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def watch(self, record: Record) -> None:
        """Show a record of a server, and count."""
        self._connections += record.kind == "open"
        self._actions += record.direction == ">" and record.kind == "data"
        super().watch(record)
        self.status(f"{self._connections} connections, {self._actions} actions, at {record.at:.1f} s")

    def line(self, text: str) -> None:
        """Show a line above how things stand."""
        self._live.console.print(self._text.from_ansi(text))

    def status(self, text: str) -> None:
        """Say how things stand."""
        self._live.update(self._text(text, style="bold"))


def view() -> View:
    """What shows how things stand: with rich, at a terminal; or else plain lines."""
    return _LiveView() if sys.stdout.isatty() and find_spec("rich") is not None else View()


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say at a terminal what takes long, and how long it has taken, while a block runs."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()

    def tell() -> None:
        began, pause = time.monotonic(), _FIRST
        while not over.wait(pause):
            pause = _EACH
            click.echo(f"\r{what}, {time.monotonic() - began:.1f} s", nl=False, err=True)
        if pause == _EACH:
            click.echo("\r\x1b[K", nl=False, err=True, color=True)

    thread = threading.Thread(target=tell, name="amisim-working", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
