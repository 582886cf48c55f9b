"""Runs a test twice with the same seed, and compares what happened."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from pytest_amisim.living import Living

__all__ = ["run_twice"]


def run_twice(item: Any, nextitem: pytest.Item | None, living: Callable[[], Living | None]) -> None:
    """Run a test, and run it again; it fails if something else happened, or if it ended in another way."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    # What belongs to the module and the session stays, as if the next one were another test beside it.
    earlier = runtestprotocol(item, nextitem=item.parent, log=False)
    first = _story(earlier, living())
    item._initrequest()  # as if nobody had run it, as pytest-rerunfailures does it
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    second = _story(reports, living())
    if first != second:
        told = next((report for report in reports if report.when == "call"), reports[0])
        failures = _failures("first", earlier) + _failures("second", reports)
        told.outcome = "failed"
        told.longrepr = "\n".join([_difference(first, second), *failures])
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


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
