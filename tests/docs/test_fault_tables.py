"""The page about faults shows those that there are, and the examples in its text are faults."""

import re

import pytest

from amisim import faults

from .fault_tables import LAYERS, PAGE, page

BLOCKS = "".join(re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL))
EXAMPLES = re.findall(rf"^((?:{'|'.join(faults.KINDS)}) .*?)(?:  .*)?$", BLOCKS, re.MULTILINE)


def test_the_page_is_up_to_date():
    assert page(PAGE.read_text()) == PAGE.read_text(), "run: python -m tests.docs.fault_tables"


def test_the_page_has_every_fault_with_its_picture():
    text = PAGE.read_text()
    assert {kind.layer for kind in faults.KINDS.values()} == set(LAYERS)
    for kind in faults.KINDS.values():
        assert f"| `{kind.name}`" in text
        assert f"{kind.example}\n    {kind.before}\n  → {kind.after}\n" in text
        assert kind.description in text


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_fault(text):
    assert faults.parse(text).kind.name == text.split()[0]
