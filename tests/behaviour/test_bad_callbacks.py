"""Bad days of callbacks: they raise, block, send, close, connect again, or fail in ways of their own."""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import ami
from ami import Error, Event, Reconnect, Request, State, StateChange, aio, core
from ami.errors import ManagerSocketError

from .rogue import GREETING, GUARD, Rogue, message

HANGUP, MARKER = message("Event: Hangup"), message("Event: Marker")


class Blocking:
    """A callback that waits until the test lets it go."""

    def __init__(self) -> None:
        self.entered, self.released = threading.Event(), threading.Event()

    def __call__(self, event: Any, manager: Any) -> None:
        self.entered.set()
        assert self.released.wait(GUARD)


@pytest.fixture
def blocking():
    blocking = Blocking()
    yield blocking
    blocking.released.set()


@pytest.mark.parametrize("error", [ValueError("x"), ManagerSocketError("x"), SystemExit(3), MemoryError()])
def test_whatever_a_callback_raises_is_logged_and_the_next_one_runs(make_manager, rogue, listen, caplog, error):
    manager = make_manager()

    def fail(event: Event, manager: ami.Manager) -> None:
        raise error

    manager.register_callback("Hangup", fail)
    hangups = listen("Hangup", manager)
    peer = rogue.meet(manager)
    peer.send(HANGUP * 3)
    assert [hangups.get().name for _ in range(3)] == ["Hangup"] * 3
    failures = [record for record in caplog.records if "failed on event Hangup" in record.message]
    assert [record.levelno for record in failures] == [logging.ERROR] * 3
    assert manager.is_connected()


def test_a_callback_for_orphans_or_changes_may_raise_too(make_manager, rogue, listen, caplog):
    manager = make_manager()

    def fail(event: Event, manager: ami.Manager) -> None:
        raise LookupError

    manager.register_callback(None, fail)
    manager.register_callback(StateChange, fail)
    orphans, changes = listen(None, manager), listen(StateChange, manager)
    peer = rogue.meet(manager)
    peer.send(message("Response: Success"))
    assert orphans.get()["Response"] == "Success"
    peer.close()
    while changes.get().error is None:
        pass
    assert caplog.text.count("failed on orphaned response") == 1
    assert caplog.text.count("failed on change of state") == 4


def test_time_that_runs_out_is_no_change_of_state(make_manager, rogue, listen):
    manager = make_manager()
    changes = listen(StateChange, manager)
    peer = rogue.meet(manager)
    hurried = core.Ping()
    hurried.timeout = 0.01
    assert manager.send_action(hurried) is None
    peer.close()
    while (change := changes.get()).state is not State.CLOSED:
        assert type(change) is StateChange


def test_a_callback_that_blocks_holds_up_neither_replies_nor_streams_nor_the_end(
    make_manager, rogue, listen, start, blocking
):
    manager = make_manager()
    manager.register_callback("Hangup", blocking)
    after = listen("Marker", manager)
    stream = manager.events("Marker")
    peer = rogue.meet(manager)
    peer.send(HANGUP + MARKER)
    assert blocking.entered.wait(GUARD)
    sent = start(manager.send_action, core.Ping())
    peer.answer(peer.action("Ping"), Ping="Pong")
    assert sent.result(GUARD).success
    assert next(stream).name == "Marker"
    assert manager.queue_depth <= 1
    manager.close()
    assert peer.rest() == b""
    blocking.released.set()
    rogue.meet(manager).send(MARKER)
    assert after.get().name == "Marker"  # the new one: what waited went with the link
    manager.close()


def test_a_callback_that_blocks_does_not_hold_up_a_new_link(make_manager, rogue, start, listen, blocking):
    manager = make_manager(reconnect=Reconnect(initial=0.01))
    manager.register_callback("Hangup", blocking)
    booted = listen("FullyBooted", manager)
    peer = rogue.meet(manager)
    peer.send(HANGUP)
    assert blocking.entered.wait(GUARD)
    peer.close()
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in(message("Event: FullyBooted"))
    sent = start(try_until_sent, manager)
    peer.answer(peer.action("Ping"), Ping="Pong")
    assert sent.result(GUARD).success
    blocking.released.set()
    assert booted.get().name == "FullyBooted"


def try_until_sent(manager: Any) -> Any:
    """Send as soon as the link is up."""
    while True:
        with suppress(Error):
            if manager.state is State.READY:
                return manager.send_action(core.Ping())


def test_a_callback_may_send_while_the_link_is_lost(make_manager, rogue, start):
    manager = make_manager()
    errors: list[BaseException] = []
    done = threading.Event()

    def send(event: Event, manager: ami.Manager) -> None:
        request = Request("Wait")
        request.timeout = 60
        for _ in range(2):
            try:
                manager.send_action(request)
            except Error as error:
                errors.append(error)
        done.set()

    manager.register_callback("Hangup", send)
    peer = rogue.meet(manager)
    peer.send(HANGUP)
    peer.action("Wait")
    peer.close()
    assert done.wait(GUARD)
    assert [type(error) for error in errors] == [ManagerSocketError, ami.ManagerError]


@pytest.mark.parametrize("end", ["close", "disconnect"])
@pytest.mark.parametrize("state", [State.CONNECTED, State.READY, State.WAITING, State.CONNECTING])
def test_a_callback_for_changes_may_close_the_manager(make_manager, rogue, state, end):
    manager = make_manager(reconnect=Reconnect(initial=0.01, jitter=0))
    done = threading.Event()
    lost = threading.Event()

    def stop(change: StateChange, manager: ami.Manager) -> None:
        if change.state is state and (lost.is_set() or state in (State.CONNECTED, State.READY)):
            getattr(manager, end)()
            done.set()

    manager.register_callback(StateChange, stop)
    with suppress(Error):
        peer = rogue.meet(manager)
        lost.set()
        peer.close()
    assert done.wait(GUARD)
    assert manager.state is State.CLOSED


def test_a_callback_may_connect_to_another_server(make_manager, rogue, start):
    manager = make_manager(reconnect=Reconnect(initial=60))
    done = threading.Event()
    with Rogue() as other:

        def move(event: Event, manager: ami.Manager) -> None:
            manager.connect(*other.address)
            manager.login("admin", "secret")
            done.set()

        manager.register_callback("Shutdown", move)
        peer = rogue.meet(manager)
        peer.send(message("Event: Shutdown"))
        new = other.accept()
        new.send(GREETING)
        new.log_in()
        assert done.wait(GUARD)
        assert peer.rest() == b""
        sent = start(manager.send_action, core.Ping())
        new.answer(new.action("Ping"), Ping="Pong")
        assert sent.result(GUARD).success
        manager.close()


def test_a_callback_may_register_and_unregister_thousands(make_manager, rogue, listen):
    manager = make_manager()
    marker = listen("Marker", manager)

    def change(event: Event, manager: ami.Manager) -> None:
        for number in range(100):
            manager.register_callback(f"Event{number}", change)
        for number in range(100):
            manager.unregister_callback(f"Event{number}", change)

    manager.register_callback("Hangup", change)
    peer = rogue.meet(manager)
    peer.send(HANGUP + b"".join(message(f"Event: Event{number}") for number in range(100)) + MARKER)
    assert marker.get().name == "Marker"


# What coroutines alone can do: callbacks that run in the task of the manager itself

Scene = Callable[[aio.Manager, "asyncio.Queue[Any]"], Callable[..., Any]]


def closing(manager: aio.Manager, seen: "asyncio.Queue[Any]") -> Callable[..., Any]:
    async def callback(event: Event, manager: aio.Manager) -> None:
        await manager.close()
        seen.put_nowait(manager.state)

    return callback


def disconnecting(manager: aio.Manager, seen: "asyncio.Queue[Any]") -> Callable[..., Any]:
    async def callback(event: Event, manager: aio.Manager) -> None:
        await manager.disconnect()
        seen.put_nowait(manager.state)

    return callback


def sending(manager: aio.Manager, seen: "asyncio.Queue[Any]") -> Callable[..., Any]:
    async def callback(event: Event, manager: aio.Manager) -> None:
        hurried = core.Ping()
        hurried.timeout = 0.01
        seen.put_nowait(await manager.send_action(hurried))

    return callback


@pytest.mark.parametrize(("scene", "result"), [(closing, State.CLOSED), (disconnecting, State.CLOSED), (sending, None)])
def test_a_coroutine_may_use_the_manager_that_calls_it(loop, rogue, start, scene, result):
    async def work() -> Any:
        async with aio.Manager() as manager:
            seen: asyncio.Queue[Any] = asyncio.Queue()
            manager.register_callback("Hangup", scene(manager, seen))
            await manager.connect(*rogue.address)
            await manager.send_action(core.Login("admin", "secret"))
            return await asyncio.wait_for(seen.get(), GUARD)

    working = start(loop.run, work())
    peer = rogue.accept()
    peer.send(GREETING)
    peer.answer(peer.action("Login"))
    peer.send(HANGUP)
    assert working.result(GUARD) is result
    assert loop.tasks() == []


def test_a_coroutine_that_waits_for_a_cancelled_task_does_not_end_the_callbacks(loop, rogue, start):
    async def work() -> str:
        async with aio.Manager() as manager:
            seen: asyncio.Queue[Event] = asyncio.Queue()

            async def callback(event: Event, manager: aio.Manager) -> None:
                task = asyncio.create_task(asyncio.sleep(60))
                task.cancel()
                await task

            manager.register_callback("Hangup", callback)
            manager.register_callback("Marker", lambda event, manager: seen.put_nowait(event))
            await manager.connect(*rogue.address)
            return (await asyncio.wait_for(seen.get(), GUARD)).name

    working = start(loop.run, work())
    rogue.accept().send(GREETING + HANGUP + MARKER)
    assert working.result(GUARD) == "Marker"


def test_a_callback_that_answers_every_event_with_an_action_keeps_up(make_manager, rogue, start):
    manager = make_manager()
    answered: list[bool] = []
    done = threading.Event()

    def answer(event: Event, manager: ami.Manager) -> None:
        sent = manager.send_action(core.Ping())
        answered.append(sent is not None and sent.success)
        if len(answered) == 50:
            done.set()

    manager.register_callback("Hangup", answer)
    peer = rogue.meet(manager)
    peer.send(HANGUP * 50)
    for _ in range(50):
        peer.answer(peer.action("Ping"), Ping="Pong")
    assert done.wait(GUARD)
    assert answered == [True] * 50
