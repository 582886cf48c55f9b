"""The pages about worlds are those that the programs write, and what the programs live through is what it should be."""

import importlib
import re
from pathlib import Path

import pytest

from amisim import World, faults

ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite(monkeypatch):
    """Gives a module of the benchmarks."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return lambda name: importlib.import_module(f"suite.worlds.{name}")


def page(name):
    return (ROOT / "docs" / f"{name}.md").read_text()


def test_the_page_of_defects_has_each_with_what_is_seen(suite):
    defects = suite("defects").DEFECTS
    rows = re.findall(
        r"^\| (.+) \| `(\w+)` \| (.+) \| (.+) \| `World\(.+\)` \| \d+ of 100 \| [a-z ]+ \|$",
        page("defects-of-others"),
        re.M,
    )
    assert rows == [(each.title, each.scenario.__name__, each.wrong, each.ami) for each in defects]
    for each in defects:
        assert f"| `{each.scenario.__name__}` | {each.scenario.__doc__} |" in page("defects-of-others")


def test_ami_has_none_of_the_defects(suite):
    defects = suite("defects")
    for each in defects.DEFECTS:
        with World(3, faults=each.faults) as world:
            assert defects.look(each, "ami", world) == each.ami, each.title


def test_a_night_is_without_problems_and_the_same_again(suite):
    night = suite("night")
    found, again = night.live_through(12), night.live_through(12)
    assert (found.problems, again) == ([], found)
    assert found.begun == found.ends.total() > 100
    assert found.hits.total() > 100


def test_a_night_tells_of_an_action_that_takes_too_long(suite, monkeypatch):
    night = suite("night")
    monkeypatch.setattr(night, "_IN_TIME", -0.4)
    assert any(" took " in each for each in night.live_through(12).problems)


def test_a_night_tells_of_what_is_left(suite, monkeypatch):
    night = suite("night")
    with World() as world:
        found = night.Night(0)
        night._listen_for_dropped(world, found)
        night._look_for_leaks(world, found)
        assert found.problems == []
        world.modules["socket"].socket()
        kept = world.modules["socket"].socket()
        world.modules["threading"].Thread(target=world.sleep, args=(1,), name="slow", daemon=True).start()
        night._look_for_leaks(world, found)
        assert [each.split(":")[0] for each in found.problems] == [
            "a socket was dropped",
            "threads are left",
            "sockets are left",
        ]
        kept.close()


def test_faults_of_nights_are_such_and_all_kinds_are_on_the_page(suite):
    plans = [suite("night").plan(seed) for seed in range(200)]
    kinds = {faults.parse(each).kind.name for plan in plans for each in plan}
    assert kinds == set(faults.KINDS)
    assert set(re.findall(r"^\| `(\w+)` \| [\d,]+ \|$", page("night"), re.M)) >= kinds
    assert "| problems | 0 |" in page("night")


def test_the_long_story_is_the_same_with_the_same_seed_alone(suite, monkeypatch):
    mixed = suite("mixed")
    monkeypatch.setattr(mixed, "LENGTH", 20)
    assert mixed.tell(1) == mixed.tell(1) != mixed.tell(2)


@pytest.mark.parametrize("key", ["ami-threads", "ami-asyncio"])
def test_a_time_out_is_the_same_each_time(suite, key):
    clients = suite("clients")
    found = clients.measure(clients.CLIENTS[key], 3)
    assert (found.seconds, found.deviations) == (5.0, 0)
    assert found.others > 1


def test_another_outcome_is_a_deviation_or_an_error(suite, monkeypatch):
    clients = suite("clients")
    client = clients.CLIENTS["ami-threads"]
    taken = iter(range(100))
    real = clients.live
    monkeypatch.setattr(clients, "live", lambda client, seed: real(client, seed)._replace(digest=str(next(taken))))
    assert clients.measure(client, 3).deviations == 3
    with pytest.raises(RuntimeError, match=r"'Pong', .* and not None after 5 s"):
        clients.measure(client._replace(run=lambda world: ("Pong", 5.0)), 1)


def test_the_page_of_worlds_has_each_client_and_no_bar_is_missed(suite):
    for client in suite("clients").CLIENTS.values():
        assert f"| {client.title} | " in page("world-benchmarks")
    assert "**no**" not in page("world-benchmarks")
