"""What a server is to be: what its arguments say, and the scenario that they name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from amisim import library
from amisim.consistency import consistent
from amisim.faults import Fault
from amisim.faults.plan import parsed
from amisim.host import BANNERS, Limits
from amisim.recording import Recording, RecordingError, RecordingReader
from amisim.replay import UNEXPECTED, Replay, Unexpected
from amisim.scenario import Scenario, ScenarioError, load
from amisim.script import Script
from amisim.significant import Rules
from amisim.stored import StoredRecords
from amisim.users import User

if TYPE_CHECKING:
    import ssl

__all__ = ["Settled", "settle"]

_LONG = 10_000_000
"""Bytes of a recording at most that is read before it is served; a longer one stays in its file."""


class Settled(NamedTuple):
    """What was said, where nothing was said what holds then, and nothing that cannot be."""

    users: Mapping[str, str | User]
    version: str
    seed: int
    faults: list[Fault]
    script: Script
    replay: Replay | None
    scenario: Scenario | None


def settle(
    *,
    users: Mapping[str, str | User],
    version: str | None,
    seed: int | None,
    faults: Iterable[Fault | str],
    scenario: str | Path | None,
    recording: str | Path | Recording | None,
    speed: float,
    match: Iterable[str],
    unexpected: Unexpected | None,
    tls: "ssl.SSLContext | bool",
    limits: Limits,
) -> Settled:
    """Take the arguments of a server; they come before what the scenario says, its faults besides.

    Raises `ValueError`, `RecordingError` and `ScenarioError`, and `FaultError` for what is no fault.
    """
    given = parsed(faults)
    match = match if isinstance(match, str) else tuple(match)
    said = None if scenario is None else load(scenario)
    if said is not None:
        version, seed = version or said.version, said.seed if seed is None else seed
        users = users or said.users or {}
        recording = recording if recording is not None else said.recording or None
        match = match if isinstance(match, str) else (*match, *said.match)
        unexpected = unexpected or said.unexpected
    unexpected = unexpected or "error"
    _check(users, speed, unexpected, tls, limits)
    version = str(version or "22")
    if version not in BANNERS:
        raise ValueError(f"version {version!r} is not known; {', '.join(BANNERS)} are")
    seed = 0 if seed is None else seed
    _check_number(
        "seed", seed, isinstance(seed, int), "a whole number from 0 on makes what is random the same each time"
    )
    rules = Rules(match)
    if recording is None and match:
        raise ValueError("match is for a recording, and there is none whose actions could be compared")
    try:
        replay = None if recording is None else _replay(recording, speed, rules, unexpected, limits.history)
    except RecordingError as error:
        if said is None or recording is not said.recording:
            raise
        raise ScenarioError(said.path, 0, f"recording: {error}") from None
    all_faults = given if said is None else [*said.faults, *given]
    return Settled(users, version, seed, all_faults, Script() if said is None else said.script, replay, said)


def _check(
    users: Mapping[str, str | User],
    speed: float,
    unexpected: Unexpected,
    tls: "ssl.SSLContext | bool",
    limits: Limits,
) -> None:
    for name, user in users.items():
        if not isinstance(user, str | User):
            raise ValueError(f"user {name}: {user!r} is neither a secret nor an amisim.User")
    is_finite = isinstance(speed, int | float) and speed == speed and speed < float("inf")
    _check_number("speed", speed, is_finite, "1 is as recorded, 10 ten times as fast, 0 at once")
    if unexpected not in UNEXPECTED:
        raise ValueError(f"unexpected {unexpected!r} is none of {', '.join(UNEXPECTED)}")
    if not isinstance(tls, bool) and not hasattr(tls, "wrap_bio"):
        raise ValueError(f"tls {tls!r} is neither True, False nor an ssl.SSLContext")
    for limit, value in limits._asdict().items():
        if value <= 0:
            raise ValueError(f"limit {limit} {value!r}: it is more than 0")


def _check_number(name: str, value: float, is_one: bool, meaning: str) -> None:
    if not is_one:
        raise ValueError(f"{name} {value!r} is not a number that it can be; {meaning}")
    if value < 0:
        raise ValueError(f"{name} {value} is negative; {meaning}")


def _replay(recording: str | Path | Recording, speed: float, rules: Rules, unexpected: Unexpected, room: int) -> Replay:
    if isinstance(recording, Recording):
        return Replay(recording, "the recording", speed, room, rules, unexpected)
    if not recording:
        raise RecordingError("recording ''", 0, "that is no name of a recording")
    path = library.find(recording)
    if path.stat().st_size > _LONG:
        return Replay(StoredRecords(path), str(recording), speed, room, rules, unexpected)
    with RecordingReader(path) as reader:
        records = list(consistent(path, reader))
        loaded = Recording(reader.header, records, reader.truncated)
    return Replay(loaded, str(recording), speed, room, rules, unexpected)
