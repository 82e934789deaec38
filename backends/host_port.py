"""Addresses written as `host:port`, an IPv6 host in brackets."""

from __future__ import annotations

import re

HOST = r"\[[0-9A-Fa-f:.]+\]|[\w.-]+"
"""A host as it stands before a port, as a pattern (ASCII)."""
_ADDRESS = re.compile(rf"({HOST})(?::(\d{{1,5}}))?", re.ASCII)


def split(address: str) -> tuple[str, str]:
    """The host without brackets, and the port, both as they are written: a name may be compared in small letters,
    but the zone of `fe80::1%Lan0` names an interface only as it is."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), port


def bracketed(host: str) -> str:
    """A host as it stands before a port."""
    return f"[{host}]" if ":" in host else host


def join(host: str, port: int | str) -> str:
    return f"{bracketed(host)}:{port}"


def checked(text: str, port: int | None = None) -> str | None:
    """What somebody wrote, as an address, with `port` where it has none; None where it is no address."""
    found = _ADDRESS.fullmatch(text)
    number = (found.group(2) or port) if found else None
    return f"{found.group(1)}:{number}" if found and number and 0 < int(number) <= 65535 else None


def is_loopback(host: str) -> bool:
    import ipaddress  # Not to take an address apart.

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
