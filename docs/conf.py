"""How the site is built: `sphinx-build -n -W docs build/docs`, or `tox -e docs`.

Docstrings are plain text: `code` between backticks, which becomes a link where it names something of this site, and
examples that are indented. What a class declares (the headers of an event, those of an action, the items of a list) is
written into its entry from the declaration itself.
"""

import ast
import builtins
import enum
import inspect
import re
import sys
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.roles import XRefRole

sys.path.insert(0, str(Path(__file__).parents[1]))

import ami
from ami import headers
from ami.catalogue import Aggregate, Event
from ami.message import Message
from ami.request import Action, _Param

project = "amikit"
author = "The amikit authors"
project_copyright = "The amikit authors"
version = release = ami.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["requirements.txt", "_build"]
default_role = "known"
highlight_language = "text"
html_theme = "furo"
html_title = f"amikit {release}"
html_copy_source = False

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_default_options = {"members": True, "undoc-members": True, "show-inheritance": True, "no-value": True}
autodoc_type_aliases: dict[str, str] = {}

# Where modules stand that a reader finds by name; what they take from one another is described once, at its home.
PUBLIC = sorted(path.stem for path in (Path(__file__).parent / "reference").glob("ami.*.rst"))

# Names of types that say enough by themselves, and of the library's insides.
nitpick_ignore_regex = [
    ("py:class", r"ami\.\w+\.[A-Z]"),
    ("py:class", r"Logger"),
    ("py:class", r"ami\.client\.(Connect)?Options"),
    ("py:class", r"ami\.(headers\.(Source|Part)|runtime\.Runtime|session\.ClientSession)"),
]

# What the drivers call of classes that are the reader's.
DRIVERS_USE = {
    "ami.client": {"after_fork"},
    "ami.manager": {"after_fork"},
    "ami.aio.manager": {"after_fork"},
    "ami.streams": {"put", "end", "forget", "names", "receive_response"},
    "ami.aio.streams": {"put", "end", "forget", "names", "receive_response"},
    "ami.connection": {"abandon", "forget"},
    "ami.message": {"from_frame"},
    "ami.originate": {"concerns", "receive", "receive_response", "hangup_request", "put", "lose"},
}

# Classes that are made by others than the reader.
GIVEN = {"EventStream", "Call", "CallProgress", "Connection", "EventCollection", "Configuration"}


@cache
def homes(module: ModuleType) -> dict[str, str]:
    """Of the names that a module takes from others: the module each is taken from, and its name there."""
    if not module.__file__:
        return {}
    found = {}
    for node in ast.walk(ast.parse(Path(module.__file__).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ami."):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def described_elsewhere(module: ModuleType) -> dict[str, str]:
    """Of the public names of a module, those that another page describes."""
    names = getattr(module, "__all__", ())
    found = {name: home for name, home in homes(module).items() if name in names}
    here = {name: f"ami.{name}" for name, home in found.items() if module is not ami and home in homes(ami).values()}
    return {name: home for name, home in (found | here).items() if home.rpartition(".")[0] in {*PUBLIC, "ami"}}


def constants(module: ModuleType) -> list[str]:
    """An entry for each plain value that a module has, and no text says more of."""
    documented = {name for _, name in ModuleAnalyzer.for_module(module.__name__).find_attr_docs()}
    others = described_elsewhere(module)
    lines: list[str] = []
    for name in () if module.__name__ in ("ami", "ami.ami") else getattr(module, "__all__", ()):
        value = getattr(module, name)
        if isinstance(value, (str, int)) and name not in documented and name not in others:
            lines += [f".. py:data:: {name}", f"   :value: {value!r}", ""]
    return lines


# Docstrings


def described(text: list[str]) -> list[str]:
    """A docstring as reStructuredText: its indented parts are examples, and stars are stars."""
    lines: list[str] = []
    in_example = False
    for index, line in enumerate(text):
        indented = line.startswith("    ")
        starts = indented and not in_example and index and not text[index - 1].strip()
        if starts:
            drawing = any(sign in line for sign in "├└│─") or "├" in "".join(text[index : index + 3])
            lines += [f".. code-block:: {'text' if drawing else 'python'}", ""]
        in_example = bool(starts) or (in_example and (indented or not line.strip()))
        lines.append(line if in_example else escaped(line))
    return lines


def escaped(line: str) -> str:
    """Text whose stars, bars and final underscores stand for themselves, outside of code."""
    parts = re.split(r"(`[^`]*`)", line)
    special = re.compile(r"(?<!\\)\*(?! )|(?<=\w)_(?!\w)|\|")
    parts[::2] = [special.sub(lambda match: "\\" + match[0], part) for part in parts[::2]]
    return "".join(parts)


def complete(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Turn a docstring into reStructuredText, and add what is known of a declared class."""
    lines[:] = described(lines)
    if what == "module":
        if (others := described_elsewhere(thing)) and thing.__name__ != "ami.ami":
            links = ", ".join(f":py:obj:`{key} <{home}>`" for key, home in sorted(others.items()))
            lines += ["", f"Also here, from other modules: {links}.", ""]
        lines += ["", *constants(thing)]
    elif isinstance(thing, type) and issubclass(thing, Event):
        lines += ["", *of_event(thing)]
    elif isinstance(thing, type) and issubclass(thing, headers.View) and thing is not headers.View:
        lines += ["", *fields(thing, ())]
    elif isinstance(thing, type) and issubclass(thing, Action) and thing is not Action:
        lines += ["", *of_action(thing)]
    elif isinstance(thing, type) and issubclass(thing, Aggregate) and thing is not Aggregate:
        lines += ["", f"Items: {named(thing._aggregation_members)}. End: {named(thing._aggregation_finalisers)}.", ""]
    elif isinstance(thing, type) and issubclass(thing, enum.Enum):
        lines += ["", *of_enum(thing)]


def named(classes: tuple[type, ...]) -> str:
    """Links to classes."""
    return ", ".join(f":py:class:`~{each.__module__}.{each.__qualname__}`" for each in classes)


def public_bases(cls: type) -> list[type]:
    """The bases of a class that a reader can look up; a private one stands for its own bases."""
    found: list[type] = []
    for base in cls.__bases__:
        private = base.__name__.startswith("_") or base.__module__ in ("ami.client", "asyncio.protocols", "typing")
        for each in public_bases(base) if private else [base]:
            if each is not object and each not in found:
                found.append(each)
    return found


def of_event(cls: type[Event]) -> list[str]:
    """The headers of an event that its public bases do not have."""
    inherited = [name for base in public_bases(cls) if issubclass(base, Event) for name in headers.declared(base)]
    own = vars(cls)
    note = [] if cls.wire_name in ("", cls.__name__) else [f"On the wire: `{cls.wire_name}`.", ""]
    return note + fields(cls, [name for name in inherited if name not in own])


def fields(cls: type, without: Any) -> list[str]:
    """An entry for each typed header."""
    lines: list[str] = []
    for attribute, header in headers.declared(cls).items():
        if attribute not in without:
            kind, words = kind_of(header)
            lines += [f".. py:attribute:: {attribute}", f"   :type: {kind}", "", f"   {words}", ""]
    return lines


def kind_of(header: Any) -> tuple[str, str]:
    """The type of a header's attribute, and where it comes from."""
    if isinstance(header, headers.Part):
        return f"{header.view.__module__}.{header.view.__name__}", f"The headers that begin with `{header.prefix}`."
    if isinstance(header, headers.Variables):
        return "dict[str, str]", f"The headers `{header.name}`."
    if isinstance(header, headers.Numbered):
        return f"list[{kind_of(header.item)[0]}]", f"The headers `{header.name}`, where # is a number."
    kind = {
        headers.Int: "int", headers.Float: "float", headers.Bool: "bool", headers.Duration: "int",
        headers.Timestamp: f"{datetime.__module__}.{datetime.__name__}", headers.Text: "str",
    }  # fmt: skip
    known = next((kind[base] for base in type(header).__mro__ if base in kind), "object")
    if isinstance(header, headers.Code):
        known = f"ami.enums.{header.meanings.__name__} | int"
    if isinstance(header, headers.Word):
        known = f"ami.enums.{header.words.__name__} | str"
    true = f"; true is `{header.true}`" if isinstance(header, headers.Bool) else ""
    seconds = ", in seconds" if isinstance(header, headers.Duration) else ""
    return f"{known} | None", f"Header `{header.name}`{seconds}{true}."


def of_action(cls: type[Action]) -> list[str]:
    """What an action sends, and what answers it."""
    fields_ = ", ".join(f"`{name}`" + f" (`{field.name}`)" * (field.name != headers.camel(name))
                        for name, field in cls._fields.items())  # fmt: skip
    lines = [f"Headers: {fields_}.", ""] if fields_ else []
    members = cls._list or tuple(each for kind in cls._aggregates for each in kind._aggregation_members)
    last = cls._finalisers or tuple(each for kind in cls._aggregates for each in kind._aggregation_finalisers)
    if members:
        name = ", ".join(f"`{kind.wire_name}`" for kind in cls._aggregates)
        lines += [f"Answered by a list of {named(members)}, ended by {named(last)}; the aggregate is {name}.", ""]
    elif last:
        lines += [f"A synchronous request ends with {named(last)}.", ""]
    return lines


def of_enum(cls: type[enum.Enum]) -> list[str]:
    """The members of an enumeration."""
    notes = documented_attributes(cls)
    lines = []
    for member in cls:
        lines += [f".. py:attribute:: {member.name}", f"   :value: {member.value!r}", ""]
        lines += [f"   {escaped(notes[member.name])}", ""] if member.name in notes else []
    return lines


def documented_attributes(cls: type) -> dict[str, str]:
    """The texts that stand below the attributes of a class."""
    (tree,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(cls))).body
    found, before = {}, ""
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and before:
            found[before] = " ".join(str(node.value.value).split())
        before = node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else ""
    return found


# Which members there are


def skip(app: Sphinx, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Leave out what another page describes, what is written into the entry of its class, and what `dict` has."""
    written = (headers.Header, headers.Numbered, headers.Variables, headers.Part, _Param, enum.Enum)
    if isinstance(thing, written) or name in ("wire_name", "Stream"):
        return True
    if what == "class" and name in DRIVERS_USE.get(getattr(thing, "__module__", ""), ()):
        return True
    if what == "class" and getattr(thing, "__qualname__", "").startswith(("_looking", "_changing", "dict.")):
        return True
    if what == "module":
        module = import_module(str(app.env.current_document.autodoc_module or "ami"))
        if name in described_elsewhere(module):
            return True
    return None


def signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, arguments: str | None, result: str | None
) -> tuple[str | None, str | None] | None:
    """Leave out how objects are made that a reader does not make, and names of the library's insides."""
    if isinstance(thing, type) and (issubclass(thing, (Message, Aggregate)) or thing.__name__ in GIVEN):
        return "", None
    if name == "ami.aio.connect":
        return arguments, None
    if arguments and " object" in arguments:
        return re.sub(r"<[\w.]+ object[^>]*>", "...", arguments), result
    return None


def settle(app: Sphinx, document: nodes.document) -> None:
    """Have built-in names mean what is built in, whatever headers are called."""
    for node in document.findall(pending_xref):
        if hasattr(builtins, node.get("reftarget", "")):
            node.attributes.pop("refspecific", None)


def bases(app: Sphinx, name: str, thing: type, options: Any, given: list[Any]) -> None:
    """Name the bases that a reader can look up."""
    given[:] = public_bases(thing) or [object]


# References


class Known(XRefRole):
    """Code, and a link where it names something of this site."""

    def __init__(self) -> None:
        super().__init__()
        self.refdomain, self.reftype = "py", "obj"

    def run(self) -> Any:
        """A reference that may lead nowhere."""
        if not re.fullmatch(r"[A-Za-z_][\w.]*", self.text):
            return [nodes.literal(self.rawtext, self.text)], []
        self.refdomain, self.reftype, self.classes = "py", "obj", ["xref", "py", "py-obj"]
        found, messages = self.create_xref_node()
        for node in found:
            if isinstance(node, pending_xref):
                node["py:module"] = self.env.ref_context.get("py:module")
                node["py:class"] = self.env.ref_context.get("py:class")
                node["known"] = True
        return found, messages


def find(app: Sphinx, env: Any, node: Any, content: Any) -> Any:
    """Resolve what is named by where it is written, not by where it is described."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    place = target.removeprefix("ami.ami._")
    candidates = [f"ami.{place.rpartition('.')[2]}"] if place.startswith("ami.") else []
    if place.startswith("ami."):
        module, _, name = place.rpartition(".")
        if module in sys.modules and (home := homes(sys.modules[module]).get(name)):
            candidates.insert(0, home)
    if node.get("known") and not place.startswith("ami"):
        candidates += [f"ami.{place}"]
    domain = env.get_domain("py")
    for candidate in candidates:
        if candidate in domain.objects:
            return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", candidate, node, content)
    if node.get("known") or target.partition(".")[0] in sys.stdlib_module_names:
        return content
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls."""
    app.add_role("known", Known())
    app.connect("autodoc-process-docstring", complete)
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-bases", bases)
    app.connect("doctree-read", settle)
    app.connect("missing-reference", find)
    return {"parallel_read_safe": True}


for family in PUBLIC:
    import_module(family)
