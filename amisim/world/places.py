"""Where threads are, in words."""

import linecache
import os
import sys
import sysconfig
from collections.abc import Mapping
from types import FrameType

__all__ = ["caller", "here", "place", "places"]

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


def _is_internal(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith((_HERE, "<frozen")) or (path.startswith(_LIBRARY) and "site-packages" not in path)
