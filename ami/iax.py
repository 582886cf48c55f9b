"""IAX2 peers and registrations; what lists them are the entries that SIP has, too."""

from ami.request import Action
from ami.sip import PeerEntry, PeerlistComplete, RegistrationsComplete, RegistryEntry

__all__ = ["IAXnetstats", "IAXpeerlist", "IAXpeers", "IAXregistry"]


class IAXpeers(Action):
    """List the peers, with port and description. Asterisk leaves the ActionID out of the entries."""

    _list = (PeerEntry,)
    _finalisers = (PeerlistComplete,)
    _items_without_id = True


class IAXpeerlist(Action):
    """List the peers, with mask and port."""

    _list = (PeerEntry,)
    _finalisers = (PeerlistComplete,)


class IAXregistry(Action):
    """List the registrations with other servers."""

    _list = (RegistryEntry,)
    _finalisers = (RegistrationsComplete,)


class IAXnetstats(Action):
    """Ask for the quality of the calls.

    Asterisk answers with lines that are no headers, and without calls with an empty one: there is no response, and
    the action ends at its time-out.
    """
