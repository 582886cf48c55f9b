"""What can be wrong with a world of virtual time."""

import asyncio
from typing import TypeVar

__all__ = ["Deadlock", "Ended", "OutsideWorld", "WorldError", "remembered"]

_Error = TypeVar("_Error", bound=BaseException)


class WorldError(Exception):
    """Something is wrong with a world."""


class Deadlock(WorldError):
    """Everybody waits, and nobody will ever go on; the message says who waits where, and for what."""


class OutsideWorld(WorldError):
    """A thread that takes part waits for something that the world knows nothing of, or the other way round.

    The message names the thread, the place, and what to do.
    """


class Ended(BaseException):
    """Raised in what still waits when its world ends; it ends the thread."""


def remembered(error: _Error) -> _Error:
    """An error that is raised here, in whatever waits: a loop remembers it, as its tasks may keep it to themselves."""
    remember = getattr(asyncio._get_running_loop(), "remember", None)
    if remember is not None and isinstance(error, WorldError):
        remember(error)
    return error
