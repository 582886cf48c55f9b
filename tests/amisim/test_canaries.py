"""Canary secrets in every place that AMI can carry them: none in a recording, a log line or a timeline."""

import logging
import re

import pytest

import ami
import amisim
from ami import Message, Request, core
from ami.secrets import redacted, said_in
from amisim.action import read_action
from amisim.recording import Record
from amisim.redact import Redactor
from amisim.replay import Replay
from amisim.timeline import describe

from .secret_places import FROM_CLIENT, FROM_SERVER
from .sessions import Client, matches

PLACES = [
    pytest.param(way, text, id=text[:70]) for way, texts in ((">", FROM_CLIENT), ("<", FROM_SERVER)) for text in texts
]


def with_canaries(text: str, canary: str = "canary{:06}") -> bytes:
    """A frame with a canary in each place; each has twelve characters."""
    numbers = iter(range(text.count("{}")))
    filled = re.sub(r"{}", lambda _: canary.format(next(numbers)), text).replace("{{", "{").replace("}}", "}")
    return f"{filled} /  / ".replace(" / ", "\r\n").encode()


def frame(way: str, data: bytes) -> Record:
    return Record(1.0, 1, way, "data", data, 1)


@pytest.mark.parametrize(("way", "text"), PLACES)
def test_no_secret_is_in_a_recording_a_log_or_a_timeline(way, text):
    data = with_canaries(text)
    replaced = Redactor()(frame(way, data)).data
    assert b"canary" not in replaced
    assert replaced.count(b"\r\n") == data.count(b"\r\n")
    assert replaced.split(b"\r\n")[0].partition(b":")[0] == data.split(b"\r\n")[0].partition(b":")[0]
    assert "canary" not in redacted(data)
    assert "canary" not in describe(frame(way, data))
    assert "canary" not in describe(frame(way, data.removesuffix(b"\r\n\r\n")))
    if not data.startswith(b"Response: Follows"):
        assert "canary" not in repr(Message(data))


@pytest.mark.parametrize("text", FROM_CLIENT)
def test_a_client_may_replay_with_its_own_secrets_or_with_the_pseudonyms(text):
    own = read_action(with_canaries(text))
    recorded = read_action(Redactor()(frame(">", own.frame)).data)
    assert matches(recorded, own)
    assert matches(recorded, recorded)
    assert matches(recorded, read_action(with_canaries(text, "others{:06}")))


@pytest.mark.parametrize("text", FROM_CLIENT)
def test_what_is_said_of_an_action_that_was_not_recorded_holds_none(text):
    sent = with_canaries(text)
    like_it = Record(1.0, 1, ">", "data", b"Action: %s\r\nX: 1\r\n\r\n" % read_action(sent).name.encode(), 1)
    replay = Replay(amisim.Recording({}, [Record(0.0, 1, "", "open"), like_it]), "r.yaml")
    client = Client(replay=replay)
    client.session.logged_in_at = 0.0
    client.send(sent + b"junk\r\nPassword: canary1\r\n\r\n")
    assert replay.misses
    assert "canary" not in "".join(miss.report for miss in replay.misses)


@pytest.mark.parametrize("way", "><")
def test_what_a_redacted_recording_holds_is_redacted_to_itself(way):
    first, second = Redactor(), Redactor()
    for text in FROM_CLIENT if way == ">" else FROM_SERVER:
        once = first(frame(way, with_canaries(text)))
        assert second(once) == once


def request_of(text: str) -> Request:
    headers = [line.split(": ", 1) for line in with_canaries(text).decode().split("\r\n") if ": " in line]
    request = Request(headers[0][1])
    for key in dict(headers[1:]):
        request[key] = [value for name, value in headers if name == key]
    return request


def test_no_secret_of_a_session_is_in_its_recording_or_in_a_log(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "session.yaml"
    sent = [
        text for text in FROM_CLIENT if text.startswith("Action: ") and ": Login" not in text and "secret:" not in text
    ]
    with amisim.Server(secret="canary-login") as server:
        for name in {read_action(with_canaries(text)).name for text in sent}:
            server.on(name).reply(amisim.response())
        with amisim.record(path, server.host, server.port) as recorder, ami.Manager() as manager:
            manager.connect(recorder.host, recorder.port)
            manager.login("admin", "canary-login")
            for text in sent:
                assert manager.send_action(request_of(text)) is not None
            for text in FROM_SERVER:
                if text.startswith("Event: "):
                    server.emit(amisim.raw(with_canaries(text)))
            assert manager.send_action(core.Ping()) is not None
            manager.register_callback("Nothing", lambda event, manager: None)
    logged = caplog.text
    assert "< Event: VoicemailPasswordChange" in logged
    assert "Action: UpdateConfig" in logged
    recorded = path.read_text()
    assert recorded.count("secret-") > len(sent)
    assert "canary" not in recorded
    assert "canary" not in logged


def test_what_the_database_is_asked_for_by_a_command_is_a_secret_if_its_name_says_so():
    redactor = Redactor()
    for number, key in ((1, "password"), (2, "colour")):
        redactor(
            Record(1.0, 1, ">", "data", f"Action: Command\r\nCommand: database get a {key}\r\n\r\n".encode(), number)
        )
    answers = [Record(2.0, 1, "<", "data", b"Response: Success\r\nOutput: Value: x\r\n\r\n", cause) for cause in (1, 2)]
    assert [b"Value: x" in redactor(answer).data for answer in answers] == [False, True]


ASKED = [
    ("Action: Command / Command: database query \"select value as v from astdb where key='/f/password'\"",
     "Response: Success / Output: v    : {}"),
    ("Action: Command / Command: database query \"select key,value as v from astdb where key like '%secret'\"",
     "Response: Success / Output: key  : /a/b / Output: v    : {}"),
    ('Action: Command / Command: database query "select key, value AS v from astdb"',
     "Response: Success / Output: v: {}"),
    ("Action: AGI / Channel: c / CommandID: 7 / Command: DATABASE GET fam secret",
     "Event: AsyncAGIExec / CommandID: 7 / Result: 200%20result%3D1%20({})%0A"),
    ("Action: AGI / Channel: c / Command: DATABASE GET fam secret",
     "Event: AsyncAGIExec / Result: 200%20result%3D1%20%28{}%29%0A"),
    ('Action: AGI / Channel: c / CommandID: 7 / Command: GET FULL VARIABLE "${PASSWORD}" c',
     "Event: AsyncAGIExec / CommandID: 7 / Result: 200 result=1 ({})"),
    ("Action: AGI / Channel: c / CommandID: 7 / Command: GET VARIABLE PIN",
     "Event: AsyncAGI / SubEvent: Exec / CommandID: 7 / Result: 200%20result%3D1%20({})%0A"),
]  # fmt: skip
"""Actions that ask for a secret, and answers that do not say its name."""


@pytest.mark.parametrize(("action", "answer"), ASKED)
def test_what_was_asked_for_by_the_name_of_a_secret_is_one(action, answer):
    redactor = Redactor()
    asked, answered = with_canaries(action), with_canaries(answer)
    redactor(Record(1.0, 1, ">", "data", asked, 1))
    recorded = redactor(Record(2.0, 1, "<", "data", answered, 1))
    assert recorded.data == answered.replace(b"canary000000", b"secret-1")
    again = Redactor()
    again(Record(1.0, 1, ">", "data", asked, 1))
    assert again(recorded) == recorded
    assert "canary" not in redacted(answered, said_in(asked))


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("Action: Command / Command: core show help secret", "Response: Success / Output: Usage: x"),
        ("Action: Command / Command: database query \"select value from astdb where key='/a/colour'\"",
         "Response: Success / Output: value: red"),
        ("Action: AGI / CommandID: 7 / Command: GET VARIABLE COLOUR",
         "Event: AsyncAGIExec / CommandID: 7 / Result: 1 (x)"),
        ("Action: AGI / CommandID: 8 / Command: GET VARIABLE PIN",
         "Event: AsyncAGIExec / CommandID: 7 / Result: 1 (x)"),
        ("Action: AGI / CommandID: 7 / Command: GET VARIABLE PIN",
         "Event: AsyncAGIExec / CommandID: 7 / Result: 200 result=0"),
    ],
)  # fmt: skip
def test_what_was_asked_for_by_another_name_is_kept(action, answer):
    redactor = Redactor()
    redactor(Record(1.0, 1, ">", "data", with_canaries(action), 1))
    record = Record(2.0, 1, "<", "data", with_canaries(answer), 1)
    assert redactor(record) == record


@pytest.mark.parametrize(
    "text",
    [
        "Response: Success / Output:   Secret       : <Set>",
        "Response: Success / Output:   MD5Secret    : <Not set>",
        "Response: Success / Output: PIN:                     None",
        "Response: Success / Output:   Username: <value>",
        "Response: Success / Message: Missing password",
        "Event: SuccessfulAuth / UsingPassword: 0",
        "Event: Hangup / Channel: Local/100@default-00000001;1 / ConnectedLineNum: 100",
        "Event: ContactStatus / URI: sip:100@192.0.2.7:5060 / AOR: 100",
        "Event: ExtensionStatus / Hint: park:701@parkedcalls / Exten: 701",
        "Event: ExtensionStatus / Hint: MWI:100@default / Exten: 701",
        "Event: Newexten / Application: Set / AppData: bypass=1,mapping=2",
        "Event: VarSet / Variable: DIALEDPEERNUMBER / Value: 100",
        "Event: DialBegin / DialString: pbx:5060/100@default",
        "Event: DBGetTreeResponse / Key: /tokens/alice / Val: 5",
        "Response: Success / Output: /accounts/alice/colour                            : red",
        "Response: Success / Output: key  : /secret/alice / Output: key  : /a/colour / Output: value: red",
        "Response: Success / Output:     -- Global variable 'COLOUR' set to 'red'",
        "Response: Success / Output: No such command 'foo bar' (type 'core show help') secret",
        "Response: Success / Line-000000-000000: exten=100,1,Dial(PJSIP/100)",
        "Response: Success / SecretExist: N / MD5SecretExist: N",
        "Response: Success / Challenge: Generate Challenge for MD5 Auth.  (Priv: <none>)",
        "Response: Success / Output: Authenticate(password[,options[,maxdigits[,prompt]]])",
        "Response: Success / Output: DISA(passcode|filename[,context[,cid[,mailbox[@context][,options]]]])",
        "Response: Success / Output: password                  -- Plain text password used for authentication.",
        "Response: Success / Output: password = [String] (Default: n/a) (Regex: False)",
        "Response: Success / Output:     userpwd   - A <user>:<pass> to use for authentication",
        "Event: VarSet / Variable: HIGHPASS / Value: 1 / LOWPASS: 1 / Surpass: 1 / Overpass: 1 / Boarding-Pass: 1",
        "Event: ExtensionStatus / Hint: udp:100@host / Exten: 701",
        "Event: Newexten / AppData: tel:100:200@h",
        "Event: Newexten / AppData: bearer capability=3",
    ],
)
def test_what_only_looks_like_a_secret_is_kept(text):
    record = frame("<", with_canaries(text))
    assert Redactor()(record) == record
