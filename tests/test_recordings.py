"""The recordings that are shipped, and the page that lists them."""

import re
from pathlib import Path

import pytest

from amisim import library
from amisim.recording import RecordingReader

ROOT = Path(__file__).parents[1]


def test_there_are_at_least_25_of_each_version():
    names = library.names()
    for version in ("16", "22"):
        assert len([name for name in names if name.startswith(f"{version}/")]) >= 25


def test_the_page_lists_each_with_what_it_shows():
    listed = re.findall(r"^\| `(.+?)` \| (.+) \|$", (ROOT / "recordings" / "README.md").read_text(), re.MULTILINE)
    described = []
    for name in library.names():
        with RecordingReader(library.find(name)) as reader:
            described.append((name, reader.header["description"]))
    assert listed == described


@pytest.mark.parametrize("name", library.names())
def test_each_is_whole_and_says_where_it_is_from(name):
    with RecordingReader(library.find(name)) as reader:
        assert len(list(reader)) > 1
        assert not reader.truncated
        assert reader.header["server"].startswith(f"Asterisk {name.partition('/')[0]}.")


def test_a_name_finds_the_newest_version():
    assert library.find("queue-call") == library.root() / "22" / "queue-call.yaml"
    assert library.find("16/queue-call") == library.root() / "16" / "queue-call.yaml"
    assert library.find("shutdown-restart") == library.root() / "16" / "shutdown-restart.yaml"
