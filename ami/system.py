"""Asterisk itself: its start and end, settings and status, modules, logs, and caches of configuration objects."""

from ami.catalogue import Event
from ami.enums import ReloadResult
from ami.headers import Bool, Code, Int, Text
from ami.request import Action

__all__ = [
    "CoreSettings", "CoreStatus", "DeadlockStart", "FullyBooted", "Load", "LogChannel", "LoggerRotate", "ModuleCheck",
    "ModuleLoad", "Reload", "ReloadEvent", "Shutdown", "SorceryMemoryCacheExpire", "SorceryMemoryCacheExpireObject",
    "SorceryMemoryCachePopulate", "SorceryMemoryCacheStale", "SorceryMemoryCacheStaleObject", "TestEvent", "Unload",
]  # fmt: skip

# Start and end


class FullyBooted(Event):
    """Asterisk has started; sent after a login, too, to users who may read the class `system`.

    `uptime` and `last_reload` are in seconds; Asterisk before 14.7 does not say them.
    """

    status = Text()
    uptime = Int()
    last_reload = Int()


class Shutdown(Event):
    """Asterisk is going down; `shutdown` is `Cleanly` or `Uncleanly`."""

    shutdown = Text()
    restart = Bool("True", process=False)


class DeadlockStart(Event):
    """Asterisk noticed that it cannot get a lock, and may hang. Asterisk 22 has it, 16 has not."""

    mutex = Text()


# Settings and status


class CoreSettings(Action):
    """Ask for settings of Asterisk, among them its version; they are the result's items."""


class CoreStatus(Action):
    """Ask when Asterisk was started and reloaded, and how many calls there are; that is in the result's items."""


# Modules


class Load(Event):
    """A module was loaded, or was tried to: `status` is `Success`, `Decline`, `Failure` …."""

    module = Text()
    status = Text()


class Unload(Event):
    """A module was unloaded."""

    module = Text()
    status = Text()


class ReloadEvent(Event, name="Reload"):
    """A module was reloaded; `All` is all of them."""

    module = Text()
    status = Code(ReloadResult)


class Reload(Action):
    """Have Asterisk read its configuration again: that of one module, or of all."""

    module: str | None = None


class ModuleLoad(Action):
    """Load, unload, reload or refresh a module, as `load_type` says; without a module, reload all.

    `recursive` has the modules that need it unloaded, or refreshed, too. Asterisk 16 knows neither it nor `refresh`.
    """

    load_type: str
    module: str | None = None
    recursive: bool | None = None


class ModuleCheck(Action):
    """Ask whether a module is loaded; it is an error if not."""

    module: str


# Logs


class LogChannel(Event):
    """A destination of the log was opened again or, where `enabled` is false, given up, for `reason`."""

    channel = Text()
    enabled = Bool("Yes")
    reason = Text()


class LoggerRotate(Action):
    """Have Asterisk begin new log files."""


class TestEvent(Event):
    """A mark for Asterisk's own tests, from a build that has them; its other headers depend on `state`.

    In a mark about a state of something, a second header `State` may tell that; `get_all("State")` has both.
    """

    __test__ = False  # no test of pytest's

    type = Text()
    state = Text()
    app_file = Text()
    app_function = Text()
    app_line = Int()


# Caches of configuration objects


class SorceryMemoryCacheExpire(Action):
    """Empty a cache of configuration objects."""

    cache: str


class SorceryMemoryCacheExpireObject(Action):
    """Drop one object of a cache."""

    cache: str
    object: str


class SorceryMemoryCachePopulate(Action):
    """Fill a cache that holds all objects of its backend anew."""

    cache: str


class SorceryMemoryCacheStale(Action):
    """Mark all objects of a cache as old, to be read again when they are next asked for."""

    cache: str


class SorceryMemoryCacheStaleObject(Action):
    """Mark one object of a cache as old; with `reload`, read it again at once."""

    cache: str
    object: str
    reload: bool | None = None
