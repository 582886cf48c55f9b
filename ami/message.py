"""One message of the wire as a `dict` of its headers, decoded when somebody looks at more than a few of them.

The headers of a message are text, as they came. What a dict cannot say is kept beside it: order and repeats
(`pairs`, `get_all`), lines that are not headers (`data`), and the exact bytes (`frame`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, Self, TypeVar, cast, overload

from ami import wire
from ami.wire import EMPTY_LINE

__all__ = [
    "EVENT_GENERIC",
    "KEY_ACTION",
    "KEY_ACTIONID",
    "KEY_EVENT",
    "KEY_RESPONSE",
    "RESPONSE_GENERIC",
    "SUCCESSES",
    "Message",
    "events_in",
    "is_event",
]

T = TypeVar("T")
V = TypeVar("V")

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

_dict_get = dict.get
_MISSING: Any = object()
_RAISE: Any = object()


def first_header(text: str) -> tuple[str, str]:
    """Key and value of a message's first line; the key is empty where that line is no header."""
    key, colon, value = text.partition("\r\n")[0].partition(":")
    return (key.strip(), _value(value)) if colon else ("", "")


def is_event(text: str) -> bool:
    """Whether a message is an event; anything else is a response.

    The first header says so where it is one of the two (an event may carry a `Response` header of its own, and
    values with line breaks can forge headers); otherwise an `Event` anywhere does, and a message with
    neither is an event unless it has an ActionID.
    """
    key = first_header(text)[0].lower()
    if key in ("event", "response"):
        return key == "event"
    keys = {key.lower() for key, _ in _split(text)[0]}
    return "event" in keys or not ("response" in keys or "actionid" in keys)


class Message(dict[str, str]):
    """The headers of one message, as text.

    `message["Key"]` looks for exactly that key first, then for one that differs only in case. Of a repeated
    header the first value is taken, as Asterisk does; `get_all` and `pairs` have the others. (One that is not written
    `Key: value`, as with more or fewer blanks, counts as a repeat of one that is only once all headers were looked at.)

    Built from the bytes of a frame, or from its lines with their line ends.
    """

    success: bool = False
    """Whether a response says so; `Request.process_response` sets it."""

    elapsed: float = 0.0
    """Of a response: the seconds since its action was sent."""

    # Slots for what most messages set, and defaults of the class for what few do: a message is made in no time.
    __slots__ = ("__dict__", "__weakref__", "_decoded", "_undecoded")
    _undecoded: str | None  # the text while not all headers are in the dict; without the empty line that ends it
    _decoded: str  # the text from then on
    _end = EMPTY_LINE  # what follows the text in the frame
    _folded: dict[str, str] | None = None  # the keys in lower case; not kept once a program has changed some
    _is_changed = False
    _data: list[str] | None = None
    _put: Mapping[str, Any] = {}  # what was set before the headers were decoded

    def __init__(self, frame: bytes | Iterable[str | bytes]) -> None:
        if not isinstance(frame, bytes):
            frame = b"".join(line if isinstance(line, bytes) else wire.encode(line) for line in frame)
        text = wire.decode(frame)
        self._undecoded = text.removesuffix(EMPTY_LINE)
        if not text.endswith(EMPTY_LINE):
            self._end = ""
        key, value = first_header(text)
        # The first header stands here at once: with it an undecoded message is never an empty dict, which
        # code written in C (json's encoder, say) would take for the whole of it.
        if key:
            dict.__setitem__(self, key, value)
        if not key or value == "Follows":  # the lines of raw output are no headers, whatever they look like
            self._decode()

    @classmethod
    def from_text(cls, text: str, key: str, value: str) -> Self:
        """The message of a text, without its empty line, whose first line is this header; nothing is checked."""
        message = cls.__new__(cls)
        dict.setdefault(message, key, value)  # of the methods that set an item the fastest to call
        message._undecoded = text
        return message

    def _decode(self) -> None:
        """Fill the dict.

        Without a lock, which could be held when the process forks, or by what a signal handler interrupted. Of several
        threads that decode at once each may fill in the same, but none after the first has returned: then a program
        may have changed it. (The interpreter does not switch threads between the last look and the update.)
        """
        text = self._undecoded
        if text is None:
            return
        headers, data = _parse(text)
        if self._put:
            headers = {**headers, **self._put}
        if self._undecoded is not None:
            dict.update(self, headers)
            if data and self._data is None:
                self._data = data
            self._decoded = text
            self._undecoded = None

    @property
    def _text(self) -> str:
        text = self._undecoded
        return self._decoded if text is None else text

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        return _split(self._text)[0]

    def __missing__(self, key: str, default: Any = _RAISE) -> Any:
        """The value under a key that the dict itself does not have, or not yet."""
        text = self._undecoded
        if text is not None and (start := _LINE_STARTS[key]):
            # One header, from its line: nobody may ever look at the others.
            _, found, rest = text.partition(start)
            if found:
                return rest.partition("\r\n")[0].rstrip("\r\n")
        if isinstance(key, str):
            if self._undecoded is not None:
                self._decode()
            own = self._find(key)
            value = _MISSING if own is None else _dict_get(self, own, _MISSING)  # another thread may have taken it out
            if value is not _MISSING:
                return value
        if default is _RAISE:
            raise KeyError(key)
        return default

    def _find(self, key: str) -> str | None:
        """The key that a look-up of `key` finds."""
        if dict.__contains__(self, key):
            return key
        folded = None if self._is_changed else self._folded
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
        value = _dict_get(self, key, _MISSING)
        return self.__missing__(key, default) if value is _MISSING else value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, _MISSING) is not _MISSING

    def __eq__(self, other: object) -> bool:
        """A `str` is compared with the message's name, anything else with its headers."""
        if isinstance(other, str):
            return self.name == other
        for each in (self, other):
            if isinstance(each, Message) and each._undecoded is not None:
                each._decode()
        return dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __repr__(self) -> str:
        from ami.secrets import without_secrets  # here, as it is slow to load

        return f"<{type(self).__name__} {dict(without_secrets(self.items()))}>"

    @property
    def frame(self) -> bytes:
        """The exact bytes of the message, with its final empty line."""
        return wire.encode(self._text + self._end)

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
        if self._undecoded is not None:
            self._decode()
        if self._data is None:
            self._data = []
        return self._data

    @property
    def raw(self) -> list[str]:
        """The lines as they came, each with its line end."""
        *lines, rest = (self._text + self._end).split("\r\n")
        return [line + "\r\n" for line in lines] + ([rest] if rest else [])

    @property
    def name(self) -> str:
        """The value of whichever of `Event` and `Response` comes first, else of `Event`, else of `Response`."""
        first = next(iter([*dict.keys(self)]), None)  # a copy: another thread may decode meanwhile
        if first in (KEY_EVENT, KEY_RESPONSE):
            return dict.__getitem__(self, first)
        found = self.get(KEY_EVENT)
        return self[KEY_RESPONSE] if found is None else found

    @property
    def action_id(self) -> str | None:
        """The value of `ActionID`, or None."""
        text = self._undecoded
        if text is not None and text.find("\r\nActionID: ") < 0 and text.lower().rfind("actionid") < 0:
            return None  # without decoding what nobody may ever look at
        return self.get(KEY_ACTIONID)

    def put(self, key: str, value: object) -> None:
        """Set an item to what `process_response` made of the text."""
        headers = cast(dict[str, Any], self)
        if self._undecoded is None:
            headers[key] = value
        else:
            dict.__setitem__(headers, key, value)
            self._put = {**self._put, key: value}

    def get_all(self, key: str) -> list[str]:
        """Every value of a header that may repeat (`Variable`, `ChanVariable` …), in order. Case is ignored."""
        wanted = key.lower()
        return [value for own, value in self._pairs if own.lower() == wanted]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._text, dict(self), vars(self))


def _restore(kind: type[Message], text: str, headers: dict[str, str], attributes: dict[str, Any]) -> Message:
    """A message from what `__reduce__` took out of another."""
    message = kind.__new__(kind)
    message._undecoded, message._decoded = None, text
    vars(message).update(attributes)
    dict.update(message, headers)
    return message


def events_in(
    texts: list[str],
    kinds: Mapping[str, tuple[type[Message], str]],
    wanted: frozenset[str] | None,
    events: list[Any],
    take_other: Callable[[str], None],
) -> None:
    """Add to `events` a message, of the class that stands there, for each text whose first line is one of `kinds`.

    Of those that are not `wanted` nothing is made (None: all are). Any other text goes to `take_other`. This loop is
    what a busy server keeps busy.
    """
    known, new, set_item, add = kinds.get, dict.__new__, dict.setdefault, events.append
    for text in texts:
        found = known(text.partition("\r\n")[0])
        if found is None:
            take_other(text)
            continue
        kind, name = found
        if wanted is None or name in wanted:
            # As `Message.from_text` does: to call it would take a third of the time.
            message = new(kind)
            set_item(message, KEY_EVENT, name)
            message._undecoded = text
            add(message)


def _looking(name: str) -> Any:
    """A dict's own method, behind the decoding of the headers."""
    method = getattr(dict, name)

    def look(self: Message, *args: Any) -> Any:
        if self._undecoded is not None:
            self._decode()
        return method(self, *args)

    look.__name__, look.__doc__ = name, method.__doc__
    return look


def _changing(name: str) -> Any:
    """The same for a method that changes which keys there are."""
    method = getattr(dict, name)

    def change(self: Message, *args: Any, **kwargs: Any) -> Any:
        if self._undecoded is not None:
            self._decode()
        self._is_changed = True
        return method(self, *args, **kwargs)

    change.__name__, change.__doc__ = name, method.__doc__
    return change


for _name in ("__iter__", "__reversed__", "__len__", "keys", "values", "items", "copy", "__or__", "__ror__"):
    setattr(Message, _name, _looking(_name))
for _name in ("__ior__", "__setitem__", "__delitem__", "pop", "popitem", "setdefault", "update", "clear"):
    setattr(Message, _name, _changing(_name))


class _Memory(dict[Any, V], Generic[V]):
    """What a function gave for each text: the same keys and lines come again and again.

    It forgets all when it has very many, and does not remember long ones.
    """

    def __init__(self, function: Callable[[Any], V]) -> None:
        self._function = function

    def __missing__(self, text: Any) -> V:
        found = self._function(text)
        if type(text) is str and len(text) < 200:
            if len(self) >= 4096:
                self.clear()
            self[text] = found
        return found


def _line_start(key: object) -> str:
    """How the line of a header with this key begins, after the end of another; empty for a key that would mislead."""
    plain = type(key) is str and key.isprintable() and key.strip() == key != "" and ":" not in key
    return f"\r\n{key}: " if plain else ""


def _pair(line: str) -> tuple[str, str]:
    """Key and value of a line. Raises `ValueError` for one that is no header."""
    key, colon, value = line.partition(":")
    key = key.strip()
    if not colon or not key:
        raise ValueError("not a header")
    return key, _value(value)


_LINE_STARTS = _Memory(_line_start)
_PAIRS = _Memory(_pair)


def _parse(text: str) -> tuple[dict[str, str], list[str]]:
    """Headers with their first values, one of the two that give the name always among them, and payload lines."""
    lines = text.split("\r\n")
    if lines[0] != "Response: Follows":
        try:
            headers = dict(map(_PAIRS.__getitem__, lines))
        except ValueError:
            return _parse_any(text)
        # Each line is a header, and no key comes twice: a message as servers write most.
        if len(headers) == len(lines) and (KEY_EVENT in headers or KEY_RESPONSE in headers):
            return headers, [headers["Output"]] if "Output" in headers else []
    return _parse_any(text)


def _parse_any(text: str) -> tuple[dict[str, str], list[str]]:
    """The same, for any text."""
    pairs, data = _split(text)
    headers: dict[str, str] = {}
    for key, value in pairs:
        headers.setdefault(key, value)
    keys = {key.lower() for key in headers}
    if not keys & {"event", "response"}:
        generic = (KEY_RESPONSE, RESPONSE_GENERIC) if "actionid" in keys else (KEY_EVENT, EVENT_GENERIC)
        headers[generic[0]] = generic[1]
    return headers, data


def _split(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Headers in order, and payload lines."""
    pairs: list[tuple[str, str]] = []
    data: list[str] = []
    lines = iter(text.split("\r\n"))
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
