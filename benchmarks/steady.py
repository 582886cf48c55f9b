"""All tests again and again, each time in another order: so tests are found that fail now and then.

    .venv/bin/tox -e steady

The examples are among the tests, and so is what runs in virtual, in faster and in real time. Prints a line for each
run, and stops at the first that fails, with what brings its order back. It takes an hour, on two cores.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(seed: int, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run all tests in the order of this seed, with its hashes."""
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="how often the tests run (20)")
    parser.add_argument("--workers", type=int, default=8, metavar="N", help="on how many workers (8)")
    parser.add_argument("tests", nargs="*", default=["tests"], help="those that run (all)")
    options = parser.parse_args()
    for number in range(1, options.runs + 1):
        seed = random.randrange(2**32)
        arguments = ["-q", "-p", "xdist", "-n", str(options.workers), f"--randomly-seed={seed}", *options.tests]
        began = time.monotonic()
        done = run(seed, arguments)
        outcome = done.stdout.rstrip().rpartition("\n")[2]
        print(f"run {number} of {options.runs}, seed {seed}: {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
        if done.returncode:
            print("".join(done.stdout.partition("\n=")[1:]))
            sys.exit(f"again: PYTHONHASHSEED={seed} pytest {' '.join(arguments)}")


if __name__ == "__main__":
    main()
