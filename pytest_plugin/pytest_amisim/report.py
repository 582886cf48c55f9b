"""What a report shows: how to run a test again, and why recordings stay as they were."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from amisim.failure import sections

if TYPE_CHECKING:
    from pytest_amisim.living import Living

__all__ = ["KEPT", "kept_recordings", "shown"]

KEPT = "ami recording"
"""The kind of section of a report that says why a recording stays as it was."""


def shown(living: Living) -> list[tuple[str, str]]:
    """What is shown of a test that failed: titles and texts."""
    world = living.world
    again = ["pytest", living.item.nodeid, f"--ami-seed={world.seed}"]
    if world.kind != "virtual":
        again.append(f"--ami-time={world.kind}")
    return sections(world, living.servers, [f"again: {shlex.join(again)}"])


def kept_recordings(terminal: Any) -> None:
    """Show in the summary of a run, on whichever worker they were, why recordings stay as they were."""
    said = [
        text
        for reports in terminal.stats.values()
        for report in reports
        for name, text in getattr(report, "sections", ())
        if name == f"Captured {KEPT} teardown"
    ]
    if said:
        terminal.section("recordings that stay as they were")
        for text in said:
            terminal.line(text)
