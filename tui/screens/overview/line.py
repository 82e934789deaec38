"""OverviewLine: what the chosen line of the overview is about, where it leads to, and the logs about it.

Kinds are imported when one of them is asked for: the first frame does not wait for them.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from backends.api.events import Occurrence
from backends.api.readings import Reading, Readings
from backends.incident.problems import Problem
from backends.watch import Watch
from tui.commands import LOGS, METRICS
from widgets.tables.columns import LogsOf


class OverviewLine(Struct, frozen=True):
    """A problem, an event, or a vital sign with the kind that it leads to and the key of its row, "" for all of
    them. None of these where nothing is chosen."""

    problem: Problem | None = None
    event: Occurrence | None = None
    sign: tuple[str, str] | None = None

    @property
    def leads(self) -> tuple[str, str] | None:
        """A kind and a key of it; "" for all of its rows."""
        if self.problem is not None:
            return self.problem.kind, self.problem.row
        return ("events", self.event.key) if self.event is not None else self.sign

    @property
    def leads_to_one(self) -> bool:
        """Whether it leads to one row, not to a screen or to all rows."""
        kind, key = self.leads or ("", "")
        return bool(key) and kind not in ("", LOGS, METRICS)

    def row(self, watching: Watch) -> Any:
        """What it leads to; None where that is gone, or a whole source is meant."""
        from tui.kinds.known import KINDS

        kind, key = self.leads or ("", "")
        if kind not in KINDS:
            return None
        return _found(key, [feed.reading for feed in watching.feeds(*KINDS[kind].nouns).values()])

    def logs(self, readings: Readings, watching: Watch) -> LogsOf | None:
        """The logs about it; None where that is a whole source, or all of them."""
        if self.problem is None:
            return None if self.event is None else _logs("events", self.event.key, readings, watching)
        problem = self.problem
        if problem.joint:
            each = [_logs(p.kind, p.row, readings, watching) for p in problem.effects if p.kind == problem.kind]
            # An alert has no name in logs; the first of what it is about is the most particular.
            of = ((*found.names, *found.wider[:1]) for found in each if found is not None)
            names = dict.fromkeys(name for those in of for name in those)
            return LogsOf(tuple(names), problem.since)
        of_row = _logs(problem.kind, problem.row, readings, watching)
        if of_row is not None:
            return replace(of_row, when=problem.since or of_row.when)
        kind, _, source = problem.source.partition("/")
        *parts, name = problem.name.split() or [""]
        return LogsOf((name,), problem.since, wider=(*reversed(parts), source, kind))


def _logs(kind: str, key: str, readings: Readings, watching: Watch) -> LogsOf | None:
    """Of a row, as its kind says."""
    from tui.kinds.known import KINDS
    from tui.kinds.log_names import logs_about

    shown = KINDS.get(kind)
    if shown is None:
        return None
    row = _found(key, [reading for (_, noun), reading in readings.items() if noun in shown.nouns])
    return None if row is None else logs_about(shown, row, readings, watching.relations)


def _found(key: str, readings: list[Reading[Any]]) -> Any:
    return next((reading.value[key] for reading in readings if reading.value and key in reading.value), None)
