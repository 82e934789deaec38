"""How alerts are shown, and their JSON."""

from __future__ import annotations

from typing import Any

from backends.api.alerts import Alert, AlertState
from tui.kinds.facts import begun, details, rfc3339, why
from tui.kinds.states import state_column
from widgets.freshness import Sight, standing
from widgets.look import Look
from widgets.tables.columns import Column, Kind, LogsOf, text_of

ALERT_LOOKS = {
    AlertState.FIRING: Look.BAD,
    AlertState.PENDING: Look.WARN,
    AlertState.SILENCED: Look.DIM,
    AlertState.INHIBITED: Look.DIM,
}
ORDER = list(AlertState)


def _urgency(row: Alert) -> tuple[int, int, float]:
    """What fires before what is pending, the gravest of it first, then the newest."""
    newness = -row.since.timestamp() if row.since is not None else 0.0
    return ORDER.index(row.state), row.rank, newness


def _json(row: Alert) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state.value,
        "severity": row.severity,
        "since": rfc3339(row.since),
        "labels": dict(row.labels),
        "annotations": dict(row.annotations),
        "source": row.source,
    }


def _facts(row: Alert, sight: Sight) -> list[tuple[str, str]]:
    return [
        ("state", standing(row.state.value, row.trouble, sight)),
        *why(row.trouble, sight),
        ("severity", text_of(row.severity)),
        ("since", begun(row.since, sight)),
        ("value", text_of(row.value)),
        ("source", row.source),
        *details(row.details),
        *((name, " ".join(said.split())) for name, said in sorted(row.annotations.items())),
        *sorted(row.labels.items()),
    ]


ABOUT = ("unit", "pod", "container", "instance", "service", "app", "job")
"""Labels that say what an alert is about, the most particular first."""

ALERTS: Kind[Alert] = Kind(
    name="alerts",
    title="alerts",
    nouns=("alerts",),
    columns=(
        Column("name", "NAME", lambda a, s: a.name, 24, sort=lambda a: a.name, more=12),
        state_column(ALERT_LOOKS, _urgency),
        Column("severity", "SEVERITY", lambda a, s: text_of(a.severity), 9, sort=lambda a: a.severity, drop=1),
        Column(
            "age",
            "SINCE",
            lambda a, s: s.lasting(a.since),
            5,
            sort=lambda a: a.since,
            right=True,
            descending=True,
        ),
        Column(
            "on",
            "ON",
            lambda a, s: text_of(a.on),
            22,
            sort=lambda a: a.on,
            drop=2,
            more=18,
        ),
        Column("source", "SOURCE", lambda a, s: a.source, 18, sort=lambda a: a.source, drop=3),
        Column("summary", "SUMMARY", lambda a, s: a.summary, 20, grow=True),
    ),
    json=_json,
    facts=_facts,
    sort="state",
    empty="no alerts: this context has no Prometheus (prometheus.NAME with its url)",
    none="no alerts: nothing fires, and nothing is about to",
    tie=lambda a: (a.name, a.source, a.key),
    logs=lambda a: LogsOf((), a.since, wider=tuple(a.labels[name] for name in ABOUT if a.labels.get(name))),
    label=lambda a: f"{a.name} {a.on or ''}".rstrip(),
)
