"""The command `amisim`: each of its commands, as its users run it, and what it says when it cannot."""

import re
import shlex
import signal
import socket
import subprocess
import sys

import click
import pytest

import ami
from ami import core
from amisim import library, load
from amisim.cli import main
from amisim.recording import CUT_SHORT

from .command_links import (
    CANARY,
    GOOD,
    HEADER,
    ROWS,
    RawClient,
    address,
    capture_file,
    connected,
    listening,
    pass_secrets,
    queue_members,
    recording,
    recording_with,
)
from .commands import amisim, refusal, said, usage_error

COMMANDS = [
    "check", "completion", "demo", "diff", "export", "fmt", "import", "list", "merge", "proxy", "record", "replay",
    "scan", "serve", "show", "stats", "trim",
]  # fmt: skip


# proxy


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_faults_hit_what_passes_the_proxy_and_those_that_did_not_are_told_at_the_end(running, upstream, how):
    chosen = "drop item QueueStatus nth=2", "wrong_count complete QueueStatus by=-1", "reset event Hangup"
    options = [option for fault in chosen for option in ("--fault", fault)]
    process = running("proxy", "--upstream", address(upstream), *options)
    assert process.first_line.startswith(f"passing on {address(upstream)}: connect to 127.0.0.1:")
    with connected(process) as manager:
        manager.login("admin", CANARY)
        assert queue_members(manager) == ["Alice"]
        assert queue_members(manager) == ["Alice", "Bob"]
        code, output, errors = process.end(how)
    *hits, summary = output.splitlines()
    assert [re.sub(r"^ +\d+\.\d{3}  ", "", hit) for hit in hits] == [
        "c1  fault: drop item QueueStatus nth=2: item QueueMember",
        "c1  fault: wrong_count complete QueueStatus by=-1: complete QueueStatusComplete",
        "c1  fault: wrong_count complete QueueStatus by=-1: complete QueueStatusComplete",
    ]
    assert summary == "1 connections, 3 hits"
    assert (code, errors) == (0, "warning: never hit: reset event Hangup\n")


def test_the_seed_of_a_proxy_says_what_chance_hits(running, upstream):
    def kept(seed: int) -> list[list[str]]:
        command = "proxy", "--upstream", address(upstream), "--fault", "drop item p=0.5", "--seed", seed
        with connected(running(*command)) as manager:
            manager.login("admin", CANARY)
            return [queue_members(manager) for _ in range(20)]

    assert kept(1) == kept(1) != kept(2)


def test_a_fault_that_is_none_is_told_with_what_would_be_right():
    result = amisim("proxy", "--upstream", "127.0.0.1:1", "--fault", "dorp event Hangup")
    problem = "'dorp event Hangup': 'dorp' is no fault; did you mean 'drop'?"
    assert usage_error(result) == f"Invalid value for '--fault': {problem}"


def test_a_server_that_refuses_cannot_be_passed_on():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        where = "{}:{}".format(*deaf.getsockname())
        assert refusal(amisim("proxy", "--upstream", where)) == f"cannot connect to {where}: Connection refused"


# replay


@pytest.mark.parametrize("name", ["22/queue-call", "queue-call", str(library.find("22/queue-call"))])
def test_a_recording_is_replayed_by_its_name_or_file_to_any_number_of_clients(running, name):
    process = running("replay", "--speed", "max", name)
    assert process.first_line.startswith(f"replaying {name}: connect to 127.0.0.1:")
    for _ in range(3):
        with connected(process) as manager:
            manager.login("admin", "secret")
            assert queue_members(manager) == ["Bob Ünlü", "Alice"]
    assert process.end() == (0, f"{name}: 3 connections, 9 actions, 0 without an answer\n", "")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_ends_with_a_summary_though_clients_are_connected(running, how):
    process = running("replay", "queue-call")
    with RawClient(process) as client:
        client.receive_until(b"Asterisk Call Manager/11.0.0\r\n")
        code, output, errors = process.end(how)
    assert (code, output, errors) == (0, "queue-call: 1 connections, 0 actions, 0 without an answer\n", "")


def test_what_is_not_in_the_recording_is_told_to_the_client_and_at_the_end(running):
    process = running("replay", "--speed", "1000", "queue-call")
    with connected(process) as manager:
        manager.login("admin", "secret")
        answer = manager.send_action(core.QueueStatus("sales"))
    file = re.escape(str(library.find("queue-call")))
    expected = (
        rf"no recorded answer to QueueStatus \(Queue: sales\); nearest in {file} is action 3 of connection 1, line "
    )
    assert answer is not None
    assert re.match(f"amisim: {expected}", answer.result["Message"])
    code, output, errors = process.end()
    assert (code, output) == (0, "queue-call: 1 connections, 3 actions, 1 without an answer\n")
    assert re.fullmatch(rf"warning: {expected}\d+: Queue is 'support' there, 'sales' here\n", errors)


def test_rules_say_what_counts_and_a_project_has_some(running, monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.amikit]\nmatch = ["ignore QueueStatus Member"]\n')
    monkeypatch.chdir(tmp_path)
    process = running("replay", "--speed", "max", "--match", "regex QueueStatus Queue s.*", "queue-call")
    with connected(process) as manager:
        manager.login("admin", "secret")
        answer = manager.send_action(core.QueueStatus("sales", member="Eve"))
        assert answer is not None
        assert answer.success
    assert process.end() == (0, "queue-call: 1 connections, 3 actions, 0 without an answer\n", "")


@pytest.mark.parametrize(("unexpected", "misses"), [("asterisk", 0), ("ignore", 1)])
def test_what_becomes_of_the_rest_is_chosen(running, unexpected, misses):
    process = running("replay", "--speed", "max", "--unexpected", unexpected, "queue-call")
    with RawClient(process) as client:
        client.send(b"Action: Login\r\nUsername: admin\r\nSecret: x\r\n\r\n")
        client.send(b"Action: Park\r\n\r\nAction: Ping\r\n\r\n")
        heard = client.receive_until(b"Ping: Pong")
    assert (b"Invalid/unknown command: Park" in heard) == (unexpected == "asterisk")
    _, output, errors = process.end()
    assert output.endswith(f"{misses} without an answer\n")
    assert len(errors.splitlines()) == misses


@pytest.mark.parametrize("command", [("replay", "queue-call"), ("serve",)])
@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--match", "ingore * Timeout", "'ingore * Timeout' is no rule of matching; did you mean ignore?"),
        ("--unexpected", "fail", "'fail' is not one of 'error', 'asterisk', 'ignore', 'close'."),
    ],
)
def test_what_is_wrong_with_how_actions_are_found_is_told(command, option, value, problem):
    assert usage_error(amisim(*command, option, value)) == f"Invalid value for '{option}': {problem}"


def test_a_recording_that_was_cut_short_is_replayed_up_to_the_cut(running, out):
    out.write_text(GOOD + "0.4 c1 > 2: |\n  Action: Pi")
    process = running("replay", out)
    with RawClient(process) as client:
        client.send(b"Action: Ping\r\n\r\n")
        client.receive_until(b"Response: Success\r\n\r\n")
    code, _, errors = process.end()
    assert code == 2
    assert errors == f"Error: {out}, line 12: {CUT_SHORT}; what came before it is served\n"


def test_a_replay_cannot_listen_on_a_port_that_is_taken():
    with listening() as (where, _):
        result = amisim("replay", "queue-call", "--listen", where)
    assert re.fullmatch(f"cannot listen on {where}: .*Address already in use", refusal(result))


def test_a_recording_without_a_connection_cannot_be_replayed(out):
    out.write_text(HEADER)
    assert refusal(amisim("replay", out)) == f"{out}: there is no connection in it to replay"
    assert refusal(amisim("check", out)) == f"{out}: there is no connection in it to replay"


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast", ""])
def test_a_speed_is_a_number_above_0_or_max(speed):
    error = usage_error(amisim("replay", "queue-call", "--speed", speed))
    assert error == f"Invalid value for '--speed': {speed!r} is neither a number above 0 nor 'max'"


@pytest.mark.parametrize("option", ["--listen", "--upstream"])
@pytest.mark.parametrize("value", ["pbx", "pbx:", "pbx:ami", "pbx:70000", "pbx:²", "pbx:-1", "5038", ""])
def test_an_address_is_a_host_and_a_port(option, value, out):
    error = usage_error(amisim("record", "--upstream", "pbx:5038", option, value, out))
    assert error == f"Invalid value for '{option}': {value!r} is not HOST:PORT, such as 127.0.0.1:5038"


# What all commands that take a recording say of one that is none


@pytest.mark.parametrize("command", ["replay", "show", "check"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("queue-cal", "did you mean 22/queue-call?"),
        ("16/queue-cal", "did you mean 16/queue-call?"),
        ("x" * 1000, "'amisim list' shows the recordings that come with it"),
    ],
    ids=["near", "near, with a version", "far"],
)
def test_a_name_that_is_not_known_is_told_with_the_nearest(command, name, hint):
    expected = f"{name}: no such file, and no recording of that name; {hint}"
    assert refusal(amisim(command, name)) == expected


WRONG = [
    ("Hello\n---\n", 1, "not a record"),
    ("name: something else\n---\n", 1, "not a recording: it does not begin with 'format: amisim/1'"),
    ("format: amisim/2\n---\n", 1, "newer than this amikit, which reads amisim/1: pip install -U amikit"),
    (HEADER + "0.1 c1 open:\n---\n0.2 c1 sent: |\n  A: b\n---\n", 6, "'0.2 c1 sent' is no record"),
    (HEADER + "0.1 c1 open:\n---\n0.2 c1 >: 'x\n---\n0.3 c1 >: x\n---\n", 6, "a quote that is not closed"),
    (HEADER + "0.1 c1 open:\n---\n0.2 c1 >: !!binary x\n---\n", 6, "!!binary that is not base64"),
    ("\x89PNG\r\n\x1a\n\0\0", 1, "not a recording"),
]


@pytest.mark.parametrize("command", ["replay", "check"])
@pytest.mark.parametrize(("text", "line", "problem"), WRONG)
def test_a_mistake_in_a_recording_is_told_with_its_file_and_line(command, text, line, problem, out):
    out.write_text(text, newline="")
    error = refusal(amisim(command, out))
    assert error.startswith(f"{out}, line {line}: ")
    assert problem in error


@pytest.mark.parametrize("command", ["replay", "show", "check"])
def test_a_folder_is_no_recording(command, tmp_path):
    assert refusal(amisim(command, tmp_path)) == f"{tmp_path}: cannot be read: Is a directory"


# check


@pytest.mark.parametrize(
    ("records", "line", "problem"),
    [
        ("0.4 c2 >: x\n---\n", 12, "connection 2 has no record 'open' before this one"),
        ("0.4 c1 > 1: x\n---\n", 12, "1 is the number of another frame already"),
        ("0.4 c1 < 7: x\n---\n", 12, "it follows from frame 7, which its connection has not sent before"),
        ("0.4 c2 open:\n---\n0.5 c2 < 1: x\n---\n", 14, "it follows from frame 1, which its connection has not sent"),
        ("0.4 c1 < eof 2:\n---\n", 12, "it follows from frame 2, which its connection has not sent before"),
        ("0.4 c1 > 2: x\n", 12, "the last record is cut short: no '---' ends it; if it is whole, add that line"),
    ],
)
def test_what_cannot_be_replayed_does_not_pass_the_check(records, line, problem, out):
    out.write_text(GOOD + records)
    assert refusal(amisim("check", out)).startswith(f"{out}, line {line}: {problem}")


def test_several_files_are_checked_and_each_is_told(tmp_path):
    good, wrong, cut = tmp_path / "good.yaml", tmp_path / "wrong.yaml", tmp_path / "cut.yaml"
    good.write_text(GOOD)
    wrong.write_text("Hello\n")
    cut.write_text(GOOD + "0.4 c1")
    result = amisim("check", wrong, good, cut, "queue-cal", "login-md5")
    assert result.exit_code == 2
    first, second = result.stdout.splitlines()
    assert first == f"{good}: 1 connections, 1 actions, 2 frames, without the end of c1"
    assert second.startswith("login-md5: 1 connections, 4 actions, ")
    errors = result.stderr.splitlines()
    assert [error.split(":")[1] for error in errors] == [f" {wrong}, line 1", f" {cut}, line 12", " queue-cal"]


def test_check_wants_a_file():
    assert usage_error(amisim("check")) == "Missing argument 'FILE...'."


# show and list


def test_a_recording_is_shown_line_by_line():
    lines = said("show", "login-md5").splitlines()
    header = [line for line in lines if not line.startswith(" ")]
    assert header[:2] == ["format: amisim/1", "server: Asterisk 22.10.1"]
    assert "     0.001  c1  ← Asterisk Call Manager/11.0.0" in lines
    assert "     0.152  c1  → Login [cap-2] AuthType=MD5 Username=admin Key=…" in lines
    assert len(lines) - len(header) == len(load(library.find("login-md5")).records)


def test_no_secret_of_a_recording_is_shown(running, upstream, out):
    kept = pass_secrets(recording(running, upstream, out, "--keep-secrets"))
    shown = said("show", out)
    assert [name for name, value in kept.items() if value in shown] == []


def test_any_bytes_are_shown_in_one_line_each(out):
    frames = [
        b"Event: \xff\x1b[31m\0\r\nN\xffme\x85: v\xe2\x80\xa8lue\x7f\r\nActionID: \xfe\x1b\r\n\r\n",
        b"Asterisk Call Manager/\xff\x1b\r\n",
        b"Response: \xff\r\n\r\n",
        b"\xff\xfe\0 no frame \x1b",
    ]
    recording_with(out, *frames)
    lines = [line for line in said("show", out).splitlines() if line.startswith(" ")]
    assert len(lines) == 1 + len(frames)
    assert all(line.isprintable() for line in lines)
    assert lines[1].endswith("← ··[31m· [··] N·me·=v·lue·")


def test_what_is_no_message_is_shown_too(tmp_path, out):
    said("import", capture_file(tmp_path / "x.jsonl", *ROWS, {"c": 1, "t": 0.9, "d": "c2s", "b": "\r\n"}), out)
    lines = said("show", out).splitlines()
    assert "     0.600      # the client stops" in lines
    assert "     0.700  c1  → client closed its side" in lines
    assert "     0.800  c1  ← server's side broke: ConnectionResetError" in lines
    assert r"     0.900  c1  → '\r\n'" in lines


def test_a_recording_that_was_cut_short_is_shown_up_to_the_cut(out):
    out.write_text(GOOD + "0.4 c1 > 2: |\n  Action: Pi")
    result = amisim("show", out)
    assert result.stdout.splitlines()[-1] == "     0.300  c1  ← Success:"
    assert result.exit_code == 2
    assert result.stderr == f"Error: {out}, line 12: {CUT_SHORT}\n"


@pytest.mark.parametrize(("text", "line", "problem"), WRONG)
def test_a_recording_is_shown_up_to_a_mistake(text, line, problem, out):
    out.write_text(text, newline="")
    result = amisim("show", out)
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"Error: {out}, line {line}: ")
    assert problem in error
    assert ("c1  · connected" in result.stdout) == ("c1 open" in text)


def test_all_recordings_that_come_with_amisim_are_listed_with_what_they_show():
    lines = said("list").splitlines()
    assert [line.split()[0] for line in lines] == library.names()
    assert [line for line in lines if len(line.split()) < 4] == []
    assert "22/login-md5" in library.names()


def test_all_recordings_that_come_with_amisim_pass_the_check():
    assert len(said("check", *library.names()).splitlines()) == len(library.names())


# demo, help and version


def test_the_demonstration_tells_its_story_from_beginning_to_end():
    story = said("demo")
    steps = [
        "a fake Asterisk listens on 127.0.0.1:",
        "connected: Asterisk Call Manager 11.0.0",
        "logged in by MD5 challenge",
        "waits in support",
        "Alice answers",
        "the call ends after",
        "the Ping timed out: send_action returned None",
        "the answer came after all: an orphan",
        "summary: ",
    ]
    places = [story.find(step) for step in steps]
    assert -1 not in places, story
    assert places == sorted(places), story
    assert story.rstrip().endswith("1 late answer")


def test_the_commands_are_these():
    assert sorted(main.commands) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_each_command_helps(command, option):
    shown = said(command, option)
    assert shown.startswith(f"Usage: amisim {command}")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_of_a_command_stands_in_one_line_and_is_understood(command):
    (example,) = re.findall("Example: amisim (.*)", said(command, "--help"))
    name, *args = shlex.split(example)
    assert name == command
    group = click.Context(main, **main.context_settings)
    main.commands[name].make_context(name, args, parent=group)


def test_help_without_a_command_lists_the_commands():
    shown = said("--help")
    assert [command for command in COMMANDS if not re.search(rf"^  {command} ", shown, re.MULTILINE)] == []


def test_a_command_that_is_not_known_is_told():
    assert usage_error(amisim("reply")).startswith("No such command 'reply'")


def test_the_version_is_that_of_the_package():
    assert said("--version") == f"amisim, version {ami.__version__}\n"


def test_amisim_runs_as_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "amisim", "--version"], capture_output=True, encoding="utf-8", check=True
    )
    assert (done.stdout, done.stderr) == (f"amisim, version {ami.__version__}\n", "")


def test_options_say_what_they_take():
    shown = said("record", "--help") + said("replay", "--help")
    assert set(re.findall(r"^  --(\S+ \S+?)(?:  |$)", shown, re.MULTILINE)) == {
        "redact RULE",
        "upstream HOST:PORT",
        "listen HOST:PORT",
        "speed N|max",
        "against HOST:PORT",
        "secret TEXT",
        "allow FILE",
        "match RULE",
        "unexpected [error|asterisk|ignore|close]",
    }
