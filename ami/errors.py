"""The one hierarchy of errors that `ami` raises.

    Error
    ├── ManagerError            the request cannot be carried out: not connected, refused …
    │   └── ManagerAuthError    the server refused the login
    └── ManagerSocketError      the link is down, or went down; what was under way has an unknown outcome
        ├── RefusedError        the host is there, but nothing listens at the port
        ├── UnreachableError    the host has no address, or does not answer
        ├── TLSError            no TLS session could be made: not TLS, or a certificate that is not accepted
        └── ProtocolError       the other side does not speak AMI, or goes beyond the limits set for it

`ValueError` is raised for a request that must not go on the wire, such as one with CR or LF in a header.
"""

from typing import Self

__all__ = [
    "Error",
    "ManagerAuthError",
    "ManagerError",
    "ManagerSocketError",
    "ProtocolError",
    "RefusedError",
    "TLSError",
    "UnreachableError",
]


class Error(Exception):
    """The base of every error of this package."""

    def again(self) -> Self:
        """The same error for another caller, who raises it with a traceback of its own."""
        error = type(self)(*self.args)
        error.__cause__ = self.__cause__
        return error


class ManagerError(Error):
    """A request cannot be carried out, though the link may be well."""


class ManagerAuthError(ManagerError):
    """The server refused the login, or no login of the asked kind can be made."""


class ManagerSocketError(Error):
    """There is no link, or it was lost; an action under way may or may not have been carried out."""


class RefusedError(ManagerSocketError):
    """The host refused the connection: nothing listens at that port."""


class UnreachableError(ManagerSocketError):
    """No connection to the host could be made: no such name, no route, or no answer in time."""


class TLSError(ManagerSocketError):
    """The connection was made, but no TLS session: the other side speaks no TLS, or its certificate is not accepted."""


class ProtocolError(ManagerSocketError):
    """The other side does not speak AMI, or sent more than the reader's limits allow."""
