"""What an action would mean, as far as the other feeds tell: one pure function, for the dialog and the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backends.api.actions import Action
from backends.api.models import Alert, AlertState, Reading, State, Unit, UnitState
from backends.incident.sizes import Expected

NOUNS = ("units", "members", "instances", "alerts", "processes")
"""What is consulted."""
ENDING = ("signal", "stop", "restart")
"""Verbs after which something that runs may be gone, if only for a moment."""

Readings = Mapping[Any, Reading[Any]]
Sizes = Mapping[str, Mapping[str, Expected]]


def consequences(action: Action, readings: Readings, sizes: Sizes) -> tuple[str, ...]:
    """Sentences, the weightiest first; what could not be asked in time is said to be not known."""
    said: list[str] = []
    if action.verb in ENDING:
        unit = _unit(action, readings)
        if unit is not None:
            said += _supervised(action, unit)
            said += _siblings(unit, readings)
        said += _alerts(action, unit, readings)
    said += _unknown(readings)
    return tuple(said)


def _unit(action: Action, readings: Readings) -> Unit | None:
    """The unit that the target is, or whose main process it is."""
    target = action.target
    units = [row for (_, noun), r in readings.items() if noun == "units" for row in (r.value or {}).values()]
    if target.noun == "units":
        return next((row for row in units if row.key == target.key and row.source == target.source), None)
    if target.noun != "processes":
        return None
    reading = readings.get((target.source, "processes"))
    process = None if reading is None else (reading.value or {}).get(target.key)
    alike = [row for row in units if process is not None and row.pid == process.pid]
    return next((row for row in alike if row.host in (None, process.host if process else None)), None)


def _supervised(action: Action, unit: Unit) -> Iterator[str]:
    if action.verb == "signal":
        yield f"{unit.source} keeps {unit.name} running and may start it again; restart (R) does that in order"


def _siblings(unit: Unit, readings: Readings) -> Iterator[str]:
    group, colon, _ = unit.name.partition(":")
    if not colon:
        return
    rows = [
        row
        for (source, noun), reading in readings.items()
        if noun == "units" and source == unit.source
        for row in (reading.value or {}).values()
        if row.name.partition(":")[0] == group
    ]
    up = [row for row in rows if row.state is UnitState.RUNNING]
    left = [row for row in up if row.key != unit.key]
    if len(rows) > 1:
        yield f"{group} has {len(up)} of {len(rows)} running; {len(left)} stay up"
    elif unit.state is UnitState.RUNNING:
        yield f"{unit.name} is the only one of {group}"


def _alerts(action: Action, unit: Unit | None, readings: Readings) -> Iterator[str]:
    names = {action.target.name.lower()}
    if unit is not None:
        names |= set(unit.name.lower().split(":"))
    for (_, noun), reading in readings.items():
        if noun == "alerts":
            for row in (reading.value or {}).values():
                if row.state is AlertState.FIRING and _is_about(row, names):
                    yield f"{row.name} is firing on it"


def _is_about(alert: Alert, names: set[str]) -> bool:
    return bool(names & {value.lower() for value in alert.labels.values()})


def _unknown(readings: Readings) -> Iterator[str]:
    """Sources that could not be asked: what they would have said is not known."""
    for (source, noun), reading in readings.items():
        if noun in ("units", "alerts", "members", "instances") and reading.state is not State.LIVE:
            yield f"{noun} of {source} are not known: {reading.state.value}"
