"""Waiting for several sockets at once is in a world what it really is, but for the time."""

import os
import selectors
import socket

import pytest

from amisim.world import OutsideWorld


def test_select_says_who_is_ready(alike):
    def program(m):
        (one, other), (quiet, peer) = m.connected(), m.connected()
        names = {one: "one", other: "other", quiet: "quiet", peer: "peer"}

        def select(*args):
            return [[names[each] for each in ready] for ready in m.select.select(*args)]

        seen = [select([one, quiet], [], [], 0), select([], [one, quiet], [quiet], 0), select([one], [one], [one], 1)]
        other.sendall(b"x")
        seen += [select([quiet, one], [], []), select([one], [quiet], [], 5 * m.unit)]
        peer.close()
        seen += [select([one, quiet], [], [], None), select([quiet], [quiet], [], 0)]
        return seen, m.select.select([], [], [], 0)

    alike(program, takes=0)


def test_select_waits_as_long_as_said(alike):
    def program(m):
        client, server = m.connected()
        seen = [m.select.select([client, server], [], [], 2 * m.unit), m.select.select([], [], [], m.unit)]
        timer = m.threading.Timer(m.unit, server.sendall, [b"x"])
        timer.start()
        return seen, m.select.select([client], [], [], 10 * m.unit)[0] == [client]

    assert alike(program, takes=4) == ([([], [], []), ([], [], [])], True)


def test_select_of_numbers_listeners_and_what_is_new(alike):
    def program(m):
        listening = m.socket.create_server(("127.0.0.1", 0))
        seen = [m.select.select([listening.fileno()], [listening], [], 0)]
        client = m.socket.create_connection(listening.getsockname())
        new = m.socket.socket()
        ready = m.select.select([listening.fileno(), client], [listening, client.fileno()], [], m.unit)
        seen += [[each in (listening.fileno(), client.fileno()) for each in some] for some in ready]
        seen += [len(each) for each in m.select.select([new], [new], [], 0)]
        return seen

    alike(program, takes=0)


def test_who_waits_for_room(alike):
    def program(m):
        client, server = m.connected()
        client.setblocking(False)
        while m.select.select([], [client], [], 0)[1]:
            m.error(client.send, bytes(1 << 16))

        def read():
            m.time.sleep(m.unit)
            server.setblocking(False)
            while isinstance(m.error(server.recv, 1 << 16), bytes) or m.select.select([server], [], [], m.unit)[0]:
                pass

        m.start(read)
        return len(m.select.select([], [client], [], 30 * m.unit)[1])

    assert alike(program) == 1


def test_what_select_refuses(alike):
    def program(m):
        client, _ = m.connected()
        number = client.fileno()
        client.close()
        return [
            m.error(m.select.select, [client], [], []),
            m.error(m.select.select, [number], [], [])[:2],
            m.error(m.select.select, [], [], [], -1),
            m.error(m.select.select, [-1], [], []),
            m.error(m.select.select, ["x"], [], [])[0],
            m.error(m.select.select, 5, [], [])[0],
        ]

    alike(program)


KINDS = [name for name in vars(selectors) if name.endswith("Selector") and name[0] != "_" and name != "BaseSelector"]


@pytest.mark.parametrize("kind", KINDS)
def test_selectors(alike, kind):
    def program(m):
        (one, other), (third, fourth) = m.connected(), m.connected()
        read, write = m.selectors.EVENT_READ, m.selectors.EVENT_WRITE
        with getattr(m.selectors, kind)() as selector:
            selector.register(one, read, "one")
            selector.register(third, read | write, data="third")

            def select(*args):
                return sorted((key.data, events) for key, events in selector.select(*args))

            seen = [select(), select(0)]
            selector.modify(third, read, "third")
            seen += [select(m.unit), select(-1)]
            other.sendall(b"x")
            fourth.close()
            seen += [select(), select(5 * m.unit)]
            selector.unregister(third)
            seen += [select(), selector.get_key(one).data, m.error(selector.get_key, third)[0], len(selector.get_map())]
            seen += [m.error(selector.register, one, read)[0], m.error(selector.unregister, third)[0]]
        return seen

    alike(program, takes=1)


def test_a_selector_is_woken_by_another_thread(alike):
    def program(m):
        end, source = m.socket.socketpair()
        selector = m.selectors.DefaultSelector()
        selector.register(end, m.selectors.EVENT_READ)
        timer = m.threading.Timer(2 * m.unit, source.send, [b"\0"])
        timer.start()
        return len(selector.select()), end.recv(10), selector.select(m.unit)

    assert alike(program, takes=3) == (1, b"\0", [])


def test_what_is_real_cannot_be_waited_for(world):
    reader, writer = os.pipe()
    with socket.socket() as real, open(os.devnull) as file:
        for each in (real, file, reader, real.fileno()):
            with pytest.raises(OutsideWorld, match="of the real world"):
                world.modules["select"].select([each], [], [], 1)
            with pytest.raises(OutsideWorld, match="of the real world"):
                world.modules["select"].select([], [], [each], 1)
            with world.modules["selectors"].DefaultSelector() as selector:
                with pytest.raises(OutsideWorld, match=rf"of the real world.*{__file__}:\d+ in .*selector.register"):
                    selector.register(each, 1)
                assert selector.select(1) == []
    os.close(reader)
    os.close(writer)
