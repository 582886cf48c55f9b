"""The extensions that the tests call: they are made on the server, where nothing has to be configured for them."""

from collections.abc import Callable
from typing import Any

import ami
from ami import core

CONTEXT = "amikit-live"
NOBODY = "amikit-nobody"
"""The name of what is not there, whatever it is."""

EXTENSIONS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "answer": (("Answer", None), ("Wait", "60")),
    "echo": (("Answer", None), ("Echo", None)),
    "77": (("Answer", None), ("Echo", None)),
    "ring": (("Ringing", None), ("Wait", "30")),
    "busy": (("Busy", "1"),),
    "congestion": (("Congestion", "1"),),
    "reject": (("Hangup", "21"),),
    "dial": (("Dial", f"Local/answer@{CONTEXT}/n,20,tTkK"), ("Hangup", "31")),
    "tone": (("Answer", None), ("Milliwatt", None)),
    "dial-tone": (("Dial", f"Local/tone@{CONTEXT}/n,20"),),
    "dial-busy": (("Dial", f"Local/busy@{CONTEXT},5"), ("Hangup", "17")),
    "dial-both": (("Dial", f"Local/ring@{CONTEXT}&Local/answer@{CONTEXT},5"),),
    "queue": (("Answer", None), ("Queue", "support,,,,30")),
    "conference": (
        ("Answer", None),
        ("Set", "CONFBRIDGE(user,talk_detection_events)=yes"),
        ("Set", "CONFBRIDGE(user,admin)=yes"),
        ("ConfBridge", CONTEXT),
    ),
    "park": (("Answer", None), ("Park", ",s")),
    "unpark": (("ParkedCall", ",${SPACE}"),),
    "talk": (("Set", "TALK_DETECT(set)="), ("Answer", None), ("Echo", None)),
    "pick-up": (("PickupChan", "${RINGING}"),),
    "agi": (("Answer", None), ("AGI", "agi:async"), ("Wait", "5")),
    "music": (("Answer", None), ("StartMusicOnHold", None), ("Wait", "1"), ("StopMusicOnHold", None), ("Wait", "30")),
    "play": (("Answer", None), ("ControlPlayback", "demo-congrats"), ("Wait", "30")),
    "handlers": (
        ("Set", f"CHANNEL(hangup_handler_push)={CONTEXT},handler,1"),
        ("Set", f"CHANNEL(hangup_handler_push)={CONTEXT},handler,1"),
        ("Set", "CHANNEL(hangup_handler_pop)="),
        ("Set", "CALLERID(name)=Jürgen Müßig"),
        ("Set", "CHANNEL(accountcode)=acc-ünï"),
        ("Set", "CONNECTEDLINE(name)=日本語"),
        ("Set", f"GLOBAL(AMIKIT)={CONTEXT}"),
        ("UserEvent", "Amikit,Key: Value,Empty: "),
        ("Answer", None),
        ("SendDTMF", "1#"),
        ("Hangup", "31"),
    ),
    "handler": (("NoOp", None), ("Return", None)),
}  # fmt: skip
"""The extensions of the context that the tests make, step by step: applications and what they are given."""

LAMP = f"Custom:{CONTEXT}"
PRESENCE = f"CustomPresence:{CONTEXT}"


def make_dialplan(send: Callable[[ami.Request], Any]) -> None:
    """Make the extensions; a former run may have left some."""
    for exten, steps in EXTENSIONS.items():
        for priority, (application, data) in enumerate(steps, 1):
            send(core.DialplanExtensionAdd(CONTEXT, exten, priority, application, data, True))
    send(core.DialplanExtensionAdd(CONTEXT, "lamp", "hint", f"{LAMP},{PRESENCE}", replace=True))


def remove_dialplan(send: Callable[[ami.Request], Any]) -> None:
    for exten in (*EXTENSIONS, "lamp"):
        send(core.DialplanExtensionRemove(CONTEXT, exten))
