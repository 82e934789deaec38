"""Rows on a screen against rows that are wanted; and what counts as grown."""

from __future__ import annotations

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


def test_memory_and_anything_else_each_have_their_bound() -> None:
    before = Held(80_000, 40, 17, 1)
    assert not Held(81_000, 42, 15, 1).more_than(before, 1_000, 2)
    assert Held(81_001, 40, 17, 1).more_than(before, 1_000, 2)
    assert Held(70_000, 40, 17, 4).more_than(before, 1_000, 2)
