"""The clients' part of a recording, played to a server, and what came of it; without I/O.

What the clients did is done in their order. Nothing is done before what had been answered by then is answered again,
and the names in it (of channels, say) are known that this server has given; but for more than `patience` seconds
nothing is waited for.
"""

import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ami.catalogue import Event, ends_list, parse
from ami.wire import decode, encode
from amisim.causes import RecordBuilder, is_unasked
from amisim.differ import Message, read_message
from amisim.names import Names, found, read
from amisim.recorded import recorded_connections
from amisim.recording import Record, Recording

__all__ = ["NEVER", "Player"]

NEVER = float("inf")

_Need = tuple[str, int]
"""What has to have come: `answer` of an action, the first `data` on a connection, or its `end`, by its number."""

_PROOF = re.compile(rb"^(Secret|Key)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_CHALLENGE = re.compile(rb"^Challenge: ([^\r\n]+)", re.MULTILINE)


class _Step(NamedTuple):
    """Something that a client did; None for the end of everything."""

    record: Record | None
    needs: list[_Need]
    names: frozenset[tuple[str, str]] = frozenset()


class Player:
    """Plays the clients of a recording, `speed` times as fast as they were; 0 is without pauses.

    `secret` is that of the users who log in. Raises `ValueError` where one is needed and none is given.
    """

    def __init__(self, recording: Recording, *, secret: str = "", speed: float = 1, patience: float = 10) -> None:
        self._secret = secret
        self._speed = speed
        self._patience = patience
        self._logins = {
            each.record.cause
            for connection in recorded_connections(recording.records).values()
            for each in connection.actions
            if each.is_accepted_login
        }
        self._steps = deque(_steps(recording.records))
        if not secret and any(self._proves(step.record, b"key") for step in self._steps):
            raise ValueError("it has a login with a challenge, which cannot be answered without the secret")
        self._expected: dict[tuple[int, str], list[Message]] = defaultdict(list)
        for record in recording.records:
            if record.direction == "<" and record.kind == "data":
                message = read_message(record)
                self._expected[record.connection, message.what].append(message)
        self._names = Names()
        self._met: set[_Need] = set()
        self._given_up: set[tuple[str, str]] = set()  # names that are not waited for any more
        self._numbers: dict[int, int] = {}  # of the actions in the recording, by their numbers here
        self._challenges: dict[int, bytes] = {}
        self._builder = RecordBuilder()
        self._records: list[Record] = []
        self._output: list[Record] = []
        self._at = self._last = 0.0
        self.refused = ""
        """Why a server has refused a login that was taken when it was recorded; empty if none was."""

    @property
    def played(self) -> Recording:
        """What was recorded this time."""
        return Recording({}, self._records)

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to do or to wait for."""
        return not self._steps

    @property
    def next_due(self) -> float:
        """When `advance` has something to do."""
        if not self._steps:
            return NEVER
        step = self._steps[0]
        due = self._due(step)
        return due if self._is_ready(step) else due + self._patience

    def advance(self, now: float) -> list[Record]:
        """What is to be done now: connections to open or to end, and frames to send. Time counts from the start."""
        while self._steps and self.next_due <= now:
            step = self._steps.popleft()
            if step.record is not None:
                self._at, self._last = step.record.at, now
                self._given_up |= step.names
                self._do(step.record, now)
        output, self._output = self._output, []
        return output

    def receive(self, connection: int, data: bytes, now: float) -> None:
        """A server sent this."""
        self._note(self._builder.data(connection, "<", data, now))

    def end(self, connection: int, now: float, error: str = "") -> None:
        """A server closed a connection, or it broke."""
        self._note(self._builder.end(connection, "<", now, error))

    def _due(self, step: _Step) -> float:
        if step.record is None or not self._speed:
            return self._last
        return self._last + max(0.0, step.record.at - self._at) / self._speed

    def _is_ready(self, step: _Step) -> bool:
        if step.record is not None and ("end", step.record.connection) in self._met:
            return True
        return self._met.issuperset(step.needs) and self._names.known(step.names - self._given_up)

    def _do(self, record: Record, now: float) -> None:
        number = record.connection
        if record.kind == "open":
            self._records.append(self._builder.open(number, now))
        elif record.kind == "data":
            record = record._replace(data=self._rewritten(record))
            sent = self._builder.data(number, ">", record.data, now)
            for each in sent:
                if each.cause is not None and record.cause is not None:
                    self._numbers[each.cause] = record.cause
            self._records += sent
        else:
            self._records += self._builder.end(number, ">", now, decode(record.data))
        self._output.append(record)

    def _rewritten(self, record: Record) -> bytes:
        """A client's frame with the names that this server has given."""
        data = encode(self._names.rename(decode(record.data)))
        if not self._secret or record.cause not in self._logins:
            return data
        challenge = self._challenges.get(record.connection, b"")
        proofs = {b"secret": self._secret.encode(), b"key": _digest(challenge + self._secret.encode())}
        return _PROOF.sub(lambda match: match[1] + b": " + proofs[match[1].lower()], data)

    def _proves(self, record: Record | None, how: bytes) -> bool:
        """Whether a frame is an accepted login with a secret or a key."""
        if record is None or record.cause not in self._logins:
            return False
        return any(match[1].lower() == how for match in _PROOF.finditer(record.data))

    def _note(self, records: list[Record]) -> None:
        """Records have come of a server."""
        self._records += records
        for record in records:
            cause = None if record.cause is None else self._numbers.get(record.cause)
            self._met.update(_met(record._replace(cause=cause)))
            if record.kind != "data":
                continue
            if cause in self._logins and record.data.startswith(b"Response: Error"):
                self.refused = parse(record.data).get("Message", "without a reason")
            if challenge := _CHALLENGE.search(record.data):
                self._challenges[record.connection] = challenge[1]
            self._learn(record)

    def _learn(self, record: Record) -> None:
        """Take from a message which names stand for those of the message in the recording that is most like it."""
        message = read_message(record)
        expected = self._expected[record.connection, message.what]
        like = next((each for each in expected if each.form == message.form), expected[0] if expected else None)
        if like is None:
            return
        expected.remove(like)
        for key in like.headers.keys() & message.headers.keys():
            for value, other in zip(like.headers[key], message.headers[key], strict=False):
                self._names.match(read(key, value), read(key, other))


def _met(record: Record) -> Iterator[_Need]:
    """The needs that a record of a server meets."""
    if record.kind != "data":
        yield "end", record.connection
        return
    yield "data", record.connection
    if record.cause is None or is_unasked(record.data):
        return
    message = parse(record.data)
    begins_list = message.get("EventList", "").lower() == "start"
    if ends_list(message) if isinstance(message, Event) else not begins_list:
        yield "answer", record.cause


def _steps(records: Iterable[Record]) -> Iterator[_Step]:
    """What the clients did, each with what had come since the step before, and the names of the server in it."""
    needs: list[_Need] = []
    names: set[tuple[str, str]] = set()
    for record in records:
        if record.direction == "<":
            needs += _met(record)
            names.update(found(decode(record.data)))
        elif record.kind != "note":
            yield _Step(record, needs, frozenset(names.intersection(found(decode(record.data)))))
            needs = []
    yield _Step(None, needs)


def _digest(data: bytes) -> bytes:
    return hashlib.md5(data).hexdigest().encode()
