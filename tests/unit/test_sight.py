"""How long something lasts, and what is said of it, where its source is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backends.api.alerts import Alert, AlertState
from backends.api.errors import Unreachable
from backends.api.processes import Process
from backends.api.readings import Reading, State
from backends.api.runs import Run, RunState
from backends.api.units import Unit, UnitState
from tui.kinds.alerts import ALERTS
from tui.kinds.processes import PROCESSES
from tui.kinds.runs import RUNS
from tui.kinds.units import UNITS
from widgets.freshness import Sight
from widgets.tables.columns import Kind

WALL = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
BEGUN = WALL - timedelta(seconds=50)
LOST: Reading[Any] = Reading(
    State.UNREACHABLE, {}, 980.0, WALL - timedelta(seconds=20), Unreachable("refused", hint="is it up?")
)
UNIT = Unit("s/web", "web", "s/main", None, UnitState.RUNNING, "RUNNING", since=BEGUN)
ROWS = [
    (UNITS, "age", UNIT),
    (ALERTS, "age", Alert("a", "p/main", "Down", AlertState.FIRING, since=BEGUN)),
    (PROCESSES, "age", Process("p", "local/host", "h", 1, 0, "x", None, None, None, None, BEGUN, "x")),
    (RUNS, "took", Run("r", "d/web", "web", RunState.RUNNING, "ops", BEGUN)),
]


@pytest.mark.parametrize(("kind", "column", "row"), ROWS, ids=lambda given: getattr(given, "name", ""))
def test_what_lasts_does_not_count_on_past_the_last_word_of_its_source(
    kind: Kind[Any], column: str, row: Any
) -> None:
    found = kind.column(column)
    assert found is not None
    live: Reading[Any] = Reading(State.LIVE, {}, 1000.0, WALL)
    assert [found.text(row, Sight.of(reading, 1000.0, WALL)) for reading in (live, LOST)] == ["50s", "30s"]
    later = Sight.of(LOST, 1060.0, WALL + timedelta(seconds=60))
    assert found.text(row, later) == "30s"


def test_a_unit_of_a_lost_supervisor_was_and_says_when_it_was_last_heard_of() -> None:
    sight = Sight.of(LOST, 1000.0, WALL)
    native = UNITS.column("native")
    assert native is not None
    assert native.text(UNIT, sight) == "was RUNNING"
    assert native.text(UNIT, Sight(1000.0, WALL)) == "RUNNING"
    facts = dict(UNITS.facts(UNIT, sight))
    assert facts["state"] == "unreachable 20s"
    assert (facts["why"], facts["try"]) == ("refused", "is it up?")
    assert facts["last answer"].endswith("(20s ago)")
    assert facts["since"].endswith("(for 30s, when it was last heard of)")
    assert "why" not in dict(UNITS.facts(UNIT, Sight(1000.0, WALL)))
