"""The commands of `amisim` that work on recordings, as their users run them."""

import json
import re
import shlex

import click
import pytest

from amisim import Server, load, response
from amisim.cli import main
from amisim.cli_recordings import COMMANDS

from .commands import amisim, refusal, said, usage_error

HEADER = "format: amisim/1\nserver: Asterisk 22.10.1\n---\n"
GOOD = HEADER + "0.1 c1 open:\n---\n0.2 c1 > 1: |\n  Action: Ping\n---\n0.3 c1 < 1: |\n  Response: Success\n---\n"
CUT = GOOD + "0.4 c1 < 1: |\n"
DIFFERENCE = (
    "connection 1, action 1 Ping: response, line 9 of A and line 9 of B\n  Response\n    A: Success\n    B: Error\n"
)


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def other(tmp_path):
    path = tmp_path / "other.yaml"
    path.write_text(GOOD.replace("Success", "Error"))
    return path


def told(result) -> str:
    """What a command says that ends with exit code 1."""
    assert result.exit_code == 1, result.output
    assert result.stderr == ""
    return result.stdout


def allowing(tmp_path, text: str):
    path = tmp_path / "known.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_example_of_each_is_understood(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests" / "recordings").mkdir(parents=True)
    (example,) = re.findall(r"Example: (.*)", said(command.name, "--help"))
    program, name, *arguments = shlex.split(example)
    assert (program, main.commands[name]) == ("amisim", command)
    assert command.make_context(name, arguments, parent=click.Context(main)).params


def test_what_is_the_same_differs_in_nothing(good):
    assert said("diff", good, good) == ""


def test_each_difference_is_a_block_and_the_exit_code_is_1(good, other):
    assert told(amisim("diff", good, other)) == f"{DIFFERENCE}\n1 differences\n"


def test_a_known_difference_is_not_told(good, other, tmp_path):
    known = allowing(tmp_path, "- {action: P*, message: response, header: Response, reason: they do}\n")
    assert said("diff", good, other, "--allow", known) == ""


def test_a_known_difference_that_is_there_no_more_is_told(good, tmp_path):
    known = allowing(tmp_path, "# why\n- header: Response\n  reason: they did\n")
    assert told(amisim("diff", good, good, "--allow", known)) == (
        f"{known}, line 2: does not differ any more: * to *, header Response: they did\n\n"
        "0 differences, 1 stale entries\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b\n", "line 1: no list: each known difference begins with '- '"),
        ("- a\n", "line 1: no keys: a known difference has reason, action, message, header"),
        ("- header: X\n", "line 1: no 'reason', which says why this may differ"),
        ("- header: X\n  raeson: y\n", "line 2: 'raeson' is not known; did you mean 'reason'?"),
        ("- header: [X]\n  reason: y\n", "line 1: 'header' is no text"),
        ("- reason: x\n---\n- reason: y\n", "line 3: a second document"),
        ("- {", "line 2: not YAML"),
    ],
)
def test_a_mistake_in_known_differences_is_told(good, tmp_path, text, problem):
    known = allowing(tmp_path, text)
    assert refusal(amisim("diff", good, good, "--allow", known)).startswith(f"{known}, {problem}")


@pytest.mark.parametrize("arguments", [["diff", "-", "-"], ["trim", "-", "out.yaml"], ["stats", "-"], ["fmt", "-"]])
def test_what_cannot_be_read_is_told(arguments, tmp_path):
    missing = tmp_path / "missing.yaml"
    arguments = [missing if each == "-" else each for each in arguments]
    assert refusal(amisim(*arguments)).startswith(f"{missing}: no such file")


@pytest.mark.parametrize("command", ["diff", "trim", "merge", "fmt"])
def test_what_is_cut_short_is_not_worked_on(command, tmp_path):
    path = tmp_path / "cut.yaml"
    path.write_text(CUT)
    others = {"diff": [path], "fmt": []}.get(command, [tmp_path / "out.yaml"])
    assert "line 12: the last record is cut short" in refusal(amisim(command, path, *others))
    assert path.read_text() == CUT
    assert not (tmp_path / "out.yaml").exists()


@pytest.mark.parametrize("suffix", ["yaml", "yaml.gz"])
def test_a_file_gets_its_usual_form(good, tmp_path, suffix):
    path = tmp_path / f"it.{suffix}"
    said("merge", good, path)
    assert said("fmt", "--check", path) == ""
    good.write_text(GOOD.replace("0.2 c1", "0.20 c1"))
    assert told(amisim("fmt", "--check", good)) == f"{good}: would be written again\n"
    assert good.read_text() != GOOD
    assert said("fmt", good, path) == f"{good}: written again\n"
    assert good.read_text() == GOOD
    assert [file.name for file in tmp_path.iterdir() if file.name.endswith(".new")] == []


def test_what_is_in_a_recording_is_counted(good):
    assert said("stats", good).splitlines() == [
        "1 connections, 0.300 s, 2 frames", "16 bytes to the server, 21 bytes from it", "1 responses",
        "1 actions", "       1  Ping", "0 events",
    ]  # fmt: skip


def test_a_part_is_written(good, tmp_path):
    out = tmp_path / "part.yaml.gz"
    assert said("trim", good, out, "--action", 1, "--to", 1) == f"{out}: 2 frames\n"
    assert len(load(out).records) == 3
    assert refusal(amisim("trim", good, tmp_path / "no.yaml", "--from", 5)) == (
        f"{good}: there is nothing in it that meets all of this"
    )
    assert "there is no action 7" in refusal(amisim("trim", good, tmp_path / "no.yaml", "--action", 7))
    assert "exists already" in refusal(amisim("trim", good, out))


def test_several_are_written_as_one(good, other, tmp_path):
    out = tmp_path / "both.yaml"
    assert said("merge", good, other, out, "--offset", 1) == f"{out}: 4 frames\n"
    assert said("check", out) == f"{out}: 2 connections, 2 actions, 4 frames, without the end of c1, c2\n"
    assert "seconds, from 0" in usage_error(amisim("merge", good, other, tmp_path / "x.yaml", "--offset", -1))


def test_a_recording_is_exported(good):
    rows = [json.loads(line) for line in said("export", good, "--format", "jsonl").splitlines()]
    assert rows[2]["headers"] == [["Action", "Ping"]]
    assert said("export", good, "--format", "mermaid").splitlines()[-2:] == [
        "    c1->>server: Ping", "    server->>c1: Success:",
    ]  # fmt: skip


def test_recordings_that_nothing_names_are_listed(good, tmp_path):
    folder = tmp_path / "project" / "recordings"
    folder.mkdir(parents=True)
    for name in ("used.yaml", "un-used.yaml.gz", "used.yaml.gz"):
        said("merge", good, folder / name)
    (folder.parent / "pyproject.toml").write_text("[tool.amikit]\n")
    (folder.parent / "test_it.py").write_text("load('used')\n")
    (folder.parent / ".venv").mkdir()
    (folder.parent / ".venv" / "other.py").write_text("load('un-used')\n")
    assert told(amisim("list", "--unused", folder)) == f"{folder / 'un-used.yaml.gz'}\n"
    (folder / "un-used.yaml.gz").unlink()
    assert said("list", "--unused", folder) == ""
    assert said("list", folder).split() == [str(folder / "used.yaml"), str(folder / "used.yaml.gz")]


def test_unused_recordings_are_looked_for_in_the_folder_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.amikit]\nrecordings = "mine"\n')
    assert refusal(amisim("list", "--unused")) == f"{tmp_path / 'mine'}: there is no such folder of recordings"
    (tmp_path / "mine").mkdir()
    assert said("list", "--unused") == ""


def test_a_server_that_answers_as_recorded_passes():
    with Server(recording="22/queue-call", speed=0) as server:
        where = f"{server.host}:{server.port}"
        arguments = ["replay", "queue-call", "--against", where, "--secret", "any", "--speed", "max"]
        assert said(*arguments) == ""


def test_a_server_that_answers_otherwise_does_not(tmp_path):
    with Server(recording="22/queue-call", speed=0) as server:
        server.on("Ping").reply(response("Error", Message="Not today"))
        where = f"{server.host}:{server.port}"
        arguments = ["replay", "queue-call", "--against", where, "--secret", "any", "--speed", "max"]
        assert "Ping: response, line" in told(amisim(*arguments, "--allow", allowing(tmp_path, "[]\n")))
        assert "does not differ any more" in told(
            amisim(
                *arguments, "--allow", allowing(tmp_path, "- {action: Ping, reason: x}\n- {action: No, reason: x}\n")
            )
        )


def test_a_server_that_takes_no_login_is_told():
    with Server() as server:
        where = f"{server.host}:{server.port}"
        refused = refusal(amisim("replay", "queue-call", "--against", where, "--secret", "wrong", "--speed", "max"))
    assert refused == f"{where} refuses a login: Authentication failed; is the secret right?"


def test_a_server_that_is_not_there_is_told():
    with Server() as server:
        where = f"{server.host}:{server.port}"
    arguments = ["replay", "queue-call", "--against", where]
    assert "cannot be answered without the secret; --secret tells it" in refusal(amisim(*arguments))
    assert refusal(amisim(*arguments, "--secret", "x")).startswith(f"cannot connect to {where}: ")
