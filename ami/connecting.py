"""Where to connect to, and what goes wrong there, the same for every driver."""

import errno
import os
import socket
from typing import TYPE_CHECKING

from ami.errors import ManagerSocketError, RefusedError, TLSError, UnreachableError
from ami.wire import DEFAULT_PORT

if TYPE_CHECKING:
    import ssl

__all__ = ["DEFAULT_TLS_PORT", "Target", "address", "connect_error", "default_port", "reason", "tls_context"]

DEFAULT_TLS_PORT = 5039
"""The port on which Asterisk speaks TLS unless `manager.conf` says otherwise."""

Target = tuple[str, int, float, "ssl.SSLContext | None"]
"""Host, port, timeout in seconds, and the context for TLS."""


def tls_context(given: "ssl.SSLContext | bool | None") -> "ssl.SSLContext | None":
    """The context for TLS: the given one, or the system's default one for True; None for a link without TLS."""
    if given is True:
        from ssl import create_default_context

        return create_default_context()
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
