"""Benchmarks of recordings: how fast they load, and how soon and in how little memory a long one is served.

    pip install '.[sim]'
    python benchmarks/recordings.py

Prints a page of Markdown. With the defaults it takes about three minutes, on Linux; nothing else should run meanwhile.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from suite.bars import Bar, at_least, at_most
from suite.measure import HERE, environment
from suite.report import number, reached, table

_INTRODUCTION = """\
# Benchmarks of recordings

How fast recordings are read. Made by

    pip install '.[sim]'
    {command}

with {python}, on a machine of {cores} cores. Seconds differ from machine to machine, and from day to day.

- Read are the recordings that come with amisim, one after the other, and one of {size} MB: `22/queue-call`, with its
  events again and again.
- Every run has a process of its own. Rounds: {rounds}. Figures are medians; ranges go from the least to the most.
- Frames that are read are counted per second of CPU time: reading does nothing but compute.
- Memory is the peak of the process, and so includes Python and amisim; what is played at once is in memory at once.
- A server greets its first client when it has read the first records. The first answer comes when it has read all.
  Played are the frames that follow from the login, counted per second from there; the client takes its share of that.
"""

_PRELUDE = """
import socket, sys, time, json
from amisim import RecordingReader, Server, library, load
path = sys.argv[1]
def peak():
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
begin, cpu = time.perf_counter(), time.process_time()
"""
_RUNS = {
    "shipped": """
files = [library.find(name) for name in library.names()]
cpu = time.process_time()
frames = sum(len(load(file).records) for file in files)
found = {"rate": frames / (time.process_time() - cpu), "mb": peak()}
""",
    "stream": """
with RecordingReader(path) as reader:
    frames = sum(1 for _ in reader)
found = {"rate": frames / (time.process_time() - cpu), "mb": peak()}
""",
    "first": """
with RecordingReader(path) as reader:
    next(iter(reader))
    found = {"ms": (time.perf_counter() - begin) * 1000, "mb": peak()}
""",
    "served": """
with Server(recording=path, speed=0) as server, socket.create_connection((server.host, server.port)) as client:
    client.recv(100)
    found = {"ms": (time.perf_counter() - begin) * 1000, "mb": peak()}
""",
    "answered": """
with Server(recording=path, speed=0) as server, socket.create_connection((server.host, server.port)) as client:
    client.recv(100)
    client.sendall(b"Action: Challenge\\r\\nAuthType: MD5\\r\\n\\r\\n")
    client.recv(100)
    found = {"ms": (time.perf_counter() - begin) * 1000, "mb": peak()}
""",
    "played": """
with RecordingReader(path) as reader:
    left = sum(each.direction == "<" and each.cause == 2 for each in reader)
with Server(recording=path, speed=0) as server, socket.create_connection((server.host, server.port)) as client:
    client.recv(100)
    client.sendall(b"Action: Challenge\\r\\nAuthType: MD5\\r\\n\\r\\n")
    client.recv(100)
    frames, end = left, b""
    begin = time.perf_counter()
    client.sendall(b"Action: Login\\r\\nUsername: admin\\r\\nAuthType: MD5\\r\\nKey: 1\\r\\n\\r\\n")
    while left > 0:
        data = end + client.recv(1_048_576)
        left -= data.count(b"\\r\\n\\r\\n")
        end = data[-3:]
    found = {"rate": frames / (time.perf_counter() - begin), "mb": peak()}
""",
}
_TITLES = {
    "shipped": "the shipped recordings, loaded",
    "stream": "the long one, record by record",
    "first": "the long one, to its first record",
    "served": "the long one, to the first frame that `amisim.Server` sends",
    "answered": "the long one, to the first answer of `amisim.Server`",
    "played": "the long one, played at once to a client in the same process",
}
_HEADS = {"rate": "frames/s", "ms": "ms", "mb": "memory, MB"}

Found = dict[str, list[dict[str, float]]]


def _long_recording(folder: Path, megabytes: int) -> Path:
    from amisim import RecordingWriter, library, load

    recording = load(library.find("22/queue-call"))
    path = folder / "long.yaml"
    opened, *records = [each for each in recording.records if each.kind in ("open", "data")]
    events = [each._replace(cause=2) for each in records if each.data.startswith(b"Event: ")]
    with RecordingWriter(path, recording.header) as writer:
        for each in [opened, *records]:
            writer.write(each)
        at = records[-1].at
        while path.stat().st_size < megabytes * 1_000_000:
            for each in events:
                at += 0.001
                writer.write(each._replace(at=at, chunks=()))
    return path


def _measure(rounds: int, megabytes: int) -> Found:
    found: Found = {key: [] for key in _RUNS}
    with tempfile.TemporaryDirectory() as folder:
        path = _long_recording(Path(folder), megabytes)
        for _ in range(rounds):
            for key, program in _RUNS.items():
                command = [sys.executable, "-c", f"{_PRELUDE}{program}\nprint(json.dumps(found))", str(path)]
                done = subprocess.run(command, cwd=HERE, env=environment(), capture_output=True, text=True, check=True)
                found[key].append(json.loads(done.stdout))
                print(f"{key}: {done.stdout.strip()}", file=sys.stderr, flush=True)
    return found


def _median(found: Found, key: str, figure: str) -> float:
    return statistics.median(each[figure] for each in found[key])


def _bars(found: Found) -> Iterator[Bar]:
    for key in ("shipped", "stream"):
        yield at_least(_TITLES[key], "thousand frames/s", _median(found, key, "rate") / 1000, 90)
    for key in ("first", "served"):
        yield at_most(_TITLES[key], "ms", _median(found, key, "ms"), 50)
        yield at_most(_TITLES[key], "MB", _median(found, key, "mb"), 60)


def _page(found: Found, rounds: int, megabytes: int, command: str) -> Iterator[str]:
    yield _INTRODUCTION.format(
        command=command,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        rounds=rounds,
        size=megabytes,
    )
    yield "## The bars\n"
    yield "What reading is to reach, by its design, and what these results say.\n"
    yield table(
        ("what", "bar", "found", "reached"), [(bar.what, bar.wanted, bar.found, reached(bar)) for bar in _bars(found)]
    )
    yield "## All figures\n"
    rows = []
    for key, runs in found.items():
        for figure in runs[0]:
            values = [each[figure] for each in runs]
            extent = f"{number(min(values))} – {number(max(values))}" if len(values) > 1 else ""
            rows.append((_TITLES[key], _HEADS[figure], number(_median(found, key, figure)), extent))
    yield table(("what", "unit", "median", "range"), rows)


def main() -> None:
    """Measure, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each run has its turn (%(default)s)")
    parser.add_argument("--megabytes", type=int, default=100, help="how long the long recording is (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    arguments = parser.parse_args()
    found = _measure(arguments.rounds, arguments.megabytes)
    command = " ".join(["python benchmarks/recordings.py", *sys.argv[1:]])
    text = "\n".join(_page(found, arguments.rounds, arguments.megabytes, command))
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
