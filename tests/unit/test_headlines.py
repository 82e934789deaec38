"""A problem's line on the overview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from backends.incident.problems import CHECKS, GRAVE, SERIOUS, Now, Problem
from tui.screens.overview.headlines import brought_about, problem_lines
from widgets.board import _cell

WALL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NOW = Now(1000.0, WALL)
AGO = WALL - timedelta(seconds=9)


def lines(found: Sequence[Problem], width: int) -> list[str]:
    """As they stand on a terminal of so many columns."""
    entries = problem_lines([(problem, False) for problem in found], NOW, width)
    return ["".join(text for text, _ in _cell(entry, False, width)) for entry in entries]


def alert(instance: str) -> Problem:
    return Problem(
        GRAVE, "InstanceDown", "firing", AGO, f"{instance} is gone", "prometheus/main", "alerts", instance
    )


@pytest.mark.parametrize("noun", CHECKS)
def test_what_a_lost_source_told_of_is_counted_whatever_it_is(noun: str) -> None:
    gone = Problem(SERIOUS, "a/b", "lost", datetime.now(UTC), "refused", "a/b", "", lost=((noun, 2),))
    assert brought_about(gone).startswith("2 ")


@pytest.mark.parametrize(("width", "counted"), [(80, "×2"), (120, "2 alerts, 1 target")])
def test_a_line_for_several_alerts_says_what_they_are_about_and_how_many_they_are(
    width: int, counted: str
) -> None:
    down = Problem(SERIOUS, "web web-1", "down", AGO, "refused", "prometheus/main", "targets", "t")
    effects = (alert("web-3"), alert("web-1"), down)
    both = replace(effects[0], why="on web-3, web-1", row="", joint="web-3", effects=effects)
    (line,) = lines([both], width)
    assert "on web-3, web-1" in line
    assert counted in line
    assert "+" not in line
