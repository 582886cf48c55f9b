"""One message of the wire as a `dict` of its headers, decoded when somebody first looks.

The headers of a message are text, as they came. What a dict cannot say is kept beside it: order and repeats
(`pairs`, `get_all`), lines that are not headers (`data`), and the exact bytes (`frame`).
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast, overload

from ami import wire

__all__ = [
    "EVENT_GENERIC",
    "KEY_ACTION",
    "KEY_ACTIONID",
    "KEY_EVENT",
    "KEY_RESPONSE",
    "RESPONSE_GENERIC",
    "SECRET_HEADERS",
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

SECRET_HEADERS = frozenset({"secret", "key", "challenge"})
"""Headers, in lower case, whose values are left out of every `repr` and log line."""

_END_COMMAND = "--END COMMAND--"


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
    header the first value is taken, as Asterisk does; `get_all` and `pairs` have the others.

    Built from the bytes of a frame, or from its lines with their line ends.
    """

    success: bool = False
    """Whether a response says so; `Request.process_response` sets it."""

    elapsed: float = 0.0
    """Of a response: the seconds since its action was sent."""

    def __init__(self, frame: bytes | Iterable[str | bytes]) -> None:
        if not isinstance(frame, bytes):
            frame = b"".join(line if isinstance(line, bytes) else wire.encode(line) for line in frame)
        self._frame = frame
        self._pairs: list[tuple[str, str]] | None = None
        self._data: list[str] = []
        self._folded: dict[str, str] | None = None
        key, value = first_header(frame)
        # The first header stands here at once: with it an undecoded message is never an empty dict, which
        # code written in C (json's encoder, say) would take for the whole of it.
        if key:
            dict.__setitem__(self, key, value)
        else:
            self._decode()

    def _decode(self) -> None:
        """Fill the dict. Several threads may do so at once: `_pairs` is set last, and says that all is there."""
        if self._pairs is not None:
            return
        pairs, self._data = _split(self._frame)
        headers: dict[str, str] = {}
        for key, value in pairs:
            headers.setdefault(key, value)
        keys = {key.lower() for key in headers}
        if not keys & {"event", "response"}:
            generic = (KEY_RESPONSE, RESPONSE_GENERIC) if "actionid" in keys else (KEY_EVENT, EVENT_GENERIC)
            headers[generic[0]] = generic[1]
        dict.update(self, headers)
        self._folded = None
        self._pairs = pairs

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

    def __missing__(self, key: str) -> str:
        self._decode()
        found = self._find(key) if isinstance(key, str) else None
        if found is None:
            raise KeyError(key)
        return dict.__getitem__(self, found)

    @overload
    def get(self, key: str, default: None = None) -> str | None: ...
    @overload
    def get(self, key: str, default: str) -> str: ...
    @overload
    def get(self, key: str, default: T) -> str | T: ...
    def get(self, key: str, default: Any = None) -> Any:
        """The value under `key`, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        self._decode()
        return isinstance(key, str) and self._find(key) is not None

    def __eq__(self, other: object) -> bool:
        """A `str` is compared with the message's name, anything else with its headers."""
        if isinstance(other, str):
            return self.name == other
        self._decode()
        if isinstance(other, Message):
            other._decode()
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        shown = {key: "…" if key.lower() in SECRET_HEADERS else value for key, value in self.items()}
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
        self._decode()
        assert self._pairs is not None
        return list(self._pairs)

    @property
    def data(self) -> list[str]:
        """The payload, line by line: the output of a `Command` on every version, and lines that are no header."""
        self._decode()
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
        if self._pairs is None and b"actionid" not in self._frame.lower():
            return None  # without decoding what nobody may ever look at
        return self.get(KEY_ACTIONID)

    def put(self, key: str, value: object) -> None:
        """Set an item to what `process_response` made of the text."""
        headers = cast(dict[str, Any], self)
        headers[key] = value

    def get_all(self, key: str) -> list[str]:
        """Every value of a header that may repeat (`Variable`, `ChanVariable` …), in order. Case is ignored."""
        wanted = key.lower()
        return [value for own, value in self.pairs if own.lower() == wanted]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), dict(self), vars(self))


def _restore(kind: type[Message], headers: dict[str, str], attributes: dict[str, Any]) -> Message:
    """A message from what `__reduce__` took out of another."""
    message = kind.__new__(kind)
    vars(message).update(attributes)
    dict.update(message, headers)
    return message


def _looking(name: str) -> Any:
    """A dict's own method, behind the decoding of the headers."""
    method = getattr(dict, name)

    def look(self: Message, *args: Any, **kwargs: Any) -> Any:
        self._decode()
        return method(self, *args, **kwargs)

    look.__name__, look.__doc__ = name, method.__doc__
    return look


def _changing(name: str) -> Any:
    """The same for a method that changes which keys there are."""
    method = getattr(dict, name)

    def change(self: Message, *args: Any, **kwargs: Any) -> Any:
        self._decode()
        self._folded = None
        return method(self, *args, **kwargs)

    change.__name__, change.__doc__ = name, method.__doc__
    return change


for _name in ("__iter__", "__reversed__", "__len__", "keys", "values", "items", "copy", "__or__", "__ror__"):
    setattr(Message, _name, _looking(_name))
for _name in ("__ior__", "__setitem__", "__delitem__", "pop", "popitem", "setdefault", "update", "clear"):
    setattr(Message, _name, _changing(_name))


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
    return text.removeprefix(" ").rstrip("\r\n")


def _is_before_output(key: str, line: str) -> bool:
    """Whether a line after `Response: Follows` is one of the headers before the raw output."""
    return key in ("Privilege", "ActionID") and "\n" not in line and _END_COMMAND not in line


def _command_output(first: str, rest: Iterator[str]) -> list[str]:
    """The raw output of a command as Asterisk up to 13 sends it: lines ended by LF, then the end marker, which
    stands on the last line itself where that had no LF."""
    text = "\r\n".join([first, *rest]).partition(_END_COMMAND)[0]
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
