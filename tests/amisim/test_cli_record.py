"""The command `amisim record`, as its users run it."""

import os
import re
import signal
import socket
import subprocess
import sys

import pytest

import ami
from ami import core
from amisim import Server, event, load, relay

from .command_links import (
    CANARY,
    RawClient,
    address,
    connected,
    listening,
    needs_full_device,
    needs_terminals,
    pass_secrets,
    ping_for_ever,
    queue_members,
    recording,
    speaking,
)
from .commands import amisim, refusal, said, usage_error

LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from amisim.cli import main
main(prog_name="amisim")
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_recording_ends_with_a_summary_and_passes_the_check_and_replays(running, upstream, out, how):
    process = recording(running, upstream, out)
    assert process.first_line.startswith(f"recording {address(upstream)} to {out}: connect to 127.0.0.1:")
    with connected(process) as manager:
        manager.login("admin", CANARY)
        assert queue_members(manager) == ["Alice", "Bob"]
    frames = len([each for each in upstream.transcript if each.connection == 2 and each.kind == "data"])
    assert process.end(how) == (0, f"{out}: 1 connections, {frames} frames\n", "")
    assert said("check", out) == f"{out}: 1 connections, 3 actions, {frames} frames\n"
    replayed = running("replay", "--speed", "max", out)
    with connected(replayed) as manager:
        manager.login("admin", CANARY)
        assert queue_members(manager) == ["Alice", "Bob"]
    assert replayed.end() == (0, f"{out}: 1 connections, 3 actions, 0 without an answer\n", "")


def test_a_recording_may_end_while_clients_are_connected(running, upstream, out):
    process = recording(running, upstream, out)
    with connected(process) as manager:
        manager.login("admin", CANARY)
        code, output, errors = process.end()
    assert (code, errors) == (0, "")
    assert output.startswith(f"{out}: 1 connections, ")
    assert said("check", out).startswith(f"{out}: 1 connections, 2 actions, ")


def test_a_recording_holds_no_secret(running, upstream, out):
    hidden = pass_secrets(recording(running, upstream, out))
    text = out.read_text()
    assert [name for name, value in hidden.items() if value in text] == []
    assert "secret:secret-1" in text
    assert load(out).header["redacted"] == ["secrets"]
    said("check", out)
    with Server(recording=out, speed=0) as server:
        for log_in in (lambda m: m.send_action(core.Login("admin", CANARY)), lambda m: m.login("admin", CANARY)):
            with connected(server) as manager:
                assert log_in(manager).success
        assert server.misses == []


def test_what_is_personal_is_replaced_in_a_recording_by_rules_and_passes_unchanged(running, upstream, out):
    process = recording(running, upstream, out, "--redact", "numbers", "--redact", r"regex:for (\w+)")
    with connected(process) as manager:
        manager.login("admin", CANARY)
        manager.send_action(core.Setvar("X", "for Ada", channel="PJSIP/4930123456-00000001"))
    process.end()
    assert upstream.wait_for("Setvar").get("Channel") == "PJSIP/4930123456-00000001"
    text = out.read_text()
    assert "Value: for hidden-1\n" in text
    assert "PJSIP/5550000001-00000001\n" in text
    assert load(out).header["redacted"] == ["secrets", "numbers", "regex"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--redact", "numbres"], "did you mean numbers?"),
        (["--redact", "numbers", "--keep-secrets"], "--redact and --keep-secrets exclude each other"),
    ],
)
def test_options_of_redaction_that_make_no_sense_are_refused(out, options, problem):
    result = amisim("record", "--upstream", "127.0.0.1:1", *options, out)
    assert problem in usage_error(result)


def test_a_recording_keeps_secrets_when_asked_to(running, upstream, out):
    kept = pass_secrets(recording(running, upstream, out, "--keep-secrets"))
    text = out.read_text()
    assert [name for name, value in kept.items() if value not in text] == []
    assert "redacted" not in load(out).header


def test_a_secret_in_a_frame_without_an_end_is_hidden_too(running, upstream, out):
    process = recording(running, upstream, out)
    with RawClient(process) as client:
        client.send(f"Username: admin\r\nKey: {CANARY}\r\nSecret: {CANARY}".encode(), last=True)
        client.receive_all()
    process.end()
    assert [each.data[:15] for each in load(out).records if each.direction + each.kind == ">data"] == [
        b"Username: admin"
    ]
    assert CANARY not in out.read_text()


def test_what_security_events_tell_of_secrets_is_hidden_too(running, upstream, out):
    process = recording(running, upstream, out)
    told = {name: f"{CANARY}-{name}" for name in ("Challenge", "Response", "ExpectedResponse", "ReceivedHash")}
    with connected(process) as manager:
        manager.login("admin", CANARY)
        upstream.emit(event("ChallengeResponseFailed", AccountID="eve", **told))
        upstream.emit(event("InvalidPassword", AccountID="bob", ReceivedChallenge=told["Challenge"], Challenge=""))
        manager.send_action(core.Ping())
    process.end()
    text = out.read_text()
    assert CANARY not in text
    assert "AccountID: eve\n  Challenge: 100000002\n" in text
    assert "AccountID: bob\n  ReceivedChallenge: 100000002\n" in text


def test_what_was_recorded_before_a_kill_loads(running, upstream, out):
    process = recording(running, upstream, out)
    with connected(process) as manager:
        manager.login("admin", CANARY)
        for _ in range(5):
            manager.send_action(core.Ping())
        process.end(signal.SIGKILL)
    assert process.process.returncode == -signal.SIGKILL
    sent = [each.data for each in load(out).records if each.direction == ">"]
    assert [data.split(b"\r\n")[0] for data in sent][2:] == [b"Action: Ping"] * 5
    assert said("check", out).startswith(f"{out}: 1 connections, 7 actions, ")


def test_a_client_that_leaves_in_the_middle_of_a_frame_is_recorded(running, upstream, out):
    process = recording(running, upstream, out)
    with RawClient(process) as client:
        client.send(b"Action: Pi", last=True)
        client.receive_all()
    assert process.end()[0] == 0
    recorded = load(out)
    assert [(each.kind, each.data) for each in recorded.records if each.direction == ">"] == [
        ("data", b"Action: Pi"),
        ("eof", b""),
    ]
    said("check", out)
    assert "c1  → Pi" in said("show", out)


@needs_full_device
def test_a_full_disk_is_said_before_recording_begins(upstream):
    result = amisim("record", "--upstream", address(upstream), "/dev/full")
    assert refusal(result) == "/dev/full: cannot be written: No space left on device"


@needs_full_device
def test_a_disk_that_fills_up_ends_the_recording_and_what_was_written_loads(running, upstream, out):
    process = running("record", "--upstream", address(upstream), out, program=LIMITED)
    with connected(process) as manager:
        manager.login("admin", CANARY)
        with pytest.raises(ami.Error):
            ping_for_ever(manager)
    assert process.wait() == (2, "", f"Error: {out}: cannot be written: File too large\n")
    assert len(load(out).records) > 5


def test_a_recording_is_not_written_over(upstream, out):
    out.write_text("precious")
    result = amisim("record", "--upstream", address(upstream), out)
    assert refusal(result) == f"{out}: exists already; a recording is never overwritten"
    assert out.read_text() == "precious"


def test_a_recording_cannot_be_written_where_there_is_no_folder(upstream, tmp_path):
    out = tmp_path / "no" / "out.yaml"
    result = amisim("record", "--upstream", address(upstream), out)
    assert refusal(result) == f"{out}: cannot be written: No such file or directory"


def test_a_server_that_refuses_cannot_be_recorded(out):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        where = "{}:{}".format(*deaf.getsockname())
        assert refusal(amisim("record", "--upstream", where, out)) == f"cannot connect to {where}: Connection refused"
    assert not out.exists()


@pytest.mark.parametrize(
    ("greeting", "problem"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", r"it begins with b'SSH-2.0-OpenSSH_9.2\r\n'"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", r"it begins with b'HTTP/1.1 400 Bad Request\r\n'"),
        (b"\xff\0" * 100 + b"\n", "it begins with b'" + r"\xff\x00" * 30 + "'"),
        (b"", "it begins with b''"),
        (b"x" * 100_000, "its first line is too long"),
    ],
    ids=["SSH", "HTTP", "binary", "nothing", "no line"],
)
def test_a_server_that_does_not_speak_ami_cannot_be_recorded(out, greeting, problem):
    with speaking(greeting) as where:
        result = amisim("record", "--upstream", where, out)
    assert refusal(result) == f"{where} does not speak AMI: {problem}"
    assert not out.exists()


def test_a_server_that_stays_silent_cannot_be_recorded(out, monkeypatch):
    monkeypatch.setattr(relay, "_PATIENCE", 0.01)
    with listening() as (where, _):
        assert refusal(amisim("record", "--upstream", where, out)) == f"{where}: no AMI greeting within 0.01 s"
    assert not out.exists()


def test_a_silent_server_can_be_given_up_by_ctrl_c(out):
    with listening() as (where, listener):
        command = [sys.executable, "-m", "amisim", "record", "--upstream", where, str(out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            connection, _ = listener.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                assert process.communicate() == ("", "\nAborted!\n")
    assert process.returncode == 130
    assert not out.exists()


def test_a_recorder_cannot_listen_on_a_port_that_is_taken(upstream, out):
    result = amisim("record", "--upstream", address(upstream), "--listen", address(upstream), out)
    assert re.fullmatch(f"cannot listen on {address(upstream)}: .*Address already in use", refusal(result))
    assert not out.exists()


@needs_terminals
def test_progress_is_shown_on_a_terminal(running, upstream, out):
    terminal, end = os.openpty()
    with open(terminal, "rb", buffering=0) as screen:
        with open(end, "wb", buffering=0):
            process = recording(running, upstream, out)
            shown = running("record", "--upstream", address(upstream), out.with_name("2.yaml"), stderr=end)
        for each in (process, shown):
            with RawClient(each) as client:
                client.receive_until(b"\r\n")
                client.send(b"", last=True)
                client.receive_all()
        assert process.end()[2] == ""
        assert shown.end()[0] == 0
        assert screen.read(1000) == b"\r1 connections, 1 frames\r\n"
