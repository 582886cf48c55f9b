"""TLS in a world does what it really does, but for the time."""

import socket
import ssl
import sys
from types import ModuleType

import pytest

import ami
import amisim
from ami import core
from amisim import response, wait
from amisim.world import OutsideWorld


def client_context(m):
    made = m.ssl.create_default_context(cafile=amisim.CERTIFICATE)
    assert isinstance(made, ssl.SSLContext)
    return made


def server_context(m):
    made = m.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(amisim.CERTIFICATE)
    return made


def encrypted(m):
    """Both ends of a connection with TLS."""
    client, server = m.connected()
    ends = []
    context = server_context(m)
    thread = m.start(lambda: ends.append(context.wrap_socket(server, server_side=True)))
    client = client_context(m).wrap_socket(client, server_hostname="localhost")
    thread.join()
    return client, ends[0]


def test_a_conversation(alike):
    def program(m):
        client, server = encrypted(m)
        client.sendall(b"one two")
        buffer = bytearray(10)
        seen = [server.recv(3), server.pending(), server.recv_into(buffer), bytes(buffer), client.send(b"")]
        seen += [server.send(b"three\nfour\n"), client.makefile("rb").readline()]
        seen += [client.version(), client.cipher() == server.cipher(), client.getpeercert()["subject"]]
        seen += [client.getpeername() == server.getsockname(), client.server_side, server.server_side]
        server.close()
        return [*seen, client.recv(10)]

    alike(program, takes=0)


def test_a_context_of_the_real_module_is_refused(world):
    """It would look for a file of the operating system."""
    one, _ = world.modules["socket"].socketpair()
    context = ssl.create_default_context()
    with pytest.raises(OutsideWorld) as caught:
        context.wrap_socket(one, server_hostname="localhost")
    text = str(caught.value)
    assert text.startswith("the thread 'MainThread' encrypts a socket of a world with a context of the real ssl, at ")
    assert "in test_a_context_of_the_real_module_is_refused: context.wrap_socket(one, " in text
    assert 'world.modules["ssl"]' in text
    assert "world.patch" in text


def test_what_there_is_not_with_tls(alike):
    def program(m):
        client, server = encrypted(m)
        server.sendall(b"x")
        calls = [(client.recvfrom, 1), (client.recvfrom_into, bytearray(1)), (client.sendmsg, [b"x"])]
        calls += [(client.recvmsg, 1), (client.recvmsg_into, [bytearray(1)]), (client.dup,)]
        calls += [(client.sendto, b"x", ("127.0.0.1", 9))]
        return [m.error(*each) for each in calls]

    assert alike(program)[0][0] is ValueError


def test_a_file_is_sent(alike, tmp_path):
    path = tmp_path / "words"
    path.write_bytes(b"one two three")

    def program(m):
        client, server = encrypted(m)
        with path.open("rb") as file:
            return client.sendfile(file, 4), server.recv(100), client.family, client.type, client.proto

    alike(program, takes=0)


def test_contexts_of_other_modules_of_the_library(world):
    """`http.client` and `imaplib` make theirs with these."""
    module = world.modules["ssl"]
    for make in (module._create_default_https_context, module._create_unverified_context):
        assert type(make()) is module.SSLContext


def test_time_outs(alike):
    def program(m):
        client, _ = encrypted(m)
        client.settimeout(m.unit)
        seen = [m.error(client.recv, 1)]
        client.setblocking(False)
        seen += [m.error(client.recv, 1)[0]]
        while not isinstance(error := m.error(client.send, bytes(65_536)), tuple):
            pass
        seen += [error[0]]
        client.settimeout(m.unit)
        return [*seen, m.error(client.send, bytes(65_536)), m.error(client.close)]

    alike(program, takes=2)


def test_a_handshake_that_nobody_answers(alike):
    def program(m):
        client, _ = m.connected()
        client.settimeout(m.unit)
        return m.error(client_context(m).wrap_socket, client, server_hostname="localhost")[0]

    assert alike(program, takes=1) is TimeoutError


def test_the_other_side_speaks_no_tls(alike):
    def program(m):
        client, server = m.connected()
        server.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        return m.error(client_context(m).wrap_socket, client, server_hostname="localhost")[0]

    assert alike(program) is ssl.SSLError


def test_another_name_than_the_certificates(alike):
    def program(m):
        client, server = m.connected()
        m.start(lambda: m.error(server_context(m).wrap_socket, server, server_side=True))
        return m.error(client_context(m).wrap_socket, client, server_hostname="pbx.example.org")[0]

    assert alike(program) is ssl.SSLCertVerificationError


def test_wrapped_before_it_is_connected(alike):
    def program(m):
        listening = m.socket.create_server(("127.0.0.1", 0))
        listening = server_context(m).wrap_socket(listening, server_side=True)
        m.start(lambda: listening.accept()[0].sendall(b"hello"))
        client = client_context(m).wrap_socket(m.socket.socket(), server_hostname="localhost")
        client.connect(listening.getsockname())
        return client.recv(5)

    assert alike(program) == b"hello"


def test_the_end_is_said(alike):
    def program(m):
        client, server = encrypted(m)
        thread = m.start(server.unwrap)
        seen = [client.recv(1)]
        plain = client.unwrap()
        thread.join()
        server.close()
        return [*seen, plain.recv(1)]

    assert alike(program) == [b"", b""]


@pytest.mark.parametrize("side", [0, 1])
def test_a_thread_that_reads_while_another_shuts_down(alike, side):
    def program(m):
        ends = encrypted(m)
        for one, other in (ends, ends[::-1]):  # or else what belongs to the handshake is still on its way
            one.sendall(b"x")
            other.recv(1)
        seen = []
        thread = m.start(lambda: seen.append(m.error(ends[side].recv, 1)))
        m.time.sleep(m.unit)
        ends[0].shutdown(socket.SHUT_RDWR)
        thread.join()
        return seen

    assert alike(program) == [b""]


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_manager_and_a_server(world, size):
    server = world.server(tls=True)
    server.on("Ping").reply(wait(2), response(Ping="P" * (size // 100)))
    context = ssl.create_default_context(cafile=amisim.CERTIFICATE)
    login = {"username": "admin", "secret": "secret"}
    with ami.connect(server.host, server.port, runtime=world.runtime, ssl=context, **login) as manager:
        answer = manager.send_action(core.Ping())
        assert answer.result["Ping"] == "P" * (size // 100)
        assert world.now == 2
        server.on("Ping").reply(wait(7), response(Ping="Pong"))
        assert manager.send_action(core.Ping()) is None


def test_a_certificate_that_nobody_vouches_for(world):
    server = world.server(tls=True)
    manager = ami.Manager(runtime=world.runtime)
    with pytest.raises(ami.ManagerSocketError, match="certificate verify failed"):
        manager.connect(server.host, server.port, ssl=ssl.create_default_context())
    manager.close()


def test_a_module_that_is_patched_has_tls(world, monkeypatch):
    module = ModuleType("client_with_tls")
    code = "import socket, ssl\nfrom ssl import create_default_context as new_context\n"
    exec(code, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    server = world.server(tls=True)
    with world.patch(module.__name__):
        context = module.new_context(cafile=amisim.CERTIFICATE)
        with module.socket.create_connection((server.host, server.port)) as plain:
            client = context.wrap_socket(plain, server_hostname="localhost")
            assert client.makefile("rb").readline() == b"Asterisk Call Manager/11.0.0\r\n"
    assert module.ssl is ssl
