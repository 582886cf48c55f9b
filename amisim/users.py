"""Who may do and see what: users, classes, and the masks that both are made of.

Facts (Asterisk 11 to 23, seen on 16.28 and 22.10): an action is allowed to who shares one class with it, and to
everybody if it has none; an event is for who has all of its classes. Of the names in a mask all but the last may be
cut short; unknown ones mean nothing.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from ami import wire
from amisim.filters import event_filter

__all__ = ["ALL", "CLASSES", "SOME", "User", "classes", "mask", "names", "needed", "users_from"]

ALL = 2**31 - 1

SOME = 2**31
"""The bit of who is to see any event at all: one without classes, then, too."""

CLASSES = {
    "system": 1,
    "call": 2,
    "log": 4,
    "verbose": 8,
    "command": 16,
    "agent": 32,
    "user": 64,
    "config": 128,
    "dtmf": 256,
    "reporting": 512,
    "cdr": 1024,
    "dialplan": 2048,
    "originate": 4096,
    "agi": 8192,
    "cc": 32768,
    "aoc": 65536,
    "test": 131072,
    "security": 262144,
    "message": 2**30,
    "all": ALL,
    "none": 0,
}
"""The bit of each class, in the order in which Asterisk writes their names."""

ALL_BUT_SECURITY = ",".join(name for name in CLASSES if name not in ("security", "all", "none"))

_TRUE = frozenset({"yes", "true", "y", "t", "on"})
_FALSE = frozenset({"no", "false", "n", "f", "off"})


class User(NamedTuple):
    """A user as `manager.conf` describes one; the classes are `read` and `write`, as text."""

    secret: str

    read: str = ALL_BUT_SECURITY
    """The classes of the events that the user sees: names, separated by commas.

    As in Asterisk's sample, `security` is not among them unless they say so; nobody who has it, or `all`, logs in
    without an event that says so.
    """

    write: str = "all"
    """The classes of the actions that the user may send."""

    filters: tuple[str, ...] = ()
    """Filters that the user's connections begin with, as `eventfilter` has them."""

    admitted: bool = True
    """Whether the address that the user comes from is one that is permitted."""

    multiple_logins: bool = True
    """Whether the user may be logged in more than once at a time."""


def users_from(users: Mapping[str, "str | User"]) -> dict[str, User]:
    """Users by name in lower case, from a mapping that may give nothing but a secret for some.

    Raises `ValueError` for a class that does not exist, for a filter that cannot be served, and for names that differ
    in case alone; `TypeError` for filters that are one text, or are none.
    """
    found = {name.lower(): User(user) if isinstance(user, str) else user for name, user in users.items()}
    if len(found) < len(users):
        raise ValueError(f"of the users {', '.join(users)} two are the same: case does not count in their names")
    for name, user in found.items():
        for each in (*user.read.split(","), *user.write.split(",")):
            if each and each not in CLASSES:
                raise ValueError(f"user {name}: {each!r} is no class; {', '.join(CLASSES)} are")
        if isinstance(user.filters, str):
            raise TypeError(f"user {name}: filters are a tuple of texts, such as ({user.filters!r},), not one text")
        for text in user.filters:
            if not isinstance(text, str):
                raise TypeError(f"user {name}: {text!r} is no filter: a text is one, such as '!Event: VarSet'")
            try:
                event_filter(text, "", modern=False)
            except ValueError as error:
                raise ValueError(f"user {name}: {text!r} is no filter: {error}") from None
    return found


def mask(text: str) -> int | None:
    """The bits of an event mask as a client writes it; None where it says nothing."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        number = min(int(text[:30]), 2**63 - 1) & 0xFFFFFFFF  # as a C program reads it, into 32 bits
        return number if number <= ALL else None  # that one is negative
    if text.lower() in _FALSE:
        return 0
    return ALL if text.lower() in _TRUE else classes(text)


@lru_cache(4)  # many sessions ask, one after the other
def needed(event: bytes) -> int:
    """The bits of the classes that who sees an event has, and `SOME`."""
    _, found, rest = event.partition(b"\r\nPrivilege: ")
    return SOME | (classes(wire.decode(rest.partition(b"\r\n")[0]).removesuffix(",all")) if found else 0)


@lru_cache(1024)
def classes(text: str) -> int:
    """The bits of class names that are separated by commas."""
    *cut_short, last = text.split(",")
    found = 0
    for name, bits in CLASSES.items():
        if name == last or any(name.startswith(each) for each in cut_short):
            found |= bits
    return found


def names(bits: int) -> str:
    """The classes as messages name them; all of a `Privilege` header ends with `all`."""
    found = [name for name, bit in CLASSES.items() if bit & bits == bit and bit and name != "all"]
    return ",".join([*found, "all"]) if bits else "<none>"
