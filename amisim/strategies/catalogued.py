"""Events that are declared, each alone, and the events of whole calls."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from ami.catalogue import Event, event_classes, event_name, parse
from ami.headers import Bool, Code, Duration, Float, Header, Int, Numbered, Part, Timestamp, Variables, Word, declared
from amisim.steps import render
from amisim.strategies.content import header_values

__all__ = ["catalogue_events", "event_streams"]

_VERSIONS = ("16", "18", "20", "22")
_SINCE = {
    18: """
        CoreShowChannelMap CoreShowChannelMapComplete DAHDIShowStatus DAHDIShowStatusComplete VoicemailBoxDetail
        VoicemailBoxDetailComplete
    """,
    20: "PJSIPMaintenanceStatus PJSIPMaintenanceStatusComplete",
    22: "DeadlockStart VoicemailPasswordChange",
}
"""What 22.10 has and 16.28 has not; of the items of lists it is known since when there is the action."""
_UNTIL = {
    11: "AGIExec AsyncAGI ChannelUpdate DTMF QueueMemberPaused",
    20: """
        DeviceEntry DevicelistComplete LineEntry LinelistComplete MonitorStart MonitorStop SIPQualifyPeerDone
        SIPpeerstatusComplete SessionTimeout
    """,
}

_PLAUSIBLE = {
    "channel": st.sampled_from(["PJSIP/100-00000001", "PJSIP/200-00000002", "Local/300@default-00000003;1"]),
    "uniqueid": st.sampled_from(["1732353600.1", "1732353600.2"]),
    "linkedid": st.sampled_from(["1732353600.1", "1732353600.2"]),
    "num": st.sampled_from(["100", "200", "<unknown>"]),
    "exten": st.sampled_from(["200", "s", ""]),
    "queue": st.sampled_from(["support", "sales"]),
}
"""Values of headers of text, by how their names end."""
_PRIVILEGES = st.sampled_from([["call,all"], ["system,all"], ["agent,all"], ["user,all"], ["reporting,all"]])
_VARIABLES = st.sampled_from(["EXTEN=200", "NAME=Ünlü", "empty=", "a=b=c"])
_NUMBERS = st.integers(0, 2**31 - 1)
_MOMENTS = st.just(1732353600) | st.integers(1, 2**32)
_TEXTS = ("192.0.2.1:5060", "OK (23 ms)", "Yes", "200%20result=0", "agi_channel%3A%20PJSIP/100")
"""Values of headers of other types: of each header those that it takes."""


def catalogue_events(*kinds: type[Event], version: str = "22") -> SearchStrategy[Event]:
    """Events of these declared classes, or of all that this version of Asterisk has, with all their typed headers.

    What a class declares to be a number is a number, and so on: of `catalogue_events(core_events.Hangup)` each
    `event.cause` is a member of `ami.enums.HangupCause`. Raises `ValueError` for a version other than 16, 18, 20, 22,
    and for a class that is no declared event.
    """
    if version not in _VERSIONS:
        raise ValueError(f"no events of Asterisk {version!r} are known; {', '.join(_VERSIONS)} are")
    chosen = kinds or _events_of(version)
    return st.sampled_from(sorted(chosen, key=_simplicity)).flatmap(_events)


def _simplicity(kind: type[Event]) -> tuple[int, str]:
    return len(declared(kind)), event_name(kind)


@cache
def _events_of(version: str) -> tuple[type[Event], ...]:
    """The classes of ami's own that a version has."""
    number = int(version)
    missing = {name for since, names in _SINCE.items() if number < since for name in names.split()}
    missing |= {name for until, names in _UNTIL.items() if number > until for name in names.split()}
    return tuple(
        kind for kind in event_classes() if kind.__module__.startswith("ami.") and kind.wire_name not in missing
    )


@cache
def _events(kind: type[Event]) -> SearchStrategy[Event]:
    own = [header for attribute, header in declared(kind).items() if attribute not in _OF_EVERY_EVENT]
    parts = {"Event": st.just([event_name(kind)]), "Privilege": _PRIVILEGES, **dict(_headers(own))}
    return _composed([*parts], st.tuples(*parts.values()))


_OF_EVERY_EVENT = frozenset(declared(Event))


@st.composite
def _composed(draw: DrawFn, names: Iterable[str], values: SearchStrategy[tuple[list[str], ...]]) -> Event:
    """An event of headers, each with any number of values; `#` in a name stands for the number of each."""
    pairs = zip(names, draw(values), strict=True)
    return _event([(name.replace("#", str(n)), text) for name, of in pairs for n, text in enumerate(of)])


def _event(pairs: Iterable[tuple[str, str]]) -> Event:
    event = parse(render(pairs).data)
    assert isinstance(event, Event)
    return event


def _headers(of: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, SearchStrategy[list[str]]]]:
    """The names of declared headers, and what values they may have in an event."""
    for each in of:
        if isinstance(each, Part):
            yield from _headers(declared(each.view).values(), prefix + each.prefix)
        elif isinstance(each, Variables):
            yield prefix + each.name, st.lists(_VARIABLES, max_size=2)
        elif isinstance(each, Numbered):
            yield prefix + each.name, st.lists(_values(each.item), max_size=2)
        else:
            yield prefix + each.name, _values(each).map(_alone)


def _alone(value: str) -> list[str]:
    return [value]


def _values(header: Header[Any]) -> SearchStrategy[str]:
    """Text that a typed header has a value for."""
    match header:
        case Int():
            return _NUMBERS.map(str)
        case Float():
            return _NUMBERS.map(lambda number: f"{number}.5")
        case Bool():
            return st.sampled_from(["0" if header.true == "1" else "No", header.true])
        case Code():
            return st.sampled_from([str(int(each)) for each in header.meanings])
        case Word():
            return st.sampled_from([each.value for each in header.words])
        case Timestamp():
            return _MOMENTS.map(str)
        case Duration():
            return _NUMBERS.map(lambda number: f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}")
    end = next((end for end in _PLAUSIBLE if header.name.lower().endswith(end)), "")
    if taken := [text for text in _TEXTS if type(header).__module__ != "ami.headers" and header.convert(text)]:
        return st.sampled_from(taken)
    return _PLAUSIBLE[end] if end else header_values()


# Calls


_OUTCOMES = {"ANSWER": 16, "BUSY": 17, "NOANSWER": 19, "CANCEL": 16}
"""How a call may go (`DialStatus`), and the cause with which it ends."""
_STATES = {"Down": 0, "Ring": 4, "Ringing": 5, "Up": 6}


@st.composite
def event_streams(draw: DrawFn, max_calls: int = 3) -> list[Event]:
    """The events of some calls, from the first of each to its last, in the order in which a server would send them.

    Each call has a caller and a called channel, which ring, speak to one another or do not, and hang up. What happens
    in one is in order, and between its events are those of others: after all of them no channel is left.
    """
    calls = [_call(2 * number, draw(_ENDS)) for number in range(draw(st.integers(0, max_calls)))]
    merged = []
    while calls:
        turn = calls[draw(st.integers(0, len(calls) - 1))] if len(calls) > 1 else calls[0]
        merged.append(turn.pop(0))
        calls = [each for each in calls if each]
    return merged


_ENDS = st.sampled_from(list(_OUTCOMES))


def _call(number: int, outcome: str) -> list[Event]:
    """The events of a call, in order. Its channels have the numbers `number + 1` and `number + 2`."""
    linked, cause = f"1732353600.{number + 1}", _OUTCOMES[outcome]

    def told(name: str, *channels: tuple[str, int, str], **others: object) -> Event:
        pairs = [("Event", name), ("Privilege", "call,all")]
        for prefix, each, state in channels:
            snapshot = {
                "Channel": f"PJSIP/{100 * each}-{each:08x}", "ChannelState": _STATES[state], "ChannelStateDesc": state,
                "CallerIDNum": 100 * each, "CallerIDName": f"Caller {each}", "Context": "default", "Exten": "s",
                "Priority": 1, "Uniqueid": f"1732353600.{each}", "Linkedid": linked,
            }  # fmt: skip
            pairs += [(prefix + key, str(value)) for key, value in snapshot.items()]
        return _event([*pairs, *((key, str(value)) for key, value in others.items())])

    a, b = number + 1, number + 2
    dial = {"DialString": 100 * b}
    events = [
        told("Newchannel", ("", a, "Ring")), told("Newchannel", ("", b, "Down")),
        told("DialBegin", ("", a, "Ring"), ("Dest", b, "Down"), **dial), told("Newstate", ("", b, "Ringing")),
    ]  # fmt: skip
    speak = outcome == "ANSWER"
    state = {a: "Up" if speak else "Ring", b: "Up" if speak else "Ringing"}
    if speak:
        events += [told("Newstate", ("", b, "Up")), told("Newstate", ("", a, "Up"))]
    events.append(told("DialEnd", ("", a, state[a]), ("Dest", b, state[b]), DialStatus=outcome))
    if speak:
        bridge = {"BridgeUniqueid": f"bridge-{a}", "BridgeType": "basic"}
        for name, count in (("BridgeEnter", (1, 2)), ("BridgeLeave", (1, 0))):
            events += [
                told(name, ("", each, "Up"), **bridge, BridgeNumChannels=now)
                for each, now in zip((a, b), count, strict=True)
            ]
    events += [told("Hangup", ("", each, state[each]), Cause=cause) for each in (b, a)]
    return events
