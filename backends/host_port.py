"""Addresses written as `host:port`, an IPv6 host in brackets."""

from __future__ import annotations


def split(address: str) -> tuple[str, str]:
    """The host without brackets, and the port, both as they are written: a name may be compared in small letters,
    but the zone of `fe80::1%Lan0` names an interface only as it is."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def is_loopback(host: str) -> bool:
    import ipaddress  # Not to take an address apart.

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
