"""Who takes part in a world."""

import threading
from _thread import allocate_lock

__all__ = ["USES", "Participant", "Waiters"]

USES = 100_000
"""How often somebody may use the world without ever waiting, before time passes for that."""


class Participant:
    """A thread that takes part in a world."""

    def __init__(self, number: int, thread: threading.Thread, name: str) -> None:
        self.number = number
        self.thread = thread
        self.name = name
        self.ident = self.native_id = 0
        """The thread's, while it runs."""
        self.waits_for = ""
        """What it waits for, in words; empty while it runs or could run."""
        self.is_done = False
        self.is_lost = False
        """Whether it has left the world, and its thread goes on without it."""
        self.joiners: Waiters = {}
        self.gains = 0
        """How often it has waited for something, or found what it looked for."""
        self._is_woken = False
        self._uses = self._polls = self._delays = 0  # since it last waited
        self._most = USES  # after how many of these it has to look what that costs
        self._hurried: tuple[int, float] | None = None  # how many gains it had when it was told to hurry, and when
        self._hurried_looks = 0
        self._is_looking = False  # whether its newest wait was for nothing but looking again and again
        self._ticket = 0  # of its newest wait
        self._error: BaseException | None = None  # what it is to raise when it goes on
        self._baton = allocate_lock()  # held by whoever must not run
        self._baton.acquire()

    def __repr__(self) -> str:
        return f"<{self.name} {self.waits_for or 'runs'}>"


Waiters = dict[Participant, None]
"""Who waits for one thing, in the order in which they came."""
