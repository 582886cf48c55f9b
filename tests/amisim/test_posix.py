"""Extended regular expressions of POSIX, beside those of the C library that Asterisk uses."""

import ctypes
import platform
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim.posix import Allowance, Expression, NotServed, TakesTooLong, expression

EVENT = "Event: Newchannel\r\nPrivilege: call,all\r\n" + "".join(f"Header{n}: it is {n}\r\n" for n in range(40))


def look_for(looked_for: Expression, text: str) -> bool:
    return looked_for.search(text, Allowance(1_000_000))


def search(pattern: str, text: str) -> bool | None:
    """Whether it is found; None for what is no expression."""
    try:
        return look_for(expression(pattern), text)
    except NotServed:
        raise
    except ValueError:
        return None


@pytest.mark.parametrize(
    "pattern",
    ["", "b", ".", "^a.b$", "a\nb", "a$.", "a.^b", "()", "|c", "(a|b)\n", "b{0,2}$", "a**", "[^c]b", r"\bb", r"a\>",
     r"\`a", r"b\'", r"\w\s\w", "[[:alpha:]-]$", "[]b]$", r"[\b]", "a{1}.{,}b", "(((a*)*)*)*b", "[[.a.]-b]", "[[=b=]]"]
)  # fmt: skip
def test_what_is_found(pattern):
    assert search(pattern, "a\nb")


@pytest.mark.parametrize(
    "pattern",
    ["c", "^b", "a$", "b^", r"\Ba", "[b-a]?c", "}", ")", "[^a\nb]", r"\n", "a{2}", r"\`b", r"a\'", r"[\n]", "[a]]"]
)  # fmt: skip
def test_what_is_not_found(pattern):
    assert not search(pattern, "a\nb")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*a", "* has nothing to repeat"),
        ("(+a)", "+ has nothing to repeat"),
        ("a|{2}", "{2} has nothing to repeat"),
        ("^*", "* has nothing to repeat"),
        ("(?i)a", "? has nothing to repeat"),
        ("a{}", "{} does not say how often"),
        ("a{2,1}", "{2,1} is no number of times up to 32767"),
        ("a{32768}", "{32768} is no number of times up to 32767"),
        ("a{x}", "'{x}' cannot be read"),
        ("[a", "'[a' cannot be read"),
        ("[]", "'[]' cannot be read"),
        ("[[:alpha]", "'[[:alpha]' cannot be read"),
        ("a\\", "'\\\\' cannot be read"),
        ("(a", "a ( has no )"),
        ("[b-a]", "b-a is no range"),
        ("[a-b-c]", "a - stands neither first nor last, and between no two characters"),
        ("[[:alpha:]-z]", "a range is between two characters"),
        ("[[.ab.]]", "ab-ab is no range"),
        ("[[:foo:]]", "there is no class 'foo'"),
        ("(a)(\\2)", "\\2 refers to no group"),
    ],
)
def test_what_is_wrong_is_told(pattern, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        expression(pattern)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a)\\1", "references to what a group matched"),
        ("(((a{99}){99}){99}){99}", "more than 1100 parts, repeated ones counted as often as they are"),
        ("((){32767}){32767}", "more than 1100 parts, repeated ones counted as often as they are"),
        ("(" * 200, "more than 100 groups within each other"),
    ],
)
def test_what_is_not_served_is_told(pattern, message):
    with pytest.raises(NotServed, match=f"^{re.escape(message)}$"):
        expression(pattern)


@pytest.mark.parametrize(
    "pattern",
    [".*.*.*.*.*.*=", "(x?){40}x{40}", "(e|e)*" * 40 + "q", "(.*)*(.*)*q", "((a+)+)+$", "(.|\n)*q", "e{0,900}q"],
)
def test_what_a_backtracking_search_would_take_years_for_is_soon_told(pattern):
    """It would not end if it were otherwise."""
    assert search(pattern, EVENT) is False


def test_what_would_take_too_long_is_given_up():
    found = expression(r"(\w*\W*){100}x0")
    assert not look_for(found, EVENT)
    with pytest.raises(TakesTooLong):
        look_for(found, "".join(chr(0x4E00 + n % 20_000) for n in range(100_000)))
    assert look_for(found, "x0")


def test_a_byte_that_is_no_character_is_like_itself_alone():
    assert not any(search(pattern, "\udcff") for pattern in (".", "[^a]", r"\W", r"\S"))
    assert search("\udcff", "a\udcff")


def test_what_is_remembered_does_not_grow_without_end():
    found = expression("a[^b]*b.*c")
    assert not look_for(found, "".join("ab"[n % 2] + chr(0x4E00 + n) for n in range(20_000)))
    assert sum(1 + len(state) + len(state.nodes) for state in found._states.values()) < 11_000


if platform.libc_ver()[0] == "glibc":
    LIBC = ctypes.CDLL(None)
    EXTENDED, WITHOUT_PLACES = 1, 8

    def search_by_libc(pattern: str, text: str) -> bool | None:
        compiled = ctypes.create_string_buffer(256)
        if LIBC.regcomp(compiled, pattern.encode(), EXTENDED | WITHOUT_PLACES):
            return None
        try:
            return LIBC.regexec(compiled, text.encode(), 0, None, 0) == 0
        finally:
            LIBC.regfree(compiled)

    words = [
        r"\w",
        r"\W",
        r"\b",
        r"\<",
        r"\>",
        r"\B",
        r"\`",
        r"\'",
        r"\s",
        "[:alpha:]",
        "[^",
        "[]",
        "{1,2}",
        "{,1}",
        "{2}",
    ]
    words += ["(a|b)", "[a-b]", "[[:digit:]]", "[.a.]", "[=a=]", "\n"]
    patterns = st.lists(st.sampled_from([*words, *"aab_ .*+?|()[]{}^$\\-:,2="]), max_size=10).map("".join)
    lines = st.lists(st.sampled_from([*"^$^$.*(|)\n\n", "a", "\\s", "\\b", "\\W"]), max_size=8).map("".join)

    @given(patterns | lines, st.text("aab_ .\n\n^2{}-", max_size=8))
    def test_it_is_as_in_the_c_library(pattern, text):
        try:
            found = search(pattern, text)
        except NotServed:
            assert re.search(r"\\\d", pattern)
        else:
            assert found == search_by_libc(pattern, text)

    @pytest.mark.parametrize(
        "name",
        ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"],
    )
    def test_classes_are_those_of_the_c_library(name):
        for text in map(chr, range(1, 128)):
            assert search(f"[[:{name}:]]", text) == search_by_libc(f"[[:{name}:]]", text)
