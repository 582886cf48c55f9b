"""`amisim demo`: what amikit does, shown in a few seconds, without an Asterisk."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

import ami
from ami import core, core_events
from amisim.server import Server
from amisim.steps import response, wait

__all__ = ["run"]

RECORDING = "22/queue-call"
SPEED = 4

_STORY: dict[str, Callable[[ami.Event], str]] = {
    "QueueCallerJoin": lambda event: f"{event['CallerIDName']} waits in {event['Queue']}, at {event['Position']}",
    "AgentCalled": lambda event: f"the telephone of {event['MemberName']} rings",
    "AgentConnect": lambda event: f"{event['MemberName']} answers after {event['HoldTime']} s",
    "BridgeEnter": lambda event: f"{event['Channel']} is in the conversation",
    "AgentComplete": lambda event: f"the call ends after {event['TalkTime']} s of talk: {event['Reason']} hung up",
    "Hangup": lambda event: f"{event['Channel']} is gone: {event['Cause-txt']}",
}


def run(echo: Callable[[str], object]) -> None:
    """Run the demonstration; each line of it goes to `echo`."""
    started = time.monotonic()

    def say(text: str) -> None:
        echo(f"{time.monotonic() - started:6.2f} s  {text}")

    log = logging.getLogger(__name__)
    log.addHandler(logging.NullHandler())  # the time-out that follows is told below
    log.propagate = False
    with Server(recording=RECORDING, speed=SPEED) as server, ami.Manager(logger=log) as manager:
        say(f"a fake Asterisk listens on {server.host}:{server.port}; it replays {RECORDING}, {SPEED} times as fast")
        manager.connect(server.host, server.port)
        say(f"connected: {' '.join(manager.get_asterisk_info() or ())}")
        follower = _Follower(manager, say)
        manager.login(server.username, server.secret)
        say("logged in by MD5 challenge")
        request = core.QueueStatus("support")
        request.aggregate = True
        manager.send_action(request)
        follower.wait()
        late = _provoke_late_answer(server, manager, say)
        events, kinds = follower.events.total(), len(follower.events)
        say(f"summary: {events} events of {kinds} kinds, {len(server.actions)} actions, {late} late answer")


class _Follower:
    """Counts the events of a call, and tells those that make up its story."""

    def __init__(self, manager: ami.Manager, say: Callable[[str], None]) -> None:
        self.events: Counter[str] = Counter()
        self._say = say
        self._listed = threading.Event()
        self._over = threading.Event()
        manager.register_callback("", self._event)
        manager.register_callback(core_events.QueueStatus_Aggregate, self._queue)

    def wait(self) -> None:
        """Until the list has come and the call is over."""
        if not (self._listed.wait(10) and self._over.wait(10)):
            raise ami.ManagerError("the recorded call did not come to its end")

    def _event(self, event: ami.Event, manager: ami.Manager) -> None:
        self.events[event.name] += 1
        if event.name in _STORY:
            self._say(f"  {event.name:<16} {_STORY[event.name](event)}")
        if event.name == "AgentComplete":
            self._over.set()

    def _queue(self, queue: core_events.QueueStatus_Aggregate, manager: ami.Manager) -> None:
        members = ", ".join(member["Name"] for member in queue[core_events.QueueMember])
        waiting = len(queue[core_events.QueueEntry])
        self._say(f"  {queue.name} (one event for the list): members {members}; {waiting} waiting")
        self._listed.set()


def _provoke_late_answer(server: Server, manager: ami.Manager, say: Callable[[str], None]) -> int:
    """Have one answer come later than its time-out; return how many orphans that made."""
    orphans: list[ami.Message] = []
    arrived = threading.Event()

    def orphan(answer: ami.Message, manager: ami.Manager) -> None:
        orphans.append(answer)
        say(f"the answer came after all: an orphan, ActionID {answer.action_id}")
        arrived.set()

    manager.register_callback(None, orphan)
    server.on("Ping").times(1).reply(wait(0.6), response(Ping="Pong"))
    ping = core.Ping()
    ping.timeout = 0.3
    say("a fault: the server answers a Ping after 0.6 s, and the client waits 0.3 s for it")
    if manager.send_action(ping) is None:
        say("the Ping timed out: send_action returned None")
    arrived.wait(5)
    return len(orphans)
