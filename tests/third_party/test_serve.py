"""`amisim serve`, a process of its own, is an Asterisk to the client libraries that others made."""

from pathlib import Path

import pytest

from ..amisim.commands import Running
from .clients import CLIENTS, WARNINGS, Client

pytestmark = WARNINGS


SCENARIO = """
amisim: 1
users: {ann: {secret: s3cret}}
rules:
  - on: QueueStatus
    headers: {Queue: support}
    reply:
      - {response: Success, EventList: start, Message: Queue status will follow}
      - {event: QueueParams, Queue: support, Max: 0, ActionID: "${ActionID}"}
      - repeat: 3
        steps:
          - {event: QueueMember, Queue: support, Name: "Agent ${n} Ünlü", ActionID: "${ActionID}"}
      - list_complete:
timelines:
  - at: login
    steps:
      - {event: QueueCallerJoin, Privilege: "agent,all", Queue: support, Position: 1}
      - wait: 0.01
      - {event: Hangup, Privilege: "call,all", Channel: PJSIP/100-00000001, Cause: 16}
"""


@pytest.fixture
def server(tmp_path: Path):
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    with Running("serve", "--scenario", path) as process:
        yield process


@pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.__name__)
def test_a_client_is_served(server, kind: type[Client]):
    with kind(server.host, server.port) as client:
        client.login("ann", "s3cret")
        assert client.ping()["Ping"] == "Pong"
        response, *items = client.queue_status("support")
        assert response["Message"] == "Queue status will follow"
        if kind.has_events:
            assert [item["Event"] for item in items] == ["QueueParams", *["QueueMember"] * 3, "QueueStatusComplete"]
            assert [item["Name"] for item in items[1:4]] == [f"Agent {n} Ünlü" for n in (1, 2, 3)]
            assert items[-1]["ListItems"] == "4"
            events = client.follow(lambda event: event["Event"] == "Hangup")
            assert [each["Event"] for each in events] == ["FullyBooted", "QueueCallerJoin", "Hangup"]
            assert (events[-1]["Channel"], events[-1]["Cause"]) == ("PJSIP/100-00000001", "16")
        assert client.ping()["Ping"] == "Pong"
    code, output, errors = server.end()
    assert (code, errors) == (0, "")
    assert "→ QueueStatus" in output
