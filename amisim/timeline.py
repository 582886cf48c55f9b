"""Records as lines that a person can read."""

import re
from collections.abc import Iterable, Iterator

from ami.catalogue import Event, parse
from ami.message import KEY_EVENT
from ami.secrets import hidden, without_secrets
from ami.wire import decode, encode
from amisim.action import read_action
from amisim.recording import Record

__all__ = ["describe", "lines", "summary"]

_WIDTH = 150
_OF_LITTLE_INTEREST = frozenset({"privilege", "eventlist", "event", "response", "actionid"})
_SNAPSHOT = re.compile(  # of a channel or bridge; the name of the channel says enough
    r"\w*(ChannelState|ChannelStateDesc|CallerIDNum|CallerIDName|ConnectedLineNum|ConnectedLineName|Language|"
    r"AccountCode|Context|Exten|Priority|Uniqueid|Linkedid|ChanVariable|BridgeType|BridgeTechnology|BridgeCreator|"
    r"BridgeName|BridgeNumChannels|BridgeVideoSourceMode)"
)
_ENDS = {
    "open": "connected",
    "eof>": "client closed its side",
    "eof<": "server closed the connection",
    "error>": "client's side broke",
    "error<": "server's side broke",
}


def lines(records: Iterable[Record]) -> Iterator[str]:
    """One line for each record: when, on which connection, in which direction, what."""
    for record in records:
        yield f"{record.at:10.3f}  {describe(record)}"


def describe(record: Record) -> str:
    """A record, without its time."""
    if record.kind == "note":
        return f"    # {_printable(decode(record.data))}"
    arrow = {">": "→", "<": "←", "": "·"}[record.direction]
    return _printable(f"c{record.connection:<2} {arrow} {_what(record)}"[:_WIDTH])


def summary(record: Record) -> str:
    """What a record says, without its time, connection and direction."""
    return _printable((decode(record.data) if record.kind == "note" else _what(record))[:_WIDTH])


def _what(record: Record) -> str:
    if record.kind != "data":
        reason = f": {decode(record.data)}" if record.data else ""
        return (_ENDS.get(record.kind) or _ENDS[record.kind + record.direction]) + reason
    if record.direction == ">":
        action = read_action(record.data)
        return _headers(action.name, action.headers, action.action_id) if action.name else _unreadable(record)
    if not record.data.endswith(b"\n\r\n"):
        return _unreadable(record)
    message = parse(record.data)
    name = message.name if isinstance(message, Event) else f"{message.name}:"
    if isinstance(message, Event) and message.get(KEY_EVENT) == "Generic Event":
        return _unreadable(record)
    return _headers(name, message.pairs, message.action_id or "")


def _headers(name: str, headers: Iterable[tuple[str, str]], action_id: str) -> str:
    shown = [name] + ([f"[{action_id}]"] if action_id else [])
    headers = without_secrets([("Action", name), *headers])[1:]
    has_snapshot = any(key.endswith("ChannelStateDesc") for key, _ in headers)
    for key, value in headers:
        if has_snapshot and _SNAPSHOT.fullmatch(key):
            continue
        if value and value != "<unknown>" and key.lower() not in _OF_LITTLE_INTEREST:
            shown.append(f"{key}={value}")
    return " ".join(shown)


def _unreadable(record: Record) -> str:
    text = hidden(record.data)
    return text.strip() if text.startswith("Asterisk Call Manager") else repr(encode(text))[1:]


def _printable(text: str) -> str:
    """The text with a dot for whatever would not stand in one line: control characters, bytes that are no text."""
    return "".join(character if character.isprintable() else "·" for character in text)
