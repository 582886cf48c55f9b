"""Captures that lack bytes: nothing is glued together across a gap, it is told, and no secret slips through."""

import gzip
import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from amisim import RecordingWriter, load, read_capture
from amisim.redact import Redactor
from amisim.scan import scan

from .commands import amisim, refusal
from .test_captures_of_others import ACK, CLIENT, FIN, GREETING, PONG, SERVER, conversation, pcap, pcapng, segment

CANARY = "zqCANARY"
SENT = f"Action: Login\r\nUsername: admin\r\nSecret: {CANARY}\r\n\r\n".encode()
SET = f"Action: Setvar\r\nActionID: 3\r\nVariable: DB_PASSWORD\r\nValue: {CANARY}\r\n\r\n".encode()
SHOWN = f"Event: VarSet\r\nChannel: PJSIP/1-1\r\nVariable: PIN\r\nValue: {CANARY}\r\n\r\n".encode()
EVENT = b"Event: Reload\r\nModule: All\r\n\r\n"
NOTE = "{} bytes are not in the capture; the messages around that are torn"


def pieces(way: str, data: bytes, size: int) -> list[tuple[str, bytes]]:
    return [(way, data[start : start + size]) for start in range(0, len(data), size)]


def read(path, packets) -> list:
    path.write_bytes(pcap(packets))
    return read_capture(path)[1]


@given(st.integers(3, 40), st.integers(0, 80), st.integers(1, 4), st.booleans())
@example(10, 4, 2, True)
def test_no_secret_is_left_of_messages_that_a_gap_tears(tmp_path_factory, size, first, count, ended):
    """Any packets are lost, of either side."""
    source, out = (tmp_path_factory.getbasetemp() / name for name in ("gap.pcap", "gap.yaml"))
    said = [("<", GREETING)]
    for way, data in ((">", SENT), ("<", PONG), (">", SET), ("<", SHOWN), ("<", EVENT)):
        said += pieces(way, data, size)
    packets = conversation(said)
    packets = packets[: 3 + first] + packets[3 + first + count :]
    if ended:
        packets.append(segment(CLIENT, SERVER, 2**32 - 20 + len(SENT + SET), 7 + 10_000, ACK))
    records = read(source, packets)
    out.unlink(missing_ok=True)
    with RecordingWriter(out, {}, Redactor()) as writer:
        for record in records:
            writer.write(record)
    assert CANARY[4:] not in out.read_text()
    assert list(scan(out)) == []
    whole = (GREETING, SENT, PONG, SET, SHOWN, EVENT)
    for record in records:
        if record.kind == "data" and re.match(rb"(?s)(?:Action|Event|Response):.*\r\n\r\n\Z", record.data):
            assert record.data in whole
    assert amisim("check", out).exit_code == 0


def test_a_gap_is_told_where_it_is_and_tears_the_messages_around_it(tmp_path):
    packets = conversation([("<", GREETING), *pieces(">", SENT + SET, 12), ("<", PONG)])
    records = read(tmp_path / "gap.pcap", [*packets[:4], *packets[6:]])
    shown = [(each.kind, each.data.decode()) for each in records[2:]]
    text = (SENT + SET).decode()
    assert shown == [
        ("note", f"c1 >: {NOTE.format(24)}"),
        ("data", text[:12]),
        ("data", text[36 : len(SENT)]),
        ("data", SET.decode()),
        ("data", PONG.decode()),
    ]
    redactor = Redactor()
    assert [redactor(each).data.partition(b"\r\n")[0].decode() for each in records[2:]][1:] == [
        "torn-1", "torn-2", "Action: Setvar", "Response: Success",
    ]  # fmt: skip


def test_a_gap_between_messages_tears_none(tmp_path):
    packets = conversation([("<", GREETING), ("<", EVENT), ("<", SHOWN), ("<", EVENT), (">", SET)])
    records = read(tmp_path / "gap.pcap", [*packets[:4], *packets[5:]])
    assert [each.data.decode() for each in records[2:]] == [
        EVENT.decode(), f"c1 <: {NOTE.format(len(SHOWN))}", EVENT.decode(), SET.decode(),
    ]  # fmt: skip
    redactor = Redactor()
    assert [redactor(each).data for each in records[2:5:2]] == [EVENT, EVENT]


def test_what_a_lost_command_printed_is_replaced_as_what_told_of_its_secrets_is_lost(tmp_path):
    first, second, third = (f"Action: Command\r\nActionID: {n}\r\nCommand: core show x\r\n\r\n".encode() for n in "123")
    answers = [
        f"Response: Success\r\nActionID: {n}\r\nOutput: echo {n}\r\nOutput: \r\nOutput:   old\r\n\r\n".encode()
        for n in "123"
    ]
    nameless = b"Response: Follows\r\nPrivilege: Command\r\necho 4\n--END COMMAND--\r\n\r\n"
    said = [(">", first), (">", second), *(("<", each) for each in answers[:2]), (">", third), ("<", answers[2])]
    packets = conversation([("<", GREETING), *said, ("<", nameless)])
    records = read(tmp_path / "gap.pcap", [*packets[:4], *packets[5:]])
    redactor = Redactor((), records)
    recorded = b"".join([redactor(each).data for each in records])
    assert re.findall(rb"echo \d|torn-\d+", recorded) == [b"echo 1", b"torn-1", b"torn-2", b"echo 3", b"torn-3"]
    assert amisim("import", "--redact", tmp_path / "gap.pcap", tmp_path / "gap.yaml").exit_code == 0
    assert re.findall("echo [0-9]", (tmp_path / "gap.yaml").read_text()) == ["echo 1", "echo 3"]
    assert list(scan(tmp_path / "gap.yaml")) == []


def test_what_comes_after_a_gap_is_kept_when_nobody_acknowledges_it(tmp_path):
    packets = conversation([("<", GREETING), ("<", EVENT), ("<", EVENT)])
    records = read(tmp_path / "gap.pcap", [*packets[:3], packets[4]])
    assert [each.data for each in records[2:]] == [f"c1 <: {NOTE.format(len(EVENT))}".encode(), EVENT]


@pytest.mark.parametrize("is_acknowledged", [True, False])
def test_what_is_lost_before_the_end_of_a_connection_is_told(tmp_path, is_acknowledged):
    packets = conversation([("<", GREETING), *pieces(">", SET, 20)])
    fin = segment(CLIENT, SERVER, 2**32 - 20 + len(SET), 7 + len(GREETING), FIN | ACK)
    answer = segment(SERVER, CLIENT, 7 + len(GREETING), 2**32 - 20 + len(SET) + 1, ACK)
    records = read(tmp_path / "end.pcap", [*packets[:4], fin, *[answer] * is_acknowledged])
    assert [(each.kind, each.data.decode()) for each in records[2:]] == [
        ("note", f"c1 >: {NOTE.format(len(SET) - 20)}"), ("data", SET[:20].decode()), ("eof", ""),
    ]  # fmt: skip


def test_a_capture_that_begins_in_the_midst_of_a_message_says_so(tmp_path):
    packets = conversation([("<", GREETING), *pieces(">", SET, 70), ("<", SHOWN)])
    records = read(tmp_path / "mid.pcap", packets[4:])
    lost = "what came before is not in the capture; the messages around that are torn"
    assert [each.data.decode() for each in records[1:]] == [
        f"c1 >: {lost}", SET[70:].decode(), f"c1 <: {lost}", SHOWN.decode(),
    ]  # fmt: skip
    redactor = Redactor()
    assert [CANARY.encode() in redactor(each).data for each in records] == [False] * 5
    assert [redactor(each).data for each in read(tmp_path / "whole.pcap", conversation()[2:])][1] == GREETING


@pytest.mark.parametrize("form", [pcap, pcapng])
@pytest.mark.parametrize("missing", [1, 20, 70, 100, 330, 390])
def test_of_a_capture_that_is_cut_short_is_kept_what_is_there(tmp_path, out, form, missing):
    source = tmp_path / "cut.pcap"
    data = form(conversation([("<", GREETING), ("<", EVENT), ("<", EVENT * 10)]))
    source.write_bytes(data[:-missing])
    problem = "the capture is cut short: its last packet is not whole"
    result = amisim("import", "--redact", source, out)
    assert (result.exit_code, result.stderr) == (2, f"Error: {source}: {problem}; {out} has the others\n")
    records = load(out).records
    assert records[-1].data.decode() == problem
    assert [each.data for each in records if each.kind == "data"][:1] == [GREETING]


def test_a_gzip_file_that_is_cut_short_is_told(tmp_path, out):
    source = tmp_path / "cut.pcap.gz"
    noise = random.Random(1).randbytes(3000)
    source.write_bytes(gzip.compress(pcap(conversation([("<", GREETING), ("<", noise)])))[:-20])
    assert refusal(amisim("import", source, out)).startswith(f"{source}: cannot be read: Compressed file ended before")
    assert not out.exists()


@pytest.mark.parametrize("size", [1, 5, 20, 21])
def test_a_greeting_on_any_port_may_come_in_pieces(tmp_path, size):
    packets = conversation([*pieces("<", GREETING, size), ("<", EVENT)], server=("10.0.0.2", 7777))
    assert [each.data for each in read(tmp_path / "it.pcap", packets)[1:]] == [GREETING, EVENT]


@pytest.mark.parametrize("name", ["x.yaml", "x.yaml.gz"])
def test_a_recording_is_no_capture(tmp_path, out, name):
    with RecordingWriter(tmp_path / name, {}):
        pass
    assert refusal(amisim("import", tmp_path / name, out)) == (
        f"{tmp_path / name}, line 1: is a recording already, and not a capture: amisim show, replay and scan read it "
        "as it is, and amisim trim and merge write it anew"
    )
