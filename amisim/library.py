"""The recordings that come with amisim, how a name becomes a file, and which files of a project nothing names."""

import difflib
import os.path
import re
from pathlib import Path

from amisim.recording import RecordingError

__all__ = ["find", "names", "recordings", "root", "unused"]


def root() -> Path:
    """The folder of the shipped recordings: in an installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    installed = package / "recordings"
    return installed if installed.is_dir() else package.parent / "recordings"


def names() -> list[str]:
    """The names of the shipped recordings, such as `22/queue-call`: the version of Asterisk, and what is shown."""
    files = sorted(root().glob("*/*.yaml"), key=lambda file: (-int(file.parent.name), file.stem))
    return [f"{file.parent.name}/{file.stem}" for file in files]


def find(name: str | Path) -> Path:
    """The file of a recording: a path, or a shipped recording's name, with or without its version.

    Without, the newest version that has it is taken. Raises `RecordingError` where there is none.
    """
    if isinstance(name, Path) or os.path.exists(name):
        return Path(name)
    shipped = names()
    for each in shipped:
        if name in (each, each.partition("/")[2]):
            return root() / f"{each}.yaml"
    plain = {each.partition("/")[2]: each for each in reversed(shipped)} | {each: each for each in shipped}
    near = difflib.get_close_matches(name, plain, 1)
    hint = f"; did you mean {plain[near[0]]}?" if near else "; 'amisim list' shows the recordings that come with it"
    raise RecordingError(name, 0, f"no such file, and no recording of that name{hint}")


def recordings(folder: Path) -> list[Path]:
    """The recordings in a folder, and in those in it."""
    return sorted(file for file in folder.rglob("*") if file.name.endswith(_SUFFIXES) and file.is_file())


def unused(folder: Path, project: Path) -> list[Path]:
    """The recordings in a folder whose names stand in no Python file of a project."""
    sources = [file for file in project.rglob("*.py") if not any(_is_foreign(part) for part in file.parts)]
    words = set(_WORD.findall("\n".join(file.read_text("utf-8", "replace") for file in sources)))
    return [file for file in recordings(folder) if _plain_name(file) not in words]


_SUFFIXES = (".yaml", ".yaml.gz")
_WORD = re.compile(r"[\w-]+")


def _plain_name(file: Path) -> str:
    """The name of a recording's file without what comes after its first dot or bracket."""
    found = _WORD.match(file.name)
    return found[0] if found else file.name


def _is_foreign(part: str) -> bool:
    """Whether a folder is not a project's own."""
    return part.startswith(".") or part in ("site-packages", "node_modules")
