"""Takes secrets, and what a project's rules call personal, out of a recording, and puts pseudonyms in their place.

What a secret is, is told in `ami.secrets`, and what is personal in `amisim.personal`. The same value gets the same
pseudonym throughout a recording, in both directions and inside other values, so a redacted recording still replays:
secrets do not count when an action is looked for, and of what is personal a client says the pseudonym.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from ami.secrets import HIDDEN, Header, Said, headers_of, said_in, secrets_in
from ami.wire import decode, encode
from amisim import personal
from amisim.action import read_action
from amisim.causes import torn_in
from amisim.pseudonyms import Pseudonyms
from amisim.recording import Record, splice

__all__ = ["Found", "Redactor", "without_secrets"]

_KINDS = {
    "challenge": "challenge",
    "receivedchallenge": "challenge",
    "key": "key",
    "response": "key",
    "expectedresponse": "key",
    "receivedhash": "key",
}

_COMMAND_ID = re.compile(rb"(?i)\ncommandid: *([^\r\n]+)")
_BEGINS = re.compile(rb"(?i)(?:action|event|response) *:")


class Found(NamedTuple):
    """Something in a record that is to be replaced."""

    header: str
    start: int
    """In the text of the record."""

    end: int
    kind: str
    """What it is; see `Pseudonyms`."""


class Redactor:
    """Replaces in each record of one recording the secrets, and what `rules` say, by pseudonyms.

    The rules are those of `amisim.personal`, in order. Raises `ValueError` for one that is none. `ahead` are the
    records of a session that is over: a capture tells only when something comes later that something is lost.
    """

    def __init__(self, rules: Iterable[str] = (), ahead: Iterable[Record] = ()) -> None:
        rules = tuple(rules)
        self.about = ["secrets", *(rule if rule.startswith("header:") else rule.partition(":")[0] for rule in rules)]
        """What is replaced, for the header of a recording; a pattern is not told, as it may be a name itself."""
        self._rules = [personal.parse(rule) for rule in rules]
        self._pseudonyms = Pseudonyms()
        self._torn: set[tuple[int, str]] = set()  # connections and directions with a gap just before
        gaps = (gap for each in ahead if (gap := torn_in(each)))
        self._lacking = {connection for connection, way in gaps if way == ">"}  # connections of which actions are lost
        self._commands: dict[int, str] = {}  # the ActionIDs of commands without an answer yet, by their numbers
        self._said: dict[int | str, Said] = {}  # what commands tell of their answers, by number, and by CommandID

    def __call__(self, record: Record) -> Record:
        """The record with pseudonyms; chunks keep their borders as far as the new text has them."""
        found = self.find(record)
        if not found:
            return record
        text = decode(record.data)
        new = [encode(self._pseudonyms.of(each.kind, text[each.start : each.end])) for each in found]
        for each, replacement in zip(reversed(found), reversed(new), strict=True):
            start = len(encode(text[: each.start]))
            record = splice(record, start, start + len(encode(text[each.start : each.end])), replacement)
        return record

    def find(self, record: Record) -> list[Found]:
        """What is to be replaced in a record, in order. Records are given in the order of the recording."""
        if gap := torn_in(record):
            self._torn.add(gap)
            if gap[1] == ">":
                self._lacking.add(gap[0])
        if record.kind != "data":
            return []
        if self._is_torn(record):
            size = len(decode(record.data.rstrip(b"\r\n")))
            return [Found("", 0, size, "torn")] if size else []
        if record.cause is not None and record.direction == ">":
            self._remember(record.cause, record.data)
        found = [
            Found(header, start, end, _KINDS.get(header.lower(), "secret"))
            for header, start, end in _secrets(record, self._said_of(record))
        ]
        headers = headers_of(decode(record.data)) if self._rules or record.connection in self._lacking else []
        if self._answers_what_is_lost(record, headers):
            printed = [each for each in headers if each.name.lower() == "output" and each.value.strip()]
            found = [each for each in found if each.header.lower() != "output"]
            found += [Found(name, start, start + len(value), "torn") for name, value, start in printed]
        for rule in self._rules:
            for span in sorted(set(rule(headers)), key=lambda span: span[1:]):
                if all(span[2] <= each.start or each.end <= span[1] for each in found):
                    found.append(Found(*span))
        return sorted(found, key=lambda each: each.start)

    def _is_torn(self, record: Record) -> bool:
        """Whether a part of a message is lost: what is left may be a secret, and what told so be gone."""
        way = record.connection, record.direction
        if way not in self._torn:
            return False
        is_end = record.data.endswith((b"\n\n", b"\n\r\n"))
        if is_end:
            self._torn.discard(way)
        return not (is_end and _BEGINS.match(record.data))

    def _answers_what_is_lost(self, record: Record, headers: list[Header]) -> bool:
        """Whether a record is a response to an action that may be lost, and with it what told of secrets."""
        if record.direction == ">" or not record.data.startswith(b"Response"):
            return False
        command_id = "" if record.cause is None else self._commands.pop(record.cause, "")
        if record.connection not in self._lacking:
            return False
        return not command_id or all((each.name.lower(), each.value) != ("actionid", command_id) for each in headers)

    def _remember(self, number: int, frame: bytes) -> None:
        """Remember of a command what tells the secrets in its answer."""
        if b"ommand" not in frame:
            return
        action = read_action(frame)
        if action.name.lower() not in ("command", "agi"):
            return
        self._commands[number] = action.action_id
        command_id = action.get("CommandID")
        if (said := said_in(frame)) != Said():
            self._said[command_id or number] = said
        else:
            self._said.pop(command_id, None)

    def _said_of(self, record: Record) -> Said:
        """What the command that a record of the server answers tells of it; what AGI answers has its CommandID."""
        if record.direction == ">" or not self._said:
            return Said()
        match = _COMMAND_ID.search(record.data)
        answered = decode(match[1]) if match else record.cause
        return Said() if answered is None else self._said.get(answered, Said())


def without_secrets(record: Record) -> str:
    """The text of a message, with its secrets hidden."""
    text = decode(record.data)
    for _, start, end in reversed(_secrets(record, None)):
        text = text[:start] + HIDDEN + text[end:]
    return text


def _secrets(record: Record, said: Said | None) -> list[tuple[str, int, int]]:
    """Where secrets stand in a message; see `ami.secrets.secrets_in`."""
    found = secrets_in(record.data, said)
    return [each for each in found if record.direction == ">" or each[0].lower() != "key"]  # no server says that
