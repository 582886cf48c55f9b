"""Functions and modules of the standard library that see other things under the names they use."""

import builtins
import importlib.util
from collections.abc import Mapping
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

__all__ = ["copied", "rebound"]


def rebound(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    """A function that sees other global names."""
    made = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def copied(name: str, replaced: Mapping[str, Any]) -> ModuleType:
    """A copy of a module of the standard library that uses other modules in place of some."""

    def import_(wanted: str, *details: Any) -> Any:
        return replaced.get(wanted) or builtins.__import__(wanted, *details)

    code = _code(name)
    made = ModuleType(name)
    vars(made)["__builtins__"] = {**vars(builtins), "__import__": import_}
    exec(code, vars(made))
    return made


@cache
def _code(name: str) -> CodeType:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return cast(Any, spec.loader).get_code(name)  # type: ignore[no-any-return]
