"""amisim serves, records and replays the client libraries that others made."""

from pathlib import Path
from typing import NamedTuple

import pytest

import amisim
from ami.catalogue import Event, parse
from amisim import library

from ..proxy import recorded
from .clients import CLIENTS, WARNINGS, Astami, AsteriskAmi, Client, Headers

pytestmark = WARNINGS

RECORDING = "22/queue-call"
CALLER = "Local/3000@lab-00000000;2"
MEMBER = "Local/2001@lab-00000001;1"


class Session(NamedTuple):
    """What a client was told."""

    pong: str
    members: list[str]
    events: list[Headers]


def take_part(client: Client) -> Session:
    """Log in, ping, ask who is in the queue, and follow the call to its end."""
    client.login("admin", "any secret")
    pong = client.ping()["Ping"]
    status = client.queue_status("support")
    events = client.follow(call_is_over) if client.has_events else []
    return Session(pong, [item["Name"] for item in status if item.get("Event") == "QueueMember"], events)


def call_is_over(event: Headers) -> bool:
    """Whether an event is the last `Hangup` of the recorded call."""
    return event["Event"] == "Hangup" and event["Channel"] == MEMBER


def recorded_events() -> list[Event]:
    """The events of the recording that nobody asked for, up to the end of the call."""
    events = []
    for record in amisim.load(library.find(RECORDING)).records:
        message = parse(record.data) if record.kind == "data" and record.direction == "<" else None
        if isinstance(message, Event) and "Privilege" in message:
            events.append(message)
            if call_is_over(message):
                break
    return events


def outline(events: list[Headers]) -> list[tuple[str, str | None]]:
    return [(event["Event"], event.get("Channel")) for event in events]


def named(client: type[Client]) -> str:
    return client.__name__


every_client = pytest.mark.parametrize("kind", CLIENTS, ids=named)
every_client_with_events = pytest.mark.parametrize("kind", [kind for kind in CLIENTS if kind.has_events], ids=named)


@pytest.fixture
def server():
    with amisim.Server(recording=RECORDING, speed=0) as server:
        yield server
    server.check()


@every_client
def test_a_client_logs_in_and_its_ping_is_answered(server, kind):
    with kind(server.host, server.port) as client:
        client.login("admin", "any secret")
        assert client.ping()["Ping"] == "Pong"
    assert server.wait_for("Login").get("Username") == "admin"


@every_client_with_events
def test_a_client_reads_the_members_of_a_queue(server, kind):
    with kind(server.host, server.port) as client:
        client.login("admin", "any secret")
        response, *items = client.queue_status("support")
    assert response["Message"] == "Queue status will follow"
    assert [item["Event"] for item in items] == ["QueueParams", "QueueMember", "QueueMember", "QueueStatusComplete"]
    assert {item["Name"]: item["Location"] for item in items if item["Event"] == "QueueMember"} == {
        "Alice": "Local/2001@lab/n",
        "Bob Ünlü": "Local/2002@lab/n",
    }
    assert items[-1]["ListItems"] == "3"


@every_client_with_events
def test_a_client_sees_every_event_of_the_call_in_order(server, kind):
    with kind(server.host, server.port) as client:
        client.login("admin", "any secret")
        events = client.follow(call_is_over)
    assert outline(events) == outline(recorded_events())
    story = [event for event in events if event["Event"] in ("QueueCallerJoin", "AgentConnect", "AgentComplete")]
    assert outline(story) == [("QueueCallerJoin", CALLER), ("AgentConnect", CALLER), ("AgentComplete", CALLER)]
    assert [event["Queue"] for event in story] == ["support"] * 3
    assert [event["MemberName"] for event in story[1:]] == ["Alice", "Alice"]
    hangups = [event for event in events if event["Event"] == "Hangup"]
    assert len(hangups) == 4
    assert {event["Cause-txt"] for event in hangups} == {"Normal Clearing"}


def test_astami_finds_each_response_among_the_events_and_drops_the_items_of_a_list(server):
    with Astami(server.host, server.port) as client:
        client.login("admin", "any secret")
        before = client.ping()
        [response] = client.queue_status("support")
    assert before["Ping"] == "Pong"
    assert response["EventList"] == "start"
    assert response["Message"] == "Queue status will follow"


def test_a_client_that_does_not_wait_for_the_greeting_is_greeted_before_it_is_answered():
    # So slowly, the recorded greeting comes 20 ms after the connection; asterisk-ami sends its login at once.
    with (
        amisim.Server(recording=RECORDING, speed=0.05) as server,
        AsteriskAmi(server.host, server.port) as client,
    ):
        client.login("admin", "any secret")
        assert client.ping()["Ping"] == "Pong"


@every_client
def test_a_client_that_was_recorded_is_told_the_same_again(server, kind, tmp_path: Path):
    file = tmp_path / "session.yaml"
    with recorded(server.host, server.port, file) as address, kind(*address) as client:
        first = take_part(client)
    assert "any secret" not in file.read_text(encoding="utf-8")

    with amisim.Server(recording=file) as replay:
        with kind(replay.host, replay.port) as client:
            again = take_part(client)
        assert replay.misses == []

    assert again == first
    assert first.pong == "Pong"
    if kind.has_events:
        assert sorted(first.members) == ["Alice", "Bob Ünlü"]
        assert outline(first.events) == outline(recorded_events())
