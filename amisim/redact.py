"""Takes secrets out of a recording as it is written, and puts stable pseudonyms in their place.

The same secret gets the same pseudonym throughout a recording, in the form that its place asks for, so a
redacted recording still replays: logins are matched by their user.
"""

import re

from ami.secrets import SETTINGS
from amisim.action import read_action
from amisim.recording import Record, splice

__all__ = ["Redactor"]

_SECRET = re.compile(rb"^(Secret[ \t]*:[ \t]*)([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_SECRET_OR_KEY = re.compile(rb"^((?:Secret|Key)[ \t]*:[ \t]*)([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_CHALLENGE = re.compile(rb"^(Challenge: )([^\r\n]+)", re.MULTILINE)
_PROOF = re.compile(
    rb"^((?:Challenge|ReceivedChallenge|Response|ExpectedResponse|ReceivedHash): )([^\r\n]+)", re.MULTILINE
)
_NAMES = b"(?:" + "|".join(SETTINGS).encode() + b")"
_OF_CONFIGURATION = (
    re.compile(rb"^(Line-\d+-\d+: *" + _NAMES + rb" *=>? *)([^\r\n]+)", re.MULTILINE | re.IGNORECASE),  # GetConfig
    re.compile(rb'("' + _NAMES + rb'" *: *")((?:[^"\\\r\n]|\\.)+)', re.IGNORECASE),  # GetConfigJSON
    re.compile(rb"^((?:Password|Md5Cred): )([^\r\n]+)", re.MULTILINE),  # PJSIPShowAuths
)
_EVENTS_WITH_PROOF = b"Event: ChallengeSent\r", b"Event: ChallengeResponseFailed\r", b"Event: InvalidPassword\r"
_KINDS = {"receivedchallenge": "challenge", "response": "key", "expectedresponse": "key", "receivedhash": "key"}


class Redactor:
    """Replaces in each record the secret and the digest of logins, the challenge they were made with, and passwords.

    Security events tell of digests and challenges, too; passwords stand in what `GetConfig`, `GetConfigJSON` and
    `PJSIPShowAuths` answer. What `Command` prints, and what a program puts elsewhere, is not looked into.
    """

    def __init__(self) -> None:
        self._pseudonyms: dict[tuple[str, bytes], bytes] = {}

    def __call__(self, record: Record) -> Record:
        """The record without secrets; chunks keep their borders as far as the new text has them."""
        for pattern in self._patterns(record):
            replacements = [(match.span(2), self._pseudonym(match)) for match in pattern.finditer(record.data)]
            for (start, end), replacement in reversed(replacements):
                record = splice(record, start, end, replacement)
        return record

    @staticmethod
    def _patterns(record: Record) -> tuple[re.Pattern[bytes], ...]:
        if record.kind != "data":
            return ()
        if record.direction == ">":
            # `Key` means something else in other actions; a frame cut short before its Action could be a login.
            return (_SECRET_OR_KEY if read_action(record.data).name.lower() in ("login", "") else _SECRET,)
        if record.data.startswith(_EVENTS_WITH_PROOF):
            return (_PROOF,)
        return (_CHALLENGE, *_OF_CONFIGURATION) if record.data.startswith(b"Response:") else _OF_CONFIGURATION[2:]

    def _pseudonym(self, match: re.Match[bytes]) -> bytes:
        name = match[1].decode().split(":")[0].strip().lower()
        kind = _KINDS.get(name, name if name in ("key", "challenge") else "secret")
        known = self._pseudonyms
        number = 1 + sum(1 for other, _ in known if other == kind)
        forms = {"secret": f"secret-{number}", "key": f"{number:032x}", "challenge": f"{100_000_000 + number}"}
        return known.setdefault((kind, match[2]), forms[kind].encode())
