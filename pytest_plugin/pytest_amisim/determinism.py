"""Runs a test twice with the same seed, and compares what happened."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest

from pytest_amisim.runs import first_run, last_run, tell

if TYPE_CHECKING:
    from pytest_amisim.living import Living

__all__ = ["run_twice"]


def run_twice(item: Any, nextitem: pytest.Item | None, living: Callable[[], Living | None]) -> None:
    """Run a test, and run it again; it fails if something else happened, or if it ended in another way."""
    earlier = first_run(item)
    first = _story(earlier, living())
    reports = last_run(item, nextitem)
    second = _story(reports, living())
    if first != second:
        told = next((report for report in reports if report.when == "call"), reports[0])
        failures = _failures("first", earlier) + _failures("second", reports)
        told.outcome = "failed"
        told.longrepr = "\n".join([_difference(first, second), *failures])
    tell(item, reports)


def _story(reports: list[pytest.TestReport], living: Living | None) -> list[str]:
    """What happened, in lines."""
    outcomes = [f"{report.when}: {report.outcome}" for report in reports]
    if living is None or living.world.kind != "virtual":
        return outcomes
    said = [line for server in living.servers for line in server.timeline().splitlines()]
    return [*said, *outcomes, f"turns: {living.world.digest}"]


def _difference(first: list[str], second: list[str]) -> str:
    one, other = next((one, other) for one, other in zip_longest(first, second, fillvalue="nothing") if one != other)
    return f"not deterministic: with the same seed there was another run.\n  first:  {one}\n  second: {other}"


def _failures(run: str, reports: list[pytest.TestReport]) -> list[str]:
    return [f"{run}, {each.when}: {each.longreprtext}" for each in reports if each.failed]
