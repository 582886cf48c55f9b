"""What is shown of a test that failed, besides what was said."""

import pytest

pytest_plugins = ["pytester"]


def test_faults_that_hit_and_the_seed_of_the_mark_are_told(suite):
    result = suite("""
        import pytest
        from ami import core

        @pytest.mark.ami(faults=["permission_denied response Ping nth=2"], seed=7)
        def test_two_pings(ami_manager):
            assert [ami_manager.send_action(core.Ping()).success for _ in range(2)] == [True, True]
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "virtual time, at 0.000 s, seed 7",
            "fault hit, 1 x, last at 0.000 s: permission_denied response Ping nth=2*",
            "again: pytest *::test_two_pings --ami-seed=7",
        ]
    )


def test_the_nearest_recorded_action_is_told(suite):
    result = suite("""
        import pytest
        from ami import core

        @pytest.mark.ami(recording="queue-call")
        def test_miss(ami_manager):
            assert ami_manager.send_action(core.QueueStatus("sales")).success
    """)
    result.stdout.fnmatch_lines(["nearest: no recorded answer to QueueStatus *Queue is 'support' there, 'sales' here"])


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_all_of_it_has_at_most_forty_lines(suite, own_process, options):
    source = """
        import pytest
        from ami import core

        @pytest.mark.ami(recording="queue-call", faults=["delay 0.001 response *"])
        def test_much(ami_manager):
            for number in range(30):
                ami_manager.send_action(core.QueueStatus(f"sales-{number}"))
            assert False
    """
    result = (own_process if options else suite)(source, *options)
    failure = result.stdout.str().partition("= FAILURES =")[2]
    shown = failure.partition("- amisim transcript -")[2].splitlines()
    end = next(number for number, line in enumerate(shown) if line.startswith("again: "))
    assert end + 1 <= 40
    for each in ("fault hit, ", "nearest: ", "waits: "):
        assert any(line.startswith(each) for line in shown[:end])


def test_who_waits_for_what_is_told_of_a_test_that_runs_out_of_time(suite):
    result = suite("""
        import threading
        from ami import core

        def test_stuck(ami_server, ami_manager, ami_clock):
            ami_server.on("Ping").reply()
            threading.Thread(target=lambda: ami_manager.send_action(core.Ping())).start()
            ami_clock.advance(1)
            assert False
    """)
    result.stdout.fnmatch_lines(
        ["virtual time, at 1.000 s, seed 0", "waits: Thread-* waits for a lock, *in send_action: *"]
    )
