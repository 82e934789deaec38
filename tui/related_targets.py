"""What can be acted on for a row that itself can't be: the unit and the process that belong to it."""

from __future__ import annotations

from collections.abc import Iterator

from backends.api.alerts import Alert
from backends.api.events import Occurrence
from backends.api.members import Member
from backends.api.metrics import ScrapeTarget
from backends.api.nouns import Row, called
from backends.api.processes import Process
from backends.api.runs import Run
from backends.api.units import Unit
from backends.relations import names_of
from backends.watch import Watch
from tui.kinds.known import KINDS
from tui.kinds.leads import no_subject, subject_of, thing_of


def belonging(row: Row, watching: Watch) -> list[Row]:
    """The unit and the process of whatever a row is about, where it is one of each; or its run."""
    found: list[Row] = []
    for thing in _things(row, watching):
        found += [thing, *(item.row for item in watching.relations.of(thing))]
    each = ({item.key: item for item in found if isinstance(item, kind)} for kind in (Unit, Process, Run))
    # Of several nobody knows which one is meant.
    return [row for rows in each if len(rows) == 1 for row in rows.values()]


def _called(name: str, watching: Watch) -> Iterator[Row]:
    """The units and members of a name: Prometheus is often told to call its targets by it."""
    for (_, noun), feed in watching.feeds().items():
        for row in feed.reading.rows.values() if noun in ("units", "members", "instances") else ():
            if name in names_of(row):
                yield row


def why_nothing(row: Row, watching: Watch) -> str:
    """Why nothing belongs to a row that could be acted on."""
    readings = {key: feed.reading for key, feed in watching.feeds().items()}
    if isinstance(row, Alert) and subject_of(row, readings, watching.relations) is None:
        return no_subject(row, readings)
    return f"no unit and no process that is watched here is known to belong to {called(row)} alone"


def _things(row: Row, watching: Watch) -> Iterator[Row]:
    """What a row is about, the nearest first."""
    readings = {key: feed.reading for key, feed in watching.feeds().items()}

    def row_of(kind: str, key: str) -> Iterator[Row]:
        nouns = KINDS[kind].nouns if kind in KINDS else (kind,)
        for (_, noun), reading in readings.items():
            row_there = reading.rows.get(key) if noun in nouns else None
            if row_there is not None:
                yield row_there

    if isinstance(row, Alert):
        lead = subject_of(row, readings, watching.relations)
        things = list(row_of(*lead)) if lead is not None else []
        instance = row.labels.get("instance", "")
    elif isinstance(row, Occurrence):
        where = thing_of(row, readings)
        things, instance = (list(row_of(*where)) if isinstance(where, tuple) else []), ""
    else:
        things, instance = [row], ""
    for thing in things:
        if isinstance(thing, Alert | Occurrence) and thing is not row:
            yield from _things(thing, watching)
        elif isinstance(thing, ScrapeTarget):
            yield from (item.row for item in watching.relations.at(thing.instance))
            yield from _called(thing.instance, watching)
        elif isinstance(thing, Member | Unit | Process | Run):
            yield thing
    if instance:
        yield from (item.row for item in watching.relations.at(instance))
