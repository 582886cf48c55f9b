"""What all connections of one server share."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from ami import wire
from amisim.action import ClientAction
from amisim.faults import Fault
from amisim.filters import Patience
from amisim.history import ROOM
from amisim.privileges import privileges
from amisim.replay import Replay
from amisim.script import Script
from amisim.users import User, needed, users_from

if TYPE_CHECKING:
    from amisim.server_session import ServerSession

__all__ = ["AS_ASTERISK", "BANNERS", "Host", "Limits"]

BANNERS = {
    "11": "1.3",
    "13": "2.10.6",
    "16": "5.0.4",
    "18": "7.0.3",
    "20": "9.0.0",
    "22": "11.0.0",
}
"""The version of AMI in the greeting of a version of Asterisk: of the last release of each, as far as is known."""


class Limits(NamedTuple):
    """How much a server bears from a client; what is not given is as in Asterisk."""

    line: int = wire.MAX_LINE + 2
    """The longest line, in bytes with its line end."""

    headers: int = wire.MAX_HEADERS
    """The largest number of lines in an action."""

    auth_timeout: float = 30
    """Seconds that a connection may live without a login (`authtimeout`)."""

    auth_limit: int = 50
    """How many connections without a login there may be at a time (`authlimit`)."""

    write_timeout: float = 0.1
    """Seconds that a client may take nothing of what is sent to it (`writetimeout`)."""

    history: int = ROOM
    """How much memory, in bytes, the transcript, the actions, and what a recording had no answer to may take each."""


AS_ASTERISK = Limits()


class Host:
    """Users, the version to be, what answers, and every connection that there is."""

    def __init__(
        self,
        *,
        users: Mapping[str, str | User],
        version: str,
        script: Script,
        replay: Replay | None,
        challenge: Callable[[], str],
        arrived: Callable[[int, ClientAction], None],
        holds_back: Callable[[], bool],
        wall_clock: Callable[[], float],
        add_faults: Callable[[int, ClientAction, Iterable[Fault]], None] = lambda number, action, faults: None,
        failed: Callable[[str, Exception], None] = lambda what, error: None,
        limits: Limits = AS_ASTERISK,
    ) -> None:
        self.users = users_from(users)
        self.version = version
        self.script = script
        self.replay = replay
        self.challenge = challenge
        """Makes the challenge of a connection: up to nine digits."""
        self.arrived = arrived
        """Called with the number of the connection and each action that arrives."""
        self.holds_back = holds_back
        """Whether recorded traffic that nobody asked for waits for `ServerSession.play`."""
        self.wall_clock = wall_clock
        """The time of day, in seconds since 1970, as messages tell it."""
        self.add_faults = add_faults
        """Called with the number of the connection, an action, and faults for what answers it."""
        self.failed = failed
        """Called with what went wrong in a script, in words, and the error."""
        self.limits = limits
        self.privileges = {name.lower(): (name, bits) for name, bits in privileges(version).items()}
        """The spelling of each action of this version and the bits of its classes, by its name in lower case."""
        self.sessions: dict[int, ServerSession] = {}
        self.unauthenticated: set[int] = set()
        """The connections without a login."""
        self.touched: set[int] = set()
        """The connections that something was published to since the driver last looked."""
        self.patience = Patience()
        """How long their filters may take."""

    @property
    def ami_version(self) -> str:
        """The version of AMI that this version of Asterisk speaks."""
        return BANNERS[self.version]

    def publish(self, event: bytes, now: float, but: "ServerSession | None" = None) -> None:
        """Send an event to every connection that may see it, but for one."""
        bits = needed(event)
        self.patience.renew(for_many=True)
        for number, session in list(self.sessions.items()):
            if not bits & ~session.reads and session is not but and session.emit(event, now):
                self.touched.add(number)
