"""Events one after the other, and calls followed to their end, for programs with asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from ami.errors import Error, ManagerSocketError
from ami.originate import CALL_EVENTS, CallProgress, Outcome
from ami.outcomes import Output, Response
from ami.subscription import Subscription

if TYPE_CHECKING:
    from ami.aio.manager import Manager

__all__ = ["Call", "EventStream"]


class EventStream:
    """Events of one kind, one after the other, made by `Manager.events`.

        async with manager.events("Hangup", Channel="PJSIP/100-*") as hangups:
            async for event in hangups: ...

    It ends when the stream or the manager is closed, and raises `ManagerSocketError` when the link is lost and does not
    come again by itself. `Gap` events stand where events were lost.
    """

    def __init__(self, manager: "Manager", subscription: Subscription) -> None:
        self._subscription = subscription
        self._manager = manager  # who iterates over `connect(…).events()` holds nothing else
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        event = await self._next()
        if event is None:
            raise StopAsyncIteration
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

    async def get(self, timeout: float | None = None) -> Any:
        """The next event, waiting at most `timeout` seconds for it.

        Raises `TimeoutError` when none came, `ManagerSocketError` when none can come any more.
        """
        event = self._waiting()
        if event is None and not self._subscription.ended:
            try:
                async with asyncio.timeout(timeout):
                    event = await self._next()
            except TimeoutError:
                raise TimeoutError(f"no event came in {timeout:g} s") from None
        if event is None:
            raise ManagerSocketError("the event stream has ended")
        return event

    def close(self) -> None:
        """Take no more events; those that wait can still be taken out."""
        self._end(None)
        self._manager._remove_stream(self)

    def _put(self, outputs: list[Output]) -> None:
        """Offer outputs; those that the stream is for wait in it."""
        if self._subscription.put(outputs):
            self._changed.set()

    def _end(self, error: Error | None) -> None:
        """No more events come."""
        self._subscription.end(error)
        self._changed.set()

    def _forget(self, error: Error) -> None:
        """In a child process: no more events come."""
        self._subscription.end(error)

    def _waiting(self) -> Any:
        """The next event of those that wait, or None."""
        while (event := self._subscription.pop()) is not None:
            if self._subscription.accepts(event):
                return event
        return None

    async def _next(self) -> Any:
        """The next event; None when the stream has ended."""
        while (event := self._waiting()) is None and not self._subscription.ended:
            self._changed.clear()
            await self._changed.wait()
        return event


class Call:
    """A call that `Manager.originate` began, followed to its end."""

    _names = CALL_EVENTS

    def __init__(self, manager: "Manager", action_id: str, ring_time: float) -> None:
        self._manager = manager
        self._progress = CallProgress(action_id)
        self._ring_time = ring_time
        self._changed = asyncio.Event()

    def __repr__(self) -> str:
        return f"<Call {self._progress}>"

    @property
    def progress(self) -> CallProgress:
        """What is known of the call: `outcome`, `channel`, `uniqueid`, `ended`, `cause`, `message`."""
        return self._progress

    async def wait(self, timeout: float | None = None) -> Outcome | None:
        """Wait until the call was answered, or will not be; return which, or None when time ran out.

        Without `timeout`: as long as the call may ring, and 5 s more. Raises `ManagerSocketError` when the link is lost
        meanwhile: what came of the call is then unknown.
        """
        limit = self._ring_time + 5 if timeout is None else timeout
        await self._wait_for(lambda: self._progress.outcome is not None, limit)
        return self._progress.outcome

    async def wait_ended(self, timeout: float | None = None) -> int | None:
        """Wait until the call is over; return the cause of its hang-up, or None when time ran out or there is none.

        Raises `ManagerSocketError` as `wait` does.
        """
        await self._wait_for(lambda: self._progress.ended, timeout)
        return self._progress.cause

    async def hang_up(self, cause: int | None = None) -> Response | None:
        """Hang the call up. Raises `ManagerError` while it has no channel."""
        return await self._manager.send_action(self._progress.hangup_request(cause))

    def _receive_response(self, response: Response | None) -> None:
        """Take what the action that began the call brought."""
        self._progress.receive_response(response)
        self._changed.set()

    def _put(self, outputs: list[Output]) -> None:
        """Offer outputs; what is about the call counts at once."""
        if self._progress.put(outputs):
            self._changed.set()

    def _end(self, error: Error | None) -> None:
        """No more is heard of the call."""
        self._progress.lose(error)
        self._changed.set()

    def _forget(self, error: Error) -> None:
        """In a child process: no more is heard of the call."""
        self._progress.lose(error)

    async def _wait_for(self, reached: Callable[[], bool], timeout: float | None) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not reached():
                    if self._progress.error is not None:
                        raise self._progress.error.again()
                    self._changed.clear()
                    await self._changed.wait()
