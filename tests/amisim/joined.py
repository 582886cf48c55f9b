"""Clients and a server without sockets, threads and clocks: sessions joined by lines, and the time as a number."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ami.catalogue import Event
from ami.core import Login
from ami.errors import ManagerSocketError
from ami.outcomes import Output
from ami.request import Request
from ami.session import ClientSession, PendingAction
from ami.wire import FrameReader
from amisim.faults import Fault, FaultPlan
from amisim.host import Host
from amisim.script import Script
from amisim.server_session import ServerSession
from amisim.steps import Step

__all__ = ["Joined", "Link"]


class Joined:
    """A server, its clients, and what is on the way between them. Time passes only in `wait`."""

    def __init__(
        self,
        version: str = "22",
        *,
        answers: Mapping[str, tuple[Step, ...]] | None = None,
        faults: Iterable[Fault | str] = (),
        seed: int = 0,
    ) -> None:
        self.now = 0.0
        self.links: dict[int, Link] = {}
        self.plan = FaultPlan(faults, seed)
        self.failures: list[str] = []
        self.script = Script()
        for name, steps in (answers or {}).items():
            self.script.on(name).reply(*steps)
        self.host = Host(
            users={"admin": "s3cret"},
            version=version,
            script=self.script,
            replay=None,
            challenge=lambda: "123456789",
            arrived=lambda number, action: self.links[number].line.receive(action, self.now),
            holds_back=lambda: False,
            wall_clock=lambda: 1_700_000_000 + self.now,
            add_faults=lambda number, action, faults: self.links[number].line.add(action, faults),
            failed=lambda what, error: self.failures.append(what),
        )

    def connect(self, **options: Any) -> "Link":
        """A client connects."""
        link = Link(self, len(self.links) + 1, **options)
        link.pump()
        return link

    def emit(self, data: bytes) -> None:
        """The server sends an event."""
        self.host.publish(data, self.now)
        self.pump()

    def pump(self) -> None:
        """Move all that is on the way, until nothing moves any more."""
        while sum(link.pump() for link in self.links.values()):
            pass

    def wait(self, seconds: float) -> None:
        """Let time pass: from one deadline to the next."""
        until = self.now + seconds
        self.pump()
        for _ in range(100_000):
            due = min((link.next_deadline() for link in self.links.values()), default=math.inf)
            if due > until:
                break
            self.now = max(self.now, due)
            for link in self.links.values():
                link.handle_timer()
            self.pump()
        else:
            raise AssertionError(f"something is due again and again at {self.now}")
        self.now = until


class Link:
    """A client, the session that serves it, and the line between them."""

    def __init__(self, joined: Joined, number: int, **options: Any) -> None:
        self._joined = joined
        self.number = number
        self.client = ClientSession(id_prefix=f"c{number}", **options)
        self.woken: Counter[str] = Counter()
        self.sent: list[PendingAction] = []
        self.outputs: list[Output] = []
        self.holds = False
        """Whether what is on the way waits there."""
        self.size = math.inf
        """How many bytes come at once."""
        self.over = False
        self._to_server = self._to_client = b""
        self._frames = FrameReader(from_server=True, max_frame=2**62)
        joined.links[number] = self
        self.line = joined.plan.connect(number, joined.now)
        self.server = ServerSession(joined.host, number, joined.now)

    @property
    def events(self) -> list[Event]:
        """The events that the client's callbacks would see."""
        return [each for each in self.outputs if isinstance(each, Event)]

    def log_in(self) -> PendingAction:
        """The client logs in."""
        return self.send(Login("admin", "s3cret"))

    def send(self, request: Request, action_id: str | None = None) -> PendingAction:
        """The client sends an action."""
        names: list[str] = []
        pending = self.client.send_action(
            request, self._joined.now, lambda: self.woken.update(names or ["too early"]), action_id
        )
        names.append(pending.action_id)
        self.sent.append(pending)
        self._joined.pump()
        return pending

    def lose(self) -> None:
        """The connection is lost."""
        self._end(lambda: self.client.close(ManagerSocketError("the link was lost"), self._joined.now))

    def pump(self) -> bool:
        """Move what is on the way; return whether there was anything."""
        self._take_chunks()
        self._to_server += self.client.data_to_send()
        moved = not self.over and not self.holds and bool(self._to_client or self._to_server)
        if moved:
            self.carry(len(self._to_client), len(self._to_server))
        self.outputs += self.client.take_outputs()
        if self.client.closed is not None:
            self._end(lambda: None)
        elif self.line.closing is not None and not self._to_client and not self.holds and not self.over:
            self._hang_up(self.line.closing.how)
            self.outputs += self.client.take_outputs()
        return moved

    def carry(self, to_client: int, to_server: int) -> None:
        """So many bytes of what is on the way arrive, in pieces."""
        now = self._joined.now
        data, self._to_client = self._to_client[:to_client], self._to_client[to_client:]
        for piece in self._pieces(data):
            self.client.receive_data(piece, now)
        data, self._to_server = self._to_server[:to_server], self._to_server[to_server:]
        for piece in self._pieces(data):
            if self.server.closing is None:
                self.server.receive_data(piece, now)
        self.outputs += self.client.take_outputs()

    def _pieces(self, data: bytes) -> list[bytes]:
        size = int(min(self.size, len(data) or 1))
        return [data[start : start + size] for start in range(0, len(data), size)]

    def _take_chunks(self) -> None:
        """What the server sends goes through the faults, as frames."""
        now = self._joined.now
        for chunk in self.server.take_chunks():
            for frame in self._frames.feed(chunk):
                self.line.send(frame, now)
        if self.server.closing is not None:
            if self._frames.pending:
                self.line.send(self._frames.pending, now)
            self.line.close(self.server.closing.how, now)
        self._to_client += b"".join(self.line.take_chunks())

    def _hang_up(self, how: str) -> None:
        if how == "reset":
            self.lose()
        else:
            self._end(lambda: self.client.receive_eof(self._joined.now))

    def _end(self, end: Callable[[], object]) -> None:
        if not self.over:
            self.over = True
            end()
            self.server.closed()

    def next_deadline(self) -> float:
        """When something is due."""
        dues = [self.client.next_deadline(), *([] if self.over else [self.server.next_deadline()])]
        dues += [] if self.over else [self.line.next_deadline()]
        return min((due for due in dues if due is not None), default=math.inf)

    def handle_timer(self) -> None:
        """Do what is due."""
        now = self._joined.now
        self.client.handle_timer(now)
        if not self.over:
            self.server.handle_timer(now)
            self.line.handle_timer(now)
