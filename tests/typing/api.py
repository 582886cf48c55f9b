"""User code that the type checkers must accept. It is checked, not run."""

from collections.abc import Iterator
from typing import assert_type

import ami
import amisim
from ami import core, core_events, enums
from amisim import emit, event, faults, like, list_complete, repeat, response, wait
from amisim.action import ClientAction
from amisim.steps import Step


class Mood(ami.Event):
    """An event of the user's own."""

    queue = ami.Text()
    level = ami.Int()


class SetMood(ami.Action):
    """An action of the user's own."""

    queue: str
    level: int = 0
    note: str | None = ami.param("Mood-Note", default=None)


def use(manager: ami.Manager) -> None:
    """Send and receive."""
    manager.connect("pbx", timeout=3)
    assert_type(manager.login("admin", "secret"), ami.Response)
    answer = manager.send_action(core.QueueStatus("support"), action_id="mine", Extra="1")
    if answer is not None:
        assert_type(answer.success, bool)
        assert_type(answer.result["Message"], str)
        assert_type(answer.result.data, list[str])
    manager.send_action(SetMood("support", level=3, note="good"))
    manager.register_callback(core_events.Hangup, hung_up)
    manager.register_callback("", lambda event, manager: None)
    manager.register_callback(None, orphan)
    assert_type(manager.unregister_callback("Hangup", hung_up), bool)
    assert_type(manager.get_asterisk_info(), tuple[str, str] | None)


def hung_up(event: core_events.Hangup, manager: ami.Manager) -> None:
    """A callback."""
    cause: int | None = event.cause
    assert cause != enums.HangupCause.NORMAL_CLEARING
    assert_type(event.channel, str | None)
    assert_type(event["Cause"], str)
    assert_type(event.get("Nothing"), str | None)
    assert_type(event.get_all("ChanVariable"), list[str])


def orphan(response: ami.Message, manager: ami.Manager) -> None:
    """A callback for orphans."""
    assert_type(response.action_id, str | None)


def mood(event: Mood) -> None:
    """An event of the user's own."""
    assert_type(event.level, int | None)


def originate(action: ClientAction) -> Iterator[Step]:
    """A reply that knows the action."""
    yield response(Channel=action.get("Channel"))
    yield emit(event("Newchannel"), to="others")


def serve() -> None:
    """A fake Asterisk."""
    with amisim.Server(recording="queue-call", speed=0) as server:
        server.on("QueueStatus", Queue="x").times(1).reply(response(EventList="start"), wait(0.1), list_complete())
        server.on("Hangup", Channel=like("PJSIP/*")).reply(response("Error")).then(repeat(2, event("A")), wait(1))
        server.on("Originate").reply(originate).then(lambda action: response(Message=action.get("Channel")))
        server.emit(event("Hangup", Channel="x"))
        assert_type(server.wait_for("Ping").name, str)


def go_wrong() -> None:
    """Faults, as such and as texts."""
    fault = faults.delay(6, "response Ping", nth=2)
    assert_type(fault, faults.Fault)
    plan = faults.FaultPlan([fault, "drop event Hangup p=0.5", faults.bad_utf8("event", header="Name")], seed=7)
    assert_type(plan.unused, list[faults.Fault])
