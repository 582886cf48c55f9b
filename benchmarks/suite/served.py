"""Measures of `amisim.Server`: it is alone in its process, and its clients are bare sockets in this one."""

import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from suite.measure import HERE, environment
from suite.meter import Figures, clock, latencies
from suite.server import END, HOST
from suite.simulator import ASK, DONE, LOGIN

EVENTS = 100_000
"""How many events a run sends."""

PINGS = 2_000
"""How many round trips a run has."""

CLIENTS = 5_000
"""How many clients are idle at a time."""

STARTS = 200
"""How often a server is started and stopped."""

SILENT = 10_000
"""How many connections that say nothing are open at a time."""

_TOGETHER = 50  # clients without a login at a time: more than these, a server refuses
_IDLE = 2.0  # seconds
_CHUNK = 1_048_576

_FLOODS = 3  # the transcript fills up in the first ones

_START = f"""
import statistics, time
import amisim
seconds = []
for _ in range({STARTS}):
    begin = time.perf_counter()
    with amisim.Server():
        pass
    seconds.append(time.perf_counter() - begin)
print(statistics.median(seconds) * 1000)
"""


class Served(NamedTuple):
    """A server that runs."""

    port: int
    process: int
    """Its number."""


@contextmanager
def _serving(module: str, *arguments: object) -> Iterator[Served]:
    command = [sys.executable, "-m", f"suite.{module}", *map(str, arguments)]
    with subprocess.Popen(command, cwd=HERE, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(int(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


@contextmanager
def _client(port: int) -> Iterator[socket.socket]:
    """A client that has logged in, and was told that Asterisk has booted."""
    with socket.create_connection((HOST, port), 60) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(LOGIN)
        _read_until_booted(client)
        yield client


def _read_until_booted(client: socket.socket) -> None:
    heard = b""
    while b"FullyBooted" not in heard or not heard.endswith(END):
        heard += client.recv(4096)


def start_and_stop() -> Figures:
    """A server is started and stopped, again and again."""
    command = [sys.executable, "-c", _START]
    done = subprocess.run(command, cwd=HERE, env=environment(), stdout=subprocess.PIPE, text=True, check=True)
    return {"ms": float(done.stdout)}


def events(what: str) -> Figures:
    """One client is sent events; the time is from its request to the last byte."""
    with _serving("simulator", what, EVENTS) as server, _client(server.port) as client:
        buffer = bytearray(_CHUNK)
        end = b""
        before = _cpu_seconds(server.process)
        begin = clock()
        client.sendall(ASK)
        while not end.endswith(DONE):
            count = client.recv_into(buffer)
            if not count:
                raise RuntimeError("the server closed the connection")
            end = (end + bytes(buffer[max(0, count - len(DONE)) : count]))[-len(DONE) :]
        seconds = clock() - begin
        return {"rate": EVENTS / seconds, "cpu": _cpu_seconds(server.process) - before}


def round_trips(module: str, *arguments: object) -> Figures:
    """One client sends Pings, one after the other."""
    with _serving(module, *arguments) as server, _client(server.port) as client:
        samples = []
        for number in range(PINGS):
            ping = b"Action: Ping\r\nActionID: %d\r\n\r\n" % number
            begin = clock()
            client.sendall(ping)
            answer = client.recv(4096)
            samples.append(clock() - begin)
            assert answer.endswith(END)
        return latencies(samples[PINGS // 10 :])


def idle_clients() -> Figures:
    """Many clients log in, and then say nothing."""
    _allow(CLIENTS)
    with _serving("simulator", "idle", 0) as server, ExitStack() as stack:
        stack.enter_context(_client(server.port))
        memory = _resident(server.process)
        begin = clock()
        for _ in range(CLIENTS // _TOGETHER):
            clients = [stack.enter_context(socket.create_connection((HOST, server.port), 60)) for _ in range(_TOGETHER)]
            for client in clients:
                client.sendall(LOGIN)
            for client in clients:
                _read_until_booted(client)
        seconds = clock() - begin
        each = (_resident(server.process) - memory) / CLIENTS
        before = _cpu_seconds(server.process)
        time.sleep(_IDLE)
        used = _cpu_seconds(server.process) - before
        return {"kb": each, "cpu": used / _IDLE * 100, "rate": CLIENTS / seconds}


def silent_clients() -> Figures:
    """Very many clients connect, say nothing and keep their ends open; then they all go, and as many others come."""
    _allow(SILENT)
    with _serving("simulator", "idle", 0) as server, _client(server.port) as good:
        memory, seconds, descriptors, samples = [], [], [], []
        for _ in range(_FLOODS):
            with ExitStack() as stack:
                begin = clock()
                for _ in range(SILENT):
                    stack.enter_context(socket.create_connection((HOST, server.port), 60))
                seconds.append(clock() - begin)
                samples.append(_ping(good))
                time.sleep(_IDLE)
                descriptors.append(len(os.listdir(f"/proc/{server.process}/fd")))
            samples.append(_ping(good))
            memory.append(_resident(server.process) / 1024)
        return {
            "seconds": statistics.median(seconds),
            "descriptors": max(descriptors),
            "ping": max(samples) * 1000,
            "mb": memory[-1],
            "growth": memory[-1] - memory[-2],
        }


def _ping(client: socket.socket) -> float:
    """The seconds until a client that is logged in has the answer to a Ping."""
    begin = clock()
    client.sendall(b"Action: Ping\r\n\r\n")
    answer = client.recv(4096)
    assert answer.endswith(END)
    return clock() - begin


def _allow(clients: int) -> None:
    """Let this process, and the servers that it starts, have a file open for each client."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < clients + 100:
        raise RuntimeError(f"this system permits {hard:,} open files, and {clients:,} clients need one each")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _resident(process: int) -> float:
    """The memory of another process, in KB."""
    with open(f"/proc/{process}/status", encoding="ascii") as lines:
        return next(float(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _cpu_seconds(process: int) -> float:
    """The CPU time of another process."""
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run(NamedTuple):
    """What is done in each round."""

    title: str
    do: Callable[[], Figures]
    figures: dict[str, str]
    """What is found, and its head in the table."""


_EVENTS = {"rate": "events/s", "cpu": "CPU, s"}
_TRIPS = {"p50": "median, µs", "p99": "99th percentile, µs"}

RUNS = {
    "start": Run("start and stop", start_and_stop, {"ms": "ms"}),
    "emit": Run("`server.emit`, one by one", lambda: events("emit"), _EVENTS),
    "replay": Run("a recording, at speed 0", lambda: events("replay"), _EVENTS),
    "scenario": Run("a script, rendered one by one", lambda: events("scenario"), _EVENTS),
    "ping": Run("`amisim.Server`", lambda: round_trips("simulator", "idle", 0), _TRIPS),
    "ping-floor": Run("a bare socket server, one thread a client", lambda: round_trips("server"), _TRIPS),
    "idle": Run(
        "clients, logged in and idle", idle_clients,
        {"kb": "KB a client", "cpu": "CPU of the server, %", "rate": "logins/s"},
    ),
    "silent": Run(
        "connections that say nothing", silent_clients,
        {
            "seconds": "s to connect", "descriptors": "open files of the server, 2 s later", "ping": "slowest Ping, ms",
            "mb": "memory of the server, MB", "growth": "growth by the last flood, MB",
        },
    ),
}  # fmt: skip

Found = dict[str, list[Figures]]
"""What each run found in each round."""


def measure(rounds: int, progress: Callable[[str], object]) -> Found:
    """Every run in every round, one after the other."""
    found: Found = {key: [] for key in RUNS}
    for number in range(rounds):
        for key, run in RUNS.items():
            progress(f"round {number + 1} of {rounds}: {key}")
            found[key].append(run.do())
    return found


def median(found: Found, key: str, figure: str) -> float:
    """The median of a figure."""
    return statistics.median(each[figure] for each in found[key])
