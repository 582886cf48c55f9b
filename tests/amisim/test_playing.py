"""Scenarios and scripts, served: steps are done when their turn comes, on the connections they are for."""

import socket
from pathlib import Path

import pytest

import ami
from ami import core
from amisim import Server, close, emit, event, raw, response, wait

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def connected():
    managers = []

    def connect(server):
        manager = ami.Manager()
        managers.append(manager)
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        return manager

    yield connect
    for manager in managers:
        manager.close()


def names_until(stream, last):
    names = []
    while not names or names[-1] != last:
        names.append(stream.get(timeout=5).name)
    return names[:-1]


@pytest.mark.parametrize(("to", "got"), [("all", [1, 1]), ("others", [0, 1]), ("this", [1, 0])])
def test_an_emitted_event_goes_to_whom_it_is_for(connected, to, got):
    with Server() as server:
        server.on("Ping").reply(response(), emit(event("Went"), to=to))
        first, second = connected(server), connected(server)
        with first.events("Went", "Done") as here, second.events("Went", "Done") as there:
            assert first.send_action(core.Ping()).success
            server.emit(event("Done"))
            assert [len(names_until(stream, "Done")) for stream in (here, there)] == got


def test_a_function_goes_on_when_its_wait_is_over(connected):
    done = []

    def slowly(action):
        done.append("asked")
        yield response()
        yield wait(60)
        done.append("waited")

    with Server() as server:
        server.on("Ping").reply(slowly)
        assert connected(server).send_action(core.Ping()).success
    assert done == ["asked"]


def test_timelines_play_at_the_start_and_at_each_login(connected):
    with Server() as server:
        server.schedule([event("Tick", N="${n}"), wait(0.001)], at="login", loop=3)
        manager = ami.Manager()
        manager.connect(server.host, server.port)
        with manager.events("Tick") as ticks:
            manager.login(server.username, server.secret)
            assert [ticks.get(timeout=5)["N"] for _ in range(3)] == ["1", "2", "3"]
        manager.close()


def test_the_busy_evening_begins(connected):
    with (
        Server(scenario=EXAMPLES / "busy-evening.yaml") as server,
        connected(server).events("QueueCallerJoin") as joins,
    ):
        assert joins.get(timeout=10)["CallerIDNum"] == "0170121"


def test_a_list_of_500_is_served_and_one_without_an_end_does_not_hang_the_server(connected):
    with Server(scenario=EXAMPLES / "endless-list.yaml") as server:
        request = core.QueueStatus("big")
        request.synchronous = True
        assert len(connected(server).send_action(request).events["QueueMember"]) == 500
        manager = connected(server)
        with manager.events("QueueMember") as members:
            manager.send_action(core.QueueStatus("endless"))
            assert [members.get(timeout=5)["Name"] for _ in range(2)] == ["Agent 1", "Agent 2"]
            assert connected(server).send_action(core.Ping()).success


def test_a_timeline_of_the_server_speaks_to_all_and_closes_all():
    server = Server()
    server.schedule([wait(0.01), raw("Junk: 1\r\n\r\n"), close()], at="start", loop="forever")
    with server, socket.create_connection((server.host, server.port), timeout=5) as link:
        received = b""
        while data := link.recv(1000):
            received += data
    assert received == b"Asterisk Call Manager/11.0.0\r\nJunk: 1\r\n\r\n"
