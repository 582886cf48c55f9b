"""The declared actions and events against the catalogues of Asterisk 16.28 and 22.10: all is there, nothing made up.

The catalogues were made from Asterisk's documentation, its source, and what both servers sent. Each test names
everything that is wrong at once.
"""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import ami
from ami import aoc, catalogue
from ami.catalogue import Aggregate, Event, parse
from ami.headers import headers_of
from ami.request import _REQUIRED, Action, Request

from .. import understood

DATA = Path(__file__).parents[1] / "data"
VERSIONS = (16, 22)

# Headers that `Event` declares or that say what a message is; the catalogues leave most of them out.
COMMON = understood.ON_EVERY_EVENT

# How an action with a constructor of its own is made: first with nothing but what it must have, then in other ways,
# until every header that it can write is there.
MADE: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "ami.aoc.AOCMessage": [
        (("D",), {}),
        (("D", "SIP/1", "SIP/", "Unit", [(5, 2)], "EUR", 5, "One", "Total", "Normal", 1, "2", 3), {}),
        (("S",), dict.fromkeys(
            ("charged_item", "rate_type", "time", "time_scale", "granularity", "granularity_time_scale",
             "charging_type", "volume_unit", "code"), 1)),
    ],
    "ami.config.UpdateConfig": [
        (("a.conf", "b.conf", []), {}),
        (("a.conf", "b.conf", [("Append", "cat", "var", "value", "match", 1, "options")], True, True), {}),
    ],
    "ami.core.MuteAudio": [(("SIP/1", True), {})],
    "ami.core.Originate": [
        (("Local/1@x",), {}),
        (("Local/1@x",), {
            "context": "x", "extension": "1", "priority": 1, "application": "Wait", "data": "1", "timeout": 5,
            "callerid": "me", "variables": {"a": 1}, "account": "acct", "early_media": True, "codecs": "alaw",
            "channel_id": "1.1", "other_channel_id": "1.2", "pre_dial_gosub": "x,1,1",
        }),
    ],
    "ami.core.Originate_Application": [
        (("Local/1@x", "Wait"), {}),
        (("Local/1@x", "Wait", "1", 5, "me", {"a": 1}, "acct", False), {}),
    ],
    "ami.core.Originate_Context": [
        (("Local/1@x", "x", "1", 1), {}),
        (("Local/1@x", "x", "1", 1, 5, "me", {"a": 1}, "acct", False), {}),
    ],
    "ami.core.UserEvent": [((), {"UserEvent": "Alarm"}), ((), {"UserEvent": "Alarm", "Header1": "1", "HeaderN": "2"})],
    "ami.core.WaitEvent": [((5,), {})],
    "ami.login.Events": [(("on",), {})],
    "ami.login.Login": [
        (("admin", "s3cret"), {}),
        (("admin", "s3cret", False), {}),
        (("admin", "s3cret", True, "123"), {}),
    ],
    "ami.parking.Park": [
        (("SIP/1", "SIP/2"), {}),
        (("SIP/1", "SIP/2", 5000, "SIP/3", "default", 701), {}),
    ],
    "ami.sip.SIPnotify": [(("peer", {"Event": "check-sync"}), {}), (("peer", {"Event": "check-sync"}, "id"), {})],
}  # fmt: skip

# Actions that Asterisk 16 and 22 do not have, and where they come from.
OLDER_ACTIONS = {
    "ConfbridgeMoHOff": "documented; in none of Asterisk's own releases",
    "ConfbridgeMoHOn": "documented; in none of Asterisk's own releases",
    "ConfbridgePlayFile": "documented; in none of Asterisk's own releases",
    "SetCDRUserField": "documented; gone before Asterisk 16",
}

# Parameters that the catalogues do not have, and where they come from.
OLDER_PARAMETERS = {
    "JabberSend": {"ScreenName": "what 16.28 and 22.10 want in place of the documented JID"},
    "Park": {"Channel2": "the older name of TimeoutChannel, which Asterisk still takes"},
}

# Parameters that go by other names: older ones, which Asterisk 16 and 22 still take, or what they read in truth.
BY_OTHER_NAMES = {"JabberSend": {"JID": "ScreenName"}, "Park": {"TimeoutChannel": "Channel2"}}

# Actions of more than one class.
OF_SEVERAL_CLASSES = {"Originate"}  # two of them are documented, and have not all that Asterisk has

# Events that no server sends.
OF_THE_CLIENT = {"Gap"}

# Events that Asterisk 16 and 22 do not have, and where they come from.
OLDER_EVENTS = {
    "AGIExec": "documented; Asterisk 11, from 12 on AGIExecStart and AGIExecEnd",
    "AsyncAGI": "documented; Asterisk 11, from 12 on AsyncAGIStart, AsyncAGIExec and AsyncAGIEnd",
    "ChannelUpdate": "documented; Asterisk 11, gone in 12",
    "DTMF": "documented; Asterisk 11, from 12 on DTMFBegin and DTMFEnd",
    "QueueMemberPaused": "documented; Asterisk 11, from 12 on QueueMemberPause",
}

# Headers that the catalogues do not have, and where they come from.
IN_AOC_C = "in aoc.c of every version"
BEFORE_12 = "documented; Asterisk 11, gone in 12"
OLDER_HEADERS = {
    "AOC-S": {
        **{f"Duration/Currency/{name}": IN_AOC_C for name in ("Name", "Cost", "Multiplier")},
        "Duration/Granularity/Scale": IN_AOC_C,
        **{f"Volume/Currency/{name}": IN_AOC_C for name in ("Name", "Cost", "Multiplier")},
    },
    "AttendedTransfer": {"IsExternal": "seen on 16.28 and 22.10"},
    "CEL": {"Channel": "in cel_manager.c of every version", "UserDefType": "in cel_manager.c of every version"},
    "DeviceEntry": {"Channeltype": "in chan_skinny.c of 16", "ListItems": "seen on 16.28, run together with the end"},
    "EndpointDetail": {"FollowRedirectMethods": "seen on 22.10"},
    "LineEntry": {"Channeltype": "in chan_skinny.c of 16", "ListItems": "seen on 16.28, run together with the end"},
    "OriginateResponse": {"ChanVariable": "seen on 16.28 and 22.10, as `ChanVariable(channel)`"},
    "ParkedCall": {"Timeout": BEFORE_12},
    "PeerEntry": {"Natsupport": BEFORE_12},
    "QueueMemberAdded": {"Location": BEFORE_12},
    "QueueMemberRemoved": {"Location": BEFORE_12},
    "RTCPReceived": dict.fromkeys(
        ("DLSR", "FractionLost", "HighestSequence", "IAJitter", "LastSR", "PacketsLost", "ReceptionReports",
         "SequenceNumberCycles"), BEFORE_12),
    "RTCPSent": dict.fromkeys(("CumulativeLoss", "DLSR", "FractionLost", "IAJitter", "TheirLastSR"), BEFORE_12),
    "RegistryEntry": dict.fromkeys(
        ("Domain", "DomainPort", "Port", "RegistrationTime"), "documented; in chan_sip.c of 16, for SIPshowregistry"),
    "Rename": {"ChanVariable": "in channel.c of every version, as `ChanVariable(channel)`"},
    "Status": {"Variable": "seen on 16.28 and 22.10, where variables were asked for"},
    "TestEvent": dict.fromkeys(("Type", "State", "AppFile", "AppFunction", "AppLine"), "seen on 16.28 and 22.10"),
}  # fmt: skip

# What Asterisk documents under one name, or by the last part of a name alone, and writes under another.
CURRENCY = {"Currency": "Charge/Currency/Name"} | {
    name: f"Charge/Currency/{name}" for name in ("Name", "Cost", "Multiplier")
}
CHARGE = CURRENCY | {
    "Charge": "Charge/Type",
    **{name: f"Charge/{name}" for name in ("Type", "BillingID", "TotalType")},
    "Units": "Charge/Units(#)/NumberOf",
    **{name: f"Charge/Units(#)/{name}" for name in ("NumberOf", "TypeOf")},
}  # fmt: skip
OTHERWISE_WRITTEN = {
    "AOC-D": CHARGE,
    "AOC-E": CHARGE | {
        "ChargingAssociation": "ChargingAssociation/ID",
        **{name: f"ChargingAssociation/{name}" for name in ("Number", "Plan", "ID")},
    },
    "AOC-S": {
        "Chargeable": "Chargeable", "RateType": "Flat/Currency/Cost", "Currency": "Flat/Currency/Name",
        "Name": "Flat/Currency/Name", "Cost": "Flat/Currency/Cost", "Multiplier": "Flat/Currency/Multiplier",
        "ChargingType": "Duration/ChargingType", "StepFunction": "Duration/ChargingType",
        "Granularity": "Duration/Granularity/Length", "Length": "Duration/Time/Length",
        "Scale": "Duration/Time/Scale", "Unit": "Volume/Unit", "SpecialCode": "SpecialCode/SpecialCode",
    },
    "AsyncAGIExec": {"CommandID": "CommandId"},
    "CEL": {"UserField": "Userfield"},  # seen on 16.28 and 22.10
    "TransportDetail": {"AsycOperations": "AsyncOperations"},
}  # fmt: skip

# What an event has in a part that is made when it is asked for.
IN_PARTS = {"AOC-S": aoc.Rate}


# What the catalogues say


@cache
def written_down(version: int) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DATA / f"catalogue-{version}.yaml").read_text(), Loader=loader)


def each(kind: str) -> dict[str, list[dict[str, Any]]]:
    """The actions, or events, of both versions, by name."""
    names: dict[str, list[dict[str, Any]]] = {}
    for version in VERSIONS:
        for name, what in written_down(version)[kind].items():
            names.setdefault(name, []).append(what)
    return names


def parameters(action: list[dict[str, Any]]) -> dict[str, bool]:
    """The parameters of an action, and whether each is required in every version that has it."""
    required: dict[str, bool] = {}
    for version in action:
        for each_one in version["parameters"]:
            name = each_one["name"]
            required[name] = each_one["required"] and required.get(name, True)
    required.pop("ActionID", None)
    return required


def headers(event: list[dict[str, Any]]) -> set[str]:
    return {name for version in event for name in (*version["fields"], *version.get("wire", ()))} - COMMON


def snapshot_headers(known: set[str]) -> Iterator[str]:
    """The headers that the snapshots of an event may have, besides those that every snapshot has."""
    marks = {"ChannelState": "channel_snapshot_optional", "BridgeType": "bridge_snapshot_optional"}
    for mark, optional in marks.items():
        for name in known:
            if name.endswith(mark):
                yield from (name.removesuffix(mark) + each_one for each_one in written_down(22)["snapshots"][optional])


def lists() -> dict[str, dict[str, Any]]:
    """The actions that a list answers, by name."""
    return {
        name: version["responds_with_list"]
        for name, versions in each("actions").items()
        for version in versions
        if version.get("responds_with_list")
    }


# What is declared


# Now, at the start: a test that puts back what classes were declared before it must not take away those of a family.
for module in pkgutil.iter_modules(ami.__path__):
    importlib.import_module(f"ami.{module.name}")


def below(base: type) -> Iterator[type]:
    """The classes that the package declares under a base, each once."""
    seen: set[type] = set()
    waiting = [base]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            if cls not in seen:
                seen.add(cls)
                waiting.append(cls)
    for cls in sorted(seen, key=lambda cls: (cls.__module__, cls.__qualname__)):
        if cls.__module__.startswith("ami.") and vars(sys.modules[cls.__module__]).get(cls.__name__) is cls:
            yield cls


def declared_events() -> dict[str, list[type[Event]]]:
    names: dict[str, list[type[Event]]] = {}
    for cls in below(Event):
        if cls.wire_name and cls.wire_name not in OF_THE_CLIENT:
            names.setdefault(cls.wire_name, []).append(cls)
    return names


def own_constructor(cls: type[Request]) -> bool:
    return cls.__init__ is not Action.__init__


def key(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def made(cls: type[Request]) -> list[Request]:
    """An action with the least arguments, and others that show the rest of its headers."""
    if own_constructor(cls):
        return [cls(*args, **kwargs) for args, kwargs in MADE[key(cls)]]
    least = {name: "1" for name, field in cls._fields.items() if field.default is _REQUIRED}
    return [cls(**least), cls(**dict.fromkeys(cls._fields, "1"))]


def made_to_list(cls: type[Request]) -> Request:
    """An action that a list answers."""
    request = made(cls)[0]
    if lists()[request["Action"]].get("only_if") == "Channel is a /regex/":
        request.channel = "/1/"
    return request


def action_name(cls: type[Request]) -> str:
    return cls._action if not own_constructor(cls) else made(cls)[0]["Action"]


def declared_actions() -> dict[str, list[type[Request]]]:
    names: dict[str, list[type[Request]]] = {}
    for cls in below(Request):
        if cls is not Action and not cls.__name__.startswith("_") and (not own_constructor(cls) or key(cls) in MADE):
            names.setdefault(action_name(cls), []).append(cls)
    return names


def written(cls: type[Request]) -> set[str]:
    """The headers that an action can write."""
    return {header for request in made(cls) for header in request} - {"Action"}


def fold(names: Iterable[str]) -> dict[str, str]:
    """Names by their lower case: Asterisk ignores the case of what it reads."""
    return {name.lower(): name for name in names}


def told(gaps: dict[str, Any]) -> str:
    return "\n".join(f"{name}: {what}" for name, what in sorted(gaps.items()))


# Actions


def test_every_constructor_has_an_example():
    actions = [cls for cls in below(Request) if cls is not Action and not cls.__name__.startswith("_")]
    assert [key(cls) for cls in actions if own_constructor(cls) and key(cls) not in MADE] == []
    assert set(MADE) <= {key(cls) for cls in actions}


def test_every_action_is_declared():
    assert sorted(set(each("actions")) - set(declared_actions())) == []


def test_every_parameter_can_be_given():
    gaps = {}
    for name, versions in each("actions").items():
        taken = fold(header for cls in declared_actions().get(name, ()) for header in written(cls))
        other = BY_OTHER_NAMES.get(name, {})
        wanted = fold(other.get(header, header) for header in parameters(versions))
        if name in declared_actions() and (missing := wanted.keys() - taken.keys()):
            gaps[name] = sorted(wanted[header] for header in missing)
    assert not gaps, told(gaps)


def test_required_parameters_are_required():
    """The least that an action can be made with has all of them."""
    gaps = {}
    for name, versions in each("actions").items():
        other = BY_OTHER_NAMES.get(name, {})
        required = fold(other.get(header, header) for header, needed in parameters(versions).items() if needed)
        for cls in declared_actions().get(name, ()):
            if missing := required.keys() - fold(made(cls)[0]).keys():
                gaps[key(cls)] = sorted(required[header] for header in missing)
    assert not gaps, told(gaps)


def test_no_action_is_made_up():
    assert sorted(set(declared_actions()) - set(each("actions")) - set(OLDER_ACTIONS)) == []
    assert set(OLDER_ACTIONS) <= set(declared_actions()) - set(each("actions"))


def test_no_parameter_is_made_up():
    gaps = {}
    for name, classes in declared_actions().items():
        known = fold((*parameters(each("actions").get(name, [])), *OLDER_PARAMETERS.get(name, ())))
        taken = fold(header for cls in classes for header in written(cls))
        if name in each("actions") and (extra := taken.keys() - known.keys()):
            gaps[name] = sorted(taken[header] for header in extra)
    assert not gaps, told(gaps)
    for name, extra in OLDER_PARAMETERS.items():
        assert not fold(extra).keys() & fold(parameters(each("actions")[name])).keys(), name


def test_no_action_is_declared_twice():
    twice = {name: [key(cls) for cls in classes] for name, classes in declared_actions().items() if len(classes) > 1}
    assert twice.keys() == OF_SEVERAL_CLASSES, told(twice)


# Events


def found_headers(cls: type[Event]) -> set[str]:
    part = IN_PARTS.get(cls.wire_name)
    return {*headers_of(cls), *(headers_of(part) if part else ())} - COMMON


def by_number(header: str) -> str:
    """A numbered header as the catalogues write it: `ReportXDLSR` for `Report#DLSR`."""
    return header if "/" in header else header.replace("#", "X")


def test_every_event_is_declared():
    assert sorted(set(each("events")) - set(declared_events())) == []


def test_every_header_is_declared():
    gaps = {}
    for name, versions in each("events").items():
        otherwise = OTHERWISE_WRITTEN.get(name, {})
        wanted = {otherwise.get(header, header) for header in headers(versions)}
        for cls in declared_events().get(name, ()):
            if missing := wanted - {by_number(header) for header in found_headers(cls)}:
                gaps[name] = sorted(missing)
    assert not gaps, told(gaps)


def test_a_header_that_hides_a_common_one_is_declared():
    """`Line` is where in Asterisk's source an event was raised; here, a setting of a registration."""
    hiding = {
        name: common
        for name, versions in each("events").items()
        for version in versions
        if (common := (COMMON - {"Event", "ActionID", "EventList", "Privilege"}) & set(version["fields"]))
    }
    assert hiding == {"OutboundRegistrationDetail": {"Line"}}
    registration = declared_events()["OutboundRegistrationDetail"][0]
    assert registration(b"Event: OutboundRegistrationDetail\r\nLine: true\r\n\r\n").line_support is True


def test_no_event_is_made_up():
    assert sorted(set(declared_events()) - set(each("events")) - set(OLDER_EVENTS)) == []
    assert set(OLDER_EVENTS) <= set(declared_events()) - set(each("events"))


def test_no_header_is_made_up():
    gaps = {}
    for name, classes in declared_events().items():
        known = headers(each("events").get(name, []))
        otherwise = OTHERWISE_WRITTEN.get(name, {})
        allowed = {*known, *snapshot_headers(known), *otherwise.values(), *OLDER_HEADERS.get(name, ())}
        for cls in classes:
            if name in each("events") and (extra := {by_number(header) for header in found_headers(cls)} - allowed):
                gaps[name] = sorted(extra)
    assert not gaps, told(gaps)
    for name, extra in OLDER_HEADERS.items():
        assert not set(extra) & headers(each("events")[name]), name


def test_no_event_is_declared_twice():
    twice = {name: [key(cls) for cls in classes] for name, classes in declared_events().items() if len(classes) > 1}
    assert not twice, told(twice)


def test_every_event_is_found_when_it_arrives():
    """The first event of a name that a program receives is of its class, whatever it has imported."""
    names = " ".join(sorted(declared_events()))
    code = (
        "import sys; from ami.catalogue import Event, event_class\n"
        "print(*[name for name in reversed(sys.argv[1].split()) if event_class(name) is Event])"
    )
    run = subprocess.run([sys.executable, "-c", code, names], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


# What servers sent


@pytest.fixture
def recorded(monkeypatch) -> list[Event]:
    """The events in the recordings of both servers, except where values with line breaks forge headers."""
    monkeypatch.setattr(catalogue, "_EVENTS", {name: classes[0] for name, classes in declared_events().items()})
    events = []
    for path in sorted((DATA.parents[1] / "recordings").glob("*/*.yaml")):
        for message in path.read_text().split("\n---\n") if path.stem != "line-breaks-in-values" else ():
            head, *lines = message.split("\n")
            if " < " in head and lines and lines[0].startswith("  Event: "):
                text = "".join(f"{line[2:]}\r\n" for line in lines if line.startswith("  "))
                event = parse(f"{text}\r\n".encode())
                assert isinstance(event, Event)
                events.append(event)
    return events


def test_what_servers_sent_is_declared(recorded):
    gaps: dict[str, Any] = {}
    for event in recorded:
        if missing := understood.undeclared(event):
            gaps.setdefault(event.name, set()).update(missing)
    assert len({event.name for event in recorded}) > 80
    assert not gaps, told(gaps)


def test_what_servers_sent_is_of_the_declared_types(recorded):
    gaps: dict[str, Any] = {}
    for event in recorded:
        for attribute, text in understood.of_another_type(event):
            gaps.setdefault(f"{key(type(event))}.{attribute}", set()).add(text)
    assert not gaps, told(gaps)


# Lists


def test_every_list_names_its_events():
    gaps = {}
    for name, answer in lists().items():
        for cls in declared_actions().get(name, ()):
            unique, members, last = made_to_list(cls).get_synchronous_classes()
            got = (
                sorted(each_one.wire_name for each_one in unique),
                sorted(each_one.wire_name for each_one in members),
                [each_one.wire_name for each_one in last],
            )
            if got != ([], sorted(answer["events"]), [answer["complete"]]):
                gaps[name] = got
    assert not gaps, told(gaps)


def test_every_list_can_be_an_aggregate():
    gaps = {}
    for name, answer in lists().items():
        for cls in declared_actions().get(name, ()):
            aggregates = made_to_list(cls).get_aggregate_classes()
            members = [member.wire_name for each_one in aggregates for member in each_one._aggregation_members]
            last = [member.wire_name for each_one in aggregates for member in each_one._aggregation_finalisers]
            if len(aggregates) != 1 or sorted(members) != sorted(answer["events"]) or last != [answer["complete"]]:
                gaps[name] = (members, last)
    assert not gaps, told(gaps)


def test_only_lists_have_members():
    """An action that no list answers may wait for an event, but collects none."""
    answered = {
        name
        for name, versions in each("actions").items()
        if any(version.get("responds_with_list") or version.get("responds_with_events") for version in versions)
    }
    collecting = {
        name
        for name, classes in declared_actions().items()
        for cls in classes
        if any(made(cls)[0].get_synchronous_classes()[:2])
    }
    assert collecting <= answered


# Documentation


@pytest.mark.parametrize("base", [Event, Request, Aggregate], ids=lambda base: base.__name__)
def test_every_class_says_what_it_is(base):
    without = [key(cls) for cls in below(base) if not (vars(cls).get("__doc__") or "").strip()]
    assert without == []


def test_every_family_exports_what_it_declares():
    gaps = {}
    for cls in (*below(Event), *below(Request), *below(Aggregate)):
        exported = getattr(sys.modules[cls.__module__], "__all__", None)
        hidden = cls.__name__.startswith("_")
        if exported is not None and not hidden and cls.__name__ not in exported and not inspect.isabstract(cls):
            gaps.setdefault(cls.__module__, []).append(cls.__name__)
    assert not gaps, told(gaps)
