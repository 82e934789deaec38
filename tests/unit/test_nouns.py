"""What rows are called, whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backends.api.events import EventKind, Occurrence
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.nouns import Row, called
from backends.api.runs import Run, RunState
from backends.api.units import Unit, UnitState

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (Unit("s/web", "web", "s/main", None, UnitState.RUNNING, "RUNNING"), "web"),
        (Unit("s/1", "", "s/main", None, UnitState.RUNNING, "RUNNING"), "s/1"),
        (ScrapeTarget("p/1", "p/main", "node", "10.0.0.1:9100", TargetState.UP), "10.0.0.1:9100"),
        (Occurrence("1", "e/main", AT, EventKind.LEADER, "etcd/main", "m0 → m1", ()), "etcd/main"),
        (Run("web-1", "deploy/web", "web", RunState.DONE, "ops1", AT), "web-1"),
    ],
)
def test_a_row_has_a_name_or_is_called_by_its_key(row: Row, name: str) -> None:
    assert called(row) == name
