"""One module for each client that is measured: how a program uses it, in the words of its own documentation.

Each has a class `Driver`. In those of clients with threads the methods are plain, in those of asyncio clients all
but `listen` are coroutines:

* `connect(port)`: connect and log in;
* `listen(reading, hit)`: register a callback that reads an event, and gives the values it has read to `hit`. It
  reads two headers (`"two"`), or every header (`"every"`), or two headers of the one kind that is wanted (`"kind"`);
* `trigger(count)`: ask the server for events;
* `ping(action_id)`: send a Ping with this ActionID, and return the ActionID of the response.
"""

from collections.abc import Callable
from dataclasses import dataclass

Hit = Callable[..., None]
"""What a callback gives the values to."""


@dataclass(frozen=True)
class Subject:
    """One client, or one floor."""

    title: str
    driver: str
    """Where its class is: `module:class`."""
    style: str
    """`threads` or `asyncio`."""
    imports: str = ""
    """What a program says to import it."""
    package: str = ""
    """The distribution on PyPI, for its version; empty for what comes with this file."""
    runs: frozenset[str] = frozenset({"two", "every", "kind", "memory", "round-trip", "in-flight", "import"})
    pings: int = 2000
    in_flight: int = 20_000
    memory_events: int = 1_000_000
    note: str = ""
    """What a reader should know who compares it."""

    @property
    def is_floor(self) -> bool:
        """Whether this is no client, but the least that any client has to do."""
        return self.driver.startswith("suite.floors") or not self.driver

    @property
    def is_peer(self) -> bool:
        """Whether this is another project's client."""
        return bool(self.package)


def _floor(title: str, name: str, style: str, *runs: str) -> Subject:
    driver = f"suite.floors:{name}" if name else ""
    return Subject(title, driver, style, runs=frozenset(runs), imports="" if name else title)


_ACTIONS_ONLY = frozenset({"round-trip", "in-flight", "import"})

SUBJECTS = {
    "floor-recv": _floor("reading only", "Reading", "threads", "two", "every", "kind"),
    "floor-name": _floor("lazy: split + event name + callback", "Name", "threads", "kind", "memory"),
    "floor-one": _floor("lazy + one header looked up", "OneHeader", "threads", "two"),
    "floor-two": _floor("lazy + two headers looked up", "TwoHeaders", "threads", "two"),
    "floor-dict": _floor("eager: one dict an event", "Eager", "threads", "every"),
    "floor-thread": _floor("reader thread + lock", "ReaderThread", "threads", "round-trip", "in-flight"),
    "floor-asyncio": _floor("asyncio.Protocol + Future", "Protocol", "asyncio", "round-trip", "in-flight"),
    "floor-import": _floor("import socket, threading, hashlib", "", "threads", "import"),
    "floor-import-asyncio": _floor("import asyncio", "", "asyncio", "import"),
    "import-ami": _floor("import ami", "", "threads", "import"),
    "ami-threads": Subject(
        "**ami, threads**", "suite.subjects.ami_threads:Driver", "threads", "from ami import Manager"
    ),
    "ami-asyncio": Subject(
        "**ami, asyncio**", "suite.subjects.ami_asyncio:Driver", "asyncio", "from ami.aio import Manager"
    ),
    "asterisk-ami": Subject(
        "asterisk-ami", "suite.subjects.asterisk_ami:Driver", "threads", "import asterisk.ami", "asterisk-ami"
    ),
    "astami": Subject(
        "astami", "suite.subjects.astami_client:Driver", "asyncio", "import astami", "astami", _ACTIONS_ONLY,
        note="has no callbacks for events",
    ),
    "panoramisk": Subject(
        "panoramisk", "suite.subjects.panoramisk_manager:Driver", "asyncio", "import panoramisk", "panoramisk"
    ),
    "pyami-asterisk": Subject(
        "pyami-asterisk", "suite.subjects.pyami:Driver", "asyncio", "import pyami_asterisk", "pyami-asterisk"
    ),
    "pystrix": Subject(
        "pystrix", "suite.subjects.pystrix_manager:Driver", "threads", "import pystrix.ami", "pystrix",
        pings=60, in_flight=500, memory_events=200_000, note="polls every 50 ms: fewer pings, and fewer events",
    ),
}  # fmt: skip
"""In the order of the report."""
