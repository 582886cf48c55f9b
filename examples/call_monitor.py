"""Watch the calls of a PBX: who calls whom, whether it is answered, and how long they talk.

    python call_monitor.py pbx.example.org admin s3cret [port]

With threads: the calls are followed by callbacks, while the program waits for Ctrl-C.
"""

import sys
import threading
import time
from typing import Any

import ami
from ami import core_events


class CallMonitor:
    """The calls that are under way, by the channel that is called."""

    def __init__(self, manager: ami.Manager) -> None:
        self._answered: dict[str, float] = {}
        manager.register_callback(core_events.DialBegin, self._on_dial)
        manager.register_callback(core_events.DialEnd, self._on_result)
        manager.register_callback(core_events.Hangup, self._on_hangup)
        manager.register_callback(ami.Gap, self._on_gap)

    def _on_dial(self, dial: core_events.DialBegin, manager: ami.Manager) -> None:
        print(f"{dial.caller_id_num} calls {dial.dest.caller_id_num} at {dial.dest.channel}", flush=True)

    def _on_result(self, dial: core_events.DialEnd, manager: ami.Manager) -> None:
        print(f"{dial.dest.channel}: {dial.dial_status}", flush=True)
        if dial.dial_status == "ANSWER":
            self._answered[dial.dest.uniqueid or ""] = time.monotonic()

    def _on_hangup(self, hangup: core_events.Hangup, manager: ami.Manager) -> None:
        answered = self._answered.pop(hangup.uniqueid or "", None)
        if answered is not None:
            print(f"{hangup.channel}: {time.monotonic() - answered:.0f} s, {hangup.cause_txt}", flush=True)

    def _on_gap(self, gap: ami.Gap, manager: ami.Manager) -> None:
        self._answered.clear()  # who hung up meanwhile is not known
        print(f"events are missing: {gap.reason}", flush=True)


def main(host: str, username: str, secret: str, port: str = "5038", *, stop: Any = None) -> None:
    """Watch until `stop` is set, or Ctrl-C is pressed."""
    with ami.connect(host, int(port), username=username, secret=secret) as manager:
        CallMonitor(manager)
        print("watching", *(manager.get_asterisk_info() or ()), flush=True)
        (stop or threading.Event()).wait()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
    except ami.Error as error:
        sys.exit(f"{type(error).__name__}: {error}")
