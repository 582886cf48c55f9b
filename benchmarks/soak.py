"""A day of traffic in miniature: millions of events, and a server that drops the link at random.

    python benchmarks/soak.py --events 5000000 --driver threads

The server sends numbered events as fast as they are taken, and after some ten thousand of them ends the link: by
closing it, in the middle of an event, or by a reset. The client reconnects by itself. The run fails when an event comes
twice or out of order, when one is missing without a `Gap`, or when memory, threads or sockets have grown by the end.
"""

import argparse
import asyncio
import gc
import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from suite import server as blast
from suite.meter import memory

import ami

_RECONNECT = ami.Reconnect(initial=0.01, maximum=0.1)
_PER_LINK = 50_000  # events, on average, before the link ends
_PER_CHUNK = 500
_LOOK_EVERY = 250_000
_MOST_GROWTH = 5.0  # MB


def serve(total: int, seed: int) -> None:
    """Send events until so many were sent, with links that end."""
    chance = random.Random(seed)
    sent = 0
    with socket.create_server((blast.HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while sent < total:
            connection, _ = listener.accept()
            with connection:
                if not _log_in(connection):
                    continue
                count = min(chance.randint(1000, 2 * _PER_LINK), total - sent)
                sent = _send(connection, sent, count)
                if sent < total:
                    _end(connection, chance)
                else:
                    connection.sendall(b"Event: Done\r\n\r\n")
                    while connection.recv(65536):
                        pass


def _log_in(connection: socket.socket) -> bool:
    """Serve the login of one client; return whether it came to that."""
    session = blast.Session(connection, blast.Stock(0))
    connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
    rest = b""
    while data := connection.recv(65536):
        *frames, rest = (rest + data).split(blast.END)
        for frame in frames:
            connection.sendall(session._answer(frame))
            if frame.startswith(b"Action: Login"):
                return True
    return False


def _send(connection: socket.socket, first: int, count: int) -> int:
    """Send numbered events; return the number of the next one."""
    for begin in range(first, first + count, _PER_CHUNK):
        end = min(begin + _PER_CHUNK, first + count)
        connection.sendall(b"".join(_event(number) for number in range(begin, end)))
    return first + count


def _event(number: int) -> bytes:
    return (
        b"Event: Newstate\r\nPrivilege: call,all\r\nChannel: PJSIP/100-%08x\r\nChannelState: 6\r\n"
        b"ChannelStateDesc: Up\r\nUniqueid: %d\r\n\r\n" % (number, number)
    )


def _end(connection: socket.socket, chance: random.Random) -> None:
    """End the link in one of three ways."""
    how = chance.choice(("close", "cut", "reset"))
    if how == "cut":
        connection.sendall(b"Event: Newstate\r\nPrivilege: call,all\r\nChan")
    elif how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Watch:
    """Counts what comes, and looks at the process now and then."""

    def __init__(self) -> None:
        self.count = 0
        self.last = -1
        self.gaps = self.missing = self.dropped = 0
        self.problems: list[str] = []
        self.looks: list[tuple[int, float, int, int]] = []
        self.done = threading.Event()
        self._gap = False

    def __call__(self, event: ami.Event, manager: object) -> None:
        """The callback for every event."""
        if isinstance(event, ami.Gap):
            self.gaps += 1
            self.dropped += event.lost or 0
            self._gap = True
        elif event.name == "Newstate":
            self._take(int(event["Uniqueid"]))
        elif event.name == "Done":
            self.look()
            self.done.set()

    def _take(self, number: int) -> None:
        if number <= self.last:
            self.problems.append(f"event {number} came after {self.last}")
        elif number != self.last + 1:
            if not self._gap:
                self.problems.append(f"events {self.last + 1} to {number - 1} are missing without a gap")
            self.missing += number - self.last - 1
        self.last, self._gap = number, False
        self.count += 1
        if self.count % _LOOK_EVERY == 0:
            self.look()

    def look(self) -> None:
        """Note memory, threads and open files."""
        gc.collect()
        files = len(os.listdir("/proc/self/fd"))
        self.looks.append((self.count, memory("VmRSS") or 0.0, threading.active_count(), files))
        print("{:>9,} events  {:6.1f} MB  {} threads  {} files".format(*self.looks[-1]), flush=True)

    def verdict(self) -> list[str]:
        """What was wrong."""
        half = len(self.looks) // 2
        early, late = self.looks[:half], self.looks[half:]
        found = list(self.problems[:10])
        growth = statistics.median(look[1] for look in late) - statistics.median(look[1] for look in early)
        if growth > _MOST_GROWTH:
            found.append(f"memory grew by {growth:.1f} MB")
        for name, column in (("threads", 2), ("files", 3)):  # while a link is made again there are others of them
            before, after = (max(look[column] for look in looks) for looks in (early, late))
            if after > before:
                found.append(f"{name} grew from {before} to {after}")
        return found


def run_threads(port: int, watch: Watch) -> None:
    """The client with threads."""
    with ami.Manager(reconnect=_RECONNECT) as manager:
        manager.register_callback("", watch)
        manager.connect(blast.HOST, port)
        manager.login(blast.USERNAME, blast.SECRET)
        watch.done.wait()


async def run_asyncio(port: int, watch: Watch) -> None:
    """The client with asyncio."""
    async with ami.aio.Manager(reconnect=_RECONNECT) as manager:
        manager.register_callback("", watch)
        await manager.connect(blast.HOST, port)
        await manager.login(blast.USERNAME, blast.SECRET)
        await asyncio.to_thread(watch.done.wait)


def main() -> int:
    """Run it; return how many things were wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--driver", choices=("threads", "asyncio"), default="threads")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.events, options.seed)
        return 0
    command = [sys.executable, __file__, "--serve", "--events", str(options.events), "--seed", str(options.seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        watch = Watch()
        began = time.monotonic()
        if options.driver == "threads":
            run_threads(port, watch)
        else:
            asyncio.run(run_asyncio(port, watch))
        seconds = time.monotonic() - began
    wrong = watch.verdict()
    print(
        f"{options.driver}: {watch.count:,} events in {seconds:.0f} s, {watch.gaps} gaps; "
        f"{watch.dropped:,} dropped by a full queue, {watch.missing:,} missing in all, each in a gap"
    )
    print("\n".join(wrong) or "nothing was wrong")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
