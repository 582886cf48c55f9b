"""What is shown of a test that failed: who said what, what went wrong on purpose, and how to run it again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import amisim
    from pytest_amisim.living import Living

__all__ = ["sections"]

_LINES = 40
_SOME = 6
"""How many lines of each kind."""


def sections(living: Living) -> list[tuple[str, str]]:
    """Titles and texts, of 40 lines at most together."""
    world = living.world
    about = [f"{world.kind} time, at {world.now:.3f} s, seed {world.seed}"]
    for server in living.servers:
        about += _hits(server)[-_SOME:]
        about += [f"nearest: {miss}" for miss in server.misses[-_SOME:]]
    about += [f"waits: {line}" for line in world.waiting()[:_SOME]]
    again = ["pytest", living.item.nodeid, f"--ami-seed={world.seed}"]
    if world.kind != "virtual":
        again.append(f"--ami-time={world.kind}")
    about.append("again: " + shlex.join(again))
    said = [line for server in living.servers for line in server.timeline().splitlines()]
    hidden = len(said) - (_LINES - len(about) - 2)
    if hidden > 0:
        said = [f"({hidden + 1} lines before)", *said[hidden + 1 :]]
    return [("amisim transcript", "\n".join(said)), ("amisim", "\n".join(about))]


def _hits(server: amisim.Server) -> list[str]:
    """A line for each fault that hit: how often, and when last."""
    hits: dict[str, list[float]] = {}
    for record in server.transcript:
        name, colon, fault = record.data.decode("utf-8", "replace").partition("fault: ")
        if record.kind == "note" and colon and not name:
            hits.setdefault(fault, []).append(record.at)
    return [f"fault hit, {len(times)} x, last at {times[-1]:.3f} s: {fault}" for fault, times in hits.items()]
