"""The events that are sent: ten kinds, as Asterisk 22 sends them, in turn; every call with ids of its own.

Nothing here is random: the same number of events is the same bytes, always.
"""

KINDS = 10
"""How many kinds of event there are."""

WANTED = "Hangup"
"""The one kind that a program wants in the measure of one kind in ten: the last of each ten."""

_CHANNEL = """\
{prefix}Channel: PJSIP/{phone}-{number:08x}
{prefix}ChannelState: 6
{prefix}ChannelStateDesc: Up
{prefix}CallerIDNum: {phone}
{prefix}CallerIDName: Alice Example
{prefix}ConnectedLineNum: 200
{prefix}ConnectedLineName: Bob
{prefix}Language: en
{prefix}AccountCode: 
{prefix}Context: from-internal
{prefix}Exten: 200
{prefix}Priority: 2
{prefix}Uniqueid: 1795405869.{number}
{prefix}Linkedid: 1795405869.{number}
"""  # noqa: W291

_BRIDGE = """\
BridgeUniqueid: 4c3c2b1a-5d6e-4f70-8192-{number:012x}
BridgeType: basic
BridgeTechnology: simple_bridge
BridgeCreator: <unknown>
BridgeName: <unknown>
BridgeNumChannels: 2
BridgeVideoSourceMode: none
"""

_BODIES = {
    "Newchannel": ("call,all", "{channel}"),
    "Newexten": ("dialplan,all", "{channel}Extension: 200\nApplication: Dial\nAppData: PJSIP/200,30,tT\n"),
    "VarSet": ("dialplan,all", "{channel}Variable: DIALEDPEERNUMBER\nValue: PJSIP/200\n"),
    "DialBegin": ("call,all", "{channel}{destination}DialString: 200\n"),
    "Newstate": ("call,all", "{channel}"),
    "NewConnectedLine": ("call,all", "{channel}"),
    "BridgeEnter": ("call,all", "{bridge}{channel}"),
    "QueueCallerJoin": ("agent,all", "{channel}Queue: support\nPosition: 1\nCount: 1\n"),
    "HangupRequest": ("call,all", "{channel}Cause: 16\n"),
    WANTED: ("call,all", "{channel}Cause: 16\nCause-txt: Normal Clearing\n"),
}


def event(number: int) -> bytes:
    """Event `number`, counted from 0, with the empty line that ends it."""
    name = tuple(_BODIES)[number % KINDS]
    privilege, body = _BODIES[name]
    call = number // KINDS
    channel = _CHANNEL.format(prefix="", phone=100, number=call)
    destination = _CHANNEL.format(prefix="Dest", phone=200, number=call + 0x10000000)
    text = body.format(channel=channel, destination=destination, bridge=_BRIDGE.format(number=call))
    return f"Event: {name}\nPrivilege: {privilege}\n{text}\n".replace("\n", "\r\n").encode()


def values(number: int) -> frozenset[str]:
    """What the headers of event `number` say."""
    return frozenset(line.partition(": ")[2] for line in event(number).decode().split("\r\n"))


class Stock:
    """Events prepared in advance, as one run of bytes, to be sent again from the beginning when it is used up."""

    def __init__(self, count: int) -> None:
        events = [event(number) for number in range(count)]
        self.count = count
        self._data = memoryview(b"".join(events))
        self._ends = [0]
        for each in events:
            self._ends.append(self._ends[-1] + len(each))

    def chunks(self, count: int) -> list[memoryview]:
        """The bytes of `count` events."""
        whole, rest = divmod(count, self.count)
        return [self._data] * whole + ([self._data[: self._ends[rest]]] if rest else [])

    def size(self, count: int) -> int:
        """How many bytes `count` events have."""
        return sum(map(len, self.chunks(count)))


def describe(count: int = 1000) -> str:
    """What the events are like, in words."""
    events = [event(number) for number in range(count)]
    size = sum(map(len, events)) / count
    headers = sum(each.count(b"\r\n") - 1 for each in events) / count
    return f"{KINDS} kinds, of {size:.0f} bytes and {headers:.1f} headers"


STOCK_SIZE = 50_000
"""How many different events the server has."""
