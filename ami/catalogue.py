"""How an event or an aggregate is declared, and where the declared ones are found.

An event, with a typed attribute for each header that is worth one:

    class QueueCallerJoin(Event):
        '''A caller entered a queue.'''
        queue = Text()
        position = Int()

A class names what it stands for on the wire: `QueueCallerJoin` is declared once, and from then on events of
that name arrive as objects of this class. `ami.headers` has the kinds of headers, `ami.request` has actions.
"""

from importlib import import_module
from typing import Any, ClassVar

from ami import wire
from ami.headers import Header, Int, Text, Timestamp, declared
from ami.message import KEY_EVENT, KEY_RESPONSE, Message, first_header, is_event

__all__ = [
    "KINDS",
    "Aggregate",
    "Event",
    "EventCollection",
    "ends_list",
    "event_class",
    "event_classes",
    "event_name",
    "parse",
    "parse_text",
]

# What declares events; loaded in turn until a name is found. Any thread may be the one that asks.
_FAMILIES = (
    "ami.core_events",
    "ami.bridges",
    "ami.states",
    "ami.app_confbridge_events",
    "ami.agents",
    "ami.cdr",
    "ami.system",
    "ami.pjsip",
    "ami.security",
    "ami.app_meetme_events",
    "ami.dahdi_events",
    "ami.iax",
    "ami.fax",
    "ami.aoc",
    "ami.skinny",
)
_loaded: set[str] = set()
_EVENTS: dict[str, "type[Event]"] = {}
KINDS: dict[str, "tuple[type[Event], str]"] = {}
"""Class and name for the first line of an event. At most `_MOST_NAMES`, for a server may make up names."""

_MOST_NAMES = 4096
_LONGEST_NAME = 200


def event_class(name: str) -> "type[Event]":
    """The class declared for events of that name on the wire; `Event` itself where there is none."""
    if name not in _EVENTS and len(_loaded) < len(_FAMILIES):
        for family in _FAMILIES:
            import_module(family)
            _loaded.add(family)
            if name in _EVENTS:
                break
    return _EVENTS.get(name, Event)


def event_classes() -> list["type[Event]"]:
    """The class of every event that is declared, by a program of its own, too."""
    event_class("")  # there is none of that name, so all families are loaded
    return list(_EVENTS.values())


def event_name(event: "type[Event] | type[Aggregate]") -> str:
    """The name that events, or aggregates, of a declared class carry.

    Raises `ValueError` for anything that is not one.
    """
    if isinstance(event, type) and issubclass(event, (Event, Aggregate)) and event.wire_name:
        return event.wire_name
    raise ValueError(
        f"{event!r} is not an event: give a name, a declared event or aggregate class, '' or None"
        " (not an action, which may have the same name, and several as several arguments)"
    )


def parse(frame: bytes) -> Message:
    """A frame as a message: an event of its declared class, or a plain `Message` for a response."""
    text = wire.decode(frame)
    if text.endswith(wire.EMPTY_LINE):
        return parse_text(text[: -len(wire.EMPTY_LINE)])
    return _kind_of_any(text)(frame)


def parse_text(text: str) -> Message:
    """The same, for the text of a frame without the empty line that ends it."""
    if text.startswith("Event: "):
        line = text.partition("\r\n")[0]
        kind, name = KINDS.get(line) or _remember_kind(line)
        return kind.from_text(text, KEY_EVENT, name)
    if text.startswith("Response: "):
        word = text[10:].partition("\r\n")[0].rstrip("\r\n")
        if word != "Follows":
            return Message.from_text(text, KEY_RESPONSE, word)
    return _kind_of_any(text)(wire.encode(text + wire.EMPTY_LINE))


def _remember_kind(line: str) -> "tuple[type[Event], str]":
    name = line.removeprefix("Event: ").rstrip("\r\n")
    found = event_class(name), name
    if len(KINDS) < _MOST_NAMES and len(line) < _LONGEST_NAME:
        KINDS[line] = found
    return found


def _kind_of_any(text: str) -> type[Message]:
    """The class of a message that may begin with anything."""
    key, name = first_header(text)
    if key == KEY_EVENT:
        return event_class(name)
    return event_class(Event(wire.encode(text)).name) if is_event(text) else Message


# Events


class Event(Message):
    """Something that Asterisk reports, or an item of a list it was asked for.

    A subclass declares the event of its own name; `class Odd(Event, name="Odd-Event")` gives another one, and
    `abstract=True` none. The headers declared here can be on every event.
    """

    privilege = Text()
    timestamp = Timestamp()
    sequence_number = Int()
    system_name = Text()
    file = Text()
    line = Int()
    func = Text()

    wire_name: ClassVar[str] = ""
    _headers: ClassVar[tuple[Header[Any], ...]] = ()

    def __init_subclass__(cls, *, name: str = "", abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        headers = declared(cls)
        for attribute in headers:
            if attribute in _RESERVED:
                raise TypeError(f"{attribute!r} is an attribute of every event; give the header another one")
        by_name = {each.name: each for each in headers.values() if isinstance(each, Header)}
        cls._headers = tuple(by_name.values())
        if abstract:
            cls.wire_name = ""
        else:
            cls.wire_name = name or cls.__name__
            if cls.__module__.startswith("ami."):
                _EVENTS.setdefault(cls.wire_name, cls)  # a program's own class stays, whichever is loaded first
            else:
                _EVENTS[cls.wire_name] = cls
            KINDS.clear()

    @property
    def name(self) -> str:
        """The value of `Event`, also where a program took it away."""
        return dict.get(self, KEY_EVENT) or self.wire_name or Message(self.frame).name

    def process(self) -> tuple[dict[str, Any], list[str]]:
        """A copy of the headers with the documented conversions made, and a copy of the payload lines."""
        headers: dict[str, Any] = dict(self)
        for header in self._headers:
            header.process_into(headers)
        return headers, list(self.data)


_RESERVED = frozenset(dir(Event)) - frozenset(declared(Event))


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
        self.size = 0  # how many events were taken in
        self._finalisers = frozenset(finaliser.wire_name for finaliser in finalisers)
        self._single = self._finalisers.union(each.wire_name for each in unique)
        self._classes = {each.wire_name: each for each in (*members, *unique, *finalisers)}
        for member in members:
            self._put(member, [])
        for single in (*unique, *finalisers):
            self._put(single, None)

    def _put(self, kind: type[Event], value: Any) -> None:
        self[kind] = self[kind.wire_name] = value

    def add(self, event: Event) -> bool:
        """Take an event in; return whether it is a finaliser. An event of another kind gets a list of its own."""
        self.size += 1
        name = event.name
        # The class may have been declared anew since: both generations find the event.
        keys = {name, self._classes.get(name, name), type(event) if type(event) is not Event else name}
        if name in self._single:
            self.update(dict.fromkeys(keys, event))
            return name in self._finalisers
        events = self.get(name, [])
        events.append(event)
        self.update(dict.fromkeys(keys, events))
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

    def evaluate_event(self, event: Event, action_id: str | None = None) -> bool | None:
        """Offer an event: True if it ended the list, False if it was taken in, None if it is no part of it.

        `action_id` is that of the list it belongs to, where the event itself does not say.
        """
        if (action_id or event.action_id) != self._action_id:
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

        A header that is missing or no number says nothing, and neither does a number below 0.
        """
        try:
            count = int(event.get(count_header) or "")
        except ValueError:
            return
        members = sum(len(self[member]) for member in self._aggregation_members)
        if count >= 0 and count != members:
            self._error = f"Expected {count} list-items; received {members}"
