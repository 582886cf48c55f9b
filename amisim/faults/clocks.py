"""Faults of the clock: what time it is at the server."""

import re
from collections.abc import Iterator
from decimal import Decimal

from amisim.faults.fault import fault
from amisim.faults.frame import Fate, Frame

_TIMESTAMP = re.compile(rb"^(Timestamp: )(\d{1,20}(?:\.\d{1,9})?)(?=\r?$)", re.MULTILINE)


@fault(
    example="clock -60", before="Event: A⏎Timestamp: 1732353600.5⏎⏎", after="Event: A⏎Timestamp: 1732353540.5⏎⏎"
)  # fmt: skip
def clock(frame: Frame, step: float = 3600) -> Iterator[Fate]:
    """The server's clock is wrong by `step` seconds, as the `Timestamp` of events and of `Ping` tells."""
    yield frame.but(
        _TIMESTAMP.sub(
            lambda match: match[1] + str(Decimal(match[2].decode()) + Decimal(str(step))).encode(), frame.data
        )
    )
