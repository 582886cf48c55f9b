"""Replay: a recording as a server. It answers by cause, not by position.

Each recorded action owns what followed from it. When a client sends an action like it, that is sent again,
as long after the action as it was then (divided by the speed; at speed 0 at once), with the client's
ActionID in place of the recorded one. Each recorded action answers once for each client.

A client plays one of the recorded connections: the first that no other plays, until it sends what only another has;
then it plays that. Clients that played it, but have sent nothing yet that says so, make room for it. When all are
taken, they are given out again from the beginning, fresh.
"""

import difflib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Literal, NamedTuple, get_args

from ami.secrets import without_secrets
from amisim.action import ClientAction
from amisim.bound import Bound
from amisim.history import ROOM, History
from amisim.match import Compared, Comparison, compare, cut, differences, nearness
from amisim.playback import Playback, Track
from amisim.recorded import Placed, RecordedAction, RecordedConnection, recorded_connections
from amisim.recording import CUT_SHORT, Recording, RecordingError
from amisim.significant import AS_WRITTEN, Rules
from amisim.steps import Close, Message
from amisim.stored import LoadedRecords, StoredRecords

__all__ = ["UNEXPECTED", "Miss", "Replay", "ReplayConnection", "Unexpected"]

Unexpected = Literal["error", "asterisk", "ignore", "close"]
"""What becomes of an action that was not recorded: an error says so, Asterisk's own answer comes, none does, or the
connection is closed."""

UNEXPECTED: tuple[Unexpected, ...] = get_args(Unexpected)

_NEAREST = 3
"""How many recorded actions a miss names."""

_NAMES = 10
"""How many names of actions it lists."""


class Miss(NamedTuple):
    """An action that the recording has no answer to."""

    action: ClientAction
    report: str
    """What arrived, the nearest recorded actions, and why it is none of them, in one line."""


class Replay:
    """A recording that any number of clients are played.

    Raises `RecordingError` for a recording without a connection.
    """

    def __init__(
        self,
        recording: Recording | StoredRecords,
        name: str,
        speed: float = 0,
        room: int = ROOM,
        rules: Rules = AS_WRITTEN,
        unexpected: Unexpected = "error",
    ) -> None:
        self.name = name
        self.speed = speed
        self.rules = rules
        self.unexpected = unexpected
        self.misses: History[Miss] = History(room, lambda miss: len(miss.action.frame) + len(miss.report))
        """Of very many the last ones: those that take `room` bytes."""
        self._recording = recording
        self._records = LoadedRecords(recording.records) if isinstance(recording, Recording) else recording
        self.is_known = not self._records.find_more()
        """Whether all of the recording is known, or only so much that the first client can be greeted."""
        self._connections = recorded_connections(self._records)
        self._compared: dict[int, Compared] = {}
        self._free: list[int] = []
        self._bound = Bound()  # of the clients that play the recorded connections once
        self._players: defaultdict[int, list[ReplayConnection]] = defaultdict(list)
        if not any(each.greeting.records for each in islice(self._connections.values(), 1)):
            self.find_all(0)
        if self._records.problem is not None:
            raise self._records.problem
        if not self._connections:
            raise RecordingError(name, 0, "there is no connection in it to replay")

    def find_more(self, now: float) -> bool:
        """Find out about some more of a long recording; return whether there may be others after that.

        When all is known, clients are played what follows from what they have had.
        """
        if self.is_known or self._records.find_more():
            return not self.is_known
        self.is_known = True
        self._connections = recorded_connections(self._records)
        self._free = [each for each in self._connections if not self._players[each]]
        for player in [each for players in self._players.values() for each in players]:
            player.turn_to(player.number, now)
        return False

    def find_all(self, now: float) -> None:
        """Find out about the rest of a long recording."""
        while self.find_more(now):
            pass

    @property
    def mistake(self) -> str:
        """What is wrong with a long recording, from where on it is not served; empty if nothing is, as far as is known.

        In others it is an error to begin with.
        """
        return str(self._records.problem or "")

    @property
    def unserved(self) -> str:
        """Why a part of the recording is not served, a mistake or that it was cut short; empty if all is."""
        line = self._recording.truncated
        return self.mistake or (str(RecordingError(self.name, line, CUT_SHORT)) if line else "")

    def connect(self, playback: Playback, now: float, turned: Callable[[], object]) -> "ReplayConnection":
        """A client connected, and is played something by `playback`; `turned` is called when it is to play another."""
        if any(self._players.values()):
            self.find_all(now)
        if not self._free:
            self._free, self._bound = list(self._connections), Bound()
        playback.bound = self._bound
        player = ReplayConnection(self, self._free.pop(0), playback, now, turned)
        self._players[player.number].append(player)
        return player

    def exchange(self, player: "ReplayConnection", sent: list[Compared], now: float) -> int:
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

    def _moves(self, player: "ReplayConnection", sent: list[Compared]) -> "list[tuple[ReplayConnection, int]]":
        """Who is to play which connection, that one may play another: as few as possible, who makes room first."""
        movers: dict[int, ReplayConnection] = {}
        todo = deque([(player, sent)])
        while todo:
            mover, its = todo.popleft()
            for number in self._connections:
                if number in movers or number == mover.number or not self._all_sent(number, its, mover.bound_by_others):
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

    def _all_sent(self, number: int, sent: list[Compared], bound: Bound) -> bool:
        """Whether every one of some actions was recorded on a connection, each for itself."""
        left = list(self._connections[number].actions)
        for action in sent:
            found = self.find(left, action, bound)
            if found is None:
                return False
            left.remove(found[0])
            bound.add(dict(found[1].chosen))
        return True

    def find(
        self, actions: Iterable[RecordedAction], arrived: Compared, bound: Bound
    ) -> tuple[RecordedAction, Comparison] | None:
        """Of recorded actions the one that arrived; one with other ids only if there is none with the same.

        Of a login that of the same user will do.
        """
        candidates = [(each, self.compared(each)) for each in actions]
        for each, expected in candidates:
            if expected.forms == arrived.forms and expected.name == arrived.name:
                return each, Comparison()
        other = None
        for each, expected in candidates:
            if expected.name != arrived.name or expected.keys != arrived.keys:
                continue
            comparison = compare(expected, arrived, bound)
            if not comparison.differing:
                if not comparison.chosen:
                    return each, comparison
                other = other or (each, comparison)
        if other is None and arrived.name == "login":
            user = arrived.action.get("Username").lower()
            logins = (each for each, expected in candidates if expected.name == "login")
            same = next((each for each in logins if each.action.get("Username").lower() == user), None)
            other = same and (same, Comparison())
        return other

    def compared(self, each: RecordedAction) -> Compared:
        """A recorded action, as it is compared."""
        number = each.record.cause or 0
        found = self._compared.get(number)
        if found is None:
            found = self._compared[number] = Compared(each.action, self.rules)
        return found

    def script(self, number: int) -> RecordedConnection:
        """What was recorded of a connection."""
        return self._connections[number]

    def nearest(self, number: int, arrived: Compared) -> list[tuple[int, RecordedAction]]:
        """Recorded actions that are like one that arrived, and their connections.

        The most like ones come first, and of these the connection's own. They have its name; or, where none has, a name
        that is like it.
        """
        everywhere = [(owner, each) for owner, script in self._connections.items() for each in script.actions]
        names = {each.action.name.lower() for _, each in everywhere}
        near = [arrived.name] if arrived.name in names else difflib.get_close_matches(arrived.name, names)
        candidates = [(owner, each) for owner, each in everywhere if each.action.name.lower() in near]
        return sorted(
            candidates,
            key=lambda candidate: (nearness(self.compared(candidate[1]), arrived), candidate[0] == number),
            reverse=True,
        )

    @cached_property
    def makers(self) -> dict[str, int]:
        """The number of the action with which a client has made up an id, by that id."""
        actions = [each for script in self._connections.values() for each in script.actions]
        return {
            header.own: each.record.cause or 0
            for each in reversed(actions)
            for header in self.compared(each).headers
            if header.own
        }

    @property
    def names(self) -> list[str]:
        """The names of the recorded actions, in order, each once."""
        named = (each.action.name for script in self._connections.values() for each in script.actions)
        return list(dict.fromkeys(name for name in named if name))


class _Played(NamedTuple):
    """What a client sent that was recorded, or stands for a login that was."""

    action: Compared
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
        self._chosen: dict[str, str] = {}  # the ids that it has made up, by the recorded ones
        script = replay.script(number)
        self._unasked = playback.follow(
            script.opened, now, now,
            answer=list(script.greeting.pieces("")), events=script.events.pieces("") if replay.is_known else (),
        )  # fmt: skip

    def respond(self, action: ClientAction, arrived: float, now: float) -> RecordedAction | None:
        """Answer an action, from `now` on, as one like it was answered; None where nothing of the kind was recorded."""
        self._replay.find_all(now)
        compared = Compared(action, self._replay.rules)
        found = self._find(compared)
        if found is None and (other := self._replay.exchange(self, [*self.sent, compared], now)):
            self._play_instead(other, now)
            found = self._find(compared)
        if found is not None:
            self._follow(found, compared, arrived, now, answer=found.answer.pieces(action.action_id))
        return found

    def stand_in(self, action: ClientAction, now: float) -> None:
        """A client logged in as was not recorded: play what followed from the recorded login, but its answer."""
        self._replay.find_all(now)
        login = self._login_to_stand_in_for()
        if login is not None:
            self._follow(login, Compared(action, self._replay.rules), now, now, stands_in=True)

    @property
    def sent(self) -> list[Compared]:
        """What the client has sent and was answered."""
        return [each.action for each in self._played if not each.stands_in]

    @property
    def bound_by_others(self) -> Bound:
        """The ids that other clients have made up, who play the same as this one."""
        return self._playback.bound.without(self._chosen)

    def turn_to(self, other: int, now: float) -> None:
        """Play another connection from now on, on which the same was sent so far."""
        self._play_instead(other, now)
        self._turned()

    def _play_instead(self, other: int, now: float) -> None:
        """Turn to another connection; what follows there from what the client has sent, but for what it has had."""
        self.number = other
        self._used.clear()
        self._playback.bound.remove(self._chosen)
        self._chosen.clear()
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
        action: Compared,
        at: float,
        now: float,
        *,
        answer: Sequence[Placed] = (),
        stands_in: bool = False,
        instead_of: Track | None = None,
    ) -> None:
        """Play what follows from an action that came at a time."""
        self._used[each.record.cause or 0] = at
        events, ends = each.events.pieces(action.action.action_id), each.ends.pieces("")
        track = self._playback.follow(
            each.record.at, at, now, answer=answer, events=events, ends=ends, instead_of=instead_of
        )
        self._played.append(_Played(action, at, stands_in, track))

    def _login_to_stand_in_for(self) -> RecordedAction | None:
        logins = (each for each in self._replay.script(self.number).actions if each.is_accepted_login)
        return next((each for each in logins if each.record.cause not in self._used), None)

    def _find(self, arrived: Compared) -> RecordedAction | None:
        """The recorded action that is answered now; its ids are the client's from now on."""
        unused = [each for each in self._eligible() if each.record.cause not in self._used]
        found = self._replay.find(unused, arrived, self._playback.bound)
        if found is not None:
            each, comparison = found
            if comparison.chosen:
                self._chosen.update(comparison.chosen)
                self._playback.bound.add(dict(comparison.chosen))
            return each
        return None

    def _eligible(self) -> list[RecordedAction]:
        """The actions that can be answered now: what was sent after the login needs a login."""
        actions = self._replay.script(self.number).actions
        logins = [each for each in actions if each.is_accepted_login]
        if not logins or any(each.record.cause in self._used for each in logins):
            return actions
        return actions[: actions.index(logins[0]) + 1]

    # What was not recorded

    def refuse(self, action: ClientAction) -> list[Message | Close] | None:
        """The steps in place of a recorded answer, as `unexpected` says; None to answer as Asterisk would."""
        unexpected = self._replay.unexpected
        if unexpected == "asterisk":
            return None
        miss = Miss(action, self._report(Compared(action, self._replay.rules)))
        self._replay.misses.add(miss)
        error = Message("response", (("Response", "Error"), ("Message", f"amisim: {miss.report}")))
        steps: dict[str, list[Message | Close]] = {"error": [error], "ignore": [], "close": [Close()]}
        return steps[unexpected]

    def _report(self, arrived: Compared) -> str:
        """What arrived, and what was recorded that is like it, each with why it is not that."""
        replay = self._replay
        nearest = replay.nearest(self.number, arrived)
        reasons: dict[str, str] = {}
        for owner, each in nearest:
            line = f", line {each.record.line}" if each.record.line else ""
            where = f"action {each.record.cause} of connection {owner}{line}"
            reasons.setdefault(self._why_not(owner, each, arrived), where)
            if len(reasons) == _NEAREST:
                break
        found = [f"{where}: {why}" for why, where in reasons.items()]
        report = f"no recorded answer to {_told(arrived.action)}"
        if found:
            return f"{report}; nearest in {replay.name} is {'; then '.join(found)}"
        names = replay.names
        return f"{report}; {replay.name} has {'only ' + _listed(names) if names else 'no actions'}"

    def _why_not(self, owner: int, each: RecordedAction, arrived: Compared) -> str:
        expected, used = self._replay.compared(each), self._used.get(each.record.cause or 0)
        is_another = used is None or expected.name != arrived.name or compare(expected, arrived, Bound()).differing
        if is_another and (different := differences(expected, arrived, self._playback.bound)):
            return "; ".join([*different, *self._not_yet(expected, arrived)])
        if owner != self.number:
            return f"the same, but this client plays connection {self.number}"
        if used is None:
            return "the same, but not before its login"
        return f"the same, but it was used already, at {used:.3f} s"

    def _not_yet(self, expected: Compared, arrived: Compared) -> Iterator[str]:
        """Which ids an action lacks, because what they are made up for has not been sent."""
        makers = self._replay.makers
        for each in expected.headers:
            maker = makers.get(each.value)
            if maker and not each.own and maker not in self._used and each.value not in arrived.values(each.key):
                yield f"{each.value!r} is of action {maker}, which has not been sent"


def _told(action: ClientAction) -> str:
    """An action in words, without its secrets."""
    headers = without_secrets([("Action", action.name), *action.headers])[1:]
    told = ", ".join(f"{key}: {cut(value) if value.isprintable() else repr(cut(value))}" for key, value in headers)
    return f"{action.name or 'a frame without Action'}" + (f" ({told})" if told else "")


def _listed(names: list[str]) -> str:
    if len(names) > _NAMES:
        return f"{', '.join(names[:_NAMES])} and {len(names) - _NAMES} others"
    return " and ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])
