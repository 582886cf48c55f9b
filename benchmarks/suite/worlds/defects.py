"""Defects of other clients: for each a scenario, what goes wrong in it, and the worlds in which it does."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import amisim
from amisim import event, list_complete, response, wait
from suite.story import SECRET, USERNAME
from suite.worlds.peers import Peer, Scenario, live, raises

SEEDS = 100
"""In how many worlds each is tried."""

_LIMIT = 600  # virtual seconds
_TEXT = "Ünlü"
_MEMBERS = ["Alice", "Bob Ünlü", "Carol"]


@dataclass(frozen=True)
class Defect:
    """What goes wrong with a client."""

    client: str
    title: str
    scenario: Scenario
    wrong: str
    """What the scenario says when it goes wrong."""
    ami: str
    """What it says of `ami`, in each world."""
    faults: tuple[str, ...] = ()


# Scenarios


async def quiet(peer: Peer, server: amisim.Server) -> str:
    """Log in; for 30 s nothing comes; then a Ping."""
    await peer.log_in()
    await peer.sleep(30)
    return await _ping(peer)


async def events_then_ping(peer: Peer, server: amisim.Server) -> str:
    """Log in; two events come; then a Ping."""
    await peer.log_in()
    server.emit(_hangup())
    server.emit(_hangup())
    await peer.sleep(1)
    return await _ping(peer)


async def header_of_event(peer: Peer, server: amisim.Server) -> str:
    """Log in; an event comes, with the header `Text: Ünlü`."""
    await peer.log_in()
    server.emit(_hangup())
    await peer.sleep(20)
    texts = [each.get("Text") for each in peer.events if each["Event"] == "Hangup"]
    return f"reads {texts[0]!r}" if texts else "gets no event"


async def ping(peer: Peer, server: amisim.Server) -> str:
    """Log in, and send a Ping."""
    await peer.log_in()
    return await _ping(peer)


async def list_of_members(peer: Peer, server: amisim.Server) -> str:
    """Log in, and ask for a list of three."""
    await peer.log_in()
    return await _members(peer)


async def list_in_callback(peer: Peer, server: amisim.Server) -> str:
    """Log in; in a callback, send a Ping, and ask for a list."""
    await peer.log_in()
    said = []

    async def ask() -> None:
        said.append(await _ping(peer))
        said.append(await _members(peer))

    peer.on_event(ask)
    server.emit(event("Go", Privilege="call,all"))
    await peer.sleep(15)
    return "; ".join(said)


async def close_in_callback(peer: Peer, server: amisim.Server) -> str:
    """Log in; close the client in a callback."""
    await peer.log_in()
    said = []

    async def close() -> None:
        try:
            await peer.close()
            said.append("closes")
        except Exception as error:
            said.append(raises(error))

    peer.on_event(close)
    server.emit(event("Go", Privilege="call,all"))
    await peer.sleep(15)
    return "; ".join(said)


async def callback_raises(peer: Peer, server: amisim.Server) -> str:
    """Log in; a callback raises; then a Ping."""
    await peer.log_in()

    async def fail() -> None:
        raise ValueError("a mistake in a callback")

    peer.on_event(fail)
    server.emit(event("Go", Privilege="call,all"))
    await peer.sleep(1)
    return await _ping(peer)


async def server_closes(peer: Peer, server: amisim.Server) -> str:
    """Log in; the server closes the connection in order; 2 s later, a Ping."""
    await peer.log_in()
    server.disconnect()
    await peer.sleep(2)
    left = [each.name for each in threading.enumerate() if each.name.endswith("message-reader") and each.is_alive()]
    return f"{await _ping(peer)}; {'its thread reads on' if left else 'its thread has ended'}"


async def closed_meanwhile(peer: Peer, server: amisim.Server) -> str:
    """Log in; two threads send Pings while a third disconnects."""
    await peer.log_in()
    said = []

    async def ask() -> None:
        for _ in range(3):
            said.append(await _ping(peer))

    for _ in range(2):
        peer.spawn(ask)
    await peer.disconnect()
    await peer.sleep(20)
    foreign = sorted({each for each in said if each.startswith("raises ") and "Manager" not in each})
    return "; ".join(foreign) or "answers, or raises an error of its own"


async def closed_while_reconnecting(peer: Peer, server: amisim.Server) -> str:
    """Log in; the link is reset; 1 s later, close the client."""
    await peer.log_in()
    server.disconnect("reset")
    await peer.sleep(1)
    await peer.close()
    await peer.sleep(20)
    count = sum(each.kind == "open" for each in server.transcript)
    return "connects again" if count > 1 else "stays closed"


async def originate(peer: Peer, server: amisim.Server) -> str:
    """Log in, and begin a call."""
    await peer.log_in()
    said = await _said(peer.ask("Originate", Channel="PJSIP/100", Context="default", Exten="200", Priority="1"))
    await peer.sleep(20)
    count = sum(each.name == "Originate" for each in server.actions)
    return f"calls {'twice' if count == 2 else 'once'}" if count in (1, 2) else f"{said}, {count} times"


async def unanswered(peer: Peer, server: amisim.Server) -> str:
    """Log in, and send 20 Pings that are not answered, on a link that is not quiet."""
    await peer.log_in()
    before = peer.kept()
    for _ in range(20):
        await peer.ask("Ping")
        server.emit(_hangup())  # so that the link is not quiet
    await peer.sleep(60)
    return f"remembers {peer.kept() - before} of 20"


async def log_in(peer: Peer, server: amisim.Server) -> str:
    """Log in."""
    answer = await _said(peer.log_in())
    return "logs in" if answer == "an answer" else answer


async def _ping(peer: Peer) -> str:
    return await _said(peer.ask("Ping"))


async def _said(asking: Any) -> str:
    try:
        answer = await asking
    except Exception as error:
        return raises(error)
    return "no answer" if answer is None else "an answer"


async def _members(peer: Peer) -> str:
    try:
        members = await peer.members()
    except Exception as error:
        return raises(error)
    if members is None:
        return "says that the list is not whole"
    return "the whole list" if members == _MEMBERS else f"takes {members} for the whole list"


def _hangup() -> Any:
    return event("Hangup", Privilege="call,all", Channel="PJSIP/100-00000001", Uniqueid="1.1", Cause=16, Text=_TEXT)


# What was found

DEFECTS = (
    Defect("pystrix", "a link on which nothing comes for 5 s is given up, and nobody is told; the next action raises",
           quiet, "raises ManagerError", "an answer"),
    Defect("pystrix", "an event with a byte that is not UTF-8 ends the thread that reads; nobody is told",
           events_then_ping, "no answer", "an answer", ("bad_utf8 event Hangup",)),
    Defect("pystrix", "an action whose link is lost is waited for until its time is out",
           ping, "no answer", "raises ManagerSocketError", ("reset response Ping",)),
    Defect("pystrix", "when the server closes, the thread that reads goes round and round, and the client says that it "
           "is connected",
           server_closes, "no answer; its thread reads on",
           "raises ManagerError; its thread has ended"),
    Defect("pystrix", "another thread disconnects between a look and a use: an `AttributeError`",
           closed_meanwhile, "raises AttributeError", "answers, or raises an error of its own"),
    Defect("pystrix", "a list that is asked for in a callback never comes together",
           list_in_callback, "an answer; says that the list is not whole", "an answer; the whole list"),
    Defect("pystrix", "closing in a callback raises, because the thread would wait for itself",
           close_in_callback, "raises RuntimeError", "closes"),
    Defect("panoramisk", "a letter whose bytes come in two pieces is dropped",
           header_of_event, "reads 'nl'", f"reads {_TEXT!r}", ("throttle event Hangup rate=10",)),
    Defect("panoramisk", "of a list whose first item comes before the response, this item is taken for the whole",
           list_of_members, "takes ['Alice'] for the whole list", "the whole list", ("events_first response",)),
    Defect("panoramisk", "a response that comes twice ends the list at once",
           list_of_members, "takes [] for the whole list", "the whole list", ("duplicate response QueueStatus",)),
    Defect("panoramisk", "an event that runs into the next is an error that ends the connection",
           events_then_ping, "no answer", "an answer", ("interleave event Hangup",)),
    Defect("panoramisk", "an action whose link is lost is sent again by itself: a call is made twice",
           originate, "calls twice", "calls once", ("reset response Originate nth=1",)),
    Defect("panoramisk", "a client that is closed while it waits to reconnect connects again",
           closed_while_reconnecting, "connects again", "stays closed"),
    Defect("panoramisk", "a link that is lost before the login is answered leaves who waits for that waiting",
           log_in, "no answer", "raises ManagerSocketError", ("reset response Login nth=1",)),
    Defect("panoramisk", "actions without an answer are remembered for ever",
           unanswered, "remembers 20 of 20", "remembers 0 of 20", ("drop response Ping",)),
    Defect("asterisk-ami", "when nothing comes for its time-out, the thread that reads ends; nothing is answered then",
           quiet, "no answer", "an answer"),
    Defect("asterisk-ami", "an action whose link is lost is waited for until its time is out",
           ping, "no answer", "raises ManagerSocketError", ("reset response Ping",)),
    Defect("asterisk-ami", "a server that is no Asterisk is an error in the thread that reads; a login gets no answer",
           log_in, "no answer", "raises ProtocolError", ("wrong_banner",)),
    Defect("asterisk-ami", "a listener that raises ends the thread that reads",
           callback_raises, "no answer", "an answer"),
    Defect("asterisk-ami", "an action in a listener gets no answer, because the thread that reads runs listeners",
           list_in_callback, "no answer; says that the list is not whole", "an answer; the whole list"),
    Defect("asterisk-ami", "actions without an answer are remembered for ever",
           unanswered, "remembers 20 of 20", "remembers 0 of 20", ("drop response Ping",)),
)  # fmt: skip
"""What is shown. What is said here is looked for in every run; what is not found is an error."""


def look(defect: Defect, client: str, world: amisim.World) -> str:
    """What a client does in a world, which has the faults."""
    server = world.server(username=USERNAME, secret=SECRET)
    members = [event("QueueMember", Queue="support", Name=name) for name in _MEMBERS]
    server.on("QueueStatus").reply(response(EventList="start"), *members, wait(0.1), list_complete())
    return live(client, world, server, defect.scenario)


def show(defect: Defect, client: str) -> Counter[str]:
    """What a client does, and in how many worlds."""
    said: Counter[str] = Counter()
    with silence():
        for seed in range(SEEDS):
            with amisim.World(seed, faults=defect.faults, limit=_LIMIT) as world:
                said[look(defect, client, world)] += 1
    return said


def is_real(defect: Defect) -> bool:
    """Whether it goes wrong over TCP as well, with real threads, in one run that is eight times as fast as reality."""
    with silence(), amisim.World(time="scaled=8", faults=defect.faults) as world:
        return look(defect, defect.client, world) == defect.wrong


def find(defect: Defect) -> str:
    """The simplest world that is found in which it goes wrong, as text. Raises `LookupError` if there is none."""

    def test(world: amisim.World) -> None:
        assert look(defect, defect.client, world) != defect.wrong

    try:
        with silence():
            amisim.explore(test, SEEDS, faults=defect.faults, limit=_LIMIT)
    except AssertionError as error:
        return error.__notes__[0].removeprefix("in ")
    raise LookupError(f"{defect.client}: {defect.title}: in none of {SEEDS} worlds")


@contextmanager
def silence() -> Iterator[None]:
    """What threads raise, and clients log, is not printed."""
    hook: Callable[[Any], Any] = threading.excepthook
    before = logging.root.manager.disable
    threading.excepthook = lambda args: None
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
        threading.excepthook = hook
