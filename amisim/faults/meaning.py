"""Faults of meaning: whole messages, but not those, not then, or not for those that they should be."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from amisim.faults.fault import fault
from amisim.faults.frame import Fate, Frame, Later
from amisim.steps import Close, Wait

_NOBODY = "nobody-asked"
_LIST_ITEMS = re.compile(rb"^(ListItems: )(\d+)", re.MULTILINE)


@fault("event", example="drop event B", before="A | B | C", after="A | C")
def drop(frame: Frame) -> Iterator[Fate]:
    """The frame does not come."""
    yield from ()


@fault("complete", example="missing_complete", before="> List 1 | start | item | end", after="start | item")
def missing_complete(frame: Frame) -> Iterator[Fate]:
    """The end of the list does not come."""
    yield from ()


@fault(example="duplicate event B", before="A | B | C", after="A | B | B | C")
def duplicate(frame: Frame) -> Iterator[Fate]:
    """The frame comes twice."""
    yield frame
    yield frame


@fault("event", example="flood 4 event B", before="A | B | C", after="A | B | B | B | B | C")
def flood(frame: Frame, count: int = 1000) -> Iterator[Fate]:
    """The frame comes `count` times."""
    yield from [frame] * count


@fault(example="late 2 event A", before="A | B | +5s | C", after="B | +2s | A | +3s | C")
def late(frame: Frame, seconds: float = 5) -> Iterator[Fate]:
    """The frame alone comes `seconds` later; others overtake it."""
    yield Later(seconds, frame)


@fault("event", gathers=True, example="reorder event A", before="A | B | C", after="B | A | C")
def reorder(frames: Sequence[Frame], count: int = 2) -> Iterator[Fate] | None:
    """The frame and those behind it, `count` together, come in the opposite order."""
    return reversed(frames) if len(frames) == count else None


@fault(
    "response", gathers=True, example="events_first 2", before="> Ping 1 | ok | A | B | C",
    after="A | B | ok | C",
)  # fmt: skip
def events_first(frames: Sequence[Frame], count: int = 1) -> Iterator[Fate] | None:
    """The frame comes after the next `count` frames: a response after the events that the action causes."""
    return iter([*frames[1:], frames[0]]) if len(frames) > count else None


@fault(
    "response",
    example="unknown_action_id",
    before="> Ping 1 | ok",
    after="Response: Success⏎ActionID: nobody-asked⏎⏎",
)
def unknown_action_id(frame: Frame) -> Iterator[Fate]:
    """The frame has an ActionID that nobody asked with."""
    yield frame.with_action_id(_NOBODY)


@fault("response", example="no_action_id", before="> Ping 1 | ok", after="Response: Success⏎⏎")
def no_action_id(frame: Frame) -> Iterator[Fate]:
    """The frame has no ActionID."""
    yield frame.with_action_id("")


@fault(
    "response",
    example="wrong_action_id nth=1",
    before="> Ping 1 | > Ping 2 | ok | Response: Success⏎ActionID: 2⏎⏎",
    after="Response: Success⏎ActionID: 2⏎⏎ | Response: Success⏎ActionID: 2⏎⏎",
)
def wrong_action_id(frame: Frame) -> Iterator[Fate]:
    """The frame has the ActionID of another action, of one in flight where there is one."""
    yield frame.with_action_id(frame.foreign_id or _NOBODY)


@fault(
    "complete",
    example="wrong_count",
    before="> List 1 | start | item | end",
    after="start | item | Event: End⏎ActionID: 1⏎EventList: Complete⏎ListItems: 2⏎⏎",
)
def wrong_count(frame: Frame, by: int = 1) -> Iterator[Fate]:
    """The end of the list counts more items than came, or fewer where `by` is negative."""
    yield frame.but(_LIST_ITEMS.sub(lambda match: b"%s%d" % (match[1], max(0, int(match[2]) + by)), frame.data))


@fault(
    "complete", example="error_in_list", before="> List 1 | start | item | end",
    after="start | item | Response: Error⏎ActionID: 1⏎Message: Internal error⏎⏎ | end",
)  # fmt: skip
def error_in_list(frame: Frame) -> Iterator[Fate]:
    """An error that answers the same action comes before the frame."""
    yield _error(frame, "Internal error")
    yield frame


@fault(
    "item", example="mixed_lists", before="> List 1 | > List 2 | start | item | end",
    after="start | Event: A⏎ActionID: 2⏎⏎ | item | end",
)  # fmt: skip
def mixed_lists(frame: Frame) -> Iterator[Fate]:
    """Before each item of the list comes the same one of another list, of one in flight where there is one."""
    yield frame.with_action_id(frame.foreign_id or _NOBODY)
    yield frame


@fault(
    "complete", example="goodbye_in_list", before="> List 1 | start | item | end",
    after="start | item | Response: Goodbye⏎Message: Thanks for all the fish.⏎⏎ | FIN",
)  # fmt: skip
def goodbye_in_list(frame: Frame) -> Iterator[Fate]:
    """The server says goodbye and closes the connection, in place of the frame."""
    yield frame.another([("Response", "Goodbye"), ("Message", "Thanks for all the fish.")])
    yield Close()


@fault(
    "answer", example="permission_denied answer List", before="> List 1 | start | item | end | B",
    after="Response: Error⏎ActionID: 1⏎Message: Permission denied⏎⏎ | B",
)  # fmt: skip
def permission_denied(frame: Frame) -> Iterator[Fate]:
    """The action is refused: an error in place of the response, and nothing in place of what follows it."""
    if frame.kind == "response":
        yield _error(frame, "Permission denied")


@fault(
    "response Login", example="login_refused", before="> Login 1 | ok | A",
    after="+1s | Response: Error⏎ActionID: 1⏎Message: Authentication failed⏎⏎ | FIN",
)  # fmt: skip
def login_refused(frame: Frame) -> Iterator[Fate]:
    """The login is refused as Asterisk does it: after a second, and then the connection is closed."""
    yield Wait(1)
    yield _error(frame, "Authentication failed")
    yield Close()


@fault(
    "event times=1", example="restart event B", before="A | B | C",
    after="A | Event: Shutdown⏎Privilege: system,all⏎Shutdown: Cleanly⏎Restart: True⏎⏎ | FIN",
)  # fmt: skip
def restart(frame: Frame) -> Iterator[Fate]:
    """Asterisk restarts, in place of the frame: it tells the client, and closes the connection."""
    yield frame.another(
        [("Event", "Shutdown"), ("Privilege", "system,all"), ("Shutdown", "Cleanly"), ("Restart", "True")]
    )
    yield Close()


def _error(frame: Frame, message: str) -> Frame:
    """An error in answer to the action that the frame answers."""
    return replace(frame.another([("Response", "Error"), ("Message", message)], frame.action_id), kind="response")
