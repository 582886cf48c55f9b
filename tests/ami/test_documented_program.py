"""A program written for the documented library runs with another import line, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

import amisim
from amisim import event, list_complete, raw, response

PROGRAM = Path(__file__).parents[1] / "data" / "documented_program.py"


def run(server: amisim.Server, secret: str) -> tuple[int, list[str], str]:
    """The program's exit code, the lines it printed, in any order of its callbacks, and what it complained of."""
    arguments = [sys.executable, "-W", "error", PROGRAM, server.host, str(server.port), server.username, secret]
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=50)
    return done.returncode, done.stdout.splitlines(), done.stderr


def script(server: amisim.Server) -> None:
    server.on("QueueStatus").reply(
        response(EventList="start"),
        event("QueueParams", Queue="sales", Max=10, Calls=2, Holdtime=1),
        event("QueueMember", Queue="sales", Name="Ada", Paused=0, CallsTaken=7),
        event("QueueMember", Queue="sales", Name="Bob", Paused=1, CallsTaken=0),
        list_complete(),
    )
    server.on("CoreShowChannels").reply(
        response(EventList="start"),
        event("CoreShowChannel", Channel="PJSIP/1-1", Duration="00:01:05"),
        event("CoreShowChannel", Channel="PJSIP/2-1", Duration="01:00:00"),
        list_complete(),
    )
    server.on("Originate").reply(
        response(Message="Originate successfully queued"),
        event("Newchannel", Channel="PJSIP/100-1", ChannelState=0, ChannelStateDesc="Down"),
        raw(
            "Event: OriginateResponse\r\nActionID: operator-1\r\nResponse: Failure\r\nChannel: PJSIP/100\r\n"
            "Reason: 5\r\n\r\n"
        ),
        event("Hangup", Channel="PJSIP/100-1", Cause=17),
    )
    server.on("Command").reply(
        response(Message="Command output follows", Output=["System uptime: 1 day", "Last reload: 2 hours"]),
        raw("Response: Error\r\nActionID: nobody\r\nMessage: No such thing\r\n\r\n"),
    )


def test_a_program_for_the_documented_library_runs():
    with amisim.Server() as server:
        script(server)
        code, lines, errors = run(server, server.secret)
        originate = server.wait_for("Originate")
    assert errors == ""
    assert lines[0] == "logged in to Asterisk Call Manager 11.0.0: True True"
    assert lines[-1] == "connected: False"
    assert sorted(lines[1:-1]) == sorted([
        "queue sales: 2 of 10 calls",
        "member Ada: ready, 7 calls taken",
        "member Bob: paused, 0 calls taken",
        "end of queues: True",
        "channels: 2, valid True, [65, 3600] s",
        "calling: True operator-1",
        "new channel PJSIP/100-1 in state 0",
        "originate operator-1: BUSY (5)",
        "hangup of PJSIP/100-1: 17",
        "> System uptime: 1 day",
        "> Last reload: 2 hours",
        "orphan Error: No such thing",
        "ping: True True",
        "saw events: True; monitored: True",
    ])  # fmt: skip
    assert code == 0
    assert originate.action_id == "operator-1"
    assert {
        ("Channel", "PJSIP/100"), ("Async", "true"), ("Timeout", "15000"), ("CallerID", "Operator <0>"),
        ("Variable", "LEVEL=3"), ("Context", "default"), ("Exten", "200"), ("Priority", "1"),
    } == {each for each in originate.headers if each[0] not in ("Action", "ActionID")}  # fmt: skip


@pytest.mark.parametrize("secret", ["wrong", ""])
def test_the_program_is_told_that_its_login_was_refused(secret):
    with amisim.Server() as server:
        server.on("Login").reply(response("Error", Message="Authentication failed"))
        code, lines, errors = run(server, secret)
    assert (code, lines, errors) == (1, ["login refused: Authentication failed"], "")


def test_the_program_is_told_that_the_link_was_lost():
    with amisim.Server() as server:
        script(server)
        server.on("Originate").reply(amisim.close())
        code, lines, errors = run(server, server.secret)
    assert (code, errors) == (2, "")
    assert lines[-1].startswith("link lost: ")


def test_only_one_line_of_the_program_names_the_library():
    lines = [line for line in PROGRAM.read_text(encoding="utf-8").splitlines() if "ami" in line.replace("amikit", "")]
    assert [line for line in lines if "import" in line] == [
        "from ami import KEY_EVENT, Manager, ManagerSocketError, core, core_events"
    ]
