"""Click to call, with a fake Asterisk; an async test needs no other plugin, and passes at any speed of time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import ami.aio
import amisim
from ami import Outcome
from amisim import close, event, response, wait
from amisim.steps import Step
from clicktocall import Click, ClickToCall, Ended

ADA, BOB = Click("PJSIP/100", "200"), Click("PJSIP/101", "300")


Queues = tuple["asyncio.Queue[Click]", "asyncio.Queue[Ended]"]

CHANNEL = {"Channel": "${Channel}-00000001", "Uniqueid": "${ChannelId}"}
BUSY = event("Hangup", **CHANNEL, Cause=17)


def about(seconds: float) -> Any:
    """So long, or 15 s more or less: at fifty times the speed, a busy machine may well take 0.3 s for something."""
    return pytest.approx(seconds, abs=15)


def ringing(*steps: Step) -> tuple[Step, ...]:
    """What answers an `Originate`: there is a channel, and then something happens on it."""
    return response(Message="Originate successfully queued"), event("Newchannel", **CHANNEL, ChannelState=0), *steps


def answered(talk: float) -> tuple[Step, ...]:
    """The telephone rings for 5 s, and is answered; they talk for so long."""
    up = event("OriginateResponse", ActionID="${ActionID}", Response="Success", Reason=4, **CHANNEL)
    return ringing(wait(5), up, wait(talk), event("Hangup", **CHANNEL, Cause=16))


@asynccontextmanager
async def serving(server: amisim.Server, *clicks: Click, lines: int = 10) -> AsyncIterator[Queues]:
    """The service: what is to be called, and what came of it."""
    asked: asyncio.Queue[Click] = asyncio.Queue()
    ended: asyncio.Queue[Ended] = asyncio.Queue()
    for click in clicks:
        asked.put_nowait(click)
    async with ami.aio.connect(server.host, server.port, username=server.username, secret=server.secret) as manager:
        service = asyncio.create_task(ClickToCall(manager, asked, ended.put_nowait, lines=lines).run())
        yield asked, ended
        service.cancel()


def originated(server: amisim.Server) -> list[str]:
    return [action.get("Exten") for action in server.actions if action.name == "Originate"]


async def test_a_call_is_followed_to_its_end(ami_server: amisim.Server) -> None:
    ami_server.on("Originate", Channel="PJSIP/100", Exten="200").reply(*answered(talk=30))
    async with serving(ami_server, ADA) as (_, ended):
        assert await ended.get() == Ended(ADA, Outcome.ANSWERED, talked=about(30))
    assert ami_server.wait_for("Originate").get("CallerID") == "<200>"


async def test_who_is_busy_is_told(ami_server: amisim.Server) -> None:
    ami_server.on("Originate").reply(*ringing(wait(3), BUSY))
    async with serving(ami_server, ADA) as (_, ended):
        assert await ended.get() == Ended(ADA, Outcome.BUSY)


async def test_a_refusal_says_why(ami_server: amisim.Server) -> None:
    ami_server.on("Originate").reply(response("Error", Message="Extension does not exist."))
    async with serving(ami_server, ADA) as (_, ended):
        assert await ended.get() == Ended(ADA, Outcome.FAILED, reason="Extension does not exist.")


async def test_of_a_telephone_that_is_never_heard_of_nothing_is_known(
    ami_server: amisim.Server, ami_clock: amisim.World
) -> None:
    ami_server.on("Originate").reply(*ringing())
    async with serving(ami_server, ADA) as (_, ended):
        assert await ended.get() == Ended(ADA, None)
    assert ami_clock.now >= 25  # it rings for 20 s, and Asterisk has 5 s to say so


@pytest.mark.ami(faults=["late 12 response Originate"])
async def test_an_answer_may_come_after_the_call_has_begun(ami_server: amisim.Server) -> None:
    ami_server.on("Originate").reply(*answered(talk=10))
    async with serving(ami_server, ADA) as (_, ended):
        assert (await ended.get()).outcome is Outcome.ANSWERED


async def test_a_call_whose_link_was_lost_is_unknown_and_not_placed_again(ami_server: amisim.Server) -> None:
    ami_server.on("Originate", Exten="200").reply(*ringing(wait(5), close("reset")))
    ami_server.on("Originate", Exten="300").reply(*answered(talk=10))
    async with serving(ami_server, ADA, BOB, lines=1) as (_, ended):
        lost = await ended.get()
        assert (lost.click, lost.outcome) == (ADA, None)
        assert "unknown" in lost.reason
        assert (await ended.get()).outcome is Outcome.ANSWERED
    assert originated(ami_server) == ["200", "300"]


async def test_without_a_link_nobody_is_called(ami_server: amisim.Server) -> None:
    async with serving(ami_server) as (asked, ended):
        ami_server.stop()
        await asyncio.sleep(5)  # by then it has noticed
        asked.put_nowait(ADA)
        assert (await ended.get()).outcome is Outcome.FAILED
    assert originated(ami_server) == []


async def test_there_are_no_more_calls_at_a_time_than_lines(ami_server: amisim.Server, ami_clock: amisim.World) -> None:
    ami_server.on("Originate").reply(*answered(talk=10))
    clicks = [Click(f"PJSIP/10{number}", "200") for number in range(4)]
    async with serving(ami_server, *clicks, lines=2) as (_, ended):
        assert {(await ended.get()).outcome for _ in clicks} == {Outcome.ANSWERED}
    assert 25 < ami_clock.now < 50  # two times 15 s; all four at once take 15, and one by one 60


@pytest.mark.ami(faults=["flood 2000 event Newexten"])
async def test_what_others_do_is_no_trouble(ami_server: amisim.Server) -> None:
    ami_server.on("Originate").reply(*answered(talk=30))
    async with serving(ami_server, ADA) as (_, ended):
        await asyncio.sleep(15)
        ami_server.emit(event("Newexten", Channel="PJSIP/500-1", Uniqueid="5.1", Application="Dial"))
        assert await ended.get() == Ended(ADA, Outcome.ANSWERED, talked=about(30))


@pytest.mark.parametrize(
    ("telephone", "number"), [("Local/1@inside", "200"), ("PJSIP/100", "2"), ("PJSIP/100", "200\r\nAction: Command")]
)
def test_what_is_no_telephone_or_number_is_refused(telephone: str, number: str) -> None:
    with pytest.raises(ValueError, match=r"is no (telephone|number), such as"):
        Click(telephone, number)
