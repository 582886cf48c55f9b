"""Where to connect to, and what goes wrong there, the same for every driver."""

import errno
import os
import socket
from typing import TYPE_CHECKING

from ami.errors import ManagerSocketError, RefusedError, TLSError, UnreachableError
from ami.wire import DEFAULT_PORT

if TYPE_CHECKING:
    import ssl

__all__ = ["DEFAULT_TLS_PORT", "Target", "address", "connect_error", "default_port", "positive", "reason", "target"]

DEFAULT_TLS_PORT = 5039
"""The port on which Asterisk speaks TLS unless `manager.conf` says otherwise."""

Target = tuple[str, int, float, "ssl.SSLContext | None"]
"""Host, port, timeout in seconds, and the context for TLS."""


def target(host: str, port: int, timeout: float, ssl: "ssl.SSLContext | bool | None") -> Target:
    """Where to connect to. Raises `TypeError` or `ValueError` for what cannot be a host, port, timeout or context."""
    if not isinstance(host, str) or not host:
        raise TypeError(f"the host is a name or an address, not {host!r}")
    name, _, number = host.rpartition(":")
    if host.startswith("["):
        raise ValueError(f"an IPv6 address is written without brackets here, and without a port: not {host!r}")
    if number.isdigit() and ":" not in name:
        raise ValueError(f"the port is an argument of its own: connect({name!r}, {number}), not {host!r}")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ValueError(f"the port is a number from 1 to 65535, not {port!r}")
    return host, port, positive("timeout", timeout), _tls_context(ssl)


def positive(what: str, seconds: float) -> float:
    """The number of seconds. Raises `ValueError` for anything that is not one, or not greater than 0."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(f"{what} is a number of seconds greater than 0, not {seconds!r}")
    return seconds


def _tls_context(given: "ssl.SSLContext | bool | None") -> "ssl.SSLContext | None":
    """The context for TLS: the given one, or the system's default one for True; None for a link without TLS."""
    if given is True:
        from ssl import create_default_context

        return create_default_context()
    if given and not hasattr(given, "wrap_socket"):
        raise TypeError(f"ssl is an ssl.SSLContext, True for the system's default one, or None, not {given!r}")
    return given or None


def default_port(given: "ssl.SSLContext | bool | None") -> int:
    """The port that Asterisk listens on."""
    return DEFAULT_TLS_PORT if given else DEFAULT_PORT


def address(host: str, port: int) -> str:
    """Host and port as one text; an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connect_error(host: str, port: int, error: Exception, *, tls: bool) -> ManagerSocketError:
    """The error to raise for what an attempt to connect brought; `tls` says whether it was to be encrypted."""
    kind = ManagerSocketError
    if type(error).__module__ == "ssl" or (tls and isinstance(error, (ConnectionResetError, ConnectionAbortedError))):
        kind = TLSError
    elif isinstance(error, ConnectionRefusedError):
        kind = RefusedError
    elif isinstance(error, (TimeoutError, socket.gaierror, UnicodeError)) or _errno(error) in _UNREACHABLE:
        kind = UnreachableError
    return kind(f"cannot connect to {address(host, port)}: {reason(error)}")


_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}


def _errno(error: Exception) -> int | None:
    return error.errno if isinstance(error, OSError) else None


def reason(error: Exception) -> str:
    """What an error of the operating system says, in few words."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and type(error).__module__ == "builtins" and (error.errno or 0) > 0:
        return os.strerror(error.errno or 0)  # asyncio has words of its own
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
