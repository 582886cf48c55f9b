"""Callbacks: who is called for what, and in which order."""

from collections.abc import Callable
from typing import Any

import pytest

from ami import core_events
from ami.callbacks import CallbackRegistry, Identifier
from ami.catalogue import Aggregate, Event, parse
from ami.message import Message
from ami.outcomes import Orphan


def event(name: str) -> Event:
    parsed = parse(f"Event: {name}\r\nA: b\r\n\r\n".encode())
    assert isinstance(parsed, Event)
    return parsed


ORPHAN = Orphan(Message(b"Response: Success\r\nActionID: 1\r\n\r\n"))
HANGUP = event("Hangup")
AGGREGATE = core_events.QueueStatus_Aggregate("1")


def registry(*entries: tuple[Identifier, str]) -> CallbackRegistry[Any]:
    made: CallbackRegistry[Any] = CallbackRegistry()
    for identifier, function in entries:
        made.register(identifier, function)
    return made


def test_nobody_is_called_for_anything_at_first():
    assert registry().matching(HANGUP) == ()
    assert registry().matching(ORPHAN) == ()


def test_a_name_stands_for_the_events_of_exactly_that_name():
    callbacks = registry(("Hangup", "f"), ("hangup", "g"), ("Newchannel", "h"), ("Undeclared", "i"))
    assert callbacks.matching(HANGUP) == ("f",)
    assert callbacks.matching(event("hangup")) == ("g",)
    assert callbacks.matching(event("Undeclared")) == ("i",)


def test_a_class_stands_for_the_events_it_declares():
    callbacks = registry((core_events.Hangup, "f"), (core_events.Newchannel, "g"))
    assert callbacks.matching(HANGUP) == ("f",)


def test_an_aggregate_is_registered_for_by_class_and_by_name():
    callbacks = registry((core_events.QueueStatus_Aggregate, "f"), ("QueueStatus_Aggregate", "g"))
    assert callbacks.matching(AGGREGATE) == ("f", "g")


def test_the_empty_name_stands_for_every_event_and_aggregate_but_for_no_orphan():
    callbacks = registry(("", "f"))
    assert callbacks.matching(HANGUP) == ("f",)
    assert callbacks.matching(event("Undeclared")) == ("f",)
    assert callbacks.matching(AGGREGATE) == ("f",)
    assert callbacks.matching(ORPHAN) == ()


def test_none_stands_for_orphaned_responses_alone():
    callbacks = registry((None, "f"), ("Success", "g"))
    assert callbacks.matching(ORPHAN) == ("f",)
    assert callbacks.matching(HANGUP) == ()


def test_callbacks_run_in_the_order_in_which_they_were_registered():
    callbacks = registry(("Hangup", "1"), ("", "2"), (core_events.Hangup, "3"), ("Newchannel", "x"), ("", "4"))
    assert callbacks.matching(HANGUP) == ("1", "2", "3", "4")


def test_a_function_may_be_registered_for_several_things():
    callbacks = registry(("Hangup", "f"), ("", "f"), (None, "f"))
    assert callbacks.matching(HANGUP) == ("f", "f")
    assert callbacks.matching(ORPHAN) == ("f",)


def test_registering_again_moves_to_the_end():
    callbacks = registry(("Hangup", "f"), ("", "g"), ("Hangup", "h"), ("Hangup", "f"))
    assert callbacks.matching(HANGUP) == ("g", "h", "f")


def test_the_name_and_the_class_of_an_event_are_the_same():
    callbacks = registry(("Hangup", "f"), ("Hangup", "g"), (core_events.Hangup, "f"))
    assert callbacks.matching(HANGUP) == ("g", "f")
    assert callbacks.unregister(core_events.Hangup, "g") is True
    assert callbacks.matching(HANGUP) == ("f",)


def test_functions_that_are_equal_are_the_same():
    class Listener:
        def hear(self) -> None:
            pass

    listener = Listener()
    callbacks = registry(("Hangup", listener.hear), ("Hangup", listener.hear))
    assert callbacks.matching(HANGUP) == (listener.hear,)
    assert callbacks.unregister("Hangup", listener.hear) is True
    assert callbacks.matching(HANGUP) == ()


def test_unregistering_says_whether_there_was_something_to_undo():
    callbacks = registry(("Hangup", "f"), ("", "g"))
    assert callbacks.unregister("Hangup", "g") is False
    assert callbacks.unregister("", "f") is False
    assert callbacks.unregister("Hangup", "f") is True
    assert callbacks.unregister("Hangup", "f") is False
    assert callbacks.matching(HANGUP) == ("g",)


@pytest.mark.parametrize("wrong", [Event, Aggregate, Message, int, 7, object(), ["Hangup"], core_events.ChannelEvent])
@pytest.mark.parametrize("change", [CallbackRegistry.register, CallbackRegistry.unregister])
def test_anything_else_is_refused(change: Callable[..., object], wrong):
    callbacks = registry(("Hangup", "f"))
    with pytest.raises(ValueError, match="is not an event: give a name, a declared event or aggregate class, '' or"):
        change(callbacks, wrong, "f")
    assert callbacks.matching(HANGUP) == ("f",)


def test_a_change_takes_effect_with_the_next_event():
    callbacks = registry(("Hangup", "f"))
    before = callbacks.matching(HANGUP)
    callbacks.register("", "g")
    assert before == ("f",)
    assert callbacks.matching(HANGUP) == ("f", "g")
    callbacks.unregister("Hangup", "f")
    assert callbacks.matching(HANGUP) == ("g",)
    callbacks.register(None, "h")
    assert callbacks.matching(ORPHAN) == ("h",)
    callbacks.unregister(None, "h")
    assert callbacks.matching(ORPHAN) == ()


@pytest.mark.parametrize("comparison", range(3))
def test_a_change_while_callbacks_are_looked_up_is_not_forgotten(comparison):
    callbacks: CallbackRegistry[Any] = CallbackRegistry()
    countdown = [-1]

    class Name(str):
        """A name on one of whose comparisons another thread gets its turn."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            countdown[0] -= 1
            if countdown[0] == -1:
                callbacks.register("Hangup", "late")
            return str.__eq__(self, other)

    callbacks.register(Name("Hangup"), "early")
    countdown[0] = comparison
    callbacks.matching(HANGUP)
    countdown[0] = -1
    registered = ("early", "late") if ("Hangup", "late") in callbacks._entries else ("early",)
    assert callbacks.matching(HANGUP) == registered


@pytest.mark.parametrize("name", ["Hangup", "Undeclared"])
def test_an_event_whose_name_was_taken_away_or_changed_silences_no_other(name):
    callbacks = registry((name, "f"))
    changed, emptied = event(name), event(name)
    changed["Event"] = "Renamed"
    emptied.clear()
    callbacks.matching(changed)
    assert callbacks.matching(emptied) == ("f",)
    assert callbacks.matching(event(name)) == ("f",)
