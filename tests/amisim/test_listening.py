"""Listening at names: at each of their addresses, and at one port."""

import asyncio
import errno
import os
import socket

import pytest

from amisim import Server, ServerError
from amisim.listening import listen
from amisim.proxy import Proxy

from .clients import Client

NAMED = ["127.0.0.1", "127.0.0.2"]
AS_NAMED = f"""
import socket

found = socket.getaddrinfo

def getaddrinfo(host, *args, **kwargs):
    return [each for host in ({NAMED} if host == "pbx.test" else [host]) for each in found(host, *args, **kwargs)]

socket.getaddrinfo = getaddrinfo
"""


@pytest.fixture
def named(monkeypatch) -> str:
    """A name that has two addresses."""
    monkeypatch.setattr(socket, "getaddrinfo", socket.getaddrinfo)  # which is put back in the end
    exec(AS_NAMED, {})
    return "pbx.test"


def test_a_server_listens_at_all_addresses_of_a_name_with_one_port(named):
    with Server(host=named) as server:
        assert (server.host, server.addresses) == (named, NAMED)
        for address in NAMED:
            with socket.create_connection((address, server.port), 10) as client:
                assert client.recv(100) == b"Asterisk Call Manager/11.0.0\r\n"


def test_a_server_at_one_address_tells_it():
    with Server() as server:
        assert server.addresses == ["127.0.0.1"]
        with pytest.raises(ServerError, match=f"cannot listen on 127.0.0.1:{server.port}: .*already in use"):
            Server(port=server.port).start()


def test_a_proxy_listens_so_too(named):
    async def run(server: Server) -> list[bytes]:
        stop = asyncio.Event()
        ready: asyncio.Future[Proxy] = asyncio.get_running_loop().create_future()
        running = asyncio.create_task(Proxy(server.host, server.port, host=named).run(ready.set_result, stop))
        proxy = await ready
        greetings = []
        for address in proxy.addresses:
            reader, writer = await asyncio.open_connection(address, proxy.port)
            greetings.append(await reader.readline())
            writer.close()
        stop.set()
        await running
        return greetings

    with Server() as server, Client(server) as client:
        assert asyncio.run(run(server)) == [client.greeting] * 2


def test_a_port_that_is_free_at_one_address_alone_is_not_taken(named):
    asked = []

    async def run() -> None:
        loop = asyncio.get_running_loop()

        async def create(host: str, port: int) -> asyncio.Server:
            asked.append(port)
            if len(asked) == 2:
                raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
            return await loop.create_server(asyncio.Protocol, host, port)

        listener = await listen(create, named, 0)
        (port,) = {each.getsockname()[1] for each in listener.sockets}
        assert asked == [0, asked[1], 0, port]
        listener.close()

    asyncio.run(run())


def test_every_address_of_the_machine_is_not_listened_at_by_accident():
    with pytest.raises(ServerError, match=r"cannot listen at no address: 127\.0\.0\.1 is for this machine alone"):
        Server(host="").start()


def test_a_command_tells_the_addresses_of_a_name(running):
    process = running("serve", "--listen", "pbx.test:0", program=f"{AS_NAMED}\nfrom amisim.cli import main\nmain()")
    assert f"connect to pbx.test:{process.port}, which is 127.0.0.1 and 127.0.0.2; Ctrl-C" in process.first_line
    assert process.end()[0] == 0
