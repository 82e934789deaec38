"""Addresses written as `host:port`."""

from __future__ import annotations

import pytest

from backends.host_port import split


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("Box:80", ("Box", "80")),
        ("[::1]:80", ("::1", "80")),
        ("[fe80::1%Lan0]:80", ("fe80::1%Lan0", "80")),
        ("box:", ("box", "")),
        ("nonsense", ("", "nonsense")),
    ],
)
def test_an_address_is_split_as_it_is_written(address: str, parts: tuple[str, str]) -> None:
    assert split(address) == parts
