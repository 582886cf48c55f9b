"""What a test has chosen: the marks, the command line, and the project's settings."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from amisim.settings import Settings

__all__ = ["MARK", "OF_SERVER", "OF_WORLD", "Options", "mistake", "options_of", "settings_of"]

OF_SERVER = (
    "recording", "speed", "hold", "scenario", "faults", "version", "username", "secret", "users", "limits", "seed",
    "tls", "match", "unexpected",
)  # fmt: skip
OF_WORLD = ("time", "limit", "start", "utc_offset", "patience")
_KNOWN = (*OF_SERVER, *OF_WORLD, "patch")
_SETTINGS = pytest.StashKey[Any]()

MARK = (
    "ami(recording=, speed=0, hold=True, scenario=, faults=(), version='22', username='admin', secret='secret', "
    "users=, limits=, seed=0, tls=False, match=(), unexpected='error', time='virtual', limit=86400, start=, "
    "utc_offset=0, patience=0.7, patch=()): what the server of the fixture ami_server is, as amisim.Server has it, and "
    "the world that it lives in, as amisim.World; marks of module, class and test are merged"
)

Options = dict[str, Any]


def mistake(text: str) -> BaseException:
    """A failure that is said in one line."""
    return pytest.fail.Exception(text, pytrace=False)


def settings_of(config: pytest.Config) -> Settings:
    """The table `[tool.amikit]` of the project; what is wrong with it makes the test fail."""
    if _SETTINGS not in config.stash:
        from amisim.settings import SettingsError, load

        try:
            config.stash[_SETTINGS] = load(config.rootpath)
        except SettingsError as error:
            raise mistake(str(error)) from None
    settings: Settings = config.stash[_SETTINGS]
    return settings


def options_of(item: Any) -> Options:
    """The arguments of the marks, where the closest mark wins, and what the command line and the settings say.

    Recordings are replayed at once unless a mark says not to. An argument that is none makes the test fail.
    """
    config = item.config
    settings = settings_of(config)
    options: Options = {
        "speed": 0,
        "hold": True,
        "seed": config.getoption("--ami-seed"),
        "time": config.getoption("--ami-time") or settings.time,
        "patch": (),
        "match": (),
        "unexpected": settings.unexpected,
    }
    for mark in reversed(list(item.iter_markers("ami"))):
        if mark.args:
            raise mistake("the mark ami takes its arguments by name, such as recording='queue-call'")
        for name in mark.kwargs:
            if name not in _KNOWN:
                near = difflib.get_close_matches(name, _KNOWN, 1) or [" or ".join(_KNOWN)]
                raise mistake(f"the mark ami has no argument {name!r}; did you mean {near[0]}?")
        options |= mark.kwargs
    options["patch"] = (*settings.patch, *options["patch"])
    if not isinstance(options["match"], str):  # the server says that this is no list
        options["match"] = (*settings.match, *options["match"])
    return options
