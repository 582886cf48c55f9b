"""What a server needs of the world: as `ami.runtime` for a manager, and event loops and the time of day."""

import asyncio
import time
from collections.abc import Callable

from ami.runtime import System

__all__ = ["SYSTEM", "Runtime"]


class Runtime(System):
    """The operating system's; or that of other modules, clocks and loops, for a manager as well as for a server."""

    wall_clock: Callable[[], float] = staticmethod(time.time)
    """Seconds since 1970."""
    new_event_loop: Callable[[], asyncio.AbstractEventLoop] = staticmethod(asyncio.new_event_loop)
    """A new event loop."""


SYSTEM = Runtime()
"""The operating system's."""
