"""One run that sends every action to a real Asterisk, among calls of its own, and keeps all that comes back.

What an action is given is harmless: channels, queues' members and extensions are made here and taken away again,
everything else names what is not there, which the server says in its answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import ami
from ami import (
    agents,
    aoc,
    app_confbridge,
    app_meetme,
    bridges,
    config,
    core,
    dahdi,
    database,
    fax,
    iax,
    login,
    monitors,
    parking,
    pjsip,
    queues,
    sip,
    skinny,
    states,
    system,
    voicemail,
)  # fmt: skip

from .calls import PATIENCE, Ears, hang_up, other_half
from .dialplan import CONTEXT, LAMP, NOBODY, PRESENCE, make_dialplan, remove_dialplan

NOT_SENT = {"DAHDIRestart": "it ends every call on DAHDI"}
"""Actions that no test may send, and why."""

WITHOUT_RESPONSE = {"IAXnetstats", "SKINNYshowdevice", "SKINNYshowline"}
"""Actions that Asterisk answers with lines of text, or nothing, but no response."""

RUN_TOGETHER = {"SKINNYdevices", "SKINNYlines"}
"""Lists whose items, and end, come as one event."""

WITH_SECOND_RESPONSE = {"JabberSend"}
"""Actions that are answered by a success, and by an error when it came to nothing."""


class Answer(NamedTuple):
    """What came of one action that was sent."""

    request: ami.Request
    response: ami.Response | None
    error: str = ""

    def __str__(self) -> str:
        response = self.response
        if response is None:
            return self.error or "no answer"
        if not response.success:
            return response.response.get("Message") or response.response.get("Response", "")
        _, members, last = self.request.get_synchronous_classes()
        if response.events_timeout:
            return "success, but not its events"
        if members and response.events is not None and any(response.events[each] for each in last):
            return f"list of {sum(len(response.events[each]) for each in members)}"
        came = sorted({name for name, event in (response.events or {}).items() if isinstance(name, str) and event})
        return f"success, then {', '.join(came)}" if came else "success"


class Run:
    """What was sent, and what came back on each of the connections, the order of each aside."""

    def __init__(self) -> None:
        self.version = ""
        self.served: set[str] = set()
        self.answers: dict[str, list[Answer]] = {}
        self.events: list[ami.Event] = []
        self.heard: list[ami.Event] = []  # those of them that came to the connection which only listens
        self.listener: ami.Manager | None = None
        self.orphans: list[ami.Message] = []

    def keep(self, request: ami.Request, response: ami.Response | None, error: str = "") -> ami.Response | None:
        self.answers.setdefault(request["Action"], []).append(Answer(request, response, error))
        for name, events in ((response and response.events) or {}).items():
            if isinstance(name, str) and events:
                self.events += events if isinstance(events, list) else [events]
        return response

    def listen(self, manager: ami.Manager) -> None:
        """Keep what `manager` hears."""
        manager.register_callback("", self._hear)
        manager.register_callback(None, lambda response, manager: self.orphans.append(response))

    def _hear(self, event: Any, manager: ami.Manager) -> None:
        self.events.append(event)
        if manager is self.listener:
            self.heard.append(event)


class Everything:
    """The run itself: `manager` acts, and `ears` are its own."""

    def __init__(
        self, run: Run, manager: ami.Manager, ears: Ears, address: tuple[str, int], user: tuple[str, str]
    ) -> None:
        self.run, self.manager, self.ears = run, manager, ears
        self.address, self.user = address, user

    # Ways to send

    def send(self, request: ami.Request, manager: ami.Manager | None = None) -> ami.Response | None:
        """Send an action and wait for its end; whatever events it brings are waited for, too."""
        assert request["Action"] not in NOT_SENT
        request.synchronous = any(request.get_synchronous_classes())
        if request["Action"] in WITHOUT_RESPONSE:
            request.timeout = 1
        try:
            response = (manager or self.manager).send_action(request)
        except ami.ManagerError as error:
            self.run.keep(request, None, str(error))
            return None
        return self.run.keep(request, response)

    def all(self, *requests: ami.Request) -> None:
        for request in requests:
            self.send(request)

    def items(self, request: ami.Request) -> list[ami.Event]:
        """The items of a list."""
        response = self.send(request)
        events = (response and response.events) or {}
        return [item for member in request.get_synchronous_classes()[1] for item in events.get(member, [])]

    def call(self, exten: str, **options: Any) -> ami.Event:
        """Have an extension called, and what answers wait; return the end of that."""
        request = core.Originate_Application(f"Local/{exten}@{CONTEXT}/n", "Wait", "60", 5000, **options)
        response = self.send(request)
        assert response is not None
        assert response.success, response
        return self.ears.wait_for("OriginateResponse", ActionID=response.action_id)

    @contextmanager
    def called(self, exten: str, **options: Any) -> Iterator[str]:
        """The name of a channel that called an extension; it is gone in the end."""
        channel = self.call(exten, **options).channel
        try:
            yield channel
        finally:
            hang_up(self.manager, channel)

    # What is sent

    def everything(self) -> None:
        for part in (
            self.questions, self.modules, self.a_session, self.configuration, self.the_database,
            self.dialplan_and_states, self.channels, self.recordings, self.agi, self.bridges, self.transfers,
            self.queues, self.conferences, self.parking, self.mailboxes, self.telephones, self.other_hardware,
            self.the_end,
        ):  # fmt: skip
            part()

    def questions(self) -> None:
        settings = self.send(system.CoreSettings())
        commands = self.send(core.ListCommands())
        assert settings is not None
        assert commands is not None
        self.run.version = settings.result["AsteriskVersion"]
        self.run.served = set(commands.result) - {"Response", "ActionID"}
        self.all(
            login.Ping(), system.CoreStatus(), core.Command("core show version"), core.Command(NOBODY),
            system.ModuleCheck("app_queue"), system.ModuleCheck(NOBODY), system.Reload("res_musiconhold.so"),
            system.ModuleLoad("reload", "res_musiconhold.so"), system.ModuleLoad("load", NOBODY),
            system.ModuleLoad("unload", NOBODY),
            system.LoggerRotate(), login.Filter("Add", "!Event: AmikitNobody"), login.FilterList(),
            system.SorceryMemoryCacheExpire(NOBODY), system.SorceryMemoryCacheExpireObject(NOBODY, NOBODY),
            system.SorceryMemoryCachePopulate(NOBODY), system.SorceryMemoryCacheStale(NOBODY),
            system.SorceryMemoryCacheStaleObject(NOBODY, NOBODY), core.UserEvent(UserEvent="Amikit", Text="größer"),
            core.MessageSend(destination=f"{NOBODY}:1", to=f"{NOBODY}:1", from_="amikit", body="hello"),
            core.JabberSend(NOBODY, "nobody@example.org", "hello"),
        )  # fmt: skip

    def modules(self) -> None:
        """One is unloaded and loaded again that nobody misses meanwhile."""
        checked = self.send(system.ModuleCheck("app_morsecode"))
        if checked is not None and checked.success:
            self.all(system.ModuleLoad("unload", "app_morsecode.so"), system.ModuleLoad("load", "app_morsecode.so"))

    def a_session(self) -> None:
        """What belongs to a session, in one of its own: from a wrong secret to the server's goodbye."""
        with ami.Manager() as manager:
            self.run.listen(manager)
            manager.connect(*self.address)
            self.send(login.Login(self.user[0], "not the secret"), manager)
            manager.connect(*self.address)
            challenge = self.send(login.Challenge(), manager)
            assert challenge is not None
            for request in (
                login.Login(*self.user, challenge=challenge.result["Challenge"]),
                login.Events("off"), login.Events(["call", "user"]), login.Events("on"),
                login.Filter("Add", "Event: UserEvent"), login.Filter("Add", match_criteria="name(UserEvent)"),
                core.WaitEvent(1), login.Logoff(),
            ):  # fmt: skip
                self.send(request, manager)
            connection = manager.get_connection()
            assert connection is not None
            assert connection.wait_closed(PATIENCE)

    def configuration(self) -> None:
        file = f"{CONTEXT}.conf"
        self.all(
            config.CreateConfig(file),
            config.UpdateConfig(file, file, [("NewCat", CONTEXT)], reload=False),
            config.UpdateConfig(file, file, [("Append", CONTEXT, "name", "value")], reload=False),
            config.GetConfig(file), config.GetConfig(NOBODY), config.GetConfigJSON(file), config.ListCategories(file),
            config.UpdateConfig(file, file, [("DelCat", CONTEXT)], reload=False),
        )  # fmt: skip

    def the_database(self) -> None:
        self.all(
            database.DBPut(CONTEXT, "key", "Wört: =€"), database.DBPut(CONTEXT, "other", "1"),
            database.DBGet(CONTEXT, "key"), database.DBGet(CONTEXT, NOBODY), database.DBGetTree(CONTEXT),
            database.DBDel(CONTEXT, "key"), database.DBDelTree(CONTEXT),
        )  # fmt: skip

    def dialplan_and_states(self) -> None:
        self.all(
            core.ShowDialPlan(context=CONTEXT), core.ShowDialPlan(), core.ShowDialPlan(context=NOBODY),
            core.Setvar(f"DEVICE_STATE({LAMP})", "INUSE"), core.Getvar(f"DEVICE_STATE({LAMP})"),
            core.Setvar(f"DEVICE_STATE({LAMP})", "RINGING"), states.ExtensionState("lamp", CONTEXT),
            states.DeviceStateList(), states.ExtensionStateList(),
            core.Setvar(f"PRESENCE_STATE({PRESENCE})", "away,busy,at lunch"), states.PresenceState(PRESENCE),
            states.PresenceStateList(), core.Setvar(f"DEVICE_STATE({LAMP})", "NOT_INUSE"),
            core.Setvar(f"PRESENCE_STATE({PRESENCE})", "available"), states.PresenceState(NOBODY),
        )  # fmt: skip

    def channels(self) -> None:
        for exten in ("busy", "congestion", "reject", "handlers", "nobody"):
            self.call(exten)
        self.send(core.Originate(f"Local/dial-busy@{CONTEXT}", application="Wait", data="1", async_=False))
        self.send(core.Originate(f"Local/dial-both@{CONTEXT}", context=CONTEXT, extension="music", priority=1))
        with self.called("answer", callerid="Amikit <100>", variables={"A": "1"}, account="amikit") as channel:
            self.all(
                core.Setvar("AMIKIT", "grün & gelb", channel), core.Getvar("AMIKIT", channel),
                core.Getvar("CHANNEL(state)", channel), core.CoreShowChannels(), core.Status(),
                core.Status(channel, ["AMIKIT", "CHANNEL(state)"], True), core.Status(NOBODY),
                core.CoreShowChannelMap(channel), core.AbsoluteTimeout(channel, 600), core.AbsoluteTimeout(channel),
                core.PlayDTMF(channel, "1", 100), core.PlayDTMF(channel, "2", 100, receive=True),
                core.PlayMF(channel, "1", 100), core.SendFlash(channel, receive=True), core.SendText(channel, "hello"),
                core.MuteAudio(channel, input=True, muted=True), core.MuteAudio(channel, input=True),
                aoc.AOCMessage("D", channel, charge_type="Currency", currency_name="EUR", currency_amount=5,
                               currency_multiplier="One", total_type="Total", billing_id="Normal"),
                aoc.AOCMessage("E", channel, charge_type="Unit", units=[(5, 2)], association_number="123"),
                bridges.LocalOptimizeAway(channel),
                core.Redirect(channel, CONTEXT, "echo", 1),
            )  # fmt: skip
        self.send(core.Originate_Application(f"Local/talk@{CONTEXT}/n", "Milliwatt", account="amikit-talking"))
        self.send(core.Hangup(self.ears.wait_for("ChannelTalkingStart").channel))
        self.send(core.Originate_Application(f"Local/ring@{CONTEXT}/n", "Wait", "5", account="amikit-ringing"))
        ringing = self.ears.wait_for("Newstate", AccountCode="amikit-ringing", ChannelStateDesc="Ringing")
        self.call("pick-up", variables={"__RINGING": ringing["Channel"]})
        with self.called("play") as channel:
            self.all(core.ControlPlayback(other_half(channel), "pause"), core.ControlPlayback(channel, "stop"))
        for _ in range(2):
            self.call("answer")
        self.send(core.Hangup(f"/^Local\\/answer@{CONTEXT}/", 16))
        self.all(core.Hangup(NOBODY), core.Hangup(f"/^{NOBODY}/"))

    def recordings(self) -> None:
        with self.called("echo") as channel:
            mixing = self.send(monitors.MixMonitor(channel, f"{CONTEXT}.wav"))
            assert mixing is not None
            self.all(
                monitors.MixMonitorMute(channel, "both", True), monitors.MixMonitorMute(channel, "both", False),
                monitors.StopMixMonitor(channel, mixing.result.get("MixMonitorID")),
                monitors.Monitor(channel, CONTEXT), monitors.PauseMonitor(channel), monitors.UnpauseMonitor(channel),
                monitors.ChangeMonitor(channel, f"{CONTEXT}-2"), monitors.StopMonitor(channel),
            )  # fmt: skip
            spy = self.send(core.Originate_Application(f"Local/answer@{CONTEXT}", "ChanSpy", f"{channel},q"))
            assert spy is not None
            self.ears.wait_for("ChanSpyStart", SpyeeChannel=channel)
        self.send(core.Hangup(f"/^Local\\/answer@{CONTEXT}/"))

    def agi(self) -> None:
        channel = other_half(self.call("agi").channel)
        self.ears.wait_for("AsyncAGIStart", Channel=channel)
        self.all(
            core.AGI(channel, "VERBOSE hello", "one"), core.AGI(channel, "SET VARIABLE X y"),
            core.AGI(channel, "ASYNCAGI BREAK"), core.AGI(NOBODY, "VERBOSE hello"),
        )  # fmt: skip
        self.ears.wait_for("AsyncAGIEnd", Channel=channel)
        hang_up(self.manager, channel)

    def bridges(self) -> None:
        self.all(
            bridges.BridgeTechnologyList(), bridges.BridgeTechnologySuspend("holding_bridge"),
            bridges.BridgeTechnologyUnsuspend("holding_bridge"), bridges.BridgeTechnologySuspend(NOBODY),
            bridges.BridgeInfo(NOBODY), bridges.BridgeKick(NOBODY), bridges.BridgeDestroy(NOBODY),
        )  # fmt: skip
        for end in (lambda channel, bridge: bridges.BridgeKick(channel, bridge),
                    lambda channel, bridge: bridges.BridgeDestroy(bridge)):  # fmt: skip
            with self.called("answer") as one, self.called("answer") as two:
                self.send(bridges.Bridge(one, two, tone="Both"))
                bridge = self.ears.wait_for("BridgeEnter", Channel=one)["BridgeUniqueid"]
                self.ears.wait_for("BridgeEnter", Channel=two, BridgeUniqueid=bridge)
                self.all(
                    bridges.BridgeList(), bridges.BridgeList("basic"), bridges.BridgeInfo(bridge),
                    core.CoreShowChannelMap(one), core.Status(one), end(one, bridge),
                )  # fmt: skip
                self.ears.wait_for("BridgeLeave", Channel=one, BridgeUniqueid=bridge)
        # With a voice on both sides, and without `/n`, Asterisk takes the Local channel out of the path.
        self.send(core.Originate_Context(f"Local/dial-tone@{CONTEXT}", CONTEXT, "dial-tone", 1))
        self.ears.wait_for("LocalOptimizationEnd")
        self.send(core.Hangup(f"/^Local\\/.*@{CONTEXT}/"))

    def transfers(self) -> None:
        self.all(bridges.BlindTransfer(NOBODY, CONTEXT, "answer"), bridges.CancelAtxfer(NOBODY))
        self.send(bridges.Atxfer(NOBODY, "answer", CONTEXT))

        def in_a_call(channel: str) -> str:
            """The half of a Local channel that dials, once it is connected."""
            half = other_half(channel)
            self.ears.wait_for("BridgeEnter", Channel=half)
            return half

        with self.called("dial") as channel:
            half = in_a_call(channel)
            self.send(bridges.Atxfer(half, "77", CONTEXT))  # by digits, so it has to be a number
            asked = self.ears.wait_for("DialEnd", DestExten="77", DialStatus="ANSWER")["DestChannel"]
            talk = self.ears.wait_for("BridgeEnter", Channel=asked)["BridgeUniqueid"]
            self.ears.wait_for("BridgeEnter", Channel=half, BridgeUniqueid=talk)
            hang_up(self.manager, half)
            self.ears.wait_for("AttendedTransfer", Result="Success")
        with self.called("dial") as channel:
            half = in_a_call(channel)
            self.send(bridges.Atxfer(half, "77", CONTEXT))
            self.ears.wait_for("Hold", Channel=half)
            self.send(bridges.CancelAtxfer(half))
        with self.called("dial") as channel:
            self.send(bridges.BlindTransfer(in_a_call(channel), CONTEXT, "echo"))
        self.send(core.Hangup(f"/^Local\\/.*@{CONTEXT}/"))

    def queues(self) -> None:
        member = f"Local/ring@{CONTEXT}"
        usual = [each["Location"] for each in self.items(queues.QueueStatus("support")) if each.name == "QueueMember"]
        self.all(
            queues.QueueStatus(), queues.QueueSummary(), queues.QueueSummary("support"), queues.QueueRule(),
            queues.QueueRule(NOBODY), queues.QueueLog("support", "AMIKIT", message="hello"),
            queues.QueueReload("support", members=False, rules=False), queues.QueueReset("support"),
            *(queues.QueuePause(each, True, "support", "test") for each in usual),
            queues.QueueAdd(member, "support", "Amikit", state_interface=LAMP), queues.QueueAdd(member, NOBODY),
            queues.QueueAdd(f"Local/busy@{CONTEXT}", "support"),
            queues.QueuePenalty(member, 2, "support"), queues.QueuePenalty(member, 0, "support"),
            queues.QueueMemberRingInUse(member, False, "support"),
        )  # fmt: skip
        try:
            with self.called("queue") as channel:
                caller = other_half(channel)
                self.ears.wait_for("QueueCallerJoin", Channel=caller)
                self.ears.wait_for("AgentCalled", Channel=caller, Interface=member)
                self.ears.wait_for("AgentRingNoAnswer", Channel=caller)
                self.all(
                    queues.QueueStatus("support"), queues.QueueChangePriorityCaller("support", caller, 5),
                    queues.QueuePause(member, True, "support", "test"), queues.QueueSummary(),
                    queues.QueueWithdrawCaller("support", caller, "sorry"),
                )  # fmt: skip
            with self.called("queue") as channel:
                self.ears.wait_for("QueueCallerJoin", Channel=other_half(channel))
            self.ears.wait_for("QueueCallerAbandon", Channel=other_half(channel))
        finally:
            self.all(
                queues.QueueRemove(member, "support"), queues.QueueRemove(f"Local/busy@{CONTEXT}", "support"),
                queues.QueueRemove(NOBODY, "support"),
                *(queues.QueuePause(each, False, "support") for each in usual),
            )  # fmt: skip
        with self.called("queue") as channel:
            agent = self.ears.wait_for("AgentConnect", Channel=other_half(channel))["Interface"]
            bridge = self.ears.wait_for("BridgeEnter", Channel=other_half(channel))["BridgeUniqueid"]
            self.ears.wait_for("BridgeEnter", BridgeUniqueid=bridge, BridgeNumChannels="2")  # now they talk
        self.ears.wait_for("AgentComplete", Interface=agent)  # which may lack the headers of the caller, who is gone

    def conferences(self) -> None:
        room = CONTEXT
        self.all(app_confbridge.ConfbridgeListRooms(), app_confbridge.ConfbridgeList(room))
        with self.called("conference") as one:
            half = other_half(one)
            self.ears.wait_for("ConfbridgeJoin", Channel=half)
            self.send(core.Originate_Application(f"Local/conference@{CONTEXT}/n", "Milliwatt"))
            self.all(
                app_confbridge.ConfbridgeListRooms(), app_confbridge.ConfbridgeList(room),
                app_confbridge.ConfbridgeLock(room), app_confbridge.ConfbridgeUnlock(room),
                app_confbridge.ConfbridgeMute(room, half), app_confbridge.ConfbridgeUnmute(room, half),
                app_confbridge.ConfbridgeSetSingleVideoSrc(room, half),
                app_confbridge.ConfbridgeStartRecord(room, f"{CONTEXT}.wav"), bridges.BridgeList(),
                app_confbridge.ConfbridgeStopRecord(room), core.CoreShowChannels(),
            )  # fmt: skip
            self.ears.wait_for("ConfbridgeTalking", Conference=room)
            self.send(app_confbridge.ConfbridgeKick(room, half))
            self.ears.wait_for("ConfbridgeLeave", Channel=half)
        self.send(app_confbridge.ConfbridgeKick(room, "all"))
        self.send(app_confbridge.ConfbridgeKick(NOBODY, "all"))
        self.ears.wait_for("ConfbridgeEnd", Conference=room)
        self.send(core.Hangup(f"/^Local\\/conference@{CONTEXT}/"))

    def parking(self) -> None:
        self.all(parking.Parkinglots(), parking.ParkedCalls())
        with self.called("answer") as channel:
            self.send(parking.Park(channel, timeout=60_000))
            self.ears.wait_for("ParkedCall", ParkeeChannel=channel)
            parked = self.items(parking.ParkedCalls())[0]
            self.all(core.CoreShowChannels(), bridges.BridgeList())
            with self.called("unpark", variables={"__SPACE": parked["ParkingSpace"]}):
                self.ears.wait_for("UnParkedCall", ParkeeChannel=channel)
        with self.called("answer") as channel:
            self.send(parking.Park(channel, timeout=1000))
            self.ears.wait_for("ParkedCallTimeOut", ParkeeChannel=channel)
        with self.called("answer") as channel:
            self.send(parking.Park(channel))
            self.ears.wait_for("ParkedCall", ParkeeChannel=channel)
        self.ears.wait_for("ParkedCallGiveUp", ParkeeChannel=channel)
        with self.called("park") as channel:
            self.ears.wait_for("ParkedCall", ParkeeChannel=other_half(channel))
            self.send(parking.ParkedCalls())
        self.send(parking.Park(NOBODY))

    def mailboxes(self) -> None:
        boxes = self.items(voicemail.VoicemailUsersList())
        context, box = (boxes[0]["VMContext"], boxes[0]["VoiceMailbox"]) if boxes else ("default", NOBODY)
        self.all(
            voicemail.MailboxCount(f"{box}@{context}"), voicemail.MailboxStatus(f"{box}@{context}"),
            voicemail.VoicemailUserStatus(context, box), voicemail.VoicemailUserStatus(NOBODY, NOBODY),
            voicemail.VoicemailBoxSummary(context, box), voicemail.VoicemailRefresh(context, box),
            voicemail.VoicemailForward(NOBODY, NOBODY, "INBOX", "1", NOBODY, NOBODY, "INBOX"),
            voicemail.VoicemailMove(NOBODY, NOBODY, "INBOX", "1", "Old"),
            voicemail.VoicemailRemove(NOBODY, NOBODY, "INBOX", "1"),
            voicemail.MWIUpdate(f"{CONTEXT}@{CONTEXT}", 0, 1), voicemail.MWIGet(f"{CONTEXT}@{CONTEXT}"),
            voicemail.MWIDelete(f"{CONTEXT}@{CONTEXT}"),
            fax.FAXSessions(), fax.FAXSession("1"), fax.FAXStats(),
            agents.Agents(), agents.AgentLogoff(NOBODY),
        )  # fmt: skip

    def telephones(self) -> None:
        endpoints = self.items(pjsip.PJSIPShowEndpoints())
        self.all(*(pjsip.PJSIPShowEndpoint(each["ObjectName"]) for each in endpoints))
        self.all(
            pjsip.PJSIPShowEndpoint(NOBODY), pjsip.PJSIPShowAors(), pjsip.PJSIPShowAuths(), pjsip.PJSIPShowContacts(),
            pjsip.PJSIPShowRegistrationsInbound(), pjsip.PJSIPShowRegistrationsOutbound(),
            pjsip.PJSIPShowRegistrationInboundContactStatuses(), pjsip.PJSIPShowResourceLists(),
            pjsip.PJSIPShowSubscriptionsInbound(), pjsip.PJSIPShowSubscriptionsOutbound(),
            pjsip.PJSIPShowMaintenance(), pjsip.PJSIPSetMaintenance(NOBODY, False), pjsip.PJSIPHangup(NOBODY, 16),
            pjsip.PJSIPHangup(f"/^PJSIP\\/{NOBODY}/", 16), pjsip.PJSIPQualify(NOBODY),
            pjsip.PJSIPNotify(NOBODY, variables={"Event": "check-sync"}), pjsip.PJSIPRegister(NOBODY),
            pjsip.PJSIPUnregister(NOBODY),
        )  # fmt: skip
        peers = [each["ObjectName"] for each in self.items(sip.SIPpeers())]
        self.all(*map(sip.SIPshowpeer, peers), *map(sip.SIPpeerstatus, peers))
        self.all(
            sip.SIPshowpeer(NOBODY), sip.SIPpeerstatus(), sip.SIPqualifypeer(NOBODY), sip.SIPshowregistry(),
            sip.SIPnotify(NOBODY, {"Event": "check-sync"}), iax.IAXpeers(), iax.IAXpeerlist(), iax.IAXregistry(),
            iax.IAXnetstats(),
            skinny.SKINNYdevices(), skinny.SKINNYlines(), skinny.SKINNYshowdevice(NOBODY),
            skinny.SKINNYshowline(NOBODY),
        )  # fmt: skip

    def other_hardware(self) -> None:
        """DAHDI, and the conferences that need it; of channels and spans that nobody has."""
        self.all(
            dahdi.DAHDIShowChannels(), dahdi.DAHDIShowStatus(), dahdi.DAHDIDNDon(9999), dahdi.DAHDIDNDoff(9999),
            dahdi.DAHDIDialOffhook(9999, "1"), dahdi.DAHDIHangup(9999), dahdi.DAHDITransfer(9999),
            dahdi.PRIShowSpans(), dahdi.PRIDebugSet(9999, 0), dahdi.PRIDebugFileUnset(),
            dahdi.PRIDebugFileSet(f"/nowhere/{NOBODY}"), app_meetme.MeetmeList(), app_meetme.MeetmeListRooms(),
            app_meetme.MeetmeMute(NOBODY, 1), app_meetme.MeetmeUnmute(NOBODY, 1),
        )  # fmt: skip

    def the_end(self) -> None:
        """Nothing is left."""
        self.all(core.Hangup(f"/^Local\\/.*@{CONTEXT}/"), core.CoreShowChannels())


def run(address: tuple[str, int], user: tuple[str, str]) -> Run:
    """Send everything to the server there."""
    result, ears = Run(), Ears()
    with ami.Manager() as manager, ami.Manager() as listener:
        result.listener = listener
        for each in (manager, listener):
            result.listen(each)
        manager.register_callback("", ears.hear)
        for each in (manager, listener):
            each.connect(*address)
            each.login(*user)
        everything = Everything(result, manager, ears, address, user)
        try:
            make_dialplan(everything.send)
            everything.everything()
        finally:
            with suppress(ami.ManagerError):
                manager.send_action(core.Hangup(f"/^Local\\/.*@{CONTEXT}/"))
                remove_dialplan(everything.send)
        last = core.UserEvent(UserEvent=f"{CONTEXT}-last")
        heard = Ears()
        listener.register_callback("UserEvent", heard.hear)
        manager.send_action(last)
        heard.wait_for("UserEvent", UserEvent=f"{CONTEXT}-last")
        result.listener = None
    return result
