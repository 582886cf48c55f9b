"""What is counted in the process of a subject: events, seconds, CPU time, memory."""

import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

clock = time.perf_counter

Figures = dict[str, float]
"""What one run found, under names that the report knows."""


def cpu_seconds() -> float:
    """The CPU time that this process has used, in all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def memory(field: str) -> float | None:
    """`VmRSS` (now) or `VmHWM` (the most since `forget_peak`) of this process in MB; None where Linux does not say."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(field)), None)


def forget_peak() -> None:
    """Have `VmHWM` begin again at `VmRSS`."""
    Path("/proc/self/clear_refs").write_text("5")


def latencies(samples: Sequence[float]) -> Figures:
    """Median and 99th percentile of durations, in microseconds."""
    ordered = sorted(samples)
    return {"p50": ordered[len(ordered) // 2] * 1e6, "p99": ordered[int(len(ordered) * 0.99)] * 1e6}


class Meter:
    """Counts the events that reach a callback. `done` is called with the last of them."""

    def __init__(self, done: Callable[[], object]) -> None:
        self.count = 0
        self.value: object = None
        self._wanted = 0
        self._done = done
        self._seconds = self._cpu = 0.0

    def start(self, wanted: int) -> None:
        """Begin to count so many events; call this before they are asked for."""
        self.count = 0
        self._wanted = wanted
        self._cpu = cpu_seconds()
        self._seconds = clock()

    def hit(self, first: object, second: object, events: int = 1) -> None:
        """What every callback of every subject calls, once an event, with what it has read."""
        self.count += events
        if self.count == self._wanted:
            self.stop()
            self.value = second
            self._done()

    def stop(self) -> None:
        """End the time: with the last event, or when no more are waited for."""
        self._seconds = clock() - self._seconds
        self._cpu = cpu_seconds() - self._cpu

    def figures(self, sent: int) -> Figures:
        """What was found, when the server had sent so many events. A run that lost some has no speed."""
        lost = self._wanted - self.count
        if lost:
            return {"rate": 0.0, "lost": lost}
        return {"rate": sent / self._seconds, "cpu": self._cpu * 100_000 / sent, "lost": 0}
