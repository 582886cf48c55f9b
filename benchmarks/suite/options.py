"""Options of the commands."""

import argparse
from collections.abc import Callable


def names(known: list[str]) -> Callable[[str], list[str]]:
    """A converter of a list of names, with commas between them."""

    def convert(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return [name for name in known if name in names]

    return convert
