"""How the commands behave at a terminal and away from one: completion, colours, progress, exit codes."""

import io
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from amisim import view
from amisim.cli import main
from amisim.recording import Record

from .commands import amisim, at_terminal, said

PAGE = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
COLOUR = "\x1b["


# Completion


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_the_completion_of_a_shell_asks_the_command(shell):
    assert f"_AMISIM_COMPLETE={shell}_complete" in said("completion", shell)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("amisim sho", ["plain,show"]),
        ("amisim replay --spe", ["plain,--speed"]),
        ("amisim show 22/queue-c", ["plain,22/queue-call"]),
        ("amisim diff queue-call queue-c", ["plain,queue-call"]),
        ("amisim check no-such", ["file,no-such"]),
    ],
)
def test_commands_options_and_names_of_recordings_are_completed(words, found):
    *_, last = range(len(words.split()))
    asked = {"_AMISIM_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(last)}
    result = CliRunner().invoke(main, prog_name="amisim", env=asked)
    assert result.stdout.splitlines() == found


# Colours


def test_a_terminal_has_colours_unless_they_are_not_wanted():
    assert f"{COLOUR}36m" in at_terminal("show", "queue-call")
    assert COLOUR not in at_terminal("show", "queue-call", NO_COLOR="1")
    assert COLOUR not in said("show", "queue-call")


def test_what_is_painted_is_the_same_text():
    lines = [
        "     0.001  c1  → Login Username=admin",
        "     0.002  c10 ← Error: Message=refused",
        "     0.003      # fault: drop",
        "    A: Alice",
        "    B: Bob → c1",
    ]
    painted = view.painted("\n".join(lines))
    assert re.sub("\x1b\\[[0-9]*m", "", painted) == "\n".join(lines)
    assert [line.count(COLOUR) for line in painted.splitlines()] == [2, 2, 2, 2, 2]
    assert view.painted("     0.002  c1  ← Success: Message=x") == "     0.002  c1  ← Success: Message=x"


# Progress


class Terminal(io.StringIO):
    """A terminal, or something that is none."""

    def __init__(self, is_one: bool) -> None:
        super().__init__()
        self.is_one, self.has_text = is_one, threading.Event()

    def isatty(self) -> bool:
        return self.is_one

    def write(self, text: str) -> int:
        self.has_text.set()
        return super().write(text)


def test_what_takes_long_is_told_at_a_terminal_and_the_line_is_cleared(monkeypatch):
    monkeypatch.setattr(view, "_FIRST", 0)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal(True))
    with view.working("scanning x.yaml"):
        assert terminal.has_text.wait(30)
    assert re.fullmatch(r"(\rscanning x\.yaml, \d+\.\d s)+\r\x1b\[K", terminal.getvalue())


def test_what_is_quick_or_not_at_a_terminal_says_nothing(monkeypatch):
    for is_one in (True, False):
        monkeypatch.setattr(sys, "stderr", terminal := Terminal(is_one))
        with view.working("scanning x.yaml"):
            pass
        assert terminal.getvalue() == ""


# The live view


def test_how_things_stand_is_one_line_at_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal(True))
    with view.View() as shown:
        shown.status("1 connections, 2 frames")
        shown.status("1 connections, 3 frames")  # within a tenth of a second
    assert terminal.getvalue() == "\r1 connections, 2 frames\n"
    monkeypatch.setattr(sys, "stderr", pipe := Terminal(False))
    with view.View() as shown:
        shown.status("1 connections, 2 frames")
    assert pipe.getvalue() == ""


def test_with_rich_lines_pass_above_how_things_stand(monkeypatch):
    told = []

    class Text(str):
        def __new__(cls, text="", style=""):
            return super().__new__(cls, text)

        from_ansi = classmethod(lambda cls, text: cls(text))

    class Live:
        def __init__(self, *_, **__):
            self.console, self.print = self, lambda text: told.append(f"line {text}")
            self.start, self.stop = lambda: told.append("start"), lambda: told.append("stop")

        def update(self, text):
            told.append(f"status {text}")

    for name, values in {"rich": {}, "rich.live": {"Live": Live}, "rich.text": {"Text": Text}}.items():
        module = ModuleType(name)
        vars(module).update(values, __spec__=object())
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "stdout", Terminal(True))
    with view.view() as shown:
        assert shown.is_live
        shown.watch(Record(0.0, 1, "", "open", b""))
        shown.watch(Record(1.0, 1, ">", "data", b"Action: Ping\r\n\r\n", 1))
    assert [re.sub("\x1b\\[[0-9]*m", "", each) for each in told] == [
        "start",
        "line      0.000  c1  · connected",
        "status 1 connections, 0 actions, at 0.0 s",
        "line      1.000  c1  → Ping",
        "status 1 connections, 1 actions, at 1.0 s",
        "stop",
    ]


@pytest.mark.parametrize(("is_terminal", "module"), [(True, None), (False, ModuleType("rich"))])
def test_without_rich_or_a_terminal_there_are_plain_lines(monkeypatch, is_terminal, module):
    monkeypatch.setattr(view, "find_spec", lambda name: module)
    monkeypatch.setattr(sys, "stdout", Terminal(is_terminal))
    assert not view.view().is_live


# Exit codes


@pytest.mark.parametrize(
    ("code", "command"),
    [
        (0, "check queue-call"),
        (0, "diff queue-call queue-call"),
        (0, "scan queue-call"),
        (0, "fmt --check queue-call"),
        (1, "diff 16/ping-and-core 22/ping-and-core"),
        (1, "scan --redact regex:Alice queue-call"),
        (2, "check no-such-recording"),
        (2, "diff queue-call no-such-recording"),
        (2, "scan no-such-recording"),
        (2, "replay --speed slow queue-call"),
        (2, "record --upstream 127.0.0.1:1 out.yaml"),
        (2, "no-such-command"),
    ],
)
def test_exit_codes_are_as_documented(code, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert amisim(*command.split()).exit_code == code
    assert re.search(rf"^\| {code} \|", PAGE, re.MULTILINE)
    assert re.search(rf"^ +{code}  ", said("--help"), re.MULTILINE)


def test_a_test_that_still_fails_is_exit_code_one(tmp_path):
    (tmp_path / "mine.py").write_text("def fails(world):\n    raise ValueError\n")
    (tmp_path / "found.yaml").write_text("amisim: 1\ntest: mine:fails\n")
    command = [sys.executable, "-m", "amisim", "replay", "found.yaml"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_every_command_is_on_the_page():
    assert set(re.findall(r"^\| `amisim ([a-z]+)", PAGE, re.MULTILINE)) == set(main.commands)


@pytest.mark.usefixtures("interruptible")
def test_who_interrupts_a_command_gets_the_exit_code_of_that(tmp_path):
    pipe = tmp_path / "endless.yaml"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "amisim", "check", str(pipe)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with running as process, open(pipe, "w"):  # when it reads
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (130, "", "\nAborted!\n")
