"""A test that is run more than once, of which one run is told."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest.runner import runtestprotocol

__all__ = ["end", "first_run", "last_run", "tell"]


def first_run(item: Any) -> list[pytest.TestReport]:
    """Run a test that may be run again: what belongs to the module and the session stays for that."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    return runtestprotocol(item, nextitem=item.parent, log=False)


def last_run(item: Any, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """Run a test again, as if nobody had run it."""
    item._initrequest()  # as pytest-rerunfailures does it
    return runtestprotocol(item, nextitem=nextitem, log=False)


def end(item: Any, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    """In place of another run: tear down what the first one has left; a report if that fails."""
    call = pytest.CallInfo.from_call(lambda: item.session._setupstate.teardown_exact(nextitem), "teardown")
    return [item.ihook.pytest_runtest_makereport(item=item, call=call)] if call.excinfo else []


def tell(item: Any, reports: list[pytest.TestReport]) -> None:
    """Tell everybody how a test went."""
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
