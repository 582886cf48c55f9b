"""Actions: how they are declared, and what they put on the wire."""

import inspect
import itertools
import pydoc
from typing import Any, ClassVar

import pytest

from ami.catalogue import Aggregate, Event
from ami.message import Message
from ami.request import MAX_ACTION_ID, Action, Request, param, yes_no


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def built(request: Request, action_id: str | None = None, **kwargs: Any) -> tuple[str, str]:
    return request.build_request(action_id, lambda: "host-00000001", **kwargs)


# Requests


def test_a_request_is_a_dict_with_its_action():
    request = Request("Ping")
    assert dict(request) == {"Action": "Ping"}
    assert (request.aggregate, request.synchronous, request.timeout) == (False, False, 5)


def test_a_request_is_built_in_order_with_the_action_id_last():
    request = Request("UserEvent")
    request["B"] = "2"
    request["A"] = "1"
    text, action_id = built(request, None, Z="3", C="4")
    assert text == "Action: UserEvent\r\nB: 2\r\nA: 1\r\nZ: 3\r\nC: 4\r\nActionID: host-00000001\r\n\r\n"
    assert action_id == "host-00000001"


def test_an_action_id_is_the_argument_else_the_item_else_a_new_one():
    request = Request("Ping")
    request["ActionID"] = "item"
    request["A"] = "b"
    assert built(request, "argument") == ("Action: Ping\r\nA: b\r\nActionID: argument\r\n\r\n", "argument")
    assert built(request) == ("Action: Ping\r\nA: b\r\nActionID: item\r\n\r\n", "item")
    assert built(request, ActionID="keyword")[1] == "keyword"
    del request["ActionID"]
    assert built(request)[1] == "host-00000001"


def test_only_none_means_that_there_is_no_action_id():
    request = Request("Ping")
    request["ActionID"] = 0
    assert built(request)[1] == "0"
    request["ActionID"] = None
    assert built(request)[1] == "host-00000001"
    assert built(request, ActionID=None)[1] == "host-00000001"


@pytest.mark.parametrize("key", ["actionid", "ACTIONID", "ActionId", "ActionID"])
@pytest.mark.parametrize("place", ["item", "keyword"])
def test_an_action_id_in_any_case_is_one_header_and_the_last(key, place):
    request = Request("Ping")
    if place == "item":
        request[key] = "own"
    keywords = {key: "own"} if place == "keyword" else {}
    assert built(request, **keywords, A="b") == ("Action: Ping\r\nA: b\r\nActionID: own\r\n\r\n", "own")
    assert built(request, "argument", **keywords, A="b")[0] == "Action: Ping\r\nA: b\r\nActionID: argument\r\n\r\n"


def test_action_ids_in_two_cases_are_one_header():
    request = Request("Ping")
    request["ActionID"] = "first"
    request["actionid"] = "second"
    text, action_id = built(request, ActionId="third")
    assert text.lower().count("actionid") == 1
    assert text.endswith(f"ActionID: {action_id}\r\n\r\n")


BAD_IDS = ["", " ", " own", "own ", "\town", "own\t", "x" * (MAX_ACTION_ID + 1), "ä" * (MAX_ACTION_ID // 2 + 1)]


@pytest.mark.parametrize("action_id", BAD_IDS)
@pytest.mark.parametrize("place", ["argument", "item", "keyword", "generator"])
def test_an_action_id_that_asterisk_would_not_give_back_is_refused(place, action_id):
    request = Request("Ping")
    if place == "item":
        request["ActionID"] = action_id
    keywords = {"ActionID": action_id} if place == "keyword" else {}
    with pytest.raises(ValueError, match="ActionID"):
        request.build_request(action_id if place == "argument" else None, lambda: action_id, **keywords)


@pytest.mark.parametrize("action_id", ["x", "a b", "x" * MAX_ACTION_ID, "ä" * (MAX_ACTION_ID // 2), "1:2"])
def test_an_action_id_that_asterisk_gives_back_is_taken(action_id):
    assert built(Request("Ping"), action_id) == (f"Action: Ping\r\nActionID: {action_id}\r\n\r\n", action_id)


def test_an_action_id_is_text_whatever_was_given():
    number: Any = 7
    assert built(Request("Ping"), number) == ("Action: Ping\r\nActionID: 7\r\n\r\n", "7")


def test_a_new_action_id_is_made_only_where_it_is_needed():
    def no_id() -> str:
        raise AssertionError("an ActionID was asked for")

    assert Request("Ping").build_request("own", no_id)[1] == "own"


def test_a_keyword_replaces_an_item_and_changes_nothing_in_the_request():
    request = Request("X")
    request["A"] = "item"
    assert built(request, A="keyword")[0].startswith("Action: X\r\nA: keyword\r\nActionID")
    assert dict(request) == {"Action": "X", "A": "item"}


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ("text", ["A: text"]),
        ("", ["A: "]),
        (None, []),
        (True, ["A: true"]),
        (False, ["A: false"]),
        (7, ["A: 7"]),
        (0, ["A: 0"]),
        (1.5, ["A: 1.5"]),
        (["x=1", "y=2"], ["A: x=1", "A: y=2"]),
        (("x", 2, True, None), ["A: x", "A: 2", "A: true"]),
        ({"x"}, ["A: x"]),
        (frozenset({"x"}), ["A: x"]),
        ([], []),
        ([["x"], "y"], ["A: x", "A: y"]),
    ],
)
def test_every_kind_of_value_is_put_on_the_wire_as_documented(value, lines):
    request = Request("X")
    request["A"] = value
    assert built(request)[0].split("\r\n")[1:-3] == lines
    assert built(Request("X"), A=value)[0].split("\r\n")[1:-3] == lines


@pytest.mark.parametrize("line_end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("place", ["item", "key", "keyword", "of a list", "ActionID", "Action"])
def test_a_request_with_a_line_end_in_it_is_refused(place, line_end):
    bad = f"x{line_end}Action: Logoff"
    request = Request(bad if place == "Action" else "X")
    if place == "item":
        request["A"] = bad
    elif place == "key":
        request[bad] = "b"
    elif place == "of a list":
        request["A"] = ("fine", bad)
    keywords = {"A": bad} if place == "keyword" else {}
    with pytest.raises(ValueError, match="must not contain CR or LF"):
        built(request, bad if place == "ActionID" else None, **keywords)


def test_a_request_larger_than_asterisk_takes_is_refused():
    request = Request("X")
    request["Variable"] = [f"v{n}=1" for n in range(127)]
    with pytest.raises(ValueError, match="129 headers"):
        built(request)
    request["Variable"] = "x" * 1013
    with pytest.raises(ValueError, match="'Variable' makes a line of 1,023 bytes"):
        built(request)


def test_requests_may_be_sent_any_number_of_times():
    request = Request("Ping")
    numbers = itertools.count(1)
    sent = [request.build_request(None, lambda: str(next(numbers)))[1] for _ in range(3)]
    assert sent == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("response", "success"),
    [("Success", True), ("Follows", True), ("Error", False), ("Goodbye", False), ("success", False)],
)
def test_process_response_says_whether_the_action_was_taken(response, success):
    answer = Message(frame(f"Response: {response}"))
    assert Request("X").process_response(answer) is answer
    assert answer.success is success


def test_a_plain_request_has_no_lists():
    request = Request("X")
    assert request.get_aggregate_classes() == ()
    assert request.get_synchronous_classes() == ((), (), ())


def test_repr_of_a_request_hides_what_must_stay_secret():
    request = Request("Login")
    request["Username"] = "admin"
    request["Secret"] = request["KEY"] = "s3cret"
    assert repr(request) == "<Request {'Action': 'Login', 'Username': 'admin', 'Secret': '…', 'KEY': '…'}>"


@pytest.mark.parametrize("key", ["Key", "key", "KEY"])
@pytest.mark.parametrize("action", ["Login", "Challenge"])
def test_repr_hides_the_key_of_a_login(action, key):
    request = Request(action)
    request[key] = "s3cret"
    assert "s3cret" not in repr(request)


def test_repr_shows_the_key_of_the_database():
    request = Request("DBGet")
    request.update(Family="f", Key="k3y")
    assert "k3y" in repr(request)


@pytest.mark.parametrize("action", ["Login", "Challenge", "DBGet", "X"])
@pytest.mark.parametrize("key", ["Secret", "secret", "SECRET"])
def test_repr_hides_a_secret_always(action, key):
    request = Request(action)
    request[key] = "s3cret"
    assert "s3cret" not in repr(request)
    assert request[key] == "s3cret"


# Declared actions


class Item(Event, name="Item of the tests of requests"):
    pass


class Other(Event, name="Other item of the tests of requests"):
    pass


class Last(Event, name="Last of the tests"):
    pass


class QueueRing(Action):
    """Ring a queue."""

    queue: str
    caller_id_num: str | None = None
    ring_time: int = 30
    urgent: bool | None = None
    variables: dict[str, str] | None = param(
        "Variable", default=None, encode=lambda pairs: [f"{key}={value}" for key, value in pairs.items()]
    )


def test_fields_are_headers_in_order():
    assert list(QueueRing("a", "100", 5, True).items()) == [
        ("Action", "QueueRing"), ("Queue", "a"), ("CallerIdNum", "100"), ("RingTime", 5), ("Urgent", True),
    ]  # fmt: skip


def test_arguments_may_be_keywords():
    assert QueueRing(ring_time=5, queue="a") == QueueRing("a", None, 5)


def test_a_field_that_is_none_is_left_out_and_a_default_is_sent():
    assert dict(QueueRing("a")) == {"Action": "QueueRing", "Queue": "a", "RingTime": 30}


def test_a_field_may_have_a_name_and_a_form_of_its_own():
    assert QueueRing("a", variables={"x": "1", "y": "2"})["Variable"] == ["x=1", "y=2"]


def test_a_declared_action_puts_bools_and_lists_on_the_wire():
    request = QueueRing("a", urgent=False, variables={"x": "1", "y": "2"})
    assert built(request)[0] == (
        "Action: QueueRing\r\nQueue: a\r\nRingTime: 30\r\nUrgent: false\r\n"
        "Variable: x=1\r\nVariable: y=2\r\nActionID: host-00000001\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("args", "kwargs", "words"),
    [
        ((), {}, r"QueueRing\(\) is missing the argument 'queue'"),
        (("a",), {"queue": "b"}, r"multiple values for argument 'queue'"),
        (("a",), {"colour": "red"}, r"unexpected keyword argument 'colour'; it takes queue, caller_id_num"),
        (("a", None, 1, True, None, 6), {}, r"QueueRing\(\) takes 5 arguments but 6 were given"),
    ],
)
def test_a_wrong_argument_is_named(args, kwargs, words):
    with pytest.raises(TypeError, match=words):
        QueueRing(*args, **kwargs)


def test_an_action_without_fields_takes_no_arguments():
    class Shake(Action):
        pass

    assert dict(Shake()) == {"Action": "Shake"}
    with pytest.raises(TypeError, match="it takes none"):
        Shake(hand="left")


def test_an_action_may_have_a_name_that_is_not_that_of_its_class():
    class Shake(Action, action="Shake-Hands"):
        pass

    assert Shake()["Action"] == "Shake-Hands"


def test_a_subclass_adds_its_fields_to_those_of_its_base():
    class QueueRingAll(QueueRing):
        strategy: str = "ringall"

    assert QueueRingAll("a")["Strategy"] == "ringall"
    assert QueueRingAll("a")["Action"] == "QueueRingAll"
    with pytest.raises(TypeError):
        QueueRing("a", strategy="ringall")


def test_what_a_request_has_and_class_variables_are_no_fields():
    class Odd(Action):
        timeout = 60
        synchronous = True
        limit: ClassVar[int] = 3
        _private: int = 4
        queue: str

    odd = Odd("a")
    assert dict(odd) == {"Action": "Odd", "Queue": "a"}
    assert (odd.timeout, odd.synchronous, odd.limit, odd._private) == (60, True, 3, 4)


@pytest.mark.parametrize(
    "name", ["timeout", "synchronous", "aggregate", "items", "keys", "get", "update", "build_request"]
)
def test_a_field_may_not_take_the_place_of_what_every_action_has(name):
    words = rf"'{name}' is an attribute of every action: give it a value without an annotation, or name .* param\(\)"
    with pytest.raises(TypeError, match=words):
        type("Clash", (Action,), {"__annotations__": {name: str}, "__module__": __name__})


# Fields as attributes


def test_a_field_is_an_attribute():
    request = QueueRing("a", ring_time=5)
    assert (request.queue, request.caller_id_num, request.ring_time, request.urgent) == ("a", None, 5, None)


def test_setting_a_field_changes_what_is_sent():
    request = QueueRing("a")
    request.queue = "b"
    request.ring_time = 5
    request.caller_id_num = "100"
    assert dict(request) == {"Action": "QueueRing", "Queue": "b", "RingTime": 5, "CallerIdNum": "100"}
    assert (request.queue, request.ring_time, request.caller_id_num) == ("b", 5, "100")
    assert "Queue: b\r\n" in built(request)[0]


def test_a_field_set_to_none_is_not_sent():
    request = QueueRing("a", "100")
    request.caller_id_num = None
    assert dict(request) == {"Action": "QueueRing", "Queue": "a", "RingTime": 30}
    assert request.caller_id_num is None


def test_a_field_that_changes_its_form_keeps_its_value():
    request = QueueRing("a", variables={"x": "1"})
    assert request.variables == {"x": "1"}
    request.variables = {"y": "2"}
    assert request.variables == {"y": "2"}
    assert request["Variable"] == ["y=2"]
    request.variables = None
    assert request.variables is None
    assert "Variable" not in request


def test_a_field_follows_its_item():
    request = QueueRing("a", variables={"x": "1"})
    request["Queue"], request["Variable"] = "b", ["z=3"]
    assert (request.queue, request.variables) == ("b", ["z=3"])
    del request["Queue"], request["Variable"]
    assert (request.queue, request.variables) == (None, None)


def test_the_fields_of_two_requests_are_their_own():
    first, second = QueueRing("a", variables={"x": "1"}), QueueRing("b", variables={"x": "2"})
    first.queue = "c"
    assert (second.queue, second.variables) == ("b", {"x": "2"})


def test_a_field_of_the_class_is_its_declaration():
    assert QueueRing.caller_id_num.name == "CallerIdNum"


def test_an_optional_text_that_is_empty_is_not_sent():
    assert dict(QueueRing("a", "")) == {"Action": "QueueRing", "Queue": "a", "RingTime": 30}
    request = QueueRing("a", "100")
    request.caller_id_num = ""
    assert "CallerIdNum" not in request


def test_a_required_text_that_is_empty_is_sent():
    assert QueueRing("")["Queue"] == ""


@pytest.mark.parametrize(("value", "word"), [(True, "yes"), (False, "no"), ("yes", "yes"), ("maybe", "maybe")])
def test_yes_and_no(value, word):
    assert yes_no(value) == word


# Lists


def test_a_user_declares_a_list_action():
    class Things(Action):
        _list = (Item, Other)
        _finalisers = (Last,)

    [aggregate] = Things().get_aggregate_classes()
    assert (aggregate.__name__, aggregate.wire_name) == ("Things_Aggregate", "Things_Aggregate")
    assert aggregate.__module__ == __name__
    assert issubclass(aggregate, Aggregate)
    assert aggregate._aggregation_members == (Item, Other)
    assert aggregate._aggregation_finalisers == (Last,)
    assert Things().get_synchronous_classes() == ((), (Item, Other), (Last,))


@pytest.mark.parametrize(("count_header", "valid"), [(None, False), ("Items", True), ("", True)])
def test_the_aggregate_of_a_list_counts_it_by_the_header_that_the_action_names(count_header, valid):
    names = {"_list": (Item,), "_finalisers": (Last,), "__module__": __name__}
    kind = type("Things", (Action,), names if count_header is None else {**names, "_count_header": count_header})
    [aggregate] = kind().get_aggregate_classes()
    things = aggregate("1")
    assert things.evaluate_event(Last(b"Event: Last of the tests\r\nActionID: 1\r\nListItems: 1\r\n\r\n")) is True
    assert things.valid is valid


def test_an_aggregate_that_is_declared_says_what_its_list_is():
    class Some_Aggregate(Aggregate):
        _aggregation_members = (Item, Other)
        _aggregation_finalisers = (Last,)

    class Things(Action):
        _aggregates = (Some_Aggregate,)

    assert Things().get_aggregate_classes() == (Some_Aggregate,)
    assert Things().get_synchronous_classes() == ((), (Item, Other), (Last,))


def test_an_action_without_a_list_has_no_aggregate():
    class Shake(Action):
        _finalisers = (Last,)

    assert Shake().get_aggregate_classes() == ()
    assert Shake().get_synchronous_classes() == ((), (), (Last,))


# What help() shows


SIGNATURE = (
    "(queue: str, caller_id_num: str | None = None, ring_time: int = 30, urgent: bool | None = None, "
    "variables: dict[str, str] | None = None)"
)


def test_the_signature_shows_the_fields():
    signature = inspect.signature(QueueRing)
    assert str(signature) == SIGNATURE


def test_the_signature_of_an_action_with_a_constructor_is_that_of_the_constructor():
    class Own(Action):
        def __init__(self, first: str, second: int = 2) -> None:
            super().__init__()

    assert str(inspect.signature(Own)) == "(first: str, second: int = 2)"


def test_help_shows_the_signature_and_what_the_action_does():
    class Shake(Action):
        """Shake hands."""

        hand: str
        times: int = 1

    help_text = pydoc.plain(pydoc.render_doc(Shake))
    assert "Shake(hand: str, times: int = 1)" in help_text
    assert "Shake hands." in help_text
