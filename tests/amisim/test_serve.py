"""`amisim serve`: a server for clients in any language, as its users run it."""

import os
import ssl
from pathlib import Path

import pytest

import ami
import amisim
from ami import core
from amisim.cli_serving import _changed_at

from .commands import Running, usage_error
from .commands import amisim as command

EXAMPLES = Path(__file__).parents[2] / "examples"
SCENARIO = """
amisim: 1
users: {ann: {secret: s3cret, read: call, write: all}}
rules:
  - on: Getvar
    reply: [{response: Success, Value: %s}]
"""


def connected(process: Running, username: str = "admin", secret: str = "secret", **options):
    return ami.connect(process.host, port=process.port, username=username, secret=secret, **options)


def output_until(process: Running, text: str) -> list[str]:
    """What a command prints up to a line with a text."""
    assert process.process.stdout is not None
    lines: list[str] = []
    while not lines or text not in lines[-1]:
        line = process.process.stdout.readline()
        assert line, lines
        lines.append(line)
    return lines


def test_a_server_is_an_asterisk_and_shows_what_is_said(running):
    process = running("serve", "--version", "16")
    assert process.first_line.startswith("serving Asterisk: connect to 127.0.0.1:")
    with connected(process) as manager:
        assert manager.get_asterisk_info() == ("Asterisk Call Manager", "5.0.4")
        assert manager.send_action(core.Ping()).success
    code, output, errors = process.end()
    assert (code, errors) == (0, "")
    assert "c1  · connected" in output
    assert "→ Ping" in output
    assert "secret" not in output


def test_a_recording_of_a_scenario_is_matched_by_rules(running, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("amisim: 1\nrecording: queue-call\n")
    process = running("serve", "--scenario", path, "--match", "only QueueStatus", "--unexpected", "asterisk")
    with connected(process) as manager:
        assert manager.send_action(core.QueueStatus("sales")).success
        assert manager.send_action(core.Getvar("X")).result["Message"].startswith("Invalid/unknown command")
    assert process.end()[2] == ""


def test_users_have_the_classes_that_are_said(running):
    process = running("serve", "--user", "ann:s3cret:call:call", "--user", "bob:s3cret")
    with connected(process, "ann", "s3cret") as ann, connected(process, "bob", "s3cret") as bob:
        assert ann.send_action(ami.Request("UserEvent")).result["Message"] == "Permission denied"
        assert bob.send_action(ami.Request("UserEvent")).success
    assert process.end()[0] == 0


def test_a_server_speaks_tls_with_a_certificate_that_can_be_trusted(running):
    process = running("serve", "--tls")
    assert output_until(process, "certificate")[-1] == f"the certificate to trust: {amisim.CERTIFICATE}\n"
    context = ssl.create_default_context(cafile=amisim.CERTIFICATE)
    with connected(process, ssl=context) as manager:
        assert manager.send_action(core.Ping()).success


def test_faults_hit_and_those_that_did_not_are_told_at_the_end(running):
    chosen = "permission_denied response Ping", "drop event Hangup"
    process = running("serve", "--seed", 1, *(option for fault in chosen for option in ("--fault", fault)))
    with connected(process) as manager:
        assert not manager.send_action(core.Ping()).success
    code, output, errors = process.end()
    assert "# fault: permission_denied response Ping" in output
    assert (code, errors) == (0, "warning: this fault hit nothing: drop event Hangup\n")


def test_a_scenario_that_is_changed_is_read_again(running, tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO % "one")
    process = running("serve", "--scenario", path)
    with connected(process, "ann", "s3cret") as manager:
        assert manager.send_action(core.Getvar(None, "X")).result["Value"] == "one"
        for text in (SCENARIO % "two", "nonsense: 1", SCENARIO % "three"):
            new = tmp_path / "new.yaml"
            new.write_text(text)
            os.replace(new, path)
            if "nonsense" not in text:
                output_until(process, f"read {path} again")
                value = text.split("Value: ")[1].split("}")[0]
                assert manager.send_action(core.Getvar(None, "X")).result["Value"] == value
            else:
                assert process.process.stderr is not None
                assert "the server goes on as before" in process.process.stderr.readline()
    assert process.end()[0] == 0


def test_what_can_be_read_once_only_is_not_read_again(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert _changed_at(str(tmp_path / "pipe")) is None
    assert _changed_at(str(tmp_path)) is not None


@pytest.mark.parametrize("name", ["busy-evening", "endless-list", "pbx-restart"])
def test_the_examples_are_served(running, name):
    process = running("serve", "--scenario", EXAMPLES / f"{name}.yaml")
    assert process.end()[0] == 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--user", "ann"], "'ann' is not NAME:SECRET:READ:WRITE, such as ann:s3cret:call,agent:originate"),
        (["--user", "a:b:c:d:e"], "'a:b:c:d:e' is not NAME:SECRET:READ:WRITE"),
        (["--user", "ann:x:phone"], "user ann: 'phone' is no class; system, call"),
        (["--version", "12"], "'12' is not one of '11', '13', '16', '18', '20', '22'"),
        (["--user", "ann:x", "--user", "Ann:y"], "a user is said twice; names that differ in case alone are the same"),
        (["--seed", "-1"], "-1 is not in the range x>=0"),
        (["--fault", "dorp"], "'dorp' is no fault; did you mean 'drop'?"),
    ],
)
def test_what_makes_no_sense_is_told_with_what_would_be_right(options, problem):
    assert problem in usage_error(command("serve", *options))


def test_a_scenario_with_a_mistake_is_told_with_its_line(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text("amisim: 1\nrulse: []\n")
    result = command("serve", "--scenario", path)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {path}, line 2: ")
    assert "rules" in result.stderr


def test_an_address_of_ipv6_stands_in_brackets():
    with Running("serve", "--listen", "[::1]:0") as process:
        assert process.host == "[::1]"
        assert process.end()[0] == 0
