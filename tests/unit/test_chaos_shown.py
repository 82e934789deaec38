"""Rows on a screen against rows that are wanted; and what counts as grown."""

from __future__ import annotations

from collections import Counter

from tests.chaos.growth import Held
from tests.chaos.shown import fits


def test_each_wanted_row_is_there_once_and_no_other() -> None:
    found = ["m1 etcd/main leader up 127.0.0.1:2 3.4.23", "m0 etcd/main follower up 127.0.0.1:1"]
    wanted = ["m0 etcd/main follower up 127.0.0.1:1", "m1 etcd/main leader up 127.0.0.1:2"]
    assert fits(found, wanted)
    assert not fits(found, wanted[:1])
    assert not fits(found[:1], wanted)
    assert not fits([found[0], found[0]], wanted)
    assert not fits(["m0 etcd/main follower up 127.0.0.1:12", found[0]], wanted)
    assert fits([], [])


def held(kib: int, files: dict[str, int], children: int = 1) -> Held:
    return Held(kib, Counter(files), 17, children)


def test_memory_and_anything_else_each_have_their_bound() -> None:
    before = held(80_000, {"/a/log": 1, "pipe": 39})
    assert not held(81_000, {"/a/log": 1, "pipe": 41}).more_than(before, 1_000, 2)
    assert held(80_000, {"/a/log": 1, "pipe": 42}).more_than(before, 1_000, 2)
    assert held(81_001, {"/a/log": 1, "pipe": 39}).more_than(before, 1_000, 2)
    assert held(70_000, {"/a/log": 1, "pipe": 39}, children=4).more_than(before, 1_000, 2)


def test_what_was_opened_is_named() -> None:
    before = held(80_000, {"/a/log": 1, "pipe": 39, "socket": 3})
    after = held(80_000, {"/a/log": 1, "pipe": 40, "127.0.0.1:80 ESTABLISHED": 2})
    assert after.opened_since(before) == "2 × 127.0.0.1:80 ESTABLISHED, 1 × pipe"
