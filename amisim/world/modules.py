"""The modules of a world: what `time`, `threading`, `queue`, `socket`, `select` and `selectors` are in it, and chance.

They have all that the real ones have; what waits, or tells the time, is the world's.
"""

import calendar
import queue
import random
import select
import selectors
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from amisim.world import locks, network, threads
from amisim.world.names import copied, rebound
from amisim.world.network import Network, refused
from amisim.world.scheduler import Scheduler
from amisim.world.sockets import Socket
from amisim.world.tls import TLSSocket

__all__ = ["Modules", "like", "queue_over", "seeded", "ssl_of", "time_of", "virtual"]


# As they are when this is imported: freezegun puts its own in their place.
_gmtime, _asctime, _strftime = time.gmtime, time.asctime, time.strftime

Modules = Mapping[str, Any]
"""Modules by their names."""


def virtual(
    scheduler: Scheduler, links: Network, wall_clock: Callable[[], float], utc_offset: float, seed: int
) -> Modules:
    """The modules of a world of virtual time."""

    def now() -> float:
        scheduler.look()
        return scheduler.now

    def sleep(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        scheduler.wait((), seconds, f"{seconds:g} s (sleep)")

    times = time_of(now, wall_clock, sleep, utc_offset)
    threading = _threading(scheduler)
    queues = queue_over(times, threading)
    for kind in (queues.Queue, queues.SimpleQueue):
        kind.get = _looking(kind.get, scheduler)
    selecting = like(select, select=partial(network.select, links), epoll=None, poll=None)
    modules = {
        "time": times,
        "threading": threading,
        "queue": queues,
        "socket": _socket(links),
        "select": selecting,
        "selectors": _selectors(selecting, links),
        "ssl": ssl_of(TLSSocket),
        **seeded(seed),
    }
    return modules


def like(module: ModuleType, **names: Any) -> ModuleType:
    """A module with other meanings for some names; those that are None are not there."""
    made = ModuleType(module.__name__, module.__doc__)
    vars(made).update(vars(module))
    for name, value in names.items():
        if value is None:
            vars(made).pop(name, None)
        else:
            setattr(made, name, value)
    return made


def time_of(
    now: Callable[[], float], wall: Callable[[], float], sleep: Callable[[float], None], utc_offset: float
) -> ModuleType:
    """What `time` is with other clocks; local time is `utc_offset` hours ahead of UTC."""
    ahead = round(utc_offset * 3600)

    def local_time(seconds: float | None = None) -> time.struct_time:
        fields = _gmtime((wall() if seconds is None else seconds) + ahead)
        return time.struct_time(fields[:9], {"tm_zone": "", "tm_gmtoff": ahead})

    return like(
        time,
        time=wall,
        time_ns=lambda: round(wall() * 1e9),
        monotonic=now,
        monotonic_ns=lambda: round(now() * 1e9),
        perf_counter=now,
        perf_counter_ns=lambda: round(now() * 1e9),
        sleep=sleep,
        gmtime=lambda seconds=None: _gmtime(wall() if seconds is None else seconds),
        localtime=local_time,
        mktime=lambda fields: float(calendar.timegm(fields) - ahead),
        ctime=lambda seconds=None: _asctime(local_time(seconds)),
        asctime=lambda fields=None: _asctime(fields or local_time()),
        strftime=lambda form, fields=None: _strftime(form, fields or local_time()),
        timezone=-ahead,
        altzone=-ahead,
        daylight=0,
    )


def _threading(scheduler: Scheduler) -> ModuleType:
    kinds = {
        kind.__name__: type(kind.__name__, (kind,), {"_scheduler": scheduler, "__module__": "threading"})
        for kind in locks.KINDS
    }
    thread = type("Thread", (threads.Thread,), {"_scheduler": scheduler, "__module__": "threading"})
    timer = type("Timer", (threads.Timer, thread), {"__module__": "threading"})

    def enumerate_() -> list[threading.Thread]:
        scheduler.look()
        return [each.thread for each in scheduler.participants]

    return like(
        threading, Thread=thread, Timer=timer, enumerate=enumerate_, active_count=lambda: len(enumerate_()), **kinds
    )


def queue_over(times: ModuleType, threading: ModuleType) -> ModuleType:
    """What `queue` is with other modules for time and threads."""
    # The implementation in C waits by itself; without it, the module has one in Python.
    errors = ModuleType("_queue")
    errors.Empty = queue.Empty  # type: ignore[attr-defined]
    made = copied("queue", {"time": times, "threading": threading, "_queue": errors})
    for name in ("Full", "ShutDown"):
        if hasattr(queue, name):
            setattr(made, name, getattr(queue, name))

    def get(self: Any, block: bool = True, timeout: float | None = None) -> Any:
        return made._PySimpleQueue.get(self, block, timeout if block else None)  # as the one in C has it

    made.SimpleQueue = type("SimpleQueue", (made._PySimpleQueue,), {"get": get})  # type: ignore[attr-defined]
    return made


def _looking(get: Callable[..., Any], scheduler: Scheduler) -> Callable[..., Any]:
    """A method that looks for something, which may be in vain."""

    def looking(self: Any, *args: Any, **options: Any) -> Any:
        try:
            found = get(self, *args, **options)
        except queue.Empty:
            scheduler.poll()
            raise
        scheduler.found()
        return found

    return looking


def _socket(links: Network) -> ModuleType:
    default: list[float | None] = [None]
    kind = type("socket", (Socket,), {"_network": links, "default_timeout": default, "__module__": "socket"})

    def set_default(timeout: float | None) -> None:
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout value out of range")
        default[0] = timeout

    def getaddrinfo(
        host: str | bytes | None, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        is_passive = bool(flags & socket.AI_PASSIVE)
        name = host.decode() if isinstance(host, bytes) else host or ("0.0.0.0" if is_passive else "127.0.0.1")
        address = (links.resolve(name, binding=is_passive), _port(port))
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]

    made = like(
        socket,
        socket=kind,
        SocketType=kind,
        socketpair=partial(links.pair, kind),
        setdefaulttimeout=set_default,
        getdefaulttimeout=lambda: default[0],
        getaddrinfo=getaddrinfo,
        gethostbyname=links.resolve,
        gethostbyname_ex=lambda host: (host, [], [links.resolve(host)]),
        gethostbyaddr=lambda host: (host, [], [links.resolve(host)]),
        getnameinfo=lambda address, flags: (address[0], str(address[1])),
        gethostname=lambda: "world",
        getfqdn=lambda name="": name or "world",
        **dict.fromkeys(("dup", "fromfd", "recv_fds", "send_fds"), _refuse_files),
    )
    for name in ("create_connection", "create_server"):
        setattr(made, name, rebound(getattr(socket, name), vars(made)))
    return made


def _refuse_files(*_: Any, **__: Any) -> Any:
    raise refused("a world has no files of the operating system", "Hand on the socket itself")


def _port(port: Any) -> int:
    try:
        return int(port or 0)
    except ValueError:
        name = port.decode() if isinstance(port, bytes) else port
    try:
        return socket.getservbyname(name, "tcp")
    except OSError:
        raise socket.gaierror(socket.EAI_SERVICE, "Servname not supported for ai_socktype") from None


def _selectors(selecting: ModuleType, links: Network) -> ModuleType:
    def register(self: Any, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectSelector.register(self, fileobj, events, data)
        try:
            links.find(fileobj)
        except BaseException:
            self.unregister(fileobj)
            raise
        return key

    names = {"_select": staticmethod(selecting.select), "register": register}
    kind = type("SelectSelector", (selectors.SelectSelector,), names)
    kinds = ("DefaultSelector", "SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector", "DevpollSelector")
    return like(selectors, select=selecting, **{each: kind for each in kinds if hasattr(selectors, each)})


def ssl_of(sockets: type) -> ModuleType:
    """What `ssl` is with sockets of its own."""
    kind = type("SSLContext", (ssl.SSLContext,), {"sslsocket_class": sockets, "__module__": "ssl"})
    made = like(ssl, SSLContext=kind, SSLSocket=sockets)
    of_library = ("_create_default_https_context", "_create_unverified_context", "_create_stdlib_context")
    for name in ("create_default_context", *of_library):
        setattr(made, name, rebound(getattr(ssl, name), vars(made)))
    return made


def seeded(seed: int) -> Modules:
    """What `random` and `uuid` are with a seed of their own."""

    def reseed(self: random.Random, a: Any = None, version: int = 2) -> None:
        random.Random.seed(self, source.getrandbits(128) if a is None else a, version)

    def reduce(self: random.Random) -> tuple[Any, ...]:
        made = type(self)
        return random.Random if made is kind else made, (), self.getstate()  # pickle finds the real one by its name

    def copy(self: random.Random, _: object = None) -> random.Random:
        made = type(self)()
        made.setstate(self.getstate())
        return made

    names = {"seed": reseed, "__reduce__": reduce, "__copy__": copy, "__deepcopy__": copy, "__module__": "random"}
    kind = type("Random", (random.Random,), names)
    source = kind(f"modules {seed}")

    def new_id(*_: object) -> uuid.UUID:
        return uuid.UUID(bytes=source.randbytes(16), version=4)

    return {
        "random": like(
            random, **{name: getattr(source, name) for name in random.__all__ if hasattr(source, name)}, Random=kind
        ),
        "uuid": like(uuid, uuid1=new_id, uuid4=new_id),
    }
