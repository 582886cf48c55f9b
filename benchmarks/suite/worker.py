"""The process in which one run of one subject happens: `python -m suite.worker SUBJECT RUN PORT EVENTS`.

It prints what it has found as one line of JSON, and ends without waiting for the threads of the library.
"""

import asyncio
import importlib
import json
import logging
import os
import sys
import threading
import time
import warnings
from typing import Any

from suite import events
from suite.meter import Figures, Meter, clock, forget_peak, latencies, memory
from suite.subjects import SUBJECTS, Subject

IN_FLIGHT = 50
"""How many actions are under way at a time."""

_WARM_UP = 5  # a fifth as many actions come first, and do not count
_WARM_UP_EVENTS = 10_000
_SETTLE = 0.2  # seconds, for what the server sends after the login
_QUIET = 5.0  # seconds without an event after which no more are waited for


# Clients with threads


def _run_threads(driver: Any, subject: Subject, run: str, port: int, count: int) -> Figures:
    driver.connect(port)
    time.sleep(_SETTLE)
    if run == "round-trip":
        return _round_trips(driver, subject.pings)
    if run == "in-flight":
        _threads_in_flight(driver, subject.in_flight // IN_FLIGHT // _WARM_UP)
        return _threads_in_flight(driver, subject.in_flight // IN_FLIGHT)
    done = threading.Event()
    meter = Meter(done.set)
    driver.listen(_reading(run), meter.hit)
    for size in (_WARM_UP_EVENTS, count):
        before = _begin(meter, subject, run, size)
        done.clear()
        driver.trigger(size)
        seen = -1
        while not done.wait(_QUIET) and meter.count != seen:
            seen = meter.count
        if not done.is_set():
            meter.stop()
    return _figures(meter, count, before)


def _round_trips(driver: Any, count: int) -> Figures:
    samples = []
    for number in range(count // _WARM_UP + count):
        begin = clock()
        driver.ping(f"ping-{number}")
        samples.append(clock() - begin)
    return latencies(samples[count // _WARM_UP :])


def _threads_in_flight(driver: Any, each: int) -> Figures:
    samples: list[float] = []
    mismatched: list[str] = []
    together = threading.Barrier(IN_FLIGHT + 1)

    def work(worker: int) -> None:
        together.wait()
        for number in range(each):
            action_id = f"ping-{worker}-{number}"
            begin = clock()
            answered = driver.ping(action_id)
            samples.append(clock() - begin)
            if answered != action_id:
                mismatched.append(answered)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(IN_FLIGHT)]
    for worker in workers:
        worker.start()
    together.wait()
    begin = clock()
    for worker in workers:
        worker.join()
    return _in_flight_figures(samples, clock() - begin, each, mismatched)


# Clients of asyncio


async def _run_asyncio(driver: Any, subject: Subject, run: str, port: int, count: int) -> Figures:
    await driver.connect(port)
    await asyncio.sleep(_SETTLE)
    if run == "round-trip":
        return await _awaited_round_trips(driver, subject.pings)
    if run == "in-flight":
        await _tasks_in_flight(driver, subject.in_flight // IN_FLIGHT // _WARM_UP)
        return await _tasks_in_flight(driver, subject.in_flight // IN_FLIGHT)
    done = asyncio.Event()
    meter = Meter(done.set)
    driver.listen(_reading(run), meter.hit)
    for size in (_WARM_UP_EVENTS, count):
        before = _begin(meter, subject, run, size)
        done.clear()
        await driver.trigger(size)
        seen = -1
        while not done.is_set() and meter.count != seen:
            seen = meter.count
            await asyncio.wait([asyncio.ensure_future(done.wait())], timeout=_QUIET)
        if not done.is_set():
            meter.stop()
    return _figures(meter, count, before)


async def _awaited_round_trips(driver: Any, count: int) -> Figures:
    samples = []
    for number in range(count // _WARM_UP + count):
        begin = clock()
        await driver.ping(f"ping-{number}")
        samples.append(clock() - begin)
    return latencies(samples[count // _WARM_UP :])


async def _tasks_in_flight(driver: Any, each: int) -> Figures:
    samples: list[float] = []
    mismatched: list[str] = []

    async def work(worker: int) -> None:
        for number in range(each):
            action_id = f"ping-{worker}-{number}"
            begin = clock()
            answered = await driver.ping(action_id)
            samples.append(clock() - begin)
            if answered != action_id:
                mismatched.append(answered)

    begin = clock()
    await asyncio.gather(*map(work, range(IN_FLIGHT)))
    return _in_flight_figures(samples, clock() - begin, each, mismatched)


# Both


def _reading(run: str) -> str:
    return "two" if run == "memory" else run


def _begin(meter: Meter, subject: Subject, run: str, count: int) -> float | None:
    """Begin to count those of `count` events that reach a callback, and the memory that they take."""
    before = memory("VmRSS")
    if before is not None:
        forget_peak()
    one_kind = run == "kind" and not subject.is_floor
    meter.start(count // events.KINDS if one_kind else count)
    return before


def _figures(meter: Meter, sent: int, before: float | None) -> Figures:
    """What was found; after a look whether the last value that was read is one of the last event."""
    last = (sent - 1) % events.STOCK_SIZE
    figures = meter.figures(sent)
    if not figures["lost"] and meter.value is not None and meter.value not in events.values(last):
        raise ValueError(f"the last event has no header that says {meter.value!r}")
    peak = memory("VmHWM")
    if before is not None and peak is not None:
        figures["growth"] = peak - before
    return figures


def _in_flight_figures(samples: list[float], seconds: float, each: int, mismatched: list[str]) -> Figures:
    if len(samples) != IN_FLIGHT * each:
        raise RuntimeError(f"{len(samples)} of {IN_FLIGHT * each} actions were answered")
    return {"rate": len(samples) / seconds, "mismatched": len(mismatched), **latencies(samples)}


def run(key: str, run: str, port: int, count: int) -> dict[str, Any]:
    """What one run of one subject found, or why there is nothing."""
    subject = SUBJECTS[key]
    module, _, name = subject.driver.partition(":")
    try:
        driver = getattr(importlib.import_module(module), name)()
    except ImportError as error:
        return {"absent": "not installed" if subject.is_peer else f"not available: {error}"}
    count = subject.memory_events if run == "memory" else count
    try:
        if subject.style == "asyncio":
            return asyncio.run(_run_asyncio(driver, subject, run, port, count))
        return _run_threads(driver, subject, run, port, count)
    except Exception as error:
        return {"absent": f"failed: {type(error).__name__}: {error}"[:160]}


def main() -> None:
    """Run, print, end."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    threading.excepthook = lambda args: None  # a worker that failed shows in the number of its samples
    key, what, port, count = sys.argv[1:]
    print(json.dumps(run(key, what, int(port), int(count))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
