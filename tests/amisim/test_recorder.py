"""The recording proxy: what passes through it is unchanged, and what it records is what passed."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from amisim import recording
from amisim.recorder import Recorder
from amisim.recording import Recording, RecordingError, RecordingWriter, load
from amisim.relay import UpstreamError
from amisim.server import ServerError

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
GARBAGE = random.Random(5038).randbytes(300_000)
LOGIN = b"Action: Login\r\nActionID: a-1\r\nUsername: admin\r\nSecret: secret\r\n\r\n"
ACCEPTED = b"Response: Success\r\nActionID: a-1\r\nMessage: Authentication accepted\r\n\r\n"


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._reader = reader

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def send_for_ever(self, data: bytes) -> None:
        while True:
            await self.send(data)

    async def receive(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def receive_all(self) -> bytes:
        """Everything up to the end, in whichever way it comes."""
        received = b""
        try:
            while data := await self._reader.read(65_536):
                received += data
        except ConnectionError:
            pass
        return received

    def end(self) -> None:
        """Close the sending side only."""
        self.writer.write_eof()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Proxy:
    """A recorder that runs, between clients and a server that a test plays."""

    def __init__(self, recorder: Recorder, upstream: asyncio.Server, accepted: asyncio.Queue[Peer]) -> None:
        self.recorder = recorder
        self.upstream = upstream
        self.stop = asyncio.Event()
        self.peers: list[Peer] = []
        self._accepted = accepted

    async def client(self) -> Peer:
        peer = Peer(*await asyncio.open_connection(self.recorder.host, self.recorder.port))
        self.peers.append(peer)
        return peer

    async def server(self) -> Peer:
        """The server's end of the connection for the next client."""
        peer = await self._accepted.get()
        self.peers.append(peer)
        return peer

    async def pair(self) -> tuple[Peer, Peer]:
        """The ends of one connection, after the greeting."""
        client, server = await self.client(), await self.server()
        assert await client.receive(len(GREETING)) == GREETING
        return client, server


@asynccontextmanager
async def recorder_at_work(path: Path, **options) -> AsyncIterator[Proxy]:
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    accepted: asyncio.Queue[Peer] = asyncio.Queue()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        accepted.put_nowait(Peer(reader, writer))

    upstream = await asyncio.start_server(greet, "127.0.0.1")
    proxy = Proxy(Recorder(str(path), *upstream.sockets[0].getsockname(), **options), upstream, accepted)
    ready = asyncio.Event()
    run = asyncio.create_task(proxy.recorder.run(lambda recorder: ready.set(), proxy.stop))
    try:
        started = asyncio.create_task(ready.wait())
        await asyncio.wait({started, run}, return_when=asyncio.FIRST_COMPLETED)
        look = await proxy.server()
        assert await look.receive_all() == b""
        yield proxy
        proxy.stop.set()
        await run
    finally:
        for peer in proxy.peers:
            peer.writer.close()
        upstream.close()
        await asyncio.sleep(0)
    assert complaints == []


def record(path: Path, play: Callable[[Proxy], Awaitable[None]], **options) -> Recording:
    """Record what a test plays."""

    async def run() -> None:
        async with recorder_at_work(path, **options) as proxy:
            await play(proxy)

    asyncio.run(run())
    return load(path)


def stream(recorded: Recording, direction: str, connection: int = 1) -> bytes:
    chunks = recording.chunks(recorded.records)
    return b"".join(data for number, way, _, data in chunks if (number, way) == (connection, direction))


def kinds(recorded: Recording, connection: int = 1) -> list[str]:
    return [f"{each.direction}{each.kind}" for each in recorded.records if each.connection == connection]


@pytest.mark.parametrize(
    "sent",
    [
        GARBAGE,
        b"\r\n\r\n\n\r\0\xff\xfe" * 50,
        b"Action: Ping\r\n\r\nAction: Pi",
        b"Response: Follows\r\nno end\r\n\r\n",
        "---\n...\n\u2028\u0085\ufeff".encode(),
        b"\0",
    ],
    ids=["noise", "line ends", "half a frame", "output without an end", "YAML", "NUL"],
)
def test_any_bytes_pass_unchanged_in_both_directions_and_are_recorded(tmp_path, sent):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        received = await asyncio.gather(
            client.send(sent), server.send(sent[::-1]), server.receive(len(sent)), client.receive(len(sent))
        )
        assert received[2:] == [sent, sent[::-1]]

    recorded = record(tmp_path / "r.yaml", play)
    assert stream(recorded, ">") == sent
    assert stream(recorded, "<") == GREETING + sent[::-1]


def test_what_is_redacted_in_the_recording_passes_unchanged(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        await client.send(LOGIN)
        assert await server.receive(len(LOGIN)) == LOGIN

    recorded = record(tmp_path / "r.yaml", play)
    assert stream(recorded, ">") == LOGIN.replace(b": secret", b": secret-1")


def test_each_chunk_has_its_time_and_times_increase(tmp_path):
    pieces = [LOGIN[start : start + 10] for start in range(0, len(LOGIN), 10)]

    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        for piece in pieces:
            await client.send(piece)
            assert await server.receive(len(piece)) == piece
            await server.send(piece)
            assert await client.receive(len(piece)) == piece

    recorded = record(tmp_path / "r.yaml", play, redact=False)
    for direction in "><":
        chunks = [(at, data) for _, way, at, data in recording.chunks(recorded.records) if way == direction]
        assert [data for _, data in chunks][-len(pieces) :] == pieces
        times = [at for at, _ in chunks]
        assert times == sorted(set(times))
    assert [each.at for each in recorded.records] == sorted(each.at for each in recorded.records)


def test_the_end_of_one_direction_is_passed_on_while_the_other_goes_on(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        await client.send(LOGIN)
        client.end()
        assert await server.receive_all() == LOGIN
        await server.send(ACCEPTED)
        assert await client.receive(len(ACCEPTED)) == ACCEPTED
        server.end()
        assert await client.receive_all() == b""

    recorded = record(tmp_path / "r.yaml", play)
    assert kinds(recorded) == ["open", "<data", ">data", ">eof", "<data", "<eof"]


def test_the_server_may_end_its_direction_first(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        server.end()
        assert await client.receive_all() == b""
        await client.send(LOGIN)
        client.end()
        assert await server.receive_all() == LOGIN

    assert kinds(record(tmp_path / "r.yaml", play)) == ["open", "<data", "<eof", ">data", ">eof"]


def test_a_client_that_resets_is_an_end_for_the_server_and_an_error_in_the_recording(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        await client.send(LOGIN)
        assert await server.receive(len(LOGIN)) == LOGIN
        client.reset()
        assert await server.receive_all() == b""
        server.end()

    recorded = record(tmp_path / "r.yaml", play)
    assert kinds(recorded)[:4] == ["open", "<data", ">data", ">error"]
    assert recorded.records[3].data == b"ConnectionResetError"


def test_a_server_that_resets_is_an_end_for_the_client_and_an_error_in_the_recording(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        server.reset()
        assert await client.receive_all() == b""

    assert kinds(record(tmp_path / "r.yaml", play)) == ["open", "<data", "<error"]


def test_a_server_is_not_blamed_for_a_client_that_went_while_it_sent(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        client.reset()
        with pytest.raises(ConnectionError):
            await server.send_for_ever(b"Event: Tick\r\n\r\n" * 1000)

    recorded = kinds(record(tmp_path / "r.yaml", play))
    assert ">error" in recorded
    assert "<error" not in recorded


def test_several_clients_at_once_are_connections_of_their_own(tmp_path):
    async def play(proxy: Proxy) -> None:
        pairs = [await proxy.pair() for _ in range(5)]
        for number, (client, server) in enumerate(pairs, 1):
            await client.send(b"Action: Ping\r\nActionID: %d\r\n\r\n" % number)
            await server.receive(10)
        for number, (client, server) in reversed(list(enumerate(pairs, 1))):
            answer = b"Response: Success\r\nActionID: %d\r\n\r\n" % number
            await server.send(answer)
            assert await client.receive(len(answer)) == answer
        assert proxy.recorder.connections == 5

    recorded = record(tmp_path / "r.yaml", play)
    assert [each.connection for each in recorded.records if each.kind == "open"] == [1, 2, 3, 4, 5]
    for number in range(1, 6):
        assert stream(recorded, ">", number) == b"Action: Ping\r\nActionID: %d\r\n\r\n" % number
        assert stream(recorded, "<", number) == GREETING + b"Response: Success\r\nActionID: %d\r\n\r\n" % number
    answers = [each for each in recorded.records if each.data.startswith(b"Response")]
    assert [(each.connection, each.cause) for each in answers] == [(5, 5), (4, 4), (3, 3), (2, 2), (1, 1)]


def test_a_client_that_the_server_refuses_later_is_closed_and_noted(tmp_path):
    async def play(proxy: Proxy) -> None:
        await proxy.pair()
        proxy.upstream.close()
        client = await proxy.client()
        assert await client.receive_all() == b""

    recorded = record(tmp_path / "r.yaml", play)
    notes = [each.data for each in recorded.records if each.kind == "note"]
    assert notes == [b"c2: cannot connect to the server: Connection refused"]
    assert kinds(recorded, 2) == ["open", "<eof"]


def test_what_has_no_end_yet_when_recording_ends_is_recorded(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        await client.send(b"Action: Pi")
        assert await server.receive(10) == b"Action: Pi"
        await server.send(b"Response: Suc")
        assert await client.receive(13) == b"Response: Suc"

    recorded = record(tmp_path / "r.yaml", play)
    assert stream(recorded, ">") == b"Action: Pi"
    assert stream(recorded, "<") == GREETING + b"Response: Suc"


def test_clients_and_server_see_the_end_of_the_recording_as_an_end(tmp_path):
    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        proxy.stop.set()
        assert await client.receive_all() == b""
        assert await server.receive_all() == b""

    assert kinds(record(tmp_path / "r.yaml", play)) == ["open", "<data"]


def test_recording_ends_though_a_client_reads_nothing(tmp_path):
    much = asyncio.Event()

    def progress(recorder: Recorder) -> None:
        if recorder.frames > 200:
            much.set()

    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        client.writer.transport.pause_reading()
        flood = asyncio.create_task(server.send((b"Event: Tick\r\nX: " + b"x" * 20_000 + b"\r\n\r\n") * 2000))
        await much.wait()
        flood.cancel()

    record(tmp_path / "r.yaml", play, progress=progress)


def test_progress_is_told_after_each_chunk(tmp_path):
    seen = []

    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        await client.send(LOGIN)
        await server.receive(len(LOGIN))
        await server.send(ACCEPTED)
        await client.receive(len(ACCEPTED))

    record(tmp_path / "r.yaml", play, progress=lambda recorder: seen.append((recorder.connections, recorder.frames)))
    assert seen == [(1, 1), (1, 2), (1, 3)]


def test_recording_ends_with_the_error_when_it_cannot_be_written_any_more(tmp_path, monkeypatch):
    write = RecordingWriter.write

    def failing(self: RecordingWriter, record: recording.Record) -> None:
        if record.data == LOGIN:
            raise RecordingError(self.path, 0, "cannot be written: No space left on device")
        write(self, record)

    monkeypatch.setattr(RecordingWriter, "write", failing)

    async def play(proxy: Proxy) -> None:
        client, _ = await proxy.pair()
        await client.send(LOGIN)
        assert await client.receive_all() == b""

    with pytest.raises(RecordingError, match="No space left on device"):
        record(tmp_path / "r.yaml", play)
    assert kinds(load(tmp_path / "r.yaml")) == ["open", "<data"]


def test_the_last_record_that_cannot_be_written_is_an_error_too(tmp_path, monkeypatch):
    write = RecordingWriter.write

    def failing(self: RecordingWriter, record: recording.Record) -> None:
        if record.direction == ">":
            raise RecordingError(self.path, 0, "cannot be written: No space left on device")
        write(self, record)

    monkeypatch.setattr(RecordingWriter, "write", failing)

    async def play(proxy: Proxy) -> None:
        client, server = await proxy.pair()
        await client.send(b"Action: Pi")
        await server.receive(10)

    with pytest.raises(RecordingError, match="No space left on device"):
        record(tmp_path / "r.yaml", play)


def test_a_port_that_is_taken_is_an_error(tmp_path):
    async def play(proxy: Proxy) -> None:
        host, port = proxy.upstream.sockets[0].getsockname()
        other = Recorder(str(tmp_path / "other.yaml"), host, port, host=host, port=port)
        with pytest.raises(ServerError, match=rf"cannot listen on {host}:{port}: .*Address already in use"):
            await other.run(lambda recorder: None, asyncio.Event())
        await proxy.server()

    record(tmp_path / "r.yaml", play)
    assert not (tmp_path / "other.yaml").exists()


def test_a_server_that_cannot_be_reached_is_an_error_before_anything_is_written(tmp_path):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        host, port = deaf.getsockname()
        recorder = Recorder(str(tmp_path / "r.yaml"), host, port)
        with pytest.raises(UpstreamError, match=f"cannot connect to {host}:{port}: Connection refused"):
            asyncio.run(recorder.run(lambda recorder: None, asyncio.Event()))
    assert not (tmp_path / "r.yaml").exists()
