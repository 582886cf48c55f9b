"""A server for `ami_recording`: a recording of the test, or the real one while it is recorded."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amisim import Record, RecordingError, ServerError, UpstreamError, differences, load, record
from amisim.action import read_action
from amisim.header import newer
from amisim.recording import claim
from pytest_amisim.options import mistake, settings_of
from pytest_amisim.report import KEPT
from pytest_amisim.runs import end, first_run, last_run, tell

if TYPE_CHECKING:
    from pytest_amisim.living import Living

__all__ = ["HOW_ANEW", "has_recording", "recorded", "run_new", "upstream_of"]

_ANEW = pytest.StashKey[bool]()
_OWNERS = pytest.StashKey[dict[Path, list[str]]]()
_HOW = "--ami-upstream=USER:SECRET@HOST:PORT"
HOW_ANEW = f"to record this test anew, run it with --ami-record=new {_HOW}"
"""What is said when its recording has no answer."""

_BEGINNING = 4096
"""Bytes of a recording that have its format in them."""

_MOST = 40
"""Lines of differences that are shown of a test."""


@dataclass(frozen=True)
class Upstream:
    """A real server, which is recorded: through this address. Its secret is shown nowhere."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    tls: bool = False


def has_recording(item: Any) -> bool:
    """Whether a test is recorded."""
    return os.path.exists(_path(item))


def upstream_of(item: Any) -> Upstream | None:
    """The server that a test is to be recorded from now; None if its recording is to be replayed.

    A test that has no recording, and may not have one made, fails.
    """
    mode, path = item.config.getoption("--ami-record"), _path(item)
    if os.path.exists(path) and (mode in ("none", "once") or (mode == "new" and not item.stash.get(_ANEW, False))):
        return None
    if mode == "none":
        raise mistake(
            f"no recording of this test, {path}: to make it from a real server, run it with --ami-record=once {_HOW}"
        )
    address = item.config.getoption("--ami-upstream")
    if not address:
        raise mistake(f"--ami-record={mode} needs {_HOW}, the server to record")
    found = re.fullmatch(r"(?:([^:@]+):(.*)@)?([^@]+):(\d{1,5})", address)
    if found is None or int(found[4]) > 65_535:
        shown = re.sub(r":.*@", ":…@", address)
        raise mistake(f"--ami-upstream {shown!r} is not USER:SECRET@HOST:PORT, such as admin:secret@127.0.0.1:5038")
    username, secret, host, port = found.groups()
    return Upstream(host.strip("[]"), int(port), username or "admin", secret or "secret")


@contextmanager
def recorded(living: Living, has_passed: Callable[[], bool]) -> Iterator[Any]:
    """What a test is to connect to. `has_passed` tells in the end whether what was recorded is to be trusted."""
    path, upstream = _path(living.item), upstream_of(living.item)
    owners = _owners(living.item, path)
    if len(owners) > 1:
        raise mistake(f"{' and '.join(owners)} have one recording, {path}: give one of them another name")
    if upstream is None:
        with living.serve(recording=path, speed=1, hold=False, **_login(path)) as server:
            yield server
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _make_way(living.item, path)
        rules = settings_of(living.item.config).redact
        with record(unfinished, upstream.host, upstream.port, rules=rules) as recorder:
            yield replace(upstream, host=recorder.host, port=recorder.port)
        _settle(living.item, path, unfinished, has_passed())
    except (UpstreamError, ServerError, RecordingError) as error:
        raise mistake(f"cannot record: {error}".replace(str(unfinished), str(path))) from None
    except OSError as error:
        raise mistake(f"cannot record: {path}: cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def run_new(item: Any, nextitem: pytest.Item | None, living: Callable[[], Living | None]) -> None:
    """Replay a test; if something it said has no answer in its recording, run it again, and record all of it anew."""
    reports = first_run(item)
    lived = living()
    if lived is not None and any(server.misses for server in lived.servers):
        item.stash[_ANEW] = True
        reports = last_run(item, nextitem)
    else:
        reports += end(item, nextitem)
    tell(item, reports)


def _make_way(item: Any, path: Path) -> None:
    """Have a folder for a recording, and nothing in it that another run has left when it was killed.

    Raises `RecordingError` if another run records the same, or if a newer amikit has.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and (problem := newer(path.read_bytes()[:_BEGINNING])):
        raise RecordingError(path, 1, problem)
    for left in path.parent.glob(f".{path.name}.*"):
        with open(left, "rb") as file:
            claim(file, path)
            left.unlink()
        _keep(item, f"{left} was left by a run that was broken off; it is removed")


def _settle(item: Any, path: Path, new: Path, has_passed: bool) -> None:
    """Decide what becomes of a recording that was just made."""
    text = ""
    if path.exists() and item.config.getoption("--ami-record") == "refresh":
        text = _difference(path, new)
        if not text:
            return
        text = f"{item.nodeid}: the server differs (B) from {path} (A)\n{text}\n"
    if not has_passed:
        stays = "stays as it was" if path.exists() else "is not written"
        _keep(item, f"{text}{item.nodeid} did not pass: {path} {stays}")
    elif not text or _is_accepted(item, text):
        os.replace(new, path)


def _keep(item: Any, why: str) -> None:
    """Have the summary of the run say why a recording stays as it was."""
    item.add_report_section("teardown", KEPT, why)


def _difference(path: Path, new: Path) -> str:
    """In what a recording (A) and a new one (B) differ."""
    blocks = "\n".join(map(str, differences(load(path), load(new)))).splitlines()
    more = [f"({len(blocks) - _MOST} lines more)"] if len(blocks) > _MOST else []
    return "\n".join([*blocks[:_MOST], *more])


def _is_accepted(item: Any, text: str) -> bool:
    """Ask at a terminal whether to write; where there is none, leave it to the summary."""
    capture = item.config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend(in_=True)
    try:
        if not hasattr(item.config, "workerinput") and sys.stdin.isatty() and sys.stdout.isatty():
            print(f"\n{text}", end="")
            with suppress(EOFError):
                return input("write this recording (y/N)? ").strip().lower() in ("y", "yes")
            return False
    finally:
        if capture is not None:
            capture.resume()
    _keep(item, f"{text}nothing was written: to accept it, run this test with --ami-record=all")
    return False


def _path(item: Any) -> Path:
    """Where the recording of a test is: in a folder for its module, in folders for those that the module is in."""
    file, _, name = item.nodeid.partition("::")
    words = re.sub(r"[^\w.-]+", "-", name.replace("::", ".")).strip("-")
    folder, root = settings_of(item.config).folder, item.config.rootpath.resolve()
    module = Path(os.path.normpath(root / file)).with_suffix("")
    above = next((each for each in (folder.parent, root) if module.is_relative_to(each)), module.parent)
    return folder / module.relative_to(above) / f"{words}.yaml"


def _owners(item: Any, path: Path) -> list[str]:
    """The tests of this run, on whichever worker they are, that have a recording of this name; one, it is hoped."""
    if _OWNERS not in item.config.stash:
        owners: dict[Path, list[str]] = {}
        item.config.stash[_OWNERS] = owners
        for each in item.session.items:
            if "ami_recording" in getattr(each, "fixturenames", ()):
                owners.setdefault(_path(each), []).append(each.nodeid)
    found: list[str] = item.config.stash[_OWNERS].setdefault(path, [])
    if item.nodeid not in found:  # it has asked for the fixture by name
        found.append(item.nodeid)
    return found


def _login(path: Path) -> dict[str, str]:
    """The user that logged in when it was recorded; any secret will do."""
    try:
        records = load(path).records
    except RecordingError as error:
        raise mistake(str(error)) from None
    names = (_username(record) for record in records)
    return next(({"username": name} for name in names if name), {})


def _username(record: Record) -> str:
    if record.direction != ">" or record.kind != "data":
        return ""
    action = read_action(record.data)
    return action.get("Username") if action.name.lower() == "login" else ""
