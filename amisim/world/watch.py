"""Who leaves a world: a real wait, or a loop without end, of the thread whose turn it is, is noticed and named.

While a thread has its turn, all others wait. If it uses nothing of the world for too long, either it waits for
something of the real world, which nobody in this one can bring about, or it computes.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from types import FrameType
from typing import Any

from amisim.world.errors import Ended, OutsideWorld, WorldError, remembered
from amisim.world.participants import Participant
from amisim.world.patching import is_patched
from amisim.world.places import caller, place
from amisim.world.scheduler import Scheduler

__all__ = ["Watch"]

_LOOKS = 4
"""How often it looks before it says something."""

_OWN = frozenset(("time", "threading", "queue", "socket", "select", "selectors", "ssl"))
"""The modules that wait, and that a world has its own of."""

# As they are when this is imported: others may put their own in their place, as freezegun does.
_clock, _cpu = time.monotonic, time.process_time


class Watch:
    """A thread that looks whether whoever has the turn uses the world; `patience` is in real seconds.

    `give_up` is called when a thread has left for good, so that the world may never end.
    """

    def __init__(self, scheduler: Scheduler, patience: float, give_up: Callable[[], object]) -> None:
        self._scheduler = scheduler
        self._patience = patience
        self._give_up = give_up
        self._lookers: dict[Participant, tuple[int, float]] = {}  # what they had gained, and all had computed, then
        self._ended = threading.Event()
        self._error: WorldError | None = None  # for the main thread, if it has not used the world since then
        self._steps = 0
        self._handler: Any = None
        self.outside: list[int] = []
        """The idents of the threads that do real things, as they may."""
        self._thread = threading.Thread(target=self._run, name="amisim-world-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        if threading.current_thread() is threading.main_thread() and hasattr(signal, "SIGURG"):
            # The one signal that nobody misses: it interrupts what waits, too.
            self._handler = signal.signal(signal.SIGURG, self._raise_here)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()
        if self._handler is not None:
            signal.signal(signal.SIGURG, self._handler)

    def computing(self) -> list[Participant]:
        """Those that have left the world, were told to end, and compute on."""
        return [each for each in self._scheduler.lost if self._computes(each)]

    def _computes(self, participant: Participant) -> bool:
        used = _used(participant)
        while threading.Thread.is_alive(participant.thread):
            threading.Thread.join(participant.thread, self._patience)
            if _used(participant) - used > self._patience / 10:
                return True
            if _where_it_sleeps(participant) is not None:  # or else the machine has much to do, and it waits its turn
                break
        return False

    def _run(self) -> None:
        while not self._ended.is_set():
            self._watch_turn()

    def _watch_turn(self) -> None:
        """Look at one turn, until it ends or lasts too long."""
        scheduler = self._scheduler
        steps, participant = scheduler.steps, scheduler.running
        if participant is not None and not self._is_outside(participant):
            self._look_at(participant)
        used, place = _cpu(), None  # whoever has the turn is all that computes in this process
        since = asleep_since = _clock()
        used_awake = 0.0 if participant is None else _used(participant)
        while not self._ended.wait(self._patience / _LOOKS):
            if scheduler.steps != steps or scheduler.running is not participant:
                return
            if participant is None:
                continue
            if self._is_outside(participant):
                return
            # A thread that does nothing on a machine with much to do is not asleep, and moves on in between.
            before, place = place, _where_it_sleeps(participant)
            now = _clock()
            if place != before:
                since = now
            if place is None:
                asleep_since, used_awake = now, _used(participant)
            # It may wait in one place after the other; who waits for the interpreter alone has its share of the CPU.
            is_idle = now - asleep_since >= 2 * self._patience and _used(participant) - used_awake < self._patience / 10
            is_waiting = place is not None and (now - since >= self._patience * (1 - 1 / _LOOKS) or is_idle)
            if is_waiting or _cpu() - used >= self._patience:
                self._report(participant, is_waiting, steps)
                return

    def _is_outside(self, participant: Participant) -> bool:
        return participant.ident in self.outside

    def _look_at(self, participant: Participant) -> None:
        """Who uses the world, but neither waits nor finds anything for too long, looks on and on."""
        gains, used = self._lookers.get(participant, (-1, 0.0))
        if participant.gains != gains:
            self._lookers[participant] = participant.gains, _cpu()
        elif _cpu() - used >= self._patience:
            self._scheduler.hurry(participant)

    def _report(self, participant: Participant, is_waiting: bool, steps: int) -> None:
        frame = sys._current_frames().get(participant.ident)
        if frame is None or _is_debugged(frame):
            return
        error = OutsideWorld(_description(participant, frame, is_waiting))
        scheduler = self._scheduler
        if not scheduler.is_first(participant):
            if scheduler.lose(participant, steps, error):
                _raise_in(participant.ident, Ended)
        elif participant.ident == threading.main_thread().ident and self._handler is not None:
            self._error, self._steps = error, steps
            signal.pthread_kill(participant.ident, signal.SIGURG)
        else:
            _raise_in(participant.ident, type("OutsideWorld", (OutsideWorld,), {"__init__": _saying(str(error))}))
        self._ended.wait(self._patience)
        if scheduler.steps == steps and scheduler.running is participant and not self._ended.is_set():
            # It waits in C code, such as for the lock of a file, which raises nothing before it has got it.
            self._give_up()
            print(f"amisim: {error}", file=sys.stderr, flush=True)
            while scheduler.steps == steps and not self._ended.wait(self._patience):
                pass

    def _raise_here(self, *_: object) -> None:
        error, self._error = self._error, None
        if error is not None and self._scheduler.steps == self._steps and not self._ended.is_set():
            raise remembered(error)


def _saying(text: str) -> Callable[[Exception], None]:
    return lambda self: Exception.__init__(remembered(self), text)


def _is_debugged(frame: FrameType) -> bool:
    """Whether a debugger has stopped it, and somebody thinks."""
    each: FrameType | None = frame
    while each is not None:
        if str(each.f_globals.get("__name__")).partition(".")[0] in ("bdb", "pdb", "pydevd"):
            return True
        each = each.f_back
    return False


def _where_it_sleeps(participant: Participant) -> tuple[int, int] | None:
    """Where a thread is; None if it runs, or would if it could."""
    frame = sys._current_frames().get(participant.ident)
    said = _said(participant)
    is_asleep = not said or said[0] == b"S"  # not Linux: whether it moves on has to do
    return (id(frame), frame.f_lasti) if frame is not None and is_asleep else None


def _used(participant: Participant) -> float:
    """The seconds that a thread has computed; 0 if it has ended, or nobody knows."""
    said = _said(participant)
    return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK") if said else 0.0


def _said(participant: Participant) -> list[bytes]:
    """What Linux says of a thread, from its state on."""
    try:
        with open(f"/proc/self/task/{participant.native_id}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return []


class _Nothing(BaseException):
    """What is raised in a thread by itself."""


def _raise_in(ident: int, error: type[BaseException]) -> None:
    """Raise something in another thread, as soon as it runs Python.

    While that has not happened, CPython 3.11 runs in circles for ever in any thread that is traced, as under coverage;
    unless another thread had something raised in it and has it. That is done here, in one call from C: between two
    there could be the turn of another, or the first circle.
    """
    raises = ctypes.pythonapi.PyThreadState_SetAsyncExc
    idents = ctypes.c_ulong(ident), ctypes.c_ulong(threading.get_ident())
    errors = ctypes.py_object(error), ctypes.py_object(_Nothing)
    both = map(raises, idents, errors)
    with suppress(_Nothing):
        list(both)
        while True:
            pass


def _description(participant: Participant, frame: FrameType, is_waiting: bool) -> str:
    where = place(frame)
    by_way_of = "" if caller(frame) is frame else f", by way of {frame.f_code.co_name} of {_module(frame)}"
    if is_waiting:
        return (
            f"{participant.name!r} has left the world: it waits for something real, at {where}{by_way_of}. "
            f"{_advice(frame)}; or, if it has to be real, do it in `with world.outside():`"
        )
    return (
        f"{participant.name!r} uses nothing of the world and computes on, at {where}{by_way_of}. "
        "If it is a loop that waits for something, have it wait in the world; "
        "if it has to compute that long, do it in `with world.outside():`, or give the world more patience"
    )


def _advice(frame: FrameType) -> str:
    """What to do about a real wait."""
    module = _using(frame)
    if module.partition(".")[0] == "asyncio":
        return "Run its coroutines in the world, with world.run"
    if is_patched(module):
        return (
            f"{module} is patched, but not what it made before, or what others gave it: make that in the world, or "
            "patch the module that makes it"
        )
    patch = f'Patch the module, with world.patch("{module}"), or use' if module else "Use"
    return f"{patch} what world.modules has"


def _using(frame: FrameType) -> str:
    """The module that asked one of those that a world has its own of, or else called what waits; empty if none did."""
    each = frame
    while _module(each) in _OWN and each.f_back is not None:
        each = each.f_back
    first, *parts = _module(caller(frame) if each is frame else each).split(".")
    if (first, *parts[:1]) == ("amisim", "world") or first in _OWN:
        return ""  # a thread whose function waits in C
    return ".".join((first, *takewhile(lambda part: part[0] != "_", parts)))  # concurrent.futures._base is private


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))
