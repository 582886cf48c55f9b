"""Where threads are, in words."""

import asyncio
import linecache
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

__all__ = ["caller", "frames_of", "here", "here_in_loop", "place", "places"]

_LIBRARY = sysconfig.get_path("stdlib")
_HERE = os.path.dirname(__file__)


def places(threads: Mapping[int, str]) -> list[str]:
    """A line for each thread, by its ident: what is said of it, and where it is."""
    frames = sys._current_frames()
    return [f"{said}, {place(frames[ident])}" if ident in frames else said for ident, said in threads.items()]


def caller(frame: FrameType) -> FrameType:
    """The innermost frame that is neither of the world nor of the standard library; or else the innermost."""
    each: FrameType | None = frame
    while each is not None and _is_internal(each):
        each = each.f_back
    return each or frame


def place(frame: FrameType) -> str:
    """File, line and function of whoever called, and the line itself."""
    frame = caller(frame)
    path, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(path, line).strip()
    return f"{path}:{line} in {frame.f_code.co_name}" + (f": {text}" if text else "")


def here() -> str:
    """The place from which the world was called."""
    return place(sys._getframe())


def here_in_loop() -> str:
    """The same; in an event loop, with the tasks that go on next."""
    return "; ".join([here(), *_next_tasks()])


def _next_tasks() -> Iterator[str]:
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_name != "_run_once":
        frame = frame.f_back
    ready = getattr(frame.f_locals.get("self"), "_ready", ()) if frame is not None else ()
    for handle in list(ready)[:3]:
        task = getattr(handle._callback, "__self__", None)
        if isinstance(task, asyncio.Task):
            yield f"task {task.get_name()} at {place(_innermost(task))}"


def _innermost(task: asyncio.Task[Any]) -> FrameType:
    frames = list(frames_of(task))
    return next((each for each in reversed(frames) if not _is_internal(each)), frames[0])


def frames_of(task: asyncio.Task[Any]) -> Iterator[FrameType]:
    """Where a task waits, and its coroutines: that of the task first."""
    each = task.get_coro()
    while each is not None:
        frame = _first(each, "cr_frame", "gi_frame", "ag_frame")
        if frame is not None:
            yield frame
        each = _first(each, "cr_await", "gi_yieldfrom", "ag_await")


def _first(thing: object, *names: str) -> Any:
    """What it has under one of these names."""
    return next((getattr(thing, name) for name in names if hasattr(thing, name)), None)


def _is_internal(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith((_HERE, "<frozen")) or (path.startswith(_LIBRARY) and "site-packages" not in path)
