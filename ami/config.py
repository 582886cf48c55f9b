"""Asterisk's configuration files: read and changed where the server has them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ami.message import Message
from ami.request import Action, Request

__all__ = ["Configuration", "CreateConfig", "GetConfig", "GetConfigJSON", "ListCategories", "UpdateConfig"]


class Configuration(Message):
    """What `GetConfig` brings.

    The headers are `Category-000000`, its lines `Line-000000-000000`, and, where a section is or has a template,
    `IsTemplate-000000` and `Templates-000000`.
    """

    def get_lines(self) -> Iterator[str]:
        """The lines of all sections, in order, each as `name=value`."""
        return (self[key] for key in sorted(self.keys()) if key.startswith("Line-"))


class GetConfig(Action):
    """Read a file, or one section of it; `get_lines()` of the result gives the lines.

    `filter` picks sections by the values in them: `name=regular expression`, several joined by commas.
    """

    filename: str
    category: str | None = None
    filter: str | None = None

    def process_response(self, response: Message) -> Message:
        """Give the response its `get_lines()`."""
        response = super().process_response(response)
        response.__class__ = Configuration
        return response


class GetConfigJSON(Action):
    """Read a file, or sections of it, as one line of JSON, `JSON` of the result; names may be in it more than once."""

    filename: str
    category: str | None = None
    filter: str | None = None


class ListCategories(Action):
    """List the sections of a file, as `Category-000000` and so on of the result."""

    filename: str


class CreateConfig(Action):
    """Make an empty file."""

    filename: str


class UpdateConfig(Action):
    """Read a file, make changes in it, and write it, to another file or to the same.

    A change is a sequence of: what to do (`NewCat`, `RenameCat`, `DelCat`, `EmptyCat`, `Update`, `Delete`, `Append` or
    `Insert`), the section, and, each None where there is none, the variable, its value, a value that
    it must have now, the number of a line, and the options of a new section. `reload` is whether what uses the file
    reads it again, or the name of one module that shall.
    """

    src_filename: str
    dst_filename: str
    reload: bool | str
    preserve_effective_context: bool | None

    def __init__(
        self,
        src_filename: str,
        dst_filename: str,
        changes: Iterable[Sequence[Any]],
        reload: bool | str = True,
        preserve_effective_context: bool | None = None,
    ) -> None:
        Request.__init__(self, "UpdateConfig")
        self.src_filename, self.dst_filename = src_filename, dst_filename
        self.reload = reload
        self.preserve_effective_context = preserve_effective_context
        for number, change in enumerate(changes):
            if not 2 <= len(change) <= len(_CHANGE):
                raise ValueError(f"a change has 2 to {len(_CHANGE)} parts, not {len(change)}: {change!r}")
            for name, value in zip(_CHANGE, change, strict=False):
                if value is not None:
                    self[f"{name}-{number:06}"] = value


_CHANGE = ("Action", "Cat", "Var", "Value", "Match", "Line", "Options")
"""The headers of a change in `UpdateConfig`."""
