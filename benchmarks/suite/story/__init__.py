"""What clients do when things go wrong: one little story, told to each client once with each fault.

The story: connect and log in; a Ping; a QueueStatus, which is answered by a list of three members; three Hangups to a
callback; a second Ping on the same connection; close. `STORIES` says which fault hits it where.

Here is what both sides know: the server's, `run`, and the client's, `worker`, which runs in a process of its own.
"""

from dataclasses import dataclass

USERNAME = "admin"
SECRET = "secret"

FIRST = {"Story": "first"}
"""A header of the first Ping, by which faults find it: clients may send Pings of their own."""

TIMEOUT = 2
"""Seconds: what every client's own time-out is set to, where it has one."""

STEP = 6
"""Seconds for a step of the story; who has not come back by then hangs."""

EVENTS = 5.5
"""Seconds in which the events of the story have to come, so that who looks after its link has noticed, and told."""

MEMBERS = [("Alice", "PJSIP/100"), ("Bob", "PJSIP/200"), ("Carol", "PJSIP/300")]
"""Of each item of the list, its headers `Name` and `Location`."""

TEXT = b"Normal Clearing"
"""The header `Cause-txt` of every Hangup, as bytes, because some faults make it other ones."""

HANGUPS = [(f"PJSIP/{number}00-0000000{number}", f"1732353600.{number}", "16") for number in (1, 2, 3)]
"""Of each Hangup, its headers `Channel`, `Uniqueid` and `Cause`."""


@dataclass(frozen=True)
class Story:
    """A fault, and the headers `Cause-txt` that a client then should see."""

    fault: str
    text: bytes = TEXT
    """That of the second Hangup."""


_SECOND = "event Hangup nth=2"

STORIES = {
    story.fault.split()[0]: story
    for story in (
        Story("delay 3 response Ping Story=first"),
        Story("jitter 0.5 event Hangup"),
        Story("throttle 1000 answer QueueStatus"),
        Story("split any"),
        Story("coalesce 5 answer QueueStatus"),
        Story("stall 3 response Ping Story=first"),
        Story(f"silent {_SECOND}"),
        Story("refuse response Login nth=1"),
        Story("reset response QueueStatus nth=1"),
        Story(f"half_close {_SECOND}"),
        Story(f"cut 40 {_SECOND}"),
        Story("wrong_banner greeting"),
        Story(f"glue {_SECOND}"),
        Story(f"lone_lf {_SECOND}"),
        Story(f"blank_lines 2 {_SECOND}"),
        Story(f"truncate 40 {_SECOND}"),
        Story("interleave event Hangup nth=1"),
        Story(f"bad_utf8 {_SECOND} header=Cause-txt", TEXT + b"\xff\xfe"),
        Story(f"nul {_SECOND} header=Cause-txt", TEXT + b"\0"),
        Story(f"long_line 100000 {_SECOND}"),
        Story(f"many_headers 1000 {_SECOND}"),
        Story(f"no_colon {_SECOND} header=Cause-txt"),
        Story(f"repeat_header {_SECOND} header=Cause-txt"),
        Story(f"rename_header {_SECOND} header=Cause-txt"),
        Story(f"reorder_headers {_SECOND}"),
        Story(f"junk {_SECOND}"),
        Story("drop event QueueMember nth=2"),
        Story("missing_complete complete QueueStatus"),
        Story("duplicate response Ping Story=first"),
        Story(f"flood 1000 {_SECOND}"),
        Story("late 3 response Ping Story=first"),
        Story("reorder event Hangup nth=1"),
        Story("events_first 1 response QueueStatus"),
        Story("unknown_action_id response Ping Story=first"),
        Story("no_action_id response Ping Story=first"),
        Story("wrong_action_id response Ping Story=first"),
        Story("wrong_count complete QueueStatus"),
        Story("error_in_list complete QueueStatus"),
        Story("mixed_lists item QueueStatus"),
        Story("goodbye_in_list complete QueueStatus"),
        Story("permission_denied answer QueueStatus"),
        Story("login_refused response Login"),
        Story(f"restart {_SECOND}"),
        Story("clock -3600 any"),
    )
}
"""By the name of the fault."""
