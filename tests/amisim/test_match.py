"""Which actions are the same, and what tells others apart."""

import pytest

from amisim.action import ClientAction, read_action
from amisim.bound import Bound
from amisim.match import Compared, nearness
from amisim.match import differences as differences_of
from amisim.significant import AS_WRITTEN, Rules

from .sessions import matches


def action(*lines: str) -> ClientAction:
    return read_action("".join(f"{line}\r\n" for line in (*lines, "")).encode())


def differences(expected: ClientAction, arrived: ClientAction, rules: Rules = AS_WRITTEN) -> list[str]:
    return differences_of(Compared(expected, rules), Compared(arrived, rules), Bound())


QUEUE = action("Action: QueueStatus", "ActionID: 1", "Queue: support", "Member: Alice")


@pytest.mark.parametrize(
    "other",
    [
        action("Action: QueueStatus", "Member: Alice", "Queue: support", "ActionID: 2"),
        action("action: queuestatus", "QUEUE: support", "member:Alice"),
    ],
)
def test_order_case_and_action_ids_do_not_count(other):
    assert matches(QUEUE, other)
    assert differences(QUEUE, other) == []


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (action("Action: QueueStatus", "Queue: sales", "Member: Alice"), ["Queue is 'support' there, 'sales' here"]),
        (action("Action: QueueStatus", "Queue: support"), ["Member is 'Alice' there, missing here"]),
        (
            action("Action: QueueStatus", "Queue: support", "Member: Alice", "Member: Bob"),
            ["Member is 'Alice' there, 'Alice' and 'Bob' here"],
        ),
        (action("Action: QueueStatus", "Queue: support", "Member: Alice", "X: 1"), ["X is missing there, '1' here"]),
        (action("Action: QueueSummary", "Queue: support", "Member: Alice"), ["it is QueueStatus"]),
    ],
)
def test_a_difference_is_named_header_by_header(other, words):
    assert not matches(QUEUE, other)
    assert differences(QUEUE, other) == words


def test_a_login_is_known_by_its_user_not_by_its_proof():
    plain = action("Action: Login", "Username: admin", "Secret: s3cret")
    assert matches(plain, action("Action: Login", "Username: admin", "AuthType: MD5", "Key: 0123"))
    assert not matches(plain, action("Action: Login", "Username: other", "Secret: s3cret"))


def test_a_key_counts_where_it_is_no_secret():
    assert not matches(action("Action: DBGet", "Key: a"), action("Action: DBGet", "Key: b"))


def test_frames_without_action_are_compared_as_bytes_but_for_the_action_id():
    assert matches(action("Ping", "ActionID: 1"), action("Ping", "ActionID: 2"))
    assert not matches(action("Ping"), action("ping"))


def test_the_same_action_is_nearer_than_the_same_headers():
    arrived = action("Action: QueueStatus", "Queue: sales")
    same_action = action("Action: QueueStatus", "Queue: support")
    same_headers = action("Action: QueueSummary", "Queue: sales")
    neither = action("Action: Ping")
    assert (
        nearness(Compared(arrived), Compared(arrived))
        > nearness(Compared(same_action), Compared(arrived))
        > nearness(Compared(same_headers), Compared(arrived))
    )
    assert nearness(Compared(same_headers), Compared(arrived)) > nearness(Compared(neither), Compared(arrived))


def test_nearness_is_by_the_rules():
    arrived = action("Action: QueueStatus", "Queue: sales", "Member: Bob")
    one, other = action("Action: QueueStatus", "Queue: sales"), action("Action: QueueStatus", "Member: Bob", "X: 1")
    for text, nearer in (("ignore * Member X", one), ("ignore * Queue X", other)):
        rules = Rules([text])
        near = {id(each): nearness(Compared(each, rules), Compared(arrived, rules)) for each in (one, other)}
        assert max(near, key=lambda each: near[each]) == id(nearer)


def test_differences_are_by_the_rules():
    arrived = action("Action: QueueStatus", "Queue: sales", "Member: Bob")
    assert differences(QUEUE, arrived, Rules(["ignore * Queue"])) == ["Member is 'Alice' there, 'Bob' here"]
