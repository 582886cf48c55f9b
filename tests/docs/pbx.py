"""The PBX that the examples of the documentation talk to: `pbx.example.org`, a fake Asterisk with scripted answers."""

import builtins
import contextlib
import io
import logging
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ami
import ami.aio
import amisim
from amisim import event, list_complete, response, wait
from amisim.action import ClientAction
from amisim.steps import Message, Step

HOST = "pbx.example.org"
SECRET = "s3cret"
ADDRESSES = {HOST, "2001:db8::5"}
NOBODY_LISTENS = "closed.example.org"

# What the PBX reports once somebody listens. A program that waits for events sees these, in this order.
REPORTS = (
    event("Newchannel", Privilege="call,all", Channel="PJSIP/100-00000001", ChannelState=0, ChannelStateDesc="Down",
          CallerIDNum="100", CallerIDName="Ada", Uniqueid="1732353600.1", Linkedid="1732353600.1"),
    event("Newstate", Privilege="call,all", Channel="PJSIP/100-00000001", ChannelState=6, ChannelStateDesc="Up",
          CallerIDNum="100", CallerIDName="Ada", Uniqueid="1732353600.1", Linkedid="1732353600.1"),
    event("DialBegin", Privilege="call,all", Channel="PJSIP/100-00000001", ChannelState=6, ChannelStateDesc="Up",
          CallerIDNum="100", Uniqueid="1732353600.1", DestChannel="PJSIP/200-00000002", DestChannelState=5,
          DestChannelStateDesc="Ringing", DestCallerIDNum="200", DestUniqueid="1732353600.2", DialString="200"),
    event("QueueCallerJoin", Privilege="agent,all", Channel="PJSIP/100-00000001", CallerIDNum="100", Queue="support",
          Position=1, Count=1),
    event("DoorOpened", Privilege="user,all", Door="back", Level=3),
    event("LampSwitched", Privilege="user,all", Lamp="hall", Watts=40),
    event("Hangup", Privilege="call,all", Channel="PJSIP/200-00000002", ChannelState=6, Cause=17,
          **{"Cause-txt": "User busy"}, Uniqueid="1732353600.2", Linkedid="1732353600.1"),
    event("Hangup", Privilege="call,all", Channel="PJSIP/100-00000001", ChannelState=6, Cause=16,
          **{"Cause-txt": "Normal Clearing"}, Uniqueid="1732353600.1", Linkedid="1732353600.1"),
)  # fmt: skip


def script(server: amisim.Server) -> None:
    """Teach a server what the examples ask for."""
    on = server.on
    on("QueueStatus").reply(
        response(EventList="start", Message="Queue status will follow"),
        event("QueueParams", Queue="support", Max=0, Strategy="ringall", Calls=1, Holdtime=12, Completed=40,
              Abandoned=2, ServiceLevel=60, ServicelevelPerf="95.0", Weight=0),
        event("QueueMember", Queue="support", Name="Alice", Location="PJSIP/100", Penalty=0, CallsTaken=21,
              LastCall=1732353000, Status=1, Paused=0),
        event("QueueMember", Queue="support", Name="Bob", Location="PJSIP/200", Penalty=1, CallsTaken=19,
              LastCall=0, Status=2, Paused=1),
        event("QueueEntry", Queue="support", Position=1, Channel="PJSIP/300-00000009", CallerIDNum="300", Wait=7),
        list_complete(),
    )  # fmt: skip
    channels = (
        event("CoreShowChannel", Channel="PJSIP/100-00000001", ChannelState=6, ChannelStateDesc="Up", CallerIDNum="100",
              Application="Queue", ApplicationData="support", Duration="00:01:05", Uniqueid="1732353600.1"),
        event("CoreShowChannel", Channel="PJSIP/200-00000002", ChannelState=5, ChannelStateDesc="Ringing",
              CallerIDNum="200", Application="AppQueue", Duration="00:00:03", Uniqueid="1732353600.2"),
    )  # fmt: skip
    on("CoreShowChannels").reply(response(EventList="start"), *channels, list_complete())
    lines = ("System uptime: 2 hours, 5 minutes", "Last reload: 2 hours, 5 minutes")
    output = [("Response", "Success"), ("Message", "Command output follows"), *(("Output", line) for line in lines)]
    on("Command", Command="core show uptime").reply(Message("response", tuple(output)))
    on("Command", Command="nonsense").reply(response("Error", Message="No such command 'nonsense'"))
    on("Command", Command="module reload").reply()
    on("Getvar", Variable="EXTEN").reply(response(Variable="EXTEN", Value="200"))
    on("Setvar").reply(response(Message="Variable Set"))
    on("Redirect").reply(response(Message="Redirect successful"))
    on("Filter").reply(response(Message="Filter added successfully"))
    on("Hangup").reply(response(Message="Channel Hungup"))
    on("Hangup", Channel="PJSIP/300-00000003").reply(response("Error", Message="No such channel"))
    on("DoorList").reply(response(EventList="start"), event("Door", Name="back", Open="yes"),
                         event("Door", Name="front", Open="no"), list_complete())  # fmt: skip
    on("DoorOpen").reply(response(Message="Door opened"))
    on("PJSIPShowEndpoints").reply(
        response(EventList="start"),
        event("EndpointList", ObjectName="100", DeviceState="Not in use", ActiveChannels=""),
        list_complete("EndpointListComplete"),
    )
    on("ConfbridgeListRooms").reply(response("Error", Message="No active conferences."))
    on("QueuePause").reply(response(Message="Interface paused successfully"))
    on("UserEvent").reply(_user_event)
    on("Originate").reply(_call)
    on("Getvar", Variable="SLOW").reply(wait(1), response(Variable="SLOW", Value="late"))


def _user_event(action: ClientAction) -> tuple[Step, ...]:
    given = {key: value for key, value in action.headers if key not in ("Action", "ActionID")}
    return response(Message="Event Sent"), event("UserEvent", Privilege="user,all", **given)


def _call(action: ClientAction) -> tuple[Step, ...]:
    """An asynchronous call: to 200, who is busy, or to anybody else, who answers and soon hangs up."""
    channel, uniqueid = f"{action.get('Channel')}-00000007", action.get("ChannelId") or "1732353600.7"
    about = {"Channel": channel, "Uniqueid": uniqueid}
    result = {"ActionID": action.action_id, "Channel": channel, "Uniqueid": uniqueid}
    begin = (response(Message="Originate successfully queued"), event("Newchannel", ChannelState=0, **about))
    if action.get("Channel") == "PJSIP/200":
        return (
            *begin, event("Newstate", ChannelState=5, ChannelStateDesc="Ringing", **about),
            event("Hangup", Cause=17, **{"Cause-txt": "User busy"}, **about),
            event("OriginateResponse", Response="Failure", Reason=5, **result),
        )  # fmt: skip
    return (
        *begin, event("Newstate", ChannelState=5, ChannelStateDesc="Ringing", **about), wait(0.05),
        event("Newstate", ChannelState=6, ChannelStateDesc="Up", **about),
        event("OriginateResponse", Response="Success", Reason=4, **result), wait(0.2),
        event("Hangup", Cause=16, **{"Cause-txt": "Normal Clearing"}, **about),
    )  # fmt: skip


class Reader:
    """Who tries an example: runs its program, and does at the keyboard and the telephone what it waits for."""

    def __init__(self, server: amisim.Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.managers: list[ami.Manager] = []
        self.drops_the_link = False
        monkeypatch.setattr(builtins, "input", self._input)
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)
        for manager in (ami.Manager, ami.aio.Manager):
            monkeypatch.setattr(manager, "events", self._telephoning(manager.events))
        log_in = ami.Manager.login

        def login(manager: ami.Manager, *args: Any, **options: Any) -> ami.Response:
            self.managers.append(manager)
            return log_in(manager, *args, **options)

        monkeypatch.setattr(ami.Manager, "login", login)

    def run(self, program: str, name: str, **prepared: Any) -> str:
        """Run a program; return what it printed."""
        names = {"__name__": "__main__", **prepared}
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(program, name, "exec"), names)
        return printed.getvalue()

    def _look_up(self, host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host == NOBODY_LISTENS:
            port = 1
        elif host in ADDRESSES:
            port = self.server.port
        elif host not in ("127.0.0.1", "localhost"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    def _telephoning(self, events: Any) -> Any:
        """Somebody telephones as soon as a program looks for events."""

        def watched(manager: Any, *args: Any, **options: Any) -> Any:
            stream = events(manager, *args, **options)
            self._telephone()
            return stream

        return watched

    def _telephone(self) -> None:
        for report in REPORTS:
            self.server.emit(report)

    def _input(self, prompt: str = "") -> str:
        """The user looks on while things happen, and then presses Enter."""
        manager, happened = self.managers[-1], threading.Event()
        if self.drops_the_link:
            states = []

            def changed(change: ami.StateChange, manager: ami.Manager) -> None:
                states.append(change.state)
                if change.state is ami.State.READY and ami.State.WAITING in states:
                    happened.set()

            manager.register_callback(ami.StateChange, changed)
            self.server.disconnect()
        else:
            manager.register_callback("EverythingHappened", lambda event, manager: happened.set())
            self._telephone()
            self.server.emit(event("EverythingHappened"))
        assert happened.wait(10), "nothing happened"
        return ""


@pytest.fixture
def pbx() -> Iterator[amisim.Server]:
    """The fake Asterisk of the examples."""
    with amisim.Server(users={"admin": SECRET}) as server:
        script(server)
        yield server


@pytest.fixture
def reader(pbx, monkeypatch) -> Iterator[Reader]:
    """Who tries the examples."""
    logs = [logging.getLogger(name) for name in ("ami", "ami.session")]
    before = [(log, log.level, list(log.handlers)) for log in logs]
    yield Reader(pbx, monkeypatch)
    for log, level, handlers in before:
        log.setLevel(level)
        log.handlers = handlers


def blocks(path: Path) -> list[tuple[int, str, str | None]]:
    """The examples of a page: the line of each, its program, and the output that follows it."""
    text = path.read_text()
    found = re.finditer(r"^```python\n(.*?)^```\n(?:\n```output\n(.*?)^```\n)?", text, re.DOTALL | re.MULTILINE)
    return [(text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in found]
