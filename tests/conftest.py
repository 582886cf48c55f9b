"""What all tests share."""

from collections.abc import Iterator

import pytest

from ami import catalogue


@pytest.fixture(autouse=True)
def declarations(monkeypatch) -> Iterator[None]:
    """What a test declares is forgotten after it."""
    catalogue.event_class("no such event")  # loads what would otherwise be forgotten with it
    monkeypatch.setattr(catalogue, "_EVENTS", dict(catalogue._EVENTS))
    yield
    catalogue.KINDS.clear()
