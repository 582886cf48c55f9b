"""The YAML of recordings: documents that are mappings of texts, each ended by a line `---`, read one by one.

Each document is YAML of its own, so one is read without those around it.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

try:
    import yaml
except ModuleNotFoundError:
    raise ModuleNotFoundError("amisim needs PyYAML and click: pip install 'amikit[sim]'", name="yaml") from None

from amisim.tree import Mistake, not_yaml

__all__ = ["BINARY", "KEY_HELP", "PLAIN", "Documents", "Entries", "Entry", "dump_mapping", "read_document"]

PLAIN = "\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
"""What YAML takes as it is, for a pattern; U+0085, U+2028, U+2029 and U+FEFF mean something of their own there."""

BINARY = "!!binary"
"""The tag of a text that stands for bytes, the only one that there is."""

KEY_HELP = "the key of a record looks like '0.152413 c1 > 1': seconds, connection, direction, cause"

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BLOCK = 65_536
_END = re.compile(rb"^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_CONFLICT = re.compile(rb"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
_NOT_PLAIN = re.compile(rf"[^\n{PLAIN}]")


class Entry(NamedTuple):
    """The value of one key of a document."""

    value: Any
    style: str
    tag: str
    line: int

    is_folded: bool = False
    """Whether it goes over several lines that YAML makes one."""


Entries = dict[str, Entry]


class Documents:
    """The documents of a stream: the line and the text of each, without its `---`.

    `read` gives at most so many of the next bytes, and none at the end. `rest` is then a text that no `---` ends, which
    is left out, and `truncated` its line; 0 if there is none. `start` is where in the stream the last text begins that
    was given; -1 where lines end with CR LF, so that texts are not what stands there.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.truncated = 0
        self.rest = b""
        self.start = -1
        self._read = read

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        line, rest = 0, b"\n"  # a line before the first, so that every '---' has one before it
        first = self._read(_BLOCK)
        block = first.removeprefix(codecs.BOM_UTF8)
        position, is_as_written = len(first) - len(block) - len(rest), True
        while block:
            rest += block
            if b"\r" in rest:
                rest, is_as_written = rest.replace(b"\r\n", b"\n"), False
            *texts, rest = rest.split(b"\n---\n")
            for text in texts:
                self.start = position if is_as_written else -1
                yield line, text + b"\n"
                line += text.count(b"\n") + 2
                position += len(text) + len(b"\n---\n")
            block = self._read(_BLOCK)
        self.start = -1  # the last one, if its mark is not followed by a line, is no matter
        end = 0
        for match in _END.finditer(rest.removesuffix(b"\r")):
            yield line + rest[:end].count(b"\n"), rest[end : match.start()]
            end = match.end()
        self.rest = rest[end:]
        if self.rest.strip():
            self.truncated = max(1, line + rest[:end].count(b"\n"))


def read_document(text: bytes, line: int) -> Iterator[tuple[int, Entries]]:
    """The line and the entries of the mapping in a text, if there is one; of several, when it has marks of its own.

    `line` is where the text begins. Raises `Mistake`.
    """
    _check(text, line)
    start = b"---\n" if line > 1 else b""  # before the first there may be directives
    before = line - start.count(b"\n")
    loader = _Loader(start + text + b"---\n")
    try:
        yield from _mappings(loader, before)
    except yaml.MarkedYAMLError as error:
        mistake = not_yaml(error, (start + text).decode())
        raise Mistake(before + mistake.line - 1, mistake.problem) from None
    finally:
        loader.dispose()


def _check(text: bytes, line: int) -> None:
    """Refuse what a text has that YAML would refuse in its own words, or would take for something else."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        problem = f"not UTF-8: the byte {text[error.start]:#04x}; bytes that are no text are written with {BINARY}"
        raise Mistake(line + text.count(b"\n", 0, error.start), problem) from None
    if odd := _NOT_PLAIN.search(decoded):
        problem = f"the character {odd[0]!a}, which YAML does not take as it is: it is written so in double quotes"
        raise Mistake(line + decoded.count("\n", 0, odd.start()), problem)
    if conflict := _CONFLICT.search(text):
        problem = f"{conflict[0].decode().strip()!r}: a conflict that git has left, of which one side is to stay"
        raise Mistake(line + text.count(b"\n", 0, conflict.start()), problem)


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
                raise Mistake(line, f"not a record; {KEY_HELP}")
            _tag_of(event, line)
            entries = _read_mapping(loader, before)


def _line(event: Any, before: int) -> int:
    """Where an event of the YAML parser begins."""
    line: int = event.start_mark.line
    return before + line


def _read_mapping(loader: Any, before: int) -> Entries:
    entries: Entries = {}
    while not isinstance(event := loader.get_event(), yaml.MappingEndEvent):
        line = _line(event, before)
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            raise Mistake(line, f"a key that is no text; {KEY_HELP}")
        if event.value in entries:
            raise Mistake(line, f"the key {event.value!r} again, in one record; a line '---' ends each record")
        entries[event.value] = _read_value(loader, loader.get_event(), before)
    return entries


def _read_value(loader: Any, event: Any, before: int) -> Entry:
    """A text, or, in the header, a list of texts."""
    line = _line(event, before)
    if isinstance(event, yaml.AliasEvent):
        raise Mistake(line, f"'*{event.anchor}': there are no aliases here; a text that begins with '*' has quotes")
    tag = _tag_of(event, line)
    if isinstance(event, yaml.ScalarEvent):
        style, end = event.style or "", cast(Any, event).end_mark.line
        is_folded = style == ">" or (style != "|" and line < before + end)
        return Entry(event.value, style, tag, line, is_folded)
    if not isinstance(event, yaml.SequenceStartEvent):
        raise Mistake(line, "expected a text here; a message is a block: ': |' and a line for each header")
    values = []
    while not isinstance(event := loader.get_event(), yaml.SequenceEndEvent):
        values.append(_read_value(loader, event, before).value)
    return Entry(values, "", "", line)


def _tag_of(event: Any, line: int) -> str:
    """The tag of a text that has one; no other may have one."""
    if event.tag is None:
        return ""
    tag = event.tag.replace("tag:yaml.org,2002:", "!!")
    if tag != BINARY or not isinstance(event, yaml.ScalarEvent):
        raise Mistake(line, f"the tag {tag!r}: there is none here but {BINARY}; a text that begins with '!' has quotes")
    return BINARY


def dump_mapping(mapping: dict[str, Any]) -> str:
    """A document with these entries, without a `---`."""
    text: str = yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False, width=1000)
    # What is no character of Unicode (half of a surrogate pair, which YAML cannot say) is not worth failing for.
    return re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", "\ufffd", text)
