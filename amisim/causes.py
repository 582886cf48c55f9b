"""From chunks to records: cuts a session's bytes into frames and says what each of them follows from.

A server answers the actions of a connection one after the other. What carries the ActionID of an action
follows from it; a response without one answers the first action that has no answer yet. Whatever else a
server sends follows from the last answered action of the connection that changes something (not one that
only asks), else from its login, else from the connection alone.
"""

import re
from collections.abc import Iterator

from ami import wire
from ami.catalogue import Event, parse
from ami.message import KEY_RESPONSE, SUCCESSES, Message
from amisim.action import ClientAction, read_action
from amisim.recording import Direction, Record

__all__ = ["Causes", "RecordBuilder", "is_unasked", "torn_in"]

_ONLY_ASKS = re.compile(
    r"Ping|Challenge|Login|Events|Filter|WaitEvent|List\w*|Getvar|GetConfig\w*|DBGet\w*|ExtensionState|PresenceState|"
    r"\w*(Show|List|Status|Statuses|Summary|Count|Check|Info|Rule|Peers|peers|peerlist|Settings|Sessions|registry|Map)\w*|"
    r"Agents|Parked\w*|Parkinglots|MWIGet|FAXStats|",
    re.IGNORECASE,
)


_ONLY_SHOWS = re.compile(r".*\b(show|list|check|help|uptime)\b.*", re.IGNORECASE | re.DOTALL)


def _only_asks(action: ClientAction) -> bool:
    """Whether an action changes nothing; a command of Asterisk's command line that shows something does not."""
    if action.name.lower() == "command":
        return _ONLY_SHOWS.fullmatch(action.get("Command")) is not None
    return _ONLY_ASKS.fullmatch(action.name) is not None


def _in_brief(action: ClientAction) -> ClientAction:
    """What matters of an action here: very many are remembered."""
    command = tuple(("Command", value[:1000]) for key, value in action.headers if key.lower() == "command")
    return action._replace(headers=command, frame=b"")


def is_unasked(frame: bytes) -> bool:
    """Whether a frame is an event without an ActionID, as most are; told without a look at its headers."""
    return frame.startswith(b"Event: ") and b"actionid" not in frame.lower()


_GAP = re.compile(rb"c(\d+) ([<>]): .* not in the capture; .*")


def torn_in(record: Record) -> tuple[int, str] | None:
    """The connection and the direction of which a note says that there is a gap, and that what is around it is torn."""
    match = _GAP.fullmatch(record.data) if record.kind == "note" else None
    return (int(match[1]), match[2].decode()) if match else None


_REMEMBERED = 10_000
"""How many actions of a connection are remembered at least."""


class RecordBuilder:
    """Takes what happens to the connections of a session, in order of time, and gives it back as records.

    A frame of more than `max_frame` bytes comes in pieces, which follow from nothing.
    """

    def __init__(self, max_frame: int = 2**62) -> None:
        self._max_frame = max_frame
        self._connections: dict[int, _Connection] = {}
        self._numbers = iter(range(1, 2**63))

    def open(self, connection: int, at: float) -> Record:
        """A client connected."""
        self._connections[connection] = _Connection(connection, self._numbers, self._max_frame)
        return Record(at, connection, "", "open")

    def data(self, connection: int, direction: Direction, data: bytes, at: float) -> list[Record]:
        """A chunk came; the frames that it completes."""
        return self._connections[connection].data(direction, data, at)

    def end(self, connection: int, direction: Direction, at: float, error: str = "") -> list[Record]:
        """A direction ended, by its sender or by an error; what there is of an unfinished frame, and the end."""
        return self._connections[connection].end(direction, at, error)

    def gap(self, connection: int, direction: Direction, at: float, lost: int | None) -> list[Record]:
        """Bytes came here that nobody has, so many or, for None, unknown ones: a note, and the frame that they tear.

        What comes next begins a frame of its own.
        """
        return self._connections[connection].gap(direction, at, lost)

    def forget(self, connection: int) -> None:
        """Nothing more comes of a connection."""
        del self._connections[connection]

    def flush(self) -> list[Record]:
        """What there is of unfinished frames, when recording ends before the connections do."""
        return [record for each in self._connections.values() for way in each.flows for record in each.rest(way)]


class _Flow:
    """One direction of a connection: its frames, and the chunks of the one that is arriving."""

    def __init__(self, direction: Direction, max_frame: int) -> None:
        self.reader = wire.FrameReader(from_server=direction == "<", max_frame=max_frame)
        self.chunks: list[tuple[int, float]] = []
        self.counted = 0  # how many bytes those are
        self.last = -1.0

    def feed(self, data: bytes, at: float) -> Iterator[tuple[bytes, tuple[tuple[int, float], ...]]]:
        """The frames that a chunk completes, each with the chunks it had before."""
        for frame in self.reader.feed(data):
            yield frame, tuple(self.chunks)
            self.chunks = []
            self.counted = 0
        if size := self.reader.pending_size - self.counted:
            self.chunks.append((size, at))
            self.counted += size


class Causes:
    """What the messages of a server follow from, on one connection."""

    def __init__(self) -> None:
        self.sent: dict[int, ClientAction] = {}
        """Every action that the client sent, by its number."""
        self.unanswered: list[int] = []
        self.list: int | None = None
        """Whose list is under way."""
        self.base: int | None = None
        """What unsolicited messages follow from."""
        self.last_answered: int | None = None

    def asked(self, number: int, action: ClientAction) -> None:
        """The client sent an action."""
        self.sent[number] = action
        self.unanswered.append(number)
        if len(self.sent) >= 2 * _REMEMBERED:
            kept = {*list(self.sent)[-_REMEMBERED:], self.list, self.base, self.last_answered}
            self.sent = {number: action for number, action in self.sent.items() if number in kept}
            self.unanswered = [number for number in self.unanswered if number in kept]

    def answered(self, message: Message) -> int | None:
        """The action that a message of the server answers; None where it answers none."""
        if not self.sent:
            return None
        return self._of_event(message) if isinstance(message, Event) else self._of_response(message)

    def _of_response(self, message: Message) -> int:
        """The action a response answers: the first unanswered one with its ActionID, or the last that had it."""
        action_id = message.action_id or ""
        number = next((each for each in self.unanswered if self.sent[each].action_id == action_id), None)
        if number is not None:
            self.unanswered.remove(number)
        else:
            number = next(self._with_id(action_id), None) or self.last_answered or max(self.sent)
        self.last_answered = number
        self.list = number if message.get("EventList", "").lower() == "start" else None
        self._note_change(number, message)
        return number

    def _note_change(self, number: int, message: Message) -> None:
        action = self.sent[number]
        accepted = message.get(KEY_RESPONSE) in SUCCESSES
        if accepted and (not _only_asks(action) or (self.base is None and action.name.lower() == "login")):
            self.base = number

    def _of_event(self, event: Event) -> int | None:
        action_id = event.action_id or ""
        if self.list is not None and (action_id == self.sent[self.list].action_id or "Privilege" not in event):
            number = self.list
            if event.get("EventList", "").lower() == "complete":
                self.list = None
            return number
        answered = (number for number in self._with_id(action_id) if number not in self.unanswered)
        return next(answered, None) or next(self._with_id(action_id), None)

    def _with_id(self, action_id: str) -> Iterator[int]:
        """The actions that have an ActionID, the last one first; none for an empty one."""
        if not action_id:
            return iter(())
        return (number for number in reversed(self.sent) if self.sent[number].action_id == action_id)


class _Connection:
    def __init__(self, number: int, numbers: Iterator[int], max_frame: int) -> None:
        self.flows: dict[Direction, _Flow] = {"<": _Flow("<", max_frame), ">": _Flow(">", max_frame)}
        self._max_frame = max_frame
        self._number = number
        self._numbers = numbers
        self._causes = Causes()
        self._ended = False

    def data(self, direction: Direction, data: bytes, at: float) -> list[Record]:
        flow = self.flows[direction]
        # One instant of one direction is one chunk.
        flow.last = at = at if at > flow.last else round(flow.last + 0.000001, 6)
        records = [
            Record(at, self._number, direction, "data", frame, self._cause(direction, frame), chunks)
            for frame, chunks in flow.feed(data, at)
        ]
        return records if flow.reader.error is None else records + self.rest(direction)

    def rest(self, direction: Direction) -> list[Record]:
        flow = self.flows[direction]
        rest, chunks = flow.reader.pending, flow.chunks
        if not rest:
            return []
        *before, (_, at) = chunks
        self.flows[direction] = _Flow(direction, self._max_frame)
        return [Record(at, self._number, direction, "data", rest, None, tuple(before))]

    def gap(self, direction: Direction, at: float, lost: int | None) -> list[Record]:
        torn = self.rest(direction)
        self.flows[direction] = _Flow(direction, self._max_frame)
        self.flows[direction].reader.feed(b"\n")  # in place of the greeting, which does not come any more
        what = "what came before is" if lost is None else f"{lost} bytes are"
        note = f"c{self._number} {direction}: {what} not in the capture; the messages around that are torn"
        return [Record(torn[0].at if torn else at, 0, "", "note", note.encode()), *torn]

    def end(self, direction: Direction, at: float, error: str) -> list[Record]:
        cause = self._cause_of_close() if direction == "<" and not self._ended else None
        self._ended = self._ended or direction == ">"
        ending = Record(at, self._number, direction, "error" if error else "eof", error.encode(), cause)
        return [*self.rest(direction), ending]

    def _cause_of_close(self) -> int | None:
        """A server closes after a Logoff, or a login that it refused; when it does otherwise, after all it was sent."""
        last = self._causes.last_answered
        if last is not None and self._causes.sent[last].name.lower() in ("logoff", "login"):
            return last
        return max(self._causes.sent, default=None)

    def _cause(self, direction: Direction, frame: bytes) -> int | None:
        causes = self._causes
        if direction == ">":
            number = next(self._numbers)
            causes.asked(number, _in_brief(read_action(frame)))
            return number
        if not frame.strip(b"\r\n"):
            return causes.list or causes.last_answered
        if causes.list is None and (not causes.sent or is_unasked(frame)):
            return causes.base
        answered = causes.answered(parse(frame))
        return causes.base if answered is None else answered
