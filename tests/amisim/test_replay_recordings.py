"""Every shipped recording, replayed: to a client that keeps time, and to one that only follows its actions."""

import contextlib
import re
import socket

import pytest

from amisim import Server, library, recording
from amisim.action import read_action
from amisim.replay import Replay
from amisim.script import Script
from amisim.server_session import Host, ServerSession

ACTION_ID = re.compile(rb"^(ActionID:[ \t]*)([^\r\n]+)", re.MULTILINE | re.IGNORECASE)


@pytest.fixture(params=library.names())
def name(request) -> str:
    return request.param


class Clients:
    """The clients of a recording, each with a session, at virtual times."""

    def __init__(self, replay: Replay) -> None:
        self.host = Host(
            users={},
            version="22",
            script=Script(),
            replay=replay,
            challenge=str,
            arrived=lambda *_: None,
            holds_back=bool,
            wall_clock=int,
        )
        self.sessions: dict[int, ServerSession] = {}
        self.received: list[tuple[int, str, float, bytes]] = []

    def do(self, at: float, connection: int, what: str, data: bytes) -> None:
        self.advance(at)
        if what == "open":
            self.sessions[connection] = ServerSession(self.host, connection, at)
        elif what == "eof":
            self.sessions[connection].receive_eof(at)
        else:
            self.sessions[connection].receive_data(data, at)
        self.take(connection, at)

    def advance(self, until: float) -> None:
        while True:
            deadlines = [(session.next_deadline(), number) for number, session in self.sessions.items()]
            due = [(at, number) for at, number in deadlines if at is not None and at <= until]
            if not due:
                return
            at, number = min(due)
            self.sessions[number].handle_timer(at)
            self.take(number, at)

    def take(self, connection: int, at: float) -> None:
        self.received += [(connection, "<", round(at, 6), chunk) for chunk in self.sessions[connection].take_chunks()]


def test_a_client_that_keeps_time_gets_every_byte_in_its_chunk_at_its_time(name):
    recorded = recording.load(library.find(name))
    replay = Replay(recorded, name, speed=1)
    chunks = recording.chunks(recorded.records)
    happenings = [(at, 1, number, "data", data) for number, direction, at, data in chunks if direction == ">"]
    for record in recorded.records:
        if record.kind == "open":
            happenings.append((record.at, 0, record.connection, "open", b""))
        elif record.direction == ">" and record.kind in ("eof", "error"):
            happenings.append((record.at, 2, record.connection, "eof", b""))
    clients = Clients(replay)
    for at, _, number, what, data in sorted(happenings):
        clients.do(at, number, what, data)
    clients.advance(1e9)
    assert replay.misses == []
    assert sorted(clients.received) == sorted(chunk for chunk in chunks if chunk[1] == "<")


def with_other_id(frame: bytes, new: bytes) -> bytes:
    """A client's frame with another ActionID in place of its own, where it has one that is plain to see."""
    return ACTION_ID.sub(rb"\g<1>" + new, frame) if len(ACTION_ID.findall(frame)) == 1 else frame


def without_ids(data: bytes) -> bytes:
    return ACTION_ID.sub(rb"\1*", data)


def receive(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


def test_a_client_with_action_ids_of_its_own_gets_the_recorded_answers(name):
    recorded = recording.load(library.find(name))
    following: dict[int | None, bytes] = {}
    unasked: dict[int, bytes] = {}
    for record in recorded.records:
        if record.kind == "data" and record.direction == "<":
            if record.cause:
                following[record.cause] = following.get(record.cause, b"") + record.data
            else:
                unasked[record.connection] = unasked.get(record.connection, b"") + record.data
    clients: dict[int, socket.socket] = {}
    with Server(recording=name, speed=0) as server:
        for record in recorded.records:
            if record.kind == "open":
                greeting = unasked.get(record.connection, b"")
                # A server that resets at once may do so before the client is told that it is connected.
                with contextlib.nullcontext() if greeting else contextlib.suppress(ConnectionResetError):
                    client = clients[record.connection] = socket.create_connection((server.host, server.port), 10)
                    assert receive(client, len(greeting)) == greeting
            elif record.direction == ">" and record.kind == "data" and record.cause:
                play(clients[record.connection], record, following.get(record.cause, b""))
        for client in clients.values():
            client.close()
        server.check()


def play(client: socket.socket, record: recording.Record, expected: bytes) -> None:
    """Send a recorded frame with another ActionID; what comes back is what was recorded, with that."""
    old, new = read_action(record.data).action_id.encode("utf-8", "surrogateescape"), b"play-%d" % (record.cause or 0)
    sent = with_other_id(record.data, new)
    echoes = len(re.findall(rb"^ActionID: " + re.escape(old) + rb"\r\n", expected, re.MULTILINE)) if old else 0
    if sent == record.data:
        new = old
    if not expected:  # the server said nothing then, perhaps because it had closed the connection
        with contextlib.suppress(ConnectionError):
            client.sendall(sent)
        return
    client.sendall(sent)
    answer = receive(client, len(expected) + echoes * (len(new) - len(old)))
    assert without_ids(answer) == without_ids(expected)
    assert not old or answer.count(b"\r\nActionID: " + new + b"\r\n") == echoes
