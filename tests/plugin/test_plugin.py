"""The pytest plugin, in test suites of other projects, which have nothing of their own for it."""

import inspect
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import amisim
import amisim.testing

pytest_plugins = ["pytester"]

TRANSCRIPT = "amisim transcript"
FAILING = """
    from ami import core

    def test_that_fails(ami_server, ami_manager):
        for number in range(50):
            ami_manager.send_action(core.Getvar("N" + str(number)))
        assert ami_server is None
"""


def transcript(output: str) -> list[str]:
    """The lines of the transcript that is shown."""
    _, shown = re.split(rf"^-+ {TRANSCRIPT} -+\n", output, flags=re.MULTILINE)
    return re.split(r"^(?:[-=_]{3,}.*)?$", shown, maxsplit=1, flags=re.MULTILINE)[0].splitlines()


# Fixtures


def test_a_manager_that_is_logged_in_comes_without_a_conftest(suite):
    result = suite("""
        import ami, amisim
        from ami import core

        def test_a_ping(ami_server, ami_manager):
            assert isinstance(ami_server, amisim.Server)
            assert isinstance(ami_manager, ami.Manager)
            assert ami_manager.send_action(core.Ping()).success
            assert [action.name for action in ami_server.actions] == ["Challenge", "Login", "Ping"]

        def test_each_test_has_its_own(ami_server, ami_manager):
            assert [action.name for action in ami_server.actions] == ["Challenge", "Login"]

        def test_the_server_comes_alone_too(ami_server):
            assert ami_server.actions == []
    """)
    result.assert_outcomes(passed=3)


def test_a_test_scripts_an_answer_that_comes_too_late(suite):
    result = suite("""
        import threading
        from ami import core
        from amisim import response, wait

        def test_late(ami_server, ami_manager):
            late = []
            arrived = threading.Event()

            def orphan(response, manager):
                late.append(response)
                arrived.set()

            ami_manager.register_callback(None, orphan)
            ami_server.on("Ping").reply(wait(0.2), response(Ping="Pong"))
            ping = core.Ping()
            ping.timeout = 0.01
            assert ami_manager.send_action(ping) is None
            assert arrived.wait(30)
            assert [response["Ping"] for response in late] == ["Pong"]
    """)
    result.assert_outcomes(passed=1)


def test_no_thread_is_left_after_a_test(own_process):
    result = own_process("""
        import threading
        import pytest
        from ami import core

        def test_that_uses_them(ami_server, ami_manager):
            ami_manager.send_action(core.Ping())
            assert threading.active_count() > 1

        def test_that_fails(ami_server, ami_manager):
            raise ValueError

        def test_that_disconnects(ami_server, ami_manager):
            ami_server.disconnect("reset")

        def test_that_closes(ami_server, ami_manager):
            ami_manager.close()
            ami_server.stop()

        def test_after_them():
            assert threading.enumerate() == [threading.main_thread()]
    """)
    result.assert_outcomes(passed=4, failed=1)


# The mark


def test_the_mark_says_what_is_replayed(suite):
    result = suite("""
        import pytest
        from ami import core

        @pytest.mark.ami(recording="queue-call")
        def test_queue(ami_manager):
            request = core.QueueStatus("support")
            request.synchronous = True
            members = ami_manager.send_action(request).events["QueueMember"]
            assert sorted(member["Name"] for member in members) == ["Alice", "Bob Ünlü"]
    """)
    result.assert_outcomes(passed=1)


def test_marks_of_module_class_and_test_are_merged_and_the_closest_wins(suite):
    result = suite("""
        import pytest

        pytestmark = pytest.mark.ami(version="16", username="module", secret="m")

        def test_module(ami_server, ami_manager):
            assert (ami_server.username, ami_server.secret) == ("module", "m")
            assert ami_manager.get_asterisk_info() == ("Asterisk Call Manager", "5.0.4")

        @pytest.mark.ami(username="class")
        class TestClass:
            def test_class(self, ami_server, ami_manager):
                assert (ami_server.username, ami_server.secret) == ("class", "m")

            @pytest.mark.ami(version="13")
            @pytest.mark.ami(secret="t")
            def test_test(self, ami_server, ami_manager):
                assert (ami_server.username, ami_server.secret) == ("class", "t")
                assert ami_manager.get_asterisk_info() == ("Asterisk Call Manager", "2.10.6")
    """)
    result.assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("recoding='queue-call'", "the mark ami has no argument 'recoding'; did you mean recording?"),
        ("zzz=1", "the mark ami has no argument 'zzz'; did you mean recording or speed or hold or scenario or "),
        ("'queue-call'", "the mark ami takes its arguments by name, such as recording='queue-call'"),
        (
            "recording='queue-cal'",
            "queue-cal: no such file, and no recording of that name; did you mean 22/queue-call?",
        ),
        ("recording=__file__", "test_a_wrong_mark_is_said_in_one_line"),
        ("version='1.8'", "version '1.8' is not known; 11, 13, 16, 18, 20, 22 are"),
        ("speed=-1", "speed -1 is negative"),
        ("faults=['dorp event Hangup']", "'dorp event Hangup': 'dorp' is no fault; did you mean 'drop'?"),
        ("scenario='missing.yaml'", "missing.yaml: "),
        (
            "start=__import__('datetime').datetime(2026, 1, 1)",
            "start 2026-01-01 00:00:00 has no time zone: give it one",
        ),
        ("limit=-1", "limit -1: how many seconds, more than 0, is to be said"),
        ("patience=0", "patience 0: how many seconds, more than 0, is to be said"),
        ("match=['ingore * Timeout']", "'ingore * Timeout' is no rule of matching; did you mean ignore?"),
        ("match='ignore * Timeout'", "rules of matching are a list, such as ['ignore * Timeout'], and not one text"),
        ("unexpected='fail'", "unexpected 'fail' is none of error, asterisk, ignore, close"),
    ],
    ids=[
        "near",
        "far",
        "positional",
        "unknown recording",
        "no recording",
        "version",
        "speed",
        "fault",
        "scenario",
        "start",
        "limit",
        "patience",
        "rule",
        "no list of rules",
        "unexpected",
    ],
)
def test_a_wrong_mark_is_said_in_one_line(suite, arguments, error):
    result = suite(f"""
        import pytest

        @pytest.mark.ami({arguments})
        def test_marked(ami_manager):
            pass
    """)
    result.assert_outcomes(errors=1)
    lines = result.stdout.lines
    header = next(number for number, line in enumerate(lines) if "ERROR at setup of test_marked" in line)
    assert error in lines[header + 1]
    assert lines[header + 2].startswith("=")


def test_the_mark_says_what_goes_wrong_and_a_fault_without_a_hit_fails_the_test(suite):
    result = suite("""
        import pytest
        from ami import core

        pytestmark = pytest.mark.ami(faults=["permission_denied response Ping nth=2"])

        def test_hit(ami_manager):
            assert [ami_manager.send_action(core.Ping()).success for _ in range(3)] == [True, False, True]

        def test_not_hit(ami_manager):
            assert ami_manager.send_action(core.Ping()).success
    """)
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["this fault hit nothing: permission_denied response Ping nth=2"])


def test_the_mark_names_a_scenario(suite, pytester):
    pytester.makefile(".yaml", pbx="amisim: 1\nrules: [{on: Getvar, reply: [{response: Success, Value: yes}]}]\n")
    result = suite("""
        import pytest
        from ami import core

        @pytest.mark.ami(scenario="pbx.yaml")
        def test_scenario(ami_manager):
            assert ami_manager.send_action(core.Getvar(None, "X")).result["Value"] == "yes"
    """)
    result.assert_outcomes(passed=1)


def test_the_mark_says_that_tls_is_spoken(suite):
    result = suite("""
        import ssl
        import amisim
        import pytest
        from ami import core

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(amisim.CERTIFICATE)

        @pytest.mark.parametrize("time", [
            pytest.param("virtual", marks=pytest.mark.ami(tls=True)),
            pytest.param("real", marks=pytest.mark.ami(tls=True, time="real")),
            pytest.param("scaled", marks=pytest.mark.ami(tls=context, time="scaled=2")),
        ])
        def test_tls(ami_server, ami_manager, time):
            assert ami_server.tls
            assert ami_manager.send_action(core.Ping()).success

        @pytest.mark.ami(tls=True)
        async def test_asyncio(ami_async_manager):
            assert (await ami_async_manager.send_action(core.Ping())).success
    """)
    result.assert_outcomes(passed=4)


def test_the_mark_takes_what_a_server_takes_and_the_documentation_lists_it(suite):
    arguments = set(inspect.signature(amisim.Server).parameters) - {"host", "port", "watch", "runtime"}
    arguments |= set(inspect.signature(amisim.World).parameters) - {"automatic", "switches"} | {"patch", "leaves"}
    assert set(amisim.testing.Options.__annotations__) == arguments
    (declared,) = (line for line in suite("", "--markers").outlines if line.startswith("@pytest.mark.ami("))
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    page = page.partition("## What the server is")[2].partition("\n## ")[0]
    for listed in (
        re.findall(r"(\w+)=", declared.partition("):")[0]),
        re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE),
    ):
        assert set(listed) == arguments


def test_the_mark_is_declared_and_explained(suite):
    result = suite("", "--markers", "--strict-markers")
    result.stdout.fnmatch_lines(["@pytest.mark.ami(recording=, speed=0, hold=True, scenario=, *"])


# What the recording does not have


def test_an_action_that_is_not_in_the_recording_fails_the_test_at_its_end(suite):
    result = suite("""
        import pytest
        from ami import core

        @pytest.mark.ami(recording="queue-call")
        def test_miss(ami_manager):
            assert not ami_manager.send_action(core.QueueStatus("sales")).success
    """)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_miss*",
            "no recorded answer to QueueStatus (Queue: sales); nearest in *queue-call* is action 3 of connection 1, "
            "line *: Queue is 'support' there, 'sales' here",
            f"*- {TRANSCRIPT} -*",
        ]
    )


def test_what_was_said_is_shown_once(suite):
    result = suite("""
        import pytest
        from ami import core

        @pytest.mark.ami(recording="queue-call")
        def test_miss(ami_manager):
            assert ami_manager.send_action(core.QueueStatus("sales")).success
    """)
    result.assert_outcomes(failed=1, errors=1)
    assert result.stdout.str().count(f"- {TRANSCRIPT} -") == 1


def test_the_mark_and_the_settings_say_what_counts_and_what_becomes_of_the_rest(suite, pytester):
    pytester.makepyprojecttoml('[tool.amikit]\nmatch = ["ignore * Queue"]\nunexpected = "ignore"\n')
    result = suite("""
        import pytest
        from ami import core

        pytestmark = pytest.mark.ami(recording="queue-call")

        def test_a_rule_of_the_project(ami_manager):
            assert ami_manager.send_action(core.QueueStatus("sales")).success

        @pytest.mark.ami(match=["only QueueStatus"])
        def test_a_rule_of_the_mark_beside_it(ami_manager):
            assert ami_manager.send_action(core.QueueStatus("sales", member="Eve")).success

        @pytest.mark.ami(unexpected="asterisk")
        def test_the_mark_counts_more_than_the_project(ami_manager):
            answer = ami_manager.send_action(core.Getvar("X"))
            assert answer.result["Message"].startswith("Invalid/unknown command: Getvar")

        def test_a_miss(ami_manager):
            assert ami_manager.send_action(core.Getvar("X")) is None
    """)
    result.assert_outcomes(passed=4, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_a_miss*", "no recorded answer to Getvar (Variable: X); *"])


# The report


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("--show-capture=no",)], ids=["alone", "xdist", "no capture"])
def test_the_report_of_a_failing_test_shows_the_last_lines_of_the_transcript(suite, own_process, options):
    result = (own_process if "-n" in options else suite)(FAILING, *options)
    result.assert_outcomes(failed=1)
    first, *lines = transcript(result.stdout.str())
    assert re.search(r" → Getvar \[.+\] Variable=N49$", lines[-2])
    assert re.search(r" ← Error: \[.+\] Message=Invalid/unknown command: Getvar", lines[-1])
    # connected, greeting, challenge, login and FullyBooted are 7 lines; each action, and its answer, is one
    assert first == f"({7 + 2 * 50 - len(lines)} lines before)"
    about = result.stdout.str().partition("- amisim -")[2].splitlines()[1:]
    assert about[0] == "virtual time, at 0.000 s, seed 0"
    waits, (again, *_) = (
        [each for each in about if each.startswith("waits: ")],
        [each for each in about if each.startswith("again: ")],
    )
    assert "amisim-server" in [each.split()[1] for each in waits]
    assert re.fullmatch(r"again: pytest \S+\.py::test_that_fails --ami-seed=0", again)
    titles = 2
    assert 1 + len(lines) + 1 + len(waits) + 1 + titles == 40


def test_the_transcript_is_in_junit_xml(suite, pytester):
    suite(FAILING, "--junitxml=report.xml").assert_outcomes(failed=1)
    (failure,) = ET.parse(pytester.path / "report.xml").iter("failure")
    first, *lines = transcript(failure.text or "")
    assert first == f"({7 + 2 * 50 - len(lines)} lines before)"
    assert "Variable=N49" in lines[-2]
    assert "again: pytest " in (failure.text or "")


def test_a_short_transcript_is_shown_as_a_whole_and_without_secrets(suite):
    result = suite("""
        from ami import core

        def test_that_fails(ami_manager):
            assert not ami_manager.send_action(core.Getvar("X")).result["Message"]
    """)
    lines = transcript(result.stdout.str())
    assert [re.sub(r"^ *\d+\.\d+  |\[.+?\] ", "", line) for line in lines] == [
        "c1  · connected",
        "c1  ← Asterisk Call Manager/11.0.0",
        "c1  → Challenge AuthType=MD5",
        "c1  ← Success: Challenge=…",
        "c1  → Login Username=admin AuthType=MD5 Key=…",
        "c1  ← Success: Message=Authentication accepted",
        "c1  ← FullyBooted Uptime=100 LastReload=100 Status=Fully Booted",
        "c1  → Getvar Variable=X",
        "c1  ← Error: Message=Invalid/unknown command: Getvar. Use Action: ListCommands to show available commands.",
    ]


def test_a_transcript_is_shown_whichever_way_a_test_fails(suite):
    result = suite("""
        import pytest

        @pytest.fixture
        def broken(ami_server, ami_manager):
            raise ValueError

        def test_setup(broken):
            pass

        def test_missing(ami_server, ami_manager, there_is_no_such_fixture):
            pass

        def test_call(ami_manager):
            pytest.fail("plainly", pytrace=False)

        @pytest.fixture
        def breaks(ami_manager):
            yield
            raise ValueError

        def test_teardown(breaks):
            pass
    """)
    result.assert_outcomes(passed=1, failed=1, errors=3)
    assert result.stdout.str().count(TRANSCRIPT) == 4


def test_a_server_that_nobody_connected_to_has_no_transcript(suite):
    result = suite("""
        def test_that_fails(ami_server):
            assert not ami_server
    """)
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line(f"*{TRANSCRIPT}*")


def test_what_passes_shows_no_transcript(suite):
    result = suite(
        """
        import pytest

        def test_that_passes(ami_manager):
            pass

        def test_that_is_skipped(ami_manager):
            pytest.skip("for a reason")

        @pytest.mark.xfail
        def test_that_is_expected_to_fail(ami_manager):
            raise ValueError

        def test_that_does_without():
            raise ValueError
    """,
        "-rA",
    )
    result.assert_outcomes(passed=1, skipped=1, xfailed=1, failed=1)
    result.stdout.no_fnmatch_line(f"*{TRANSCRIPT}*")


# Unused


def test_unused_the_plugin_imports_nothing(own_process):
    result = own_process("""
        import sys

        def test_imports():
            imported = {name.partition(".")[0] for name in sys.modules}
            assert "pytest_amisim" in imported
            assert imported & {"ami", "amisim", "yaml", "click"} == set()
    """)
    result.assert_outcomes(passed=1)


def test_the_plugin_can_be_switched_off(own_process):
    source = """
        def test_that_does_without():
            pass

        def test_with(ami_manager):
            pass
    """
    result = own_process(source, "-p", "no:amisim")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'ami_manager' not found*"])


def test_no_secret_is_in_the_report_of_a_failing_test(suite):
    result = suite("""
        import amisim

        def test_that_fails(ami_server, ami_manager):
            places = [
                "Event: VarSet\\r\\nVariable: PIN\\r\\nValue: CANARY",
                "Event: Newexten\\r\\nApplication: Set\\r\\nAppData: TOKEN=CANARY",
                "Event: DialBegin\\r\\nDialString: guest:CANARY@pbx",
                "Response: Success\\r\\nOutput:   Secret  : CANARY",
                "Event: Cut\\r\\nPassword: CANARY",
            ]
            for text in places:
                ami_server.emit(amisim.raw(text.replace("CANARY", "cana" + "ry").encode() + b"\\r\\n\\r\\n"))
            assert not ami_manager.send_action(amisim_action())

        def amisim_action():
            from ami import core
            return core.Setvar("PASSWORD", "cana" + "ry")
    """)
    result.assert_outcomes(failed=1)
    lines = transcript(result.stdout.str())
    assert any("Variable=PASSWORD Value=…" in line for line in lines)
    assert any("AppData=TOKEN=…" in line for line in lines)
    assert "canary" not in result.stdout.str()
