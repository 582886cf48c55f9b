"""Who runs, and what time it is: the clock and the scheduler of a world of virtual time.

Each thread that takes part, a participant, runs alone until it waits in one of the world's primitives; then another has
its turn. Time passes only when all wait: it jumps to the earliest deadline. So a wait costs no time, and what happens
depends on nothing but the program and the choices.
"""

import gc
import hashlib
import heapq
import itertools
import math
import threading
from collections.abc import Iterable
from contextlib import suppress

from amisim.world.choices import Choices
from amisim.world.errors import Deadlock, Ended, OutsideWorld, WorldError, remembered
from amisim.world.participants import USES, Participant, Waiters
from amisim.world.places import here_in_loop, places

__all__ = ["Scheduler"]

_POLLS, _POLLING = 20, 0.001
"""How often somebody may look for something in vain, without ever waiting, and the virtual seconds that it costs."""

_WITH_SIGNAL = 0.1
"""Real seconds within which a turn comes that is given just when a signal does, unless it has come before that."""

_COLLECTION = 100_000
"""After how many steps garbage is collected: at the same places each time, as finalizers may use the world."""

_LOOK, _USING = 10, 0.01
"""For how many uses looking at something counts, and the virtual seconds that too many uses cost for the first time;
twice as many for the second, and so on, until a part more each time (`_SHARE`) is more."""

_HURRIED, _SHARE, _ENDLESS = 100, 0.05, 3600
"""Who only looks for longer than the world has patience: after how many looks more time passes, which part of the
virtual time in which it has looked so, and for how long until it is named."""

_PATIENCE = 2.0
"""Real seconds that a thread may take to end when its world does."""


class Scheduler:
    """The participants of one world.

    `limit` is how many seconds of virtual time may pass; `is_automatic` says whether time jumps when all wait, or moves
    only as far as `advance` says.
    """

    def __init__(self, choices: Choices, limit: float = math.inf, is_automatic: bool = True) -> None:
        self.now = 0.0
        """Seconds since the world began."""
        self.steps = 0
        """How often anybody has used the world."""
        self.running: Participant | None = None
        self._choices = choices
        self._limit = limit
        self._is_automatic = is_automatic
        self._order = itertools.count()
        self._numbers = itertools.count()
        self._participants: list[Participant] = []
        self._by_ident: dict[int, Participant] = {}
        self._lost: dict[int, Participant] = {}  # that have left, by the idents of their threads
        self._runnable: list[Participant] = []
        self._timers: list[tuple[float, bool, int, int, Participant]] = []
        self._targets: list[float] = []  # of those who advance the time
        self._first: Participant | None = None
        self.is_ending = False
        """Whether the world is over."""
        self._next_collection = _COLLECTION
        self._finished: Participant | None = None  # the newest that has, whose thread may still be there
        self._hash = hashlib.blake2b(digest_size=16)

    # Who takes part

    @property
    def participants(self) -> list[Participant]:
        """Those that have not ended."""
        return list(self._participants)

    @property
    def lost(self) -> list[Participant]:
        """Those that have left, and whose threads have not ended."""
        return list(self._lost.values())

    @property
    def digest(self) -> str:
        """A hash of who ran when, and what was sent: the same in each run that went the same way."""
        return self._hash.hexdigest()

    def note(self, data: bytes) -> None:
        """Let something count for the digest."""
        self._hash.update(data)

    def enter(self, name: str) -> Participant:
        """The calling thread takes part from now on, and is the one that is told what is wrong with the world."""
        participant = self.new_participant(threading.current_thread(), name)
        self._first = self._first or participant
        self.running = participant
        self._bind(participant)
        return participant

    def new_participant(self, thread: threading.Thread, name: str) -> Participant:
        """One whose thread does not run yet."""
        if self.is_ending:
            raise Ended
        participant = Participant(next(self._numbers), thread, name)
        self._participants.append(participant)
        return participant

    def add(self, participant: Participant) -> None:
        """The thread of a new participant is there, and waits in `begin`."""
        self.steps += 1
        self._check()
        self._runnable.append(participant)
        self.pause()

    def forget(self, participant: Participant) -> None:
        """A new participant has no thread after all."""
        self._drop(participant)

    def begin(self, participant: Participant) -> None:
        """In its own thread: wait for the first turn."""
        participant._baton.acquire()
        self._bind(participant)
        self._take_turn(participant)

    def finish(self, participant: Participant) -> None:
        """In its own thread: it takes part no more."""
        self.steps += 1
        self._drop(participant)
        if self.running is participant:
            self._wake_all(participant.joiners)
            if not self.is_ending:
                self._finished = participant
                self._turn_to(self._choose())

    def _drop(self, participant: Participant) -> None:
        participant.is_done = True
        participant._ticket += 1
        if participant in self._participants:
            self._participants.remove(participant)
        self._by_ident.pop(participant.ident, None)
        self._lost.pop(participant.ident, None)

    def me(self) -> Participant:
        """The calling thread. Raises `OutsideWorld` if it takes no part."""
        try:
            return self._by_ident[threading.get_ident()]
        except KeyError:
            raise self._foreign() from None

    def is_inside(self) -> bool:
        """Whether the calling thread takes part."""
        return threading.get_ident() in self._by_ident

    def is_first(self, participant: Participant) -> bool:
        """Whether it is the one that entered the world."""
        return participant is self._first

    def _bind(self, participant: Participant) -> None:
        participant.ident, participant.native_id = threading.get_ident(), threading.get_native_id()
        self._by_ident[participant.ident] = participant

    def _foreign(self) -> BaseException:
        if threading.get_ident() in self._lost:
            return Ended()
        if self.is_ending:
            return WorldError("the world is over: nobody waits in it any more")
        name = threading.current_thread().name
        return OutsideWorld(
            f"the thread {name!r} uses something of a world in which it takes no part: patch the module that starts "
            'it, with world.patch, or make it a Thread of world.modules["threading"]'
        )

    # Waiting

    def wait(self, waiters: Iterable[Waiters], timeout: float | None, what: str, *, last: bool = False) -> bool:
        """Let others run until somebody wakes one of these (then the result is true), or until time is out.

        With `last`, it comes after all others whose time is out then.
        """
        self.steps += 1
        me = self.me()
        self._check()
        self._collect_now_and_then()
        waiters = tuple(waiters)
        me._is_woken = False
        me._ticket += 1
        me.waits_for = what
        for each in waiters:
            each[me] = None
        if timeout is not None:
            heapq.heappush(self._timers, (self.now + max(timeout, 0.0), last, next(self._order), me._ticket, me))
            self._drop_stale_timers()
        before = self.now
        try:
            self._switch(me)
        finally:
            me.waits_for = ""
            for each in waiters:
                each.pop(me, None)
        if timeout is None or timeout > 0 or last:
            me.gains += 1
            me._polls = 0
            me._is_looking = False
            if self.now > before:
                me._uses = me._delays = 0
        elif not me._is_woken:
            self.poll()
        return me._is_woken

    def advance(self, seconds: float) -> None:
        """Let time pass; return when all that happens by then has happened, at that time too."""
        until = self.now + seconds
        self._targets.append(until)
        me = self.me()
        gains = me.gains
        try:
            self.wait((), seconds, f"{until:.6g} s (advance)", last=True)
        finally:
            self._targets.remove(until)
        if not seconds:
            me.gains = gains
            if me._uses > me._most:
                self._pay(me, 0)

    def wake(self, waiters: Waiters) -> None:
        """Let those run who wait for something; whether they do before the calling thread goes on is by choice."""
        self.steps += 1
        if waiters:
            if not self.is_inside():
                raise self._foreign()
            self._wake_all(waiters)
            self.pause()

    def pause(self) -> None:
        """A place at which another may have its turn."""
        if self._runnable and not self.is_ending:
            me = self.me()
            if me is not self.running:
                return  # a signal handler, while another has its turn: only who has the turn gives it away
            # The first choice: who runs goes on, unless it looks again and again, perhaps with a lock that others need.
            self._runnable.insert(len(self._runnable) if me._is_looking else 0, me)
            self._switch(me)

    def _wake_all(self, waiters: Waiters) -> None:
        for each in waiters:
            self._wake(each)
        waiters.clear()

    def _wake(self, participant: Participant) -> None:
        participant._is_woken = True
        if participant not in self._runnable:  # its time may be out, too
            self._runnable.append(participant)

    def _check(self) -> None:
        if self.is_ending:
            if self._first is not None and self._first.ident == threading.get_ident():
                raise WorldError("the world is over: a signal handler raised while another thread had its turn")
            raise Ended

    # Who does not wait, but looks again and again

    def touch(self) -> None:
        """Somebody uses the world, and might have lost the turn just before."""
        self.steps += 1
        me = self.running
        if me is None or me.ident != threading.get_ident():
            if not self.is_inside():
                if self._first is not None and not self.is_ending:
                    raise self._foreign()
                return
        else:
            me._uses += 1
            if me._uses > me._most:
                self._pay(me, 1)
        self._collect_now_and_then()
        if self._runnable:
            self.pause()

    def _collect_now_and_then(self) -> None:
        """Collect garbage, after the same steps each time."""
        if self.steps > self._next_collection:
            self._next_collection = self.steps + _COLLECTION
            gc.collect()

    def look(self) -> None:
        """Somebody looks what time it is, or what else is so. Who does so for ever, and never waits, lets time pass."""
        self.steps += 1
        me = self.running
        if me is not None:
            me._uses += _LOOK
            if me._uses > me._most and me.ident == threading.get_ident():
                self._pay(me, _LOOK)

    def _pay(self, me: Participant, count: int) -> None:
        """Who has used the world so often, and now `count` times more, may have to let time pass for it."""
        if me._hurried is None or me._hurried[0] != me.gains:
            me._most = USES
        else:
            me._hurried_looks += count != 1
            if me._hurried_looks >= _HURRIED:
                me._hurried_looks = 0
                self._hurry(me, me._hurried[1])
        if me._uses > USES:
            delays = me._delays + 1
            self._let_pass(me, max(delays, (1 + _SHARE) ** me._delays) * _USING)
            me._uses, me._delays = 0, delays

    def _let_pass(self, me: Participant, seconds: float) -> None:
        """Time passes for who looks again and again; that it waits for this is no gain."""
        gains = me.gains
        self.wait((), seconds, "something, by looking again and again")
        me.gains = gains

    def _hurry(self, me: Participant, since: float) -> None:
        """Time passes the faster the longer somebody looks, so that what never comes is soon known to."""
        seconds = max(_USING, _SHARE * (self.now - since))
        if self.now + seconds < min(since + _ENDLESS, self._limit):
            self._let_pass(me, seconds)
            return
        me.gains += 1
        error = OutsideWorld(
            f"{me.name!r} looks on and on for something that never comes, and waits for nothing, at {here_in_loop()}. "
            "Have it wait for that in the world, or for some time between its looks; if it only has so much to do, "
            "give the world more patience"
        )
        if self.is_first(me):
            raise remembered(error)
        first = self._fail(error)
        if first not in self._runnable:
            self._runnable.append(first)
        self.wait((), None, "nothing any more: it looked on and on")

    def hurry(self, participant: Participant) -> None:
        """From outside the world: somebody has only looked for too long."""
        if participant._hurried is None or participant._hurried[0] != participant.gains:
            participant._hurried = participant.gains, self.now
        participant._most = -1

    def poll(self) -> None:
        """Somebody looked for something in vain. Who does so for ever lets others go on, and time pass, much sooner."""
        self.look()
        me = self.me()
        me._polls += 1
        if me._polls > _POLLS:
            self._let_pass(me, _POLLING)
            me._is_looking = True

    def found(self) -> None:
        """Somebody found what it looked for."""
        me = self.running
        if me is not None:
            me.gains += 1
            me._polls, me._is_looking = 0, False

    # Turns

    def _switch(self, me: Participant) -> None:
        """Give the turn away, and wait for the next."""
        chosen = self._choose()
        if chosen is not me:
            try:
                self._turn_to(chosen)
                me._baton.acquire()
            except BaseException:  # a signal handler's: it is raised when it is this thread's turn
                if self.running is me:
                    me._baton.acquire(timeout=_WITH_SIGNAL)
                else:
                    self._wake(me)
                    me._baton.acquire()
                self.running = me
                raise
        self._take_turn(me)

    def _turn_to(self, chosen: Participant) -> None:
        self._hash.update(f"{chosen.number} {self.now!r}\n".encode())
        self.running = chosen
        chosen._baton.release()

    def _take_turn(self, me: Participant) -> None:
        self.running = me
        finished, self._finished = self._finished, None
        if finished is not None:  # so it depends on nothing real whether its thread is still there
            threading.Thread.join(finished.thread, _PATIENCE)
        error, me._error = me._error, None
        if error is not None:
            raise remembered(error)

    def _choose(self) -> Participant:
        """Who runs next; time passes if nobody can."""
        while not self._runnable:
            if error := self._jump():
                return self._fail(error)
        count = len(self._runnable)
        return self._runnable.pop(self._choices.choose(count) if count > 1 else 0)

    def _fail(self, error: BaseException) -> Participant:
        """Have an error raised where the world was entered."""
        first = self._first
        assert first is not None
        first._error = error
        first._ticket += 1
        return first

    def _jump(self) -> BaseException | None:
        """Go to the earliest deadline, where those are woken that it is for; return what is wrong if there is none."""
        timers = self._timers
        while timers and timers[0][3] != timers[0][4]._ticket:
            heapq.heappop(timers)
        if not timers:
            return Deadlock(self._report("everybody waits, and nobody until a time"))
        due, last = timers[0][:2]
        if due > self._limit:
            return Deadlock(self._report(f"this takes longer than {self._limit:g} s (limit)"))
        if not self._is_automatic and due > max(self._targets, default=-math.inf):
            return Deadlock(self._report("everybody waits, and time moves by advance() alone"))
        while timers and timers[0][:2] == (due, last):
            _, _, _, ticket, participant = heapq.heappop(timers)
            if ticket == participant._ticket:
                self._runnable.append(participant)
        self.now = max(self.now, due)
        return None

    def _drop_stale_timers(self) -> None:
        if len(self._timers) > 100 + 4 * len(self._participants):
            self._timers = [each for each in self._timers if each[3] == each[4]._ticket]
            heapq.heapify(self._timers)

    # What is wrong

    def _report(self, what: str) -> str:
        return f"at {self.now:.6g} s {what}:\n" + "\n".join(f"  {line}" for line in self.waiting())

    def waiting(self) -> list[str]:
        """A line for each who waits: for what, and where."""
        waiting = {
            each.ident: f"{each.name} waits for {each.waits_for}" for each in self.participants if each.waits_for
        }
        return places(waiting)

    def lose(self, participant: Participant, steps: int, error: BaseException) -> bool:
        """From outside the world: a participant does not come back from something that the world knows nothing of.

        The thread that entered the world goes on, with an error. Nothing happens if the world was used since `steps`;
        the result says whether it was not.
        """
        ident, idents, lost = participant.ident, self._by_ident, self._lost
        # It may come back just now. But nothing is called before it is out, so its thread does not run in between, and
        # whoever uses the world counts the step first.
        if self.steps != steps or self.running is not participant:
            return False
        lost[ident] = participant
        del idents[ident]
        participant.is_done = participant.is_lost = True
        self._participants.remove(participant)
        self._wake_all(participant.joiners)
        first = self._fail(error)
        if first in self._runnable:
            self._runnable.remove(first)
        self.running = first
        first._baton.release()
        return True

    def end(self) -> list[Participant]:
        """End all other participants: what they wait for raises `Ended`. Return those whose threads do not end."""
        me = self.me()
        self.is_ending = True
        left = []
        for each in self.participants:
            if each is not me:
                each._error = Ended()
                self.running = each
                with suppress(RuntimeError):  # it has its turn already
                    each._baton.release()
                threading.Thread.join(each.thread, _PATIENCE)
                if threading.Thread.is_alive(each.thread):
                    left.append(each)
        self.running = None
        self._by_ident.pop(me.ident, None)
        return left
