"""Addresses written as `host:port`, an IPv6 host in brackets."""

from __future__ import annotations


def split(address: str) -> tuple[str, str]:
    """The host, in small letters and without brackets, and the port as it is written."""
    host, _, port = address.rpartition(":")
    return host.strip("[]").lower(), port
