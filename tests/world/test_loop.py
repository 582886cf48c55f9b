"""asyncio does in a world what it really does, but for the time."""

import asyncio
import concurrent.futures
import contextvars
import re
import signal
import socket
import ssl

import pytest

import ami.aio
import amisim
from ami import core
from amisim.world import Deadlock, OutsideWorld, WorldError


def run(world, main):
    """Run a coroutine; return what it does, and how long it took."""
    began = world.now
    return world.run(main), world.now - began


async def answer(after, result=None):
    await asyncio.sleep(after)
    return result


def test_what_waits_takes_no_time_but_the_worlds(world):
    async def main():
        loop = asyncio.get_running_loop()
        began = loop.time()
        seen = [await asyncio.wait_for(answer(2, "two"), 3)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(answer(10), 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(4):
                await asyncio.Event().wait()
        seen += await asyncio.gather(answer(2, "b"), answer(1, "a"))
        done, pending = await asyncio.wait([asyncio.create_task(answer(each)) for each in (1, 2, 3)], timeout=2.5)
        return seen, len(done), len(pending), loop.time() - began

    assert run(world, main()) == ((["two", "b", "a"], 2, 1, 13.5), 13.5)


def test_the_order_of_what_is_called(world):
    async def main():
        loop, seen = asyncio.get_running_loop(), []
        for after in (3, 1, 2, 1):
            loop.call_later(after, lambda after=after: seen.append((after, loop.time())))
        loop.call_at(loop.time() + 1, seen.append, "at")
        loop.call_soon(seen.append, "soon")
        loop.call_later(1.5, seen.append, "never").cancel()
        await asyncio.sleep(5)
        return seen

    assert world.run(main()) == ["soon", (1, 1), (1, 1), "at", (2, 2), (3, 3)]


def test_streams(world):
    async def serve(reader, writer):
        while line := await reader.readline():
            await asyncio.sleep(1)
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert writer.get_extra_info("peername") == ("127.0.0.1", port)
        seen = []
        for line in (b"one\n", b"two\n"):
            writer.write(line)
            seen.append(await reader.readline())
        writer.write_eof()
        seen.append(await reader.read())
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        return seen

    assert run(world, main()) == ([b"ONE\n", b"TWO\n", b""], 2)


@pytest.mark.parametrize("hosts", [["127.0.0.1", "pbx.test", "localhost"], ("pbx.test",), "pbx.test", None, ""])
def test_a_server_listens_at_all_its_addresses(world, hosts):
    async def main():
        connected = asyncio.Queue()
        server = await asyncio.start_server(lambda reader, writer: connected.put_nowait(writer), hosts, 5038)
        expected = {"127.0.0.1" if each == "localhost" else each for each in hosts or ["0.0.0.0"]}
        if isinstance(hosts, str) and hosts:
            expected = {hosts}
        assert {each.getsockname()[0] for each in server.sockets} == expected
        for each in expected:
            _, writer = await asyncio.open_connection(each, 5038)
            writer.close()
            (await connected.get()).close()
        async with server:
            with pytest.raises(OSError, match="Address already in use"):
                await asyncio.start_server(print, ["other.test", *expected], 5038)
        again = await asyncio.start_server(print, ["other.test"], 5038, start_serving=False)
        assert not again.is_serving()
        again.close()

    world.run(main())


def test_there_are_no_handlers_for_signals(world):
    async def main():
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, print)

    with pytest.raises(NotImplementedError, match=rf"no handlers for signals.*{__file__}:\d+ in main"):
        world.run(main())


def test_much_data_waits_for_who_reads(world):
    length = 2_000_000

    async def serve(reader, writer):
        await asyncio.sleep(5)
        writer.write(str(len(await reader.read())).encode())
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(bytes(length))
        await writer.drain()
        drained = asyncio.get_running_loop().time()
        writer.write_eof()
        read = await reader.read()
        writer.close()
        await writer.wait_closed()
        return drained, read

    assert world.run(main()) == (5, str(length).encode())


def test_a_name_that_nobody_has(world):
    with pytest.raises(OSError, match="Name or service not known"):
        world.run(asyncio.open_connection("nobody.invalid", 5038))


def test_who_connects_again_at_once_lets_others_in_the_loop_go_on(world):
    async def main():
        async def listen():
            await asyncio.sleep(3)
            return await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 5038)

        listening = asyncio.create_task(listen())
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", 5038)
            except ConnectionRefusedError:
                continue
            connected = world.now
            await reader.read()
            writer.close()
            (await listening).close()
            return connected

    assert 3 <= round(world.run(main()), 6) < 4


def test_sockets_of_the_world(world):
    module = world.modules["socket"]

    async def main():
        loop = asyncio.get_running_loop()
        listening = module.create_server(("127.0.0.1", 0))
        client = module.socket()
        for each in (listening, client):
            each.setblocking(False)
        accepting = asyncio.create_task(loop.sock_accept(listening))
        await loop.sock_connect(client, listening.getsockname())
        server, _ = await accepting
        await loop.sock_sendall(client, b"hello")
        reading = asyncio.create_task(loop.sock_recv(client, 10))
        await asyncio.sleep(1)
        seen = [await loop.sock_recv(server, 10), reading.done()]
        reading.cancel()
        return seen

    assert world.run(main()) == [b"hello", False]


def test_threads_of_the_executor_take_part(world):
    def work(seconds):
        world.sleep(seconds)
        return seconds, name.get()

    name = contextvars.ContextVar("name", default="")

    async def main():
        loop = asyncio.get_running_loop()
        name.set("mine")
        seen = await asyncio.gather(asyncio.to_thread(work, 3), asyncio.to_thread(work, 1), asyncio.sleep(2, "slept"))
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 / 0)
        return seen

    assert run(world, main()) == ([(3, "mine"), (1, "mine"), "slept"], 3)


def test_the_end_waits_for_threads_of_the_executor(world):
    seen = []

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(lambda: [world.sleep(5), seen.append("done")]), 1)
        return world.now

    assert run(world, main()) == (1, 5)
    assert seen == ["done"]


def test_other_executors_and_programs_are_refused(world):
    async def main():
        loop = asyncio.get_running_loop()
        with concurrent.futures.ThreadPoolExecutor() as executor, pytest.raises(OutsideWorld, match="give None"):
            await loop.run_in_executor(executor, print)
        with pytest.raises(OutsideWorld, match=r"with world\.outside"):
            await asyncio.create_subprocess_exec("true")
        with pytest.raises(OutsideWorld, match=r"with world\.outside"):
            await asyncio.create_subprocess_shell("true")

    world.run(main())


def protocol():
    return asyncio.Protocol()


REAL = {
    "UDP": lambda loop, _: loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)),
    "a Unix socket": lambda loop, _: loop.create_unix_connection(protocol, "\0nowhere"),
    "a Unix server": lambda loop, _: loop.create_unix_server(protocol, "\0nowhere"),
    "a pipe": lambda loop, sock: loop.connect_read_pipe(protocol, sock),
    "recv": lambda loop, sock: loop.sock_recv(sock, 1),
    "accept": lambda loop, sock: loop.sock_accept(sock),
    "connect": lambda loop, sock: loop.sock_connect(sock, ("127.0.0.1", 9)),
    "sendall": lambda loop, sock: loop.sock_sendall(sock, b"x"),
    "a connection": lambda loop, sock: loop.create_connection(protocol, sock=sock),
    "one that was accepted": lambda loop, sock: loop.connect_accepted_socket(protocol, sock),
    "a server": lambda loop, sock: loop.create_server(protocol, sock=sock),
    "a reader": lambda loop, sock: asyncio.sleep(0, loop.add_reader(sock, print)),
}


@pytest.mark.parametrize("what", REAL)
def test_what_is_real_is_refused_where_it_is_used_and_the_loop_goes_on(world, what):
    async def main():
        loop = asyncio.get_running_loop()
        peer.send(b"there is something to read")
        with pytest.raises(OutsideWorld, match=rf"{__file__}:\d+ in (main|<lambda>): ") as caught:
            await REAL[what](loop, real)
        assert "real world" in str(caught.value)
        assert real.recv(5) == b"there"  # as if nothing had been
        return await answer(1, "goes on")

    real, peer = socket.socketpair()
    with real, peer:
        real.setblocking(False)
        assert world.run(main()) == "goes on"


def test_another_thread_tells_the_loop(world):
    async def main():
        loop, event = asyncio.get_running_loop(), asyncio.Event()

        def tell():
            world.sleep(3)
            loop.call_soon_threadsafe(event.set)
            future = asyncio.run_coroutine_threadsafe(answer(2, "answer"), loop)
            future.add_done_callback(lambda future: results.put(future.result()))

        world.modules["threading"].Thread(target=tell).start()
        await event.wait()
        return await asyncio.to_thread(results.get), world.now

    results = world.modules["queue"].SimpleQueue()
    assert world.run(main()) == ("answer", 5)


def test_who_waits_for_the_loop_as_concurrent_futures_does_is_told_what_to_patch():
    async def main():
        loop = asyncio.get_running_loop()
        return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(answer(2, "answer"), loop).result())

    with amisim.World(patience=0.1) as world, pytest.raises(OutsideWorld, match=r'patch\("concurrent\.futures"\)'):
        world.run(main())
    with amisim.World() as world, world.patch("concurrent.futures"):
        assert run(world, main()) == ("answer", 2)


def test_threads_and_loops_in_one_world(world):
    """A server with asyncio in one thread, clients with threads in others, and another loop."""
    modules = world.modules
    address = modules["queue"].SimpleQueue()

    async def serve():
        async def connected(reader, writer):
            await asyncio.sleep(float(await reader.readline()))
            writer.write(b"done\n")
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        address.put(server.sockets[0].getsockname())
        await asyncio.sleep(60)

    def ask(seconds):
        with modules["socket"].create_connection(where) as sock, sock.makefile("rwb") as file:
            file.write(b"%d\n" % seconds)
            file.flush()
            seen.append((file.readline(), world.now))

    async def ask_too():
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"4\n")
        seen.append((await reader.readline(), world.now))
        writer.close()

    seen = []
    modules["threading"].Thread(target=lambda: world.run(serve()), daemon=True).start()
    where = address.get()
    threads = [modules["threading"].Thread(target=ask, args=(each,)) for each in (5, 3)]
    for each in threads:
        each.start()
    world.run(ask_too())
    for each in threads:
        each.join()
    assert seen == [(b"done\n", 3), (b"done\n", 4), (b"done\n", 5)]


def test_tls(world):
    """With the client of this project, over what asyncio does with TLS."""
    server = world.server(tls=True)
    context = ssl.create_default_context(cafile=amisim.CERTIFICATE)
    login = {"username": "admin", "secret": "secret"}

    async def main():
        async with ami.aio.connect(server.host, server.port, ssl=context, **login) as manager:
            return (await manager.send_action(core.Ping())).success

    assert world.run(main()) is True


@pytest.mark.parametrize("time", ["virtual", "scaled=50"])
@pytest.mark.parametrize("seconds", [5, 0])
def test_time_is_not_advanced_in_a_loop_but_beside_it(time, seconds):
    async def main():
        seen = []
        asyncio.get_running_loop().call_later(seconds, lambda: seen.append(world.now))
        with pytest.raises(WorldError, match=rf"advance\({seconds}\) would .* in main: world\.advance.* asyncio.sleep"):
            world.advance(seconds)
        await asyncio.to_thread(world.advance, seconds)
        assert seconds <= seen[0]

    with amisim.World(time=time) as world:
        world.run(main())


def test_time_is_not_advanced_in_a_callback_of_a_loop(world):
    async def main():
        asyncio.get_running_loop().call_soon(world.advance, 1)
        await asyncio.sleep(3)

    with pytest.raises(WorldError, match=r"advance\(1\) would stop the loop"):
        world.run(main())


def test_run_again_and_again(world):
    assert [world.run(answer(1, each)) for each in range(3)] == [0, 1, 2]
    assert world.now == 3


def test_errors_and_cancellation_pass_through(world):
    async def cancel():
        asyncio.current_task().cancel()
        await asyncio.sleep(1)

    async def fail():
        await asyncio.sleep(1)
        raise KeyError("x")

    with pytest.raises(asyncio.CancelledError):
        world.run(cancel())
    with pytest.raises(KeyError, match="x"):
        world.run(fail())
    with pytest.raises(Deadlock, match=r"main waits for sockets"):
        world.run(asyncio.Event().wait())
    assert world.run(answer(1, "still works")) == "still works"


def test_a_deadlock_says_where_the_tasks_of_a_loop_wait(world):
    async def stuck():
        await asyncio.Event().wait()

    async def main():
        beta = asyncio.create_task(asyncio.Event().wait(), name="beta")
        async with asyncio.TaskGroup() as group:
            for each in range(10):
                group.create_task(stuck(), name=f"alpha {each}")
            await asyncio.to_thread(world.modules["threading"].Event().wait)
        await beta

    with pytest.raises(Deadlock) as caught:
        world.run(main())
    lines = str(caught.value).splitlines()
    assert lines[1].startswith("  main waits for sockets, ")
    own = stuck.__code__.co_firstlineno + 1
    assert lines[2].endswith('in main: await asyncio.to_thread(world.modules["threading"].Event().wait)')
    assert re.fullmatch(r"    task beta at .*locks\.py:\d+ in wait: .*", lines[3])
    for number in range(8):
        where = f"{__file__}:{own} in stuck: await asyncio.Event().wait()"
        assert lines[4 + number] == f"    task alpha {number} at {where}"
    assert lines[12:] == ["    and 2 tasks more", "  executor waits for a condition, its target Event.wait"]


def test_a_deadlock_in_a_task_is_about_that_alone(world):
    async def main():
        world.modules["threading"].Event().wait()

    with pytest.raises(Deadlock, match=r"\n  main waits for a condition, .*Event\(\)\.wait\(\)$"):
        world.run(main())


def leave(many):
    """In which order tasks end that are left over."""
    ended = []

    async def wait(number):
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(number)

    async def main():
        tasks = []
        for each in range(many):
            tasks.append(asyncio.create_task(wait(each)))
            garbage.append([bytearray(each * 37 % 101) for _ in range(each % 7)])
        await asyncio.sleep(1)
        async with asyncio.TaskGroup() as group:
            for each in range(many, 2 * many):
                group.create_task(wait(each))
            await asyncio.sleep(1)
            group._abort()
        done, _ = await asyncio.wait([asyncio.create_task(asyncio.sleep(1, each)) for each in range(many)])
        ended.extend(each.result() for each in done)
        futures = {asyncio.get_running_loop().create_future(): each for each in range(many)}
        ended.extend(futures[each] for each in set(futures))

    garbage = []
    with amisim.World() as world:
        world.run(main())
    return ended


def test_tasks_end_in_the_same_order_each_time():
    first = leave(20)
    assert sorted(first) == sorted([*range(20), *range(20, 40), *range(20), *range(20)])
    assert [leave(20) for _ in range(3)] == [first] * 3


@pytest.mark.filterwarnings("ignore:coroutine 'sleep' was never awaited")
@pytest.mark.parametrize("time", ["virtual", "scaled=50", "real"])
def test_a_world_in_somebody_elses_loop_says_what_to_do(time):
    def in_session():
        with amisim.session(time=time):
            pass

    def in_world(use):
        with amisim.World(time=time) as world:
            use(world)

    async def main():
        for each in (
            in_session,
            lambda: in_world(lambda world: world.server()),
            lambda: in_world(lambda world: world.run(asyncio.sleep(1))),
        ):
            with pytest.raises(WorldError, match=r"already, .* unittest\.TestCase and not Isolated.* with world\.run"):
                each()

    asyncio.run(main())


@pytest.mark.filterwarnings("ignore:coroutine 'sleep' was never awaited")
def test_a_loop_in_a_worlds_loop_says_what_to_do(world):
    async def main():
        with pytest.raises(WorldError, match=r"already, .*: await the coroutine; make a server before"):
            world.run(asyncio.sleep(1))
        with pytest.raises(WorldError, match=r"asyncio\.to_thread\(world\.server\)"):
            world.server()
        return (await asyncio.to_thread(world.server)).port

    assert world.run(main())
