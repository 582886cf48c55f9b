"""What the commands of `amisim` share."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from ami.errors import Error as AmiError
from amisim import settings
from amisim.listening import ServerError
from amisim.recording import RecordingError
from amisim.relay import UpstreamError
from amisim.scenario import ScenarioError
from amisim.settings import SettingsError

__all__ = ["Failure", "address", "all_rules", "plainly"]


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
