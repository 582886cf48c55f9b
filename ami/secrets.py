"""What is secret in a message: it stays out of every log line, `repr`, error and recording.

A secret is known by its name, wherever AMI puts a name beside a value: a header (`Password: x`), a setting of a
configuration (`Line-000001-000000: secret=x`, `Var-000000: secret` with `Value-000000: x`, JSON), a variable
(`Variable: PIN=x`, or with `Value: x`), an entry of the database, a line or a column of what `Command` prints. A few
are known by their form: `user:x@host`, `Bearer x`, the password of a mailbox, what the application Authenticate is
given. And what a command prints may repeat the secrets it was given (`said_in`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ami import wire

__all__ = [
    "HIDDEN",
    "Header",
    "Said",
    "headers_of",
    "hidden",
    "is_secret_name",
    "is_secret_path",
    "redacted",
    "said_in",
    "secret_keys",
    "secrets_in",
    "without_secrets",
]

HIDDEN = "…"
"""What is shown in place of a secret."""


class Header(NamedTuple):
    """A line of a message."""

    name: str
    """As it is written; `Output` for a line that is text alone, as `Command` printed it in old versions."""

    value: str
    start: int
    """Where the value begins in the text of the message."""


class Said(NamedTuple):
    """What an action tells of the secrets in its answer."""

    words: frozenset[str] = frozenset()
    """The secrets that the action has, which what it prints may repeat."""

    asks: bool = False
    """Whether it asks for a secret, of whose name the answer says nothing."""


class _Place(NamedTuple):
    """Where a secret stands."""

    header: int
    """In which of the headers, from 0."""

    start: int
    end: int
    """From where to where in its value."""


# Names

_SECRET = frozenset({
    "challenge", "expectedresponse", "md5cred", "newpassword", "oldpassword", "passworddigest", "receivedchallenge",
    "receivedhash",
})  # fmt: skip
_PASS = (
    r"pass(?<!by....)(?<!com....)(?<!(?<![a-z])(?:low|sur)....)(?<!(?<![a-z])(?:high|over)....)(?<!boarding[-_ ]....)"
)
_ENDING = (
    rf"(?:secret|passw(?:or)?d|password_?digest|passphrase|passcode|{_PASS}|pwd|pincode|token|credentials?"
    r"|md5_?cred|authorization|(?:api|access|secret|auth|signing|private|aes|hmac)[_-]?key|(?:\b|_|admin|user|conf|room|agent|vm)pin)\d*"
)
_NAME = re.compile(rf"(?is).*{_ENDING}\W*")


_OF_LOGINS = frozenset({"challengesent", "challengeresponsefailed", "invalidpassword"})
"""Events that tell what somebody logged in with."""


def is_secret_name(name: str) -> bool:
    """Whether what has this name is secret: a header, a setting, a variable, or a key of the database."""
    return name.lower() in _SECRET or (_NAME.fullmatch(name) is not None and name.lower() != "usingpassword")


def is_secret_path(path: str) -> bool:
    """Whether an entry of the database is secret: a part of its path has the name of one."""
    return any(map(is_secret_name, path.split("/")))


def secret_keys(keys: Collection[str]) -> set[str]:
    """Which of the headers of one message are secret, in lower case.

    `Key` is that of a login; beside `Family` or `Val` it is one of Asterisk's database, and no secret. `Response` is
    what a message begins with, but beside `ExpectedResponse` it is what somebody logged in with.
    """
    folded = {str(key).lower() for key in keys}
    found = {key for key in folded if is_secret_name(key)}
    if "key" in folded and not folded & {"family", "val"}:
        found.add("key")
    if "expectedresponse" in folded:
        found.add("response")
    return found


# Values

_AT = r"(?:^|[,;&|?(=>])\s*"
_AT_IN_TEXT = r"(?:^|[\s,;&|?(\"'])"
_ASSIGNED = rf"(?=[^=]{{1,200}}=)[\w./()~-]{{0,80}}?{_ENDING}[)~]?\s*=>?\s*((?:(?![,;&|][\w./()-]+=).)+)"


_FIELD = r"[^\s:@/,;<>\"'&|\x00-\x1f\x7f-\x9f\udc80-\udcff]"


def _patterns(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns)


_IN_ANY = _patterns(  # the first group of each is the secret
    rf"{_AT}{_ASSIGNED}",
    rf'"[^"\\]{{0,80}}?{_ENDING}"\s*:\s*"((?:[^"\\]|\\.)+)',  # JSON
    # user:x@host, in chan_sip user:x:md5:name:transport@host; but a word before what Asterisk calls a device or an
    # address is no user, and neither is a telephone number
    r"(?<![\w.+%-])(?<!\btel:)(?!(?:sips?|tel|udp|tcp|tls|wss?|im|pres|mailto|xmpp|iax2?|pjsip|local|mwi|park|meetme|"
    rf"confbridge|custom|custompresence|queue|calendar|sla|ccss):)[\w.+%*-]{{1,80}}:((?=:?{_FIELD}{{3}}){_FIELD}*(?::{_FIELD}*){{0,3}})@",
    r"\b(?:basic|bearer)\s+(?=\S*[\d=])([\w+/.~-]{8,}={0,2})(?![\w=])",
    r'\bresponse="?([0-9a-f]{32})\b',  # of a digest
    r"\b(?:authenticate|disa)\((?!password[\[,)]|passcode\|)([^,)]+)",  # but not in how they are called
    rf"://[\w.+%*-]{{1,80}}:({_FIELD}+(?:@{_FIELD}+)+)@",
    rf"(?<![\w-])x-[\w-]{{0,60}}?{_ENDING}:\s*([^\s\"']+)",  # a header of HTTP or SIP
    # of programs that a shell runs
    r"\bcurl\b[^|;&]{0,150}?\s(?:-[a-z]{0,8}u|--(?:proxy-)?user)[\s=]*[\"']?[^\s:\"']+:([^\s\"']+)",
    r"\bcurl\b[^|;&]{0,150}?\s(?:-[a-z]{0,8}u|--(?:proxy-)?user)[\s=]*[\"'][^:\"']{1,80}:([^\"']+)",
    r"\bwget\b[^|;&]{0,150}?\s--(?:[a-z]+-)?password[\s=]+(\S+)",
    r"\bmysql\w{0,20}\b[^|;&]{0,150}?\s(?-i:-p)(\S+)",
)
_IN_JSON = _patterns(r'"[\d*#]+"\s*:\s*"([^",]+),')  # of voicemail.conf
_IN_SETTINGS = _patterns(
    rf"^\s*[\w ./()\[\]-]{{0,80}}?{_ENDING}\)?\s*(?:=>?|:)\s*(\S.*)",
    r"^\s*register\s*=>?\s*[^:@]+:(.+)@",
    r"^\s*auth\s*=>?\s*[^:#@]+[:#](.+)@",
    r"^\s*(?:conf|agent)\s*=>?\s*[^,]*,\s*(.+)",  # of meetme.conf and agents.conf
    r"^\s*[\d*#]+\s*=>?\s*([^,]+),",  # of voicemail.conf
)
_IN_TEXT = _patterns(rf"{_AT_IN_TEXT}{_ASSIGNED}")
_IN_ROWS = _patterns(
    rf"^\s*[\w/-]{{0,80}}?{_ENDING}\s{{2,}}(?!--?\s)([^\s:=].*)",  # what follows a dash is a description
    rf"\bvariable '[^']{{0,80}}?{_ENDING}\W*' set to '(.+)'",
)
_IN_COMMANDS = _patterns(
    rf"(?:^|[\s\"'])[\w./(),-]{{0,80}}?{_ENDING}\)?(?:/[^\"'\s]*)?[\"']?\s+(\S.*)",
    r"\bexec\s+[\"']?(?:authenticate|disa)[\"']?\s+(\S.*)",
    r",\s*(?:authenticate|disa),([^,\s]+)",
)
_IN = {
    "json": _IN_ANY + _IN_JSON,
    "output": _IN_ANY + _IN_SETTINGS + _IN_TEXT + _IN_ROWS,
    "command": _IN_ANY + _IN_TEXT + _IN_COMMANDS,
    **dict.fromkeys(("data", "appdata", "applicationdata", "message"), _IN_ANY + _IN_TEXT),
}
_MAILBOX = re.compile(r"[\d*#]+")
_VALUE = re.compile(r"(?i)\s*value *: *(.+)")
_ANY_VALUE = re.compile(r"(?i)\s*(?!key *:)[^:]*: *(.+)")  # of a query, which names its columns as it likes
_AGI_VALUE = re.compile(r"(?i)[^(]*?(?:\(|%28)(.+?)(?:\)|%29)?(?:%0a|\s)*")
_ENTRY = re.compile(r"(/[^:]*(?::(?! )[^:]*)*): (\S.*)")  # of the database
_KEY = re.compile(r"(?i)\s*key *: *(.+)")
_ECHO = re.compile(
    r"(?i)\s*(?:no such command|command) '(.+)'(?: \(type '(?:core show help )?(.*)'.*| failed\.?|\.)\s*"
)
_QUERY = re.compile(r"(?i)\s*database\s+query\s")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_COLUMN = re.compile(r"(?i)\S\s{2,}((?:secret|password)\s{2,})\S")
_CELL = re.compile(r"\S+(?: \S+)*")
_NO_SECRET = re.compile(r"(?i)<[^>]*>|\(null\)|none|-no secret-|\[\w*\] \(default: .*|")


def _secrets_of(headers: Sequence[tuple[str, str]], said: Said | None) -> Iterator[_Place]:
    """Where secrets stand in a message, by the names (in lower case) and values of its headers, in order."""
    words, asks = said or ((), False)
    any_value = _ANY_VALUE if asks else _VALUE
    whole = _secret_headers(headers)
    column = None
    entry = False  # whether the line before is the key of a secret in the database
    for index, (name, value) in enumerate(headers):
        start = len(value) - len(value.lstrip())
        if index in whole:
            if start < whole[index]:
                yield _Place(index, start, whole[index])
            continue
        spans = set(_spans(name, value))
        if name == "output":
            spans |= _repeated(value, words)
            if (asks or said is None or entry) and (match := any_value.fullmatch(value)):
                spans.add(match.span(1))
            if (match := _ENTRY.fullmatch(value)) and is_secret_path(match[1]):
                spans.add(match.span(2))
            entry = (match := _KEY.fullmatch(value)) is not None and is_secret_path(match[1])
            if column is not None and (match := _CELL.match(value, column)):
                spans.add(match.span())
            spans = {span for span in spans if not _NO_SECRET.fullmatch(value[slice(*span)].strip())}
            if match := _COLUMN.search(value):
                column = match.start(1)
        elif name == "result" and asks and (match := _AGI_VALUE.fullmatch(value)):
            spans.add(match.span(1))
        last = 0
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            end = start + len(value[start:end].rstrip())
            if end > last:
                yield _Place(index, max(start, last), end)
                last = end


def _secret_headers(headers: Sequence[tuple[str, str]]) -> dict[int, int]:
    """Which headers are secret, by their names and by what others say of them, and up to where their values are."""
    secret = secret_keys([name for name, _ in headers])
    if any(name == "challenge" and " " in value.strip() for name, value in headers):
        secret.discard("challenge")  # what the action of that name does, in the list of them
    what = next((value.strip().lower() for name, value in headers if name in ("action", "event")), "")
    if what in _OF_LOGINS:
        secret.add("response")
    elif what.startswith(("db", "userevent")):  # entries of the database, and whatever a dialplan says
        secret -= {"key", "challenge"}
    for name, value in headers:
        value = value.strip()
        if name.startswith("var-") and is_secret_name(value):
            secret |= {"value-" + name.removeprefix("var-"), "match-" + name.removeprefix("var-")}
        elif name == "variable" and "=" not in value and is_secret_name(value):
            secret.add("value")
        elif name in ("family", "key") and is_secret_path(value):
            secret.add("val")
        elif name in ("application", "app") and value.lower() in ("authenticate", "disa"):
            secret |= {"data", "appdata", "applicationdata"}
    mailboxes = {"value-" + name.removeprefix("var-") for name, value in headers if _MAILBOX.fullmatch(value.strip())}
    return {
        index: len(value) if name in secret else value.index(",")
        for index, (name, value) in enumerate(headers)
        if name in secret or (name in mailboxes and "," in value)
    }


def _spans(name: str, value: str) -> Iterator[tuple[int, int]]:
    """From where to where secrets stand in a value."""
    if name == "command" and _QUERY.match(value):
        yield from _in_query(value)
    elif name == "output" and (match := _ECHO.fullmatch(value)):
        for begin, command in ((match.start(1), match[1]), (match.start(2), match[2] or "")):
            yield from ((begin + start, begin + end) for start, end in _spans("command", command))
        return
    is_setting = name.startswith(("line-", "chanvariable"))
    for pattern in _IN_ANY + _IN_SETTINGS if is_setting else _IN.get(name, _IN_ANY):
        for match in pattern.finditer(value):
            yield match.span(1)


def _repeated(value: str, words: Collection[str]) -> set[tuple[int, int]]:
    """From where to where the secrets of an action stand, as words, in what its command prints."""
    found = [re.escape(each) for each in words if each in value]
    return {match.span() for each in found for match in re.finditer(rf"(?<!\w){each}(?!\w)", value)}


def _in_query(query: str) -> Iterator[tuple[int, int]]:
    """The values in a query of the database that names a secret entry."""
    literals = [(is_secret_path(match[1]), match.span(1)) for match in _LITERAL.finditer(query)]
    if any(is_secret for is_secret, _ in literals):
        yield from (span for is_secret, span in literals if not is_secret and span[1] > span[0])


# Messages

_LINE = re.compile(r"[^\r\n]+")
_HEADER = re.compile(r"([^:=]*): ?")
_END = "--END COMMAND--"
_WORD = re.compile(r"\"([^\"]+)\"|([^\s\"':]+)")
_PLAIN = re.compile(r"[a-z]+")
_PUT = re.compile(r"(?i)\ncommand: *database\s+put\s")
_ASKS = re.compile(r"(?i)\ncommand: *(?:database\s+(?:get|query)|get\s+(?:full\s+)?variable)\s(.*)")  # of AGI, too
_RENAMES = re.compile(r"(?i)\bvalue\s+as\s")
_LEAST_SAID = 4
_HINTS = (
    b"secret", b"pass", b"pwd", b"pin", b"token", b"cred", b"key", b"challenge", b"hash", b"digest", b"auth", b"basic ",
    b"bearer ", b"response=", b"dresponse", b"disa", b"\nline-", b"\nvar-", b"json:", b"curl",
    b"mysql",
)  # fmt: skip
_HINT = re.compile(rb":[^\s:@/]*@")


def headers_of(text: str) -> list[Header]:
    """The lines of a message; those that the old form of `Command` prints count as its headers `Output`."""
    found = []
    printed = text.startswith("Response: Follows")
    for line in _LINE.finditer(text):
        match = _HEADER.match(line[0])
        name = match[1].strip() if match else ""
        if match is None or (printed and name.lower() not in ("response", "privilege", "actionid", "message")):
            found.append(Header("Output", line[0].removesuffix(_END), line.start()))
        else:
            found.append(Header(name, line[0][match.end() :], line.start() + match.end()))
    return found


def secrets_in(frame: bytes, said: Said | None = None) -> list[tuple[str, int, int]]:
    """The secrets in a message: the header, and from where to where in the text that its bytes are.

    `said` is what `said_in` tells of the action that it answers. None for one that is not known: it may have asked the
    database for a secret, of which `database get` prints no name.
    """
    folded = frame.lower()
    may_repeat = b"value: " in folded if said is None else said != Said()
    if not (may_repeat or any(map(folded.__contains__, _HINTS)) or _HINT.search(frame)):
        return []
    headers = headers_of(wire.decode(frame))
    found = []
    for index, start, end in _secrets_of([(name.lower(), value) for name, value, _ in headers], said):
        name, _, begin = headers[index]
        found.append((name, begin + start, begin + end))
    return found


def said_in(frame: bytes) -> Said:
    """What an action tells of its answer: commands print what they were given, in many forms, and what they ask for.

    A secret in a command line goes on to its end, as what follows may belong to it; so its words are secrets, too. But
    they would be found where they mean something else if they have less than four characters, or if they are plain
    words in small letters that follow no name of a secret: `mailbox`. An entry of the database may have such a word.
    """
    text = wire.decode(frame)
    found = [text[start:end] for _, start, end in secrets_in(frame)]
    is_entry = _PUT.search(text) is not None
    words = {*found}
    for each in found:
        before = "secret"
        for quoted, word in _WORD.findall(each):
            if is_entry or is_secret_name(before) or not _PLAIN.fullmatch(quoted or word):
                words.add(quoted or word)
            before = quoted or word
    asked = _ASKS.search(text)
    asks = asked is not None and (_RENAMES.search(asked[1]) is not None or any(map(is_secret_path, asked[1].split())))
    return Said(frozenset(each for each in words if len(each) >= _LEAST_SAID), asks)


def hidden(frame: bytes, said: Said | None = None) -> str:
    """The text of a message, with its secrets hidden, and with `said`, as `said_in` tells of what it answers."""
    text = wire.decode(frame)
    for _, start, end in reversed(secrets_in(frame, said=said)):
        text = text[:start] + HIDDEN + text[end:]
    return text


def redacted(frame: bytes, said: Said | None = None) -> str:
    """The text of a message for a log, as `hidden` tells it."""
    return " | ".join(line for line in hidden(frame, said).split("\r\n") if line)


def without_secrets(headers: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The headers of one message, with their secrets hidden; several values of one become a list."""
    headers = list(headers)
    values = [value if isinstance(value, (list, tuple, set, frozenset)) else [value] for _, value in headers]
    names = [str(key).strip().lower() for (key, _), each in zip(headers, values, strict=True) for _ in each]
    shown = [value for each in values for value in each]
    for index, start, end in reversed([*_secrets_of(list(zip(names, map(str, shown), strict=True)), None)]):
        text = str(shown[index])
        shown[index] = text[:start] + HIDDEN + text[end:]
    rest = iter(shown)
    return [
        (key, [next(rest) for _ in each] if each is value else next(rest))
        for (key, value), each in zip(headers, values, strict=True)
    ]
