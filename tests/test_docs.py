"""The README's commands do what it says, and pages name what there is; the examples are run in tests/docs."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from amisim.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def test_the_two_commands_come_first_and_are_what_ci_runs():
    install, check = COMMANDS[:2]
    steps = [step.strip() for command in (install, check) for step in command.split("&&")]
    lines = [line.replace(" --quiet", "") for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    assert [line for line in lines if line in steps] == steps


@pytest.mark.parametrize("command", [each for each in COMMANDS if re.match(r"amisim (list|show|check)", each)])
def test_the_commands_run(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    assert result.output


@pytest.mark.parametrize("command", [each for each in COMMANDS if re.match(r"amisim (record|replay)", each)])
def test_the_commands_that_serve_take_their_options(command):
    name, *arguments = shlex.split(command)[1:]
    main.commands[name].make_context(name, arguments, parent=click.Context(main, **main.context_settings))


NAMED = [ROOT / page for page in ("README.md", "CONTRIBUTING.md", "recordings/README.md")]
PAGES = [*NAMED, *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_that_is_named_exists(page):
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert page.parent.joinpath(link).exists(), f"{page} names {link}"


def test_the_architecture_names_every_module():
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## What is where")[2].partition("## Who may")[0]
    named = set(re.findall(r"`(\w+)`", table))
    modules = {path.stem for path in (ROOT / "ami").glob("*.py")} - {"__init__"}
    documented = {path.stem.removeprefix("ami.") for path in (ROOT / "docs" / "reference").glob("ami.*.rst")}
    assert modules - documented <= named <= modules | {"aio", "connection", "manager", "streams"}


def test_the_documentation_is_built_by_its_requirements():
    tox = (ROOT / "tox.ini").read_text()
    assert "-r docs/requirements.txt" in tox
    assert "sphinx-build -n -W" in tox
