"""Which classes an action belongs to, and which versions of Asterisk have it.

Facts: from the source of Asterisk 16.28 and 22.10, and `ListCommands` of both; the classes of no action differ
between the two.
"""

from amisim.users import classes

__all__ = ["privileges"]

_ACTIONS = {
    "": """
        BridgeDestroy BridgeInfo BridgeKick BridgeList BridgeTechnologyList BridgeTechnologySuspend
        BridgeTechnologyUnsuspend Challenge DAHDIDialOffhook DAHDIDNDoff DAHDIDNDon DAHDIHangup DAHDIRestart
        DAHDIShowChannels DAHDIShowStatus DAHDITransfer Events ListCommands Login Logoff Ping PRIDebugFileUnset
        PRIDebugSet PRIShowSpans QueueChangePriorityCaller QueueReload QueueReset QueueRule QueueStatus QueueSummary
        QueueWithdrawCaller WaitEvent
    """,
    "agent": "AgentLogoff Agents QueueAdd QueueLog QueueMemberRingInUse QueuePause QueuePenalty QueueRemove",
    "agi": "AGI",
    "aoc": "AOCMessage",
    "call": """
        Atxfer BlindTransfer Bridge CancelAtxfer ChangeMonitor ConfbridgeKick ConfbridgeLock ConfbridgeMute
        ConfbridgeSetSingleVideoSrc ConfbridgeUnlock ConfbridgeUnmute ControlPlayback FAXSession FAXSessions
        MeetmeMute MeetmeUnmute Monitor MWIDelete MWIUpdate Park ParkedCalls Parkinglots PauseMonitor PlayDTMF
        PlayMF Redirect SendFlash SendText Setvar StopMonitor UnpauseMonitor
    """,
    "command": "Command",
    "config": "CreateConfig ListCategories UpdateConfig",
    "message": "MessageSend",
    "originate": "Originate",
    "reporting": "ConfbridgeList ConfbridgeListRooms FAXStats MeetmeList MeetmeListRooms",
    "system": """
        ConfbridgeStartRecord ConfbridgeStopRecord DBDel DBDelTree DBPut DialplanExtensionAdd
        DialplanExtensionRemove Filter JabberSend MixMonitor ModuleCheck ModuleLoad MuteAudio PJSIPNotify
        PJSIPSetMaintenance PJSIPShowAors PJSIPShowAuths PJSIPShowContacts PJSIPShowEndpoint PJSIPShowEndpoints
        PJSIPShowRegistrationInboundContactStatuses PJSIPShowRegistrationsInbound PJSIPShowResourceLists
        PJSIPShowSubscriptionsInbound PJSIPShowSubscriptionsOutbound PRIDebugFileSet SIPnotify SIPpeerstatus
        SorceryMemoryCacheExpire SorceryMemoryCacheExpireObject SorceryMemoryCachePopulate SorceryMemoryCacheStale
        SorceryMemoryCacheStaleObject
    """,
    "user": "UserEvent VoicemailForward VoicemailMove VoicemailRefresh VoicemailRemove",
    "call,reporting": """
        DeviceStateList ExtensionState ExtensionStateList Getvar MailboxCount MailboxStatus MWIGet PresenceState
        PresenceStateList VoicemailBoxSummary VoicemailUsersList VoicemailUserStatus
    """,
    "config,reporting": "ShowDialPlan",
    "system,call": "AbsoluteTimeout Hangup LocalOptimizeAway MixMonitorMute PJSIPHangup StopMixMonitor",
    "system,config": "GetConfig GetConfigJSON Reload",
    "system,reporting": """
        CoreSettings CoreShowChannelMap CoreShowChannels CoreStatus DBGet DBGetTree IAXnetstats IAXpeerlist IAXpeers
        IAXregistry LoggerRotate PJSIPQualify PJSIPRegister PJSIPShowMaintenance PJSIPShowRegistrationsOutbound
        PJSIPUnregister SIPpeers SIPqualifypeer SIPshowpeer SIPshowregistry SKINNYdevices SKINNYlines
        SKINNYshowdevice SKINNYshowline
    """,
    "system,call,reporting": "Status",
}

_SINCE = {
    13: """
        BlindTransfer BridgeDestroy BridgeInfo BridgeKick BridgeList BridgeTechnologyList BridgeTechnologySuspend
        BridgeTechnologyUnsuspend CancelAtxfer ControlPlayback DeviceStateList DialplanExtensionAdd
        DialplanExtensionRemove ExtensionStateList FAXSession FAXSessions FAXStats LoggerRotate MWIDelete MWIGet
        MWIUpdate PJSIPNotify PJSIPQualify PJSIPRegister PJSIPShowEndpoint PJSIPShowEndpoints
        PJSIPShowRegistrationInboundContactStatuses PJSIPShowRegistrationsInbound PJSIPShowRegistrationsOutbound
        PJSIPShowResourceLists PJSIPShowSubscriptionsInbound PJSIPShowSubscriptionsOutbound PJSIPUnregister
        PRIDebugFileSet PRIDebugFileUnset PRIDebugSet PresenceStateList SorceryMemoryCacheExpire
        SorceryMemoryCacheExpireObject SorceryMemoryCachePopulate SorceryMemoryCacheStale SorceryMemoryCacheStaleObject
    """,
    16: "DBGetTree PJSIPShowAors PJSIPShowAuths PJSIPShowContacts PlayMF QueueWithdrawCaller VoicemailUserStatus",
    18: """
        CoreShowChannelMap DAHDIShowStatus PJSIPHangup SendFlash VoicemailBoxSummary VoicemailForward VoicemailMove
        VoicemailRemove
    """,
    20: "PJSIPSetMaintenance PJSIPShowMaintenance",
}
_UNTIL = {
    20: """
        ChangeMonitor Monitor PauseMonitor SIPnotify SIPpeers SIPpeerstatus SIPqualifypeer SIPshowpeer SIPshowregistry
        SKINNYdevices SKINNYlines SKINNYshowdevice SKINNYshowline StopMonitor UnpauseMonitor
    """,
}


def privileges(version: str) -> dict[str, int]:
    """The bits of the classes of each action that a version has, by name; 0 where anybody may send it."""
    number = int(version)
    missing = {name for since, names in _SINCE.items() if number < since for name in names.split()}
    missing |= {name for until, names in _UNTIL.items() if number > until for name in names.split()}
    return {name: classes(of) for of, names in _ACTIONS.items() for name in names.split() if name not in missing}
