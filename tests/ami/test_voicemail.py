"""What Asterisk answers to what is done to messages of a mailbox."""

import pytest

from ami import Message, voicemail

FORWARD = voicemail.VoicemailForward("default", "1", "INBOX", "id", "default", "2", "INBOX")
MOVE = voicemail.VoicemailMove("default", "1", "INBOX", "id", "Old")
REMOVE = voicemail.VoicemailRemove("default", "1", "INBOX", "id")


def answered(text: str) -> Message:
    return Message(f"Response: Success\r\nMessage: {text}\r\n\r\n".encode())


# What 22.10 says where the mailbox is not there, with the line end that it leaves in two of them.
@pytest.mark.parametrize(
    ("action", "text"),
    [
        (FORWARD, "Message forward failed"),
        (MOVE, "Message move failed\n"),
        (REMOVE, "Message remove failed\n"),
    ],
)
def test_what_failed_is_no_success(action, text):
    assert not action.process_response(answered(text)).success


@pytest.mark.parametrize("action", [FORWARD, MOVE, REMOVE])
def test_what_did_not_fail_is_a_success(action):
    assert action.process_response(answered("Message done")).success
