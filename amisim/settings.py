"""A project's settings: the table `[tool.amikit]` in its `pyproject.toml`.

[tool.amikit]
time = "virtual"
patch = ["wallboard", "pystrix"]
recordings = "tests/recordings"
redact = ["numbers", "names", "addresses", "emails", "header:X-Customer", "regex:account=(\\d+)"]
match = ["ignore Originate Timeout", "rebind UserEvent OrderId"]
unexpected = "error"
"""

import difflib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from amisim.replay import Unexpected

__all__ = ["Settings", "SettingsError", "find", "load"]


class SettingsError(Exception):
    """The settings are wrong; the text names the file, the key, and what would be right."""


class Settings(NamedTuple):
    """What a project has chosen."""

    path: Path | None = None
    """The file that they are from, if there is one."""

    time: str = "virtual"
    """How time passes in tests; see `amisim.World`."""

    patch: tuple[str, ...] = ()
    """The modules that live in the world of each test."""

    recordings: str = "recordings"
    """The folder, relative to the file, in which the fixture `ami_recording` keeps what it records."""

    redact: tuple[str, ...] = ()
    """What is replaced in recordings besides secrets; see `amisim.personal`."""

    match: tuple[str, ...] = ()
    """What counts when an action is compared with recorded ones; see `amisim.significant`."""

    unexpected: "Unexpected | None" = None
    """What becomes of an action that was not recorded, if it is said; see `amisim.Server`."""

    @property
    def folder(self) -> Path:
        """Where `recordings` is."""
        return (self.path.parent if self.path is not None else Path.cwd()) / self.recordings


def find(start: Path) -> Path | None:
    """The nearest `pyproject.toml` with settings, from a folder upwards."""
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file() and "amikit" in _read(path).get("tool", {}):
            return path
    return None


def load(start: Path | None = None) -> Settings:
    """The settings that hold in a folder (by default the current one). Raises `SettingsError`."""
    path = find(Path(start or Path.cwd()).resolve())
    if path is None:
        return Settings()
    table = _read(path)["tool"]["amikit"]
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: tool.amikit is {table!r}, and no table")
    values = {}
    for key, value in table.items():
        if key not in _KINDS:
            near = difflib.get_close_matches(key, _KINDS, 1) or [", ".join(_KINDS)]
            raise SettingsError(f"{path}: tool.amikit has {key!r}, which is no setting; did you mean {near[0]}?")
        try:
            values[key] = _KINDS[key](value)
        except ValueError as error:
            raise SettingsError(f"{path}: tool.amikit.{key} is {value!r}, and not {error}") from None
    return Settings(path, **values)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # both of decoding and of TOML
        raise SettingsError(f"{path}: {error}") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ValueError("a list of texts")
    return tuple(value)


def _rules(value: object) -> tuple[str, ...]:
    from amisim import personal  # here, as most who look for settings do not record

    return _checked(_texts(value), lambda rules: [personal.parse(rule) for rule in rules])


def _matching(value: object) -> tuple[str, ...]:
    from amisim.significant import Rules

    return _checked(_texts(value), Rules)


def _checked(rules: tuple[str, ...], read: Callable[[tuple[str, ...]], object]) -> tuple[str, ...]:
    try:
        read(rules)
    except ValueError as error:
        raise ValueError(f"a list of rules: {error}") from None
    return rules


def _unexpected(value: object) -> str:
    from amisim.replay import UNEXPECTED

    if value not in UNEXPECTED:
        raise ValueError(f"one of {', '.join(UNEXPECTED)}")
    return str(value)


_KINDS: dict[str, Callable[[object], Any]] = {
    "time": _text,
    "patch": _texts,
    "recordings": _text,
    "redact": _rules,
    "match": _matching,
    "unexpected": _unexpected,
}
