"""The captures of real servers, as the streams that crossed the wire."""

import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest

CAPTURES = Path(__file__).parents[1] / "data" / "captures"


def load_streams(path: Path) -> dict[tuple[int, str], bytes]:
    """Everything that each connection carried in each direction (`c2s`, `s2c`)."""
    streams: defaultdict[tuple[int, str], list[bytes]] = defaultdict(list)
    with gzip.open(path, "rt") as file:
        for row in map(json.loads, file):
            if "b" in row:
                streams[row["c"], row["d"]].append(row["b"].encode("latin-1"))
    return {key: b"".join(chunks) for key, chunks in streams.items()}


@pytest.fixture(params=[f"{path.parent.name}/{path.name.partition('.')[0]}" for path in sorted(CAPTURES.glob("*/*"))])
def capture(request) -> Path:
    """Each capture's file."""
    return CAPTURES / f"{request.param}.jsonl.gz"


@pytest.fixture
def streams(capture) -> dict[tuple[int, str], bytes]:
    """Each capture's streams."""
    return load_streams(capture)
