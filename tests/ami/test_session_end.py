"""The client's state machine: how a connection ends, and what then becomes of all that is under way."""

import pytest

from ami import ManagerSocketError, ProtocolError, core
from ami.errors import Error
from ami.session import PendingAction

from .talk import LOST, Talk, aggregating, names, result, synchronous


def everything_under_way(talk: Talk) -> list[PendingAction]:
    """One action in every state before its end."""
    waiting = [
        talk.send(each)
        for each in (core.Ping(), synchronous(core.QueueStatus()), aggregating(core.QueueStatus()),
                     synchronous(core.Hangup("PJSIP/1")))
    ]  # fmt: skip
    begun = [talk.send(synchronous(each)) for each in (core.QueueStatus(), core.Hangup("PJSIP/2"))]
    for each in begun:
        talk.start(each)
    return waiting + begun


def test_a_lost_link_ends_every_action_exactly_once(talk):
    pending = everything_under_way(talk)
    talk.session.close(LOST, talk.now)
    assert all(each.done for each in pending)
    assert talk.woken == {each.action_id: 1 for each in pending}
    for each in pending:
        with pytest.raises(ManagerSocketError, match="the link was lost"):
            each.result()
    assert talk.wait(1000) == []
    assert talk.woken == {each.action_id: 1 for each in pending}


def test_each_caller_gets_an_error_of_its_own(talk):
    pending = everything_under_way(talk)
    talk.session.close(ManagerSocketError("the link was lost"), talk.now)
    errors: list[Error] = []
    for _ in range(2):
        for each in pending:
            with pytest.raises(ManagerSocketError, match="the link was lost") as caught:
                each.result()
            errors.append(caught.value)
    with pytest.raises(ManagerSocketError, match="the link was lost") as caught:
        talk.send(core.Ping())
    errors.append(caught.value)
    assert len({id(each) for each in (*errors, talk.session.closed)}) == 2 * len(pending) + 2
    assert talk.session.closed is not None
    assert talk.session.closed.__traceback__ is None


def test_the_cause_of_the_end_is_told_to_every_caller(talk):
    ping = talk.send(core.Ping())
    lost, reason = ProtocolError("broken"), OSError("reset by peer")
    lost.__cause__ = reason
    talk.session.close(lost, talk.now)
    with pytest.raises(ProtocolError, match="broken") as caught:
        ping.result()
    assert caught.value.__cause__ is reason


def test_an_action_that_has_ended_before_keeps_its_result(talk):
    ping = talk.send(core.Ping())
    talk.answer(ping)
    late = talk.send(core.Ping())
    talk.wait(5)
    talk.session.close(LOST, talk.now)
    assert result(ping).success
    assert late.result() is None


def test_an_aggregate_does_not_survive_the_link(talk):
    status = talk.send(aggregating(core.QueueStatus()))
    talk.start(status)
    talk.session.close(LOST, talk.now)
    assert talk.complete(status, "QueueStatusComplete", 0) == []
    assert talk.wait(1000) == []
    assert result(status).success


def test_closing_twice_keeps_the_first_reason(talk):
    ping = talk.send(core.Ping())
    talk.session.close(LOST, talk.now)
    talk.session.close(ProtocolError("something else"), talk.now)
    talk.session.receive_eof(talk.now)
    assert talk.session.closed is LOST
    assert talk.woken == {ping.action_id: 1}
    assert talk.greeted == 1


def test_nothing_is_sent_after_the_end(talk):
    talk.session.close(LOST, talk.now)
    with pytest.raises(ManagerSocketError, match="the link was lost"):
        talk.send(core.Ping())
    assert talk.session.next_deadline() is None


def test_data_after_the_end_means_nothing(talk):
    ping = talk.send(core.Ping())
    talk.session.close(LOST, talk.now)
    assert talk.say("Event: Hangup") == []
    assert talk.answer(ping) == []
    assert talk.say_bytes(b"\0\xff" * 100) == []
    with pytest.raises(ManagerSocketError):
        ping.result()


def test_the_end_may_come_before_the_greeting():
    talk = Talk(None)
    talk.session.close(LOST, talk.now)
    talk.say_bytes(b"Asterisk Call Manager/11.0.0\r\n")
    assert talk.greeted == 1
    assert talk.session.closed is LOST


def test_the_server_may_close_the_connection(talk):
    ping = talk.send(core.Ping())
    talk.session.receive_eof(talk.now)
    with pytest.raises(ManagerSocketError, match="the server closed the connection"):
        ping.result()


def test_what_came_before_the_end_is_still_delivered(talk):
    talk.session.receive_data(b"Event: Shutdown\r\n\r\n", talk.now)
    talk.session.receive_eof(talk.now)
    assert names(talk.session.take_outputs()) == ["Shutdown"]


def test_a_frame_that_is_too_large_is_the_end():
    talk = Talk(max_frame=200)
    ping = talk.send(core.Ping())
    outputs = talk.say_bytes(b"Event: Hangup\r\n\r\nEvent: VarSet\r\nValue: " + b"x" * 200)
    assert names(outputs) == ["Hangup"]
    with pytest.raises(ProtocolError, match="a frame of more than 200 bytes"):
        ping.result()
