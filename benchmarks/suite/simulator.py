"""`amisim.Server` in a process of its own, as it is measured: `python -m suite.simulator WHAT COUNT`.

It prints its port, and serves until somebody ends the process. WHAT says what a `UserEvent` of a client brings, after
its response: `COUNT` events and a last one, `Done`.
"""

import resource
import sys
import threading

import amisim
from amisim.host import Limits
from amisim.recording import Record, Recording
from amisim.steps import Message, repeat, response
from suite.events import event
from suite.server import SECRET, USERNAME

DONE = b"Event: Done\r\n\r\n"
"""The last event."""

LOGIN = f"Action: Login\r\nUsername: {USERNAME}\r\nSecret: {SECRET}\r\n\r\n".encode()
ASK = b"Action: UserEvent\r\nUserEvent: Blast\r\n\r\n"

_PATIENT = Limits(write_timeout=10)
_ACCEPTED = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\nEvent: FullyBooted\r\n\r\n"


def _idle(count: int) -> amisim.Server:
    """Answers as Asterisk."""
    return _server()


def _emit(count: int) -> amisim.Server:
    """A program emits the events, one by one."""
    server = _server()
    events = [*map(event, range(count)), DONE]

    def emit() -> None:
        server.wait_for("UserEvent", timeout=60)
        for each in events:
            server.emit(each)

    threading.Thread(target=emit, daemon=True).start()
    return server


def _scenario(count: int) -> amisim.Server:
    """A script renders the events, one by one, each of ten messages with a number filled in."""
    server = _server()
    messages = (_message(event(number)) for number in range(10))
    last = amisim.event("Done")
    server.on("UserEvent").reply(response(), repeat(count // 10, *messages), last)
    return server


def _message(data: bytes) -> Message:
    """An event as a step, with the number of the round in its Uniqueid."""
    headers = [line.split(": ", 1) for line in data.decode().split("\r\n") if line]
    return Message("event", tuple((key, "1795405869.${n}" if key == "Uniqueid" else value) for key, value in headers))


def _replay(count: int) -> amisim.Server:
    """The events were recorded, after a UserEvent, and are replayed at once."""
    begin = [
        Record(0.0, 1, "", "open"),
        Record(0.0, 1, "<", "data", b"Asterisk Call Manager/11.0.0\r\n"),
        Record(0.1, 1, ">", "data", LOGIN, 1),
        *(Record(0.2, 1, "<", "data", frame + b"\r\n\r\n", 1) for frame in _ACCEPTED.split(b"\r\n\r\n")[:-1]),
        Record(0.3, 1, ">", "data", ASK, 2),
        Record(0.4, 1, "<", "data", b"Response: Success\r\nMessage: Event Sent\r\n\r\n", 2),
    ]
    events = [*map(event, range(count)), DONE]
    recorded = [Record(1 + at / 10_000, 1, "<", "data", each, 2) for at, each in enumerate(events)]
    return _server(recording=Recording({}, begin + recorded), speed=0)


def _server(**options: object) -> amisim.Server:
    return amisim.Server(username=USERNAME, secret=SECRET, limits=_PATIENT, **options)


_KINDS = {"idle": _idle, "emit": _emit, "scenario": _scenario, "replay": _replay}


def main() -> None:
    """Serve until somebody ends the process."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    what, count = sys.argv[1:]
    with _KINDS[what](int(count)) as server:
        print(server.port, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
