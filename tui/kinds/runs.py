"""How runs are shown, those that have ended and those that go on, and their JSON."""

from __future__ import annotations

from typing import Any

from backends.api.runs import Run, RunState, Step
from tui.kinds.facts import clock_time, rfc3339
from widgets.freshness import Sight, standing, standing_look
from widgets.look import Look
from widgets.quantities import UNKNOWN, since
from widgets.tables.columns import Column, Kind, text_of

RUN_LOOKS = {
    RunState.RUNNING: Look.STRONG,
    RunState.DONE: Look.GOOD,
    RunState.FAILED: Look.BAD,
    RunState.ABORTED: Look.WARN,
    RunState.INTERRUPTED: Look.BAD,
}


def params_text(row: Run) -> str:
    return " ".join(f"{name}={value}" for name, value in row.params)


def took(row: Run, sight: Sight) -> str:
    """How long it took, or takes already; unknown where its runner died."""
    return row.spent(sight.known) or UNKNOWN


def step_text(row: Run) -> str:
    return UNKNOWN if row.step is None else f"{len(row.steps)} {row.step.name}"


def run_json(row: Run) -> dict[str, Any]:
    return {
        "id": row.key,
        "deploy": row.deploy,
        "state": row.state.value,
        "by": row.by,
        "started": rfc3339(row.started),
        "ended": rfc3339(row.ended),
        "steps": [_step_json(step) for step in row.steps],
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "target": step.target,
        "state": step.state.value,
        "started": rfc3339(step.started),
        "ended": rfc3339(step.ended),
        "message": step.message or None,
    }


def _facts(row: Run, sight: Sight) -> list[tuple[str, str]]:
    facts = [
        ("state", standing(row.state.value, None, sight)),
        ("outcome", text_of(row.message)),
        ("deploy", row.deploy),
        ("parameters", text_of(params_text(row))),
        ("by", row.by),
        ("started", clock_time(row.started, sight)),
        ("ended", clock_time(row.ended, sight)),
        ("took", took(row, sight)),
        ("runs", row.call),
        ("source", row.source),
    ]
    return facts + [(f"step {number}", _step_text(step)) for number, step in enumerate(row.steps, start=1)]


def _step_text(step: Step) -> str:
    spent = "" if step.ended is None else f" in {(step.ended - step.started).total_seconds():.1f} s"
    stamp = step.started.astimezone().strftime("%H:%M:%S")
    return f"{stamp}  {step.name}  {step.state.value}{spent}  {step.message}".rstrip()


def _brief(row: Run, sight: Sight) -> tuple[str, ...]:
    runs = row.state is RunState.RUNNING
    spent = took(row, sight)
    told = (
        params_text(row),
        row.state.value if spent == UNKNOWN else f"{row.state.value} {'for' if runs else 'after'} {spent}",
        f"step {step_text(row)}" if runs else row.message,
        f"by {row.by}",
    )
    return ("  ".join(filter(None, told)),)


RUNS: Kind[Run] = Kind(
    name="runs",
    title="runs",
    nouns=("runs",),
    columns=(
        Column("name", "ID", lambda r, s: r.key, 29, sort=lambda r: r.key),
        Column(
            "state",
            "STATE",
            lambda r, s: standing(r.state.value, None, s),
            15,
            sort=lambda r: r.state.value,
            look=lambda r, s: standing_look(RUN_LOOKS[r.state], None, s),
        ),
        Column(
            "params", "PARAMETERS", lambda r, s: text_of(params_text(r)), 18, sort=params_text, drop=2, more=14
        ),
        Column("step", "STEP", lambda r, s: step_text(r), 18, sort=lambda r: len(r.steps), drop=3, more=10),
        Column("by", "BY", lambda r, s: r.by, 10, sort=lambda r: r.by, drop=1),
        Column(
            "age",
            "AGO",
            lambda r, s: since(r.started, s.wall),
            4,
            sort=lambda r: r.started,
            right=True,
            descending=True,
        ),
        Column("took", "TOOK", took, 4, right=True),
        Column(
            "note",
            "",
            lambda r, s: r.message,
            16,
            grow=True,
            look=lambda r, s: RUN_LOOKS[r.state] if r.state is not RunState.DONE else Look.WARN,
        ),
    ),
    brief=_brief,
    json=run_json,
    facts=_facts,
    sort="age",
    empty="no runs: this context has nothing to deploy (deploy.NAME with its argv)",
    none="no runs: nothing has been deployed from here; :deploys lists what can be",
    tie=lambda r: (-r.started.timestamp(), r.key),
    label=lambda r: r.key,
    discovered=False,
)
