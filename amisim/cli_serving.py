"""The commands of `amisim` that run until they are told to end."""

import asyncio
import os
import signal
import stat
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from amisim import faults, library, world
from amisim.cli_common import (
    RECORDING,
    Matching,
    address,
    all_rules,
    matching,
    matching_options,
    plainly,
    rules_option,
)  # fmt: skip
from amisim.cli_recordings import allow_option, play_against
from amisim.host import BANNERS
from amisim.proxy import Proxy
from amisim.recorder import Recorder
from amisim.replay import Unexpected
from amisim.scenario import ScenarioError, is_scenario, load
from amisim.server import Server
from amisim.tls import CERTIFICATE
from amisim.users import User, users_from
from amisim.view import view

__all__ = ["COMMANDS"]

_ENDING = signal.SIGINT, signal.SIGTERM
"""Ctrl-C and a polite kill, with which recording and replaying end as they should."""


def _where(server: Server | Recorder | Proxy) -> str:
    """The address to connect to, with brackets around one of IPv6; and the addresses of a name that has several."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    several = f", which is {' and '.join(server.addresses)}" if len(server.addresses) > 1 else ""
    return f"{host}:{server.port}{several}"


def _speed(value: str) -> float:
    """Read a factor, or `max`, which is 0."""
    if value == "max":
        return 0
    try:
        speed = float(value)
    except ValueError:
        speed = 0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{value!r} is neither a number above 0 nor 'max'")
    return speed


def _fault(value: str) -> faults.Fault:
    """Read a fault."""
    try:
        return faults.parse(value)
    except faults.FaultError as error:
        raise click.BadParameter(str(error)) from None


def _listen(what: str) -> Callable[[Any], Any]:
    help = f"{what} Default: a free port."
    return click.option("--listen", type=address, default="127.0.0.1:0", metavar="HOST:PORT", help=help)


_faults = click.option(
    "--fault",
    "chosen",
    type=_fault,
    multiple=True,
    metavar="TEXT",
    help="What goes wrong, such as 'drop event QueueMember nth=2'; as often as wanted, in order.",
)
_seed = click.option("--seed", type=click.IntRange(0), help="Makes what is random the same each time. Default: 0.")


def _user(value: str) -> tuple[str, User]:
    """Read `NAME:SECRET:READ:WRITE`, of which the classes may be left out."""
    name, *parts = value.split(":")
    if not name or not 1 <= len(parts) <= 3:
        raise click.BadParameter(f"{value!r} is not NAME:SECRET:READ:WRITE, such as ann:s3cret:call,agent:originate")
    given: dict[str, Any] = dict(zip(("secret", "read", "write"), parts, strict=False))
    user = User(**given)
    try:
        users_from({name: user})
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return name, user


def _users(context: click.Context, option: click.Parameter, said: tuple[tuple[str, User], ...]) -> dict[str, User]:
    """The users by name, each of which is said once."""
    users = dict(said)
    if len({name.lower() for name in users}) < len(said):
        raise click.BadParameter("a user is said twice; names that differ in case alone are the same")
    return users


@click.command()
@click.option(
    "--upstream", type=address, required=True, metavar="HOST:PORT", help="The AMI server to record, such as pbx:5038."
)
@_listen("Where clients connect instead.")
@rules_option
@click.option("--keep-secrets", is_flag=True, help="Replace nothing, not even secrets, by pseudonyms.")
@click.argument("out", type=click.Path(dir_okay=False))
def record(
    upstream: tuple[str, int], listen: tuple[str, int], rules: tuple[str, ...], keep_secrets: bool, out: str
) -> None:
    """Record to OUT what clients and a server say to each other.

    Pseudonyms stand in place of secrets, and of what --redact and the project's settings say.

    Point the client at the address that is printed. Ctrl-C ends the recording; whatever was recorded by then is whole,
    however it ends.

    \b
    Example: amisim record --upstream pbx:5038 --listen 127.0.0.1:5039 queue-call.yaml
    """
    if rules and keep_secrets:
        raise click.UsageError("--redact and --keep-secrets exclude each other")
    chosen = all_rules(rules)
    with view() as shown:
        recorder = Recorder(
            out, *upstream, host=listen[0], port=listen[1], redact=not keep_secrets, rules=chosen,
            progress=lambda recorder: shown.status(f"{recorder.connections} connections, {recorder.frames} frames"),
        )  # fmt: skip
        _run_between(recorder, f"recording {upstream[0]}:{upstream[1]} to {out}")
    click.echo(f"{out}: {recorder.connections} connections, {recorder.frames} frames")


@click.command()
@click.option(
    "--upstream", type=address, required=True, metavar="HOST:PORT", help="The AMI server behind it, such as pbx:5038."
)
@_listen("Where clients connect instead.")
@_faults
@_seed
def proxy(
    upstream: tuple[str, int], listen: tuple[str, int], chosen: tuple[faults.Fault, ...], seed: int | None
) -> None:
    """Pass on what clients and a server say to each other, with faults in what the server says.

    Point the client at the address that is printed. Each hit of a fault is a line; Ctrl-C ends.

    \b
    Example: amisim proxy --upstream pbx:5038 --fault 'delay 6 response Ping' --fault 'reset event Hangup nth=3'
    """
    middle = Proxy(*upstream, host=listen[0], port=listen[1], faults=chosen, seed=seed or 0, progress=_show_hit)
    _run_between(middle, f"passing on {upstream[0]}:{upstream[1]}")
    for fault in middle.unused:
        click.echo(f"warning: never hit: {fault}", err=True)
    click.echo(f"{middle.connections} connections, {middle.hits} hits")


def _show_hit(hit: faults.Hit) -> None:
    with suppress(BrokenPipeError):
        click.echo(f"{hit.at:10.3f}  c{hit.connection:<2} {hit}: {hit.frame}")


def _when_told_to_end() -> threading.Event:
    """What is set by Ctrl-C, or by a polite kill."""
    over = threading.Event()
    for each in _ENDING:
        signal.signal(each, lambda *_: over.set())
    return over


def _run_between(middle: Recorder | Proxy, what: str) -> None:
    """Run what stands between clients and a server, and say where it listens."""
    listening, stop = asyncio.Event(), asyncio.Event()

    def ready(middle: Recorder | Proxy) -> None:
        listening.set()
        click.echo(f"{what}: connect to {_where(middle)}; Ctrl-C ends")

    with plainly():
        try:
            asyncio.run(_until_interrupted(middle.run(ready, stop), listening, stop))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _until_interrupted(running: Coroutine[Any, Any, None], begun: asyncio.Event, stop: asyncio.Event) -> None:
    """Run something that Ctrl-C and a polite kill stop when it has begun, and cancel before."""
    task = asyncio.ensure_future(running)
    for each in _ENDING:
        asyncio.get_running_loop().add_signal_handler(each, lambda: stop.set() if begun.is_set() else task.cancel())
    await task


@click.command()
@_listen("Where to serve.")
@click.option(
    "--speed",
    type=_speed,
    default="1",
    metavar="N|max",
    help="How many times as fast as recorded; max is at once. Default: 1.",
)
@click.option(
    "--against",
    type=address,
    metavar="HOST:PORT",
    help="Play the clients instead, to this server, and compare answers.",
)
@click.option("--secret", default="", help="With --against: the secret of the users who log in.")
@allow_option
@matching_options
@click.argument("recording", type=RECORDING)
def replay(
    listen: tuple[str, int],
    speed: float,
    against: tuple[str, int] | None,
    secret: str,
    allow: str | None,
    match: tuple[str, ...],
    unexpected: Unexpected | None,
    recording: str,
) -> None:
    """Serve a RECORDING to any number of clients, until Ctrl-C; or run again what amisim.explore has found.

    Each action is answered as it was answered then. Clients may log in with any recorded user, whatever the
    secret, or as admin with the secret "secret". What is not in the recording is reported, here and to the client.

    With --against, do what its clients did, and tell in which answers a server differs from the one that was recorded:
    exit code 1 if there are any, or if an entry of --allow is not needed any more.

    A scenario with a test in it, as amisim.explore saves it, is run: exit code 1 and a traceback if it still fails.

    \b
    Example: amisim replay queue-call --listen 127.0.0.1:5038 --speed 10
    """
    with plainly():
        path = library.find(recording)
        if is_scenario(path):
            _run_again(path)
            return
        if against is not None:
            play_against(path, against, speed, secret, allow)
            return
        shown = view()
        watch = shown.watch if shown.is_live else None
        server = Server(
            host=listen[0], port=listen[1], recording=path, speed=speed, watch=watch, **matching(match, unexpected)
        )
        with shown, server:
            if told := server.unserved:
                click.echo(f"Error: {told}; what came before it is served", err=True)
            over = _when_told_to_end()
            click.echo(f"replaying {recording}: connect to {_where(server)}; Ctrl-C ends")
            over.wait()
    if server.unserved != told:  # a mistake that was found later, in a long recording
        click.echo(f"Error: {server.unserved}; what came before it was served", err=True)
    for miss in server.misses:
        click.echo(f"warning: {miss}", err=True)
    opened = sum(record.kind == "open" for record in server.transcript)
    click.echo(
        f"{recording}: {opened} connections, {len(server.actions)} actions, {len(server.misses)} without an answer"
    )
    if server.unserved:
        sys.exit(2)


def _run_again(path: Path) -> None:
    """Run a test that failed in a world; end with exit code 1 if it still does."""
    sys.path.insert(0, os.getcwd())  # as pytest and python -m have it
    try:
        world.again(path)
    except ScenarioError:
        raise
    except Exception:
        click.echo(traceback.format_exc(), err=True, nl=False)
        sys.exit(1)
    click.echo(f"{path}: does not fail any more")


@click.command()
@_listen("Where to serve.")
@click.option("--scenario", type=click.Path(dir_okay=False), help="What is answered, and what happens by itself.")
@click.option("--version", type=click.Choice(list(BANNERS)), help="The version of Asterisk to be. Default: 22.")
@click.option(
    "--user",
    "users",
    type=_user,
    callback=_users,
    multiple=True,
    metavar="NAME:SECRET:READ:WRITE",
    help="A user and the classes of its events and actions, which may be left out. Default: admin:secret.",
)
@click.option("--tls", is_flag=True, help="Speak TLS, with a certificate for tests, whose file is printed.")
@_faults
@_seed
@matching_options
def serve(
    listen: tuple[str, int],
    scenario: str | None,
    version: str | None,
    users: dict[str, User],
    tls: bool,
    chosen: tuple[faults.Fault, ...],
    seed: int | None,
    match: tuple[str, ...],
    unexpected: Unexpected | None,
) -> None:
    """Be an Asterisk for clients in any language, until Ctrl-C.

    Prints what is said. A scenario that is changed meanwhile is read again.

    \b
    Example: amisim serve --scenario busy-evening.yaml --listen 127.0.0.1:5038 --fault 'delay 2 response Ping'
    """
    with plainly():
        shown = view()
        has_recording = scenario is not None and load(scenario).recording != ""
        if (match or unexpected) and not has_recording:
            raise click.UsageError("--match and --unexpected are for the recording of a --scenario, and there is none")
        server = Server(
            host=listen[0], port=listen[1], scenario=scenario, version=version, users=users or None, tls=tls,
            faults=chosen, seed=seed, watch=shown.watch,
            **(matching(match, unexpected) if has_recording else Matching(match=(), unexpected=None)),
        )  # fmt: skip
        with shown, server:
            over = _when_told_to_end()
            click.echo(f"serving {scenario or 'Asterisk'}: connect to {_where(server)}; Ctrl-C ends")
            if tls:
                click.echo(f"the certificate to trust: {CERTIFICATE}")
            _read_again_until(over, server, scenario)
    for complaint in server.complaints:
        click.echo(f"warning: {complaint}", err=True)


def _read_again_until(over: threading.Event, server: Server, scenario: str | None) -> None:
    """Read a scenario again whenever its file has changed."""
    before = _changed_at(scenario)
    while not over.wait(0.2):
        now = _changed_at(scenario)
        if now not in (before, None):
            try:
                server.reload()
                click.echo(f"read {scenario} again")
            except ScenarioError as error:
                click.echo(f"Error: {error}; the server goes on as before", err=True)
        before = now or before


def _changed_at(path: str | None) -> int | None:
    """When a file was changed; None where there is none, or what can be read once only."""
    try:
        status = os.stat(path or "")
    except OSError:  # an editor is about to put another in its place
        return None
    return None if stat.S_ISFIFO(status.st_mode) else status.st_mtime_ns


COMMANDS = (record, proxy, replay, serve)
