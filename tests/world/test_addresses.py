"""Names, addresses and families of sockets are in a world what they really are."""

import errno
import re
import socket

import pytest

from amisim.world import OutsideWorld


def unused(m):
    """An address at which nobody listens."""
    with m.socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()


def test_addresses(alike):
    def program(m):
        with m.socket.create_server(("127.0.0.1", 0)) as listening:
            address = listening.getsockname()
            client = m.socket.create_connection(("localhost", address[1]))
            server, peer = listening.accept()
            return [
                address[0],
                address[1] > 1023,
                client.getpeername() == server.getsockname() == address,
                client.getsockname() == server.getpeername() == peer,
                m.error(listening.getpeername),
                m.socket.socket().getsockname(),
                (client.family, client.type, client.getsockopt(m.socket.SOL_SOCKET, m.socket.SO_TYPE)),
                client.getsockopt(m.socket.SOL_SOCKET, m.socket.SO_ERROR),
            ]

    alike(program, takes=0)


def test_who_binds_where(alike):
    def program(m):
        everywhere = m.socket.create_server(("", 0))
        port = everywhere.getsockname()[1]
        other, unbound = m.socket.socket(), m.socket.socket()
        unbound.listen()
        named = m.socket.create_server(("localhost", 0))
        m.socket.create_connection(unbound.getsockname()).close()
        return [
            everywhere.getsockname()[0],
            named.getsockname()[0],
            m.error(other.bind, ("127.0.0.1", port)),
            m.error(m.socket.create_server, ("127.0.0.1", port))[:2],
            m.error(named.bind, ("127.0.0.1", 0)),
            m.error(other.bind, ("127.0.0.1", 70_000)),
            m.error(other.listen),
            [everywhere.close(), m.socket.create_server(("127.0.0.1", port)).getsockname()[1] == port],
        ]

    alike(program)


def test_a_bound_socket_that_does_not_listen_refuses(alike):
    def program(m):
        bound = m.socket.socket()
        bound.bind(("127.0.0.1", 0))
        return m.error(m.socket.socket().connect, bound.getsockname())

    assert alike(program)[0] is ConnectionRefusedError


def test_nobody_there(alike):
    def program(m):
        address = unused(m)
        unknown = ("nobody.invalid", 5038)
        return [
            m.error(m.socket.socket().connect, address),
            m.socket.socket().connect_ex(address),
            m.error(m.socket.create_connection, address, m.unit),
            m.error(m.socket.create_connection, unknown)[0],
            m.error(m.socket.socket().connect, unknown)[0],
            m.error(m.socket.getaddrinfo, *unknown)[0],
            m.error(m.socket.gethostbyname, unknown[0])[0],
        ]

    seen = alike(program, takes=0)
    assert seen[0][:2] == (ConnectionRefusedError, errno.ECONNREFUSED)
    assert seen[3:] == [socket.gaierror] * 4


def test_names_and_numbers(alike):
    def program(m):
        module = m.socket
        numeric = module.NI_NUMERICHOST | module.NI_NUMERICSERV
        found = [module.gethostbyname_ex("localhost"), module.getnameinfo(("127.0.0.1", 5038), numeric)]
        return [*found, module.gethostbyaddr("127.0.0.1")[2]]

    assert alike(program)[0] == ("localhost", [], ["127.0.0.1"])


def test_names_are_those_of_the_world(world):
    module = world.modules["socket"]
    with module.create_server(("pbx.example.org", 0)):
        assert module.gethostbyname_ex("pbx.example.org") == ("pbx.example.org", [], ["pbx.example.org"])
        assert module.gethostbyaddr("pbx.example.org")[0] == "pbx.example.org"
        assert module.getnameinfo(("pbx.example.org", 5038), 0) == ("pbx.example.org", "5038")


def test_getaddrinfo(alike):
    def program(m):
        def port(port):
            return m.error(m.socket.getaddrinfo, "127.0.0.1", port, type=m.socket.SOCK_STREAM)

        answers = m.socket.getaddrinfo("127.0.0.1", 5038, m.socket.AF_INET, m.socket.SOCK_STREAM)
        answers += [port(each) for each in ("http", b"http", b"80", None, "no-such-service")]
        text = m.socket.getaddrinfo("127.0.0.1", "5038", type=m.socket.SOCK_STREAM)
        passive = m.socket.getaddrinfo(None, 0, m.socket.AF_INET, m.socket.SOCK_STREAM, flags=m.socket.AI_PASSIVE)
        return answers, text, passive, m.socket.gethostbyname("localhost"), m.socket.inet_aton("127.0.0.1")

    alike(program)


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("SOCK_DGRAM", lambda module: module.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        ("AF_UNIX", lambda module: module.socket(socket.AF_UNIX)),
        ("file 5", lambda module: module.socket(fileno=5)),
        ("SOCK_DGRAM", lambda module: module.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)),
    ],
)
def test_there_are_sockets_for_tcp_alone(world, what, call):
    with pytest.raises(OutsideWorld) as caught:
        call(world.modules["socket"])
    assert re.fullmatch(
        rf"the thread 'MainThread' makes a socket of {what}: there are those for TCP alone in a world, at "
        rf"{re.escape(__file__)}:\d+ in <lambda>: .*\. Use TCP, or .* `with world\.outside\(\):`",
        str(caught.value),
    )


@pytest.mark.parametrize("flags", [("SOCK_CLOEXEC",), ("SOCK_NONBLOCK",), ("SOCK_CLOEXEC", "SOCK_NONBLOCK")])
def test_flags_in_the_type(alike, flags):
    """Not all systems have them."""

    def program(m):
        kind = socket.SOCK_STREAM
        for each in flags:
            kind |= getattr(socket, each, 0)
        with m.socket.socket(socket.AF_INET, kind) as made:
            one, other = m.socket.socketpair(type=kind)
            one.close()
            other.close()
            return made.type, made.gettimeout(), made.getblocking(), one.type

    assert alike(program)[0] is socket.SOCK_STREAM
