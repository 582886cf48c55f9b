"""Event filters. What each matches was tried on 22.10."""

import random
import re

import pytest

from amisim.filters import CANNOT_BE_COMPILED, MISFORMED, EventFilter, Patience, event_filter
from amisim.posix import TakesTooLong

FOO = "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: Foo\r\n\r\n"
BAR = FOO.replace("Foo", "Bar")


def passes(filters: list[EventFilter], text: str) -> bool:
    patience = Patience()
    patience.renew()
    return patience.passes(filters, text)


@pytest.mark.parametrize(
    ("criteria", "pattern", "foo", "bar"),
    [
        ("", "UserEvent: Foo", True, False),
        ("", "!UserEvent: Foo", False, True),
        ("", "all.*Foo", True, False),
        ("", "^UserEvent", False, False),
        ("name(UserEvent)", "", True, True),
        ("name(userevent)", "", False, False),
        ("name(UserEvent),header(UserEvent),method(exact)", "Foo", True, False),
        ("action(exclude),name(UserEvent)", "", False, False),
        ("method(contains)", "Foo", True, False),
        ("header(UserEvent),method(starts_with)", "Fo", True, False),
        ("header(UserEvent),method(ends_with)", "ar", False, True),
        ("header(UserEvent),method(regex)", "^F|x", True, False),
        ("header(UserEvent),method(regex)", "oo", True, False),
        ("method(regex)", "oo", True, False),
        ("header(Channel),method(contains)", "x", False, False),
        ("action(exclude),method(contains)", "Foo", False, True),
        ("method(contains)", "!Foo", False, True),
        ("action(exclude),method(contains)", "!Foo", False, True),
        ("name(UserEvent)", "!", False, False),
        ("action(include),method(contains)", "!Foo", True, False),
        ("name(UserEvent),action(include)", "!", True, True),
        (",header(UserEvent ),,methods(contains", "Foo", True, False),
        ("header((UserEvent)),method(exact)", "Foo", False, False),
        ("header(UserEvent))method(exact)", "Foo", True, False),
    ],
)
def test_filters_match_as_those_of_asterisk(criteria, pattern, foo, bar):
    made = event_filter(pattern, criteria)
    assert (passes([made], FOO), passes([made], BAR)) == (foo, bar)


@pytest.mark.parametrize(
    ("criteria", "pattern", "lines", "matches"),
    [
        ("header(X),method(exact)", "one", "X: one / X: two", True),
        ("header(X),method(exact)", "two", "X: one / X: two", True),
        ("header(X),method(exact)", "one", "XX: one / x: one", False),
        ("header(X),method(exact)", "two", "X:two", True),
        ("header(X),method(exact)", "two", "X:\t\x01two", True),
        ("header(X),method(exact)", "two", "X: two ", False),
        ("header(X),method(exact)", "two", "A: 1\nX: two", True),
        ("header(X:),method(exact)", "two", "X: two", True),
        ("header(Event),method(exact)", "UserEvent", "X: 1", True),
        ("header(X)", "", "X: / X: 1", True),
        ("header(X)", "", "X: ", False),
        ("header(X)", "", "Y: 1", False),
        ("header(X),method(regex)", "^$", "X: ", False),
    ],
)
def test_each_line_of_a_header_is_looked_at(criteria, pattern, lines, matches):
    event = f"Event: UserEvent / Privilege: user,all / {lines} / ".replace(" / ", "\r\n") + "\r\n"
    assert passes([event_filter(pattern, criteria)], event) == matches


@pytest.mark.parametrize(
    ("criteria", "pattern", "message"),
    [
        ("", "", MISFORMED),
        ("", "([bad", CANNOT_BE_COMPILED),
        ("method(regex)", "([bad", CANNOT_BE_COMPILED),
        ("name(UserEvent)", "Foo", MISFORMED),
        ("method(none)", "x", MISFORMED),
        ("method(none)", "", MISFORMED),
        ("action(exclude)", "", MISFORMED),
        ("method(contains)", "!", MISFORMED),
        ("header(V,W),method(contains)", "x", MISFORMED),
        ("header(V),method(foo),method(exact)", "x", MISFORMED),
        ("action(foo),action(include),method(exact)", "x", MISFORMED),
        ("header(),header(V),method(exact)", "x", MISFORMED),
        ("header", "", MISFORMED),
        ("method(regex)", "", MISFORMED),
        ("header(Channel),method(contains)", "", MISFORMED),
        ("method(like)", "x", MISFORMED),
        ("bogus(x)", "y", MISFORMED),
        ("name(X", "y", MISFORMED),
        ("action(foo)", "", MISFORMED),
        ("name(User Event)", "", MISFORMED),
        ("header( X),method(exact)", "y", MISFORMED),
    ],
)
def test_what_asterisk_refuses_is_refused(criteria, pattern, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        event_filter(pattern, criteria)


def test_an_old_asterisk_takes_an_empty_pattern_and_knows_no_criteria():
    assert passes([event_filter("", "", modern=False)], FOO)
    assert not passes([event_filter("Bar", "name(UserEvent)", modern=False)], FOO)


def test_an_event_has_to_match_one_that_includes_and_none_that_excludes():
    foo, bar, no_bar = event_filter("Foo", ""), event_filter("Bar", ""), event_filter("!Bar", "")
    assert passes([], FOO)
    assert passes([foo, bar], FOO)
    assert passes([foo, bar], BAR)
    assert passes([no_bar], FOO)
    assert not passes([foo, bar, no_bar], BAR)
    assert not passes([foo, no_bar], BAR)


@pytest.mark.parametrize("pattern", ["(?i)foo", "[[:foo:]]", "!", "a{70000000000}"])
def test_what_only_python_knows_is_refused(pattern):
    with pytest.raises(ValueError, match="Filter "):
        event_filter(pattern, "")


def test_classes_of_characters_have_the_names_of_posix():
    digits = event_filter("UserEvent: [[:alpha:]]+[[:digit:]_]$", "")
    assert passes([digits], "Event: UserEvent\r\nUserEvent: Foo7")
    assert not passes([digits], "Event: UserEvent\r\nUserEvent: Foo:")


def test_what_cannot_be_served_is_told_apart_from_what_is_wrong():
    with pytest.raises(ValueError, match=r"^amisim: filters with references to what a group matched are not served$"):
        event_filter("(a)\\1", "")
    with pytest.raises(ValueError, match=r"^amisim: filters with more than 1100 parts, repeated ones counted"):
        event_filter("(.{0,900}){5}", "")


def test_those_of_many_clients_share_the_time_that_an_event_may_take():
    slow, costly, cheap = ([event_filter(each, "")] for each in ("(a|b)*a(a|b){15}c", "a{400}", "a{200}"))
    patience = Patience()
    patience.renew(for_many=True)
    assert patience.passes(costly, "a" * 400)
    with pytest.raises(TakesTooLong):
        patience.passes(slow, "".join(random.Random(1).choices("ab", k=100_000)))
    with pytest.raises(TakesTooLong):
        patience.passes(costly, "a" * 400)
    assert patience.passes(cheap, "a" * 200)
    patience.renew(for_many=True)
    assert patience.passes(costly, "a" * 400)
