"""What a recording holds: its connections, the actions on them, and what followed from each.

What does not depend on who is played is found out here, once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from ami.catalogue import Event, ends_list, parse
from ami.message import KEY_RESPONSE, SUCCESSES, Message
from ami.wire import encode
from amisim.action import ClientAction, read_action
from amisim.causes import is_unasked
from amisim.recording import Record, pieces, splice

__all__ = ["Following", "Placed", "RecordedAction", "RecordedConnection", "recorded_connections"]

Placed = tuple[int, Record]
"""A record, and its place in the recording."""


class Following:
    """Records of a server that follow from one thing, for clients with any ActionID."""

    def __init__(self, records: list[Placed], action_id: str = "", is_answer: bool = False) -> None:
        self.records = records
        """They, each with its place in the recording."""
        self._action_id = action_id
        self._is_answer = is_answer
        self._pieces = _cut(records)

    def pieces(self, action_id: str) -> list[Placed]:
        """What is sent to a client with this ActionID, in order: each was sent in one go, and has no chunks."""
        if action_id == self._action_id or not self._numbered:
            return self._pieces
        return _cut(
            (place, _with_action_id(record, self._action_id, action_id) if place in self._numbered else record)
            for place, record in self.records
        )

    @cached_property
    def _numbered(self) -> set[int]:
        """The places of those in which the ActionID stands, or would if the action had had one."""
        if self._action_id:
            return {place for place, record in self.records if b"actionid" in record.data.lower()}
        return {place for place, _ in self.records} if self._is_answer else set()


class RecordedAction(NamedTuple):
    """An action, and what followed from it."""

    record: Record
    action: ClientAction

    response: Message
    """The first response to it; without headers where there is none."""

    answer: Following
    """The response, and the list that it begins."""

    events: Following
    ends: Following
    """The end of the connection."""

    @property
    def is_accepted(self) -> bool:
        """Whether its response says so."""
        return self.response.get(KEY_RESPONSE) in SUCCESSES

    @property
    def is_accepted_login(self) -> bool:
        """Whether the traffic begins with it that follows from a login."""
        return self.is_accepted and self.action.name.lower() == "login"


class RecordedConnection(NamedTuple):
    """A connection, and what the server sent on it because of it alone."""

    opened: float
    actions: list[RecordedAction]
    greeting: Following
    events: Following


def recorded_connections(records: list[Record]) -> dict[int, RecordedConnection]:
    """The connections, in the order in which they were opened."""
    opened: dict[int, float] = {}
    asked: dict[int, list[Record]] = defaultdict(list)
    following: dict[int, list[Placed]] = {each.cause or 0: [] for each in records if _is_action(each)}
    unasked: dict[int, list[Placed]] = defaultdict(list)
    ended = set()
    for place, record in enumerate(sorted(records, key=lambda record: record.at)):
        number, cause = record.connection, record.cause
        opened.setdefault(number, record.at)
        if record.direction == ">":
            if record.kind != "data":
                ended.add(number)
            elif _is_action(record):
                asked[number].append(record)
        elif record.direction == "<" and cause in following:
            following[cause].append((place, record))
        elif record.direction == "<" and record.kind != "data" and number not in ended and asked[number]:
            following[asked[number][-1].cause or 0].append((place, record))
        elif record.direction == "<" and (record.kind == "data" or number not in ended):
            unasked[number].append((place, record))
    return {
        number: RecordedConnection(
            at,
            [_recorded_action(record, following[record.cause or 0]) for record in asked[number]],
            Following(unasked[number][:1]),
            Following(unasked[number][1:]),
        )
        for number, at in opened.items()
        if number
    }


def _is_action(record: Record) -> bool:
    return record.direction == ">" and record.kind == "data" and record.cause is not None


def _recorded_action(record: Record, following: list[Placed]) -> RecordedAction:
    """An action, with what follows from it told apart."""
    action = read_action(record.data)
    answer = _answer(following, action.action_id)
    others = [each for each in following if each[0] not in answer]
    return RecordedAction(
        record,
        action,
        next((each for each in answer.values() if not isinstance(each, Event)), Message(b"")),
        Following([each for each in following if each[0] in answer], action.action_id, is_answer=True),
        Following([each for each in others if each[1].kind == "data"], action.action_id),
        Following([each for each in others if each[1].kind != "data"]),
    )


def _answer(following: list[Placed], action_id: str) -> dict[int, Message]:
    """The messages of the response, and of the list that it begins, by their places; the others are events."""
    answer: dict[int, Message] = {}
    is_listing = False
    for place, record in following:
        if record.kind != "data" or (not is_listing and is_unasked(record.data)):
            continue
        message = parse(record.data)
        own = (message.action_id or "") == action_id
        plain = "Privilege" not in message
        if not isinstance(message, Event):
            answer[place] = message
            is_listing = message.get("EventList", "").lower() == "start"
        elif (own or plain) if is_listing else (own and plain and action_id):
            # Some items of lists have a Privilege, and some have no ActionID.
            answer[place] = message
            is_listing = is_listing and not ends_list(message)
    return answer


def _cut(records: Iterable[Placed]) -> list[Placed]:
    """The records, those that came in several chunks as one each, in order of time."""
    found = [
        each
        for place, record in records
        for each in (
            [(place, record._replace(at=at, data=data, chunks=())) for at, data in pieces(record)]
            if record.chunks
            else [(place, record)]
        )
    ]
    found.sort(key=lambda each: (each[1].at, each[0]))
    return found


def _with_action_id(record: Record, old: str, new: str) -> Record:
    """The record as it were if the action had had another ActionID."""
    data = record.data
    if old:
        line = re.search(rb"^(ActionID:[ \t]*)" + re.escape(encode(old)) + rb"\r\n", data, re.MULTILINE | re.IGNORECASE)
        if line is None:
            return record
        return splice(record, *line.span(), line[1] + encode(new) + b"\r\n" if new else b"")
    second = data.find(b"\n") + 1
    return splice(record, second, second, b"ActionID: " + encode(new) + b"\r\n") if second else record
