"""Runs of every subject, in turn, each in a process of its own, and their medians."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite.subjects import SUBJECTS, Subject

EVENTS = 100_000
"""How many events pass in one run; the measure of memory has its own number."""

HERE = Path(__file__).resolve().parent.parent
"""The folder from which the processes are run."""

_LONGEST_RUN = 150  # seconds
_IMPORTS = 5  # how often a client is imported in each round

_IMPORT = """
import sys, time
begin = time.perf_counter()
{statement}
print(time.perf_counter() - begin, *(name for name in ("asyncio", "ssl") if name in sys.modules))
"""


@dataclass(frozen=True)
class Measure:
    """What a run finds, as a table of the report."""

    key: str
    title: str
    run: str
    """The run that finds it; several measures may share one."""
    figure: str
    """Its name among the figures of the run."""
    unit: str
    reference: dict[str, str]
    """The floor that a subject is compared with, by its style."""
    lower_is_better: bool = False
    extra: dict[str, str] = field(default_factory=dict)
    """Further columns: the name of the figure, and the head of the column."""


def _both(floor: str) -> dict[str, str]:
    return {"threads": floor, "asyncio": floor}


_ROUND_TRIP = {"threads": "floor-thread", "asyncio": "floor-asyncio"}

MEASURES = {
    measure.key: measure
    for measure in (
        Measure("two", "Events to a catch-all callback that reads two headers", "two", "rate", "events/s",
                _both("floor-two"), extra={"lost": "lost"}),
        Measure("every", "Events to a catch-all callback that reads every header", "every", "rate", "events/s",
                _both("floor-dict"), extra={"lost": "lost"}),
        Measure("kind", "Events when only one kind in ten is wanted", "kind", "rate", "events/s",
                _both("floor-name"), extra={"lost": "lost"}),
        Measure("round-trip", "Round trip of an action, one after the other: median", "round-trip", "p50", "µs",
                _ROUND_TRIP, lower_is_better=True, extra={"p99": "99th percentile"}),
        Measure("in-flight", "50 actions in flight", "in-flight", "rate", "actions/s",
                _ROUND_TRIP, extra={"mismatched": "mismatched", "p50": "median, µs", "p99": "99th percentile, µs"}),
        Measure("cpu", "CPU time for 100,000 events, two headers read", "two", "cpu", "s",
                _both("floor-two"), lower_is_better=True),
        Measure("memory", "Growth of memory while 1,000,000 events pass, at its peak", "memory", "growth", "MB",
                {}, lower_is_better=True, extra={"lost": "lost"}),
        Measure("import", "Import of the client", "import", "import", "ms",
                _both("floor-import"), lower_is_better=True),
    )
}  # fmt: skip


@dataclass
class Result:
    """What all rounds of one run of one subject found."""

    runs: list[dict[str, float]] = field(default_factory=list)
    absent: str = ""
    """Why there is nothing."""
    loads: frozenset[str] = frozenset()
    """Which of asyncio and ssl the import brought."""

    def median(self, figure: str) -> float | None:
        """The median of a figure, or None where there is none."""
        values = self.values(figure)
        return statistics.median(values) if values else None

    def values(self, figure: str) -> list[float]:
        """A figure in every round."""
        return [run[figure] for run in self.runs if figure in run]


Results = dict[tuple[str, str], Result]
"""By run and subject."""


@contextmanager
def _server() -> Iterator[int]:
    """The server's port, while it runs."""
    command = [sys.executable, "-m", "suite.server"]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def environment() -> dict[str, str]:
    """The checkout's own `ami` is the one that is measured."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE, HERE.parent)))}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # an import would compile each time
    return variables


def _run(key: str, run: str, port: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "suite.worker", key, run, str(port), str(EVENTS)]
    try:
        done = subprocess.run(
            command, cwd=HERE, env=environment(), capture_output=True, text=True, timeout=_LONGEST_RUN, check=True
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        return {"absent": f"failed: not done within {_LONGEST_RUN} s"}
    except (subprocess.CalledProcessError, ValueError) as error:
        return {"absent": f"failed: {error}"[:160]}


def _import(subject: Subject) -> dict[str, Any]:
    """How long a fresh interpreter takes to import a client."""
    program = _IMPORT.format(statement=subject.imports)
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=HERE, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1]
        return {"absent": "not installed" if subject.is_peer else f"not available: {reason}"}
    seconds, *loads = done.stdout.split()
    return {"import": float(seconds) * 1000, "loads": loads}


def _add(result: Result, found: dict[str, Any]) -> None:
    result.absent = found.pop("absent", result.absent)
    result.loads = frozenset(found.pop("loads", ()))
    if found:
        result.runs.append(found)


def measure(
    rounds: int, subjects: Sequence[str], measures: Sequence[str], progress: Callable[[str], object]
) -> Results:
    """Run everything: in each round each measure, and for each measure each subject, one after the other."""
    runs = list(dict.fromkeys(MEASURES[key].run for key in measures))
    results: Results = {(run, key): Result() for run in runs for key in subjects if run in SUBJECTS[key].runs}
    with _server() as port:
        for number in range(rounds):
            for (run, key), result in results.items():
                if result.absent or (run == "memory" and number):  # memory grows alike every time, and takes long
                    continue
                progress(f"round {number + 1} of {rounds}: {run}, {key}")
                if run == "import":
                    for _ in range(_IMPORTS + (number == 0)):
                        _add(result, _import(SUBJECTS[key]))
                    if not number and result.runs:
                        del result.runs[0]  # it may have compiled
                else:
                    _add(result, _run(key, run, port))
    return results
