"""What a server's frame follows from."""

import tracemalloc

from amisim.causes import RecordBuilder


class Wire:
    """A connection whose records are kept."""

    def __init__(self) -> None:
        self.builder = RecordBuilder()
        self.now = 0.0
        self.records = [self.builder.open(1, 0.0)]

    def data(self, direction: str, *messages: str, connection: int = 1) -> list[int | None]:
        data = "".join(message.replace(" / ", "\r\n") + "\r\n\r\n" for message in messages).encode()
        return self.raw(direction, data, connection)

    def raw(self, direction: str, data: bytes, connection: int = 1) -> list[int | None]:
        self.now += 1
        records = self.builder.data(connection, direction, data, self.now)
        self.records += records
        return [record.cause for record in records]

    def end(self, direction: str, error: str = "") -> list[int | None]:
        self.now += 1
        return [record.cause for record in self.builder.end(1, direction, self.now, error)]


def logged_in() -> Wire:
    wire = Wire()
    assert wire.raw("<", b"Asterisk Call Manager/11.0.0\r\n") == [None]
    assert wire.data(">", "Action: Login / ActionID: 1 / Username: admin / Secret: s") == [1]
    assert wire.data("<", "Response: Success / ActionID: 1 / Message: Authentication accepted") == [1]
    return wire


def test_a_response_follows_from_the_action_with_its_action_id():
    wire = logged_in()
    assert wire.data(">", "Action: Ping / ActionID: a", "Action: Ping / ActionID: b") == [2, 3]
    assert wire.data("<", "Response: Success / ActionID: b", "Response: Success / ActionID: a") == [3, 2]


def test_a_response_without_action_id_answers_the_first_unanswered_action_without_one():
    wire = logged_in()
    wire.raw(">", b"\r\n\r\nAction: Ping\r\nActionID: a\r\n\r\n")
    missing = "Response: Error / Message: Missing action in request"
    assert wire.data("<", missing, missing, "Response: Success / ActionID: a") == [2, 3, 4]


def test_of_equal_action_ids_the_first_unanswered_is_answered_and_its_list_is_its_own():
    wire = logged_in()
    wire.data(">", "Action: QueueStatus / ActionID: a", "Action: QueueStatus / ActionID: a")
    one_list = (
        "Response: Success / ActionID: a / EventList: start",
        "Event: QueueParams / ActionID: a",
        "Event: QueueStatusComplete / ActionID: a / EventList: Complete",
    )
    assert wire.data("<", *one_list, *one_list) == [2, 2, 2, 3, 3, 3]


def test_an_item_of_a_list_needs_no_action_id():
    wire = logged_in()
    wire.data(">", "Action: IAXpeers / ActionID: a")
    wire.data("<", "Response: Success / ActionID: a / EventList: start")
    assert wire.data("<", "Event: PeerEntry / Channeltype: IAX") == [2]


def test_an_event_follows_from_the_last_action_that_changes_something():
    wire = logged_in()
    hangup = "Event: Hangup / Privilege: call,all"
    assert wire.data("<", hangup) == [1]
    wire.data(">", "Action: Originate / ActionID: a / Channel: Local/1@a", "Action: QueueStatus / ActionID: b")
    assert wire.data("<", hangup) == [1], "an action has no effect before its answer"
    wire.data("<", "Response: Success / ActionID: a", "Response: Success / ActionID: b")
    assert wire.data("<", hangup) == [2], "a list only asks"
    wire.data(">", "Action: Hangup / ActionID: c")
    wire.data("<", "Response: Error / ActionID: c")
    assert wire.data("<", hangup) == [2], "an action that was refused changes nothing"


def test_a_command_that_shows_something_only_asks():
    wire = logged_in()
    hangup = "Event: Hangup / Privilege: call,all"
    wire.data(">", "Action: Command / ActionID: a / Command: core show uptime")
    wire.data("<", "Response: Success / ActionID: a / Output: long")
    assert wire.data("<", hangup) == [1]
    wire.data(">", "Action: Command / ActionID: b / Command: channel request hangup all")
    wire.data("<", "Response: Success / ActionID: b / Output: done")
    assert wire.data("<", hangup) == [3]


def test_an_event_with_an_action_id_follows_from_its_action_long_after():
    wire = logged_in()
    wire.data(">", "Action: Originate / ActionID: a", "Action: Hangup / ActionID: b")
    wire.data("<", "Response: Success / ActionID: a", "Response: Success / ActionID: b")
    assert wire.data("<", "Event: OriginateResponse / Privilege: call,all / ActionID: a") == [2]
    assert wire.data("<", "Event: UserEvent / Privilege: user,all / ActionID: of another client") == [3]


def test_a_connection_closes_because_of_its_logoff_or_refused_login():
    wire = logged_in()
    wire.data(">", "Action: Logoff / ActionID: a", "Action: Ping / ActionID: b")
    wire.data("<", "Response: Goodbye / ActionID: a")
    assert wire.end("<") == [2]


def test_a_server_that_just_closes_does_so_after_all_it_was_sent():
    wire = logged_in()
    wire.data(">", "Action: Ping / ActionID: a")
    wire.data("<", "Response: Success / ActionID: a")
    assert wire.end("<", "ConnectionResetError") == [2]


def test_a_server_that_closes_after_its_client_did_has_no_cause_of_its_own():
    wire = logged_in()
    assert wire.end(">") == [None]
    assert wire.end("<") == [None]


def test_connections_do_not_mix():
    wire = logged_in()
    wire.records.append(wire.builder.open(2, 5.0))
    wire.raw("<", b"Asterisk Call Manager/11.0.0\r\n", connection=2)
    assert wire.data(">", "Action: Ping / ActionID: 1", connection=2) == [2]
    assert wire.data("<", "Response: Success / ActionID: 1", connection=2) == [2]
    assert wire.data("<", "Event: Hangup / Privilege: call,all") == [1]


def test_a_frame_in_pieces_has_the_times_of_its_chunks():
    wire = Wire()
    assert wire.raw("<", b"Aster") == []
    assert wire.raw("<", b"isk\r\nEvent: A\r\n") == [None]
    assert wire.raw("<", b"\r\nEvent: B\r\n\r\nEv") == [None, None]
    greeting, first, second = wire.records[1:]
    assert (greeting.at, greeting.chunks) == (2.0, ((5, 1.0),))
    assert (first.at, first.chunks, first.data) == (3.0, ((10, 2.0),), b"Event: A\r\n\r\n")
    assert (second.at, second.chunks) == (3.0, ())
    rest, end = wire.builder.end(1, "<", 9.0)
    assert (rest.data, rest.at, rest.chunks, end.kind) == (b"Ev", 3.0, (), "eof")


def test_two_chunks_at_one_instant_stay_two():
    builder = RecordBuilder()
    builder.open(1, 0.0)
    first, second = (builder.data(1, "<", b"x\r\n\r\n", 1.0)[0] for _ in range(2))
    assert (first.at, second.at) == (1.0, 1.000001)


def test_what_is_unfinished_at_the_end_is_not_lost():
    builder = RecordBuilder()
    builder.open(1, 0.0)
    builder.data(1, ">", b"Action: Pi", 1.0)
    builder.data(1, "<", b"Aster", 2.0)
    assert sorted(record.data for record in builder.flush()) == [b"Action: Pi", b"Aster"]
    assert builder.flush() == []


def test_of_large_actions_no_more_is_remembered_than_what_follows_from_them_needs():
    wire = logged_in()
    wire.records.clear()
    tracemalloc.start()
    for number in range(100):
        action = f"Action: Odd / ActionID: {number} / X: {'x' * 100_000}".replace(" / ", "\r\n")
        wire.builder.data(1, ">", f"{action}\r\n\r\n".encode(), 10.0 + number)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1_000_000
    assert wire.data("<", "Response: Success / ActionID: 57") == [59]
