"""Show how a queue stands, now and whenever it changes; a restart of Asterisk in between does no harm.

    python queue_watcher.py pbx.example.org admin s3cret support [port]

The picture is made of the answer to `QueueStatus`, and made anew when a `Gap` says that events were missed.
"""

import sys

import ami
from ami import core, core_events

CHANGES = ("QueueCallerJoin", "QueueCallerLeave", "QueueMemberPause", "QueueMemberStatus")


def picture(manager: ami.Manager, queue: str) -> str:
    """One line about a queue."""
    request = core.QueueStatus(queue)
    request.synchronous = True
    response = manager.send_action(request)
    if response is None or response.events is None or not response.success:
        return f"{queue}: unknown"
    members = response.events[core_events.QueueMember]
    free = [member.member_name for member in members if member.status == 1 and not member.paused]
    waiting = response.events[core_events.QueueEntry]
    return f"{queue}: {len(waiting)} waiting, {len(free)} of {len(members)} free: {', '.join(free) or 'nobody'}"


def watch(manager: ami.Manager, queue: str, changes: int | None = None) -> None:
    """Print a line now, and after each change; stop after so many."""
    with manager.events(*CHANGES, Queue=queue) as events:
        print(picture(manager, queue), flush=True)
        while changes is None or changes > 0:
            event = events.get()
            if isinstance(event, ami.Gap):
                print(f"{queue}: events are missing ({event.reason}); asking anew", flush=True)
            try:
                print(picture(manager, queue), flush=True)
            except ami.Error:
                continue  # the link is down again; a gap follows when it is up
            changes = None if changes is None else changes - 1


def main(host: str, username: str, secret: str, queue: str, port: str = "5038") -> None:
    """Log in, and watch; reconnection is on."""
    with ami.connect(host, int(port), username=username, secret=secret) as manager:
        watch(manager, queue)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
    except ami.Error as error:
        sys.exit(f"{type(error).__name__}: {error}")
