"""The database of Asterisk itself: values under keys, in families. Its command line calls it `database`."""

from ami.catalogue import Event
from ami.headers import Int, Text
from ami.request import Action, param

__all__ = [
    "DBDel",
    "DBDelTree",
    "DBGet",
    "DBGetComplete",
    "DBGetResponse",
    "DBGetTree",
    "DBGetTreeComplete",
    "DBGetTreeResponse",
    "DBPut",
]

# Events


class DBGetResponse(Event):
    """The value that `DBGet` asked for."""

    family = Text()
    key = Text()
    val = Text()


class DBGetComplete(Event):
    """The end of the answer to `DBGet`."""

    list_items = Int()


class DBGetTreeResponse(Event):
    """An item of the answer to `DBGetTree`: a value; `key` begins with its family, as `/family/key`."""

    key = Text()
    val = Text()


class DBGetTreeComplete(Event):
    """The end of the answer to `DBGetTree`; `list_items` is 1 in Asterisk 16, however many there are."""

    list_items = Int()


# Actions


class DBGet(Action):
    """Read a value of the database; it comes as the event `DBGetResponse`."""

    family: str
    key: str

    _list = (DBGetResponse,)
    _finalisers = (DBGetComplete,)


class DBGetTree(Action):
    """List the values of the database: all, those of a family, or those whose keys begin with `key/`."""

    family: str | None = None
    key: str | None = None

    _list = (DBGetTreeResponse,)
    _finalisers = (DBGetTreeComplete,)
    _count_header = ""


class DBPut(Action):
    """Write a value to the database."""

    family: str
    key: str
    value: str = param("Val")


class DBDel(Action):
    """Delete a value of the database."""

    family: str
    key: str


class DBDelTree(Action):
    """Delete the values of a family in the database, or those of them whose keys begin with `key/`."""

    family: str
    key: str | None = None
