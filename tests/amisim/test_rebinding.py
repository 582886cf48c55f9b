"""Ids that a client makes up: what follows is sent with them, and what it sends later is found by them."""

from hypothesis import given
from hypothesis import strategies as st

from amisim.bound import Bound
from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.significant import Rules

from .sessions import ACCEPTED, LOGIN, Client, frame, names_in

CALL = "Action: Originate / ActionID: {} / Channel: PJSIP/100 / ChannelId: {} / Async: true"
QUEUED = "Response: Success / ActionID: {} / Message: Originate successfully queued"
CHANNEL = "Event: Newchannel / Channel: PJSIP/100-00000007 / Uniqueid: {} / Linkedid: {}"
ENDED = "Event: Hangup / Channel: PJSIP/100-00000007 / Uniqueid: {}"
ASK = "Action: Getvar / ActionID: {} / Channel: {} / Variable: X"
SAID = "Response: Success / ActionID: {} / Value: of {}"

Frame = tuple[float, str, str, int | None]


def replay(*connections: list[Frame], rules: tuple[str, ...] = (), speed: float = 0) -> Replay:
    records = []
    for number, frames in enumerate(connections, 1):
        records += [Record(0.0, number, "", "open"), Record(0.0, number, "<", "data", b"Asterisk Call Manager/9.9\r\n")]
        records += [Record(at, number, way, "data", frame(text), cause) for at, way, text, cause in frames]  # type: ignore[arg-type]
    return Replay(Recording({}, records), "test.yaml", speed, rules=Rules(rules))


def call(action_id: str, channel_id: str, first: int, at: float = 2.0) -> list[Frame]:
    """A call as it was recorded: two actions and what follows from them."""
    return [
        (at, ">", CALL.format(action_id, channel_id), first),
        (at, "<", QUEUED.format(action_id), first),
        (at + 1, "<", CHANNEL.format(channel_id, channel_id), first),
        (at + 2, ">", ASK.format("v", channel_id), first + 1),
        (at + 2, "<", SAID.format("v", channel_id), first + 1),
        (at + 3, "<", ENDED.format(channel_id), first),
    ]


def test_an_id_of_a_channel_is_the_clients_in_all_that_follows():
    client = Client(replay=replay([*call("r-1", "chan-r", 1)]))
    said = client.say(CALL.format("c-1", "chan-c"))
    assert said == frame(QUEUED.format("c-1")) + frame(CHANNEL.format("chan-c", "chan-c")) + frame(
        ENDED.format("chan-c")
    )


def test_what_the_client_asks_later_is_found_by_its_id():
    client = Client(replay=replay(call("r-1", "chan-r", 1)))
    client.say(CALL.format("c-1", "chan-c"))
    assert client.say(ASK.format("q", "chan-c")) == frame(SAID.format("q", "chan-c"))


def test_the_recorded_id_is_as_good_as_ever():
    client = Client(replay=replay(call("r-1", "chan-r", 1)))
    assert b"Uniqueid: chan-r\r\n" in client.say(CALL.format("c-1", "chan-r"))
    assert client.say(ASK.format("q", "chan-r")) == frame(SAID.format("q", "chan-r"))


def test_of_two_calls_each_has_its_own_id_and_the_recorded_one_goes_first():
    client = Client(replay=replay([*call("r-1", "chan-1", 1), *call("r-2", "chan-2", 3, at=10.0)]))
    assert b"Uniqueid: chan-2\r\n" in client.say(CALL.format("b", "chan-2"))
    assert b"Uniqueid: mine\r\n" in client.say(CALL.format("a", "mine"))
    assert client.say(ASK.format("q", "mine")) == frame(SAID.format("q", "mine"))
    assert client.say(ASK.format("q", "chan-2")) == frame(SAID.format("q", "chan-2"))


def test_an_id_does_not_stand_for_two():
    recorded = replay(
        [(1.0, ">", LOGIN, 9), (1.0, "<", ACCEPTED, 9), *call("r-1", "chan-1", 1), *call("r-2", "chan-2", 3)]
    )
    client = Client(replay=recorded)
    client.say(LOGIN)
    client.say(CALL.format("a", "mine"))
    assert b"no recorded answer to Originate" in client.say(CALL.format("b", "mine"))
    (miss,) = recorded.misses
    assert "ChannelId is 'chan-2' there, 'mine' here, and 'mine' stands for 'chan-1'" in miss.report


def test_who_listens_on_another_connection_is_told_the_same_id():
    listener: list[Frame] = [(3.0, "<", CHANNEL.format("chan-r", "chan-r"), None)]
    recorded = replay(call("r-1", "chan-r", 1), [(0.0, "<", "Event: Other", None), *listener], speed=1)
    calling, listening = Client(replay=recorded), Client(replay=recorded)
    calling.say(CALL.format("c-1", "chan-c"), at=1.0)
    assert listening.wait_until(4.0).endswith(frame(CHANNEL.format("chan-c", "chan-c")))


def test_who_plays_the_same_again_is_told_its_own_id():
    recorded = replay(call("r-1", "chan-r", 1))
    first, second = Client(replay=recorded), Client(replay=recorded)
    assert b"Uniqueid: a\r\n" in first.say(CALL.format("c-1", "a"))
    assert b"Uniqueid: b\r\n" in second.say(CALL.format("c-1", "b"))


def test_a_client_that_turns_out_to_play_another_connection_has_its_id_there():
    other: list[Frame] = [
        *call("r-2", "chan-2", 11),
        (9.0, ">", "Action: Two", 21),
        (9.0, "<", "Response: Success", 21),
    ]
    recorded = replay([*call("r-1", "chan-1", 1)], other, speed=1)
    client = Client(replay=recorded)
    client.say(CALL.format("a", "mine"), at=1.0)
    assert client.say("Action: Two", at=1.5) == frame("Response: Success")
    assert client.wait_until(2.0) == frame(CHANNEL.format("mine", "mine"))
    assert client.say(ASK.format("q", "mine"), at=2.5) == frame(SAID.format("q", "mine"))
    assert recorded.misses == []


def test_an_action_id_in_a_value_is_the_clients():
    recorded = replay([
        (1.0, ">", "Action: Originate / ActionID: r-77 / Variable: __TAG=id-r-77,x", 1),
        (1.0, "<", "Response: Success / ActionID: r-77", 1),
        (2.0, "<", "Event: VarSet / Variable: TAG / Value: id-r-77,x", 1),
    ])  # fmt: skip
    client = Client(replay=recorded)
    said = client.say("Action: Originate / ActionID: mine / Variable: __TAG=id-mine,x")
    assert said.endswith(frame("Event: VarSet / Variable: TAG / Value: id-mine,x"))


def test_a_number_that_happens_to_be_an_action_id_is_none():
    recorded = replay([
        (1.0, ">", "Action: QueuePenalty / ActionID: 5 / Penalty: 5", 1), (1.0, "<", "Response: Success", 1),
    ])  # fmt: skip
    client = Client(replay=recorded)
    client.session.logged_in_at = 0.0
    said = client.say("Action: QueuePenalty / ActionID: 3 / Penalty: 3").decode()
    assert "Penalty is '5' there, '3' here" in said


def test_rules_say_what_else_is_an_id():
    recorded = replay([
        (1.0, ">", "Action: UserEvent / UserEvent: Order / OrderId: 0a1b", 1), (1.0, "<", "Response: Success", 1),
        (1.0, "<", "Event: UserEvent / UserEvent: Order / OrderId: 0a1b", 1),
        (2.0, ">", "Action: Originate / Variable: ORDER=0a1b / Variable: RUN=55-77", 2),
        (2.0, "<", "Response: Success", 2),
        (2.0, "<", "Event: VarSet / Variable: RUN / Value: 55-77", 2),
    ], rules=("rebind UserEvent OrderId", "rebind Originate RUN"))  # fmt: skip
    client = Client(replay=recorded)
    assert b"OrderId: mine\r\n" in client.say("Action: UserEvent / UserEvent: Order / OrderId: mine")
    said = client.say("Action: Originate / Variable: ORDER=mine / Variable: RUN=66-88")
    assert said.endswith(frame("Event: VarSet / Variable: RUN / Value: 66-88"))


def test_a_short_number_is_found_but_what_follows_is_as_it_was_recorded():
    recorded = replay([
        (1.0, ">", "Action: UserEvent / OrderId: 12", 1), (1.0, "<", "Response: Success", 1),
        (1.0, "<", "Event: UserEvent / OrderId: 12 / Priority: 12", 1),
    ], rules=("rebind UserEvent OrderId",))  # fmt: skip
    client = Client(replay=recorded)
    assert client.say("Action: UserEvent / OrderId: 999").endswith(
        frame("Event: UserEvent / OrderId: 12 / Priority: 12")
    )


def test_a_frame_that_came_in_pieces_has_the_clients_id_though_it_stood_in_two():
    event = frame(CHANNEL.format("chan-r", "chan-r"))
    cut = event.index(b"chan-r") + 3
    records = [
        Record(0.0, 1, "", "open"),
        Record(0.0, 1, "<", "data", b"Asterisk Call Manager/9.9\r\n"),
        Record(1.0, 1, ">", "data", frame(CALL.format("r-1", "chan-r")), 1),
        Record(1.0, 1, "<", "data", frame(QUEUED.format("r-1")), 1),
        Record(3.0, 1, "<", "data", event, 1, ((cut, 2.0),)),
    ]
    for mine in ("chan-r", "chan-c"):
        client = Client(replay=Replay(Recording({}, records), "test.yaml", speed=1))
        client.say(CALL.format("c-1", mine), at=10.0)
        pieces = client.wait_until(11.0), client.wait_until(12.0)
        assert b"".join(pieces) == frame(CHANNEL.format(mine, mine))
        assert (pieces[0] == b"") == (mine != "chan-r"), "in pieces only as it was recorded"


def test_recorded_events_that_were_held_back_have_the_clients_id():
    client = Client(replay=replay(call("r-1", "chan-r", 1)))
    client.holds_back = True
    client.say(CALL.format("c-1", "chan-c"))
    client.session.play(5.0)
    assert names_in(said := client.take()) == ["Event: Newchannel", "Event: Hangup"]
    assert said.count(b"chan-c") == 3


IDS = st.text("ab-.;1", min_size=1, max_size=6)


@given(st.dictionaries(IDS, IDS, max_size=4), st.lists(IDS | st.sampled_from([" ", ",", "=", "x"]), max_size=8))
def test_only_whole_ids_are_replaced_and_all_of_them_at_once(chosen, parts):
    bound = Bound()
    bound.add(chosen)
    text = " ".join(parts)
    renamed = bound.rename(text)
    known = {there: here for there, here in chosen.items() if not (there.isdigit() and len(there) <= 5)}
    if not any(other in part for part in parts for other in known if other != part):
        assert renamed == " ".join(known.get(part, part) for part in parts)
    bound.remove(chosen)
    assert bound.rename(text) == text


def test_of_ids_of_which_one_begins_as_the_other_each_is_replaced_by_its_own():
    bound = Bound()
    bound.add({"chan-1": "a", "chan-1;2": "b", "chan-10": "c"})
    assert bound.rename("chan-1 chan-1;2 chan-10 chan-100 xchan-1 chan-1;1 /rec/chan-1.wav") == (
        "a b c chan-100 xchan-1 a;1 /rec/a.wav"
    )
