"""Tests that are coroutines, in test suites of other projects; with their plugins for that, and without."""

import pytest

pytest_plugins = ["pytester"]

TIME_OUT = """
    import asyncio
    import pytest
    from ami import aio, core
    from amisim import response, wait

    {mark}
    async def test_late(ami_server, ami_async_manager, ami_clock):
        assert isinstance(ami_async_manager, aio.Manager)
        late = []
        ami_async_manager.register_callback(None, lambda response, manager: late.append(response))
        ami_server.on("Ping").reply(wait(7), response(Ping="Pong"))
        assert await ami_async_manager.send_action(core.Ping()) is None
        assert ami_clock.now == 5
        await asyncio.sleep(3)
        assert len(late) == 1

    class TestThem:
        {mark}
        async def test_method(self, ami_async_manager):
            assert (await ami_async_manager.send_action(core.Ping())).success
"""


def test_a_coroutine_needs_no_other_plugin(suite):
    suite(TIME_OUT.format(mark="")).assert_outcomes(passed=2)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_with_pytest_asyncio(own_process, mode):
    result = own_process(TIME_OUT.format(mark="@pytest.mark.asyncio"), f"--asyncio-mode={mode}")
    result.assert_outcomes(passed=2)


def test_with_anyio(own_process):
    result = own_process(TIME_OUT.format(mark="@pytest.mark.anyio"))
    result.assert_outcomes(passed=2)


def test_a_failing_coroutine_fails(suite):
    result = suite("""
        async def test_it(ami_async_manager):
            raise ValueError("of the coroutine")
    """)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E * ValueError: of the coroutine", "*- amisim transcript -*"])


def test_a_manager_that_was_closed_by_the_test_is_no_trouble(suite):
    result = suite("""
        async def test_it(ami_async_manager):
            await ami_async_manager.close()

        async def test_cut(ami_server, ami_async_manager):
            ami_server.disconnect("reset")
    """)
    result.assert_outcomes(passed=2)


def test_other_coroutines_are_left_to_others(own_process):
    result = own_process("""
        import asyncio
        import pytest

        @pytest.mark.asyncio
        async def test_real():
            assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")
    """)
    result.assert_outcomes(passed=1)
