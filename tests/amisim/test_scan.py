"""`amisim scan` finds what should not stand in a recording, and does not tell it."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from amisim import library
from amisim.cli import main
from amisim.pseudonyms import is_pseudonym
from amisim.recording import Record, RecordingWriter
from amisim.redact import Redactor
from amisim.scan import scan

FRAMES = [
    b"Action: Login\r\nUsername: admin\r\nSecret: hunter2-and-more\r\n\r\n",
    b"Event: VarSet\r\nVariable: PIN\r\nValue: 1234\r\n\r\n",
    b"Event: Newchannel\r\nCallerIDNum: 4930123456\r\nActionID: \xff\r\n\r\n",
]


@pytest.fixture
def recorded(tmp_path):
    """Write a recording of FRAMES."""

    def write(name="r.yaml", redact=lambda record: record):
        with RecordingWriter(tmp_path / name, {"server": "Asterisk"}, redact) as writer:
            for number, data in enumerate(FRAMES):
                way = ">" if data.startswith(b"Action") else "<"
                writer.write(Record(float(number), 1, way, "data", data, None))
        return tmp_path / name

    return write


def run(*arguments):
    result = CliRunner().invoke(main, ["scan", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(autouse=True)
def _outside_of_a_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_each_secret_is_told_with_its_line_and_not_whole(recorded):
    path = recorded()
    lines = path.read_text().splitlines()
    code, output, errors = run(path)
    assert (code, errors) == (1, "")
    assert output.splitlines() == [
        f"{path}:{lines.index('  Secret: hunter2-and-more') + 1}: Secret: a secret, hu…",
        f"{path}:{lines.index('  Value: 1234') + 1}: Value: a secret",
    ]


def test_with_rules_what_is_personal_is_told_too(recorded, tmp_path):
    path = recorded(redact=Redactor())
    assert run(path) == (0, "", "")
    code, output, _ = run("--redact", "numbers", path)
    assert (code, output) == (1, f"{path}:{path.read_text().count(chr(10)) - 1}: CallerIDNum: a number, 49…\n")
    (tmp_path / "pyproject.toml").write_text('[tool.amikit]\nredact = ["numbers"]\n')
    assert run(path)[:2] == (code, output)


def test_a_redacted_recording_is_clean(recorded):
    path = recorded(redact=Redactor(("numbers",)))
    assert run("--redact", "numbers", path) == (0, "", "")


@pytest.mark.parametrize(("text", "problem"), [("x: 1\n", "not a recording"), ("", "not a recording")])
def test_a_file_that_is_no_recording_is_an_error_and_the_others_are_looked_at(recorded, tmp_path, text, problem):
    other = tmp_path / "other.yaml"
    other.write_text(text)
    code, output, errors = run(other, recorded())
    assert code == 2
    assert output.count("a secret") == 2
    assert problem in errors
    assert str(other) in errors


def test_a_recording_that_is_cut_short_is_an_error(recorded):
    path = recorded(redact=Redactor())
    path.write_text(path.read_text() + "9 c1 <: |\n  Event: X\n  Secret: x\n")
    code, output, errors = run(path)
    assert (code, output) == (2, "")
    assert "cut short" in errors


def test_a_rule_that_is_none_is_refused(recorded):
    code, _, errors = run("--redact", "numbres", recorded())
    assert code == 2
    assert "did you mean numbers?" in errors


@pytest.mark.parametrize("name", library.names())
def test_no_shipped_recording_holds_a_secret(name):
    assert list(scan(library.find(name))) == []


@pytest.mark.parametrize(
    ("kind", "yes", "no"),
    [
        ("secret", "secret-12", "secret-x"),
        ("key", f"{7:032x}", "5ed454f1d9a374d493da8710eeef8374"),
        ("challenge", "100000001", "739361354"),
        ("number", "5550000001", "4930123456"),
        ("name", "Name 3", "Ada"),
        ("ipv4", "203.0.113.5", "10.0.0.1"),
        ("ipv6", "2001:db8::1", "2a00::1"),
        ("email", "person1@example.org", "ada@example.org"),
        ("x-customer", "x-customer-1", "acme"),
    ],
)
def test_pseudonyms_are_known(kind, yes, no):
    assert is_pseudonym(kind, yes)
    assert not is_pseudonym(kind, no)


def test_the_hook_of_pre_commit_runs_the_command():
    (hook,) = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "amisim scan"
    assert "scan" in main.commands
