"""A table of any kind: its cursor, its marks, what it scrolls to, and that it paints all that differs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from textual.events import Click
from textual.geometry import Region

from backends.api.readings import State
from tests.clock import FakeClock
from tests.flows.bare_table import Bare
from tests.things import THINGS, Thing
from widgets.look import Look

HEIGHT = 10
"""Lines of the screen: a head, and nine rows."""
MANY = tuple(Thing(f"t{number:02}") for number in range(30))


@pytest.fixture
async def bare() -> AsyncIterator[Bare]:
    app = Bare(THINGS, FakeClock())
    async with app.run_test(size=(60, HEIGHT)):
        yield app


async def test_the_row_under_the_cursor_is_always_on_the_screen(bare: Bare) -> None:
    bare.show(*MANY)
    for rows in (1,) * 29 + (-1,) * 29:
        bare.table.move(rows)
        assert bare.current in bare.lines()


async def test_on_a_smaller_screen_the_row_under_the_cursor_is_still_there() -> None:
    bare = Bare(THINGS, FakeClock())
    async with bare.run_test(size=(60, HEIGHT)) as pilot:
        bare.show(*MANY)
        bare.table.go_to(8)
        await pilot.resize_terminal(60, HEIGHT - 5)
        await pilot.pause()
        assert bare.current in bare.lines()


async def test_where_rows_go_the_screen_stays_full(bare: Bare) -> None:
    bare.show(*MANY)
    bare.table.go_to(29)
    bare.show(*MANY[:12])
    assert bare.lines() == [row.key for row in MANY[3:12]]


async def test_when_the_row_under_the_cursor_goes_the_next_one_is_under_it(bare: Bare) -> None:
    bare.show(*MANY)
    bare.table.go_to(5)
    bare.show(*(row for row in MANY if row.key != "t05"))
    assert bare.current == "t06"


async def test_at_the_top_is_whatever_comes_there_until_a_row_is_chosen(bare: Bare) -> None:
    bare.show(*MANY[5:])
    bare.table.go_to(7)
    bare.table.go_to_top()
    bare.show(*MANY[3:])
    assert bare.current == "t03"
    bare.table.go_to(0)
    bare.show(*MANY)
    assert bare.current == "t03"


@pytest.mark.parametrize(("first", "then"), [(2, 5), (5, 2)])
async def test_a_range_is_marked_with_both_its_ends(bare: Bare, first: int, then: int) -> None:
    bare.show(*MANY)
    bare.table.go_to(first)
    bare.table.mark()
    bare.table.go_to(then)
    bare.table.mark_range()
    assert sorted(bare.table.marks) == ["t02", "t03", "t04", "t05"]


async def test_to_go_to_a_row_lifts_the_filter_that_hides_it(bare: Bare) -> None:
    bare.show(*MANY)
    bare.table.set_filter("t1")
    assert bare.table.go_to_key("t25")
    assert (bare.table.filter_text, bare.current) == ("", "t25")
    assert not bare.table.go_to_key("gone")


@pytest.mark.parametrize("state", [State.LOADING, State.IDLE])
async def test_a_row_that_is_asked_for_before_its_source_has_spoken_is_gone_to_once_it_does(
    bare: Bare, state: State
) -> None:
    bare.show(state=state)
    assert bare.table.go_to_key("t25")
    bare.show(*MANY)
    assert bare.current == "t25"


async def test_the_row_that_a_filter_found_stays_under_the_cursor_when_the_filter_goes(bare: Bare) -> None:
    bare.show(*MANY)
    bare.table.set_filter("t17")
    bare.table.set_filter("")
    assert bare.current == "t17"


async def test_a_row_comes_and_goes_as_it_passes_the_filter(bare: Bare) -> None:
    bare.show(Thing("a"), Thing("b", note="full"))
    bare.table.set_filter("full")
    assert bare.lines() == ["b"]
    bare.show(Thing("a", note="full"), Thing("b"))
    assert bare.lines() == ["a"]


async def test_a_click_means_the_row_that_stands_there(bare: Bare) -> None:
    bare.show(*MANY)
    bare.table.go_to(20)
    shown = bare.lines()
    for line in (1, 4, HEIGHT - 1):
        bare.table.on_click(click(bare, 3, line))
        assert bare.current == shown[line - 1]


def click(bare: Bare, x: int, y: int) -> Click:
    return Click(bare.table, x, y, 0, 0, 1, False, False, False)


async def test_rows_stand_by_their_group_whatever_they_are_sorted_by() -> None:
    kind = replace(THINGS, group=lambda row: row.group)
    app = Bare(kind, FakeClock())
    async with app.run_test(size=(60, HEIGHT)):
        app.show(Thing("a", group="y"), Thing("b", group="x"), Thing("c", group="y"), Thing("d", group="x"))
        app.table.sort_by("name", descending=True)
        assert app.lines() == ["d", "b", "c", "a"]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {"rows": [Thing("a", 2), Thing("b", 1)]}),
        ({}, {"rows": [Thing("a", 1, look=Look.BAD), Thing("b", 1)]}),
        ({}, {"state": State.STALE}),
        ({}, {"rows": [Thing("a", 1), Thing("b", 1, note="x")]}),
        ({}, {"rows": [Thing("a", 1)]}),
        ({"rows": [Thing("b", 1)]}, {}),
    ],
    ids=["a text", "a look", "its source is stale", "a column more", "a row less", "a row more"],
)
async def test_every_cell_that_differs_is_painted_again(
    bare: Bare, monkeypatch: pytest.MonkeyPatch, before: dict[str, object], now: dict[str, object]
) -> None:
    plain = [Thing("a", 1), Thing("b", 1)]

    def show(rows: list[Thing] = plain, state: State = State.LIVE) -> None:
        bare.show(*rows, state=state)

    show(**before)  # type: ignore[arg-type]
    was = bare.cells()
    painted: list[Region] = []
    whole = Region(0, 0, *bare.table.size)
    monkeypatch.setattr(bare.table, "refresh", lambda *regions, **more: painted.extend(regions or [whole]))
    show(**now)  # type: ignore[arg-type]
    missed = [
        (x, y, new)
        for y, (old_line, line) in enumerate(zip(was, bare.cells(), strict=True))
        for x, (old, new) in enumerate(zip(old_line, line, strict=True))
        if old != new and not any(region.contains(x, y) for region in painted)
    ]
    assert missed == []
    assert painted


async def test_what_shows_nothing_new_paints_nothing(bare: Bare, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.show(Thing("a", 1))
    bare.cells()
    painted: list[object] = []
    monkeypatch.setattr(bare.table, "refresh", lambda *regions, **more: painted.append(regions))
    bare.show(Thing("a", 1, group="not shown"))
    assert painted == []
