"""Recordings made of recordings: a part of one, several in one, one in its usual form."""

import heapq
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from math import inf
from operator import attrgetter
from pathlib import Path
from typing import Any

from ami.wire import decode
from amisim.recorded import recorded_connections
from amisim.recording import CUT_SHORT, Record, Recording, RecordingError, RecordingReader, dump_header, dump_record

__all__ = ["formatted", "merge", "trim"]


def formatted(path: str | Path) -> Iterator[str]:
    """The text of a recording as it is usually written, piece by piece; comments on lines of their own stay.

    Raises `RecordingError`, also for a recording that was cut short.
    """
    with RecordingReader(path) as reader:
        yield reader.comments + dump_header(reader.header)
        for record in reader:
            yield reader.comments + dump_record(record)
        if reader.truncated:
            raise RecordingError(path, reader.truncated, CUT_SHORT)


def merge(recordings: Sequence[Recording], offset: float = 0) -> Recording:
    """Several recordings as one, each with connections of its own; each begins `offset` seconds after the one before.

    Raises `ValueError` for a negative offset.
    """
    if not 0 <= offset < inf:
        raise ValueError(f"the offset is {offset}; it is a number of seconds, from 0")
    parts = []
    connections = causes = 0
    for place, recording in enumerate(recordings):
        records = [_shifted(each, connections, causes, place * offset) for each in recording.records]
        connections = max([connections, *(each.connection for each in records)])
        causes = max([causes, *(each.cause or 0 for each in records)])
        parts.append(records)
    return Recording(
        _merged_header([each.header for each in recordings]), list(heapq.merge(*parts, key=attrgetter("at")))
    )


def _shifted(record: Record, connections: int, causes: int, seconds: float) -> Record:
    return record._replace(
        at=record.at + seconds,
        connection=record.connection and record.connection + connections,
        cause=record.cause and record.cause + causes,
        chunks=tuple((length, at + seconds) for length, at in record.chunks),
    )


def _merged_header(headers: list[dict[str, Any]]) -> dict[str, Any]:
    """What the headers say together; as redacted counts what all of them say is."""
    found: dict[str, Any] = {}
    for key in ("server", "description"):
        if texts := list(dict.fromkeys(str(each[key]) for each in headers if key in each)):
            found[key] = "; ".join(texts)
    redacted = [each.get("redacted", []) for each in headers]
    if everywhere := [each for each in dict.fromkeys(redacted[0]) if all(each in others for others in redacted)]:
        found["redacted"] = everywhere
    return found


def trim(
    recording: Recording,
    *,
    start: float = 0,
    end: float = inf,
    actions: Collection[int] = (),
    channel: str = "",
    call: str = "",
) -> Recording:
    """The part of a recording that is asked for, with what it needs to be replayed.

    That is what came from `start` to `end` (seconds), follows from the `actions` with these numbers, is of a `channel`
    (a pattern such as `PJSIP/100-*`), and of the `call` of which a channel has this Uniqueid or Linkedid: what meets
    all that is given. With it go how its connections begin, log in and end, and the actions that it follows from, with
    their answers. Times stay. Raises `ValueError` for an action that is not there.
    """
    records = recording.records
    places: dict[int | None, int] = {
        each.cause: place for place, each in enumerate(records) if each.direction == ">" and each.cause
    }
    if missing := set(actions) - places.keys():
        raise ValueError(f"there is no action {min(missing)} in it; the number of an action stands behind its '>'")
    of_call = _of_call(records, call) if call else set()
    chosen = {
        place
        for place, each in enumerate(records)
        if start <= each.at <= end
        and (not actions or each.cause in actions)
        and (not channel or any(fnmatchcase(value, channel) for value in _values(each, "channel")))
        and (not call or place in of_call)
    }
    chosen -= {place for place in chosen if records[place].kind not in ("data", "note")}
    return recording._replace(
        records=[records[place] for place in sorted(chosen | _needed(records, chosen, places, end))]
    )


def _needed(records: list[Record], chosen: set[int], places: dict[int | None, int], end: float) -> set[int]:
    """The places of what is needed to replay the chosen records."""
    needed = set()
    causes = {records[place].cause for place in chosen}
    connections = {records[place].connection for place in chosen}
    for number, connection in recorded_connections(records).items():
        if number not in connections:
            continue
        needed |= {place for place, _ in connection.greeting.records}
        login = next((each.record.cause for each in connection.actions if each.is_accepted_login), 0) or 0
        for each in connection.actions:
            cause = each.record.cause or 0
            is_of_login = cause <= login and each.action.name.lower() in ("challenge", "login")
            if cause in causes or is_of_login:
                needed |= {places[cause], *(place for place, _ in each.answer.records)}
    kept = chosen | needed
    return needed | {
        place
        for place, each in enumerate(records)
        if each.connection in connections
        and (each.kind == "open" or (each.kind in ("eof", "error") and each.at <= end))
        and (each.cause is None or places[each.cause] in kept)
    }


def _of_call(records: list[Record], call: str) -> set[int]:
    """The places of what tells of a call, and of the actions on its channels."""
    ids = [_values(each, "uniqueid", "linkedid") if each.direction == "<" else frozenset() for each in records]
    related = {call}
    before = 0
    while len(related) > before:
        before = len(related)
        related.update(*(each for each in ids if each & related))
    own = {place for place, each in enumerate(ids) if each & related}
    names = related.union(*(_values(records[place], "channel") for place in own))
    return own | {place for place, each in enumerate(records) if each.direction == ">" and _values(each, "") & names}


def _values(record: Record, *ends: str) -> frozenset[str]:
    """The values of the headers whose names end so, but for those of bridges."""
    if record.kind != "data":
        return frozenset()
    headers = (line.partition(":") for line in decode(record.data).splitlines())
    return frozenset(
        value.strip() for name, _, value in headers if name.lower().endswith(ends) and not name.startswith("Bridge")
    )
