"""What becomes of an action that was not recorded, and how rules of matching come to a server."""

import pytest

import ami
import amisim
from ami import core
from amisim import Recording, RecordingWriter, Server, World
from amisim.recording import Record
from amisim.replay import Replay, Unexpected
from amisim.steps import Close

from .sessions import ACCEPTED, LOGIN, Client, frame

UPTIME = "Action: Command / Command: core show uptime"


def recording() -> Recording:
    said = [(">", LOGIN, 1), ("<", ACCEPTED, 1), (">", UPTIME, 2), ("<", "Response: Success", 2)]
    records = [Record(0.0, 1, "", "open"), Record(0.0, 1, "<", "data", b"Asterisk Call Manager/9.9\r\n")]
    records += [Record(1.0, 1, way, "data", frame(text), cause) for way, text, cause in said]  # type: ignore[arg-type]
    return Recording({}, records)


def replay(unexpected: Unexpected) -> Replay:
    return Replay(recording(), "r.yaml", unexpected=unexpected)


@pytest.mark.parametrize(
    ("unexpected", "said", "misses", "is_closed"),
    [
        (
            "error",
            "Response: Error / Message: amisim: no recorded answer to Agents; r.yaml has only Login and Command",
            1,
            False,
        ),
        ("asterisk", "Response: Error / Message: Invalid/unknown command: Agents. Use Action: ListCommands", 0, False),
        ("ignore", "", 1, False),
        ("close", "", 1, True),
    ],
)
def test_what_becomes_of_it_is_chosen(unexpected, said, misses, is_closed):
    recorded = replay(unexpected)
    client = Client(replay=recorded, log_in=True)
    heard = client.say("Action: Agents").decode().replace("\r\n", " / ")
    assert heard.startswith(said)
    assert (heard == "") == (said == "")
    assert len(recorded.misses) == misses
    assert (client.session.closing == Close()) == is_closed
    answer = b"" if is_closed else frame("Response: Success")
    assert client.say(UPTIME) == answer, "what comes after it is answered"


@pytest.mark.parametrize("unexpected", ["error", "asterisk", "ignore", "close"])
def test_what_a_server_has_by_itself_is_never_unexpected(unexpected):
    recorded = replay(unexpected)
    client = Client(replay=recorded, log_in=True)
    assert b"Ping: Pong" in client.say("Action: Ping")
    assert b"Events: On" in client.say("Action: Events / EventMask: on")
    assert recorded.misses == []


def test_as_asterisk_means_its_own_actions_too():
    client = Client(replay=replay("asterisk"), log_in=True)
    assert client.say("Action: UserEvent / UserEvent: A").startswith(frame("Response: Success / Message: Event Sent"))
    assert b"Message: Missing action in request" in client.say("jnuk")


# Over a server


def uptime(server: Server, world: World, command: str = "core show uptime") -> ami.Response | None:
    """What a client that has logged in is answered."""
    with ami.Manager(runtime=world.runtime) as manager:
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        return manager.send_action(core.Command(command))


@pytest.mark.parametrize(("unexpected", "misses"), [("error", 1), ("asterisk", 0), ("ignore", 1), ("close", 1)])
def test_a_miss_is_complained_of_unless_asterisk_answers(unexpected, misses):
    with World() as world:
        server = world.server(recording=recording(), unexpected=unexpected)
        try:
            answer = uptime(server, world, "core show version")
        except ami.ManagerSocketError:
            assert unexpected == "close"
        else:
            assert (answer is None) == (unexpected == "ignore")
        assert len(server.misses) == len(server.complaints) == misses
        if misses:
            with pytest.raises(AssertionError, match="no recorded answer to Command"):
                server.check()
        else:
            server.check()


def test_rules_of_a_server_hold():
    with World() as world:
        server = world.server(recording=recording(), match=["regex Command Command core show .*"])
        answer = uptime(server, world, "core show version")
        assert answer is not None
        assert answer.success
        server.check()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"match": ["ingore * Timeout"]}, "'ingore \\* Timeout' is no rule of matching; did you mean ignore\\?"),
        ({"match": "ignore * Timeout"}, "rules of matching are a list, such as "),
        (
            {"match": ["ignore * Timeout"]},
            "^match is for a recording, and there is none whose actions",
        ),
        ({"unexpected": "eror"}, "^unexpected 'eror' is none of error, asterisk, ignore, close$"),
    ],
)
def test_what_is_wrong_with_an_option_is_told_though_nothing_is_replayed(options, problem):
    with pytest.raises(ValueError, match=problem):
        Server(**options)


@pytest.fixture
def scenario(tmp_path):
    """A scenario that takes no Timeout into account, and closes where something was not recorded."""
    with RecordingWriter(tmp_path / "it.yaml", {}) as writer:
        for record in recording().records:
            writer.write(record)
    path = tmp_path / "scenario.yaml"
    path.write_text(
        f"amisim: 1\nrecording: {tmp_path / 'it.yaml'}\n"
        "match: [regex Command Command core show .*]\nunexpected: close\n"
    )
    return path


@pytest.mark.parametrize(("given", "is_closed"), [({}, True), ({"unexpected": "ignore"}, False)])
def test_a_scenario_says_how_its_recording_is_matched(scenario, given, is_closed):
    with World() as world:
        server = world.server(scenario=scenario, **given)
        answer = uptime(server, world, "core show version")
        assert answer is not None
        assert answer.success
        if is_closed:
            with pytest.raises(ami.ManagerSocketError):
                uptime(server, world, "sip show peers")
        else:
            assert uptime(server, world, "sip show peers") is None


def test_the_rules_of_a_project_are_for_what_is_replayed(tmp_path, scenario, monkeypatch):
    (tmp_path / "pyproject.toml").write_text('[tool.amikit]\nmatch = ["ignore * Timeout"]\n')
    monkeypatch.chdir(tmp_path)
    for options in ({}, {"scenario": scenario}, {"recording": "queue-call", "match": ["ignore * Data"]}):
        with amisim.session(**options) as session:
            assert session.server.misses == []
    with pytest.raises(ValueError, match="match is for a recording"), amisim.session(match=["ignore * Data"]):
        pass
