"""Every kind, for the screens and for the headless tables."""

from __future__ import annotations

from typing import Any

from tui.kinds.alerts import ALERTS
from tui.kinds.deploys import DEPLOYS
from tui.kinds.events import EVENTS
from tui.kinds.members import MEMBERS
from tui.kinds.processes import PROCESSES
from tui.kinds.runs import RUNS
from tui.kinds.targets import TARGETS
from tui.kinds.units import UNITS
from widgets.tables.columns import Kind

KINDS: dict[str, Kind[Any]] = {
    kind.name: kind for kind in (MEMBERS, PROCESSES, UNITS, TARGETS, ALERTS, EVENTS, DEPLOYS, RUNS)
}
