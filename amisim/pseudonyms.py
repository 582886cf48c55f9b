"""Stable pseudonyms: what stands in a recording in place of what must not, in the form that its place asks for."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable

__all__ = ["Pseudonyms", "is_pseudonym"]

_IPV4 = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15")  # for documentation, and benchmarks
_NETWORKS = [ipaddress.ip_network(network) for network in _IPV4]
_IPV6 = ipaddress.ip_network("2001:db8::/32")
_HOSTS = 254
_SHORTEST_NUMBER = 3


def _ipv4(count: int) -> str:
    for network in _NETWORKS[:-1]:
        if count <= _HOSTS:
            return str(network[count])
        count -= _HOSTS
    return str(_NETWORKS[-1][count % _NETWORKS[-1].num_addresses])


def _number(digits: int, count: int) -> str:
    return str(555 * 10 ** (digits - _SHORTEST_NUMBER) + count)


_FORMS: dict[str, Callable[[int], str]] = {
    "key": "{:032x}".format,
    "challenge": lambda count: str(100_000_000 + count),
    "name": "Name {}".format,
    "ipv4": _ipv4,
    "ipv6": lambda count: str(_IPV6[count]),
    "email": "person{}@example.org".format,
}
_FORMED = {
    "key": r"0{24}[0-9a-f]{8}",
    "challenge": r"1000\d{5}",
    "name": r"Name \d+",
    "email": r"person\d+@example\.org",
}


class Pseudonyms:
    """The pseudonyms of one recording, numbered as they are first needed: the same for the same, and no other's.

    A value of kind `secret` becomes `secret-1`, a `number` another one of as many digits that begins with 555, an
    `ipv4` or `ipv6` address one of the networks for documentation, a `name` `Name 1`, an `email`
    `person1@example.org`, a `key` and a `challenge` others of their form; anything else is named after its kind.
    """

    def __init__(self) -> None:
        self._known: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def of(self, kind: str, value: str) -> str:
        """The pseudonym of a value."""
        if kind == "number":
            kind = f"number of {len(value)}"
        known = self._known[kind]
        if value not in known:
            known[value] = self._next(kind, len(value), len(known) + 1)
        return known[value]

    @staticmethod
    def _next(kind: str, size: int, count: int) -> str:
        if kind.startswith("number of ") and size >= _SHORTEST_NUMBER:
            return _number(size, count)
        return _FORMS.get(kind, f"{kind.partition(' ')[0]}-{{}}".format)(count)


def is_pseudonym(kind: str, value: str) -> bool:
    """Whether a value looks like the pseudonym of one."""
    if kind == "number" and len(value) >= _SHORTEST_NUMBER:
        return value.startswith("555")
    if kind == "ipv4":
        return any(ipaddress.ip_address(value) in network for network in _NETWORKS)
    if kind == "ipv6":
        return ipaddress.ip_address(value) in _IPV6
    return re.fullmatch(_FORMED.get(kind, rf"{re.escape(kind)}-\d+"), value) is not None
