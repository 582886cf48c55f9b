"""The fake server beside the real one: what both answer to the same bytes."""

import re
import socket

import pytest

import amisim

PING = "Action: Ping|ActionID: end||"
VARYING = re.compile(
    rb"^(EventTV|SessionTV|SessionID|LocalAddress|RemoteAddress|Timestamp|Uptime|LastReload|Challenge|CoreStartup\w+"
    rb"|CoreReload\w+|CoreCurrentCalls|CoreProcessedCalls|AsteriskVersion): .*$",
    re.M,
)
OF_THE_MANAGER = (b"Response:", b"Event: UserEvent", b"Event: WaitEventComplete")
MONITOR = amisim.User("m0nitor", "call,system", "reporting,system")

A_AND_B = "Action: UserEvent|UserEvent: A||Action: UserEvent|UserEvent: B||"

BEFORE_LOGIN = (
    "Action: Ping||",
    "Action: Frobnicate|ActionID: 1||",
    "Foo: bar|ActionID: 1||",
    "||||",
    "Action: Challenge||",
    "Action: Challenge|AuthType: Md5||Action: Challenge|AuthType: MD5||",
    "Action: Logoff|ActionID: 1||Action: Ping||",
    "Action: Login|Username: admin|AuthType: MD5|Key: 0||",
)
LOGGED_IN = (
    *(f"Action: Events|EventMask: {mask}||" for mask in (
        "on", "off", "call", "sys,call", "call,sys", "sy", "bogus", "-1", "1", "0", "", "TRUE", "n", ",call", "call,",
        "all", "none", "hook", "99999999999",
    )),
    "Action: Events||",
    "Action: Login|Username: admin|Secret: wrong||",
    "Action: Ping |ActionID: 1||",
    "ACTION:ping|ACTIONID:  x  ||",
    "Action: Ping|ActionID: |ActionID: 2||",
    "Action:|Action: Ping||",
    "Action: Ping\0more|ActionID: a\0b||",
    "\0||Action: Ping|\0x|",
    "Action: Ping|X: " + "x" * 1019 + "||",
    "Action: Ping|X: " + "x" * 1020 + "||",
    "Action: Ping|X: " + "x" * 1021 + "||",
    "Action: Ping|X: " + "x" * 1020 + "ActionID: tail||",
    "Action: Ping|" + "A: b|" * 127 + "|",
    "Action: Ping|" + "A: b|" * 128 + "|",
    f"Action: CoreStatus|ActionID: {'x' * 137}||",
    f"Action: CoreStatus|ActionID: {'x' * 139}||",
    f"Action: CoreSettings|ActionID: {'x' * 200}||",
    "Action: " + "x" * 600 + "||",
    "Action: UserEvent|ActionID: 1|UserEvent: X|K:v|no header|UserEvent: Y|Empty:||",
    "Action: UserEvent|userEvent:Y|Nul: a\0b||",
    "Action: WaitEvent|Timeout: 1|ActionID: 1||",
    "Action: WaitEvent|Timeout: 0|ActionID: 1||",
    "Action: Command||",
    "Action: Command|Command: frobnicate||",
    "Action: Command|Command: module load x||",
    "Action: Command|Command: module loadx||",
    "Action: Filter|Operation: Add|Filter: UserEvent: A||" + A_AND_B,
    "Action: Filter|Operation: add|Filter: !UserEvent: A||" + A_AND_B,
    "Action: Filter|Operation: Add|Filter: ([||",
    "Action: Filter|Operation: Del|Filter: x||",
    "Action: Filter|Filter: x||",
)  # fmt: skip


def ask(address: tuple[str, int], said: str) -> list[bytes]:
    """What a server answers, and the events of its manager, up to the end of the connection."""
    with socket.create_connection(address, 10) as link:
        link.sendall(said.replace("|", "\r\n").encode() + b"Action: Logoff\r\n\r\n")
        heard = link.makefile("rb").read()
    frames = re.split(rb"(?<=\r\n)\r\n", heard.partition(b"\r\n")[2])
    return [VARYING.sub(rb"\1", frame) for frame in frames if frame.startswith(OF_THE_MANAGER)]


@pytest.fixture(scope="module")
def fake(address, user):
    """A fake server of the version of the real one."""
    with socket.create_connection(address, 10) as link:
        greeting = link.makefile("rb").readline()
    version = "16" if b"/5." in greeting else "22"
    with amisim.Server(version=version, users={user[0]: amisim.User(user[1], "all"), "monitor": MONITOR}) as fake:
        yield fake.host, fake.port


@pytest.mark.parametrize("said", BEFORE_LOGIN)
def test_both_answer_the_same_before_a_login(address, fake, said):
    assert ask(fake, said + PING) == ask(address, said + PING)


@pytest.mark.parametrize("said", LOGGED_IN)
def test_both_answer_the_same_after_a_login(address, fake, user, said):
    said = f"Action: Login|Username: {user[0]}|Secret: {user[1]}||{said}{PING}"
    assert ask(fake, said) == ask(address, said)


@pytest.mark.parametrize(
    "action",
    ["Originate|Channel: x", "Command|Command: x", "UserEvent|UserEvent: X", "Nonesuch", "Filter|Operation: x"],
)
def test_both_allow_the_same(address, fake, action):
    said = f"Action: Login|Username: monitor|Secret: {MONITOR.secret}||Action: {action}||"
    assert ask(fake, said) == ask(address, said)
