"""How events are shown, each once with everybody who saw it, and their JSON."""

from __future__ import annotations

from typing import Any

from backends.api.events import EventKind, Occurrence
from tui.kinds.facts import clock_time, details, rfc3339
from tui.kinds.leads import thing_of
from widgets.freshness import Sight
from widgets.look import Look
from widgets.tables.columns import Column, Kind, LogsOf


def look_of(row: Occurrence) -> Look:
    """Bad news is red, a change of leader or a deploy strong, the rest plain."""
    if row.bad:
        return Look.BAD
    if row.kind in (EventKind.LEADER, EventKind.DEPLOY, EventKind.ACTION):
        return Look.STRONG
    return Look.WARN if row.kind is EventKind.LEFT else Look.PLAIN


def told(row: Occurrence) -> str:
    return f"{row.text}  (seen after a gap)" if row.after_gap else row.text


def _stamp(row: Occurrence, sight: Sight) -> str:
    local = row.time.astimezone()
    today = local.date() == sight.wall.astimezone().date()
    return local.strftime("%H:%M:%S" if today else "%m-%d %H:%M")


def _json(row: Occurrence) -> dict[str, Any]:
    return {
        "time": rfc3339(row.time),
        "kind": row.kind.value,
        "source": row.source,
        "target": row.target,
        "text": told(row),
        "witnesses": list(row.witnesses),
    }


def _facts(row: Occurrence, sight: Sight) -> list[tuple[str, str]]:
    return [
        ("what", told(row)),
        ("kind", row.kind.value),
        ("target", row.target),
        ("time", clock_time(row.time, sight)),
        ("seen by", ", ".join(row.witnesses)),
        *details(row.details),
    ]


def _logs(row: Occurrence) -> LogsOf:
    """`web/web-7` names an instance and its group; `group:name` a unit."""
    parts = row.target.replace(":", "/").replace(" ", "/").split("/")
    return LogsOf((row.target, parts[-1]), row.time, wider=tuple(reversed(parts[:-1])))


EVENTS: Kind[Occurrence] = Kind(
    name="events",
    title="events",
    nouns=("events",),
    columns=(
        Column(
            "age",
            "TIME",
            _stamp,
            11,
            sort=lambda e: (e.at, e.key),
            descending=True,
            least=8,
            shorter=lambda text: text[-len("24 02:13") :],
        ),
        Column("kind", "KIND", lambda e, s: e.kind.value, 8, sort=lambda e: e.kind.value, drop=1),
        Column("name", "TARGET", lambda e, s: e.target, 24, sort=lambda e: e.target, least=10),
        Column("source", "SEEN BY", lambda e, s: ", ".join(e.witnesses), 20, sort=lambda e: e.source, drop=2),
        Column("text", "CHANGE", lambda e, s: told(e), 30, grow=True, look=lambda e, s: look_of(e)),
    ),
    json=_json,
    facts=_facts,
    sort="age",
    empty="no events: no source of this context tells of changes",
    none="no events: nothing has changed since this context was opened",
    tie=lambda e: e.key,
    label=lambda e: f"{e.kind.value} {e.target}",
    logs=_logs,
    leads=thing_of,
    history=True,
)
