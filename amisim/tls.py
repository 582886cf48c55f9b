"""TLS for a server on loopback."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ["CERTIFICATE", "context"]

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""A certificate of `localhost`, 127.0.0.1 and ::1 that everybody has the key of: for tests only.

Clients trust it by `ssl.create_default_context(cafile=amisim.CERTIFICATE)`.
"""


def context() -> "ssl.SSLContext":
    """The context of a server with that certificate."""
    import ssl

    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(CERTIFICATE)
    return made
