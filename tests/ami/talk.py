"""A client's session that is talked to: bytes, and a time that the tests make up."""

from collections import Counter
from typing import Any

from ami import ManagerSocketError
from ami.catalogue import Aggregate, Event
from ami.outcomes import Output, Response, StateChange
from ami.request import Request
from ami.session import ClientSession, PendingAction

LOST = ManagerSocketError("the link was lost")


class Talk:
    """A session, its clock, and the server that it talks to."""

    def __init__(self, version: str | None = "11.0.0", **options: Any) -> None:
        self.now = 1000.0
        self.greeted = 0
        self.woken: Counter[str] = Counter()
        self.session = ClientSession(id_prefix="host-abcde", greeted=self._greet, **options)
        if version is not None:
            self.say_bytes(f"Asterisk Call Manager/{version}\r\n".encode())

    def _greet(self) -> None:
        self.greeted += 1

    def send(self, request: Request, action_id: str | None = None, /, **headers: Any) -> PendingAction:
        def wake() -> None:
            self.woken[pending.action_id] += 1

        pending = self.session.send_action(request, self.now, wake, action_id, **headers)
        self.sent = self.session.data_to_send()
        return pending

    def say_bytes(self, data: bytes) -> list[Output]:
        self.session.receive_data(data, self.now)
        return [each for each in self.session.take_outputs() if not isinstance(each, StateChange)]

    def say(self, *lines: str) -> list[Output]:
        """A message; `ActionID` goes where the lines say."""
        return self.say_bytes("".join(f"{line}\r\n" for line in (*lines, "")).encode())

    def answer(self, pending: PendingAction, word: str = "Success", *lines: str) -> list[Output]:
        return self.say(f"Response: {word}", f"ActionID: {pending.action_id}", *lines)

    def start(self, pending: PendingAction) -> list[Output]:
        return self.answer(pending, "Success", "EventList: start")

    def item(self, pending: PendingAction, name: str, *lines: str) -> list[Output]:
        return self.say(f"Event: {name}", f"ActionID: {pending.action_id}", *lines)

    def complete(self, pending: PendingAction, name: str, count: int, word: str = "Complete") -> list[Output]:
        return self.item(pending, name, f"EventList: {word}", f"ListItems: {count}")

    def wait(self, seconds: float) -> list[Output]:
        self.now += seconds
        self.session.handle_timer(self.now)
        return self.session.take_outputs()


def synchronous(request: Request, timeout: float = 5) -> Request:
    request.synchronous = True
    request.timeout = timeout
    return request


def aggregating(request: Request, timeout: float = 5) -> Request:
    request.aggregate = True
    request.timeout = timeout
    return request


def names(outputs: list[Output]) -> list[str]:
    """Outputs as words: events and aggregates by their names, the rest by their kinds."""
    return [each.name if isinstance(each, (Event, Aggregate)) else type(each).__name__ for each in outputs]


def result(pending: PendingAction) -> Response:
    assert pending.done
    response = pending.result()
    assert response is not None
    return response


def all_of(talk: Talk, *lines: str) -> list[Output]:
    """What comes of a message, changes of state included."""
    talk.session.receive_data("".join(f"{line}\r\n" for line in (*lines, "")).encode(), talk.now)
    return talk.session.take_outputs()


def log_in(talk: Talk, action: str = "Login") -> list[Output]:
    login = talk.send(Request(action))
    return all_of(talk, "Response: Success", f"ActionID: {login.action_id}")


def events_of(pending: PendingAction) -> Any:
    return result(pending).events
