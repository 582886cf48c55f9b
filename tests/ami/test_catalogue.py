"""Which class an event gets, and lists: collections and aggregates."""

import pytest

import ami
import ami.ami
from ami import catalogue, core_events
from ami.catalogue import Aggregate, Event, EventCollection, event_class, event_name, parse
from ami.headers import Int, Text
from ami.message import Message


def frame(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "surrogateescape")


def event(*lines: str) -> Event:
    parsed = parse(frame(*lines))
    assert isinstance(parsed, Event)
    return parsed


# Which class an event gets


def test_an_event_arrives_as_its_declared_class():
    hangup = parse(frame("Event: Hangup", "Cause: 16"))
    assert type(hangup) is core_events.Hangup
    assert hangup["Cause"] == "16"


def test_an_event_that_nobody_declared_is_a_plain_event():
    assert type(parse(frame("Event: Undeclared", "A: b"))) is Event


def test_a_name_in_another_case_is_another_event():
    assert type(parse(frame("Event: hangup"))) is Event


def test_a_response_is_a_plain_message():
    assert type(parse(frame("Response: Success", "Event: Hangup"))) is Message


def test_an_event_with_a_response_header_is_an_event():
    assert type(parse(frame("Event: OriginateResponse", "Response: Failure"))) is core_events.OriginateResponse


def test_a_user_declares_an_event_in_three_lines():
    class DoorOpened(ami.Event):
        door = ami.Int()
        opened_by = ami.Text()

    opened = event("Event: DoorOpened", "Door: 7", "OpenedBy: Ada")
    assert type(opened) is DoorOpened
    assert (opened.door, opened.opened_by) == (7, "Ada")


def test_an_event_may_have_a_name_that_is_no_identifier():
    class Odd(Event, name="Odd-Event"):
        pass

    assert type(event("Event: Odd-Event")) is Odd
    assert type(event("Event: Odd")) is Event


def test_an_abstract_class_is_no_event():
    class Base(Event, abstract=True):
        queue = Text()

    class Derived(Base):
        pass

    assert type(event("Event: Base")) is Event
    assert event("Event: Derived", "Queue: a").queue == "a"
    assert Derived.wire_name == "Derived"


def test_a_later_declaration_replaces_an_earlier_one():
    class Hangup(Event):
        pass

    assert type(event("Event: Hangup")) is Hangup


def test_the_class_of_a_program_stays_when_a_family_declares_the_event_later():
    class AlarmOfTheTests(Event):
        pass

    type("AlarmOfTheTests", (Event,), {"__module__": "ami.core_events"})
    assert event_class("AlarmOfTheTests") is AlarmOfTheTests


def test_the_class_of_a_program_takes_the_place_of_one_that_a_family_declared_before():
    type("AlarmOfTheTests", (Event,), {"__module__": "ami.core_events"})

    class AlarmOfTheTests(Event):
        pass

    assert event_class("AlarmOfTheTests") is AlarmOfTheTests


def test_a_family_does_not_take_the_event_of_another():
    first = type("AlarmOfTheTests", (Event,), {"__module__": "ami.core_events"})
    type("AlarmOfTheTests", (Event,), {"__module__": "ami.states"})
    assert event_class("AlarmOfTheTests") is first


def test_the_documented_registry_knows_the_declared_events():
    assert ami.ami._EVENT_REGISTRY["Hangup"] is core_events.Hangup
    assert all(name == kind.wire_name for name, kind in ami.ami._EVENT_REGISTRY.items())


def test_a_family_is_loaded_when_a_name_is_looked_for_that_is_not_known_yet(monkeypatch, tmp_path):
    for name in ("first", "second", "third"):
        source = f"from ami import Event\n\nclass Of_{name}(Event):\n    pass\n"
        (tmp_path / f"family_{name}.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    families, loaded = ("family_first", "family_second", "family_third"), set()
    monkeypatch.setattr(catalogue, "_FAMILIES", families)
    monkeypatch.setattr(catalogue, "_loaded", loaded)
    assert event_class("Hangup") is core_events.Hangup
    assert loaded == set()
    assert event_class("Of_second").__module__ == "family_second"
    assert loaded == {"family_first", "family_second"}
    assert event_class("Of_first").__module__ == "family_first"
    assert loaded == {"family_first", "family_second"}
    assert event_class("Of_nothing") is Event
    assert loaded == set(families)


def test_event_name_is_that_of_the_wire():
    class Odd(Event, name="Odd-Event"):
        pass

    assert event_name(Odd) == "Odd-Event"
    assert event_name(core_events.Hangup) == "Hangup"
    assert event_name(core_events.QueueStatus_Aggregate) == "QueueStatus_Aggregate"


@pytest.mark.parametrize("wrong", [Event, Aggregate, core_events.ChannelEvent, Message, int, 7, object(), ("Hangup",)])
def test_event_name_refuses_what_is_no_declared_event(wrong):
    with pytest.raises(ValueError, match="is not an event"):
        event_name(wrong)


# Collections and aggregates


class Item(Event, name="Item of the tests"):
    pass


class Other(Event, name="Other item of the tests"):
    pass


class Last(Event, name="Last of the tests"):
    list_items = Int(process=-1)


class Things_Aggregate(Aggregate):
    _aggregation_members = (Item, Other)
    _aggregation_finalisers = (Last,)
    _count_header = "ListItems"


def of(kind: type[Event], *lines: str, action_id: str = "1") -> Event:
    return kind(frame(f"Event: {kind.wire_name}", f"ActionID: {action_id}", *lines))


def test_a_collection_has_its_events_under_classes_and_names():
    collection = EventCollection((Item, Other), (Last,))
    assert collection[Item] is collection["Item of the tests"]
    assert collection[Item] == collection[Other] == []
    assert collection[Item] is not collection[Other]
    assert collection[Last] is collection["Last of the tests"] is None
    item, last = of(Item), of(Last)
    assert collection.add(item) is False
    assert collection.add(last) is True
    assert collection[Item] is collection["Item of the tests"]
    assert [id(each) for each in collection[Item]] == [id(item)]
    assert collection[Last] is collection["Last of the tests"] is last


def test_a_collection_is_complete_when_every_last_event_has_come():
    collection = EventCollection((), (Item, Last))
    assert not collection.complete
    collection.add(of(Item))
    assert not collection.complete
    collection.add(of(Last))
    assert collection.complete


@pytest.mark.parametrize("where", ["members", "finalisers", "unique"])
def test_an_event_that_was_declared_anew_is_found_under_both_classes(where):
    class Again(Event, name="Item of the tests"):
        pass

    collection = EventCollection(**{where: (Item,)})
    again = event("Event: Item of the tests")
    assert type(again) is Again
    collection.add(again)
    expected = [again] if where == "members" else again
    assert collection[Item] is collection[Again] is collection["Item of the tests"]
    assert collection[Item] == expected
    assert collection[Item] is not None


def test_a_list_goes_on_when_its_event_is_declared_anew_in_the_middle():
    collection = EventCollection((Item,))
    first = of(Item)

    class Again(Event, name="Item of the tests"):
        pass

    collection.add(first)
    second = of(Again)
    collection.add(second)
    assert [id(each) for each in collection[Item]] == [id(first), id(second)]
    assert collection[Again] is collection[Item]


def test_an_aggregate_takes_events_that_were_declared_anew():
    class Again(Event, name="Item of the tests"):
        pass

    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Again)) is False
    assert things.evaluate_event(of(Last, "ListItems: 1")) is True
    assert things.valid
    assert len(things[Item]) == 1


def test_an_event_that_comes_once_is_no_end():
    collection = EventCollection((), (Last,), (Item,))
    assert collection[Item] is None
    item = of(Item)
    assert collection.add(item) is False
    assert collection[Item] is item
    assert not collection.complete


def test_events_of_another_kind_get_lists_of_their_own():
    collection = EventCollection()
    hangup, unknown = event("Event: Hangup"), event("Event: Undeclared")
    assert collection.add(hangup) is False
    assert collection.add(unknown) is False
    assert collection[core_events.Hangup] is collection["Hangup"] == [hangup]
    assert collection["Undeclared"] == [unknown]
    assert Event not in collection


def test_an_aggregate_begins_empty_and_valid():
    things = Things_Aggregate("1")
    assert things.name == Things_Aggregate.wire_name == "Things_Aggregate"
    assert things.action_id == "1"
    assert things.valid is True
    assert things.error_message is None
    assert things[Item] == things["Other item of the tests"] == []
    assert things[Last] is None


def test_an_aggregate_takes_its_events_until_the_last():
    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Item)) is False
    assert things.evaluate_event(of(Other)) is False
    assert things.evaluate_event(of(Item)) is False
    assert things.evaluate_event(of(Last, "ListItems: 3")) is True
    assert (len(things[Item]), len(things[Other])) == (2, 1)
    assert things[Last].list_items == 3
    assert things.valid
    assert things.error_message is None


def test_an_aggregate_leaves_what_is_not_its_own():
    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Item, action_id="2")) is None
    assert things.evaluate_event(of(Last, action_id="2")) is None
    assert things.evaluate_event(of(core_events.Hangup)) is None
    assert things.evaluate_event(Item(frame("Event: Item of the tests"))) is None
    assert things[Item] == []
    assert things[Last] is None


def test_an_aggregate_that_does_not_hold_as_many_items_as_counted_is_not_valid():
    things = Things_Aggregate("1")
    things.evaluate_event(of(Item))
    things.evaluate_event(of(Last, "ListItems: 2"))
    assert things.valid is False
    assert things.error_message == "Expected 2 list-items; received 1"


@pytest.mark.parametrize("count", ["ListItems: -1", "ListItems: many", "ListItems: ", "Other: 1"])
def test_a_count_that_says_nothing_leaves_an_aggregate_valid(count):
    things = Things_Aggregate("1")
    things.evaluate_event(of(Item))
    assert things.evaluate_event(of(Last, count)) is True
    assert things.valid


def test_an_aggregate_without_a_count_header_is_not_counted():
    class Uncounted_Aggregate(Aggregate):
        _aggregation_members = (Item,)
        _aggregation_finalisers = (Last,)

    things = Uncounted_Aggregate("1")
    assert things.evaluate_event(of(Last, "ListItems: 5")) is True
    assert things.valid


@pytest.mark.parametrize("word", ["cancelled", "Cancelled"])
def test_an_aggregate_that_the_server_cancelled_is_not_valid(word):
    things = Things_Aggregate("1")
    assert things.evaluate_event(of(Last, f"EventList: {word}", "ListItems: 0")) is True
    assert things.valid is False
    assert "cancelled" in str(things.error_message)


def test_an_aggregate_is_compared_with_a_text_by_its_name():
    things = Things_Aggregate("1")
    assert things == "Things_Aggregate"
    assert things != "Another_Aggregate"
    assert (things != "Things_Aggregate") is False
    assert things == Things_Aggregate("2")
    assert things != {}


def test_an_aggregate_may_have_another_name_than_its_class():
    class Renamed(Aggregate):
        _name = "Renamed_Aggregate"

    class Derived(Renamed):
        pass

    assert Renamed("1").name == event_name(Renamed) == "Renamed_Aggregate"
    assert Derived("1").name == event_name(Derived) == "Derived"


def test_names_that_are_made_up_take_little_memory():
    for number in range(5000):
        assert parse(frame(f"Event: Made{number}")).name == f"Made{number}"
    long = "Long" * 1000
    assert parse(frame(f"Event: {long}")).name == long
    assert len(catalogue.KINDS) <= 4096
    assert max(map(len, catalogue.KINDS)) < 200
