"""Recordings of tests when things go wrong: the one that there was, or a new one that is whole; and clear words."""

import os
import signal

import pytest

from amisim import event, load, recording, response
from amisim.recording import claim

from .recorded import FILE, SOURCE

pytest_plugins = ["pytester"]

MODES = ["once", "new", "all", "refresh"]
CHANGED = SOURCE.replace("support", "sales")
"""The same test, that says something else."""

KILLED = CHANGED + "        import os, signal\n        os.kill(os.getpid(), signal.SIGKILL)\n"


@pytest.fixture
def file(pytester):
    return pytester.path / FILE


@pytest.fixture
def upstream_option(upstream):
    return f"--ami-upstream=boss:h@dden@{upstream.host}:{upstream.port}"


def left(file) -> list[str]:
    return sorted(each.name for each in file.parent.iterdir())


@pytest.mark.parametrize(
    ("mode", "is_recorded"),
    [("once", False), ("new", True), ("all", True), ("refresh", True)],
)
def test_a_run_that_is_killed_leaves_the_recording_that_there_was(
    run, pytester, file, upstream_option, mode, is_recorded
):
    if is_recorded:
        run("--ami-record=once").assert_outcomes(passed=1)
    before = file.read_bytes() if is_recorded else b""
    path = pytester.makepyfile(test_suite=KILLED)
    assert pytester.runpytest_subprocess(f"--ami-record={mode}", upstream_option, path).ret == -signal.SIGKILL
    assert (file.read_bytes() if file.exists() else b"") == before
    (litter,) = (name for name in left(file) if name != file.name)
    result = run("--ami-record=all", source=CHANGED)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"{file.parent}/{litter} was left by a run that was broken off; it is removed"])
    assert left(file) == [file.name]
    assert b"sales" in file.read_bytes()


def test_a_process_of_the_same_number_may_record_after_one_that_was_killed(run, file):
    file.parent.mkdir(parents=True)
    file.with_name(f".{file.name}.{os.getpid()}").write_text("half")
    run("--ami-record=once").assert_outcomes(passed=1)
    assert left(file) == [file.name]


@pytest.mark.parametrize("room", [0, 300], ids=["nothing fits", "half of it fits"])
@pytest.mark.parametrize("mode", MODES)
def test_a_full_disk_is_said_and_leaves_the_recording_that_there_was(run, file, monkeypatch, mode, room):
    run("--ami-record=once").assert_outcomes(passed=1)
    before = file.read_bytes()

    class Disk:
        """A file on a disk with so many bytes left."""

        def __init__(self, opened):
            self.opened, self.room = opened, room

        def write(self, data):
            if self.room < len(data):
                raise OSError(28, "No space left on device")
            self.room -= len(data)
            return self.opened.write(data)

        def __getattr__(self, name):
            return getattr(self.opened, name)

    def open_(path, mode="r", **options):
        opened = open(path, mode, **options)  # noqa: SIM115
        return Disk(opened) if "x" in mode else opened

    monkeypatch.setattr(recording, "open", open_, raising=False)
    result = run(f"--ami-record={mode}", source=CHANGED)
    if mode == "once":
        result.stdout.fnmatch_lines(["*no recorded answer to QueueStatus*"])
    else:
        result.stdout.fnmatch_lines([f"cannot record: {file}: cannot be written: No space left on device"])
    assert file.read_bytes() == before
    assert left(file) == [file.name]


def test_a_folder_that_cannot_be_made_is_said(run, pytester):
    (pytester.path / "recordings").write_text("in its place")
    result = run("--ami-record=once")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"cannot record: {pytester.path / FILE}: cannot be written: *"])


def test_a_name_that_is_too_long_is_said(run, pytester):
    source = SOURCE.replace("test_members", "test_" + "members" * 50)
    result = run("--ami-record=once", source=source)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["cannot record: *membersmembers.yaml: cannot be written: File name too long"])


# Several writers


def test_what_another_run_records_is_left_to_it(run, file):
    file.parent.mkdir(parents=True)
    other = file.with_name(f".{file.name}.1")
    with open(other, "wb") as writing:
        claim(writing, other)
        result = run("--ami-record=once")
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"cannot record: {file}: is being written: what is still to come would be lost"])
        assert left(file) == [other.name]


@pytest.mark.parametrize(
    ("folder", "options"),
    [("recordings", ()), ("tests/recordings", ()), ("../elsewhere", ()), ("recordings", ("-n", "2"))],
)
def test_modules_of_one_name_have_recordings_of_their_own(suite, pytester, upstream_option, options, folder):
    pytester.makepyprojecttoml(f'[tool.amikit]\nrecordings = "{folder}"\n')
    for place, queue in (("tests/sales", "sales"), ("tests/support", "support"), ("more", "more")):
        (pytester.path / place).mkdir(parents=True)
        source = "".join(line.removeprefix("    ") for line in SOURCE.replace("support", queue).splitlines(True))
        (pytester.path / place / "test_same.py").write_text(source)
    chosen = ["--import-mode=importlib", *options]
    result = pytester.runpytest_inprocess("--ami-record=once", upstream_option, *chosen)
    result.assert_outcomes(passed=3)
    found = {
        each.relative_to((pytester.path / folder).resolve()).parent.as_posix(): load(each)
        for each in (pytester.path / folder).resolve().rglob("*.yaml")
    }
    above = "tests/" if folder != "tests/recordings" else ""
    assert sorted(found) == sorted(["more/test_same", f"{above}sales/test_same", f"{above}support/test_same"])
    for name, recorded in found.items():
        (queue,) = (each for each in ("sales", "support", "more") if each in name)
        assert any(f"Queue: {queue}".encode() in record.data for record in recorded.records)
    pytester.runpytest_inprocess(*chosen[:1]).assert_outcomes(passed=3)


# From the future, and broken


@pytest.mark.parametrize("mode", ["none", *MODES])
def test_a_recording_of_a_newer_amikit_is_not_written_over(run, file, mode):
    run("--ami-record=once").assert_outcomes(passed=1)
    file.write_text(file.read_text().replace("amisim/1", "amisim/2\nneeds: '7.5'"))
    before = file.read_bytes()
    result = run(f"--ami-record={mode}", source=CHANGED)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{file}, line 1: the format amisim/2 is newer * pip install -U 'amikit>=7.5'"])
    assert file.read_bytes() == before


@pytest.mark.parametrize("mode", ["none", "once", "new", "refresh"])
def test_a_recording_that_is_broken_is_said_and_stays(run, file, mode):
    run("--ami-record=once").assert_outcomes(passed=1)
    file.write_text(file.read_text().replace(" c1 open:", " c1 opne:"))
    before = file.read_bytes()
    result = run(f"--ami-record={mode}")
    result.assert_outcomes(**({"errors": 1} if mode != "refresh" else {"passed": 1, "errors": 1}))
    result.stdout.fnmatch_lines([f"*{file}, line *: '* c1 opne' is no record; *"])
    assert file.read_bytes() == before
    run("--ami-record=all").assert_outcomes(passed=1)
    assert b" c1 open:" in file.read_bytes()


# Secrets

WITH_SECRETS = (
    SOURCE
    + """
        with ami_manager.events("AuthDetail") as stream:
            answer = ami_manager.send_action(core.Getvar("PASSWORD"))
            told = stream.get(timeout=5)
        assert told is None
"""
)


@pytest.fixture
def indiscreet(upstream):
    """The server tells secrets, of which each begins so."""

    def tell(canary):
        upstream.on("Getvar").reply(
            response(Variable="PASSWORD", Value=f"{canary}-1"),
            event("AuthDetail", Username="eve", Password=f"{canary}-2"),
        )

    tell("canary")
    return tell


@pytest.mark.parametrize("mode", ["once", "new", "all", "refresh"])
def test_no_secret_is_in_the_report_of_a_test_or_in_its_recording(run, pytester, file, indiscreet, mode):
    passing = WITH_SECRETS.replace("told is None", "told")
    result = run(f"--ami-record={mode}", "-vv", "-l", "--junitxml=first.xml", source=WITH_SECRETS)
    result.assert_outcomes(failed=1)
    run("--ami-record=once", "-n0", source=passing).assert_outcomes(passed=1)
    replayed = run("-vv", "-l", "--junitxml=second.xml", source=WITH_SECRETS, recording=False)
    replayed.assert_outcomes(failed=1)
    indiscreet("canary-other")
    refreshed = run("--ami-record=refresh", "--junitxml=third.xml", "--log-level=DEBUG", source=WITH_SECRETS)
    shown = [result.stdout.str(), replayed.stdout.str(), refreshed.stdout.str()]
    written = [(pytester.path / f"{name}.xml").read_text() for name in ("first", "second", "third")]
    for text in (*shown, *written, file.read_text()):
        assert "AuthDetail" in text
        assert "canary" not in text
        assert "h@dden" not in text
