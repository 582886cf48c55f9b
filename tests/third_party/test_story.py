"""The story that the page about clients and faults tells goes well with each client, when nothing goes wrong."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("client", ["ami", "pystrix", "panoramisk", "asterisk-ami"])
def test_a_client_lives_through_the_story(client, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    story, run, phrases = (importlib.import_module(f"suite.story{each}") for each in ("", ".run", ".phrases"))
    assert phrases.phrase(run.live_through(client, story.Story("")), story.Story("")) == "right"
