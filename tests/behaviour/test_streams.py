"""Event streams: events one after the other, for who wants to wait for them."""

import gc
import threading
import weakref
from concurrent.futures import wait as wait_for

import pytest

import ami
from ami import Gap, ManagerSocketError, Reconnect, State, StateChange, core, core_events
from amisim import event, list_complete, response

from .rogue import BOOTED, GREETING

GUARD = 20
SOON = Reconnect(initial=0.001, factor=1, jitter=0)


def names(stream, last: str = "Marker") -> list[str]:
    """The names of what comes before an event of this name."""
    return [each.name for each in iter(lambda: next(stream), last)]


# What a stream is for


def test_a_stream_gives_every_event_in_order(server, manager):
    with manager.events() as every:
        server.emit(event("Hangup", Cause=16))
        server.emit(event("Undeclared"))
        server.emit(event("Marker"))
        assert next(every).cause == 16
        assert names(every) == ["Undeclared"]


def test_a_stream_may_be_for_names_and_classes(server, manager):
    with manager.events("Hangup", core_events.Newstate, "Marker") as some:
        for name in ("Newchannel", "Hangup", "Newexten", "Newstate", "Marker"):
            server.emit(event(name))
        assert names(some) == ["Hangup", "Newstate"]


def test_headers_may_have_wildcards(server, manager):
    with manager.events("Hangup", Channel="PJSIP/100-*", Cause=16) as hangups:
        for channel, cause in [("PJSIP/1000-1", 16), ("PJSIP/100-1", 17), ("PJSIP/100-2", 16)]:
            server.emit(event("Hangup", Channel=channel, Cause=cause))
        assert hangups.get(GUARD)["Channel"] == "PJSIP/100-2"
        assert hangups.depth == 0


def test_a_condition_picks_events(server, manager):
    with manager.events("Hangup", where=lambda event: event.cause and event.cause > 16) as hangups:
        for cause in (1, 16, 17, 34):
            server.emit(event("Hangup", Cause=cause))
        assert [hangups.get(GUARD).cause, next(hangups).cause] == [17, 34]


def test_a_stream_may_be_for_aggregates(server, manager):
    server.on("QueueStatus").reply(response(EventList="start"), event("QueueMember", Queue="a"), list_complete())
    request = core.QueueStatus()
    request.aggregate = True
    with manager.events(core_events.QueueStatus_Aggregate) as aggregates:
        manager.send_action(request)
        assert [member["Queue"] for member in next(aggregates)["QueueMember"]] == ["a"]


def test_every_stream_and_every_callback_gets_the_event(server, manager, listen):
    hangups = listen("Hangup")
    with manager.events("Hangup") as first, manager.events() as second:
        server.emit(event("Hangup"))
        assert [first.get(GUARD), second.get(GUARD), hangups.get()] == ["Hangup"] * 3


def test_what_is_no_event_is_refused(manager):
    with pytest.raises(ValueError, match="is not an event"):
        manager.events(7)


@pytest.mark.parametrize("options", [{"queue_size": 0}, {"overflow": "block"}])
def test_a_queue_that_cannot_be_is_refused(manager, options):
    with pytest.raises(ValueError, match=r"queue of 0 events|overflow is"):
        manager.events(**options)


# Conditions that misbehave


def test_a_condition_that_raises_is_told_to_who_iterates_and_delays_nobody(server, manager, listen):
    def where(event: ami.Event) -> bool:
        if event["Cause"] == "1":
            raise LookupError("not found")
        return True

    hangups = listen("Hangup")
    with manager.events("Hangup", where=where) as stream:
        for cause in (1, 2):
            server.emit(event("Hangup", Cause=cause))
        assert [hangups.get()["Cause"], hangups.get()["Cause"]] == ["1", "2"]
        assert manager.send_action(core.Ping()).success
        with pytest.raises(LookupError, match="not found"):
            next(stream)
        assert next(stream)["Cause"] == "2"


def test_a_condition_is_not_asked_where_the_link_is_read(server, manager, listen):
    """One that blocks would otherwise hold up every reply."""
    asked: list[str] = []
    hangups = listen("Hangup")
    with manager.events("Hangup", where=lambda event: asked.append(event.name) or True) as stream:
        server.emit(event("Hangup"))
        hangups.get()
        assert manager.send_action(core.Ping()).success
        assert asked == []
        next(stream)
        assert asked == ["Hangup"]


@pytest.mark.parametrize("driver", ["threads"], indirect=True)
def test_a_condition_that_blocks_delays_no_reply(server, make_manager, log_in, start):
    """With threads, that is: what blocks in a loop blocks the loop."""
    manager = make_manager()
    log_in(manager)
    begun, go_on = threading.Event(), threading.Event()

    def where(event: ami.Event) -> bool:
        begun.set()
        return go_on.wait(GUARD)

    with manager.events("Hangup", where=where) as stream:
        taken = start(next, stream)
        server.emit(event("Hangup"))
        assert begun.wait(GUARD)
        assert manager.send_action(core.Ping()).success
        server.emit(event("Hangup"))
        assert not taken.done()
        go_on.set()
        assert taken.result(GUARD) == "Hangup"


# Waiting


def test_iterating_waits_for_the_next_event(server, manager, start):
    with manager.events("Hangup") as hangups:
        waiting = start(next, hangups)
        assert not wait_for([waiting], timeout=0.02).done
        server.emit(event("Hangup"))
        assert waiting.result(GUARD) == "Hangup"


def test_waiting_may_have_an_end(manager, server):
    with manager.events("Hangup") as hangups:
        for timeout in (0, 0.01):
            with pytest.raises(TimeoutError, match=f"no event came in {timeout} s"):
                hangups.get(timeout)
        server.emit(event("Hangup"))
        assert hangups.get(timeout=GUARD) == "Hangup"


def test_what_waits_is_there_at_once(server, manager, listen):
    marker = listen("Marker")
    with manager.events("Hangup") as hangups:
        server.emit(event("Hangup"))
        server.emit(event("Marker"))
        marker.get()
        assert hangups.depth == 1
        assert hangups.get(0) == "Hangup"


@pytest.mark.parametrize("timeout", [100 * 86_400, 10**9, float("inf")])
def test_waiting_may_be_very_long(server, manager, start, timeout):
    with manager.events("Hangup") as hangups:
        waiting = start(hangups.get, timeout)
        assert not wait_for([waiting], timeout=0.02).done
        server.emit(event("Hangup"))
        assert waiting.result(GUARD) == "Hangup"


def test_several_may_wait_on_one_stream_and_each_event_is_given_once(server, manager, start):
    with manager.events("Hangup") as hangups:
        waiting = [start(next, hangups) for _ in range(5)]
        for number in range(5):
            server.emit(event("Hangup", Number=number))
        assert sorted(each.result(GUARD)["Number"] for each in waiting) == list("01234")


def test_a_stream_may_be_iterated_in_a_callback(server, manager, listen):
    order: list[str] = []
    done = threading.Event()
    with manager.events("Hangup") as hangups:

        def callback(event: ami.Event, manager: ami.Manager) -> None:
            order.append(next(hangups)["Number"])
            order.append(event.name)
            done.set()

        manager.register_callback("Newchannel", callback)
        server.emit(event("Newchannel"))
        server.emit(event("Hangup", Number=1))
        assert done.wait(GUARD)
    assert order == ["1", "Newchannel"]


# Overflow


@pytest.mark.parametrize(
    ("overflow", "expected"), [("drop-oldest", ["Gap", "7", "8", "9"]), ("drop-newest", ["0", "1", "2", "Gap"])]
)
def test_a_stream_that_is_full_drops_and_says_where(server, manager, listen, overflow, expected):
    marker = listen("Marker")
    with manager.events("Hangup", queue_size=3, overflow=overflow) as hangups:
        for number in range(10):
            server.emit(event("Hangup", Number=number))
        server.emit(event("Marker"))
        marker.get()
        assert hangups.depth == 3
        assert hangups.lost == 7
        got = [hangups.get(GUARD) for _ in range(4)]
    assert [each.name if isinstance(each, Gap) else each["Number"] for each in got] == expected
    [gap] = [each for each in got if isinstance(each, Gap)]
    assert (gap.reason, gap.lost) == ("queue", 7)


def test_a_stream_that_is_full_costs_the_others_nothing(server, manager, listen):
    marker = listen("Marker")
    with manager.events("Hangup", queue_size=1) as full, manager.events("Hangup") as other:
        for _ in range(5):
            server.emit(event("Hangup"))
        server.emit(event("Marker"))
        marker.get()
        assert (full.lost, other.lost, other.depth) == (4, 0, 5)
        assert manager.queue_depth == 0


# The end


def test_after_closing_what_waits_can_be_taken_and_then_it_ends(server, manager, listen):
    marker = listen("Marker")
    hangups = manager.events("Hangup")
    for name in ("Hangup", "Hangup", "Marker"):
        server.emit(event(name))
    marker.get()
    hangups.close()
    hangups.close()
    server.emit(event("Hangup"))
    server.emit(event("Marker"))
    marker.get()
    assert list(hangups) == ["Hangup", "Hangup"]
    with pytest.raises(ManagerSocketError, match="the event stream has ended"):
        hangups.get(0)


@pytest.mark.parametrize("end", ["close", "disconnect"])
def test_who_waits_is_told_of_the_end(manager, start, end):
    hangups, others = manager.events("Hangup"), manager.events()
    waiting, getting = start(list, hangups), start(others.get)
    assert not wait_for([waiting, getting], timeout=0.02).done
    getattr(manager, end)()
    assert waiting.result(GUARD) == []
    assert isinstance(getting.exception(GUARD), ManagerSocketError)


@pytest.mark.parametrize("how", ["eof", "reset"])
def test_a_lost_link_is_an_error_after_what_had_come(server, manager, listen, how):
    states = listen(StateChange)
    with manager.events("Hangup") as hangups:
        server.on("Go").reply(response(), event("Hangup"))
        manager.send_action(ami.Request("Go"))
        server.disconnect(how)
        assert states.get().state is State.CLOSED
        assert next(hangups) == "Hangup"
        for _ in range(2):
            with pytest.raises(ManagerSocketError):
                next(hangups)


def test_a_link_that_comes_again_leaves_a_gap_and_the_stream_goes_on(rogue, make_manager):
    manager = make_manager(reconnect=SOON)
    hangups = manager.events("Hangup")  # made before there is a link
    peer = rogue.meet(manager, BOOTED)
    peer.send(b"Event: Hangup\r\nCause: 1\r\n\r\n")
    assert next(hangups).cause == 1
    peer.close()
    peer = rogue.accept()
    peer.send(GREETING)
    peer.log_in(b"Event: Hangup\r\nCause: 2\r\n\r\n")
    gap = next(hangups)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.lost) == ("link", None)
    assert gap.seconds is not None
    assert gap.seconds >= 0
    assert next(hangups).cause == 2


def test_a_stream_that_is_closed_is_not_fed_any_more(server, manager, listen):
    marker = listen("Marker")
    with manager.events("Hangup") as hangups:
        pass
    server.emit(event("Hangup"))
    server.emit(event("Marker"))
    marker.get()
    assert hangups.depth == 0


def test_events_are_read_for_a_stream_that_came_late_and_not_after_it_has_gone(server, manager, listen):
    """What nobody wants is not even parsed; what somebody wants is."""
    marker = listen("Marker")
    with manager.events("Hangup") as hangups:
        server.emit(event("Hangup"))
        assert next(hangups) == "Hangup"
    wanted = manager.get_connection().session.wanted
    assert wanted == {"Marker"}
    server.emit(event("Marker"))
    marker.get()


@pytest.mark.usefixtures("new_garbage")
def test_a_stream_that_nobody_holds_is_forgotten(server, manager, listen):
    marker = listen("Marker")
    stream = manager.events("Hangup")
    kept = weakref.ref(getattr(stream, "_stream", stream))
    del stream
    gc.collect()
    assert kept() is None
    server.emit(event("Hangup"))
    server.emit(event("Marker"))
    marker.get()


def test_connecting_ends_no_stream_unless_it_closes_a_link(server, make_manager, log_in, rogue, start):
    manager = make_manager()
    early = manager.events("Hangup")
    rogue.refuse()
    with pytest.raises(ami.RefusedError):
        manager.connect(*rogue.address)
    log_in(manager)
    server.emit(event("Hangup"))
    assert next(early) == "Hangup"
    manager.connect(server.host, server.port)
    assert list(early) == []


@pytest.mark.usefixtures("new_garbage")
def test_a_stream_keeps_its_manager(server, driver, log_in):
    """As in `for event in ami.connect(…).events("Hangup")`."""
    manager = driver()
    log_in(manager)
    reference = weakref.ref(getattr(manager, "manager", manager))
    stream = manager.events("Hangup")
    del manager
    gc.collect()
    server.emit(event("Hangup"))
    assert stream.get(GUARD)["Event"] == "Hangup"
    assert reference() is not None
    stream.close()
    del stream
    for _ in range(1000):
        gc.collect()
        if reference() is None:
            break
        threading.Event().wait(0.005)
    assert reference() is None
