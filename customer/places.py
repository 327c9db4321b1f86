"""Where requests come from, as far as those who share a line can be told apart."""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address


@dataclass(frozen=True)
class Place:
    """An IPv4 address, or the /64 of an IPv6 one, which is one customer's line."""

    name: str
    shared: bool
    """Whether it may be a proxy on this host, with anybody behind it."""


def of(address: str) -> Place:
    """The place that an address is of."""
    try:
        ip = ip_address(address)
    except ValueError:  # a Unix socket has none
        return Place(address, True)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return Place(f"{IPv6Address(int(ip) >> 64 << 64)}/64", ip.is_loopback)
        ip = ip.ipv4_mapped
    return Place(str(ip), ip.is_loopback)
