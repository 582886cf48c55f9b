"""What all clients do with all faults, as a page of Markdown."""

import platform
from collections.abc import Sequence
from importlib.metadata import version

from amisim import faults
from suite.story import STEP, STORIES, TIMEOUT
from suite.story.phrases import glossary
from suite.story.run import Phrases

_LAYERS = {
    "transport": "Transport",
    "framing": "Framing",
    "meaning": "Meaning",
    "clocks": "Clock",
}

_INTRODUCTION = """\
# Clients and faults

What `ami` and three other clients do with each of the [faults](faults.md) that `amisim` knows. Made by

    pip install -e '.[sim]' -r benchmarks/requirements.txt
    {command}

with {python}. {versions}.

Each client, in a process of its own, lives through one little story: it connects and logs in; sends a Ping; sends a
QueueStatus, which a list of three members answers; gets three Hangups by a callback; sends a second Ping on the same
connection; closes. The server is `amisim.Server` with one fault, whose text stands in the table. The first Ping has a
header `Story: first`, by which a fault finds it.

What a client offers for bad days is on: `ami.connect` reconnects and has a keepalive; pystrix has its monitor,
asterisk-ami its `AutoReconnect`; panoramisk reconnects by itself. Time-outs are {timeout} s where a client has them.
panoramisk has none for actions, and asterisk-ami none for lists, which a program has to gather from the events itself,
up to `QueueStatusComplete`: such a program needs a time-out of its own, and here it has none. A step that has not come
back after {step} s hangs. The last Ping is tried again for as long, so that a client may reconnect.

## How to read the phrases

A cell begins with the first step that is not as it would be without the fault, by what the caller, its callbacks and
the server saw; logs do not count. After a semicolon stands what came of the rest: `then …` is a later step,
`next Ping: …` the last one. *Right* is what the caller gets, not what a client finds out: who takes three members for
three, though the end of the list says four, is right. Where a client says nothing, it is not said that it could have
known: an event that is dropped leaves no trace. Phrases tell no times, and two runs give the same ones.

| phrase | what it means |
|---|---|
"""


def page(phrases: Phrases, clients: Sequence[str], command: str) -> str:
    """The whole page."""
    introduction = _INTRODUCTION.format(
        command=command,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        versions=", ".join(map(_version, clients)),
        timeout=TIMEOUT,
        step=STEP,
    )
    rows = "".join(f"| {text} | {meaning} |\n" for text, meaning in glossary().items())
    return "\n".join([introduction + rows, *(_layer(name, phrases, clients) for name in _LAYERS)])


def _version(client: str) -> str:
    return "`ami` is this checkout" if client == "ami" else f"{client} is {version(client)}"


def _layer(name: str, phrases: Phrases, clients: Sequence[str]) -> str:
    heads = ["fault", *(f"**{client}**" if client == "ami" else client for client in clients)]
    lines = [f"## {_LAYERS[name]}\n", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for kind in faults.KINDS.values():
        if kind.layer == name and (kind.name, clients[0]) in phrases:
            cells = [f"`{STORIES[kind.name].fault}`", *(phrases[kind.name, client] for client in clients)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
