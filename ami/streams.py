"""Events one after the other, and calls followed to their end, for programs with threads."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

from ami.connection import LONGEST_WAIT
from ami.errors import Error, ManagerSocketError
from ami.originate import CALL_EVENTS, CallProgress, Outcome
from ami.outcomes import Output, Response
from ami.runtime import Runtime
from ami.subscription import Subscription

if TYPE_CHECKING:
    from ami.manager import Manager
    from ami.originate import CallProgress, Outcome

__all__ = ["Call", "EventStream"]


class EventStream:
    """Events of one kind, one after the other, made by `Manager.events`.

        with manager.events("Hangup", Channel="PJSIP/100-*") as hangups:
            for event in hangups: ...

    Iterating waits for the next event. It ends when the stream or the manager is closed, and raises
    `ManagerSocketError` when the link is lost and does not come again by itself. `Gap` events stand where events were
    lost.
    """

    def __init__(self, manager: "Manager", subscription: Subscription, runtime: Runtime) -> None:
        self._subscription = subscription
        self._manager = manager  # who iterates over `connect(…).events()` holds nothing else
        self._runtime = runtime
        self._clock = runtime.monotonic
        self._changed = runtime.condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        event = self._next(None)
        if event is None:
            raise StopIteration
        return event

    @property
    def _names(self) -> frozenset[str] | None:
        """The names of the events that it is for; None for all."""
        return self._subscription.names

    @property
    def depth(self) -> int:
        """How many events wait to be taken out."""
        return self._subscription.depth

    @property
    def lost(self) -> int:
        """How many events were dropped because too many waited."""
        return self._subscription.lost

    def get(self, timeout: float | None = None) -> Any:
        """The next event, waiting at most `timeout` seconds for it.

        Raises `TimeoutError` when none came, `ManagerSocketError` when none can come any more.
        """
        event = self._next(timeout)
        if event is None:
            raise ManagerSocketError("the event stream has ended")
        return event

    def close(self) -> None:
        """Take no more events; those that wait can still be taken out."""
        self._end(None)
        self._manager._remove_stream(self)

    def _put(self, outputs: list[Output]) -> None:
        """Offer outputs; those that the stream is for wait in it."""
        with self._changed:
            if self._subscription.put(outputs):
                self._changed.notify_all()

    def _end(self, error: Error | None) -> None:
        """No more events come."""
        with self._changed:
            self._subscription.end(error)
            self._changed.notify_all()

    def _forget(self, error: Error) -> None:
        """In a child process: no more events come."""
        self._changed = self._runtime.condition()  # the parent may have held the other one
        self._subscription.end(error)

    def _next(self, timeout: float | None) -> Any:
        """The next event; None when the stream has ended."""
        deadline = None if timeout is None else self._clock() + timeout
        while True:
            with self._changed:
                while (event := self._subscription.pop()) is None and not self._subscription.ended:
                    left = None if deadline is None else deadline - self._clock()
                    if left is not None and left <= 0:
                        raise TimeoutError(f"no event came in {timeout:g} s")
                    self._changed.wait(left if left is None else min(left, LONGEST_WAIT))
            if event is None or self._subscription.accepts(event):
                return event


class Call:
    """A call that `Manager.originate` began, followed to its end."""

    _names = CALL_EVENTS

    def __init__(self, manager: "Manager", action_id: str, ring_time: float) -> None:
        self._manager = manager
        self._progress = CallProgress(action_id)
        self._ring_time = ring_time
        self._clock = manager._runtime.monotonic
        self._changed = manager._runtime.condition()

    def __repr__(self) -> str:
        return f"<Call {self._progress}>"

    @property
    def progress(self) -> "CallProgress":
        """What is known of the call: `outcome`, `channel`, `uniqueid`, `ended`, `cause`, `message`."""
        return self._progress

    def wait(self, timeout: float | None = None) -> "Outcome | None":
        """Wait until the call was answered, or will not be; return which, or None when time ran out.

        Without `timeout`: as long as the call may ring, and 5 s more. Raises `ManagerSocketError` when the link is lost
        meanwhile: what came of the call is then unknown.
        """
        self._wait_for(lambda: self._progress.outcome is not None, self._ring_time + 5 if timeout is None else timeout)
        return self._progress.outcome

    def wait_ended(self, timeout: float | None = None) -> int | None:
        """Wait until the call is over; return the cause of its hang-up, or None when time ran out or there is none.

        Raises `ManagerSocketError` as `wait` does.
        """
        self._wait_for(lambda: self._progress.ended, timeout)
        return self._progress.cause

    def hang_up(self, cause: int | None = None) -> Response | None:
        """Hang the call up. Raises `ManagerError` while it has no channel."""
        return self._manager.send_action(self._progress.hangup_request(cause))

    def _receive_response(self, response: Response | None) -> None:
        """Take what the action that began the call brought."""
        with self._changed:
            self._progress.receive_response(response)
            self._changed.notify_all()

    def _put(self, outputs: list[Output]) -> None:
        """Offer outputs; what is about the call counts at once."""
        with self._changed:
            if self._progress.put(outputs):
                self._changed.notify_all()

    def _end(self, error: Error | None) -> None:
        """No more is heard of the call."""
        with self._changed:
            self._progress.lose(error)
            self._changed.notify_all()

    def _forget(self, error: Error) -> None:
        """In a child process: no more is heard of the call."""
        self._changed = self._manager._runtime.condition()  # the parent may have held the other one
        self._progress.lose(error)

    def _wait_for(self, reached: Callable[[], bool], timeout: float | None) -> None:
        deadline = None if timeout is None else self._clock() + timeout
        with self._changed:
            while not reached():
                if self._progress.error is not None:
                    raise self._progress.error.again()
                left = None if deadline is None else deadline - self._clock()
                if left is not None and left <= 0:
                    return
                self._changed.wait(left if left is None else min(left, LONGEST_WAIT))
