"""The page for newcomers is done as it says, step by step, in an empty folder."""

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import amisim
from amisim import event, list_complete, response

PAGE = (Path(__file__).parents[2] / "docs" / "five-minutes.md").read_text()
UPSTREAM = "admin:s3cret@pbx.example.org:5038"
STEPS = re.finditer(r"^```(py|console|output)\n(.*?)^```\n", PAGE, re.DOTALL | re.MULTILINE)


def write(folder: Path, said: str, program: str) -> None:
    """The file that a paragraph names; "Add to" adds to it."""
    path = folder / re.findall(r"`(\w+\.py)`", said)[-1]
    path.write_text(f"{path.read_text()}\n\n{program}" if "Add to" in said else program)


def run(folder: Path, command: str, upstream: amisim.Server) -> str:
    """What a command prints."""
    name, *options = shlex.split(command.replace(UPSTREAM, f"admin:s3cret@{upstream.host}:{upstream.port}"))
    others = "-p no:randomly -p no:cacheprovider -p no:asyncio -p no:anyio"
    done = subprocess.run(
        [sys.executable, "-m", name, *options], cwd=folder, env={**os.environ, "PYTEST_ADDOPTS": others},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout


def test_the_page_can_be_done_step_by_step(tmp_path):
    printed, compared = "", 0
    with amisim.Server(secret="s3cret") as upstream:
        upstream.on("QueueStatus", Queue="support").reply(
            response(EventList="start"), event("QueueMember", Queue="support", Name="Alice", Paused=0), list_complete()
        )
        for step in STEPS:
            kind, text = step.groups()
            if kind == "py":
                write(tmp_path, PAGE[: step.start()].rstrip().rpartition("\n\n")[2], text)
            elif kind == "console" and text.startswith("pytest"):
                for command in text.splitlines():
                    printed = run(tmp_path, command, upstream)
            elif kind == "output":
                same = doctest.OutputChecker().check_output(text, printed, doctest.ELLIPSIS)
                assert same, f"printed:\n{printed}\nand not:\n{text}"
                compared += 1
    assert compared == 5
    assert (tmp_path / "recordings" / "test_real" / "test_agents_have_names.yaml").exists()
