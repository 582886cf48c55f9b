"""Benchmarks of `amisim.World`: virtual time.

    pip install -e '.[pytest]' -r benchmarks/requirements.txt
    python benchmarks/world.py

Prints a page of Markdown. With the defaults it takes about eight minutes, with `--quick` less than one.
"""

import argparse
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from suite.bars import Bar, at_most
from suite.measure import HERE, environment
from suite.options import names
from suite.report import number, reached, table
from suite.worlds import leavers, mixed
from suite.worlds.clients import CLIENTS, SEEDS, Timed, measure

_TESTS = 1_000
_PROCESSES = 200
_SEEDS = (1, 2)  # of the mixed story; the second one in a tenth of the processes

_QUICK = 50
"""How many times less there is of everything with `--quick`."""

_TEST = """\
import pytest

import ami
from ami import core
from amisim import World, response, wait


@pytest.mark.parametrize("number", range({tests}))
def test_a_late_answer(number):
    late = []
    with World(seed=number) as world:
        server = world.server()
        server.on("Ping").reply(wait(5.5), response(Ping="Pong"))
        with ami.Manager(runtime=world.runtime) as manager:
            manager.register_callback(None, lambda response, manager: late.append(response))
            manager.connect(server.host, server.port)
            manager.login(server.username, server.secret)
            began = world.now
            assert manager.send_action(core.Ping()) is None
            assert world.now - began == 5
            world.advance(1)
    assert [each["Ping"] for each in late] == ["Pong"]
"""

_INTRODUCTION = """\
# Benchmarks of virtual time

What a wait costs in an `amisim.World`, and whether the same comes out each time. Made by

    pip install -e '.[pytest]' -r benchmarks/requirements.txt
    {command}

with {python}, on a machine of {cores} cores. Seconds differ from machine to machine, and from day to day.
"""

_TIMEOUTS = """\
A run is a world, with a server and a client that connects, logs in, and sends a Ping whose answer takes longer than
5 s; then all of it ends. *ms* are real ones, of a whole run. A *deviation* is a run whose result, virtual seconds or
digest (of all turns and all bytes) are not those of the first run, which had the same seed. *Digests* are those of
{seeds} other seeds; where there are fewer, some seeds gave the threads their turns in the same order.
"""

_STORY = """\
Threads, asyncio, {faults} faults, links that are made again and callbacks, for {length:g} s of virtual time. The hash
is of the server's transcript, the digest, and all that callbacks and callers saw. Each run is a process of its own,
with another `PYTHONHASHSEED`.
"""

_SUITE = """\
A file of {tests:,} tests, with a world each, in one process of plain pytest. Each waits 5 s for an answer that then
comes too late, and sees it come. *Seconds* are those of the whole process.
"""


_LEAVERS = """\
A thread that waits for something real, or computes on, stops everybody else in its world; so does a deadlock. The error
that names it, with the place and what to do, is raised where the world was entered. *Seconds* are real ones, from when
the thread begins to do so, in a world with its usual patience of 0.7 s: the most of {times}.
"""


@dataclass
class Found:
    """What was measured."""

    timed: dict[str, Timed]
    hashes: dict[int, list[str]]
    """Of each run of the story, by its seed."""
    story: float
    """Real seconds that a run of it takes, with its process."""
    tests: int
    seconds: float
    """Of the whole suite."""
    left: list[leavers.Named]


def _hash(seed: int, hash_seed: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "suite.worlds.mixed", str(seed)], cwd=HERE, capture_output=True, text=True, check=True,
        env={**environment(), "PYTHONHASHSEED": str(hash_seed)},
    )  # fmt: skip
    return done.stdout.strip()


def _tell_stories(processes: int) -> tuple[dict[int, list[str]], float]:
    runs = [(_SEEDS[0], each) for each in range(processes)]
    runs += [(_SEEDS[1], each) for each in range(max(2, processes // 10))]
    jobs = os.cpu_count() or 1
    began = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        hashes = list(pool.map(lambda run: _hash(*run), runs))
    seconds = (time.perf_counter() - began) * jobs / len(runs)
    return {
        seed: [each for (own, _), each in zip(runs, hashes, strict=True) if own == seed] for seed in _SEEDS
    }, seconds


def _run_suite(tests: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_late.py").write_text(_TEST.format(tests=tests))
        variables = environment()
        variables["PYTHONPATH"] += f"{os.pathsep}{HERE.parent / 'pytest_plugin'}"
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "test_late.py"],
            cwd=folder, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    if f"{tests} passed" not in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    return seconds


def _measure(clients: list[str], part: int) -> Found:
    timed = {}
    for key in clients:
        runs = max(10, CLIENTS[key].runs // part)
        print(f"{key}: {runs:,} runs", file=sys.stderr, flush=True)
        timed[key] = measure(CLIENTS[key], runs)
    print("the mixed story", file=sys.stderr, flush=True)
    hashes, story = _tell_stories(max(4, _PROCESSES // part))
    print("the suite", file=sys.stderr, flush=True)
    tests = max(20, _TESTS // part)
    seconds = _run_suite(tests)
    print("who leaves", file=sys.stderr, flush=True)
    left = [leavers.name(way, place) for way in leavers.WAYS for place in leavers.PLACES]
    return Found(timed, hashes, story, tests, seconds, left)


def _bars(found: Found) -> Iterator[Bar]:
    for key, timed in found.timed.items():
        yield at_most(f"a 5 s time-out, {key}", "ms, the median", timed.median, 20)
    for key, timed in found.timed.items():
        yield at_most(f"{timed.runs:,} runs, {key}", "deviations", timed.deviations, 0)
    same, other = (set(found.hashes[seed]) for seed in _SEEDS)
    yield at_most(f"{len(found.hashes[_SEEDS[0]]):,} runs of a long story", "hash", len(same), 1)
    yield at_most("hashes of it that another seed gives as well", "in all", len(same & other), 0)
    yield at_most(f"a suite of {found.tests:,} tests that wait 5 s each", "s", found.seconds, 30)
    yield at_most("who leaves a world is named after", "s", max(each.told for each in found.left), 1)


def _page(found: Found, command: str) -> Iterator[str]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    yield _INTRODUCTION.format(command=command, python=python, cores=os.cpu_count())
    yield "## The bars\n"
    yield "What a world is to reach, by its design, and what these results say.\n"
    rows = [(bar.what, bar.wanted, bar.found, reached(bar)) for bar in _bars(found)]
    yield table(("what", "bar", "found", "reached"), rows)
    yield "## A time-out of 5 s\n"
    yield _TIMEOUTS.format(seeds=SEEDS)
    heads = (
        "client",
        "version",
        "runs",
        "median, ms",
        "slowest, ms",
        "virtual seconds",
        "deviations",
        "digests",
        "note",
    )
    yield table(heads, [_row(key, timed) for key, timed in found.timed.items()])
    yield "## One long story\n"
    yield _STORY.format(faults=len(mixed.FAULTS), length=mixed.LENGTH)
    yield table(("seed", "processes", "hashes", "of them the first"), [
        (str(seed), f"{len(hashes):,}", str(len(set(hashes))), f"`{hashes[0][:16]}…`")
        for seed, hashes in found.hashes.items()
    ])  # fmt: skip
    yield f"A run, with its process, takes {number(found.story)} s of one core.\n"
    yield "## A suite of tests that wait\n"
    yield _SUITE.format(tests=found.tests)
    yield table(("tests", "virtual seconds", "seconds", "ms a test"), [
        (f"{found.tests:,}", f"at least {found.tests * 6:,}", number(found.seconds),
         number(found.seconds / found.tests * 1000)),
    ])  # fmt: skip
    yield "## Who leaves\n"
    yield _LEAVERS.format(times=leavers.TIMES)
    told = {(each.way, each.place): number(each.told) for each in found.left}
    rows = [(way, *(told[way, place] for place in leavers.PLACES)) for way in leavers.WAYS]
    yield table(("what", *(f"{place}, s" for place in leavers.PLACES)), rows)


def _row(key: str, timed: Timed) -> tuple[str, ...]:
    client = CLIENTS[key]
    return (
        client.title, "this checkout" if key.startswith("ami-") else version(key), f"{timed.runs:,}",
        number(timed.median), number(timed.most), f"{timed.seconds!r}", f"{timed.deviations:,}", f"{timed.others}",
        client.note,
    )  # fmt: skip


def main() -> None:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clients", type=names(list(CLIENTS)), default=list(CLIENTS), metavar="NAME,NAME",
        help=f"which clients: {', '.join(CLIENTS)}",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="do little of each")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)  # each time-out is logged, and pystrix warns of it
    warnings.simplefilter("ignore")
    found = _measure(arguments.clients, _QUICK if arguments.quick else 1)
    command = " ".join(["python benchmarks/world.py", *sys.argv[1:]])
    text = "\n".join(_page(found, command))
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
