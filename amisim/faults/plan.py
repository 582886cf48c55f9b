"""The stage: what a server wants to send goes through the faults of a plan, and comes out in chunks, in time.

A frame goes through the faults in their order, so that one may work on what another has made of it. No socket, thread,
clock or randomness is in here: what is random follows from the seed, and the same input gives the same bytes.
"""

import hashlib
import heapq
import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ami.catalogue import Event, ends_list, parse
from amisim.action import ClientAction
from amisim.causes import Causes
from amisim.faults.fault import Fault, FaultError
from amisim.faults.fault import parse as parse_fault
from amisim.faults.frame import FOR_EVER, Fate, Frame, Kind, Later
from amisim.steps import Close, How, Wait

__all__ = ["FaultPlan", "Hit", "Line", "parsed"]

_PATIENCE = 1.0
"""Seconds that a fault which gathers frames waits for the last of them; then they come as they are."""


_REMEMBERED = 10_000
"""Of how many actions it is known at least what was decided for them."""


class Hit(NamedTuple):
    """A fault has hit."""

    at: float
    connection: int
    fault: Fault
    frame: str
    """What it hit: `event QueueMember`."""

    def __str__(self) -> str:
        return f"fault: {self.fault}"


class _Stage:
    """A fault of a plan, and how often it came to it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.count = 0
        self.hits = 0


class FaultPlan:
    """Faults, as such or as text, for the connections of a server. Raises `FaultError` for a text that is none.

    It may take the place of another, `before`, for those that connect from then on.
    """

    def __init__(self, faults: Iterable[Fault | str] = (), seed: int = 0, before: "FaultPlan | None" = None) -> None:
        self.hits: list[Hit] = []
        """What was hit, until somebody takes it."""
        self._seed = seed
        self._before = before
        self._stages = [_Stage(each) for each in parsed(faults)]
        self._of_actions: list[_Stage] = []  # faults that came with actions
        self._began: float | None = None

    def take_hits(self) -> list[Hit]:
        """What was hit since the last call."""
        hits, self.hits = self.hits, []
        return hits

    @property
    def unused(self) -> list[Fault]:
        """The faults that have hit nothing so far, nor in the plan whose place this one took."""
        before = [] if self._before is None else self._before._used
        return [each.fault for each in self._all_stages if not each.hits and each.fault not in before]

    @property
    def _used(self) -> list[Fault]:
        used = [each.fault for each in self._all_stages if each.hits]
        return used if self._before is None else [*used, *self._before._used]

    @property
    def _all_stages(self) -> list[_Stage]:
        return [*self._stages, *self._of_actions]

    def connect(self, number: int, now: float) -> "Line":
        """A connection opens; its number is any that no other has."""
        self._began = now if self._began is None else self._began
        return Line(self, number, now)

    def _stage(self, fault: Fault) -> _Stage:
        """The stage of a fault that came with an action; the same object has one only."""
        stage = next((each for each in self._of_actions if each.fault is fault), None)
        if stage is None:
            self._of_actions.append(stage := _Stage(fault))
        return stage


def parsed(faults: Iterable[Fault | str]) -> list[Fault]:
    """Faults, from such as may be texts. Raises `FaultError` for what is none, and for what is no list."""
    if isinstance(faults, str):
        raise FaultError(f"faults are a list, such as [{faults!r}], and not one text")
    found = [parse_fault(each) if isinstance(each, str) else each for each in faults]
    for each in found:
        if not isinstance(each, Fault):
            raise FaultError(f"{each!r} is no fault: faults.drop('event X') is one, and 'drop event X' is its text")
    return found


class Line:
    """One connection, from the server to the client. Every `now` is in seconds, on a clock that does not go back."""

    def __init__(self, plan: FaultPlan, number: int, now: float) -> None:
        self.closing: Close | None = None
        """Set when the connection is to be closed, after the chunks that are there by then."""
        self.has_refused_login = False
        """Set when an error has taken the place of a login's success: nobody is logged in then."""
        self._plan = plan
        self._number = number
        self._stages = list(plan._stages)
        self._within: dict[_Stage, set[int]] = {}  # faults that came with actions: of which ones
        self._causes = Causes()
        self._asked = 0
        self._greeted = False
        self._decided: dict[tuple[_Stage, int], bool] = {}  # what an answer was decided to be, as a whole
        self._gathered: dict[_Stage, list[Frame]] = {}
        self._aside: list[tuple[float, int, list[Frame], int]] = []
        self._order = itertools.count()
        self._queue: deque[tuple[float, bytes | Close]] = deque()
        self._free = now  # when what is queued last will have been sent
        self._over = False
        self._sent = 0
        self._draws = 0
        self._chunks: list[bytes] = []
        if self._stages:
            self._run([Frame(b"", "connection")], 0, now)
            self.handle_timer(now)

    @property
    def has_faults(self) -> bool:
        """Whether anything can happen to what goes through it."""
        return bool(self._stages)

    def receive(self, action: ClientAction, now: float) -> None:
        """The client sent an action."""
        if self._stages:
            self.handle_timer(now)
            self._note(action)

    def add(self, action: ClientAction, faults: Iterable[Fault]) -> None:
        """Let faults work on what answers an action that the client sent, besides those of the plan."""
        sent = self._causes.sent
        number = next((each for each in reversed(sent) if sent[each] is action), None) or self._note(action)
        for fault in faults:
            stage = self._plan._stage(fault)
            if stage not in self._stages:
                self._stages.append(stage)
            within = self._within.setdefault(stage, set())
            within.add(number)
            if len(within) >= 2 * _REMEMBERED:
                self._within[stage] = set(sorted(within)[-_REMEMBERED:])

    def _note(self, action: ClientAction) -> int:
        self._asked += 1
        self._causes.asked(self._asked, action)
        return self._asked

    def send(self, data: bytes, now: float) -> None:
        """The server wants to send a frame, or its greeting; what is after the end of the connection is lost."""
        if not self._stages:
            if not self._over:
                self._chunks.append(data)
                self._sent += len(data)
                self._greeted = True
            return
        self.handle_timer(now)
        if not self._over:
            self._run([self._identify(data)], 0, now)
            self.handle_timer(now)

    def close(self, how: How, now: float) -> None:
        """The server wants to close the connection, after all it wanted to send; what is late is lost."""
        self.handle_timer(now)
        for index, stage in enumerate(self._stages):
            self._run(self._gathered.pop(stage, []), index + 1, now)
        if not self._over:
            self._queue_up([Close(how)], now)
            self.handle_timer(now)
        elif self.closing == Close("half"):
            self.closing = Close(how)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        while (due := self.next_deadline()) is not None and due <= now:
            if self._queue and self._queue[0][0] == due:
                what = self._queue.popleft()[1]
                if isinstance(what, Close):
                    self.closing = what
                else:
                    self._chunks.append(what)
            else:
                _, _, frames, index = heapq.heappop(self._aside)
                self._come_back(frames, index, due)

    def next_deadline(self) -> float | None:
        """The time at which `handle_timer` has something to do, or None."""
        dues = [self._queue[0][0]] if self._queue else []
        dues += [self._aside[0][0]] if self._aside and not self._over else []
        due = min(dues, default=FOR_EVER)
        return due if due < FOR_EVER and self.closing is None else None

    def take_chunks(self) -> list[bytes]:
        """What is to be sent now; each is one write."""
        chunks, self._chunks = self._chunks, []
        return chunks

    # What a frame is

    def _identify(self, data: bytes) -> Frame:
        if not self._greeted:
            self._greeted = True
            return Frame(data, "greeting")
        if not data.startswith((b"Event:", b"Response:")):
            return Frame(data)
        message, of_list = parse(data), self._causes.list
        number = self._causes.answered(message)
        action = None if number is None else self._causes.sent[number]
        if not isinstance(message, Event):
            return Frame(data, "response", action.name if action is not None else "", message, number, action)
        in_list = number is not None and number == of_list
        kind: Kind = "complete" if ends_list(message) else "item" if in_list else "event"
        return Frame(data, kind, message.name, message, number, action)

    def _foreign_id(self, frame: Frame) -> str:
        """The ActionID of another action: of the first in flight, else of the last one."""
        sent = self._causes.sent
        others = itertools.chain(self._causes.unanswered, itertools.islice(reversed(sent), 2))
        ids = (sent[number].action_id for number in others if number != frame.number)
        return next((each for each in ids if each and each != frame.action_id), "")

    # What becomes of it

    def _run(self, frames: Iterable[Frame], first: int, now: float) -> None:
        """Let frames go through the faults from the one at `first` on, and queue up what comes of them."""
        fates: list[Fate] = list(frames)
        for index in range(first, len(self._stages)):
            if not fates:
                return
            fates = self._go_through(index, fates, now)
        self.has_refused_login |= any(isinstance(each, Frame) and _refuses_login(each) for each in fates)
        self._queue_up(fates, now)

    def _go_through(self, index: int, fates: Iterable[Fate], now: float) -> list[Fate]:
        """What one fault makes of what those before it made."""
        stage = self._stages[index]
        made: list[Fate] = []
        waited = 0.0
        for fate in fates:
            for each in self._hit(stage, index, fate, now) if isinstance(fate, Frame) else [fate]:
                if isinstance(each, Later):
                    self._put_aside(now + waited + each.seconds, [each.frame], index + 1)
                else:
                    waited += each.seconds if isinstance(each, Wait) else 0
                    made.append(each)
        return made

    def _hit(self, stage: _Stage, index: int, frame: Frame, now: float) -> Iterable[Fate]:
        fault = stage.fault
        gathered = self._gathered.get(stage)
        if gathered is None:
            if not self._is_hit(stage, frame, now):
                return [frame]
            frame = replace(frame, chance=self._chance(), foreign_id=self._foreign_id(frame))
            if not fault.kind.gathers:
                return fault.apply(frame)
            gathered = self._gathered[stage] = []
            self._put_aside(now + _PATIENCE, gathered, index + 1)
        gathered.append(frame)
        fates = fault.gather(gathered)
        if fates is None:
            return []
        del self._gathered[stage]
        return fates

    def _is_hit(self, stage: _Stage, frame: Frame, now: float) -> bool:
        fault, plan = stage.fault, self._plan
        if stage in self._within and frame.number not in self._within[stage]:
            return False
        if not fault.takes(frame, self._number):
            return False
        answer = (stage, frame.number) if fault.selector.what == "answer" and frame.number is not None else None
        if answer in self._decided:
            return self._decided[answer]
        hit = fault.schedule.is_open(self._sent, now - (plan._began or 0))
        if hit:
            stage.count += 1
            chance = 0 if fault.schedule.p is None else self._chance()
            hit = fault.schedule.hits(stage.count, stage.hits, chance)
        if hit:
            stage.hits += 1
            plan.hits.append(Hit(now, self._number, fault, str(frame)))
        if answer is not None:
            self._decided[answer] = hit
            if len(self._decided) >= 2 * _REMEMBERED:
                self._decided = dict(list(self._decided.items())[-_REMEMBERED:])
        return hit

    def _chance(self) -> float:
        """A random number from 0 to 1, which follows from the seed, the connection and how many there were before."""
        self._draws += 1
        text = f"{self._plan._seed} {self._number} {self._draws}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest()) / 2**56

    def _put_aside(self, due: float, frames: list[Frame], index: int) -> None:
        heapq.heappush(self._aside, (due, next(self._order), frames, index))

    def _come_back(self, frames: list[Frame], index: int, now: float) -> None:
        """Frames that were late are there, or nobody waits any more for one to be gathered with them."""
        stage = self._stages[index - 1]
        if self._gathered.get(stage) is frames:
            del self._gathered[stage]
        elif stage.fault.kind.gathers:
            return  # they were gathered in time
        self._run(frames, index, now)

    def _queue_up(self, fates: Iterable[Fate], now: float) -> None:
        """Say when what has gone through all faults is sent."""
        at = now
        for fate in fates:
            if isinstance(fate, Wait):
                at += fate.seconds
            elif not isinstance(fate, Later):
                at = max(at, self._free)
                self._over = isinstance(fate, Close)
                if isinstance(fate, Close):
                    self._queue.append((at, fate))  # never due, if nothing is sent any more
                    return
                if fate.data and at < FOR_EVER:
                    self._queue.append((at, fate.data))
                    self._sent += len(fate.data)
                self._free = at
        self._free = max(self._free, at)


def _refuses_login(frame: Frame) -> bool:
    return (
        frame.action is not None
        and frame.action.name.lower() == "login"
        and frame.kind == "response"
        and frame.message is not None
        and frame.message.get("Response") == "Success"
        and frame.data.startswith(b"Response: Error")
    )
