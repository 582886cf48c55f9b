"""Typed headers: how an event's text becomes a value, on an attribute.

    class QueueCallerJoin(Event):
        '''A caller entered a queue.'''
        queue = Text()
        position = Int()

Header names follow from attribute names (`cause_txt` is `CauseTxt`) unless they are given (`Text("Cause-txt")`).
An attribute is None where its header is missing, or where the text is not what the type says; the item,
`event["Position"]`, stays the text of the wire.
"""

import enum
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, overload

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "Bool",
    "Code",
    "Duration",
    "Float",
    "Header",
    "Int",
    "Numbered",
    "Text",
    "Timestamp",
    "Variables",
    "View",
    "Word",
    "camel",
    "headers_of",
]

T = TypeVar("T")
C = TypeVar("C", bound=enum.IntEnum)
W = TypeVar("W", bound=enum.StrEnum)
V = TypeVar("V", bound="View")


class Source(Protocol):
    """What headers are read from: an event, or a part of one."""

    def get(self, key: str, /) -> str | None:
        """The text of a header, or None."""
        ...

    def get_all(self, key: str, /) -> list[str]:
        """The text of every header of that name."""
        ...

    def keys(self) -> Any:
        """The names of the headers."""
        ...


def _keys(source: Source) -> list[str]:
    """The names of the headers there are, whatever they are read from."""
    return list(source.keys())


def camel(attribute: str) -> str:
    """The header that an attribute stands for unless it says otherwise."""
    return "".join(part[:1].upper() + part[1:] for part in attribute.split("_"))


class _Keep:
    """The mark of a header that `process()` leaves as text."""


_KEEP = _Keep()


class Header(Generic[T]):
    """A header of an event: the attribute is converted, the item stays the wire's text.

    `process` is the value that `Event.process()` gives where the header is missing or cannot be converted; without it
    `process()` keeps the text. `optional` has `process()` leave a missing header out.
    """

    def __init__(self, name: str = "", *, process: Any = _KEEP, optional: bool = False) -> None:
        self.name = name
        self.process = process
        self.optional = optional

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.name = self.name or camel(attribute)

    @overload
    def __get__(self, source: None, owner: type) -> Self: ...
    @overload
    def __get__(self, source: Source, owner: type) -> T | None: ...
    def __get__(self, source: Source | None, owner: type) -> Self | T | None:
        if source is None:
            return self
        text = source.get(self.name)
        return None if text is None else self.convert(text)

    def convert(self, text: str) -> T | None:
        """The value that the text stands for, or None."""
        raise NotImplementedError

    def process_into(self, headers: dict[str, Any]) -> None:
        """Replace the text by the documented value, in a copy of an event's headers."""
        if self.process is _KEEP:
            return
        key = self.name
        if key not in headers:
            key = next((own for own in headers if own.lower() == key.lower()), key)
        text = headers.get(key)
        if text is None and self.optional:
            return
        value = None if text is None else self.convert(text)
        headers[key] = self.process if value is None else int(value) if isinstance(value, enum.IntEnum) else value


class Text(Header[str]):
    """A header that is text."""

    def convert(self, text: str) -> str | None:
        """The text itself."""
        return text


class Int(Header[int]):
    """A header that is a whole number."""

    def convert(self, text: str) -> int | None:
        """The number, or None."""
        try:
            return int(text)
        except ValueError:
            return None


class Float(Header[float]):
    """A header that is a number."""

    def convert(self, text: str) -> float | None:
        """The number, or None."""
        try:
            return float(text)
        except ValueError:
            return None


class Bool(Header[bool]):
    """A header that is true when it is one word, and false otherwise."""

    def __init__(self, true: str, name: str = "", *, process: Any = _KEEP, optional: bool = False) -> None:
        super().__init__(name, process=process, optional=optional)
        self.true = true

    def convert(self, text: str) -> bool | None:
        """Whether the text is the word that means true."""
        return text == self.true


class Duration(Header[int]):
    """A length of time as `hh:mm:ss`; the value is in seconds."""

    def convert(self, text: str) -> int | None:
        """The seconds, or None."""
        try:
            hours, minutes, seconds = map(int, text.split(":"))
        except ValueError:
            return None
        return hours * 3600 + minutes * 60 + seconds


class Timestamp(Header["datetime"]):
    """A moment, in UTC: written as seconds since 1970, with a fraction or not, or in the form of ISO 8601.

    Asterisk writes 0 for never, which is None here.
    """

    def convert(self, text: str) -> "datetime | None":
        """The moment, or None."""
        from datetime import UTC, datetime

        try:
            seconds = float(text)
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                return None
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        try:
            return datetime.fromtimestamp(seconds, UTC) if seconds else None
        except (OverflowError, ValueError, OSError):
            return None


class Code(Header[C | int], Generic[C]):
    """A number that stands for something: a member of an enumeration of numbers, or the number where it is none.

    `process()` gives the number, as documented.
    """

    def __init__(self, meanings: type[C], name: str = "", *, process: Any = _KEEP) -> None:
        super().__init__(name, process=process)
        self.meanings = meanings

    def convert(self, text: str) -> C | int | None:
        """The member, a number that is none, or None."""
        try:
            number = int(text)
        except ValueError:
            return None
        try:
            return self.meanings(number)
        except ValueError:
            return number


class Word(Header[W | str], Generic[W]):
    """A word of a known few: a member of an enumeration of text, or the text where it is none. Case is ignored."""

    def __init__(self, words: type[W], name: str = "") -> None:
        super().__init__(name)
        self.words = words
        self._members = {member.value.lower(): member for member in words}

    def convert(self, text: str) -> W | str | None:
        """The member, or the text."""
        return self._members.get(text.lower(), text)


class Numbered(Generic[T]):
    """Headers that differ in a number, such as `Report0IAJitter`: the list of their values, in order of their numbers.

    `name` has `#` where the number stands.
    """

    def __init__(self, item: Header[T], name: str) -> None:
        self.item, self.name = item, name

    @overload
    def __get__(self, source: None, owner: type) -> Self: ...
    @overload
    def __get__(self, source: Source, owner: type) -> list[T | None]: ...
    def __get__(self, source: Source | None, owner: type) -> Self | list[T | None]:
        if source is None:
            return self
        begin, _, end = self.name.partition("#")
        found: list[tuple[int, str]] = []
        for key in _keys(source):
            number = key[len(begin) : len(key) - len(end)]
            if key.startswith(begin) and key.endswith(end) and number.isdecimal() and len(number) < 10:
                found.append((int(number), key))
        texts = (source.get(key) for _, key in sorted(found))
        return [None if text is None else self.item.convert(text) for text in texts]


class Variables:
    """A header that repeats, with `name=value` in each: the mapping of names to values.

    The variables of one channel come as `ChanVariable: name=value` or, before Asterisk 12, as
    `ChanVariable(channel): name=value`.
    """

    def __init__(self, name: str = "ChanVariable") -> None:
        self.name = name

    @overload
    def __get__(self, source: None, owner: type) -> Self: ...
    @overload
    def __get__(self, source: Source, owner: type) -> dict[str, str]: ...
    def __get__(self, source: Source | None, owner: type) -> Self | dict[str, str]:
        if source is None:
            return self
        texts = source.get_all(self.name)
        for key in _keys(source):
            if key.startswith(self.name + "("):
                texts += source.get_all(key)
        return {name: value for name, _, value in (text.partition("=") for text in texts)}


class View:
    """A part of an event's headers: those that begin with a prefix. True where one of them is there.

    A subclass declares the headers without the prefix, and is declared itself with it:

        class DialBegin(Event):
            dest = ChannelSnapshot.at("Dest")      # event.dest.channel is the header DestChannel
    """

    def __init__(self, source: Source, prefix: str) -> None:
        self._source, self._prefix = source, prefix

    @classmethod
    def at(cls, prefix: str) -> "Part[Self]":
        """Declare such a part of an event."""
        return Part(cls, prefix)

    def get(self, key: str, /) -> str | None:
        """The text of a header, or None; the name is without the prefix."""
        return self._source.get(self._prefix + key)

    def get_all(self, key: str, /) -> list[str]:
        """The text of every header of that name, which is without the prefix."""
        return self._source.get_all(self._prefix + key)

    def keys(self) -> list[str]:
        """The names of the headers, without the prefix."""
        size = len(self._prefix)
        return [key[size:] for key in _keys(self._source) if key.startswith(self._prefix)]

    def __bool__(self) -> bool:
        return any(self.get(name) is not None for name in headers_of(type(self)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._prefix!r} { {name: self.get(name) for name in headers_of(type(self))} }>"


class Part(Generic[V]):
    """Where in an event a `View` is; made by `View.at`."""

    def __init__(self, view: type[V], prefix: str) -> None:
        self.view, self.prefix = view, prefix

    @overload
    def __get__(self, source: None, owner: type) -> Self: ...
    @overload
    def __get__(self, source: Source, owner: type) -> V: ...
    def __get__(self, source: Source | None, owner: type) -> Self | V:
        return self if source is None else self.view(source, self.prefix)


def declared(cls: type) -> dict[str, Any]:
    """What a class and its bases declare of headers, by attribute."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for attribute, value in vars(base).items():
            if isinstance(value, (Header, Numbered, Variables, Part)):
                found[attribute] = value
            elif attribute in found:
                del found[attribute]
    return found


def headers_of(cls: type) -> Iterator[str]:
    """The names of the headers that a class declares, those of its parts included; `#` stands for a number."""
    for value in declared(cls).values():
        if isinstance(value, Part):
            yield from (value.prefix + name for name in headers_of(value.view))
        else:
            yield value.name
