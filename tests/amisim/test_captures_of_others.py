"""Captures of packets and traces become recordings, whatever happened to the packets."""

import gzip
import importlib
import random
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amisim import RecordingError, RecordingWriter, Server, load, read_capture
from amisim.recording import chunks

CLIENT, SERVER = ("10.0.0.1", 40_000), ("10.0.0.2", 5038)
FIN, SYN, RST, ACK = 1, 2, 4, 16
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
PING = b"Action: Ping\r\nActionID: 1\r\n\r\n"
PONG = b"Response: Success\r\nActionID: 1\r\nPing: Pong\r\n\r\n"
SAID = [("<", GREETING), (">", PING), ("<", PONG)]


def segment(source, target, sequence, acknowledged, flags, data=b"") -> bytes:
    """An Ethernet packet."""
    tcp = struct.pack(
        "!HHIIBBHHH", source[1], target[1], sequence % 2**32, acknowledged % 2**32, 5 << 4, flags, 9, 0, 0
    )
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0) + addresses
    return b"\0" * 12 + b"\x08\0" + ip + tcp + data


def conversation(said=SAID, client=CLIENT, server=SERVER, first=2**32 - 20) -> list[bytes]:
    """The packets of a connection; sequence numbers begin again in its midst."""
    sequence = {">": first, "<": 7}
    ends = {">": (client, server), "<": (server, client)}
    packets = [segment(client, server, first - 1, 0, SYN), segment(server, client, 6, first, SYN | ACK)]
    for way, data in said:
        back = sequence["<" if way == ">" else ">"]
        packets.append(segment(*ends[way], sequence[way], back, ACK, data))
        sequence[way] += len(data)
    return packets


def pcap(packets, link=1) -> bytes:
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, link)
    rows = (
        struct.pack("<IIII", 1_700_000_000, 1000 * n, len(each), len(each)) + each for n, each in enumerate(packets)
    )
    return header + b"".join(rows)


def pcapng(packets) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    blocks = [
        block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack("<HHI", 1, 0, 65_535)),
    ]
    for number, each in enumerate(packets):
        at = 1_700_000_000_000_000 + 1000 * number
        blocks.append(block(6, struct.pack("<IIIII", 0, at >> 32, at % 2**32, len(each), len(each)) + each))
    return b"".join(blocks)


def recorded(path, data) -> list[tuple[int, str, bytes]]:
    path.write_bytes(data)
    return [(number, way, text) for number, way, _, text in chunks(read_capture(path)[1])]


@pytest.mark.parametrize("form", [pcap, pcapng, lambda packets: gzip.compress(pcap(packets))])
def test_a_capture_becomes_a_recording(tmp_path, form):
    path = tmp_path / "it.pcap"
    path.write_bytes(form(conversation()))
    _, records = read_capture(path)
    assert [(each.kind, each.direction, each.data, each.cause) for each in records] == [
        ("open", "", b"", None), ("data", "<", GREETING, None), ("data", ">", PING, 1), ("data", "<", PONG, 1),
    ]  # fmt: skip
    assert [each.at for each in records] == [0.0, 0.002, 0.003, 0.004]


@pytest.mark.parametrize(
    ("link", "before"),
    [(0, b"\2\0\0\0"), (108, b"\0\0\0\2"), (101, b""), (113, b"\0" * 14 + b"\x08\0"), (276, b"\x08\0" + b"\0" * 18)],
)
def test_links_of_all_kinds_are_read(tmp_path, link, before):
    packets = [before + each[14:] for each in conversation()]
    assert recorded(tmp_path / "it.pcap", pcap(packets, link)) == [(1, way, data) for way, data in SAID]


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_what_is_repeated_overlaps_or_comes_out_of_order_is_put_together(tmp_path_factory, seed):
    chance = random.Random(seed)
    text = b"".join(b"Event: X\r\nN: %d\r\n\r\n" % n for n in range(20))
    sequence = 7 + len(GREETING)
    pieces = []
    start = 0
    while start < len(text):
        end = start + chance.randint(1, 40)
        pieces.append((max(0, start - chance.choice([0, 0, 5])), end))
        start = end
    pieces += chance.sample(pieces, len(pieces) // 3)
    pieces.sort(key=lambda piece: piece[0] + chance.randint(0, 100))
    packets = conversation(SAID[:1])
    packets += [segment(SERVER, CLIENT, sequence + a, 2**32 - 20, ACK, text[a:b]) for a, b in pieces]
    found = recorded(tmp_path_factory.getbasetemp() / "it.pcap", pcap(packets))
    assert b"".join(data for _, _, data in found) == GREETING + text


def test_connections_that_are_no_ami_are_left_out_and_others_numbered(tmp_path):
    web = conversation([(">", b"GET / HTTP/1.1\r\n\r\n"), ("<", b"HTTP/1.1 200 OK\r\n\r\n")], server=("10.0.0.2", 80))
    other = conversation(client=("10.0.0.1", 40_001), server=("10.0.0.2", 7777))
    again = conversation(first=1000)
    found = recorded(tmp_path / "it.pcap", pcap([*web, *conversation(), *other, *again]))
    assert found == [(number, way, data) for number in (1, 2, 3) for way, data in SAID]


def test_a_capture_may_begin_in_the_midst_of_a_connection(tmp_path):
    assert recorded(tmp_path / "it.pcap", pcap(conversation()[3:])) == [(1, ">", PING), (1, "<", PONG)]


def test_ends_and_errors_are_kept(tmp_path):
    path = tmp_path / "it.pcap"
    fin = segment(SERVER, CLIENT, 7 + len(GREETING), 2**32 - 20, FIN | ACK)
    path.write_bytes(pcap([*conversation(SAID[:1]), fin, fin, segment(CLIENT, SERVER, 2**32 - 20, 0, RST)]))
    assert [(each.kind, each.direction, each.data) for each in read_capture(path)[1][2:]] == [
        ("eof", "<", b""), ("error", ">", b"ConnectionResetError"),
    ]  # fmt: skip


def test_what_the_capture_lost_is_told(tmp_path):
    path = tmp_path / "it.pcap"
    packets = conversation([*SAID, ("<", PONG), (">", PING)])
    del packets[4]
    path.write_bytes(pcap(packets))
    _, records = read_capture(path)
    note = f"c1 <: {len(PONG)} bytes are not in the capture; the messages around that are torn"
    assert [(each.at, each.data.decode()) for each in records if each.kind == "note"] == [(0.005, note)]
    assert [each.data for each in records if each.kind == "data"] == [GREETING, PING, PONG, PING]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (pcap([]), "no AMI in it: no server that begins with 'Asterisk Call Manager' or listens on port 5038"),
        (pcap([], link=147), "cannot be read: its packets are of the link type 147"),
        (pcap(conversation())[:20], "cannot be read: "),
        (pcapng(conversation())[:40], "cannot be read: "),
    ],
)
def test_a_capture_without_ami_is_told(tmp_path, data, problem):
    with pytest.raises(RecordingError) as caught:
        recorded(tmp_path / "it.pcap", data)
    assert str(caught.value).startswith(f"{tmp_path / 'it.pcap'}: {problem}")


@given(st.binary(max_size=120), st.sampled_from([b"", pcap([]), pcap(conversation()), pcapng(conversation())[:60]]))
def test_any_bytes_are_a_capture_or_one_error(tmp_path_factory, data, before):
    try:
        recorded(tmp_path_factory.getbasetemp() / "any.pcap", before + data)
        problem = ""
    except RecordingError as error:
        problem = str(error)
    assert "\n" not in problem


def test_without_dpkt_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(RecordingError, match=r"needs dpkt: pip install 'amikit\[pcap\]'"):
        recorded(tmp_path / "it.pcap", pcap(conversation()))


TRACE = """\
action: Ping
actionid: 1

Response: Success
ActionID: 1
Ping: Pong


Event: FullyBooted
Privilege: system,all
"""


@pytest.mark.parametrize(
    "change", [str, lambda text: text.replace("\n", "\r\n"), lambda text: f"Asterisk Call Manager/1\n{text}"]
)
def test_a_trace_becomes_a_recording_that_can_be_replayed(tmp_path, change):
    path = tmp_path / "ping.yaml"
    path.write_text(change(TRACE), newline="")
    header, records = read_capture(path)
    assert [(each.direction, each.cause) for each in records[1:]] == [("<", None), (">", 1), ("<", 1), ("<", None)]
    assert records[3].data == PONG
    assert records[1].data.startswith(b"Asterisk Call Manager")
    with Server(recording=load_back(tmp_path, header, records), speed=0):
        pass


def load_back(folder, header, records):
    with RecordingWriter(folder / "back.yaml.gz", header) as writer:
        for record in records:
            writer.write(record)
    return load(folder / "back.yaml.gz")
