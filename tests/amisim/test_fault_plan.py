"""What a plan does with a connection: selectors, schedules, several faults at once, time, and chance."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim import faults, strategies
from amisim.action import read_action
from amisim.faults import Fault, FaultPlan, Line, Selector
from amisim.steps import Close

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def action(name: str, action_id: str = "", **headers: str) -> bytes:
    lines = [f"Action: {name}", *([f"ActionID: {action_id}"] if action_id else [])]
    return "\r\n".join([*lines, *(f"{key}: {value}" for key, value in headers.items()), "", ""]).encode()


def frame(first: str, *others: str) -> bytes:
    return "\r\n".join([first, *others, "", ""]).encode()


def ok(action_id: str = "", *others: str) -> bytes:
    return frame("Response: Success", *([f"ActionID: {action_id}"] if action_id else []), *others)


def a_list(action_id: str, *names: str) -> list[bytes]:
    """The answer to QueueStatus."""
    own = f"ActionID: {action_id}"
    items = [frame("Event: QueueMember", own, "Queue: support", f"Name: {name}") for name in names]
    end = frame("Event: QueueStatusComplete", own, "EventList: Complete", f"ListItems: {len(names)}")
    return [ok(action_id, "EventList: start"), *items, end]


def hangup(channel: str, cause: int = 16) -> bytes:
    return frame("Event: Hangup", "Privilege: call,all", f"Channel: {channel}", f"Cause: {cause}")


def ask(line: Line, *actions: bytes, now: float = 0) -> None:
    for each in actions:
        line.receive(read_action(each), now)


def receive(line: Line, data: bytes, *added: Fault) -> None:
    """A client sends an action, with whose answer something goes wrong."""
    arrived = read_action(data)
    line.receive(arrived, 0)
    if added:
        line.add(arrived, added)


def sent(line: Line, *data: bytes, now: float = 0) -> list[bytes]:
    """What comes at once of what a server sends."""
    for each in data:
        line.send(each, now)
    return line.take_chunks()


def greeted(plan: FaultPlan, number: int = 1, now: float = 0) -> Line:
    line = plan.connect(number, now)
    sent(line, GREETING, now=now)
    return line


def at(line: Line, now: float) -> list[bytes]:
    """What comes by a time."""
    line.handle_timer(now)
    return line.take_chunks()


# Without faults


@given(st.lists(st.binary()))
def test_without_faults_each_chunk_passes_as_it_is(data):
    line = FaultPlan().connect(1, 0)
    ask(line, action("Ping"))
    assert sent(line, *data) == data
    assert line.next_deadline() is None


def test_without_faults_a_close_is_at_once_and_nothing_follows_it():
    line = FaultPlan().connect(1, 0)
    line.close("reset", 0)
    assert line.closing is not None
    assert line.closing.how == "reset"
    assert sent(line, GREETING) == []


# Selectors


MEMBERS = a_list("7", "Alice", "Bob")
START, ALICE, BOB, END = MEMBERS
PONG = ok("8", "Ping: Pong")
LATER = frame("Event: OriginateResponse", "ActionID: 7", "Response: Failure")
FREE = hangup("PJSIP/100-1"), hangup("PJSIP/200-2", 17)


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("any", [GREETING, *MEMBERS, LATER, PONG, *FREE]),
        ("greeting", [GREETING]),
        ("event", [ALICE, BOB, END, LATER, *FREE]),
        ("event queuemember", [ALICE, BOB]),
        ("event Queue*", [ALICE, BOB, END]),
        ("event Hangup Cause=17", [FREE[1]]),
        ("event Hangup Channel=x", []),
        ("event Channel=PJSIP/*", [*FREE]),
        ("Channel=pjsip/1*", [FREE[0]]),
        ("event Queue=support", [ALICE, BOB, END, LATER]),
        ("response", [START, PONG]),
        ("response Ping", [PONG]),
        ("response QueueStatus Queue=s*", [START]),
        ("response QueueStatus Queue=sales", []),
        ("answer QueueStatus", [*MEMBERS, LATER]),
        ("answer", [*MEMBERS, LATER, PONG]),
        ("item", [ALICE, BOB]),
        ("item QueueStatus Name=Bob", [BOB]),
        ("item Ping", []),
        ("complete", [END]),
        ("complete QueueStatus", [END]),
        ("complete QueueStatusComplete", [END]),
        ("complete PJSIP*", []),
        ("any connection=1", [GREETING, *MEMBERS, LATER, PONG, *FREE]),
        ("any connection=2", []),
    ],
)
def test_a_selector_takes(selector, selected):
    line = FaultPlan([f"drop {selector}"] if "channel=x" not in selector else ["drop event Hangup Channel=x"]).connect(
        1, 0
    )
    everything = [GREETING, *MEMBERS, LATER, PONG, *FREE]
    ask(line, action("QueueStatus", "7", Queue="support"), action("Ping", "8"))
    passed = sent(line, *everything)
    assert [each for each in everything if each not in passed] == selected


def test_a_response_without_an_action_id_answers_the_first_unanswered_action():
    line = greeted(FaultPlan(["drop response Ping"]))
    ask(line, action("CoreStatus"), action("Ping"))
    assert sent(line, ok("", "X: 1"), ok("", "X: 2")) == [ok("", "X: 1")]


def test_what_is_no_message_is_of_no_kind():
    odd = [b"\r\n", b"\0\xff", b"No colon\r\n\r\n", b"Response", b"X: Event: A\r\n\r\n"]
    line = greeted(FaultPlan(["drop event", "drop response", "drop answer"]))
    assert sent(line, *odd) == odd


# Schedules


@pytest.mark.parametrize(
    ("schedule", "hit"),
    [
        ("", [1, 2, 3, 4, 5, 6]),
        ("nth=2", [2]),
        ("every=3", [3, 6]),
        ("times=2", [1, 2]),
        ("every=2 times=2", [2, 4]),
        ("after_bytes=100", [3, 4, 5, 6]),
        ("after_seconds=3", [3, 4, 5, 6]),
        ("until_seconds=3", [1, 2]),
        ("after_seconds=3 until_seconds=5", [3, 4]),
        ("after_seconds=3 nth=2", [4]),
        ("p=0", []),
        ("p=1", [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_schedule_hits(schedule, hit):
    plan = FaultPlan([f"drop event Tick {schedule}"])
    line = plan.connect(1, 10)
    line.send(GREETING, 10)
    for now in range(1, 7):
        line.send(frame("Event: Tock", "N: 0"), 10 + now)
        line.send(frame("Event: Tick", f"N: {now}"), 10 + now)
    came = b"".join(line.take_chunks())
    assert [now for now in range(1, 7) if b"Tick\r\nN: %d" % now not in came] == hit
    assert [each.at for each in plan.hits] == [10 + now for now in hit]


def test_frames_are_counted_over_all_connections():
    plan = FaultPlan(["refuse connection nth=2", "drop event Tick nth=2"])
    first, second, third = (plan.connect(number, 0) for number in (1, 2, 3))
    assert [line.closing is not None for line in (first, second, third)] == [False, True, False]
    tick = frame("Event: Tick")
    assert [sent(line, GREETING, tick) for line in (first, third)] == [[GREETING, tick], [GREETING]]


def test_an_answer_is_counted_and_hit_as_one_and_what_a_fault_drops_does_not_come_to_the_next():
    plan = FaultPlan(["drop answer QueueStatus nth=2", "unknown_action_id answer QueueStatus nth=2"])
    line = greeted(plan)
    ask(line, *(action("QueueStatus", number) for number in "123"))
    answers = [a_list(number, "Alice") for number in "123"]
    foreign = [each.replace(b"ActionID: 3", b"ActionID: nobody-asked") for each in answers[2]]
    assert sent(line, *itertools.chain(*answers)) == [*answers[0], *foreign]
    assert [(str(hit), hit.frame) for hit in plan.hits] == [
        ("fault: drop answer QueueStatus nth=2", "response QueueStatus"),
        ("fault: unknown_action_id answer QueueStatus nth=2", "response QueueStatus"),
    ]


def test_what_was_never_hit_is_known():
    plan = FaultPlan(["drop event A", "drop event B"])
    assert list(map(str, plan.unused)) == ["drop event A", "drop event B"]
    sent(greeted(plan), frame("Event: A"))
    assert list(map(str, plan.unused)) == ["drop event B"]


def test_a_text_that_is_no_fault_is_refused_when_the_plan_is_made():
    with pytest.raises(faults.FaultError, match=r"did you mean 'drop'\?"):
        FaultPlan(["dorp event A"])


# Several faults, and time


def test_faults_work_one_after_the_other():
    a, b = frame("Event: A"), frame("Event: B")
    assert sent(greeted(FaultPlan(["duplicate event A", "split event A size=12"])), a, b) == [a, a, b]
    assert sent(greeted(FaultPlan(["duplicate event A", "drop event A nth=2"])), a, b) == [a, b]
    assert sent(greeted(FaultPlan(["drop event A", "duplicate event A"])), a, b) == [b]
    assert sent(greeted(FaultPlan(["duplicate event A", "coalesce 3 event"])), a, b) == [a + a + b]


def test_delays_of_a_burst_pass_together_and_pieces_do_not():
    ticks = [frame("Event: Tick", f"N: {number}") for number in range(3)]
    line = greeted(FaultPlan(["delay 5 event"]))
    assert sent(line, *ticks) == []
    assert line.next_deadline() == 5
    assert at(line, 5) == ticks
    line = greeted(FaultPlan(["stall 5 event"]))
    assert sent(line, *ticks) == ticks[:1]
    assert at(line, 5) == ticks[1:2]
    assert at(line, 10) == ticks[2:]


def test_two_delays_add_up_and_a_late_frame_meets_the_faults_behind_it():
    tick = frame("Event: Tick")
    line = greeted(FaultPlan(["delay 5 event", "delay 2 event"]))
    sent(line, tick)
    assert line.next_deadline() == 7
    line = greeted(FaultPlan(["delay 5 event", "late 2 event", "split event size=8"]))
    sent(line, tick)
    assert line.next_deadline() == 7
    assert at(line, 7) == [tick[:8], tick[8:]]


def test_a_late_frame_is_overtaken_but_waits_out_a_stall():
    a, b, c = (frame(f"Event: {name}") for name in "ABC")
    line = greeted(FaultPlan(["late 2 event A", "stall 5 event B"]))
    assert sent(line, a, b, c) == [b]
    assert at(line, 4.9) == []
    assert at(line, 5) == [c, a]


def test_frames_that_nothing_follows_are_let_go_after_a_second():
    tick = frame("Event: Tick")
    line = greeted(FaultPlan(["reorder event Tick times=1"]))
    assert sent(line, tick, now=3) == []
    assert line.next_deadline() == 4
    assert at(line, 4) == [tick]
    line = greeted(FaultPlan(["coalesce 2 event Tick"]))
    assert sent(line, tick, tick, tick) == [tick + tick]
    assert at(line, 1) == [tick]


def test_a_close_lets_go_what_is_held_and_comes_after_what_is_delayed():
    tick = frame("Event: Tick")
    line = greeted(FaultPlan(["reorder event Tick", "delay 5 event Tick", "late 9 event Late"]))
    assert sent(line, tick, frame("Event: Late")) == []
    line.close("eof", 0)
    assert line.closing is None
    assert at(line, 5) == [tick]
    assert line.closing is not None
    line = greeted(FaultPlan(["delay 5 event Tick", "reorder event Tick", "late 9 event Late"]))
    sent(line, frame("Event: Late"), tick)
    line.close("eof", 1)
    assert at(line, 5) == [tick]
    assert line.closing is not None
    assert line.next_deadline() is None
    assert sent(line, tick, now=20) == []


def test_a_server_whose_direction_is_closed_can_close_the_rest():
    line = greeted(FaultPlan(["half_close event Tick"]))
    assert sent(line, frame("Event: Tick"), frame("Event: Tock")) == []
    assert line.closing == Close("half")
    line.close("eof", 1)
    assert line.closing == Close("eof")


def test_silence_has_no_end_not_even_by_a_close():
    line = FaultPlan(["silent"]).connect(1, 0)
    assert sent(line, GREETING, frame("Event: A")) == []
    line.close("eof", 1)
    assert at(line, 1e9) == []
    assert (line.closing, line.next_deadline()) == (None, None)


# Faults that come with an action, as those of a rule


def test_a_fault_of_an_action_is_for_what_answers_that_one_alone():
    plan, slow = FaultPlan(), faults.delay(6)
    line = greeted(plan)
    receive(line, action("Ping", "1"), slow)
    receive(line, action("Ping", "2"))
    receive(line, action("QueueStatus", "3"), faults.drop("event QueueMember", nth=2))
    assert sent(line, hangup("X"), now=1) == [hangup("X")]
    assert sent(line, ok("1"), ok("2"), now=1) == []
    assert at(line, 7) == [ok("1"), ok("2")]
    start, alice, _, end = members = a_list("3", "Alice", "Bob")
    assert sent(line, *members, now=8) == [start, alice, end]
    assert sent(greeted(plan, 2), ok("1")) == [ok("1")]
    assert plan.hits[0].fault is slow


def test_a_fault_of_an_action_may_come_after_other_actions():
    line = greeted(FaultPlan(["drop event Nothing"]))
    first, second = (read_action(action("Ping", number)) for number in "12")
    line.receive(first, 0)
    line.receive(second, 0)
    line.add(first, [faults.wrong_action_id()])
    assert sent(line, ok("1"), ok("2")) == [ok("2"), ok("2")]


def test_a_fault_of_an_action_counts_on_where_it_comes_again():
    plan, second = FaultPlan(), faults.drop("response", nth=2)
    line = greeted(plan)
    for number in "12":
        receive(line, action("Ping", number), second)
    assert sent(line, ok("1"), ok("2")) == [ok("1")]
    assert plan.unused == []


# Chance


def test_chance_follows_from_the_seed_and_the_connection():
    ticks = [frame("Event: Tick", f"N: {number}") for number in range(200)]

    def came(seed: int, number: int = 1) -> list[bytes]:
        return sent(greeted(FaultPlan(["drop event p=0.25"], seed), number), *ticks)

    assert came(1) == came(1)
    assert came(1) != came(2)
    assert came(1) != came(1, 2)
    assert 120 < len(came(1)) < 180


def test_jitter_keeps_the_order_and_its_bound():
    line = greeted(FaultPlan(["jitter 2 event"]))
    ticks = [frame("Event: Tick", f"N: {number}") for number in range(50)]
    assert sent(line, *ticks) == []
    assert 0 < line.next_deadline() < 2
    assert at(line, 2) == ticks


# Any plan, any frames


FRAMES = st.sampled_from([
    *MEMBERS, LATER, PONG, *FREE, ok(), frame("Event: Tick", "Timestamp: 1732353600.123456"), b"\r\n", b"\0\xff\n\n",
    b"Response: Follows\r\nx\n--END COMMAND--\r\n\r\n", b"Event",
]) | st.binary(min_size=1, max_size=30)  # fmt: skip
ACTIONS = st.sampled_from(
    [action("QueueStatus", "7"), action("Ping", "8"), action("Ping"), b"\r\n", b"\xff: \0\r\n\r\n"]
)
DONE = st.one_of(
    st.tuples(st.just("send"), FRAMES),
    st.tuples(st.just("receive"), ACTIONS),
    st.tuples(st.just("pass"), st.floats(0, 10)),
)
PLANS = strategies.fault_plans(max_size=4)
SMALL = {"size": 3, "count": 2}


def chunks(plan: FaultPlan, done: list, number: int = 1) -> list[tuple[float, bytes]]:
    """When what comes of what is done, up to the time at which nothing is to come any more."""
    now, came = 0.0, []
    line = plan.connect(number, now)

    def pump(until: float) -> None:
        while (due := line.next_deadline()) is not None and due <= until:
            line.handle_timer(due)
            came.extend((due, each) for each in line.take_chunks())

    for how, what in done:
        if how == "pass":
            now += what
            pump(now)
        elif how == "send":
            line.send(what, now)
        else:
            line.receive(read_action(what), now)
        came.extend((now, each) for each in line.take_chunks())
    pump(1e9)
    assert line.next_deadline() is None
    return came


@given(PLANS, st.lists(DONE, max_size=15), st.integers(0, 3))
def test_the_same_seed_and_the_same_input_give_the_same_bytes(chosen, done, seed):
    came = chunks(FaultPlan(chosen, seed), done)
    assert came == chunks(FaultPlan([faults.parse(each) for each in chosen], seed), done)
    assert [now for now, _ in came] == sorted(now for now, _ in came)


@given(PLANS, st.lists(DONE, max_size=15))
def test_what_no_fault_hits_passes_in_order(chosen, done):
    plan = FaultPlan(chosen)
    came = chunks(plan, done)
    untouched = [what for how, what in done if how == "send"]
    if not plan.hits:
        assert [each for _, each in came] == untouched


@given(PLANS, st.lists(DONE, max_size=15))
def test_a_connection_that_a_plan_is_not_for_is_untouched(chosen, done):
    plan = FaultPlan([replace(faults.parse(each), selector=Selector(connection=2)) for each in chosen])
    assert [each for _, each in chunks(plan, done)] == [what for how, what in done if how == "send"]
    assert plan.hits == []


@given(
    st.lists(st.sampled_from(["delay", "jitter", "throttle", "split", "coalesce", "stall"]), max_size=4),
    st.lists(FRAMES),
)
def test_faults_of_time_and_pieces_keep_every_byte_in_order(names, frames):
    line_of_bytes = b"".join(each for _, each in chunks(FaultPlan(names), [("send", each) for each in frames]))
    assert line_of_bytes == b"".join(frames)


ENDING = {kind.name for kind in faults.KINDS.values() if "FIN" in kind.after or "RST" in kind.after} | {"silent"}
ALONE = [name for name, kind in faults.KINDS.items() if name not in ENDING and not kind.gathers]


@given(st.lists(st.sampled_from(ALONE), max_size=4), st.lists(st.sampled_from([None, *MEMBERS, PONG])))
def test_what_is_beside_a_hit_passes_in_order(names, others):
    """Between frames that faults are for stand ticks, which none is for."""
    sizes = {name: f"{argument}=3" for name in ALONE if (argument := faults.KINDS[name].argument) in SMALL}
    plan = FaultPlan([f"{name} event Queue* {sizes.get(name, '')}" for name in names])
    done = [("receive", action("QueueStatus", "7")), ("send", GREETING)]
    ticks = [frame("Event: Tick", f"N: {number}") for number in range(len(others))]
    for tick, other in zip(ticks, others, strict=True):
        done += [("send", tick), *([("send", other)] if other else [])]
    came = b"".join(each for _, each in chunks(plan, done))
    found = [came.find(tick) for tick in ticks]
    assert -1 not in found
    assert found == sorted(found)
