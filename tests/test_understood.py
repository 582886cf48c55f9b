"""The check of what servers sent finds what it is for."""

import pytest

from ami.catalogue import parse

from . import understood

CHANNEL = "Event: Newchannel\r\nChannel: SIP/1\r\nChannelState: 6\r\n"


def event(text: str):
    return parse(f"{text}\r\n".encode())


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (CHANNEL, set()),
        (CHANNEL + "ActionID: 1\r\nChanVariable(SIP/1): A=b\r\n", set()),
        (CHANNEL + "Odd: 1\r\n", {"Odd"}),
        ("Event: NobodyKnows\r\nOdd: 1\r\n", {"*"}),
        ("Event: UserEvent\r\nUserEvent: A\r\nOdd: 1\r\n", set()),
        ("Event: RTCPSent\r\nReport0DLSR: 1\r\nReport1DLSR: 1\r\n", set()),
        ("Event: RTCPSent\r\nReportODLSR: 1\r\n", {"ReportODLSR"}),
        ("Event: AOC-D\r\nCharge/Units(0)/NumberOf: 5\r\n", set()),
        ("Event: DialBegin\r\nDestChannel: SIP/1\r\nDestOdd: 1\r\n", {"DestOdd"}),
    ],
)
def test_a_header_without_a_declaration_is_found(text, missing):
    assert understood.undeclared(event(text)) == missing


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CHANNEL + "Priority: 1\r\n", []),
        (CHANNEL + "Priority: \r\n", []),
        (CHANNEL + "Priority: one\r\n", [("priority", "one")]),
        ("Event: Newchannel\r\nChannelState: 99\r\n", [("channel_state", "99")]),
        ("Event: DialBegin\r\nDestPriority: one\r\n", [("dest.priority", "one")]),
        ("Event: DeviceStateChange\r\nState: ODD\r\n", [("state", "ODD")]),
        ("Event: LogChannel\r\nEnabled: Perhaps\r\n", [("enabled", "Perhaps")]),
    ],
)
def test_a_text_that_is_not_of_the_declared_type_is_found(text, found):
    assert list(understood.of_another_type(event(text))) == found
