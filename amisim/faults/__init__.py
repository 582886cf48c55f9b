"""Faults: what can go wrong between a server and its clients, for tests that want it to.

    plan = faults.FaultPlan(["drop event QueueMember nth=2", faults.delay(6, "response Ping")], seed=7)

A fault has a name, a selector that says what it is for, and a schedule that says when it hits; each has a text, see
`parse`, and is made by a function of its name. What goes through a `FaultPlan` is changed by those that hit.
"""

from amisim.faults.choice import NAMED, SELECTORS, Schedule, Selector
from amisim.faults.clocks import clock
from amisim.faults.fault import KINDS, PICTURED, Fault, FaultError, FaultKind, parse
from amisim.faults.framing import (
    bad_utf8,
    blank_lines,
    glue,
    interleave,
    junk,
    lone_lf,
    long_line,
    many_headers,
    no_colon,
    nul,
    rename_header,
    reorder_headers,
    repeat_header,
    truncate,
)
from amisim.faults.meaning import (
    drop,
    duplicate,
    error_in_list,
    events_first,
    flood,
    goodbye_in_list,
    late,
    login_refused,
    missing_complete,
    mixed_lists,
    no_action_id,
    permission_denied,
    reorder,
    restart,
    unknown_action_id,
    wrong_action_id,
    wrong_count,
)
from amisim.faults.plan import FaultPlan, Hit, Line
from amisim.faults.transport import (
    coalesce,
    cut,
    delay,
    half_close,
    jitter,
    refuse,
    reset,
    silent,
    split,
    stall,
    throttle,
    wrong_banner,
)

__all__ = [
    "KINDS", "NAMED", "PICTURED", "SELECTORS", "Fault", "FaultError", "FaultKind", "FaultPlan", "Hit", "Line",
    "Schedule", "Selector", "bad_utf8", "blank_lines", "clock", "coalesce", "cut", "delay", "drop", "duplicate",
    "error_in_list", "events_first", "flood", "glue", "goodbye_in_list", "half_close", "interleave", "jitter", "junk",
    "late", "login_refused", "lone_lf", "long_line", "many_headers", "missing_complete", "mixed_lists",
    "no_action_id", "no_colon", "nul", "parse", "permission_denied", "refuse", "rename_header", "reorder",
    "reorder_headers", "repeat_header", "reset", "restart", "silent", "split", "stall", "throttle", "truncate",
    "unknown_action_id", "wrong_action_id", "wrong_banner", "wrong_count",
]  # fmt: skip
