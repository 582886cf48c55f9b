"""A long recording stays in its file: what is served is the same, and a mistake in it is told when it is found."""

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amisim import Server, arguments, library, load, stored
from amisim.causes import is_unasked
from amisim.consistency import consistent
from amisim.recorded import recorded_connections
from amisim.recording import FORMAT, Record, RecordingError, RecordingReader, RecordingWriter
from amisim.replay import Replay
from amisim.stored import StoredRecords

from .clients import Client as RawClient
from .commands import Running
from .sessions import ACCEPTED, LOGIN, Client, frame

OPEN = Record(0.0, 1, "", "open")
GREETING = Record(0.0, 1, "<", "data", b"Hello\r\n")
LOGGED_IN = [
    Record(1.0, 1, ">", "data", frame(LOGIN), 1),
    Record(1.0, 1, "<", "data", frame(ACCEPTED), 1),
]
EVENTS = [Record(2.0 + number, 1, "<", "data", frame(f"Event: Hangup / Channel: c{number}"), 1) for number in range(9)]
WHOLE = [OPEN, GREETING, *LOGGED_IN, *EVENTS]
MISTAKE = "9.5 c1 < 7: |\n  Event: Hangup\n---\n"


def write(path: Path, *records: Record) -> Path:
    path.unlink(missing_ok=True)
    with RecordingWriter(path, {}) as writer:
        for record in records:
            writer.write(record)
    return path


def found(path: Path) -> StoredRecords:
    records = StoredRecords(path)
    while records.find_more():
        pass
    return records


@pytest.fixture
def few_at_once(monkeypatch):
    """Any recording is a long one, and little of it is read at once."""
    monkeypatch.setattr(arguments, "_LONG", 0)
    monkeypatch.setattr(stored, "_AT_ONCE", 2)
    monkeypatch.setattr(stored, "_WINDOW", 50)


BEGIN = ["1.0 c1 open:\n", "1.0 c1 > 3: |\n  Action: Ping\n", "1.0 c1 > 1: |\n  Action: Ping\n"]
EVENT = "3 c1 < 1: |\n  Event: B\n"
messages = st.sampled_from(
    ["Event: B", "Event: A\n  ActionID: 7", "Response: Success", "Event: \u00dcnl\u00fc", " Event: B", "\tEvent: B",
     "Event: B\n  \n  A: b", "Event: B\n\n  A: b", "Event: B\n A: b", "Event: \x01", "Event: B # no",
     "Event: B\nchunks: 3@2.25", "Event: B\nchunks: 99@2.25", "Event: B\n--- \n4 c1 < 1: |\n  Event: C"]
)  # fmt: skip
places = st.sampled_from(["3 c1 < 1", "2.5 c1 <", "3 c1 < 3", "4 c2 < 2", "5 c1 < 9", "# why\n4 c1 < 1", "0.5 c1 < 1"])
others = st.sampled_from(
    ["1.5 c2 open:\n", "2 c2 > 2: |\n  Action: Login\n", "1.5 c1 > 1: |\n  Action: Ping\n", "5 note: n\n",
     "6 c1 < eof:\n", "6 c1 > eof:\n", '4 c1 <: "Event: \\r\\n"\n', "4 c1 < 1: !!binary QUJD\n",
     "4 c1 < 1: |\r\n  Event: B\r\n", "4 c1 < 1: |-\n  Event: B\n"]
)  # fmt: skip
texts = st.just(EVENT) | st.builds("{}: |\n  {}\n".format, places, messages) | others


@given(
    texts=st.lists(texts, max_size=12),
    begin=st.sampled_from(["", "\ufeff"]),
    end=st.sampled_from(["---\n", "---", ""]),
    few=st.integers(1, 5),
)
@example(texts=[EVENT] * 3, begin="\ufeff", end="---", few=2)
@example(texts=[EVENT, EVENT.replace("B", "\x01")], begin="", end="---\n", few=9)
@example(texts=[EVENT, EVENT.replace("3", "2"), EVENT.replace("B", "C")], begin="", end="---\n", few=9)
def test_what_stays_in_a_file_is_what_would_be_loaded(tmp_path_factory, texts, begin, end, few):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    content = f"{begin}format: {FORMAT}\n---\n" + "---\n".join([*BEGIN, *texts])
    path.write_bytes((content + end).encode())
    loaded, problem = [], ""
    with RecordingReader(path) as reader:
        try:
            for record in consistent(path, reader):
                loaded.append(record)
        except RecordingError as error:
            problem = str(error)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "_AT_ONCE", few)
        patch.setattr(stored, "_WINDOW", 20)
        records = found(path)
    in_order = sorted(loaded, key=lambda record: record.at)
    assert [records[place] for place in range(len(records))] == in_order
    assert [(each.connection, each.direction, each.kind, each.cause) for each in records.heads] == [
        (each.connection, each.direction, each.kind, each.cause) for each in in_order
    ]
    assert list(records.times) == [each.at for each in in_order]
    assert list(map(bool, records.unasked)) == [is_unasked(each.data) for each in in_order]
    assert records.chunked == {place for place, each in enumerate(in_order) if each.chunks}
    assert str(records.problem or "") == problem
    assert records.truncated == reader.truncated


@pytest.mark.parametrize("name", library.names())
def test_what_follows_from_what_is_as_in_one_that_is_loaded(name):
    path = library.find(name)
    one, other = recorded_connections(load(path).records), recorded_connections(found(path))
    assert list(one) == list(other)
    for mine, its in zip(one.values(), other.values(), strict=True):
        assert mine.opened == its.opened
        assert [each.record for each in mine.actions] == [each.record for each in its.actions]
        followings = [(mine.greeting, its.greeting), (mine.events, its.events)]
        for a, b in zip(mine.actions, its.actions, strict=True):
            followings += [(a.answer, b.answer), (a.events, b.events), (a.ends, b.ends)]
        for a, b in followings:
            assert a.records == b.records
            for action_id in ("", "another"):
                assert list(a.pieces(action_id)) == list(b.pieces(action_id))


def test_pieces_of_a_frame_go_where_they_belong_in_time(tmp_path):
    late = Record(4.5, 1, "<", "data", b"Event: Late\r\n\r\n", 1, ((3, 2.5), (3, 3.5)))
    records = found(write(tmp_path / "r.yaml", OPEN, GREETING, *LOGGED_IN, *EVENTS[:3], late))
    (login,) = recorded_connections(records)[1].actions
    pieces = list(login.events.pieces("1"))
    assert [(record.at, record.data[:6]) for _, record in pieces] == [
        (2.0, b"Event:"), (2.5, b"Eve"), (3.0, b"Event:"), (3.5, b"nt:"), (4.0, b"Event:"), (4.5, b" Late\r"),
    ]  # fmt: skip
    assert pieces[-2:] == login.events.pieces("1")[-2:]


def test_a_zipped_one_is_the_same(tmp_path):
    path = write(tmp_path / "r.yaml.gz", *WHOLE)
    (tmp_path / "r.yaml").write_bytes(gzip.decompress(path.read_bytes()))
    zipped, plain = found(path), found(tmp_path / "r.yaml")
    assert [zipped[place] for place in range(len(WHOLE))] == [plain[place] for place in range(len(WHOLE))]


# Served


@pytest.mark.usefixtures("few_at_once")
def test_a_client_is_greeted_before_all_is_read_and_played_all(tmp_path):
    replay = Replay(StoredRecords(write(tmp_path / "r.yaml", *WHOLE)), "r.yaml", speed=1)
    client = Client(replay=replay)
    assert client.greeting == GREETING.data
    assert replay.find_more(0.0), "there is more to read"
    said = client.say(LOGIN, at=1.0) + client.wait_until(100.0)
    assert said == b"".join(each.data for each in WHOLE[3:])
    assert not replay.find_more(100.0)


@pytest.mark.usefixtures("few_at_once")
def test_a_client_that_says_nothing_is_played_what_is_found_later(tmp_path):
    unasked = [each._replace(cause=None) for each in EVENTS]
    end = Record(20.0, 1, "<", "eof")
    replay = Replay(StoredRecords(write(tmp_path / "r.yaml", OPEN, GREETING, *unasked, end)), "r.yaml", speed=1)
    client = Client(replay=replay)
    assert client.greeting == GREETING.data
    replay.find_all(1.0)
    assert client.wait_until(2.0) == EVENTS[0].data
    assert client.wait_until(10.0) == b"".join(each.data for each in EVENTS[1:])
    client.wait_until(20.0)
    assert client.session.closing is not None


@pytest.mark.usefixtures("few_at_once")
def test_a_second_client_plays_a_connection_that_is_found_later(tmp_path):
    second = [
        each._replace(connection=2, cause=each.cause and 2, data=each.data.replace(b"Hello", b"Hi")) for each in WHOLE
    ]
    replay = Replay(StoredRecords(write(tmp_path / "r.yaml", *WHOLE, *second)), "r.yaml")
    assert [Client(replay=replay).greeting for _ in range(3)] == [b"Hello\r\n", b"Hi\r\n", b"Hello\r\n"]


@pytest.mark.usefixtures("few_at_once")
def test_a_greeting_is_looked_for_however_late_it_comes(tmp_path):
    notes = [Record(0.0, 0, "", "note", b"why")] * 9
    replay = Replay(StoredRecords(write(tmp_path / "r.yaml", *notes, OPEN, *notes, GREETING)), "r.yaml")
    assert Client(replay=replay).greeting == GREETING.data


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("content", ["", "0 note: a\n---\n" * 9])
def test_one_without_a_connection_is_refused_at_once(tmp_path, content):
    path = write(tmp_path / "r.yaml")
    path.write_text(path.read_text() + content)
    with pytest.raises(RecordingError, match="there is no connection in it to replay"):
        Server(recording=path)


@pytest.mark.usefixtures("few_at_once")
def test_a_mistake_at_the_beginning_is_told_at_once(tmp_path):
    path = write(tmp_path / "r.yaml", OPEN)
    path.write_text(path.read_text() + MISTAKE)
    with pytest.raises(RecordingError, match="line 5: it follows from frame 7, which its connection has not sent"):
        Server(recording=path)


@pytest.mark.usefixtures("few_at_once")
def test_a_mistake_that_is_found_later_is_told_and_what_comes_before_it_is_served(tmp_path, caplog):
    path = write(tmp_path / "r.yaml", *WHOLE)
    line = path.read_text().count("\n") + 1
    path.write_text(path.read_text() + MISTAKE + "0.1 c1 < 1: |\n  Event: Never\n---\n")
    problem = f"{path}, line {line}: it follows from frame 7, which its connection has not sent before"
    with Server(recording=path, speed=0) as server, RawClient(server) as client:
        client.send(LOGIN)
        assert [client.read()[-1] for _ in range(10)][-1] == "Channel: c8"
        client.send("Action: Never")
        client.read()
    assert server.unserved == problem
    assert server.complaints[0] == problem
    with pytest.raises(AssertionError, match=re.escape(problem)):
        server.check()
    assert f"{problem}; what comes before it is served" in caplog.messages
    assert f"{problem}; what comes before it is served" in server.timeline()


@pytest.mark.usefixtures("few_at_once")
def test_one_that_was_cut_short_is_served_and_the_cut_is_told(tmp_path, caplog):
    path = write(tmp_path / "r.yaml", *WHOLE)
    path.write_text(path.read_text() + "9.5 c1 < 1: |\n  Ev")
    with Server(recording=path, speed=0) as server, RawClient(server) as client:
        client.send(LOGIN)
        assert [client.read()[-1] for _ in range(10)][-1] == "Channel: c8"
    assert "the last record is cut short" in server.unserved
    assert f"{server.unserved}; what comes before it is served" in caplog.messages
    server.check()


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda path: path.write_text(path.read_text() + MISTAKE), "has changed while it was served"),
        (lambda path: os.replace(write(path.with_name("r2.yaml"), *WHOLE), path), "has changed while it was served"),
        (Path.unlink, "cannot be read any more: No such file or directory"),
    ],
)
def test_a_file_that_changes_is_served_no_further(tmp_path, monkeypatch, caplog, change, problem):
    path = write(tmp_path / "r.yaml", *WHOLE)
    monkeypatch.chdir(tmp_path)
    replay = Replay(StoredRecords("r.yaml"), "r.yaml", speed=1)
    client = Client(replay=replay)
    monkeypatch.chdir("/")
    assert client.say(LOGIN, at=1.0) == frame(ACCEPTED)
    assert client.wait_until(2.0) == EVENTS[0].data
    change(path)
    assert client.wait_until(100.0).count(b"Hangup") < len(EVENTS) - 1
    assert client.session.closing is not None
    assert client.session.closing.how == "reset"
    assert replay.mistake == f"r.yaml: {problem}; it is served no further"
    assert caplog.messages == [replay.mistake]


def test_a_command_tells_of_a_mistake_that_was_found_later(tmp_path):
    path = write(tmp_path / "r.yaml", *WHOLE)
    path.write_text(path.read_text() + MISTAKE)
    program = "from amisim import arguments, cli, stored; arguments._LONG, stored._AT_ONCE = 0, 2; cli.main()"
    with Running("replay", path, program=program) as process:
        with RawClient(process) as client:  # type: ignore[arg-type]
            client.send(LOGIN)
            client.read()
        code, _, errors = process.end()
    assert code == 2
    assert errors.startswith(f"Error: {path}, line ")
    assert errors.endswith("which its connection has not sent before; what came before it was served\n")


@pytest.mark.usefixtures("few_at_once")
def test_a_file_that_is_out_of_order_is_put_in_order_under_a_client_that_is_being_greeted(tmp_path):
    earlier = [Record(0.5, 2, "", "open"), *(Record(0.5, 2, "<", "data", f"No {n}\r\n".encode()) for n in range(9))]
    later = [GREETING._replace(at=2.0), Record(2.5, 1, "<", "data", b"Event: A\r\n\r\n")]
    path = write(tmp_path / "r.yaml", OPEN._replace(at=1.0), *later, *earlier)
    replay = Replay(StoredRecords(path), "r.yaml", speed=1)
    client = Client(replay=replay)
    replay.find_all(0.25)
    assert client.wait_until(0.75) == b""
    assert client.wait_until(1.0) == GREETING.data
    assert client.wait_until(9.0) == b"Event: A\r\n\r\n"


def test_what_is_heard_before_a_file_is_put_in_order_is_not_heard_again(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "_AT_ONCE", 4)
    mine = [OPEN._replace(at=1.0), GREETING._replace(at=1.0), Record(1.0, 1, "<", "data", b"Event: A\r\n\r\n")]
    earlier = [Record(0.5, 2, "", "open"), *(Record(0.5, 2, "<", "data", f"No {n}\r\n".encode()) for n in range(9))]
    client = Client(replay=(replay := Replay(StoredRecords(write(tmp_path / "r.yaml", *mine, *earlier)), "r.yaml")))
    said = client.greeting + client.wait_until(1.0)
    replay.find_all(2.0)
    assert said + client.wait_until(9.0) == b"Hello\r\nEvent: A\r\n\r\n"


@pytest.mark.usefixtures("few_at_once")
def test_a_record_that_was_looked_at_has_another_place_when_the_file_is_put_in_order(tmp_path):
    records = StoredRecords(write(tmp_path / "r.yaml", OPEN, EVENTS[1]._replace(cause=None), OPEN, GREETING))
    assert records.find_more()
    assert records[1].data == EVENTS[1].data
    while records.find_more():
        pass
    assert records[1].kind == "open"


def test_a_client_is_greeted_without_the_families_of_events():
    program = """
import socket, sys
import amisim
with amisim.Server() as server, socket.create_connection((server.host, server.port)) as client:
    client.recv(100)
sys.exit("ami.core_events" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
