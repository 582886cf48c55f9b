"""Which headers are secret: they stay out of every log line, `repr` and error."""

from collections.abc import Collection

from ami import wire

__all__ = ["HIDDEN", "redacted", "secret_keys"]

_SECRET = frozenset({
    "challenge", "md5cred", "md5secret", "newpassword", "oauthsecret", "oldpassword", "password", "passworddigest",
    "receivedchallenge", "receivedhash", "refreshtoken", "secret",
})  # fmt: skip

HIDDEN = "…"
"""What is shown in place of a secret."""


def secret_keys(keys: Collection[str]) -> set[str]:
    """Which of the headers of one message are secret, in lower case.

    `Key` is that of a login; beside `Family` it is one of Asterisk's database, and no secret.
    """
    folded = {str(key).lower() for key in keys}
    found = folded & _SECRET
    if "key" in folded and "family" not in folded:
        found.add("key")
    return found


def redacted(frame: bytes) -> str:
    """The text of a message for a log, with its secrets hidden."""
    lines = wire.decode(frame).split("\r\n")
    keys = {line: line.partition(":")[0].strip().lower() for line in lines}
    secret = secret_keys(list(keys.values()))
    shown = [f"{line.partition(':')[0]}: {HIDDEN}" if ":" in line and keys[line] in secret else line for line in lines]
    return " | ".join(line for line in shown if line)
