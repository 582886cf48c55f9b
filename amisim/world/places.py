"""Where threads are, in words."""

import asyncio
import linecache
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from contextvars import Context
from functools import partial
from types import FrameType
from typing import Any

__all__ = ["caller", "frames_of", "here", "here_in_loop", "is_internal", "place", "places"]

_LIBRARY = sysconfig.get_path("stdlib")
_HERE = os.path.dirname(__file__)

_THREAD = threading.Thread
_STARTERS = {each.__code__ for each in (_THREAD._bootstrap, _THREAD._bootstrap_inner, _THREAD.run)}  # type: ignore[attr-defined]
_STARTING = tuple(os.path.join(_HERE, name) for name in ("threads.py", "loop.py"))
"""What begins a thread, and calls what it is for."""

_TASKS = 10
"""How many of the tasks that wait in one loop are told of."""


def places(threads: Mapping[int, str]) -> list[str]:
    """A line for each thread, by its ident: what is said of it, and where it is; and for each task of its loop."""
    frames, lines = sys._current_frames(), list[str]()
    for ident, said in threads.items():
        frame = frames.get(ident)
        lines.append(said if frame is None else f"{said}, {place(frame)}")
        lines += _waiting_tasks(frame)
    return lines


def _waiting_tasks(frame: FrameType | None) -> list[str]:
    loop = _loop(frame)
    if loop is None or asyncio.current_task(loop) is not None:  # the thread waits in that task
        return []
    tasks = sorted(asyncio.all_tasks(loop), key=lambda task: (getattr(task, "_number", 0), task.get_name()))
    more = [f"  and {len(tasks) - _TASKS} tasks more"] if len(tasks) > _TASKS else []
    return [*(f"  {_task(each)}" for each in tasks[:_TASKS]), *more]


def caller(frame: FrameType) -> FrameType:
    """The innermost frame that is neither of the world nor of the standard library; or else the innermost."""
    each: FrameType | None = frame
    while each is not None and is_internal(each):
        each = each.f_back
    return each or frame


def place(frame: FrameType) -> str:
    """File, line and function of whoever called, and the line itself; or else what the thread is for."""
    target = _target(frame)
    return f"its target {target}" if target else _line(caller(frame))


def _line(frame: FrameType) -> str:
    path, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(path, line).strip()
    return f"{path}:{line} in {frame.f_code.co_name}" + (f": {text}" if text else "")


def _target(frame: FrameType) -> str:
    """The function that a thread has been started with, if that is none of the user's; empty if it is."""
    found = ""
    each: FrameType | None = frame
    while each is not None and is_internal(each):
        if each.f_code not in _STARTERS and not each.f_code.co_filename.startswith(_STARTING):
            found = each.f_code.co_qualname
        each = each.f_back
    return (found or _in_c(frame)) if each is None else ""


def _in_c(frame: FrameType) -> str:
    """What the function that begins a thread calls, where that is written in C and has no frame; or else empty."""
    names = frame.f_locals
    thread = names.get("self")
    called = names.get("func") or getattr(thread, "_target", None) or getattr(thread, "function", None)
    while isinstance(called, partial):
        of_to_thread = isinstance(getattr(called.func, "__self__", None), Context)
        called = called.args[0] if of_to_thread else called.func
    parts = (getattr(called, name, None) for name in ("__module__", "__qualname__"))
    return ".".join(part for part in parts if part)


def here() -> str:
    """The place from which the world was called."""
    return place(sys._getframe())


def here_in_loop() -> str:
    """The same; in an event loop, with the tasks that go on next."""
    return "; ".join([here(), *_next_tasks()])


def _next_tasks() -> Iterator[str]:
    for handle in list(getattr(_loop(sys._getframe()), "_ready", ()))[:3]:
        task = getattr(handle._callback, "__self__", None)
        if isinstance(task, asyncio.Task):
            yield _task(task)


def _loop(frame: FrameType | None) -> Any:
    """The event loop that runs in these frames; None if there is none."""
    while frame is not None and frame.f_code.co_name != "_run_once":
        frame = frame.f_back
    return frame.f_locals.get("self") if frame is not None else None


def _task(task: asyncio.Task[Any]) -> str:
    frames = list(frames_of(task))
    own = [each for each in frames if not is_internal(each)]
    return f"task {task.get_name()}" + "".join(f" at {_line(each)}" for each in (own[-1:] or frames[:1]))


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


def is_internal(frame: FrameType) -> bool:
    """Whether it is of the world or of the standard library."""
    path = frame.f_code.co_filename
    return path.startswith((_HERE, "<frozen")) or (path.startswith(_LIBRARY) and "site-packages" not in path)
