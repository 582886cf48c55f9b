"""Recordings made of recordings: parts, several in one, and the usual form."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amisim import RecordingError, formatted, library, load, merge, statistics, trim
from amisim.consistency import consistent
from amisim.recording import Recording, RecordingWriter
from amisim.replay import Replay

QUEUE_CALL = load(library.find("22/queue-call"))
TWO = load(library.find("22/login-plain"))


def consistent_and_replayable(recording: Recording) -> bool:
    """Whether it has what it needs."""
    Replay(Recording({}, list(consistent("it", recording.records))), "it")
    return True


def frames(recording: Recording) -> list[bytes]:
    return [each.data for each in recording.records if each.kind == "data"]


@settings(max_examples=25)
@given(
    st.floats(0, 10), st.floats(0, 10), st.sets(st.integers(1, 8), max_size=2),
    st.sampled_from(["", "Local/*", "none"]), st.sampled_from(["", "1795413503.0", "none"]),
)  # fmt: skip
def test_any_part_can_be_replayed(start, end, actions, channel, call):
    part = trim(QUEUE_CALL, start=start, end=end, actions=actions, channel=channel, call=call)
    assert set(part.records) <= set(QUEUE_CALL.records)
    assert not part.records or consistent_and_replayable(part)


def test_all_of_a_recording_is_a_part_of_it():
    assert trim(QUEUE_CALL) == QUEUE_CALL


def test_a_part_in_time_has_the_login_and_what_it_follows_from():
    part = trim(QUEUE_CALL, start=3, end=5)
    names = [frame.split(b"\r\n")[0] for frame in frames(part)]
    assert names[:3] == [b"Asterisk Call Manager/11.0.0", b"Action: Challenge", b"Response: Success"]
    assert b"Action: Login" in names
    assert b"Action: Logoff" not in names
    assert all(3 <= each.at <= 5 for each in part.records[6:])


def test_a_part_by_action_has_what_follows_from_it():
    ping = next(each for each in QUEUE_CALL.records if each.data.startswith(b"Action: Ping"))
    part = trim(QUEUE_CALL, actions=[ping.cause])
    assert [each for each in frames(part) if b"Ping" in each] == [
        each for each in frames(QUEUE_CALL) if b"Ping" in each
    ]
    assert not [each for each in frames(part) if each.startswith(b"Event:")]


def test_a_part_by_channel_and_by_call():
    of_channel = trim(QUEUE_CALL, channel="Local/2001@lab-00000001;1")
    events = [each for each in frames(of_channel) if each.startswith(b"Event:")]
    assert events
    assert all(b"Local/2001@lab-00000001;1" in each for each in events)
    of_call = [each for each in frames(trim(QUEUE_CALL, call="1795413503.1")) if each.startswith(b"Event:")]
    assert len(of_call) > len(events)
    assert all(b"1795413503." in each for each in of_call if b"Privilege: call" in each)


def test_an_action_that_is_not_there_is_told():
    with pytest.raises(ValueError, match="there is no action 99 in it"):
        trim(QUEUE_CALL, actions=[99])


def test_several_are_one_with_connections_and_numbers_of_their_own():
    merged = merge([QUEUE_CALL, TWO], 2.5)
    assert consistent_and_replayable(merged)
    counted = statistics(merged.records)
    assert counted.connections == statistics(QUEUE_CALL.records).connections + statistics(TWO.records).connections
    assert sorted(frames(merged)) == sorted(frames(QUEUE_CALL) + frames(TWO))
    second = [each for each in merged.records if each.connection > 1]
    assert [each.at for each in second] == [each.at + 2.5 for each in TWO.records]
    assert merged.header["server"] == "Asterisk 22.10.1"


def test_as_redacted_counts_what_all_are():
    one, other = (Recording({"redacted": each}, []) for each in (["Secret", "Key"], ["Key"]))
    assert merge([one, other]).header == {"redacted": ["Key"]}
    assert merge([one, Recording({}, [])]).header == {}


@pytest.mark.parametrize("offset", [-1, float("inf"), float("nan")])
def test_an_offset_is_a_number_of_seconds(offset):
    with pytest.raises(ValueError, match="seconds, from 0"):
        merge([TWO], offset)


UNUSUAL = """\
# a comment
format: amisim/1
server: 'Asterisk 22'
---
# why
0.50 c1   open:
---
1.0 c1 > 1: "Action: Ping\\r\\n\\r\\n"   # lost
---
"""


def test_the_usual_form_keeps_comments_on_lines_of_their_own(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text(UNUSUAL.replace("   open", " open"))
    assert "".join(formatted(path)) == (
        "# a comment\nformat: amisim/1\nserver: Asterisk 22\n---\n# why\n0.5 c1 open:\n---\n"
        "1 c1 > 1: |\n  Action: Ping\n---\n"
    )


@pytest.mark.parametrize("name", library.names()[::9])
def test_the_usual_form_is_what_is_written(name, tmp_path):
    loaded = load(library.find(name))
    path = tmp_path / "again.yaml"
    with RecordingWriter(path, loaded.header) as writer:
        for record in loaded.records:
            writer.write(record)
    assert "".join(formatted(path)) == path.read_text() == Path(library.find(name)).read_text()


def test_what_is_cut_short_has_no_usual_form(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("format: amisim/1\n---\n0.5 c1 open:\n")
    with pytest.raises(RecordingError, match="line 3: the last record is cut short"):
        list(formatted(path))


def test_what_there_is_is_counted():
    counted = statistics(QUEUE_CALL.records)
    assert (counted.connections, counted.frames, counted.responses) == (1, 171, 8)
    assert counted.actions == {"QueueStatus": 3, "Challenge": 1, "Login": 1, "Logoff": 1, "Ping": 1, "QueueSummary": 1}
    assert counted.events["Hangup"] == sum(each.startswith(b"Event: Hangup\r") for each in frames(QUEUE_CALL))
    assert counted.sent + counted.received == sum(map(len, frames(QUEUE_CALL)))
    assert "       3  QueueStatus" in str(counted).splitlines()
