"""The command `amisim`: each of its commands, as its users run it, and what it says when it cannot."""

import gzip
import hashlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import click
import pytest

import ami
from ami import core
from amisim import Server, event, library, list_complete, load, relay, response
from amisim.cli import main
from amisim.recording import CUT_SHORT, Record, RecordingWriter, chunks

from .commands import Running, amisim, refusal, said, usage_error

CANARY = "canary-5ecret"
COMMANDS = ["check", "demo", "import", "list", "proxy", "record", "replay", "serve", "show"]
HEADER = "format: amisim/1\nserver: Asterisk 22.10.1\n---\n"
GOOD = HEADER + "0.1 c1 open:\n---\n0.2 c1 > 1: |\n  Action: Ping\n---\n0.3 c1 < 1: |\n  Response: Success\n---\n"
LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from amisim.cli import main
main(prog_name="amisim")
"""
needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
needs_terminals = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs Unix' terminals")


@pytest.fixture
def upstream() -> Iterator[Server]:
    """A server to be recorded, with a queue that has two members."""
    with Server(secret=CANARY) as server:
        server.on("QueueStatus").reply(
            response(EventList="start", Message="Queue status will follow"),
            event("QueueMember", Queue="support", Name="Alice"),
            event("QueueMember", Queue="support", Name="Bob"),
            list_complete(),
        )
        yield server


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where a recording is written."""
    return tmp_path / "out.yaml"


def address(server: Server) -> str:
    return f"{server.host}:{server.port}"


def recording(running: Callable[..., Running], server: Server, out: Path, *options: object) -> Running:
    return running("record", "--upstream", address(server), *options, out)


@contextmanager
def listening() -> Iterator[tuple[str, socket.socket]]:
    """A socket that takes connections, of which nobody says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield "{}:{}".format(*listener.getsockname()), listener


@contextmanager
def speaking(greeting: bytes) -> Iterator[str]:
    """The address of a server that says this to one client, and closes the connection."""

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

    with listening() as (where, listener):
        listener.settimeout(30)
        thread = threading.Thread(target=serve)
        thread.start()
        yield where
        thread.join()


@contextmanager
def connected(server: Server | Running) -> Iterator[ami.Manager]:
    with ami.Manager() as manager:
        manager.connect(server.host, server.port)
        yield manager


class RawClient:
    """A client that sends what it is told to."""

    def __init__(self, server: Server | Running) -> None:
        self._socket = socket.create_connection((server.host, server.port), timeout=30)
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._socket.close()

    def send(self, data: bytes, *, last: bool = False) -> None:
        self._socket.sendall(data)
        if last:
            self._socket.shutdown(socket.SHUT_WR)

    def receive_until(self, wanted: bytes) -> bytes:
        """Everything that has come so far, up to what is wanted."""
        while wanted not in self.received:
            data = self._socket.recv(65_536)
            assert data, f"{wanted!r} did not come, but {self.received!r}"
            self.received += data
        return self.received

    def receive_all(self) -> bytes:
        """Everything up to the end, in whichever way it comes."""
        with suppress(ConnectionError):
            while data := self._socket.recv(65_536):
                self.received += data
        return self.received


def queue_members(manager: ami.Manager) -> list[str]:
    request = core.QueueStatus("support")
    request.synchronous = True
    answer = manager.send_action(request)
    assert answer is not None
    return [member["Name"] for member in answer.events["QueueMember"]]


def ping_for_ever(manager: ami.Manager) -> None:
    while True:
        manager.send_action(core.Ping())


def recording_with(path: Path, *data: bytes) -> Path:
    """A recording of one connection on which a server sent these frames."""
    with RecordingWriter(path, {"server": "Asterisk"}) as writer:
        writer.write(Record(0.0, 1, "", "open"))
        for number, each in enumerate(data, 1):
            writer.write(Record(float(number), 1, "<", "data", each))
    return path


def pass_secrets(process: Running) -> dict[str, str]:
    """Log in through a recorder, plainly and by MD5, and end it; return the secrets that passed."""
    with RawClient(process) as client:
        client.send(f"Action: Login\r\nUsername: admin\r\nsecret:{CANARY}\r\n\r\n".encode())
        client.receive_until(b"Authentication accepted\r\n\r\n")
    with RawClient(process) as client:
        client.send(b"Action: Challenge\r\nAuthType: MD5\r\n\r\n")
        client.receive_until(b"\r\n\r\n")
        (challenge,) = re.findall(rb"Challenge: (\d+)", client.received)
        key = hashlib.md5(challenge + CANARY.encode()).hexdigest()
        login = f"Action: Login\r\nUsername: admin\r\nAuthType: MD5\r\nKey: {key}\r\n\r\n"
        client.send(login[:-10].encode())
        client.send(login[-10:].encode())
        client.receive_until(b"Authentication accepted\r\n\r\n")
    code, _, errors = process.end()
    assert (code, errors) == (0, "")
    return {"secret": CANARY, "challenge": challenge.decode(), "key": key}


def capture_file(path: Path, *rows: object) -> Path:
    """A capture with these rows; a text stands as it is."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


# record


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
    assert load(out).header["redacted"] == ["Secret", "Key", "Challenge"]
    said("check", out)
    with Server(recording=out, speed=0) as server:
        for log_in in (lambda m: m.send_action(core.Login("admin", CANARY)), lambda m: m.login("admin", CANARY)):
            with connected(server) as manager:
                assert log_in(manager).success
        assert server.misses == []


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
    assert process.returncode == 1
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
    ("format: amisim/2\n---\n", 1, "newer than this amisim, which reads amisim/1: upgrade amikit"),
    (HEADER + "0.1 c1 open:\n---\n0.2 c1 sent: |\n  A: b\n---\n", 6, "'0.2 c1 sent' is no record"),
    (HEADER + "0.1 c1 open:\n---\n0.2 c1 >: 'x\n---\n0.3 c1 >: x\n---\n", 7, "not YAML"),
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
    assert first == f"{good}: 1 connections, 1 actions, 2 frames"
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


# import


ROWS = [
    {"format": "amicap/1", "session": "x", "server": "Asterisk 22.10.1", "description": "a login"},
    {"c": 1, "t": 0.1, "d": "open"},
    {"c": 1, "t": 0.2, "d": "s2c", "b": "Asterisk Call Manager/11.0.0\r\n"},
    {"c": 1, "t": 0.3, "d": "c2s", "b": f"Action: Login\r\nUsername: admin\r\nSecret: {CANARY}\r\n"},
    {"c": 1, "t": 0.4, "d": "c2s", "b": "\r\nAction: P\xff\0"},
    {"c": 1, "t": 0.5, "d": "s2c", "b": "Response: Success\r\n\r\n"},
    {"t": 0.6, "d": "note", "m": "the client stops"},
    {"c": 1, "t": 0.7, "d": "c2s-eof"},
    {"c": 1, "t": 0.8, "d": "s2c-err", "m": "ConnectionResetError"},
]


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz"])
def test_every_byte_of_a_capture_is_imported(tmp_path, out, name):
    assert said("import", capture_file(tmp_path / name, *ROWS), out) == f"{out}: 4 frames\n"
    imported = load(out)
    assert imported.header == {"format": "amisim/1", "server": "Asterisk 22.10.1", "description": "a login"}
    way = {"c2s": ">", "s2c": "<"}
    assert chunks(imported.records) == [
        (row["c"], way[row["d"]], row["t"], row["b"].encode("latin-1")) for row in ROWS if "b" in row
    ]
    others = [(each.at, each.direction + each.kind, each.data) for each in imported.records if each.kind != "data"]
    assert others == [
        (0.1, "open", b""),
        (0.6, "note", b"the client stops"),
        (0.7, ">eof", b""),
        (0.8, "<error", b"ConnectionResetError"),
    ]
    said("check", out)


def test_a_capture_is_imported_without_secrets_and_with_a_description_when_asked_to(tmp_path, out):
    capture = capture_file(tmp_path / "x.jsonl", *ROWS)
    said("import", "--redact", "--description", "what it “shows”", capture, out)
    assert load(out).header["description"] == "what it “shows”"
    assert CANARY not in out.read_text()
    assert "secret-1" in out.read_text()


START = {"format": "amicap/1"}
OPEN = {"c": 1, "t": 0.1, "d": "open"}


@pytest.mark.parametrize(
    ("rows", "line", "problem"),
    [
        ([], 1, 'not a capture: its first line has no "format": "amicap/1"'),
        (["not JSON"], 1, "not JSON: Expecting value"),
        ([{"format": "amicap/2"}], 1, "not a capture"),
        ([{"format": ["amicap/1"]}], 1, "not a capture"),
        (["[1]"], 1, r"expected a JSON object, not b'[1]\n'"),
        ([START, OPEN, "5"], 3, r"expected a JSON object, not b'5\n'"),
        ([START, OPEN, ""], 3, "not JSON"),
        ([START, OPEN, "[" * 100_000], 3, "not JSON"),
        ([START, OPEN, '{"c": 1, "t": 0.2, "d": "s2c", "b": "half'], 3, "not JSON"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c"}], 3, "it has no 'b'"),
        ([START, OPEN, {"c": 1, "d": "s2c", "b": "x"}], 3, "it has no 't'"),
        ([START, OPEN, {"c": 1, "t": "0.2", "d": "s2c", "b": "x"}], 3, "'t' is '0.2'"),
        ([START, OPEN, {"c": 1, "t": -1, "d": "s2c", "b": "x"}], 3, "'t' is -1"),
        ([START, OPEN, {"c": 1, "t": float("nan"), "d": "s2c", "b": "x"}], 3, "'t' is nan"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c", "b": 5}], 3, "'b' is 5"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c", "b": "€"}], 3, "'latin-1' codec can't encode"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "sideways", "b": "x"}], 3, "'d' is 'sideways'"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c-odd", "b": "x"}], 3, "'d' is 's2c-odd'"),
        ([START, OPEN, {"c": 1, "t": 0.2, "d": "s2c-err"}], 3, "it has no 'm'"),
        ([START, OPEN, {"c": 2, "t": 0.2, "d": "s2c", "b": "x"}], 3, "connection 2 was not opened before"),
        ([START, {"c": 0, "t": 0.2, "d": "open"}], 2, "connection 0 was not opened before"),
    ],
)
def test_a_mistake_in_a_capture_is_told_with_its_line_and_leaves_no_recording(tmp_path, out, rows, line, problem):
    capture = capture_file(tmp_path / "x.jsonl", *rows)
    error = refusal(amisim("import", capture, out))
    assert error.startswith(f"{capture}, line {line}: ")
    assert problem in error
    assert not out.exists()


@pytest.mark.parametrize("damage", ["cut", "changed", "no gzip"])
def test_a_damaged_gzip_file_is_told(tmp_path, out, damage):
    capture = capture_file(tmp_path / "x.jsonl.gz", *ROWS)
    data = capture.read_bytes()
    middle = len(data) // 2
    capture.write_bytes(
        {
            "cut": data[:middle],
            "changed": data[:middle] + b"\xff" * 20 + data[middle + 20 :],
            "no gzip": data[:2] + b"x" * 20,
        }[damage]
    )
    assert re.match(rf"{re.escape(str(capture))}, line \d+: cannot be read: ", refusal(amisim("import", capture, out)))
    assert not out.exists()


def test_a_capture_that_is_not_there_is_told(tmp_path, out):
    missing = tmp_path / "none.jsonl"
    assert refusal(amisim("import", missing, out)) == f"{missing}: cannot be read: No such file or directory"


def test_an_import_writes_over_no_recording(tmp_path, out):
    out.write_text("precious")
    result = amisim("import", capture_file(tmp_path / "x.jsonl", *ROWS), out)
    assert refusal(result) == f"{out}: exists already; a recording is never overwritten"
    assert out.read_text() == "precious"


@needs_full_device
def test_an_import_to_a_full_disk_is_told(tmp_path):
    result = amisim("import", capture_file(tmp_path / "x.jsonl", *ROWS), "/dev/full")
    assert refusal(result) == "/dev/full: cannot be written: No space left on device"


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
    assert shown.count("Example: ") == (main.commands[command].help or "").count("Example: ")


@pytest.mark.parametrize("command", ["record", "replay"])
def test_the_example_of_a_command_stands_in_one_line_and_is_understood(command):
    (example,) = re.findall("Example: amisim (.*)", said(command, "--help"))
    name, *args = shlex.split(example)
    assert name == command
    group = click.Context(main, **main.context_settings)
    parsed = main.commands[name].make_context(name, args, parent=group).params
    assert parsed["listen"][1] > 0
    assert "queue-call" in (parsed.get("out") or parsed["recording"])


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
        "upstream HOST:PORT",
        "listen HOST:PORT",
        "speed N|max",
    }
