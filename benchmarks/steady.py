"""All tests again and again, each time in another order: so tests are found that fail now and then.

    .venv/bin/tox -e steady

What runs is the suite, and then the projects in `examples`, each in virtual time, fifty times as fast as real, and in
real time. Prints a line for each, and stops at the first that fails, with what brings its order back. It takes two
hours, on two cores: half of that are the examples in real time.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TIMES = ("virtual", "scaled=50", "real")
PROJECTS = ("downstream", "on_pystrix", "on_panoramisk")


class Part(NamedTuple):
    """What runs by itself."""

    folder: Path
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([self.folder.relative_to(ROOT).as_posix(), *self.arguments])


def parts(tests: Sequence[str]) -> list[Part]:
    """The tests that are named; or else all, and the examples."""
    if tests:
        return [Part(ROOT, tuple(tests))]
    examples = ROOT / "examples"
    return [
        Part(ROOT, ("tests",)),
        *(Part(examples / name, (f"--ami-time={speed}",)) for speed in TIMES for name in PROJECTS),
        *(Part(examples, ("test_voicemail_light.py", f"--ami-time={speed}")) for speed in TIMES),
    ]


def run(part: Part, seed: int, arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run it in the order of this seed, with its hashes."""
    path = os.pathsep.join(filter(None, [str(part.folder / "src"), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": path}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=part.folder, env=environment, capture_output=True, text=True, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="how often the tests run (20)")
    parser.add_argument("--workers", type=int, default=8, metavar="N", help="on how many workers (8)")
    parser.add_argument("tests", nargs="*", help="those that run (all, and the examples)")
    options = parser.parse_args()
    usual = ["-q", "-p", "no:asyncio", "-p", "no:anyio", "-p", "xdist", "-n", str(options.workers)]
    for number in range(1, options.runs + 1):
        for part in parts(options.tests):
            seed = random.randrange(2**32)
            arguments = [*usual, f"--randomly-seed={seed}", *part.arguments]
            began = time.monotonic()
            done = run(part, seed, arguments)
            took = time.monotonic() - began
            outcome = done.stdout.rstrip().rpartition("\n")[2]
            print(f"run {number} of {options.runs}, {part}, seed {seed}: {outcome} ({took:.0f} s)", flush=True)
            if done.returncode:
                print("".join(done.stdout.partition("\n=")[1:]), done.stderr)
                sys.exit(f"again, in {part.folder}: PYTHONHASHSEED={seed} pytest {' '.join(arguments)}")


if __name__ == "__main__":
    main()
