"""From an event or an alert to the thing itself: which kind shows it, and on which row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backends.api.alerts import Alert
from backends.api.capabilities import ABILITIES, kind_of
from backends.api.events import EventKind, Occurrence
from backends.api.members import Member, Role
from backends.api.metrics import ScrapeTarget
from backends.api.nouns import Row, called
from backends.api.readings import Readings, State
from backends.api.units import Unit
from backends.listed import listed
from backends.relations import Relations, names_of
from widgets.tables.columns import Lead, LogsOf

FIRST = {EventKind.ALERT: "alerts"}
"""What an event is about, where names alone might lead elsewhere."""


def thing_of(event: Occurrence, readings: Readings) -> Lead | None:
    """Where an event leads: a row, logs of that time, or its source's own screen; None where it is gone."""
    if event.kind is EventKind.ERRORS:
        return LogsOf((event.target,), event.time, event.source)
    if event.about is not None:
        return _row_of(*event.about, readings)
    first = FIRST.get(event.kind, "")
    found = sorted(_named(event, readings), key=lambda pair: pair[0] != first)
    if found:
        return found[0]
    return _screen_of(event, readings)


def _row_of(noun: str, key: str, readings: Readings) -> Lead | None:
    """A row by its key; where its feed is not live it may be there, and its screen will know."""
    feeds = [reading for (_, of), reading in readings.items() if of == noun]
    known = all(reading.state is State.LIVE for reading in feeds)
    there = any(key in reading.rows for reading in feeds)
    return (kind_of(noun), key) if feeds and (there or not known) else None


def _screen_of(event: Occurrence, readings: Readings) -> Lead | None:
    """Where a whole source is meant."""
    of_source = {noun: reading for (source, noun), reading in readings.items() if source == event.target}
    nouns = [noun for noun in ABILITIES if noun in of_source]
    if not nouns:
        return None
    # A metrics server is asked for what is wrong before what it scrapes.
    noun = "alerts" if "alerts" in nouns else nouns[0]
    if noun == "logs":
        return LogsOf((), event.time, event.target)
    # A source of one row has no other: a deploy.
    keys = tuple(of_source[noun].value or ()) if noun == "deploys" else ()
    return kind_of(noun), keys[0] if len(keys) == 1 else ""


def _named(event: Occurrence, readings: Readings) -> Iterator[tuple[str, str]]:
    for (source, noun), reading in readings.items():
        if source not in (event.source, *event.witnesses) or not isinstance(reading.value, Mapping):
            continue
        for key, row in reading.value.items():
            if event.target in _names(row):
                yield kind_of(noun), key


def _names(row: object) -> tuple[str, ...]:
    """What events call a row."""
    if isinstance(row, Member):
        # A change of leader is told of the whole cluster.
        leads = (row.source,) if row.role is Role.LEADER else ()
        return (row.name, f"{row.group}/{row.name}", f"{row.source} {row.name}", *leads)
    if isinstance(row, Alert):
        return (f"{row.name} {row.on}" if row.on else row.name,)
    if isinstance(row, Unit):
        return (row.name,)
    return (f"{row.job} {row.instance}", row.instance) if isinstance(row, ScrapeTarget) else ()


UNIT_LABELS = ("unit", "name", "service", "app", "pod", "container")
"""Labels that may hold a unit's or a member's name."""


def subject_of(alert: Alert, readings: Readings, relations: Relations) -> tuple[str, str] | None:
    """What an alert is about, as far as its labels say so: its target, else the unit or the member of that name,
    else whoever is at its address; where they name a job or a group only, the one that it consists of."""
    found = next(_subjects(alert, readings, relations), None)
    if found is None:
        _, several = _one_of(alert, readings)
        found = several[0][:2] if len(several) == 1 else None
    return found


def _subjects(alert: Alert, readings: Readings, relations: Relations) -> Iterator[tuple[str, str]]:
    instance, job = alert.labels.get("instance", ""), alert.labels.get("job")
    rows = _rows(readings)
    for kind, key, row in rows:
        if isinstance(row, ScrapeTarget) and (row.source, row.instance) == (alert.source, instance):
            yield from [(kind, key)] if job in (None, row.job) else ()
    named = {alert.labels[label] for label in UNIT_LABELS if alert.labels.get(label)}
    for kind, key, row in rows:
        if named & names_of(row):
            yield kind, key
    for found in relations.at(instance) if instance else ():
        yield kind_of(found.feed.noun), found.row.key


def _rows(readings: Readings) -> list[tuple[str, str, Row]]:
    """What alerts are about, by kind and key."""
    return [
        (kind_of(noun), key, row)
        for (_, noun), reading in readings.items()
        if noun in ("targets", "units", "members", "instances")
        for key, row in reading.rows.items()
    ]


def _one_of(alert: Alert, readings: Readings) -> tuple[str, list[tuple[str, str, Row]]]:
    """Where the labels of an alert name no single thing: the first of them that names a job or a group, and the
    targets of that job, else the units, else the members of that group. "" and nothing where none does."""
    rows = _rows(readings) if not alert.labels.get("instance") else []
    for label in ("job", *UNIT_LABELS):
        value = alert.labels.get(label)
        parts = [each for each in rows if value and _is_part(each[2], label, value, alert)]
        for kind in ("targets", "units", "members"):
            if found := [each for each in parts if each[0] == kind]:
                return label, found
    return "", []


def _is_part(row: Row, label: str, value: str, alert: Alert) -> bool:
    if isinstance(row, ScrapeTarget):
        return label == "job" and (row.source, row.job) == (alert.source, value)
    if isinstance(row, Unit):
        return ":" in row.name and row.name.partition(":")[0] == value
    return isinstance(row, Member) and row.group == value


def no_subject(alert: Alert, readings: Readings) -> str:
    """Why an alert leads nowhere."""
    label, several = _one_of(alert, readings)
    if several:
        kind, value = several[0][0], alert.labels[label]
        told = listed([called(row) for _, _, row in several])
        return f"{alert.name}: several are {label}={value}: {told}; :{kind} {value}"
    told = " ".join(
        f"{name}={alert.labels[name]}" for name in ("instance", "job", *UNIT_LABELS) if name in alert.labels
    )
    if not told:
        return f"{alert.name}: none of its labels says what it is about (instance, job, unit …)"
    return f"{alert.name}: no target, unit or member that is watched here is {told}"
