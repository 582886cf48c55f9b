"""The README's commands and examples do what it says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import amisim
from amisim.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]


def test_the_two_commands_come_first_and_are_what_ci_runs():
    install, check = COMMANDS[:2]
    steps = [step.strip() for command in (install, check) for step in command.split("&&")]
    lines = [line.replace(" --quiet", "") for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    assert [line for line in lines if line in steps] == steps


def test_the_client_example_runs(capsys):
    client = PYTHON[0]
    with amisim.Server(recording="queue-call", speed=0) as server:
        exec(compile(client.replace("5038", str(server.port)), "README.md", "exec"), {})
        server.check()
    assert "Alice takes calls" in capsys.readouterr().out


def test_the_pytest_example_passes(tmp_path):
    (tmp_path / "test_readme.py").write_text(PYTHON[1])
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "test_readme.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 passed" in run.stdout, run.stdout + run.stderr


def test_the_server_example_runs(capsys):
    exec(compile(PYTHON[2], "README.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0


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


def test_every_page_that_is_named_exists():
    for page in ("README.md", "CONTRIBUTING.md", "recordings/README.md", "docs/architecture.md"):
        text = (ROOT / page).read_text()
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page} names {link}"
