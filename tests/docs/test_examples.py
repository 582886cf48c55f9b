"""The programs in `examples/` do what they say: each is run as a user would, against a fake Asterisk."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from amisim import event

from .pbx import HOST, SECRET, pbx

__all__ = ["pbx"]

EXAMPLES = Path(__file__).parents[2] / "examples"
RUN: dict[str, list[str]] = {
    "call_monitor.py": [],
    "click_to_call.py": ["PJSIP/100", "200"],
    "queue_watcher.py": ["support"],
}

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(pbx) -> Iterator[Start]:
    """Start an example with its arguments."""
    started: list[tuple[subprocess.Popen[str], threading.Timer]] = []

    def run(name: str, *arguments: str, secret: str = SECRET) -> "subprocess.Popen[str]":
        command = [sys.executable, str(EXAMPLES / name), pbx.host, "admin", secret, *arguments, str(pbx.port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        guard = threading.Timer(60, process.kill)  # a program that is silent shall not stop the tests
        guard.start()
        started.append((process, guard))
        return process

    yield run
    for process, guard in started:
        guard.cancel()
        guard.join()
        process.kill()
        process.communicate()


def test_every_example_is_run():
    programs = {path.name for path in EXAMPLES.glob("*.py")}
    assert programs == {*RUN, "test_voicemail_light.py"}
    for name, arguments in RUN.items():
        assert " ".join(["python", name, HOST, "admin", SECRET, *arguments]) in (EXAMPLES / name).read_text()


def test_the_call_monitor_tells_of_a_call(pbx, start):
    monitor = start("call_monitor.py")
    assert monitor.stdout.readline() == "watching Asterisk Call Manager 11.0.0\n"
    dest = {"DestChannel": "PJSIP/200-00000002", "DestCallerIDNum": 200, "DestUniqueid": "1.2"}
    pbx.emit(event("DialBegin", CallerIDNum=100, Channel="PJSIP/100-00000001", **dest))
    assert monitor.stdout.readline() == "100 calls 200 at PJSIP/200-00000002\n"
    pbx.emit(event("DialEnd", CallerIDNum=100, Channel="PJSIP/100-00000001", DialStatus="ANSWER", **dest))
    assert monitor.stdout.readline() == "PJSIP/200-00000002: ANSWER\n"
    cause = {"Cause": 16, "Cause-txt": "Normal Clearing"}
    pbx.emit(event("Hangup", Channel="PJSIP/200-00000002", Uniqueid="1.2", **cause))
    assert monitor.stdout.readline() == "PJSIP/200-00000002: 0 s, Normal Clearing\n"
    pbx.disconnect()
    assert monitor.stdout.readline() == "events are missing: link\n"


def test_click_to_call_connects_two(start):
    output, errors = start("click_to_call.py", "PJSIP/100", "200").communicate(timeout=20)
    assert output == "PJSIP/100 answered\nthe call has ended: NORMAL_CLEARING\n", errors


def test_click_to_call_says_that_one_is_busy(start):
    caller = start("click_to_call.py", "PJSIP/200", "100")
    assert caller.communicate(timeout=20)[0] == "PJSIP/200 is busy\n"
    assert caller.returncode == 1


def test_the_queue_watcher_follows_changes_and_a_restart(pbx, start):
    watcher = start("queue_watcher.py", "support")
    state = "support: 1 waiting, 1 of 2 free: Alice\n"
    assert watcher.stdout.readline() == state
    pbx.emit(event("QueueCallerJoin", Queue="sales"))
    pbx.emit(event("QueueCallerJoin", Queue="support"))
    assert watcher.stdout.readline() == state
    pbx.disconnect()
    assert watcher.stdout.readline() == "support: events are missing (link); asking anew\n"
    assert watcher.stdout.readline() == state


@pytest.mark.parametrize("name", RUN)
def test_a_program_says_why_it_cannot_log_in(name, start):
    process = start(name, *RUN[name], secret="wrong")
    assert process.communicate(timeout=20)[1] == "ManagerAuthError: Authentication failed\n"
    assert process.returncode == 1


def test_the_downstream_project_passes():
    project = EXAMPLES / "downstream"
    path = os.pathsep.join([str(project / "src"), os.environ.get("PYTHONPATH", "")])
    options = ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:anyio"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        cwd=project, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert re.search(r"^\d\d passed in", run.stdout, re.MULTILINE), run.stdout + run.stderr


@pytest.mark.parametrize("time", ["virtual", "scaled=5", "real"])
def test_the_example_of_a_test_passes(tmp_path, time):
    shutil.copy(EXAMPLES / "test_voicemail_light.py", tmp_path)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--ami-time={time}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "3 passed" in run.stdout, run.stdout + run.stderr
