"""Sockets do in a world what those for TCP on one machine really do, but for the time."""

import errno
import gc
import re
import socket
import struct
from contextlib import suppress
from functools import partial

import pytest

from amisim.world import OutsideWorld

RESETS = struct.pack("ii", 1, 0)


def listener(m, **options):
    return m.socket.create_server(("127.0.0.1", 0), **options)


def fill(sock):
    """Send until there is no room; return how often."""
    sock.setblocking(False)
    count = 0
    while True:
        try:
            sock.send(bytes(65_536))
        except BlockingIOError:
            return count
        count += 1


def until_eof(sock):
    pieces = []
    while piece := sock.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def test_a_conversation(alike):
    def program(m):
        client, server = m.connected()
        buffer = bytearray(10)
        client.sendall(b"one two three")
        seen = [server.recv(3), server.recv(4, m.socket.MSG_PEEK), server.recv_into(buffer, 4), bytes(buffer)]
        seen += [server.recv_into(memoryview(buffer)[4:]), bytes(buffer), server.send(memoryview(b"four"))]
        seen += [server.sendmsg([b" fi", bytearray(b"ve")]), client.recv(100), client.send(b""), client.recv(0)]
        with client, server:
            pass
        return seen, client.fileno(), server.fileno()

    alike(program, takes=0)


def test_what_is_not_connected(alike):
    def program(m):
        new = m.socket.socket()
        client, _ = m.connected()
        return [
            m.error(new.recv, 1),
            m.error(new.send, b"x"),
            m.error(new.sendall, b"x"),
            m.error(new.shutdown, m.socket.SHUT_RDWR),
            m.error(new.getpeername),
            m.error(new.accept),
            m.error(client.connect, client.getpeername()),
            m.error(client.accept),
            m.error(client.shutdown, 7),
            m.error(client.recv, -1),
            m.error(client.recv_into, bytearray(2), 3),
            m.error(client.recv_into, bytearray(2), -1),
            m.error(client.send, "x")[0],
        ]

    alike(program)


def test_what_is_closed(alike):
    def program(m):
        client, _ = m.connected()
        listening = listener(m)
        address = listening.getsockname()
        for each in (client, listening, client):
            each.close()
        calls = [
            (client.recv, 1), (client.send, b"x"), (client.sendall, b"x"), (client.shutdown, m.socket.SHUT_WR),
            (client.getsockname,), (client.getpeername,), (client.connect, address), (client.setsockopt, 1, 2, 1),
            (client.getsockopt, 1, 2), (client.listen,), (client.bind, ("127.0.0.1", 0)), (listening.accept,),
            (client.connect_ex, address), (client.fileno,), (m.socket.create_connection, address), (client.close,),
        ]  # fmt: skip
        return [m.error(*each) for each in calls]

    alike(program)


def test_timeouts(alike):
    def program(m):
        client, server = m.connected()
        listening = listener(m)
        seen = [client.gettimeout(), client.timeout, client.getblocking(), server.gettimeout()]
        client.settimeout(2 * m.unit)
        listening.settimeout(m.unit)
        seen += [m.error(client.recv, 1), m.error(client.recv_into, bytearray(1)), m.error(listening.accept)]
        client.setblocking(False)
        listening.settimeout(0)
        seen += [client.gettimeout(), client.getblocking(), m.error(client.recv, 1), m.error(listening.accept)]
        client.setblocking(True)
        seen += [client.gettimeout(), m.error(client.settimeout, -1)]
        seen += [m.error(client.recv, 1, m.socket.MSG_DONTWAIT)]
        seen += [m.error(client.recv, 1, m.socket.MSG_DONTWAIT | m.socket.MSG_PEEK)]
        return seen

    alike(program, takes=5)


def test_timeouts_by_default(alike):
    def program(m):
        seen = [m.socket.getdefaulttimeout()]
        try:
            m.socket.setdefaulttimeout(m.unit)
            client, server = m.connected()
            seen += [*(round(each.gettimeout() / m.unit, 6) for each in (client, server)), m.error(client.recv, 1)]
            seen += [m.error(m.socket.setdefaulttimeout, -1)]
        finally:
            m.socket.setdefaulttimeout(None)
        return [*seen, m.socket.socket().gettimeout()]

    alike(program, takes=1)
    assert socket.getdefaulttimeout() is None


def test_who_waits_for_data_gets_it(alike):
    def program(m):
        client, server = m.connected()
        client.settimeout(5 * m.unit)
        timer = m.threading.Timer(m.unit, server.sendall, [b"late"])
        timer.start()
        return client.recv(100)

    assert alike(program, takes=1) == b"late"


def test_who_waits_for_a_connection_gets_it(alike):
    def program(m):
        listening = listener(m)
        clients = []
        timer = m.threading.Timer(m.unit, lambda: clients.append(m.socket.create_connection(listening.getsockname())))
        timer.start()
        server, _ = listening.accept()
        timer.join()
        return server.getpeername() == clients[0].getsockname()

    assert alike(program, takes=1) is True


def test_no_room_to_send(alike):
    def program(m):
        client, server = m.connected()
        seen = [fill(client) > 1, m.error(client.send, b"x" * 65_536)]
        client.settimeout(m.unit)
        seen += [m.error(client.send, bytes(65_536)), m.error(client.sendall, bytes(65_536))]
        m.start(until_eof, server)
        client.settimeout(None)
        length = 1 << 21
        return [*seen, client.send(bytes(length)) == length, client.sendall(bytes(length))]

    seen = alike(program)
    assert [each[0] for each in seen[1:4]] == [BlockingIOError, TimeoutError, TimeoutError]


def test_a_send_with_a_timeout_may_send_a_part(alike):
    def program(m):
        client, _ = m.connected()
        client.settimeout(m.unit)
        return 0 < client.send(bytes(1 << 26)) < 1 << 26

    assert alike(program, takes=0) is True


def test_the_time_of_sendall_is_that_of_all(alike):
    def program(m):
        client, server = m.connected()
        client.settimeout(3 * m.unit)

        def read_slowly():
            while True:
                m.time.sleep(m.unit)
                server.recv(1)

        m.start(read_slowly)
        return m.error(client.sendall, bytes(1 << 26))

    assert alike(program, takes=3)[0] is TimeoutError


def test_the_end_of_what_is_sent(alike):
    def program(m):
        client, server = m.connected()
        client.sendall(b"last words")
        client.shutdown(m.socket.SHUT_WR)
        seen = [m.error(client.send, b"more"), server.recv(4), until_eof(server), server.recv(1)]
        server.sendall(b"an answer")  # the other direction is open
        server.close()
        return [*seen, until_eof(client), client.recv(1)]

    alike(program)


def test_reading_no_more(alike):
    def program(m):
        client, server = m.connected()
        client.shutdown(m.socket.SHUT_RD)
        seen = [client.recv(1)]
        server.sendall(b"x")
        client.sendall(b"y")
        return [*seen, server.recv(5), server.send(b"z")]

    alike(program)


def test_the_end_of_both_directions_wakes_who_reads(alike):
    def program(m):
        client, server = m.connected()
        seen = []
        thread = m.start(lambda: seen.append(m.error(client.recv, 1)))
        m.time.sleep(m.unit)
        client.shutdown(m.socket.SHUT_RDWR)
        thread.join()
        return seen, server.recv(1), m.error(client.send, b"x"), server.send(b"x"), m.error(server.send, b"x")

    alike(program, takes=1)


def test_closed_with_nothing_unread(alike):
    """The other side sees the end, may send once, and no more."""

    def program(m):
        client, server = m.connected()
        server.sendall(b"bye")
        server.close()
        seen = [client.send(b"x")]
        m.time.sleep(m.unit)
        return [*seen, m.error(client.send, b"x"), m.error(client.recv, 10), m.error(client.recv, 10)]

    alike(program)


@pytest.mark.parametrize("how", ["unread", "linger"])
@pytest.mark.parametrize("first", ["recv", "send"])
def test_a_reset(alike, how, first):
    def program(m):
        client, server = m.connected()
        server.sendall(b"there")
        if how == "unread":
            client.sendall(b"never read")
            m.select.select([server], [], [], 5)
        else:
            server.setsockopt(m.socket.SOL_SOCKET, m.socket.SO_LINGER, RESETS)
        server.close()
        m.time.sleep(m.unit)
        calls = {"recv": (client.recv, 10), "send": (client.send, b"x")}
        order = [first, first, first, "recv", "send", "recv", "send"]
        return [m.error(*calls[each]) for each in order]

    seen = alike(program, takes=1)
    assert any(each[0] is ConnectionResetError for each in seen if isinstance(each, tuple))


@pytest.mark.parametrize("how", ["not told", "told", "sent"])
def test_after_a_reset_there_is_no_connection(alike, how):
    def program(m):
        client, server = m.connected()
        if how != "sent":
            server.setsockopt(m.socket.SOL_SOCKET, m.socket.SO_LINGER, RESETS)
        server.close()
        m.time.sleep(m.unit)
        seen = [client.send(b"x")] if how == "sent" else []
        seen += [m.error(client.recv, 1)] if how == "told" else []
        m.time.sleep(m.unit)
        calls = [client.getpeername, lambda: client.shutdown(m.socket.SHUT_WR), lambda: client.recv(1)]
        calls += [client.getpeername, lambda: client.shutdown(m.socket.SHUT_RDWR), lambda: client.send(b"x")]
        return seen, [m.error(each) for each in calls]

    assert alike(program, takes=2)[1][0][1] == errno.ENOTCONN


def test_a_connection_cannot_listen(alike):
    def program(m):
        client, server = m.connected()
        seen = [m.error(client.listen), m.error(server.listen)]
        client.sendall(b"x")
        return [*seen, server.recv(1)]

    assert alike(program)[0][1] == errno.EINVAL


def test_recv_of_all(alike):
    def program(m):
        client, server = m.connected()
        everything = m.socket.MSG_WAITALL

        def say():
            for each in (b"one", b"two", b"three"):
                server.sendall(each)
                m.time.sleep(m.unit)
            server.close()

        m.start(say)
        buffer = bytearray(4)
        seen = [client.recv(5, everything), client.recv_into(buffer, 0, everything | m.socket.MSG_PEEK), bytes(buffer)]
        client.settimeout(5 * m.unit)
        seen += [client.recv(4096, everything)]  # with a time-out, it takes what is there
        client.setblocking(True)
        return [*seen, client.recv(10, everything), client.recv(0, everything)]

    assert alike(program, takes=3)[0] == b"onetw"


def test_recvfrom(alike):
    def program(m):
        client, server = m.connected()
        server.sendall(b"one two")
        buffer = bytearray(10)
        seen = [client.recvfrom(3), client.recvfrom(1, m.socket.MSG_PEEK), client.recvfrom_into(buffer), bytes(buffer)]
        return [*seen, m.error(client.recvfrom, -1)[0], m.error(client.recvfrom_into, bytearray(2), 3)[0]]

    assert alike(program)[0] == (b"one", None)


def test_messages(alike):
    def program(m):
        client, server = m.connected()
        one, other = bytearray(2), bytearray(3)
        sent = [server.sendto(b"one", ("127.0.0.1", 9)), server.sendto(b" two", 0, ("127.0.0.1", 9))]
        m.time.sleep(m.unit)
        seen = [client.recvmsg(2), client.recvmsg(1, 0, m.socket.MSG_PEEK)[0]]
        seen += [client.recvmsg_into([one, other]), one, other, client.get_inheritable(), client.set_inheritable(False)]
        return sent, seen

    alike(program)


def test_a_file_is_sent(alike, tmp_path):
    path = tmp_path / "words"
    path.write_bytes(b"one two three")

    def program(m):
        client, server = m.connected()
        with path.open("rb") as file, path.open() as text:
            seen = [server.sendfile(file), server.sendfile(file, 4, 3), file.tell(), m.error(server.sendfile, text)]
            seen += [m.error(server.sendfile, file, count=0)[0]]
            server.setblocking(False)
            seen.append(m.error(server.sendfile, file)[0])
        server.close()
        return seen, client.recv(100, m.socket.MSG_WAITALL)

    alike(program, takes=0)


def test_connections_that_nobody_accepted_are_reset(alike):
    def program(m):
        with listener(m) as listening:
            client = m.socket.create_connection(listening.getsockname())
        m.time.sleep(m.unit)
        return m.error(client.recv, 1)

    assert alike(program)[0] is ConnectionResetError


def test_a_blocked_recv_keeps_the_connection(alike):
    """Closing a socket ends the connection only when no call waits in it."""

    def program(m):
        client, server = m.connected()
        seen = []
        thread = m.start(lambda: seen.append(m.error(client.recv, 10)))
        m.time.sleep(m.unit)
        client.close()
        server.settimeout(m.unit)
        seen.append(m.error(server.recv, 1))
        server.settimeout(None)
        server.sendall(b"still there")
        thread.join()
        return seen, server.recv(1) if not seen[-1][1:] else m.error(server.recv, 1)

    alike(program, takes=2)


def test_a_socket_that_nobody_has_any_more_is_closed(world):
    """As a real one is; the tests beside this one keep theirs."""
    module = world.modules["socket"]
    with module.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        client = module.create_connection(address)
        server, _ = listening.accept()
    client.settimeout(1)
    file = server.makefile("rb")
    del server
    with pytest.raises(TimeoutError):  # the file has it
        client.recv(10)
    world.modules["threading"].Timer(0.5, [file].clear).start()
    del file
    assert (client.recv(10), world.now) == (b"", 1.5)

    listening = module.create_server(address)
    del listening
    cycle = [module.create_server(address)]
    cycle.append(cycle)
    del cycle
    gc.collect()
    with pytest.raises(ConnectionRefusedError):
        module.create_connection(address)


@pytest.mark.parametrize("how", ["SHUT_RD", "SHUT_RDWR"])
def test_a_listener_that_is_shut_down_wakes_who_accepts(alike, how):
    def program(m):
        listening = listener(m)
        seen = []
        thread = m.start(lambda: seen.append(m.error(listening.accept)))
        m.time.sleep(m.unit)
        listening.shutdown(getattr(m.socket, how))
        thread.join()
        return seen, m.error(m.socket.socket().connect, listening.getsockname())

    alike(program, takes=1)


def test_pairs(alike):
    def program(m):
        one, other = m.socket.socketpair()
        with one, other:
            one.sendall(b"x")
            seen = [other.recv(1)]
        return [*seen, m.error(one.recv, 1)]

    alike(program)


def test_a_socket_does_not_leave_its_world(world):
    module = world.modules["socket"]
    with pytest.raises(OutsideWorld, match=r"cannot leave its world, at .* in test_\w+: module\.socket\(\)\.detach"):
        module.socket().detach()


@pytest.mark.parametrize(
    "call",
    [
        lambda module: module.socket().dup(),
        lambda module: module.dup(3),
        lambda module: module.fromfd(3, socket.AF_INET, socket.SOCK_STREAM),
        lambda module: module.send_fds(module.socket(), [b"x"], [3]),
        lambda module: module.recv_fds(module.socket(), 1, 1),
    ],
)
def test_files_of_the_operating_system_are_refused_with_the_place(world, call):
    with pytest.raises(
        OutsideWorld, match=rf", at {re.escape(__file__)}:\d+ in <lambda>: .*\. (Use|Hand on) the socket"
    ):
        call(world.modules["socket"])


@pytest.mark.parametrize("host", ["127.0.0.1", "pbx"])
def test_who_connects_again_at_once_comes_to_the_time_at_which_somebody_listens(world, host):
    modules, listeners, connected = world.modules, [], []
    serve = partial(modules["socket"].create_server, (host, 5038))
    modules["threading"].Timer(3, lambda: listeners.append(serve())).start()
    while not connected:
        with suppress(ConnectionRefusedError, socket.gaierror):
            connected.append(modules["socket"].create_connection((host, 5038)))
    assert 3 <= world.now < 4
