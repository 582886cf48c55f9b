"""A session as one client sees it, its clock included."""

import hashlib

from amisim.action import ClientAction
from amisim.bound import Bound
from amisim.host import Host
from amisim.match import Compared, Comparison, compare
from amisim.replay import Replay
from amisim.script import Script
from amisim.server_session import ServerSession
from amisim.significant import AS_WRITTEN, Rules
from amisim.users import User

LOGIN = "Action: Login / ActionID: 1 / Username: admin / Secret: s3cret"
ACCEPTED = "Response: Success / ActionID: 1 / Message: Authentication accepted"
BOOTED = "Event: FullyBooted / Privilege: system,all / Uptime: 100 / LastReload: 100 / Status: Fully Booted"
READER = User("s3cret", read="call,system", write="reporting")
CALL_EVENT = b"Event: Hangup\r\nPrivilege: call,all\r\n\r\n"


def frame(text: str) -> bytes:
    return f"{text} /  / ".replace(" / ", "\r\n").encode()


class Client:
    """The client of a session, and its clock."""

    def __init__(self, version="22", replay: Replay | None = None, log_in=False, **options) -> None:
        self.script = Script()
        self.arrived: list[str] = []
        self.failures: list[str] = []
        self.holds_back = False
        host = Host(
            users=options.pop("users", {"admin": "s3cret"}),
            version=version,
            script=self.script,
            replay=replay,
            challenge=lambda: "123456789",
            arrived=lambda number, action: self.arrived.append(action.name),
            holds_back=lambda: self.holds_back,
            wall_clock=lambda: 1_700_000_000.5,
            failed=lambda what, error: self.failures.append(what),
            **options,
        )
        self.session = ServerSession(host, 1, 0.0)
        self.greeting = self.take()
        if log_in:
            self.say(LOGIN)

    def take(self) -> bytes:
        return b"".join(self.session.take_chunks())

    def say(self, *texts: str, at: float = 0.0) -> bytes:
        return self.send(b"".join(map(frame, texts)), at)

    def send(self, data: bytes, at: float = 0.0) -> bytes:
        self.session.receive_data(data, at)
        return self.take() + self.wait_until(at)

    def emit(self, event: bytes, at: float = 0.0) -> bytes:
        self.session.handle_timer(at)
        self.session.host.publish(event, at)
        return self.wait_until(at)

    def wait_until(self, at: float) -> bytes:
        self.session.handle_timer(at)
        said = self.take()
        while (due := self.session.next_deadline()) is not None and due <= at:  # it lets others have their turn
            self.session.handle_timer(at)
            said += self.take()
        return said


def matches(expected: ClientAction, arrived: ClientAction, rules: Rules = AS_WRITTEN) -> bool:
    """Whether an action is answered as a recorded one."""
    mine, other = Compared(expected, rules), Compared(arrived, rules)
    return mine.name == other.name and compare(mine, other, Bound()) == Comparison()


def key(challenge: str, secret="s3cret") -> str:
    return hashlib.md5(f"{challenge}{secret}".encode()).hexdigest()


def names_in(data: bytes) -> list[str]:
    return [text.partition("\r\n")[0] for text in data.decode(errors="replace").split("\r\n\r\n")[:-1]]
