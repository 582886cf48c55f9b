"""The text of a fault, and the same said in Python."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim import faults
from amisim.faults import Fault, FaultError, Schedule, Selector
from amisim.faults.choice import NAMED, SELECTORS, why_never

NAMES = st.text("abcXYZ019*?[]-_.ü' \"\\", min_size=1)
HEADERS = st.tuples(st.from_regex(r"[A-Z][A-Za-z]{0,5}(-[a-z]{1,3})?", fullmatch=True), st.text())
WHOLE = st.none() | st.integers(1, 10**9)
SECONDS = st.none() | st.floats(0, 1e9) | st.integers(0, 100)
SCHEDULES = st.builds(
    Schedule, nth=WHOLE, every=WHOLE, times=WHOLE, after_bytes=WHOLE, after_seconds=SECONDS, until_seconds=SECONDS,
    p=st.none() | st.floats(0, 1),
)  # fmt: skip


@st.composite
def chosen_faults(draw: st.DrawFn) -> Fault:
    """Any fault there can be."""
    kind = draw(st.sampled_from(list(faults.KINDS.values())))
    what = draw(st.sampled_from(list(SELECTORS)))
    name = draw(st.just("") | NAMES) if what in NAMED else ""
    selector = Selector(what, name, tuple(draw(st.lists(HEADERS, max_size=2))), draw(WHOLE))
    said = SCHEDULES.filter(lambda each: each != Schedule() and not why_never(selector, each))
    schedule = draw(said | st.just(kind.schedule))
    if kind.default == "" or isinstance(kind.default, str):
        value = draw(st.text()) if kind.argument else kind.default
    elif kind.argument in ("size", "count", "by"):
        value = draw(st.integers(1, 10**6))
    else:
        value = draw(st.floats(1, 1e6))
    return Fault(kind, value, selector, schedule)


@given(chosen_faults())
def test_the_text_of_a_fault_parses_to_an_equal_one(fault):
    parsed = faults.parse(str(fault))
    assert parsed == fault
    assert str(parsed) == str(fault)
    assert repr(fault) == f"<fault {fault}>"


WORDS = ["drop", "delay", "6", "event", "answer", "X=", "P", "nth=2", "nth=", "p=nan", "=x", "p=2", "'", "=", "é=1"]


@given(st.text() | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_any_text_is_a_fault_or_an_error_that_shows_it(text):
    try:
        fault = faults.parse(text)
    except FaultError as error:
        shown = str(error)
    else:
        shown = repr(text) + f": {fault}"
    assert shown.startswith(f"{text!r}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drop event QueueMember nth=2", faults.drop("event QueueMember", nth=2)),
        ("delay 6 response Ping", faults.delay(6, "response Ping")),
        ("delay 6 response Ping", faults.delay("response Ping", seconds=6)),
        ("split any size=1", faults.split()),
        ("split size=7 any", faults.split(7)),
        ("reset response Originate", faults.reset("response Originate")),
        ("late 2 event Hangup p=0.5", faults.late(2, "event Hangup", p=0.5)),
        ("refuse connection nth=2", faults.refuse(nth=2)),
        ("drop event UserEvent 'Text=two words'", faults.drop('event UserEvent "Text=two words"')),
        ("drop Channel=PJSIP/100-* connection=2", faults.drop("event Channel=PJSIP/100-*", connection=2)),
        ("drop event Hangup Cause-txt=Busy", faults.drop("event Hangup Cause-txt=Busy")),
        ("login_refused connection=2", faults.login_refused("response Login", connection=2)),
        ("clock step=-60.5", faults.clock(-60.5)),
        ("delay .5", faults.delay(seconds=0.5)),
        ("restart event Hangup", faults.restart("event Hangup", times=1)),
        ("refuse connection=2 after_seconds=5", faults.refuse(connection=2, after_seconds=5)),
        ("reset any connection=1 after_seconds=5", faults.reset("any", connection=1, after_seconds=5)),
        ("drop after_bytes=0 until_seconds=0.5", faults.drop(after_bytes=0, until_seconds=0.5)),
        ("bad_utf8 event QueueMember header=Name", faults.bad_utf8("event QueueMember", header="Name")),
    ],
)
def test_text_and_python_say_the_same(text, said):
    assert faults.parse(text) == said


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("dorp event X", "'dorp' is no fault; did you mean 'drop'?"),
        ("drop evnt X", "'evnt' is no selector; did you mean 'event'?"),
        ("drop xyz", "'xyz' is no selector; there are any, event, response, answer, item, complete, greeting"),
        ("drop event X Y", "'Y' is too much: one name may follow 'event'"),
        ("drop any X", "'X' is too much: no name follows 'any'"),
        ("drop 3 event X", "'3' is no selector; there are any, event,"),
        ("drop event X nht=2", "'nht' is no argument of drop; did you mean 'nth'? (Headers begin with a capital.)"),
        ("drop event X after=2", "'after' is no argument of drop; did you mean 'after_bytes'?"),
        ("drop event X queue=support", "'queue' is no argument of drop; there are connection, nth, every, times,"),
        ("drop event X nth=0", "nth=0 cannot be: nth is a whole number from 1 on"),
        ("drop event X nth=1.5", "nth=1.5 cannot be: nth is a whole number from 1 on"),
        ("drop event X nth=two", "nth=two cannot be: nth is a whole number from 1 on"),
        ("drop event X p=2", "p=2 cannot be: p is a number from 0 to 1"),
        ("wrong_count by=-1.5", "by=-1.5 cannot be: by is a whole number such as -1"),
        ("drop event X p=nan", "p=nan cannot be: p is a number from 0 to 1"),
        ("delay -1", "seconds=-1 cannot be: seconds is a number from 0 on"),
        ("clock step=inf", "step=inf cannot be: step is a number such as -1"),
        ("delay 6 seconds=7", "'seconds' is said twice"),
        ("reset after_bytes=9", "it could never hit: nothing is sent before the connection; 'any' is each frame after"),
        ("drop greeting after_bytes=9", "it could never hit: nothing is sent before the greeting; 'any' is each frame"),
        ("reset connection=1 after_seconds=5", "it could never hit: the first connection opens after 0 s; 'any' is"),
        ("drop after_seconds=5 until_seconds=5", "it could never hit: nothing comes after 5 s and before 5 s"),
        ("drop until_seconds=0", "it could never hit: nothing comes after 0 s and before 0 s"),
        ("drop event X nth=1 nth=2", "'nth' is said twice"),
        ("drop 'event", "No closing quotation"),
        ("", "'' is no fault; there are clock,"),
    ],
)  # fmt: skip
def test_an_error_says_which_word_is_wrong_and_what_would_be_right(text, wrong):
    with pytest.raises(FaultError) as error:
        faults.parse(text)
    assert str(error.value).startswith(f"{text!r}: {wrong}")


def test_python_is_checked_as_text_is():
    with pytest.raises(FaultError, match=r"^'nht' is no argument of drop; did you mean 'nth'\?"):
        faults.drop("event X", nht=2)
    with pytest.raises(FaultError, match=r"^seconds=-1 cannot be"):
        faults.delay("any", -1)
    with pytest.raises(FaultError, match=r"^'2' is no selector; there are any"):
        faults.drop(2)
    with pytest.raises(FaultError, match=r"^No closing quotation in"):
        faults.drop("event 'X")


def test_a_fault_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        faults.drop().value = 3
