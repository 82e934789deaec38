"""How lines are drawn where one thing alone says them, and what is not said twice."""

from __future__ import annotations

import pytest

from backends.api.logs import LogRecord
from tests.unit.test_log_merging import Bench, at
from widgets.logs.line import Manner, Times, drawn
from widgets.logs.pane import painted
from widgets.logs.sheet import Sheet


def texts(sheet: Sheet) -> list[str]:
    pieces = [piece for piece in sheet.lay_out(80, 20) if piece is not None and piece.row >= 0]
    found = [sheet.text(piece.row, piece.dated)[0] for piece in pieces]
    return ["".join(part for part, _ in text.head) + text.text for text in found]


def test_output_of_one_thing_alone_has_neither_its_name_nor_room_for_times_that_are_not_there() -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock, alone=True)
    bench.say(0, b"ready", b"ERROR: steady", origin="run-1")
    bench.say(0, b"of another run", origin="run-2")
    bench.take()
    bench.lines.set_filter(None, None, frozenset({"run-1"}))
    assert texts(sheet) == ["  ready", "✖ steady"]
    sheet.times = Times.NONE
    assert texts(sheet) == ["  ready", "✖ steady"]


def test_output_with_times_has_room_for_them() -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock, alone=True)
    bench.say(0, b"ready")
    bench.take()
    assert texts(sheet) == ["  ready"]
    bench.say(0, at(1, "INFO steady"))
    bench.take()
    first, second = texts(sheet)
    assert first.startswith(" " * 11)
    assert second[2] == ":"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"remote": "10.0.0.9", "method": "GET", "path": "/cart", "status": "200"}, "  remote=10.0.0.9"),
        ({"method": "POST", "path": "/cart", "status": "200"}, "  method=POST path=/cart status=200"),
        ({"status": "200"}, "  status=200"),
        ({"method": "GET", "path": "/cart", "protocol": "HTTP/1.1", "status": "200"}, ""),
    ],
)
def test_what_a_request_is_is_said_once(fields: dict[str, str], shown: str) -> None:
    record = LogRecord("s", b"", "200 GET /cart", None, None, "access", fields)
    assert drawn(record, "", Manner(), dated=False).text == "200 GET /cart" + shown


def test_where_room_is_short_the_line_has_more_of_it_than_its_name() -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock)
    bench.say(0, b"paid", origin="payment-worker-1.log")
    bench.say(0, b"refused", origin="payment-worker-2.log")
    bench.take()
    heads = []
    for width in (80, 40):
        sheet.lay_out(width, 5)
        heads.append(sheet.text(bench.lines.rows[0], dated=False)[0].head_width)
    assert heads[0] > heads[1]
    assert heads[1] < 40 * 2 / 3


def shown_of(sheet: Sheet, row: int, width: int, height: int) -> list[str]:
    """The lines of the terminal that show a row."""
    pieces = sheet.lay_out(width, height)
    return [painted(sheet, p, width, 0).text for p in pieces if p is not None and p.row == row]


@pytest.mark.parametrize("times", list(Times))
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_wrapped_line_loses_nothing_however_wide_its_head_is(width: int, times: Times) -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock)
    sheet.wrapped, sheet.times = True, times
    text = "refused: 支払い " + " ".join(f"after {n} tries" for n in range(30))
    for origin in ("payment-worker-1.log", "payment-worker-2.log"):
        bench.say(0, at(1, text), origin=origin)
    bench.take()
    shown = shown_of(sheet, bench.lines.rows[0], width, 60)
    assert "".join("".join(shown).split()).endswith("".join(text.split()))


def test_a_line_that_goes_on_behind_its_last_part_says_so() -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock)
    sheet.wrapped = True
    bench.say(0, b"x" * 10_000, b"y" * (69 + 49 * 69), b"z" * (69 + 49 * 69 + 1))
    bench.take()
    ends = [shown_of(sheet, row, 80, 200)[-1].rstrip()[-1] for row in bench.lines.rows]
    assert ends == ["…", "y", "…"]


def test_a_date_before_a_time_shifts_no_line() -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock)
    bench.say(0, at(-90_000, "of yesterday"), at(-89_999, "of yesterday too"), b"and on", at(0, "of today"))
    bench.take()
    rows = bench.lines.rows
    sheet.cursor.index = 1
    shown = ["".join(shown_of(sheet, row, 80, 20)) for row in rows]
    assert ["-" in text[:6] for text in shown] == [True, False, False, True]
    assert {text.index(word) for text, word in zip(shown, ("of", "of", "and", "of"), strict=True)} == {17}


def test_lines_of_today_alone_leave_no_room_for_dates() -> None:
    bench = Bench(1)
    sheet = Sheet(bench.lines, bench.clock)
    bench.say(0, at(-90_000, "of yesterday"), *(at(n, "of today") for n in range(20)))
    bench.take()
    sheet.cursor.index = 20
    assert shown_of(sheet, bench.lines.rows[20], 80, 10)[0].index("of") == 11
