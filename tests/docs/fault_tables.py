"""The tables and pictures of docs/faults.md, from the faults themselves.

    python -m tests.docs.fault_tables

writes them into the page.
"""

import re
from pathlib import Path

from amisim import faults

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
LAYERS = {
    "transport": "Transport: when and in which pieces bytes come, and whether the connection lives",
    "framing": "Framing: bytes that are no message as Asterisk writes it",
    "meaning": "Meaning: messages, but not those, not then, or not for this one",
    "clocks": "Clock: what time it is at the server",
}


def selectors() -> str:
    rows = [
        f"| `{name}{' NAME' if name in faults.NAMED else ''}` | {meaning} |"
        for name, meaning in faults.SELECTORS.items()
    ]
    return "\n".join(["| selector | what it is |", "|---|---|", *rows])


def pictured() -> str:
    text = {name: data.decode().replace("\r\n", "⏎") for name, data in faults.PICTURED.items()}
    return "\n".join(["| name | frame |", "|---|---|", *(f"| `{name}` | `{frame}` |" for name, frame in text.items())])


def layer(name: str, title: str) -> str:
    kinds = [kind for kind in faults.KINDS.values() if kind.layer == name]
    rows = [f"| {_name(kind)} | `{_for(kind)}` | {kind.description} |" for kind in kinds]
    table = "\n".join(["| fault | for | what it does |", "|---|---|---|", *rows])
    pictures = "\n\n".join(f"{kind.example}\n    {kind.before}\n  → {kind.after}" for kind in kinds)
    return f"### {title}\n\n{table}\n\n```text\n{pictures}\n```"


def _name(kind: faults.FaultKind) -> str:
    return f"`{kind.name}`" + (f" `{kind.argument}={kind.default or 'NAME'}`" if kind.argument else "")


def _for(kind: faults.FaultKind) -> str:
    return f"{kind.selector} {kind.schedule}".strip()


def page(text: str) -> str:
    """The page, with tables and pictures as they should be."""
    parts = {
        "selectors": selectors(),
        "pictured": pictured(),
        "faults": "\n\n".join(layer(*each) for each in LAYERS.items()),
    }
    for name, part in parts.items():
        begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
        text = re.sub(f"{begin}.*?{end}", lambda _, new=f"{begin}\n{part}\n\n{end}": new, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
