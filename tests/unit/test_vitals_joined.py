"""How several series become one vital sign, and what says so."""

from __future__ import annotations

import pytest

from backends.api.charts import Chart, Panel, Span
from backends.api.metrics import Series
from backends.api.readings import Reading, State
from tui.screens.overview.vitals import _signal, joined_by


@pytest.mark.parametrize(
    ("query", "unit", "word"),
    [
        ('sum by (job) (up{job=~"web|checkout"})', "", "sum"),
        ("sum(up) by (job)", "", "sum"),
        ("count without (instance)(up)", "", "sum"),
        ("SUM BY (job) (process_resident_memory_bytes)", "bytes", "sum"),
        ("rate(requests_total[1m])", "req/s", "sum"),
        ("sum by (job) (a) / sum by (job) (b)", "", "max"),
        ("sum by (job) (a) / sum by (job) (b)", "ratio", "max"),
        ("sum by (job) (a)", "percent", "max"),
        ("histogram_quantile(0.95, sum by (le) (b))", "seconds", "max"),
        ("node_load1", "", "max"),
        ("summary(a)", "", "max"),
        ("sum(a", "", "max"),
    ],
)
def test_what_is_counted_adds_up_and_of_all_else_the_highest_is_told(query: str, unit: str, word: str) -> None:
    assert joined_by(Panel("x", query, unit))[0] == word


def series(*values: float) -> Reading[Chart]:
    found = tuple(Series({"job": str(n)}, ((0.0, value), (60.0, value))) for n, value in enumerate(values))
    return Reading(State.LIVE, Chart(Span(60), 0.0, 60.0, 60, found))


def text(panel: Panel, reading: Reading[Chart], width: int) -> str:
    return "".join(part for part, _ in _signal(panel, reading, width))


def test_it_says_of_how_many_where_there_is_room_and_nothing_of_one() -> None:
    panel = Panel("instances up", "sum by (job) (up)")
    assert "8  sum of 3" in text(panel, series(3, 3, 2), 60)
    assert "max of 2" in text(Panel("p95", "q", "seconds"), series(1, 2), 60)
    assert " of " not in text(panel, series(3), 60)
    narrow = text(panel, series(3, 3, 2), 38)
    assert " of " not in narrow
    assert len(narrow) == len(text(panel, series(3), 38))
