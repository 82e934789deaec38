"""Alerts: in which order they stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backends.api.alerts import Alert, AlertState
from tui.kinds.alerts import ALERTS

WALL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


def alert(name: str, severity: str | None, minutes: int | None, state: AlertState = AlertState.FIRING) -> Alert:
    since = None if minutes is None else WALL - timedelta(minutes=minutes)
    return Alert(name, "p/main", name, state, severity, since)


def test_what_fires_comes_first_then_the_gravest_then_the_newest() -> None:
    rows = [
        alert("a-info", "info", 0),
        alert("b-warning", "warning", 0),
        alert("c-old", "critical", 60),
        alert("d-pending", "critical", 0, AlertState.PENDING),
        alert("e-new", "page", 1),
        alert("f-unknown-time", "critical", None),
        alert("g-none", None, 0),
    ]
    column = ALERTS.column(ALERTS.sort)
    assert column is not None
    names = [row.name for row in ALERTS.order(rows, column, column.descending)]
    assert names == ["e-new", "c-old", "f-unknown-time", "b-warning", "a-info", "g-none", "d-pending"]
