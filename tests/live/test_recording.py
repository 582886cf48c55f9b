"""A session with a real Asterisk, recorded through the proxy, and replayed."""

from collections.abc import Callable

import pytest

import ami
import amisim
from ami import core

from ..proxy import recorded
from .calls import Ears, hang_up, listed, originate


def log_in_plainly(manager: ami.Manager, user: tuple[str, str]) -> ami.Response:
    return manager.send_action(core.Login(*user))


def log_in_by_challenge(manager: ami.Manager, user: tuple[str, str]) -> ami.Response:
    return manager.login(*user)


def take_part(
    host: str,
    port: int,
    log_in: Callable[[ami.Manager, tuple[str, str]], ami.Response],
    user: tuple[str, str],
    tag: str,
) -> list[object]:
    """Log in, ask, change, call and hang up; return what the server told, ActionIDs and times aside."""
    ears = Ears()
    with ami.Manager() as manager:
        manager.register_callback("", ears.hear)
        manager.connect(host, port)
        told: list[object] = [manager.get_asterisk_info()]
        responses = [
            log_in(manager, user),
            manager.send_action(core.Ping()),
            listed(manager, core.QueueStatus("support")),
            listed(manager, core.QueueSummary()),
            manager.send_action(core.Command("core show version")),
            manager.send_action(core.Command("no such command")),
            manager.send_action(core.DBPut("amikit-live", tag, "Wört")),
            listed(manager, core.DBGet("amikit-live", tag)),
            manager.send_action(ami.Request("DBDel"), Family="amikit-live", Key=tag),
            listed(manager, core.DBGet("amikit-live", tag)),
            listed(manager, core.UserEvent(UserEvent=tag, Text="größer")),
        ]
        call = originate(manager, ears, "Local/3000@lab/n")
        story = [
            call,
            ears.wait_for("QueueCallerJoin", Linkedid=call.uniqueid),
            ears.wait_for("AgentConnect", Linkedid=call.uniqueid),
        ]
        responses += [
            manager.send_action(core.Setvar("AMIKIT", "grün", call.channel)),
            manager.send_action(core.Getvar("AMIKIT", call.channel)),
            listed(manager, core.CoreShowChannels()),
            listed(manager, core.Status(call.channel)),
            hang_up(manager, call.channel),
            listed(manager, core.Status(call.channel)),
        ]
        story.append(ears.wait_for("Hangup", Channel=story[1].channel))
        responses.append(manager.send_action(core.Logoff()))
    told += [headers(event) for event in story]
    for response in responses:
        assert not response.events_timeout
        told += [response.success, headers(response.response), response.response.data]
        for name, events in (response.events or {}).items():
            if isinstance(name, str):
                told += [name, [headers(event) for event in (events if isinstance(events, list) else [events])]]
    return told


def headers(message: ami.Message | None) -> dict[str, str] | None:
    if message is None:
        return None
    return {key: value for key, value in message.items() if key not in ("ActionID", "RTT")}


@pytest.mark.parametrize("log_in", [log_in_plainly, log_in_by_challenge])
def test_a_recorded_session_is_replayed_to_the_same_code_with_the_same_answers(address, user, tag, tmp_path, log_in):
    file = tmp_path / "session.yaml"
    with recorded(*address, file) as proxy:
        told = take_part(*proxy, log_in, user, tag)
    assert user[1] not in file.read_text(encoding="utf-8")

    with amisim.Server(recording=file, speed=0) as server:
        assert take_part(server.host, server.port, log_in, user, tag) == told
        assert server.misses == []
