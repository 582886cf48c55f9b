"""What differs between two recordings: nothing that a server makes up anew, everything else."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amisim import Recording, differences, library, load
from amisim.recording import Record

IDS = re.compile(rb"\b1795\d{6}\.(\d+)|-([0-9a-f]{8})\b")


def session(*frames: str, connection=1) -> list[Record]:
    """A connection: `> ` before what its client says; what the server says follows from the last of it."""
    records = [
        Record(0.0, connection, "", "open"),
        Record(0.1, connection, "<", "data", b"Asterisk Call Manager/1\r\n"),
    ]
    cause = None
    for number, frame in enumerate(frames, 1):
        data = f"{frame.removeprefix('> ')} /  / ".replace(" / ", "\r\n").encode()
        cause = number if frame.startswith("> ") else cause
        records.append(Record(number / 8, connection, ">" if frame.startswith("> ") else "<", "data", data, cause))
    return records


def compared(a: list[Record], b: list[Record], **options: bool) -> list[tuple[str, str, tuple, tuple]]:
    found = differences(Recording({}, a), Recording({}, b), **options)
    return [(each.what, each.header, each.a, each.b) for each in found]


PING = "> Action: Ping / ActionID: 1"
PONG = "Response: Success / ActionID: 1 / Ping: Pong"
NEWCHANNEL = "Event: Newchannel / Privilege: call,all / Channel: PJSIP/100-0000000{0} / Uniqueid: 1700000000.{0}"
HANGUP = "Event: Hangup / Privilege: call,all / Channel: PJSIP/100-0000000{0} / Uniqueid: 1700000000.{0}"


@pytest.mark.parametrize("name", ["22/queue-call", "16/hangup", "22/malformed-bytes", "22/login-failure"])
def test_a_recording_is_like_itself(name):
    assert differences(load(library.find(name)), load(library.find(name))) == []


@settings(max_examples=4)
@example(638, 100_000)  # the counter has as many digits as microseconds
@given(st.integers(1, 10**5), st.integers(1, 10**5))
def test_a_recording_is_like_itself_with_other_ids_and_times(seconds, first):
    recording = load(library.find("22/queue-call"))

    def other(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return b"1796%06d.%d" % (seconds, int(match[1]) + first)
        return b"-%08x" % ((int(match[2], 16) + first) % 2**32)

    records = [each._replace(at=each.at + seconds, data=IDS.sub(other, each.data)) for each in recording.records]
    assert differences(recording, recording._replace(records=records)) == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("CallID: [C-00000001]", "CallID: [C-0000000f]"),
        ("Uniqueid: 1700000000.1", "Uniqueid: 1700000009.7"),
        ("Channel: PJSIP/100-00000001", "Channel: PJSIP/100-0000000a"),
        ("Channel: Local/1@x-00000001;2", "Channel: Local/1@x-0000000b;2"),
        ("RemoteAddress: IPV4/TCP/127.0.0.1/40000", "RemoteAddress: IPV4/TCP/127.0.0.1/50000"),
        (
            "BridgeUniqueid: 8f8a2cd2-5a3a-4a0e-9d4a-0123456789ab",
            "BridgeUniqueid: 00000000-5a3a-4a0e-9d4a-0123456789ab",
        ),
        ("SessionID: 0x7f0000001000", "SessionID: 0x7f0000002000"),
        ("EventTV: 2026-11-23T10:00:00.000+0000", "EventTV: 2027-11-23T10:00:00.000+0000"),
        ("Uptime: 10", "Uptime: 20"),
        ("Challenge: 123", "Challenge: 456"),
        ("Text: on 2026-11-23 10:00:00", "Text: on 2026-11-24 10:00:00"),
        ("A: 1 / B: 2", "B: 2 / A: 1"),
    ],
)
def test_what_a_server_makes_up_is_no_difference(a, b):
    assert compared(session(PING, f"{PONG} / {a}"), session(PING, f"{PONG} / {b}")) == []


@pytest.mark.parametrize(
    ("a", "b", "header", "values"),
    [
        ("X: 1", "X: 2", "X", (("1",), ("2",))),
        ("X: 1", "Y: 1", "X", (("1",), ())),
        ("X: ", "Y: 1", "X", (("",), ())),
        ("Channel: PJSIP/100-00000001", "Channel: PJSIP/200-00000001", "Channel",
         (("PJSIP/100-00000001",), ("PJSIP/200-00000001",))),
        ("V: 1 / V: 2 / V: 3", "V: 1 / V: 3", "V", (("2",), ())),
        ("Key: cidname", "Key: other", "Key", (("cidname",), ("other",))),
    ],
)  # fmt: skip
def test_a_header_that_differs_is_told(a, b, header, values):
    first, *_ = compared(session(PING, f"{PONG} / {a}"), session(PING, f"{PONG} / {b}"))
    assert first == ("response", header, *values)


def test_an_id_stands_for_one_other_only_and_that_is_told_once():
    a = session(PING, PONG, NEWCHANNEL.format(1), HANGUP.format(1), HANGUP.format(1))
    b = session(PING, PONG, NEWCHANNEL.format(5), HANGUP.format(6), HANGUP.format(6))
    assert compared(a, b) == [
        ("event Hangup", "Channel", ("PJSIP/100-00000001",), ("PJSIP/100-00000006",)),
        ("event Hangup", "Uniqueid", ("1700000000.1",), ("1700000000.6",)),
    ]


def test_a_message_that_is_in_one_only_is_told():
    event = "Event: Reload / Privilege: system,all / Module: cdr"
    lines = tuple(event.split(" / "))
    assert compared(session(PING, PONG, event), session(PING, PONG)) == [("event Reload", "", lines, ())]
    assert compared(session(PING, PONG), session(PING, PONG, event)) == [("event Reload", "", (), lines)]


def test_an_action_that_is_in_one_only_is_told_without_what_follows_from_it():
    found = differences(Recording({}, session(PING, PONG)), Recording({}, session()))
    assert [(each.number, each.action, each.what, each.b) for each in found] == [(1, "Ping", "action", ())]


def test_a_connection_that_is_in_one_only_is_told():
    two = [*session(PING, PONG), *session(connection=2)]
    assert compared(two, session(PING, PONG)) == [("connection", "", ("open",), ())]


def test_order_is_compared_within_what_follows_from_one_action():
    first, second = "Event: A / Privilege: call,all", "Event: B / Privilege: call,all"
    other = "> Action: Events / ActionID: 2 / EventMask: on"
    assert compared(session(PING, PONG, first, second), session(PING, PONG, second, first)) == [
        ("event B", "order", ("message 2",), ("message 1",))
    ]
    *rest, of_other, of_ping = session(PING, PONG, other, first, second)
    of_ping = of_ping._replace(cause=1)
    assert compared([*rest, of_other, of_ping], [*rest, of_ping, of_other]) == []


def test_how_a_connection_ends_is_compared():
    logoff = session("> Action: Logoff", "Response: Goodbye")
    closed = [*logoff, Record(1.0, 1, "<", "eof", cause=1)]
    assert compared(closed, logoff) == [("end", "", ("eof",), ())]
    assert compared(closed, closed) == []
    assert compared(logoff, closed) == [("end", "", (), ("eof",))]
    assert compared(logoff, closed, events=False) == []


def test_events_may_be_left_out():
    a, b = session(PING, PONG, HANGUP.format(1)), session(PING, PONG)
    assert compared(a, b, events=False) == []
    assert len(compared(session(PING, PONG), session(PING, "Response: Error / ActionID: 1"), events=False)) == 2


def test_a_difference_is_a_block_of_text():
    a = Recording({}, [each._replace(line=7) for each in session(PING, PONG)])
    b = Recording({}, [each._replace(line=9) for each in session(PING, "Response: Success / ActionID: 1 / Time: x")])
    assert list(map(str, differences(a, b))) == [
        "connection 1, action 1 Ping: response, line 7 of A and line 9 of B\n  Ping\n    A: Pong\n    B: (missing)",
        "connection 1, action 1 Ping: response, line 7 of A and line 9 of B\n  Time\n    A: (missing)\n    B: x",
    ]
    alone, *_ = differences(a, Recording({}, session()))
    assert (
        str(alone) == "connection 1, action 1 Ping: action, line 7 of A\n  only in A\n    Action: Ping\n    ActionID: 1"
    )


def test_action_ids_are_renamed():
    a = session(PING, PONG)
    b = [each._replace(data=each.data.replace(b"ActionID: 1", b"ActionID: x")) for each in a]
    assert compared(a, b) == []
