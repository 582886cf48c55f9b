"""A server for `ami_recording`: a recording of the test, or the real one while it is recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from amisim import Record, RecordingError, ServerError, UpstreamError, load, record
from amisim.action import read_action
from pytest_amisim.options import mistake, settings_of

if TYPE_CHECKING:
    from pytest_amisim.living import Living

__all__ = ["recorded", "upstream_of"]


class Upstream(NamedTuple):
    """A real server, which is recorded: through this address."""

    host: str
    port: int
    username: str
    secret: str
    tls: bool = False


def upstream_of(item: Any) -> Upstream | None:
    """The server that a test is to be recorded from now; None if its recording is to be replayed.

    A test that has no recording, and may not have one made, fails.
    """
    mode, address = item.config.getoption("--ami-record"), item.config.getoption("--ami-upstream")
    path = _path(item)
    if mode == "none" or (mode == "once" and path.exists()):
        if not path.exists():
            how = "--ami-record=once --ami-upstream=USER:SECRET@HOST:PORT"
            raise mistake(f"no recording of this test, {path}: to make it from a real server, run it with {how}")
        return None
    if not address:
        raise mistake(f"--ami-record={mode} needs --ami-upstream=USER:SECRET@HOST:PORT, the server to record")
    found = re.fullmatch(r"(?:([^:@]+):([^@]*)@)?(.+):(\d{1,5})", address)
    if found is None:
        shown = re.sub(r":[^@]*@", ":…@", address)
        raise mistake(f"--ami-upstream {shown!r} is not USER:SECRET@HOST:PORT, such as admin:secret@127.0.0.1:5038")
    username, secret, host, port = found.groups()
    return Upstream(host.strip("[]"), int(port), username or "admin", secret or "secret")


@contextmanager
def recorded(living: Living) -> Iterator[Any]:
    """What a test is to connect to."""
    path, upstream = _path(living.item), upstream_of(living.item)
    if upstream is None:
        with living.serve({"recording": path, "speed": 1, "hold": False, **_login(path)}) as server:
            yield server
        living.check()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        rules = settings_of(living.item.config).redact
        with record(unfinished, upstream.host, upstream.port, rules=rules) as recorder:
            yield upstream._replace(host=recorder.host, port=recorder.port)
    except (UpstreamError, ServerError, RecordingError) as error:
        raise mistake(f"cannot record: {error}") from None
    os.replace(unfinished, path)


def _path(item: Any) -> Path:
    """Where the recording of a test is: in a folder for its module."""
    file, _, name = item.nodeid.partition("::")
    words = re.sub(r"[^\w.-]+", "-", name.replace("::", ".")).strip("-")
    return settings_of(item.config).folder / Path(file).stem / f"{words}.yaml"


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
