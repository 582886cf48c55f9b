"""Each fault does what its picture shows, and each has one."""

import re

import pytest

from amisim import faults
from amisim.action import read_action
from amisim.faults import FaultPlan, Line

GREETING = faults.PICTURED["hello"]


def data(picture: str) -> bytes:
    """The bytes that a part of a picture stands for."""
    if picture in faults.PICTURED:
        return faults.PICTURED[picture]
    if set(picture) <= set("ABCD"):
        return b"".join(faults.PICTURED[letter] for letter in picture)
    text = picture.replace("⏎", "\r\n").replace("␊", "\n")
    return re.sub(rb"\\x(..)", lambda match: bytes.fromhex(match[1].decode()), text.encode())


def played(picture: str) -> list[tuple[float, bytes | str]]:
    """What a picture shows: times, and the writes and ends of the connection."""
    at, shown = 0.0, []
    for part in picture.split(" | "):
        if part.startswith("+"):
            at += float(part.strip("+s"))
        else:
            end = {"FIN": "eof", "RST": "reset", "half FIN": "half"}.get(part)
            shown.append((round(at, 6), end or data(part)))
    return shown


class Client:
    """Notes what comes out of a line, and when."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.seen: list[tuple[float, bytes | str]] = []

    def advance(self, until: float) -> None:
        """Let time pass, deadline by deadline."""
        while (due := self.line.next_deadline()) is not None and due <= until:
            self.line.handle_timer(due)
            self.look(due)

    def look(self, now: float) -> None:
        self.seen += [(round(now, 6), chunk) for chunk in self.line.take_chunks()]
        if self.line.closing is not None and (not self.seen or not isinstance(self.seen[-1][1], str)):
            self.seen.append((round(now, 6), self.line.closing.how))


def play(line: Line, picture: str) -> list[tuple[float, bytes | str]]:
    """What a client gets when a server does what a picture shows."""
    client, now = Client(line), 0.0
    for part in picture.split(" | "):
        if part.startswith("+"):
            now += float(part.strip("+s"))
            client.advance(now)
        elif part.startswith(">"):
            _, name, action_id = part.split()
            line.receive(read_action(f"Action: {name}\r\nActionID: {action_id}\r\n\r\n".encode()), now)
        else:
            line.send(data(part), now)
        client.look(now)
    client.advance(3600)
    return client.seen


def outcome(fault: str, picture: str, seed: int = 0) -> list[tuple[float, bytes | str]]:
    """The same, after the greeting, for a fault."""
    line = FaultPlan([fault], seed).connect(1, 0)
    if not picture.startswith("hello"):
        picture = f"hello | {picture}"
        (_, greeting), *seen = play(line, picture)
        assert greeting == GREETING
        return seen
    return play(line, picture)


@pytest.mark.parametrize("name", faults.KINDS)
def test_a_fault_does_what_its_picture_shows(name, monkeypatch):
    monkeypatch.setattr(Line, "_chance", lambda line: 0.5)
    kind = faults.KINDS[name]
    assert outcome(kind.example, kind.before) == played(kind.after)
    actions_aside = " | ".join(part for part in kind.before.split(" | ") if not part.startswith(">"))
    assert kind.after != actions_aside, "the picture shows no fault"


@pytest.mark.parametrize("name", faults.KINDS)
def test_a_fault_is_described_by_a_sentence_and_shown_by_its_own_example(name):
    kind = faults.KINDS[name]
    assert re.fullmatch(r"[A-Z].*\.", kind.description)
    assert kind.example.split()[0] == name
    assert getattr(faults, name) is kind
    assert name in faults.__all__
    assert str(kind()) == str(faults.parse(name))
