"""What happened to runs between two looks, as events. Pure: the journal has the times, and no gap loses one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from backends.api.events import Event, EventKind
from backends.api.runs import Run, RunRows, RunState


def news(before: RunRows, now: RunRows, at: datetime) -> tuple[Event, ...]:
    """Starts, steps and ends, in the order of their times. `at` is now: when a runner died nobody wrote down."""
    found = [event for key, run in now.items() for event in _of(before.get(key), run, at)]
    return tuple(sorted(found, key=lambda event: event.time))


def _of(before: Run | None, run: Run, at: datetime) -> Iterator[Event]:
    if before is run:
        return

    def event(time: datetime, text: str, *, bad: bool = False) -> Event:
        return Event(time, EventKind.DEPLOY, run.source, run.rollout, text, bad=bad, about=("runs", run.key))

    if before is None:
        yield event(run.started, f"started by {run.by} ({run.key})")
    for number, step in enumerate(run.steps, start=1):
        if before is None or number > len(before.steps):
            yield event(step.started, f"step {number}: {step.name}")
    if run.state is not RunState.RUNNING and (before is None or before.state is RunState.RUNNING):
        took = "" if run.ended is None else f" after {run.spent(at)}"
        text = f"{run.state.value}{took}" + (f": {run.message}" if run.message else "")
        yield event(run.ended or at, text, bad=run.state is not RunState.DONE)
