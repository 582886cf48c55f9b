"""Messages: a dict of text, and beside it what a dict cannot say."""

from typing import Any

import pytest

from ami import EVENT_GENERIC, RESPONSE_GENERIC, catalogue, wire
from ami import message as module
from ami.catalogue import Event
from ami.message import SUCCESSES, Message, is_event

from .messages import frame, message

# Headers


def test_headers_are_items():
    pong = message("Response: Success", "ActionID: 1", "Ping: Pong")
    assert pong["Response"] == "Success"
    assert pong["Ping"] == "Pong"
    assert dict(pong) == {"Response": "Success", "ActionID": "1", "Ping": "Pong"}


def test_headers_is_the_message_itself():
    pong = message("Response: Success")
    assert pong.headers is pong


def test_a_value_may_hold_colons():
    assert message("Event: X", "Time: 12:30:59")["Time"] == "12:30:59"


def test_a_key_may_hold_odd_characters():
    key = "ChanVariable(Local/1001@lab-00000001;1)"
    assert message("Event: X", f"{key}: FOO=x")[key] == "FOO=x"


@pytest.mark.parametrize(
    ("line", "value"),
    [("A: b", "b"), ("A:b", "b"), ("A:  b", " b"), ("A: b ", "b "), ("A: ", ""), ("A:", ""), ("A: \tb\t", "\tb\t"),
     ("A :b", "b"), (" A: b", "b"), ("A: b\n", "b"), ("A: b\r", "b"), ("A: b\nc", "b\nc"), ("A: b\0c", "b\0c")],
)  # fmt: skip
def test_one_blank_after_the_colon_belongs_to_the_syntax_and_all_others_to_the_value(line, value):
    assert message("Event: X", line)["A"] == value
    assert message(line, "Event: X")["A"] == value


def test_bytes_that_are_no_utf_8_are_kept():
    odd = Message(b"Event: X\r\nName: J\xfcrgen\r\n\r\n")
    assert odd["Name"].encode("utf-8", "surrogateescape") == b"J\xfcrgen"


def test_a_look_up_falls_back_to_ignoring_case():
    each = message("Event: X", "CallerIDNum: 100")
    assert each["calleridnum"] == each.get("CALLERIDNUM") == "100"
    assert "callerIdNum" in each
    assert list(each) == ["Event", "CallerIDNum"]


def test_a_key_of_exactly_that_case_comes_before_others():
    each = message("Event: X", "key: lower", "Key: upper")
    assert (each["key"], each["Key"], each["KEY"]) == ("lower", "upper", "lower")


def test_a_look_up_that_finds_nothing_behaves_as_in_a_dict():
    each = message("Event: X")
    with pytest.raises(KeyError, match="Nothing"):
        each["Nothing"]
    with pytest.raises(KeyError):
        each[1]
    assert each.get("Nothing") is None
    assert each.get("Nothing", "else") == "else"
    assert "Nothing" not in each
    assert 1 not in each


def test_a_header_set_later_is_found_whatever_its_case():
    each = message("Event: X")
    assert "rtt" not in each
    each.put("RTT", 0.5)
    assert each["rtt"] == 0.5
    del each["RTT"]
    each["Other"] = "1"
    assert each["other"] == "1"
    assert "rtt" not in each


# Repeated headers


def test_the_first_of_repeated_headers_is_taken():
    assert message("Event: X", "A: 1", "A: 2")["A"] == "1"
    assert message("Event: X", "Event: Y").name == "X"


def test_every_value_of_a_repeated_header_can_be_had():
    status = message("Event: Status", "Variable: a=1", "Channel: x", "VARIABLE: b=2", "Variable: a=1")
    assert status.get_all("variable") == ["a=1", "b=2", "a=1"]
    assert status.get_all("Event") == ["Status"]
    assert status.get_all("Nothing") == []


def test_pairs_are_the_headers_in_order_with_repeats():
    assert message("Event: X", "B: 1", "A: 2", "B: 3").pairs == [("Event", "X"), ("B", "1"), ("A", "2"), ("B", "3")]


def test_changing_the_list_of_pairs_does_not_change_the_message():
    each = message("Event: X")
    each.pairs.clear()
    assert each.pairs == [("Event", "X")]


# Name and ActionID


def test_the_name_of_an_event_is_its_event_header():
    assert Event(frame("Event: Hangup", "Cause: 16")).name == "Hangup"


def test_the_name_of_a_response_is_its_response_header():
    assert message("Response: Success", "Ping: Pong").name == "Success"


def test_the_first_of_event_and_response_gives_the_name():
    assert message("Event: OriginateResponse", "Response: Failure").name == "OriginateResponse"
    assert message("Response: Success", "Event: x").name == "Success"


def test_without_either_as_the_first_header_event_gives_the_name():
    assert message("Privilege: x", "Response: Success", "Event: Hangup").name == "Hangup"
    assert message("Privilege: x", "Response: Success").name == "Success"


def test_the_name_is_found_whatever_the_case_of_its_header():
    assert message("event: Hangup").name == "Hangup"
    assert message("RESPONSE: Success").name == "Success"


def test_the_name_stays_when_a_later_header_forges_one():
    assert message("Event: UserEvent", "Event: Hangup").name == "UserEvent"


def test_a_message_with_an_action_id_alone_is_a_generic_response():
    each = message("ActionID: 1", "A: b")
    assert each.name == each["Response"] == RESPONSE_GENERIC == "Generic Response"
    assert dict(each) == {"ActionID": "1", "A": "b", "Response": RESPONSE_GENERIC}


def test_a_message_with_neither_is_a_generic_event():
    each = message("A: b")
    assert each.name == each["Event"] == EVENT_GENERIC == "Generic Event"
    assert dict(each) == {"A": "b", "Event": EVENT_GENERIC}


def test_a_generic_name_is_found_whatever_the_case_asked_for():
    assert message("A: b")["event"] == EVENT_GENERIC
    assert message("ActionID: 1")["response"] == RESPONSE_GENERIC


def test_a_message_without_any_header_is_a_generic_event():
    each = message("no header")
    assert each.name == EVENT_GENERIC
    assert each.data == ["no header"]


def test_a_name_of_any_case_keeps_a_message_from_being_generic():
    assert dict(message("A: b", "event: X")) == {"A": "b", "event": "X"}
    assert dict(message("A: b", "RESPONSE: X")) == {"A": "b", "RESPONSE": "X"}


def test_the_action_id_is_found_whatever_its_case_and_is_none_without_one():
    assert message("Response: Success", "ActionID: 7").action_id == "7"
    assert message("Response: Success", "actionid: 7").action_id == "7"
    assert message("Response: Success").action_id is None


def test_a_message_that_was_emptied_has_no_name():
    each = message("Event: X")
    each.clear()
    with pytest.raises(KeyError):
        assert each.name


# Comparison


def test_a_text_is_compared_with_the_name():
    hangup = message("Event: Hangup", "Channel: x")
    assert hangup == "Hangup"
    assert hangup != "Newchannel"
    assert (hangup != "Hangup") is False
    assert "Hangup" == hangup  # noqa: SIM300


def test_anything_else_is_compared_with_the_headers():
    hangup = message("Event: Hangup", "Cause: 16")
    assert hangup == {"Event": "Hangup", "Cause": "16"}
    assert {"Event": "Hangup", "Cause": "16"} == message("Event: Hangup", "Cause: 16")  # noqa: SIM300
    assert hangup == message("Cause: 16", "Event: Hangup")
    assert hangup != message("Event: Hangup", "Cause: 17")
    assert hangup != {}
    assert hangup != 16


def test_a_message_cannot_be_hashed():
    with pytest.raises(TypeError, match="unhashable"):
        hash(message("Event: Hangup"))


# Bytes, lines and payload


def test_the_frame_is_kept_exactly():
    data = b"Event: X\r\nA:  1 \r\nA: 2\xff\r\nno header\r\n\n"
    assert Message(data).frame == data


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"Event: X\r\nA:  1 \r\n\r\n", ["Event: X\r\n", "A:  1 \r\n", "\r\n"]),
        (b"Event: X\r\nA: 1\nB: 2\r\n\r\n", ["Event: X\r\n", "A: 1\nB: 2\r\n", "\r\n"]),
        (b"Event: X\r\n\n", ["Event: X\r\n", "\n"]),
        (b"Event: X\r\n", ["Event: X\r\n"]),
    ],
)
def test_raw_is_the_lines_as_they_came(data, lines):
    each = Message(data)
    assert each.raw == lines
    assert each["Event"] == "X"
    assert each.raw == lines


def test_a_message_is_made_of_lines_too():
    lines = ["Event: X\r\n", "Name: Käufer\r\n", "\r\n"]
    assert Message(lines) == Message(line.encode() for line in lines) == message("Event: X", "Name: Käufer")
    assert Message(lines).raw == lines


def test_lines_that_are_no_header_are_data():
    each = message("Response: Success", "No categories found", "A: b", ": no key", "  ", "end")
    assert dict(each) == {"Response": "Success", "A": "b"}
    assert each.data == ["No categories found", ": no key", "  ", "end"]


def test_a_message_without_such_lines_has_no_data():
    assert message("Response: Success", "A: b").data == []
    assert Message(b"Event: X\r\n\n").data == []


def test_the_output_of_a_command_is_data_line_by_line():
    each = message("Response: Success", "ActionID: 1", "Message: Command output follows", "Output: one",
                   "Output: ", "Output:   two: 2 ", "Output: ")  # fmt: skip
    assert each.data == ["one", "", "  two: 2 ", ""]
    assert each["Output"] == "one"
    assert each.get_all("Output") == each.data


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        ("one\ntwo\n", ["one", "two"]),
        ("one\ntwo", ["one", "two"]),
        ("one\n\ntwo\n\n", ["one", "", "two", ""]),
        ("\n", [""]),
        ("", []),
        ("one\r\ntwo\r\n", ["one", "two"]),
        ("one\r\n\r\ntwo\r\n", ["one", "", "two"]),
        ("Name: value\nEvent: Hangup\n", ["Name: value", "Event: Hangup"]),
        ("ActionID: other\nmore\n", ["ActionID: other", "more"]),
        ("Name: value", ["Name: value"]),
        ("ActionID: other", ["ActionID: other"]),
        ("  indented \n", ["  indented "]),
    ],
)
@pytest.mark.parametrize("action_id", ["ActionID: 1\r\n", ""])
def test_the_raw_output_of_a_command_up_to_asterisk_13_is_data_too(output, lines, action_id):
    text = f"Response: Follows\r\nPrivilege: Command\r\n{action_id}{output}--END COMMAND--\r\n\r\n"
    each = Message(text.encode())
    assert each.data == lines
    headers = {"Response": "Follows", "Privilege": "Command"}
    assert dict(each) == (headers | {"ActionID": "1"} if action_id else headers)


# Text for people


@pytest.mark.parametrize("header", ["Secret", "Key", "Challenge", "secret", "KEY"])
def test_repr_hides_what_must_stay_secret(header):
    each = message("Response: Success", f"{header}: s3cret", "Username: admin")
    assert "s3cret" not in repr(each)
    assert repr(each) == f"<Message {{'Response': 'Success', '{header}': '…', 'Username': 'admin'}}>"
    assert each[header] == "s3cret"


def test_repr_of_an_event_says_its_class():
    assert repr(Event(frame("Event: X"))) == "<Event {'Event': 'X'}>"


# Events and responses


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["Event: Hangup"], True),
        (["Response: Success"], False),
        (["Event: OriginateResponse", "Response: Failure", "ActionID: 1"], True),
        (["Response: Success", "Event: Injected"], False),
        (["event: Hangup", "ActionID: 1"], True),
        (["RESPONSE: Success"], False),
        (["Privilege: x", "Response: Success", "Event: Hangup"], True),
        (["Privilege: x", "response: Success"], False),
        (["ActionID: 1", "event: Hangup"], True),
        (["ActionID: 1", "A: b"], False),
        (["A: b", "actionid: 1"], False),
        (["A: b"], True),
        (["no header"], True),
        (["no header", "Response: Success"], False),
    ],
)
def test_the_first_header_says_whether_a_frame_is_an_event(lines, answer):
    assert is_event(wire.decode(frame(*lines))) is answer


def test_asterisk_has_two_words_for_success():
    assert set(SUCCESSES) == {"Success", "Follows"}


def test_messages_and_aggregates_have_their_documented_base():
    from ami.ami import _Aggregate, _Event, _Message, _MessageTemplate

    assert issubclass(_Message, _MessageTemplate)
    assert issubclass(_Event, _MessageTemplate)
    assert issubclass(_Aggregate, _MessageTemplate)
    assert not issubclass(dict, _MessageTemplate)


def test_a_message_may_be_looked_at_while_another_is_decoded(monkeypatch):
    """By a finaliser, or a signal handler; also in a child that was forked then."""
    other = message("Event: Y", "A: 1")
    parse = module._parse

    def interrupted(text: str) -> Any:
        monkeypatch.setattr(module, "_parse", parse)
        assert dict(other) == {"Event": "Y", "A": "1"}
        return parse(text)

    monkeypatch.setattr(module, "_parse", interrupted)
    assert dict(message("Event: X", "B: 2")) == {"Event": "X", "B": "2"}


class _Looking(str):
    """A key that looks at a message when it is hashed, as another thread might in the middle of a change."""

    message: Message | None = None

    def __hash__(self) -> int:
        if self.message is not None:
            self.message.get("another")
        return super().__hash__()


def test_a_look_in_the_middle_of_a_change_leaves_nothing_stale():
    message = catalogue.parse(b"Event: Odd\r\nFoo: 1\r\n\r\n")
    assert message.get("FOO") == "1"
    key = _Looking("New")
    key.message = message
    message[key] = "n"
    key.message = None
    assert message["new"] == "n"
    del message["Foo"]
    assert message.get("foo") is None


def test_a_header_that_goes_in_the_middle_of_a_look_is_missing(monkeypatch):
    message = catalogue.parse(b"Event: Odd\r\nFoo: 1\r\n\r\n")
    monkeypatch.setattr(type(message), "_find", lambda self, key: "Gone")
    with pytest.raises(KeyError, match="gone"):
        message["gone"]
    assert message.get("gone", "default") == "default"
