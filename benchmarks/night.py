"""A million faults at random, over nights of virtual time.

    pip install -e '.[sim]'
    python benchmarks/night.py

Lives through one world after the other. In each, clients of both drivers are at work, while a server misbehaves in
ways that are drawn by the world's seed. Prints a page of Markdown, and fails when something was wrong. It takes about
ten minutes, on two cores.
"""

import argparse
import gc
import itertools
import multiprocessing
import os
import platform
import queue
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from suite.meter import memory
from suite.report import table
from suite.worlds import night
from suite.worlds.night import Night

from ami.catalogue import KINDS

_PATIENCE = 600.0
"""Seconds after which a world that has not ended hangs."""

_AGAIN = 20
"""Every so many worlds, one is lived through twice, and has to be the same."""

_MOST_OBJECTS = 100
"""Objects by which a process may grow: those of a leak would be some for each world, link or action."""

_ONE, _TIMES = 12, 100
"""A world that is lived through so often."""

_MOST_GROWING = 5
"""After how many of them a process may have more objects than before: Python has tables of its own."""

_MOST_MEGABYTES = 0.5
"""MB by which it may grow then."""

_ENDS = {"an answer": "an answer", "None": "its time was out"}
"""In words; others are errors."""

_INTRODUCTION = """\
# A night of faults

`ami` and the fake Asterisk in worlds of virtual time, with faults at random. Made by

    pip install -e '.[sim]'
    {command}

with {python}, on a machine of {cores} cores.

- A world is {shortest} to {longest} s of virtual time, with one server, {managers} clients with threads and {managers}
  with asyncio, which reconnect; {callers} threads, or tasks, of each send Pings, Getvars and QueueStatus lists, make
  calls, read streams of events, connect again when their client has given up, and hang up now and then. The server
  emits events in bursts, and ends connections.
- {faults} of the {kinds} kinds of faults are at work in each, with selectors, schedules and arguments at random. All
  that is random follows from the seed of the world, which is its number: `python benchmarks/night.py --only 17` lives
  through that one.
- After each world, every action must have ended exactly once, within its time-out, and none with another's answer; no
  thread, task or socket may be left; nothing may have been logged as an error, or raised in a thread or a callback.
  Who hangs is found by the world itself. Every {again}th world is lived through twice, and must have the same digest.
- A process is looked at after each world, when garbage has been collected: what it has grown by is the median of the
  second half of its looks, less that of the first. It may be {objects} objects; its memory is told, but differs with
  the worlds. So one of them is lived through {times} times in a process of its own, which may not have more objects
  after more than {growing} of them, nor grow by more than {megabytes:g} MB; the first fifth does not count.
"""


class Look(NamedTuple):
    """What was seen of a process after a world."""

    process: int
    megabytes: float
    objects: int
    """Those that the garbage collector knows of, without names of events that `ami` remembers: at most 4,096."""


@dataclass
class Found:
    """All that was found."""

    worlds: int = 0
    twice: int = 0
    seconds: float = 0
    """Virtual ones."""
    begun: int = 0
    events: int = 0
    reconnects: int = 0
    took: float = 0
    """Real seconds."""
    hits: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    steady: list[Look] = field(default_factory=list)
    """While one world is lived through again and again."""

    def add(self, each: Night, look: Look) -> None:
        """Take what was found in a world."""
        self.worlds += 1
        self.twice += each.seed % _AGAIN == 0
        self.seconds += each.seconds
        self.begun += each.begun
        self.events += each.events
        self.reconnects += each.reconnects
        self.hits += each.hits
        self.ends += each.ends
        self.problems += each.problems
        self.looks.append(look)

    def growth(self, what: str) -> float:
        """By how much the process has grown that has grown most."""
        processes = {each.process for each in self.looks}
        return max(_grown_by([each for each in self.looks if each.process == process], what) for process in processes)


def _grown_by(looks: list[Look], what: str) -> float:
    """By how much its second half has more than its first, as medians: allocators keep now more, now less."""
    values = [getattr(each, what) for each in looks]
    half = len(values) // 2
    return statistics.median(values[half:]) - statistics.median(values[:half] or values)


def _live(seed: int) -> Night:
    """Live through a world, some of them twice."""
    try:
        found = night.live_through(seed)
        if seed % _AGAIN == 0 and night.live_through(seed).digest != found.digest:
            found.problems.append(f"seed {seed}: another digest, when lived through again")
    except Exception as error:
        found = Night(seed, problems=[f"seed {seed}: {type(error).__name__}: {error}"])
    return found


def _work(part: int, parts: int, results: Any) -> None:
    """Live through every so manieth world, until somebody ends this process."""
    for seed in itertools.count(part, parts):
        found = _live(seed)
        results.put((found, _look(part)))


def _look(part: int) -> Look:
    gc.collect()
    return Look(part, memory("VmRSS") or 0.0, len(gc.get_objects()) - len(KINDS))


def _repeat(seed: int, times: int) -> list[Look]:
    """Live through one world again and again."""
    numbers: list[float] = []  # which are no objects of the garbage collector's, as looks would be
    for _ in range(times):
        night.live_through(seed)
        numbers += _look(0)
    looks = [Look(*each) for each in zip(*(iter(numbers),) * len(Look._fields), strict=True)]
    return looks[times // 5 :]


def run(wanted: int, jobs: int) -> Found:
    """Live through worlds until so many faults have hit."""
    processes = multiprocessing.get_context("spawn")
    results: Any = processes.Queue()
    workers = [processes.Process(target=_work, args=(part, jobs, results), daemon=True) for part in range(jobs)]
    found, began, said = Found(), time.monotonic(), 0
    for each in workers:
        each.start()
    try:
        while found.hits.total() < wanted:
            found.add(*results.get(timeout=_PATIENCE))
            if found.worlds >= said + 20:
                said = found.worlds
                print(
                    f"{said} worlds, {found.hits.total():,} faults, {found.seconds / 3600:.1f} h, "
                    f"{len(found.problems)} problems", file=sys.stderr, flush=True,
                )  # fmt: skip
    except queue.Empty:
        found.problems.append(f"no world came to its end in {_PATIENCE:g} s")
    finally:
        for each in workers:
            each.terminate()
            each.join()
    found.took = time.monotonic() - began
    with processes.Pool(1) as pool:
        found.steady = pool.apply(_repeat, (_ONE, _TIMES))
    if (grown := found.growth("objects")) > _MOST_OBJECTS:
        found.problems.append(f"a process has grown by {grown:,.0f} objects")
    if (growing := _growing(found.steady)) > _MOST_GROWING:
        found.problems.append(f"with the same world again and again, a process grows after {growing} of them")
    if (grown := _grown_by(found.steady, "megabytes")) > _MOST_MEGABYTES:
        found.problems.append(f"with the same world again and again, a process grows by {grown:.1f} MB")
    return found


def _page(found: Found, command: str) -> Iterator[str]:
    yield _INTRODUCTION.format(
        command=command,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        shortest=night.SHORTEST,
        longest=night.LONGEST,
        managers=night.MANAGERS,
        callers=night.CALLERS,
        faults=night.FAULTS,
        kinds=len(night.KINDS),
        again=_AGAIN,
        objects=_MOST_OBJECTS,
        megabytes=_MOST_MEGABYTES,
        times=_TIMES,
        growing=_MOST_GROWING,
    )
    yield "## What was found\n"
    yield table(("what", "found"), [
        ("faults that hit", f"{found.hits.total():,}"),
        ("worlds", f"{found.worlds:,}"),
        ("of them lived through twice", f"{found.twice:,}"),
        ("virtual time", f"{found.seconds / 3600:,.1f} h"),
        ("real time", f"{found.took / 60:,.1f} min"),
        ("actions", f"{found.begun:,}"),
        ("events to callbacks", f"{found.events:,}"),
        ("links that were lost, and made again by themselves", f"{found.reconnects:,}"),
        ("growth of a process", f"{found.growth('objects'):,.0f} objects, {found.growth('megabytes'):.1f} MB"),
        ("the same, with one world again and again", _grown(found.steady)),
        ("problems", f"{len(found.problems):,}"),
    ])  # fmt: skip
    if found.problems:
        yield "\n".join(f"- {each}" for each in found.problems[:50]) + "\n"
    yield "## How the actions ended\n"
    yield table(
        ("end", "actions"), [(_ENDS.get(end, f"`{end}`"), f"{count:,}") for end, count in found.ends.most_common()]
    )
    yield "## The faults\n"
    yield table(("fault", "hits"), [(f"`{kind}`", f"{count:,}") for kind, count in sorted(found.hits.items())])


def _growing(looks: list[Look]) -> int:
    return sum(after.objects > before.objects for before, after in itertools.pairwise(looks))


def _grown(looks: list[Look]) -> str:
    first, last = looks[0], looks[-1]
    objects = f"{last.objects - first.objects:,} objects, after {_growing(looks)} of {len(looks) - 1} worlds"
    return f"{objects}; {_grown_by(looks, 'megabytes'):.1f} MB"


def main() -> int:
    """Run, and report; return how many problems there were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=1_000_000, help="how many faults are to hit (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many processes (%(default)s)")
    parser.add_argument("--only", type=int, metavar="SEED", help="live through one world, and print what was found")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    arguments = parser.parse_args()
    if arguments.only is not None:
        one = _live(arguments.only)
        print(*night.plan(arguments.only), one, sep="\n")
        return len(one.problems)
    found = run(arguments.faults, arguments.jobs)
    command = " ".join(["python benchmarks/night.py", *sys.argv[1:]])
    text = "\n".join(_page(found, command))
    print(text)
    if arguments.write:
        arguments.write.write_text(text)
    return len(found.problems)


if __name__ == "__main__":
    sys.exit(main())
