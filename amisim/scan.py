"""Looks for what should not stand in a recording: secrets, and what a project's rules call personal."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ami.wire import decode
from amisim.pseudonyms import is_pseudonym
from amisim.recording import CUT_SHORT, RecordingError, RecordingReader, dump_record
from amisim.redact import Redactor

__all__ = ["scan"]

_SHOWN = 2
_LONG_ENOUGH = 8
_WHAT = {"secret": "a secret", "key": "the digest of a secret", "ipv4": "an address", "ipv6": "an address",
         "challenge": "a challenge", "number": "a number", "name": "a name", "email": "an e-mail address",
         "torn": "a torn message, in which nothing tells what is secret"}  # fmt: skip


def scan(path: Path, rules: Iterable[str] = ()) -> Iterator[str]:
    """A line, `file:line: header: what`, for each secret in a recording, and for whatever the rules find.

    Of what is found no more is told than how it begins; pseudonyms do not count. Raises `RecordingError` for a file
    that is no recording, and after the last line for one that is cut short; `ValueError` for a rule that is none.
    """
    redactor = Redactor(rules)
    with RecordingReader(path) as reader:
        for record in reader:
            for each in redactor.find(record):
                text = decode(record.data)
                value = text[each.start : each.end]
                if not is_pseudonym(each.kind, value.strip()):
                    below = (
                        1 + text.count("\n", 0, each.start) if dump_record(record).partition("\n")[0][-1] == "|" else 0
                    )
                    yield f"{path}:{record.line + below}: {each.header}: {_what(each.kind, value)}"
        if reader.truncated:
            raise RecordingError(path, reader.truncated, CUT_SHORT)


def _what(kind: str, value: str) -> str:
    what = _WHAT.get(kind, f"something that a rule for {kind} finds")
    return f"{what}, {value[:_SHOWN]}…" if len(value) >= _LONG_ENOUGH else what
