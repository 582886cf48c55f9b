"""Listening, at every address of a name, and why that cannot be."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress

__all__ = ["ServerError", "addresses", "listen", "system_reason"]

_ATTEMPTS = 20


class ServerError(Exception):
    """The server cannot listen where it was asked to."""


async def listen(create: Callable[[str, int], Awaitable[asyncio.Server]], host: str, port: int) -> asyncio.Server:
    """Listen at all addresses of a host, with one port; 0 is one that is free at all of them.

    `create` makes a listener of a host and a port. Raises `ServerError`.
    """
    if not host:
        raise ServerError("cannot listen at no address: 127.0.0.1 is for this machine alone, 0.0.0.0 for every other")
    try:
        for _ in range(_ATTEMPTS):
            listener = await create(host, port)
            first, *others = {socket.getsockname()[1] for socket in listener.sockets}
            if not others:
                return listener
            listener.close()  # each address has another free port
            with suppress(OSError):  # it may be in use at another address
                return await create(host, first)
        raise OSError("no port is free at all its addresses")
    except (OSError, OverflowError, UnicodeError) as error:
        reason = system_reason(error) if isinstance(error, OSError) else str(error)
        raise ServerError(f"cannot listen on {host}:{port}: {reason}") from None


def addresses(listener: asyncio.Server) -> list[str]:
    """Where it listens: one address, or those that a name has."""
    return sorted(socket.getsockname()[0] for socket in listener.sockets)


def system_reason(error: OSError) -> str:
    """What went wrong, in the system's words, which asyncio puts its own in place of."""
    number = re.search(r"\[errno (\d+)\]", str(error), re.IGNORECASE)
    return os.strerror(int(number[1])) if number else error.strerror or str(error)
