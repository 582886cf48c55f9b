"""Thirty and more ways to get it wrong: what was recorded, what was sent, and what is said of it."""

import pytest

from amisim.recording import Record, Recording
from amisim.replay import Replay
from amisim.significant import Rules

from .sessions import Client, frame

CALL = "Action: Originate / Channel: PJSIP/100 / ChannelId: {} / Timeout: 5000 / Variable: A=1 / Variable: B=2"

# By connection, what clients sent; they are numbered from 1, and each was answered by a success.
RECORDED = {
    1: [
        "Action: Login / ActionID: r-1 / Username: admin / Secret: x",
        "Action: QueueStatus / ActionID: r-2 / Queue: support",
        "Action: QueueStatus / ActionID: r-3 / Queue: support / Member: Alice",
        "Action: Getvar / ActionID: r-4 / Channel: PJSIP/100-00000001 / Variable: EXTEN",
        "Action: Getvar / ActionID: r-5 / Channel: PJSIP/100-00000001 / Variable: STATE",
        "Action: Getvar / ActionID: r-6 / Channel: PJSIP/200-00000002 / Variable: STATE",
        f"{CALL.format('chan-r')} / ActionID: r-7",
        "Action: Hangup / ActionID: r-8 / Channel: chan-r",
        "Action: Command / ActionID: r-9 / Command: core show uptime",
        "junk / ActionID: r-10",
        f"{CALL.format('chan-s')} / ActionID: r-11",
    ],
    2: [
        "Action: Login / ActionID: s-1 / Username: admin / Secret: x",
        "Action: DBGet / ActionID: s-2 / Family: a / Key: b",
    ],
}

LOGIN = "Action: Login / Username: admin / Secret: whatever"
UPTIME = "Action: Command / Command: core show uptime"


def recording() -> Recording:
    records: list[Record] = []
    number = 0
    for connection, actions in RECORDED.items():
        records += [Record(0.0, connection, "", "open"), Record(0.0, connection, "<", "data", b"Asterisk\r\n")]
        for text in actions:
            number += 1
            records.append(Record(1.0, connection, ">", "data", frame(text), number))
            records.append(Record(1.0, connection, "<", "data", frame("Response: Success"), number))
    return Recording({}, records)


def last_answer(sent: list[str], *rules: str) -> str:
    """What the last of some actions is answered, of which one is sent each second."""
    client = Client(replay=Replay(recording(), "r.yaml", rules=Rules(rules)))
    said = b""
    for at, text in enumerate(sent):
        said = client.say(text, at=float(at))
    return (said + client.wait_until(99.0)).decode()


WRONG = [
    # Values
    (
        "",
        [LOGIN, "Action: QueueStatus / Queue: sales"],
        "amisim: no recorded answer to QueueStatus (Queue: sales)"
        "; nearest in r.yaml is action 2 of connection 1: Queue is 'support' there, 'sales' here"
        "; then action 3 of connection 1: Queue is 'support' there, 'sales' here; Member is 'Alice' there, "
        "missing here",
    ),
    (
        "",
        [LOGIN, "Action: QueueStatus / Queue: Support"],
        "amisim: no recorded answer to QueueStatus (Queue: Support)"
        "; nearest in r.yaml is action 2 of connection 1: Queue is 'support' there, 'Support' here"
        "; then action 3 of connection 1: Queue is 'support' there, 'Support' here; Member is 'Alice' there, "
        "missing here",
    ),
    (
        "",
        [LOGIN, "Action: QueueStatus / Queue: support "],
        "amisim: no recorded answer to QueueStatus (Queue: support )"
        "; nearest in r.yaml is action 2 of connection 1: Queue is 'support' there, 'support ' here"
        "; then action 3 of connection 1: Queue is 'support' there, 'support ' here; Member is 'Alice' "
        "there, missing here",
    ),
    (
        "",
        [LOGIN, "Action: QueueStatus / Queue: "],
        "amisim: no recorded answer to QueueStatus (Queue: )"
        "; nearest in r.yaml is action 2 of connection 1: Queue is 'support' there, '' here"
        "; then action 3 of connection 1: Queue is 'support' there, '' here; Member is 'Alice' there, "
        "missing here",
    ),
    (
        "",
        [LOGIN, "Action: Getvar / Channel: PJSIP/100-00000001 / Variable: DIALSTATUS"],
        "amisim: no recorded answer to Getvar (Channel: PJSIP/100-00000001, Variable: DIALSTATUS)"
        "; nearest in r.yaml is action 4 of connection 1: Variable is 'EXTEN' there, 'DIALSTATUS' here"
        "; then action 5 of connection 1: Variable is 'STATE' there, 'DIALSTATUS' here"
        "; then action 6 of connection 1: Channel is 'PJSIP/200-00000002' there, 'PJSIP/100-00000001' here; "
        "Variable is 'STATE' there, 'DIALSTATUS' here",
    ),
    (
        "",
        [LOGIN, "Action: Getvar / Channel: PJSIP/200-00000002 / Variable: EXTEN"],
        "amisim: no recorded answer to Getvar (Channel: PJSIP/200-00000002, Variable: EXTEN)"
        "; nearest in r.yaml is action 4 of connection 1: Channel is 'PJSIP/100-00000001' there, "
        "'PJSIP/200-00000002' here"
        "; then action 6 of connection 1: Variable is 'STATE' there, 'EXTEN' here"
        "; then action 5 of connection 1: Channel is 'PJSIP/100-00000001' there, 'PJSIP/200-00000002' here; "
        "Variable is 'STATE' there, 'EXTEN' here",
    ),
    (
        "",
        [LOGIN, CALL.format("mine").replace("5000", "5")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: mine, Timeout: 5, Variable: "
        "A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Timeout is '5000' there, '5' here",
    ),
    (
        "",
        [LOGIN, "Action: Command / Command: core\tshow uptime"],
        "amisim: no recorded answer to Command (Command: 'core\\tshow uptime')"
        "; nearest in r.yaml is action 9 of connection 1: Command is 'core show uptime' there, 'core\\tshow "
        "uptime' here",
    ),
    (
        "",
        [LOGIN, f"Action: Command / Command: {300 * 'x'}"],
        "amisim: no recorded answer to Command (Command: "
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "…)"
        "; nearest in r.yaml is action 9 of connection 1: Command is 'core show uptime' there, "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "x…' here",
    ),
    # Headers
    (
        "",
        [LOGIN, "Action: Getvar / Channel: PJSIP/100-00000001"],
        "amisim: no recorded answer to Getvar (Channel: PJSIP/100-00000001)"
        "; nearest in r.yaml is action 4 of connection 1: Variable is 'EXTEN' there, missing here"
        "; then action 5 of connection 1: Variable is 'STATE' there, missing here"
        "; then action 6 of connection 1: Channel is 'PJSIP/200-00000002' there, 'PJSIP/100-00000001' here; "
        "Variable is 'STATE' there, missing here",
    ),
    (
        "",
        [LOGIN, "Action: Hangup / Channel: chan-r / Cause: 16"],
        "amisim: no recorded answer to Hangup (Channel: chan-r, Cause: 16)"
        "; nearest in r.yaml is action 8 of connection 1: Cause is missing there, '16' here",
    ),
    (
        "",
        [LOGIN, "Action: QueueStatus / Queu: support"],
        "amisim: no recorded answer to QueueStatus (Queu: support)"
        "; nearest in r.yaml is action 2 of connection 1: Queue is 'support' there, missing here; Queu is "
        "missing there, 'support' here"
        "; then action 3 of connection 1: Queue is 'support' there, missing here; Member is 'Alice' there, "
        "missing here; Queu is missing there, 'support' here",
    ),
    (
        "",
        [LOGIN, "Action: QueueStatus / Queue: support / Queue: support"],
        "amisim: no recorded answer to QueueStatus (Queue: support, Queue: support)"
        "; nearest in r.yaml is action 2 of connection 1: Queue is 'support' there, 'support' and 'support' "
        "here"
        "; then action 3 of connection 1: Member is 'Alice' there, missing here; Queue is 'support' there, "
        "'support' and 'support' here",
    ),
    (
        "",
        [LOGIN, CALL.format("mine").replace("B=2", "B=3")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1, Variable: B=3)"
        "; nearest in r.yaml is action 7 of connection 1: Variable is 'A=1' and 'B=2' there, 'A=1' and 'B=3' "
        "here",
    ),
    (
        "",
        [LOGIN, CALL.format("mine").replace(" / Variable: B=2", "")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1)"
        "; nearest in r.yaml is action 7 of connection 1: Variable is 'A=1' and 'B=2' there, 'A=1' here",
    ),
    (
        "",
        [LOGIN, CALL.format("mine").replace(" / Variable: B=2", ",B=2")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1,B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Variable is 'A=1' and 'B=2' there, 'A=1,B=2' here",
    ),
    (
        "",
        [LOGIN, "Action: Command / Command: sip show / Password: hunter22"],
        "amisim: no recorded answer to Command (Command: sip show, Password: …)"
        "; nearest in r.yaml is action 9 of connection 1: Command is 'core show uptime' there, 'sip show' "
        "here; Password is missing there, '…' here",
    ),
    # Names
    (
        "",
        [LOGIN, "Action: QueueStaus / Queue: support"],
        "amisim: no recorded answer to QueueStaus (Queue: support)"
        "; nearest in r.yaml is action 2 of connection 1: it is QueueStatus",
    ),
    (
        "",
        [LOGIN, "Action: QueueSummary / Queue: support"],
        "amisim: no recorded answer to QueueSummary (Queue: support)"
        "; nearest in r.yaml is action 2 of connection 1: it is QueueStatus",
    ),
    (
        "",
        [LOGIN, "Action: Park / Channel: PJSIP/100-00000001"],
        "amisim: no recorded answer to Park (Channel: PJSIP/100-00000001); r.yaml has only Login, "
        "QueueStatus, Getvar, Originate, Hangup, Command and DBGet",
    ),
    (
        "",
        [LOGIN, "Action: "],
        "amisim: no recorded answer to a frame without Action"
        "; nearest in r.yaml is action 10 of connection 1: the frame is 'junk\\r\\n\\r\\n' there, 'Action: "
        "\\r\\n\\r\\n' here",
    ),
    (
        "",
        [LOGIN, "Queue: support"],
        "amisim: no recorded answer to a frame without Action (Queue: support)"
        "; nearest in r.yaml is action 10 of connection 1: the frame is 'junk\\r\\n\\r\\n' there, 'Queue: "
        "support\\r\\n\\r\\n' here",
    ),
    (
        "",
        [LOGIN, "jnuk"],
        "amisim: no recorded answer to a frame without Action"
        "; nearest in r.yaml is action 10 of connection 1: the frame is 'junk\\r\\n\\r\\n' there, 'jnuk\\r\\n\\r\\n' "
        "here",
    ),
    # How often, and when
    (
        "",
        [LOGIN, UPTIME, UPTIME],
        "amisim: no recorded answer to Command (Command: core show uptime)"
        "; nearest in r.yaml is action 9 of connection 1: the same, but it was used already, at 1.000 s",
    ),
    (
        "",
        [LOGIN, "Action: QueueStatus / Queue: support", "Action: QueueStatus / Queue: support"],
        "amisim: no recorded answer to QueueStatus (Queue: support)"
        "; nearest in r.yaml is action 2 of connection 1: the same, but it was used already, at 1.000 s"
        "; then action 3 of connection 1: Member is 'Alice' there, missing here",
    ),
    (
        "",
        [LOGIN, CALL.format("mine"), CALL.format("his"), CALL.format("hers")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: hers, Timeout: 5000, "
        "Variable: A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: the same, but it was used already, at 1.000 s"
        "; then action 11 of connection 1: the same, but it was used already, at 2.000 s",
    ),
    (
        "",
        [UPTIME],
        "Permission denied",
    ),
    (
        "",
        [LOGIN, UPTIME, "Action: DBGet / Family: a / Key: b"],
        "amisim: no recorded answer to DBGet (Family: a, Key: b)"
        "; nearest in r.yaml is action 13 of connection 2: the same, but this client plays connection 1",
    ),
    # Ids of the client
    (
        "",
        [LOGIN, CALL.format("mine").replace(" / ChannelId: mine", "")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, Timeout: 5000, Variable: A=1, "
        "Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: ChannelId is 'chan-r' there, missing here"
        "; then action 11 of connection 1: ChannelId is 'chan-s' there, missing here",
    ),
    (
        "",
        [LOGIN, CALL.format("")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: , Timeout: 5000, Variable: "
        "A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: ChannelId is 'chan-r' there, '' here"
        "; then action 11 of connection 1: ChannelId is 'chan-s' there, '' here",
    ),
    (
        "",
        [LOGIN, CALL.format("mine"), CALL.format("mine")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: the same, but it was used already, at 1.000 s"
        "; then action 11 of connection 1: ChannelId is 'chan-s' there, 'mine' here, and 'mine' stands for "
        "'chan-r'",
    ),
    (
        "",
        [LOGIN, "Action: Hangup / Channel: mine"],
        "amisim: no recorded answer to Hangup (Channel: mine)"
        "; nearest in r.yaml is action 8 of connection 1: Channel is 'chan-r' there, 'mine' here; 'chan-r' "
        "is of action 7, which has not been sent",
    ),
    (
        "",
        [LOGIN, CALL.format("mine"), "Action: Hangup / Channel: his"],
        "amisim: no recorded answer to Hangup (Channel: his)"
        "; nearest in r.yaml is action 8 of connection 1: Channel is 'chan-r' there, 'his' here, and 'mine' "
        "stands for 'chan-r'",
    ),
    (
        "",
        [LOGIN, CALL.format("mine"), "Action: Hangup / Channel: mine", "Action: Hangup / Channel: mine"],
        "amisim: no recorded answer to Hangup (Channel: mine)"
        "; nearest in r.yaml is action 8 of connection 1: the same, but it was used already, at 2.000 s",
    ),
    # Logins
    (
        "",
        ["Action: Login / Username: bob / Secret: whatever"],
        "Authentication failed",
    ),
    (
        "",
        ["Action: Login / Username: admn / Secret: x"],
        "Authentication failed",
    ),
    (
        "",
        ["Action: Login / User: admin / Secret: x"],
        "Authentication failed",
    ),
    (
        "",
        ["Action: Challenge / AuthType: sha"],
        "Must specify AuthType",
    ),
    (
        "",
        [LOGIN, LOGIN],
        "Already authenticated",
    ),
    # Rules that do not help
    (
        "ignore Originate Cause",
        [LOGIN, "Action: Hangup / Channel: chan-r / Cause: 16"],
        "amisim: no recorded answer to Hangup (Channel: chan-r, Cause: 16)"
        "; nearest in r.yaml is action 8 of connection 1: Cause is missing there, '16' here",
    ),
    (
        "ignore Hangup Caus",
        [LOGIN, "Action: Hangup / Channel: chan-r / Cause: 16"],
        "amisim: no recorded answer to Hangup (Channel: chan-r, Cause: 16)"
        "; nearest in r.yaml is action 8 of connection 1: Cause is missing there, '16' here",
    ),
    (
        "ignore Originate TIME",
        [LOGIN, CALL.format("mine").replace("5000", "5")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/100, ChannelId: mine, Timeout: 5, Variable: "
        "A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Timeout is '5000' there, '5' here",
    ),
    (
        "only Originate Channel",
        [LOGIN, CALL.format("mine").replace("PJSIP/100", "PJSIP/300")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/300, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Channel is 'PJSIP/100' there, 'PJSIP/300' here",
    ),
    (
        "regex Originate Channel PJSIP/.*",
        [LOGIN, CALL.format("mine").replace("PJSIP/100", "SIP/100")],
        "amisim: no recorded answer to Originate (Channel: SIP/100, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Channel is 'PJSIP/100' there, 'SIP/100' here",
    ),
    (
        "regex Originate Channel .*/(.*)",
        [LOGIN, CALL.format("mine").replace("PJSIP/100", "SIP/200")],
        "amisim: no recorded answer to Originate (Channel: SIP/200, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Channel is 'PJSIP/100' there, 'SIP/200' here",
    ),
    (
        "rebind Hangup Channel",
        [LOGIN, CALL.format("mine").replace("PJSIP/100", "PJSIP/300")],
        "amisim: no recorded answer to Originate (Channel: PJSIP/300, ChannelId: mine, Timeout: 5000, "
        "Variable: A=1, Variable: B=2)"
        "; nearest in r.yaml is action 7 of connection 1: Channel is 'PJSIP/100' there, 'PJSIP/300' here",
    ),
    (
        "rebind Getvar Channel",
        [LOGIN, "Action: Getvar / Channel: PJSIP/9-1 / Variable: X"],
        "amisim: no recorded answer to Getvar (Channel: PJSIP/9-1, Variable: X)"
        "; nearest in r.yaml is action 4 of connection 1: Variable is 'EXTEN' there, 'X' here"
        "; then action 5 of connection 1: Variable is 'STATE' there, 'X' here",
    ),
    (
        "ignore QueueStatus Queue Member",
        [LOGIN, "Action: QueueStatus / Queue: a", "Action: QueueStatus", "Action: QueueStatus / Member: b"],
        "amisim: no recorded answer to QueueStatus (Member: b)"
        "; nearest in r.yaml is action 2 of connection 1: the same, but it was used already, at 1.000 s"
        "; then action 3 of connection 1: the same, but it was used already, at 2.000 s",
    ),
]


@pytest.mark.parametrize(("rule", "sent", "said"), WRONG)
def test_what_is_said_of_an_action_that_was_not_recorded(rule, sent, said):
    rules = [rule] if rule else []
    assert f"Message: {said}\r\n" in last_answer(sent, *rules)


def test_a_line_of_the_file_is_named():
    recorded = recording()
    records = [record._replace(line=10 * place) for place, record in enumerate(recorded.records)]
    client = Client(replay=Replay(Recording({}, records), "r.yaml"), log_in=True)
    assert b"action 9 of connection 1, line 180: Command is" in client.say("Action: Command / Command: x")


def test_of_very_many_names_some_are_told():
    records = [Record(0.0, 1, "", "open")]
    records += [Record(1.0, 1, ">", "data", frame(f"Action: {chr(65 + n) * 9}"), n + 1) for n in range(13)]
    client = Client(replay=Replay(Recording({}, records), "r.yaml"))
    client.session.logged_in_at = 0.0
    assert b"JJJJJJJJJ and 3 others\r\n" in client.say("Action: Park")


def test_a_recording_without_actions_says_so():
    client = Client(replay=Replay(Recording({}, [Record(0.0, 1, "", "open")]), "r.yaml"))
    client.session.logged_in_at = 0.0
    assert b"no recorded answer to Park; r.yaml has no actions\r\n" in client.say("Action: Park")


def test_of_many_three_are_named_the_most_like_ones_first():
    records = [Record(0.0, 1, "", "open")]
    texts = [f"Action: Getvar / Variable: V{n} / Channel: {'abcxe'[n]}" for n in range(5)]
    records += [Record(1.0, 1, ">", "data", frame(text), n + 1) for n, text in enumerate(texts)]
    client = Client(replay=Replay(Recording({}, records), "r.yaml"))
    client.session.logged_in_at = 0.0
    said = client.say("Action: Getvar / Variable: Y / Channel: x").decode()
    assert [part.split(" of ")[0] for part in said.split(" is action ")[1].split("; then action ")] == ["4", "1", "2"]
