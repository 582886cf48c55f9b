"""The process in which one client lives through the story: `python -m suite.story.worker CLIENT PORT`.

It prints what was seen as one line of JSON, and ends without waiting for what the client has left behind.
"""

import json
import logging
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from suite.story import EVENTS, FIRST, HANGUPS, STEP
from suite.story.clients import CLIENTS, Answer, Client, Headers, Seen

_OURS = "story-"
"""How the names of threads begin that are not the client's."""

_AGAIN = 6.0  # seconds in which the last Ping is tried again, while a client may reconnect
_SETTLE = 0.3  # seconds after the last event, for what should not come
_LINGER = 8.0  # seconds until a thread is one that stays


def _step(function: Callable[[], Answer | None]) -> dict[str, Any]:
    """What the caller of a function sees."""
    outcome: dict[str, Any] = {"how": "hangs"}

    def call() -> None:
        try:
            answer = function()
        except Exception as error:
            found: dict[str, Any] = {"how": "raises", "type": type(error).__name__, "text": bool(str(error))}
        else:
            found = {"how": "nothing"} if answer is None else _seen(answer)
        outcome.update(found)

    thread = threading.Thread(target=call, name=f"{_OURS}step", daemon=True)
    thread.start()
    thread.join(STEP)
    return dict(outcome)


def _seen(answer: Answer) -> dict[str, Any]:
    return {
        "how": "answer", "success": answer.success, "whole": answer.whole, "pong": _value(answer.headers, "Ping"),
        "items": _values(answer.items, "Name", "Location"),
    }  # fmt: skip


def _value(headers: Headers, name: str) -> str | None:
    """A header, its bytes as Latin-1; of a repeated one the last."""
    value = headers.get(name)
    if isinstance(value, list):
        value = value[-1]
    return None if value is None else str(value).encode("utf-8", "surrogateescape").decode("latin-1")


def _values(messages: Iterable[Headers], *names: str) -> list[list[str | None]]:
    return [[_value(message, name) for name in names] for message in messages]


def _wait_for_events(seen: Seen) -> None:
    _wait(lambda: len(seen.hangups) >= len(HANGUPS) and _value(seen.hangups[-1], "Channel") == HANGUPS[-1][0], EVENTS)
    time.sleep(_SETTLE)


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for something, that long at most."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def _ping_again(client: Client) -> dict[str, Any]:
    """The last Ping, tried until it is answered."""
    end = time.monotonic() + _AGAIN
    while True:
        outcome = _step(lambda: client.ping({}))
        if outcome["how"] in ("answer", "hangs") or time.monotonic() > end:
            return outcome
        time.sleep(0.1)


def live_through(name: str, port: int) -> Mapping[str, Any]:
    """What a client sees of the story."""
    before = set(threading.enumerate())
    seen = Seen()
    client = CLIENTS[name](port, seen)
    steps = {"login": _step(client.login)}
    if steps["login"].get("success"):
        steps["ping"] = _step(lambda: client.ping(FIRST))
        steps["list"] = _step(client.queue_status)
        _wait_for_events(seen)
        events = _values(seen.hangups, "Channel", "Uniqueid", "Cause", "Cause-txt")
        steps["events"] = {"how": "events", "events": events}
        steps["again"] = _ping_again(client)
    if any(step["how"] == "nothing" for step in steps.values()):
        _wait(lambda: "orphan" in seen.told, STEP)
    told = sorted(seen.told)
    steps["close"] = _step(client.close)

    def left() -> bool:
        return any(not each.name.startswith(_OURS) for each in set(threading.enumerate()) - before)

    _wait(lambda: not left(), _LINGER)
    return {"steps": steps, "told": told, "left": left()}


def main() -> None:
    """Live through it, print, end."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    threading.excepthook = lambda args: None
    name, port = sys.argv[1:]
    print(json.dumps(live_through(name, int(port))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
