"""One message of the wire as a `dict` of its headers, decoded when somebody looks at more than a few of them.

The headers of a message are text, as they came. What a dict cannot say is kept beside it: order and repeats
(`pairs`, `get_all`), lines that are not headers (`data`), and the exact bytes (`frame`).
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any, Self, TypeVar, cast, overload

from ami import wire
from ami.secrets import HIDDEN, secret_keys

__all__ = [
    "EVENT_GENERIC",
    "KEY_ACTION",
    "KEY_ACTIONID",
    "KEY_EVENT",
    "KEY_RESPONSE",
    "RESPONSE_GENERIC",
    "SUCCESSES",
    "Message",
    "is_event",
]

T = TypeVar("T")

KEY_ACTION = "Action"
KEY_ACTIONID = "ActionID"
KEY_EVENT = "Event"
KEY_RESPONSE = "Response"

EVENT_GENERIC = "Generic Event"
"""The name given to a message with neither `Event`, `Response` nor `ActionID`."""

RESPONSE_GENERIC = "Generic Response"
"""The name given to a message with an `ActionID` but neither `Event` nor `Response`."""

SUCCESSES = frozenset({"Success", "Follows"})
"""What `Response` says when an action was taken; Asterisk's other words are `Error` and `Goodbye`."""

_END_COMMAND = "--END COMMAND--"

_LOOKS = 4
"""How many headers are read one by one before all are decoded; that costs about as much."""

_DECODED = 1_000_000

_MANY_KEYS = 4096
"""Of how many keys it is remembered what they look like."""

_BLANK = ord(" ")

_decoding = threading.Lock()
_MISSING: Any = object()
_RAISE: Any = object()


def first_header(frame: bytes) -> tuple[str, str]:
    """Key and value of a frame's first line; the key is empty where that line is no header."""
    line, _, _ = frame.partition(b"\r\n")
    key, colon, value = wire.decode(line).partition(":")
    return (key.strip(), _value(value)) if colon else ("", "")


def is_event(frame: bytes) -> bool:
    """Whether a frame is an event; anything else is a response.

    The first header says so where it is one of the two (an event may carry a `Response` header of its own, and
    values with line breaks can forge headers); otherwise an `Event` anywhere does, and a message with
    neither is an event unless it has an ActionID.
    """
    key = first_header(frame)[0].lower()
    if key in ("event", "response"):
        return key == "event"
    keys = {key.lower() for key, _ in _split(frame)[0]}
    return "event" in keys or not ("response" in keys or "actionid" in keys)


class Message(dict[str, str]):
    """The headers of one message, as text.

    `message["Key"]` looks for exactly that key first, then for one that differs only in case. Of a repeated
    header the first value is taken, as Asterisk does; `get_all` and `pairs` have the others. (A header whose key
    stands between blanks counts as a repeat of one without only where all headers are looked at.)

    Built from the bytes of a frame, or from its lines with their line ends.
    """

    success: bool = False
    """Whether a response says so; `Request.process_response` sets it."""

    elapsed: float = 0.0
    """Of a response: the seconds since its action was sent."""

    # Slots for what every message sets, and defaults of the class for what few do: a message is made in no time.
    __slots__ = ("__dict__", "__weakref__", "_frame", "_looks")
    _folded: dict[str, str] | None = None
    _data: list[str] | None = None
    _put: Mapping[str, Any] = {}  # what was set before the headers were decoded

    def __init__(self, frame: bytes | Iterable[str | bytes]) -> None:
        if not isinstance(frame, bytes):
            frame = b"".join(line if isinstance(line, bytes) else wire.encode(line) for line in frame)
        self._frame = frame
        self._looks = 0  # how many headers were read one by one; _DECODED when all of them are in the dict
        key, value = first_header(frame)
        # The first header stands here at once: with it an undecoded message is never an empty dict, which
        # code written in C (json's encoder, say) would take for the whole of it.
        if key:
            dict.__setitem__(self, key, value)
        else:
            self._decode()
        if value == "Follows":
            self._looks = max(self._looks, _LOOKS)  # the lines of raw output are no headers, whatever they look like

    @classmethod
    def from_frame(cls, frame: bytes, key: str, value: str) -> Self:
        """The message of a frame whose first line is exactly this header; nothing is checked."""
        message = cls.__new__(cls)
        dict.setdefault(message, key, value)  # of the methods that set an item the fastest to call
        message._frame = frame
        message._looks = 0
        return message

    def _decode(self) -> None:
        """Fill the dict. Of several threads that do so at once the first one counts: it may have been changed since."""
        headers, data = _parse(self._frame)
        with _decoding:
            if self._looks != _DECODED:
                dict.clear(self)  # an update of an empty dict is a copy, which takes a third of the time
                dict.update(self, headers, **self._put)
                if data:
                    self._data = data
                self._looks = _DECODED

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        return _split(self._frame)[0]

    def __missing__(self, key: str, default: Any = _RAISE) -> Any:
        """The value under a key that the dict itself does not have, or not yet."""
        if self._looks < _LOOKS and (start := _line_start(key)):
            # One header, from the bytes of its line: nobody may ever look at the others.
            frame = self._frame
            found = frame.find(start)
            if found >= 0:
                self._looks += 1
                found += len(start)
                end = frame.find(b"\r\n", found)
                if end < 0:
                    end = len(frame)
                if found < end and frame[found] == _BLANK:
                    found += 1
                return frame[found:end].decode("utf-8", "surrogateescape").rstrip("\r\n")
        if isinstance(key, str):
            if self._looks != _DECODED:
                self._decode()
            own = self._find(key)
            if own is not None:
                return dict.get(self, own, default)
        if default is _RAISE:
            raise KeyError(key)
        return default

    def _find(self, key: str) -> str | None:
        """The key that a look-up of `key` finds."""
        if dict.__contains__(self, key):
            return key
        folded = self._folded
        if folded is None:
            folded = {}
            for own in list(dict.keys(self)):
                folded.setdefault(own.lower(), own)
            self._folded = folded
        return folded.get(key.lower())

    @overload
    def get(self, key: str, default: None = None) -> str | None: ...
    @overload
    def get(self, key: str, default: str) -> str: ...
    @overload
    def get(self, key: str, default: T) -> str | T: ...
    def get(self, key: str, default: Any = None) -> Any:
        """The value under `key`, or `default`."""
        value = dict.get(self, key, _MISSING)
        return self.__missing__(key, default) if value is _MISSING else value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, _MISSING) is not _MISSING

    def __eq__(self, other: object) -> bool:
        """A `str` is compared with the message's name, anything else with its headers."""
        if isinstance(other, str):
            return self.name == other
        for each in (self, other):
            if isinstance(each, Message) and each._looks != _DECODED:
                each._decode()
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        secret = secret_keys(self.keys())
        shown = {key: HIDDEN if key.lower() in secret else value for key, value in self.items()}
        return f"<{type(self).__name__} {shown}>"

    @property
    def frame(self) -> bytes:
        """The exact bytes of the message, with its final empty line."""
        return self._frame

    @property
    def headers(self) -> "Message":
        """The message itself."""
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every header as it came: in order, with repeats."""
        return list(self._pairs)

    @property
    def data(self) -> list[str]:
        """The payload, line by line: the output of a `Command` on every version, and lines that are no header."""
        if self._looks != _DECODED:
            self._decode()
        if self._data is None:
            self._data = []
        return self._data

    @property
    def raw(self) -> list[str]:
        """The lines as they came, each with its line end."""
        *lines, rest = wire.decode(self._frame).split("\r\n")
        return [line + "\r\n" for line in lines] + ([rest] if rest else [])

    @property
    def name(self) -> str:
        """The value of whichever of `Event` and `Response` comes first, else of `Event`, else of `Response`."""
        first = next(dict.__iter__(self), None)
        if first in (KEY_EVENT, KEY_RESPONSE):
            return dict.__getitem__(self, first)
        found = self.get(KEY_EVENT)
        return self[KEY_RESPONSE] if found is None else found

    @property
    def action_id(self) -> str | None:
        """The value of `ActionID`, or None."""
        if self._looks != _DECODED and self._frame.lower().rfind(b"actionid") < 0:
            return None  # without decoding what nobody may ever look at
        return self.get(KEY_ACTIONID)

    def put(self, key: str, value: object) -> None:
        """Set an item to what `process_response` made of the text."""
        headers = cast(dict[str, Any], self)
        if self._looks == _DECODED:
            headers[key] = value
        else:
            dict.__setitem__(headers, key, value)
            self._put = {**self._put, key: value}

    def get_all(self, key: str) -> list[str]:
        """Every value of a header that may repeat (`Variable`, `ChanVariable` …), in order. Case is ignored."""
        wanted = key.lower()
        return [value for own, value in self._pairs if own.lower() == wanted]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._frame, dict(self), vars(self))


def _restore(kind: type[Message], frame: bytes, headers: dict[str, str], attributes: dict[str, Any]) -> Message:
    """A message from what `__reduce__` took out of another."""
    message = kind.__new__(kind)
    message._frame, message._looks = frame, _DECODED
    vars(message).update(attributes)
    dict.update(message, headers)
    return message


def _looking(name: str) -> Any:
    """A dict's own method, behind the decoding of the headers."""
    method = getattr(dict, name)

    def look(self: Message, *args: Any) -> Any:
        if self._looks != _DECODED:
            self._decode()
        return method(self, *args)

    look.__name__, look.__doc__ = name, method.__doc__
    return look


def _changing(name: str) -> Any:
    """The same for a method that changes which keys there are."""
    method = getattr(dict, name)

    def change(self: Message, *args: Any, **kwargs: Any) -> Any:
        if self._looks != _DECODED:
            self._decode()
        self._folded = None
        return method(self, *args, **kwargs)

    change.__name__, change.__doc__ = name, method.__doc__
    return change


for _name in ("__iter__", "__reversed__", "__len__", "keys", "values", "items", "copy", "__or__", "__ror__"):
    setattr(Message, _name, _looking(_name))
for _name in ("__ior__", "__setitem__", "__delitem__", "pop", "popitem", "setdefault", "update", "clear"):
    setattr(Message, _name, _changing(_name))


@lru_cache(_MANY_KEYS)
def _line_start(key: object) -> bytes | None:
    """How the line of a header with this key begins, after the end of another; None for a key that would mislead."""
    if not isinstance(key, str):
        return None
    plain = key.isprintable() and key.strip() == key != "" and ":" not in key
    return b"\r\n" + str.encode(key) + b":" if plain else None


def _parse(frame: bytes) -> tuple[dict[str, str], list[str]]:
    """Headers with their first values, one of the two that give the name always among them, and payload lines."""
    lines = wire.decode(frame).split("\r\n")
    headers = {key: value for line in lines for key, colon, value in (line.partition(": "),) if colon}
    text = "".join(lines)
    if (
        # A message as servers write them: each line `Key: value`, no key twice, and nothing inside a line that is none.
        len(headers) == len(lines) - 2
        and "\n" not in text
        and "\r" not in text
        and _plain_keys.issuperset(headers)
        and (KEY_EVENT in headers or KEY_RESPONSE in headers)
        and not (lines[-1] or lines[-2] or lines[0] == "Response: Follows")
    ):
        return headers, [headers["Output"]] if "Output" in headers else []
    return _parse_any(frame)


def _parse_any(frame: bytes) -> tuple[dict[str, str], list[str]]:
    """The same, for any bytes."""
    pairs, data = _split(frame)
    headers: dict[str, str] = {}
    for key, value in pairs:
        headers.setdefault(key, value)
    if len(_plain_keys) < _MANY_KEYS:
        _plain_keys.update(filter(_line_start, headers))
    keys = {key.lower() for key in headers}
    if not keys & {"event", "response"}:
        generic = (KEY_RESPONSE, RESPONSE_GENERIC) if "actionid" in keys else (KEY_EVENT, EVENT_GENERIC)
        headers[generic[0]] = generic[1]
    return headers, data


_plain_keys: set[str] = set()
"""Keys without a colon or blanks at an end, such as were seen: the same ones come again and again."""


def _split(frame: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """Headers in order, and payload lines."""
    pairs: list[tuple[str, str]] = []
    data: list[str] = []
    lines = iter(wire.decode(frame).split("\r\n"))
    for line in lines:
        key, colon, value = line.partition(":")
        key = key.strip()
        if pairs and pairs[0] == ("Response", "Follows") and not _is_before_output(key, line):
            data += _command_output(line, lines)
        elif colon and key:
            value = _value(value)
            pairs.append((key, value))
            if key == "Output":
                data.append(value)
        elif line.strip("\r\n"):
            data.append(line)
    return pairs, data


def _value(text: str) -> str:
    """What stands after a colon: one blank belongs to the syntax, and so does a line end that a module left in."""
    return (text[1:] if text[:1] == " " else text).rstrip("\r\n")


def _is_before_output(key: str, line: str) -> bool:
    """Whether a line after `Response: Follows` is one of the headers before the raw output."""
    return key in ("Privilege", "ActionID") and "\n" not in line and _END_COMMAND not in line


def _command_output(first: str, rest: Iterator[str]) -> list[str]:
    """The raw output of a command as Asterisk up to 13 sends it: lines ended by LF, then the end marker, which
    stands on the last line itself where that had no LF."""
    text = "\r\n".join([first, *rest]).partition(_END_COMMAND)[0]
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
