"""The command `amisim`."""

import errno
import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from amisim import cli_recordings, cli_serving, library
from amisim.cli_common import RECORDING, Failure, all_rules, plainly, rules_option
from amisim.consistency import consistent
from amisim.recording import CUT_SHORT, Record, RecordingError, RecordingReader
from amisim.scan import scan
from amisim.timeline import lines
from amisim.view import painted, working

__all__ = ["main"]

_EPILOG = """\b
Exit codes:
  0  it is done
  1  what was asked for is not so: recordings differ, a secret stands in one, a test still fails …
  2  it cannot be done: wrong arguments, a file that cannot be read, a server that cannot be reached
  130  Ctrl-C; what serves or records ends with 0
Colours are for terminals; NO_COLOR=1 switches them off. 'amisim completion --help' tells of completion.
"""


class _Commands(click.Group):
    """Commands that say in a line when there is no room for what they print, and end with 130 after Ctrl-C."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nAborted!", err=True)
            raise click.exceptions.Exit(130) from None
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
                raise
            with suppress(OSError):  # or else Python complains of the rest, in the end
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Failure(f"what it prints cannot be written: {error.strerror}") from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(package_name="amikit")
@click.pass_context
def main(context: click.Context) -> None:
    """A fake Asterisk: records and replays AMI sessions.

    Where a command takes a recording, that is a file, or the name of one that comes with amisim.

    \b
    Example: amisim replay queue-call
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
    logging.getLogger("amisim").addHandler(logging.NullHandler())  # what it would log, the commands say themselves


@main.command()
@click.argument("recording", type=RECORDING)
def show(recording: str) -> None:
    """Print a RECORDING as a timeline: a line for each message.

    \b
    Example: amisim show queue-call
    """
    with plainly():
        path = library.find(recording)
        with RecordingReader(path) as reader:
            for key, value in reader.header.items():
                click.echo(f"{key}: {value}")
            unended: dict[int, None] = {}
            for line in lines(_watched(reader, unended)):
                click.echo(painted(line))
            if reader.truncated:
                raise RecordingError(path, reader.truncated, CUT_SHORT)
            if unended:
                click.echo(f"(here the recording ends, {_without_end(unended)}: it was ended first, or broken off)")


def _watched(records: Iterable[Record], unended: dict[int, None]) -> Iterator[Record]:
    """The records; `unended` has, when they are over, the connections that have no end."""
    for record in records:
        if record.kind == "open":
            unended[record.connection] = None
        elif record.kind in ("eof", "error"):
            unended.pop(record.connection, None)
        yield record


def _without_end(connections: Iterable[int]) -> str:
    return "without the end of " + ", ".join(f"c{number}" for number in connections)


@main.command()
@click.argument("files", nargs=-1, required=True, type=RECORDING, metavar="FILE...")
def check(files: tuple[str, ...]) -> None:
    """Check that each FILE is a whole recording that can be replayed. Exit code 2 if one is not.

    \b
    Example: amisim check tests/recordings/*.yaml
    """
    wrong = 0
    for file in files:
        try:
            click.echo(f"{file}: {_check(library.find(file))}")
        except RecordingError as error:
            click.echo(f"Error: {error}", err=True)
            wrong += 1
    if wrong:
        sys.exit(2)


def _check(path: Path) -> str:
    """What is in a recording; raises `RecordingError` where something is wrong with it."""
    with working(f"checking {path}"), RecordingReader(path) as reader:
        unended: dict[int, None] = {}
        records = list(_watched(consistent(path, reader), unended))
        if reader.truncated:
            raise RecordingError(path, reader.truncated, CUT_SHORT)
    opened = sum(record.kind == "open" for record in records)
    if not opened:
        raise RecordingError(path, 0, "there is no connection in it to replay")
    actions = sum(record.direction == ">" and record.cause is not None for record in records)
    counted = f"{opened} connections, {actions} actions, {sum(record.kind == 'data' for record in records)} frames"
    return f"{counted}, {_without_end(unended)}" if unended else counted


@main.command("scan")
@rules_option
@click.argument("files", nargs=-1, required=True, type=RECORDING, metavar="FILE...")
def scan_(rules: tuple[str, ...], files: tuple[str, ...]) -> None:
    """Look for secrets, and what the rules call personal, in each FILE.

    Prints a line for each, with its file, line and header, and no more of it than how it begins. Exit code 1 if there
    is one, 2 for a file that is no whole recording.

    \b
    Example: amisim scan --redact numbers tests/recordings/*.yaml
    """
    chosen = all_rules(rules)
    code = 0
    for file in files:
        try:
            with working(f"scanning {file}"):
                for found in scan(library.find(file), chosen):
                    click.echo(found)
                    code = code or 1
        except RecordingError as error:
            click.echo(f"Error: {error}", err=True)
            code = 2
    sys.exit(code)


for each in (*cli_serving.COMMANDS, *cli_recordings.COMMANDS):
    main.add_command(each)


@main.command()
def demo() -> None:
    """Show in a few seconds what amikit does: the replay of a real queue call, a client that follows it, one fault.

    \b
    Example: amisim demo
    """
    from amisim.demo import run

    with plainly():
        run(click.echo)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "fish", "zsh"]))
def completion(shell: str) -> None:
    """Print what makes a SHELL complete commands, options and names of recordings.

    It goes where the shell reads it when it starts: `eval "$(amisim completion bash)"` in ~/.bashrc, the same with zsh
    in ~/.zshrc, `amisim completion fish > ~/.config/fish/completions/amisim.fish`.

    \b
    Example: amisim completion bash
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "amisim", "_AMISIM_COMPLETE").source())
