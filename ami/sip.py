"""SIP by chan_sip, which Asterisk 21 removed; the entries of its lists are those of IAX2, too."""

from collections.abc import Mapping
from typing import Any

from ami.catalogue import Aggregate, Event
from ami.headers import Bool, Header, Int, Text
from ami.message import Message
from ami.request import Action, Request
from ami.snapshots import ChannelEvent

__all__ = [
    "PeerEntry", "PeerStatus", "PeerlistComplete", "RegistrationsComplete", "Registry", "RegistryEntry",
    "SIPQualifyPeerDone", "SIPnotify", "SIPpeers", "SIPpeers_Aggregate", "SIPpeerstatus", "SIPpeerstatusComplete",
    "SIPqualify", "SIPqualifypeer", "SIPshowpeer", "SIPshowregistry", "SIPshowregistry_Aggregate", "SessionTimeout",
]  # fmt: skip

# Peers


class _RoundTrip(Header[int]):
    """The milliseconds that a peer took to answer, in a status like `OK (23 ms)` or `LAGGED (2400 ms)`."""

    def convert(self, text: str) -> int | None:
        """The milliseconds, or None."""
        _, _, rest = text.partition("(")
        return Int().convert(rest.partition(" ms")[0])

    def process_into(self, headers: dict[str, Any]) -> None:
        """The milliseconds of a peer that is well, -2 for one that is not monitored, or -1."""
        text = headers.get(self.name) or ""
        if text.startswith("OK"):
            milliseconds = self.convert(text)
            headers[self.name] = -1 if milliseconds is None else milliseconds
        else:
            headers[self.name] = -2 if text == "Unmonitored" else -1


class PeerEntry(Event):
    """An item of the answer to `SIPpeers`, `IAXpeers` or `IAXpeerlist`: a peer. Each of them has headers of its own.

    `status` is the text, such as `Unmonitored`, `UNREACHABLE` or `OK (23 ms)`; `round_trip` is the milliseconds in it.
    """

    channel_type = Text("Channeltype")
    object_name = Text()
    chan_object_type = Text()
    object_username = Text()
    ip_address = Text("IPaddress")
    ip_port = Int("IPport", process=None, optional=True)
    mask = Text()
    port = Int()
    dynamic = Bool("yes", process=False)
    trunk = Bool("yes")
    encryption = Bool("yes")
    natsupport = Bool("yes", process=False)
    auto_forcerport = Bool("yes")
    forcerport = Bool("yes")
    auto_comedia = Bool("yes")
    comedia = Bool("yes")
    video_support = Bool("yes", process=False)
    text_support = Bool("yes")
    acl = Bool("yes", "ACL", process=False)
    realtime_device = Bool("yes", process=False)
    status = Text()
    round_trip = _RoundTrip("Status")
    description = Text()
    accountcode = Text()


class PeerlistComplete(Event):
    """The end of the answer to `SIPpeers`, `IAXpeers` or `IAXpeerlist`."""

    list_items = Int(process=-1)


class SIPpeers_Aggregate(Aggregate):
    """The answer to `SIPpeers`."""

    _aggregation_members = (PeerEntry,)
    _aggregation_finalisers = (PeerlistComplete,)
    _count_header = "ListItems"


class SIPpeers(Action):
    """List the peers."""

    _aggregates = (SIPpeers_Aggregate,)


class SIPshowpeer(Action):
    """Ask for what is known of a peer; in the result flags are bools, and some headers are numbers."""

    peer: str

    def process_response(self, response: Message) -> Message:
        """Make bools of the flags, False where one is missing, and numbers of what counts, -1 where one is missing."""
        response = super().process_response(response)
        for word, flags in _FLAGS.items():
            for key in flags:
                response.put(key, response.get(key) == word)
        for key in ("Address-Port", "MaxCallBR", "RegExpire"):
            number = Int().convert(response.get(key, "").partition(" ")[0])
            response.put(key, -1 if number is None else number)
        return response


_FLAGS = {
    "Y": (
        "ACL",
        "Dynamic",
        "MD5SecretExist",
        "SecretExist",
        "SIP-CanReinvite",
        "SIP-PromiscRedir",
        "SIP-UserPhone",
        "SIP-VideoSupport",
    ),
    "yes": ("SIP-AuthInsecure",),
}


class PeerStatus(Event):
    """A peer, or an endpoint of PJSIP, was reached, lost, registered …; also an item of the answer to `SIPpeerstatus`.

    `time` is the milliseconds that its answer took.
    """

    channel_type = Text()
    peer = Text()
    peer_status = Text()
    cause = Text()
    address = Text()
    port = Int()
    time = Int()


class SIPpeerstatusComplete(Event):
    """The end of the answer to `SIPpeerstatus`."""

    list_items = Int()


class SIPpeerstatus(Action):
    """List the states of the peers, or of one."""

    peer: str | None = None

    _list = (PeerStatus,)
    _finalisers = (SIPpeerstatusComplete,)


class SIPQualifyPeerDone(Event):
    """The message that `SIPqualifypeer` asked for was sent; what came of it is told by `PeerStatus`."""

    peer = Text()


class SIPqualifypeer(Action):
    """Send a peer a message to see whether it answers. A synchronous request waits until it was sent."""

    peer: str

    _finalisers = (SIPQualifyPeerDone,)


SIPqualify = SIPqualifypeer
"""The documented name of `SIPqualifypeer`, which is what Asterisk calls it."""


class SIPnotify(Action):
    """Send a peer a NOTIFY with these headers, of which there must be one at least; `call_id` puts it into a dialog."""

    def __init__(self, channel: str, headers: Mapping[str, object] | None = None, call_id: str | None = None) -> None:
        Request.__init__(self, "SIPnotify")
        self["Channel"] = channel
        if headers:
            self["Variable"] = tuple(f"{name}={value}" for name, value in headers.items())
        if call_id:
            self["Call-ID"] = call_id


class SessionTimeout(ChannelEvent):
    """A SIP session timer ran out, which ends the call."""

    source = Text()


# Registrations with other servers


class RegistryEntry(Event):
    """An item of the answer to `SIPshowregistry` or `IAXregistry`: a registration. Each has headers of its own.

    `refresh` is in seconds; `registration_time` is in seconds since 1970, 0 for never.
    """

    host = Text()
    port = Int(process=-1)
    username = Text()
    domain = Text()
    domain_port = Int(process=-1)
    dns_manager = Text("DNSmanager")
    perceived = Text()
    refresh = Int(process=-1)
    state = Text()
    registration_time = Int(process=-1)


class RegistrationsComplete(Event):
    """The end of the answer to `SIPshowregistry` or `IAXregistry`."""

    list_items = Int(process=-1)


class SIPshowregistry_Aggregate(Aggregate):
    """The answer to `SIPshowregistry`."""

    _aggregation_members = (RegistryEntry,)
    _aggregation_finalisers = (RegistrationsComplete,)
    _count_header = "ListItems"


class SIPshowregistry(Action):
    """List the registrations with other servers."""

    _aggregates = (SIPshowregistry_Aggregate,)


class Registry(Event):
    """A registration with another server, by any channel driver, changed its state."""

    channel_type = Text()
    username = Text()
    domain = Text()
    status = Text()
    cause = Text()
