"""Benchmarks of `ami`, beside other AMI clients and beside floors.

    pip install -r benchmarks/requirements.txt
    python benchmarks/run.py

Prints a page of Markdown. With the defaults it takes about five minutes; nothing else should run meanwhile.
"""

import argparse
import sys
from pathlib import Path

from suite.measure import MEASURES, measure
from suite.options import names
from suite.report import page
from suite.subjects import SUBJECTS

_CLIENTS = [key for key, subject in SUBJECTS.items() if not subject.is_floor]
_FLOORS = [key for key, subject in SUBJECTS.items() if subject.is_floor]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each subject has its turn (%(default)s)")
    parser.add_argument(
        "--subjects", type=names(_CLIENTS), default=_CLIENTS, metavar="NAME,NAME",
        help=f"which clients, besides the floors: {', '.join(_CLIENTS)}",
    )  # fmt: skip
    parser.add_argument(
        "--measures", type=names(list(MEASURES)), default=list(MEASURES), metavar="NAME,NAME",
        help=f"which measures: {', '.join(MEASURES)}",
    )  # fmt: skip
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    return parser.parse_args()


def main() -> None:
    """Measure, and report."""
    arguments = _arguments()
    subjects = [*_FLOORS, *arguments.subjects]

    def progress(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    results = measure(arguments.rounds, subjects, arguments.measures, progress)
    command = " ".join(["python benchmarks/run.py", *sys.argv[1:]])
    text = page(results, arguments.measures, arguments.rounds, command)
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
