"""The same programs end in the same way in virtual time, in faster time, and in real time."""

import asyncio
import ssl
import subprocess
import sys

import pytest

import ami
import amisim
from ami import aio, core
from amisim import World, event, list_complete, response, wait


@pytest.fixture(params=["virtual", "scaled=50", "real"])
def speed(request):
    return request.param


@pytest.fixture
def unit(speed):
    """Seconds that are enough for other things to happen, and do not take long."""
    return {"virtual": 1.0, "scaled=50": 20.0, "real": 0.4}[speed]


@pytest.fixture
def world(speed):
    with World(time=speed) as world:
        yield world


@pytest.fixture
def manager(world):
    with ami.Manager(runtime=world.runtime) as manager:
        yield manager


@pytest.fixture
def inbox(world):
    """What is put in it is waited for, however slow the machine is."""
    return world.modules["queue"].Queue()


def log_in(manager, server):
    manager.connect(server.host, server.port)
    manager.login(server.username, server.secret)


def test_a_time_out_and_a_late_answer(world, manager, unit, inbox):
    manager.register_callback(None, lambda response, manager: inbox.put(response["Ping"]))
    server = world.server()
    server.on("Ping").reply(wait(3 * unit), response(Ping="Pong"))
    log_in(manager, server)
    ping = core.Ping()
    ping.timeout = unit
    before = world.now
    assert manager.send_action(ping) is None
    assert unit <= world.now - before
    assert inbox.get(timeout=100 * unit) == "Pong"
    assert 3 * unit <= world.now - before


def test_a_list_that_takes_its_time(world, manager, unit):
    server = world.server()
    items = [step for name in "abc" for step in (wait(unit / 5), event("QueueMember", Name=name))]
    server.on("QueueStatus").reply(response(EventList="start"), *items, list_complete())
    log_in(manager, server)
    request = core.QueueStatus()
    request.synchronous = True
    request.timeout = 100 * unit
    assert [each["Name"] for each in manager.send_action(request).events["QueueMember"]] == ["a", "b", "c"]


def test_a_reconnection(world, unit, inbox):
    server = world.server()
    with ami.connect(
        server.host,
        server.port,
        username="admin",
        secret="secret",
        reconnect=ami.Reconnect(initial=unit, jitter=0),
        runtime=world.runtime,
    ) as manager:
        manager.register_callback(ami.StateChange, lambda change, manager: inbox.put(change.state))
        before = world.now
        server.disconnect("reset")
        for state in (ami.State.WAITING, ami.State.READY):
            while inbox.get(timeout=100 * unit) is not state:
                pass
        assert unit <= world.now - before
        assert manager.send_action(core.Ping()).success


def test_a_keepalive_that_finds_a_dead_link(world, unit, inbox):
    server = world.server()
    with ami.Manager(runtime=world.runtime, keepalive_timeout=unit) as manager:
        log_in(manager, server)
        server.on("Ping").reply(wait(1000 * unit))
        manager.register_callback(ami.StateChange, lambda change, manager: inbox.put(change.state))
        before = world.now
        manager.monitor_connection(unit)
        while inbox.get(timeout=100 * unit) is not ami.State.CLOSED:
            pass
        assert 2 * unit <= world.now - before
        assert not manager.is_connected()


def test_asyncio(world, unit):
    server = world.server()
    server.on("Ping").reply(wait(3 * unit), response(Ping="Pong"))

    async def main():
        async with aio.Manager() as manager:
            await manager.connect(server.host, server.port)
            await manager.login("admin", "secret")
            ping = core.Ping()
            ping.timeout = unit
            assert await manager.send_action(ping) is None
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(unit):
                    await asyncio.sleep(50 * unit)
            return await asyncio.to_thread(lambda: "from a thread")

    assert world.run(main()) == "from a thread"


def test_threads_and_asyncio_in_one_world(world, manager, unit, inbox):
    server = world.server()
    log_in(manager, server)
    manager.register_callback("Hangup", lambda event, manager: inbox.put(event["Channel"]))

    async def main():
        connecting = aio.connect(server.host, server.port, username="admin", secret="secret")
        async with connecting as other, other.events("Hangup") as events:
            await asyncio.to_thread(server.emit, event("Hangup", Channel="PJSIP/1"))
            return (await events.get(timeout=10 * unit))["Channel"]

    assert world.run(main()) == "PJSIP/1"
    assert inbox.get(timeout=100 * unit) == "PJSIP/1"


def test_modules_of_others(world, unit):
    threading, queue, times = (world.modules[each] for each in ("threading", "queue", "time"))
    arrived = queue.Queue()
    timer = threading.Timer(unit, arrived.put, [1])
    before = times.monotonic()
    timer.start()
    with pytest.raises(queue.Empty):
        arrived.get(timeout=unit / 4)
    assert arrived.get(timeout=100 * unit) == 1
    assert unit <= times.monotonic() - before
    assert not threading.Event().wait(unit / 4)


def test_tls(world):
    server = world.server(tls=True)
    context = world.modules["ssl"].create_default_context(cafile=amisim.CERTIFICATE)
    with world.modules["socket"].create_connection((server.host, server.port), timeout=5) as plain:
        client = context.wrap_socket(plain, server_hostname="localhost")
        assert (client.gettimeout(), client.timeout) == (5, 5)
        assert client.makefile("rb").readline() == b"Asterisk Call Manager/11.0.0\r\n"
        client.close()


@pytest.mark.parametrize("client", ["the world's", "a manager"])
def test_a_handshake_that_nobody_answers_takes_no_longer(client):
    with World(time="scaled=50") as world, world.modules["socket"].create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        before = world.now
        if client == "a manager":
            with ami.Manager(runtime=world.runtime) as manager, pytest.raises(ami.ManagerSocketError):
                manager.connect(host, port, timeout=5, ssl=ssl.create_default_context())
        else:
            context = world.modules["ssl"].create_default_context()
            plain = world.modules["socket"].create_connection((host, port), timeout=5)
            with pytest.raises(TimeoutError):
                context.wrap_socket(plain, server_hostname="localhost")
        assert 5 <= world.now - before < 100


def test_a_timer_is_joined_for_a_shorter_time():
    with World(time="scaled=50") as world:
        timer = world.modules["threading"].Timer(3600, print)
        timer.daemon = True
        timer.start()
        began = world.now
        timer.join(5)
        assert 5 <= world.now - began < 200
        assert timer.is_alive()
        timer.cancel()


IN_A_NEW_PROCESS = """
import sys
import ami
from amisim import World, event

with World(time="scaled=2") as world:
    server = world.server()
    with ami.Manager(runtime=world.runtime) as manager:
        manager.connect(server.host, server.port)
        before = set(sys.modules)
        manager.login(server.username, server.secret)
        with manager.events("Unheard") as events:
            server.emit(event("Unheard"))
            events.get(timeout=1000)
        print(sorted(name for name in set(sys.modules) - before if name.startswith("ami")))
"""


def test_what_has_to_be_imported_is_before_time_passes():
    run = subprocess.run([sys.executable, "-c", IN_A_NEW_PROCESS], capture_output=True, text=True, check=False)
    assert run.stdout == "[]\n", run.stdout + run.stderr
