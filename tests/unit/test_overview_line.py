"""Where a line of the overview leads to."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.api.alerts import Alert, AlertState
from backends.api.readings import FeedKey, Reading, State
from backends.config.context import Context
from backends.incident.effects import folded
from backends.incident.problems import Now, problems
from backends.watch import Watch
from tui.screens.overview.line import OverviewLine

WALL = datetime(2026, 11, 24, 2, tzinfo=UTC)
SOURCE = "prometheus/a"


async def test_a_line_for_several_alerts_leads_to_all_alerts_and_to_the_logs_of_all_that_they_are_about() -> None:
    alerts = {
        name: Alert(name, SOURCE, "Down", AlertState.FIRING, "critical", WALL, {"instance": name})
        for name in ("web-1", "web-2")
    }
    readings = {FeedKey(SOURCE, "alerts"): Reading(State.LIVE, alerts, 1000.0, WALL)}
    (both,) = folded(problems(readings, (), {}, (), Now(1000.0, WALL)), readings, ())
    line = OverviewLine(both)
    assert (line.leads, line.leads_to_one) == (("alerts", ""), False)
    logs = line.logs(readings, Watch(Context("lab")))
    assert logs is not None
    assert {"web-1", "web-2"} <= set(logs.names)
    assert logs.when == WALL
