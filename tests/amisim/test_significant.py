"""Which headers count, by rules, and what is said of a rule that is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim.action import ClientAction, read_action
from amisim.significant import Rules

from .sessions import frame, matches


def action(text: str) -> ClientAction:
    return read_action(frame(f"Action: {text}"))


CALL = "Originate / Channel: Local/100@lab / Timeout: 5000 / Variable: DAY=1 / Variable: ORDER=7"


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        ("ignore * Timeout", CALL.replace("5000", "9")),
        ("ignore * Timeout", CALL.replace(" / Timeout: 5000", "")),
        ("IGNORE originate TIMEOUT".lower(), CALL.replace("5000", "9")),
        ("ignore Orig* T*", CALL.replace("5000", "9")),
        ("ignore Originate Channel Timeout", CALL.replace("5000", "9").replace("100", "200")),
        ("ignore Originate Variable", CALL.replace("DAY=1", "DAY=2").replace("ORDER=7", "ORDER=8")),
        ("ignore Originate DAY", CALL.replace("DAY=1", "DAY=2")),
        ("ignore Originate DAY", CALL.replace("DAY=1", "__day = 2")),
        ("only Originate Channel", CALL.replace("5000", "9").replace("DAY=1", "DAY=2")),
        ("only Originate Channel ORDER", CALL.replace("5000", "9").replace("DAY=1", "DAY=2")),
        ("only Originate", "Originate / Channel: Local/200@lab"),
        ("regex Originate Channel Local/\\d+@lab", CALL.replace("100", "200")),
        ("regex Originate DAY \\d", CALL.replace("DAY=1", "DAY=2")),
        ("regex Originate Variable DAY=\\d", CALL.replace("DAY=1", "DAY=2")),
        ("regex * Channel Local/.*@(.*)", CALL.replace("100", "200")),
        ("regex Originate Channel  Local/100@lab|two words", CALL.replace("Local/100@lab", "two words")),
        ("rebind Originate ORDER", CALL),
    ],
)
def test_what_a_rule_says_is_no_difference(rule, other):
    assert matches(action(CALL), action(other), Rules([rule]))


@pytest.mark.parametrize(
    ("rule", "other"),
    [
        ("ignore * Timeout", CALL.replace("DAY=1", "DAY=2")),
        ("ignore Originate Timeout", CALL.replace("100", "200")),
        ("ignore Queue* Timeout", CALL.replace("5000", "9")),
        ("ignore Originate DAY", CALL.replace("ORDER=7", "ORDER=8")),
        ("only Originate Channel", CALL.replace("100", "200")),
        ("only Originate Channel ORDER", CALL.replace("ORDER=7", "ORDER=8")),
        ("only Queue* Queue", CALL.replace("5000", "9")),
        ("only Originate", CALL.replace("Originate", "Hangup")),
        ("regex Originate Channel Local/\\d", CALL.replace("100", "200")),
        ("regex Originate Channel Local/\\d+@lab", CALL.replace("100@lab", "100@home")),
        ("regex * Channel Local/.*@(.*)", CALL.replace("100@lab", "100@home")),
        ("regex Originate DAY \\d", CALL.replace("DAY=1", "WEEK=1")),
        ("regex Originate Timeout \\d+", CALL.replace("Timeout", "Priority")),
    ],
)
def test_what_no_rule_says_is_a_difference(rule, other):
    assert not matches(action(CALL), action(other), Rules([rule]))


def test_rules_are_taken_together():
    rules = Rules(["only Originate Channel Timeout", "only * ORDER", "ignore * Timeout"])
    assert [each.value for each in rules.significant(action(CALL))] == ["Local/100@lab", "ORDER=7"]


def test_without_rules_all_counts_but_what_proves_a_login():
    login = action("Login / Username: admin / AuthType: MD5 / Key: 01 / Secret: x / Events: off")
    assert [each.key for each in Rules().significant(login)] == ["username", "events"]


@given(st.permutations(range(4)), st.sampled_from([(), ("ignore * Timeout",), ("regex * Variable (DAY|ORDER)=.*",)]))
def test_repeated_headers_are_the_same_in_any_order_whatever_the_rules(order, rules):
    variables = [f"Variable: ORDER={number}" for number in range(4)]
    mixed = [variables[place] for place in order]
    one, other = (action(" / ".join(["Originate", *lines, "Timeout: 5"])) for lines in (variables, mixed))
    assert matches(one, other, Rules(rules))
    fewer = action(" / ".join(["Originate", *mixed[1:], "Timeout: 5"]))
    assert not matches(one, fewer, Rules(rules))


MISTAKES = [
    ("", "'' is no rule of matching; one begins with ignore, only, regex, rebind"),
    ("ingore * Timeout", "'ingore * Timeout' is no rule of matching; did you mean ignore?"),
    ("Timeout", "'Timeout' is no rule of matching; one begins with ignore, only, regex, rebind"),
    ("ignore:Timeout", "'ignore:Timeout' is no rule of matching; did you mean ignore?"),
    ("ignore Timeout", "'ignore Timeout' lacks a word: it is ignore ACTION HEADER…, such as 'ignore * Timeout'"),
    ("only", "'only' lacks a word: it is only ACTION HEADER…, such as 'only Getvar Variable Channel'"),
    (
        "regex Originate Channel",
        "'regex Originate Channel' lacks a word: it is regex ACTION HEADER PATTERN, "
        "such as 'regex Originate Channel Local/.*'",
    ),
    (
        "rebind OrderId",
        "'rebind OrderId' lacks a word: it is rebind ACTION HEADER…, such as 'rebind UserEvent OrderId'",
    ),
    (
        "regex Originate Channel Local/(",
        "'regex Originate Channel Local/(': 'Local/(' is no regular expression: "
        "missing ), unterminated subpattern at position 6",
    ),
    (
        "ignore * Timeout: Variable",
        "'ignore * Timeout: Variable': 'Timeout:' is no name of an action or a header; did you mean Timeout?",
    ),
    ("ignore * :", "'ignore * :': ':' is no name of an action or a header; did you mean Timeout?"),
    (
        "ignore * ActionID",
        "'ignore * ActionID': no rule is for ActionID: an action's name always counts, and its ActionID never",
    ),
    (
        "regex * Action Queue.*",
        "'regex * Action Queue.*': no rule is for Action: an action's name always counts, and its ActionID never",
    ),
]


@pytest.mark.parametrize(("rule", "problem"), MISTAKES)
def test_what_is_wrong_with_a_rule_is_told(rule, problem):
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        Rules(["ignore * Timeout", rule])


def test_a_text_is_no_list_of_rules():
    with pytest.raises(
        ValueError, match=r"^rules of matching are a list, such as \['only Getvar'\], and not one text$"
    ):
        Rules("only Getvar")


WORDS = st.sampled_from(
    ["ignore", "only", "regex", "rebind", "*", "Timeout", "(", "[", "[a-", ":", "ActionID", "Ä", ""]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=5).map(" ".join))
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of Python, about patterns such as [[
def test_any_text_is_a_rule_or_is_quoted_in_what_is_said_of_it(text):
    problem = ""
    try:
        rules = Rules([text])
    except ValueError as error:
        problem = str(error)
    else:
        for name in ("Originate", "Login", ""):
            rules.significant(read_action(frame(f"Action: {name} / Timeout: 1 / Variable: A=b")))
    assert problem == "" or problem.startswith(f"{text!r}")


def test_a_rule_that_is_no_text_is_refused():
    with pytest.raises(ValueError, match=r"^5 is no rule of matching: it is a text, such as 'ignore \* Timeout'$"):
        Rules([5])  # type: ignore[list-item]
