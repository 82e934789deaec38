"""From an event to the thing itself: which kind shows it, and on which row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backends.api.models import Alert, EventKind, Member, Occurrence, Reading, Role, Target, Unit

NOUNS = {"members": "members", "instances": "members", "units": "units", "alerts": "alerts", "targets": "targets"}
"""Where events come from, and the kind that shows it."""
FIRST = {EventKind.ALERT: "alerts"}
"""What an event is about, where names alone might lead elsewhere."""


def thing_of(event: Occurrence, readings: Mapping[Any, Reading[Any]]) -> tuple[str, str] | None:
    """The kind and the row's key; an empty key where a whole source is meant, None where it is gone."""
    first = FIRST.get(event.kind, "")
    found = sorted(_named(event, readings), key=lambda pair: pair[0] != first)
    if found:
        return found[0]
    of_source = [NOUNS[noun] for source, noun in readings if source == event.target and noun in NOUNS]
    return (of_source[0], "") if of_source else None


def _named(event: Occurrence, readings: Mapping[Any, Reading[Any]]) -> Iterator[tuple[str, str]]:
    for (source, noun), reading in readings.items():
        if noun not in NOUNS or source not in (event.source, *event.witnesses):
            continue
        for key, row in (reading.value or {}).items():
            if event.target in _names(row):
                yield NOUNS[noun], key


def _names(row: object) -> tuple[str, ...]:
    """What events call a row."""
    if isinstance(row, Member):
        # A change of leader is told of the whole cluster.
        leads = (row.source,) if row.role is Role.LEADER else ()
        return (row.name, f"{row.group}/{row.name}", f"{row.source} {row.name}", *leads)
    if isinstance(row, Unit | Alert):
        return (row.name,)
    return (f"{row.job} {row.instance}", row.instance) if isinstance(row, Target) else ()
