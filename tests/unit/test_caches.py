"""What Textual and Rich remember stays little, and what they work out the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.segment import Segment
from textual.css.scalar import Scalar, Unit
from textual.geometry import Region, Size
from textual.strip import Strip

from widgets.private.caches import ENTRIES, OWNERS, remember_less

MANY = 3 * ENTRIES
SEVERAL: dict[str, Callable[[int], object]] = {
    "texts that are cut": lambda n: Segment(f"{n} → …").split_cells(3),
    "layouts": lambda n: (
        Region(0, 0, n, 50).shrink((1, 1, 1, 1)),
        Region(0, 0, n, 50).intersection(Region(1, 1, 80, 24)),
        Region(0, 0, n, 50).union(Region(1, 1, 80, 24)),
    ),
    "sizes": lambda n: Scalar(n, Unit.FRACTION, Unit.WIDTH).resolve(Size(80, 24), Size(80, 24)),
}


@pytest.fixture(autouse=True)
def theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Theirs, with nothing in them, for this test and for the next ones."""
    monkeypatch.setattr(Strip, "divide", Strip.divide)
    for owner in OWNERS:
        for name in caches(owner):
            monkeypatch.setattr(owner, name, vars(owner)[name])
            getattr(owner, name).cache_clear()


def caches(owner: type[Any]) -> list[str]:
    return [name for name in vars(owner) if hasattr(getattr(owner, name, None), "cache_info")]


def remembered() -> int:
    """The most that one cache holds."""
    held: list[int] = [getattr(owner, name).cache_info().currsize for owner in OWNERS for name in caches(owner)]
    return max(held)


@pytest.mark.parametrize("what", SEVERAL)
def test_little_is_remembered_and_all_of_it_is_right(what: str) -> None:
    work = SEVERAL[what]
    before = [work(n) for n in range(MANY)]
    assert remembered() == MANY
    remember_less()
    assert [work(n) for n in range(MANY)] == before
    assert remembered() == ENTRIES


def test_what_is_asked_for_again_is_remembered() -> None:
    remember_less()
    once, again = (Region(1, 2, 3, 4).union(Region(5, 6, 7, 8)) for _ in range(2))
    assert once is again


@pytest.mark.parametrize("cuts", [[8], [8, 20], [5, 8], [5], []])
def test_a_line_that_is_drawn_whole_does_not_hold_itself(cuts: list[int]) -> None:
    theirs = [strip.text for strip in Strip([Segment("web-1 up")]).divide(cuts)]
    remember_less()
    strip = Strip([Segment("web-1 up")])
    before = sys.getrefcount(strip)
    assert [part.text for part in strip.divide(cuts)] == theirs
    assert sys.getrefcount(strip) == before
