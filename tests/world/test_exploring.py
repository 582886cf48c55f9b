"""`explore` finds a world in which a test fails, makes it simple, and saves it; `amisim replay` runs that again."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml

from amisim import ScenarioError, World, again, explore
from amisim.scenario import load

from . import failing

HERE = Path(__file__).parent


def found(test, *args, **options):
    """How a test fails, and the note of that."""
    with pytest.raises((ArithmeticError, AttributeError, AssertionError, OSError, RuntimeError)) as caught:
        explore(test, *args, **options)
    (note,) = caught.value.__notes__
    return caught.value, note


def test_what_never_fails_is_run_with_each_seed():
    seeds = []
    explore(lambda world: seeds.append(world.seed), seeds=[3, 5])
    explore(lambda world: seeds.append(world.seed), seeds=2)
    assert seeds == [3, 5, 0, 1]


@pytest.mark.parametrize(
    ("seeds", "error", "said"),
    [
        (0, ValueError, "no seed, so that nothing would be run: say how many, as in seeds=100, or which"),
        (-1, ValueError, "no seed"),
        ([], ValueError, "no seed"),
        ((each for each in []), ValueError, "no seed"),
        ("ab", TypeError, "the seed 'a' is no number: say how many, as in seeds=100, or which, as in "),
        ([1.5], TypeError, "the seed 1.5 is no number"),
        (None, TypeError, "seeds None are no number: say how many"),
        (2.0, TypeError, "seeds 2.0 are no number"),
    ],
)
def test_seeds_that_are_none_are_refused(seeds, error, said):
    """A test that ran in no world would pass."""
    with pytest.raises(error, match=said):
        explore(failing.Suite.broken, seeds)


def test_a_coroutine_is_run_in_the_world(tmp_path):
    error, _ = found(failing.coroutine, save=tmp_path / "found.yaml")
    assert (type(error), error.args) == (ZeroDivisionError, (3600,))
    with pytest.raises(ZeroDivisionError):
        again(tmp_path / "found.yaml")


class Answer:
    """What some libraries' coroutine functions return."""

    def __await__(self):
        yield from asyncio.sleep(3600).__await__()
        raise KeyError("awaited")


def test_whatever_can_be_awaited_is():
    with pytest.raises(KeyError, match="awaited"):
        explore(lambda world: Answer(), seeds=1)


def generator(world):
    yield world


async def generator_of_loop(world):
    yield world


@pytest.mark.parametrize("test", [generator, generator_of_loop, partial(generator)])
def test_a_generator_is_refused(tmp_path, test):
    """Nothing of it would be run."""
    with pytest.raises(TypeError, match=r"the test .*generator.* is a generator, of which nothing would be run"):
        explore(test)
    path = tmp_path / "found.yaml"
    path.write_text("amisim: 1\nseed: 1\n")
    with pytest.raises(TypeError, match="it must not yield"):
        again(path, test)


def test_a_failure_that_needs_threads_out_of_order_needs_few_of_them_in_the_end():
    error, note = found(failing.lost_update)
    assert isinstance(error, AssertionError)
    seed, text = re.fullmatch(r"in World\((\d+), switches=(\{.+\})\)", note).groups()
    switches = yaml.safe_load(text)
    assert 0 < len(switches) < 4
    with pytest.raises(AssertionError), World(int(seed), switches=switches) as world:
        failing.lost_update(world)
    for each in switches:  # not one of them is too many
        fewer = {number: chosen for number, chosen in switches.items() if number != each}
        with World(int(seed), switches=fewer) as world:
            failing.lost_update(world)


def drawn(seeds, faults):
    """The faults of each world."""
    drawn = []
    explore(lambda world: drawn.append([str(each) for each in world.faults]), seeds, faults=faults)
    return drawn


def test_of_many_faults_those_are_left_that_it_takes():
    faults = ["delay 0.1 response *", "no_action_id response Ping", "split", "duplicate response *", "clock 3"]
    error, note = found(failing.unanswered, faults=[*faults, "unknown_action_id response *"])
    assert isinstance(error, AttributeError)
    assert re.search(r"faults=\['(no_action_id response Ping|unknown_action_id response \*)'\]", note)


def test_each_world_has_some_of_the_faults_by_its_seed():
    faults = ["split", "drop event *"]
    assert {len(each) for each in drawn(20, faults)} == {0, 1, 2}
    assert drawn(20, faults) == drawn(20, faults)


def test_another_failure_is_not_taken_for_a_simpler_one():
    def two_ways(world):
        if not world.faults:
            raise ValueError("without faults")
        if len(world.faults) < 3:
            raise KeyError("with few")
        raise RuntimeError("with many")

    faults = ["split", "split", "split", "split"]
    seed = [len(each) for each in drawn(100, faults)].index(4)
    error, note = found(two_ways, [seed], faults=faults)
    assert str(error) == "with many"
    assert note.count("split") == 3


def test_a_fault_that_is_none_is_said_before_anything_runs():
    with pytest.raises(ValueError, match="'orphan' is no fault"):
        explore(failing.sound, faults=["split", "orphan response Ping"])
    with pytest.raises(ValueError, match="'orphan' is no fault"):
        World(faults=["orphan response Ping"])


def test_what_fails_for_no_reason_of_the_world_is_raised_as_it_was():
    runs = []

    def once(world):
        runs.append(world)
        if len(runs) == 3:
            raise OSError("the first time")

    error, note = found(once)
    assert str(error) == "the first time"
    assert note == "in World(2)"


# Saved


def test_what_is_saved_is_a_scenario_that_fails_again(tmp_path):
    path = tmp_path / "found.yaml"
    _, note = found(failing.lost_update, save=path)
    assert note.endswith(f"; saved in {path}: amisim replay {path}")
    said = load(path)
    assert said.test == f"{failing.__name__}:lost_update"
    assert said.switches
    assert said.description.startswith("found by explore: AssertionError")
    with pytest.raises(AssertionError):
        again(path, failing.lost_update)


@pytest.mark.parametrize("name", ["nowhere/found.yaml", "."])
def test_what_cannot_be_saved_is_raised_as_it_is(tmp_path, name):
    error, note = found(lambda world: 1 / 0, save=tmp_path / name)
    assert isinstance(error, ZeroDivisionError)
    assert re.fullmatch(rf"in World\(0.*\); not saved in {tmp_path / name}: (No such file|Is a) .*", note)


def test_faults_are_saved_too(tmp_path):
    path = tmp_path / "found.yaml"
    found(failing.unanswered, faults=["no_action_id response Ping"], save=path)
    assert [str(each) for each in load(path).faults] == ["no_action_id response Ping"]
    with pytest.raises(AttributeError):
        again(path, failing.unanswered)


@pytest.mark.parametrize("name", ["broken", "of_class"])
def test_what_has_a_name_of_its_own_is_found_again(tmp_path, name):
    path = tmp_path / "found.yaml"
    with pytest.raises((KeyError, RuntimeError)):
        explore(getattr(failing.Suite, name), save=path)
    with pytest.raises((KeyError, RuntimeError), match="always"):
        again(path)


def test_a_method_of_an_object_is_not_found_by_its_name(tmp_path):
    path = tmp_path / "found.yaml"
    _, note = found(failing.Suite().of_object, save=path)
    assert note.endswith(f"; saved in {path}: amisim.again('{path}', the test)")
    with pytest.raises(ScenarioError, match="no 'test: module:function'"):
        again(path)
    with pytest.raises(RuntimeError, match="always"):
        again(path, failing.Suite().of_object)


def test_a_test_without_a_name_is_given_again(tmp_path):
    path = tmp_path / "found.yaml"
    found(lambda world: 1 / 0, save=path)
    assert "test" not in yaml.safe_load(path.read_text())
    with pytest.raises(ScenarioError, match=r"found\.yaml: no 'test: module:function'"):
        again(path)
    with pytest.raises(ZeroDivisionError):
        again(path, lambda world: 1 / 0)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nowhere.at_all:test", "No module named 'nowhere'; say where it is, as in PYTHONPATH=src"),
        ("json:nothing", "has no attribute 'nothing'"),
    ],
)
def test_a_test_that_is_not_there_any_more_is_said(tmp_path, name, problem):
    path = tmp_path / "found.yaml"
    path.write_text(f"amisim: 1\ntest: {name}\nseed: 1\n")
    with pytest.raises(ScenarioError, match=f"test '{name}' cannot be had: .*{problem}"):
        again(path)


def replay(path, cwd=HERE):
    """Run the command where the tests that it names can be imported."""
    return subprocess.run(
        [sys.executable, "-m", "amisim", "replay", path], cwd=cwd, capture_output=True, text=True, check=False
    )


SCRIPT = """
from amisim import explore

def broken(world):
    raise KeyError("in a script")

if __name__ == "__main__":
    explore(broken, save="found.yaml")
"""


@pytest.mark.parametrize("how", [["search.py"], ["-m", "search"]])
def test_what_a_script_has_saved_is_found_again(tmp_path, how):
    (tmp_path / "search.py").write_text(SCRIPT)
    path = os.pathsep.join([str(HERE.parents[1]), *sys.path])
    subprocess.run(
        [sys.executable, *how], cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=False
    )
    assert load(tmp_path / "found.yaml").test.rpartition("/")[2] in ("search.py:broken", "search:broken")
    ended = replay("found.yaml", tmp_path)
    assert (ended.returncode, "KeyError: 'in a script'" in ended.stderr) == (1, True)


SEARCH = """
import helping
from amisim import explore

def broken(world):
    raise KeyError(helping.WORD)

def test_search():
    explore(broken, save="f.yaml")
"""


@pytest.mark.parametrize("package", ["", "inner/deep"])
def test_what_a_test_in_a_folder_of_tests_has_saved_is_found_again(tmp_path, package):
    """As pytest has it by default: folders that are no packages are in `sys.path` while it runs, and not later."""
    folder = tmp_path / "tests" / package
    folder.mkdir(parents=True)
    for each in Path(package).parts and (folder, *folder.parents[: len(Path(package).parts) - 1]):
        (each / "__init__.py").touch()
    (tmp_path / "tests" / "helping.py").write_text("WORD = 'in tests'")
    (folder / "test_search.py").write_text(SEARCH)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *sys.path])}
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path, env=env, capture_output=True, check=False,
    )  # fmt: skip
    assert load(tmp_path / "f.yaml").file == (Path("tests") / package / "test_search.py").as_posix()
    ended = replay("f.yaml", tmp_path)
    assert (ended.returncode, "KeyError: 'in tests'" in ended.stderr) == (1, True)
    shutil.move(tmp_path / "tests", tmp_path / "moved")
    ended = replay("f.yaml", tmp_path)
    assert (ended.returncode, "No module named" in ended.stderr) == (2, True)


def test_a_script_that_is_gone_is_said(tmp_path):
    path = tmp_path / "found.yaml"
    path.write_text("amisim: 1\ntest: /nowhere/search.py:broken\nseed: 1\n")
    with pytest.raises(ScenarioError, match=r"test '/nowhere/search\.py:broken' cannot be had: .*No such file"):
        again(path)


def test_the_command_replay_runs_it_again(tmp_path):
    path = tmp_path / "found.yaml"
    path.write_text("amisim: 1\ntest: failing:Suite.broken\nseed: 1\nswitches: {3: 1}\n")
    ended = replay(path)
    assert ended.returncode == 1
    assert "KeyError: 'always'" in ended.stderr


def test_the_command_says_what_fails_no_more(tmp_path):
    path = tmp_path / "found.yaml"
    path.write_text("amisim: 1\ntest: failing:sound\nseed: 1\n")
    ended = replay(path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{path}: does not fail any more\n", "")


def test_a_scenario_that_is_no_test_is_not_replayed(tmp_path):
    path = tmp_path / "evening.yaml"
    path.write_text("amisim: 1\nrules: [{on: Ping, reply: [{response: Success}]}]\n")
    ended = replay(path)
    assert ended.returncode == 2
    assert "no 'test: module:function'" in ended.stderr


@pytest.mark.parametrize("switches", ["{x: 1}", "{1: 0}", "{1: x}", "[1]"])
def test_switches_that_are_none_are_refused(tmp_path, switches):
    path = tmp_path / "found.yaml"
    path.write_text(f"amisim: 1\nswitches: {switches}\n")
    with pytest.raises(ScenarioError, match="line 2"):
        load(path)


def test_another_module_of_that_name_is_not_taken_for_it(tmp_path):
    for name in ("mine", "others"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "search.py").write_text(SCRIPT)
    path = tmp_path / "mine" / "found.yaml"
    path.write_text("amisim: 1\ntest: search:broken\nfile: search.py\nseed: 1\n")
    assert replay(path, tmp_path / "mine").returncode == 1
    ended = replay(path, tmp_path / "others")
    assert ended.returncode == 2
    assert re.search(r"search is .*others.search\.py here, and was .*mine.search\.py: it is in the way", ended.stderr)
