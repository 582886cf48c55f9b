"""Whatever both sides say, whenever, in whatever pieces, and whatever goes wrong."""

import re
import weakref
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ami import core
from ami.catalogue import Aggregate, Event
from ami.errors import Error
from ami.message import Message
from ami.outcomes import Notice, Orphan, Output, StateChange
from ami.request import Request
from ami.session import ClientSession, PendingAction
from ami.wire import FrameReader
from amisim import strategies
from amisim.action import ActionReader
from amisim.host import Host
from amisim.script import Script
from amisim.server_session import ServerSession
from amisim.steps import render

from .joined import Joined, Link

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def in_chunks(streams: st.SearchStrategy[bytes]) -> st.SearchStrategy[tuple[bytes, list[bytes]]]:
    """A stream, and the same in chunks."""
    return streams.flatmap(lambda stream: st.tuples(st.just(stream), strategies.chunkings(stream)))


# A client that is told anything


def read_all(each: Output | Message) -> str:
    """All there is to see of something."""
    match each:
        case Message():
            attributes = {name: getattr(each, name) for name in dir(each) if not name.startswith("_")}
            assert "pairs" in attributes
            return f"{each.pairs} {each.frame!r} {each.process() if isinstance(each, Event) else each.raw}"
        case Orphan(response):
            return read_all(response)
        case Aggregate():
            return f"{each.name} {each.action_id} {each.valid} {each.error_message}"
        case StateChange() | Notice():
            return repr(each)


class Listener:
    """A client that is told bytes."""

    def __init__(self, *requests: Request) -> None:
        self.woken: list[str] = []
        self.now = 0.0
        self.session = ClientSession(id_prefix="c")
        self.session.receive_data(GREETING, 0)
        self.sent = [self._send(request, str(number)) for number, request in enumerate(requests, 1)]

    def _send(self, request: Request, action_id: str) -> PendingAction:
        return self.session.send_action(request, 0, lambda: self.woken.append(action_id), action_id)

    def hear(self, *chunks: bytes) -> list[str]:
        for chunk in chunks:
            self.session.receive_data(chunk, self.now)
        return [read_all(each) for each in self.session.take_outputs()]

    def result(self, pending: PendingAction) -> str:
        try:
            response = pending.result()
        except Error as error:
            return repr(error)
        return "time-out" if response is None else read_all(response.result)


REQUESTS = st.lists(strategies.actions(), max_size=2)


@given(in_chunks(strategies.garbage()), REQUESTS)
def test_any_stream_in_any_chunks_gives_a_client_the_same(stream, requests):
    whole, chunks = stream
    first, second = Listener(*requests), Listener(*requests)
    assert first.hear(whole) == second.hear(*chunks)
    assert [each.done for each in first.sent] == [each.done for each in second.sent]


@given(in_chunks(strategies.garbage()), REQUESTS)
def test_any_bytes_end_every_action_of_a_client_once(stream, requests):
    listener = Listener(*requests)
    listener.hear(*stream[1])
    while (due := listener.session.next_deadline()) is not None:
        assert due >= listener.now
        listener.now = due
        listener.session.handle_timer(due)
    listener.session.receive_eof(listener.now)
    assert isinstance(listener.session.closed, Error)
    assert sorted(listener.woken) == [each.action_id for each in listener.sent]
    assert all(listener.result(each) for each in listener.sent)


@given(in_chunks(strategies.garbage()))
def test_any_bytes_in_place_of_a_greeting_are_one_or_an_error(stream):
    session = ClientSession(id_prefix="c", greeting_deadline=5)
    for chunk in stream[1]:
        session.receive_data(chunk, 0)
    session.handle_timer(5)
    assert (session.greeting is None) == isinstance(session.closed, Error)


# A server that is told anything


def serve(script: Script | None = None, version: str = "22") -> ServerSession:
    host = Host(
        users={"admin": "s3cret"}, version=version, script=script or Script(), replay=None,
        challenge=lambda: "123456789", arrived=lambda number, action: None, holds_back=lambda: False,
        wall_clock=lambda: 1_700_000_000.5,
    )  # fmt: skip
    return ServerSession(host, 1, 0.0)


LOGIN = b"Action: Login\r\nUsername: admin\r\nSecret: s3cret\r\n\r\n"
FROM_A_CLIENT = strategies.garbage(strategies.action_frames() | st.just(LOGIN))


@given(in_chunks(FROM_A_CLIENT))
def test_any_stream_in_any_chunks_is_the_same_actions(stream):
    whole, chunks = stream
    reader = ActionReader()
    assert [action for chunk in chunks for action in reader.feed(chunk)] == ActionReader().feed(whole)


@given(in_chunks(strategies.garbage()))
def test_any_stream_in_any_chunks_is_the_same_frames(stream):
    whole, chunks = stream
    for from_server in (True, False):
        reader = FrameReader(from_server=from_server)
        assert [frame for chunk in chunks for frame in reader.feed(chunk)] == FrameReader(from_server=from_server).feed(
            whole
        )


@given(in_chunks(FROM_A_CLIENT), st.booleans())
def test_any_stream_in_any_chunks_is_answered_the_same_and_leaves_nothing(stream, log_in):
    said = []
    for chunks in ([stream[0]], stream[1]):
        session = serve()
        for chunk in [LOGIN] * log_in + chunks:
            session.receive_data(chunk, 0)
        for _ in range(1000):
            due = session.next_deadline()
            if due is None:
                break
            session.handle_timer(due)
        said.append((b"".join(session.take_chunks()), session.closing))
        assert session.next_deadline() is None
    assert said[0] == said[1]


# Clients, a server, and what goes wrong between them

LONG = 1_000_000.0
"""Longer, in seconds, than anything takes; a long answer whose every byte is late by 5 s takes more than 1,000."""

REPEATING = {"duplicate", "flood", "mixed_lists"}
REORDERING = {"late", "reorder", "events_first"}


def serials(link: Link) -> list[int]:
    """The numbers of the ticks that a client got; those that a fault made something else of are left out."""
    return [
        int(each["Serial"]) for each in link.events
        if each.name == "Tick" and re.fullmatch(r"\d{6}", each.get("Serial", ""))
    ]  # fmt: skip


def tick(serial: int) -> bytes:
    return render([("Event", "Tick"), ("Privilege", "user,all"), ("Serial", f"{serial:06}")]).data


def check(link: Link, plan: list[str]) -> None:
    """What holds at any time."""
    client = link.client
    assert link.woken == {each.action_id: 1 for each in link.sent if each.done}
    for each in link.sent:
        assert (client._open.get(each.action_id) is each) == (not each.done or bool(each.aggregates))
    assert client.closed is None or not any([client._open, client._sharing, client._deadlines])
    deadline = client.next_deadline()
    assert client.due <= (float("inf") if deadline is None else deadline)
    names = {fault.partition(" ")[0] for fault in plan}
    got = serials(link)
    if not names & REPEATING:
        assert len(set(got)) == len(got)
    if not names & REORDERING:
        told = list(dict.fromkeys(got)) if "coalesce" in names else got  # what came together comes again together
        assert told == sorted(told)
    made = [each.action_id for each in link.outputs if isinstance(each, Aggregate)]
    assert len(set(made)) == len(made)


def check_end(joined: Joined) -> None:
    """What holds when all has been said, and time has run out for all that waits."""
    assert joined.failures == []
    for link in joined.links.values():
        assert all(each.done for each in link.sent)
        assert link.woken == {each.action_id: 1 for each in link.sent}
        client, server = link.client, link.server
        assert not client._open
        assert not client._sharing
        assert client.next_deadline() is None
        assert not client._deadlines
        assert not client._unsent
        assert link.over == (client.closed is not None)
        if link.over:
            assert link.number not in joined.host.sessions
            assert link.number not in joined.host.unauthenticated
        else:
            assert not any([server._inbox, server._plays, server._pending, server._until_event])
            assert server._answering is None
            assert link.line.next_deadline() is None


def close_all(joined: Joined) -> None:
    """All links are lost, and nothing is kept of them."""
    for link in joined.links.values():
        link.lose()
        link.pump()
    check_end(joined)
    assert joined.host.sessions == {}
    assert joined.host.unauthenticated == set()


@given(strategies.sessions(), st.sampled_from([LONG, 0.0]))
def test_in_any_session_every_action_ends_once_and_nothing_is_left(session, patience):
    joined = Joined(session.version, answers=session.answers, faults=session.faults, seed=session.seed)
    for _ in session.clients:
        link = joined.connect()
        if link.client.closed is None:
            link.log_in()
    todo: list[tuple[float, Any]] = [(told.at, told.event) for told in session.events]
    for number, asked in enumerate(session.clients, 1):
        todo += [(at, (number, action)) for at, action in asked]
    for at, what in sorted(todo, key=lambda each: each[0]):
        joined.wait(at - joined.now)
        if isinstance(what, Event):
            joined.emit(what.frame)
        else:
            number, action = what
            link = joined.links[number]
            if link.client.closed is None:
                link.send(action)
    joined.wait(patience)
    for link in joined.links.values():
        check(link, [*session.faults])
    if patience:
        check_end(joined)
    close_all(joined)
    kept = [weakref.ref(pending) for link in joined.links.values() for pending in link.sent]
    for link in joined.links.values():
        link.sent.clear()
    assert [each() for each in kept if each() is not None] == []


ANSWERS = st.fixed_dictionaries(
    {"Ping": strategies.replies(), "QueueStatus": strategies.replies()},
    optional={"Hangup": strategies.replies(), "IAXpeers": strategies.replies()},
)


class Anything(RuleBasedStateMachine):
    """Clients and a server that do anything, over lines on which anything goes wrong."""

    @initialize(
        version=st.sampled_from(["22", "16", "11"]),
        answers=ANSWERS,
        plan=strategies.fault_plans(max_size=2),
        keepalive=st.none() | st.just((5.0, 2.0)),
    )
    def begin(self, version: str, answers: Any, plan: list[str], keepalive: Any) -> None:
        self.plan = plan
        self.joined = Joined(version, answers=answers, faults=plan)
        self.keepalive = keepalive
        self.serial = 0
        self.expected: dict[int, list[int]] = {}
        self.connect()

    @precondition(lambda self: len(self.joined.links) < 3)
    @rule()
    def connect(self) -> None:
        link = self.joined.connect(keepalive=self.keepalive)
        self.expected[link.number] = []
        if link.client.closed is None:
            link.log_in()

    def link(self, data: st.DataObject) -> Link:
        return data.draw(st.sampled_from(list(self.joined.links.values())))

    @rule(data=st.data(), actions=st.lists(strategies.actions(), min_size=1, max_size=4))
    def send(self, data: st.DataObject, actions: list[Request]) -> None:
        link = self.link(data)
        for action in actions:
            if link.client.closed is None:
                link.send(action)

    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        link = self.link(data)
        if link.sent:
            link.client.abandon_action(data.draw(st.sampled_from(link.sent)), self.joined.now)

    @rule(count=st.integers(1, 3))
    def emit(self, count: int) -> None:
        for serial in range(self.serial + 1, self.serial + count + 1):
            for number, link in self.joined.links.items():
                if link.server.logged_in and not link.over:
                    self.expected[number].append(serial)
            self.joined.emit(tick(serial))
        self.serial += count

    @rule(happened=strategies.catalogue_events(core.core_events.Hangup))
    def emit_another(self, happened: Event) -> None:
        self.joined.emit(happened.frame)

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.5, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.joined.wait(seconds)

    @rule(data=st.data(), size=st.sampled_from([1, 2, 7, float("inf")]), holds=st.booleans())
    def change_the_line(self, data: st.DataObject, size: float, holds: bool) -> None:
        link = self.link(data)
        link.size, link.holds = size, holds
        self.joined.pump()

    @rule(data=st.data(), to_client=st.integers(0, 100), to_server=st.integers(0, 100))
    def carry(self, data: st.DataObject, to_client: int, to_server: int) -> None:
        link = self.link(data)
        if not link.over:
            link.carry(to_client, to_server)
            self.joined.pump()

    @precondition(lambda self: self.serial > 2)
    @rule(data=st.data(), how=st.sampled_from(["lose", "eof", "disconnect"]))
    def end(self, data: st.DataObject, how: str) -> None:
        link = self.link(data)
        if how == "lose":
            link.lose()
        elif how == "eof":
            link.server.receive_eof(self.joined.now)
        else:
            link.line.close("eof", self.joined.now)
        self.joined.pump()

    @invariant()
    def all_that_always_holds(self) -> None:
        for link in self.joined.links.values():
            check(link, self.plan)

    @invariant()
    def without_faults_every_event_comes(self) -> None:
        if not self.plan:
            for number, link in self.joined.links.items():
                got = serials(link)
                assert got == self.expected[number][: len(got)]

    def teardown(self) -> None:
        if not hasattr(self, "joined"):
            return
        for link in self.joined.links.values():
            link.holds = False
        self.joined.wait(LONG if self.keepalive is None else 1000)
        for number, link in self.joined.links.items():
            if not self.plan and not link.over:
                assert serials(link) == self.expected[number]
            if self.keepalive is None or link.over:
                assert all(each.done for each in link.sent)
        if self.keepalive is None:
            check_end(self.joined)
        close_all(self.joined)


TestAnything = Anything.TestCase
TestAnything.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_what_comes_in_one_write_comes_again_together():
    machine = Anything()
    machine.begin(version="22", answers={}, plan=["coalesce event Tick", "duplicate event Tick"], keepalive=None)
    machine.emit(count=2)
    machine.all_that_always_holds()
    assert [serials(link) for link in machine.joined.links.values()] == [[1, 2, 1, 2]]
    machine.teardown()
