"""Actions: their time, their answers, the events that end them, and what they put on the wire."""

import logging
from queue import SimpleQueue
from typing import Any

import pytest

import ami
from ami import Manager, ManagerAuthError, Request, app_confbridge, core
from amisim import event, list_complete, raw, response


def works(manager: Manager) -> bool:
    answer = manager.send_action(core.Ping())
    return answer is not None and answer.success


def synchronous(request: Request) -> Request:
    request.synchronous = True
    return request


def test_defect_10_a_plain_originate_counts_seconds(server, connected, clock, start):
    manager = connected(runtime=clock)
    server.on("Originate").reply()
    waiting = start(manager.send_action, Request("Originate"), Channel="PJSIP/1")
    server.wait_for("Originate")
    clock.advance(4.9)
    assert works(manager)
    assert not waiting.done()
    clock.advance(0.2)
    assert waiting.result(timeout=5) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: core.Originate_Application("PJSIP/1", "Wait", "5"),
        lambda: core.Originate_Context("PJSIP/1", "default", "100", 1),
    ],
    ids=["Originate_Application", "Originate_Context"],
)
def test_defect_10_the_timeout_of_an_originate_may_be_set_in_seconds(server, connected, clock, start, make):
    manager = connected(runtime=clock)
    server.on("Originate").reply()
    request = make()
    request.timeout = 60
    waiting = start(manager.send_action, request)
    server.wait_for("Originate")
    clock.advance(59)
    assert works(manager)
    assert not waiting.done()
    clock.advance(2)
    assert waiting.result(timeout=5) is None


def test_defect_11_a_late_response_is_an_orphan_at_once(server, connected, clock, start, heard):
    manager = connected(runtime=clock)
    orphans = heard(manager, None)
    server.on("Ping").times(1).reply()
    waiting = start(manager.send_action, core.Ping(), "late")
    server.wait_for("Ping")
    clock.advance(6)
    assert waiting.result(timeout=5) is None
    server.emit(b"Response: Success\r\nActionID: late\r\nPing: Pong\r\n\r\n")
    assert orphans.get() == {"Response": "Success", "ActionID": "late", "Ping": "Pong"}


def test_defect_12_an_error_of_process_response_leaves_nothing_behind(server, manager, heard):
    server.on("Login").reply(response("Error", Message="Authentication failed"))
    for _ in range(2):  # the ActionID is free again
        with pytest.raises(ManagerAuthError, match="Authentication failed"):
            manager.send_action(core.Login("admin", "wrong"), "own")
    orphans = heard(manager, None)
    server.emit(b"Response: Success\r\nActionID: own\r\n\r\n")
    assert orphans.get().action_id == "own"


def test_defect_13_a_callback_may_send_a_synchronous_action(server, manager):
    server.on("QueueStatus").reply(response(EventList="start"), event("QueueMember", Name="Ada"), list_complete())
    answers: SimpleQueue[ami.Response] = SimpleQueue()

    def callback(event: ami.Event, manager: Manager) -> None:
        answer = manager.send_action(synchronous(core.QueueStatus()))
        assert answer is not None
        answers.put(answer)

    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    answer = answers.get(timeout=5)
    assert answer.events_timeout is False
    assert [member["Name"] for member in answer.events["QueueMember"]] == ["Ada"]


def headers(name: str, **values: object) -> Any:
    """An event without ActionID."""
    return raw("".join(f"{key}: {value}\r\n" for key, value in {"Event": name, **values}.items()) + "\r\n")


ENDED = [
    pytest.param(
        lambda: core.Hangup("PJSIP/1-1"),
        headers("Hangup", Channel="PJSIP/2-1", Cause=16), headers("Hangup", Channel="PJSIP/1-1", Cause=17), "Hangup",
        {"Cause": "17"},
        id="Hangup",
    ),
    pytest.param(
        lambda: core.Hangup("1722850000.1"),
        headers("Hangup", Channel="PJSIP/2-1", Uniqueid="1722850000.10"),
        headers("Hangup", Channel="PJSIP/1-1", Uniqueid="1722850000.1"), "Hangup", {"Channel": "PJSIP/1-1"},
        id="Hangup by Uniqueid",
    ),
    pytest.param(
        lambda: core.QueueAdd("PJSIP/1", "sales"),
        headers("QueueMemberAdded", Queue="support", Interface="PJSIP/1"),
        headers("QueueMemberAdded", Queue="sales", Interface="PJSIP/1", Penalty=0), "QueueMemberAdded",
        {"Queue": "sales"},
        id="QueueAdd",
    ),
    pytest.param(
        lambda: core.QueueAdd("PJSIP/1", "sales"),
        headers("QueueMemberAdded", Queue="sales", Location="PJSIP/2"),
        headers("QueueMemberAdded", Queue="sales", Location="PJSIP/1"), "QueueMemberAdded", {"Location": "PJSIP/1"},
        id="QueueAdd, before Asterisk 12",
    ),
    pytest.param(
        lambda: core.QueueRemove("PJSIP/1", "sales"),
        headers("QueueMemberRemoved", Queue="sales", Interface="PJSIP/2"),
        headers("QueueMemberRemoved", Queue="sales", Interface="PJSIP/1"), "QueueMemberRemoved",
        {"Interface": "PJSIP/1"},
        id="QueueRemove",
    ),
    pytest.param(
        lambda: core.AGI("PJSIP/1-1", "ANSWER", "c1"),
        headers("AsyncAGI", SubEvent="Exec", Channel="PJSIP/1-1", CommandID="c0", Result="x"),
        headers("AsyncAGI", SubEvent="Exec", Channel="PJSIP/1-1", CommandID="c1", Result="200%20result%3D0"),
        "AsyncAGI", {"CommandID": "c1"},
        id="AGI, before Asterisk 12",
    ),
    pytest.param(
        lambda: core.AGI("PJSIP/1-1", "ANSWER", "c1"),
        headers("AsyncAGIExec", Channel="PJSIP/2-1", CommandID="c1"),
        headers("AsyncAGIExec", Channel="PJSIP/1-1", CommandID="c1", Result="200%20result%3D0"),
        "AsyncAGIExec", {"Result": "200%20result%3D0"},
        id="AGI",
    ),
    pytest.param(
        lambda: app_confbridge.ConfbridgeStartRecord("1000"),
        headers("VarSet", Channel="PJSIP/1-1", Variable="MIXMONITOR_FILENAME", Value="x.wav"),
        headers(
            "VarSet", Channel="ConfBridgeRecorder/conf-1000-uid-1", Variable="MIXMONITOR_FILENAME",
            Value="confbridge-1000-1.wav",
        ),
        "VarSet", {"Value": "confbridge-1000-1.wav"},
        id="ConfbridgeStartRecord, before Asterisk 12",
    ),
    pytest.param(
        lambda: app_confbridge.ConfbridgeStartRecord("1000"),
        headers("VarSet", Channel="PJSIP/1-1", Variable="BRIDGEPEER", Value="PJSIP/2-1"),
        headers("VarSet", Channel="PJSIP/1-1", Variable="BRIDGEPEER", Value="PJSIP/2-1,CBRec/1000-00000001"),
        "VarSet", {"Value": "PJSIP/2-1,CBRec/1000-00000001"},
        id="ConfbridgeStartRecord",
    ),
    pytest.param(
        lambda: app_confbridge.ConfbridgeStopRecord("1000"),
        headers("Hangup", Channel="PJSIP/1-1"),
        headers("Hangup", Channel="CBRec/1000-00000001"), "Hangup", {"Channel": "CBRec/1000-00000001"},
        id="ConfbridgeStopRecord",
    ),
    pytest.param(
        lambda: core.UserEvent(UserEvent="Alarm"),
        headers("UserEvent", UserEvent="Alarm"), headers("UserEvent", ActionID="own", UserEvent="Alarm", Level=3),
        "UserEvent", {"Level": "3"},
        id="UserEvent",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "foreign", "own", "name", "expected"), ENDED)
def test_defect_14_an_event_without_action_id_ends_its_action(
    server, connected, clock, start, make, foreign, own, name, expected, heard
):
    """No time goes by: the action ends with its event, or never."""
    manager = connected(runtime=clock)
    every = heard(manager, "")
    server.on(make()["Action"]).reply(response(), foreign, own)
    request = synchronous(make())
    server.on("Late").reply(event("Marker"), response())
    answer = start(manager.send_action, request, "own").result(timeout=5)
    assert answer.success
    assert answer.events_timeout is False
    found = answer.events[name]
    assert {key: found[key] for key in expected} == expected
    manager.send_action(Request("Late"))
    others = every.until("Marker")
    assert len(others) == 1
    assert not expected.items() <= dict(others[0]).items()


@pytest.mark.parametrize("make", [each.values[0] for each in ENDED], ids=[each.id for each in ENDED])
def test_defect_14_an_action_that_is_refused_waits_for_no_event(server, connected, clock, start, make):
    manager = connected(runtime=clock)
    server.on(make()["Action"]).reply(response("Error", Message="No such channel"))
    request = synchronous(make())
    answer = start(manager.send_action, request).result(timeout=5)
    assert answer.success is False
    assert answer.events_timeout is False


def test_defect_15_what_has_no_value_is_not_sent(server, manager):
    server.on("Odd").reply(response())
    request = Request("Odd")
    request.update({"Nothing": None, "Yes": True, "No": False, "Zero": 0, "Empty": "", "List": ["a", None, True]})
    manager.send_action(request, More=None, Also=True)
    sent = [each for each in server.wait_for("Odd").headers if each[0] not in ("Action", "ActionID")]
    assert sent == [
        ("Yes", "true"), ("No", "false"), ("Zero", "0"), ("Empty", ""), ("List", "a"), ("List", "true"),
        ("Also", "true"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda **given: core.Originate_Application("PJSIP/1", "Wait", **given), "variables"),
        (lambda **given: core.Originate_Context("PJSIP/1", "default", "100", 1, **given), "variables"),
        (lambda **given: core.SIPnotify("100", **given), "headers"),
    ],
    ids=["Originate_Application", "Originate_Context", "SIPnotify"],
)
def test_defect_16_no_default_is_shared(make, argument):
    for parameter in (make(), make(**{argument: {"A": "1"}}), make()):
        assert ("Variable" in parameter) is (parameter.get("Variable") is not None)
    first = make()
    first["Variable"] = ["X=1"]
    assert "Variable" not in make()
    given = {"A": "1"}
    assert list(make(**{argument: given})["Variable"]) == ["A=1"]
    assert given == {"A": "1"}


def test_defect_16_the_log_hides_what_must_stay_hidden(server, connected, caplog, heard):
    caplog.set_level(logging.DEBUG)
    manager = connected(debug=True)

    def broken(event: ami.Event, manager: Manager) -> None:
        raise LookupError("not found")

    manager.register_callback("Undeclared", broken)
    every = heard(manager, "")
    server.emit(event("Undeclared", Secret="s3cret-1", Key="s3cret-2", Challenge="s3cret-3"))
    server.emit(event("Marker"))
    every.until("Marker")
    assert "LookupError" in caplog.text
    assert "s3cret-" not in caplog.text
