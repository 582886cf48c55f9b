"""Whether both type checkers see each mistake in `mistakes.py`, and nothing else: a program for `tox -e types`."""

import re
import subprocess
import sys
from pathlib import Path

MISTAKES = Path(__file__).with_name("mistakes.py")
CHECKERS = {"mypy": ["mypy"], "basedpyright": ["basedpyright", "--pythonpath", sys.executable]}


def lines_that_are_wrong(checker: str) -> set[int]:
    """The lines on which a checker finds an error."""
    command = [sys.executable, "-m", *CHECKERS[checker], str(MISTAKES)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return {int(number) for number in re.findall(rf"{MISTAKES.name}:(\d+)(?::\d+)?(?: -|:) error", found.stdout)}


def main() -> int:
    """Say what was seen; the exit code is that of a check."""
    text = MISTAKES.read_text().splitlines()
    marked = {number for number, line in enumerate(text, 1) if line.endswith("# wrong")}
    failed = 0
    for checker in CHECKERS:
        found = lines_that_are_wrong(checker)
        for what, lines in (("does not see", marked - found), ("complains about", found - marked)):
            for number in sorted(lines):
                failed = 1
                print(f"{checker} {what} line {number}: {text[number - 1].strip()}")
        print(f"{checker}: {len(found & marked)} of {len(marked)} mistakes")
    return failed


if __name__ == "__main__":
    sys.exit(main())
