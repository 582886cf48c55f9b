"""Takes secrets out of a recording as it is written, and puts stable pseudonyms in their place.

The same secret gets the same pseudonym throughout a recording, in the form that its place asks for, so a
redacted recording still replays: logins are matched by their user.
"""

import re

from amisim.action import read_action
from amisim.recording import Record, splice

__all__ = ["Redactor"]

_SECRET = re.compile(rb"^(Secret[ \t]*:[ \t]*)([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_SECRET_OR_KEY = re.compile(rb"^((?:Secret|Key)[ \t]*:[ \t]*)([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_CHALLENGE = re.compile(rb"^(Challenge: )([^\r\n]+)", re.MULTILINE)
_PROOF = re.compile(
    rb"^((?:Challenge|ReceivedChallenge|Response|ExpectedResponse|ReceivedHash): )([^\r\n]+)", re.MULTILINE
)
_EVENTS_WITH_PROOF = b"Event: ChallengeSent\r", b"Event: ChallengeResponseFailed\r", b"Event: InvalidPassword\r"
_KINDS = {"receivedchallenge": "challenge", "response": "key", "expectedresponse": "key", "receivedhash": "key"}


class Redactor:
    """Replaces the secret and the digest of logins, and the challenge they were made with, in each record.

    Security events tell of digests and challenges, too.
    """

    def __init__(self) -> None:
        self._pseudonyms: dict[tuple[str, bytes], bytes] = {}

    def __call__(self, record: Record) -> Record:
        """The record without secrets; chunks keep their borders as far as the new text has them."""
        pattern = self._pattern(record)
        if pattern is None or not (matches := list(pattern.finditer(record.data))):
            return record
        replacements = [(match.span(2), self._pseudonym(match)) for match in matches]
        for (start, end), replacement in reversed(replacements):
            record = splice(record, start, end, replacement)
        return record

    @staticmethod
    def _pattern(record: Record) -> re.Pattern[bytes] | None:
        if record.kind != "data":
            return None
        if record.direction == "<":
            if record.data.startswith(_EVENTS_WITH_PROOF):
                return _PROOF
            return _CHALLENGE if record.data.startswith(b"Response:") else None
        # `Key` means something else in other actions; a frame cut short before its Action could be a login.
        return _SECRET_OR_KEY if read_action(record.data).name.lower() in ("login", "") else _SECRET

    def _pseudonym(self, match: re.Match[bytes]) -> bytes:
        name = match[1].decode().split(":")[0].strip().lower()
        kind = _KINDS.get(name, name)
        known = self._pseudonyms
        number = 1 + sum(1 for other, _ in known if other == kind)
        forms = {"secret": f"secret-{number}", "key": f"{number:032x}", "challenge": f"{100_000_000 + number}"}
        return known.setdefault((kind, match[2]), forms[kind].encode())
