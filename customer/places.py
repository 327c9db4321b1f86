"""Where requests come from, as far as those who share a line can be told apart."""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::[0-9]+)?|([0-9.]+):[0-9]+")


@dataclass(frozen=True)
class Place:
    """An IPv4 address, or the /64 of an IPv6 one, which is one customer's line."""

    name: str
    shared: bool
    """Whether it may be a proxy on this host, with anybody behind it."""


def of(address: str) -> Place:
    """The place that an address is of; some proxies write the port behind it."""
    with_port = _WITH_PORT.fullmatch(address)
    try:
        ip = ip_address(with_port[1] or with_port[2] if with_port else address)
    except ValueError:  # a Unix socket has none
        return Place(address, True)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is None:
            return Place(f"{IPv6Address(int(ip) >> 64 << 64)}/64", ip.is_loopback)
        ip = ip.ipv4_mapped
    return Place(str(ip), ip.is_loopback)
