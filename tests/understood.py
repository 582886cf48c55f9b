"""Whether an event that a server sent is understood: its name, its headers, and what their types make of them."""

import re
from collections.abc import Iterator
from typing import Any

from ami.catalogue import Event
from ami.headers import Bool, Code, Header, Numbered, Part, Word, declared, headers_of

ON_EVERY_EVENT = {"Event", "ActionID", "EventList", *headers_of(Event)}

# Of these, the headers are whatever a program, or a test, made up.
WITH_FREE_HEADERS = {"UserEvent", "TestEvent"}

# Texts that stand for nothing, and are None.
NOTHING = {"", "0", "N/A", "(null)", "Unmonitored", "UNKNOWN"}

FALSE = {"Yes": "No", "yes": "no", "true": "false", "True": "False", "on": "off", "1": "0", "Received": "Sent"}


def undeclared(event: Event) -> set[str]:
    """The headers that its class does not have; `*` where it has no class at all."""
    if type(event) is Event:
        return {"*"}
    if event.name in WITH_FREE_HEADERS:
        return set()
    known = [re.compile(_pattern(name)) for name in headers_of(type(event))]
    return {
        header
        for header in event
        if header not in ON_EVERY_EVENT and not any(pattern.fullmatch(header) for pattern in known)
    }


def _pattern(name: str) -> str:
    """`#` stands for a number; before Asterisk 12, and in a few events since, it is `ChanVariable(channel)`."""
    pattern = re.escape(name).replace(r"\#", r"\d+")
    return pattern + (r"(\(.*\))?" if name == "ChanVariable" else "")


def of_another_type(event: Event) -> Iterator[tuple[str, str]]:
    """The attributes whose text is not what their declared type says, and these texts."""
    yield from _of_another_type(event, type(event), "")


def _of_another_type(source: Any, cls: type, path: str) -> Iterator[tuple[str, str]]:
    for attribute, header in declared(cls).items():
        if isinstance(header, Part):
            yield from _of_another_type(getattr(source, attribute), header.view, f"{path}{attribute}.")
        elif isinstance(header, Numbered):
            if None in getattr(source, attribute):
                yield f"{path}{attribute}", header.name
        elif isinstance(header, Header):
            text = source.get(header.name)
            if text is not None and text not in NOTHING and not _fits(header, text, getattr(source, attribute)):
                yield f"{path}{attribute}", text


def _fits(header: Header[Any], text: str, value: Any) -> bool:
    if isinstance(header, Bool):
        return text in (header.true, FALSE[header.true])
    if isinstance(header, Word):
        return isinstance(value, header.words)
    if isinstance(header, Code):
        return isinstance(value, header.meanings)
    return value is not None
