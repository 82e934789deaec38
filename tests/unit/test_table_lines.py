"""Which columns of a table have room, and which of them stands where."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.things import THINGS, Thing
from tui.kinds.facts import without_folder
from tui.kinds.known import KINDS
from widgets.look import Look
from widgets.safe import style
from widgets.tables.columns import Column
from widgets.tables.lines import ROOMY, Lines, Painted, fitted

NOTED = [(Thing("a", note="x"), None)]


def titles(lines: Lines, width: int) -> list[str]:
    return [column.title for column, _ in lines.columns(width)]


def lines() -> Lines:
    made = Lines(THINGS)
    made.spare(NOTED)
    return made


def test_what_goes_first_where_there_is_no_room() -> None:
    made = lines()
    assert titles(made, 80) == ["NAME", "SIZE", "NOTE", "MORE"]
    assert titles(made, 30) == ["NAME", "SIZE", "NOTE"]
    assert titles(made, 20) == ["NAME", "SIZE"]
    assert titles(made, 14) == ["NAME", "SIZE"]  # What is left of it.
    assert titles(made, 13) == ["NAME"]  # Nobody could read what is left.


def test_a_column_that_no_row_has_anything_for_takes_no_room_until_one_has() -> None:
    made = Lines(THINGS)
    assert made.spare([(Thing("a"), None)])
    assert titles(made, 80) == ["NAME", "SIZE", "MORE"]
    assert made.spare(NOTED)
    assert titles(made, 80) == ["NAME", "SIZE", "NOTE", "MORE"]
    assert not made.spare(NOTED)


@pytest.mark.parametrize("width", [80, ROOMY + 20])
def test_a_title_is_found_where_it_stands(width: int) -> None:
    made = lines()
    made.columns(width)
    head = made.head("name", descending=False).text
    for column in THINGS.columns:
        for at in (head.index(column.title), head.index(column.title) + len(column.title) - 1):
            assert made.column_at(at) is column, f"{column.title} at {at} of {head!r}"
    assert made.column_at(0) is None


def test_what_is_stale_is_dim_but_a_state_keeps_its_look() -> None:
    made = lines()
    width = len(made.columns(80))
    looks = (Look.PLAIN, Look.BAD, Look.PLAIN, Look.PLAIN)
    strip = made.drawn(Painted(("x",) * width, looks, dim=True, marked=False, cursor=False))
    shown = [segment.style for segment in strip if "x" in segment.text]
    assert shown[0] == style(Look.PLAIN, dim=True)
    assert shown[1] == style(Look.BAD)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_columns_end_where_the_terminal_does(kind: object) -> None:
    lines = Lines(kind)  # type: ignore[arg-type]
    for width in range(40, 220):
        columns = lines.columns(width)
        used = 1 + sum(cells for _, cells in columns) + lines.gap * (len(columns) - 1)
        assert used <= width, (width, [column.key for column, _ in columns])


@pytest.mark.parametrize("noun", ["members", "units", "targets", "processes", "runs", "deploys"])
def test_the_state_is_in_sight_on_the_smallest_terminal(noun: str) -> None:
    lines = Lines(KINDS[noun])
    (room,) = [cells for column, cells in lines.columns(40) if column.key == "state"]
    assert room >= len("unknown")


def test_a_column_gets_more_once_the_growing_one_has_twice_its_width() -> None:
    plain, more = (Column[Thing](key, key, lambda row, sight: "", 10) for key in ("plain", "more"))
    kind = replace(
        THINGS, columns=(plain, replace(more, more=6), replace(plain, key="grow", width=20, grow=True))
    )
    need = 1 + 10 + 10 + 20 + 2 * 2

    def widths(width: int) -> list[int]:
        return [cells for _, cells in Lines(kind).columns(width)]

    assert widths(100 + need)[1:] == [16, 114]
    assert Lines(kind).columns(need - 2)[1][1] == 10
    roomy = replace(kind, columns=kind.columns[:2])
    assert [cells for _, cells in Lines(roomy).columns(ROOMY)] == [10, 16]


def test_who_wants_the_fewest_cells_more_gets_them_first_and_nobody_a_cell_of_another() -> None:
    names = ("one", "two", "three")
    columns = [Column[Thing](key, key, lambda row, sight: "", 10, more=8 - 2 * i) for i, key in enumerate(names)]
    kind = replace(THINGS, columns=tuple(columns))
    need = 1 + 3 * 10 + 2
    shared = {3: [10, 10, 13], 7: [10, 13, 14], 30: [18, 16, 14]}
    for spare, widths in shared.items():
        assert [cells for _, cells in Lines(kind).columns(need + spare)] == widths


def test_what_has_no_room_is_shortened_before_it_is_cut() -> None:
    column = replace(THINGS.columns[0], shorter=without_folder)
    assert fitted(column, "/bin/sh -c x", 12) == "/bin/sh -c x"
    assert fitted(column, "/usr/bin/python -m shop", 14) == "python -m shop"
    assert fitted(column, "/usr/bin/python -m shop.web", 14) == "python -m sho…"
    assert fitted(column, "nginx: worker /etc/nginx", 14) == "nginx: worker…"


def test_names_that_begin_alike_are_told_apart_by_their_ends() -> None:
    column = KINDS["units"].columns[0]
    assert fitted(column, "web:web-1", 22) == "web:web-1             "
    cut = [fitted(column, f"payment-reconciliation:worker_0{n}", 22) for n in (1, 2)]
    assert cut == ["payment-rec…:worker_01", "payment-rec…:worker_02"]
    assert [fitted(column, "語" * 30 + "1", width) for width in (1, 2, 8)] == ["…", " …", "語語…語1"]


def test_an_event_of_another_day_keeps_its_time_where_the_column_is_narrow() -> None:
    column = next(column for column in KINDS["events"].columns if column.title == "TIME")
    assert fitted(column, "11-24 02:13", column.width) == "11-24 02:13"
    assert fitted(column, "11-24 02:13", column.least) == "24 02:13"
    assert fitted(column, "02:13:20", column.least) == "02:13:20"
