"""Addresses written as `host:port`."""

from __future__ import annotations

import pytest

from backends.host_port import checked, join, split


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


@pytest.mark.parametrize(
    ("text", "port", "address"),
    [
        ("Box-1.lan:80", None, "Box-1.lan:80"),
        ("[::1]:80", None, "[::1]:80"),
        ("box", 2181, "box:2181"),
        ("[::1]", 2181, "[::1]:2181"),
        ("box", None, None),
        ("box:0", 2181, None),
        ("box:65536", 2181, None),
        ("::1:80", None, None),
        ("http://box:80", None, None),
        ("b\u00f6x:80", None, None),
        ("box:\u0661", None, None),
        ("", 2181, None),
    ],
)
def test_what_is_no_address_is_none(text: str, port: int | None, address: str | None) -> None:
    assert checked(text, port) == address


@pytest.mark.parametrize(("host", "address"), [("box", "box:80"), ("::1", "[::1]:80")])
def test_what_is_joined_is_split_again(host: str, address: str) -> None:
    assert join(host, 80) == address
    assert split(address) == (host, "80")
