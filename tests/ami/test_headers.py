"""Headers: what is made of an event's text, on its attributes and by `process()`."""

import math
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ami.catalogue import Event, parse
from ami.headers import (
    Bool,
    Code,
    Duration,
    Float,
    Header,
    Int,
    Numbered,
    Text,
    Timestamp,
    Variables,
    View,
    Word,
    headers_of,
)


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogateescape")


def event(*lines: str) -> Event:
    parsed = parse(frame(*lines))
    assert isinstance(parsed, Event)
    return parsed


# Typed attributes


class Sample(Event, name="Sample of the tests"):
    text = Text()
    number = Int()
    ratio = Float()
    flag = Bool("yes")
    length_of_call = Duration()
    other = Text("Other-Name")


def sample(*lines: str) -> Sample:
    return Sample(frame("Event: Sample of the tests", *lines))


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("Text: a b ", "text", "a b "),
        ("Text: ", "text", ""),
        ("Number: 16", "number", 16),
        ("Number: -1", "number", -1),
        ("Number: sixteen", "number", None),
        ("Number: 1.5", "number", None),
        ("Number: ", "number", None),
        ("Ratio: 0.5", "ratio", 0.5),
        ("Ratio: 1", "ratio", 1.0),
        ("Ratio: half", "ratio", None),
        ("Flag: yes", "flag", True),
        ("Flag: no", "flag", False),
        ("Flag: Yes", "flag", False),
        ("Flag: ", "flag", False),
        ("LengthOfCall: 01:02:03", "length_of_call", 3723),
        ("LengthOfCall: 100:00:00", "length_of_call", 360_000),
        ("LengthOfCall: 02:03", "length_of_call", None),
        ("LengthOfCall: now", "length_of_call", None),
        ("Other-Name: x", "other", "x"),
        ("TEXT: any case", "text", "any case"),
    ],
)
def test_an_attribute_is_the_header_converted(line, attribute, value):
    assert getattr(sample(line), attribute) == value


@pytest.mark.parametrize("attribute", ["text", "number", "ratio", "flag", "length_of_call", "other"])
def test_an_attribute_is_none_where_the_header_is_missing(attribute):
    assert getattr(sample(), attribute) is None


def test_the_item_stays_the_text_of_the_wire():
    each = sample("Number: 16", "LengthOfCall: 00:00:01")
    assert each.number == 16
    assert (each["Number"], each["LengthOfCall"]) == ("16", "00:00:01")


@pytest.mark.parametrize("text", ["16", " 16 ", "-1"])
def test_process_finds_a_header_in_any_case(text):
    class Counted(Event):
        list_items = Int(process=-1)

    assert event("Event: Counted", f"LISTITEMS: {text}").process()[0] == {"Event": "Counted", "LISTITEMS": int(text)}


def test_an_attribute_of_the_class_is_the_declaration():
    assert isinstance(Sample.number, Int)
    assert Sample.length_of_call.name == "LengthOfCall"


@pytest.mark.parametrize("attribute", ["items", "data", "name", "get", "process"])
def test_a_header_may_not_take_the_place_of_what_every_event_has(attribute):
    with pytest.raises(TypeError, match=f"{attribute!r} is an attribute of every event"):
        type("Clash", (Event,), {attribute: Int()})


# process()


def test_process_gives_copies():
    each = event("Event: Hangup", "Cause: 16", "no header")
    headers, data = each.process()
    headers["Cause"] = 0
    data.clear()
    assert each["Cause"] == "16"
    assert each.data == ["no header"]
    assert type(headers) is dict


def test_a_missing_optional_header_is_left_out():
    class WithOptional(Event):
        port = Int(process=None, optional=True)

    assert event("Event: WithOptional").process()[0] == {"Event": "WithOptional"}
    assert event("Event: WithOptional", "Port: x").process()[0]["Port"] is None
    assert event("Event: WithOptional", "Port: 7").process()[0]["Port"] == 7


def test_a_subclass_converts_what_its_base_does_unless_it_says_otherwise():
    class Base(Event, abstract=True):
        first = Int(process=-1)
        second = Int(process=-1)

    class Derived(Base):
        second = Int(process=-2)
        third = Int()

    assert event("Event: Derived", "Third: 3").process()[0] == {
        "Event": "Derived", "First": -1, "Second": -2, "Third": "3",
    }  # fmt: skip


# Kinds of headers that convert to more than a number


class Colour(IntEnum):
    RED = 1
    BLUE = 7


class Mood(StrEnum):
    GLAD = "GLAD"
    NOT_SAD = "NOT_SAD"


class Part(View):
    channel = Text()
    cause = Int()


class Rich(Event, name="Rich sample of the tests"):
    colour = Code(Colour)
    documented = Code(Colour, process=-1)
    mood = Word(Mood)
    at = Timestamp()
    jitter = Numbered(Int(), "Report#Jitter")
    ending = Numbered(Text(), "Member#")
    variables = Variables()
    dest = Part.at("Dest")


def rich(*lines: str) -> Rich:
    return Rich(frame("Event: Rich sample of the tests", *lines))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", Colour.RED),
        ("7", Colour.BLUE),
        (" 7", Colour.BLUE),
        ("2", 2),
        ("-3", -3),
        ("x", None),
        ("", None),
        ("1.0", None),
    ],
)
def test_a_code_is_a_member_or_the_number_or_none(text, value):
    colour = rich(f"Colour: {text}").colour
    assert colour == value
    assert type(colour) is type(value)


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("2", 2), ("x", -1), (None, -1)])
def test_a_code_is_a_plain_number_in_what_process_gives(text, value):
    processed = rich(*([] if text is None else [f"Documented: {text}"])).process()[0]["Documented"]
    assert processed == value
    assert type(processed) is int


def test_a_code_without_a_documented_conversion_stays_text_in_what_process_gives():
    assert rich("Colour: 1").process()[0]["Colour"] == "1"


@pytest.mark.parametrize(
    ("text", "value"),
    [("GLAD", Mood.GLAD), ("glad", Mood.GLAD), ("Not_Sad", Mood.NOT_SAD), ("MAD", "MAD"), ("", ""), ("mad ", "mad ")],
)
def test_a_word_is_a_member_in_any_case_or_the_text(text, value):
    mood = rich(f"Mood: {text}").mood
    assert mood == value
    assert type(mood) is type(value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1722850000", datetime(2024, 8, 5, 9, 26, 40, tzinfo=UTC)),
        ("1722850000.5", datetime(2024, 8, 5, 9, 26, 40, 500_000, tzinfo=UTC)),
        ("2024-08-05T09:26:40.000+0000", datetime(2024, 8, 5, 9, 26, 40, tzinfo=UTC)),
        ("2024-08-05T11:26:40+02:00", datetime(2024, 8, 5, 9, 26, 40, tzinfo=UTC)),
        ("2024-08-05 09:26:40", datetime(2024, 8, 5, 9, 26, 40, tzinfo=UTC)),
        ("0", None),
        ("0.0", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e30", None),
        ("-1e30", None),
        (None, None),
    ],
)
def test_a_timestamp_is_a_moment_in_utc_or_none(text, moment):
    at = rich(*([] if text is None else [f"At: {text}"])).at
    assert at == moment
    assert at is None or at.tzinfo is not None


def test_a_timestamp_keeps_the_offset_it_was_written_with():
    at = rich("At: 2024-08-05T11:26:40+02:00").at
    assert at.utcoffset() == timedelta(hours=2)
    assert at.astimezone(UTC) == datetime(2024, 8, 5, 9, 26, 40, tzinfo=UTC)


def test_numbered_headers_are_a_list_in_the_order_of_their_numbers():
    lines = [
        "Report10Jitter: 10",
        "Report2Jitter: 2",
        "Report0Jitter: x",
        "Report1Loss: 9",
        "ReportJitter: 8",
        "ReportaJitter: 7",
    ]
    assert rich(*lines).jitter == [None, 2, 10]


def test_numbered_headers_that_are_not_there_are_an_empty_list():
    assert rich().jitter == []


def test_a_number_may_stand_at_the_end():
    assert rich("Member2: b", "Member1: a", "Member: c", "Member3x: d").ending == ["a", "b"]


@pytest.mark.parametrize("key", ["ChanVariable", "ChanVariable(PJSIP/1-00000001)"])
def test_variables_are_a_mapping(key):
    assert rich(f"{key}: a=1", f"{key}: b=x=y", f"{key}: c=", f"{key}: d").variables == {
        "a": "1",
        "b": "x=y",
        "c": "",
        "d": "",
    }


def test_variables_that_are_not_there_are_an_empty_mapping():
    assert rich("ChanVariables: a=1").variables == {}


def test_a_part_of_an_event_has_the_headers_with_its_prefix():
    dialled = rich("Channel: one", "Cause: 1", "DestChannel: two", "DestCause: 16", "Destiny: no").dest
    assert isinstance(dialled, Part)
    assert (dialled.channel, dialled.cause) == ("two", 16)
    assert dialled.get("Channel") == "two"
    assert dialled.get_all("Channel") == ["two"]
    assert set(dialled.keys()) >= {"Channel", "Cause"}
    assert "two" in repr(dialled)


def test_a_part_of_an_event_is_true_where_one_of_its_headers_is_there():
    assert rich("DestCause: 16").dest
    assert not rich("Cause: 16", "DestOther: 1").dest
    assert rich("DestCause: 16").dest.channel is None


def test_the_class_has_the_declarations():
    assert Rich.dest.view is Part
    assert Rich.jitter.name == "Report#Jitter"
    assert Rich.variables.name == "ChanVariable"
    assert {"DestChannel", "DestCause", "Report#Jitter", "ChanVariable", "Colour"} <= set(headers_of(Rich))


def test_a_subclass_may_take_a_header_away():
    class Derived(Rich):
        mood = None

    assert "Mood" not in set(headers_of(Derived))
    assert "Colour" in set(headers_of(Derived))


def test_a_header_must_say_how_it_is_converted():
    with pytest.raises(NotImplementedError):
        Header("X").convert("x")


# Whatever the server says, an attribute has a value and process() an answer

TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])) | st.sampled_from([
    "9" * 5000,
    "1e999", "nan", "-inf", "\u0663", "\u00b2", "--1", "1_000", "::", "-1:-1:-1", "1:2:3:4",
    "0x10", "\udcff", "00", "7" * 10,
    "0001-01-01", "9999-12-31T23:59:59-23:59", "=", "==", "1970-01-01T00:00:00Z",
])  # fmt: skip


@given(TEXTS)
def test_any_text_has_a_value(text):
    kinds = {
        Text(): str, Int(): int, Float(): float, Bool("yes"): bool, Duration(): int, Timestamp(): datetime,
        Code(Colour): int, Word(Mood): str,
    }  # fmt: skip
    for header, kind in kinds.items():
        assert isinstance(header.convert(text), kind | None), header


@given(TEXTS, TEXTS)
def test_any_event_has_its_attributes(text, name):
    headers = ["Colour", "Documented", "Mood", "At", "Report0Jitter", f"Report{name}Jitter", "Member1", f"Member{name}"]
    lines = [f"{header}: {text}" for header in headers]
    each = rich(
        *lines, f"ChanVariable: {text}", f"ChanVariable({name}): {text}", f"Dest{name}: {text}", f"DestCause: {text}"
    )
    assert isinstance(each.colour, int | None)
    assert isinstance(each.at, datetime | None)
    assert all(isinstance(number, int | None) for number in each.jitter)
    assert all(isinstance(member, str) for member in each.ending)
    assert all(isinstance(value, str) for value in each.variables.values())
    assert isinstance(each.dest.cause, int | None)
    assert isinstance(repr(each.dest), str)
    assert isinstance(each.process()[0]["Documented"], int)


@given(st.integers(-(10**12), 10**12))
def test_a_number_is_read_back(number):
    assert Int().convert(str(number)) == number
    assert Code(Colour).convert(str(number)) == number


@given(st.floats(allow_nan=False))
def test_a_fraction_is_read_back(number):
    assert Float().convert(str(number)) == number


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_read_back(moment):
    assert Timestamp().convert(moment.isoformat()) == moment
    whole = moment.replace(microsecond=0)
    assert Timestamp().convert(str(int(whole.timestamp()))) == whole
    assert math.isclose(Timestamp().convert(f"{moment.timestamp():.6f}").timestamp(), moment.timestamp(), abs_tol=1e-5)


@given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59))
def test_a_length_of_time_is_read_back(hours, minutes, seconds):
    assert Duration().convert(f"{hours:02}:{minutes:02}:{seconds:02}") == hours * 3600 + minutes * 60 + seconds
