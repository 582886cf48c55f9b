"""Faults, and whole sessions: what several clients ask, what the server answers and tells, and what goes wrong."""

import difflib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ami.catalogue import Event
from ami.request import Request
from amisim.faults import KINDS, NAMED, Fault, FaultError, FaultKind, Schedule, Selector
from amisim.faults.choice import why_never
from amisim.host import BANNERS
from amisim.steps import Step, Wait, event, list_complete, response
from amisim.strategies.catalogued import event_streams
from amisim.strategies.content import SECONDS, actions

__all__ = ["Asked", "Session", "Told", "fault_plans", "faults", "replies", "sessions"]

_LAYERS = ("transport", "framing", "meaning", "clocks")
_SIMPLEST_FIRST = sorted(KINDS.values(), key=lambda kind: _LAYERS.index(kind.layer))

_VALUES: Mapping[str, SearchStrategy[float | str]] = {
    "seconds": st.sampled_from([1, 0.1, 5, 10]),
    "rate": st.sampled_from([100, 1000]),
    "size": st.sampled_from([1, 3, 10]),
    "count": st.sampled_from([2, 1, 5]),
    "by": st.sampled_from([1, -1]),
    "step": st.sampled_from([-60, 3600]),
    "header": st.sampled_from(["", "ActionID", "Channel"]),
    "text": st.just("SSH-2.0-OpenSSH_9.2"),
}
"""What the arguments of faults may be: enough to be seen, and not so much that it takes long."""
_NAMES = st.sampled_from(["", "QueueStatus", "Queue*", "Ping", "Hangup"])
_WHATS = st.sampled_from(["any", "event", "response", "answer", "item", "complete", "greeting", "connection"])
_FEW = st.integers(1, 4)
_SCHEDULES = st.one_of(
    st.builds(Schedule),
    st.builds(Schedule, nth=_FEW),
    st.builds(Schedule, times=_FEW),
    st.builds(Schedule, every=st.integers(2, 4)),
    st.builds(Schedule, p=st.sampled_from([0.5, 0.1])),
    st.builds(Schedule, after_bytes=st.integers(1, 500)),
    st.builds(Schedule, after_seconds=SECONDS, until_seconds=st.none() | st.sampled_from([20.0, 60.0])),
)


def faults(*names: str) -> SearchStrategy[str]:
    """Faults as text, such as `drop event nth=2`: all there are, or those of these names or layers.

    The layers are `transport`, `framing`, `meaning` and `clocks`: `faults("transport", "drop")`. Raises `FaultError`
    for another name.
    """
    for name in names:
        if name not in KINDS and name not in _LAYERS:
            near = difflib.get_close_matches(name, [*KINDS, *_LAYERS], 1)
            right = f"did you mean {near[0]!r}?" if near else f"the layers are {', '.join(_LAYERS)}"
            raise FaultError(f"{name!r} is no fault and no layer of faults; {right}")
    chosen = [kind for kind in _SIMPLEST_FIRST if not names or kind.name in names or kind.layer in names]
    return st.sampled_from(chosen).flatmap(_faults)


@st.composite
def _faults(draw: DrawFn, kind: FaultKind) -> str:
    selector = kind.selector
    if draw(st.booleans()):
        what = draw(_WHATS)
        selector = Selector(what, draw(_NAMES) if what in NAMED else "")
    schedule = draw(_schedules(selector))
    value = draw(_VALUES[kind.argument]) if kind.argument else kind.default
    return str(Fault(kind, value, selector, kind.schedule if schedule == Schedule() else schedule))


@cache  # Hypothesis looks through each strategy that is new to it
def _schedules(selector: Selector) -> SearchStrategy[Schedule]:
    """Those with which something may be hit."""
    return _SCHEDULES.filter(lambda each: not why_never(selector, each))


def fault_plans(*names: str, max_size: int = 3) -> SearchStrategy[list[str]]:
    """Lists of faults, as `amisim.Server(faults=…)` takes them. They shrink to the fewest and simplest that still fail.

    `names` are as for `faults`.
    """
    return st.lists(faults(*names), max_size=max_size)


# Sessions


class Asked(NamedTuple):
    """What a client asks."""

    at: float
    """When: in seconds from the beginning."""

    action: Request


class Told(NamedTuple):
    """What the server tells all clients."""

    at: float
    """When: in seconds from the beginning."""

    event: Event


@dataclass(frozen=True)
class Session:
    """What clients and a server do, for a test to play it."""

    version: str
    """The version of Asterisk that the server is."""

    answers: Mapping[str, tuple[Step, ...]]
    """How the server answers actions, by their names: `server.on(name).reply(*steps)`. It answers others by itself."""

    clients: tuple[tuple[Asked, ...], ...]
    """What each client asks, in the order of time."""

    events: tuple[Told, ...]
    """What the server tells, in the order of time."""

    faults: tuple[str, ...]
    """What goes wrong: `amisim.Server(faults=session.faults, seed=session.seed)`."""

    seed: int
    """What decides about chance."""


_ITEM = st.sampled_from(
    [*(event(name) for name in ("QueueParams", "QueueMember", "CoreShowChannel", "PeerEntry", "Hangup", "Item")),
     event("PeerEntry", ActionID="")]
)  # fmt: skip
_LAST = st.sampled_from(["", "QueueStatusComplete", "CoreShowChannelsComplete", "PeerlistComplete"])
_PROBLEMS = st.sampled_from([response("Error", Message=text) for text in ("No such channel", "Permission denied")])
_STEPS = st.lists(_ITEM | SECONDS.map(Wait), max_size=4)
_KINDS = st.sampled_from(["success", "error", "list", "cut list", "nothing"])


@st.composite
def _replies(draw: DrawFn) -> tuple[Step, ...]:
    match draw(_KINDS):
        case "success":
            return (response(), *draw(_STEPS))
        case "error":
            return (*draw(_STEPS), draw(_PROBLEMS))
        case "list":
            return (response(EventList="start"), *draw(_STEPS), list_complete(draw(_LAST)))
        case "cut list":
            return (response(EventList="start"), *draw(_STEPS))
        case _:
            return ()


_REPLIES = _replies()


def replies() -> SearchStrategy[tuple[Step, ...]]:
    """What a server may answer to an action: `server.on("QueueStatus").reply(*steps)`.

    A success, an error, a list with its end or without, or nothing; with events and waits where there can be some.
    """
    return _REPLIES


_ANSWERED = st.sampled_from(["Ping", "QueueStatus", "CoreShowChannels", "Hangup", "IAXpeers"])
_ANSWERS = st.dictionaries(_ANSWERED, _REPLIES, max_size=3)
_ACTIONS = st.lists(st.tuples(SECONDS, actions()), max_size=4)


@st.composite
def sessions(draw: DrawFn, max_clients: int = 3) -> Session:
    """Whole sessions of several clients: what they ask and when, what is answered and told, and what goes wrong."""
    told = draw(event_streams(max_calls=2))
    gaps = draw(st.lists(SECONDS, max_size=len(told)))
    return Session(
        version=draw(_VERSIONS),
        answers=draw(_ANSWERS),
        clients=tuple(
            tuple(map(Asked, itertools.accumulate(gap for gap, _ in asked), (action for _, action in asked)))
            for asked in draw(st.lists(_ACTIONS, max_size=max_clients))
        ),
        events=tuple(map(Told, itertools.accumulate(gaps), told)),
        faults=tuple(draw(_PLANS)),
        seed=draw(st.integers(0, 3)),
    )


_PLANS = fault_plans()
_VERSIONS = st.sampled_from(sorted(BANNERS, reverse=True))
