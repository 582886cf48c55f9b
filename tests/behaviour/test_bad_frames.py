"""Bad days of the wire: messages that are huge, broken, or slow, lists that cross or do not end, requests that must not
be sent."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from ami import (
    ManagerError,
    ManagerSocketError,
    Message,
    ProtocolError,
    Reconnect,
    Request,
    Response,
    StateChange,
    core,
)
from ami.session import ClientSession
from amisim.action import ClientAction

from .drivers import AsyncManager
from .rogue import GREETING, GUARD, Peer, message


def list_request(number: int = 0) -> Request:
    request = Request("List")
    request.synchronous = True
    request.timeout = 60
    request["Number"] = number
    return request


# Messages

ODD = {
    "a line of 1 MiB": b"Event: Odd\r\nLong: " + b"x" * (1 << 20) + b"\r\n\r\n",
    "10,000 headers": b"Event: Odd\r\n" + b"".join(b"Key%d: %d\r\n" % (n, n) for n in range(10_000)) + b"\r\n",
    "10,000 times one header": b"Event: Odd\r\n" + b"Key: value\r\n" * 10_000 + b"\r\n",
    "NUL bytes": b"Event: Odd\r\nA: x\0y\r\n\0: \0\r\n\0\r\nZ: z\r\n\r\n",
    "bytes that are no UTF-8": b"Event: Odd\r\nA: \xff\xfe\x80 \xc3\r\n\xe4: \xf0\x9f\r\nZ: \xed\xa0\x80\r\n\r\n",
    "lines that are no headers": b"Event: Odd\r\n\t\r\n:::\r\n: x\r\nno colon\r\n  : \r\n\x85\xe2\x80\xa8\r\n\r\n",
    "lone line ends": b"Event: Odd\r\nA: x\ny\rz\r\nB: \n\r\n\r\n",
    "a million colons": b"Event: Odd\r\n" + b":" * 1_000_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_message_is_delivered_as_it_came_and_the_link_goes_on(make_manager, rogue, start, listen, odd):
    manager = make_manager()
    inbox, stream = listen("Odd", manager), manager.events("Odd")
    peer = rogue.meet(manager)
    sent = start(manager.send_action, core.Ping())
    ping = peer.action("Ping")
    peer.send(ODD[odd])
    peer.answer(ping, Ping="Pong")
    peer.send(ODD[odd])
    assert sent.result(GUARD).success
    for event in (inbox.get(), inbox.get(), next(stream), next(stream)):
        assert event.frame == ODD[odd]
        assert dict(event)
        assert event.name == "Odd"
        assert event.pairs[0] == ("Event", "Odd")
        assert repr(event)


def test_what_an_odd_message_holds_can_be_read(make_manager, rogue, listen):
    manager = make_manager()
    inbox = listen("Odd", manager)
    peer = rogue.meet(manager)
    peer.send(b"".join(ODD.values()))
    long, many, repeated, nul, no_utf8 = (inbox.get() for _ in range(5))
    assert long["Long"] == "x" * (1 << 20)
    assert [many[f"Key{number}"] for number in (0, 5000, 9999)] == ["0", "5000", "9999"]
    assert len(repeated.get_all("Key")) == 10_000
    assert (nul["A"], nul["Z"]) == ("x\0y", "z")
    assert no_utf8["A"].encode("utf-8", "surrogateescape") == b"\xff\xfe\x80 \xc3"


def test_a_character_may_be_split(make_manager, rogue, listen):
    manager = make_manager()
    inbox = listen("Odd", manager)
    peer = rogue.meet(manager)
    text = "Name: Grüße, 東京, 🙂"
    data = f"Event: Odd\r\n{text}\r\n\r\n".encode()
    peer.send_pieces([bytes([byte]) for byte in data])
    assert inbox.get()["Name"] == "Grüße, 東京, 🙂"


def test_a_session_may_come_byte_by_byte(make_manager, rogue, start, listen):
    manager = make_manager()
    inbox = listen("Odd", manager)
    attempt = start(manager.connect, *rogue.address)
    peer = rogue.accept()
    send = peer.send
    peer.send = lambda data: peer.send_pieces(bytes([byte]) for byte in data)  # type: ignore[method-assign]
    peer.send(GREETING)
    attempt.result(GUARD)
    login = start(manager.login, "admin", "secret")
    peer.log_in()
    assert login.result(GUARD).success
    sent = start(manager.send_action, list_request())
    answer_lists(peer, [peer.action("List")], 3)
    assert [len(each) for each in sent.result(GUARD).events.values()] == [3, 1] or sent.result(GUARD).success
    peer.send(message("Event: Odd", Key="väl"))
    assert inbox.get()["Key"] == "väl"
    send(message("Event: Odd"))
    assert inbox.get().name == "Odd"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_the_session_does_not_mind_where_reads_end(size):
    data = GREETING + b"".join(ODD[odd] for odd in ("NUL bytes", "bytes that are no UTF-8", "lone line ends"))
    whole, pieces = (ClientSession(id_prefix="x") for _ in range(2))
    whole.receive_data(data, 0)
    for begin in range(0, len(data), size):
        pieces.receive_data(data[begin : begin + size], 0)
    assert [getattr(each, "frame", each) for each in pieces.take_outputs()] == [
        getattr(each, "frame", each) for each in whole.take_outputs()
    ]


@pytest.mark.parametrize("reconnect", [False, Reconnect(initial=0.01)])
def test_a_message_beyond_the_limit_ends_the_link(make_manager, rogue, start, listen, reconnect):
    manager = make_manager(max_frame=10_000, reconnect=reconnect)
    changes = listen(StateChange, manager)
    peer = rogue.meet(manager)
    sent = start(manager.send_action, list_request())
    peer.action("List")
    peer.send(b"Event: Odd\r\nLong: " + b"x" * 20_000)
    with pytest.raises(ProtocolError, match="a frame of more than 10,000 bytes; it begins b'Event: Odd"):
        sent.result(GUARD)
    peer.rest()
    while not isinstance(changes.get().error, ProtocolError):
        pass
    if reconnect:
        peer = rogue.accept()
        peer.send(GREETING)
        peer.log_in()


# Lists


def answer_lists(peer: Peer, actions: list[ClientAction], items: int) -> None:
    """Answer with lists whose items come by turns."""
    parts = [message("Response: Success", each, EventList="start") for each in actions]
    for item in range(items):
        parts += [message("Event: Item", each, Number=each.get("Number"), Item=item) for each in actions]
    parts += [message("Event: ListComplete", each, EventList="Complete", ListItems=items) for each in actions]
    peer.send(b"".join(parts))


def check_list(response: Response | None, number: int, items: int) -> None:
    assert response is not None
    assert response.success
    assert not response.events_timeout
    assert response.events is not None
    assert [(each["Number"], each["Item"]) for each in response.events["Item"]] == [
        (str(number), str(item)) for item in range(items)
    ]


def test_very_many_lists_at_once_do_not_disturb_each_other(make_manager, rogue, listen):
    manager = make_manager()
    everything = listen("", manager)
    peer = rogue.meet(manager)
    count, send_all = everybody(manager)
    with ThreadPoolExecutor(1) as pool:
        responses = pool.submit(send_all)
        actions = [peer.action("List") for _ in range(count)]
        answer_lists(peer, actions[::-1], 3)
        for number, response in enumerate(responses.result(60)):
            check_list(response, number, 3)
    peer.send(message("Event: Marker"))
    assert everything.get().name == "Marker"  # no item went astray


def everybody(manager: Any) -> tuple[int, Callable[[], list[Response | None]]]:
    """How many can send at once, and what has them do it."""
    if isinstance(manager, AsyncManager):

        async def send_all() -> list[Response | None]:
            return await asyncio.gather(*(manager.manager.send_action(list_request(n)) for n in range(2000)))

        return 2000, lambda: manager._loop.run(send_all())

    def send_all_in_threads() -> list[Response | None]:
        with ThreadPoolExecutor(200) as pool:
            return list(pool.map(manager.send_action, map(list_request, range(200))))

    return 200, send_all_in_threads


def test_a_session_takes_two_thousand_lists_at_once():
    session = ClientSession(id_prefix="x")
    session.receive_data(GREETING, 0)
    ended: list[int] = []
    sent = [session.send_action(list_request(n), 0, lambda n=n: ended.append(n)) for n in range(2000)]
    for item in range(3):
        for number, each in enumerate(sent):
            head = f"Response: Success\r\nActionID: {each.action_id}\r\nEventList: start\r\n\r\n" if item == 0 else ""
            row = f"Event: Item\r\nActionID: {each.action_id}\r\nNumber: {number}\r\nItem: {item}\r\n\r\n"
            session.receive_data((head + row).encode(), 0)
    assert ended == []
    for each in reversed(sent):
        session.receive_data(f"Event: End\r\nActionID: {each.action_id}\r\nEventList: Complete\r\n\r\n".encode(), 1)
    assert ended == list(reversed(range(2000)))
    for number, each in enumerate(sent):
        check_list(each.result(), number, 3)
    assert session.next_deadline() is None


def test_a_list_without_end_is_given_up_for_its_length(make_manager, rogue, start, listen):
    manager = make_manager(max_list=100)
    items = listen("Item", manager)
    peer = rogue.meet(manager)
    sent = start(manager.send_action, list_request())
    action = peer.action("List")
    peer.answer(action, EventList="start")
    peer.send(message("Event: Item", action) * 101)
    with pytest.raises(ManagerError, match="more than 100 items"):
        sent.result(GUARD)
    peer.send(message("Event: Item", action, Late="yes"))
    assert items.get()["Late"] == "yes"
    sent = start(manager.send_action, core.Ping())
    peer.answer(peer.action("Ping"), Ping="Pong")
    assert sent.result(GUARD).success


def test_a_list_without_end_is_given_up_in_time(make_manager, rogue, start):
    manager = make_manager()
    peer = rogue.meet(manager)
    request = list_request()
    request.timeout = 0.1
    sent = start(manager.send_action, request)
    action = peer.action("List")
    peer.answer(action, EventList="start")
    while not wait([sent], 0.001).done:
        peer.send(message("Event: Item", action))
    assert sent.result().events_timeout
    assert sent.result().events["Item"]


# ActionIDs


def test_an_answer_that_comes_twice_answers_once(make_manager, rogue, start, listen):
    manager = make_manager()
    orphans = listen(None, manager)
    peer = rogue.meet(manager)
    first = start(manager.send_action, core.Ping())
    ping = peer.action("Ping")
    peer.answer(ping, Ping="Pong", Number=1)
    assert first.result(GUARD).response["Number"] == "1"
    second = start(manager.send_action, core.Ping())
    again = peer.action("Ping")
    assert again.action_id != ping.action_id
    peer.answer(ping, Ping="Pong", Number=2)
    peer.answer(again, Ping="Pong", Number=3)
    assert second.result(GUARD).response["Number"] == "3"
    orphan = orphans.get()
    assert type(orphan) is Message
    assert orphan["Number"] == "2"


def test_an_answer_that_never_comes_ends_in_time_and_then_belongs_to_nobody(make_manager, rogue, start, listen):
    manager = make_manager()
    orphans = listen(None, manager)
    peer = rogue.meet(manager)
    request = core.Ping()
    request.timeout = 0.05
    assert manager.send_action(request) is None
    late = peer.action("Ping")
    peer.send(b"Response: Success\r\nPing: Pong\r\n\r\n")  # without an ActionID
    peer.answer(late, Ping="Pong")
    assert [orphans.get().action_id for _ in range(2)] == [None, late.action_id]


# Requests that must not be sent


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\nAction: Logoff\r\n\r\n"])
@pytest.mark.parametrize("place", ["", "middle", "end"])
def test_a_line_end_anywhere_in_a_request_is_refused(make_manager, rogue, start, end, place):
    manager = make_manager()
    peer = rogue.meet(manager)
    text = {"": end + "x", "middle": f"x{end}x", "end": "x" + end}[place]

    class Speaking:
        def __str__(self) -> str:
            return text

    request = Request("Command")
    for headers in ({text: "x"}, {"Key": text}, {"Key": ["x", text]}, {"Key": Speaking()}, {"ActionID": text}):
        with pytest.raises(ValueError, match="CR or LF"):
            manager.send_action(request, **headers)
    for bad in (Request(text), core.Setvar("X", text), core.Getvar(text)):
        with pytest.raises(ValueError, match="CR or LF"):
            manager.send_action(bad)
    with pytest.raises(ValueError, match="CR or LF"):
        manager.send_action(request, text)
    request[text] = "x"
    with pytest.raises(ValueError, match="CR or LF"):
        manager.send_action(request)
    ping = start(manager.send_action, core.Ping())
    peer.answer(peer.action("Ping"), Ping="Pong")  # nothing else came before it
    assert ping.result(GUARD).success


@pytest.mark.parametrize(
    "text", ["\0", "\0x", "x\0", "x\0x"], ids=["alone", "at the beginning", "at the end", "in the middle"]
)
def test_a_nul_in_a_request_is_refused(make_manager, rogue, start, text):
    """At the beginning of a line it ends the message for Asterisk; elsewhere it ends the line."""
    manager = make_manager()
    peer = rogue.meet(manager)
    for headers in ({text: "x"}, {"Key": text}, {"ActionID": text}):
        with pytest.raises(ValueError, match="NUL"):
            manager.send_action(Request("Command"), **headers)
    ping = start(manager.send_action, core.Ping())
    peer.answer(peer.action("Ping"), Ping="Pong")
    assert ping.result(GUARD).success


def test_what_asterisk_would_cut_or_refuse_is_refused(make_manager, rogue, start):
    manager = make_manager()
    peer = rogue.meet(manager)
    fits = "x" * (1022 - len("Value: "))
    with pytest.raises(ValueError, match=r"header 'Value' makes a line of 1,023 bytes; Asterisk takes 1,022 at most"):
        manager.send_action(core.Setvar("X", fits + "x"))
    with pytest.raises(ValueError, match=r"line of 1,023 bytes"):
        manager.send_action(core.Setvar("X", fits[:-1] + "ä"))  # bytes count, not characters
    with pytest.raises(ValueError, match="a message of 131 headers; Asterisk takes 128 at most"):
        manager.send_action(Request("X"), Key=["x"] * 129)
    with pytest.raises(ValueError, match="more than the 67 bytes"):
        manager.send_action(core.Ping(), "x" * 68)
    sent = start(manager.send_action, core.Setvar("X", fits))
    action = peer.action("Setvar")
    assert action.get("Value") == fits
    peer.answer(action)
    assert sent.result(GUARD).success


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 100, "", "Host name\r\nAction: Logoff", " blank "])
def test_the_name_of_the_host_does_not_spoil_action_ids(make_manager, rogue, monkeypatch, start, name):
    monkeypatch.setattr("socket.gethostname", lambda: name)
    manager = make_manager()
    peer = rogue.meet(manager)
    sent = start(manager.send_action, core.Ping())
    action = peer.action("Ping")
    assert 10 <= len(action.action_id.encode()) <= 67
    assert action.action_id.isascii()
    assert " " not in action.action_id
    peer.answer(action, Ping="Pong")
    assert sent.result(GUARD).success


def test_a_link_that_is_lost_in_the_middle_of_many_lists_ends_them_all(make_manager, rogue):
    manager = make_manager()
    peer = rogue.meet(manager)
    with ThreadPoolExecutor(30) as pool:
        sent = [pool.submit(manager.send_action, list_request(number)) for number in range(30)]
        actions = [peer.action("List") for _ in sent]
        peer.send(b"".join(message("Response: Success", each, EventList="start") for each in actions))
        peer.send(b"".join(message("Event: Item", each) for each in actions) + b"Event: It")
        peer.close()
        assert {type(each.exception(GUARD)) for each in sent} == {ManagerSocketError}
