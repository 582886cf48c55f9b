"""Scenarios and scripts, served: steps are done when their turn comes, on the connections they are for."""

import socket
from pathlib import Path

import pytest

import ami
from ami import core
from amisim import ScenarioError, Server, close, emit, event, faults, list_complete, raw, response, wait

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


def test_a_fault_of_a_rule_is_for_what_it_answers(connected):
    with Server() as server:
        server.on("Getvar").reply(response(Value="x")).fault("permission_denied")
        manager = connected(server)
        assert not manager.send_action(core.Getvar(None, "X")).success
        assert manager.send_action(core.Ping()).success
        server.check()


@pytest.mark.parametrize("recording", [None, "queue-call"])
def test_a_fault_of_a_rule_without_a_reply_is_for_what_answers_otherwise(connected, recording):
    action = core.Ping() if recording is None else core.QueueStatus("support")
    with Server(recording=recording, speed=0) as server:
        server.on(action["Action"]).times(1).fault(faults.permission_denied())
        manager = connected(server)
        assert not manager.send_action(action).success
        if recording is None:
            assert manager.send_action(core.Ping()).success
        server.check()


def test_a_fault_of_a_rule_may_be_for_some_of_its_list(connected):
    with Server() as server:
        members = [event("QueueMember", Name=name) for name in ("Ann", "Bob", "Cid")]
        rule = server.on("QueueStatus").reply(response(EventList="start"), *members, list_complete())
        rule.fault("drop item nth=2", faults.duplicate("item", Name="Cid"))
        request = core.QueueStatus()
        request.synchronous = True
        found = connected(server).send_action(request).events["QueueMember"]
        assert [each["Name"] for each in found] == ["Ann", "Cid", "Cid"]


def test_a_rule_without_a_reply_or_a_fault_is_not_in_force(connected):
    with Server() as server:
        server.on("Ping")
        assert connected(server).send_action(core.Ping()).success


def test_a_function_that_fails_ends_the_connection_and_the_check(connected, caplog):
    def fails(action):
        yield response(EventList="start")
        raise RuntimeError("a mistake")

    with Server() as server:
        server.on("QueueStatus").reply(fails)
        request = core.QueueStatus()
        request.synchronous = True
        with pytest.raises(ami.ManagerSocketError):
            connected(server).send_action(request)
        with pytest.raises(AssertionError, match=r"the answer to QueueStatus failed: RuntimeError\('a mistake'\)"):
            server.check()
    assert "a mistake" in caplog.text


def test_what_a_server_is_told_comes_before_what_its_scenario_says(tmp_path):
    path = tmp_path / "pbx.yaml"
    path.write_text("amisim: 1\nversion: 16\nseed: 7\nusers: {ann: x}\nfaults: [drop event Hangup]\n")

    def challenge(**options):
        with Server(scenario=path, **options) as server, socket.create_connection((server.host, server.port)) as client:
            client.sendall(b"Action: Challenge\r\nAuthType: MD5\r\nActionID: 1\r\n\r\nAction: Logoff\r\n\r\n")
            said = client.makefile("rb").read()
            return server.username, said.partition(b"\r\n")[0], said.partition(b"Challenge: ")[2][:9], server.complaints

    name, greeting, number, complaints = challenge()
    assert (name, greeting) == ("ann", b"Asterisk Call Manager/5.0.4")
    assert complaints == ["this fault hit nothing: drop event Hangup"]
    assert challenge()[2] == challenge(seed=7)[2] == number != challenge(seed=0)[2]
    told = challenge(users={"bob": "y"}, version="22", faults=["drop event Rename"])
    assert told[:2] == ("bob", b"Asterisk Call Manager/11.0.0")
    assert len(told[3]) == 2


def test_a_rule_with_faults_alone_leaves_the_reply_to_older_rules(connected):
    with Server() as server:
        server.on("Getvar").reply(response(Value="mine"))
        server.on("Getvar").times(1).fault("permission_denied")
        manager = connected(server)
        answers = [manager.send_action(core.Getvar(None, "X")) for _ in range(2)]
        assert [each.success for each in answers] == [False, True]
        assert answers[1].result["Value"] == "mine"


def test_a_fault_of_a_rule_that_never_came_to_it_is_complained_of():
    with Server() as server:
        server.on("Getvar").fault("permission_denied")
        with pytest.raises(AssertionError, match="this fault hit nothing: permission_denied"):
            server.check()


def test_a_condition_or_a_function_that_raises_ends_the_connection_and_the_check(connected, caplog):
    def fails(text):
        raise RuntimeError("a mistake")

    with Server() as server:
        server.on("Getvar", Variable=fails).reply(response())
        server.on("Ping").reply(fails)
        for request in (core.Getvar(None, "X"), core.Ping()):
            with pytest.raises(ami.ManagerSocketError):
                connected(server).send_action(request)
        assert server.complaints == [
            "a condition on Getvar failed: RuntimeError('a mistake')",
            "the answer to Ping failed: RuntimeError('a mistake')",
        ]


def test_a_scenario_that_is_read_again_has_its_users_and_faults_for_who_comes_then(connected, tmp_path):
    path = tmp_path / "pbx.yaml"
    path.write_text("amisim: 1\nusers: {ann: x}\nfaults: [drop event Never]\n")
    with Server(scenario=path) as server:
        path.write_text("amisim: 1\nusers: {bob: y}\nfaults: [permission_denied response Ping]\n")
        before = connected(server)
        server.reload()
        manager = ami.Manager()
        with manager:
            manager.connect(server.host, server.port)
            manager.login("bob", "y")
            assert not manager.send_action(core.Ping()).success
        assert before.send_action(core.Ping()).success
        assert server.timeline().count("# taken out, and has hit nothing so far: drop event Never") == 1
        server.check()


def test_faults_that_hit_for_who_came_before_a_scenario_was_read_again_are_told(connected, tmp_path):
    path = tmp_path / "pbx.yaml"
    path.write_text("amisim: 1\n")
    with Server(scenario=path, faults=["permission_denied response Ping"]) as server:
        before = connected(server)
        server.reload()
        server.reload()
        after = connected(server)
        assert not before.send_action(core.Ping()).success
        assert "fault: permission_denied response Ping" in server.timeline()
        server.check()
        assert not after.send_action(core.Ping()).success
        assert server.timeline().count("fault: permission_denied response Ping") == 2


def test_what_a_scenario_that_is_read_again_cannot_change_is_told(connected, tmp_path):
    path = tmp_path / "pbx.yaml"
    path.write_text("amisim: 1\nversion: 16\n")
    with Server(scenario=path) as server:
        for text in ("version: 16", "version: 18\nseed: 1\nrecording: queue-call", "version: 16"):
            path.write_text(f"amisim: 1\n{text}\n")
            server.reload()
            assert connected(server).get_asterisk_info() == ("Asterisk Call Manager", "5.0.4")
        assert [line.partition("# ")[2] for line in server.timeline().splitlines() if "# " in line] == [
            f"the scenario's {key} is another now: it stays what it was until the server starts again"
            for key in ("version", "seed", "recording")
        ]


def test_a_recording_that_is_none_is_a_mistake_of_its_scenario(tmp_path):
    path = tmp_path / "pbx.yaml"
    path.write_text("amisim: 1\nrecording: queue-cal\n")
    with pytest.raises(ScenarioError, match=r"pbx\.yaml: recording: queue-cal: no such file"):
        Server(scenario=path)


def test_what_a_test_says_outlives_the_reading_again_of_a_scenario(connected, tmp_path):
    path = tmp_path / "pbx.yaml"
    path.write_text("amisim: 1\nrules: [{on: Getvar, reply: [{response: Success, Value: one}]}]\n")
    with Server(scenario=path) as server:
        server.on("Getvar", Variable="MINE").reply(response(Value="mine"))
        path.write_text(path.read_text().replace("one", "two"))
        server.reload()
        manager = connected(server)
        values = [manager.send_action(core.Getvar(name)).result["Value"] for name in ("MINE", "X")]
        assert values == ["mine", "two"]
