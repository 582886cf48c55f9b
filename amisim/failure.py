"""What is shown of a test that failed: who said what, what went wrong on purpose, and how to run it again."""

from collections.abc import Iterable, Sequence

from amisim.server import Server
from amisim.world import World

__all__ = ["sections"]

_LINES = 40
_SOME = 6
"""How many lines of each kind."""


def sections(world: World, servers: Sequence[Server], more: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Titles and texts, of 40 lines at most together; `more` are the last lines."""
    about = [f"{world.kind} time, at {world.now:.3f} s, seed {world.seed}"]
    for server in servers:
        about += _hits(server)[-_SOME:]
        about += [f"nearest: {miss}" for miss in server.misses[-_SOME:]]
    about += [f"waits: {line}" for line in world.waiting()[:_SOME]]
    about += more
    said = [line for server in servers for line in server.timeline().splitlines()]
    hidden = len(said) - (_LINES - len(about) - 2)
    if hidden > 0:
        said = [f"({hidden + 1} lines before)", *said[hidden + 1 :]]
    return [("amisim transcript", "\n".join(said)), ("amisim", "\n".join(about))]


def _hits(server: Server) -> list[str]:
    """A line for each fault that hit: how often, and when last."""
    hits: dict[str, list[float]] = {}
    for record in server.transcript:
        name, colon, fault = record.data.decode("utf-8", "replace").partition("fault: ")
        if record.kind == "note" and colon and not name:
            hits.setdefault(fault, []).append(record.at)
    return [f"fault hit, {len(times)} x, last at {times[-1]:.3f} s: {fault}" for fault, times in hits.items()]
