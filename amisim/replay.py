"""Replay: a recording as a server. It answers by cause, not by position.

Each recorded action owns what followed from it. When a client sends an action like it, that is sent again,
as long after the action as it was then (divided by the speed; at speed 0 at once), with the client's
ActionID in place of the recorded one. Each recorded action answers once for each client.

A client plays one of the recorded connections: the first that no other plays, until it sends what only another has;
then it plays that, and a client that played it, but has sent nothing yet that says so, plays this one. When all are
taken, they are given out again from the beginning, fresh.
"""

import re
from typing import NamedTuple

from ami.catalogue import Event, ends_list, parse
from ami.message import KEY_RESPONSE, SUCCESSES
from ami.wire import encode
from amisim.action import ClientAction, read_action
from amisim.causes import is_unasked
from amisim.match import differences, matches, nearness
from amisim.recording import Record, Recording, RecordingError, pieces, splice
from amisim.steps import Close, Send, Timed

__all__ = ["Miss", "Replay", "ReplayConnection"]

_Placed = tuple[int, Record]
"""A record, and its place in the recording."""


class _RecordedAction(NamedTuple):
    record: Record
    action: ClientAction
    following: list[_Placed]
    accepted: bool
    """Whether its response says so; a login that does lets the traffic begin that follows from it."""


class Miss(NamedTuple):
    """An action that the recording has no answer to."""

    action: ClientAction
    report: str
    """What arrived, the nearest recorded action, and why it is not that one, in one line."""


class Replay:
    """A recording that any number of clients are played."""

    def __init__(self, recording: Recording, name: str, speed: float = 0) -> None:
        self.name = name
        self.speed = speed
        self.misses: list[Miss] = []
        self._connections = _by_connection(recording.records)
        if not self._connections:
            raise RecordingError(name, 0, "there is no connection in it to replay")
        self._free: list[int] = []
        self._players: dict[int, ReplayConnection] = {}

    def connect(self, now: float) -> "ReplayConnection":
        """A client connected; what it will be played."""
        self._free = self._free or list(self._connections)
        player = ReplayConnection(self, self._free.pop(0), now)
        self._players[player.number] = player
        return player

    def exchange(self, player: "ReplayConnection", sent: list[ClientAction]) -> int:
        """Another connection, on which all that a client has sent was sent; 0 if there is none to be had.

        One that nobody plays; or one whose client could as well play this client's, and does so from now on.
        """
        mine = player.number
        for number in [*self._free, *(number for number in self._players if number != mine)]:
            if not _all_sent(self._connections[number].actions, sent):
                continue
            if number in self._free:
                self._free[self._free.index(number)] = mine
                self._free.sort(key=list(self._connections).index)
            elif _all_sent(self._connections[mine].actions, self._players[number].sent):
                self._players[mine] = self._players[number]
                self._players[mine].turn_to(mine)
            else:
                continue
            self._players[number] = player
            return number
        return 0

    def script(self, number: int) -> "_RecordedConnection":
        """What was recorded of a connection."""
        return self._connections[number]

    def nearest(self, number: int, action: ClientAction) -> tuple[int, _RecordedAction] | None:
        """The recorded action that is most like one that arrived, and its connection; this connection's come first."""
        candidates = [
            (nearness(each.action, action), owner == number, owner, each)
            for owner, connection in self._connections.items()
            for each in connection.actions
            if each.action.name
        ]
        if not candidates:
            return None
        _, _, owner, each = max(candidates, key=lambda candidate: candidate[:2])
        return owner, each


class _RecordedConnection(NamedTuple):
    opened: float
    actions: list[_RecordedAction]
    unasked: list[_Placed]
    """What the server sends because of the connection alone, the greeting first."""


class ReplayConnection:
    """What one client is played."""

    def __init__(self, replay: Replay, number: int, now: float) -> None:
        self.number = number
        self._replay = replay
        self._opened = now
        self._used: dict[int, float] = {}
        self._sent: list[tuple[ClientAction, float]] = []  # what was answered
        self._turned: list[Timed] | None = None
        self._busy_until = now
        self._stood_in = False  # a login that was not recorded

    def opened(self) -> list[Timed]:
        """What comes without being asked for."""
        script = self._replay.script(self.number)
        greeting = {place for place, _ in script.unasked[:1]}
        return self._schedule(script.unasked, script.opened, self._opened, greeting)

    def respond(self, action: ClientAction, now: float) -> list[Timed] | None:
        """What follows from an action, or None where nothing of the kind was recorded.

        When `number` has changed with it, nothing is to be left of what was to come unasked.
        """
        found = self._find(action)
        others: list[Timed] = []
        if found is None and (other := self._replay.exchange(self, [*self.sent, action])):
            others = [timed for timed in self._play_instead(other) if timed.due > now]
            found = self._find(action)
        if found is None:
            return None
        self._sent.append((action, now))
        return others + self._follow(found, action, now)

    @property
    def sent(self) -> list[ClientAction]:
        """What the client has sent and was answered."""
        return [action for action, _ in self._sent]

    def turn_to(self, other: int) -> None:
        """Play another connection from now on, on which the same was sent so far."""
        self._turned = self._play_instead(other)

    def turned(self, now: float) -> list[Timed] | None:
        """After `turn_to`, once: what is to be played instead of all that was to come; otherwise None."""
        turned, self._turned = self._turned, None
        return None if turned is None else [timed for timed in turned if timed.due > now]

    def _play_instead(self, other: int) -> list[Timed]:
        """Turn to another connection; what follows there from what the client has sent, but for what it has had."""
        self.number = other
        self._used.clear()
        steps = self.opened()[1:]  # without the greeting
        for action, at in self._sent:
            found = self._find(action)
            if found is not None:
                steps += [timed for timed in self._follow(found, action, at) if not timed.asked_for]
        return steps

    def stand_in(self, action: ClientAction, now: float) -> list[Timed]:
        """A client logged in otherwise than was recorded: what followed from the recorded login, without its answer."""
        self._stood_in = True
        for each in self._replay.script(self.number).actions:
            if each.accepted and each.action.name.lower() == "login" and each.record.cause not in self._used:
                steps = self._follow(each._replace(following=each.following[1:]), action, now)
                return steps
        return []

    def miss(self, action: ClientAction) -> Miss:
        """Say that there is no answer to an action, and which recorded one is nearest."""
        headers = ", ".join(f"{key}: {value}" for key, value in action.headers)
        report = f"no recorded answer to {action.name or 'a frame without Action'}" + (
            f" ({headers})" if headers else ""
        )
        nearest = self._replay.nearest(self.number, action)
        if nearest is not None:
            owner, each = nearest
            number, line = each.record.cause, each.record.line
            where = f"action {number} of connection {owner}" + (f", line {line}" if line else "")
            report += f"; nearest in {self._replay.name} is {where}: {self._why_not(owner, each, action)}"
        miss = Miss(action, report)
        self._replay.misses.append(miss)
        return miss

    def _why_not(self, owner: int, each: _RecordedAction, action: ClientAction) -> str:
        if different := differences(each.action, action):
            return "; ".join(different)
        if owner != self.number:
            return f"the same, but this client plays connection {self.number}"
        used = self._used.get(each.record.cause or 0)
        return (
            "the same, but not before its login"
            if used is None
            else f"the same, but it was used already, at {used:.3f} s"
        )

    def _find(self, action: ClientAction) -> _RecordedAction | None:
        unused = [each for each in self._eligible() if each.record.cause not in self._used]
        exact = next((each for each in unused if matches(each.action, action)), None)
        if exact is None and action.name.lower() == "login":
            user = action.get("Username").lower()
            logins = (each for each in unused if each.action.name.lower() == "login")
            return next((each for each in logins if each.action.get("Username").lower() == user), None)
        return exact

    def _eligible(self) -> list[_RecordedAction]:
        """The actions that can be answered now: what was sent after the login needs a login."""
        actions = self._replay.script(self.number).actions
        logins = [each for each in actions if each.accepted and each.action.name.lower() == "login"]
        if not logins or self._stood_in or any(each.record.cause in self._used for each in logins):
            return actions
        return actions[: actions.index(logins[0]) + 1]

    def _follow(self, each: _RecordedAction, action: ClientAction, now: float) -> list[Timed]:
        self._used[each.record.cause or 0] = now
        old, new = each.action.action_id, action.action_id
        following = [(place, _with_action_id(record, old, new)) for place, record in each.following]
        answers = _answers(following, new)
        # An answer does not begin before the one before it has ended.
        earliest = self._busy_until
        closes = {place for place, record in following if record.kind != "data"}
        steps = [
            timed._replace(due=max(timed.due, earliest)) if timed.order in answers else timed
            for timed in self._schedule(following, each.record.at, now, answers | closes)
        ]
        self._busy_until = max([earliest, *(timed.due for timed in steps if timed.order in answers)])
        return steps

    def answered_at(self) -> float:
        """When the last answer so far has been sent."""
        return self._busy_until

    def _due(self, at: float, since: float, start: float) -> float:
        # Rounded, so that what was at one time is at one time again.
        return round(start + (at - since) / self._replay.speed, 6) if self._replay.speed else start

    def _schedule(self, records: list[_Placed], since: float, start: float, asked_for: set[int]) -> list[Timed]:
        steps = []
        for order, record in records:
            if record.kind != "data":
                step = Close("eof" if record.kind == "eof" else "reset")
                steps.append(Timed(self._due(record.at, since, start), order, step, None, order in asked_for))
            for at, data in pieces(record) if record.chunks else [(record.at, record.data)]:
                steps.append(Timed(self._due(at, since, start), order, Send(data), at, order in asked_for))
        return steps


def _all_sent(actions: list[_RecordedAction], sent: list[ClientAction]) -> bool:
    """Whether every one of some actions was recorded, each for itself."""
    left = list(actions)
    for action in sent:
        found = next((each for each in left if matches(each.action, action)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _by_connection(records: list[Record]) -> dict[int, _RecordedConnection]:
    """The recorded connections, in the order in which they were opened."""
    connections: dict[int, _RecordedConnection] = {}
    actions: dict[int, _RecordedAction] = {}
    ended = set()
    for place, record in enumerate(records):
        if record.connection not in connections:
            connections[record.connection] = _RecordedConnection(record.at, [], [])
        own = connections[record.connection]
        if record.direction == ">":
            if record.kind != "data":
                ended.add(record.connection)
            elif record.cause is not None:
                each = actions[record.cause] = _RecordedAction(record, read_action(record.data), [], False)
                own.actions.append(each)
        elif record.direction == "<" and record.cause is not None and record.cause in actions:
            actions[record.cause].following.append((place, record))
        elif record.direction == "<" and not (record.kind != "data" and record.connection in ended):
            own.unasked.append((place, record))
    connections.pop(0, None)
    for own in connections.values():
        own.actions[:] = [each._replace(accepted=_accepted(each)) for each in own.actions]
    return connections


def _accepted(each: _RecordedAction) -> bool:
    return bool(each.following) and parse(each.following[0][1].data).get(KEY_RESPONSE) in SUCCESSES


def _answers(following: list[_Placed], action_id: str) -> set[int]:
    """Which records are of the response or the list that an action is answered with; the rest are events."""
    places = set()
    listing = False
    for place, record in following:
        if record.kind != "data" or (not listing and is_unasked(record.data)):
            continue
        message = parse(record.data)
        own = (message.action_id or "") == action_id
        plain = "Privilege" not in message
        if not isinstance(message, Event):
            places.add(place)
            listing = message.get("EventList", "").lower() == "start"
        elif (own or plain) if listing else (own and plain and action_id):
            # Some items of lists have a Privilege, and some have no ActionID.
            places.add(place)
            listing = listing and not ends_list(message)
    return places


def _with_action_id(record: Record, old: str, new: str) -> Record:
    """A record with the client's ActionID in place of the recorded one."""
    if old == new or record.kind != "data":
        return record
    data = record.data
    if old:
        line = re.search(rb"^(ActionID:[ \t]*)" + re.escape(encode(old)) + rb"\r\n", data, re.MULTILINE | re.IGNORECASE)
        if line is None:
            return record
        return splice(record, *line.span(), line[1] + encode(new) + b"\r\n" if new else b"")
    if data.startswith(b"Response:"):
        second = data.index(b"\r\n") + 2
        return splice(record, second, second, b"ActionID: " + encode(new) + b"\r\n")
    return record
