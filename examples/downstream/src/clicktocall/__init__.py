"""Click to call: a user clicks on a number, the user's telephone rings, and who answers it is connected to the number.

A web application puts a `Click` into a queue, and is told what came of it. No call is placed twice: what came of one
whose link was lost is unknown, and the user may click again.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

import ami.aio
from ami import Outcome

__all__ = ["Click", "ClickToCall", "Ended"]

RINGING = 20.0
"""Seconds that a telephone rings."""


@dataclass(frozen=True)
class Click:
    """Who is to be called, `PJSIP/100`, and be connected to which number. Raises `ValueError` for what is neither."""

    telephone: str
    number: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"PJSIP/[\w.-]+", self.telephone):
            raise ValueError(f"{self.telephone!r} is no telephone, such as PJSIP/100")
        if not re.fullmatch(r"\+?[0-9*#]{2,20}", self.number):
            raise ValueError(f"{self.number!r} is no number, such as 200 or +4930123456")


@dataclass(frozen=True)
class Ended:
    """What came of a click."""

    click: Click
    outcome: Outcome | None
    """None where it is unknown."""
    talked: float = 0
    """For how many seconds they talked."""
    reason: str = ""
    """Why there was no call, or why nothing is known of it."""


class ClickToCall:
    """Places the calls that are asked for, `lines` at a time, and tells what came of each."""

    def __init__(
        self,
        manager: ami.aio.Manager,
        clicks: asyncio.Queue[Click],
        report: Callable[[Ended], object],
        *,
        lines: int = 10,
    ) -> None:
        self._manager = manager
        self._clicks = clicks
        self._report = report
        self._lines = lines

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._lines):
                group.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            click = await self._clicks.get()
            try:
                self._report(await self._call(click))
            finally:
                self._clicks.task_done()

    async def _call(self, click: Click) -> Ended:
        try:
            call = await self._manager.originate(
                click.telephone, context="outgoing", exten=click.number, timeout=RINGING, caller_id=f"<{click.number}>"
            )
            outcome = await call.wait()
            if outcome is not Outcome.ANSWERED:
                return Ended(click, outcome, reason=call.progress.message or "")
            answered = asyncio.get_running_loop().time()
            await call.wait_ended()
            return Ended(click, outcome, asyncio.get_running_loop().time() - answered)
        except ami.ManagerSocketError as error:
            return Ended(click, None, reason=str(error))
        except ami.ManagerError as error:  # there is no link: nobody was called
            return Ended(click, Outcome.FAILED, reason=str(error))
