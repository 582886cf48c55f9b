"""The world of one test, and what lives in it."""

from __future__ import annotations

from typing import Any

import pytest

import amisim
from amisim.testing import Session
from pytest_amisim.options import mistake, options_of
from pytest_amisim.recording import HOW_ANEW, upstream_of

__all__ = ["Living"]


class Living(Session):
    """A session for a test of pytest; what is wrong with its options, or in the end, makes the test fail."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.item = request.node
        options = options_of(request.node)
        self._is_of_recording = "ami_recording" in request.fixturenames
        if self._is_of_recording and upstream_of(request.node) is not None:
            options["time"] = "real"  # a real server is recorded
        try:
            super().__init__(options, [request.module.__name__])
        except ValueError as error:
            raise mistake(str(error)) from None

    def new_server(self, **options: Any) -> amisim.Server:
        """See `Session`."""
        try:
            return super().new_server(**options)
        except (amisim.RecordingError, amisim.ScenarioError, ValueError) as error:
            raise mistake(str(error)) from None

    def check(self, *, has_passed: bool) -> None:
        """Fail, if there is something to complain of; a test that has failed may leave something."""
        complaints = self.complaints(leftovers=has_passed)
        if self._is_of_recording and any(server.misses for server in self.servers):
            complaints.append(HOW_ANEW)
        if complaints:
            raise mistake("\n".join(complaints))
