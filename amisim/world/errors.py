"""What can be wrong with a world of virtual time."""

__all__ = ["Deadlock", "Ended", "OutsideWorld", "WorldError"]


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
