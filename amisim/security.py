"""Security events: what Asterisk reports to all that may see it, of who logs in and who may not do what.

Facts: order and form of the headers as seen on 16.28 and 22.10.
"""

import datetime
from typing import TYPE_CHECKING

from amisim.steps import render

if TYPE_CHECKING:
    from amisim.server_session import ServerSession

__all__ = ["report"]

_HARMLESS = "SuccessfulAuth"
_BEFORE_LOGIN = "1970-01-01T00:00:00.000+0000"


def report(session: "ServerSession", name: str, account: str | None = None, **details: object) -> None:
    """Publish the event of that name about a connection, and the user who is logged in or an `account`."""
    if session.host.replay is not None:
        return  # what is recorded has its own
    user = {"AccountID": session.user_name if account is None else account}
    if not all(_is_text(value) for value in (*user.values(), *details.values())):
        return  # Asterisk has no event of what is not UTF-8
    is_of_format = name == "RequestBadFormat"
    headers = {
        "Event": name,
        "Privilege": "security,all",
        "EventTV": _time(session.host.wall_clock()),
        "Severity": "Informational" if name == _HARMLESS else "Error",
        "Service": "AMI",
        "EventVersion": 2 if name == "InvalidPassword" else 1,
        **({} if is_of_format else user),
        "SessionID": f"0x{0x7F0000000000 + 0x1000 * session.number:x}",
        "LocalAddress": session.local_address,
        "RemoteAddress": session.remote_address,
        **details,
        "SessionTV": _BEFORE_LOGIN if session.logged_in_at is None else _time(session.logged_in_at),
        **(user if is_of_format else {}),
    }
    session.publish(render((key, str(value)) for key, value in headers.items()).data)


def _is_text(value: object) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in str(value))


def _time(seconds: float) -> str:
    when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}+0000"
