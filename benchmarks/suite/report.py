"""The results as a page of Markdown."""

import math
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from suite import events
from suite.bars import Bar, bars, best_peer, figure, ratio
from suite.measure import EVENTS, MEASURES, Measure, Result, Results
from suite.subjects import SUBJECTS, Subject

_INTRODUCTION = """\
# Benchmarks

`ami` beside the other AMI clients for Python, and beside floors: the least that any client in pure CPython has to
do for the same bytes. Made by

    pip install -r benchmarks/requirements.txt
    {command}

with {python}, on a machine of {cores} cores. Seconds differ from machine to machine, and from day to day; compare
within this page only, and ratios rather than figures.

- The server is a process of its own, which has prepared what it sends: events of {events},
  with ids that are renumbered from call to call.
- Every run is a process of its own, and the subjects take turns. Rounds: {rounds}. Figures are medians; ranges go
  from the least to the most. Memory is measured in the first round only.
- Events: {count:,} a run, after 10,000 that do not count, from the action that asks for them to the last callback.
  A run that loses events counts as 0 events/s.
- Round trips are Pings, {pings:,} a run, one after the other. In flight are 50 threads, or 50 tasks, each with one
  Ping after the other, {in_flight:,} in all; *mismatched* counts the responses with another ActionID than that of their
  action. A fifth as many come before, and do not count.
- *× floor* is the figure divided by that of the floor, which each table names; *× best peer* by that of the best of
  the other clients.
"""


def page(results: Results, measures: Sequence[str], rounds: int, command: str) -> str:
    """The whole page."""
    introduction = _INTRODUCTION.format(
        command=command,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        events=events.describe(),
        rounds=rounds,
        count=EVENTS,
        pings=SUBJECTS["ami-threads"].pings,
        in_flight=SUBJECTS["ami-threads"].in_flight,
    )
    keys = [key for key in SUBJECTS if any(key == own for _, own in results)]
    parts = [introduction, *_bars(results), *_subjects(keys)]
    for key in measures:
        parts += _measure(results, MEASURES[key], keys)
    return "\n".join(parts)


def reached(bar: Bar) -> str:
    """Whether a bar is reached, in words."""
    return {True: "yes", False: "**no**", None: "not measured"}[bar.reached]


def table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    heads = list(heads)
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _bars(results: Results) -> Iterator[str]:
    yield "## The bars\n"
    yield "What `ami` is to reach, by its design, and what these results say.\n"
    rows = [(bar.what, bar.wanted, bar.found, reached(bar)) for bar in bars(results)]
    yield table(("what", "bar", "found", "reached"), rows)


def _subjects(keys: Sequence[str]) -> Iterator[str]:
    yield "## The clients\n"
    clients = [SUBJECTS[key] for key in keys if not SUBJECTS[key].is_floor]
    yield table(
        ("client", "version", "with", "note"),
        [(each.title, _version(each), each.style, each.note) for each in clients],
    )


def _version(subject: Subject) -> str:
    if not subject.is_peer:
        return "this checkout"
    try:
        return version(subject.package)
    except PackageNotFoundError:
        return "not installed"


def _measure(results: Results, measure: Measure, keys: Sequence[str]) -> Iterator[str]:
    yield f"## {measure.title}\n"
    yield _caption(measure)
    ratios = ("× floor", "× best peer") if measure.reference else ()
    heads = ("subject", measure.unit, "range", *ratios, *measure.extra.values())
    rows = []
    for key in keys:
        result = results.get((measure.run, key))
        if result is None and SUBJECTS[key].is_floor:
            continue
        title = SUBJECTS[key].title
        if result is None or not result.runs:
            reason = result.absent if result is not None else SUBJECTS[key].note
            rows.append((title, reason or "not measured", *[""] * (len(heads) - 2)))
        else:
            rows.append((title, *_cells(results, measure, key, result)))
    yield table(heads, rows)


def _caption(measure: Measure) -> str:
    better = "Less is better." if measure.lower_is_better else "More is better."
    floors = {style: SUBJECTS[key].title for style, key in measure.reference.items()}
    if len(set(floors.values())) == 1:
        better += f" The floor is *{floors['threads']}*."
    elif floors:
        better += f" The floor is *{floors['threads']}* for threads, *{floors['asyncio']}* for asyncio."
    return better + "\n"


def _cells(results: Results, measure: Measure, key: str, result: Result) -> Iterator[str]:
    value = result.median(measure.figure)
    values = result.values(measure.figure)
    if value is None:
        yield "not measured"
        values = []
    else:
        yield number(value) + (f" ({SUBJECTS[key].memory_events:,} events)" if _is_shorter(measure, key) else "")
    yield f"{number(min(values))} – {number(max(values))}" if len(values) > 1 else ""
    if measure.reference:
        floor = figure(results, measure, measure.reference[SUBJECTS[key].style])
        for each in (ratio(value, floor), ratio(value, best_peer(results, measure))):
            yield "" if each is None else number(each)
    for name in measure.extra:
        worst = result.values(name) if name in ("lost", "mismatched") else []
        extra = max(worst, default=None) if worst else result.median(name)
        yield "" if extra is None else number(extra)


def _is_shorter(measure: Measure, key: str) -> bool:
    return measure.run == "memory" and SUBJECTS[key].memory_events < Subject("", "", "").memory_events


def number(value: float) -> str:
    """Three digits that mean something, thousands apart."""
    if not value:
        return "0"
    decimals = 2 - math.floor(math.log10(abs(value)))
    return f"{round(value, decimals):,.{min(2, max(0, decimals))}f}"
