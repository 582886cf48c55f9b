"""Events, aggregates and orphans, and the callbacks that are called for them."""

import logging
import threading
from queue import SimpleQueue

import pytest

import ami
from ami import Event, Message, core, core_events
from amisim import event, list_complete, raw, response

AGGREGATE = "QueueStatus_Aggregate"


def aggregating(queue: str | None = None) -> core.QueueStatus:
    request = core.QueueStatus(queue)
    request.aggregate = True
    return request


def queue_status(server, *queues: str) -> None:
    """Have the server answer `QueueStatus` with a member of each queue."""
    members = [event("QueueMember", Queue=queue) for queue in queues]
    server.on("QueueStatus").reply(response(EventList="start"), *members, list_complete())


class Log(logging.Handler):
    """A logger, and what it was given, as lines to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.logger = logging.Logger("test", logging.DEBUG)
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put(f"{record.levelname} {record.getMessage()}")

    def get(self) -> str:
        return self._lines.get(timeout=5)


@pytest.fixture
def log() -> Log:
    return Log()


# Who is called


def test_an_event_goes_to_those_who_registered_for_it(server, manager, listen):
    by_name, by_class, every, other = listen("Hangup"), listen(core_events.Hangup), listen(""), listen("Newchannel")
    server.emit(event("Hangup", Channel="PJSIP/1", Cause=16))
    server.emit(event("Newchannel"))
    hangup = by_name.get()
    assert type(hangup) is core_events.Hangup
    assert (hangup.channel, hangup.cause, hangup["Cause"]) == ("PJSIP/1", 16, "16")
    assert by_class.get() is hangup
    assert every.get() is hangup
    assert other.get() == every.get() == "Newchannel"


def test_callbacks_get_the_event_and_the_manager(server, manager):
    called = threading.Event()
    given = []

    def callback(*args: object, **kwargs: object) -> None:
        given.append((args, kwargs))
        called.set()

    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    assert called.wait(5)
    [((hangup, by), keywords)] = given
    assert hangup == "Hangup"
    assert isinstance(by, type(manager))
    assert keywords == {}


def test_callbacks_run_in_the_order_in_which_they_were_registered(server, manager, listen):
    order: list[str] = []
    manager.register_callback("", lambda event, manager: order.append("every, first"))
    manager.register_callback("Hangup", lambda event, manager: order.append("hangup"))
    again = lambda event, manager: order.append("again")  # noqa: E731
    manager.register_callback("Hangup", again)
    manager.register_callback("", lambda event, manager: order.append("every, last"))
    manager.register_callback(core_events.Hangup, again)
    last = listen("")
    server.emit(event("Hangup"))
    last.get()
    assert order == ["every, first", "hangup", "every, last", "again"]


def test_a_callback_that_was_unregistered_is_called_no_more(server, manager, listen):
    hangups = listen("Hangup")
    every = listen("")
    server.emit(event("Hangup", Channel="first"))
    assert hangups.get()["Channel"] == "first"
    assert manager.unregister_callback(core_events.Hangup, hangups) is True
    assert manager.unregister_callback(core_events.Hangup, hangups) is False
    server.emit(event("Hangup", Channel="second"))
    every.get()
    every.get()
    manager.register_callback("Hangup", hangups)
    server.emit(event("Hangup", Channel="third"))
    assert hangups.get()["Channel"] == "third"


@pytest.mark.parametrize("wrong", [Event, Message, int, 7])
def test_callbacks_for_anything_else_are_refused(make_manager, wrong):
    manager = make_manager()
    with pytest.raises(ValueError, match="is not an event"):
        manager.register_callback(wrong, print)
    with pytest.raises(ValueError, match="is not an event"):
        manager.unregister_callback(wrong, print)


def test_a_response_without_an_action_goes_to_the_callbacks_for_orphans_alone(server, manager, listen):
    orphans, every = listen(None), listen("")
    server.emit(b"Response: Success\r\nActionID: foreign\r\n\r\n")
    server.emit(event("Marker"))
    assert orphans.get() == {"Response": "Success", "ActionID": "foreign"}
    assert every.until("Marker") == []


def test_events_come_in_the_order_of_the_wire(server, manager, listen):
    every = listen("")
    for number in range(200):
        server.emit(event("Hangup" if number % 2 else "Undeclared", Number=number))
    assert [every.get()["Number"] for _ in range(200)] == [str(number) for number in range(200)]


def test_a_user_declares_an_event_in_three_lines(server, manager, listen):
    class DoorOpened(ami.Event):
        door = ami.Int()

    doors = listen(DoorOpened)
    server.emit(event("DoorOpened", Door=7))
    opened = doors.get()
    assert type(opened) is DoorOpened
    assert opened.door == 7


def test_an_event_is_read_as_a_person_would_expect(server, manager, listen):
    every = listen("")
    server.emit(
        b"\r\n\r\nEvent: UserEvent\r\nUserEvent: Alarm\r\nEvent: Hangup\r\nResponse: Error\r\n"
        b"Text: a: b \r\nText: c\r\nno header\r\nName: K\xe4se\nmore\r\n\n"
    )
    alarm = every.get()
    assert type(alarm) is core_events.UserEvent
    assert dict(alarm) == {
        "Event": "UserEvent",
        "UserEvent": "Alarm",
        "Response": "Error",
        "Text": "a: b ",
        "Name": "K\udce4se\nmore",
    }
    assert alarm.get_all("text") == ["a: b ", "c"]
    assert alarm.data == ["no header"]


def test_garbage_is_delivered_and_stops_nothing(server, manager, listen):
    every = listen("")
    server.emit(b"\xff\xfe\0 nonsense\r\n:\r\n\r\n")
    server.emit(event("Marker"))
    assert every.until("Marker") == [ami.EVENT_GENERIC]
    assert manager.send_action(core.Ping()).success


# What callbacks may do


def test_a_callback_that_raises_is_reported_and_the_next_one_runs(server, make_manager, log_in, listen, caplog):
    manager = make_manager(logger=logging.getLogger("test of callbacks"))
    log_in(manager)

    def broken(event: Event, manager: ami.Manager) -> None:
        raise LookupError("not found")

    manager.register_callback("Hangup", broken)
    hangups = listen("Hangup", manager)
    server.emit(event("Hangup", Secret="s3cret"))
    server.emit(event("Hangup"))
    hangups.get()
    hangups.get()
    assert [(record.name, record.levelname) for record in caplog.records] == [("test of callbacks", "ERROR")] * 2
    assert "broken" in caplog.text
    assert "failed on event Hangup" in caplog.text
    assert "LookupError: not found" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_callback_that_wants_to_exit_is_reported_and_the_next_one_runs(server, manager, listen, caplog):
    def leave(event: Event, manager: ami.Manager) -> None:
        raise SystemExit("enough")

    manager.register_callback("Hangup", leave)
    hangups = listen("Hangup")
    server.emit(event("Hangup"))
    assert hangups.get() == "Hangup"
    assert "SystemExit: enough" in caplog.text


def test_a_slow_callback_delays_no_reply(server, manager):
    begun, go_on = threading.Event(), threading.Event()

    def slow(event: Event, manager: ami.Manager) -> None:
        begun.set()
        go_on.wait(5)

    manager.register_callback("Hangup", slow)
    server.emit(event("Hangup"))
    assert begun.wait(5)
    assert manager.send_action(core.Ping()).success
    queue_status(server, "a")
    request = core.QueueStatus()
    request.synchronous = True
    assert len(manager.send_action(request).events["QueueMember"]) == 1
    assert not go_on.is_set()
    go_on.set()


@pytest.mark.parametrize("synchronous", [False, True])
def test_a_callback_may_send_actions(server, manager, start, synchronous):
    queue_status(server, "a", "b")
    answers: list[ami.Response | None] = []
    answered = threading.Event()

    def callback(event: Event, manager: ami.Manager) -> None:
        request = core.QueueStatus()
        request.synchronous = synchronous
        answers.append(manager.send_action(request))
        answered.set()

    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    assert answered.wait(5)
    [answer] = answers
    assert answer is not None
    assert answer.success
    if synchronous:
        assert answer.events is not None
        assert [member["Queue"] for member in answer.events["QueueMember"]] == ["a", "b"]


def test_a_callback_may_wait_in_vain(server, manager, listen):
    server.on("Ping").reply()
    answers: list[ami.Response | None] = []

    def callback(event: Event, manager: ami.Manager) -> None:
        ping = core.Ping()
        ping.timeout = 0.05
        answers.append(manager.send_action(ping))

    manager.register_callback("Hangup", callback)
    hangups = listen("Hangup")
    server.emit(event("Hangup"))
    hangups.get()
    assert answers == [None]


def test_a_callback_may_register_and_unregister(server, manager, listen):
    every = listen("")
    order: list[str] = []

    def once(event: Event, manager: ami.Manager) -> None:
        order.append("once")
        manager.unregister_callback("Hangup", once)
        manager.register_callback("Hangup", lambda event, manager: order.append("later"))

    manager.register_callback("Hangup", once)
    last = listen("Marker")
    server.emit(event("Hangup"))
    server.emit(event("Hangup"))
    server.emit(event("Marker"))
    last.get()
    assert order == ["once", "later"]
    assert every.until("Marker") == ["Hangup", "Hangup"]


@pytest.mark.parametrize("end", ["disconnect", "close"])
def test_a_callback_may_close_the_manager(server, manager, end):
    done = threading.Event()

    def callback(event: Event, manager: ami.Manager) -> None:
        getattr(manager, end)()
        getattr(manager, end)()
        done.set()

    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    assert done.wait(5)
    assert not manager.is_connected()


def test_no_callback_is_called_after_close(server, manager, listen):
    later: list[str] = []
    done = threading.Event()

    def callback(event: Event, manager: ami.Manager) -> None:
        manager.close()
        done.set()

    server.on("Go").reply(response(), *[event("Hangup"), event("Newchannel"), event("Newchannel")])
    manager.register_callback("Hangup", callback)
    manager.register_callback("Newchannel", lambda event, manager: later.append(event.name))
    manager.send_action(ami.Request("Go"))
    assert done.wait(5)
    manager.close()
    assert later == []


def test_a_callback_may_connect_again(server, manager):
    answers: list[ami.Response | None] = []
    done = threading.Event()

    def callback(event: Event, manager: ami.Manager) -> None:
        manager.connect(server.host, server.port)
        manager.login(server.username, server.secret)
        answers.append(manager.send_action(core.Ping()))
        done.set()

    manager.register_callback("Hangup", callback)
    server.emit(event("Hangup"))
    assert done.wait(5)
    assert answers[0] is not None
    assert answers[0].success
    assert manager.is_connected()


# Aggregates


def test_callbacks_see_the_events_of_an_aggregate_singly_and_then_the_aggregate(server, manager, listen):
    every, by_name, by_class = listen(""), listen(AGGREGATE), listen(core_events.QueueStatus_Aggregate)
    queue_status(server, "a", "b")
    answered = manager.send_action(aggregating())
    assert answered.success
    assert answered.events is None
    aggregate = by_name.get()
    assert by_class.get() is aggregate
    assert every.until(AGGREGATE) == ["QueueMember", "QueueMember", "QueueStatusComplete"]
    assert isinstance(aggregate, core_events.QueueStatus_Aggregate)
    assert aggregate.action_id == answered.action_id
    assert [member["Queue"] for member in aggregate[core_events.QueueMember]] == ["a", "b"]
    assert aggregate.valid


def test_an_action_without_the_flag_makes_no_aggregate(server, manager, listen):
    every = listen("")
    queue_status(server, "a")
    manager.send_action(core.QueueStatus())
    server.emit(event("Marker"))
    assert every.until("Marker") == ["QueueMember", "QueueStatusComplete"]


def test_the_events_of_a_synchronous_action_are_not_delivered(server, manager, listen):
    every = listen("")
    queue_status(server, "a")
    request = aggregating()
    request.synchronous = True
    assert manager.send_action(request).events["QueueStatusComplete"] is not None
    server.emit(event("Marker"))
    assert every.until("Marker") == []


def test_aggregates_of_one_kind_at_the_same_time_do_not_disturb_each_other(server, manager, listen):
    aggregates = listen(AGGREGATE)
    for queue in ("a", "b"):
        server.on("QueueStatus", Queue=queue).reply(response(EventList="start"))
    manager.send_action(aggregating("a"), "a")
    manager.send_action(aggregating("b"), "b")
    items = [raw(f"Event: QueueMember\r\nActionID: {each}\r\nQueue: {each}\r\n\r\n") for each in "abba"]
    ends = [raw(f"Event: QueueStatusComplete\r\nActionID: {each}\r\nEventList: Complete\r\n\r\n") for each in "ab"]
    server.on("Go").reply(response(), *items, *ends)
    manager.send_action(ami.Request("Go"))
    for queue in ("a", "b"):
        aggregate = aggregates.get()
        assert aggregate.action_id == queue
        assert [member["Queue"] for member in aggregate["QueueMember"]] == [queue, queue]


def test_an_aggregate_with_a_wrong_count_says_so(server, manager, listen):
    aggregates = listen(core_events.CoreShowChannels_Aggregate)
    server.on("CoreShowChannels").reply(
        response(EventList="start"), event("CoreShowChannel"), list_complete(ListItems=3)
    )
    request = core.CoreShowChannels()
    request.aggregate = True
    manager.send_action(request)
    aggregate = aggregates.get()
    assert not aggregate.valid
    assert aggregate.error_message == "Expected 3 list-items; received 1"


def test_an_aggregate_that_takes_too_long_is_given_up(server, make_manager, log_in, listen, log):
    manager = make_manager(aggregate_timeout=0.05, logger=log.logger)
    log_in(manager)
    every = listen("", manager)
    server.on("QueueStatus").reply(response(EventList="start"))
    assert manager.send_action(aggregating(), "own").success
    assert log.get() == "WARNING gave up the aggregate QueueStatus_Aggregate, ActionID own: it took too long"
    server.emit(b"Event: QueueStatusComplete\r\nActionID: own\r\nEventList: Complete\r\n\r\n")
    server.emit(event("Marker"))
    assert every.until("Marker") == ["QueueStatusComplete"]


# The log


def test_a_time_out_is_logged(server, make_manager, log_in, log):
    manager = make_manager(logger=log.logger)
    log_in(manager)
    server.on("Ping").reply()
    ping = core.Ping()
    ping.timeout = 0.05
    manager.send_action(ping, "own")
    assert log.get() == "WARNING timed out waiting for the response to Ping, ActionID own"


def test_debug_logs_every_event_and_orphan_without_its_contents(server, make_manager, log_in, log):
    manager = make_manager(debug=True, logger=log.logger)
    log_in(manager)
    assert log.get() == "DEBUG event FullyBooted, ActionID None"
    server.emit(event("Hangup", Secret="s3cret"))
    server.emit(event("Undeclared", ActionID="7"))
    server.emit(b"Response: Success\r\nActionID: foreign\r\nChallenge: s3cret\r\n\r\n")
    queue_status(server)
    manager.send_action(aggregating(), "8")
    assert [log.get() for _ in range(5)] == [
        "DEBUG event Hangup, ActionID None",
        "DEBUG event of no declared class Undeclared, ActionID 7",
        "DEBUG orphaned response Success, ActionID foreign",
        "DEBUG event QueueStatusComplete, ActionID 8",
        "DEBUG aggregate QueueStatus_Aggregate, ActionID 8",
    ]


def test_without_debug_events_are_not_logged(server, manager, listen, caplog):
    caplog.set_level(logging.DEBUG, "ami.manager")
    every = listen("")
    server.emit(event("Hangup"))
    every.get()
    assert [record for record in caplog.records if record.name == "ami.manager"] == []
