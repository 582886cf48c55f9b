"""What only programs with asyncio can do: cancel."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import ami
from ami import ManagerSocketError, Request, aio, core
from amisim import event, response

GUARD = 20


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine in a loop of its own; nothing of the library may be left in it."""

    async def guarded() -> None:
        async with asyncio.timeout(GUARD):
            await main
        left = [task for task in asyncio.all_tasks() if task.get_name().startswith("ami-")]
        await asyncio.wait_for(asyncio.gather(*left), GUARD)

    asyncio.run(guarded(), debug=True)


def patient(name: str = "Wait") -> Request:
    request = Request(name)
    request.timeout = 3600
    return request


async def until(reached: Callable[[], bool]) -> None:
    """Give other tasks their turns until something is so."""
    while not reached():  # noqa: ASYNC110
        await asyncio.sleep(0)


async def arrived(server, action: str) -> None:
    await asyncio.get_running_loop().run_in_executor(None, server.wait_for, action)


@pytest.fixture
def connected(server):
    return lambda **options: aio.connect(server.host, server.port, username="admin", secret="secret", **options)


def test_an_action_that_is_cancelled_leaves_nothing_behind(server, connected):
    server.on("Wait").reply()

    async def main() -> None:
        async with connected() as manager:
            orphans: asyncio.Queue[ami.Message] = asyncio.Queue()
            manager.register_callback(None, lambda response, manager: orphans.put_nowait(response))
            waiting = asyncio.create_task(manager.send_action(patient(), "own"))
            await arrived(server, "Wait")
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            server.emit(b"Response: Success\r\nActionID: own\r\n\r\n")
            assert (await orphans.get()).action_id == "own"
            assert (await manager.send_action(core.Ping(), "own")).success

    run(main())


def test_an_action_may_have_the_time_of_a_caller(server, connected):
    server.on("Wait").reply()

    async def main() -> None:
        async with connected() as manager:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await manager.send_action(patient())
            assert (await manager.send_action(core.Ping())).success

    run(main())


def test_a_callback_that_waits_for_something_cancelled_does_not_end_the_callbacks(server, connected, caplog):
    async def main() -> None:
        seen: asyncio.Queue[str] = asyncio.Queue()

        async def broken(event: ami.Event, manager: aio.Manager) -> None:
            task = asyncio.create_task(asyncio.sleep(3600))
            task.cancel()
            await task

        async with connected() as manager:
            manager.register_callback("Hangup", broken)
            manager.register_callback("Hangup", lambda event, manager: seen.put_nowait(event["Number"]))
            for number in (1, 2):
                server.emit(event("Hangup", Number=number))
            assert [await seen.get(), await seen.get()] == ["1", "2"]

    caplog.set_level(logging.ERROR)
    run(main())
    assert caplog.text.count("failed on event Hangup") == 2


def test_connecting_may_be_cancelled(impostor):
    async def main() -> None:
        manager = aio.Manager()
        host, port = impostor()
        attempt = asyncio.create_task(manager.connect(host, port, timeout=3600))
        await until(lambda: manager.get_connection() is not None)
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await manager.close()
        assert manager.state is ami.State.CLOSED

    run(main())


def test_connect_that_is_cancelled_leaves_nothing_behind(rogue):
    async def main() -> None:
        attempt = asyncio.create_task(_connected(*rogue.address))
        peer = await asyncio.get_running_loop().run_in_executor(None, rogue.accept)
        peer.send(b"Asterisk Call Manager/11.0.0\r\n")
        await asyncio.get_running_loop().run_in_executor(None, peer.action, "Challenge")
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        assert await asyncio.get_running_loop().run_in_executor(None, peer.rest) == b""

    run(main())


async def _connected(host: str, port: int) -> aio.Manager:
    return await aio.connect(host, port, username="admin", secret="secret")


def test_waiting_for_an_event_may_be_cancelled(server, connected):
    async def main() -> None:
        async with connected() as manager, manager.events("Hangup") as hangups:
            waiting = asyncio.create_task(anext(hangups))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            server.emit(event("Hangup"))
            assert await anext(hangups) == "Hangup"

    run(main())


def test_closing_from_two_tasks_at_once(connected):
    async def main() -> None:
        manager = await connected()
        await asyncio.gather(*(manager.close() for _ in range(3)), *(manager.disconnect() for _ in range(3)))
        assert manager.state is ami.State.CLOSED

    run(main())


def test_an_action_that_was_answered_is_cancelled_too_late(server, connected):
    """Its aggregate, which would have come, is nobody's any more."""
    server.on("QueueStatus").reply(response(EventList="start"))

    async def main() -> None:
        async with connected(aggregate_timeout=3600) as manager:
            request = core.QueueStatus()
            request.aggregate = True
            waiting = asyncio.create_task(manager.send_action(request, "own"))
            session = manager.get_connection().session
            await until(lambda: "own" in session._open and session._open["own"].done)
            if waiting.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                assert (await manager.send_action(core.Ping(), "own")).success

    run(main())


def test_a_stream_ends_for_a_task_that_waits_when_another_closes_the_manager(connected):
    async def main() -> None:
        manager = await connected()
        stream = manager.events()
        waiting = asyncio.create_task(stream.get())
        await asyncio.sleep(0)
        await manager.close()
        with pytest.raises(ManagerSocketError):
            await waiting

    run(main())


def test_more_events_than_one_turn_of_the_loop_has_are_all_delivered(server, connected):
    count = 6000
    server.on("Go").reply(*[event("Hangup", Number=number) for number in range(count)], response())

    async def main() -> None:
        async with connected() as manager:
            seen: list[str] = []
            manager.register_callback("Hangup", lambda event, manager: seen.append(event["Number"]))
            assert (await manager.send_action(patient("Go"))).success
            await until(lambda: len(seen) == count)
            assert seen == [str(number) for number in range(count)]

    run(main())


def test_nothing_polls(server, connected, monkeypatch):
    """While nothing is due, no timer is set; an answer comes by itself."""
    timers = []

    async def main() -> None:
        async with connected(keepalive=None) as manager:
            loop = asyncio.get_running_loop()
            original = loop.call_at
            monkeypatch.setattr(
                loop, "call_at", lambda *args, **options: timers.append(args) or original(*args, **options)
            )
            ping = core.Ping()
            ping.timeout = float("inf")
            for _ in range(3):
                assert (await manager.send_action(ping)).success
            async with manager.events() as stream:
                server.emit(event("Hangup"))
                assert await anext(stream) == "Hangup"
            assert timers == []

    run(main())


def test_leaving_closes_though_the_logoff_is_cancelled(server, connected):
    server.on("Logoff").reply()

    async def main() -> None:
        managers = []

        async def work() -> None:
            async with connected() as manager:
                managers.append(manager)

        working = asyncio.create_task(work())
        await arrived(server, "Logoff")
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert managers[0].state == "closed"

    run(main())


def test_closing_that_is_cancelled_ends_streams_and_callbacks(server, connected):
    async def main() -> None:
        async with connected() as manager:
            stream = manager.events("Hangup")
            closing = asyncio.create_task(manager.close())
            await asyncio.sleep(0)
            closing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await closing
            assert [event async for event in stream] == []

    run(main())
