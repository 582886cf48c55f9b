"""Security events: who logged in, who failed to, and what was refused, over AMI, SIP and other services.

Readers need the class `security`; `logger.conf` can write the same events to a log. Addresses are written
`IPV4/TCP/192.0.2.1/5038`.
"""

from ami.catalogue import Event
from ami.headers import Bool, Int, Text, Timestamp

__all__ = [
    "AuthMethodNotAllowed", "ChallengeResponseFailed", "ChallengeSent", "FailedACL", "InvalidAccountID",
    "InvalidPassword", "InvalidTransport", "LoadAverageLimit", "MemoryLimit", "RequestBadFormat",
    "RequestNotAllowed", "RequestNotSupported", "SecurityEvent", "SessionLimit", "SuccessfulAuth",
    "UnexpectedAddress",
]  # fmt: skip


class SecurityEvent(Event, abstract=True):
    """The base of security events.

    `severity` is `Informational` or `Error`; `session_tv`, when the session began, is 1970 where that is not known.
    """

    event_tv = Timestamp("EventTV")
    severity = Text()
    service = Text()
    event_version = Int()
    account_id = Text("AccountID")
    session_id = Text("SessionID")
    local_address = Text()
    remote_address = Text()
    module = Text()
    session_tv = Timestamp("SessionTV")


# Accounts and secrets


class SuccessfulAuth(SecurityEvent):
    """Somebody authenticated."""

    using_password = Bool("1")


class InvalidAccountID(SecurityEvent):
    """Somebody gave the name of an account that is not there."""


class InvalidPassword(SecurityEvent):
    """Somebody gave a wrong secret, or a wrong digest of it."""

    challenge = Text()
    received_challenge = Text()
    received_hash = Text()


class ChallengeSent(SecurityEvent):
    """A service sent somebody the challenge of an authentication."""

    challenge = Text()


class ChallengeResponseFailed(SecurityEvent):
    """The response to a challenge was wrong."""

    challenge = Text()
    response = Text()
    expected_response = Text()


class AuthMethodNotAllowed(SecurityEvent):
    """Somebody tried to authenticate in a way that the account does not allow."""

    auth_method = Text()


# Where from


class FailedACL(SecurityEvent):
    """An access list refused an address."""

    acl_name = Text("ACLName")


class UnexpectedAddress(SecurityEvent):
    """A request of a session came from another address than the session's own."""

    expected_address = Text()


class InvalidTransport(SecurityEvent):
    """Somebody used a transport that the account does not allow."""

    attempted_transport = Text()


# Requests


class RequestBadFormat(SecurityEvent):
    """A request could not be understood; over AMI also one for an action that is not there."""

    request_type = Text()
    request_params = Text()


class RequestNotAllowed(SecurityEvent):
    """A request was refused; over AMI, for want of a privilege."""

    request_type = Text()
    request_params = Text()


class RequestNotSupported(SecurityEvent):
    """A request is of a type that the service does not have."""

    request_type = Text()


# Limits


class LoadAverageLimit(SecurityEvent):
    """A request was refused because the machine is too busy."""


class MemoryLimit(SecurityEvent):
    """A request was refused because memory is short."""


class SessionLimit(SecurityEvent):
    """A session was refused because there are too many."""
