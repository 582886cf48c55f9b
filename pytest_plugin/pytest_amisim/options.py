"""What a test has chosen: the marks, the command line, and the project's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from amisim.settings import Settings

__all__ = ["MARK", "mistake", "options_of", "settings_of"]

_SETTINGS = pytest.StashKey[Any]()

MARK = (
    "ami(recording=, speed=0, hold=True, scenario=, faults=(), version='22', username='admin', secret='secret', "
    "users=, limits=, seed=0, tls=False, match=(), unexpected='error', time='virtual', limit=86400, start=, "
    "utc_offset=0, patience=0.7, patch=(), leaves=()): what the server of the fixture ami_server is, as amisim.Server "
    "has it, the world that it lives in, as amisim.World, and what may be left in it; marks of module, class and test "
    "are merged"
)


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


def options_of(item: Any) -> dict[str, Any]:
    """The arguments of the marks, where the closest mark wins, and what the command line and the settings say.

    An argument that is none makes the test fail.
    """
    from amisim.testing import merged

    said: list[dict[str, Any]] = [{"seed": item.config.getoption("--ami-seed")}]
    if time := item.config.getoption("--ami-time"):
        said.append({"time": time})
    for mark in reversed(list(item.iter_markers("ami"))):
        if mark.args:
            raise mistake("the mark ami takes its arguments by name, such as recording='queue-call'")
        said.append(mark.kwargs)
    try:
        return merged(settings_of(item.config), *said)
    except TypeError as error:
        raise mistake(f"the mark ami has {error}") from None
