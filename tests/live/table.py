"""What Asterisk answers to every action, as a table for docs/actions.md.

    python -m tests.live.table HOST:PORT HOST:PORT > docs/actions.md

Each address is that of a server as `conftest.py` describes it, with one user who may do everything.
"""

import os
import re
import sys
from pathlib import Path

import yaml

from . import everything
from .everything import Answer, Run

DATA = Path(__file__).parents[1] / "data"

HEAD = """\
# Actions

What a real Asterisk answered to every action that `ami` declares, from runs against
{versions}. Made by

    python -m tests.live.table HOST:PORT HOST:PORT > docs/actions.md

In a run, every action is sent at least once, with arguments that harm nothing: to channels, queues, conferences and
parked calls that the run makes, or with the name of something that is not there, `{nobody}`, which the server then
refuses. Of several answers the best comes first; texts in quotes are those of errors. The length of a list is that of
the longest answer, and says what was configured on that server. An event after a success is one that `synchronous`
waits for. *No such action* means that the module which has it is not loaded there, or is not part of that version.

| action | {columns} |
| --- | {rules} |
"""


def cell(run: Run, name: str) -> str:
    """What came of an action in one run: the best of it first."""
    unsent = f"not sent: {everything.NOT_SENT[name]}" if name in everything.NOT_SENT else ""
    if name not in run.served:
        return "; ".join(filter(None, ("no such action", unsent)))
    if unsent:
        return unsent
    if name in everything.WITHOUT_RESPONSE:
        return "no response, but lines of text, or nothing"
    answers = run.answers[name]
    taken = [answer for answer in answers if answer.response is not None and answer.response.success]
    refused = [f"“{answer}”" for answer in answers if answer not in taken]
    best = [str(max(taken, key=rank))] if taken else []
    ids = {answer.response.action_id for answer in taken if answer.response is not None}
    refused += [f"then “{orphan.get('Message')}”" for orphan in run.orphans if orphan.action_id in ids]
    return "; ".join(dict.fromkeys(best + refused)).replace("|", "\\|")


def rank(answer: Answer) -> tuple[bool, bool, int]:
    """Lists count more than other answers, and more the longer they are."""
    length = re.fullmatch(r"list of (\d+)", str(answer))
    return length is not None, str(answer) != "success", int(length[1]) if length else 0


def short(version: str) -> str:
    """A version without what its packager added: `22.10.1` for `22.10.1+dfsg…`."""
    found = re.match(r"[\d.]*\d", version)
    return found[0] if found else version


def table(runs: list[Run]) -> str:
    names = {name for run in runs for name in (*run.served, *run.answers)}
    for path in DATA.glob("catalogue-*.yaml"):
        names |= set(yaml.safe_load(path.read_text())["actions"])
    versions = [f"Asterisk {short(run.version)}" for run in runs]
    head = HEAD.format(
        versions=" and ".join(versions), nobody=everything.NOBODY, columns=" | ".join(versions),
        rules=" | ".join("---" for _ in runs),
    )  # fmt: skip
    rows = (f"| {name} | {' | '.join(cell(run, name) for run in runs)} |\n" for name in sorted(names, key=str.lower))
    return head + "".join(rows)


def main(addresses: list[str]) -> None:
    user = os.environ.get("AMI_LIVE_USERNAME", "admin"), os.environ.get("AMI_LIVE_SECRET", "s3cret")
    runs = []
    for each in addresses:
        host, _, port = each.rpartition(":")
        runs.append(everything.run((host.strip("[]"), int(port)), user))
    runs.sort(key=lambda run: [int(part) for part in short(run.version).split(".") if part.isdigit()])
    print(table(runs), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
