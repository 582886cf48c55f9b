"""Secrets do not get into a recording, and it still replays."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amisim.recording import Record
from amisim.redact import Redactor

LOGIN = b"Action: Login\r\nUsername: admin\r\nSecret: canary\r\n\r\n"


def sent(data: bytes, chunks=()) -> Record:
    return Record(1.0, 1, ">", "data", data, 1, chunks)


def received(data: bytes) -> Record:
    return Record(1.0, 1, "<", "data", data, 1)


@pytest.mark.parametrize(
    "data",
    [
        LOGIN,
        LOGIN.replace(b"\r\n", b"\n"),
        LOGIN.replace(b"Secret: ", b"secret:"),
        LOGIN.replace(b"Secret", b"AuthType: MD5\r\nKey"),
        b"Username: admin\r\nSecret: canary\r\nAction: login\r\n\r\n",
        b"Username: admin\r\nKey: canary",
        b"Action: SomethingNew\r\nSecret: canary\r\n\r\n",
    ],
)
def test_what_a_client_proves_itself_with_is_replaced(data):
    redacted = Redactor()(sent(data))
    assert b"canary" not in redacted.data
    assert redacted.data.count(b"\n") == data.count(b"\n")


def test_the_challenge_of_a_server_is_replaced_by_another_number():
    redacted = Redactor()(received(b"Response: Success\r\nChallenge: 123456789\r\n\r\n"))
    assert redacted.data == b"Response: Success\r\nChallenge: 100000001\r\n\r\n"


@pytest.mark.parametrize("header", ["Challenge", "ReceivedChallenge", "Response", "ExpectedResponse", "ReceivedHash"])
@pytest.mark.parametrize("name", ["ChallengeSent", "ChallengeResponseFailed", "InvalidPassword"])
def test_a_security_event_tells_no_proof(name, header):
    told = received(f"Event: {name}\r\nAccountID: admin\r\n{header}: canary\r\n\r\n".encode())
    assert b"canary" not in Redactor()(told).data
    assert b"AccountID: admin\r\n" in Redactor()(told).data


@pytest.mark.parametrize(
    "record",
    [
        sent(b"Action: DBGet\r\nFamily: f\r\nKey: kept\r\n\r\n"),
        received(b"Event: UserEvent\r\nChallenge: 1\r\n\r\n"),
        received(b"Event: DBGetResponse\r\nKey: kept\r\n\r\n"),
        Record(1.0, 0, "", "note", b"Secret: of a note"),
    ],
)
def test_what_is_no_secret_is_kept(record):
    assert Redactor()(record) == record


@pytest.mark.parametrize(
    "answer",
    [
        b"Response: Success\r\nCategory-000001: admin\r\nLine-000001-000000: secret=canary\r\n\r\n",
        b"Response: Success\r\nLine-000001-000000: Md5Secret => canary\r\nLine-000001-000001: read=all\r\n\r\n",
        b"Response: Success\r\nLine-0-0: oauth_secret=canary\r\nLine-0-1: refresh_token = canary\r\n\r\n",
        b'Response: Success\r\nJSON: {"admin":{"secret":"canary","read":"all"},"b":{"password": "ca\\"nary"}}\r\n\r\n',
        b"Event: AuthDetail\r\nUsername: phone1\r\nPassword: canary\r\nMd5Cred: canary\r\n\r\n",
    ],
)
def test_passwords_of_the_configuration_are_replaced(answer):
    redacted = Redactor()(received(answer)).data
    assert b"nary" not in redacted
    assert b"secret-1" in redacted
    assert redacted.count(b"\r\n") == answer.count(b"\r\n")


def test_the_same_secret_has_the_same_pseudonym_and_another_one_another():
    redactor = Redactor()
    first, again = redactor(sent(LOGIN)).data, redactor(sent(LOGIN)).data
    other = redactor(sent(LOGIN.replace(b"canary", b"another"))).data
    assert first == again == LOGIN.replace(b"canary", b"secret-1")
    assert other == LOGIN.replace(b"canary", b"secret-2")


@given(st.lists(st.integers(1, len(LOGIN) - 1), unique=True, max_size=4))
def test_chunks_still_make_up_the_frame(cuts):
    borders = [0, *sorted(cuts)]
    chunks = tuple((end - start, 0.5) for start, end in itertools.pairwise(borders))
    redacted = Redactor()(sent(LOGIN, chunks))
    lengths = [length for length, _ in redacted.chunks]
    assert len(lengths) == len(chunks)
    assert all(length >= 0 for length in lengths)
    assert sum(lengths) <= len(redacted.data)
    after_secret = LOGIN.index(b"canary") + len(b"canary")
    for cut, total in zip(sorted(cuts), (sum(lengths[: n + 1]) for n in range(len(lengths))), strict=True):
        if cut >= after_secret:
            assert len(redacted.data) - total == len(LOGIN) - cut
        if cut <= LOGIN.index(b"canary"):
            assert total == cut
