"""`--ami-check-determinism` runs a test twice, and compares what happened."""

import pytest

pytest_plugins = ["pytester"]


def test_what_is_the_same_each_time_passes(suite):
    result = suite(
        """
        from ami import core

        runs = []

        def test_it(ami_manager):
            runs.append(ami_manager)
            assert ami_manager.send_action(core.Ping()).success

        def test_it_was_run_twice():
            assert len(runs) == 2
    """,
        "--ami-check-determinism",
    )
    result.assert_outcomes(passed=2)


def test_what_says_something_else_fails(suite):
    result = suite(
        """
        from ami import core

        runs = []

        def test_it(ami_manager):
            runs.append(1)
            ami_manager.send_action(core.Getvar(f"N{len(runs)}"))
    """,
        "--ami-check-determinism",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "not deterministic: with the same seed there was another run.",
            "  first: *Variable=N1",
            "  second: *Variable=N2",
        ]
    )


def test_what_ends_in_another_way_fails(suite):
    result = suite(
        """
        runs = []

        def test_it(ami_clock):
            runs.append(1)
            assert len(runs) > 1
    """,
        "--ami-check-determinism",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  first:  call: failed", "  second: call: passed"])


@pytest.mark.parametrize("when", ["setup", "teardown"])
@pytest.mark.parametrize("which", ["first", "second"])
def test_what_fails_in_one_run_beside_the_test_itself_fails(suite, when, which):
    result = suite(
        f"""
        import pytest

        runs = []

        def may_fail(when):
            if when == "{when}" and len(runs) == {1 if which == "first" else 2}:
                raise RuntimeError("only once")

        @pytest.fixture
        def fragile():
            runs.append(1)
            may_fail("setup")
            yield
            may_fail("teardown")

        def test_it(fragile, ami_clock):
            pass
    """,
        "--ami-check-determinism",
    )
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) > 0
    other = "second" if which == "first" else "first"
    result.stdout.fnmatch_lines_random(
        [f"  {which}: *{when}: failed", f"  {other}: *{when}: passed", "*RuntimeError: only once*"]
    )


def test_what_takes_other_turns_fails(suite):
    result = suite(
        """
        runs = []

        def test_it(ami_clock):
            runs.append(1)
            ami_clock.advance(len(runs))
            ami_clock.modules["threading"].Timer(1, print).start()
            ami_clock.advance(1)
    """,
        "--ami-check-determinism",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["  first:  turns: *"])


def test_a_test_that_fails_in_the_same_way_fails_as_itself(suite):
    result = suite(
        """
        def test_it(ami_clock):
            assert ami_clock.now == 1
    """,
        "--ami-check-determinism",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * assert 0.0 == 1*"])
