"""When a lost link is tried again: numbers alone."""

from collections.abc import Callable, Generator

import pytest

from ami import Error, ManagerAuthError, ManagerError, ManagerSocketError, Reconnect, RefusedError
from ami.reconnect import Retries

DOWN = RefusedError("nothing listens")


def retries(chance: Callable[[], float] = lambda: 0, **rule: float) -> Retries:
    return Retries(Reconnect(**rule), chance)


def waits(steps: Generator[float, Exception | None], count: int) -> list[float]:
    """The waits of so many attempts that all fail."""
    return [next(steps), *(steps.send(DOWN) for _ in range(count - 1))]


def success(steps: Generator[float, Exception | None]) -> None:
    with pytest.raises(StopIteration):
        steps.send(None)


def test_each_wait_is_longer_than_the_one_before_up_to_a_limit():
    rule = Reconnect(initial=0.5, factor=2, maximum=30, jitter=0)
    assert [rule.delay(failures, 0) for failures in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert rule.delay(10**9, 0) == 30


@pytest.mark.parametrize(("chance", "wait"), [(0, 8), (0.25, 7), (0.5, 6), (1, 4)])
def test_a_part_of_each_wait_is_left_to_chance(chance, wait):
    assert Reconnect(initial=8, jitter=0.5).delay(0, chance) == wait


def test_without_jitter_chance_means_nothing():
    assert Reconnect(initial=8, jitter=0).delay(0, 1) == 8


def test_a_factor_of_one_waits_always_the_same():
    assert {Reconnect(initial=3, factor=1, jitter=0).delay(failures, 0) for failures in range(2000)} == {3}


def test_the_documented_defaults():
    assert Reconnect() == Reconnect(initial=0.5, maximum=30, factor=2, jitter=0.5, stable=10)


def test_attempts_that_fail_wait_longer_and_each_takes_its_own_chance():
    chances = iter([0.0, 1.0, 0.5, 0.0])
    assert waits(retries(lambda: next(chances), initial=1, jitter=0.5).steps(0), 4) == [1, 1, 3, 8]


def test_a_link_that_was_never_up_goes_on_where_it_was():
    attempts = retries(initial=1, jitter=0)
    assert waits(attempts.steps(0), 3) == [1, 2, 4]
    assert waits(attempts.steps(0), 2) == [4, 8]


def test_a_link_that_was_stable_begins_anew():
    attempts = retries(initial=1, stable=10, jitter=0)
    steps = attempts.steps(0)
    assert waits(steps, 3) == [1, 2, 4]
    attempts.link_ready(100)
    success(steps)
    assert waits(attempts.steps(110), 2) == [1, 2]


def test_a_link_that_comes_and_goes_does_not_begin_anew():
    attempts = retries(initial=1, stable=10, jitter=0)
    seen = []
    for lost in (0, 109, 218):
        steps = attempts.steps(lost)
        seen.append(next(steps))
        attempts.link_ready(lost + 100)
        success(steps)
    assert seen == [1, 2, 4]


def test_the_time_that_a_link_was_up_counts_once():
    attempts = retries(initial=1, stable=10, jitter=0)
    attempts.link_ready(0)
    assert waits(attempts.steps(50), 3) == [1, 2, 4]
    assert next(attempts.steps(500)) == 4


@pytest.mark.parametrize(
    "error", [ManagerSocketError("lost"), DOWN, ManagerError("Asterisk is shutting down"), Error("of some kind")]
)
def test_what_will_pass_is_tried_again(error):
    steps = retries(initial=1, jitter=0).steps(0)
    assert next(steps) == 1
    assert steps.send(error) == 2


@pytest.mark.parametrize("error", [ManagerAuthError("Authentication failed"), ValueError("a mistake")])
def test_where_another_attempt_cannot_help_there_is_none(error):
    steps = retries().steps(0)
    next(steps)
    with pytest.raises(type(error)) as caught:
        steps.send(error)
    assert caught.value is error
