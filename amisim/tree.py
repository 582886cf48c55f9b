"""YAML as a tree of texts, lists and keys that know their lines.

Every scalar is the text that a person wrote: `01`, `on` and `1.50` stay what they are. There are no tags, so nothing
is made but texts. Aliases (`*name`) stand for what is anchored (`&name`) before them, and `<<: *name` for keys of it; a
file that is small and says much by them is refused.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

try:
    import yaml
except ModuleNotFoundError:
    raise ModuleNotFoundError("amisim needs PyYAML and click: pip install 'amikit[sim]'", name="yaml") from None

__all__ = ["Entry", "Mistake", "Node", "documents", "not_yaml"]

_MOST = 100_000
"""How many texts, lists and mappings a document may say, aliases written out."""

_DEEPEST = 40

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What no YAML parser takes; U+FEFF is taken by some."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mistake(Exception):
    """What is wrong in a line of a file."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line = line
        self.problem = problem


class Node(NamedTuple):
    """A text, a list, or keys with their values."""

    value: "str | list[Node] | dict[str, Entry]"
    line: int

    size: int = 1
    """How many nodes there are in it, itself and aliased ones included."""

    style: str = ""
    """How a text is written: `|`, `>`, or with its quotes."""


class Entry(NamedTuple):
    """What stands beside a key."""

    line: int
    """The line of the key."""

    node: Node

    merged: bool = False
    """Whether it is here by `<<`."""


def documents(data: bytes) -> Iterator[Node]:
    """The documents of a YAML file, one by one; empty ones are left out. Raises `Mistake`."""
    text = _decode(data)
    try:
        builder = _Builder(_Loader(text))
        while not isinstance(event := builder.next(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                node = builder.build(builder.next())
                if node.value or node.style:
                    yield node
    except yaml.MarkedYAMLError as error:
        raise not_yaml(error, text) from None
    except RecursionError:
        raise Mistake(1, _TOO_DEEP) from None


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Mistake(line, f"not UTF-8: the byte {data[error.start]:#04x}") from None
    wrong = _NOT_ALLOWED.search(text)
    if wrong is not None:
        line = text.count("\n", 0, wrong.start()) + 1
        raise Mistake(line, f"a character that YAML does not allow, {wrong[0]!r}: it is written so in double quotes")
    return text


class _Builder:
    """Builds nodes of the events of a YAML parser."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._anchors: dict[str, Node] = {}

    def next(self) -> Any:
        """The next event."""
        return self._loader.get_event()

    def build(self, event: Any, depth: int = 0) -> Node:
        """The node that begins with an event."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                problem = (
                    f"'*{event.anchor}' without '&{event.anchor}' before it; a text that begins with '*' needs quotes"
                )
                raise Mistake(line, problem)
            return self._anchors[event.anchor]._replace(line=line)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise Mistake(line, f"the tag {tag!r}: there are none here; a text that begins with '!' needs quotes")
        if depth > _DEEPEST:
            raise Mistake(line, _TOO_DEEP)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(event.value, line, style=event.style or "")
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(line, depth)
        else:
            node = self._keys(line, depth)
        if node.size > _MOST:
            raise Mistake(line, f"more than {_MOST} texts, aliases written out")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _list(self, line: int, depth: int) -> Node:
        nodes = []
        size = 1
        while not isinstance(event := self.next(), yaml.SequenceEndEvent):
            nodes.append(self.build(event, depth + 1))
            size += nodes[-1].size
        return Node(nodes, line, size)

    def _keys(self, line: int, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        size = 1
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            at = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
                raise Mistake(at, "a key that is no text; a text that begins with a sign of YAML has quotes")
            node = self.build(self.next(), depth + 1)
            size += node.size
            if event.value == "<<" and not event.style:
                if any(entry.merged for entry in entries.values()):
                    raise Mistake(at, "a second '<<': there is one to a mapping")
                _merge(entries, node, at)
            elif event.value in entries and not entries[event.value].merged:
                problem = f"the key {event.value!r} again: it is in line {entries[event.value].line}, too"
                raise Mistake(at, problem)
            else:
                entries[event.value] = Entry(at, node)
        return Node(entries, line, size)


def _merge(entries: dict[str, Entry], node: Node, line: int) -> None:
    """Take over the keys of another mapping; those that are there stay."""
    if not isinstance(node.value, dict):
        raise Mistake(line, "'<<' takes over the keys of what an alias stands for: '<<: *name'")
    for key, entry in node.value.items():
        entries.setdefault(key, entry._replace(merged=True))


_TOO_DEEP = f"nested more than {_DEEPEST} deep"


def not_yaml(error: Any, text: str) -> Mistake:
    """What is wrong in a text for which a YAML parser has this error."""
    mark, before = error.problem_mark, error.context_mark
    line = text.split("\n")[mark.line] if mark.line < text.count("\n") + 1 else ""
    problem = f"not YAML: {error.problem}"
    if str(error.context).startswith("while scanning a quoted scalar") and "unexpected" in error.problem:
        mark, problem = before, "a quote that is not closed"
    elif str(error.context).startswith("while scanning a simple key"):
        mark, problem = before, "a line that is no 'key: value'; a text that goes on stands further to the right"
    elif error.problem.startswith(("did not find expected key", "expected <block end>")):
        problem = "a line that begins in another column than those that it belongs to"
    elif "\t" in line[: len(line) - len(line.lstrip())] or line[mark.column :].startswith("\t"):
        problem = "a tab where YAML wants blanks"
    elif error.problem.startswith("mapping values are not allowed"):
        problem = "a second ': ' in a line; a text that has one needs quotes"
    elif "cannot start any token" in error.problem:
        problem = f"a text that begins with {line[mark.column : mark.column + 1]!r} needs quotes"
    return Mistake(mark.line + 1, problem)
