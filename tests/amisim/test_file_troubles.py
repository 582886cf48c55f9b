"""What happens to recordings when things go wrong: clear words, and nothing is lost.

Editors and git, cuts, kills, full disks, several writers, and files from the future. The same for the recordings of
tests is in `tests/plugin/test_record_troubles.py`.
"""

import errno
import gzip
import io
import os
import select
import signal
import socket
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import amisim
from amisim import RecordingError, RecordingWriter, documents, library, load, raw, recording
from amisim.consistency import consistent

from .command_links import ROWS, RawClient, address, capture_file, needs_full_device
from .command_links import recording as recording_of
from .commands import amisim as run
from .commands import refusal, said

FORMAT = "format: amisim/1\n"
TEXT = """\
format: amisim/1
server: Asterisk 22.10.1
redacted:
- secrets
---
0.1 c1 open:
---
0.15 c1 <: "Asterisk Call Manager/11.0.0\\r\\n"
---
0.2 c1 > 1: |
  Action: Getvar
  ActionID: a-1
  Variable: COLOUR
---
0.3 c1 < 1: |
  Response: Success
  ActionID: a-1
  Variable: COLOUR
  Value: \nchunks: 19@0.25
---
"""

# By hand


def swap(old: str, new: str):
    """An edit: the first of one text becomes another."""
    assert old in TEXT
    return lambda text: text.replace(old, new, 1)


HARMLESS = {
    "nothing": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "CRLF in some lines": swap("Getvar\n", "Getvar\r\n"),
    "BOM": lambda text: "\ufeff" + text,
    "blanks at the ends of lines taken away": lambda text: "\n".join(line.rstrip() for line in text.split("\n")),
    "blanks after ---": lambda text: text.replace("---\n", "--- \t\n"),
    "blanks after the last ---": lambda text: text[:-1] + " \n",
    "no final newline": lambda text: text[:-1],
    "more final newlines": lambda text: text + "\n\n",
    "empty lines between records": swap("---\n0.2", "---\n\n\n0.2"),
    "an empty line below a block": swap("COLOUR\n---", "COLOUR\n\n---"),
    "a comment above a record": swap("0.2 c1", "# why\n0.2 c1"),
    "a comment after a key": swap("> 1: |", "> 1: | # why"),
    "a comment above all": lambda text: "# mine\n" + text,
    "a mark above all": lambda text: "---\n" + text,
    "another mark": swap("---\n0.2", "--- # more\n---\n0.2"),
    "a mark that is none of lines": swap("---\n0.1", "--- # more\n0.1"),
    "deeper blocks": swap(
        "  Action: Getvar\n  ActionID: a-1\n  Variable", "    Action: Getvar\n    ActionID: a-1\n    Variable"
    ),
    "keep the end of the block": swap("> 1: |", "> 1: |+"),
    "an anchor that nobody uses": swap("> 1: |", "> 1: &it |"),
    "quotes around a key": swap("0.2 c1 > 1:", '"0.2 c1 > 1":'),
    "quotes around the format": swap("amisim/1", '"amisim/1"'),
    "another order": lambda text: text[len(FORMAT) :].replace("redacted", f"{FORMAT}redacted"),
}  # fmt: skip
ANOTHER_COLUMN = "a line that begins in another column than those that it belongs to"
KEY = "looks like '0.152413 c1 > 1': seconds, connection, direction, cause"
WRITTEN_SO = "which YAML does not take as it is: it is written so in double quotes"
LINE_ENDS = "the ends of lines would be lost: a message begins with '|'; in double quotes an end is \\r\\n"
MISTAKES = {
    "a tab": (swap("  Action", "\tAction"), 11, "a tab where YAML wants blanks"),
    "too far to the left": (swap("  ActionID", " ActionID"), 12, ANOTHER_COLUMN),
    "too far to the right": (swap("  ActionID", "   ActionID"), 12, "further to the right than the block begins"),
    "the first too far to the right": (swap("  Action", "    Action"), 12, ANOTHER_COLUMN),
    "not to the right": (swap("  Variable", "Variable"), 13, "'Variable' is not known: a record has its key and 'chu"),
    "an empty line in a block": (swap("  ActionID", "\n  ActionID"), 12, "an empty line in a block, where a message"),
    "blanks in a block": (swap("  ActionID", "     \n  ActionID"), 12, "further to the right than the block begins"),
    "an empty block": (lambda text: text[: text.index("  Action")] + text[text.index("---\n0.3") :], 11, "an empty"),
    "a comment in a block": (swap("  ActionID", "  # why\n  ActionID"), 12, "a comment in a block, where it would be"),
    "no format": (swap("format: amisim/1\n", ""), 1, "not a recording: it does not begin with 'format: amisim/1'"),
    "no header": (lambda text: text.partition("---\n")[2], 1, "not a recording: it does not begin with"),
    "no key": (swap("0.2 c1 > 1: |\n", ""), 10, f"'Action' is no record; the key of a record {KEY}"),
    "no end": (swap("COLOUR\n---", "COLOUR"), 14, "a record has its key and 'chunks', and a line '---' after it"),
    "no blank after the colon": (swap("> 1: |", "> 1:|"), 10, f"not a record; the key of a record {KEY}"),
    "a long mark": (swap("COLOUR\n---", "COLOUR\n----"), 14, "a line that is no 'key: value'"),
    "a key that is nearly one": (swap("chunks", "chunk"), 20, "'chunk' is not known; did you mean 'chunks'?"),
    "a key of the header": (swap("server", "sever"), 2, "'sever' is no key of a header; did you mean 'server'"),
    "a key of a header that is none": (swap("server", "x"), 2, "'x' is no key of a header; it has format, server"),
    "a list for a text": (swap("Asterisk 22.10.1", "[a]"), 2, "'server' is one text, and no list"),
    "a text for a list": (swap("\n- secrets", " secrets"), 3, "'redacted' is a list, with '- ' before each"),
    "keys for a text": (swap(': "Asterisk', ':\n  a: b\nc: "Asterisk'), 9, "expected a text here; a message is a "),
    "a list for bytes": (swap('"Asterisk Call Manager/11.0.0\\r\\n"', "[a]"), 8, "a list where a text was expected"),
    "a key twice": (swap("---\n0.3", "0.2 c1 > 1: x\n---\n0.3"), 14, "the key '0.2 c1 > 1' again, in one record"),
    "a number twice": (swap("---\n0.3", "---\n0.25 c1 > 1: x\n---\n0.3"), 15, "1 is the number of another frame al"),
    "a cause that is none": (swap("< 1", "< 7"), 15, "it follows from frame 7, which its connection has not"),
    "an answer before its question": (
        lambda text: text.replace("0.3 c1", "0.03 c1").replace("@0.25", "@0.02"), 15,
        "it came before frame 1 was sent, from which it follows, at 0.2 s"),
    "a chunk after its frame": (swap("@0.25", "@0.35"), 15, "a chunk that came later than the next, or than the e"),
    "chunks that are no text": (swap("19@0.25", "19 bytes"), 20, "'19' is no chunk, which looks like '19@0.152701'"),
    "a time in minutes": (swap("0.2 c1", "1:20.5 c1"), 10, KEY),
    "a time with a comma": (swap("0.2 c1", "0,2 c1"), 10, KEY),
    "a time that never comes": (swap("0.2 c1", "9" * 400 + " c1"), 10, KEY),
    "a number without an end": (swap("> 1", "> " + "1" * 5000), 10, KEY),
    "a byte that is no UTF-8": (lambda text: text.encode().replace(b"Getvar", b"Getv\xe4r"), 11,
                                "not UTF-8: the byte 0xe4; bytes that are no text are written with !!binary"),
    "UTF-16": (lambda text: text.encode("utf-16"), 1, "a file in UTF-16, where one in UTF-8 is wanted"),
    "U+2028 in a block": (swap("COLOUR", "COL\u2028OUR"), 13, rf"'\u2028', {WRITTEN_SO}"),
    "U+2028 in quotes": (swap("Call", "C\u2028all"), 8, rf"'\u2028', {WRITTEN_SO}"),
    "U+0085 in quotes": (swap("Call", "C\x85all"), 8, rf"'\x85', {WRITTEN_SO}"),
    "a form feed": (swap("COLOUR", "COL\x0cOUR"), 13, rf"'\x0c', {WRITTEN_SO}"),
    "a carriage return": (swap("COLOUR", "COL\r  OUR"), 13, rf"'\r', {WRITTEN_SO}"),
    "folded": (swap("> 1: |", "> 1: >"), 10, LINE_ENDS),
    "no |": (swap(""" |
  Action: Getvar
  ActionID: a-1
  Variable: COLOUR""", " Action\n  Getvar"), 10, LINE_ENDS),
    "other quotes": (lambda text: text.replace('"', "'"), 8, LINE_ENDS),
    "quotes around several lines": (swap("Call Manager", "Call\n  Manager"), 8, LINE_ENDS),
    "a quote that is not closed": (swap('\\r\\n"', "\\r\\n"), 8, "a quote that is not closed"),
    "an alias": (swap("0.3 c1 < 1: |", "0.3 c1 < 1: *it\n0.4 c1 < 1: |"), 15,
                 "'*it': there are no aliases here; a text that begins with '*' has quotes"),
    "a tag": (swap("> 1: |", "> 1: !!int |"), 10, "the tag '!!int': there is none here but !!binary"),
    "a tag of Python": (swap("> 1: |", "> 1: !!python/name:os.system |"), 10, "the tag '!!python/name:os.system'"),
    "a tag of a record": (swap("0.2 c1", "!!map\n0.2 c1"), 10, "the tag '!!map'"),
    "bytes in a header": (swap("Asterisk 22.10.1", "!!binary QUJD"), 2, "'server' is a text, without !!binary"),
    "a conflict": (swap("0.2 c1", "<<<<<<< HEAD\n0.2 c1"), 10, "'<<<<<<<': a conflict that git has left, of which one"),
    "a conflict in a block": (swap("  ActionID", "=======\n  ActionID"), 12, "'=======': a conflict that git has left"),
    "a scenario": (lambda text: "amisim: 1\nrules: []\n", 1, "a scenario, and no recording: 'amisim serve --scen"),
}  # fmt: skip
LITERAL = {
    "no": "no", "on": "on", "~": "~", "null": "null", "1:20:30": "1:20:30", "0x10": "0x10", "1_000": "1_000",
    "2026-11-23": "2026-11-23", ".inf": ".inf", "=": "=", '"\\u2028"': "\u2028", '"\\N"': "\x85", "''": "", "": "",
}  # fmt: skip


@pytest.fixture(params=[yaml.CSafeLoader, yaml.SafeLoader], ids=["libyaml", "Python"])
def loader(request, monkeypatch):
    monkeypatch.setattr(documents, "_Loader", request.param)


@pytest.fixture
def path(tmp_path):
    """A recording that nothing has happened to yet."""
    path = tmp_path / "it.yaml"
    path.write_bytes(TEXT.encode())
    return path


def put(path, text: str | bytes):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def records(path):
    """What a recording says, wherever it stands in its file."""
    return [record._replace(line=0) for record in consistent(path, load(path).records)]


def test_it_is_in_its_usual_form(path):
    assert said("fmt", "--check", path) == ""


@pytest.mark.parametrize("edit", HARMLESS.values(), ids=HARMLESS)
def test_what_editors_do_changes_nothing(path, edit, loader):
    before, header = records(path), load(path).header
    put(path, edit(TEXT))
    assert records(path) == before
    assert load(path).header == header
    assert load(path).truncated == 0


@pytest.mark.parametrize(("edit", "line", "words"), MISTAKES.values(), ids=MISTAKES)
def test_what_would_be_another_recording_is_refused(path, edit, line, words, loader):
    put(path, edit(TEXT))
    with pytest.raises(RecordingError) as caught:
        records(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("command", ["check", "show", "scan", "stats", "fmt", "replay"])
def test_every_command_says_it_in_one_line(path, command):
    put(path, MISTAKES["an empty line in a block"][0](TEXT))
    result = run(command, path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {path}, line 12: an empty line in a block")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("written", "meant"), LITERAL.items())
def test_a_text_is_what_stands_there(path, written, meant, loader):
    put(path, TEXT.replace('"Asterisk Call Manager/11.0.0\\r\\n"', written))
    assert load(path).records[1].data == meant.encode()


def test_a_message_that_an_editor_would_change_is_written_in_quotes(tmp_path):
    for number, odd in enumerate([b"A: b ", b"A:", b"A: \t", b"A: b\r\n c: d", b"A: b\r\n#c: d", b"A: b\r\n  "]):
        path = tmp_path / f"{number}.yaml"
        with RecordingWriter(path, {}) as writer:
            writer.write(amisim.Record(0.1, 1, "<", "data", odd + b"\r\n\r\n"))
        assert '<: "' in path.read_text()
        put(path, "\n".join(line.rstrip() for line in path.read_text().split("\n")))
        assert load(path).records[0].data == odd + b"\r\n\r\n"


def test_git_may_convert_the_ends_of_lines(path, tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", tmp_path, *words], check=True, capture_output=True)

    git("init", "-q", "a")
    path.rename(tmp_path / "a" / "it.yaml")
    git("-C", "a", "add", ".")
    git("-C", "a", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")
    git("-c", "core.autocrlf=true", "clone", "-q", "a", "b")
    converted = tmp_path / "b" / "it.yaml"
    assert b"\r\n" in converted.read_bytes()
    assert records(converted) == records(tmp_path / "a" / "it.yaml")
    assert said("fmt", converted) == f"{converted}: written again\n"
    assert converted.read_bytes() == TEXT.encode()


# Cut short

WHOLE = library.find("22/ping-and-core").read_bytes()


@given(st.integers(0, len(WHOLE)))
def test_of_what_is_cut_anywhere_the_whole_records_are_there(tmp_path_factory, end):
    path = put(tmp_path_factory.getbasetemp() / "cut.yaml", WHOLE[:end])
    *whole, rest = (WHOLE[:end] + b"\n").split(b"\n---\n")
    if not whole:
        with pytest.raises(RecordingError) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}, line 1: ")
        assert ("cut short in its header: no line '---' ends it" in str(caught.value)) == (b"amisim/1" in rest)
        return
    loaded = load(path)
    assert loaded.records == load(library.find("22/ping-and-core")).records[: len(whole) - 1]
    assert loaded.truncated == (1 + sum(each.count(b"\n") + 2 for each in whole) if rest.strip() else 0)


def test_where_it_was_cut_is_said(running, path):
    put(path, TEXT[: TEXT.index("Value")])
    result = run("show", path)
    cut = f"{path}, line 15: the last record is cut short: no '---' ends it; if it is whole, add that line"
    assert (result.exit_code, result.stderr) == (2, f"Error: {cut}\n")
    assert "Getvar [a-1] Variable=COLOUR" in result.stdout
    replayed = running("replay", path)
    with RawClient(replayed) as client:
        client.receive_until(b"Asterisk Call Manager/11.0.0\r\n")
    assert replayed.end()[::2] == (2, f"Error: {cut}; what came before it is served\n")


# kill -9


@pytest.mark.parametrize("rest", [b"", b"Event: Ha"], ids=["between frames", "in a frame"])
def test_what_a_killed_recorder_has_passed_on_is_in_the_file(running, upstream, out, rest):
    upstream.on("Getvar").reply(raw(b"Response: Success\r\nValue: last\r\n\r\n" + rest))
    process = recording_of(running, upstream, out)
    with RawClient(process) as client:
        client.send(b"Action: Login\r\nUsername: admin\r\nSecret: canary-5ecret\r\n\r\n")
        client.receive_until(b"FullyBooted")
        for number in range(50):
            client.send(b"Action: Ping\r\nActionID: %d\r\n\r\n" % number)
        client.send(b"Action: Getvar\r\nVariable: X\r\n\r\n")
        received = client.receive_until(b"Value: last\r\n\r\n" + rest)
        process.end(signal.SIGKILL)
    recorded = load(out)
    assert b"".join(record.data for record in recorded.records if record.direction == "<") + rest == received
    assert [record.data for record in recorded.records if record.direction == ">"][-1].startswith(b"Action: Getvar")
    end = "(here the recording ends, without the end of c1: it was ended first, or broken off)"
    assert said("show", out).splitlines()[-1] == end
    assert said("check", out).endswith(" frames, without the end of c1\n")
    with amisim.Server(recording=out, speed=0) as server, RawClient(server) as client:
        client.send(b"Action: Login\r\nUsername: admin\r\nSecret: x\r\n\r\nAction: Getvar\r\nVariable: X\r\n\r\n")
        client.receive_until(b"Value: last\r\n\r\n")
        assert server.misses == []


def test_what_is_passed_on_has_been_written_before(upstream, out, monkeypatch):
    seen_before = []
    write = RecordingWriter.write

    def look_and_write(writer, record):
        if record.direction == "<":
            seen_before.extend(select.select([client], [], [], 0)[0])
        write(writer, record)

    monkeypatch.setattr(RecordingWriter, "write", look_and_write)
    with amisim.record(out, upstream.host, upstream.port) as recorder, socket.socket() as client:
        client.connect((recorder.host, recorder.port))
        assert client.recv(100).startswith(b"Asterisk Call Manager")
    assert seen_before == []
    assert [record.direction for record in load(out).records].count("<") > 0


# A full disk


class Disk:
    """A file on a disk with so many bytes left."""

    def __init__(self, file, room: int) -> None:
        self._file, self._room = file, room
        self._is_buffered = isinstance(file, io.BufferedIOBase)

    def write(self, data) -> int:
        if self._room <= 0 or (self._is_buffered and self._room < len(data)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._file.write(data[: self._room])
        self._room -= written
        return written

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        self._file.close()


@pytest.fixture
def full(monkeypatch):
    """From when it is called, only so many bytes can be written to a file."""

    def fill(room: int) -> None:
        def open_(path, mode="r", **options):
            file = open(path, mode, **options)  # noqa: SIM115
            return Disk(file, room) if set(mode) & set("wx") else file

        monkeypatch.setattr(recording, "open", open_, raising=False)
        monkeypatch.setattr("amisim.cli_recordings.open", open_, raising=False)

    return fill


@pytest.mark.parametrize("room", [0, 50, 200], ids=["nothing fits", "half a header fits", "half of it fits"])
@pytest.mark.parametrize(
    "command", [["trim", "IT", "OUT"], ["merge", "IT", "IT", "OUT"], ["import", "CAPTURE", "OUT"], ["fmt", "IT"]],
    ids=lambda command: command[0],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["yaml", "yaml.gz"])
def test_a_full_disk_is_said_and_leaves_what_there_was(tmp_path, full, command, room, suffix):
    if suffix == "yaml.gz" and room == 200:
        room = 100  # so little is half of it then
    odd = TEXT.replace("0.2 c1", "0.20 c1").encode()
    path = put(tmp_path / f"it.{suffix}", gzip.compress(odd) if suffix == "yaml.gz" else odd)
    capture, out = capture_file(tmp_path / "capture.jsonl", *ROWS), tmp_path / f"out.{suffix}"
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    full(room)
    names = {"IT": path, "OUT": out, "CAPTURE": capture}
    result = run(*(names.get(word, word) for word in command))
    assert (result.exit_code, result.output.splitlines()) == (
        2, [f"Error: {names[command[-1]]}: cannot be written: No space left on device"],
    )  # fmt: skip
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


@needs_full_device
@pytest.mark.parametrize(
    "command",
    [["show", "IT"], ["check", "IT"], ["stats", "IT"], ["diff", "IT", "queue-call"], ["list"],
     ["export", "IT", "--format", "jsonl"], ["export", "IT", "--format", "mermaid"]],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_printed_is_said(path, command):
    words = [path if word == "IT" else word for word in command]
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "amisim", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.stderr == "Error: what it prints cannot be written: No space left on device\n"
    assert ended.returncode == 2


# Several writers


def test_what_is_being_recorded_is_neither_recorded_again_nor_replaced(running, upstream, out):
    process = recording_of(running, upstream, out)
    with RawClient(process) as client:
        client.receive_until(b"\r\n")
        again = refusal(run("record", "--upstream", address(upstream), out))
        assert again == f"{out}: exists already; a recording is never overwritten"
        assert refusal(run("fmt", out)) == f"{out}: is being written: what is still to come would be lost"
        said("show", out)
    process.end()
    said("fmt", out)
    assert load(out).records[0].kind == "open"


def test_a_link_to_a_recording_stays_one_and_who_may_read_it_may_go_on(path):
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    put(path, TEXT.replace("0.2 c1", "0.20 c1")).chmod(0o640)
    said("fmt", link)
    assert link.is_symlink()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (TEXT.encode(), 0o640)


# From the future


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("format: amisim/2", "is newer than this amikit, which reads amisim/1: pip install -U amikit"),
        ("format: amisim/1.1", "the format amisim/1.1 is newer than this amikit"),
        ("format: amisim/10\nneeds: 3.2", "reads amisim/1: pip install -U 'amikit>=3.2'"),
        ("needs: '0.4'\nformat: 'amisim/2'\nclients: {c1: {tls: yes}}", "pip install -U 'amikit>=0.4'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["show", "check", "scan", "stats", "fmt", "trim", "merge", "replay", "diff"])
def test_what_is_newer_says_what_to_install_and_is_not_touched(path, header, words, command):
    put(path, TEXT.replace("format: amisim/1", header).replace("open", "opened by: a client"))
    before = path.read_bytes()
    out = path.with_name("out.yaml")
    more = {"trim": [out], "merge": [out], "diff": [path]}.get(command, [])
    result = run(command, path, *more)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {path}, line 1: ")
    assert words in line
    assert path.read_bytes() == before
    assert not out.exists()


def test_a_header_that_could_not_be_read_again_is_not_written(tmp_path):
    with pytest.raises(RecordingError, match="'sever' is no key of a header; did you mean 'server'"):
        RecordingWriter(tmp_path / "it.yaml", {"sever": "Asterisk"})
    assert not (tmp_path / "it.yaml").exists()
