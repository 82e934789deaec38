"""What a chart draws: scales, ticks, curves, gaps, legends, sparklines; without an app."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.charts import Chart, Panel, Span
from backends.api.metrics import Series
from widgets.charts.canvas import NOBODY, Canvas, has_braille, trace
from widgets.charts.legend import curves, names
from widgets.charts.plot import Mark, Plot
from widgets.charts.scales import exact_time, nice_step, tick_label, time_ticks, value_scale
from widgets.charts.sparkline import sparkline
from widgets.look import Look
from widgets.quantities import duration, quantity, span_text

finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1210.0, "req/s", "1.21 k req/s"),
        (0.0, "", "0"),
        (0.0123, "", "0.0123"),
        (999.6, "", "1.00 k"),
        (-5_300_000.0, "", "-5.30 M"),
        (0.121, "ratio", "12.1 %"),
        (71.0, "percent", "71.0 %"),
        (0.0, "seconds", "0 s"),
        (0.0123, "seconds", "12.3 ms"),
        (0.00002, "seconds", "20.0 µs"),
        (1.84, "seconds", "1.84 s"),
        (5400.0, "seconds", "90.0 min"),
        (212 * 1024 * 1024, "bytes", "212 M"),
        (None, "bytes", "–"),
        (math.nan, "", "NaN"),
        (-math.inf, "", "-Inf"),
    ],
)
def test_quantities(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@given(st.integers(1, 40 * 86_400))
def test_a_span_is_written_as_it_is_typed(seconds: int) -> None:
    assert duration(span_text(seconds)) == seconds


@given(
    st.lists(finite, min_size=1, max_size=20),
    st.integers(2, 12),
    st.sampled_from(["", "bytes", "seconds", "percent", "ratio", "req/s"]),
)
def test_a_scale_holds_all_values_and_few_rising_ticks(values: list[float], most: int, unit: str) -> None:
    scale = value_scale(values, unit=unit, most=most)
    slack = 1e-6 * max(1.0, *map(abs, values))
    assert scale.low <= min(values) + slack
    assert scale.high >= max(values) - slack
    assert scale.low < scale.high
    moments = [value for value, _ in scale.ticks]
    assert moments == sorted(moments)
    assert 1 <= len(moments) <= most + 2


def test_ticks_are_told_apart_and_end_in_no_zeros() -> None:
    assert [label for _, label in value_scale([0, 1900], most=5).ticks] == ["0", "500", "1 k", "1.5 k", "2 k"]
    assert [label for _, label in value_scale([0, 0.004], unit="ratio", most=5).ticks][-1] == "0.4 %"
    labels = [label for _, label in value_scale([1_000_000, 1_000_004], most=5).ticks]
    assert len(set(labels)) == len(labels)
    assert tick_label(3 * 1024**3, "bytes", 1024**3) == "3 G"


def test_bytes_go_by_1024_and_long_times_by_60() -> None:
    assert nice_step(1500, "bytes") == 2048
    assert nice_step(700, "seconds") == 1800
    assert nice_step(0.3) == pytest.approx(0.5)


def test_a_scale_begins_at_zero_and_keeps_what_is_fixed() -> None:
    assert value_scale([97, 99], unit="percent").low == 0
    assert value_scale([970, 990]).low > 900
    scale = value_scale([5, 50], low=0, high=100)
    assert (scale.low, scale.high) == (0, 100)


def test_a_threshold_is_in_sight_once_a_value_comes_near() -> None:
    assert value_scale([0.001], unit="ratio", threshold=0.01).high < 0.01
    assert value_scale([0.004], unit="ratio", threshold=0.01).high >= 0.01


@given(st.floats(1e9, 2e9), st.floats(60, 40 * 86_400), st.integers(1, 12))
def test_time_ticks_are_few_and_within_the_span(start: float, seconds: float, most: int) -> None:
    ticks = time_ticks(start, start + seconds, most, start)
    assert len(ticks) <= most + 1
    assert all(start <= moment <= start + seconds for moment, _ in ticks)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).astimezone().timestamp()


def test_a_time_of_another_day_has_its_date() -> None:
    now = moment("2026-11-25T02:13:20")
    assert exact_time(now, now) == "02:13:20"
    assert exact_time(moment("2026-11-24T22:54:57"), now) == "Nov 24 22:54:57"
    assert exact_time(moment("2026-11-24T22:54:57"), now, seconds=False) == "Nov 24 22:54"

    def labels(start: str, end: str) -> list[str]:
        return [label for _, label in time_ticks(moment(start), moment(end), 6, now)]

    assert labels("2026-11-25T01:00:00", "2026-11-25T02:00:00")[0] == "01:00"
    assert labels("2026-11-24T22:00:00", "2026-11-24T22:50:00")[:2] == ["Nov 24 22:00", "22:10"]
    night = labels("2026-11-24T23:40:00", "2026-11-25T00:30:00")
    assert night == ["Nov 24 23:40", "23:50", "Nov 25 00:00", "00:10", "00:20", "00:30"]


def rows_of(canvas: Canvas) -> list[str]:
    return ["".join(canvas.cell(y, x)[0] for x in range(canvas.width)) for y in range(canvas.height)]


def dots_of(canvas: Canvas) -> set[tuple[int, int]]:
    """The dots that are set, from the bottom left."""
    found = set()
    for x in range(canvas.dots[0]):
        for y in range(canvas.dots[1]):
            probe = Canvas(canvas.width, canvas.height)
            probe.column(x, y, y, 0)
            row, cell = canvas.height - 1 - y // 4, x // 2
            bits = ord(canvas.cell(row, cell)[0]) - 0x2800 if canvas.cell(row, cell)[1] != NOBODY else 0
            if bits & (ord(probe.cell(row, cell)[0]) - 0x2800):
                found.add((x, y))
    return found


@given(st.lists(st.floats(0, 100), min_size=2, max_size=400))
def test_the_least_and_the_greatest_survive_however_many_points_share_a_column(values: list[float]) -> None:
    canvas = Canvas(6, 3)
    points = [(float(moment), value) for moment, value in enumerate(values)]
    trace(canvas, points, (0, len(values) - 1), (0, 100), 1.5, 0)
    heights: dict[int, set[int]] = {}
    for x, y in dots_of(canvas):
        heights.setdefault(x, set()).add(y)
    for moment, value in points:
        x = round(moment * 11 / (len(values) - 1))
        assert round(value * 11 / 100) in heights[x]
    # And no column between two points is empty.
    assert set(heights) == set(range(12))


def test_gaps_stay_gaps() -> None:
    nan = math.nan
    canvas = Canvas(8, 1)
    points = [(0.0, 1.0), (1.0, 1.0), (2.0, nan), (5.0, 1.0), (10.0, math.inf), (14.0, 1.0), (15.0, 1.0)]
    trace(canvas, points, (0, 15), (0, 1), 1.5, 0)
    assert {x for x, _ in dots_of(canvas)} == {0, 1, 5, 14, 15}


def test_half_blocks_where_there_is_no_braille() -> None:
    assert not has_braille({"TERM": "linux"})
    canvas = Canvas(4, 1, braille=False)
    trace(canvas, [(0, 0), (1, 1), (2, 1), (3, 0)], (0, 3), (0, 1), 1.5, 0)
    assert rows_of(canvas) == ["▄▀▀▄"]


def series(**points: list[tuple[float, float]]) -> tuple[Series, ...]:
    return tuple(Series({"code": code[1:]}, tuple(given)) for code, given in points.items())


def plot_of(
    found: tuple[Series, ...], panel: Panel | None = None, width: int = 40, height: int = 10
) -> tuple[Plot, list[str]]:
    chart = Chart(Span(100), 0, 100, 10, found)
    plot = Plot(panel or Panel("t", "q"), chart, curves(found, 100, 10), width, height, braille=True, now=100.0)
    mark = Mark(50, "▲", Look.BAD, "an alert")
    return plot, ["".join(text for text, _ in cells) for cells in plot.lines(20.0, [mark], dim=False)]


def test_axes_letters_marks_and_the_cursor() -> None:
    line = [(float(moment), moment / 100) for moment in range(0, 101, 10)]
    plot, lines = plot_of(series(c200=line, c500=[(moment, 0.0) for moment, _ in line]))
    assert all(len(text) == 40 for text in lines[:8])
    assert lines[0].startswith("   1┤")
    assert lines[0].endswith(" a")
    assert lines[7].startswith("   0┤")
    assert lines[7].endswith(" b")
    assert lines[8].count("▲") == 1
    assert "┼" in lines[8]
    column = plot.column(20.0)
    assert column is not None
    assert lines[2][plot.margin + column] == "│"
    assert "00:00:20" in lines[9]


def test_a_threshold_is_a_dashed_line() -> None:
    line = [(float(moment), 2.0) for moment in range(0, 101, 10)]
    _, lines = plot_of(series(c1=line), Panel("t", "q", threshold=1.0))
    assert any(text.count("╌") > 20 for text in lines)


def test_a_legend_has_last_least_and_greatest_and_the_value_at_a_moment() -> None:
    (curve, ended) = curves(
        series(c1=[(80, 3.0), (90, math.nan), (100, 2.0)], c2=[(10, 1.0), (20, 5.0)]), 100, 10
    )
    assert (curve.last, curve.low, curve.high) == (2.0, 2.0, 3.0)
    assert (ended.last, ended.high) == (None, 5.0)
    assert curve.at(81, 10) == 3.0
    assert curve.at(60, 10) is None
    assert curve.letter != ended.letter
    assert curve.colour != ended.colour


def test_series_are_named_by_what_tells_them_apart() -> None:
    def one(**labels: str) -> Series:
        return Series(labels, ())

    assert names([one(job="web", code="200"), one(job="web", code="500")]) == ["200", "500"]
    assert names([one(job="web", code="200"), one(job="api", code="500")]) == [
        "code=200 job=web",
        "code=500 job=api",
    ]
    assert names([one(__name__="up"), one(__name__="down")]) == ["up", "down"]
    assert names([one(job="web"), one()]) == ["web", "no job"]
    assert "\x1b" not in names([one(a="\x1b[2J")])[0]


def test_a_sparkline_keeps_peaks_and_gaps() -> None:
    points = [(float(moment), 0.0) for moment in range(80)]
    points[41] = (41.0, 9.0)
    drawn = sparkline([point for point in points if not 60 <= point[0] < 70], 0, 80, 8, eighths=True)
    assert drawn == "▁▁▁▁█▁ ▁"
    assert sparkline([], 0, 1, 3) == "   "
    assert sparkline(points, 0, 80, 0) == ""
