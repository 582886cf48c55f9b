"""Which headers are secret: they stay out of every log line, `repr` and error."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from ami import wire

__all__ = ["HIDDEN", "SETTINGS", "redacted", "secret_keys", "without_secrets"]

_SECRET = frozenset({
    "challenge", "expectedresponse", "md5cred", "md5secret", "newpassword", "oauthsecret", "oldpassword", "password",
    "passworddigest", "receivedchallenge", "receivedhash", "refreshtoken", "secret",
})  # fmt: skip

SETTINGS = (
    "secret", "md5secret", "remotesecret", "dbsecret", "vmsecret", "password", "md5_cred", "oauth_secret",
    "refresh_token",
)  # fmt: skip
"""What is secret in Asterisk's configuration, which `GetConfig` and its kin read and `UpdateConfig` writes."""

_SETTINGS = "|".join(SETTINGS)
_SETTING = re.compile(rf"(?i)^((?:{_SETTINGS})\s*=>?\s*).+|(\"(?:{_SETTINGS})\"\s*:\s*\")(?:[^\"\\]|\\.)+", re.DOTALL)
_SETTING_NAME = re.compile(rf"(?i)(?:{_SETTINGS})\s*")

HIDDEN = "…"
"""What is shown in place of a secret."""


def secret_keys(keys: Collection[str]) -> set[str]:
    """Which of the headers of one message are secret, in lower case.

    `Key` is that of a login; beside `Family` it is one of Asterisk's database, and no secret. `Response` is what a
    message begins with, but beside `ExpectedResponse` it is what somebody logged in with.
    """
    folded = {str(key).lower() for key in keys}
    found = folded & _SECRET
    if "key" in folded and "family" not in folded:
        found.add("key")
    if "expectedresponse" in folded:
        found.add("response")
    return found


def without_secrets(headers: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The headers of one message, with their secrets hidden."""
    headers = list(headers)
    folded = [str(key).strip().lower() for key, _ in headers]
    secret = secret_keys(folded)
    for key, (_, value) in zip(folded, headers, strict=True):  # `Var-000000: secret` names what `Value-000000` is
        if key.startswith("var-") and _SETTING_NAME.fullmatch(str(value).strip()):
            secret |= {"value-" + key.removeprefix("var-"), "match-" + key.removeprefix("var-")}
    return [
        (key, HIDDEN if low in secret else _without_settings(value))
        for low, (key, value) in zip(folded, headers, strict=True)
    ]


def _without_settings(value: Any) -> Any:
    """A value that holds settings, such as `secret=s3cret`, or an object of JSON, with those that are secret hidden."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(map(_without_settings, value))
    if not isinstance(value, str):
        return value
    return _SETTING.sub(lambda match: (match[1] or match[2]) + HIDDEN, value)


def redacted(frame: bytes) -> str:
    """The text of a message for a log, with its secrets hidden."""
    lines = [line for line in wire.decode(frame).split("\r\n") if line]
    parts = [line.partition(":") for line in lines]
    hidden = without_secrets((key, value.removeprefix(" ")) for key, _, value in parts)
    return " | ".join(
        line if not colon or value.removeprefix(" ") == shown else f"{key}: {shown}"
        for line, (key, colon, value), (_, shown) in zip(lines, parts, hidden, strict=True)
    )
