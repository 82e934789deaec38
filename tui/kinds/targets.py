"""How targets are shown, what a metrics server scrapes, and their JSON."""

from __future__ import annotations

from typing import Any

from backends.api.metrics import ScrapeTarget, TargetState
from tui.kinds.facts import begun, clock_time, details, rfc3339, why
from tui.kinds.states import state_column
from widgets.freshness import Sight, standing
from widgets.look import Look
from widgets.quantities import since
from widgets.tables.columns import Column, Kind, LogsOf, text_of

TARGET_LOOKS = {TargetState.UP: Look.GOOD, TargetState.DOWN: Look.BAD, TargetState.UNKNOWN: Look.WARN}


def _json(row: ScrapeTarget) -> dict[str, Any]:
    return {
        "job": row.job,
        "instance": row.instance,
        "state": row.state.value,
        "last_scrape": rfc3339(row.last_scrape),
        "error": row.error,
        "source": row.source,
    }


def _facts(row: ScrapeTarget, sight: Sight) -> list[tuple[str, str]]:
    return [
        ("state", standing(row.state.value, row.trouble, sight)),
        *why(row.trouble, sight),
        ("job", row.job),
        ("instance", row.instance),
        ("source", row.source),
        ("since", begun(row.since, sight)),
        ("last scrape", clock_time(row.last_scrape, sight)),
        ("error", text_of(row.error)),
        *details(row.details),
        *((name, value) for name, value in sorted(row.labels.items()) if name not in ("job", "instance")),
    ]


TARGETS: Kind[ScrapeTarget] = Kind(
    name="targets",
    title="targets",
    nouns=("targets",),
    columns=(
        Column("job", "JOB", lambda t, s: t.job, 18, sort=lambda t: t.job, drop=1),
        Column("instance", "INSTANCE", lambda t, s: t.instance, 24, sort=lambda t: t.instance, more=24),
        state_column(TARGET_LOOKS),
        Column(
            "age",
            "SCRAPED",
            lambda t, s: since(t.last_scrape, s.wall),
            7,
            sort=lambda t: t.last_scrape,
            right=True,
            drop=2,
            descending=True,
        ),
        Column("source", "SOURCE", lambda t, s: t.source, 18, sort=lambda t: t.source, drop=3),
        Column("error", "ERROR", lambda t, s: t.error or "", 18, grow=True, look=lambda t, s: Look.BAD),
    ),
    json=_json,
    facts=_facts,
    sort="job",
    empty="no targets: this context has no Prometheus (prometheus.NAME with its url)",
    none="no targets: Prometheus scrapes none; scrape_configs of its configuration names them",
    tie=lambda t: (t.source, t.job, t.instance, t.key),
    logs=lambda t: LogsOf((t.instance,), wider=(t.job,)),
    label=lambda t: f"{t.job} {t.instance}",
)
