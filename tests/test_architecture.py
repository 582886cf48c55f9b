"""Who may import whom. The table is the layering that docs/architecture.md draws."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# How an action, an event and an aggregate are declared: what every family may use.
DECLARING = {"errors", "wire", "message", "headers", "enums", "catalogue", "snapshots", "request"}
FAMILIES = {
    "agents", "agi", "aoc", "app_confbridge", "app_confbridge_events", "app_meetme", "app_meetme_events", "bridges",
    "cdr", "config", "core", "core_events", "dahdi", "dahdi_events", "database", "fax", "iax", "login", "monitors",
    "parking", "pjsip", "pjsip_events", "queues", "rtp", "security", "sip", "skinny", "states", "system", "voicemail",
}  # fmt: skip
# What a session gives, and what both drivers share.
SESSION = {"errors", "wire", "message", "catalogue", "headers", "request", "secrets", "outcomes"}
CLIENT = SESSION | {"enums", "backlog", "callbacks", "connecting", "originate", "reconnect", "session", "subscription"}
# Each module of `ami` and what it may import of the package. What is not named here may import nothing.
AMI = {
    "errors": set(),
    "wire": {"errors"},
    "message": {"wire", "secrets"},
    "secrets": {"wire"},
    "headers": set(),
    "enums": set(),
    "catalogue": {"wire", "message", "headers"},
    "snapshots": {"catalogue", "enums", "headers"},
    "request": {"wire", "message", "headers", "catalogue", "secrets"},
    "outcomes": {"message", "headers", "catalogue", "request"},
    "session": SESSION,
    "generic_transforms": set(),
    **dict.fromkeys(FAMILIES, DECLARING | FAMILIES),
    "login": DECLARING | {"outcomes"},
    "callbacks": {"catalogue", "outcomes"},
    "backlog": {"outcomes"},
    "subscription": {"errors", "catalogue", "outcomes", "backlog"},
    "reconnect": {"errors"},
    "originate": {"errors", "enums", "headers", "catalogue", "request", "outcomes"},
    "connecting": {"errors", "wire"},
    "client": CLIENT | {"login"},
    "runtime": {"errors", "connecting"},
    "connection": SESSION | {"backlog", "client", "session", "runtime", "manager"},  # manager: for its type alone
    "streams": CLIENT | {"connection", "runtime", "manager"},
    "manager": CLIENT | {"client", "login", "runtime", "connection", "streams"},
    "aio": {"aio.connection", "aio.manager", "aio.streams"},
    "aio.connection": SESSION | {"backlog", "client", "session", "aio.manager"},
    "aio.streams": CLIENT | {"aio.manager"},
    "aio.manager": CLIENT | {"client", "login", "runtime", "aio.connection", "aio.streams"},
    "ami": DECLARING | FAMILIES | {"outcomes", "session", "connection", "manager"},
    "__init__": DECLARING | FAMILIES | {
        "aio", "generic_transforms", "manager", "originate", "outcomes", "reconnect", "streams",
    },
}  # fmt: skip
DRIVERS = {"runtime", "manager", "connection", "streams", "aio", "aio.connection", "aio.streams", "aio.manager"}

# What `amisim` may import of `ami`: how bytes, messages and the catalogue work, never a client.
OF_AMI = {"wire", "message", "catalogue", "errors", "session", "core", "core_events", "secrets"}
# What makes up messages for tests needs to know what is declared, too.
OF_STRATEGIES = {"headers", "request", "iax"}

WITH_IO = {
    "against", "cli", "cli_recordings", "cli_serving", "connection", "demo", "listening", "proxy", "recorder",
    "relay", "runtime", "server", "tls", "view",
}  # fmt: skip
IN_A_RUNTIME = {"runtime", "server", "world.world"}
WITH_FILES = {"arguments", "recording", "importer", "library", "scenario", "settings", "stored"}
OF_A_CLIENT = {"cli", "cli_serving", "demo", "testing"}
OF_TESTS = {"failure", "leftovers", "testing"}

NO_IO = {"socket", "ssl", "select", "selectors", "asyncio", "threading", "time", "random", "subprocess", "signal", "os"}


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules a file imports, wherever in it, as dotted names; `from a import b` counts as `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@cache
def modules(package: str) -> dict[str, Path]:
    """The modules of a package by their dotted names in it; a package in it has the name of its folder."""
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT / package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def own(names: frozenset[str], package: str) -> set[str]:
    """Of imported names, the modules of a package."""
    known = modules(package)
    found = set()
    for name in names:
        parts = name.split(".")
        inner = [".".join(parts[1:end]) for end in range(len(parts), 1, -1) if parts[0] == package]
        found |= {next((each for each in inner if each in known), "")} - {""}
    return found


def top(names: frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_ami_is_layered():
    for module, path in modules("ami").items():
        assert own(imports(path), "ami") <= AMI.get(module, set()), module


def test_ami_needs_the_standard_library_only():
    for module, path in modules("ami").items():
        assert top(imports(path)) - {"ami"} <= sys.stdlib_module_names, module


def test_the_rules_of_ami_are_free_of_io_time_and_chance():
    for module in set(AMI) - DRIVERS - {"connecting"}:
        assert not top(imports(modules("ami")[module])) & NO_IO, module


@pytest.mark.parametrize("module", ["manager", "connection", "streams"])
def test_the_threaded_driver_gets_its_primitives_from_the_runtime(module):
    assert not (top(imports(modules("ami")[module])) - {"ssl"}) & NO_IO  # ssl: for a type alone


@pytest.mark.parametrize("module", ["aio", "aio.connection", "aio.streams", "aio.manager"])
def test_the_asyncio_driver_does_not_use_threads(module):
    assert not (top(imports(modules("ami")[module])) - {"ssl", "asyncio"}) & NO_IO


def test_making_an_error_of_an_address_does_no_io():
    assert top(imports(modules("ami")["connecting"])) & NO_IO == {"os", "socket", "ssl"}  # for their names of errors


def test_amisim_uses_no_client():
    for module in modules("amisim").keys() - OF_A_CLIENT:
        used = imports(modules("amisim")[module])
        more = {"runtime"} if module in IN_A_RUNTIME else OF_STRATEGIES if module.startswith("strategies") else set()
        assert own(used, "ami") <= OF_AMI | more, module
        assert not used & {"ami.Manager", "ami"}, module


def test_what_amisim_knows_is_free_of_io_time_and_chance():
    for module in modules("amisim").keys() - WITH_IO - WITH_FILES - OF_TESTS:
        if not module.startswith("world."):
            assert not top(imports(modules("amisim")[module])) & NO_IO, module


def test_nothing_but_commands_needs_a_world_of_virtual_time():
    for module in modules("amisim").keys() - {"__init__"} - OF_A_CLIENT - OF_TESTS:
        if not module.startswith("world"):
            used = own(imports(modules("amisim")[module]), "amisim")
            assert not {name for name in used if name.startswith("world")}, module


def test_faults_know_frames_steps_and_causes_and_no_server():
    for module, path in modules("amisim").items():
        if module.startswith("faults."):
            used = {name for name in own(imports(path), "amisim") if not name.startswith("faults")}
            assert used <= {"action", "causes", "steps"}, module


def test_hypothesis_is_for_strategies_alone_and_they_are_loaded_by_nothing():
    for module, path in modules("amisim").items():
        used = imports(path)
        if module.startswith("strategies"):
            assert "hypothesis" in top(used), module
        else:
            assert "hypothesis" not in top(used), module
            assert not {name for name in own(used, "amisim") if name.startswith("strategies")}, module


def test_the_pytest_plugin_imports_nothing_of_amikit_at_the_start():
    tree = ast.parse((ROOT / "pytest_plugin" / "pytest_amisim" / "plugin.py").read_text())
    at_start = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}  # fmt: skip
    assert at_start == {"__future__", "collections.abc", "contextlib", "inspect", "typing", "pytest"}


def test_nothing_in_the_product_sleeps():
    for package in ("ami", "amisim", "pytest_plugin/pytest_amisim"):
        for path in (ROOT / package).glob("*.py"):
            assert "time.sleep" not in path.read_text(), path
