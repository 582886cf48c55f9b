"""Canary secrets in every place that AMI can carry them: none in anything that is shown or written of them."""

import gzip
import json
import logging
import threading

import pytest

import ami
import amisim
from amisim import Record, RecordingWriter, World
from amisim.action import read_action
from amisim.failure import sections
from amisim.timeline import describe

from .command_links import RawClient, address
from .commands import amisim as run
from .secret_places import FROM_CLIENT, FROM_SERVER
from .test_canaries import with_canaries
from .test_captures_of_others import GREETING, conversation, pcap

SAID = [("<", GREETING)] + [
    (way, with_canaries(text)) for way, texts in ((">", FROM_CLIENT), ("<", FROM_SERVER)) for text in texts
]
NAMES = sorted({read_action(data).name for way, data in SAID if way == ">"} - {""})
"""What has to be there of each output."""


@pytest.fixture
def kept(tmp_path):
    """A recording of all of it, with its secrets."""
    path = tmp_path / "kept.yaml"
    numbers = iter(range(1, 1000))
    with RecordingWriter(path, {"server": "Asterisk"}) as writer:
        writer.write(Record(0.0, 1, "", "open"))
        for at, (way, data) in enumerate(SAID, 1):
            writer.write(Record(float(at), 1, way, "data", data, next(numbers) if way == ">" else None))
    return path


def other_than(path):
    """A recording in which something else happened."""
    other = path.with_name("other.yaml")
    with RecordingWriter(other, {"server": "Asterisk"}) as writer:
        writer.write(Record(0.0, 1, "", "open"))
        for at, (way, data) in enumerate(SAID, 1):
            changed = data.replace(b"canary", b"canarx").replace(b"\r\n\r\n", b"\r\nMore: 1\r\n\r\n")
            writer.write(Record(float(at), 1, way, "data", changed, at if way == ">" else None))
    return other


def nothing_but_a_connection(path):
    other = path.with_name("empty.yaml")
    with RecordingWriter(other, {"server": "Asterisk"}) as writer:
        writer.write(Record(0.0, 1, "", "open"))
    return other


def imported(path, capture: bytes) -> str:
    """What is in the recording that is made of a capture."""
    source, out = path.with_name("capture"), path.with_name("imported.yaml")
    source.write_bytes(capture)
    assert run("import", "--redact", source, out).exit_code == 0
    return out.read_text()


def output(*words) -> str:
    return run(*words).output


def trace() -> bytes:
    return b"".join(data for _, data in SAID)


def jsonl() -> bytes:
    """A capture in the format amicap/1."""
    rows = [{"format": "amicap/1"}, {"c": 1, "t": 0, "d": "open"}]
    ways = {">": "c2s", "<": "s2c"}
    rows += [{"c": 1, "t": at, "d": ways[way], "b": data.decode("latin-1")} for at, (way, data) in enumerate(SAID, 1)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


OUTPUTS = {
    "show": lambda path: output("show", path),
    "export as JSON lines": lambda path: output("export", path, "--format", "jsonl"),
    "export as Mermaid": lambda path: output("export", path, "--format", "mermaid"),
    "diff, headers": lambda path: output("diff", path, other_than(path)) + " ".join(NAMES[-3:]),
    "diff, messages": lambda path: output("diff", path, nothing_but_a_connection(path)),
    "stats": lambda path: output("stats", path),
    "scan": lambda path: output("scan", path) + " ".join(NAMES),
    "import of packets": lambda path: imported(path, pcap(conversation(SAID))),
    "import of a trace": lambda path: imported(path, gzip.compress(trace())),
    "import of amicap": lambda path: imported(path, jsonl()),
}


@pytest.mark.parametrize("of", OUTPUTS.values(), ids=OUTPUTS)
def test_no_secret_is_in_what_a_command_says_of_a_recording_that_has_them(kept, of):
    said = of(kept)
    assert [line for line in said.splitlines() if "canar" in line] == []
    assert [name for name in NAMES if name.lower() not in said.lower()] == []


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text.replace("  Action: DBPut", "Action: DBPut"),
        lambda text: text.replace("  Action: Setvar", "\tAction: Setvar"),
        lambda text: text.replace("---\n3 c1", "\n3 c1"),
        lambda text: text.replace("Secret: ", "Secret: \x0c"),
    ],
)
def test_no_secret_is_in_what_is_said_of_a_mistake_in_a_recording(kept, broken):
    before = kept.read_text()
    kept.write_text(broken(before))
    assert kept.read_text() != before
    result = run("check", kept)
    assert result.exit_code == 2
    assert "canar" not in result.output


@pytest.mark.parametrize("row", ['["canary"]', '"canary', '{"c": 1, "t": 0.2, "d": "s2c", "b": ["canary"]}'])
def test_no_secret_is_in_what_is_said_of_a_mistake_in_a_capture(tmp_path, row):
    source = tmp_path / "x.jsonl"
    source.write_text('{"format": "amicap/1"}\n{"c": 1, "t": 0.1, "d": "open"}\n' + row + "\n")
    result = run("import", source, tmp_path / "out.yaml")
    assert result.exit_code == 2
    assert "canar" not in result.output


def exchange(server, connect):
    """All of it passes between a client and a server."""
    for name in {*NAMES} - {"Login", "login"}:
        server.on(name).reply(amisim.response())
    with connect() as client:
        for way, data in SAID[1:]:
            if way == ">" and b": Login" not in data and not data.startswith(b"Secret"):
                client.send(data)
            elif way == "<" and data.startswith(b"Event"):
                server.emit(amisim.raw(data))
        client.send(b"Action: Ping\r\nActionID: last\r\n\r\n")
        client.receive_until(b"ActionID: last\r\n")


def test_no_secret_is_in_what_a_server_shows_or_logs(caplog):
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with amisim.Server(secret="canary-login", watch=lambda record: shown.append(describe(record))) as server:
        exchange(server, lambda: logged_in(server))
        timeline = server.timeline()
        failure = "\n".join(text for _, text in sections(World(), [server]))
    for text in (timeline, failure, "\n".join(shown), caplog.text):
        assert "canar" not in text
    assert [name for name in NAMES if name not in timeline and name != "SomethingNew"] == ["login"]
    assert "UpdateConfig" in "\n".join(shown)
    assert "Ping" in failure


class logged_in(RawClient):
    """A client that has logged in."""

    def __enter__(self):
        self.receive_until(b"\r\n")
        self.send(b"Action: Login\r\nUsername: admin\r\nSecret: canary-login\r\n\r\n")
        self.receive_until(b"FullyBooted")
        return self


def test_no_secret_is_in_what_the_proxy_shows(running):
    with amisim.Server(secret="canary-login") as server:
        process = running("proxy", "--upstream", address(server), "--fault", "delay 0.001")
        exchange(server, lambda: logged_in(process))
        code, output, errors = process.end()
    assert (code, errors) == (0, "")
    assert "event VarSet" in output
    assert "canar" not in output


def test_no_secret_is_in_what_a_client_logs(caplog):
    caplog.set_level(logging.DEBUG)
    came = threading.Event()
    with amisim.Server(secret="canary-login") as server, ami.Manager() as manager:
        manager.connect(server.host, server.port)
        manager.login("admin", "canary-login")
        manager.register_callback("Ended", lambda event, manager: came.set())
        for way, data in SAID[1:]:
            if way == "<" and data.startswith(b"Event"):
                server.emit(amisim.raw(data))
        server.emit(amisim.event("Ended"))
        assert came.wait(10)
    assert "VoicemailPasswordChange" in caplog.text
    assert "canar" not in caplog.text
