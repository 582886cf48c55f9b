"""How an action, an event or an aggregate is declared, and where the declared ones are found.

An event, with a typed attribute for each header that is worth one:

    class QueueCallerJoin(Event):
        '''A caller entered a queue.'''
        queue = Text()
        position = Int()

An action, whose fields are its constructor's parameters, in order:

    class QueueRemove(Action):
        '''Take an interface out of a queue.'''
        interface: str
        queue: str

A class names what it stands for on the wire: `QueueCallerJoin` is declared once, and from then on events of
that name arrive as objects of this class. Header names follow from attribute names (`cause_txt` is
`CauseTxt`) unless they are given (`Text("Cause-txt")`).
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform, overload

from ami import wire
from ami.message import (
    KEY_ACTION,
    KEY_ACTIONID,
    KEY_EVENT,
    KEY_RESPONSE,
    SECRET_HEADERS,
    SUCCESSES,
    Message,
    first_header,
    is_event,
)

__all__ = [
    "Action",
    "Aggregate",
    "Bool",
    "Duration",
    "Event",
    "EventCollection",
    "Float",
    "Header",
    "Int",
    "Request",
    "Text",
    "event_class",
    "event_name",
    "param",
    "parse",
]

T = TypeVar("T")

# What declares events; loaded in turn until a name is found. Any thread may be the one that asks.
_FAMILIES = ("ami.core_events", "ami.app_confbridge_events", "ami.app_meetme_events", "ami.dahdi_events")
_loaded: set[str] = set()
_EVENTS: dict[str, "type[Event]"] = {}
_AGGREGATES: dict[str, "type[Aggregate]"] = {}


def event_class(name: str) -> "type[Event]":
    """The class declared for events of that name on the wire; `Event` itself where there is none."""
    for family in _FAMILIES:
        if name in _EVENTS or _loaded.issuperset(_FAMILIES):
            break
        import_module(family)
        _loaded.add(family)
    return _EVENTS.get(name, Event)


def event_name(event: "type[Event] | type[Aggregate]") -> str:
    """The name that events, or aggregates, of a declared class carry.

    Raises `ValueError` for anything that is not one.
    """
    if isinstance(event, type) and issubclass(event, (Event, Aggregate)) and event.wire_name:
        return event.wire_name
    raise ValueError(f"{event!r} is not an event: give a name, a declared event or aggregate class, '' or None")


def parse(frame: bytes) -> Message:
    """A frame as a message: an event of its declared class, or a plain `Message` for a response."""
    key, name = first_header(frame)
    if key != KEY_EVENT:
        if not is_event(frame):
            return Message(frame)
        name = Event(frame).name
    return event_class(name)(frame)


def _camel(attribute: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in attribute.split("_"))


# Headers of events


class _Keep:
    """The mark of a header that `process()` leaves as text."""


_KEEP = _Keep()


class Header(Generic[T]):
    """A header of an event: the attribute is converted, the item stays the wire's text.

    The attribute is None where the header is missing or its text is not what the type says.
    `process` is the value that `Event.process()` gives in that case; without it `process()` keeps the text.
    `optional` has `process()` leave a missing header out.
    """

    def __init__(self, name: str = "", *, process: Any = _KEEP, optional: bool = False) -> None:
        self.name = name
        self.process = process
        self.optional = optional

    def __set_name__(self, owner: type, attribute: str) -> None:
        self.name = self.name or _camel(attribute)

    @overload
    def __get__(self, event: None, owner: type) -> Self: ...
    @overload
    def __get__(self, event: "Event", owner: type) -> T | None: ...
    def __get__(self, event: "Event | None", owner: type) -> Self | T | None:
        if event is None:
            return self
        text = event.get(self.name)
        return None if text is None else self.convert(text)

    def convert(self, text: str) -> T | None:
        """The value that the text stands for, or None."""
        raise NotImplementedError

    def process_into(self, headers: dict[str, Any]) -> None:
        """Replace the text by the documented value, in a copy of an event's headers."""
        if self.process is _KEEP or (self.optional and self.name not in headers):
            return
        text = headers.get(self.name)
        value = None if text is None else self.convert(text)
        headers[self.name] = self.process if value is None else value


class Text(Header[str]):
    """A header that is text; None only where it is missing."""

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
    """A header that is a length of time as `hh:mm:ss`; the value is in seconds."""

    def convert(self, text: str) -> int | None:
        """The seconds, or None."""
        try:
            hours, minutes, seconds = map(int, text.split(":"))
        except ValueError:
            return None
        return hours * 3600 + minutes * 60 + seconds


# Events


class Event(Message):
    """Something that Asterisk reports, or an item of a list it was asked for.

    A subclass declares the event of its own name; `class Odd(Event, name="Odd-Event")` gives another one, and
    `abstract=True` none.
    """

    wire_name: ClassVar[str] = ""
    _headers: ClassVar[tuple[Header[Any], ...]] = ()

    def __init_subclass__(cls, *, name: str = "", abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = []
        for attribute, value in vars(cls).items():
            if isinstance(value, Header):
                if hasattr(Event, attribute):
                    raise TypeError(f"{attribute!r} is an attribute of every event; give the header another one")
                own.append(value)
        replaced = {header.name for header in own}
        cls._headers = (*(header for header in cls._headers if header.name not in replaced), *own)
        if abstract:
            cls.wire_name = ""
        else:
            cls.wire_name = name or cls.__name__
            _EVENTS[cls.wire_name] = cls

    def process(self) -> tuple[dict[str, Any], list[str]]:
        """A copy of the headers with the documented conversions made, and a copy of the payload lines."""
        headers: dict[str, Any] = dict(self)
        for header in self._headers:
            header.process_into(headers)
        return headers, list(self.data)


# Lists of events


def ends_list(event: Event) -> str:
    """`complete` or `cancelled` for an event that says that its list has ended so; empty for any other."""
    how = event.get("EventList", "").lower()
    return how if how in ("complete", "cancelled") else ""


class EventCollection(dict["type[Event] | str", Any]):
    """The events that belong to one request, under their classes and under their names.

    A member class holds a list; a finaliser, and a class of `unique`, the event that came, or None. Both kinds of
    key of one class hold the same object.
    """

    def __init__(
        self,
        members: tuple[type[Event], ...] = (),
        finalisers: tuple[type[Event], ...] = (),
        unique: tuple[type[Event], ...] = (),
    ) -> None:
        super().__init__()
        self._finalisers = frozenset(finaliser.wire_name for finaliser in finalisers)
        self._single = self._finalisers.union(each.wire_name for each in unique)
        for member in members:
            self[member] = self[member.wire_name] = []
        for single in (*unique, *finalisers):
            self[single] = self[single.wire_name] = None

    def add(self, event: Event) -> bool:
        """Take an event in; return whether it is a finaliser. An event of another kind gets a list of its own."""
        key: type[Event] | str = type(event) if type(event) is not Event else event.name
        if event.name in self._single:
            self[key] = self[event.name] = event
            return event.name in self._finalisers
        if event.name not in self:
            self[key] = self[event.name] = []
        self[event.name].append(event)
        return False

    @property
    def complete(self) -> bool:
        """Whether every finaliser has come."""
        return all(self[name] is not None for name in self._finalisers)


class Aggregate(EventCollection):
    """The items of one list, delivered as one event when the list has ended.

    A subclass names `_aggregation_members`, `_aggregation_finalisers` and, where the finaliser counts the
    members, the header that does.
    """

    wire_name: ClassVar[str] = ""
    _name: ClassVar[str] = ""
    _aggregation_members: ClassVar[tuple[type[Event], ...]] = ()
    _aggregation_finalisers: ClassVar[tuple[type[Event], ...]] = ()
    _count_header: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.wire_name = cls._name = vars(cls).get("_name", cls.__name__)
        _AGGREGATES[cls.wire_name] = cls

    def __init__(self, action_id: str) -> None:
        super().__init__(self._aggregation_members, self._aggregation_finalisers)
        self._action_id = action_id
        self._error = ""

    @property
    def action_id(self) -> str:
        """The ActionID of the request that the list answers."""
        return self._action_id

    @property
    def name(self) -> str:
        """The name to register callbacks for: that of the class."""
        return self._name

    @property
    def valid(self) -> bool:
        """Whether the list is whole: it was not cancelled, and holds as many items as the server counted."""
        return not self._error

    @property
    def error_message(self) -> str | None:
        """Why the list is not valid, or None."""
        return self._error or None

    def __eq__(self, other: object) -> bool:
        return self.name == other if isinstance(other, str) else dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def evaluate_event(self, event: Event) -> bool | None:
        """Offer an event: True if it ended the list, False if it was taken in, None if it is no part of it."""
        if event.action_id != self._action_id:
            return None
        ending = ends_list(event)
        if not ending and event.name not in self:
            return None
        if not self.add(event) and not ending:
            return False
        if self._count_header:
            self._check_list_items_count(event, self._count_header)
        if ending == "cancelled":
            self._error = "the server cancelled the list"
        return True

    def _check_list_items_count(self, event: Event, count_header: str) -> None:
        """Compare the number of members with what the finaliser counted.

        A header that is missing or no number says nothing, and neither does the documented -1.
        """
        count = event.process()[0].get(count_header)
        members = sum(len(self[member]) for member in self._aggregation_members)
        if isinstance(count, int) and count >= 0 and count != members:
            self._error = f"Expected {count} list-items; received {members}"


# Actions


class _Required:
    """The mark of a parameter without a default."""


_REQUIRED = _Required()


class _Param:
    """How a field of an action becomes a header."""

    __slots__ = ("default", "encode", "name")

    def __init__(self, name: str, default: Any, encode: Callable[[Any], Any] | None) -> None:
        self.name, self.default, self.encode = name, default, encode


def param(name: str = "", *, default: Any = _REQUIRED, encode: Callable[[Any], Any] | None = None) -> Any:
    """A field of an action whose header name, or the form of its value, does not follow from the annotation."""
    return _Param(name, default, encode)


class Request(dict[str, Any]):
    """An action on its way to the server, as a dict of headers; `Action` is set from the argument.

    A value of None is left out, a bool becomes `true` or `false`, and a list, tuple or set repeats the header.
    Requests may be sent any number of times.
    """

    aggregate: bool = False
    """Whether the list that answers is also delivered as one aggregate, to the callbacks registered for it."""

    synchronous: bool = False
    """Whether `send_action` collects the events that answer, and returns with the last; callbacks do not see them."""

    timeout: float = 5
    """How long to wait for the response, and the events of a synchronous request, in seconds."""

    _aggregates: ClassVar[tuple[type[Aggregate], ...]] = ()
    _unique: ClassVar[tuple[type[Event], ...]] = ()
    _list: ClassVar[tuple[type[Event], ...]] = ()
    _finalisers: ClassVar[tuple[type[Event], ...]] = ()

    _shared_headers: ClassVar[tuple[str, ...]] = ()
    """What a finaliser that carries no ActionID has in common with its request."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self[KEY_ACTION] = action

    def build_request(self, action_id: str | None, id_generator: Callable[[], str], **kwargs: Any) -> tuple[str, str]:
        """The text that goes on the wire, and its ActionID.

        `kwargs` are further headers. The ActionID is the argument, else the item `ActionID`, else a new one.
        Raises `ValueError` where a header has CR or LF in it, or the message is larger than Asterisk takes.
        """
        headers: dict[str, Any] = {**self, **kwargs}
        own_id = headers.pop(KEY_ACTIONID, None)
        if action_id is None:
            action_id = id_generator() if own_id is None else own_id
        headers[KEY_ACTIONID] = action_id = str(action_id)
        lines = [wire.encode_line(str(key), text) for key, value in headers.items() for text in _texts(value)]
        wire.check_size(lines)
        return "".join(lines) + "\r\n", action_id

    def process_response(self, response: Message) -> Message:
        """Make of a response what the action promises: here, set its `success`; return it.

        Called in the thread, or task, that sent the action. What it raises is raised there.
        """
        response.success = response.get(KEY_RESPONSE) in SUCCESSES
        return response

    def get_aggregate_classes(self) -> tuple[type[Aggregate], ...]:
        """The aggregates that the answer makes up."""
        return self._aggregates

    def get_synchronous_classes(
        self,
    ) -> tuple[tuple[type[Event], ...], tuple[type[Event], ...], tuple[type[Event], ...]]:
        """The events that a synchronous request collects: those that come once, many times, and last."""
        return self._unique, self._list, self._finalisers

    def __repr__(self) -> str:
        shown = {key: "…" if str(key).lower() in SECRET_HEADERS else value for key, value in self.items()}
        return f"<{type(self).__name__} {shown}>"


def _texts(value: Any) -> list[str]:
    """The values that one item of a request puts on the wire."""
    if value is None:
        return []
    if isinstance(value, (tuple, list, set, frozenset)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)]


class _Signature:
    """The constructor's signature, for `help()` and editors; made when asked for, as `inspect` is slow to load."""

    def __get__(self, action: object, owner: "type[Action]") -> Any:
        import inspect

        if "__init__" in vars(owner):
            parameters = list(inspect.signature(owner.__init__).parameters.values())[1:]
            return inspect.Signature(parameters)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [
                inspect.Parameter(
                    name, kind, default=inspect.Parameter.empty if field.default is _REQUIRED else field.default
                )
                for name, field in owner._fields.items()
            ]
        )


@dataclass_transform(field_specifiers=(param,))
class Action(Request):
    """The base of declared actions: annotated fields are the constructor's parameters and the headers.

    A field without a value is required; one that is None is left out.
    """

    _fields: ClassVar[Mapping[str, _Param]] = {}
    _action: ClassVar[str] = ""
    __signature__ = _Signature()

    def __init_subclass__(cls, *, action: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._action = action or cls.__name__
        fields = dict(cls._fields)
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            if name.startswith("_") or name in vars(Request) or "ClassVar" in str(annotation):
                continue
            given = vars(cls).get(name, _REQUIRED)
            field = given if isinstance(given, _Param) else _Param("", given, None)
            field.name = field.name or _camel(name)
            fields[name] = field
            if given is not _REQUIRED:
                delattr(cls, name)
        cls._fields = fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(self._action)
        fields, name = self._fields, type(self).__name__
        if len(args) > len(fields):
            raise TypeError(f"{name}() takes {len(fields)} arguments but {len(args)} were given")
        given = dict(zip(fields, args, strict=False))
        for key, value in kwargs.items():
            if key not in fields or key in given:
                problem = "multiple values for argument" if key in given else "an unexpected keyword argument"
                raise TypeError(f"{name}() got {problem} {key!r}; it takes {', '.join(fields) or 'none'}")
            given[key] = value
        for key, field in fields.items():
            value = given.get(key, field.default)
            if value is _REQUIRED:
                raise TypeError(f"{name}() is missing the argument {key!r}")
            if value is not None:
                self[field.name] = field.encode(value) if field.encode else value
