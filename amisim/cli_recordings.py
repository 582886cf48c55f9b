"""The commands of `amisim` that work on recordings."""

import asyncio
import gzip
import os
import shutil
import sys
from collections.abc import Callable
from math import inf
from pathlib import Path

import click

from amisim import library, settings
from amisim.against import play
from amisim.allowed import load_allowed, without_allowed
from amisim.cli_common import RECORDING, Failure, all_rules, plainly
from amisim.consistency import consistent
from amisim.counting import statistics
from amisim.differ import Difference, differences
from amisim.editing import formatted, merge, trim
from amisim.export import json_lines, mermaid
from amisim.importer import read_capture
from amisim.pcap import CUT_PCAP
from amisim.player import Player
from amisim.recording import (
    CUT_SHORT,
    Record,
    Recording,
    RecordingError,
    RecordingReader,
    RecordingWriter,
    claim,
    open_recording,
)
from amisim.redact import Redactor
from amisim.view import painted, working

__all__ = ["COMMANDS", "allow_option", "play_against"]

allow_option = click.option(
    "--allow",
    type=click.Path(dir_okay=False),
    help="A file of known differences, which are not told; one that is there no more is.",
)


@click.command()
@allow_option
@click.argument("a", type=RECORDING)
@click.argument("b", type=RECORDING)
def diff(allow: str | None, a: str, b: str) -> None:
    """Compare the recordings A and B: a block for each difference.

    Ids, ports and times do not count; neither does the order of what follows from different actions. Exit code 0 if
    they are the same, 1 if they differ or an entry of --allow is not needed any more, 2 if one cannot be read.

    \b
    Example: amisim diff 16/ping-and-core 22/ping-and-core
    """
    with plainly():
        with working(f"comparing {a} and {b}"):
            found = differences(_whole(a), _whole(b))
        _tell(found, allow)


def play_against(recording: Path, address: tuple[str, int], speed: float, secret: str, allow: str | None) -> None:
    """Play the clients of a recording to a server, and tell which answers differ; exit code 1 if some do."""
    with plainly():
        recorded = _whole(recording)
        try:
            player = Player(recorded, secret=secret, speed=speed)
        except ValueError as error:
            raise Failure(f"{recording}: {error}; --secret tells it") from None
        with working(f"playing {recording}"):
            found = differences(recorded, asyncio.run(play(player, *address)), events=False)
        _tell(found, allow)


def _tell(found: list[Difference], allow: str | None) -> None:
    """Print what differs; end with exit code 1 if something does that is not allowed."""
    allowed = load_allowed(allow) if allow is not None else []
    left, stale = without_allowed(found, allowed)
    for difference in left:
        click.echo(f"{painted(str(difference))}\n")
    for entry in stale:
        click.echo(f"{allow}, line {entry.line}: does not differ any more: {entry}\n")
    if left or stale:
        click.echo(f"{len(left)} differences" + (f", {len(stale)} stale entries" if stale else ""))
        sys.exit(1)


def _whole(name: str | Path) -> Recording:
    """A recording that can be replayed, all of it."""
    path = library.find(name)
    with working(f"reading {name}"), RecordingReader(path) as reader:
        records = list(consistent(path, reader))
        if reader.truncated:
            raise RecordingError(path, reader.truncated, CUT_SHORT)
        return Recording(reader.header, records)


def _write(out: str, recording: Recording, redact: Callable[[Record], Record] = lambda record: record) -> None:
    with working(f"writing {out}"), RecordingWriter(out, recording.header, redact) as writer:
        try:
            for record in recording.records:
                writer.write(record)
        except BaseException:
            writer.discard()  # all of it is still where it came from
            raise
    click.echo(f"{out}: {sum(each.kind == 'data' for each in recording.records)} frames")


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit code 1 if a file would be changed.")
@click.argument("files", nargs=-1, required=True, type=RECORDING, metavar="FILE...")
def fmt(check: bool, files: tuple[str, ...]) -> None:
    """Write each FILE again as amisim would write it. Comments on lines of their own stay.

    \b
    Example: amisim fmt --check recordings/queue-call.yaml
    """
    changed = 0
    for file in files:
        with plainly():
            changed += _format(library.find(file), check=check)
    if check and changed:
        sys.exit(1)


def _format(path: Path, *, check: bool) -> bool:
    """Write a recording as it is usually written, unless it is so; whether it was not."""
    path = path.resolve()
    with open_recording(path) as file:
        if not check:
            claim(file, path)
        with working(f"reading {path}"):
            text = "".join(formatted(path)).encode()
        if file.read() == text:
            return False
        if not check:
            _replace(path, gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    click.echo(f"{path}: {'would be ' if check else ''}written again")
    return True


def _replace(path: Path, data: bytes) -> None:
    """Put other bytes in the place of a file, all of them or none. Raises `RecordingError`."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(new, "wb") as file:
            file.write(data)
        shutil.copymode(path, new)
        new.replace(path)
    except OSError as error:
        raise RecordingError(path, 0, f"cannot be written: {error.strerror}") from None
    finally:
        new.unlink(missing_ok=True)


@click.command()
@click.argument("recording", type=RECORDING)
def stats(recording: str) -> None:
    """Count what is in a RECORDING: connections, bytes, actions and events by name.

    \b
    Example: amisim stats queue-call
    """
    with plainly():
        path = library.find(recording)
        with RecordingReader(path) as reader:
            with working(f"counting {recording}"):
                counted = statistics(reader)
            click.echo(counted)
            if reader.truncated:
                raise RecordingError(path, reader.truncated, CUT_SHORT)


@click.command("trim")
@click.option("--from", "start", type=float, default=0, metavar="SECONDS", help="What came from this time on.")
@click.option("--to", "end", type=float, default=inf, metavar="SECONDS", help="What came up to this time.")
@click.option("--action", "actions", type=int, multiple=True, metavar="N", help="Action N, and what follows from it.")
@click.option("--channel", default="", metavar="PATTERN", help="What is of channels such as 'PJSIP/100-*'.")
@click.option("--call", default="", metavar="UNIQUEID", help="What is of the call with this Uniqueid or Linkedid.")
@click.argument("recording", type=RECORDING)
@click.argument("out", type=click.Path(dir_okay=False))
def trim_(
    start: float, end: float, actions: tuple[int, ...], channel: str, call: str, recording: str, out: str
) -> None:
    """Write a part of a RECORDING to OUT, with what it needs to be replayed.

    What is chosen meets all options that are given. With it go how connections begin, log in and end, and the actions
    that it follows from, with their answers.

    \b
    Example: amisim trim queue-call call.yaml --channel 'Local/3000@*' --to 10
    """
    with plainly():
        try:
            part = trim(_whole(recording), start=start, end=end, actions=actions, channel=channel, call=call)
        except ValueError as error:
            raise Failure(f"{recording}: {error}") from None
        if not part.records:
            raise Failure(f"{recording}: there is nothing in it that meets all of this")
        _write(out, part)


@click.command("merge")
@click.option("--offset", type=float, default=0, metavar="SECONDS", help="How long after the one before each begins.")
@click.argument("recordings", nargs=-1, required=True, type=RECORDING, metavar="RECORDING...")
@click.argument("out", type=click.Path(dir_okay=False))
def merge_(offset: float, recordings: tuple[str, ...], out: str) -> None:
    """Write several RECORDINGs as one to OUT, each with connections of its own.

    \b
    Example: amisim merge queue-call hangup both.yaml --offset 2.5
    """
    with plainly():
        try:
            _write(out, merge([_whole(each) for each in recordings], offset))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--offset") from None


@click.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "mermaid"]), required=True, help="What to print.")
@click.argument("recording", type=RECORDING)
def export(form: str, recording: str) -> None:
    """Print a RECORDING for other programs: as JSON lines, or as a sequence diagram of Mermaid; without secrets.

    \b
    Example: amisim export queue-call --format jsonl
    """
    with plainly():
        path = library.find(recording)
        with RecordingReader(path) as reader:
            records = map(Redactor(), reader)
            for line in json_lines(reader.header, records) if form == "jsonl" else mermaid(records):
                click.echo(line)
            if reader.truncated:
                raise RecordingError(path, reader.truncated, CUT_SHORT)


@click.command("import")
@click.option("--redact", is_flag=True, help="Replace secrets, and what the project's settings say, by pseudonyms.")
@click.option("--description", help="Say in the recording what it shows.")
@click.argument("capture", type=click.Path(dir_okay=False))
@click.argument("out", type=click.Path(dir_okay=False))
def import_(redact: bool, description: str | None, capture: str, out: str) -> None:
    """Turn a CAPTURE into the recording OUT.

    That is a capture of packets (pcap, pcapng; it needs amikit[pcap]), JSON lines of the format amicap/1, or a trace of
    messages as panoramisk's tests have them; gzipped or not. Every byte is kept, and when it came, unless --redact is
    given.

    Where a capture of packets lacks bytes, a note in the recording says so, and --redact replaces what there is of the
    messages that they tear, and what the commands that are lost printed. Of one that is cut short, what is there
    becomes the recording, and the exit code is 2.

    \b
    Example: amisim import --redact evening.pcap evening.yaml.gz
    """
    with plainly():
        with working(f"reading {capture}"):
            header, records = read_capture(capture)
        if description:
            header["description"] = description
        _write(out, Recording(header, records), Redactor(all_rules(()), records) if redact else lambda record: record)
        if records[-1:] and records[-1].data == CUT_PCAP.encode():
            raise RecordingError(capture, 0, f"{CUT_PCAP}; {out} has the others")


@click.command("list")
@click.option("--unused", is_flag=True, help="Only those that no Python file of the project names.")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def list_(unused: bool, folder: Path | None) -> None:
    """List the recordings that come with amisim, or those in a FOLDER.

    With --unused: those that nothing uses, in FOLDER or else in the project's folder of recordings (the setting
    `recordings` in its pyproject.toml). A recording is used if its name stands in a *.py of the project; exit code 1 if
    there are any that are not.

    \b
    Example: amisim list --unused
    """
    with plainly():
        if unused:
            _list_unused(folder)
            return
        files = {name: library.find(name) for name in library.names()}
        if folder is not None:
            files = {str(file): file for file in library.recordings(folder)}
        width = max(map(len, files), default=0)
        for name, file in files.items():
            with RecordingReader(file) as reader:
                click.echo(f"{name:{width}}  {reader.header.get('description', '')}".rstrip())


def _list_unused(folder: Path | None) -> None:
    found = settings.load(folder)
    folder = folder or found.folder
    project = found.path.parent if found.path is not None else Path.cwd()
    if not folder.is_dir():
        raise Failure(f"{folder}: there is no such folder of recordings")
    files = library.unused(folder, project)
    for file in files:
        click.echo(str(file))
    if files:
        sys.exit(1)


COMMANDS = (diff, fmt, stats, trim_, merge_, export, import_, list_)
