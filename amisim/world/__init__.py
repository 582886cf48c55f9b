"""Virtual time for threads and asyncio: one clock, one scheduler with a seed, and links in memory."""

from amisim.world.errors import Deadlock, OutsideWorld, WorldError
from amisim.world.exploring import again, explore
from amisim.world.world import World

__all__ = ["Deadlock", "OutsideWorld", "World", "WorldError", "again", "explore"]
