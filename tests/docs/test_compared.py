"""The table that compares amikit with other tools leads to an example of everything that it says of amikit."""

import re
from pathlib import Path

import pytest

from amisim import faults

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "compared.md").read_text()
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and "vcrpy" not in line]


def section(page: str, anchor: str) -> str:
    """What stands below a heading, up to the next one."""
    parts = re.split(r"^#+ (.+)$", (DOCS / page).read_text() if page else PAGE, flags=re.MULTILINE)
    texts = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-"): text
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return texts[anchor]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].replace(" ", "-"))
def test_what_amikit_has_is_shown_by_an_example(row):
    assert len(row) == 6
    links = re.findall(r"\]\(([\w-]+\.md)?#([\w-]+)\)", row[-1])
    assert links
    for page, anchor in links:
        assert re.search(r"^```py(thon)?\n", section(page, anchor), re.MULTILINE), (page, anchor)


def test_faults_are_counted():
    for layer, heading in (("framing", "broken-messages"), ("meaning", "broken-meaning")):
        count = sum(kind.layer == layer for kind in faults.KINDS.values())
        assert f"[{count} ways](#{heading})" in PAGE
