"""The examples of the site do what it says: each is run, against a fake Asterisk, and what it prints is compared."""

import doctest
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import ami
from ami import core, core_events
from amisim.scenario import load

from .pbx import HOST, SECRET, blocks, pbx, reader

__all__ = ["pbx", "reader"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = [
    pytest.param(page, line, program, output, id=f"{page.stem}:{line}")
    for page in PAGES
    for line, program, output in blocks(page)
]
TESTS = [each for each in EXAMPLES if "def test_" in each.values[2]]
PROGRAMS = [each for each in EXAMPLES if each not in TESTS]
MANUALS = {
    "README", "quickstart", "connecting", "sending", "events", "lists", "calls", "asyncio", "errors", "security",
    "logging", "testing", "recording", "property-tests", "scenarios", "migrating",
}  # fmt: skip


FEW = """
from hypothesis import settings

settings.register_profile("few", max_examples=20, derandomize=True, database=None, deadline=None)
settings.load_profile("few")
"""


def test_there_are_examples_in_every_manual():
    assert {page.values[0].stem for page in EXAMPLES} >= MANUALS


@pytest.mark.parametrize(("page", "line", "program", "output"), PROGRAMS)
def test_an_example_prints_what_the_page_shows(page, line, program, output, reader):
    assert ("print(" in program) == (output is not None), "what an example prints stands below it, as ```output"
    assert output is not None or "assert " in program, "an example that neither prints nor asserts cannot fail"
    reader.drops_the_link = "StateChange" in program or "Gap" in program
    if "connect(" in program:
        printed = reader.run(program, page.name)
    else:
        with ami.connect(HOST, username="admin", secret=SECRET) as manager:
            printed = reader.run(program, page.name, ami=ami, core=core, core_events=core_events, manager=manager)
    wanted = output or ""
    if not doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS):
        pytest.fail(f"{page.name}, line {line}, printed:\n{printed}\nand not:\n{wanted}", pytrace=False)


def test_the_examples_of_tests_pass(tmp_path):
    count = 0
    for page, line, program, _ in (each.values for each in TESTS):
        (tmp_path / f"test_{page.stem}_{line}.py").write_text(program)
        count += program.count("def test_")
    (tmp_path / "conftest.py").write_text(FEW)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"{count} passed in" in run.stdout, run.stdout + run.stderr


def test_a_scenario_on_a_page_can_be_loaded(tmp_path):
    found = 0
    for page in PAGES:
        for block in re.findall(r"^```yaml\n(.*?)^```\n", page.read_text(), re.DOTALL | re.MULTILINE):
            text = block if "amisim:" in block else f"amisim: 1\n{block}"
            path = tmp_path / f"{page.stem}.yaml"
            path.write_text(text)
            assert load(path).script
            found += 1
    assert found > 5


def test_the_page_of_scenarios_tells_of_every_key_and_step():
    page = (ROOT / "docs" / "scenarios.md").read_text()
    schema = json.loads((ROOT / "amisim" / "scenario.schema.json").read_text())
    steps = [each["required"][0] for each in schema["$defs"]["step"]["oneOf"]]
    assert [key for key in schema["properties"] if f"| `{key}` |" not in page] == []
    assert [step for step in steps if f"`{step}:" not in page] == []


def test_the_whole_public_interface_is_in_the_reference():
    reference = ROOT / "docs" / "reference"
    described = re.findall(r"^\.\. auto\w+:: ami\.(\w+)$", (reference / "ami.rst").read_text(), re.MULTILINE)
    pages = {path.stem.removeprefix("ami.") for path in reference.glob("ami.*.rst")}
    assert set(ami.__all__) == {*described, *pages} - {"ami", "headers"}
    assert pages - {"ami"} == {name for name in ami.__all__ if isinstance(getattr(ami, name), ModuleType)}
