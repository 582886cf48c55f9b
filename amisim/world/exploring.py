"""Many worlds for one test: `explore` looks for one in which it fails, and makes that as simple as it can."""

import importlib
import importlib.util
import os
import random
import sys
import traceback
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from amisim.faults import Fault
from amisim.faults.plan import parsed
from amisim.scenario import FORMAT, Scenario, ScenarioError, load
from amisim.world.world import World

__all__ = ["again", "explore"]

_Item = TypeVar("_Item")

_TRIES = 300
"""How often a test is run to make its failure simpler."""

Test = Callable[[World], object]


class _Case(NamedTuple):
    """What a world depends on."""

    seed: int
    faults: tuple[Fault, ...]
    switches: Mapping[int, int] | None


def explore(
    test: Test,
    seeds: int | Iterable[int] = 100,
    *,
    faults: Sequence[Fault | str] = (),
    save: str | Path | None = None,
    **options: Any,
) -> None:
    """Call `test(world)` in a world for each seed: `explore(test, seeds=range(1000), faults=["orphan", "cut 40"])`.

    `seeds` is how many, or which. In each world some of `faults` are at work, drawn by its seed; `world.server()` has
    them. `options` are those of `World`. If the test fails, it is tried again and again with fewer faults, and with
    fewer threads that have their turn out of order, as long as it fails in the same way. The last failure is raised,
    with a note that says what is needed for it; `save` names a file to which that is written, as a scenario that
    `again` and the command `amisim replay` run; if it cannot be written, the note says why. A coroutine that the test
    returns, as an `async def` does, is run in the world; anything else that can be awaited is awaited there.

    Raises `TypeError` or `ValueError` for seeds that are none, or if there is not one, and `TypeError` for a test that
    is a generator.
    """
    known = parsed(faults)
    for seed in _each(seeds):
        chance = random.Random(f"explore {seed}")
        case = _Case(seed, tuple(each for each in known if chance.random() < 0.5), None)
        error, switches = _run(test, case, options)
        if error is not None:
            case, error = _simpler(test, case._replace(switches=switches), error, options)
            error.add_note(_note(case) + ("" if save is None else _saved(save, test, case, error)))
            raise error


def again(path: str | Path, test: Test | None = None, **options: Any) -> None:
    """Run what `explore` saved; `test` is to be given if it is not one that can be imported.

    `options` are those of `World` that `explore` was given.

    Raises what it raised, if it still fails. Raises `ScenarioError` if the file is none of these.
    """
    said = load(path)
    if test is None:
        test = _test(said)
    error, _ = _run(test, _Case(said.seed or 0, said.faults, said.switches), options)
    if error is not None:
        raise error


def _each(seeds: int | Iterable[int]) -> Iterator[int]:
    """The seeds, one by one. Raises an error for the first that is none, and if there is not one."""
    wanted = "say how many, as in seeds=100, or which, as in seeds=[3, 5]"
    if not isinstance(seeds, Iterable):
        if not isinstance(seeds, int):
            raise TypeError(f"seeds {seeds!r} are no number: {wanted}")
        seeds = range(seeds)
    seed = None
    for seed in seeds:
        if not isinstance(seed, int):
            raise TypeError(f"the seed {seed!r} is no number: {wanted}")
        yield seed
    if seed is None:
        raise ValueError(f"no seed, so that nothing would be run: {wanted}")


def _test(said: Scenario) -> Test:
    module, _, names = said.test.rpartition(":")
    if not module or not names:
        raise ScenarioError(said.path, 0, "no 'test: module:function', which says what is to be run again")
    try:
        found: Any = _script(module) if module.endswith(".py") else _module(module, said)
        found = attrgetter(names)(found)
    except (ImportError, AttributeError, OSError) as error:
        advice = "; say where it is, as in PYTHONPATH=src" if isinstance(error, ModuleNotFoundError) else ""
        raise ScenarioError(said.path, 0, f"test {said.test!r} cannot be had: {error}{advice}") from error
    return found  # type: ignore[no-any-return]


def _module(name: str, said: Scenario) -> ModuleType:
    """The module of that name; if there is none, the one in the file that is said, imported as pytest does it."""
    file = Path(said.path).resolve().parent / said.file
    is_known = bool(said.file) and file.exists()
    try:
        found = importlib.import_module(name)
    except ModuleNotFoundError:
        if not is_known:
            raise
    else:
        if is_known and not file.samefile(found.__file__ or os.devnull):
            raise ImportError(f"{name} is {found.__file__} here, and was {file.resolve()}: it is in the way")
        return found
    folder = file.parent if file.name == "__init__.py" else file
    sys.path.insert(0, os.path.normpath(folder.parents[name.count(".")]))
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _script(path: str) -> ModuleType:
    """A script as a module: what it does under `if __name__ == "__main__":` is not done."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _run(test: Test, case: _Case, options: dict[str, Any]) -> tuple[BaseException | None, dict[int, int]]:
    """How a test ends in a world, and the switches that there were."""
    world = World(case.seed, faults=case.faults, switches=case.switches, **options)
    result: object = None
    try:
        with world:
            result = test(world)
            if isinstance(result, Awaitable):
                world.run(result if isinstance(result, Coroutine) else _wait_for(result))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # such as pytest's failures
        return error, world.switches
    if isinstance(result, Generator | AsyncGenerator):
        raise TypeError(f"the test {test!r} is a generator, of which nothing would be run: it must not yield")
    return None, {}


async def _wait_for(result: Awaitable[object]) -> None:
    await result


def _simpler(test: Test, case: _Case, error: BaseException, options: dict[str, Any]) -> tuple[_Case, BaseException]:
    """The simplest case that is found in which a test fails in the same way."""
    kind = _kind(error)
    tries = _TRIES
    best = case, error

    def fails(case: _Case) -> bool:
        nonlocal tries, best
        if tries <= 0:
            return False
        tries -= 1
        error, _ = _run(test, case, options)
        if error is None or _kind(error) != kind:
            return False
        best = case, error
        return True

    if not fails(case):  # it needs more than its choices, such as what was there before
        return case._replace(switches=None), error
    faults = _fewest(case.faults, lambda few: fails(case._replace(faults=tuple(few))))
    case = case._replace(faults=tuple(faults))
    _fewest(list((case.switches or {}).items()), lambda few: fails(case._replace(switches=dict(few))))
    return best


def _kind(error: BaseException) -> tuple[type, str]:
    """What makes two failures the same: the error, and the function that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    return type(error), frames[-1].name if frames else ""


def _fewest(items: Sequence[_Item], fails: Callable[[list[_Item]], bool]) -> list[_Item]:
    """As few of some items as it fails with: halves, quarters … are left out, as long as it still does."""
    left = list(items)
    size = len(left)
    while size:
        start = 0
        while start < len(left):
            fewer = left[:start] + left[start + size :]
            if fails(fewer):
                left = fewer
            else:
                start += size
        size //= 2
    return left


def _note(case: _Case) -> str:
    switches = f", switches={dict(case.switches)}" if case.switches is not None else ""
    faults = f", faults={[str(each) for each in case.faults]}" if case.faults else ""
    return f"in World({case.seed}{switches}{faults})"


def _saved(path: str | Path, test: Test, case: _Case, error: BaseException) -> str:
    """Write it; say what has come of that."""
    name = _name(test)
    try:
        Path(path).write_text(_scenario(name, _file(name, path), case, error), encoding="utf-8")
    except OSError as problem:
        return f"; not saved in {path}: {problem.strerror or problem}"
    # Nothing else knows a test without a name.
    return f"; saved in {path}: " + (f"amisim replay {path}" if name else f"amisim.again({str(path)!r}, the test)")


def _name(test: Test) -> str:
    """By what `again` finds a test; empty if that would find another one or none, as for a method of some object."""
    module, names = getattr(test, "__module__", ""), getattr(test, "__qualname__", "")
    try:
        if attrgetter(names)(sys.modules[module]) != test:
            return ""
    except (KeyError, AttributeError):
        return ""
    if module == "__main__":  # which is another one then
        main = sys.modules[module]
        module = main.__spec__.name if main.__spec__ is not None else getattr(main, "__file__", None) or ""
    return f"{module}:{names}" if module else ""


def _file(name: str, path: str | Path) -> str:
    """Where the module of a test is, as the folder of the scenario has it; empty if there is no such way."""
    found = getattr(sys.modules.get(name.partition(":")[0]), "__file__", None)
    try:
        return Path(os.path.relpath(Path(found).resolve(), Path(path).resolve().parent)).as_posix() if found else ""
    except ValueError:  # on another drive
        return ""


def _scenario(name: str, file: str, case: _Case, error: BaseException) -> str:
    import yaml

    said = {
        "amisim": int(FORMAT),
        "description": f"found by explore: {type(error).__name__}: {str(error).partition(chr(10))[0]}",
        "test": name,
        "file": file,
        "seed": case.seed,
        "faults": [str(each) for each in case.faults],
        "switches": dict(case.switches) if case.switches is not None else None,
    }
    return yaml.safe_dump(
        {key: value for key, value in said.items() if value is not None and value != ""},
        sort_keys=False,
        allow_unicode=True,
    )
