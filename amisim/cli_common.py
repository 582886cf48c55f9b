"""What the commands of `amisim` share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict

import click
from click.shell_completion import CompletionItem

from ami.errors import Error as AmiError
from amisim import library, personal, settings
from amisim.listening import ServerError
from amisim.recording import RecordingError
from amisim.relay import UpstreamError
from amisim.replay import UNEXPECTED, Unexpected
from amisim.scenario import ScenarioError
from amisim.settings import SettingsError
from amisim.significant import Rules

__all__ = [
    "RECORDING", "Failure", "address", "all_rules", "matching", "matching_options", "plainly", "rules_option",
]  # fmt: skip


class Matching(TypedDict):
    """What says how actions are found in a recording."""

    match: tuple[str, ...]
    unexpected: Unexpected | None


class Failure(click.ClickException):
    """What ends a command with one line and exit code 2."""

    exit_code = 2


@contextmanager
def plainly() -> Iterator[None]:
    """Errors that are nobody's bug end the command with one line and exit code 2."""
    try:
        yield
    except (RecordingError, ScenarioError, ServerError, SettingsError, UpstreamError, AmiError) as error:
        raise Failure(str(error)) from None


def address(value: str) -> tuple[str, int]:
    """Read `HOST:PORT`, with brackets around an IPv6 address; where a server listens, port 0 is a free one."""
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise click.BadParameter(f"{value!r} is not HOST:PORT, such as 127.0.0.1:5038")
    return host.strip("[]") or "127.0.0.1", int(port)


def all_rules(chosen: tuple[str, ...]) -> tuple[str, ...]:
    """The rules of redaction of the project, and the chosen ones."""
    with plainly():
        return tuple(dict.fromkeys((*settings.load().redact, *chosen)))


class _RecordingName(click.ParamType[str]):
    """A recording: a file, or the name of one that comes with amisim, which a shell can complete."""

    name = "recording"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin so, with or without their version; or else files."""
        names = [each for name in library.names() for each in (name, name.partition("/")[2])]
        found = [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]
        return found or [CompletionItem(incomplete, type="file")]


RECORDING = _RecordingName()


def _rule(value: str) -> str:
    """Check a rule of redaction."""
    try:
        personal.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


rules_option = click.option(
    "--redact",
    "rules",
    type=_rule,
    multiple=True,
    metavar="RULE",
    help="What is personal: numbers, names, addresses, emails, header:NAME or regex:PATTERN; as often as wanted, and "
    "beside those of the project's settings.",
)


def _match(value: str) -> str:
    """Check a rule of matching."""
    try:
        Rules([value])
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def matching_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options for how actions are found in a recording."""
    for option in (
        click.option(
            "--unexpected",
            type=click.Choice(UNEXPECTED),
            help="What becomes of an action that was not recorded: an error, Asterisk's own answer, none, or the end "
            "of the connection. Default: the project's setting, or error.",
        ),
        click.option(
            "--match",
            type=_match,
            multiple=True,
            metavar="RULE",
            help="What counts when an action is compared with recorded ones, such as 'ignore * Timeout'; as often as "
            "wanted, and beside those of the project's settings.",
        ),
    ):
        command = option(command)
    return command


def matching(match: tuple[str, ...], unexpected: Unexpected | None) -> Matching:
    """What these options, and the project's settings, say to a server."""
    with plainly():
        project = settings.load()
    return {"match": (*project.match, *match), "unexpected": unexpected or project.unexpected}
