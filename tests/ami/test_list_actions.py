"""Every action that a list answers, from the request to the end of the list, with each way in which Asterisk answers.

The table in `tests/data/list-actions.yaml` says what is in each list, and what is odd about it.
"""

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import ami
from ami import catalogue
from ami.catalogue import Aggregate, Event
from ami.request import _REQUIRED, Action, Request
from ami.session import ClientSession

DATA = Path(__file__).parents[1] / "data"
LISTS: dict[str, dict[str, Any]] = yaml.safe_load((DATA / "list-actions.yaml").read_text())

NEW = "11.0.0"
"""The greeting of Asterisk 22, whose lists have marks at both ends."""

OLD = ("1.3", "2.5.0", "2.6.0")
"""The greetings of Asterisk 11, 13.0 and 13.1."""


def those(*marks: str) -> list[str]:
    """The lists that the table gives any of these marks."""
    return [name for name, entry in LISTS.items() if any(mark in entry for mark in marks)]


every_list = pytest.mark.parametrize("name", LISTS)


# Now, at the start: a test that puts back what classes were declared before it must not take away those of a family.
for module in pkgutil.iter_modules(ami.__path__):
    importlib.import_module(f"ami.{module.name}")


@cache
def declared() -> dict[str, type[Action]]:
    """The classes of the package's actions, by their names."""
    classes = list(Action.__subclasses__())
    for cls in classes:
        classes += cls.__subclasses__()
    return {cls._action: cls for cls in classes if cls.__module__.startswith("ami.")}


class Line:
    """One connection: the client's session, and the server that the test plays."""

    def __init__(self, version: str = NEW) -> None:
        self.now = 1000.0
        self.session = ClientSession(id_prefix="host-abcde")
        self.session.receive_data(f"Asterisk Call Manager/{version}\r\n".encode(), self.now)
        self.outputs()

    def send(self, request: Request) -> Any:
        """Send an action; the session's record of it."""
        sent = self.session.send_action(request, self.now, lambda: None)
        return sent[0] if isinstance(sent, tuple) else sent

    def say(self, *lines: str) -> None:
        self.session.receive_data("".join(f"{line}\r\n" for line in (*lines, "")).encode(), self.now)

    def outputs(self) -> list[Any]:
        """What the callbacks get: events and aggregates."""
        return [each for each in self.session.take_outputs() if isinstance(each, (Event, Aggregate))]

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.session.handle_timer(self.now)


class Conversation:
    """An action of the table under way, and the words of the server that belong to it."""

    def __init__(self, name: str, version: str = NEW, line: Line | None = None, **attributes: Any) -> None:
        self.entry = LISTS[name]
        action = declared()[name]
        given = {field: "1" for field, kind in action._fields.items() if kind.default is _REQUIRED}
        self.request = action(**(given | self.entry.get("with", {})))
        self.request.synchronous = not attributes
        vars(self.request).update(attributes)
        self.line = line or Line(version)
        self.pending = self.line.send(self.request)
        self.id = f"ActionID: {self.pending.action_id}"
        self.items: list[str] = self.entry["items"]
        self.said = 0

    def start(self, *lines: str, mark: str | None = None) -> None:
        mark = mark or self.entry.get("start", "start")
        self.line.say("Response: Success", self.id, f"EventList: {mark}", "Message: the list follows", *lines)

    def item(self, name: str, **options: Any) -> None:
        self.said += 1
        place = options.get("place", self.entry.get("id_last"))
        body = [f"Privilege: {self.entry['privilege']}"] if "privilege" in self.entry else []
        body.append(f"Number: {self.said}")
        if place is None:
            body.insert(0, self.id)
        elif place is True:
            body.append(self.id)
        self.line.say(f"Event: {name}", *body)

    def each_item(self, times: int = 2, **options: Any) -> None:
        for _ in range(times):
            for name in self.items:
                self.item(name, **options)

    def end(self, count: int | None = None, mark: str | None = "Complete") -> None:
        """End the list; without a mark, as before Asterisk 13.2."""
        count = self.said if count is None else count
        marks = [f"EventList: {mark}"] if mark else []
        headers = [*(["ListItems"] if mark else []), *self.entry.get("counts", ())]
        counts = [f"{header}: {count}" for header in headers]
        self.line.say(f"Event: {self.entry['complete']}", self.id, *marks, *counts)

    def result(self) -> Any:
        assert self.pending.done
        response = self.pending.result()
        assert response is not None
        return response

    def collected(self) -> dict[str, list[int]]:
        """The numbers of the items in the result, by name."""
        events = self.result().events
        return {name: [int(event["Number"]) for event in events[name]] for name in self.items}

    def expected(self) -> dict[str, list[int]]:
        kinds = len(self.items)
        return {name: list(range(1 + at, 1 + self.said, kinds)) for at, name in enumerate(self.items)}


def test_the_table_is_that_of_the_catalogues():
    found: dict[str, Any] = {}
    for version in (16, 22):
        text = (DATA / f"catalogue-{version}.yaml").read_text()
        actions = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["actions"]
        found |= {name: what["responds_with_list"] for name, what in actions.items() if what.get("responds_with_list")}
    assert {name: (sorted(entry["items"]), entry["complete"]) for name, entry in LISTS.items()} == {
        name: (sorted(answer["events"]), answer["complete"]) for name, answer in found.items()
    }


# As it should be


@every_list
def test_a_list_is_collected(name):
    talk = Conversation(name)
    talk.start()
    assert not talk.pending.done
    talk.each_item(place=None if talk.entry.get("id_last") == "no_id" else talk.entry.get("id_last"))
    assert not talk.pending.done
    talk.end()
    response = talk.result()
    assert response.success
    assert not response.events_timeout
    assert talk.collected() == talk.expected()
    assert talk.line.outputs() == []
    end = response.events[talk.entry["complete"]]
    assert end.name == talk.entry["complete"]
    for kind in (*talk.items, talk.entry["complete"]):
        cls = catalogue.event_class(kind)
        assert cls is not Event
        assert response.events[cls] is response.events[kind]
    assert end.list_items == talk.said
    assert all(type(event) is catalogue.event_class(kind) for kind in talk.items for event in response.events[kind])


@every_list
def test_the_action_id_may_stand_anywhere_in_an_item(name):
    for first_or_last in (None, True):
        talk = Conversation(name)
        talk.start()
        talk.each_item(place=first_or_last)
        talk.end()
        assert talk.collected() == talk.expected()


@every_list
def test_an_empty_list_ends(name):
    talk = Conversation(name)
    talk.start()
    talk.end()
    response = talk.result()
    assert response.success
    assert not response.events_timeout
    assert talk.collected() == {kind: [] for kind in talk.items}
    assert response.events[talk.entry["complete"]].list_items == 0


@every_list
def test_a_list_comes_together_as_an_aggregate(name):
    talk = Conversation(name, aggregate=True)
    talk.start()
    assert talk.result().success
    talk.each_item(place=None)
    talk.end()
    *events, aggregate = talk.line.outputs()
    assert [each.name for each in events] == talk.items * 2 + [talk.entry["complete"]]
    assert isinstance(aggregate, Aggregate)
    assert aggregate.action_id == talk.pending.action_id
    assert aggregate.valid
    assert {kind: len(aggregate[kind]) for kind in talk.items} == dict.fromkeys(talk.items, 2)
    assert aggregate[talk.entry["complete"]] is events[-1]


@every_list
def test_two_lists_of_one_kind_do_not_mix(name):
    line = Line()
    first, second = Conversation(name, line=line), Conversation(name, line=line)
    for talk in (first, second):
        talk.start()
    for kind in first.items:
        first.item(kind, place=None)
        second.item(kind, place=None)
        second.item(kind, place=None)
    first.end()
    assert first.pending.done
    assert not second.pending.done
    second.end()
    assert [len(numbers) for numbers in first.collected().values()] == [1] * len(first.items)
    assert [len(numbers) for numbers in second.collected().values()] == [2] * len(first.items)


# Nothing to list


@every_list
def test_an_error_ends_the_action(name):
    talk = Conversation(name)
    message = talk.entry.get("nothing", {}).get("error", "Permission denied")
    talk.line.say("Response: Error", talk.id, f"Message: {message}")
    response = talk.result()
    assert not response.success
    assert not response.events_timeout
    assert response.result["Message"] == message.rstrip("\n")
    assert talk.collected() == {kind: [] for kind in talk.items}
    assert response.events[talk.entry["complete"]] is None
    assert talk.line.outputs() == []


@every_list
def test_an_error_ends_the_aggregate(name):
    talk = Conversation(name, aggregate=True)
    talk.line.say("Response: Error", talk.id, "Message: Permission denied")
    assert not talk.result().success
    talk.line.wait(100)
    assert talk.line.outputs() == []


@pytest.mark.parametrize("name", [name for name in those("nothing") if "success" in LISTS[name]["nothing"]])
@pytest.mark.parametrize("version", ["2.7.0", "5.0.4", NEW])
def test_a_plain_success_ends_the_action_where_there_is_no_list(name, version):
    talk = Conversation(name, version)
    talk.line.say("Response: Success", talk.id, f"Message: {talk.entry['nothing']['success']}")
    response = talk.result()
    assert response.success
    assert not response.events_timeout
    assert talk.collected() == {kind: [] for kind in talk.items}
    assert response.events[talk.entry["complete"]] is None


def test_three_lists_have_no_beginning_where_there_is_nothing():
    without = {name for name in those("nothing") if "success" in LISTS[name]["nothing"]}
    assert without == {"VoicemailBoxSummary", "VoicemailUsersList", "VoicemailUserStatus"}


@every_list
def test_a_line_feed_in_a_message_is_no_line_end(name):
    """Asterisk writes it after many of its error messages, and into some successes."""
    talk = Conversation(name)
    talk.line.say("Response: Success", talk.id, "EventList: start", "Message: the list follows\n")
    talk.each_item(place=None)
    talk.end()
    assert talk.result().result["Message"] == "the list follows"
    assert talk.collected() == talk.expected()


# What is odd


@every_list
def test_the_marks_are_read_without_regard_to_case(name):
    for first, last in (("Start", "Complete"), ("START", "COMPLETE"), ("start", "complete")):
        talk = Conversation(name)
        talk.start(mark=first)
        assert not talk.pending.done
        talk.each_item(place=None)
        talk.end(mark=last)
        assert talk.collected() == talk.expected()


@every_list
def test_a_wrong_count_does_not_matter(name):
    for count in (0, 1, 999):
        talk = Conversation(name)
        talk.start()
        talk.each_item(place=None)
        talk.end(count)
        assert not talk.result().events_timeout
        assert talk.collected() == talk.expected()


@every_list
def test_an_aggregate_says_what_a_wrong_count_means(name):
    """Where Asterisk counts, a wrong count makes an aggregate invalid; where it is known to count otherwise, not."""
    documented_not_to_count = {"QueueStatus", "QueueSummary", "VoicemailUsersList"}
    talk = Conversation(name, aggregate=True)
    talk.start()
    talk.each_item(place=None)
    counted = talk.entry.get("counted")
    talk.end({1: 1, None: 999}.get(counted, 2))
    aggregate = talk.line.outputs()[-1]
    assert isinstance(aggregate, Aggregate)
    assert aggregate.valid == (name in documented_not_to_count or counted is not None)


@every_list
def test_an_error_inside_a_list_ends_it(name):
    talk = Conversation(name)
    talk.start()
    talk.item(talk.items[0], place=None)
    talk.line.say("Response: Error", talk.id, "Message: Could not get channel snapshot\n")
    response = talk.result()
    assert response.success, "the action itself was taken"
    assert not response.events_timeout
    assert talk.collected()[talk.items[0]] == [1]
    assert response.events[talk.entry["complete"]] is None
    talk.line.wait(100)
    assert talk.line.outputs() == []
    if talk.entry.get("inside") == "goes_on":
        talk.end()
        assert [each.name for each in talk.line.outputs()] == [talk.entry["complete"]]


@every_list
def test_a_list_that_does_not_end_is_given_up(name):
    talk = Conversation(name)
    talk.start()
    talk.item(talk.items[0], place=None)
    talk.line.wait(talk.request.timeout + 1)
    response = talk.result()
    assert response.events_timeout
    assert talk.collected()[talk.items[0]] == [1]


@every_list
def test_a_cancelled_list_ends(name):
    talk = Conversation(name)
    talk.start()
    talk.item(talk.items[0], place=None)
    talk.end(mark="cancelled")
    assert not talk.result().events_timeout
    assert talk.collected()[talk.items[0]] == [1]


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in those("also") for kind in LISTS[name]["also"]])
def test_the_same_event_by_itself_is_no_item(name, kind):
    talk = Conversation(name)
    talk.line.say(f"Event: {kind}", "Privilege: call,all", "Number: 100")
    talk.start()
    talk.item(kind)
    talk.line.say(f"Event: {kind}", "Privilege: call,all", "Number: 101")
    talk.line.say(f"Event: {kind}", "Privilege: call,all", "ActionID: of-somebody-else", "Number: 102")
    talk.item(kind)
    talk.end()
    assert talk.collected()[kind] == [1, 2]
    alone = talk.line.outputs()
    assert [event["Number"] for event in alone] == ["100", "101", "102"]
    assert all(type(event) is catalogue.event_class(kind) for event in alone)


def test_six_events_are_items_and_come_by_themselves():
    also = {kind for name in those("also") for kind in LISTS[name]["also"]}
    assert also == {
        "DeviceStateChange", "ExtensionStatus", "PresenceStateChange", "ParkedCall", "PeerStatus",
        "PJSIPMaintenanceStatus",
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name in those("id_last") if LISTS[name]["id_last"] == "no_id"])
def test_items_without_an_action_id_belong_to_the_list(name):
    talk = Conversation(name)
    talk.start()
    talk.each_item()
    talk.end()
    assert talk.line.outputs() == []
    assert talk.collected() == talk.expected()


@pytest.mark.parametrize("name", those("id_last"))
def test_a_list_with_items_without_an_action_id_ends(name):
    talk = Conversation(name)
    talk.start()
    talk.each_item(place="none")
    talk.end()
    assert not talk.result().events_timeout


# Old servers


@pytest.mark.parametrize("name", [name for name in those("old") if LISTS[name]["old"] is True])
@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize("count", [0, 2])
def test_before_13_2_a_list_ends_with_its_last_event(name, version, count):
    talk = Conversation(name, version)
    talk.line.say("Response: Success", talk.id, "Message: the list will follow")
    assert not talk.pending.done
    talk.each_item(count, place=None)
    assert not talk.pending.done
    talk.end(mark=None)
    assert not talk.result().events_timeout
    assert talk.collected() == talk.expected()
    assert talk.line.outputs() == []


@pytest.mark.parametrize("name", those("old"))
def test_before_13_2_a_list_comes_together_as_an_aggregate(name):
    talk = Conversation(name, "1.3", aggregate=True)
    talk.line.say("Response: Success", talk.id, "Message: the list will follow")
    assert talk.result().success
    talk.each_item(place=None)
    talk.end(mark=None)
    aggregate = talk.line.outputs()[-1]
    assert isinstance(aggregate, Aggregate)
    assert aggregate.valid
    assert {kind: len(aggregate[kind]) for kind in talk.items} == dict.fromkeys(talk.items, 2)


@pytest.mark.parametrize("name", [name for name in those("old") if LISTS[name]["old"] == "end_only"])
def test_in_11_a_list_without_marks_may_count_its_items(name):
    talk = Conversation(name, "1.3")
    talk.line.say("Response: Success", talk.id, "Message: Peer status list will follow")
    talk.each_item(place=None)
    talk.line.say(f"Event: {talk.entry['complete']}", talk.id, f"ListItems: {talk.said}")
    assert talk.collected() == talk.expected()


@every_list
def test_a_list_with_marks_is_collected_from_old_servers(name):
    for version in OLD:
        talk = Conversation(name, version)
        talk.start()
        talk.each_item(place=None)
        talk.end()
        assert talk.collected() == talk.expected()


@every_list
def test_an_error_of_an_old_server_ends_the_action(name):
    talk = Conversation(name, "1.3")
    talk.line.say("Response: Error", talk.id, "Message: Permission denied")
    assert not talk.result().success


def test_twelve_lists_of_old_servers_have_no_marks():
    assert set(those("old")) == {
        "Agents", "DAHDIShowChannels", "DBGet", "IAXpeers", "ParkedCalls", "Parkinglots", "PRIShowSpans",
        "QueueStatus", "QueueSummary", "SIPpeerstatus", "Status", "VoicemailUsersList",
    }  # fmt: skip
