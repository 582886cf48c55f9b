"""The client's state machine: the greeting, what is sent, and what comes; bytes and times are made up."""

import math

import pytest

from ami import ManagerAuthError, ProtocolError, core, core_events
from ami.message import Message
from ami.outcomes import Notice, Orphan
from ami.request import Request

from .talk import Talk, names, result

# The greeting


def test_the_greeting_says_who_the_server_is():
    talk = Talk(None)
    assert talk.session.greeting is None
    assert talk.greeted == 0
    assert talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\n") == []
    assert talk.session.greeting == "Asterisk Call Manager/11.0.0"
    assert talk.session.asterisk_info() == ("Asterisk Call Manager", "11.0.0")
    assert talk.greeted == 1


def test_the_greeting_may_come_in_pieces():
    talk = Talk(None)
    talk.say_bytes(b"Asterisk Call ")
    assert talk.session.greeting is None
    talk.say_bytes(b"Manager/5.0.4\r")
    talk.say_bytes(b"\n")
    assert talk.session.asterisk_info() == ("Asterisk Call Manager", "5.0.4")


def test_a_greeting_without_a_version_is_taken():
    talk = Talk(None)
    talk.say_bytes(b"Our own call manager\n")
    assert talk.session.asterisk_info() == ("<unknown>", "<unknown>")
    assert talk.session.closed is None


def test_before_the_greeting_the_server_is_unknown():
    assert Talk(None).session.asterisk_info() == ("<unknown>", "<unknown>")


def test_messages_may_come_together_with_the_greeting():
    talk = Talk(None)
    outputs = talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\nEvent: FullyBooted\r\n\r\n")
    assert names(outputs) == ["FullyBooted"]


def test_an_action_may_be_sent_before_the_greeting():
    talk = Talk(None)
    ping = talk.send(core.Ping())
    talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\n")
    talk.answer(ping)
    assert result(ping).success


@pytest.mark.parametrize(
    "line", [b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail.example.org ESMTP\r\n", b"\r\n", b"\xff\xfe\n"]
)
def test_a_server_that_does_not_speak_ami_is_told_by_its_greeting(line):
    talk = Talk(None)
    ping = talk.send(core.Ping())
    assert talk.say_bytes(line + b"Event: Hangup\r\n\r\n") == []
    assert isinstance(talk.session.closed, ProtocolError)
    assert "does not speak AMI" in str(talk.session.closed)
    assert talk.session.greeting is None
    assert talk.greeted == 1
    with pytest.raises(ProtocolError):
        ping.result()


def test_a_greeting_that_does_not_come_in_time_is_an_error():
    talk = Talk(None, greeting_deadline=1005)
    assert talk.session.next_deadline() == 1005
    talk.wait(4.9)
    assert talk.session.closed is None
    talk.wait(0.1)
    assert isinstance(talk.session.closed, ProtocolError)
    assert "no greeting in time" in str(talk.session.closed)
    assert talk.session.next_deadline() is None
    assert talk.greeted == 1


def test_a_greeting_that_has_come_has_no_deadline():
    talk = Talk(greeting_deadline=1005)
    assert talk.session.next_deadline() is None
    talk.wait(10)
    assert talk.session.closed is None
    assert talk.greeted == 1


def test_a_server_that_closes_before_its_greeting_is_told_what_it_said():
    talk = Talk(None)
    talk.say_bytes(b"Aster")
    talk.session.receive_eof(talk.now)
    assert isinstance(talk.session.closed, ProtocolError)
    assert str(talk.session.closed) == "the server closed the connection before its greeting; it said b'Aster'"
    assert talk.greeted == 1


def test_a_server_that_closes_without_a_word_is_told_apart():
    talk = Talk(None)
    talk.session.receive_eof(talk.now)
    assert str(talk.session.closed) == "the server closed the connection before its greeting"


# Sending


def test_an_action_is_given_as_bytes_to_send(talk):
    pending = talk.send(core.Getvar("Käse"), None, Extra="1")
    assert (
        talk.sent == f"Action: Getvar\r\nVariable: Käse\r\nExtra: 1\r\nActionID: {pending.action_id}\r\n\r\n".encode()
    )


def test_bytes_that_are_no_utf_8_are_sent_as_they_were_read(talk):
    talk.send(core.Getvar(b"K\xe4se".decode("utf-8", "surrogateescape")))
    assert b"Variable: K\xe4se\r\n" in talk.sent


def test_action_ids_count_up_after_the_prefix(talk):
    assert [talk.send(core.Ping()).action_id for _ in range(3)] == [
        "host-abcde-00000001", "host-abcde-00000002", "host-abcde-00000003",
    ]  # fmt: skip


def test_an_action_id_may_be_given(talk):
    assert talk.send(core.Ping(), "own").action_id == "own"
    assert b"ActionID: own\r\n" in talk.sent


def test_an_action_id_that_is_under_way_is_refused_until_its_action_has_ended(talk):
    ping = talk.send(core.Ping(), "own")
    with pytest.raises(ValueError, match="'own' is already under way"):
        talk.send(core.Ping(), "own")
    talk.answer(ping)
    again = talk.send(core.Ping(), "own")
    talk.answer(again)
    assert result(again).success
    assert talk.woken == {"own": 2}


def test_a_request_that_must_not_be_sent_leaves_nothing_behind(talk):
    with pytest.raises(ValueError, match="must not contain CR or LF"):
        talk.send(core.Getvar("a\r\nAction: Logoff"), "own")
    assert talk.session.next_deadline() is None
    assert talk.send(core.Ping(), "own").action_id == "own"


# Responses


def test_a_response_ends_its_action(talk):
    request = core.Getvar("X")
    pending = talk.send(request)
    talk.now += 0.25
    assert not pending.done
    assert talk.answer(pending, "Success", "Value: 7") == []
    response = result(pending)
    assert response.response == {"Response": "Success", "ActionID": pending.action_id, "Value": "7"}
    assert response.result is response.response
    assert response.request is request
    assert response.action_id == pending.action_id
    assert response.success is True
    assert response.time == response.response.elapsed == 0.25
    assert response.events is None
    assert response.events_timeout is False
    assert talk.woken == {pending.action_id: 1}


def test_an_error_is_a_response_without_success(talk):
    pending = talk.send(core.Getvar("X"))
    talk.answer(pending, "Error", "Message: No such channel")
    assert result(pending).success is False
    assert result(pending).result["Message"] == "No such channel"


def test_a_response_goes_to_the_action_with_its_action_id(talk):
    first, second, third = (talk.send(core.Ping()) for _ in range(3))
    talk.answer(third)
    assert (first.done, second.done, third.done) == (False, False, True)
    talk.answer(first)
    assert (first.done, second.done, third.done) == (True, False, True)
    talk.answer(second)
    assert [result(each).response.action_id for each in (first, second, third)] == [
        first.action_id, second.action_id, third.action_id,
    ]  # fmt: skip


def test_a_response_in_pieces_ends_its_action_with_the_last(talk):
    ping = talk.send(core.Ping(), "own")
    data = b"Response: Success\r\nActionID: own\r\nPing: Pong\r\n\r\n"
    for place in range(len(data)):
        assert not ping.done
        talk.say_bytes(data[place : place + 1])
    assert result(ping).success


def test_the_result_is_what_the_request_makes_of_the_response(talk):
    class Odd(Request):
        def process_response(self, response: Message) -> Message:
            made = super().process_response(Message(b"Response: Made\r\n\r\n"))
            made.success = True
            return made

    pending = talk.send(Odd("X"))
    talk.answer(pending, "Error")
    response = result(pending)
    assert response.result["Response"] == "Made"
    assert response.response["Response"] == "Error"
    assert response.success is True


def test_what_the_request_raises_about_the_response_is_raised(talk):
    login = talk.send(core.Login("admin", "wrong"))
    talk.answer(login, "Error", "Message: Authentication failed")
    with pytest.raises(ManagerAuthError, match="Authentication failed"):
        login.result()
    assert talk.woken[login.action_id] == 1


def test_the_request_sees_how_long_the_response_took(talk):
    ping = talk.send(core.Ping())
    talk.now += 0.125
    talk.answer(ping, "Success", "Ping: Pong")
    assert result(ping).result["RTT"] == 0.125


@pytest.mark.parametrize("line", ["ActionID: foreign", "ActionID: ", "Message: without an ActionID"])
def test_a_foreign_response_is_an_orphan_at_once(talk, line):
    ping = talk.send(core.Ping())
    [orphan] = talk.say("Response: Success", line)
    assert isinstance(orphan, Orphan)
    assert orphan.response["Response"] == "Success"
    assert not ping.done


def test_a_repeated_response_is_an_orphan_at_once(talk):
    ping = talk.send(core.Ping())
    assert talk.answer(ping) == []
    assert names(talk.answer(ping)) == ["Orphan"]
    assert talk.woken[ping.action_id] == 1


def test_a_late_response_is_an_orphan_at_once(talk):
    ping = talk.send(core.Ping())
    talk.wait(5)
    [orphan] = talk.answer(ping, "Success", "Ping: Pong")
    assert isinstance(orphan, Orphan)
    assert orphan.response.action_id == ping.action_id
    assert ping.result() is None


def test_empty_lines_mean_nothing(talk):
    ping = talk.send(core.Ping())
    assert talk.say_bytes(b"\r\n\n\r\n") == []
    talk.answer(ping)
    assert result(ping).success


def test_a_message_without_a_name_is_an_event_or_with_an_action_id_a_response(talk):
    ping = talk.send(core.Ping())
    assert names(talk.say("nonsense")) == ["Generic Event"]
    talk.say(f"ActionID: {ping.action_id}")
    assert result(ping).success is False


# Time


def test_an_action_that_is_not_answered_ends_with_none_at_its_deadline(talk):
    request = core.Ping()
    request.timeout = 0.5
    ping = talk.send(request, "own")
    assert talk.wait(0.4) == []
    assert not ping.done
    [notice] = talk.wait(0.1)
    assert ping.done
    assert ping.result() is None
    assert notice == Notice("timed out waiting for the response to Ping, ActionID own")
    assert talk.woken == {"own": 1}
    assert talk.wait(1000) == []
    assert talk.woken == {"own": 1}


def test_every_action_has_its_own_deadline(talk):
    slow, fast = core.Ping(), core.Ping()
    slow.timeout, fast.timeout = 3, 1
    first, second = talk.send(slow), talk.send(fast)
    assert talk.session.next_deadline() == 1001
    talk.wait(1)
    assert (first.done, second.done) == (False, True)
    assert talk.session.next_deadline() == 1003
    talk.wait(2)
    assert (first.done, second.done) == (True, True)
    assert talk.session.next_deadline() is None


def test_an_action_that_has_ended_has_no_deadline(talk):
    ping, other = talk.send(core.Ping()), talk.send(core.Ping())
    assert talk.session.next_deadline() == 1005
    talk.now += 1
    talk.send(core.Ping())
    talk.answer(ping)
    talk.answer(other)
    assert talk.session.next_deadline() == 1006


def test_an_action_may_wait_for_ever(talk):
    request = core.Ping()
    request.timeout = math.inf
    ping = talk.send(request)
    assert talk.session.next_deadline() is None
    talk.wait(10**9)
    talk.answer(ping)
    assert result(ping).time == 10**9


def test_an_action_without_time_ends_at_the_next_look_at_the_clock(talk):
    request = core.Ping()
    request.timeout = 0
    ping = talk.send(request)
    assert not ping.done
    talk.wait(0)
    assert ping.result() is None


def test_changing_the_timeout_of_a_request_under_way_changes_nothing(talk):
    request = core.Ping()
    ping = talk.send(request)
    request.timeout = 100
    talk.wait(5)
    assert ping.done


# Events


def test_events_are_outputs_in_the_order_of_the_wire(talk):
    outputs = talk.say_bytes(b"Event: Newchannel\r\n\r\nResponse: Success\r\n\r\nEvent: Undeclared\r\n\r\n")
    assert names(outputs) == ["Newchannel", "Orphan", "Undeclared"]
    assert type(outputs[0]) is core_events.Newchannel
    assert talk.session.take_outputs() == []


def test_the_events_of_an_action_that_waits_for_none_are_outputs(talk):
    status = talk.send(core.QueueStatus())
    assert talk.start(status) == []
    assert result(status).events is None
    assert names(talk.item(status, "QueueParams")) == ["QueueParams"]
    assert names(talk.complete(status, "QueueStatusComplete", 1)) == ["QueueStatusComplete"]


def test_an_event_with_a_response_header_is_no_response(talk):
    ping = talk.send(core.Ping())
    outputs = talk.say("Event: OriginateResponse", f"ActionID: {ping.action_id}", "Response: Failure")
    assert names(outputs) == ["OriginateResponse"]
    assert not ping.done
