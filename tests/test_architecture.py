"""Who may import whom. The table is the layering that docs/architecture.md draws."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FAMILIES = {
    "core", "core_events", "dahdi", "dahdi_events", "app_confbridge", "app_confbridge_events", "app_meetme",
    "app_meetme_events",
}  # fmt: skip
# Each module of `ami` and what it may import of the package. What is not named here may import nothing.
AMI = {
    "errors": set(),
    "wire": {"errors"},
    "message": {"wire"},
    "catalogue": {"wire", "message"},
    "session": {"errors", "wire", "message", "catalogue"},
    "core_events": {"catalogue"},
    "dahdi_events": {"catalogue"},
    "dahdi": {"catalogue", "dahdi_events"},
    "app_confbridge_events": {"catalogue", "core_events"},
    "app_confbridge": {"catalogue", "core_events", "app_confbridge_events"},
    "app_meetme_events": {"catalogue", "core_events"},
    "app_meetme": {"catalogue", "app_meetme_events"},
    "core": {"errors", "wire", "message", "catalogue", "session", "core_events"},
    "callbacks": {"message", "catalogue"},
    "runtime": {"errors"},
    "manager": {"errors", "wire", "catalogue", "core", "callbacks", "session", "runtime"},
    "ami": {"errors", "message", "catalogue", "session", "manager"},
    "__init__": {"errors", "message", "catalogue", "session", "manager"} | FAMILIES,
}

# What `amisim` may import of `ami`: how bytes, messages and the catalogue work, never a client.
OF_AMI = {"wire", "message", "catalogue", "errors", "session", "core", "core_events"}

WITH_IO = {"server", "recorder", "cli", "demo"}
WITH_FILES = {"recording", "importer", "library"}
OF_A_CLIENT = {"cli", "demo"}

NO_IO = {"socket", "ssl", "select", "selectors", "asyncio", "threading", "time", "random", "subprocess", "signal", "os"}


def imports(path: Path) -> set[str]:
    """The modules a file imports, wherever in it, as dotted names; `from a import b` counts as `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(package: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((ROOT / package).glob("*.py"))}


def own(names: set[str], package: str) -> set[str]:
    """Of imported names, the modules of a package."""
    known = modules(package)
    return {
        parts[1] for name in names if (parts := name.split("."))[0] == package and len(parts) > 1 and parts[1] in known
    }


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", modules("ami"))
def test_ami_is_layered(module):
    assert own(imports(modules("ami")[module]), "ami") <= AMI.get(module, set())


@pytest.mark.parametrize("module", modules("ami"))
def test_ami_needs_the_standard_library_only(module):
    import sys

    assert top(imports(modules("ami")[module])) - {"ami"} <= sys.stdlib_module_names


@pytest.mark.parametrize("module", set(AMI) - {"runtime", "manager"})
def test_the_rules_of_ami_are_free_of_io_time_and_chance(module):
    assert not top(imports(modules("ami")[module])) & NO_IO


def test_the_threaded_driver_gets_its_primitives_from_the_runtime():
    assert not top(imports(ROOT / "ami" / "manager.py")) & NO_IO


@pytest.mark.parametrize("module", modules("amisim"))
def test_amisim_uses_no_client(module):
    used = imports(modules("amisim")[module])
    if module not in OF_A_CLIENT:
        assert own(used, "ami") <= OF_AMI
        assert not used & {"ami.Manager", "ami"}


@pytest.mark.parametrize("module", set(modules("amisim")) - WITH_IO - WITH_FILES)
def test_what_amisim_knows_is_free_of_io_time_and_chance(module):
    assert not top(imports(modules("amisim")[module])) & NO_IO


def test_the_pytest_plugin_imports_nothing_of_amikit_at_the_start():
    tree = ast.parse((ROOT / "pytest_plugin" / "pytest_amisim" / "plugin.py").read_text())
    at_start = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))}  # fmt: skip
    assert at_start == {"__future__", "difflib", "collections.abc", "typing", "pytest"}


def test_nothing_in_the_product_sleeps():
    for package in ("ami", "amisim", "pytest_plugin/pytest_amisim"):
        for path in (ROOT / package).glob("*.py"):
            assert "time.sleep" not in path.read_text(), path
