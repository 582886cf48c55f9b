"""What a command was given comes back in what it prints, in any form: no secret of it is shown or written."""

import logging
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ami import Request
from ami.secrets import HIDDEN
from ami.session import ClientSession
from amisim.recording import Record, RecordingWriter
from amisim.redact import Redactor
from amisim.scan import scan
from amisim.timeline import describe

SECRETS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.+$!_-]{2,18}[A-Za-z0-9]", fullmatch=True).map("zq{}".format)
COMMANDS = st.sampled_from([
    "foo bar secret {}", "foo secret={}", "pjsip set auth bob password {}", "dialplan set global X_PASSWORD {}",
    'dialplan set chanvar c X_PASSWORD "{}"', "realtime update sippeers name bob secret {}",
    "database put secret bob {}", "database put u bob/password/old {}", "dialplan set global SHARED(PASSWORD) {}",
    "!curl -u bob:{} https://pbx/", "dialplan set global HASH(account,password) {}",
    "channel originate SIP/bob:{}:md5:auth@pbx/1 application Wait",
    "dialplan add extension 1,1,Authenticate,{} into default",
    "database query \"insert into astdb values('/u/secret', '{}')\"", "help secret {} and more",
])  # fmt: skip
"""Commands with a secret."""
TEXTUAL = st.sampled_from([
    "No such command '{command}' (type 'core show help {command}' for other possible commands)",
    "No such command '{command}'.", "Command '{command}' failed.",
])  # fmt: skip
"""How Asterisk repeats commands as a whole."""
ANSWERS = TEXTUAL | st.sampled_from([
    "    -- Global variable 'X_PASSWORD' set to '{secret}'", "{secret} is not a known channel",
    "Extension '1,1,Authenticate({secret})' added", "Failed to remove extension x@{secret}", "There is no '{secret}'",
])  # fmt: skip
"""How it repeats them, or a part."""


def asked(command: str) -> bytes:
    return f"Action: Command\r\nActionID: 1\r\nCommand: {command}\r\n\r\n".encode()


def answered(text: str, form: str = "new") -> bytes:
    if form == "old":
        return f"Response: Follows\r\nPrivilege: Command\r\nActionID: 1\r\n{text}\n--END COMMAND--\r\n\r\n".encode()
    return f"Response: Success\r\nActionID: 1\r\nMessage: Command output follows\r\nOutput: {text}\r\n\r\n".encode()


def filled(answer: str, command: str, secret: str) -> str:
    return answer.format(command=command.format(secret), secret=secret)


@given(SECRETS, COMMANDS, ANSWERS, st.sampled_from(["new", "old"]))
@example("zqAB", "foo bar secret {}", "{secret} is {secret}", "new")
def test_an_answer_that_repeats_a_secret_is_recorded_without_it(tmp_path_factory, secret, command, answer, form):
    path = tmp_path_factory.getbasetemp() / "echo.yaml"
    path.unlink(missing_ok=True)
    session = [
        Record(0.0, 1, "", "open"),
        Record(1.0, 1, ">", "data", asked(command.format(secret)), 1),
        Record(2.0, 1, "<", "data", answered(filled(answer, command, secret), form), 1),
    ]
    with RecordingWriter(path, {}, Redactor()) as writer:
        for record in session:
            writer.write(record)
    assert secret not in path.read_text()
    assert list(scan(path)) == []
    path.unlink()
    with RecordingWriter(path, {}) as writer:
        for record in session:
            writer.write(record)
    assert len({line.split(":")[1] for line in scan(path)}) == 2  # both records


@given(SECRETS, COMMANDS, TEXTUAL)
def test_a_command_that_is_repeated_as_a_whole_is_shown_without_its_secret(secret, command, answer):
    for form in ("new", "old"):
        record = Record(2.0, 1, "<", "data", answered(filled(answer, command, secret), form), 1)
        assert secret not in describe(record)


@given(SECRETS, COMMANDS, ANSWERS)
def test_a_client_logs_an_answer_without_the_secret_of_its_action(secret, command, answer):
    lines: list[str] = []
    logger = logging.getLogger("ami.session")
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        session = ClientSession(id_prefix="x")
        session.receive_data(b"Asterisk Call Manager/5.0.4\r\n", 0.0)
        session.send_action(Request("Command"), 1.0, lambda: None, "1", Command=command.format(secret))
        session.receive_data(answered(filled(answer, command, secret)), 2.0)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    assert HIDDEN in lines[-1]
    assert secret not in "".join(lines)


@pytest.mark.parametrize(
    ("command", "printed", "recorded"),
    [
        ("foo secret abcd", "abcd, abcdef and (abcd)", "secret-1, abcdef and (secret-1)"),
        ("foo secret 1", "Updated 1 rows", "Updated 1 rows"),
        (
            "realtime update voicemail password 1234 mailbox 100",
            "1 rows of mailbox 1234",
            "1 rows of mailbox secret-2",
        ),
        ("foo secret agents show", "(type 'core show help agents')", "(type 'core show help secret-2')"),
        ("foo password abcd pin efgh", "abcd efgh pin", "secret-2 secret-3 pin"),
        ("foo password abcd Efgh", "Efgh abcd", "secret-2 secret-3"),
        ("database put secret bob efgh", "efgh", "secret-2"),
        ("core show help", "abcd", "abcd"),
    ],
)
def test_what_is_replaced_in_an_answer_are_words_that_are_long_enough(command, printed, recorded):
    redactor = Redactor()
    redactor(Record(1.0, 1, ">", "data", asked(command), 1))
    answer = redactor(Record(2.0, 1, "<", "data", answered(printed), 1))
    assert re.findall(rb"Output: (.*)\r\n", answer.data) == [recorded.encode()]
    other = Record(3.0, 1, "<", "data", answered(printed), 2)
    assert redactor(other) == other
