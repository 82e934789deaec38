"""What actions would mean, as far as the other feeds tell: one pure function, for the dialog and the plan."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from backends.api.actions import Action
from backends.api.alerts import Alert, AlertState
from backends.api.members import Member, MemberState, Role
from backends.api.nouns import Row
from backends.api.quorum import Quorum
from backends.api.readings import FeedKey, Readings, State
from backends.api.units import Unit, UnitState
from backends.incident.expected_sizes import Expected
from backends.listed import listed
from backends.relations import related

NOUNS = ("units", "members", "instances", "alerts", "processes", "hosts")
"""What is consulted."""
ENDING = ("signal", "stop", "restart")
"""Verbs after which something that runs may be gone, if only for a moment."""
DOWN_AT_ONCE = ("signal", "stop")
"""Verbs of which several leave all their targets down at once; the others are done one by one."""
VOTING = (Role.LEADER, Role.FOLLOWER, None)
"""Of one that does not answer it is not known, and it has a vote all the same."""

Sizes = Mapping[str, Mapping[str, Expected]]
Named = TypeVar("Named", Unit, Member)
By = TypeVar("By", bound=Hashable)


def consequences(actions: Sequence[Action], readings: Readings, sizes: Sizes) -> tuple[str, ...]:
    """Sentences about actions that are carried out together, the weightiest first: what is left is what is left
    after all of them. What could not be asked in time is said to be not known.

    What is done one by one, each only when the last is up again (all but `DOWN_AT_ONCE`), is asked about so.
    `sizes` are how many instances each group should have, by source.
    """
    said: list[str] = []
    touched = [Touched.by(action, readings) for action in actions if action.verb in ENDING]
    if touched:
        units = _distinct(unit for one in touched for unit in one.units)
        members = _distinct(member for one in touched for member in one.members)
        signalled = _distinct(unit for one in touched if one.action.verb == "signal" for unit in one.units)
        said += _quorums(members, readings)
        said += _supervised(signalled)
        said += _siblings(units, readings, again=all(one.action.verb not in DOWN_AT_ONCE for one in touched))
        said += _groups(members, readings, sizes)
        said += _alerts(touched, readings)
    said += _unknown(readings)
    return tuple(dict.fromkeys(said))


class Touched(NamedTuple):
    """What one action is about, beside its target."""

    action: Action
    units: list[Unit]
    members: list[Member]

    @classmethod
    def by(cls, action: Action, readings: Readings) -> Touched:
        row = _row(action, readings)
        about = [] if row is None else [row, *(found.row for found in related(row, readings))]
        units = [item for item in about if isinstance(item, Unit)]
        return cls(action, units, [item for item in about if isinstance(item, Member)])

    @property
    def names(self) -> set[str]:
        """What an alert's labels may call it."""
        names = {self.action.target.name, *(part for unit in self.units for part in unit.name.split(":"))}
        names |= {text for row in self.members for text in (row.name, row.group or "", row.address or "")}
        return {name.lower() for name in names if name}


def _distinct(rows: Iterable[Named]) -> list[Named]:
    return list({row.key: row for row in rows}.values())


def _row(action: Action, readings: Readings) -> Row | None:
    reading = readings.get(FeedKey(action.target.source, action.target.noun))
    found: Row | None = None if reading is None else reading.rows.get(action.target.key)
    return found


def _quorums(members: Iterable[Member], readings: Readings) -> Iterator[str]:
    """What is left of the clusters whose own servers these are."""
    servers: dict[str, list[Member]] = {}
    for member in members:
        if member.group is None and member.role in VOTING:
            servers.setdefault(member.source, []).append(member)
    for source, going in servers.items():
        reading = readings.get(FeedKey(source, "members"))
        rows = [] if reading is None else [row for row in reading.rows.values() if row.role in VOTING]
        gone = {member.key for member in going}
        left = sum(row.state is MemberState.UP and row.trouble is None and row.key not in gone for row in rows)
        quorum = replace(going[0].quorum or Quorum(len(rows), 0), up=left)
        means = "below its quorum: the cluster stops" if quorum.lost else quorum.consequence
        leader = next((member for member in going if member.role is Role.LEADER), None)
        leads = "" if leader is None else ", and it leads" if len(going) == 1 else f", and {leader.name} leads"
        they_are = "it is" if len(going) == 1 else "they are"
        yield f"{they_are} {_listed(going)} of {source}{leads}; {left} of {quorum.voters} stay up, {means}"


def _supervised(units: Sequence[Unit]) -> Iterator[str]:
    for source, kept in _by(units, lambda unit: unit.source).items():
        them = "it" if len(kept) == 1 else "them"
        yield f"{source} keeps {_listed(kept)} running and may start {them} again; restart does that in order"


def _siblings(units: Iterable[Unit], readings: Readings, *, again: bool) -> Iterator[str]:
    """What is left of the groups of their supervisors, if only until they are up `again`."""
    grouped = _by([unit for unit in units if ":" in unit.name], lambda unit: (unit.source, _group(unit)))
    for (source, group), going in grouped.items():
        reading = readings.get(FeedKey(source, "units"))
        if reading is None:
            continue
        rows = [row for row in reading.rows.values() if ":" in row.name and _group(row) == group]
        up = {row.key for row in rows if row.state is UnitState.RUNNING}
        left = len(up - {unit.key for unit in going})
        if len(rows) > 1:
            told = f"{left} stay up" if left > 1 else "1 stays up" if left else "none stays up"
            yield f"{group} has {len(up)} of {len(rows)} running; {told}{' meanwhile' if again else ''}"
        elif up:
            yield f"{going[0].name} is the only one of {group}"


def _group(unit: Unit) -> str:
    return unit.name.partition(":")[0]


def _groups(members: Iterable[Member], readings: Readings, sizes: Sizes) -> Iterator[str]:
    """What is left of the groups that they are registered in."""
    for (source, group), going in _by(members, lambda member: (member.source, member.group)).items():
        reading = readings.get(FeedKey(source, "instances"))
        if group is None or reading is None:
            continue
        there = [row.key for row in reading.rows.values() if row.group == group]
        wanted = sizes.get(source, {}).get(group)
        of = len(there) if wanted is None else max(len(there), wanted.size)
        left = len(set(there) - {member.key for member in going})
        them = "it" if len(going) == 1 else "them"
        yield f"{source} has {len(there)} of {of} in {group}; {left or 'none'} without {them}"


def _alerts(touched: Sequence[Touched], readings: Readings) -> Iterator[str]:
    known = [one.names for one in touched]
    for (_, noun), reading in readings.items():
        if noun == "alerts":
            for row in reading.rows.values():
                about = sum(_is_about(row, names) for names in known) if row.state is AlertState.FIRING else 0
                if about:
                    yield f"{row.name} is firing on {'it' if len(touched) == 1 else f'{about} of them'}"


def _by(rows: Iterable[Named], key: Callable[[Named], By]) -> dict[By, list[Named]]:
    """Rows in groups, in the order in which they come."""
    found: dict[By, list[Named]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _listed(rows: Sequence[Unit] | Sequence[Member]) -> str:
    return listed([row.name for row in rows])


def _is_about(alert: Alert, names: set[str]) -> bool:
    return bool(names & {value.lower() for value in alert.labels.values()})


def _unknown(readings: Readings) -> Iterator[str]:
    """Sources that could not be asked: what they would have said is not known."""
    for (source, noun), reading in readings.items():
        if noun in ("units", "alerts", "members", "instances") and reading.state is not State.LIVE:
            yield f"{noun} of {source} are not known: {reading.state.value}"
