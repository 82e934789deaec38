"""What stands in a dialog that has more rows than there is room for."""

from __future__ import annotations

import pytest

from widgets import dialog_rows
from widgets.dialog_rows import DialogRows, Row
from widgets.form import Button, Field, Form
from widgets.look import Look
from widgets.safe import style

LINE = (("nothing is done yet", style(Look.PLAIN)),)
SIGNALS = tuple(Button(f"SIG{n}", means=f"what {n} does") for n in range(12))


def texts(rows: list[Row]) -> list[str]:
    return ["".join(text for text, _ in row).strip() for row in rows]


def menu(at: int, says: str = "") -> DialogRows:
    return DialogRows(Form("python 4121", (LINE,), (), SIGNALS, listed=True), at, says, 76)


def test_a_menu_that_has_room_says_nothing_of_more() -> None:
    shown = menu(1).in_sight(0, 15).rows
    assert texts(shown)[0] == "nothing is done yet"
    assert texts(shown)[-1] == "Cancel"
    assert len(shown) == 15


@pytest.mark.parametrize(
    ("at", "first", "last", "more"),
    [
        (1, "nothing is done yet", "SIG6       what 6 does", "6 more below: ↓"),
        (8, "", "SIG7       what 7 does", "5 more below: ↓"),
        (12, "SIG3       what 3 does", "SIG11      what 11 does", "3 more above: ↑   1 more below: ↓"),
        (0, "SIG4       what 4 does", "Cancel", "4 more above: ↑"),
    ],
)
def test_a_menu_that_has_none_says_how_much_is_out_of_sight(at: int, first: str, last: str, more: str) -> None:
    shown = menu(at).in_sight(0, 10).rows
    assert len(shown) == 10
    assert (texts(shown)[0], texts(shown)[-2], texts(shown)[-1]) == (first, last, more)


def test_what_a_menu_says_is_in_sight_however_long_it_is() -> None:
    shown = menu(1, "why not").in_sight(0, 10).rows
    assert texts(shown)[-2:] == ["7 more below: ↓", "why not"]


@pytest.mark.parametrize("room", range(1, 6))
@pytest.mark.parametrize("at", [0, 1, 12])
def test_what_is_chosen_in_a_menu_is_in_sight_in_any_terminal(room: int, at: int) -> None:
    shown, top, _ = menu(at).in_sight(0, room)
    chosen = "Cancel" if at == 0 else f"SIG{at - 1} "
    assert len(shown) <= room
    assert [text for text in texts(shown) if text.startswith(chosen)] or room < 2
    # Where it was is where it stays while the choice is in sight.
    assert menu(at).in_sight(top, room)[:2] == (shown, top)


def test_what_is_asked_has_room_before_blank_lines_do() -> None:
    asked, about = (LINE,) * 4, (LINE,) * 3
    form = Form("sure?", asked, (), (Button("SIGTERM"),), foot=(LINE,), about=about)
    rows = DialogRows(form, 0, "", 76)
    # All of it, that there is more, the foot and the buttons.
    assert texts(rows.in_sight(0, 7).rows)[4] == "3 more below: PgDn"
    assert [rows.in_sight(0, room).moving for room in (7, 6, 20)] == [4, 3, 7]


def test_where_all_fits_without_blank_lines_nothing_is_said_of_more() -> None:
    rows = DialogRows(
        Form("sure?", (LINE,) * 5, (Field("reason"),), (Button("SIGTERM"),), foot=(LINE,)), 1, "", 76
    )
    for room in (10, 9, 8):
        shown = texts(rows.in_sight(0, room).rows)
        assert shown[:6] == [LINE[0][0]] * 6
        assert [text.split()[0] for text in shown[6:]] == ["reason", "["]
    assert "2 more below: PgDn" in texts(rows.in_sight(0, 7).rows)


def test_only_rows_in_sight_are_cut_to_their_width(monkeypatch: pytest.MonkeyPatch) -> None:
    cut: list[Row] = []

    def one_row(row: Row, width: int) -> Row:
        cut.append(row)
        return row

    monkeypatch.setattr(dialog_rows, "one_row", one_row)
    about = tuple(((f"host-{n}", style(Look.PLAIN)),) for n in range(1000))
    rows = DialogRows(Form("sure?", (LINE,), (), (Button("SIGTERM"),), about=about), 0, "", 76)
    shown = texts(rows.in_sight(500, 22).rows)
    assert (shown[0], len(shown)) == ("host-499", 22)
    assert len(cut) < 22


def test_without_room_what_is_said_stands_in_place_of_the_foot() -> None:
    foot = (((f"as oncall on {'web-frontend-' * 9}3    guarded: arms 15m", style(Look.DIM)),),)
    fields = (Field("reason"), Field("type its name"))
    form = Form("sure?", (LINE,) * 5, fields, (Button("SIGTERM"),), foot=foot)
    shown = texts(DialogRows(form, 2, "", 36).in_sight(0, 8).rows)
    assert shown[:4] == [*[LINE[0][0]] * 3, "2 more below: PgDn"]
    assert shown[4].startswith("as oncall")
    assert shown[4].endswith("arms 15m")
    assert [text.split()[0] for text in shown[5:]] == ["reason", "type", "["]
    # Of a long sentence nothing is cut off, even with no row left for anything else.
    said = "nothing is done before all of what is asked was in sight: PgDn"
    for room in (8, 5, 3):
        shown = texts(DialogRows(form, 2, said, 36).in_sight(0, room).rows)
        assert said in " ".join(shown)
        assert len(shown) == room
