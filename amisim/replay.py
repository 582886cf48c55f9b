"""Replay: a recording as a server. It answers by cause, not by position.

Each recorded action owns what followed from it. When a client sends an action like it, that is sent again,
as long after the action as it was then (divided by the speed; at speed 0 at once), with the client's
ActionID in place of the recorded one. Each recorded action answers once for each client.

A client plays one of the recorded connections: the first that no other plays, until it sends what only another has;
then it plays that. Clients that played it, but have sent nothing yet that says so, make room for it. When all are
taken, they are given out again from the beginning, fresh.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from amisim.action import ClientAction
from amisim.history import ROOM, History
from amisim.match import differences, matches, nearness
from amisim.playback import Playback, Track
from amisim.recorded import Placed, RecordedAction, RecordedConnection, recorded_connections
from amisim.recording import Recording, RecordingError

__all__ = ["Miss", "Replay", "ReplayConnection"]


class Miss(NamedTuple):
    """An action that the recording has no answer to."""

    action: ClientAction
    report: str
    """What arrived, the nearest recorded action, and why it is not that one, in one line."""


class Replay:
    """A recording that any number of clients are played."""

    def __init__(self, recording: Recording, name: str, speed: float = 0, room: int = ROOM) -> None:
        self.name = name
        self.speed = speed
        self.misses: History[Miss] = History(room, lambda miss: len(miss.action.frame) + len(miss.report))
        """Of very many the last ones: those that take `room` bytes."""
        self._connections = recorded_connections(recording.records)
        if not self._connections:
            raise RecordingError(name, 0, "there is no connection in it to replay")
        self._free: list[int] = []
        self._players: defaultdict[int, list[ReplayConnection]] = defaultdict(list)

    def connect(self, playback: Playback, now: float, turned: Callable[[], object]) -> "ReplayConnection":
        """A client connected, and is played something by `playback`; `turned` is called when it is to play another."""
        self._free = self._free or list(self._connections)
        player = ReplayConnection(self, self._free.pop(0), playback, now, turned)
        self._players[player.number].append(player)
        return player

    def exchange(self, player: "ReplayConnection", sent: list[ClientAction], now: float) -> int:
        """Another connection, on which all that a client has sent was sent; 0 if there is none to be had.

        One that nobody plays; or one whose client could as well play another, and does so from now on.
        """
        for mover, number in self._moves(player, sent):
            self._players[mover.number].remove(mover)
            self._players[number].append(mover)
            if number in self._free:
                self._free[self._free.index(number)] = player.number
                self._free.sort(key=list(self._connections).index)
            if mover is player:
                return number
            mover.turn_to(number, now)
        return 0

    def _moves(self, player: "ReplayConnection", sent: list[ClientAction]) -> "list[tuple[ReplayConnection, int]]":
        """Who is to play which connection, that one may play another: as few as possible, who makes room first."""
        movers: dict[int, ReplayConnection] = {}
        todo = deque([(player, sent)])
        while todo:
            mover, its = todo.popleft()
            for number, connection in self._connections.items():
                if number in movers or number == mover.number or not _all_sent(connection.actions, its):
                    continue
                movers[number] = mover
                if number in self._free or number == player.number:
                    moves = [(mover, number)]
                    while mover is not player:
                        number, mover = mover.number, movers[mover.number]
                        moves.append((mover, number))
                    return moves
                todo.extend((other, other.sent) for other in self._players[number])
        return []

    def script(self, number: int) -> RecordedConnection:
        """What was recorded of a connection."""
        return self._connections[number]

    def nearest(self, number: int, action: ClientAction) -> tuple[int, RecordedAction] | None:
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


class _Played(NamedTuple):
    """What a client sent that was recorded, or stands for a login that was."""

    action: ClientAction
    at: float
    stands_in: bool
    track: Track
    """What follows from it."""


class ReplayConnection:
    """What one client is played."""

    def __init__(
        self, replay: Replay, number: int, playback: Playback, now: float, turned: Callable[[], object]
    ) -> None:
        self.number = number
        self._replay = replay
        self._playback = playback
        self._turned = turned
        self._opened = now
        self._used: dict[int, float] = {}
        self._played: list[_Played] = []  # at most what was recorded
        script = replay.script(number)
        self._unasked = playback.follow(
            script.opened, now, now, answer=script.greeting.pieces(""), events=script.events.pieces("")
        )

    def respond(self, action: ClientAction, arrived: float, now: float) -> RecordedAction | None:
        """Answer an action, from `now` on, as one like it was answered; None where nothing of the kind was recorded."""
        found = self._find(action)
        if found is None and (other := self._replay.exchange(self, [*self.sent, action], now)):
            self._play_instead(other, now)
            found = self._find(action)
        if found is not None:
            self._follow(found, action, arrived, now, answer=found.answer.pieces(action.action_id))
        return found

    def stand_in(self, action: ClientAction, now: float) -> None:
        """A client logged in as was not recorded: play what followed from the recorded login, but its answer."""
        login = self._login_to_stand_in_for()
        if login is not None:
            self._follow(login, action, now, now, stands_in=True)

    @property
    def sent(self) -> list[ClientAction]:
        """What the client has sent and was answered."""
        return [each.action for each in self._played if not each.stands_in]

    def turn_to(self, other: int, now: float) -> None:
        """Play another connection from now on, on which the same was sent so far."""
        self._play_instead(other, now)
        self._turned()

    def _play_instead(self, other: int, now: float) -> None:
        """Turn to another connection; what follows there from what the client has sent, but for what it has had."""
        self.number = other
        self._used.clear()
        self._playback.drop()
        script = self._replay.script(other)
        self._unasked = self._playback.follow(
            script.opened, self._opened, now, events=script.events.pieces(""), instead_of=self._unasked
        )
        before, self._played = self._played, []
        for action, at, stands_in, track in before:
            found = self._login_to_stand_in_for() if stands_in else self._find(action)
            if found is not None:
                self._follow(found, action, at, now, stands_in=stands_in, instead_of=track)

    def _follow(
        self,
        each: RecordedAction,
        action: ClientAction,
        at: float,
        now: float,
        *,
        answer: Sequence[Placed] = (),
        stands_in: bool = False,
        instead_of: Track | None = None,
    ) -> None:
        """Play what follows from an action that came at a time."""
        self._used[each.record.cause or 0] = at
        events, ends = each.events.pieces(action.action_id), each.ends.pieces("")
        track = self._playback.follow(
            each.record.at, at, now, answer=answer, events=events, ends=ends, instead_of=instead_of
        )
        self._played.append(_Played(action, at, stands_in, track))

    def _login_to_stand_in_for(self) -> RecordedAction | None:
        logins = (each for each in self._replay.script(self.number).actions if each.is_accepted_login)
        return next((each for each in logins if each.record.cause not in self._used), None)

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
        self._replay.misses.add(miss)
        return miss

    def _why_not(self, owner: int, each: RecordedAction, action: ClientAction) -> str:
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

    def _find(self, action: ClientAction) -> RecordedAction | None:
        return _first_like(action, [each for each in self._eligible() if each.record.cause not in self._used])

    def _eligible(self) -> list[RecordedAction]:
        """The actions that can be answered now: what was sent after the login needs a login."""
        actions = self._replay.script(self.number).actions
        logins = [each for each in actions if each.is_accepted_login]
        if not logins or any(each.record.cause in self._used for each in logins):
            return actions
        return actions[: actions.index(logins[0]) + 1]


def _first_like(action: ClientAction, recorded: list[RecordedAction]) -> RecordedAction | None:
    """The first of recorded actions that is like one that arrived; of a login, that of the same user will do."""
    found = next((each for each in recorded if matches(each.action, action)), None)
    if found is None and action.name.lower() == "login":
        user = action.get("Username").lower()
        logins = (each for each in recorded if each.action.name.lower() == "login")
        return next((each for each in logins if each.action.get("Username").lower() == user), None)
    return found


def _all_sent(actions: list[RecordedAction], sent: list[ClientAction]) -> bool:
    """Whether every one of some actions was recorded, each for itself."""
    left = list(actions)
    for action in sent:
        found = _first_like(action, left)
        if found is None:
            return False
        left.remove(found)
    return True
