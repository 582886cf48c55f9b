"""Scripts: what a server answers to which action, and what it does by itself."""

import fnmatch
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple, Self

from amisim.action import ClientAction
from amisim.faults import Fault
from amisim.faults.plan import parsed
from amisim.steps import Emit, Message, Played, Step, answer, checked, flat, play, repeat, said
from amisim.values import Values, header

__all__ = ["At", "Rule", "Script", "Timeline", "check_unasked", "like"]

Reply = Callable[[ClientAction], "Iterable[Step] | Step"]
"""A function that says how to answer an action: a generator of steps, or one that returns them."""

Condition = str | re.Pattern[str] | Callable[[str], object]

At = Literal["start", "connect", "login"]
"""When a timeline begins."""


def like(pattern: str) -> re.Pattern[str]:
    """A condition, a text with the wildcards `*`, `?` and `[…]`: `on("Hangup", Channel=like("PJSIP/*"))`."""
    return re.compile(fnmatch.translate(pattern))


class Rule:
    """The answer to an action of one name, with headers that meet conditions, however often it comes.

    A condition is a text, for exactly this value; `like(…)` or another regular expression, for the whole value; or
    a function that is given the value and says whether it fits. A header that is not there is empty. A rule is in force
    from its `reply` or `fault` on.
    """

    def __init__(self, action: str, headers: Mapping[str, object], variables: dict[str, str] | None = None) -> None:
        if not isinstance(action, str):
            raise TypeError(f"{action!r} is no name of an action, such as 'Ping'")
        self.action = action
        self.used = 0
        self._headers = {key: _condition(key, value) for key, value in headers.items()}
        self._variables: dict[str, str] = {} if variables is None else variables
        self._wanted: dict[str, str] = {}
        self._replies: list[Reply] = []
        self.faults: list[Fault] = []
        self._times: int | None = None
        self._required = ""  # where it was said

    def reply(self, *steps: Step | Reply) -> Self:
        """Answer with these steps, in order, or with those of a function: `reply(function)`.

        The function is called with the action. Where it is a generator, it goes on when the step it gave is done, so
        what it does after a `wait` is done then.
        """
        self._replies = [_reply(steps)]
        return self

    def then(self, *steps: Step | Reply) -> Self:
        """Answer the next action with other steps; what comes after the last `then` is answered like it."""
        if not self._replies:
            raise ValueError("then() says what comes after a reply(): begin with that")
        if not steps:
            raise ValueError("then() without steps: then(wait(0)) leaves an action without an answer")
        self._replies.append(_reply(steps))
        return self

    def times(self, count: int) -> Self:
        """Answer only so many times; what comes after goes to other rules."""
        if not isinstance(count, int) or count < 1:
            raise ValueError(f"{count!r} is no number of times; a whole number from 1 on is")
        self._times = count
        return self

    def required(self, where: str = "") -> Self:
        """Have `Server.check` complain, and a test fail, unless it is used.

        That is as often as `times` says, or else once for each reply. `where` it stands is told; the line of the call.
        """
        frame = sys._getframe(1)
        self._required = where or f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        return self

    def when(self, /, **variables: object) -> Self:
        """Answer only while variables of the script have these values."""
        self._wanted = {name: str(value) for name, value in variables.items()}
        return self

    def fault(self, *faults: Fault | str) -> Self:
        """Have faults work on what answers the action: `fault(faults.delay(6))`.

        Of a rule without a reply, that is what would answer it otherwise. Raises `FaultError` for what is none.
        """
        self.faults += parsed(faults)
        return self

    @property
    def complaint(self) -> str:
        """What is missing, if it is required and was not used as often as it should; or else empty."""
        wanted = self._times or max(len(self._replies), 1)
        if not self._required or self.used >= wanted:
            return ""
        return f"{self._required}: required {wanted} x, {self!r}"

    @property
    def in_force(self) -> bool:
        """Whether it does something."""
        return bool(self._replies or self.faults)

    @property
    def has_reply(self) -> bool:
        """Whether it has an answer of its own."""
        return bool(self._replies)

    def takes(self, action: ClientAction) -> bool:
        """Whether this rule is for an action, as things are."""
        return (
            self.action.lower() == action.name.lower()
            and (self._times is None or self.used < self._times)
            and self._wanted.items() <= self._variables.items()
            and self._capture(action) is not None
        )

    def steps(self, action: ClientAction) -> Iterator[Played]:
        """The steps that answer an action; they are made one by one, as they are asked for."""
        reply = self._replies[min(self.used, len(self._replies) - 1)]
        self.used += 1
        values = Values(self._variables, self._capture(action) or {}, action)
        return answer(play(_steps(reply, action), values), self.action, action.action_id)

    def _capture(self, action: ClientAction) -> dict[str, str] | None:
        """What the named groups of its conditions match; None if a header does not meet its condition."""
        captured: dict[str, str] = {}
        for key, condition in self._headers.items():
            value = header(action, key)
            if isinstance(condition, re.Pattern):
                match = condition.fullmatch(value)
                if match is None:
                    return None
                captured |= match.groupdict("")
            elif not (condition(value) if callable(condition) else condition == value):
                return None
        return captured

    @property
    def what(self) -> str:
        """What it is for, in words."""
        return self.action + "".join(f", {key}={value!r}" for key, value in self._headers.items())

    def __repr__(self) -> str:
        return f"<on {self.what}: used {self.used} times>"


class Timeline(NamedTuple):
    """What a server does by itself; made by `Script.timeline`."""

    steps: tuple[Step, ...]
    at: At

    def play(self, variables: dict[str, str]) -> Iterator[Played]:
        """The steps, made one by one, as they are asked for. Its events are emitted: only who wants them gets them."""
        for step in play(self.steps, Values(variables)):
            yield Emit(step, "all" if self.at == "start" else "this") if isinstance(step, Message) else step


class Script:
    """Rules, of which the newest that takes an action answers it; timelines; and the variables of both."""

    def __init__(self, rules: Iterable[Rule] = (), variables: dict[str, str] | None = None) -> None:
        self.rules = list(rules)
        self.timelines: list[Timeline] = []
        self.variables: dict[str, str] = {} if variables is None else variables

    def on(self, action: str, /, **headers: object) -> Rule:
        """Begin a rule: `on("QueueStatus", Queue="support").reply(…)`."""
        rule = Rule(action, headers, self.variables)
        self.rules.insert(0, rule)
        return rule

    def timeline(self, steps: Iterable[Step], at: At = "login", loop: int | Literal["forever"] = 1) -> Timeline:
        """Do steps when the server starts, or whenever a client connects or has logged in; so many times, or for ever.

        At the start of the server, an event goes to all connections, and so does what is sent raw; a close closes them
        all. Later, they are for the connection that has come. `${n}` is the number of the round.
        """
        if at not in ("start", "connect", "login"):
            raise ValueError(f"{at!r} is no beginning: a timeline begins at 'start', 'connect' or 'login'")
        unasked = [check_unasked(step, at) for step in checked(steps)]
        timeline = Timeline((repeat(loop, *unasked),), at)
        self.timelines.append(timeline)
        return timeline

    def become(self, other: "Script") -> None:
        """Have the rules, timelines and variables of another script from now on."""
        self.rules, self.timelines, self.variables = other.rules, other.timelines, other.variables

    def find(self, action: ClientAction, after: Rule | None = None) -> Rule | None:
        """The rule that is for an action; or the next one behind another."""
        rules = self.rules if after is None else self.rules[self.rules.index(after) + 1 :]
        return next((rule for rule in rules if rule.in_force and rule.takes(action)), None)


def check_unasked(step: Step, at: At) -> Step:
    """The step, if a timeline that begins `at` can do it. Raises `ValueError`."""
    for each in flat((step,)):
        if isinstance(each, Message) and each.role != "event":
            what = "a response" if each.role == "response" else "the end of a list"
            raise ValueError(f"{what} answers an action, and a timeline has none: raw sends anything")
        if isinstance(each, Emit) and each.to != "all" and at == "start":
            raise ValueError(f"at the start there is no connection for {each.to!r}: emit to 'all'")
    return step


def _condition(key: str, value: object) -> Condition:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, bytes):
        raise TypeError(f"the condition on {key} is a pattern of bytes; values are texts")
    return value if isinstance(value, re.Pattern) or callable(value) else said(value, f"the condition on {key}")


def _reply(steps: tuple[Step | Reply, ...]) -> Reply:
    if len(steps) == 1 and not isinstance(steps[0], Step) and callable(steps[0]):
        if inspect.iscoroutinefunction(steps[0]) or inspect.isasyncgenfunction(steps[0]):
            raise TypeError(f"{steps[0]!r} is asynchronous; a generator that yields wait(…) takes its time, too")
        return steps[0]
    fixed = tuple(checked(steps))  # type: ignore[arg-type]
    return lambda action: fixed


def _steps(reply: Reply, action: ClientAction) -> Iterator[Step]:
    steps = reply(action)
    if not isinstance(steps, Iterable):
        raise TypeError(f"{steps!r} is no answer; a step is, or several")
    yield from checked((steps,) if isinstance(steps, Step) else steps)
