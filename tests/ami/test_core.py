"""What the actions of the core do beyond what is documented of them."""

import pytest

from ami import core
from ami.message import Message
from ami.request import Request


def built(request: Request) -> list[str]:
    text, _ = request.build_request("1", lambda: "")
    assert text.endswith("ActionID: 1\r\n\r\n")
    return text.split("\r\n")[:-3]


def test_a_cause_to_hang_up_with_may_be_given():
    assert built(core.Hangup("PJSIP/1", 16)) == ["Action: Hangup", "Channel: PJSIP/1", "Cause: 16"]


def test_the_status_of_all_channels_may_be_asked_for():
    assert built(core.Status()) == ["Action: Status"]


def test_the_headers_of_an_originate_come_in_the_order_of_its_arguments():
    request = core.Originate_Context("PJSIP/1", "default", "200", 1, 5000, "Ada", {"B": "1", "A": "2"}, "acme", False)
    variables = [line for line in built(request) if line.startswith("Variable")]
    assert built(request)[0] == "Action: Originate"
    assert variables == ["Variable: B=1", "Variable: A=2"]


def test_every_public_name_of_the_core_is_there_once():
    assert len(core.__all__) == len(set(core.__all__))
    assert all(hasattr(core, name) for name in core.__all__)


def test_the_output_of_a_command_is_the_data_of_its_result():
    answer = Message(b"Response: Success\r\nMessage: Command output follows\r\nOutput: one\r\nOutput: two\r\n\r\n")
    assert core.Command("x").process_response(answer).data == ["one", "two"]


# Originate


@pytest.mark.parametrize("made", [
    lambda **kwargs: core.Originate_Application("PJSIP/100", "Wait", **kwargs),
    lambda **kwargs: core.Originate_Context("PJSIP/100", "default", "200", 1, **kwargs),
])  # fmt: skip
def test_an_originate_waits_for_its_answer_as_long_as_the_telephone_may_ring(made):
    assert made().timeout == 600
    assert made(timeout=30_000).timeout == 32
    assert made(timeout=500).timeout == 2.5


def test_any_other_originate_counts_its_timeout_in_seconds_too():
    assert Request("Originate").timeout == 5


@pytest.mark.parametrize("data", [b"x", bytearray(b"x"), memoryview(b"x")])
def test_the_argument_of_an_application_is_no_bytes(data):
    with pytest.raises(TypeError, match=f"not {type(data).__name__}"):
        core.Originate_Application("PJSIP/100", "Wait", data)


def test_an_empty_argument_of_an_application_is_left_out():
    assert "Data" not in core.Originate_Application("PJSIP/100", "Wait", [])
    assert core.Originate_Application("PJSIP/100", "Wait", ["", ""])["Data"] == ","
