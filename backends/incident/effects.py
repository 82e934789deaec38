"""What brought what about: problems that are effects of another one, folded into it. A pure function."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from msgspec.structs import replace

from backends.api.alerts import Alert
from backends.api.events import EventKind, Occurrence
from backends.api.metrics import ScrapeTarget
from backends.api.readings import FeedKey, Reading, Readings
from backends.host_port import is_loopback, split
from backends.incident.flapping import FLAPPING_WITHIN
from backends.incident.problems import Problem, ranked
from backends.relations import Index

EARLIER = 60.0
"""Seconds by which an effect may seem older than its cause: clocks differ, and some causes are told late."""
TRIED = FLAPPING_WITHIN
"""The same of a unit, which is tried again and again before it is said to have failed, or to flap."""


def folded(found: Sequence[Problem], readings: Readings, events: Iterable[Occurrence]) -> list[Problem]:
    """The problems, `ranked`, those that another one brought about in its `effects`; it is as grave as these.

    A target that is down, an alert on a target and a group whose missing instances are known are effects of the
    one server or unit that they are known to be about (who is or was registered at the address, or has a name
    that nothing else here has) where that is a problem, or its source is lost, and they did not begin before it.
    A group of which nobody is left is none: it says what those who use it meet, whoever is to blame. What is left
    is put together where it says the same: a target with the first alert on it, alerts of one name that began
    about together in a line that is about all of them, for none of them is why another one fires.
    """
    symptoms = [problem for problem in found if problem.is_symptom]
    if not symptoms or len(found) == 1:
        return list(found)
    causes = _Causes(found, readings, events)
    into: dict[str, Problem] = {}
    left: list[Problem] = []
    for problem in symptoms:
        cause = None if problem.old or problem.deserted else causes.of(problem)
        if cause is None:
            left.append(problem)
        else:
            into[problem.key] = cause
    together = [same for same in _alike(left) if len(same) > 1]
    lines_of = Counter((same[0].source, same[0].name) for same in together)
    joint = [_joint(same, alone=lines_of[same[0].source, same[0].name] == 1) for same in together]
    into |= _on_targets(left, causes)
    into |= {problem.key: line for line in joint for problem in line.effects}
    if not into:
        return list(found)
    effects: dict[str, list[Problem]] = {}
    for problem in symptoms:
        head = into.get(problem.key)
        if head is not None:
            # A target with its alert, and that with the others of its name.
            head = into.get(head.key, head)
            effects.setdefault(head.key, []).append(problem)
    return ranked(_with(p, effects.get(p.key, ())) for p in (*found, *joint) if p.key not in into)


def _with(problem: Problem, effects: Sequence[Problem]) -> Problem:
    if not effects:
        return problem
    severity = max(problem.severity, *(effect.severity for effect in effects))
    return replace(problem, effects=tuple(effects), severity=severity)


def _on_targets(left: Iterable[Problem], causes: _Causes) -> dict[str, Problem]:
    """Of the targets that have no known cause the alert that each stands behind, by its key."""
    on: dict[str, list[Problem]] = {}
    for problem in left:
        target = causes.target_of(problem) if problem.kind == "alerts" else None
        if target is not None:
            on.setdefault(target.key, []).append(problem)
    into: dict[str, Problem] = {}
    for problem in left:
        alerts = on.get(problem.row, ()) if problem.kind == "targets" else ()
        mine = [p for p in alerts if p.old == problem.old and not _before(p, problem, EARLIER)]
        if mine:
            into[problem.key] = min(mine, key=_age)
    return into


def _alike(left: Iterable[Problem]) -> list[list[Problem]]:
    """Alerts that say the same of different things and began about together, each the oldest first."""
    named: dict[object, list[Problem]] = {}
    for problem in left:
        if problem.kind == "alerts":
            named.setdefault((problem.source, problem.name, problem.severity, problem.old), []).append(problem)
    found: list[list[Problem]] = []
    for same in named.values():
        together: list[Problem] = []
        for problem in sorted(same, key=_age):
            # A new one must not hide among those that have fired for days.
            if not together or _before(together[0], problem, EARLIER):
                together = []
                found.append(together)
            together.append(problem)
    return found


def _joint(same: Sequence[Problem], *, alone: bool) -> Problem:
    """One line for alerts that say the same, since the first of them. `alone`: no other line is of that name, so
    that it stays the same line whichever of them ends first."""
    first = same[0]
    about = {problem.about for problem in same}
    why = f"on {', '.join(sorted(about))}" if all(about) else first.why
    return replace(first, why=why, row="", joint=first.name if alone else first.row, effects=tuple(same))


def _age(problem: Problem) -> tuple[float, str]:
    """For the oldest first; of which it is not known, last. A server tells of them in any order."""
    return float("inf") if problem.since is None else problem.since.timestamp(), problem.row


def _before(problem: Problem, other: Problem, by: float) -> bool:
    """Whether it is known to have begun before the other, by more than so many seconds."""
    if problem.since is None or other.since is None:
        return False
    return (other.since - problem.since).total_seconds() > by


class _Place(NamedTuple):
    """What a problem is known to be about: who is at an address, else who is called so."""

    name: str
    address: str | None = None


class _Causes:
    """What else is wrong, by what it is about. Of many rows only those are looked at that somebody asks for."""

    def __init__(self, found: Sequence[Problem], readings: Readings, events: Iterable[Occurrence]) -> None:
        self._readings, self._events = readings, events
        self._found = found
        self._lost = {problem.source: problem for problem in found if problem.lost is not None}
        self._own: dict[tuple[str, str], Problem] = {}
        for problem in found:
            if problem.kind in ("units", "members") and problem.row and not (problem.is_symptom or problem.old):
                row = self._row(problem, problem.kind)
                # A server with an alarm is up.
                if row is not None and problem.word != " ".join(getattr(row, "alarms", ())):
                    self._own[problem.source, problem.row] = problem
        self._about = {problem.key: self._places(problem) for problem in found if problem.is_symptom}

    def of(self, problem: Problem) -> Problem | None:
        """The one problem that brought this one about; None where that is not known."""
        each = [self._wrong(place) for place in self._about[problem.key]] if self._own or self._lost else []
        cause = each[0] if each else None
        if cause is None or any(other is not cause for other in each):
            return None
        tried = cause.lost is None and cause.kind == "units"
        return None if _before(problem, cause, TRIED if tried else EARLIER) else cause

    def target_of(self, problem: Problem) -> ScrapeTarget | None:
        """What an alert's labels name, where that is one target."""
        mine = self._targets.get(_named(self._row(problem, "alerts")), [])
        return mine[0] if len(mine) == 1 else None

    def _places(self, problem: Problem) -> list[_Place]:
        """All that a problem is about; nothing where that is not known."""
        if problem.missing:
            names = self._left.get((problem.source, problem.name), [])[: problem.missing]
            return [_Place(name) for name in names] if len(names) == problem.missing else []
        row = self._row(problem, "targets") if problem.kind == "targets" else self.target_of(problem)
        if not isinstance(row, ScrapeTarget) or (row.address is None and is_loopback(split(row.instance)[0])):
            return []
        return [_Place(row.instance, row.address)]

    def _wrong(self, place: _Place) -> Problem | None:
        """What is wrong with whatever is there, where that is one thing and no other."""
        there = self._index.at(place.address) if place.address else []
        things = there or self._index.at(place.name) or self._index.named(place.name)
        if not things:
            # Whoever was registered there last.
            names = {name for text in place if text for name in self._were_at.get(text, ())}
            things = [found for name in names for found in self._index.named(name)]
        if len(things) != 1:
            return None
        row = things[0].row
        return self._own.get((row.source, row.key)) or self._lost.get(row.source)

    @cached_property
    def _left(self) -> dict[tuple[str, str], list[str]]:
        """Who left each group and is not back, by source and group, the last who left first."""
        gone: dict[tuple[str, str], list[str]] = {}
        for source, group, name, _ in self._gone:
            gone.setdefault((source, group), []).append(name)
        return gone

    @cached_property
    def _were_at(self) -> dict[str, set[str]]:
        """The names under which those were registered at an address who are gone from it."""
        names: dict[str, set[str]] = {}
        for _, _, name, address in self._gone:
            if address is not None:
                names.setdefault(address, set()).add(name)
        return names

    @cached_property
    def _gone(self) -> list[tuple[str, str, str, str | None]]:
        """Who left and is not back, the last first: the source, the group, the name and the address."""
        last: dict[tuple[str, str], Occurrence] = {}
        for event in self._events:
            if event.kind in (EventKind.LEFT, EventKind.JOINED):
                for witness in event.witnesses:
                    known = last.setdefault((witness, event.target), event)
                    if (event.at, event.key) > (known.at, known.key):
                        last[witness, event.target] = event
        left = [(source, event) for (source, _), event in last.items() if event.kind is EventKind.LEFT]
        left.sort(key=lambda item: -item[1].at)
        split = ((source, event.target.partition("/"), event.address) for source, event in left)
        return [(source, group, name, address) for source, (group, slash, name), address in split if slash]

    @cached_property
    def _targets(self) -> dict[tuple[str, str, str], list[ScrapeTarget]]:
        """Those that alerts name."""
        wanted = {_named(self._row(problem, "alerts")) for problem in self._found if problem.kind == "alerts"}
        instances = {instance for _, _, instance in wanted}
        found: dict[tuple[str, str, str], list[ScrapeTarget]] = {}
        for key, reading in self._readings.items():
            for row in reading.rows.values() if key.noun == "targets" else ():
                if row.instance in instances:
                    found.setdefault((row.source, row.job, row.instance), []).append(row)
        return found

    @cached_property
    def _index(self) -> Index:
        """Of what can be a cause: the servers of clusters, and units."""
        wanted = {text for places in self._about.values() for place in places for text in place if text}
        wanted |= {name for text in wanted for name in self._were_at.get(text, ())}

        def rows(reading: Reading[Any]) -> dict[str, Any]:
            return {
                key: row
                for key, row in reading.rows.items()
                if row.name.rpartition(":")[2] in wanted or getattr(row, "address", None) in wanted
            }

        of = {key: reading for key, reading in self._readings.items() if key.noun in ("members", "units")}
        return Index({key: replace(reading, value=rows(reading)) for key, reading in of.items()})

    def _row(self, problem: Problem, noun: str) -> object:
        reading = self._readings.get(FeedKey(problem.source, noun))
        return None if reading is None else reading.rows.get(problem.row)


def _named(alert: object) -> tuple[str, str, str]:
    """The source, the job and the instance of an alert; of one that names no instance, nothing."""
    if not isinstance(alert, Alert) or not alert.labels.get("instance"):
        return "", "", ""
    return alert.source, alert.labels.get("job", ""), alert.labels["instance"]
