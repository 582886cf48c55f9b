"""The chaos proxy: what passes through it without faults is unchanged, and faults hit what the server says."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from amisim import Server, event, faults, list_complete, response
from amisim.proxy import Proxy
from amisim.relay import UpstreamError
from amisim.server import ServerError

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
GARBAGE = random.Random(5038).randbytes(300_000)
LOGIN = b"Action: Login\r\nActionID: 1\r\nUsername: admin\r\nSecret: secret\r\nEvents: off\r\n\r\n"
ACCEPTED = b"Response: Success\r\nActionID: 1\r\nMessage: Authentication accepted\r\n\r\n"
QUEUES = b"Action: QueueStatus\r\nActionID: 2\r\n\r\n"
TICK = b"Event: Tick\r\nPrivilege: user,all\r\n\r\n"
END = b"ActionID: 2\r\nEventList: Complete\r\nListItems: 2\r\n\r\n"


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def receive_until(self, end: bytes) -> bytes:
        return await self._reader.readuntil(end)

    async def receive_all(self) -> tuple[bytes, str]:
        """Everything up to the end, and how that comes."""
        received = b""
        try:
            while data := await self._reader.read(65_536):
                received += data
        except ConnectionError as error:
            return received, type(error).__name__
        return received, ""

    def end(self) -> None:
        """Close the sending side only."""
        self.writer.write_eof()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Stage:
    """A proxy that runs, between clients and a server, which a test plays unless it is a fake Asterisk."""

    def __init__(self, proxy: Proxy, accepted: asyncio.Queue[Peer], peers: list[Peer]) -> None:
        self.proxy = proxy
        self.peers = peers
        self.stop = asyncio.Event()
        self.hits: list[str] = []
        self.hit = asyncio.Event()
        self._accepted = accepted

    def note(self, hit: faults.Hit) -> None:
        self.hits.append(str(hit))
        self.hit.set()

    async def client(self) -> Peer:
        self.peers.append(Peer(*await asyncio.open_connection(self.proxy.host, self.proxy.port)))
        return self.peers[-1]

    async def server(self) -> Peer:
        """The server's end of the connection for the next client."""
        return await self._accepted.get()

    async def pair(self) -> tuple[Peer, Peer]:
        """The ends of one connection, after the greeting."""
        client, server = await self.client(), await self.server()
        assert await client.receive(len(GREETING)) == GREETING
        return client, server


@asynccontextmanager
async def at_work(*chosen: str, upstream: Server | None = None) -> AsyncIterator[Stage]:
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    accepted: asyncio.Queue[Peer] = asyncio.Queue()
    peers: list[Peer] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        peers.append(Peer(reader, writer))
        accepted.put_nowait(peers[-1])

    listener = await asyncio.start_server(greet, "127.0.0.1")
    host, port = (upstream.host, upstream.port) if upstream else listener.sockets[0].getsockname()
    stage = Stage(Proxy(host, port, faults=chosen, progress=lambda hit: stage.note(hit)), accepted, peers)
    ready = asyncio.Event()
    run = asyncio.create_task(stage.proxy.run(lambda proxy: ready.set(), stage.stop))
    try:
        started = asyncio.create_task(ready.wait())
        await asyncio.wait({started, run}, return_when=asyncio.FIRST_COMPLETED)
        if run.done():
            await run
        if upstream is None:
            look = await stage.server()
            assert await look.receive_all() == (b"", "")
        yield stage
    finally:
        stage.stop.set()
        await run
        for peer in peers:
            peer.writer.close()
        listener.close()
        await asyncio.sleep(0)
    assert complaints == []


def play(test: Callable[[Stage], Awaitable[None]], *chosen: str, **options) -> None:
    async def run() -> None:
        async with at_work(*chosen, **options) as stage, asyncio.timeout(30):
            await test(stage)

    asyncio.run(run())


@pytest.fixture
def asterisk():
    with Server() as server:
        server.on("QueueStatus").reply(
            response(EventList="start"),
            event("QueueMember", Name="Alice"),
            event("QueueMember", Name="Bob"),
            list_complete(),
        )
        yield server


@pytest.mark.parametrize("sent", [GARBAGE, b"\r\n\r\n\n\r\0\xff\xfe" * 50, b"Event: A\r\n\r\nEvent: B"])
@pytest.mark.parametrize("chosen", [[], ["drop event Nothing"]], ids=["no fault", "a fault for others"])
def test_any_bytes_pass_unchanged_in_both_directions(sent, chosen):
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        client.send(sent)
        server.send(sent[::-1])
        client.end()
        server.end()
        assert await asyncio.gather(client.receive_all(), server.receive_all()) == [(sent[::-1], ""), (sent, "")]

    play(test, *chosen)


def test_what_a_client_sends_is_passed_on_as_it_comes():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        client.send(b"Action: Pi")
        assert await server.receive(10) == b"Action: Pi"

    play(test, "delay 3600 any nth=2")


def test_a_fault_hits_what_a_fake_asterisk_says(asterisk):
    async def test(stage: Stage) -> None:
        client = await stage.client()
        client.send(LOGIN + QUEUES)
        received = await client.receive_until(END)
        assert received.startswith(GREETING + ACCEPTED)
        assert b"Alice" in received
        assert b"Bob" not in received
        assert stage.hits == ["fault: drop item QueueStatus nth=2"]
        assert (stage.proxy.connections, stage.proxy.hits) == (1, 1)
        assert list(map(str, stage.proxy.unused)) == ["reset event Hangup"]

    play(test, "drop item QueueStatus nth=2", "reset event Hangup", upstream=asterisk)


def test_what_is_delayed_comes_in_the_end():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        server.send(TICK * 2)
        server.end()
        client.end()
        began = asyncio.get_running_loop().time()
        assert await client.receive_all() == (TICK * 2, "")
        assert asyncio.get_running_loop().time() - began >= 0.04

    play(test, "delay 0.05 event Tick")


@pytest.mark.parametrize(
    ("fault", "end"),
    [("reset event Tick", "ConnectionResetError"), ("refuse event Tick", ""), ("cut 8 event Tick", "")],
)
def test_a_connection_that_a_fault_closes_is_closed_on_both_sides(fault, end):
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        server.send(TICK + TICK)
        assert await client.receive_all() == (TICK[:8] if fault.startswith("cut") else b"", end)
        assert (await server.receive_all())[0] == b""

    play(test, fault)


def test_a_half_closed_client_can_still_send():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        server.send(TICK)
        assert await client.receive_all() == (b"", "")
        client.send(LOGIN)
        assert await server.receive(len(LOGIN)) == LOGIN
        client.end()
        assert await server.receive_all() == (b"", "")

    play(test, "half_close event Tick")


def test_a_refused_client_does_not_reach_the_server_and_the_next_one_does():
    async def test(stage: Stage) -> None:
        client = await stage.client()
        assert await client.receive_all() == (b"", "")
        await stage.pair()
        assert stage.hits == ["fault: refuse connection times=1"]

    play(test, "refuse times=1")


def test_a_silent_server_takes_what_the_client_says():
    async def test(stage: Stage) -> None:
        client, server = await stage.client(), await stage.server()
        client.send(LOGIN)
        assert await server.receive(len(LOGIN)) == LOGIN
        server.send(TICK)
        client.end()
        assert await server.receive_all() == (b"", "")
        server.end()
        assert await client.receive_all() == (b"", "")

    play(test, "silent")


def test_the_end_of_one_direction_is_passed_on_while_the_other_goes_on():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        client.end()
        assert await server.receive_all() == (b"", "")
        server.send(TICK)
        assert await client.receive(len(TICK)) == TICK
        server.end()
        assert await client.receive_all() == (b"", "")

    play(test)


def test_a_server_that_resets_resets_the_client():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        server.reset()
        assert await client.receive_all() == (b"", "ConnectionResetError")

    play(test)


def test_a_client_that_resets_is_an_end_for_the_server():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        client.reset()
        assert await server.receive_all() == (b"", "")

    play(test)


def test_clients_and_server_see_the_end_of_the_proxy_as_an_end():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        server.send(TICK)
        stage.stop.set()
        assert (await client.receive_all())[0] in (b"", TICK)
        assert (await server.receive_all())[0] == b""

    play(test, "delay 3600 event Tick nth=2")


def test_the_proxy_ends_though_a_client_reads_nothing():
    async def test(stage: Stage) -> None:
        client, server = await stage.pair()
        client.writer.transport.pause_reading()
        flood = asyncio.create_task(_send_for_ever(server))
        await stage.hit.wait()
        flood.cancel()

    play(test, "delay 0 event Tick nth=5000")


async def _send_for_ever(server: Peer) -> None:
    while True:
        server.send(TICK * 1000)
        await server.writer.drain()


def test_a_server_that_is_gone_later_closes_the_client():
    async def test(stage: Stage) -> None:
        _, server = await stage.pair()
        stage.proxy._upstream = await _closed_port()
        assert await (await stage.client()).receive_all() == (b"", "")
        server.end()

    play(test)


async def _closed_port() -> tuple[str, int]:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        return deaf.getsockname()


def test_a_server_that_cannot_be_reached_is_an_error_at_once():
    async def run() -> None:
        host, port = await _closed_port()
        with pytest.raises(UpstreamError, match=f"cannot connect to {host}:{port}: Connection refused"):
            await Proxy(host, port).run(lambda proxy: None, asyncio.Event())

    asyncio.run(run())


def test_a_port_that_is_taken_is_an_error(asterisk):
    async def run() -> None:
        proxy = Proxy(asterisk.host, asterisk.port, host=asterisk.host, port=asterisk.port)
        with pytest.raises(ServerError, match=rf"cannot listen on {asterisk.host}:{asterisk.port}: "):
            await proxy.run(lambda proxy: None, asyncio.Event())

    asyncio.run(run())


def test_a_text_that_is_no_fault_is_an_error_before_anything_listens():
    with pytest.raises(faults.FaultError, match=r"did you mean 'drop'\?"):
        Proxy("127.0.0.1", 1, faults=["dorp event A"])
