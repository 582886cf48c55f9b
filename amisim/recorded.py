"""What a recording holds: its connections, the actions on them, and what followed from each.

What does not depend on who is played is found out here, once.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import islice
from operator import gt
from typing import NamedTuple, overload

from ami.catalogue import Event, ends_list, parse
from ami.message import KEY_RESPONSE, SUCCESSES, Message
from ami.wire import encode
from amisim.action import ClientAction, read_action
from amisim.recording import Record, pieces, splice
from amisim.stored import Head, LoadedRecords, StoredRecords

__all__ = ["Following", "Placed", "RecordedAction", "RecordedConnection", "recorded_connections"]

Placed = tuple[int, Record]
"""A record, and its place in the recording."""

_Records = LoadedRecords | StoredRecords


class Following:
    """Records of a server that follow from one thing, for clients with any ActionID."""

    def __init__(self, of: _Records, places: Sequence[int], action_id: str = "", is_answer: bool = False) -> None:
        self._of = of
        self._places = places
        self._action_id = action_id
        self._is_answer = is_answer

    @property
    def records(self) -> list[Placed]:
        """They, each with its place in the recording."""
        return [(place, self._of[place]) for place in self._places]

    def pieces(self, action_id: str) -> Sequence[Placed]:
        """What is sent to a client with this ActionID, in order: each was sent in one go, and has no chunks."""
        if action_id == self._action_id or not self._numbered:
            return self._pieces
        return self._cut(
            {place: _with_action_id(self._of[place], self._action_id, action_id) for place in self._numbered}
        )

    @cached_property
    def _pieces(self) -> "_Pieces":
        return self._cut({})

    @cached_property
    def _chunked(self) -> set[int]:
        return self._of.chunked.intersection(self._places) if self._of.chunked else set()

    @cached_property
    def _numbered(self) -> list[int]:
        """The places of those in which the ActionID stands, or would if the action had had one."""
        if self._action_id:
            unasked = self._of.unasked
            asked = [place for place in self._places if not unasked[place]]
            return [place for place in asked if b"actionid" in self._of[place].data.lower()]
        return list(self._places) if self._is_answer else []

    def _cut(self, changed: dict[int, Record]) -> "_Pieces":
        """The records, some of them changed; those that came in several chunks as one each, in order of time."""
        others = {place: (place, record) for place, record in changed.items()}
        if not self._chunked:
            return _Pieces(self._of, self._places, others)
        order: array[int] = array("q")
        for place in self._places:
            if place not in self._chunked:
                order.append(place)
                continue
            record = changed.get(place) or self._of[place]
            for at, data in pieces(record):
                order.append(-len(others) - 1)
                others[order[-1]] = place, record._replace(at=at, data=data, chunks=())
        times = [others[each][1].at if each < 0 else self._of.times[each] for each in order]
        if any(map(gt, times, islice(times, 1, None))):
            places = [others[each][0] if each < 0 else each for each in order]
            order = array("q", (order[each] for each in sorted(range(len(order)), key=lambda i: (times[i], places[i]))))
        return _Pieces(self._of, order, others)


class _Pieces(Sequence[Placed]):
    """What is sent, one after the other, each made when it is looked at."""

    def __init__(self, of: _Records, order: Sequence[int], others: dict[int, Placed]) -> None:
        self._of = of
        self._order = order
        """Places of records, or numbers below 0 of what is in `others`."""
        self._others = others
        """What is sent in place of a record, or of a piece of one."""

    def __len__(self) -> int:
        return len(self._order)

    @overload
    def __getitem__(self, index: int) -> Placed: ...

    @overload
    def __getitem__(self, index: slice) -> list[Placed]: ...

    def __getitem__(self, index: int | slice) -> Placed | list[Placed]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        place = self._order[index]
        return self._others.get(place) or (place, self._of[place])


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


class RecordedConnection:
    """A connection, and what the server sent on it because of it alone."""

    def __init__(
        self, opened: float, greeting: Following, events: Following, actions: Callable[[], Iterable[RecordedAction]]
    ) -> None:
        self.opened = opened
        self.greeting = greeting
        self.events = events
        self._actions = actions

    @cached_property
    def actions(self) -> list[RecordedAction]:
        """The actions on it, in order; made when they are first looked at, which a greeting does not need."""
        return list(self._actions())


def recorded_connections(recorded: Iterable[Record] | StoredRecords) -> dict[int, RecordedConnection]:
    """The connections, in the order in which they were opened."""
    of = recorded if isinstance(recorded, LoadedRecords | StoredRecords) else LoadedRecords(recorded)
    opened: dict[int, float] = {}
    asked: dict[int, list[int]] = defaultdict(list)
    following: dict[int, array[int]] = {each.cause or 0: array("Q") for each in of.heads if _is_action(each)}
    endings: dict[int, array[int]] = defaultdict(lambda: array("Q"))
    unasked: dict[int, array[int]] = defaultdict(lambda: array("Q"))
    ended = set()
    last: tuple[Head | Record | None, array[int]] = None, array("Q")
    for place, head in enumerate(of.heads):
        if head is last[0]:
            last[1].append(place)  # it follows from the same
            continue
        number, cause = head.connection, head.cause
        if number not in opened:
            opened[number] = of.times[place]
        if head.direction == ">":
            if head.kind != "data":
                ended.add(number)
            elif _is_action(head):
                asked[number].append(place)
        elif head.direction == "<" and cause in following:
            last = head, (following if head.kind == "data" else endings)[cause]
            last[1].append(place)
        elif head.direction == "<" and head.kind != "data" and number not in ended and asked[number]:
            endings[of.heads[asked[number][-1]].cause or 0].append(place)
        elif head.direction == "<" and (head.kind == "data" or number not in ended):
            unasked[number].append(place)
    return {
        number: RecordedConnection(
            at,
            Following(of, unasked[number][:1]),
            Following(of, unasked[number][1:]),
            partial(map, partial(_recorded_action, of, following, endings), asked[number]),
        )
        for number, at in opened.items()
        if number
    }


def _is_action(head: Head | Record) -> bool:
    return head.direction == ">" and head.cause is not None and head.kind == "data"


def _recorded_action(
    of: _Records, following: dict[int, "array[int]"], endings: dict[int, "array[int]"], place: int
) -> RecordedAction:
    """An action, with what follows from it told apart."""
    record = of[place]
    action = read_action(record.data)
    places = following[record.cause or 0]
    answer = _answer(of, places, action.action_id)
    return RecordedAction(
        record,
        action,
        next((each for each in answer.values() if not isinstance(each, Event)), Message(b"")),
        Following(of, array("Q", answer), action.action_id, is_answer=True),
        Following(of, array("Q", [each for each in places if each not in answer]), action.action_id),
        Following(of, endings[record.cause or 0]),
    )


def _answer(of: _Records, following: Iterable[int], action_id: str) -> dict[int, Message]:
    """The messages of the response, and of the list that it begins, by their places; the others are events."""
    answer: dict[int, Message] = {}
    is_listing = False
    for place in following:
        if not is_listing and of.unasked[place]:
            continue
        message = parse(of[place].data)
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
