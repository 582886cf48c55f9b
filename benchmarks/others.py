"""Defects of other clients, each with a world that shows it.

    pip install -e '.[sim]' -r benchmarks/requirements.txt
    python benchmarks/others.py

Looks for each in a hundred worlds, and prints a page of Markdown. Fails when one is not found, or `ami` has it. It
takes about five minutes. `--only pystrix` looks for those of one client.
"""

import argparse
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from suite.worlds.defects import DEFECTS, SEEDS, Defect, find, is_real, show

_CLIENTS = tuple(dict.fromkeys(each.client for each in DEFECTS))

_INTRODUCTION = """\
# Defects of other clients

What worlds of virtual time have shown of {clients}, which live in them unmodified. Made by

    pip install -e '.[sim]' -r benchmarks/requirements.txt
    {command}

with {python}. Each row is found anew by the program: it lives through a scenario in {seeds} worlds, with the
seeds from 0 on, and `ami` does so, too. *World* is the simplest in which it goes wrong that `amisim.explore` has found,
and *worlds* says in how many it does; where that is not all, it depends on which thread has its turn when. *TCP*
says whether one run with real threads, over TCP, at eight times the speed of reality, showed it too.

These are good programs, which others have given away, and many who use them never meet what is here. It is
what tests in a world find, and what may change when a program moves from one to the other, of which
[](migrating.md) says more; [](clients-and-faults.md) is what each does with each fault at its best settings. Here each
has its defaults, and actions have 5 s.

"""

_AGAIN = """

## One of them again

```py
import amisim
import pystrix
from pystrix.ami import core

with amisim.World(0, switches={}, faults=["bad_utf8 event Hangup"]) as world, world.patch("pystrix"):
    server = world.server()
    manager = pystrix.ami.Manager()
    manager.connect(server.host, server.port)
    manager.send_action(core.Login(server.username, server.secret))
    server.emit(amisim.event("Hangup", Privilege="call,all", Channel="PJSIP/100-00000001"))
    world.sleep(1)
    print(manager.send_action(core.Ping()))  # None: the thread that reads has ended
    manager.close()
```
"""


def _rows(client: str) -> Iterator[str]:
    yield f"## {client} {version(client)}\n"
    yield f"| what goes wrong | scenario | {client} | **ami** | world | worlds | TCP |"
    yield "|---|---|---|---|---|---:|---|"
    for defect in DEFECTS:
        if defect.client == client:
            yield _row(defect)
    yield ""


def _row(defect: Defect) -> str:
    print(f"{defect.client}: {defect.title}", file=sys.stderr, flush=True)
    said, of_ami = show(defect, defect.client), show(defect, "ami")
    if not said[defect.wrong] or set(of_ami) != {defect.ami}:
        raise RuntimeError(f"{defect.client}: {defect.title}: {said}, and ami: {of_ami}")
    count = f"{said[defect.wrong]} of {SEEDS}"
    tcp = "yes" if is_real(defect) else "not seen"
    cells = defect.title, f"`{_name(defect)}`", defect.wrong, defect.ami, f"`{find(defect)}`", count, tcp
    return f"| {' | '.join(cells)} |"


def _name(defect: Defect) -> str:
    return defect.scenario.__name__


def _scenarios() -> Iterator[str]:
    yield "## The scenarios\n"
    yield "| scenario | what a program does |"
    yield "|---|---|"
    for name, said in sorted({(_name(each), each.scenario.__doc__) for each in DEFECTS}):
        yield f"| `{name}` | {said} |"


def _page(clients: list[str], command: str) -> str:
    names = ", ".join(clients[:-1]) + f" and {clients[-1]}" if clients[1:] else clients[0]
    introduction = _INTRODUCTION.format(
        clients=names, command=command, seeds=SEEDS, last=SEEDS - 1,
        python=f"{platform.python_implementation()} {platform.python_version()}",
    )  # fmt: skip
    rows = [line for client in clients for line in _rows(client)]
    return introduction + "\n".join([*rows, *_scenarios()]) + _AGAIN


def main() -> None:
    """Look, and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=_CLIENTS, help="look for the defects of one client")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    arguments = parser.parse_args()
    command = " ".join(["python benchmarks/others.py", *sys.argv[1:]])
    text = _page([arguments.only] if arguments.only else list(_CLIENTS), command)
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
