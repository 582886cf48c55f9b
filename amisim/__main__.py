"""`python -m amisim` is `amisim`."""

from amisim.cli import main

main(prog_name="amisim")
