"""What the page about defects of other clients says of them is so, in the worlds that it names."""

import gc
import importlib
import re
from pathlib import Path

import pytest

from amisim import World

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "defects-of-others.md").read_text()
ROWS = re.findall(r"^\| (.+) \| `\w+` \| .+ \| .+ \| `(World\(.+\))` \| \d+ of 100 \| [a-z ]+ \|$", PAGE, re.MULTILINE)


@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")  # as one of the defects has it
@pytest.mark.parametrize("number", range(len(ROWS)))
def test_a_client_does_what_the_page_says(number, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    defects = importlib.import_module("suite.worlds.defects")
    defect, (title, world) = defects.DEFECTS[number], ROWS[number]
    assert defect.title == title
    with defects.silence(), eval(world, {"World": World}) as lived_in:
        seen = defects.look(defect, defect.client, lived_in)
    gc.collect()  # what a client has left is warned of here
    assert seen == defect.wrong
