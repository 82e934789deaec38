"""Which names the logs about a row may be called by: its own, and those of whatever is the same thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from backends.api.alerts import Alert
from backends.api.capabilities import kind_of
from backends.api.events import Occurrence
from backends.api.members import Member
from backends.api.metrics import ScrapeTarget
from backends.api.processes import Process
from backends.api.readings import ILL, Reading, Readings
from backends.api.units import Unit
from backends.relations import Relations
from tui.kinds.facts import unit_in_logs
from tui.kinds.leads import subject_of, thing_of
from widgets.tables.columns import Kind, LogsOf


def logs_about(kind: Kind[Any], row: Any, readings: Readings, relations: Relations) -> LogsOf | None:
    """The logs about a row as its kind says, and those that are named after its unit, its process's unit or its
    registration; None for a kind that has none. Of a source that is lost those of when it last answered: what
    came to pass then is what one looks for."""
    if kind.logs is None:
        return None
    found = kind.logs(row)
    more = (name for same in _same(row, readings, relations) for name in names_in_logs(same))
    reading = reading_of(kind, row, readings)
    when = reading.as_of if found.when is None and reading is not None and reading.state in ILL else found.when
    return replace(found, names=tuple(dict.fromkeys((*found.names, *more))), when=when)


def reading_of(kind: Kind[Any], row: Any, readings: Readings) -> Reading[Any] | None:
    """What told of a row; None where nothing does any more."""
    of_kind = (reading for (_, noun), reading in readings.items() if noun in kind.nouns)
    return next((reading for reading in of_kind if row.key in reading.rows), None)


def names_in_logs(row: object) -> tuple[str, ...]:
    """What a log of this row's own is called."""
    if isinstance(row, Unit):
        return unit_in_logs(row.name)
    if isinstance(row, Process):
        return unit_in_logs((row.unit or "").partition(" ")[2])
    return (row.name,) if isinstance(row, Member) else ()


def _same(row: Any, readings: Readings, relations: Relations) -> Iterable[Any]:
    """The rows that are about the same thing; of an event or an alert the thing itself as well."""
    if isinstance(row, ScrapeTarget):
        return [found.row for found in relations.at(row.instance)]
    if isinstance(row, Alert | Occurrence):
        alert = isinstance(row, Alert)
        lead = subject_of(row, readings, relations) if alert else thing_of(row, readings)  # type: ignore[arg-type]
        thing = None if not isinstance(lead, tuple) else _row(*lead, readings)
        return [] if thing is None or thing is row else [thing, *_same(thing, readings, relations)]
    return [found.row for found in relations.of(row)]


def _row(kind: str, key: str, readings: Readings) -> Any:
    values = (reading.rows for (_, noun), reading in readings.items() if kind_of(noun) == kind)
    return next((of[key] for of in values if key in of), None)
