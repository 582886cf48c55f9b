"""SIP by PJSIP: endpoints, registrations, subscriptions and contacts; the events are in `ami.pjsip_events`."""

from collections.abc import Mapping, Sequence

from ami.core_events import ChannelHungup, ChannelsHungupListComplete
from ami.pjsip_events import (
    AorDetail,
    AorList,
    AorListComplete,
    AuthDetail,
    AuthList,
    AuthListComplete,
    ContactList,
    ContactListComplete,
    ContactStatusDetail,
    ContactStatusDetailComplete,
    EndpointDetail,
    EndpointDetailComplete,
    EndpointList,
    EndpointListComplete,
    IdentifyDetail,
    InboundRegistrationDetail,
    InboundRegistrationDetailComplete,
    InboundSubscriptionDetail,
    InboundSubscriptionDetailComplete,
    OutboundRegistrationDetail,
    OutboundRegistrationDetailComplete,
    OutboundSubscriptionDetail,
    OutboundSubscriptionDetailComplete,
    PJSIPMaintenanceStatus,
    PJSIPMaintenanceStatusComplete,
    ResourceListDetail,
    ResourceListDetailComplete,
    TransportDetail,
)
from ami.request import Action, param

__all__ = [
    "PJSIPHangup", "PJSIPNotify", "PJSIPQualify", "PJSIPRegister", "PJSIPSetMaintenance", "PJSIPShowAors",
    "PJSIPShowAuths", "PJSIPShowContacts", "PJSIPShowEndpoint", "PJSIPShowEndpoints", "PJSIPShowMaintenance",
    "PJSIPShowRegistrationInboundContactStatuses", "PJSIPShowRegistrationsInbound", "PJSIPShowRegistrationsOutbound",
    "PJSIPShowResourceLists", "PJSIPShowSubscriptionsInbound", "PJSIPShowSubscriptionsOutbound", "PJSIPUnregister",
]  # fmt: skip

# Lists. Those that find nothing are errors where PJSIP's own objects are asked for, and empty elsewhere.


class PJSIPShowEndpoints(Action):
    """List the endpoints."""

    _list = (EndpointList,)
    _finalisers = (EndpointListComplete,)


class PJSIPShowEndpoint(Action):
    """List what an endpoint is: its settings, transport, AORs, authentication, contacts and matches."""

    endpoint: str

    _list = (EndpointDetail, TransportDetail, AorDetail, AuthDetail, ContactStatusDetail, IdentifyDetail)
    _finalisers = (EndpointDetailComplete,)


class PJSIPShowAors(Action):
    """List the addresses of record."""

    _list = (AorList,)
    _finalisers = (AorListComplete,)


class PJSIPShowAuths(Action):
    """List the authentications, with their secrets."""

    _list = (AuthList,)
    _finalisers = (AuthListComplete,)


class PJSIPShowContacts(Action):
    """List the contacts that have registered."""

    _list = (ContactList,)
    _finalisers = (ContactListComplete,)


class PJSIPShowRegistrationsInbound(Action):
    """List the addresses of record that take registrations, with their contacts."""

    _list = (InboundRegistrationDetail,)
    _finalisers = (InboundRegistrationDetailComplete,)


class PJSIPShowRegistrationInboundContactStatuses(Action):
    """List the contacts that have registered, with their states."""

    _list = (ContactStatusDetail,)
    _finalisers = (ContactStatusDetailComplete,)


class PJSIPShowRegistrationsOutbound(Action):
    """List the registrations with other servers, each followed by what it authenticates with."""

    _list = (OutboundRegistrationDetail, AuthDetail)
    _finalisers = (OutboundRegistrationDetailComplete,)
    _count_header = ""  # Asterisk does not count the AuthDetail


class PJSIPShowSubscriptionsInbound(Action):
    """List the subscriptions that others have here."""

    _list = (InboundSubscriptionDetail,)
    _finalisers = (InboundSubscriptionDetailComplete,)


class PJSIPShowSubscriptionsOutbound(Action):
    """List the subscriptions that Asterisk has elsewhere."""

    _list = (OutboundSubscriptionDetail,)
    _finalisers = (OutboundSubscriptionDetailComplete,)


class PJSIPShowResourceLists(Action):
    """List the lists that can be subscribed to."""

    _list = (ResourceListDetail,)
    _finalisers = (ResourceListDetailComplete,)


# Registrations and contacts


class PJSIPQualify(Action):
    """Ask the contacts of an endpoint whether they are there; `ContactStatus` events tell."""

    endpoint: str


class PJSIPRegister(Action):
    """Register with another server, as a section of `pjsip.conf` says."""

    registration: str


class PJSIPUnregister(Action):
    """Undo `PJSIPRegister`, until the next `PJSIPRegister` or the restart."""

    registration: str


# Messages and calls


def _assignments(values: Mapping[str, object] | Sequence[str] | str) -> Sequence[str] | str:
    """`name=value` for each item of a mapping; anything else as it is."""
    return [f"{name}={value}" for name, value in values.items()] if isinstance(values, Mapping) else values


class PJSIPNotify(Action):
    """Send a SIP NOTIFY to an endpoint, to a URI, or within the dialog of a channel.

    `variables` are its headers, as a mapping or as `name=value`; the name `Content` stands for a line of the body, and
    may repeat. `option`, in their place, names a section of `pjsip_notify.conf`; Asterisk 22 has it, 16 has not.
    """

    endpoint: str | None = None
    uri: str | None = param("URI", default=None)
    channel: str | None = None
    variables: Mapping[str, object] | Sequence[str] | str | None = param("Variable", default=None, encode=_assignments)
    option: str | None = None


class PJSIPHangup(Action):
    """Hang up a channel of PJSIP; or every one that matches `/a regular expression/`, which a list answers.

    `cause` is a hang-up cause or a SIP status: a number, or a name such as `BUSY`. Asterisk 22 has it, 16 has not.
    """

    channel: str
    cause: int | str

    _list = (ChannelHungup,)
    _finalisers = (ChannelsHungupListComplete,)


# Maintenance, which Asterisk 22 has, and 16 has not


def _on_off(value: bool | str) -> str:
    return value if isinstance(value, str) else "on" if value else "off"


class PJSIPSetMaintenance(Action):
    """Begin or end the maintenance of an endpoint, or of `all`: while it lasts, they get no new calls."""

    endpoint: str
    state: bool | str = param("State", encode=_on_off)


class PJSIPShowMaintenance(Action):
    """List the endpoints under maintenance, or only `endpoint`."""

    endpoint: str | None = None

    _list = (PJSIPMaintenanceStatus,)
    _finalisers = (PJSIPMaintenanceStatusComplete,)
