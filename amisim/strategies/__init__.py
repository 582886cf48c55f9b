"""Hypothesis strategies: what clients and a server say to one another, whole sessions of it, and what goes wrong.

    @given(strategies.event_streams())
    def test_no_call_is_left_when_all_have_ended(events): ...

`pip install 'amikit[pytest]'` brings Hypothesis. Everything shrinks to the least that there is of its kind: no header,
one chunk, no fault, no client.
"""

try:
    import hypothesis  # noqa: F401
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "amisim.strategies needs Hypothesis: pip install 'amikit[pytest]'", name="hypothesis"
    ) from None

from amisim.strategies.catalogued import catalogue_events, event_streams
from amisim.strategies.content import (
    action_frames,
    actions,
    events,
    header_names,
    header_values,
    headers,
    messages,
    responses,
)
from amisim.strategies.plans import Asked, Session, Told, fault_plans, faults, replies, sessions
from amisim.strategies.streams import chunkings, garbage, malformed_frames

__all__ = [
    "Asked", "Session", "Told", "action_frames", "actions", "catalogue_events", "chunkings", "event_streams", "events",
    "fault_plans", "faults", "garbage", "header_names", "header_values", "headers", "malformed_frames", "messages",
    "replies", "responses", "sessions",
]  # fmt: skip
