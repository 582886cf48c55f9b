"""What `ami` and other AMI clients do with each fault that `amisim` knows.

    pip install -e '.[sim]' -r benchmarks/requirements.txt
    python benchmarks/faults.py

Prints a page of Markdown. It takes about two minutes, most of which is waiting.
"""

import argparse
import sys
from pathlib import Path

from suite.options import names
from suite.story import STORIES
from suite.story.clients import CLIENTS
from suite.story.page import page
from suite.story.run import run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clients", type=names(list(CLIENTS)), default=list(CLIENTS), metavar="NAME,NAME",
        help=f"which clients: {', '.join(CLIENTS)}",
    )  # fmt: skip
    parser.add_argument(
        "--faults", type=names(list(STORIES)), default=list(STORIES), metavar="NAME,NAME",
        help="which faults, all unless given",
    )  # fmt: skip
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page to this file, too")
    return parser.parse_args()


def main() -> None:
    """Run, and report."""
    arguments = _arguments()

    def progress(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    phrases = run(arguments.clients, arguments.faults, progress)
    command = " ".join(["python benchmarks/faults.py", *sys.argv[1:]])
    text = page(phrases, arguments.clients, command)
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
