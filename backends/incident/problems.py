"""What is wrong now, and in which order: one pure function over what all feeds say, one check a noun. What
brought what about is in `effects`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from backends.api.alerts import Alert, AlertState
from backends.api.capabilities import kind_of
from backends.api.errors import BackendError
from backends.api.events import EventKind, Occurrence
from backends.api.members import Member, MemberState
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.readings import ILL, Reading, Readings, worst_by_source
from backends.api.runs import Run, RunState
from backends.api.units import Unit, UnitState
from backends.incident.error_lines import Burst
from backends.incident.expected_sizes import LARGEST_KEPT, Expected, unlisted
from backends.incident.flapping import FLAPPING_WITHIN, FLAPS, UnitOf, restarts

GONE, ROOT, GRAVE, SERIOUS, OLD = 4, 3, 2, 1, 0
"""A cluster that takes no writes is behind much else, and the servers that it lacks are behind that; what is
not known any more comes last."""
NO_WRITES = "the cluster takes no writes"
ALARMS = {"NOSPACE": f"its store is full: {NO_WRITES}", "CORRUPT": f"the members' data differ: {NO_WRITES}"}
"""What an alarm means (etcd.io/docs, "Maintenance" and "Data corruption")."""
HERE = "may have begun earlier"
"""Said of a time that is not when it began."""
FROZEN = "stopped: SIGCONT lets it go on"
DEPLOY_WRONG_FOR = timedelta(hours=1)
"""How long a deploy that went wrong is a problem, where none after it went well."""


class Problem(Struct, frozen=True):
    """One thing that is wrong. `since` is wall time, None where it is not known; `kind` and `row` are what to
    open for it: a kind's name ("logs" for the lines of a source, "" for one that could not be made) and the
    row's key ("" for none)."""

    severity: int
    name: str
    word: str
    since: datetime | None
    why: str
    source: str
    kind: str
    row: str = ""
    old: bool = False
    """The last word of a source that is lost: it may be over by now."""
    lost: tuple[tuple[str, int], ...] | None = None
    """Of a lost source: how many rows of each noun it told of last; None of anything else."""
    missing: int = 0
    """Of a group: how many instances it lacks."""
    deserted: bool = False
    """Whether it is a group of which nobody is left."""
    about: str = ""
    """Of an alert: the one thing that it is about, as far as a usual label says so."""
    joint: str = ""
    """Of a line for several alerts that say the same: the row of the first of them."""
    effects: tuple[Problem, ...] = ()
    """What it brought about, as far as that is known; they have none themselves. Of a `joint` line those that it
    is about, with their targets."""

    @property
    def is_symptom(self) -> bool:
        """Whether it tells how something fares for those who use or watch it: what else is wrong may be why."""
        told = (
            self.kind in ("targets", "alerts") or bool(self.missing) or (self.kind == "logs" and bool(self.row))
        )
        return told and self.lost is None

    @property
    def key(self) -> str:
        """The same for the same problem as long as it lasts."""
        return f"{self.kind}\0{self.source}\0{self.name}\0{self.word}\0{self.row}\0{self.joint}"


class Now(Struct, frozen=True):
    """A moment: monotonic seconds and the wall clock."""

    monotonic: float
    wall: datetime

    def ago(self, monotonic: float | None) -> datetime | None:
        return None if monotonic is None else self.wall - timedelta(seconds=self.monotonic - monotonic)


class Known(NamedTuple):
    """What one feed says, with what else its rows are held against: `sizes` by group, the `events` of late."""

    source: str
    rows: list[Any]
    reading: Reading[Any]
    now: Now
    sizes: Mapping[str, Expected]
    events: Iterable[Occurrence]
    unit_of: UnitOf


def problems(
    readings: Readings,
    broken: Iterable[tuple[str, BackendError]],
    sizes: Mapping[str, Mapping[str, Expected]],
    events: Iterable[Occurrence],
    now: Now,
    bursts: Iterable[Burst] = (),
    unit_of: UnitOf = lambda process: None,
) -> list[Problem]:
    """Everything that is wrong, as `ranked`. `sizes`: by source and group; `bursts`: the error rates that are up
    now; `unit_of`: to which unit a process belonged, by their keys."""
    found = [Problem(GRAVE, s, "broken", None, error.reason, s, "", "") for s, error in broken]
    found += _sources(readings, events, now)
    for (source, noun), reading in readings.items():
        if noun in CHECKS:
            rows = list(reading.value.values()) if isinstance(reading.value, Mapping) else []
            found += CHECKS[noun](Known(source, rows, reading, now, sizes.get(source, {}), events, unit_of))
    for burst in bursts:
        of = (burst.source, "logs", burst.target)
        found.append(Problem(SERIOUS, burst.target, "errors", burst.since, f"errors {burst.text}", *of))
    return ranked(found)


def ranked(found: Iterable[Problem]) -> list[Problem]:
    """The worst first; of equally grave ones possible causes before possible effects, then the newest."""
    return sorted(found, key=_rank)


def _rank(problem: Problem) -> tuple[object, ...]:
    since = math.inf if problem.since is None else -problem.since.timestamp()
    # Of what began at once the order is that of the names: a server may tell of it in another one each time.
    return -problem.severity, problem.is_symptom, since, problem.name, problem.source, problem.row


def _true(found: Iterable[Problem], reading: Reading[Any]) -> Iterable[Problem]:
    """As they are, or as the last word of a source that is lost: behind all that is known to be wrong now."""
    return [replace(p, severity=OLD, old=True) for p in found] if reading.state in ILL else found


def _sources(readings: Readings, events: Iterable[Occurrence], now: Now) -> Iterable[Problem]:
    ill = {key: reading for key, reading in readings.items() if reading.state in ILL}
    for (source, noun), reading in worst_by_source(ill).items():
        heard = [other.at for key, other in ill.items() if key.source == source and other.at is not None]
        since = now.ago(min(heard, default=None)) or _lost(source, events)
        why = "no answer" if reading.error is None else reading.error.reason
        told = [(key.noun, len(other.rows)) for key, other in ill.items() if key.source == source]
        lost = tuple((of, count) for of, count in told if of in CHECKS and count)
        yield Problem(GRAVE, source, reading.state.value, since, why, source, kind_of(noun), lost=lost)


def _lost(source: str, events: Iterable[Occurrence]) -> datetime | None:
    """When an earlier watch saw a source go that has said nothing to this one."""
    told = [event for event in events if event.kind is EventKind.SOURCE and event.target == source]
    last = max(told, key=lambda event: event.at, default=None)
    return None if last is None or not last.bad or last.after_gap else last.time


def _members(known: Known) -> Iterable[Problem]:
    source, now = known.source, known.now
    rows: list[Member] = known.rows
    # What a lost source said last is not what is wrong now.
    if known.reading.state in ILL:
        return
    leaderless = min((row.leaderless for row in rows if row.leaderless is not None), default=None)
    for row in rows:
        name, state = f"{source} {row.name}", row.state.value
        if row.state is not MemberState.UP or row.trouble is not None:
            word = state if row.trouble is None else row.trouble.word(state)
            since = None if row.trouble is None else row.trouble.as_of or now.ago(row.trouble.since)
            reason = "" if row.trouble is None else row.trouble.error.reason
            means = "" if row.quorum is None else row.quorum.consequence
            # How many answer tells how near it is to be lost.
            count = "" if row.quorum is None or row.quorum.lost else f"({row.quorum.count})"
            # One that still speaks is without a leader because of those that do not.
            gone = leaderless is not None and row.trouble is not None and row.role is None
            why = f"{'; '.join(text for text in (means, reason) if text)} {count}".rstrip()
            yield Problem(GONE if gone else GRAVE, name, word, since, why, source, "members", row.key)
        if row.alarms:
            means = "; ".join(ALARMS.get(alarm, "an alarm of the cluster's own") for alarm in row.alarms)
            why = f"{means}; {HERE}"
            yield Problem(GRAVE, name, " ".join(row.alarms), row.alarmed, why, source, "members", row.key)
    if leaderless is not None:
        yield Problem(ROOT, source, "no leader", leaderless, f"{NO_WRITES}; {HERE}", source, "members")


def _groups(known: Known) -> Iterable[Problem]:
    source, now = known.source, known.now
    rows: list[Member] = known.rows
    if known.reading.state in ILL or known.reading.value is None:
        return
    ill = [row for row in rows if row.trouble is not None]
    for row in {row.group: row for row in reversed(ill)}.values():
        if row.trouble is not None:
            count = sum(other.group == row.group for other in ill)
            of = "its instances" if row.state is MemberState.UNKNOWN else f"{count} of its instances"
            why = f"{of}: {row.trouble.error.reason}"
            since = row.trouble.as_of or now.ago(row.trouble.since)
            name = f"{source} {row.group}"
            yield Problem(SERIOUS, name, row.trouble.error.word, since, why, source, "members", row.key)
    sizes, unknown = Counter(row.group for row in rows), unlisted(rows)
    for group, wanted in known.sizes.items():
        if sizes[group] < wanted.size and group not in unknown:
            lately = wanted.below is None or now.monotonic - wanted.below <= LARGEST_KEPT
            one, seen = wanted.size == 1, "in the last 15 minutes" if lately else "before that"
            are, were = ("instance is", "instance was") if one else ("instances are", "instances were")
            why = f"{are} configured" if wanted.configured else f"{were} seen {seen}"
            why += f"; {HERE}" if wanted.found else ""
            word = f"{sizes[group]} of {wanted.size}"
            deserted = sizes[group] == 0
            severity = GRAVE if deserted else SERIOUS
            since, first = now.ago(wanted.below), next((row.key for row in rows if row.group == group), "")
            text = f"{wanted.size} {why}"
            missing = wanted.size - sizes[group]
            opens = (source, "members", first)
            yield Problem(severity, group, word, since, text, *opens, missing=missing, deserted=deserted)


def _units(known: Known) -> Iterable[Problem]:
    rows: list[Unit] = known.rows
    lately = restarts(rows, known.events, known.now.monotonic, known.unit_of)
    return _true(_failing(rows, lately), known.reading)


def _failing(rows: list[Unit], lately: Mapping[str, int]) -> Iterator[Problem]:
    """`lately`: how often each was restarted, by its key."""
    for row in rows:
        times = lately.get(row.key, 0)
        if row.state is UnitState.FAILED:
            why = row.spawn_error or (f"last exit {row.exit}" if row.exit is not None else row.native)
            yield Problem(GRAVE, row.name, "failed", row.since, why, row.source, "units", row.key)
        elif row.frozen:
            yield Problem(GRAVE, row.name, "frozen", row.frozen_since, FROZEN, row.source, "units", row.key)
        elif times >= FLAPS:
            why = f"{times} restarts in {FLAPPING_WITHIN / 60:g} min"
            why += f", exit {row.exit}" if row.exit is not None else ""
            yield Problem(SERIOUS, row.name, "flapping", row.since, why, row.source, "units", row.key)


def _alerts(known: Known) -> Iterable[Problem]:
    firing = (_alert(row) for row in known.rows if row.state is AlertState.FIRING)
    return _true(firing, known.reading)


def _runs(known: Known) -> Iterable[Problem]:
    return _true(_gone_wrong(known.rows, known.now), known.reading)


def _gone_wrong(rows: list[Run], now: Now) -> Iterable[Problem]:
    """The newest run of a deploy that went wrong, for an hour, or until a later one succeeded."""
    for row in sorted(rows, key=lambda row: row.started, reverse=True):
        if row.state is RunState.DONE:
            return
        since = row.ended or row.started
        if row.state in (RunState.FAILED, RunState.INTERRUPTED):
            if now.wall - since <= DEPLOY_WRONG_FOR:
                name, word = row.rollout, row.state.value
                yield Problem(GRAVE, name, word, since, row.message, row.source, "runs", row.key)
            return


def _alert(row: Alert) -> Problem:
    # Most summaries name what they are about.
    on = row.on if row.on and row.on not in row.summary else ""
    why = f"{row.summary}  {on}".strip()
    severity = SERIOUS if row.rank else GRAVE
    about = row.on or ""
    return Problem(severity, row.name, "firing", row.since, why, row.source, "alerts", row.key, about=about)


def _targets(known: Known) -> Iterable[Problem]:
    return _true((_target(row) for row in known.rows if row.state is TargetState.DOWN), known.reading)


def _target(row: ScrapeTarget) -> Problem:
    name = f"{row.job} {row.instance}"
    return Problem(SERIOUS, name, "down", row.since, row.error or "", row.source, "targets", row.key)


CHECKS: Mapping[str, Callable[[Known], Iterable[Problem]]] = {
    "members": _members,
    "instances": _groups,
    "units": _units,
    "alerts": _alerts,
    "targets": _targets,
    "runs": _runs,
}
"""What can be wrong with the rows of a noun; the Overview looks at each noun that has a row here."""
