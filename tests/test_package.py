"""What is in the wheel: the packages, the recordings, and nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """The wheel under test: the one that AMIKIT_WHEEL names, or one that is built now."""
    if named := os.environ.get("AMIKIT_WHEEL"):
        (path,) = Path(named).parent.glob(Path(named).name)
    else:
        folder = tmp_path_factory.mktemp("wheel")
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
        (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as opened:
        yield opened


def expected() -> set[str]:
    files = set()
    for folder, inside in (("ami", "ami"), ("amisim", "amisim"), ("pytest_plugin/pytest_amisim", "pytest_amisim")):
        for pattern in ("*.py", "*.schema.json", "*.pem", "py.typed"):
            files |= {f"{inside}/{path.relative_to(ROOT / folder)}" for path in (ROOT / folder).rglob(pattern)}
    files |= {f"amisim/{path.relative_to(ROOT)}" for path in (ROOT / "recordings").rglob("*") if path.is_file()}
    return files


def test_the_wheel_holds_the_packages_and_the_recordings(wheel):
    names = set(wheel.namelist())
    metadata = {name for name in names if ".dist-info/" in name}
    assert names - metadata == expected()
    assert {Path(name).name for name in metadata} == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "LICENSE"}


def test_the_packages_say_that_they_are_typed(wheel):
    assert {"ami/py.typed", "amisim/py.typed", "pytest_amisim/py.typed"} <= set(wheel.namelist())


def test_the_client_needs_nothing_else(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
    needs = [line for line in wheel.read(name).decode().splitlines() if line.startswith("Requires-Dist: ")]
    assert needs
    assert all("extra ==" in need for need in needs)


def test_the_command_and_the_plugin_are_declared(wheel):
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "amisim = amisim.cli:main" in wheel.read(name).decode()
    assert "[pytest11]\namisim = pytest_amisim.plugin" in wheel.read(name).decode()


def test_without_its_extra_amisim_says_what_to_install(tmp_path):
    (tmp_path / "yaml.py").write_text("raise ModuleNotFoundError(\"No module named 'yaml'\", name='yaml')")
    run = subprocess.run(
        [sys.executable, "-c", "import ami; print('ami is there'); import amisim"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.stdout == "ami is there\n"
    assert "amisim needs PyYAML and click: pip install 'amikit[sim]'" in run.stderr.splitlines()[-1]
