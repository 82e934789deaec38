"""What an action would mean, as far as the other feeds tell: one pure function, for the dialog and the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from backends.api.actions import Action
from backends.api.models import Alert, AlertState, Member, MemberState, Reading, Role, Row, State, Unit, UnitState
from backends.api.quorum import Quorum
from backends.incident.sizes import Expected
from backends.relations import related

NOUNS = ("units", "members", "instances", "alerts", "processes", "hosts")
"""What is consulted."""
ENDING = ("signal", "stop", "restart")
"""Verbs after which something that runs may be gone, if only for a moment."""
VOTING = (Role.LEADER, Role.FOLLOWER)

Readings = Mapping[Any, Reading[Any]]
Sizes = Mapping[str, Mapping[str, Expected]]


def consequences(action: Action, readings: Readings, sizes: Sizes) -> tuple[str, ...]:
    """Sentences, the weightiest first; what could not be asked in time is said to be not known.

    `sizes` are how many instances each group should have, by source.
    """
    said: list[str] = []
    if action.verb in ENDING:
        row = _row(action, readings)
        about = [] if row is None else [row, *(found.row for found in related(row, readings))]
        units = [item for item in about if isinstance(item, Unit)]
        members = [item for item in about if isinstance(item, Member)]
        said += _quorums(members, readings)
        said += [text for unit in units for text in (*_supervised(action, unit), *_siblings(unit, readings))]
        said += _groups(members, readings, sizes)
        said += _alerts(action, units, members, readings)
    said += _unknown(readings)
    return tuple(dict.fromkeys(said))


def _row(action: Action, readings: Readings) -> Row | None:
    reading = readings.get((action.target.source, action.target.noun))
    found: Row | None = None if reading is None else (reading.value or {}).get(action.target.key)
    return found


def _quorums(members: Iterable[Member], readings: Readings) -> Iterator[str]:
    """What is left of a cluster whose own server this is."""
    for member in members:
        if member.group is not None or member.role not in VOTING:
            continue
        reading = readings.get((member.source, "members"))
        rows = [] if reading is None else [row for row in (reading.value or {}).values() if row.role in VOTING]
        left = sum(row.state is MemberState.UP and row.trouble is None and row.key != member.key for row in rows)
        quorum = replace(member.quorum or Quorum(len(rows), 0), up=left)
        means = "below its quorum: the cluster stops" if quorum.lost else quorum.consequence
        leads = ", and it leads" if member.role is Role.LEADER else ""
        yield f"it is {member.name} of {member.source}{leads}; {left} of {quorum.voters} stay up, {means}"


def _supervised(action: Action, unit: Unit) -> Iterator[str]:
    if action.verb == "signal":
        yield f"{unit.source} keeps {unit.name} running and may start it again; restart (R) does that in order"


def _siblings(unit: Unit, readings: Readings) -> Iterator[str]:
    group, colon, _ = unit.name.partition(":")
    reading = readings.get((unit.source, "units"))
    if not colon or reading is None:
        return
    rows = [row for row in (reading.value or {}).values() if row.name.partition(":")[0] == group]
    up = [row for row in rows if row.state is UnitState.RUNNING]
    left = sum(row.key != unit.key for row in up)
    if len(rows) > 1:
        yield f"{group} has {len(up)} of {len(rows)} running; {left} {'stays' if left == 1 else 'stay'} up"
    elif unit.state is UnitState.RUNNING:
        yield f"{unit.name} is the only one of {group}"


def _groups(members: Iterable[Member], readings: Readings, sizes: Sizes) -> Iterator[str]:
    """What is left of the groups that it is registered in."""
    for member in members:
        reading = readings.get((member.source, "instances"))
        if member.group is None or reading is None:
            continue
        there = sum(row.group == member.group for row in (reading.value or {}).values())
        wanted = sizes.get(member.source, {}).get(member.group)
        of = there if wanted is None else max(there, wanted.size)
        yield f"{member.source} has {there} of {of} in {member.group}; {there - 1} without it"


def _alerts(action: Action, units: list[Unit], members: list[Member], readings: Readings) -> Iterator[str]:
    names = {action.target.name, *(part for unit in units for part in unit.name.split(":"))}
    names |= {text for member in members for text in (member.name, member.group or "", member.address or "")}
    known = {name.lower() for name in names if name}
    for (_, noun), reading in readings.items():
        if noun == "alerts":
            for row in (reading.value or {}).values():
                if row.state is AlertState.FIRING and _is_about(row, known):
                    yield f"{row.name} is firing on it"


def _is_about(alert: Alert, names: set[str]) -> bool:
    return bool(names & {value.lower() for value in alert.labels.values()})


def _unknown(readings: Readings) -> Iterator[str]:
    """Sources that could not be asked: what they would have said is not known."""
    for (source, noun), reading in readings.items():
        if noun in ("units", "alerts", "members", "instances") and reading.state is not State.LIVE:
            yield f"{noun} of {source} are not known: {reading.state.value}"
