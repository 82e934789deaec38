"""What belongs to a row, told as facts of it: its unit, its process, its entry in etcd or ZooKeeper."""

from __future__ import annotations

from datetime import datetime

from backends.api.capabilities import kind_of
from backends.api.members import Member
from backends.api.nouns import Row
from backends.api.processes import Process
from backends.api.readings import Readings, State
from backends.api.units import Unit
from backends.relations import Related, Relations
from widgets.freshness import Sight, standing
from widgets.quantities import count, percent, size


def related_facts(
    row: Row, relations: Relations, readings: Readings, now: float, wall: datetime
) -> list[tuple[str, str]]:
    """A fact for each row that is about the same thing; one whose source is not live says how old it is."""
    facts = []
    for found in relations.of(row):
        label, text = _fact(found, Sight.of(readings.get(found.feed), now, wall))
        facts.append((label, text))
    if isinstance(row, Unit):
        listening = relations.listening_of(row)
        if listening:
            facts.append(("listening", ", ".join(listening)))
    return facts


def leads_to(row: Row, relations: Relations) -> tuple[str, str] | None:
    """The kind and the key of the first row that is about the same thing."""
    found = next(iter(relations.of(row)), None)
    return None if found is None else (kind_of(found.feed.noun), found.row.key)


def _fact(found: Related, sight: Sight) -> tuple[str, str]:
    row = found.row
    if isinstance(row, Unit):
        words = [row.name, standing(row.native, row.trouble, sight), f"for {sight.lasting(row.since)}"]
        restarts = [f"{count(row.restarts)} restarts seen"] if row.restarts else []
        return "its unit", "  ".join([*words, *restarts])
    if isinstance(row, Member):
        where = row.name if row.group is None else f"{row.group}/{row.name}"
        return "registered", f"{row.source} {where}  {standing(row.state.value, row.trouble, sight)}"
    if isinstance(row, Process):
        facts = f"pid {row.pid}  cpu {percent(row.cpu)} %  {size(row.rss)}  up {sight.lasting(row.started)}"
        old = "" if sight.state is State.LIVE else f"  ({standing('', None, sight)})"
        return "its process", f"{facts}{old}  {row.command}"
    return "", ""
