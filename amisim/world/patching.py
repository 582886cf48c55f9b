"""Other people's modules use those of a world, while they are patched."""

import functools
import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from amisim.world.errors import WorldError

__all__ = ["is_patched", "patched"]

_now_patched: set[str] = set()
_in_force: list["_Pairs"] = []

_Pairs = list[tuple[Any, Any]]
"""Real things, and what each is in a world."""

_WITHIN: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((FunctionType, staticmethod, classmethod, type(functools.cache(print))), ("__wrapped__",)),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
    functools.singledispatchmethod: ("func",),
}
"""Under what names these have functions that they are made of."""


@contextmanager
def patched(names: Sequence[str], modules: Mapping[str, Any], others: Iterable[tuple[Any, Any]]) -> Iterator[None]:
    """Let other people's modules use those of a world, under whatever names they know them.

    That is the modules themselves, and what was imported from them: as a global name, a default of an argument, an
    attribute or a base of a class; `others` are what else is to be replaced, and by what. What a module made before,
    such as a lock at its top level, it keeps.
    """
    pairs = [*_pairs(modules), *others]
    patching = _Patching(_meanings(pairs))
    _in_force.append(pairs)
    try:
        for name in names:
            _import(name)
        within = tuple(f"{name}." for name in names)
        found = {name: each for name, each in list(sys.modules.items()) if name in names or name.startswith(within)}
        patching.patch({name: each for name, each in found.items() if issubclass(type(each), ModuleType)})
        yield
    finally:
        _in_force[:] = [each for each in _in_force if each is not pairs]
        patching.undo()


def is_patched(name: str) -> bool:
    """Whether a module lives in some world now."""
    return name in _now_patched


def _pairs(modules: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    for name, module in modules.items():
        real = importlib.import_module(name)
        yield real, module
        for key, value in vars(real).items():
            ours = vars(module).get(key)
            if ours is not value and ours is not None and not key.startswith("_") and callable(value):
                yield value, ours


def _meanings(pairs: _Pairs) -> dict[int, Any]:
    """What stands for what, by its id: for real things, and for those of other worlds that stand for them now."""
    meanings = {id(real): ours for real, ours in pairs}
    for others in _in_force:
        for real, theirs in others:
            meanings.setdefault(id(theirs), meanings.get(id(real), real))
    return meanings


def _import(name: str) -> None:
    try:
        imported: object = importlib.import_module(name)
    except (ImportError, ValueError) as error:  # the latter for an empty name
        raise WorldError(f"cannot patch {name!r}: {error}") from error
    if not issubclass(type(imported), ModuleType):
        raise WorldError(f"cannot patch {name!r}: it is a {type(imported).__name__}, which has taken a module's place")


class _Patching:
    """What is replaced in modules, and how it was before; `meanings` say what stands for what, by its id."""

    def __init__(self, meanings: Mapping[int, Any]) -> None:
        self._meanings = meanings
        self._undo: list[Callable[[], object]] = []
        self._names: set[object] = set()  # of the modules that are patched
        self._globals: set[int] = set()  # the ids of theirs
        self._seen: set[int] = set()

    def undo(self) -> None:
        """Put everything back."""
        for restore in reversed(self._undo):
            restore()

    def patch(self, modules: Mapping[str, ModuleType]) -> None:
        """Replace what is the world's in modules, in their functions and in their classes."""
        for name in modules.keys() - _now_patched:
            _now_patched.add(name)
            self._undo.append(partial(_now_patched.discard, name))
        self._names = {vars(each).get("__name__") for each in modules.values()}
        self._globals = {id(vars(each)) for each in modules.values()}
        for module in modules.values():
            for name, value in list(vars(module).items()):
                if id(value) in self._meanings:
                    self._set(module, name, value, self._meanings[id(value)])
                else:
                    self._look_into(value)

    def _look_into(self, value: Any) -> None:
        """Replace it in a function or class of these modules."""
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if issubclass(type(value), type):  # a proxy may say it is anything
            if value.__module__ in self._names:
                self._patch_class(value)
        elif type(value) in _WITHIN:
            if type(value) is FunctionType and id(value.__globals__) in self._globals:
                self._patch_function(value)
            for name in _WITHIN[type(value)]:
                self._look_into(getattr(value, name, None))

    def _patch_class(self, kind: type) -> None:
        bases = tuple(self._meanings.get(id(base), base) for base in kind.__bases__)
        if bases != kind.__bases__:
            try:
                self._set(kind, "__bases__", kind.__bases__, bases)
            except TypeError as error:
                raise WorldError(
                    f"cannot patch {kind.__module__}: the base of its class {kind.__name__} cannot be replaced by "
                    f"the world's ({error}); name only modules without such a class"
                ) from error
        if issubclass(kind, tuple) and "_field_defaults" in vars(kind):  # whose __new__ has names of its own
            self._patch_function(vars(kind)["__new__"].__func__)
        for name, value in list(vars(kind).items()):
            real = value.__func__ if type(value) is staticmethod else value
            if id(real) not in self._meanings:
                self._look_into(value)
                continue
            ours = self._meanings[id(real)]
            if real is not value or not hasattr(type(real), "__get__"):  # as what is written in C: it is no method
                ours = staticmethod(ours)
            try:
                self._set(kind, name, value, ours)
            except (AttributeError, TypeError) as error:
                raise WorldError(
                    f"cannot patch {kind.__module__}: {name} of its class {kind.__name__} cannot be replaced by the "
                    f"world's ({error}); name only modules without such a class"
                ) from error

    def _patch_function(self, function: FunctionType) -> None:
        """Replace it in defaults of arguments, and in what the function has from the one in which it was made."""
        meanings, defaults, named = self._meanings, function.__defaults__ or (), function.__kwdefaults__ or {}
        if not meanings.keys().isdisjoint(map(id, defaults)):
            self._set(function, "__defaults__", defaults, tuple(meanings.get(id(each), each) for each in defaults))
        if not meanings.keys().isdisjoint(map(id, named.values())):
            ours = {name: meanings.get(id(each), each) for name, each in named.items()}
            self._set(function, "__kwdefaults__", named, ours)
        for cell in function.__closure__ or ():
            try:
                value = cell.cell_contents
            except ValueError:  # it has none yet
                continue
            if id(value) in meanings:  # such as the default_factory of a dataclass
                self._set(cell, "cell_contents", value, meanings[id(value)])
            else:
                self._look_into(value)

    def _set(self, thing: object, name: str, before: object, value: object) -> None:
        setattr(thing, name, value)
        self._undo.append(partial(setattr, thing, name, before))
