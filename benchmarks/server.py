"""Benchmarks of `amisim.Server`.

    pip install '.[sim]'
    python benchmarks/server.py

Prints a page of Markdown. With the defaults it takes about two minutes, on Linux; nothing else should run meanwhile.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from suite.bars import Bar, at_least, at_most
from suite.events import describe
from suite.report import number, reached, table
from suite.served import CLIENTS, EVENTS, PINGS, RUNS, SILENT, STARTS, Found, measure, median

_INTRODUCTION = """\
# Benchmarks of the fake Asterisk

How fast `amisim.Server` is. Made by

    pip install '.[sim]'
    {command}

with {python}, on a machine of {cores} cores. Seconds differ from machine to machine, and from day to day.

- The server is alone in its process; its client is a socket in another, which takes bytes and does nothing with them.
- Every run has a server of its own. Rounds: {rounds}. Figures are medians; ranges go from the least to the most.
- Events: {events:,} a run, {kinds}, from the client's request to the last byte.
  All are due at once.
- Starts and stops: {starts} a run. Round trips are Pings, {pings:,} a run, one after the other.
- Idle clients: {clients:,}, on one server. The CPU is that of the server over two seconds, when all have logged in.
- Clients that say nothing: {silent:,} connections that their clients keep open, three times. Of each flood the server
  keeps 50, as Asterisk does, and closes the others. A client that had logged in before pings during and after it.
"""

_SECTIONS = {
    "Start and stop": ("start",),
    "Events to one client": ("emit", "replay", "scenario"),
    "Round trip of a Ping": ("ping", "ping-floor"),
    "Many clients": ("idle",),
    "Clients that connect and say nothing": ("silent",),
}


def _bars(found: Found) -> Iterator[Bar]:
    yield at_most("start and stop", "ms", median(found, "start", "ms"), 2)
    for what, key in (("events of a recording, at speed 0, to one client", "replay"), ("events emitted", "emit")):
        yield at_least(what, "thousand events/s", median(found, key, "rate") / 1000, 100)
    yield at_most(f"CPU for {CLIENTS:,} idle clients", "%", median(found, "idle", "cpu"), 1)


def _page(found: Found, rounds: int, command: str) -> Iterator[str]:
    yield _INTRODUCTION.format(
        command=command,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        rounds=rounds,
        events=EVENTS,
        kinds=describe(),
        starts=STARTS,
        pings=PINGS,
        clients=CLIENTS,
        silent=SILENT,
    )
    yield "## The bars\n"
    yield "What the server is to reach, by its design, and what these results say.\n"
    rows = [(bar.what, bar.wanted, bar.found, reached(bar)) for bar in _bars(found)]
    yield table(("what", "bar", "found", "reached"), rows)
    for title, keys in _SECTIONS.items():
        yield f"## {title}\n"
        heads = [head for each in RUNS[keys[0]].figures.values() for head in (each, "range")]
        yield table(("what", *heads), [(RUNS[key].title, *_cells(found, key)) for key in keys])


def _cells(found: Found, key: str) -> Iterator[str]:
    for figure in RUNS[key].figures:
        values = [each[figure] for each in found[key]]
        yield number(median(found, key, figure))
        yield f"{number(min(values))} – {number(max(values))}" if len(values) > 1 else ""


def main() -> None:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each run has its turn (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    arguments = parser.parse_args()
    found = measure(arguments.rounds, lambda text: print(text, file=sys.stderr, flush=True))
    command = " ".join(["python benchmarks/server.py", *sys.argv[1:]])
    text = "\n".join(_page(found, arguments.rounds, command))
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
