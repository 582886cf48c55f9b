"""The YAML of recordings: documents that are mappings of texts, each ended by a line `---`, read one by one.

Each document is YAML of its own, so one is read without those around it.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

try:
    import yaml
except ModuleNotFoundError:
    raise ModuleNotFoundError("amisim needs PyYAML and click: pip install 'amikit[sim]'", name="yaml") from None

__all__ = ["KEY_HELP", "DocumentError", "Documents", "Entries", "Entry", "dump_mapping", "read_document"]

KEY_HELP = "the key of a record looks like '0.152413 c1 > 1': seconds, connection, direction, cause"

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLOCK = 65_536
_END = re.compile(rb"^---(?:\n|\Z)", re.MULTILINE)


class DocumentError(Exception):
    """A document is not what it should be."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class Entry(NamedTuple):
    """The value of one key of a document."""

    value: Any
    style: str
    tag: str
    line: int


Entries = dict[str, Entry]


class Documents:
    """The documents of a stream: the line and the text of each, without its `---`.

    `read` gives at most so many of the next bytes, and none at the end. `truncated` is then the line of a text that no
    `---` ends, which is left out; 0 if there is none.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.truncated = 0
        self._read = read

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        line, rest = 0, b"\n"  # a line before the first, so that every '---' has one before it
        block = self._read(_BLOCK).removeprefix(codecs.BOM_UTF8)
        while block:
            rest += block
            if b"\r" in rest:
                rest = rest.replace(b"\r\n", b"\n")
            *texts, rest = rest.split(b"\n---\n")
            for text in texts:
                yield line, text + b"\n"
                line += text.count(b"\n") + 2
            block = self._read(_BLOCK)
        end = 0
        for match in _END.finditer(rest.removesuffix(b"\r")):
            yield line + rest[:end].count(b"\n"), rest[end : match.start()]
            end = match.end()
        if rest[end:].strip():
            self.truncated = max(1, line + rest[:end].count(b"\n"))


def read_document(text: bytes, line: int) -> Iterator[tuple[int, Entries]]:
    """The line and the entries of the mapping in a text, if there is one; of several, when it has marks of its own.

    `line` is where the text begins. Raises `DocumentError`.
    """
    start = b"---\n" if line > 1 else b""  # before the first there may be directives
    before = line - start.count(b"\n")
    loader = _Loader(start + text + b"---\n")
    try:
        yield from _mappings(loader, before)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = line if mark is None else before + mark.line
        raise DocumentError(where, f"not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        where = before + (start + text)[: error.position].count(b"\n")
        raise DocumentError(where, f"not YAML: {error.reason}") from None
    finally:
        loader.dispose()


def _mappings(loader: Any, before: int) -> Iterator[tuple[int, Entries]]:
    """First line and entries of each document that another follows."""
    line, entries = before, None
    while not loader.check_event(yaml.StreamEndEvent):
        event = loader.get_event()
        if isinstance(event, yaml.DocumentStartEvent) and entries is not None:
            yield line, entries
            entries = None
        elif hasattr(event, "tag") and getattr(event, "value", True):  # a document's content; empty at the end
            line = _line(event, before)
            if not isinstance(event, yaml.MappingStartEvent):
                raise DocumentError(line, f"not a record; {KEY_HELP}")
            entries = _read_mapping(loader, before)


def _line(event: Any, before: int) -> int:
    """Where an event of the YAML parser begins."""
    line: int = event.start_mark.line
    return before + line


def _read_mapping(loader: Any, before: int) -> Entries:
    entries: Entries = {}
    while not isinstance(event := loader.get_event(), yaml.MappingEndEvent):
        line = _line(event, before)
        if not isinstance(event, yaml.ScalarEvent):
            raise DocumentError(line, f"a key that is no text; {KEY_HELP}")
        if event.value in entries:
            raise DocumentError(line, f"the key {event.value!r} again, in one record; a line '---' ends each record")
        entries[event.value] = _read_value(loader, loader.get_event(), before)
    return entries


def _read_value(loader: Any, event: Any, before: int) -> Entry:
    """A text, or, in the header, a list of texts."""
    line = _line(event, before)
    if isinstance(event, yaml.ScalarEvent):
        return Entry(event.value, event.style or "", event.tag or "", line)
    if not isinstance(event, yaml.SequenceStartEvent):
        raise DocumentError(line, "expected a text here")
    values = []
    while not isinstance(event := loader.get_event(), yaml.SequenceEndEvent):
        values.append(_read_value(loader, event, before).value)
    return Entry(values, "", "", line)


def dump_mapping(mapping: dict[str, Any]) -> str:
    """A document with these entries, without a `---`."""
    text: str = yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False, width=1000)
    # What is no character of Unicode (half of a surrogate pair, which YAML cannot say) is not worth failing for.
    return re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", "\ufffd", text)
