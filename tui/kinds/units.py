"""How units are shown, and their JSON."""

from __future__ import annotations

from typing import Any

from backends.api.units import Unit, UnitState
from tui.kinds.facts import begun, details, rfc3339, why
from tui.kinds.log_names import names_in_logs
from tui.kinds.states import state_column
from widgets.freshness import Sight, standing
from widgets.look import Look
from widgets.quantities import count
from widgets.tables.columns import Column, Kind, LogsOf, text_of

UNIT_LOOKS = {
    UnitState.RUNNING: Look.GOOD,
    UnitState.STARTING: Look.WARN,
    UnitState.STOPPING: Look.WARN,
    UnitState.STOPPED: Look.DIM,
    UnitState.FAILED: Look.BAD,
    UnitState.UNKNOWN: Look.WARN,
}


def _json(row: Unit) -> dict[str, Any]:
    return {
        "name": row.name,
        "source": row.source,
        "host": row.host,
        "state": row.state.value,
        "native": row.native,
        "pid": row.pid,
        "since": rfc3339(row.since),
        "restarts": row.restarts,
        "exit": row.exit,
        "enabled": row.enabled,
    }


def _facts(row: Unit, sight: Sight) -> list[tuple[str, str]]:
    return [
        ("state", standing(row.state.value, row.trouble, sight)),
        *why(row.trouble, sight),
        ("native state", sight.said(row.native)),
        ("source", row.source),
        ("host", text_of(row.host)),
        ("pid", text_of(row.pid)),
        ("since", begun(row.since, sight)),
        ("restarts seen", _restarts(row)),
        ("last exit", text_of(row.exit)),
        ("enabled", text_of(None if row.enabled is None else "yes" if row.enabled else "no")),
        *([("spawn error", row.spawn_error)] if row.spawn_error else []),
        *([("process", sight.said("stopped by a signal; SIGCONT lets it go on"))] if row.frozen else []),
        *details(row.details),
    ]


def _brief(row: Unit, sight: Sight) -> tuple[str, ...]:
    how = f"{sight.said(row.native)} for {sight.lasting(row.since)}"
    return (f"{text_of(row.host)}  {how}  pid {text_of(row.pid)}  {row.source}",)


def _restarts(row: Unit) -> str:
    """No supervisor here keeps a count: nobody knows of those before it was looked at."""
    seen = count(row.restarts)
    return seen if row.restarts is None else f"{seen} since midwatch has watched it; more may have been before"


def _note(row: Unit) -> str:
    if row.trouble is not None:
        return row.trouble.error.reason
    return row.spawn_error or ("frozen: stopped by a signal" if row.frozen else "")


def _logs(row: Unit) -> LogsOf:
    """A unit that runs well is asked about for now, any other for when it came into its state."""
    group = row.name.rpartition(":")[0]
    when = None if row.state is UnitState.RUNNING else row.since
    return LogsOf(names_in_logs(row), when, wider=(group,))


UNITS: Kind[Unit] = Kind(
    name="units",
    title="units",
    nouns=("units",),
    columns=(
        Column("name", "NAME", lambda u, s: u.name, 22, sort=lambda u: u.name, more=18, ends=True),
        state_column(UNIT_LOOKS),
        Column("native", "NATIVE", lambda u, s: s.said(u.native), 12, sort=lambda u: u.native, drop=4),
        Column("pid", "PID", lambda u, s: text_of(u.pid), 7, sort=lambda u: u.pid, right=True),
        Column(
            "age",
            "SINCE",
            lambda u, s: s.lasting(u.since),
            5,
            sort=lambda u: u.since,
            right=True,
            descending=True,
        ),
        Column(
            "restarts",
            "RESTARTS",
            lambda u, s: count(u.restarts),
            8,
            sort=lambda u: u.restarts,
            right=True,
            drop=3,
            descending=True,
        ),
        Column("exit", "EXIT", lambda u, s: text_of(u.exit), 5, sort=lambda u: u.exit, right=True, drop=2),
        Column("source", "SOURCE", lambda u, s: u.source, 18, sort=lambda u: u.source, drop=1),
        Column("note", "", lambda u, s: _note(u), 10, grow=True, look=lambda u, s: Look.BAD),
    ),
    brief=_brief,
    json=_json,
    facts=_facts,
    sort="name",
    empty="no units: this context has no supervisor (supervisord.NAME with its url)",
    none="no units: the supervisor keeps nothing running",
    tie=lambda u: (u.source, u.name, u.key),
    label=lambda u: f"{u.source} {u.name}",
    logs=_logs,
)
