"""The clients of a recording, played to a server: in their order, when it has answered, with its names."""

import asyncio
import hashlib

import pytest

from amisim import Player, Server, differences, event, library, load, play, response
from amisim.recording import Record, Recording
from amisim.relay import UpstreamError

QUEUE_CALL = load(library.find("22/queue-call"))
GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def frame(text: str) -> bytes:
    return f"{text} /  / ".replace(" / ", "\r\n").encode()


def recording(*steps: tuple[float, str, str, int | None]) -> Recording:
    """One connection that begins with a greeting: time, direction, text, cause."""
    begin = [Record(0.0, 1, "", "open"), Record(0.1, 1, "<", "data", GREETING)]
    return Recording({}, [*begin, *(Record(at, 1, way, "data", frame(text), cause) for at, way, text, cause in steps)])


def sent(records: list[Record]) -> list[str]:
    return [each.kind if each.kind != "data" else each.data.decode().strip().replace("\r\n", " / ") for each in records]


TWO_PINGS = recording(
    (1.0, ">", "Action: Ping / ActionID: 1", 1),
    (1.1, "<", "Response: Success / ActionID: 1", 1),
    (3.1, ">", "Action: Ping / ActionID: 2", 2),
    (3.2, "<", "Response: Success / ActionID: 2", 2),
)
CALL = recording(
    (1.0, ">", "Action: Originate / ActionID: 1", 1),
    (1.1, "<", "Response: Success / ActionID: 1", 1),
    (1.2, "<", "Event: Newchannel / Privilege: call,all / Channel: PJSIP/1-00000001 / Uniqueid: 1700000000.1", 1),
    (1.3, ">", "Action: Hangup / ActionID: 2 / Channel: PJSIP/1-00000001", 2),
)


def test_an_action_waits_for_the_answer_before_it_and_for_its_time():
    player = Player(TWO_PINGS)
    assert sent(player.advance(0.0)) == ["open"]
    assert player.next_due == 11.0  # the greeting is missing
    player.receive(1, GREETING, 0.5)
    assert player.next_due == 1.0
    assert sent(player.advance(1.0)) == ["Action: Ping / ActionID: 1"]
    assert player.advance(3.2) == []
    player.receive(1, frame("Response: Success / ActionID: 1"), 3.3)
    assert sent(player.advance(3.3)) == ["Action: Ping / ActionID: 2"]
    assert not player.is_done
    player.receive(1, frame("Response: Success / ActionID: 2"), 3.4)
    player.advance(3.4)
    assert player.is_done
    assert differences(TWO_PINGS, player.played) == []


def test_what_does_not_come_is_not_waited_for_for_ever():
    player = Player(TWO_PINGS, speed=0, patience=2)
    player.advance(0.0)
    player.receive(1, GREETING, 0.0)
    assert sent(player.advance(0.0)) == ["Action: Ping / ActionID: 1"]
    assert player.advance(1.9) == []
    assert sent(player.advance(2.0)) == ["Action: Ping / ActionID: 2"]
    player.advance(4.0)
    assert player.is_done
    found = differences(TWO_PINGS, player.played, events=False)
    assert [(each.number, each.what, each.b) for each in found] == [(1, "response", ()), (2, "response", ())]


def test_a_connection_that_the_server_closed_is_waited_for_no_more():
    player = Player(TWO_PINGS, speed=0)
    player.advance(0.0)
    player.receive(1, GREETING, 0.0)
    player.advance(0.0)
    player.end(1, 0.1)
    assert sent(player.advance(0.1)) == ["Action: Ping / ActionID: 2"]


def test_names_are_those_of_the_server():
    player = Player(CALL, speed=0)
    player.advance(0.0)
    player.receive(1, GREETING, 0.0)
    player.advance(0.0)
    player.receive(1, frame("Response: Success / ActionID: 1"), 0.1)
    assert player.advance(0.2) == []
    event = "Event: Newchannel / Privilege: call,all / New: x / Channel: PJSIP/1-0000000a / Uniqueid: 1800000000.7"
    player.receive(1, frame(event), 0.3)
    assert sent(player.advance(0.3)) == ["Action: Hangup / ActionID: 2 / Channel: PJSIP/1-0000000a"]


def test_a_login_is_proved_anew():
    login = recording(
        (1.0, ">", "Action: Challenge / AuthType: MD5", 1),
        (1.1, "<", "Response: Success / Challenge: 100000001", 1),
        (1.2, ">", "Action: Login / AuthType: MD5 / Username: a / Key: 00000000000000000000000000000001", 2),
        (1.3, "<", "Response: Success / Message: Authentication accepted", 2),
        (1.4, ">", "Action: Login / Username: a / Secret: wrong", 3),
        (1.5, "<", "Response: Error / Message: Authentication failed", 3),
    )
    player = Player(login, secret="s3cret", speed=0)
    player.advance(0.0)
    player.receive(1, GREETING, 0.0)
    player.advance(0.0)
    player.receive(1, frame("Response: Success / Challenge: 77"), 0.0)
    key = hashlib.md5(b"77s3cret").hexdigest()
    assert sent(player.advance(0.0)) == [f"Action: Login / AuthType: MD5 / Username: a / Key: {key}"]
    player.receive(1, frame("Response: Success / Message: Authentication accepted"), 0.0)
    assert sent(player.advance(0.0)) == ["Action: Login / Username: a / Secret: wrong"]


def test_a_challenge_cannot_be_answered_without_the_secret():
    with pytest.raises(ValueError, match="cannot be answered without the secret"):
        Player(QUEUE_CALL)


def test_a_server_that_answers_as_was_recorded_differs_in_nothing():
    with Server(recording="22/queue-call", speed=0) as server:
        player = Player(QUEUE_CALL, secret="any", speed=0)
        played = asyncio.run(play(player, server.host, server.port))
    assert differences(QUEUE_CALL, played, events=False) == []


def test_a_server_that_answers_otherwise_is_found_out():
    with Server(recording="22/queue-call", speed=0) as server:
        server.on("Ping").reply(response(Ping="Pang"), event("Extra"))
        player = Player(QUEUE_CALL, secret="any", speed=0)
        played = asyncio.run(play(player, server.host, server.port))
    found = differences(QUEUE_CALL, played, events=False)
    assert ("Ping", "Ping", ("Pong",), ("Pang",)) in [(each.action, each.header, each.a, each.b) for each in found]
    assert {each.action for each in found} == {"Ping"}


def test_a_server_that_is_not_there_is_told(unused_port):
    with pytest.raises(UpstreamError, match=f"cannot connect to 127.0.0.1:{unused_port}"):
        asyncio.run(play(Player(TWO_PINGS), "127.0.0.1", unused_port))


@pytest.fixture
def unused_port() -> int:
    with Server() as server:
        return server.port
