"""The recordings that come with amisim, and how a name becomes a file."""

import difflib
import os.path
from pathlib import Path

from amisim.recording import RecordingError

__all__ = ["find", "names", "root"]


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
