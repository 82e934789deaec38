"""Begun: the runs that were started here, in whichever context, and which of them go on when somebody leaves."""

from __future__ import annotations

from typing import NamedTuple

from backends.api.actions import Action, End
from backends.api.runs import RunState, run_of
from backends.watch import Watch

RUNS, MAY_RUN = "runs", "may run"


class Begun(NamedTuple):
    context: str
    source: str
    run: str


class BegunRuns:
    """Of another context than the open one it is known what was known when that was left."""

    def __init__(self) -> None:
        self._runs: dict[Begun, str] = {}

    def note(self, context: str, action: Action, end: End) -> None:
        """An action has ended so, or was found to have; where it was to start a run, that may go on now."""
        if action.verb != "deploy":
            return
        begun = Begun(context, action.target.source, run_of(action))
        if end in (End.DONE, End.UNKNOWN):
            self._runs[begun] = RUNS if end is End.DONE else MAY_RUN
        else:
            self._runs.pop(begun, None)

    def going_on(self, watching: Watch | None) -> str:
        """One that goes on, or may, in words without an end ("web-1 runs"); "" where none does."""
        self.look(watching)
        begun = next(iter(self._runs), None)
        if begun is None:
            return ""
        if watching is None or begun.context != watching.context.name:
            return f"{begun.run} of {begun.context} may still run"
        return f"{begun.run} {self._runs[begun]}"

    def look(self, watching: Watch | None) -> None:
        """Learn what is known of those of the open context; those that have ended are forgotten."""
        if watching is None:
            return
        for begun in [begun for begun in self._runs if begun.context == watching.context.name]:
            feed = watching.feed(begun.source, "runs")
            row = None if feed is None else feed.reading.rows.get(begun.run)
            if row is None:
                continue
            if row.state is RunState.RUNNING:
                self._runs[begun] = RUNS
            else:
                del self._runs[begun]
