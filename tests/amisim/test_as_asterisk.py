"""The server beside real ones: it is told what clients said to Asterisk 16.28 and 22.10, and has to answer the same.

What a client of a capture said comes at the times at which it came then. Actions that are a PBX's business, and no
manager's, are answered by a script with what is in the capture; events of the PBX are published when they were seen.
Compared are, byte for byte apart from ids, times and the challenge, the answers of every connection, in order, and
which events it was shown.
"""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ami.catalogue import Event, parse
from ami.wire import FrameReader
from amisim.action import ClientAction
from amisim.asterisk import SERVED
from amisim.host import Host
from amisim.importer import read_amicap
from amisim.recording import Record
from amisim.script import Rule, Script
from amisim.server_session import ServerSession
from amisim.steps import raw
from amisim.users import User

CAPTURES = Path(__file__).parents[1] / "data" / "captures"
EXCEPTIONS: list[dict[str, Any]] = yaml.safe_load((CAPTURES.parent / "as-asterisk.yaml").read_text())

SESSIONS = """
    abrupt-close before-login command events-mask filters forbidden idle-unauthenticated login-failure login-md5
    login-plain login-plain-2 malformed-bytes malformed-lines malformed-long ping-core security-events slow-reader
    slow-reader-2 slow-reader-dropped split-writes two-clients unknown-actions userevent waitevent
""".split()  # noqa: SIM905

ALL = {"read": "all", "write": "all"}
USERS = {
    "admin": User("s3cret", **ALL),
    "monitor": User("m0nitor", "call,system", "reporting,system"),
    "cfguser": User("c0nfig", "config", "config"),
    "callonly": User("c4ll", "call,dialplan", "call,originate"),
    "mute": User("mut3", "", "all"),
    "filtered": User("f1lter", **ALL, filters=("Event: Newchannel", "Event: Hangup")),
    "blacklist": User("bl4ck", **ALL, filters=("!Event: VarSet", "!Event: Newexten", "!Event: RTCP.*")),
    "walled": User("w4ll", **ALL, admitted=False),
    "slow": User("sl0w", **ALL),
}
"""The users of the servers that the captures are of."""

OF_THE_MANAGER = frozenset({
    "FullyBooted", "SuccessfulAuth", "InvalidPassword", "InvalidAccountID", "FailedACL", "RequestNotAllowed",
    "RequestBadFormat", "ChallengeResponseFailed", "WaitEventComplete",
})  # fmt: skip

REFUSALS = (b"Message: Invalid/unknown command", b"Output: No such command", b"Message: No command provided")

SLOWEST = 10.0
"""Seconds that a client may read an event later than another one did."""

VARYING = re.compile(
    rb"^(EventTV|SessionTV|SessionID|Timestamp|Uptime|LastReload|Core\w+Date|Core\w+Time|Core\w+Calls): (?!1970).*$",
    re.M,
)
ADDRESS = re.compile(rb"^(LocalAddress|RemoteAddress): IPV4/TCP/127.0.0.1/\d+", re.M)


def compared(frame: bytes) -> bytes:
    """A frame without ids and times."""
    return ADDRESS.sub(rb"\1: *", VARYING.sub(rb"\1: *", frame))


class Capture(NamedTuple):
    lines: list[dict[str, Any]]
    records: list[Record]

    def answers(self) -> Iterator[tuple[Record, list[Record]]]:
        """Each action, and what is in answer to it."""
        for action in self.records:
            if action.direction == ">" and action.kind == "data":
                yield action, [each for each in self.of_server() if each.cause == action.cause and is_answer(each.data)]

    def of_server(self) -> list[Record]:
        return [each for each in self.records if each.direction == "<" and each.kind == "data"]


def load(version: str, name: str) -> Capture:
    path = CAPTURES / version / f"{name}.jsonl.gz"
    with gzip.open(path, "rt") as file:
        lines = [json.loads(line) for line in file]
    return Capture(lines[1:], list(read_amicap(path)[1]))


def is_answer(frame: bytes) -> bool:
    """Whether a frame is of a response or a list."""
    message = parse(frame)
    return not isinstance(message, Event) or ("Privilege" not in message and message.action_id is not None)


def is_published(frame: bytes) -> bool:
    """Whether a frame is an event of the PBX."""
    message = parse(frame)
    if is_answer(frame) or not frame.startswith(b"Event: ") or message.name in OF_THE_MANAGER:
        return False
    return message.name != "UserEvent" or "Channel" in message.pairs[2]


class FromCapture(Script):
    """Answers what is not the manager's business as it was answered in a capture."""

    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._answers = [(action.data, [each.data for each in answers]) for action, answers in capture.answers()]

    def find(self, action: ClientAction) -> Rule | None:
        if action.name.lower() in SERVED.keys() - {"command"}:
            return None
        for place, (asked, answers) in enumerate(self._answers):
            if asked == action.frame:
                del self._answers[place]
                text = b"".join(answers)
                is_the_managers = any(refusal in text for refusal in REFUSALS)
                return None if is_the_managers else Rule(action.name, {}).reply(*map(raw, answers))
        return None


class Player:
    """Plays the clients of a capture to a server, in virtual time."""

    def __init__(self, version: str, capture: Capture) -> None:
        self.sent: dict[int, list[bytes]] = {}
        self._sessions: dict[int, ServerSession] = {}
        challenges = iter(
            parse(each.data)["Challenge"] for each in capture.of_server() if b"\r\nChallenge: " in each.data
        )
        self._host = Host(
            users=USERS,
            version=version,
            script=FromCapture(capture),
            replay=None,
            challenge=lambda: next(challenges),
            arrived=lambda number, action: None,
            holds_back=lambda: False,
            wall_clock=lambda: 1_800_000_000.0,
        )
        for at, _, act in sorted(self._acts(capture), key=lambda each: each[:2]):
            self._let_pass(at)
            act(at)
            self._collect()
        self._let_pass(10_000.0)

    def _acts(self, capture: Capture):
        order = 0
        for line in capture.lines:
            order += 1
            number, at, kind = line.get("c", 0), line["t"], line["d"]
            if kind == "open":
                yield at, order, lambda at, number=number: self._open(number, at)
            elif kind == "c2s":
                data = line["b"].encode("latin-1")
                yield at, order, lambda at, number=number, data=data: self._of(number, "receive_data", data, at)
            elif kind in ("c2s-eof", "c2s-err"):
                yield at, order, lambda at, number=number: self._of(number, "receive_eof", at)
        for frame, at in published(capture):
            order += 1
            # A little before it was seen: the client may have sent something in between.
            yield at - 0.0005, order, lambda at, frame=frame: self._host.publish(frame, at)

    def _open(self, number: int, at: float) -> None:
        self.sent[number] = []
        self._sessions[number] = ServerSession(self._host, number, at)

    def _of(self, number: int, method: str, *args: object) -> None:
        if number in self._sessions:
            getattr(self._sessions[number], method)(*args)

    def _let_pass(self, until: float) -> None:
        while deadlines := [
            (deadline, session)
            for session in self._sessions.values()
            if (deadline := session.next_deadline()) is not None and deadline <= until
        ]:
            deadline, session = min(deadlines, key=lambda each: each[0])
            session.handle_timer(deadline)
            self._collect()

    def _collect(self) -> None:
        for number, session in list(self._sessions.items()):
            if number in self._host.touched:
                session.handle_timer(session._now)
            self.sent[number] += session.take_chunks()
            if session.closing is not None:
                session.closed()
                del self._sessions[number]
        self._host.touched.clear()


def published(capture: Capture) -> list[tuple[bytes, float]]:
    """Every event of the PBX, once, when it was first seen."""
    opened = {each.connection: each.at for each in capture.records if each.kind == "open"}
    found: list[tuple[bytes, float, set[int]]] = []
    latest: dict[bytes, list[tuple[bytes, float, set[int]]]] = {}
    for each in sorted(filter(lambda each: is_published(each.data), capture.of_server()), key=lambda each: each.at):
        for _, at, seen_by in latest.setdefault(each.data, []):
            if max(each.at - SLOWEST, opened[each.connection]) < at and each.connection not in seen_by:
                seen_by.add(each.connection)
                break
        else:
            found.append((each.data, each.at, {each.connection}))
            latest[each.data].append(found[-1])
    return [(frame, at) for frame, at, _ in found]


def split(stream: bytes) -> tuple[list[bytes], list[bytes]]:
    """The answers in a stream, in order, and the events, sorted."""
    frames = [compared(frame) for frame in FrameReader(from_server=True).feed(stream) if frame.strip()]
    return [frame for frame in frames if is_answer(frame)], sorted(frame for frame in frames if not is_answer(frame))


def excepted(version: str, name: str) -> dict[int, bytes]:
    """What frames say that are allowed to differ, by the place of the exception in the file."""
    return {
        place: each["frame"].encode()
        for place, each in enumerate(EXCEPTIONS)
        if each["session"] == name and version in each["versions"]
    }


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("version", ["16", "22"])
def test_answers_are_those_of_a_real_server(version, name):
    capture = load(version, name)
    player = Player(version, capture)
    unused = set(excepted(version, name))
    for number, sent in player.sent.items():
        theirs = b"".join(
            line["b"].encode("latin-1") for line in capture.lines if line.get("c") == number and line["d"] == "s2c"
        )
        for own, their in zip(split(b"".join(sent)), split(theirs), strict=True):
            for place, exception in excepted(version, name).items():
                of_own, of_theirs = ([frame for frame in frames if exception in frame] for frames in (own, their))
                if of_own != of_theirs:
                    unused.discard(place)
                own, their = ([frame for frame in frames if exception not in frame] for frames in (own, their))
            assert own == their
    assert not unused, "these exceptions are needed no more"


def test_every_exception_is_of_a_session_and_says_why():
    assert all(each["session"] in SESSIONS and each["why"] for each in EXCEPTIONS)
