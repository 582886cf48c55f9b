"""The server on a real port: sockets, threads, and what a test asks of it."""

import gc
import re
import socket
import ssl
import struct
import threading
from contextlib import ExitStack, suppress

import pytest

import amisim
from amisim import CERTIFICATE, Server, ServerError, World, close, event, faults, response, wait
from amisim.connection import Connection
from amisim.history import History
from amisim.host import Limits
from amisim.recording import Record, Recording, RecordingError
from amisim.users import User

from .clients import LOGIN, Client


def test_a_server_listens_on_a_free_port_of_loopback(server):
    with Server() as other, Client(server) as client:
        assert other.port != server.port
        assert server.host == "127.0.0.1"
        assert client.greeting == b"Asterisk Call Manager/11.0.0\r\n"


def test_a_port_in_use_is_said_plainly(server):
    with pytest.raises(ServerError, match=rf"cannot listen on 127\.0\.0\.1:{server.port}: .*already in use"):
        Server(port=server.port).start()


def test_every_client_has_a_session_of_its_own(server):
    with Client(server).log_in() as first, Client(server) as second:
        second.send("Action: Ping")
        assert second.read() == ["Response: Error", "Message: Permission denied"]
        first.send("Action: Ping")
        assert first.read()[:2] == ["Response: Success", "Ping: Pong"]


def test_a_crowd_of_clients_need_not_wait_to_connect(server):
    # A listener whose queue is full lets the system of a client try again a second later.
    clients = [socket.create_connection((server.host, server.port), 0.9) for _ in range(500)]
    for client in clients:
        client.close()


def test_an_event_goes_to_every_client_that_is_logged_in(server):
    with Client(server).log_in() as first, Client(server).log_in() as second:
        server.emit(event("Hangup", Channel="PJSIP/100-1", Cause=16))
        for client in (first, second):
            assert client.read() == ["Event: Hangup", "Channel: PJSIP/100-1", "Cause: 16"]


def test_what_is_said_to_the_server_is_done_in_that_order(server):
    with Client(server).log_in() as first:
        server.emit(event("A"))
        server.disconnect()
        server.emit(event("B"))
        assert first.file.read() == b"Event: A\r\n\r\n"


def test_a_flood_comes_whole_and_in_order_and_each_event_stands_in_the_transcript(server):
    with Client(server).log_in() as client:
        for number in range(3000):
            server.emit(event("X", Number=number))
        assert [client.read() for _ in range(3000)] == [["Event: X", f"Number: {n}"] for n in range(3000)]
    sent = [record for record in server.transcript if record.data.startswith(b"Event: X")]
    assert [record.data for record in sent] == [b"Event: X\r\nNumber: %d\r\n\r\n" % n for n in range(3000)]
    assert {record.cause for record in sent} == {1}


def test_the_many_pieces_that_a_fault_makes_are_each_sent_on_their_own():
    with Server(faults=["split event X"]) as server, Client(server).log_in() as client:
        server.emit(event("X", Text="y" * 100))
        assert client.read() == ["Event: X", "Text: " + "y" * 100]
        sent = server.transcript[-1]
        assert [length for length, _ in sent.chunks] == [1] * (len(sent.data) - 1)


def test_a_test_can_wait_for_an_action(server):
    with Client(server).log_in() as client:
        threading.Thread(target=client.send, args=("Action: Originate / Channel: PJSIP/100",)).start()
        assert server.wait_for("Originate", Channel="PJSIP/100").get("channel") == "PJSIP/100"
        assert [action.name for action in server.actions] == ["Login", "Originate"]
        with pytest.raises(TimeoutError, match=r"no Hangup within 0\.01 s; what arrived: Login, Originate$"):
            server.wait_for("Hangup", timeout=0.01)
        told = r"no Originate, Chanel='PJSIP/100' within 0\.01 s; what arrived: Login, Originate Channel='PJSIP/100'$"
        with pytest.raises(TimeoutError, match=told):
            server.wait_for("Originate", timeout=0.01, Chanel="PJSIP/100")


def test_a_test_that_waits_looks_at_each_action_once(server):
    looked_at = []
    with Client(server).log_in() as client:

        def is_last(channel):
            looked_at.append(channel)
            if len(looked_at) < 50:
                client.send(f"Action: Originate / Channel: {len(looked_at)}")
            return channel == "49"

        client.send("Action: Originate / Channel: 0")
        server.wait_for("Originate", Channel=is_last)
    assert looked_at == [str(number) for number in range(50)]


def test_a_server_can_hang_up_on_its_clients(server):
    with Client(server) as client:
        server.disconnect()
        assert client.socket.recv(1) == b""
    with Client(server) as client:
        server.disconnect("reset")
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)


def test_the_transcript_tells_what_was_said(server):
    with Client(server).log_in() as client:
        client.send("Action: Ping / ActionID: 7")
        client.read()
    text = server.timeline()
    for words in ("connected", "Asterisk Call Manager/11.0.0", "→ Login Username=admin Secret=…", "→ Ping [7]"):
        assert words in text
    assert "secret" not in text


def test_what_is_random_is_the_same_each_time():
    def challenge(seed: int) -> list[str]:
        with Server(seed=seed) as server, Client(server) as client:
            client.send("Action: Challenge / AuthType: MD5")
            return client.read()

    assert challenge(1) == challenge(1) != challenge(2)


def test_stopping_closes_connections_and_leaves_no_thread():
    before = set(threading.enumerate())
    server = Server()
    server.start()
    with Client(server) as client:
        server.stop()
        server.stop()
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)
    assert set(threading.enumerate()) <= before
    with pytest.raises(RuntimeError, match="not running"):
        server.emit(event("X"))


def test_a_recording_is_checked_at_the_end():
    with Server(recording="login-md5", speed=0) as server:
        with Client(server) as client:
            client.send("Action: Login / Username: admin / Secret: any")
            client.read()
            client.send("Action: Originate / Channel: PJSIP/100")
            while client.read()[:1] != ["Response: Error"]:
                pass
        said = r"\(Channel: PJSIP/100\); login-md5 has only Challenge, Login, Ping and Logoff$"
        with pytest.raises(AssertionError, match=f"^no recorded answer to Originate {said}"):
            server.check()


def test_a_script_goes_before_a_recording():
    with Server(recording="login-md5", speed=0) as server, Client(server) as client:
        server.on("Login").reply(response("Error", Message="not today"))
        client.send("Action: Login / Username: admin")
        assert client.read() == ["Response: Error", "Message: not today"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"version": "12"}, "11, 13, 16"),
        ({"speed": -1}, "speed -1 is negative"),
        ({"seed": -1}, "seed -1 is negative; a whole number from 0 on"),
        ({"users": {"ann": "x", "bob": "y", "Ann": "z"}}, "of the users ann, bob, Ann two are the same"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Server(**arguments)


def test_a_recording_without_connections_cannot_be_replayed():
    with pytest.raises(amisim.RecordingError, match="no connection in it to replay"):
        Server(recording=amisim.Recording({}, []))


def test_a_name_that_is_nearly_right_gets_a_suggestion():
    with pytest.raises(amisim.RecordingError, match=r"did you mean 22/queue-call\?"):
        Server(recording="queue-cal")


def test_stopping_while_clients_connect_leaves_no_socket_behind(recwarn):
    for _ in range(20):
        server = Server()
        server.start()
        clients = [socket.socket() for _ in range(30)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex((server.host, server.port))
        server.stop()
        for client in clients:
            client.close()
    gc.collect()
    assert not [warning for warning in recwarn if "unclosed" in str(warning.message)]


def test_only_so_much_is_kept_of_what_was_said():
    with Server(limits=Limits(history=100_000)) as server, Client(server).log_in() as client:
        for _ in range(500):
            client.send("Action: Ping")
            client.read()
        assert 90 <= len(server.actions) <= 200
        assert 80 <= len(server.transcript) <= 200
        client.send("Action: Last")
        server.wait_for("Last")


def test_what_is_new_is_known_though_what_is_old_has_gone():
    history: History[str] = History(4_000, len)
    for number in range(6):
        history.add(str(number))
    assert history.since(4) == ["4", "5"]
    for number in range(6, 10):
        history.add(str(number))
    assert history == history.since(0) == history.since(5) == ["5", "6", "7", "8", "9"]
    assert history.since(9) == ["9"]
    assert history.since(10) == []
    history.add("x" * 5_000)
    assert history == ["x" * 5_000]


def test_users_have_their_rights(server):
    users = {"ann": User("x", read="call", write="call")}
    with Server(users=users) as server:
        assert (server.username, server.secret) == ("ann", "x")
        with Client(server) as client:
            client.send("Action: Login / Username: ann / Secret: x")
            assert client.read()[0] == "Response: Success"
            client.send("Action: Command / Command: x")
            assert client.read()[1] == "Message: Permission denied"


def test_faults_hit_what_is_sent_and_stand_in_the_transcript():
    with Server(faults=["drop event Hangup nth=2", faults.drop("event Rename")]) as server:
        with Client(server).log_in() as client:
            for cause in (1, 2, 3):
                server.emit(event("Hangup", Cause=cause))
            assert [client.read()[1] for _ in range(2)] == ["Cause: 1", "Cause: 3"]
        assert "# fault: drop event Hangup nth=2" in server.timeline()
        with pytest.raises(AssertionError, match="this fault hit nothing: drop event Rename"):
            server.check()


def test_a_fault_may_be_slow(server):
    with Server(faults=["late 60 response Ping times=1"]) as server, Client(server).log_in() as client:
        client.send("Action: Ping / ActionID: 1")
        client.send("Action: Ping / ActionID: 2")
        assert client.read()[1] == "ActionID: 2"


@pytest.mark.parametrize("fault", ["refuse", "silent", "half_close response Ping", "cut after_bytes=40"])
def test_a_fault_may_end_the_connection(fault):
    with Server(faults=[fault]) as server, socket.create_connection((server.host, server.port), 10) as client:
        with suppress(ConnectionError):
            client.sendall(LOGIN + b"Action: Ping\r\n\r\n")
            if fault == "silent":
                server.wait_for("Ping")
                server.disconnect()
            assert b"Pong" not in client.makefile("rb").read()
        server.check()


@pytest.mark.parametrize("faults", [[], ["permission_denied response Login times=1"]], ids=["rule", "plan"])
def test_a_login_that_a_fault_has_refused_is_none(faults):
    denied = ["Response: Error", "Message: Permission denied"]
    with Server(faults=faults) as server, Client(server) as client:
        if not faults:
            server.on("Login").times(1).fault("permission_denied")
        client.send("Action: Login / Username: admin / Secret: secret")
        assert client.read() == denied
        server.emit(event("Hangup"))
        client.send("Action: Ping")
        assert client.read() == denied
        assert server._host.unauthenticated == {1}
        assert client.log_in()


def test_a_login_that_is_refused_late_counts_until_then():
    chosen = "late 0.01 response Login", "permission_denied response Login"
    with Server(faults=chosen) as server, Client(server) as client:
        client.send("Action: Login / Username: admin / Secret: secret")
        assert client.read()[0] == "Event: FullyBooted"
        assert client.read()[0] == "Response: Error"
        client.send("Action: Ping")
        assert client.read()[0] == "Response: Error"


def test_faults_hit_what_is_replayed():
    with Server(recording="login-md5", speed=0, faults=["wrong_banner"]) as server, Client(server) as client:
        assert b"Asterisk Call Manager" not in client.greeting


def test_a_text_that_is_no_fault_is_refused_at_once():
    with pytest.raises(faults.FaultError, match="drop"):
        Server(faults=["drob event Hangup"])


def test_stopping_closes_a_tls_connection_that_its_client_has_closed():
    context = ssl.create_default_context(cafile=CERTIFICATE)
    for _ in range(5):
        with (
            Server(tls=True) as server,
            socket.create_connection((server.host, server.port), 10) as link,
            context.wrap_socket(link, server_hostname="localhost") as client,
        ):
            assert client.recv(100).startswith(b"Asterisk Call Manager/")


def test_what_a_client_that_has_gone_does_not_take_is_not_sent(caplog):
    with Server(faults=["split"]) as server, socket.create_connection((server.host, server.port)) as client:
        client.recv(1)
        client.sendall(LOGIN + b"Action: ListCommands\r\n\r\n" * 10)
        server.wait_for("ListCommands")
        client.close()  # the greeting is not read, so that the connection is reset
    assert caplog.records == []


def test_an_event_reaches_hundreds_of_clients():
    with Server() as server, ExitStack() as stack:
        clients = [stack.enter_context(Client(server)).log_in() for _ in range(400)]
        server.emit(event("Hangup"))
        assert {client.read()[0] for client in clients} == {"Event: Hangup"}


def test_an_event_that_is_emitted_last_is_no_error(caplog):
    for _ in range(20):
        with Server() as server, Client(server).log_in():
            server.emit(event("Hangup"))
    assert caplog.records == []


def test_a_quiet_client_over_tls_is_not_cut_off():
    context = ssl.create_default_context(cafile=CERTIFICATE)
    with (
        Server(tls=True, limits=Limits(write_timeout=0.01)) as server,
        socket.create_connection((server.host, server.port), 10) as link,
        context.wrap_socket(link, server_hostname="localhost") as client,
        Client.__new__(Client) as quiet,
    ):
        quiet.socket, quiet.file = client, client.makefile("rb")
        quiet.file.readline()
        quiet.log_in()
        server.emit(event("Hangup"))
        assert quiet.read() == ["Event: Hangup"]
        ended = threading.Event()
        server._running.call_soon_threadsafe(
            server._running.call_later, 0.05, ended.set
        )  # longer than is waited for it
        assert ended.wait(5)
        quiet.send("Action: Ping")
        assert quiet.read()[0] == "Response: Success"


def test_stopping_ends_a_handshake_that_is_not_over():
    with Server(tls=True) as server, socket.create_connection((server.host, server.port), 10):
        begun = threading.Event()
        server._running.call_soon_threadsafe(begun.set)
        assert begun.wait(5)


def test_a_client_that_was_half_closed_is_sent_nothing_more_and_leaves_nothing(caplog):
    with Server() as server, Client(server).log_in() as half, Client(server).log_in() as whole:
        server.disconnect("half")
        assert half.file.read() == whole.file.read() == b""
        server.emit(event("Hangup"))
        half.send("Action: Ping")
        half.socket.shutdown(socket.SHUT_WR)
        with Client(server).log_in() as other:
            while sum(each.connection == 1 and each.kind == "eof" for each in server.transcript) < 2:
                other.send("Action: Ping")
                other.read()
    assert caplog.records == []


def test_a_silent_connection_ends_with_its_client():
    with Server(faults=["silent connection=1"]) as server, Client.__new__(Client) as silent:
        silent.socket = socket.create_connection((server.host, server.port), 10)
        silent.file = silent.socket.makefile("rb")
        silent.socket.shutdown(socket.SHUT_WR)
        assert silent.file.read() == b""


def test_a_long_frame_passes_the_faults():
    with Server(faults=["drop event Never"]) as server, Client(server).log_in() as client:
        server.emit(event("UserEvent", Body="x" * 17_000_000))
        assert len(client.read()[1]) > 17_000_000


@pytest.mark.parametrize("options", [{"port": 70_000}, {"host": "a" * 300}])
def test_an_address_that_is_none_is_said_plainly(options):
    with pytest.raises(ServerError, match="cannot listen on"):
        Server(**options).start()


def test_a_way_to_close_that_is_none_is_refused(server):
    with pytest.raises(ValueError, match="'rst' is no way to close: 'eof', 'reset' and 'half' are"):
        server.disconnect("rst")


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda server: server.emit(response()), "'Success' is no event"),
        (lambda server: server.emit("Event: X"), r"'Event: X' is no event: event\(…\), raw\(…\) and bytes are"),
        (lambda server: wait(-1), "-1 is no time to wait"),
        (lambda server: wait(float("nan")), "nan is no time to wait"),
        (lambda server: wait("1"), "'1' is no time to wait"),
        (lambda server: Server(faults=[faults.drop]), "faults.drop is no fault: faults.drop"),
        (lambda server: Server(faults="drop event X"), r"faults are a list, such as \['drop event X'\]"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(server, mistake, words):
    with pytest.raises((ValueError, TypeError), match=words):
        mistake(server)


def test_a_client_that_leaves_over_tls_leaves_no_warning(caplog):
    context = ssl.create_default_context(cafile=CERTIFICATE)
    with Server(tls=True) as server:
        link = context.wrap_socket(
            socket.create_connection((server.host, server.port), 10), server_hostname="localhost"
        )
        assert link.recv(100)
        with suppress(OSError):
            link.unwrap().close()
        while not any(each.kind == "eof" for each in server.transcript):
            with context.wrap_socket(
                socket.create_connection((server.host, server.port), 10), server_hostname="localhost"
            ):
                pass
    assert caplog.records == []


def test_a_client_may_reset_a_connection_just_before_it_is_half_closed(caplog):
    for seed in range(20):  # in some of these it does
        with World(seed) as world:
            server = world.server()
            server.on("Challenge").reply(wait(1), response(), close("half"))
            with world.modules["socket"].create_connection((server.host, server.port)) as client:
                client.recv(100)
                client.sendall(b"Action: Challenge\r\nAuthType: MD5\r\n\r\n")
                client.recv(1000)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert caplog.records == []


def test_what_is_not_sent_on_a_connection_that_is_half_closed_is_not_in_the_transcript():
    with Server() as server, Client(server).log_in() as client:
        server.disconnect("half")
        assert client.file.read() == b""
        server.emit(event("UserEvent", UserEvent="Never", Privilege="user,all"))
        client.send("Action: Ping")
        server.wait_for("Ping")
        assert not any(b"Never" in record.data for record in server.transcript)


def test_a_watcher_that_fails_is_told_and_changes_nothing():
    def watch(record):
        if b"First" in record.data:
            raise RuntimeError("a mistake")

    with Server(watch=watch) as server, Client(server).log_in() as client, Client(server).log_in() as other:
        for sender, name in ((client, "First"), (other, "Second")):
            sender.send(f"Action: UserEvent / UserEvent: {name}")
            while f"UserEvent: {name}" not in client.read():
                pass
        with pytest.raises(AssertionError, match="watch failed: RuntimeError\\('a mistake'\\)"):
            server.check()


def test_nobody_is_woken_in_vain_because_times_are_rounded(monkeypatch):
    woken = []
    wake = Connection.wake
    monkeypatch.setattr(Connection, "wake", lambda *arguments: woken.append(1) or wake(*arguments))
    events = [Record(number / 7, 1, "<", "data", b"Event: E\r\n\r\n") for number in range(1, 301)]
    recording = Recording({}, [Record(0.0, 1, "", "open"), Record(0.0, 1, "<", "data", b"Hello\r\n"), *events])
    with World() as world:
        world.modules["time"].sleep(1000.3)
        server = world.server(recording=recording)
        with world.modules["socket"].create_connection((server.host, server.port)) as client:
            heard = b""
            while heard.count(b"Event") < 300:
                heard += client.recv(65_536)
    assert len(woken) < 320


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"speed": float("nan")}, "speed nan is not a number that it can be; 1 is as recorded"),
        ({"speed": float("inf")}, "speed inf is not a number that it can be; 1 is as recorded"),
        ({"speed": "fast"}, "speed 'fast' is not a number that it can be; 1 is as recorded"),
        ({"seed": "a"}, "seed 'a' is not a number that it can be; a whole number from 0 on"),
        ({"tls": "yes"}, "tls 'yes' is neither True, False nor an ssl.SSLContext"),
        ({"users": {"ann": 5}}, "user ann: 5 is neither a secret nor an amisim.User"),
        ({"limits": Limits(line=0)}, "limit line 0: it is more than 0"),
        ({"limits": Limits(auth_timeout=-1)}, "limit auth_timeout -1: it is more than 0"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(arguments, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Server(**arguments)


def test_an_empty_name_of_a_recording_is_none():
    with pytest.raises(RecordingError, match="recording ''"):
        Server(recording="")


def test_a_server_that_runs_cannot_be_started_again(server):
    with pytest.raises(RuntimeError, match="the server is running already"):
        server.start()
