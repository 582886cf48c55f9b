"""The actions and events of PJSIP where they do more than name headers."""

import pytest

from ami import pjsip
from ami.catalogue import parse


def wire(action) -> list[str]:
    text, _ = action.build_request("1", lambda: "1")
    return [line for line in text.split("\r\n") if line and not line.startswith("ActionID")]


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({"Event": "check-sync", "Content-type": "text/plain"}, ["Event=check-sync", "Content-type=text/plain"]),
        (["Event=x", "Content=a", "Content=b"], ["Event=x", "Content=a", "Content=b"]),
        ("Event=check-sync", ["Event=check-sync"]),
    ],
)
def test_the_headers_of_a_notify(variables, lines):
    action = pjsip.PJSIPNotify("phone1", variables=variables)
    assert wire(action) == [
        "Action: PJSIPNotify", "Endpoint: phone1", *(f"Variable: {line}" for line in lines),
    ]  # fmt: skip
    assert action.variables == variables


def test_a_notify_by_the_name_of_a_section():
    assert wire(pjsip.PJSIPNotify(uri="sip:a@b", option="check-sync")) == [
        "Action: PJSIPNotify", "URI: sip:a@b", "Option: check-sync",
    ]  # fmt: skip


@pytest.mark.parametrize(("state", "word"), [(True, "on"), (False, "off"), ("on", "on")])
def test_maintenance(state, word):
    assert wire(pjsip.PJSIPSetMaintenance("all", state)) == [
        "Action: PJSIPSetMaintenance", "Endpoint: all", f"State: {word}",
    ]  # fmt: skip


def test_the_settings_of_an_endpoint():
    endpoint = parse(
        b"Event: EndpointDetail\r\nObjectType: endpoint\r\nObjectName: phone1\r\n100rel: required\r\n"
        b"DirectMedia: false\r\nIgnore183WithoutSdp: true\r\nTrustConnectedLine: yes\r\nRtpTimeout: 30\r\n"
        b"ActiveChannels: \r\n\r\n"
    )
    assert isinstance(endpoint, pjsip.EndpointDetail)
    assert (endpoint.object_name, endpoint.rel100, endpoint.rtp_timeout) == ("phone1", "required", 30)
    assert endpoint.direct_media is False
    assert endpoint.ignore_183_without_sdp is True
    assert endpoint.trust_connected_line is True
    assert endpoint.active_channels is None
    assert endpoint.webrtc is None


def test_a_contact_that_never_expires():
    contact = parse(b"Event: ContactStatusDetail\r\nRegExpire: 0\r\nRoundtripUsec: N/A\r\n\r\n")
    assert isinstance(contact, pjsip.ContactStatusDetail)
    assert contact.reg_expire is None
    assert contact.roundtrip_usec is None
