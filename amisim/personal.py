"""What is personal in a message, by rules that a project chooses.

| rule | what is replaced |
|---|---|
| `numbers` | telephone numbers: six digits or more, alone or in a channel, URI or text; not ids, times and counts |
| `names` | names of callers, and of members, agents and mailboxes |
| `addresses` | IP addresses; not those of the machine itself, nor masks |
| `emails` | e-mail addresses |
| `header:NAME` | all of a header, or of a variable or setting, of that name |
| `regex:PATTERN` | in any value, what the groups of a regular expression match, or all of it if it has none |

Internal numbers, of up to five digits, are kept: they are what a test calls its telephones. `header:Exten` and its
kin replace them, too, in that header. What an action or event is, and its ActionID, is never changed.
"""

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

from ami.secrets import Header

__all__ = ["RULES", "Rule", "Span", "parse"]

Span = tuple[str, int, int, str]
"""A header, from where to where in the text of its message, and the kind of what stands there; see `Pseudonyms`."""

Rule = Callable[[Sequence[Header]], Iterator[Span]]
"""Says where in the headers of a message there is something personal."""

_KEPT = frozenset({"action", "actionid", "event", "response", "privilege", "eventlist"})


def parse(text: str) -> Rule:
    """Read a rule. Raises `ValueError`, which says what would be right."""
    name, colon, argument = text.partition(":")
    if not colon and text in RULES:
        return RULES[text]
    if name not in ("header", "regex"):
        near = difflib.get_close_matches(name, [*RULES, "header:NAME", "regex:PATTERN"], 1)
        right = near[0] if near else ", ".join([*RULES, "header:NAME", "regex:PATTERN"])
        raise ValueError(f"{text!r} is no rule of redaction; did you mean {right}?")
    if not argument.strip():
        raise ValueError(f"{text!r} lacks its {'NAME' if name == 'header' else 'PATTERN'} after the colon")
    return _of_header(argument.strip()) if name == "header" else _of_pattern(argument)


def _values(headers: Sequence[Header]) -> Iterator[Header]:
    """The headers that may be changed."""
    return (header for header in headers if header.name.lower() not in _KEPT)


# Telephone numbers

_NO_NUMBERS = re.compile(
    r".*(unique|linked|channel|bridge|call-?|session|core|command|message|billing|association)id|.*(tv|time|stamp|date|"
    r"uptime|reload|duration|seconds|octets|bytes|packets|count|ssrc|cid|lsr|sender|cycles|sequence\w*|lastcall|"
    r"lastpause|regexpire|max\w*|challenge|key)|id",
    re.IGNORECASE,
)
_NUMBER = re.compile(  # what looks like a number, and is none, comes first
    r"%[0-9A-Fa-f]{2}|-[0-9a-f]{8}(?!\w)|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d+(?:\.\d+)+|\d{4}-\d\d-\d\d|"
    r"[^\W\d]\w*|(?P<number>\d{6,20})(?!\w)"
)
_FROM_CLOCK = re.compile(r"EPOCH|UNIQUEID|.*TIME(_MS)?", re.IGNORECASE)


def _numbers(headers: Sequence[Header]) -> Iterator[Span]:
    of_clock = any(name.lower() == "variable" and _FROM_CLOCK.fullmatch(value) for name, value, _ in headers)
    for name, value, start in _values(headers):
        if _NO_NUMBERS.fullmatch(name) or (of_clock and name.lower() == "value"):
            continue
        for match in _NUMBER.finditer(value):
            if match["number"]:
                yield name, start + match.start("number"), start + match.end("number"), "number"


# Names

_OF_PERSONS = re.compile(r".*(caller_?id_?name|connectedlinename|callername|fullname|membername|agentname)", re.I)
_VARIABLE = re.compile(r"_*(callerid|connectedline|redirecting|fullname)(\((from-|to-|orig-)?(name|all)\))?", re.I)
_IN_VALUE = (
    re.compile(r'"([^"<>\\]+)"\s*<'),
    re.compile(r"(?:^|[,;&|?(])(?:CALLERID|CONNECTEDLINE)\(name\)=([^,;&|)]+)", re.I),
    re.compile(r"^\s*(?:fullname|cid_?name)\s*=>?\s*(.+)", re.I),
    re.compile(r'^\s*callerid\s*=>?\s*([^"<]+?)\s*(?:<|$)', re.I),
    re.compile(r"^\s*[\d*#]+\s*=>?\s*[^,]*,([^,]+)"),  # voicemail.conf
    re.compile(r'"[\d*#]+"\s*:\s*"[^",]*,([^",]+)'),  # the same as JSON
)
_DISPLAYED = re.compile(r'\s*"?([^"<]*[^"<\s])"?\s*(?:<.*)?')
_NO_NAME = re.compile(r"\s*|<?unknown>?|[\d+*#]+|.*/.*", re.I | re.DOTALL)


def _names(headers: Sequence[Header]) -> Iterator[Span]:
    variable = next((value for name, value, _ in headers if name.lower() == "variable"), "")
    event = headers[0].value if headers else ""
    for name, value, start in _values(headers):
        low = name.lower()
        spans = {match.span(1) for pattern in _IN_VALUE for match in pattern.finditer(value)}
        if _OF_PERSONS.fullmatch(low) or (low == "name" and event in ("QueueMember", "Agents")):
            spans.add((0, len(value)))
        elif low == "callerid" or (low == "value" and _VARIABLE.fullmatch(variable)):
            spans |= {match.span(1) for match in [_DISPLAYED.fullmatch(value)] if match}
        for begin, end in spans:
            if not _NO_NAME.fullmatch(value[begin:end]):
                yield name, start + begin, start + end, "name"


# Addresses

_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:(?:[0-9A-Fa-f]{1,4}|(?:\d+\.){3}\d+)?(?![\w:.])")
_EMAIL = re.compile(r"(?:(?<=mailto:)|(?<![\w.+/:-]))[\w.+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}(?![\w-])")


def _addresses(headers: Sequence[Header]) -> Iterator[Span]:
    for name, value, start in _values(headers):
        for pattern, kind in ((_IPV4, "ipv4"), (_IPV6, "ipv6")):
            for match in pattern.finditer(value):
                if _is_of_somebody(match[0]):
                    yield name, start + match.start(), start + match.end(), kind


def _is_of_somebody(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith(("255.", "0.")))


def _emails(headers: Sequence[Header]) -> Iterator[Span]:
    for name, value, start in _values(headers):
        for match in _EMAIL.finditer(value):
            yield name, start + match.start(), start + match.end(), "email"


RULES: dict[str, Rule] = {"numbers": _numbers, "names": _names, "addresses": _addresses, "emails": _emails}
"""The rules without an argument."""


# Rules with an argument


def _kind(value: str, otherwise: str) -> str:
    """Digits stay digits."""
    return "number" if value.isascii() and value.isdigit() else otherwise


def _of_header(wanted: str) -> Rule:
    low = wanted.lower()
    if low in _KEPT:
        raise ValueError(f"'header:{wanted}' would change what a message is; that header is always kept")
    assigned = re.compile(rf"(?:^|[,;&|?(])\s*{re.escape(wanted)}\s*=>?\s*([^,;&|)]+)", re.IGNORECASE)

    def rule(headers: Sequence[Header]) -> Iterator[Span]:
        is_variable = any(name.lower() == "variable" and value.lower() == low for name, value, _ in headers)
        for name, value, start in _values(headers):
            if name.lower() == low or (is_variable and name.lower() == "value"):
                spans = [(0, len(value))]
            else:
                spans = [match.span(1) for match in assigned.finditer(value)]
            for begin, end in spans:
                if end > begin:
                    yield name, start + begin, start + end, _kind(value[begin:end], low)

    return rule


def _of_pattern(text: str) -> Rule:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"'regex:{text}' is no regular expression: {error}") from None

    def rule(headers: Sequence[Header]) -> Iterator[Span]:
        for name, value, start in _values(headers):
            for match in pattern.finditer(value):
                for group in range(1, pattern.groups + 1) if pattern.groups else (0,):
                    begin, end = match.span(group)
                    if end > begin:
                        yield name, start + begin, start + end, _kind(match[group], "hidden")

    return rule
