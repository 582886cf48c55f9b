"""The bars that the design sets `ami`, and whether the results reach them."""

from collections.abc import Iterator
from dataclasses import dataclass

from suite.measure import MEASURES, Measure, Results
from suite.subjects import SUBJECTS

_AMI = {"ami-threads": "threads", "ami-asyncio": "asyncio"}


@dataclass(frozen=True)
class Bar:
    """One bar, and what was found."""

    what: str
    wanted: str
    found: str = ""
    reached: bool | None = None
    """None where it was not measured."""


def figure(results: Results, measure: Measure, key: str, name: str = "") -> float | None:
    """The median of a subject, or None."""
    result = results.get((measure.run, key))
    return result.median(name or measure.figure) if result is not None else None


def best_peer(results: Results, measure: Measure) -> float | None:
    """The figure of the best of the other projects' clients."""
    found = [figure(results, measure, key) for key, subject in SUBJECTS.items() if subject.is_peer]
    values = [value for value in found if value is not None]
    return (min if measure.lower_is_better else max)(values, default=None)


def ratio(value: float | None, to: float | None) -> float | None:
    """The one divided by the other, where there are both."""
    return value / to if value is not None and to else None


def bars(results: Results) -> Iterator[Bar]:
    """Every bar, for each driver that it is set for."""
    for key, style in _AMI.items():
        yield from _event_bars(results, key, style)
    yield from _action_bars(results)
    for key, style in _AMI.items():
        grown = figure(results, MEASURES["memory"], key)
        yield at_most(f"growth of memory while 1,000,000 events pass, {style}", "MB", grown, 5)
    yield from _import_bars(results)


def _event_bars(results: Results, key: str, style: str) -> Iterator[Bar]:
    two, every, kind = (MEASURES[name] for name in ("two", "every", "kind"))
    rate = figure(results, two, key)
    what = f"events, two headers read, {style}"
    yield at_least(what, "× the fastest peer", ratio(rate, best_peer(results, two)), 3)
    yield at_least(what, "× pystrix", ratio(rate, figure(results, two, "pystrix")), 12)
    rate = figure(results, every, key)
    what = f"events, every header read, {style}"
    yield at_least(what, "× the fastest peer", ratio(rate, best_peer(results, every)), 1.3)
    rate = figure(results, kind, key)
    what = f"events, one kind in ten wanted, {style}"
    yield at_least(what, "× the lazy floor", ratio(rate, figure(results, kind, "floor-name")), 0.6)


def _action_bars(results: Results) -> Iterator[Bar]:
    trip, flight = MEASURES["round-trip"], MEASURES["in-flight"]
    for key, limit in (("ami-threads", 1.15), ("ami-asyncio", 1.3)):
        style = _AMI[key]
        median = figure(results, trip, key)
        floor = figure(results, trip, trip.reference[style])
        yield at_most(f"round trip, {style}", "× its floor", ratio(median, floor), limit)
        if style == "threads":
            yield _below(f"round trip, {style}", "× the fastest peer", ratio(median, best_peer(results, trip)))
    rate = figure(results, flight, "ami-asyncio")
    what = "50 actions in flight, asyncio"
    floor = figure(results, flight, flight.reference["asyncio"])
    yield at_least(what, "× its floor", ratio(rate, floor), 0.7)
    yield _above(what, "× the fastest peer", ratio(rate, best_peer(results, flight)))
    for key, style in _AMI.items():
        result = results.get((flight.run, key))
        mismatched = max(result.values("mismatched"), default=None) if result else None
        yield at_most(f"50 actions in flight, {style}", "mismatched", mismatched, 0)


def _import_bars(results: Results) -> Iterator[Bar]:
    measure = MEASURES["import"]
    floor = figure(results, measure, "floor-import")
    for what, key in (("import ami", "import-ami"), ("from ami import Manager", "ami-threads")):
        time = figure(results, measure, key)
        yield at_most(what, "× import socket, threading, hashlib", ratio(time, floor), 1.5)
        result = results.get((measure.run, key))
        if result is not None and result.runs:
            loads = ", ".join(sorted(result.loads)) or "neither"
            yield Bar(what, "loads neither asyncio nor ssl", loads, not result.loads)


def at_least(what: str, of: str, value: float | None, limit: float) -> Bar:
    """A bar from below."""
    return _bar(what, f"at least {limit:g} {of}", value, None if value is None else value >= limit)


def at_most(what: str, of: str, value: float | None, limit: float) -> Bar:
    """A bar from above."""
    return _bar(what, f"at most {limit:g} {of}", value, None if value is None else value <= limit)


def _below(what: str, of: str, value: float | None) -> Bar:
    return _bar(what, f"below 1 {of}", value, None if value is None else value < 1)


def _above(what: str, of: str, value: float | None) -> Bar:
    return _bar(what, f"above 1 {of}", value, None if value is None else value > 1)


def _bar(what: str, wanted: str, value: float | None, reached: bool | None) -> Bar:
    return Bar(what, wanted, "" if value is None else f"{value:.2f}", reached)
