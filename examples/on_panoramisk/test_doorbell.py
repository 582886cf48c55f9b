"""A program on panoramisk, as it is, at any speed of time: asyncio on the test's clock, which needs no patch."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from amisim import event, response, wait
from doorbell import Doorbell

RING = event("Newchannel", Channel="PJSIP/door-00000001", ChannelState=0)


@asynccontextmanager
async def doorbell(server):
    """The doorbell, connected."""
    login = {"username": server.username, "secret": server.secret}
    async with Doorbell("PJSIP/door", host=server.host, port=server.port, **login) as bell:
        yield bell


async def test_who_rings_is_let_in(ami_server):
    ami_server.on("PlayDTMF", Channel="PJSIP/door-00000001", Digit="5").reply(
        response(Message="DTMF successfully queued")
    )
    async with doorbell(ami_server) as bell:
        ami_server.emit(RING)
        assert await bell.rings.get() == "PJSIP/door-00000001"
        assert await bell.open_door()


async def test_nobody_is_let_in_who_does_not_ring(ami_server):
    async with doorbell(ami_server) as bell:
        ami_server.emit(event("Newchannel", Channel="PJSIP/100-00000002", ChannelState=0))
        await asyncio.sleep(1)
        assert bell.rings.empty()
        assert await bell.open_door() is False


async def test_an_answer_that_comes_too_late(ami_server, ami_clock):
    ami_server.on("PlayDTMF").reply(wait(30), response())
    async with doorbell(ami_server) as bell:
        ami_server.emit(RING)
        await bell.rings.get()
        assert await bell.open_door() is None
        assert 5 <= ami_clock.now < 30
        ami_server.emit(RING)  # it is there still
        assert await bell.rings.get()


async def test_after_a_restart_of_asterisk_it_is_there_again(ami_server):
    async with doorbell(ami_server) as bell:
        ami_server.schedule([RING])  # for who logs in from now on
        ami_server.disconnect()
        assert await bell.rings.get() == "PJSIP/door-00000001"
    assert [action.name for action in ami_server.actions].count("Login") == 2


@pytest.mark.ami(faults=["flood 1000 event Newchannel"])
async def test_a_flood(ami_server):
    async with doorbell(ami_server) as bell:
        ami_server.emit(RING)
        for _ in range(1000):
            assert await bell.rings.get() == "PJSIP/door-00000001"


@pytest.mark.ami(faults=["split event Newchannel size=1", "glue event Newchannel"])
async def test_what_comes_in_pieces(ami_server):
    async with doorbell(ami_server) as bell:
        ami_server.emit(RING)
        ami_server.emit(event("Hangup", Channel="PJSIP/door-00000001"))
        assert await bell.rings.get() == "PJSIP/door-00000001"
        await asyncio.sleep(1)
        assert bell.rings.empty()
