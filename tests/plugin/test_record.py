"""`ami_recording`: a test is recorded from a real server once, and replayed from then on."""

import pytest

from amisim import event, response

from .recorded import FILE, SOURCE

pytest_plugins = ["pytester"]


def test_once_records_what_is_not_recorded_and_then_replays_it(run, pytester, upstream):
    run("--ami-record=once").assert_outcomes(passed=1)
    arrived = len(upstream.actions)
    recording = (pytester.path / FILE).read_text()
    assert "QueueMember" in recording
    assert "h@dden" not in recording
    run("--ami-record=once").assert_outcomes(passed=1)
    run(recording=False).assert_outcomes(passed=1)
    assert len(upstream.actions) == arrived
    assert (pytester.path / FILE).read_text() == recording
    assert [each.name for each in (pytester.path / FILE).parent.iterdir()] == ["test_members.yaml"]


def test_without_being_told_nothing_is_recorded(run, pytester, upstream):
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["no recording of this test, *members.yaml: to make it from a real server, run it with --ami-record=once *"]
    )
    assert upstream.actions == []


def test_a_call_whose_ids_are_made_up_each_time_is_replayed(run, upstream):
    about = {"Channel": "PJSIP/100-00000001", "Uniqueid": "${ChannelId}"}
    upstream.on("Originate").reply(
        response(Message="Originate successfully queued"), event("Newchannel", **about),
        event("Hangup", Cause=17, **about),
    )  # fmt: skip
    source = """
        def test_members(ami_recording, ami_manager):
            call = ami_manager.originate("PJSIP/100", context="c", exten="1")
            assert call.wait_ended(5) == 17
    """
    run("--ami-record=once", source=source).assert_outcomes(passed=1)
    run(source=source, recording=False).assert_outcomes(passed=1)


def test_all_records_anew(run, upstream):
    run("--ami-record=once").assert_outcomes(passed=1)
    arrived = len(upstream.actions)
    run("--ami-record=all").assert_outcomes(passed=1)
    assert len(upstream.actions) == 2 * arrived


def test_what_was_recorded_is_as_quick_as_virtual_time(run):
    slow = SOURCE.replace(
        "def test_members(ami_recording, ami_manager):", "def test_members(ami_recording, ami_manager, ami_clock):"
    )
    run("--ami-record=once", source=slow).assert_outcomes(passed=1)
    checked = slow + "        assert ami_clock.kind == 'virtual'\n"
    run(source=checked, recording=False).assert_outcomes(passed=1)


def test_an_action_that_was_not_recorded_fails_the_test(run):
    run("--ami-record=once").assert_outcomes(passed=1)
    result = run(source=SOURCE.replace("support", "sales"), recording=False)
    result.stdout.fnmatch_lines(["*no recorded answer to QueueStatus (Queue: sales)*"])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--ami-record=once"], "--ami-record=once needs --ami-upstream=USER:SECRET@HOST:PORT, the server to record"),
        (["--ami-record=all"], "--ami-record=all needs --ami-upstream=USER:SECRET@HOST:PORT, the server to record"),
        (["--ami-record=all", "--ami-upstream=pbx"], "--ami-upstream 'pbx' is not USER:SECRET@HOST:PORT, such as *"),
        (["--ami-record=all", "--ami-upstream=a:b@c@pbx:99999"], "--ami-upstream 'a:…@pbx:99999' is not USER:SECRET*"),
        (["--ami-record=all", "--ami-upstream=admin@127.0.0.1:1"], "--ami-upstream 'admin@127.0.0.1:1' is not USER:*"),
        (["--ami-record=all", "--ami-upstream=127.0.0.1:1"], "cannot record: cannot connect to 127.0.0.1:1: *"),
    ],
)
def test_what_is_missing_is_said_in_one_line(run, pytester, options, problem):
    result = run(*options, recording=False)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([problem])
    assert not (pytester.path / FILE).exists()


def test_names_of_files_are_safe(run, pytester):
    source = SOURCE.replace(
        "    def test_members",
        """    import pytest

    @pytest.mark.parametrize("name", ["a/b", "../../c"])
    def test_members""",
    ).replace("ami_recording, ", "name, ami_recording, ")
    run("--ami-record=once", source=source).assert_outcomes(passed=2)
    found = sorted(each.name for each in (pytester.path / "recordings" / "test_suite").iterdir())
    assert found == ["test_members-..-..-c.yaml", "test_members-a-b.yaml"]
