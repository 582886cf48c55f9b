"""Actions: every one ends once, with its own response, at its deadline, or with the link."""

import itertools
from typing import Any

import pytest

from ami import KEY_RESPONSE, Action, Message, Request, core
from amisim import event, list_complete, raw, response, wait


def impatient(request: Request) -> Request:
    request.timeout = 0.05
    return request


def test_an_action_is_answered(server, manager):
    server.on("Getvar", Variable="X").reply(response(Variable="X", Value="a value "))
    request = core.Getvar("X")
    answered = manager.send_action(request)
    assert answered.success
    assert answered.request is request
    assert answered.result is answered.response
    assert answered.result["Value"] == "a value "
    assert answered.action_id == answered.result.action_id == server.wait_for("Getvar").action_id
    assert answered.time > 0
    assert answered.events is None
    assert answered.events_timeout is False


def test_an_action_that_is_refused_is_answered_without_success(manager):
    answered = manager.send_action(Request("Nonsense"))
    assert not answered.success
    assert "Invalid/unknown command" in answered.result["Message"]


def test_an_action_carries_the_headers_that_are_given_with_it(server, manager):
    server.on("Originate").reply(response())
    manager.send_action(core.Originate_Application("PJSIP/100", "Wait", variables={"A": 1, "B": 2}), Codecs="alaw")
    arrived = server.wait_for("Originate")
    assert arrived.get("Codecs") == "alaw"
    assert [value for key, value in arrived.headers if key == "Variable"] == ["A=1", "B=2"]


@pytest.mark.parametrize("action_id", ["own", 7])
def test_an_action_id_may_be_given(server, manager, action_id):
    answered = manager.send_action(core.Ping(), action_id)
    assert answered.action_id == answered.result["ActionID"] == str(action_id)
    assert server.wait_for("Ping").action_id == str(action_id)


def test_a_request_may_be_sent_again(server, manager):
    ping = core.Ping()
    first, second = manager.send_action(ping), manager.send_action(ping)
    assert first.success
    assert second.success
    assert first.action_id != second.action_id
    assert dict(ping) == {"Action": "Ping"}


def test_a_ping_tells_how_long_it_took(manager):
    answered = manager.send_action(core.Ping())
    assert answered.result["RTT"] == answered.response.elapsed > 0


def test_a_mask_of_events_is_taken(server, manager, listen):
    everything = listen("")
    assert manager.send_action(core.Events([])).success
    server.emit(event("Hangup"))
    assert manager.send_action(core.Events("on")).success
    server.emit(event("Newchannel"))
    assert everything.get() == "Newchannel"


def test_the_output_of_a_command_is_its_data(server, manager):
    server.on("Command").reply(response(Message="Command output follows", Output=["one", "", "two: 2"]))
    assert manager.send_action(core.Command("show")).result.data == ["one", "", "two: 2"]


def test_the_raw_output_of_a_command_of_old_servers_is_its_data(server, manager):
    server.on("Command").reply(
        raw("Response: Follows\r\nPrivilege: Command\r\nActionID: own\r\none\n\ntwo: 2--END COMMAND--\r\n\r\n")
    )
    answered = manager.send_action(core.Command("show"), "own")
    assert answered.success
    assert answered.result.data == ["one", "", "two: 2"]


def test_a_user_declares_an_action_in_three_lines(server, manager):
    class RingBell(Action):
        bell: int
        melody: str | None = None

    server.on("RingBell", Bell=7).reply(response(Rung="yes"))
    assert manager.send_action(RingBell(7)).result["Rung"] == "yes"


def test_what_process_response_makes_is_the_result(server, manager):
    class Odd(Request):
        def process_response(self, response: Message) -> Any:
            return super().process_response(response)[KEY_RESPONSE].upper()

    answered = manager.send_action(Odd("Ping"))
    assert answered.result == "SUCCESS"
    assert answered.response["Ping"] == "Pong"
    assert answered.success is False


def test_what_process_response_raises_is_raised_and_nothing_is_left_behind(manager):
    class Broken(Request):
        def process_response(self, response: Message) -> Message:
            raise LookupError("not found")

    for _ in range(2):
        with pytest.raises(LookupError, match="not found"):
            manager.send_action(Broken("Ping"), "own")
    assert manager.send_action(core.Ping(), "own").success


@pytest.mark.parametrize("bad", ["x\r\nAction: Logoff", "x\n", "x\r"])
def test_a_line_end_in_a_header_is_refused_and_nothing_is_sent(server, manager, bad):
    with pytest.raises(ValueError, match="must not contain CR or LF"):
        manager.send_action(core.Getvar(bad))
    with pytest.raises(ValueError, match="must not contain CR or LF"):
        manager.send_action(core.Ping(), bad)
    assert manager.send_action(core.Ping()).success
    assert [action.name for action in server.actions] == ["Challenge", "Login", "Ping"]


def test_an_action_larger_than_asterisk_takes_is_refused_and_nothing_is_sent(server, manager):
    with pytest.raises(ValueError, match="1,022 at most"):
        manager.send_action(core.Setvar("X", "x" * 1020))
    assert manager.send_action(core.Ping()).success
    assert [action.name for action in server.actions] == ["Challenge", "Login", "Ping"]


def test_bytes_that_are_no_text_arrive_as_they_were_sent(server, manager):
    odd = b"K\xe4se".decode("utf-8", "surrogateescape")
    server.on("Getvar").reply(raw(b"Response: Success\r\nActionID: own\r\nValue: K\xe4se\r\n\r\n"))
    answered = manager.send_action(core.Getvar(odd), "own")
    assert b"Variable: K\xe4se\r\n" in server.wait_for("Getvar").frame
    assert answered.result["Value"] == odd


# Time


def test_an_action_that_is_not_answered_in_time_is_none(server, manager):
    server.on("Ping").reply()
    assert manager.send_action(impatient(core.Ping())) is None
    assert manager.is_connected()


def test_a_late_response_goes_to_the_callbacks_for_orphans(server, manager, listen):
    orphans = listen(None)
    server.on("Ping").reply()
    assert manager.send_action(impatient(core.Ping()), "own") is None
    server.emit(b"Response: Success\r\nActionID: own\r\nPing: Pong\r\n\r\n")
    late = orphans.get()
    assert type(late) is Message
    assert late == {"Response": "Success", "ActionID": "own", "Ping": "Pong"}


def test_a_late_response_does_not_answer_another_action(server, manager, listen):
    orphans = listen(None)
    server.on("Ping").times(1).reply()
    assert manager.send_action(impatient(core.Ping()), "late") is None
    server.on("Ping").reply(raw("Response: Error\r\nActionID: late\r\n\r\n"), response(Ping="Pong"))
    answered = manager.send_action(core.Ping())
    assert answered.success
    assert answered.action_id == answered.response.action_id
    assert orphans.get().action_id == "late"


def test_a_repeated_and_a_foreign_response_go_to_the_callbacks_for_orphans(server, manager, listen):
    orphans = listen(None)
    server.on("Ping").reply(
        response(Ping="Pong"), response("Error", Message="again"), raw("Response: Error\r\nActionID: foreign\r\n\r\n"),
        raw("Response: Success\r\nMessage: without an ActionID\r\n\r\n"),
    )  # fmt: skip
    assert manager.send_action(core.Ping(), "own").result["Ping"] == "Pong"
    assert [orphans.get().action_id for _ in range(3)] == ["own", "foreign", None]


def test_an_action_id_that_is_under_way_is_refused(server, manager, start):
    server.on("Wait").reply()
    first = start(manager.send_action, Request("Wait"), "own")
    server.wait_for("Wait")
    with pytest.raises(ValueError, match="already under way"):
        manager.send_action(core.Ping(), "own")
    server.emit(b"Response: Success\r\nActionID: own\r\n\r\n")
    assert first.result(timeout=5).success
    assert manager.send_action(core.Ping(), "own").success


def test_an_action_that_takes_long_does_not_hold_up_others(server, manager, start):
    request = Request("Wait")
    request.timeout = 60
    server.on("Wait").reply()
    long = start(manager.send_action, request, "long")
    server.wait_for("Wait")
    assert manager.send_action(core.Ping()).success
    assert not long.done()
    server.emit(b"Response: Success\r\nActionID: long\r\n\r\n")
    assert long.result(timeout=5).success


def test_responses_in_any_order_find_their_callers(server, manager, start):
    count = 8
    for number in range(count):
        server.on("Wait", Number=number).reply(wait(0.01 * (count - number)), response(Number=number))
    futures = [start(manager.send_action, Request("Wait"), Number=number) for number in range(count)]
    assert [future.result(timeout=5).result["Number"] for future in futures] == [str(each) for each in range(count)]


def test_many_threads_each_get_their_own_answers(manager, start):
    def ping(thread: int) -> list[tuple[str, str]]:
        answers = []
        for number in range(50):
            action_id = f"{thread}-{number}"
            answered = manager.send_action(core.Ping(), action_id)
            assert answered is not None
            answers.append((action_id, answered.response["ActionID"]))
        return answers

    futures = [start(ping, thread) for thread in range(20)]
    answers = list(itertools.chain.from_iterable(future.result(timeout=30) for future in futures))
    assert len(answers) == 1000
    assert all(asked == answered for asked, answered in answers)


def test_a_response_in_many_pieces_is_put_together(server, manager):
    text = "Response: Success\r\nActionID: own\r\nValue: Käse\r\n\r\n".encode()
    steps = itertools.chain.from_iterable((raw(text[at : at + 1]), wait(0.001)) for at in range(len(text)))
    server.on("Getvar").reply(*steps)
    assert manager.send_action(core.Getvar("X"), "own").result["Value"] == "Käse"


def test_a_large_response_arrives_whole(server, manager):
    lines = [f"line {number}" for number in range(20_000)]
    server.on("Command").reply(response(Message="Command output follows", Output=lines))
    assert manager.send_action(core.Command("show")).result.data == lines


# Lists


def test_a_synchronous_action_returns_with_its_list(server, manager, listen):
    everything = listen("")
    server.on("QueueStatus").reply(
        response(EventList="start"), event("QueueParams", Queue="a"), event("QueueMember", Name="Ada"), wait(0.01),
        list_complete(),
    )  # fmt: skip
    request = core.QueueStatus()
    request.synchronous = True
    answered = manager.send_action(request)
    assert answered.success
    assert not answered.events_timeout
    assert answered.events["QueueMember"][0].member_name == "Ada"
    assert answered.events["QueueStatusComplete"].list_items == 2
    server.emit(event("Marker"))
    assert everything.until("Marker") == []


def test_a_list_that_does_not_end_in_time_is_returned_as_far_as_it_came(server, manager):
    server.on("QueueStatus").reply(response(EventList="start"), event("QueueParams", Queue="a"))
    request = core.QueueStatus()
    request.synchronous, request.timeout = True, 0.5
    answered = manager.send_action(request)
    assert answered.success
    assert answered.events_timeout
    assert [each["Queue"] for each in answered.events["QueueParams"]] == ["a"]
    assert answered.events["QueueStatusComplete"] is None


def test_a_list_that_is_refused_is_returned_at_once(server, manager):
    server.on("QueueStatus").reply(response("Error", Message="No such queue"))
    request = core.QueueStatus()
    request.synchronous = True
    answered = manager.send_action(request)
    assert not answered.success
    assert not answered.events_timeout
    assert answered.events["QueueParams"] == []


def test_a_synchronous_hangup_returns_when_its_channel_is_gone(server, manager, listen):
    everything = listen("")
    server.on("Hangup").reply(
        response(), event("Hangup", Channel="PJSIP/2"), event("Hangup", Channel="PJSIP/1", Cause="16")
    )
    request = core.Hangup("PJSIP/1")
    request.synchronous = True
    answered = manager.send_action(request)
    assert answered.events["Hangup"].cause == 16
    server.emit(event("Marker"))
    assert everything.until("Marker") == ["Hangup"]


def test_lists_of_one_kind_at_the_same_time_do_not_disturb_each_other(server, manager, start):
    def item(number: int, name: str, **headers: object) -> Any:
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        return raw(f"Event: {name}\r\nActionID: {number}\r\n{lines}\r\n")

    requests = [core.QueueStatus(str(number)) for number in range(3)]
    for number, request in enumerate(requests):
        request.synchronous = True
        server.on("QueueStatus", Queue=number).reply(response(EventList="start"))
    interleaved = [item(number, "QueueMember", Name=f"of {number}") for _ in range(3) for number in range(3)]
    ends = [item(number, "QueueStatusComplete", EventList="Complete") for number in (2, 0, 1)]
    server.on("Go").reply(response(), *interleaved, *ends)
    futures = [start(manager.send_action, request, number) for number, request in enumerate(requests)]
    for number in range(3):
        server.wait_for("QueueStatus", Queue=number)
    manager.send_action(Request("Go"))
    for number, future in enumerate(futures):
        members = future.result(timeout=5).events["QueueMember"]
        assert [member["Name"] for member in members] == [f"of {number}"] * 3
