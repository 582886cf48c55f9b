"""Scripts: what a server answers to which action, said by a test."""

from collections.abc import Iterable, Iterator
from typing import Self

from amisim.action import ClientAction
from amisim.steps import Close, Message, Send, Step, Wait, answer

__all__ = ["Rule", "Script"]


class Rule:
    """The answer to an action of one name, with the headers that were given, however often it comes."""

    def __init__(self, action: str, headers: dict[str, object]) -> None:
        self.action = action
        self.used = 0
        self._headers = {key: str(value) for key, value in headers.items()}
        self._steps: tuple[Step, ...] = ()
        self._times: int | None = None

    def reply(self, *steps: Step) -> Self:
        """Answer with these steps, in order."""
        for step in steps:
            if not isinstance(step, (Send, Message, Wait, Close)):
                raise TypeError(
                    f"{step!r} is no step: response(), event(), list_complete(), wait(), raw() and close() are"
                )
        self._steps = steps
        return self

    def times(self, count: int) -> Self:
        """Answer only so many times; what comes after goes to other rules."""
        self._times = count
        return self

    def takes(self, action: ClientAction) -> bool:
        """Whether this rule answers an action."""
        return (
            self.action.lower() == action.name.lower()
            and (self._times is None or self.used < self._times)
            and all(action.get(key) == value for key, value in self._headers.items())
        )

    def steps(self, action: ClientAction) -> Iterator[Send | Wait | Close]:
        """The steps that answer an action."""
        self.used += 1
        return answer(self._steps, self.action, action.action_id)

    def __repr__(self) -> str:
        headers = "".join(f", {key}={value!r}" for key, value in self._headers.items())
        return f"<on {self.action}{headers}: used {self.used} times>"


class Script:
    """Rules, of which the newest that takes an action answers it."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = list(rules)

    def on(self, action: str, /, **headers: object) -> Rule:
        """Begin a rule: `on("QueueStatus", Queue="support").reply(…)`."""
        rule = Rule(action, headers)
        self.rules.insert(0, rule)
        return rule

    def find(self, action: ClientAction) -> Rule | None:
        """The rule that answers an action."""
        return next((rule for rule in self.rules if rule.takes(action)), None)
