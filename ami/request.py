"""How an action is declared, and how it goes on the wire.

An action, whose fields are its constructor's parameters, in order, and its headers:

    class QueueRemove(Action):
        '''Take an interface out of a queue.'''
        interface: str
        queue: str

Header names follow from field names (`state_interface` is `StateInterface`) unless `param("Name")` gives them.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, dataclass_transform, overload

from ami import wire
from ami.catalogue import Aggregate, Event
from ami.headers import camel
from ami.message import KEY_ACTION, KEY_ACTIONID, KEY_RESPONSE, SUCCESSES, Message

__all__ = ["MAX_ACTION_ID", "Action", "Request", "param", "yes_no"]

MAX_ACTION_ID = 67
"""The longest ActionID, in bytes, that every handler of Asterisk gives back whole (seen on 16.28 and 22.10)."""


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
    """The list that answers, where it is declared as an aggregate: its members and its end are the request's."""

    _unique: ClassVar[tuple[type[Event], ...]] = ()
    _list: ClassVar[tuple[type[Event], ...]] = ()
    _finalisers: ClassVar[tuple[type[Event], ...]] = ()

    _count_header: ClassVar[str] = "ListItems"
    """The header of a list's end that counts its items; empty where Asterisk is known to count wrongly."""

    _shared_headers: ClassVar[tuple[str, ...]] = ()
    """What a finaliser that carries no ActionID has in common with its request."""

    _items_without_id: ClassVar[bool] = False
    """Whether Asterisk leaves the ActionID out of the items of the list: then the list that is open has them."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self[KEY_ACTION] = action

    def build_request(self, action_id: str | None, id_generator: Callable[[], str], **kwargs: Any) -> tuple[str, str]:
        """The text that goes on the wire, and its ActionID.

        `kwargs` are further headers. The ActionID is the argument, else the item `ActionID`, else a new one.
        Raises `ValueError` where a header has CR or LF in it, or the message or its ActionID is larger than Asterisk
        takes.
        """
        headers: list[tuple[str, str]] = []
        for key, value in ({**self, **kwargs} if kwargs else self).items():
            if not isinstance(key, str):
                raise TypeError(f"the key of a header is text, not {key!r}")
            if len(key) == 8 and key.lower() == "actionid":
                action_id = value if action_id is None else action_id
            elif type(value) is str:
                headers.append((key, value))
            else:
                headers += [(key, text) for text in _texts(value)]
        action_id = id_generator() if action_id is None else str(action_id)
        headers.append((KEY_ACTIONID, action_id))
        text = wire.encode_message(headers)
        _check_action_id(action_id)
        return text, action_id

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
        members = self._list or tuple(each for kind in self._aggregates for each in kind._aggregation_members)
        last = self._finalisers or tuple(each for kind in self._aggregates for each in kind._aggregation_finalisers)
        return self._unique, members, last

    def is_ended_by(self, event: Event) -> bool:
        """Whether an event without ActionID is the end of what this request started.

        Here: a finaliser with the same value in each of `_shared_headers` that the request has.
        """
        return isinstance(event, self._finalisers) and all(
            event.get(header) == str(self[header]) for header in self._shared_headers if header in self
        )

    def __repr__(self) -> str:
        from ami.secrets import without_secrets  # here, as it is slow to load

        return f"<{type(self).__name__} {dict(without_secrets(self.items()))}>"


def _check_action_id(action_id: str) -> None:
    if not action_id or action_id != action_id.strip():
        raise ValueError(
            f"the ActionID {action_id!r} is empty, or has blanks at an end: Asterisk would not give it back"
        )
    if len(action_id) > MAX_ACTION_ID or (not action_id.isascii() and len(wire.encode(action_id)) > MAX_ACTION_ID):
        raise ValueError(
            f"the ActionID {action_id!r} has more than the {MAX_ACTION_ID} bytes that Asterisk gives back whole"
        )


def _texts(value: Any) -> list[str]:
    """The values that one item of a request puts on the wire."""
    if isinstance(value, str):
        return [value]
    if value is None:
        return []
    if isinstance(value, (tuple, list, set, frozenset)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [str(value)]


def yes_no(value: bool | str) -> str:
    """A bool as `yes` or `no`; text as it is."""
    return value if isinstance(value, str) else "yes" if value else "no"


# Declared actions


class _Required:
    """The mark of a parameter without a default."""


_REQUIRED = _Required()


class _Param:
    """How a field of an action becomes a header; as an attribute of the action, its value."""

    __slots__ = ("attribute", "default", "encode", "name")

    def __init__(self, name: str, default: Any, encode: Callable[[Any], Any] | None) -> None:
        self.name, self.default, self.encode, self.attribute = name, default, encode, ""

    @overload
    def __get__(self, action: None, owner: type) -> Self: ...
    @overload
    def __get__(self, action: Request, owner: type) -> Any: ...
    def __get__(self, action: Request | None, owner: type) -> Any:
        if action is None:
            return self
        item = action.get(self.name)
        value, encoded = vars(action).get(self.attribute, (None, None))
        return value if item is not None and item == encoded else item

    def __set__(self, action: Request, value: Any) -> None:
        action.pop(self.name, None)
        vars(action).pop(self.attribute, None)
        if value is None or (value == "" and self.default is None):
            return
        encoded = action[self.name] = self.encode(value) if self.encode else value
        if self.encode:
            vars(action)[self.attribute] = value, encoded


def param(name: str = "", *, default: Any = _REQUIRED, encode: Callable[[Any], Any] | None = None) -> Any:
    """A field of an action whose header name, or the form of its value, does not follow from the annotation."""
    return _Param(name, default, encode)


class _Signature:
    """The constructor's signature, for `help()` and editors; made when asked for, as `inspect` is slow to load."""

    def __get__(self, action: object, owner: "type[Action]") -> Any:
        import inspect

        if "__init__" in vars(owner):
            parameters = list(inspect.signature(owner.__init__).parameters.values())[1:]
            return inspect.Signature(parameters)
        types = {name: kind for base in reversed(owner.__mro__) for name, kind in _annotations(base).items()}
        return inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                    default=inspect.Parameter.empty if field.default is _REQUIRED else field.default,
                    annotation=types.get(name, inspect.Parameter.empty),
                )
                for name, field in owner._fields.items()
            ]
        )


def _annotations(cls: type) -> Mapping[str, Any]:
    """What a class itself annotates."""
    return cls.__annotations__ if isinstance(cls, type) and issubclass(cls, Action) else {}


@dataclass_transform(field_specifiers=(param,))
class Action(Request):
    """The base of declared actions: annotated fields are the constructor's parameters, the headers, and attributes.

    A field without a value is required; one that is None is left out, and so is empty text where the default is None.
    `_list` and `_finalisers` declare the events of the list that answers, and so an aggregate, too, which has the
    action's name and `_Aggregate`.
    """

    _fields: ClassVar[Mapping[str, _Param]] = {}
    _action: ClassVar[str] = ""
    __signature__ = _Signature()

    def __init_subclass__(cls, *, action: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._action = action or cls.__name__
        fields = dict(cls._fields)
        for name, annotation in cls.__annotations__.items():
            if name.startswith("_") or "ClassVar" in str(annotation):
                continue
            if name in _RESERVED:
                raise TypeError(
                    f"{name!r} is an attribute of every action: give it a value without an annotation, "
                    "or name the field otherwise and its header with param()"
                )
            given = vars(cls).get(name, _REQUIRED)
            field = given if isinstance(given, _Param) else _Param("", given, None)
            field.name = field.name or camel(name)
            field.attribute = name
            fields[name] = field
            setattr(cls, name, field)
        cls._fields = fields
        if "_list" in vars(cls) and not cls._aggregates:
            cls._aggregates = (_aggregate(cls),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(self._action)
        fields, name = self._fields, type(self).__name__
        if not (fields or args or kwargs):
            return
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
            field.__set__(self, value)


_RESERVED = frozenset(dir(Action))


def _aggregate(action: type[Action]) -> type[Aggregate]:
    """The aggregate of an action that declares its list by the events alone."""
    return type(
        f"{action.__name__}_Aggregate",
        (Aggregate,),
        {
            "__module__": action.__module__,
            "__doc__": f"The answer to `{action.__name__}`.",
            "_aggregation_members": action._list,
            "_aggregation_finalisers": action._finalisers,
            "_count_header": action._count_header,
        },
    )
