"""What is personal is replaced by rules, the same everywhere, and the recording still replays."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim import personal
from amisim.action import read_action
from amisim.pseudonyms import Pseudonyms, is_pseudonym
from amisim.recording import Record
from amisim.redact import Redactor

from .sessions import matches

ALL = tuple(personal.RULES)


def redacted(text: str, *rules: str, way: str = "<", redactor: Redactor | None = None) -> str:
    data = f"{text} /  / ".replace(" / ", "\r\n").encode()
    replaced = (redactor or Redactor(rules))(Record(1.0, 1, way, "data", data, 1)).data.decode()
    return replaced.removesuffix("\r\n\r\n").replace("\r\n", " / ")


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("numbers", "CallerIDNum: 4930123456", "CallerIDNum: 5550000001"),
        ("numbers", "CallerIDNum: +4930123456", "CallerIDNum: +5550000001"),
        ("numbers", "Channel: PJSIP/4930123456-00000012", "Channel: PJSIP/5550000001-00000012"),
        ("numbers", "Channel: Local/0761123456@out-00000012;1", "Channel: Local/5550000001@out-00000012;1"),
        ("numbers", "URI: sip:+4930123456@192.0.2.1:5060", "URI: sip:+5550000001@192.0.2.1:5060"),
        ("numbers", "AppData: PJSIP/123456&PJSIP/654321,20", "AppData: PJSIP/555001&PJSIP/555002,20"),
        ("numbers", "Variable: X=123456 / Variable: Y=123456", "Variable: X=555001 / Variable: Y=555001"),
        ("names", "CallerIDName: Ünal Öz", "CallerIDName: Name 1"),
        ("names", "CallerIDName: Ada / MemberName: Ada", "CallerIDName: Name 1 / MemberName: Name 1"),
        ("names", 'CallerID: "Ada L" <100>', 'CallerID: "Name 1" <100>'),
        ("names", "CallerID: Ada L <100>", "CallerID: Name 1 <100>"),
        ("names", "Variable: CALLERID(name) / Value: Ada", "Variable: CALLERID(name) / Value: Name 1"),
        ("names", "AppData: CALLERID(name)=Ada", "AppData: CALLERID(name)=Name 1"),
        ("names", "Event: QueueMember / Name: Ada / Paused: 0", "Event: QueueMember / Name: Name 1 / Paused: 0"),
        ("names", "Line-000001-000000: callerid=Ada <100>", "Line-000001-000000: callerid=Name 1 <100>"),
        ("addresses", "RemoteAddress: IPV4/UDP/10.1.2.3/5060", "RemoteAddress: IPV4/UDP/192.0.2.1/5060"),
        ("addresses", "URI: sip:100@10.1.2.3:5060;x=1", "URI: sip:100@192.0.2.1:5060;x=1"),
        ("addresses", "Channel: SIP/10.1.2.3-00000001", "Channel: SIP/192.0.2.1-00000001"),
        ("addresses", "URI: sip:100@[2a00:1::5]:5060", "URI: sip:100@[2001:db8::1]:5060"),
        ("emails", "Email: ada@corp.example.com", "Email: person1@example.org"),
        ("emails", "Line-000001-000000: 100=,Ada,ada@corp.de", "Line-000001-000000: 100=,Ada,person1@example.org"),
        ("header:X-Customer", "X-Customer: 4711", "X-Customer: 5551"),
        ("header:X-Customer", "x-customer: acme", "x-customer: x-customer-1"),
        ("header:CUSTOMER", "ChanVariable: CUSTOMER=acme", "ChanVariable: CUSTOMER=customer-1"),
        ("header:CUSTOMER", "Variable: customer / Value: acme", "Variable: customer / Value: customer-1"),
        (r"regex:account=(\w+)", "Data: account=acme;x", "Data: account=hidden-1;x"),
        ("regex:acme", "Data: for acme", "Data: for hidden-1"),
    ],
)  # fmt: skip
def test_a_rule_replaces_what_it_says_in_its_form(rule, before, after):
    begins = before.startswith("Event: ")
    text = before if begins else f"Event: E / {before}"
    assert redacted(text, rule) == (after if begins else f"Event: E / {after}")
    assert redacted(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "Event: E / CallerIDNum: 100 / Exten: 20000",
        "Event: E / Uniqueid: 1700000000.12 / Linkedid: 1700000000",
        "Event: E / BridgeUniqueid: 12345678-1234-1234-1234-123456789012 / X: 12345678-1234-1234-1234-123456789012",
        "Event: E / Channel: PJSIP/100-12345678",
        "Event: E / EventTV: 2026-01-02T03:04:05.123456+0000 / Timestamp: 1700000000.123456",
        "Event: E / SentOctets: 1234567 / SSRC: 0x12345678",
        "Event: E / X: abc123456 / Y: 1a2b3c4d5e6f123456abc",
        "Event: VarSet / Variable: EPOCH / Value: 1700000000",
        "Event: E / CallerIDName: <unknown> / ConnectedLineName: / MemberName: PJSIP/100",
        "Event: E / RemoteAddress: IPV4/UDP/127.0.0.1/5060 / Bind: 0.0.0.0:5060 / Mask: 255.255.255.0",
        "Event: E / Time: 12:30:45 / Mac: 00:11:22:33:44:55 / Address: ::1",
        "Event: E / Mailbox: 100@default / URI: sip:ada@pbx.example.com",
        "Event: E / ActionID: 4930123456 ada@corp.example.com 10.1.2.3",
    ],
)
def test_what_is_not_personal_is_kept(text):
    assert redacted(text, *ALL) == text


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("numbres", "'numbres' is no rule of redaction; did you mean numbers?"),
        ("zzz", "did you mean numbers, names, addresses, emails, header:NAME, regex:PATTERN?"),
        ("numbers:5", "'numbers:5' is no rule of redaction; did you mean numbers?"),
        ("header:", "'header:' lacks its NAME after the colon"),
        ("header", "'header' lacks its NAME after the colon"),
        ("regex:", "'regex:' lacks its PATTERN after the colon"),
        ("header:actionid", "'header:actionid' would change what a message is; that header is always kept"),
        ("regex:(", "'regex:(' is no regular expression: missing ), unterminated subpattern at position 0"),
    ],
)
def test_a_rule_that_is_none_is_told_with_what_would_be_right(rule, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        personal.parse(rule)


NUMBERS = st.from_regex(r"[0-9]{6,15}", fullmatch=True)


@given(st.lists(NUMBERS, max_size=40))
def test_numbers_become_others_of_their_length_and_no_two_the_same(numbers):
    pseudonyms = Pseudonyms()
    given_ = {number: pseudonyms.of("number", number) for number in numbers}
    assert all(len(new) == len(old) and is_pseudonym("number", new) for old, new in given_.items())
    assert len(set(given_.values())) == len(given_)


def test_however_many_short_numbers_there_are_no_two_become_the_same():
    pseudonyms = Pseudonyms()
    assert len({pseudonyms.of("number", f"{n:0{size}}") for size in (3, 4) for n in range(10**size)}) == 11_000


def test_however_many_addresses_there_are_no_two_become_the_same():
    pseudonyms = Pseudonyms()
    new = {pseudonyms.of("ipv4", str(ipaddress.ip_address(2**24 * 10 + n))) for n in range(2000)}
    assert len(new) == 2000
    assert all(is_pseudonym("ipv4", each) for each in new)


NAMES = st.text("abcdefgäöü ", min_size=3, max_size=12).map(str.strip).filter(lambda text: len(text) > 2)
ADDRESSES = st.ip_addresses(v=4).map(str)
ACTION = st.one_of(
    st.builds("Action: Originate / Channel: PJSIP/{}@trunk / CallerID: {} <{}>".format, NUMBERS, NAMES, NUMBERS),
    st.builds("Action: Setvar / Channel: SIP/{}-0000000a / Variable: CALLERID(all) / Value: {}".format, NUMBERS, NAMES),
    st.builds("Action: PJSIPNotify / URI: sip:{}@{}:5060 / Variable: TOKEN=a{}".format, NUMBERS, ADDRESSES, NUMBERS),
    st.builds("Action: Login / Username: admin / Secret: s{}".format, NUMBERS),
)  # fmt: skip


@given(st.lists(ACTION, min_size=1, max_size=8))
def test_a_client_finds_its_actions_again_by_the_pseudonyms_and_whatever_its_secrets(actions):
    recording, again = Redactor(ALL), Redactor(ALL)
    for text in actions:
        recorded = redacted(text, way=">", redactor=recording)
        assert redacted(recorded, way=">", redactor=again) == recorded
        own = re.sub(r"secret-\d+", "one of my own", recorded)
        assert matches(*(read_action(f"{each} / ".replace(" / ", "\r\n").encode()) for each in (recorded, own)))
        if "Login" not in text and not re.search("5550|<unknown>", text):
            original = read_action(f"{text} / ".replace(" / ", "\r\n").encode())
            assert not matches(read_action(f"{recorded} / ".replace(" / ", "\r\n").encode()), original)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_the_same_number_is_the_same_in_both_directions_and_inside_other_values(numbers):
    redactor = Redactor(("numbers",))
    for number in numbers:
        sent = redacted(f"Action: Originate / Channel: PJSIP/{number}@trunk", way=">", redactor=redactor)
        told = redacted(f"Event: Newchannel / Channel: PJSIP/trunk-00000001 / Exten: {number}", redactor=redactor)
        assert (
            sent.removesuffix("@trunk").rpartition("/")[2] == told.rpartition(" ")[2] != number or number[:3] == "555"
        )
