"""The modules of a world whose time passes as the real one does, but faster: real threads and links, shorter waits."""

import select
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

from amisim.world.modules import Modules, like, queue_over, seeded, ssl_of, time_of
from amisim.world.names import rebound
from amisim.world.scaled_threads import threading_of

__all__ = ["scaled"]

_sleep, _monotonic = time.sleep, time.monotonic


def scaled(speed: float, wall_clock: Callable[[], float], utc_offset: float, seed: int) -> Modules:
    """The modules of a world in which `speed` seconds pass in each real one."""

    def short(seconds: float | None) -> float | None:
        return None if seconds is None else seconds / speed

    def now() -> float:
        return _monotonic() * speed

    times = time_of(now, wall_clock, lambda seconds: _sleep(seconds / speed), utc_offset)
    threads = threading_of(speed)
    return {
        "time": times,
        "threading": threads,
        "queue": queue_over(times, threads),
        **_sockets(speed),
        "select": like(select, select=lambda r, w, x=(), timeout=None: select.select(r, w, x, short(timeout))),
        "selectors": _selectors(short),
        **seeded(seed),
    }


def _sockets(speed: float) -> Modules:
    default: list[float | None] = [None]

    class Timed(socket.socket):
        """A socket whose time-outs are shorter."""

        def settimeout(self, value: float | None) -> None:
            super().settimeout(value and value / speed)

        def gettimeout(self) -> float | None:
            timeout = super().gettimeout()
            return timeout and timeout * speed

        timeout = property(gettimeout)  # pyright: ignore[reportIncompatibleMethodOverride]

    class Socket(Timed):
        """One for TCP and others."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            if default[0] is not None:
                self.settimeout(default[0])

    def set_default(timeout: float | None) -> None:
        if timeout is not None and timeout < 0:
            raise ValueError("Timeout value out of range")
        default[0] = timeout

    names = {"socket": Socket, "SocketType": Socket, "getdefaulttimeout": lambda: default[0]}
    made = like(socket, setdefaulttimeout=set_default, **names)
    for name in ("create_connection", "create_server", "socketpair"):
        setattr(made, name, rebound(getattr(socket, name), vars(made)))
    Socket.accept = rebound(cast(FunctionType, socket.socket.accept), vars(made))  # type: ignore[method-assign]
    return {"socket": made, "ssl": ssl_of(type("SSLSocket", (Timed, ssl.SSLSocket), {"__module__": "ssl"}))}


def _selectors(short: Callable[[float | None], float | None]) -> Any:
    def faster(kind: Any) -> Any:
        return type(kind.__name__, (kind,), {"select": lambda self, timeout=None: kind.select(self, short(timeout))})

    kinds = {name: kind for name, kind in vars(selectors).items() if name.endswith("Selector") and name[0] != "_"}
    return like(selectors, **{name: faster(kind) for name, kind in kinds.items() if name != "BaseSelector"})
