"""The modes of `--ami-record` that renew recordings; and that none goes anywhere unless it is told where to."""

import os
import pty
import re
import socket
import subprocess
import sys

import pytest

from amisim import event, list_complete, load, response

from .recorded import FILE, SOURCE

pytest_plugins = ["pytester"]

UPSTREAM = "--ami-upstream=USER:SECRET@HOST:PORT"
MORE = SOURCE + "        assert ami_manager.send_action(core.Getvar('X')).result['Value'] == '7'\n"
LESS = SOURCE.split("        members =")[0] + "        ami_manager.send_action(request)\n"


def actions(path):
    return [record.data.split(b"\r\n")[0] for record in load(path).records if record.direction == ">"]


@pytest.fixture
def file(pytester):
    return pytester.path / FILE


@pytest.fixture
def renamed(upstream):
    """The server calls its member by another name from now on."""

    def rename():
        upstream.on("QueueStatus").reply(
            response(EventList="start"), event("QueueMember", Queue="support", Name="Bob"), list_complete()
        )

    return rename


# Without an upstream


@pytest.fixture
def no_network(monkeypatch):
    """From when it is called, whatever connects, listens, or asks for an address fails, and is told."""
    tried = []

    def refuse(*args, **_):
        tried.append(args)
        raise OSError("there is no network in this test")

    def switch_off():
        for name in ("connect", "connect_ex", "bind", "listen"):
            monkeypatch.setattr(socket.socket, name, refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        return tried

    yield switch_off
    monkeypatch.undo()


@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded", "not recorded"])
@pytest.mark.parametrize("mode", ["none", "once", "new", "all", "refresh"])
def test_without_an_upstream_nothing_touches_the_network(run, file, no_network, mode, is_recorded):
    recording = b""
    if is_recorded:
        run("--ami-record=once").assert_outcomes(passed=1)
        recording = file.read_bytes()
    tried = no_network()
    result = run(f"--ami-record={mode}", recording=False)
    assert tried == []
    if is_recorded and mode in ("none", "once", "new"):
        result.assert_outcomes(passed=1)
    else:
        result.assert_outcomes(errors=1)
        none = f"no recording of this test, *{FILE}: * run it with --ami-record=once"
        result.stdout.fnmatch_lines([f"{none if mode == 'none' else f'--ami-record={mode} needs'} {UPSTREAM}*"])
    assert (file.read_bytes() if file.exists() else b"") == recording


@pytest.mark.parametrize("mode", ["none", "once", "new"])
def test_what_has_no_recorded_answer_says_how_to_record_it(run, mode):
    run("--ami-record=once").assert_outcomes(passed=1)
    result = run(f"--ami-record={mode}", source=MORE, recording=False)
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["no recorded answer to Getvar *", f"to record this test anew, run it with --ami-record=new {UPSTREAM}"]
    )


def test_a_check_for_determinism_records_nothing(run, upstream):
    result = run("--ami-record=all", "--ami-check-determinism")
    result.stderr.fnmatch_lines(["ERROR: --ami-check-determinism is for what is replayed: *"])
    assert upstream.actions == []


# new


def test_new_records_what_is_not_recorded(run, file):
    run("--ami-record=new").assert_outcomes(passed=1)
    run(recording=False).assert_outcomes(passed=1)


def test_new_replays_what_was_recorded(run, file, upstream):
    run("--ami-record=new").assert_outcomes(passed=1)
    arrived, recording = len(upstream.actions), file.read_bytes()
    run("--ami-record=new").assert_outcomes(passed=1)
    assert len(upstream.actions) == arrived
    assert file.read_bytes() == recording


def test_new_records_all_of_a_test_that_says_something_new(run, file):
    run("--ami-record=once").assert_outcomes(passed=1)
    assert b"Action: Getvar" not in actions(file)
    result = run("--ami-record=new", "-v", source=MORE)
    result.assert_outcomes(passed=1)  # told once, though it has run twice
    assert b"Action: Getvar" in actions(file)
    run(source=MORE, recording=False).assert_outcomes(passed=1)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_test_that_fails_leaves_the_recording_that_there_was(run, file):
    run("--ami-record=once").assert_outcomes(passed=1)
    recording = file.read_bytes()
    for mode in ("new", "all"):
        result = run(f"--ami-record={mode}", source=MORE + "        assert False\n")
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["*= recordings that stay as they were =*", f"*::test_members did not pass: *{FILE} stays as it was"]
        )
    assert file.read_bytes() == recording
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("mode", ["once", "new", "all"])
def test_of_a_test_that_fails_no_first_recording_is_made(run, file, mode):
    result = run(f"--ami-record={mode}", source=MORE + "        assert False\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*::test_members did not pass: *{FILE} is not written"])
    assert not file.exists()


def test_what_belongs_to_the_module_is_made_once_and_torn_down_in_the_end(run):
    with_module = SOURCE.replace(
        "    def test_members(",
        """    import pytest

    @pytest.fixture(scope="module", autouse=True)
    def told():
        with open("told.txt", "a") as file:
            file.write("begin ")
            yield
            file.write("end ")

    def test_members(""",
    )
    run("--ami-record=once", source=with_module).assert_outcomes(passed=1)
    run("--ami-record=new", source=with_module).assert_outcomes(passed=1)
    run("--ami-record=new", source=with_module + MORE[len(SOURCE) :]).assert_outcomes(passed=1)
    with open("told.txt") as told:
        assert told.read().split() == ["begin", "end"] * 3


def test_a_module_that_cannot_be_torn_down_is_told(run):
    broken = SOURCE.replace(
        "    def test_members(",
        """    def teardown_module():
        raise ValueError("of the module")

    def test_members(""",
    )
    run("--ami-record=once").assert_outcomes(passed=1)
    result = run("--ami-record=new", source=broken)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E * ValueError: of the module"])


# refresh


def test_refresh_records_what_is_not_recorded(run, file):
    run("--ami-record=refresh").assert_outcomes(passed=1)
    assert b"Action: QueueStatus" in actions(file)


def test_refresh_of_what_is_the_same_changes_nothing(run, file, upstream):
    run("--ami-record=once").assert_outcomes(passed=1)
    arrived, recording = len(upstream.actions), file.read_bytes()
    result = run("--ami-record=refresh")
    assert len(upstream.actions) == 2 * arrived
    result.stdout.no_fnmatch_line("*stay as they were*")
    assert file.read_bytes() == recording


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_refresh_without_a_terminal_shows_the_difference_and_writes_nothing(run, file, renamed, options):
    run("--ami-record=once", source=LESS).assert_outcomes(passed=1)
    recording = file.read_bytes()
    renamed()
    result = run("--ami-record=refresh", *options, source=LESS)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= recordings that stay as they were =*",
            f"*::test_members: the server differs (B) from *{FILE} (A)",
            "connection 1, action 3 QueueStatus: event QueueMember, line * of A and line * of B",
            "  Name",
            "    A: Alice",
            "    B: Bob",
            "nothing was written: to accept it, run this test with --ami-record=all",
        ]
    )
    assert file.read_bytes() == recording
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    run("--ami-record=all", source=LESS).assert_outcomes(passed=1)
    assert b"Bob" in file.read_bytes()


def test_refresh_of_a_test_that_fails_shows_the_difference_too(run, file, renamed):
    run("--ami-record=once").assert_outcomes(passed=1)
    recording = file.read_bytes()
    renamed()
    result = run("--ami-record=refresh")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["    B: Bob", f"*::test_members did not pass: *{FILE} stays as it was"])
    assert file.read_bytes() == recording


def test_of_a_great_difference_the_beginning_is_shown(run, upstream):
    run("--ami-record=once", source=LESS).assert_outcomes(passed=1)
    members = [event("QueueMember", Queue="support", Name=f"N{number}") for number in range(50)]
    upstream.on("QueueStatus").reply(response(EventList="start"), *members, list_complete())
    shown = run("--ami-record=refresh", source=LESS).stdout.str().partition("= recordings that stay")[2]
    more = re.search(r"^\((\d+) lines more\)$", shown, re.MULTILINE)
    assert more is not None
    assert int(more[1]) > 100
    assert len(shown.splitlines()) < 50


@pytest.mark.parametrize(("answer", "name"), [("y\n", b"Bob"), ("\n", b"Alice"), ("\x04", b"Alice")])
def test_refresh_at_a_terminal_asks(run, pytester, file, upstream, renamed, answer, name):
    run("--ami-record=once", source=LESS).assert_outcomes(passed=1)
    renamed()
    options = "--ami-record=refresh", f"--ami-upstream=boss:h@dden@{upstream.host}:{upstream.port}", "-p", "no:randomly"
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, "test_suite.py"], stdin=end, stdout=end, stderr=end
    ):
        os.close(end)
        said, asked = b"", 0
        try:
            while data := os.read(terminal, 4096):
                said += data
                if said.count(b"write this recording (y/N)? ") > asked:
                    asked += 1
                    os.write(terminal, answer.encode())
        except OSError:  # it has ended
            pass
    os.close(terminal)
    assert b"B: Bob" in said
    assert b"1 passed" in said
    assert name in file.read_bytes()
    assert [each.name for each in file.parent.iterdir()] == [file.name]


# Several at once


def test_with_xdist_each_recording_is_written_once(run, pytester, upstream):
    source = SOURCE.replace(
        "    def test_members(",
        """    import pytest

    @pytest.mark.parametrize("number", range(4))
    def test_members(number, """,
    )
    run("--ami-record=once", "-n", "2", source=source).assert_outcomes(passed=4)
    assert [action.name for action in upstream.actions].count("QueueStatus") == 4
    found = sorted(each.name for each in (pytester.path / "recordings" / "test_suite").iterdir())
    assert found == [f"test_members-{number}.yaml" for number in range(4)]
    run(source=source, recording=False).assert_outcomes(passed=4)


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_two_tests_cannot_have_one_recording(run, options):
    source = SOURCE.replace(
        "    def test_members(",
        """    import pytest

    @pytest.mark.parametrize("number", ["a/b", "a-b"])
    def test_members(number, """,
    )
    result = run("--ami-record=once", *options, source=source)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        ["*::test_members?a/b? and *::test_members?a-b? have one recording, *: give one of them another name"]
    )
